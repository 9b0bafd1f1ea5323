// Products of 8-bit integers, for weights that only generate: half the memory to stream and twice the products per
// instruction of bf16.
//
//     y[i][j] = x scale[i] * w scale[j] * (sum over k of x8[i][k] * w8[j][k])
//
// Both operands are quantized symmetrically, a weight once per row and an activation per token when it arrives:
//
//     scale = max |row| / 127        q = round to nearest even(value * (127 / max |row|)), in -127 .. 127
//
// (What "LLM.int8()", Dettmers et al. 2022, calls vector-wise quantization.) A step is then as coarse as the largest
// number of the row makes it, and a few numbers of an activation are far larger than the rest. Therefore both rows are
// rotated first, which leaves their product as it is and shares a large number out among its neighbours (QuaRot,
// Ashkboos et al. 2024): groups of h numbers, h the largest power of two up to 64 that divides the row, are multiplied
// by a Hadamard matrix, the one of +1 and -1 that log2 h rounds of butterflies compute:
//
//     (a, b) -> (a + b, a - b)       for a, b 1 apart, then 2, 4 ... h / 2;      (8, 0, 0, 0) -> (8, 8, 8, 8)
//
// This lengthens a row by the root of h, so w scale is divided by h. On the shipped model it takes the tokens at which
// the most likely next one changes from 5 to 3 %.
//
// Sums are whole numbers, so they are exact; butterflies have one order; so the bits of a row depend on nothing else.
//
// A step is four k: an element is 4 bytes, and vpdpbusd adds the four products of an unsigned and a signed byte. For
// the unsigned one activations are stored as q + 128, and the sum of a column starts from -128 * (sum of its weights),
// which cancels that. Processors without the instruction compute the same whole numbers with 16-bit or 32-bit products.
#pragma once
#include <utility>

#include "gemm-tile.h"

namespace parley::PARLEY_ISA {

constexpr int32_t activationOffset = 128;

#if defined(__AVX512VNNI__)
struct QuadArithmetic {
  using Element = __m512i;
  using Sums = Ints;
  static Element asElement(Floats packed) { return _mm512_castps_si512(packed); }
  static Element broadcastElement(const float* packed) { return asElement(broadcast(*packed)); }
  static Ints multiplyAdd(Element a, Element b, Ints sum) { return (Ints)_mm512_dpbusd_epi32((__m512i)sum, a, b); }
};
#elif defined(__AVX2__)
// Bytes widened to 16 bits, those of even and of odd k apart, whose products the processor adds in pairs.
struct QuadArithmetic {
  typedef int16_t Shorts __attribute__((vector_size(4 * lanes)));
  struct Element {
    Shorts even, odd;
  };
  using Sums = Ints;
  static Element asElement(Floats packed) {
    const Shorts pairs = (Shorts)packed;
    return {(pairs << 8) >> 8, pairs >> 8};
  }
  static Element broadcastElement(const float* packed) {
    typedef uint16_t UnsignedShorts __attribute__((vector_size(4 * lanes)));
    const UnsignedShorts pairs = (UnsignedShorts)broadcast(*packed);
    return {(Shorts)(pairs & 0xff), (Shorts)(pairs >> 8)};
  }
  static Ints multiplyAdd(const Element& a, const Element& b, Ints sum) {
    return sum + addPairs(a.even, b.even) + addPairs(a.odd, b.odd);
  }
  static Ints addPairs(Shorts a, Shorts b) {
#if defined(__AVX512BW__)
    return (Ints)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#else
    return (Ints)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#endif
  }
};
#else
struct QuadArithmetic {
  struct Element {
    Ints byte[4];
  };
  using Sums = Ints;
  static Element asElement(Floats packed) {
    const Ints quads = (Ints)packed;
    return {{(quads << 24) >> 24, (quads << 16) >> 24, (quads << 8) >> 24, quads >> 24}};
  }
  static Element broadcastElement(const float* packed) {
    const Ints quads = (Ints)broadcast(*packed);
    return {{quads & 255, (quads >> 8) & 255, (quads >> 16) & 255, (quads >> 24) & 255}};
  }
  static Ints multiplyAdd(const Element& a, const Element& b, Ints sum) {
    return sum + a.byte[0] * b.byte[0] + a.byte[1] * b.byte[1] + a.byte[2] * b.byte[2] + a.byte[3] * b.byte[3];
  }
};
#endif

// Whole numbers have the same sum in any order.
struct QuadMatrixOrder : QuadArithmetic {
  using Part = Ints;
  static void multiplyAdd(const Element& a, const Element& b, Part& part) {
    part = QuadArithmetic::multiplyAdd(a, b, part);
  }
  static Ints total(Ints sum, const Part& part) { return sum + part; }
};

// Rows arrive quantized: see quantizeRow.
struct Int8Format : QuadArithmetic {
  using Arithmetic = QuadArithmetic;
  using MatrixOrder = QuadMatrixOrder;
  static constexpr int kPerStep = 4, rowsPerTile = mostTileRows;
  static constexpr bool inMatrixRegisters = matrixRegisters;

