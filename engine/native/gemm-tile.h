// The inner loop of every matrix product: a tile of tileRows x panelColumns sums held in registers.
//
// Operands come packed in steps, one 32-bit element per row of the tile and per column of the panel:
//
//     a: step 0: row 0, row 1 ... row 13 | step 1: row 0 ...        b: step 0: column 0 ... column 31 | step 1: ...
//
// In f32 an element is a number and a step one k. In bf16 on processors with dot products an element is the pair of
// k and k + 1, and one instruction adds both products: the same loop, half the steps. Elsewhere bf16 is f32 with
// operands rounded while packing.
//
// With AVX-512 a tile is 14 x 32: 28 registers of sums, 2 of b, 1 broadcast of a, of 32; 28 independent chains hide
// the latency of 4 to 6 cycles. AVX2 has 16 registers: 6 x 16. NEON has 32 of 4 lanes: 8 x 8; SSE2 4 x 8.
#pragma once
#include "simd.h"

namespace parley::PARLEY_ISA {

#if defined(__AVX512F__)
constexpr int tileRows = 14;
#elif defined(__AVX2__)
constexpr int tileRows = 6;
#elif defined(__aarch64__)
constexpr int tileRows = 8;
#else
constexpr int tileRows = 4;
#endif
constexpr int panelColumns = 2 * lanes;

// Whether formats with several k's to a step are multiplied in matrix registers (gemm-amx.h), and the rows of a tile then.
#if defined(__AMX_TILE__)
constexpr bool matrixRegisters = true;
#else
constexpr bool matrixRegisters = false;
#endif
constexpr int matrixTileRows = 2 * lanes;
constexpr int mostTileRows = matrixRegisters ? matrixTileRows : tileRows;

// What steps are multiplied with: operands as the instruction takes them.
struct FloatArithmetic {
  using Element = Floats;
  using Sums = Floats;
  static Element asElement(Floats packed) { return packed; }
  static Element broadcastElement(const float* packed) { return broadcast(*packed); }
  static Floats multiplyAdd(Element a, Element b, Floats sum) { return fma(a, b, sum); }
};

// How a precision packs k's into steps. load*() give `lanes` packed elements, from float32 or stored bfloat16 numbers;
// `count` says how many numbers there are to read, the rest is zero. along() and across() give those of numbers in
// vectors: what loadAlong() would of low and high one after the other, and loadAcross() of low and the row after it.
struct FloatFormat : FloatArithmetic {
  using Arithmetic = FloatArithmetic;
  static constexpr int kPerStep = 1, rowsPerTile = tileRows;
  static constexpr bool inMatrixRegisters = false;

  // Steps k, k + 1 ... of one row.
  static Floats loadAlong(const float* row, int64_t count) {
    return count >= lanes ? load(row) : loadPartial(row, count);
  }
  // One step of `lanes` adjacent columns. `next` is the following k, of which this format has no use.
  static Floats loadAcross(const float* at, const float*, int64_t count) { return loadAlong(at, count); }

  static Floats loadAlong(const uint16_t* row, int64_t count) { return loadUpTo(count, row); }
  static Floats loadAcross(const uint16_t* at, const uint16_t*, int64_t count) { return loadAlong(at, count); }

