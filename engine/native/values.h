// A tensor's values as kernels see them: float32, or bfloat16 where every reader would round them anyway.
#pragma once
#include <cstdint>

namespace parley {

struct Values {
  const void* data;
  bool bf16;

  Values(const float* data) : data(data), bf16(false) {}
  Values(const uint16_t* data) : data(data), bf16(true) {}

  const float* floats() const { return static_cast<const float*>(data); }
  const uint16_t* halves() const { return static_cast<const uint16_t*>(data); }

  // From an element on.
  Values operator+(int64_t elements) const { return bf16 ? Values(halves() + elements) : Values(floats() + elements); }
};

// body(a pointer to the values), of the type that they are stored in.
template <class Any, class Body>
void typed(const Any& values, Body body) {
  if (values.bf16) body(values.halves());
  else body(values.floats());
}

}  // namespace parley
