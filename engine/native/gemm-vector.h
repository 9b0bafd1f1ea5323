// A product in f32 with a single row or column of outputs: a matrix times a vector. Each number of the matrix enters one
// multiplication, so reading it is all that takes time, and the order of sums that tiles keep to (gemm.h) would be in the
// way: by rows it wants a transpose of the whole matrix, by columns each thread would read a part of every row. Rows lie
// a power of two apart as a rule, and parts of such rows share a part of the cache's sets. So sums have an order of their
// own here, which depends neither on the number of outputs nor of threads:
//
//   matrix by rows      an output is a dot product in `lanes` parts, one for every k of the same remainder
//   matrix by columns   64 k's at a time make sums for all outputs, from one run of memory; those are added in order
//
// 1.7 times as fast by rows and 1.5 to 4 times by columns, for 512 to 1536 outputs of 512 to 2048 k's on two Xeon cores.
#pragma once
#include <algorithm>

#include "gemm-loops.h"
#include "gemm.h"

namespace parley::PARLEY_ISA {

class MatrixTimesVector {
 public:
  // `vector` has one outer index, `matrix` `count`.
  MatrixTimesVector(const Team& team, const Operand& matrix, const Operand& vector, int64_t count, int64_t inner)
      : team(team), matrix(matrix), vector(numbersOf(vector, inner)), count(count), inner(inner) {}

  // Outputs are `step` numbers apart, what they start from `initialStep`.
  void multiply(const Output& output, int64_t step, int64_t initialStep) const {
    const auto put = [&](int64_t i, float sum) {
      output.data[i * step] = output.initial == nullptr ? sum : output.initial[i * initialStep] + sum;
    };
    typed(matrix.values, [&](const auto* numbers) {
      if (matrix.innerContiguous) multiplyByRows(numbers, put);
      else multiplyByColumns(numbers, put);
    });
  }

 private:
  static constexpr int64_t rowsPerRun = 256, innerPerBlock = 64, blocksPerRun = 8;
  static constexpr int rowsTogether = 8;
  static constexpr int vectorsTogether = lanes == 16 ? 16 : 8;  // half of the registers

  const Team& team;
  const Operand& matrix;
  const float* const vector;
  const int64_t count, inner;

  static const float* numbersOf(const Operand& vector, int64_t inner) {
    const int64_t step = vector.innerContiguous ? 1 : vector.stride;
    if (!vector.values.bf16 && step == 1) return vector.values.floats();
    float* const copy = ownScratch().a.atLeast(inner);
    typed(vector.values, [&](const auto* numbers) {
      for (int64_t k = 0; k < inner; k++) copy[k] = asFloat(numbers[k * step]);
    });
    return copy;
  }

  template <class Number, class Put>
  void multiplyByRows(const Number* numbers, const Put& put) const {
    WorkQueue& queue = sharedScratch(team).queue;
    if (team.thread == 0) queue.reset(count, rowsPerRun, team.threads);
    team.followFirst();
    queue.forEachRun(team, [&](Range run) {
      int64_t row = run.begin;
      for (; row + rowsTogether <= run.end; row += rowsTogether) dotProducts<rowsTogether>(numbers, row, put);
      for (; row < run.end; row++) dotProducts<1>(numbers, row, put);
    });
  }

  template <int rows, class Number, class Put>
  void dotProducts(const Number* numbers, int64_t row, const Put& put) const {
    const Number* const first = numbers + row * matrix.stride;
    Floats parts[rows] = {};
    forEachVector(inner, [&](int64_t k, int64_t present) __attribute__((always_inline)) {
      const Floats here = FloatFormat::loadAlong(vector + k, present);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) {
        parts[r] = fma(FloatFormat::loadAlong(first + r * matrix.stride + k, present), here, parts[r]);
      }
    });
    for (int r = 0; r < rows; r++) put(row + r, sum(parts[r]));
  }

  template <class Number, class Put>
  void multiplyByColumns(const Number* numbers, const Put& put) const {
    const int64_t blocks = std::max<int64_t>(1, ceilDivide(inner, innerPerBlock));
    Scratch& scratch = sharedScratch(team);
    if (team.thread == 0) {
      scratch.b.atLeast(blocks * count);
      scratch.queue.reset(blocks, blocksPerRun, team.threads);
    }
    team.followFirst();
    float* const sums = scratch.b.data();
    scratch.queue.forEachRun(team, [&](Range run) {
      for (int64_t block = run.begin; block < run.end; block++) {
        const int64_t k = block * innerPerBlock;
        sumBlock(numbers + k * matrix.stride, vector + k, std::min(innerPerBlock, inner - k), sums + block * count);
      }
    });
    team.barrier();
    const Range mine = team.share(count);
    for (int64_t block = 1; block < blocks; block++) {
      const float* const more = sums + block * count;
      for (int64_t i = mine.begin; i < mine.end; i++) sums[i] += more[i];
    }
    for (int64_t i = mine.begin; i < mine.end; i++) put(i, sums[i]);
  }

  template <class Number>
  void sumBlock(const Number* numbers, const float* factors, int64_t inners, float* to) const {
    constexpr int64_t together = vectorsTogether * lanes;
    int64_t i = 0;
    for (; i + together <= count; i += together) sumColumns<vectorsTogether>(numbers + i, factors, inners, lanes, to + i);
    for (; i < count; i += lanes) sumColumns<1>(numbers + i, factors, inners, std::min<int64_t>(lanes, count - i), to + i);
  }

  // Of the last vector `present` columns exist.
  template <int vectors, class Number>
  void sumColumns(const Number* row, const float* factors, int64_t inners, int64_t present, float* to) const {
    Floats sums[vectors] = {};
    for (int64_t k = 0; k < inners; k++, row += matrix.stride) {
      const Floats factor = broadcast(factors[k]);
#pragma GCC unroll 16
      for (int v = 0; v < vectors; v++) {
        const Floats numbers = FloatFormat::loadAlong(row + v * lanes, vectors == 1 ? present : lanes);
        sums[v] = fma(numbers, factor, sums[v]);
      }
    }
    for (int v = 0; v < vectors; v++) storeUpTo(vectors == 1 ? present : lanes, to + v * lanes, sums[v]);
  }
};

}  // namespace parley::PARLEY_ISA