  static Floats along(Floats low, Floats) { return low; }
  static Floats across(Floats low, Floats) { return low; }
};

// The numbers of vectors of pairs of bf16.
struct EvenAndOdd {
  Floats even, odd;
};
inline EvenAndOdd numbersOf(Floats pairs) {
  return {(Floats)((Ints)pairs << 16), (Floats)((Ints)pairs & int32_t(0xffff0000))};
}

#if defined(__AVX512BF16__)
struct PairArithmetic {
  using Element = __m512bh;
  using Sums = Floats;
  static Element asElement(Floats packed) { return (__m512bh)packed; }
  static Element broadcastElement(const float* packed) { return (__m512bh)broadcast(*packed); }
  static Floats multiplyAdd(Element a, Element b, Floats sum) { return _mm512_dpbf16_ps(sum, a, b); }
};

// The same products in the order of matrix registers: those of even and of odd k's apart for some steps, then added.
struct PairMatrixOrder {
  using Element = EvenAndOdd;
  using Part = EvenAndOdd;
  using Sums = Floats;
  static Element asElement(Floats packed) { return numbersOf(packed); }
  static Element broadcastElement(const float* packed) { return asElement(broadcast(*packed)); }
  static void multiplyAdd(const Element& a, const Element& b, Part& part) {
    part.even = fma(a.even, b.even, part.even);
    part.odd = fma(a.odd, b.odd, part.odd);
  }
  static Floats total(Floats sum, const Part& part) { return sum + (part.even + part.odd); }
};

struct Bf16Format : PairArithmetic {
  using Arithmetic = PairArithmetic;
  using MatrixOrder = PairMatrixOrder;
  static constexpr int kPerStep = 2, rowsPerTile = mostTileRows;
  static constexpr bool inMatrixRegisters = matrixRegisters;

  static Floats loadAlong(const float* row, int64_t count) {
    const Floats low = FloatFormat::loadAlong(row, count);
    const Floats high = count > lanes ? FloatFormat::loadAlong(row + lanes, count - lanes) : Floats{};
    return along(low, high);
  }
  static Floats loadAcross(const float* at, const float* next, int64_t count) {
    const Floats low = FloatFormat::loadAlong(at, count);
    return across(low, next != nullptr ? FloatFormat::loadAlong(next, count) : Floats{});
  }

  static Floats along(Floats low, Floats high) { return (Floats)_mm512_cvtne2ps_pbh(high, low); }
  static Floats across(Floats low, Floats high) { return interleave((__m512i)_mm512_cvtne2ps_pbh(high, low)); }

  static Floats loadAlong(const uint16_t* row, int64_t count) {
    if (count >= 2 * lanes) return (Floats)_mm512_loadu_si512(row);
    return (Floats)_mm512_maskz_loadu_epi16(__mmask32((1u << count) - 1), row);
  }
  static Floats loadAcross(const uint16_t* at, const uint16_t* next, int64_t count) {
    const __m256i low = loadHalves(at, count), high = next != nullptr ? loadHalves(next, count) : __m256i{};
    return interleave(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
  }

 private:
  static __m256i loadHalves(const uint16_t* from, int64_t count) {
    if (count >= lanes) return _mm256_loadu_si256((const __m256i*)from);
    return _mm256_maskz_loadu_epi16(__mmask16((1u << count) - 1), from);
  }

  // Pairs of the number at i and the one at i + 16.
  static Floats interleave(__m512i halves) {
    const __m512i pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (Floats)_mm512_permutexvar_epi16(pairs, halves);
  }
};
#else
struct Bf16Format : FloatFormat {
  using FloatFormat::loadAcross, FloatFormat::loadAlong;
  static Floats along(Floats low, Floats) { return roundToBf16(low); }
  static Floats across(Floats low, Floats) { return roundToBf16(low); }
  static Floats loadAlong(const float* row, int64_t count) { return roundToBf16(FloatFormat::loadAlong(row, count)); }
  static Floats loadAcross(const float* at, const float*, int64_t count) { return loadAlong(at, count); }
};
#endif

// Asks for the outputs of a tile, so that the lines have come from memory when the sums are ready. Fewer steps are over
// before the lines arrive: then asking only holds up the tiles before and after (a seventh of the time at 32 steps).
// Always inlined: GCC 12 leaves out calls of what only prefetches.
template <class Output>
[[gnu::always_inline]] inline void askForOutputs(int64_t rows, int64_t steps, const Output& output) {
  constexpr int64_t worthAsking = 96;
  if (steps < worthAsking) return;
  for (int64_t r = 0; r < rows; r++) {
    const auto* const row = output.data + r * output.stride;
    __builtin_prefetch(row, 1);
    __builtin_prefetch(row + lanes, 1);
  }
}

// Sums of four bytes each as they are, by rows of `stride`. `Memory` is void or const void.
template <class Memory>
struct SumsInMemory {
  Memory* data = nullptr;
  int64_t stride = 0;

