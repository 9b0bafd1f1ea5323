// silu(gate) * up, where a row of the input holds `width` gates and then `width` ups; silu(g) = g * s, s = sigmoid(g).
//
//   dup = dy * g * s          dgate = dy * up * s * (1 + g * (1 - s))
#include "../binding.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t rowGrain = 8;

void swigluForward(Array<const float> gateUp, Array<float> y, int64_t rows) {
  const int64_t width = rows > 0 ? y.size / rows : 0;
  y.require(rows * width);
  gateUp.require(rows * width * 2);
  parallel(rows, rowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float *gate = gateUp.data + row * 2 * width, *up = gate + width;
      float* out = y.data + row * width;
      int64_t i = 0;
      for (; i + lanes <= width; i += lanes) {
        const Floats g = load(gate + i);
        store(out + i, g * sigmoid(g) * load(up + i));
      }
      if (i < width) {
        const Floats g = loadPartial(gate + i, width - i);
        storePartial(out + i, g * sigmoid(g) * loadPartial(up + i, width - i), width - i);
      }
    }
  });
}

void swigluBackward(Array<const float> gateUp, Array<const float> dy, Array<float> dgateUp, bool add, int64_t rows) {
  const int64_t width = rows > 0 ? dy.size / rows : 0;
  dy.require(rows * width);
  gateUp.require(rows * width * 2);
  dgateUp.require(rows * width * 2);
  const auto emit = [&](float* to, Floats value, int64_t rest) {
    if (rest >= lanes) store(to, add ? load(to) + value : value);
    else storePartial(to, add ? loadPartial(to, rest) + value : value, rest);
  };
  parallel(rows, rowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float *gate = gateUp.data + row * 2 * width, *up = gate + width, *in = dy.data + row * width;
      float *dgate = dgateUp.data + row * 2 * width, *dup = dgate + width;
      for (int64_t i = 0; i < width; i += lanes) {
        const int64_t rest = width - i;
        const bool whole = rest >= lanes;
        const Floats g = whole ? load(gate + i) : loadPartial(gate + i, rest);
        const Floats u = whole ? load(up + i) : loadPartial(up + i, rest);
        const Floats d = whole ? load(in + i) : loadPartial(in + i, rest);
        const Floats s = sigmoid(g);
        emit(dgate + i, d * u * s * (1.0f + g * (1.0f - s)), rest);
        emit(dup + i, d * g * s, rest);
      }
    }
  });
}

}  // namespace

PARLEY_FAMILY(swiglu, kernel<swigluForward>("swigluForward", {"gateUp", "y", "rows"}),
              kernel<swigluBackward>("swigluBackward", {"gateUp", "dy", "dgateUp", "add", "rows"}));

}  // namespace parley::PARLEY_ISA
