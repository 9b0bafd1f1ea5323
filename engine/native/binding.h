// How native kernels reach JavaScript.
//
// A kernel family is one file in kernels/. It is compiled once per instruction set (portable, avx2, avx512,
// avx512bf16, amx), each time inside namespace parley::PARLEY_ISA, and the addon exports the functions of the one that the
// processor supports (cpu.h). To add a family:
//
//   1. Write kernels/norm.cc:
//
//          #include "../binding.h"
//          #include "../pool.h"
//          #include "../simd.h"
//
//          namespace parley::PARLEY_ISA {
//          namespace {
//
//          // y = x * scale, over x[count].
//          void scaleForward(Array<const float> x, double scale, Array<float> y) {
//            y.require(x.size);
//            parallel(x.size, 16384, [&](int64_t begin, int64_t end) { ... });
//          }
//
//          }  // namespace
//
//          PARLEY_FAMILY(norm, kernel<scaleForward>("scaleForward", {"x", "scale", "y"}));
//
//          }  // namespace parley::PARLEY_ISA
//
//      The name given to PARLEY_FAMILY is the file's. build.ts finds the file; there is no list to edit.
//   2. Add the function's TypeScript signature to `Native` in addon.ts.
//
// Arguments are unpacked by the C++ signature: Array<float>, Array<double>, Array<int32_t>, Array<uint16_t>, Array<uint8_t> take
// a Float32Array, Float64Array, Int32Array, Uint16Array, Uint8Array (const or not); AnyArray a Float32Array or a Uint16Array of
// bfloat16; std::optional of them also takes null; double and float take a number, int64_t a whole number >= 0, bool a
// boolean, std::string a short string, napi_value anything as it is, Handle<T>& an object made by handle(). A first
// parameter of type napi_env is passed in. A function returns void, double, std::string or a napi_value. Wrong types
// and counts of arguments become JavaScript errors; lengths are the kernel's to check, with require(), before it
// touches memory. Any std::exception thrown outside a pool task becomes an error that begins with the kernel's name.
// Calls that return nothing can be recorded and made again (recording.h), so a kernel must do all of its work, checks
// of lengths and contents included, from its arguments alone.
//
// What a file in kernels/ must not do: hold objects with constructors at namespace scope (they would run, compiled
// for AVX-512, on processors without it) or define anything outside namespace parley::PARLEY_ISA. Inline functions of
// the standard library end up in several objects; build.ts links the weakest instruction set first, so that the copy
// which the linker keeps runs everywhere.
#pragma once
#include <node_api.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "flush.h"
#include "recording.h"
#include "values.h"

namespace parley {

// A view of a typed array, valid during the call.
template <class T>
struct Array {
  T* data;
  int64_t size;
  const char* name;

  T& operator[](int64_t index) const { return data[index]; }

  // Throws unless the array holds exactly `expected` elements.
  void require(int64_t expected) const {
    if (size != expected) {
      throw std::runtime_error(std::string(name) + " holds " + std::to_string(size) + " elements, expected " +
                               std::to_string(expected));
    }
  }
};

// A view of a typed array of floats or, as Uint16Array, of bfloat16 numbers.
struct AnyArray {
  void* data;
  bool bf16;
  int64_t size;
  const char* name;