  explicit operator bool() const { return data != nullptr; }
};

// The sums of one row of a tile. What gives and takes them is always inlined: GCC keeps in memory what it has given a
// function the address of, which for a struct of vectors is a value too, and stored and loaded every sum at every step.
template <class Sums>
struct RowSums {
  Sums first, second;
};

// Where a tile's sums start and end up. `columns` of the panel exist. Sums that lie as matrix registers hold them need
// not pass through start() and finish(): wholeBefore() and wholeAfter() say where, if a tile has all of its 32 rows or not.
struct TileOutput {
  float* data;
  int64_t stride;
  const float* initial;
  int64_t initialStride;
  int64_t columns;

  bool startsFromZero() const { return initial == nullptr; }
  static constexpr const float* startOfRows() { return nullptr; }
  SumsInMemory<const void> wholeBefore(bool wholeRows) const {
    if (!wholeRows || columns < panelColumns) return {};
    return {initial, initialStride};
  }
  SumsInMemory<void> wholeAfter(bool wholeRows) const {
    if (!wholeRows || columns < panelColumns) return {};
    return {data, stride};
  }

  [[gnu::always_inline]] RowSums<Floats> start(int row) const {
    const float* const from = initial + row * initialStride;
    if (initial == nullptr) return {Floats{}, Floats{}};
    if (columns >= panelColumns) return {load(from), load(from + lanes)};
    return {loadPartial(from, inFirst()), loadPartial(from + lanes, columns - inFirst())};
  }

  [[gnu::always_inline]] void finish(int row, RowSums<Floats> sums) const {
    float* const to = data + row * stride;
    if (columns >= panelColumns) {
      store(to, sums.first);
      store(to + lanes, sums.second);
    } else {
      storePartial(to, sums.first, inFirst());
      storePartial(to + lanes, sums.second, columns - inFirst());
    }
  }

  int64_t inFirst() const { return columns < lanes ? columns : lanes; }
};

// Where sums are rounded once they are whole. Between blocks of the inner index they rest in `partial`.
struct RoundedTileOutput {
  uint16_t* data;
  int64_t stride;
  float* partial;
  int64_t partialStride;
  int64_t columns;
  bool isFirst, isLast;

  bool startsFromZero() const { return isFirst; }
  static constexpr const float* startOfRows() { return nullptr; }
  SumsInMemory<const void> wholeBefore(bool) const {
    if (isFirst) return {};
    return {partial, partialStride};
  }
  SumsInMemory<void> wholeAfter(bool) const {
    if (isLast) return {};
    return {partial, partialStride};
  }

  [[gnu::always_inline]] RowSums<Floats> start(int row) const {
    const float* const from = partial + row * partialStride;
    if (isFirst) return {Floats{}, Floats{}};
    return {load(from), load(from + lanes)};
  }

  [[gnu::always_inline]] void finish(int row, RowSums<Floats> sums) const {
    uint16_t* const to = data + row * stride;
    if (isLast && columns >= panelColumns) {
      storeBf16(to, sums.first, sums.second);
    } else if (isLast) {
      storeUpTo(columns, to, sums.first);
      if (columns > lanes) storeUpTo(columns - lanes, to + lanes, sums.second);
    } else {
      store(partial + row * partialStride, sums.first);
      store(partial + row * partialStride + lanes, sums.second);
    }
  }
};

// What the sums of a product of floats start from and become.
struct PlainSums {
  using Sums = Floats;
  static constexpr bool fromZero = true;
  static constexpr const float* starts() { return nullptr; }
  static Floats start(int) { return Floats{}; }
  static Floats finish(int, int, Floats sum) { return sum; }
};

// Where a panel of `lanes` gates and of what they gate ends up as one: silu(gate) * up, SwiGLU of the product. Between
// blocks of the inner index sums rest in `partial`. All columns of the panel exist, but only so many outputs.
template <class Scaling>
struct GatedTileOutput {
  using Sums = typename Scaling::Sums;
  static constexpr int64_t columns = panelColumns;
  float* data;
  int64_t stride;
  float* partial;
  int64_t partialStride;
  Scaling scaling;
  int64_t outputs;
  bool isFirst, isLast;

