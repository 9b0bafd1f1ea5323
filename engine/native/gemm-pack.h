// Packing: from a matrix in memory to the steps that computeTile() reads, rounding on the way. Two functions serve
// both operands of all products: one for matrices whose inner index is contiguous (a transpose of lanes x lanes
// elements in registers), one for matrices whose outer index is (an interleave of neighbouring rows).
//
// A strip is `width` (tileRows or panelColumns) outer indices by `steps` steps. Vectors are stored whole: if width is
// no multiple of lanes, a step overwrites the beginning of the next, which is stored later, and the last one runs
// over the end of the strip, where stripSize() leaves room.
//
// Activations come from main memory, in more streams than the hardware prefetches: both functions ask for what they
// will read next, into the second-level cache (doubles their speed; into the first level it gains nothing).
#pragma once
#include <algorithm>

#include "gemm-tile.h"
#include "gemm.h"

namespace parley::PARLEY_ISA {

template <int width>
constexpr int64_t stripSize(int64_t steps) {
  return width % lanes == 0 ? steps * width : (steps * width + 2 * lanes - 1) / lanes * lanes;
}

// Up to a whole transpose.
inline int64_t wholeSteps(int64_t steps) { return (steps + lanes - 1) / lanes * lanes; }

constexpr int64_t scatteredRows = 4;

// lanes steps of `rows` <= lanes rows, all of which exist: without a test for each, the block stays in registers.
template <class Format, int rows, class Number>
inline void loadBlock(const Number* row, int64_t stride, Floats (&block)[lanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < lanes; i++) {
    block[i] = i < rows ? Format::loadAlong(row + i * stride, lanes * Format::kPerStep) : Floats{};
  }
}

// The same at an edge, where only `rows` rows and `inners` k's exist.
template <class Format, class Number>
inline void loadPartOfBlock(const Number* row, int64_t stride, int64_t rows, int64_t inners, Floats (&block)[lanes]) {
  for (int i = 0; i < lanes; i++) block[i] = i < rows ? Format::loadAlong(row + i * stride, inners) : Floats{};
}

// A strip of which so few rows exist that a transpose would mostly move nothing: places of others stay as they are.
template <class Format, int width, class Number>
void scatterAlong(const Number* row, int64_t stride, int64_t outers, int64_t inners, float* __restrict strip) {
  const int64_t steps = (inners + Format::kPerStep - 1) / Format::kPerStep;
  for (int64_t i = 0; i < outers; i++) {
    for (int64_t step = 0; step < steps; step += lanes) {
      const int64_t k = step * Format::kPerStep, count = std::min<int64_t>(lanes, steps - step);
      float elements[lanes];
      store(elements, Format::loadAlong(row + i * stride + k, inners - k));
      float* const to = strip + step * width + i;
      for (int64_t j = 0; j < count; j++) to[j * width] = elements[j];
    }
  }
}

// One strip. `row` points to (first outer index, first k); `outers` of the strip and `inners` k's exist.
template <class Format, int width, class Number>
void packAlong(const Number* row, int64_t stride, int64_t outers, int64_t inners, float* __restrict strip) {
  static_assert(width < lanes || width % lanes == 0, "a group would overwrite the one before it");
  constexpr int rowsPerGroup = width < lanes ? width : lanes;
  if (width <= tileRows && outers <= scatteredRows) {
    return scatterAlong<Format, width>(row, stride, outers, inners, strip);
  }
  const int64_t steps = (inners + Format::kPerStep - 1) / Format::kPerStep;
  for (int64_t step = 0; step < steps; step += lanes) {
    const int64_t k = step * Format::kPerStep;
    for (int group = 0; group < width; group += lanes) {
      const Number* const first = row + group * stride + k;
      for (int i = 0; i < rowsPerGroup; i++) {
        const Number* const below = first + (i + width) * stride;  // where the next strip will read
        __builtin_prefetch(below, 0, 2);
        if (Format::kPerStep == 2) __builtin_prefetch(below + lanes, 0, 2);
      }
      float* const to = strip + step * width + group;
      const int64_t rows = std::clamp<int64_t>(outers - group, 0, rowsPerGroup);
      if (rows == rowsPerGroup && k + lanes * Format::kPerStep <= inners) {
        Floats block[lanes];
        loadBlock<Format, rowsPerGroup>(first, stride, block);
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < lanes; i++) store(to + i * width, block[i]);
      } else {
        Floats block[lanes];
        loadPartOfBlock<Format>(first, stride, rows, inners - k, block);
        transpose(block);
        const int64_t count = Format::inMatrixRegisters ? lanes : std::min<int64_t>(lanes, steps - step);
        for (int64_t i = 0; i < count; i++) store(to + i * width, block[i]);
      }
    }
  }
}

