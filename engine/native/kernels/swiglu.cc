// silu(gate) * up, where a row of the input holds `width` gates and then `width` ups; silu(g) = g * s, s = sigmoid(g).
//
//   dup = dy * g * s          dgate = dy * up * s * (1 + g * (1 - s))
#include "../binding.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t rowGrain = 8;

template <class In, class Out>
void activateRow(const In* gate, Out* out, int64_t width) {
  const In* const up = gate + width;
  forEachVector(width, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    storeUpTo(count, out + i, silu(loadUpTo(count, gate + i)) * loadUpTo(count, up + i));
  });
}

void swigluForward(AnyArray gateUp, AnyArray y, int64_t rows) {
  const int64_t width = rows > 0 ? y.size / rows : 0;
  y.require(rows * width);
  gateUp.require(rows * width * 2);
  typed(gateUp, [&](const auto* in) {
    typed(y, [&](auto* out) {
      parallel(rows, rowGrain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; row++) activateRow(in + row * 2 * width, out + row * width, width);
      });
    });
  });
}

template <class In, class Gradient, class Out>
void backwardRow(const In* gate, const Gradient* dy, Out* dgate, bool add, int64_t width) {
  const In* const up = gate + width;
  const auto emit = [&](int64_t count, Out* to, Floats value) __attribute__((always_inline)) {
    storeUpTo(count, to, add ? loadUpTo(count, to) + value : value);
  };
  forEachVector(width, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats g = loadUpTo(count, gate + i), u = loadUpTo(count, up + i), d = loadUpTo(count, dy + i);
    const Floats s = sigmoid(g);
    emit(count, dgate + i, d * u * s * (1.0f + g * (1.0f - s)));
    emit(count, dgate + width + i, d * g * s);
  });
}

void swigluBackward(AnyArray gateUp, AnyArray dy, AnyArray dgateUp, bool add, int64_t rows) {
  const int64_t width = rows > 0 ? dy.size / rows : 0;
  dy.require(rows * width);
  gateUp.require(rows * width * 2);
  dgateUp.require(rows * width * 2);
  if (add && dgateUp.bf16) throw std::runtime_error("adds to float32 gradients only");
  typed(gateUp, [&](const auto* in) {
    typed(dy, [&](const auto* gradient) {
      typed(dgateUp, [&](auto* out) {
        parallel(rows, rowGrain, [&](int64_t begin, int64_t end) {
          for (int64_t row = begin; row < end; row++) {
            backwardRow(in + row * 2 * width, gradient + row * width, out + row * 2 * width, add, width);
          }
        });
      });
    });
  });
}

}  // namespace

PARLEY_FAMILY(swiglu, kernel<swigluForward>("swigluForward", {"gateUp", "y", "rows"}),
              kernel<swigluBackward>("swigluBackward", {"gateUp", "dy", "dgateUp", "add", "rows"}));

}  // namespace parley::PARLEY_ISA
