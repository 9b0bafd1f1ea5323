// Products with so few rows that each number of b enters no more than a handful of multiplications: packing b would
// cost more than multiplying with it. Here a panel of b goes from memory through the registers into the sums.
//
//   b by rows      lanes x lanes elements at a time are transposed in registers, as packAlong() does, and used there.
//   b by columns   adjacent columns are a vector already.
//
// The rows of a are packed as ever: they are read once for every panel. A sum runs through k in the order of
// computeTile(), so its bits are the same.
#pragma once
#include <algorithm>

#include "gemm-pack.h"
#include "gemm-tile.h"
#include "gemm.h"

namespace parley::PARLEY_ISA {

// Above this many rows packing pays: transposing 256 elements takes as long as 64 multiplications of vectors, of which
// a row needs 16.
constexpr int thinRows = 4;

template <class Format, int rows>
struct ThinTile {
  using Arithmetic = typename Format::Arithmetic;
  using Sums = typename Arithmetic::Sums;

  // One step: `element` of b times the step's elements of a.
  static void add(const float* a, Floats element, Sums (&sums)[rows]) {
    const auto b = Arithmetic::asElement(element);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
      sums[r] = Arithmetic::multiplyAdd(Arithmetic::broadcastElement(a + r), b, sums[r]);
    }
  }

  // Half a panel. `b` points to (first column, first k) of a matrix by rows.
  template <Sums RowSums<Sums>::*half, class Number>
  static void addAlong(const float* a, const Number* b, int64_t stride, int64_t columns, int64_t inner,
                       RowSums<Sums> (&all)[rows]) {
    constexpr int64_t whole = lanes * Format::kPerStep;
    constexpr int64_t ahead = 2 * whole;
    Sums sums[rows];  // of their own: what `all` refers to might be a part of b
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) sums[r] = all[r].*half;
    int64_t k = 0;
    for (; columns >= lanes && k + whole <= inner; k += whole, a += lanes * tileRows) {
      Floats block[lanes];
#pragma GCC unroll 16
      for (int i = 0; i < lanes; i++) __builtin_prefetch(b + i * stride + k + ahead);
      loadBlock<Format, lanes>(b + k, stride, block);
      transpose(block);
#pragma GCC unroll 16
      for (int i = 0; i < lanes; i++) add(a + i * tileRows, block[i], sums);
    }
    for (; k < inner; k += whole, a += lanes * tileRows) {
      Floats block[lanes];
      loadPartOfBlock<Format>(b + k, stride, std::min<int64_t>(columns, lanes), inner - k, block);
      transpose(block);
      const int64_t steps = std::min<int64_t>(lanes, (inner - k + Format::kPerStep - 1) / Format::kPerStep);
      for (int i = 0; i < steps; i++) add(a + i * tileRows, block[i], sums);
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) all[r].*half = sums[r];
  }

  // `b` points to (first k, first column) of a matrix by columns.
  template <class Number>
  static void addAcross(const float* a, const Number* b, int64_t stride, int64_t columns, int64_t inner,
                        RowSums<Sums> (&all)[rows]) {
    constexpr int rowsAhead = 16;
    Sums first[rows], second[rows];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) first[r] = all[r].first, second[r] = all[r].second;
    const bool whole = columns >= panelColumns;
    for (int64_t k = 0; k < inner; k += Format::kPerStep, a += tileRows) {
      const Number* const at = b + k * stride;
      const Number* const next = k + 1 < inner ? at + stride : nullptr;
      const Number* const nextHalf = k + 1 < inner ? at + stride + lanes : nullptr;
      __builtin_prefetch(at + rowsAhead * stride);
      __builtin_prefetch(at + rowsAhead * stride + lanes);
      add(a, Format::loadAcross(at, next, whole ? lanes : columns), first);
      if (columns > lanes) add(a, Format::loadAcross(at + lanes, nextHalf, whole ? lanes : columns - lanes), second);
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) all[r] = {first[r], second[r]};
  }

  template <class Number>
  static void addPanel(const float* a, const Number* b, const Operand& operand, int64_t columns, int64_t inner,
                       RowSums<Sums> (&sums)[rows]) {
    if (!operand.innerContiguous) return addAcross(a, b, operand.stride, columns, inner, sums);
    addAlong<&RowSums<Sums>::first>(a, b, operand.stride, columns, inner, sums);
    if (columns > lanes) addAlong<&RowSums<Sums>::second>(a, b + lanes * operand.stride, operand.stride, columns - lanes, inner, sums);
  }

  // A panel of `columns` from `column` on, of b's `inner` k's from `k` on; `a` holds its rows packed.
  template <class Output>
  static void compute(const float* a, const Operand& b, int64_t column, int64_t columns, int64_t k, int64_t inner,
                      const Output& output) {
    RowSums<Sums> sums[rows];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) sums[r] = output.start(r);
    const Values from = b.values + (b.innerContiguous ? column * b.stride + k : k * b.stride + column);
    if (from.bf16) addPanel(a, from.halves(), b, columns, inner, sums);
    else addPanel(a, from.floats(), b, columns, inner, sums);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) output.finish(r, sums[r]);
  }
};

template <class Format, class Output>
__attribute__((noinline)) void computeThinTile(int64_t rows, const float* a, const Operand& b, int64_t column, int64_t columns, int64_t k,
                     int64_t inner, const Output& output) {
  switch (rows) {
    case 1: return ThinTile<Format, 1>::compute(a, b, column, columns, k, inner, output);
    case 2: return ThinTile<Format, 2>::compute(a, b, column, columns, k, inner, output);
    case 3: return ThinTile<Format, 3>::compute(a, b, column, columns, k, inner, output);
    default: return ThinTile<Format, 4>::compute(a, b, column, columns, k, inner, output);
  }
}

}  // namespace parley::PARLEY_ISA
