// Packed bf16 weights in 12 bits a number, without loss: decoding a token reads every weight once, so what memory has to
// deliver is the time it takes. (Weights of a trained layer differ little in magnitude, so most of the 8 bits of their
// exponents say nothing. Zhang et al., "70% Size, 100% Accuracy: Lossless LLM Compression via Dynamic-Length Float",
// 2025, code exponents by Huffman; a code of one length costs a few more bits and a dozen instructions for 128 numbers.)
//
// A panel says which 16 neighbouring exponents it codes, from `base` on. The numbers whose exponent is another, one in
// ten thousand of normally distributed ones, are listed beside it. Of a number's 16 bits 12 remain in their places
//
//     s 0 0 0 0 e e e e m m m m m m m           e: exponent - base
//
// and the four free places of three numbers hold a fourth one. So two steps of a panel (gemm-tile.h), four vectors
// V0 ... V3, become three:
//
//     A   s [s e e e] e e e e m m m m m m m     V0, in brackets sign and three bits of the exponent of V3
//     B   s [e m m m] e e e e m m m m m m m     V1, and the next four bits
//     C   s [m m m m] e e e e m m m m m m m     V2, and the last four
//
// Restored are the bits that were packed, and they are multiplied in the order of computeTile(): no result changes.
#pragma once
#include <algorithm>
#include <cstring>

#include "gemm-loops.h"

