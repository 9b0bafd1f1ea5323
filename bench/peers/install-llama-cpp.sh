#!/bin/sh
# Builds llama.cpp natively for this machine's processor, from the sources that the Python package llama-cpp-python
# carries, into bench/peers/.installed/llama.cpp. Needs pip, cmake, make and g++ (or Clang, see below); takes some minutes.
#
#   sh bench/peers/install-llama-cpp.sh
set -eu
version=0.3.36
here=$(cd "$(dirname "$0")" && pwd)/.installed
target=$here/llama.cpp
if [ -x "$target/bin/llama-bench" ] && [ -x "$target/bin/llama-batched-bench" ]; then
  echo "$target is built already."
  exit 0
fi
for tool in cmake make g++; do
  command -v "$tool" >/dev/null || { echo "$tool is missing. Debian/Ubuntu: sudo apt-get install cmake make g++" >&2; exit 1; }
done

# Before version 13, GCC compiles llama.cpp's use of matrix registers into a crash (its issue 20824): there Clang does it.
if grep -qsw amx_tile /proc/cpuinfo && [ "$(g++ -dumpversion | cut -d. -f1)" -lt 13 ]; then
  for compiler in clang clang-19 clang-18 clang-17 clang-16; do
    command -v "$compiler" >/dev/null && break
  done
  command -v "$compiler" >/dev/null || {
    echo "Clang is missing. Debian/Ubuntu: sudo apt-get install clang-16 libomp-16-dev" >&2
    exit 1
  }
  export CC="$compiler" CXX="clang++${compiler#clang}"
fi

archive=$here/llama_cpp_python-$version.tar.gz
source=$here/llama.cpp.source
mkdir -p "$target/bin" "$source"
if [ ! -f "$archive" ]; then
  python3 -m pip download --quiet --no-deps --no-binary :all: "llama-cpp-python==$version" --dest "$here"
fi
tar -xzf "$archive" -C "$source" --strip-components=3 "llama_cpp_python-$version/vendor/llama.cpp"
# Native code for this processor; OpenMP as llama.cpp builds it by default; nothing that fetches or serves.
cmake -S "$source" -B "$source/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF \
  -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF \
  -DLLAMA_BUILD_TOOLS=ON >"$here/llama.cpp.log" 2>&1
cmake --build "$source/build" --target llama-bench llama-batched-bench --parallel "${JOBS:-2}" >>"$here/llama.cpp.log" 2>&1
cp "$source/build/bin/llama-bench" "$source/build/bin/llama-batched-bench" "$target/bin/"
rm -rf "$source"
echo "$target is built."