  float* floats() const { return static_cast<float*>(data); }
  uint16_t* halves() const { return static_cast<uint16_t*>(data); }
  operator Values() const { return bf16 ? Values(halves()) : Values(floats()); }
  void require(int64_t expected) const { Array<void*>{nullptr, size, name}.require(expected); }
};

// A C++ object that JavaScript holds on to; destroyed when it is garbage-collected.
template <class T>
struct Handle {
  static constexpr uint64_t wanted = T::handleTag;
  const uint64_t tag = wanted;  // guards against a handle of another type
  std::unique_ptr<T> value;
};

template <class T>
napi_value handle(napi_env env, std::unique_ptr<T> value) {
  auto* box = new Handle<T>{T::handleTag, std::move(value)};
  napi_value result = nullptr;
  const auto release = [](napi_env, void* pointer, void*) { delete static_cast<Handle<T>*>(pointer); };
  if (napi_create_external(env, box, release, nullptr, &result) != napi_ok) {
    delete box;
    throw std::runtime_error("could not create a handle");
  }
  return result;
}

// One exported function.
struct Kernel {
  static constexpr int mostArguments = 24;
  const char* name;
  const char* arguments[mostArguments];
  napi_callback callback;
  bool recorded = true;  // whether a recording takes its calls, or is not concerned
};

struct Family {
  const Kernel* kernels;
  int count;
};

namespace detail {

[[noreturn]] inline void wrongType(const char* name, const char* expected) {
  throw std::runtime_error(std::string(name) + " is not " + expected);
}

template <class T>
struct ElementType;
template <>
struct ElementType<float> {
  static constexpr napi_typedarray_type type = napi_float32_array;
  static constexpr const char* article = "a Float32Array";
};
template <>
struct ElementType<int32_t> {
  static constexpr napi_typedarray_type type = napi_int32_array;
  static constexpr const char* article = "an Int32Array";
};
template <>
struct ElementType<uint8_t> {
  static constexpr napi_typedarray_type type = napi_uint8_array;
  static constexpr const char* article = "a Uint8Array";
};
template <>
struct ElementType<uint16_t> {
  static constexpr napi_typedarray_type type = napi_uint16_array;
  static constexpr const char* article = "a Uint16Array";
};

template <>
struct ElementType<double> {
  static constexpr napi_typedarray_type type = napi_float64_array;
  static constexpr const char* article = "a Float64Array";
};

template <class T>
struct Unpack;

template <class T>
struct Unpack<Array<T>> {
  static Array<T> from(napi_env env, napi_value value, const char* name) {
    using Element = ElementType<std::remove_const_t<T>>;
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
        type != Element::type) {
      wrongType(name, Element::article);
    }
    return {static_cast<T*>(data), int64_t(length), name};
  }
};

template <>
struct Unpack<AnyArray> {
  static AnyArray from(napi_env env, napi_value value, const char* name) {
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
        (type != napi_float32_array && type != napi_uint16_array)) {
      wrongType(name, "a Float32Array or a Uint16Array");
    }
    return {data, type == napi_uint16_array, int64_t(length), name};
  }
};

template <class T>
struct Unpack<std::optional<T>> {
  static std::optional<T> from(napi_env env, napi_value value, const char* name) {
    napi_valuetype type = napi_undefined;
    napi_typeof(env, value, &type);
    if (type == napi_null) return std::nullopt;
    return Unpack<T>::from(env, value, name);
  }
};

template <>
struct Unpack<napi_value> {
  static napi_value from(napi_env, napi_value value, const char*) { return value; }
};

template <>
struct Unpack<double> {
  static double from(napi_env env, napi_value value, const char* name) {
    double number = 0;
    if (napi_get_value_double(env, value, &number) != napi_ok) wrongType(name, "a number");
    return number;
  }
};

template <>
struct Unpack<float> {
  static float from(napi_env env, napi_value value, const char* name) {
    return float(Unpack<double>::from(env, value, name));
  }
};

template <>
struct Unpack<int64_t> {
  static int64_t from(napi_env env, napi_value value, const char* name) {
    const double number = Unpack<double>::from(env, value, name);
    if (!(number >= 0 && number <= 9007199254740991.0 && std::floor(number) == number)) {
      throw std::runtime_error(std::string(name) + " is " + std::to_string(number) + ", expected a whole number >= 0");
    }
    return int64_t(number);
  }
};

template <>
struct Unpack<bool> {
  static bool from(napi_env env, napi_value value, const char* name) {
    bool result = false;
    if (napi_get_value_bool(env, value, &result) != napi_ok) wrongType(name, "a boolean");
    return result;
  }
};

template <>
struct Unpack<std::string> {
  static std::string from(napi_env env, napi_value value, const char* name) {
    char buffer[256];
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, buffer, sizeof buffer, &length) != napi_ok) wrongType(name, "a string");
    return std::string(buffer, length);
  }
};

template <class T>
struct Unpack<Handle<T>&> {
  static Handle<T>& from(napi_env env, napi_value value, const char* name) {
    void* pointer = nullptr;
    if (napi_get_value_external(env, value, &pointer) != napi_ok ||
        static_cast<Handle<T>*>(pointer)->tag != T::handleTag) {
      wrongType(name, T::handleName);
    }
    return *static_cast<Handle<T>*>(pointer);
  }
};

