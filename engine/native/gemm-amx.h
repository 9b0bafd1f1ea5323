// Tiles of sums in matrix registers, for processors that have them (AMX): one instruction multiplies 16 rows of a by 16
// columns of b over 16 steps, 32 k's in bf16 or 64 in int8, and adds to 256 sums. That is sixteen times what a vector
// instruction does in bf16.
//
// Eight registers of 16 rows of 64 bytes hold
//
//            b: 16 steps x 32 columns                 tmm6 tmm7
//     a: 32 rows x 16 steps   tmm4     32 x 32 sums   tmm0 tmm1
//                             tmm5                    tmm2 tmm3
//
// so that four multiplications (64 cycles) share four loads (32 cycles). A panel of b is what it is for the tiles of
// gemm-tile.h: its steps are the rows that tmm6 and tmm7 take. A strip of a is not: here each of its rows is a row of a
// register, so it keeps the order of a matrix by rows
//
//     row 0: step 0, step 1 ... | row 1: step 0 ...
//
// Both operands have zeros after their last step, up to a multiple of 16. Rows and columns that do not exist are
// computed from whatever lies there, and stay in the registers.
//
// The sum of 32 k's is made first, even and odd ones apart, and then added to what was there (Intel's instruction set
// reference, TDPBF16PS); numbers too small to be normal count as 0. The order depends on nothing but k.
#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "gemm-pack.h"

namespace parley::PARLEY_ISA {

// The compiler's own intrinsics do not say that they read memory (GCC 12).
#define TILE_LOAD(tile, from, stride) \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(from), "r"(int64_t(stride)) : "memory")
#define TILE_STORE(tile, to, stride) \
  __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(to), "r"(int64_t(stride)) : "memory")
#define TILE_ZERO(tile) __asm__ volatile("tilezero %%tmm" #tile ::)
#define TILE_MULTIPLY_BF16(sums, a, b) \
  __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sums ::)
#define TILE_MULTIPLY_INT8(sums, a, b) __asm__ volatile("tdpbusd %%tmm" #b ", %%tmm" #a ", %%tmm" #sums ::)
#define TILE_MULTIPLY(Format, sums, a, b)                               \
  if constexpr (Format::kPerStep == 2) TILE_MULTIPLY_BF16(sums, a, b); \
  else TILE_MULTIPLY_INT8(sums, a, b)

constexpr int64_t stepsPerMatrix = lanes;
constexpr int64_t bytesPerStep = 4;

// While it lives, the thread's matrix registers have the shape that is meant above.
#if defined(__AMX_TILE__)
class MatrixRegisters {
 public:
  MatrixRegisters() {
    struct {
      uint8_t palette = 1, startRow = 0, reserved[14] = {};
      uint16_t bytesPerRow[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shape;
    __asm__ volatile("ldtilecfg %0" : : "m"(shape));
  }
  ~MatrixRegisters() { __asm__ volatile("tilerelease" ::); }
  MatrixRegisters(const MatrixRegisters&) = delete;
  MatrixRegisters& operator=(const MatrixRegisters&) = delete;
};
#else
struct MatrixRegisters {};
#endif

inline void zeroMatrixSums() {
  TILE_ZERO(0);
  TILE_ZERO(1);
  TILE_ZERO(2);
  TILE_ZERO(3);
}

// The corners of 32 x 32 sums of four bytes each, `stride` of them from row to row.
template <class Memory>
struct Corners {
  Memory *upperLeft, *upperRight, *lowerLeft, *lowerRight;
  int64_t rowBytes;

  Corners(const SumsInMemory<Memory>& sums) : rowBytes(sums.stride * bytesPerStep) {
    using Byte = std::conditional_t<std::is_const_v<Memory>, const char, char>;
    Byte* const data = static_cast<Byte*>(sums.data);
    constexpr int64_t right = lanes * bytesPerStep;
    upperLeft = data;
    upperRight = data + right;
    lowerLeft = data + lanes * rowBytes;
    lowerRight = data + lanes * rowBytes + right;
  }
};

inline void loadMatrixSums(const Corners<const void>& from) {
  TILE_LOAD(0, from.upperLeft, from.rowBytes);
  TILE_LOAD(1, from.upperRight, from.rowBytes);
  TILE_LOAD(2, from.lowerLeft, from.rowBytes);
  TILE_LOAD(3, from.lowerRight, from.rowBytes);
}

inline void storeMatrixSums(const Corners<void>& to) {
  TILE_STORE(0, to.upperLeft, to.rowBytes);
  TILE_STORE(1, to.upperRight, to.rowBytes);
  TILE_STORE(2, to.lowerLeft, to.rowBytes);
  TILE_STORE(3, to.lowerRight, to.rowBytes);
}

// What one instruction for each of the four multiplies: 32 rows of a, or 16 if not `lower`, from 16 steps on, and the
// steps of a panel. Each begins when its operands are there. Strides in bytes.
template <class Format>
inline void multiplyMatrices(const float* a, int64_t aStride, const float* b, int64_t bStride, bool lower = true) {
  TILE_LOAD(6, b, bStride);
  TILE_LOAD(4, a, aStride);
  TILE_MULTIPLY(Format, 0, 4, 6);
  TILE_LOAD(7, b + lanes, bStride);
  TILE_MULTIPLY(Format, 1, 4, 7);
  if (!lower) return;
  TILE_LOAD(5, reinterpret_cast<const char*>(a) + lanes * aStride, aStride);
  TILE_MULTIPLY(Format, 2, 5, 6);
  TILE_MULTIPLY(Format, 3, 5, 7);
}

// The sums of a handful of rows in vectors, in the order of the matrix instructions: so the same bits. Then memory
// decides, and vectors wait for it side by side where matrix registers do so one after the other.
template <class Format, int rows>
class VectorRows {
 public:
  template <class Output>
  explicit VectorRows(const Output& output) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) sums[r] = output.start(r);
  }