namespace parley::PARLEY_ISA {

// As many bits as Floats.
typedef uint16_t PanelHalves __attribute__((vector_size(4 * lanes)));

constexpr int halvesPerVector = 2 * lanes;
constexpr int64_t halvesPerPair = 4 * halvesPerVector;  // of two steps of a panel
constexpr int64_t compactHalvesPerPair = 3 * halvesPerVector;

inline PanelHalves loadHalves(const uint16_t* from) {
  PanelHalves result;
  std::memcpy(&result, from, sizeof result);
  return result;
}

inline void storeHalves(uint16_t* to, const PanelHalves& halves) { std::memcpy(to, &halves, sizeof halves); }

inline PanelHalves choose(uint16_t mask, const PanelHalves& ones, const PanelHalves& zeros) {
  return (ones & mask) | (zeros & uint16_t(~mask));
}

// Of a panel, in numbers of 16 bits.
inline int64_t compactSize(const Cut& cut) { return cut.stepsPerBlock / 2 * compactHalvesPerPair; }

// Of so many steps, up to a whole transpose as they are packed.
inline int64_t halvesOf(int64_t steps) { return wholeSteps(steps) / 2 * halvesPerPair; }

constexpr uint16_t keptBits = 0x87ff;
constexpr int exponentShift = 7;
constexpr int exponentsPerPanel = 16;

// Two steps as they were. `base` holds the panel's base where a bf16 number has its exponent.
inline void restorePair(const uint16_t* compact, const PanelHalves& base, PanelHalves (&pair)[4]) {
  const PanelHalves a = loadHalves(compact), b = loadHalves(compact + halvesPerVector),
                    c = loadHalves(compact + 2 * halvesPerVector);
  const PanelHalves low = choose(0x00f0, b >> 7, (c >> 11) & uint16_t(0x000f));
  pair[0] = (a & keptBits) + base;
  pair[1] = (b & keptBits) + base;
  pair[2] = (c & keptBits) + base;
  pair[3] = choose(0x8000, a << 1, choose(0x0700, a >> 3, low)) + base;
}

// The other way; exponents have been made small.
inline void compactPair(const PanelHalves (&pair)[4], uint16_t* compact) {
  const PanelHalves& d = pair[3];
  const PanelHalves inA = choose(0x4000, d >> 1, (d << 3) & uint16_t(0x3800));
  storeHalves(compact, choose(keptBits, pair[0], inA));
  storeHalves(compact + halvesPerVector, choose(keptBits, pair[1], (d << 7) & uint16_t(0x7800)));
  storeHalves(compact + 2 * halvesPerVector, choose(keptBits, pair[2], (d << 11) & uint16_t(0x7800)));
}

inline int exponentOf(uint16_t number) { return number >> exponentShift & 0xff; }

// The 16 exponents from which on most numbers have theirs.
template <class Exists>
int commonExponents(const uint16_t* numbers, int64_t halves, Exists exists) {
  int64_t counts[256] = {}, covered = 0, most = -1;
  for (int64_t i = 0; i < halves; i++) counts[exponentOf(numbers[i])] += exists(i);
  int base = 0;
  for (int end = 1; end <= 256; end++) {
    covered += counts[end - 1] - (end > exponentsPerPanel ? counts[end - 1 - exponentsPerPanel] : 0);
    if (end >= exponentsPerPanel && covered > most) most = covered, base = end - exponentsPerPanel;
  }
  return base;
}

// Makes a panel compact, of which `steps` steps and `columns` columns exist; the rest becomes some number.
inline void compactPanel(const uint16_t* numbers, int64_t steps, int64_t columns, uint16_t* compact,
                         CompactPanel& panel) {
  constexpr int64_t perStep = 2 * panelColumns;
  const auto exists = [&](int64_t i) { return i / perStep < steps && i % perStep / 2 < columns; };
  const int64_t halves = halvesOf(steps);
  const int base = commonExponents(numbers, steps * perStep, exists);
  panel.base = uint16_t(base << exponentShift);
  for (int64_t first = 0; first < halves; first += halvesPerPair, compact += compactHalvesPerPair) {
    uint16_t codes[halvesPerPair] = {};
    for (int64_t i = first; i < first + halvesPerPair; i++) {
      if (!exists(i)) continue;
      const int exponent = exponentOf(numbers[i]) - base;
      if (exponent >= 0 && exponent < exponentsPerPanel) codes[i - first] = uint16_t(numbers[i] - panel.base);
      else panel.exceptions.push_back({uint32_t(i), numbers[i]});
    }
    PanelHalves pair[4];
    for (int i = 0; i < 4; i++) pair[i] = loadHalves(codes + i * halvesPerVector);
    compactPair(pair, compact);
  }
}

inline PanelHalves everywhere(uint16_t value) { return PanelHalves{} + value; }

// Puts `steps` steps of a panel back as they were packed, and some numbers after them.
inline void restorePanel(const uint16_t* compact, const CompactPanel& panel, int64_t steps, uint16_t* numbers) {
  const int64_t halves = halvesOf(steps);
  const PanelHalves base = everywhere(panel.base);
  for (int64_t first = 0; first < halves; first += halvesPerPair, compact += compactHalvesPerPair) {
    PanelHalves pair[4];
    restorePair(compact, base, pair);
    for (int i = 0; i < 4; i++) storeHalves(numbers + first + i * halvesPerVector, pair[i]);
  }
  for (const CompactPanel::Exception& exception : panel.exceptions) numbers[exception.place] = exception.number;
}

// A panel passing through the registers, pair of steps after pair. `soon` is memory that will be read next: as much of it is
// asked for as is read.
class CompactPairs {
 public:
  CompactPairs(const uint16_t* compact, const CompactPanel& panel, const uint16_t* soon)
      : at(compact),
        soon(soon),
        base(everywhere(panel.base)),
        exception(panel.exceptions.data()),
        lastException(exception + panel.exceptions.size()),
        exceptional(nextException()) {}

  void next(PanelHalves (&pair)[4]) {
    [[maybe_unused]] constexpr int64_t halvesAhead = 8 * compactHalvesPerPair;
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
      // Where there are matrix registers the processor does this by itself, and better: 6.0 instead of 6.6 ms.
      if constexpr (!matrixRegisters) __builtin_prefetch(at + halvesAhead + i * halvesPerVector);
      __builtin_prefetch(soon + i * halvesPerVector, 0, 2);
    }
    restorePair(at, base, pair);
    at += compactHalvesPerPair;
    soon += compactHalvesPerPair;
    end += halvesPerPair;
    if (__builtin_expect(exceptional < end, false)) putExceptions(pair);
  }

