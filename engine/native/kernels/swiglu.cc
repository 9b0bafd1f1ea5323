// silu(gate) * up, where a row of the input holds `width` gates and then `width` ups; silu(g) = g * s, s = sigmoid(g).
//
//   dup = dy * g * s          dgate = dy * up * s * (1 + g * (1 - s))
#include "../binding.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t rowGrain = 8;

template <class Number>
void activateRow(const float* gate, const float* up, Number* out, int64_t width) {
  for (int64_t i = 0; i < width; i += lanes) {
    const int64_t rest = width - i;
    const Floats g = loadUpTo(rest, gate + i);
    storeUpTo(rest, out + i, g * sigmoid(g) * loadUpTo(rest, up + i));
  }
}

void swigluForward(Array<const float> gateUp, AnyArray y, int64_t rows) {
  const int64_t width = rows > 0 ? y.size / rows : 0;
  y.require(rows * width);
  gateUp.require(rows * width * 2);
  parallel(rows, rowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* const gate = gateUp.data + row * 2 * width;
      if (y.bf16) activateRow(gate, gate + width, y.halves() + row * width, width);
      else activateRow(gate, gate + width, y.floats() + row * width, width);
    }
  });
}

template <class Number>
void backwardRow(const float* gate, const float* dy, Number* dgate, bool add, int64_t width) {
  const float* const up = gate + width;
  const auto emit = [&](int64_t rest, Number* to, Floats value) {
    storeUpTo(rest, to, add ? loadUpTo(rest, to) + value : value);
  };
  for (int64_t i = 0; i < width; i += lanes) {
    const int64_t rest = width - i;
    const Floats g = loadUpTo(rest, gate + i), u = loadUpTo(rest, up + i), d = loadUpTo(rest, dy + i);
    const Floats s = sigmoid(g);
    emit(rest, dgate + i, d * u * s * (1.0f + g * (1.0f - s)));
    emit(rest, dgate + width + i, d * g * s);
  }
}

void swigluBackward(Array<const float> gateUp, Array<const float> dy, AnyArray dgateUp, bool add, int64_t rows) {
  const int64_t width = rows > 0 ? dy.size / rows : 0;
  dy.require(rows * width);
  gateUp.require(rows * width * 2);
  dgateUp.require(rows * width * 2);
  if (add && dgateUp.bf16) throw std::runtime_error("adds to float32 gradients only");
  parallel(rows, rowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float *const gate = gateUp.data + row * 2 * width, *const in = dy.data + row * width;
      if (dgateUp.bf16) backwardRow(gate, in, dgateUp.halves() + row * 2 * width, add, width);
      else backwardRow(gate, in, dgateUp.floats() + row * 2 * width, add, width);
    }
  });
}

}  // namespace

PARLEY_FAMILY(swiglu, kernel<swigluForward>("swigluForward", {"gateUp", "y", "rows"}),
              kernel<swigluBackward>("swigluBackward", {"gateUp", "dy", "dgateUp", "add", "rows"}));

}  // namespace parley::PARLEY_ISA