inline napi_value toJavaScript(napi_env env, double number) {
  napi_value result = nullptr;
  napi_create_double(env, number, &result);
  return result;
}
inline napi_value toJavaScript(napi_env env, const std::string& text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}
inline napi_value toJavaScript(napi_env, napi_value value) { return value; }

template <class Result, class... Parameters>
struct Signature {
  static constexpr int arity = sizeof...(Parameters);

  static constexpr bool canBeRecorded = std::is_void_v<Result> && !(std::is_same_v<Parameters, napi_value> || ...);

  // A recording that is under way takes the call, if it comes to its end.
  template <class Function, size_t... I>
  static napi_value call(Function function, napi_env env, napi_value* values, const Kernel& kernel,
                         Recording* recording, std::index_sequence<I...>) {
    if (recording != nullptr && !canBeRecorded) {
      throw std::runtime_error("cannot be recorded, as JavaScript has a part in it");
    }
    const std::tuple<Parameters...> arguments{Unpack<Parameters>::from(env, values[I], kernel.arguments[I])...};
    if constexpr (!std::is_void_v<Result>) {
      return toJavaScript(env, std::apply(function, arguments));
    } else {
      std::apply(function, arguments);
      if constexpr (canBeRecorded) {
        if (recording != nullptr) {
          recording->add(kernel, [function, arguments] { std::apply(function, arguments); }, values, sizeof...(I));
        }
      }
      return nullptr;
    }
  }
};

template <auto Function, class Type = decltype(Function)>
struct Call;

template <auto Function, class Result, class... Parameters>
struct Call<Function, Result (*)(Parameters...)> : Signature<Result, Parameters...> {
  static constexpr auto bind(napi_env) { return Function; }
};

template <auto Function, class Result, class... Parameters>
struct Call<Function, Result (*)(napi_env, Parameters...)> : Signature<Result, Parameters...> {
  static auto bind(napi_env env) {
    return [env](Parameters... parameters) { return Function(env, std::forward<Parameters>(parameters)...); };
  }
};

template <auto Function>
napi_value trampoline(napi_env env, napi_callback_info info) {
  using Callee = Call<Function>;
  constexpr size_t arity = Callee::arity;
  napi_value values[arity + 1];
  size_t count = arity + 1;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const Kernel& kernel = *static_cast<const Kernel*>(data);
  try {
    if (count != arity) {
      throw std::runtime_error("called with " + std::to_string(count) + (count > arity ? " or more" : "") +
                               " arguments, expected " + std::to_string(arity));
    }
    const FlushDenormals flush;
    constexpr auto indices = std::make_index_sequence<arity>();
    Recording* const recording = kernel.recorded ? currentRecording() : nullptr;
    return Callee::call(Callee::bind(env), env, values, kernel, recording, indices);
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, nullptr, (std::string(kernel.name) + ": out of memory").c_str());
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, (std::string(kernel.name) + ": " + error.what()).c_str());
  }
  return nullptr;
}

}  // namespace detail

template <auto Function, size_t N>
constexpr Kernel kernel(const char* name, const char* const (&arguments)[N]) {
  static_assert(N == detail::Call<Function>::arity, "name every argument");
  static_assert(N <= Kernel::mostArguments, "raise Kernel::mostArguments");
  Kernel result{name, {}, &detail::trampoline<Function>};
  for (size_t i = 0; i < N; i++) result.arguments[i] = arguments[i];
  return result;
}

template <auto Function>
constexpr Kernel kernel(const char* name) {
  static_assert(detail::Call<Function>::arity == 0, "name every argument");
  return Kernel{name, {}, &detail::trampoline<Function>};
}

// What is not part of a computation: recordings are not concerned.
constexpr Kernel unrecorded(Kernel kernel) {
  kernel.recorded = false;
  return kernel;
}

}  // namespace parley

#define PARLEY_FAMILY(family, ...)                                                                 \
  static constexpr ::parley::Kernel family##Kernels[] = {__VA_ARGS__};                             \
  extern const ::parley::Family family##Family;                                                    \
  constexpr ::parley::Family family##Family{family##Kernels,                                       \
                                            int(sizeof family##Kernels / sizeof family##Kernels[0])}