  // One step of a panel; that of the first row is at `a`.
  void add(const float* a, int64_t aStride, Floats first, Floats second) {
    const auto b0 = Order::asElement(first), b1 = Order::asElement(second);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
      const auto element = Order::broadcastElement(a + r * aStride);
      Order::multiplyAdd(element, b0, parts[r].first);
      Order::multiplyAdd(element, b1, parts[r].second);
    }
  }

  // After the steps of one matrix instruction.
  void endMatrix() {
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
      sums[r] = {Order::total(sums[r].first, parts[r].first), Order::total(sums[r].second, parts[r].second)};
      parts[r] = {typename Order::Part{}, typename Order::Part{}};
    }
  }

  template <class Output>
  void finish(const Output& output) const {
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) output.finish(r, sums[r]);
  }

 private:
  using Order = typename Format::MatrixOrder;
  RowSums<typename Order::Sums> sums[rows];
  RowSums<typename Order::Part> parts[rows] = {};
};

template <class Format, int rows, class Panel, class Output>
void computeVectorRows(const float* a, Panel& panel, int64_t steps, const Output& output) {
  const int64_t aStride = wholeSteps(steps);
  VectorRows<Format, rows> sums(output);
  for (int64_t first = 0; first < steps; first += stepsPerMatrix, a += stepsPerMatrix) {
    const float* const b = panel.at(first);
    for (int64_t step = 0; step < stepsPerMatrix; step++) {
      panel.ask(first + step);
      sums.add(a + step, aStride, load(b + step * panelColumns), load(b + step * panelColumns + lanes));
    }
    sums.endMatrix();
  }
  sums.finish(output);
}

// The tiles of a thread, one after the other, as computeTile() of gemm-tile.h computes one. While a tile is multiplied, the
// sums of the one before it leave the registers and are finished: by itself that takes half as long as 12 matrix
// instructions for each of them. Sums pass through memory as `output` wants them, unless they lie there as registers
// hold them.
//
// What a tile starts from may be what an earlier one ends up as, so memory is read and written in the order of the tiles:
// a corner is stored before the next one is loaded in its place, and what is still to be finished by rows is finished
// before sums are taken from memory by rows.
template <class Format, class Output>
class MatrixTiles {
 public:
  MatrixTiles() = default;
  MatrixTiles(const MatrixTiles&) = delete;
  MatrixTiles& operator=(const MatrixTiles&) = delete;