 private:
  int64_t nextException() const { return exception < lastException ? exception->place : INT64_MAX; }

  void putExceptions(PanelHalves (&pair)[4]) {
    uint16_t numbers[halvesPerPair];
    std::memcpy(numbers, pair, sizeof numbers);
    for (; exceptional < end; exceptional = nextException()) {
      numbers[exceptional - (end - halvesPerPair)] = exception++->number;
    }
    std::memcpy(pair, numbers, sizeof numbers);
  }

  const uint16_t *at, *soon;
  const PanelHalves base;
  const CompactPanel::Exception *exception, *lastException;
  int64_t exceptional, end = 0;  // in numbers of the panel: where the next exception is, and what has been restored
};

// How panels are made compact and restored.
struct TwelveBits {
  using Pairs = CompactPairs;

  // In numbers of 16 bits.
  static int64_t panelSize(const Cut& cut) { return compactSize(cut); }

  static void take(const float* numbers, int64_t steps, int64_t columns, uint16_t* compact, CompactPanel& panel) {
    compactPanel(reinterpret_cast<const uint16_t*>(numbers), steps, columns, compact, panel);
  }
  static void restore(const uint16_t* compact, const CompactPanel& panel, int64_t steps, float* numbers) {
    restorePanel(compact, panel, steps, reinterpret_cast<uint16_t*>(numbers));
  }
};

// Asks for what lies beside the next panels: first for the struct, a panel later for what that points to. Without, each
// panel of a single row begins by waiting for both. Always inlined, as askForOutputs().
[[gnu::always_inline]] inline void askForExceptions(const std::vector<CompactPanel>& panels, int64_t item) {
  const int64_t count = int64_t(panels.size());
  if (item + 2 < count) __builtin_prefetch(&panels[size_t(item + 2)]);
  if (item + 1 < count) __builtin_prefetch(panels[size_t(item + 1)].exceptions.data());
}

#if defined(__AMX_TILE__)
// As many rows as one tile has read a panel as it is: what they multiply passes through the first-level cache, or the
// registers if they are a handful.
constexpr int compactRows = matrixTileRows;

template <class Format, int rows, class Output>
void computeCompactRows(const float* a, CompactPairs panel, int64_t steps, const Output& output) {
  const int64_t aStride = wholeSteps(steps);
  VectorRows<Format, rows> sums(output);
  for (int64_t first = 0; first < steps; first += stepsPerMatrix) {
    for (int64_t step = first; step < first + stepsPerMatrix; step += 2) {
      PanelHalves pair[4];
      panel.next(pair);
      sums.add(a + step, aStride, (Floats)pair[0], (Floats)pair[1]);
      sums.add(a + step + 1, aStride, (Floats)pair[2], (Floats)pair[3]);
    }
    sums.endMatrix();
  }
  sums.finish(output);
}

// A compact panel as MatrixTiles take it, 16 steps after 16. `soon` will be read next.
class CompactPanelInOrder {
 public:
  CompactPanelInOrder(const uint16_t* compact, const CompactPanel& panel, const uint16_t* soon)
      : compact(compact),
        soon(soon),
        base(everywhere(panel.base)),
        exception(panel.exceptions.data()),
        lastException(exception + panel.exceptions.size()) {}

  const float* at(int64_t step) {
    const uint16_t *const from = compact + step / 2 * compactHalvesPerPair, *const next = soon + (from - compact);
    const PanelHalves ownBase = base;
    for (int64_t i = 0; i < stepsPerMatrix / 2; i++) {
      PanelHalves pair[4];
      for (int j = 0; j < 3; j++) {
        __builtin_prefetch(next + i * compactHalvesPerPair + j * halvesPerVector, 0, 2);
      }
      restorePair(from + i * compactHalvesPerPair, ownBase, pair);
      for (int j = 0; j < 4; j++) storeHalves(numbers + i * halvesPerPair + j * halvesPerVector, pair[j]);
    }
    const int64_t first = step / 2 * halvesPerPair, end = first + stepsPerMatrix / 2 * halvesPerPair;
    for (; exception < lastException && exception->place < end; exception++) {
      numbers[exception->place - first] = exception->number;
    }
    return reinterpret_cast<const float*>(numbers);
  }