// Several adjacent strips at once, so that memory is read along its rows. `column` points to (first k, first outer).
template <class Format, int width, class Number>
void packAcross(const Number* column, int64_t stride, int64_t outers, int64_t inners, float* __restrict strips,
                int64_t stripStride) {
  constexpr int rowsAhead = 32;
  for (int64_t k = 0, step = 0; k < inners; k += Format::kPerStep, step++) {
    const Number* const at = column + k * stride;
    const Number* const next = k + 1 < inners ? at + stride : nullptr;
    float* to = strips + step * width;
    for (int64_t outer = 0; outer < outers; outer += width, to += stripStride) {
      for (int group = 0; group < width; group += lanes) {
        const int64_t i = outer + group, exist = outers - i;
        __builtin_prefetch(at + rowsAhead * stride + i, 0, 2);
        if (Format::kPerStep == 2) __builtin_prefetch(at + (rowsAhead + 1) * stride + i, 0, 2);
        const Number* const below = next == nullptr ? nullptr : next + i;
        // Written twice, so that the compiler leaves the masks out where whole vectors exist.
        if (exist >= lanes) store(to + group, Format::loadAcross(at + i, below, lanes));
        else store(to + group, Format::loadAcross(at + i, below, std::max<int64_t>(0, exist)));
      }
    }
  }
  if (!Format::inMatrixRegisters) return;
  const int64_t steps = (inners + Format::kPerStep - 1) / Format::kPerStep, whole = wholeSteps(steps);
  for (int64_t outer = 0; outer < outers; outer += width, strips += stripStride) {
    std::fill(strips + steps * width, strips + whole * width, 0.0f);
  }
}

// Adjacent strips, one after the other. `row` points to (first outer, first k).
template <class Format, int width, class Number>
void packAllAlong(const Number* row, int64_t stride, int64_t outers, int64_t inners, float* strips,
                  int64_t stripStride) {
  for (int64_t i = 0; i < outers; i += width, strips += stripStride) {
    packAlong<Format, width>(row + i * stride, stride, outers - i, inners, strips);
  }
}

template <class Format, int width, class Number>
void packStripsOf(const Number* data, int64_t stride, bool innerContiguous, int64_t outers, int64_t inners,
                  float* strips, int64_t stripStride) {
  if (innerContiguous) packAllAlong<Format, width>(data, stride, outers, inners, strips, stripStride);
  else packAcross<Format, width>(data, stride, outers, inners, strips, stripStride);
}

// Packs `outers` outer indices from `outer` on, and `inners` k's from `k` on, into consecutive strips.
template <class Format, int width>
void packStrips(const Operand& operand, int64_t outer, int64_t outers, int64_t k, int64_t inners, float* strips,
                int64_t stripStride) {
  const bool along = operand.innerContiguous;
  const Values from = operand.values + (along ? outer * operand.stride + k : k * operand.stride + outer);
  if (from.bf16) packStripsOf<Format, width>(from.halves(), operand.stride, along, outers, inners, strips, stripStride);
  else packStripsOf<Format, width>(from.floats(), operand.stride, along, outers, inners, strips, stripStride);
}

}  // namespace parley::PARLEY_ISA