  static Floats loadAlong(const uint8_t* row, int64_t count) {
    Floats result{};
    if (count >= 4 * lanes) std::memcpy(&result, row, sizeof result);
    else std::memcpy(&result, row, size_t(count));
    return result;
  }
};

// How many numbers of a row are rotated together.
inline int64_t rotatedTogether(int64_t count) {
  int64_t together = 1;
  while (together < 64 && count % (2 * together) == 0) together *= 2;
  return together;
}

// Butterflies of lanes `distance` apart.
template <size_t distance, size_t... lane>
Floats withPartners(Floats value, std::index_sequence<lane...>) {
  const Floats partners = {value[lane ^ distance]...}, signs = {(lane & distance ? -1.0f : 1.0f)...};
  return fma(value, signs, partners);
}

template <int together>
Floats rotateLanes(Floats value) {
  constexpr std::make_index_sequence<lanes> all;
  if constexpr (together > 1) value = withPartners<1>(value, all);
  if constexpr (together > 2) value = withPartners<2>(value, all);
  if constexpr (lanes > 4 && together > 4) value = withPartners<4>(value, all);
  if constexpr (lanes > 8 && together > 8) value = withPartners<8>(value, all);
  return value;
}

// A group stays in registers from the first butterfly to the last.
template <int together, class Number>
void rotateGroups(const Number* row, int64_t count, float* to) {
  constexpr int vectors = together > lanes ? together / lanes : 1;
  for (int64_t i = 0; i < count; i += vectors * lanes) {
    Floats group[vectors];
#pragma GCC unroll 16
    for (int v = 0; v < vectors; v++) {
      const int64_t at = i + v * lanes;
      group[v] = rotateLanes<together>(vectors > 1 ? loadUpTo(lanes, row + at) : loadUpTo(count - at, row + at));
    }
#pragma GCC unroll 4
    for (int distance = 1; distance < vectors; distance *= 2) {
#pragma GCC unroll 16
      for (int v = 0; v < vectors; v++) {
        if (v & distance) continue;
        const Floats a = group[v], b = group[v + distance];
        group[v] = a + b;
        group[v + distance] = a - b;
      }
    }
#pragma GCC unroll 16
    for (int v = 0; v < vectors; v++) store(to + i + v * lanes, group[v]);
  }
}

// Copies a row, rotated, into `to`: whole vectors, with zeros after its end.
template <class Number>
void rotateRow(const Number* row, int64_t count, float* to) {
  switch (rotatedTogether(count)) {
    case 64: return rotateGroups<64>(row, count, to);
    case 32: return rotateGroups<32>(row, count, to);
    case 16: return rotateGroups<16>(row, count, to);
    case 8: return rotateGroups<8>(row, count, to);
    case 4: return rotateGroups<4>(row, count, to);
    case 2: return rotateGroups<2>(row, count, to);
    default: return rotateGroups<1>(row, count, to);
  }
}

// The largest magnitude of a row: NaN or infinite if a number of it is.
template <class Number>
float largestMagnitude(const Number* row, int64_t count) {
  Ints mostBits{};  // magnitudes compare as their bits do, and NaN above all
  for (int64_t i = 0; i < count; i += lanes) {
    const Ints magnitude = (Ints)loadUpTo(count - i, row + i) & 0x7fffffff;
    mostBits = magnitude > mostBits ? magnitude : mostBits;
  }
  const int32_t bits = largest(mostBits);
  float most;
  std::memcpy(&most, &bits, sizeof most);
  return most;
}

// Writes the bytes q + offset of a row and returns its scale: 0 for a row of zeros (or of numbers too small to divide
// by), NaN if the row holds a NaN or an infinity.
template <class Number>
float quantizeRow(const Number* row, int64_t count, int32_t offset, uint8_t* to) {
  const float most = largestMagnitude(row, count);
  const bool finite = most < INFINITY, tiny = most < 1e-30f;
  const Floats inverse = broadcast(finite && !tiny ? 127 / most : 0);
  typedef uint8_t Bytes __attribute__((vector_size(lanes)));
  const auto quantized = [&](Floats values) {
    // Adding 1.5 * 2^23 rounds to a whole number in the low bits.
    const Floats shifted = values * inverse + 12582912.0f;
    return __builtin_convertvector((Ints)shifted + offset, Bytes);
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const Bytes bytes = quantized(loadUpTo(lanes, row + i));
    std::memcpy(to + i, &bytes, sizeof bytes);
  }
  if (i < count) {
    const Bytes bytes = quantized(loadUpTo(count - i, row + i));
    std::memcpy(to + i, &bytes, size_t(count - i));
  }
  if (!finite) return __builtin_nanf("");
  return tiny ? 0 : most / 127;
}

// What whole sums start from and become: pointers to what belongs to a tile's rows and to its panel's columns.
struct QuantizedSums {
  using Sums = Ints;
  static constexpr bool fromZero = false;
  const float* rowScales;
  const float* columnScales;
  const int32_t* columnStarts;

