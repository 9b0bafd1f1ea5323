// Root-mean-square normalisation of one row, for the kernel of that name and for products that normalise rows on their
// way in: the same bits.
#pragma once
#include <cmath>
#include <cstdint>

#include "simd.h"

namespace parley::PARLEY_ISA {

// 1 / sqrt(mean(row^2) + epsilon)
inline float inverseRootMeanSquare(const float* row, int64_t width, float epsilon) {
  Floats squares{};
  for (int64_t i = 0; i < width; i += lanes) {
    const Floats value = loadUpTo(width - i, row + i);
    squares = fma(value, value, squares);
  }
  return 1.0f / std::sqrt(sum(squares) / float(width) + epsilon);
}

// out = in * scale * weight
template <class Number>
void normaliseRow(const float* in, const float* weight, Number* out, float scale, int64_t width) {
  for (int64_t i = 0; i < width; i += lanes) {
    const int64_t rest = width - i;
    storeUpTo(rest, out + i, loadUpTo(rest, in + i) * scale * loadUpTo(rest, weight + i));
  }
}

}  // namespace parley::PARLEY_ISA
