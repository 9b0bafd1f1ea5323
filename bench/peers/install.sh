#!/bin/sh
# Installs what the benchmarks are compared with into bench/peers/.installed: nothing of it is needed to use Parley.
# Needs python3 with venv, npm and, for llama.cpp, cmake, make and g++. PyTorch alone is some gigabytes.
#
#   sh bench/peers/install.sh
set -eu
peers=$(cd "$(dirname "$0")" && pwd)
target=$peers/.installed
mkdir -p "$target/npm"

[ -x "$target/venv/bin/python" ] || python3 -m venv "$target/venv"
"$target/venv/bin/python" -m pip install --quiet --upgrade torch numpy tokenizers tiktoken

# A package of its own, or npm would take this folder for a part of the workspace.
[ -f "$target/npm/package.json" ] || echo '{ "name": "parley-bench-peers", "private": true }' >"$target/npm/package.json"
npm install --prefix "$target/npm" --workspaces=false --ignore-scripts --no-audit --no-fund onnxruntime-node @jax-js/jax

sh "$peers/install-llama-cpp.sh"