  // panel.at(step) says where the 16 steps of the panel from there on lie; ask(step), called for each of them, asks for
  // what will be read next.
  template <class Panel>
  void compute(const float* a, Panel&& panel, int64_t steps, int64_t rows, const Output& output) {
    if (steps == 0) return computeNothing(rows, output);
    switch (rows) {
      case 1: return computeVectorRows<Format, 1>(a, panel, steps, output);
      case 2: return computeVectorRows<Format, 2>(a, panel, steps, output);
      case 3: return computeVectorRows<Format, 3>(a, panel, steps, output);
      case 4: return computeVectorRows<Format, 4>(a, panel, steps, output);
      default: break;
    }
    const int64_t aStride = wholeSteps(steps) * bytesPerStep;
    const bool lower = rows > lanes, zero = output.startsFromZero();
    // If registers are zeroed nothing is read from there.
    const SumsInMemory<const void> from = zero ? SumsInMemory<const void>{starts, panelColumns} : startOf(output, rows);
    const SumsInMemory<void> whole = wholeEnd();
    for (int64_t i = 0; i < stepsPerMatrix; i++) panel.ask(i);
    exchangeAndMultiply(whole ? whole : SumsInMemory<void>{sums, panelColumns}, zero, from, a, aStride, panel.at(0), lower);
    // By rows, from the third instruction on, as many as it takes to be through at the last.
    int64_t finished = whole ? rowsBefore : 0;
    const int64_t each = rowsBefore / std::max<int64_t>(1, steps / stepsPerMatrix - 2) + 1;
    for (int64_t step = stepsPerMatrix; step < steps; step += stepsPerMatrix) {
      const float* const b = panel.at(step);
      for (int64_t i = 0; i < stepsPerMatrix; i++) panel.ask(step + i);
      multiplyMatrices<Format>(a + step, aStride, b, bStride, lower);
      if (step > stepsPerMatrix) finishRows(finished, std::min(finished + each, rowsBefore));
    }
    finishRows(finished, rowsBefore);
    before = output;
    rowsBefore = rows;
  }

  // The last one.
  void finish() {
    if (rowsBefore == 0) return;
    if (const SumsInMemory<void> whole = wholeEnd()) {
      storeMatrixSums({whole});
    } else {
      storeMatrixSums({{sums, panelColumns}});
      int64_t finished = 0;
      finishRows(finished, rowsBefore);
    }
    rowsBefore = 0;
  }

 private:
  static constexpr int64_t bStride = panelColumns * bytesPerStep;
  using Sums = typename Format::Arithmetic::Sums;

  Output before;  // where the sums in the registers belong
  int64_t rowsBefore = 0;
  RowSums<Sums> sums[matrixTileRows], starts[matrixTileRows];

  // Sums of no products: what they start from.
  void computeNothing(int64_t rows, const Output& output) {
    finish();
    for (int64_t row = 0; row < rows; row++) {
      output.finish(row, output.start(row));
    }
  }

  SumsInMemory<const void> startOf(const Output& output, int64_t rows) {
    if (const auto whole = output.wholeBefore(rows == matrixTileRows)) return whole;
    if (output.startOfRows() != nullptr) return {output.startOfRows(), 0};
    finish();
    for (int64_t row = 0; row < rows; row++) starts[row] = output.start(row);
    return {starts, panelColumns};
  }

  // multiplyMatrices() of the first steps, where each register gives back the sums of the tile before and takes those
  // that it starts from.
  void exchangeAndMultiply(const Corners<void>& to, bool zero, const Corners<const void>& from, const float* a,
                           int64_t aStride, const float* b, bool lower) const {
    const bool upperBefore = rowsBefore > 0, lowerBefore = rowsBefore > lanes;
#define EXCHANGE(tile, before, corner)                  \
  if (before) TILE_STORE(tile, to.corner, to.rowBytes); \
  if (zero) TILE_ZERO(tile);                            \
  else TILE_LOAD(tile, from.corner, from.rowBytes)
    TILE_LOAD(6, b, bStride);
    TILE_LOAD(4, a, aStride);
    EXCHANGE(0, upperBefore, upperLeft);
    TILE_MULTIPLY(Format, 0, 4, 6);
    TILE_LOAD(7, b + lanes, bStride);
    EXCHANGE(1, upperBefore, upperRight);
    TILE_MULTIPLY(Format, 1, 4, 7);
    EXCHANGE(2, lowerBefore, lowerLeft);
    EXCHANGE(3, lowerBefore, lowerRight);
    if (!lower) return;
    TILE_LOAD(5, reinterpret_cast<const char*>(a) + lanes * aStride, aStride);
    TILE_MULTIPLY(Format, 2, 5, 6);
    TILE_MULTIPLY(Format, 3, 5, 7);
#undef EXCHANGE
  }

  SumsInMemory<void> wholeEnd() const {
    return rowsBefore > 0 ? before.wholeAfter(rowsBefore == matrixTileRows) : SumsInMemory<void>{};
  }

  void finishRows(int64_t& finished, int64_t end) {
    for (; finished < end; finished++) before.finish(finished, sums[finished]);
  }
};

