// Small matrix products on operands that lie in the cache, for attention.
//
// Operands are made of 32-bit elements in the formats of gemm-tile.h: an element is a number, or in bf16 the pair of
// numbers that are neighbours along the inner index. Unlike the packed strips of a big product they stay plain
// matrices, a row-major array of elements each, so that one may be cut anywhere and be written by a softmax:
//
//     c[m][n] (+)= sum over e of a[m][e] * b[e][n]          a's element broadcast, b's elements in a vector
//
// A matrix x[r][c] becomes an operand in one of four ways:
//
//     alongRows      x[r][c / kPerStep]    a of a product over c        its transpose [c / kPerStep][r] is b of it
//     acrossRows     x[r / kPerStep][c]    b of a product over r        its transpose [c][r / kPerStep] is a of it
//
// Elements are moved about as floats, which keeps their bits.
#pragma once
#include "../gemm-amx.h"
#include "../gemm-tile.h"

namespace parley::PARLEY_ISA {

constexpr int blockRows = lanes == 16 ? 8 : 4;  // rows of the micro-kernel; its columns are panelColumns

// Rows of a product, and the numbers that it sums over, come in multiples of this.
constexpr int wholeRows = matrixRegisters ? matrixTileRows : blockRows;

// x[rows][columns] to elements, along rows. Columns are a multiple of panelColumns.
template <class Format>
void alongRows(const float* from, float* to, int64_t rows, int64_t columns) {
  constexpr int64_t step = lanes * Format::kPerStep;
  for (int64_t i = 0; i < rows * columns; i += step, to += lanes) store(to, Format::loadAlong(from + i, step));
}

// The same of a row that is in two vectors.
template <class Format>
void storeAlong(float* to, Floats first, Floats second) {
  store(to, Format::along(first, second));
  if (Format::kPerStep == 1) store(to + lanes, Format::along(second, second));
}

// x[rows][columns] to elements, across rows. Rows are even.
template <class Format>
void acrossRows(const float* from, float* to, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row += Format::kPerStep, from += Format::kPerStep * columns, to += columns) {
    for (int64_t i = 0; i < columns; i += lanes) {
      store(to + i, Format::loadAcross(from + i, from + columns + i, lanes));
    }
  }
}

// from[rows][columns] to to[columns][rows]; both in multiples of lanes.
inline void transposed(const float* from, int64_t fromStride, float* to, int64_t toStride, int64_t rows,
                       int64_t columns) {
  for (int64_t row = 0; row < rows; row += lanes) {
    for (int64_t column = 0; column < columns; column += lanes) {
      Floats block[lanes];
      for (int i = 0; i < lanes; i++) block[i] = load(from + (row + i) * fromStride + column);
      transpose(block);
      for (int i = 0; i < lanes; i++) store(to + (column + i) * toStride + row, block[i]);
    }
  }
}

// c[blockRows][panelColumns] (+)= a[blockRows][steps] * b[steps][panelColumns]
template <class Format>
void multiplyBlock(const float* __restrict a, int64_t aStride, const float* __restrict b, int64_t bStride, float* c,
                   int64_t cStride, int64_t steps, bool add) {
  Floats sums[blockRows][2];
#pragma GCC unroll 16
  for (int r = 0; r < blockRows; r++) {
    sums[r][0] = add ? load(c + r * cStride) : Floats{};
    sums[r][1] = add ? load(c + r * cStride + lanes) : Floats{};
  }
  for (int64_t step = 0; step < steps; step++, b += bStride) {
    const auto b0 = Format::asElement(load(b)), b1 = Format::asElement(load(b + lanes));
#pragma GCC unroll 16
    for (int r = 0; r < blockRows; r++) {
      const auto element = Format::broadcastElement(a + r * aStride + step);
      sums[r][0] = Format::multiplyAdd(element, b0, sums[r][0]);
      sums[r][1] = Format::multiplyAdd(element, b1, sums[r][1]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < blockRows; r++) {
    store(c + r * cStride, sums[r][0]);
    store(c + r * cStride + lanes, sums[r][1]);
  }
}

// The same for matrixTileRows, in matrix registers; steps in multiples of stepsPerMatrix. An element's 4 bytes lie where
// the registers want them.
template <class Format>
void multiplyMatrixBlock(const float* a, int64_t aStride, const float* b, int64_t bStride, float* c, int64_t cStride,
                         int64_t steps, bool add) {
  const int64_t aBytes = aStride * bytesPerStep, bBytes = bStride * bytesPerStep;
  if (add) loadMatrixSums({{c, cStride}});
  else zeroMatrixSums();
  for (int64_t step = 0; step < steps; step += stepsPerMatrix, a += stepsPerMatrix, b += stepsPerMatrix * bStride) {
    multiplyMatrices<Format>(a, aBytes, b, bBytes);
  }
  storeMatrixSums({{c, cStride}});
}

// c[rows][columns] (+)= a[rows][steps] * b[steps][columns]; rows in multiples of wholeRows, columns of panelColumns.
template <class Format>
void multiplySmall(const float* a, int64_t aStride, const float* b, int64_t bStride, float* c, int64_t cStride,
                   int64_t rows, int64_t columns, int64_t steps, bool add) {
  constexpr int rowsAtOnce = Format::inMatrixRegisters ? matrixTileRows : blockRows;
  for (int64_t column = 0; column < columns; column += panelColumns) {
    for (int64_t row = 0; row < rows; row += rowsAtOnce) {
      const float* const from = a + row * aStride;
      float* const to = c + row * cStride + column;
      if constexpr (Format::inMatrixRegisters) {
        multiplyMatrixBlock<Format>(from, aStride, b + column, bStride, to, cStride, steps, add);
      } else {
        multiplyBlock<Format>(from, aStride, b + column, bStride, to, cStride, steps, add);
      }
    }
  }
}

}  // namespace parley::PARLEY_ISA