  const int32_t* starts() const { return columnStarts; }
  Ints start(int half) const {
    Ints sums;
    std::memcpy(&sums, columnStarts + half * lanes, sizeof sums);
    return sums;
  }
  Floats finish(int row, int half, Ints sum) const {
    return __builtin_convertvector(sum, Floats) * (load(columnScales + half * lanes) * rowScales[row]);
  }
};

// Where a tile of whole sums starts and ends up. Between blocks of the inner index sums rest in the output as they are.
struct QuantizedTileOutput {
  float* data;
  int64_t stride;
  const float* residual;  // zeros if null; must not be `data`
  int64_t residualStride;
  QuantizedSums scaling;
  int64_t columns;
  bool isFirst, isLast;

  bool startsFromZero() const { return false; }
  // Where the sums of every row start, if that is the same.
  const int32_t* startOfRows() const { return isFirst ? scaling.starts() : nullptr; }
  static constexpr SumsInMemory<const void> wholeBefore(bool) { return {}; }
  static constexpr SumsInMemory<void> wholeAfter(bool) { return {}; }

  [[gnu::always_inline]] RowSums<Ints> start(int row) const {
    const float* const from = data + row * stride;
    if (isFirst) return {scaling.start(0), scaling.start(1)};
    return {(Ints)loadPart(from, 0), (Ints)loadPart(from + lanes, 1)};
  }

  [[gnu::always_inline]] void finish(int row, RowSums<Ints> sums) const {
    finishHalf(row, 0, sums.first);
    finishHalf(row, 1, sums.second);
  }

  void finishHalf(int row, int half, Ints sum) const {
    float* const at = data + row * stride + half * lanes;
    Floats result = (Floats)sum;
    if (isLast) {
      result = scaling.finish(row, half, sum);
      if (residual != nullptr) result = result + loadPart(residual + row * residualStride + half * lanes, half);
    }
    if (columns >= panelColumns) store(at, result);
    else storePartial(at, result, inHalf(half));
  }

  int64_t inHalf(int half) const {
    const int64_t count = columns - half * lanes;
    return count < 0 ? 0 : count < lanes ? count : lanes;
  }
  Floats loadPart(const float* from, int half) const {
    return columns >= panelColumns ? load(from) : loadPartial(from, inHalf(half));
  }
};

}  // namespace parley::PARLEY_ISA
