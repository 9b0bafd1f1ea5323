// Packed bf16 weights where no instruction multiplies pairs of bf16: tiles there take floats, of which the lower half is
// zeros that memory need not deliver. Decoding a token reads every weight once, so memory is what it waits for. (12 bits as
// in gemm-compact.h take longer here: on AVX2 restoring them and splitting them into floats is more than memory saves.)
//
// Steps k and k + 1 of a panel (gemm-tile.h) lie as one, an element for each column:
//
//     bits 31 ... 16   the number of step k + 1        bits 15 ... 0   the number of step k
//
// A mask gives the one and a shift the other, as the floats that computeTile() would read: no result changes.
#pragma once
#include "gemm-compact.h"

namespace parley::PARLEY_ISA {

// A panel passing through the registers, as CompactPairs.
class HalfPairs {
 public:
  HalfPairs(const uint16_t* halves, const CompactPanel&, const uint16_t* soon) : at(halves), soon(soon) {}

  void next(PanelHalves (&pair)[4]) {
    constexpr int64_t halvesAhead = 16 * 2 * halvesPerVector;
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      __builtin_prefetch(at + halvesAhead + i * halvesPerVector);
      __builtin_prefetch(soon + i * halvesPerVector, 0, 2);
      const EvenAndOdd numbers = numbersOf((Floats)loadHalves(at + i * halvesPerVector));
      pair[i] = (PanelHalves)numbers.even;
      pair[2 + i] = (PanelHalves)numbers.odd;
    }
    at += 2 * halvesPerVector;
    soon += 2 * halvesPerVector;
  }

 private:
  const uint16_t *at, *soon;
};

// What TwelveBits does, in 16.
struct SixteenBits {
  using Pairs = HalfPairs;

  static int64_t panelSize(const Cut& cut) { return cut.stepsPerBlock * panelColumns; }

  static void take(const float* numbers, int64_t steps, int64_t, uint16_t* halves, CompactPanel&) {
    for (int64_t step = 0; step < steps; step += 2, numbers += 2 * panelColumns, halves += 2 * panelColumns) {
      for (int64_t i = 0; i < panelColumns; i += lanes) {
        const Ints even = (Ints)load(numbers + i), odd = (Ints)load(numbers + panelColumns + i);
        const Words pair = (Words)even >> 16 | ((Words)odd & 0xffff0000u);
        std::memcpy(halves + 2 * i, &pair, sizeof pair);
      }
    }
  }

  static void restore(const uint16_t* halves, const CompactPanel& panel, int64_t steps, float* numbers) {
    HalfPairs pairs(halves, panel, halves);
    for (int64_t step = 0; step < steps; step += 2, numbers += 2 * panelColumns) {
      PanelHalves pair[4];
      pairs.next(pair);
      for (int i = 0; i < 4; i++) store(numbers + i * lanes, (Floats)pair[i]);
    }
  }
};

}  // namespace parley::PARLEY_ISA