  void ask(int64_t) const {}

 private:
  const uint16_t *compact, *soon;
  PanelHalves base;
  const CompactPanel::Exception *exception, *lastException;
  alignas(64) uint16_t numbers[stepsPerMatrix / 2 * halvesPerPair];
};

template <class Format, class Bits, class Output>
void computeCompactTile(Tiles<Format, Output>& tiles, int64_t rows, const float* a, const uint16_t* compact,
                        const CompactPanel& panel, const uint16_t* soon, int64_t steps, const Output& output) {
  switch (rows) {
    case 1: return computeCompactRows<Format, 1>(a, {compact, panel, soon}, steps, output);
    case 2: return computeCompactRows<Format, 2>(a, {compact, panel, soon}, steps, output);
    case 3: return computeCompactRows<Format, 3>(a, {compact, panel, soon}, steps, output);
    case 4: return computeCompactRows<Format, 4>(a, {compact, panel, soon}, steps, output);
    default: return tiles.compute(a, CompactPanelInOrder(compact, panel, soon), steps, rows, output);
  }
}
#else
// Up to so many rows a panel passes through the registers: fewer than a tile has, which leaves some for what is restored.
// Beyond, restoring its numbers once for all rows pays.
constexpr int compactRows = std::min(8, tileRows - 1);

template <class Format, int rows>
struct CompactTile {
  using Arithmetic = typename Format::Arithmetic;
  using Sums = typename Arithmetic::Sums;

  static void addStep(const float* a, const PanelHalves& first, const PanelHalves& second, RowSums<Sums> (&sums)[rows]) {
    const auto b0 = Arithmetic::asElement((Floats)first), b1 = Arithmetic::asElement((Floats)second);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      const auto element = Arithmetic::broadcastElement(a + r);
      sums[r].first = Arithmetic::multiplyAdd(element, b0, sums[r].first);
      sums[r].second = Arithmetic::multiplyAdd(element, b1, sums[r].second);
    }
  }

  template <class Pairs, class Output>
  static void compute(const float* a, Pairs panel, int64_t steps, const Output& output) {
    RowSums<Sums> sums[rows];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) sums[r] = output.start(r);
    for (int64_t step = 0; step < steps; step += 2) {
      PanelHalves pair[4];
      panel.next(pair);
      addStep(a + step * tileRows, pair[0], pair[1], sums);
      if (step + 1 < steps) addStep(a + (step + 1) * tileRows, pair[2], pair[3], sums);
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) output.finish(r, sums[r]);
  }
};

template <class Format, class Bits, class Output>
void computeCompactTile(Tiles<Format, Output>&, int64_t rows, const float* a, const uint16_t* compact,
                        const CompactPanel& panel, const uint16_t* soon, int64_t steps, const Output& output) {
  const typename Bits::Pairs pairs(compact, panel, soon);
  switch (rows) {
    case 1: return CompactTile<Format, 1>::compute(a, pairs, steps, output);
    case 2: return CompactTile<Format, 2>::compute(a, pairs, steps, output);
    case 3: return CompactTile<Format, 3>::compute(a, pairs, steps, output);
    case 4: return CompactTile<Format, 4>::compute(a, pairs, steps, output);
    case 5: return CompactTile<Format, 5>::compute(a, pairs, steps, output);
    case 6: return CompactTile<Format, 6>::compute(a, pairs, steps, output);
    case 7: return CompactTile<Format, 7>::compute(a, pairs, steps, output);
    default: return CompactTile<Format, 8>::compute(a, pairs, steps, output);
  }
}
#endif

}  // namespace parley::PARLEY_ISA