// A strip of a by rows.
template <class Format, class Number>
void packMatrixAlong(const Number* row, int64_t stride, int64_t outers, int64_t inners, float* __restrict strip) {
  const int64_t steps = (inners + Format::kPerStep - 1) / Format::kPerStep, whole = wholeSteps(steps);
  for (int64_t i = 0; i < outers; i++, row += stride, strip += whole) {
    for (int64_t step = 0; step < steps; step += stepsPerMatrix) {
      const int64_t k = step * Format::kPerStep;
      __builtin_prefetch(row + matrixTileRows * stride + k, 0, 2);
      store(strip + step, Format::loadAlong(row + k, inners - k));
    }
  }
}

template <class Format, class Number>
void packMatrixAllAlong(const Number* row, int64_t stride, int64_t outers, int64_t inners, float* strips,
                        int64_t stripStride) {
  for (int64_t i = 0; i < outers; i += matrixTileRows, strips += stripStride) {
    packMatrixAlong<Format>(row + i * stride, stride, std::min<int64_t>(matrixTileRows, outers - i), inners, strips);
  }
}

#if defined(__AMX_TILE__)
// 32 x 32 numbers of bf16 by columns. Whole lines are read at once, as the second half of one would be gone from the
// first-level cache before it is wanted where rows lie a power of two apart. Rows are interleaved within quarters of
// vectors, so lines of the transposed block come in that order.
inline void packMatrixLines(const uint16_t* column, int64_t stride, float* __restrict strip, int64_t whole) {
  Floats early[lanes], late[lanes];
#pragma GCC unroll 16
  for (int i = 0; i < lanes; i++) {
    const uint16_t* const at = column + 2 * i * stride;
    __builtin_prefetch(at + matrixTileRows * stride, 0, 2);
    __builtin_prefetch(at + (matrixTileRows + 1) * stride, 0, 2);
    const __m512i even = _mm512_loadu_si512(at), odd = _mm512_loadu_si512(at + stride);
    early[i] = (Floats)_mm512_unpacklo_epi16(even, odd);
    late[i] = (Floats)_mm512_unpackhi_epi16(even, odd);
  }
  transpose(early);
  transpose(late);
#pragma GCC unroll 16
  for (int i = 0; i < lanes; i++) {
    float* const to = strip + (i / 4 * 8 + i % 4) * whole;
    store(to, early[i]);
    store(to + 4 * whole, late[i]);
  }
}
#endif

// Adjacent strips of a by columns, so that memory is read along its rows.
template <class Format, class Number>
void packMatrixAcross(const Number* column, int64_t stride, int64_t outers, int64_t inners, float* __restrict strips,
                      int64_t stripStride) {
  constexpr int64_t kPerMatrix = stepsPerMatrix * Format::kPerStep;
  const int64_t whole = wholeSteps((inners + Format::kPerStep - 1) / Format::kPerStep);
  for (int64_t k = 0, step = 0; k < inners; k += kPerMatrix, step += stepsPerMatrix) {
    int64_t outer = 0;
    if constexpr (Format::inMatrixRegisters && Format::kPerStep == 2 && sizeof(Number) == 2) {
      for (; k + kPerMatrix <= inners && outer + matrixTileRows <= outers; outer += matrixTileRows) {
        packMatrixLines(column + k * stride + outer, stride, strips + outer / matrixTileRows * stripStride + step, whole);
      }
    }
    for (; outer < outers; outer += lanes) {
      const int64_t exist = std::min<int64_t>(lanes, outers - outer);
      Floats block[lanes];
      for (int i = 0; i < lanes; i++) {
        const int64_t first = k + i * Format::kPerStep;
        const Number* const at = column + first * stride + outer;
        __builtin_prefetch(at + kPerMatrix * stride, 0, 2);
        __builtin_prefetch(at + (kPerMatrix + 1) * stride, 0, 2);
        const Number* const next = first + 1 < inners ? at + stride : nullptr;
        block[i] = first < inners ? Format::loadAcross(at, next, exist) : Floats{};
      }
      transpose(block);
      float* const to = strips + outer / matrixTileRows * stripStride + outer % matrixTileRows * whole + step;
      for (int i = 0; i < lanes; i++) store(to + i * whole, block[i]);
    }
  }
}

template <class Format>
void packMatrixStrips(const Operand& operand, int64_t outer, int64_t outers, int64_t k, int64_t inners, float* strips,
                      int64_t stripStride) {
  const bool along = operand.innerContiguous;
  const int64_t stride = operand.stride;
  typed(operand.values + (along ? outer * stride + k : k * stride + outer), [&](const auto* from) {
    if (along) packMatrixAllAlong<Format>(from, stride, outers, inners, strips, stripStride);
    else packMatrixAcross<Format>(from, stride, outers, inners, strips, stripStride);
  });
}

}  // namespace parley::PARLEY_ISA