  bool startsFromZero() const { return isFirst && Scaling::fromZero; }
  auto startOfRows() const { return isFirst ? scaling.starts() : nullptr; }
  static constexpr SumsInMemory<const void> wholeBefore(bool) { return {}; }
  static constexpr SumsInMemory<void> wholeAfter(bool) { return {}; }

  [[gnu::always_inline]] RowSums<Sums> start(int row) const {
    const float* const from = partial + row * partialStride;
    if (isFirst) return {scaling.start(0), scaling.start(1)};
    return {(Sums)load(from), (Sums)load(from + lanes)};
  }

  [[gnu::always_inline]] void finish(int row, RowSums<Sums> sums) const {
    if (isLast) {
      const Floats gated = silu(scaling.finish(row, 0, sums.first)) * scaling.finish(row, 1, sums.second);
      storeUpTo(outputs, data + row * stride, gated);
    } else {
      store(partial + row * partialStride, (Floats)sums.first);
      store(partial + row * partialStride + lanes, (Floats)sums.second);
    }
  }
};

// The same as TileOutput for a product that is computed transposed: a row of the tile is a column of the output.
struct TransposedTileOutput {
  float* data;
  int64_t stride;
  const float* initial;
  int64_t initialStride;
  int64_t columns;

  bool startsFromZero() const { return initial == nullptr; }
  static constexpr const float* startOfRows() { return nullptr; }
  static constexpr SumsInMemory<const void> wholeBefore(bool) { return {}; }
  static constexpr SumsInMemory<void> wholeAfter(bool) { return {}; }

  [[gnu::always_inline]] RowSums<Floats> start(int row) const {
    float values[panelColumns] = {};
    for (int64_t i = 0; initial != nullptr && i < inPanel(); i++) values[i] = initial[i * initialStride + row];
    return {load(values), load(values + lanes)};
  }

  [[gnu::always_inline]] void finish(int row, RowSums<Floats> sums) const {
    float values[panelColumns];
    store(values, sums.first);
    store(values + lanes, sums.second);
    for (int64_t i = 0; i < inPanel(); i++) data[i * stride + row] = values[i];
  }

  int64_t inPanel() const { return columns < panelColumns ? columns : panelColumns; }
};

// One tile over `steps` steps: `output` says what the sums start from and takes them in the end. With one vector only
// the first half of the panel is computed: the rest of it does not exist. `soon` is memory that will be read next: a
// line of it per step is asked for, into the second-level cache, and two by a tile of so few rows that no other one will
// use the panel after it.
template <class Arithmetic, int rows, int vectors, class Output>
void computeTile(const float* __restrict a, const float* __restrict b, const float* soon, int64_t steps,
                 const Output& output) {
  constexpr int aloneRows = 4;
  constexpr int stepsAhead = 16;  // what comes next is in the second-level cache at best
  askForOutputs(rows, steps, output);
  RowSums<typename Arithmetic::Sums> sums[rows];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) sums[r] = output.start(r);

  for (int64_t step = 0; step < steps; step++) {
    __builtin_prefetch(a + stepsAhead * tileRows);
    __builtin_prefetch(b + stepsAhead * panelColumns);
    __builtin_prefetch(b + stepsAhead * panelColumns + lanes);
    __builtin_prefetch(soon, 0, 2);
    if (rows <= aloneRows) __builtin_prefetch(soon + steps * lanes, 0, 2);
    const auto b0 = Arithmetic::asElement(load(b)), b1 = Arithmetic::asElement(load(b + (vectors - 1) * lanes));
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const auto element = Arithmetic::broadcastElement(a + r);
      sums[r].first = Arithmetic::multiplyAdd(element, b0, sums[r].first);
      if (vectors == 2) sums[r].second = Arithmetic::multiplyAdd(element, b1, sums[r].second);
    }
    a += tileRows;
    b += panelColumns;
    soon += lanes;
  }

#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) output.finish(r, sums[r]);
}

}  // namespace parley::PARLEY_ISA
