// What the loops of gemm-loops.h multiply, and where the sums go.
//
//   Rows     give strips of a: prepare(row, rows) makes some ready, pack() lays them out as tiles of the format read them
//
//                FloatRows        as they are, rounded on the way
//                NormalisedRows   normalised first (normalise.h)
//                QuantizedRows    normalised if need be, rotated and rounded to 8 bits (gemm-int8.h)
//
//   Target   says for each tile where its sums start from and end up
//
//                FloatTarget, TransposedTarget, RoundedTarget, QuantizedTarget, GatedTarget
#pragma once
#include <type_traits>

#include "gemm-int8.h"
#include "gemm-loops.h"
#include "normalise.h"

namespace parley::PARLEY_ISA {

// Rows of a product in f32 or bf16.
template <class F>
struct FloatRows {
  using Format = F;
  const Operand& a;

  void prepare(int64_t, int64_t) const {}
  void pack(int64_t row, int64_t rows, int64_t k, int64_t inners, float* strips, int64_t stripStride) const {
    packTiles<Format>(a, row, rows, k, inners, strips, stripStride);
  }
};

// Rows that take work before they are packed. All threads share that of a few rows: what is ready travels from core to
// core in less time than it is made twice. Of many rows, whoever packs some prepares those.
struct RowsToPrepare {
  const Operand& a;
  const Normalisation& normalisation;
  int64_t inner;
  uint8_t* prepared = nullptr;  // rows x inner numbers
  float* scales = nullptr;      // of int8
  bool ready = false;
};

template <class Rows>
Rows readyRows(const Team& team, int64_t rows, Rows from) {
  const bool together = team.threads > 1 && rows > scatteredRows && rows <= fewRows<typename Rows::Format>;
  const bool own = !together && eachPacksRows(rows, from.inner);
  Scratch& scratch = own ? ownScratch() : sharedScratch(team);
  if (own || team.thread == 0) {
    scratch.prepared.atLeast(rows * from.inner * int64_t(sizeof(typename Rows::Number)));
    scratch.scales.atLeast(rows);
  }
  if (!own) team.followFirst();
  from.prepared = scratch.prepared.data();
  from.scales = scratch.scales.data();
  if (together) {
    const Range mine = team.share(rows);
    from.prepare(mine.begin, mine.end - mine.begin);
    team.barrier();
    from.ready = true;
  }
  return from;
}

// Rows of a product in f32 or bf16 that are normalised first. What it would round is rounded here already.
template <class F, class N>
struct NormalisedRows : RowsToPrepare {
  using Format = F;
  using Number = N;

  void prepare(int64_t row, int64_t rows) const {
    if (ready) return;
    for (int64_t i = row; i < row + rows; i++) {
      const float* const from = a.values.floats() + i * a.stride;
      const float scale = inverseRootMeanSquare(from, inner, normalisation.epsilon);
      normaliseRow(from, normalisation.gain, numbers() + i * inner, scale, inner);
    }
  }
  void pack(int64_t row, int64_t rows, int64_t k, int64_t inners, float* strips, int64_t stripStride) const {
    packTilesAlong<Format>(numbers() + row * inner + k, inner, rows, inners, strips, stripStride);
  }

 private:
  Number* numbers() const { return reinterpret_cast<Number*>(prepared); }
};

// Sums of a product in f32 or bf16. A row of a TransposedTileOutput is a column of the output.
template <class Tile>
struct SumsTarget {
  static constexpr bool wantsLongBlocks(int64_t) { return false; }
  const Output& output;

  Tile tile(int64_t row, int64_t column, int64_t columns, int64_t block, const Cut&) const {
    float* const data = at(output.data, output.stride, row, column);
    if (block > 0) return {data, output.stride, data, output.stride, columns - column};
    const float* const initial =
        output.initial == nullptr ? nullptr : at(output.initial, output.initialStride, row, column);
    return {data, output.stride, initial, output.initialStride, columns - column};
  }

 private:
  template <class Number>
  static Number* at(Number* data, int64_t stride, int64_t row, int64_t column) {
    if constexpr (std::is_same_v<Tile, TransposedTileOutput>) return data + column * stride + row;
    return data + row * stride + column;
  }
};

using FloatTarget = SumsTarget<TileOutput>;
// Of a product that is computed as b * at.
using TransposedTarget = SumsTarget<TransposedTileOutput>;

// A product whose sums are rounded in the end. A thread never has more than mostRows rows of a column under way: those
// are its partial sums.
template <class Format>
struct RoundedTarget {
  // The partial sums of more columns leave the second-level cache.
  static constexpr bool wantsLongBlocks(int64_t columns) { return columns > 1024; }
  static constexpr int64_t mostRows = tilesPerBlock * Format::rowsPerTile;
  const RoundedOutput& output;
  int64_t partialStride;
  float* partial;

  RoundedTarget(const RoundedOutput& output, int64_t columns)
      : output(output),
        partialStride(ceilDivide(columns, panelColumns) * panelColumns),
        partial(ownScratch().sums.atLeast(mostRows * partialStride)) {}

  RoundedTileOutput tile(int64_t row, int64_t column, int64_t columns, int64_t block, const Cut& cut) const {
    return {output.data + row * output.stride + column,
            output.stride,
            partial + row % mostRows * partialStride + column,
            partialStride,
            columns - column,
            block == 0,
            block == cut.blocks - 1};
  }
};

// Rows of a product in int8.
struct QuantizedRows : RowsToPrepare {
  using Format = Int8Format;
  using Number = uint8_t;

  void prepare(int64_t row, int64_t rows) const {
    if (ready) return;
    float* const rotated = ownScratch().rotated.atLeast(ceilDivide(inner, lanes) * lanes);
    const auto& [gain, epsilon] = normalisation;
    for (int64_t i = row; i < row + rows; i++) {
      const Values values = a.values + i * a.stride;
      if (gain != nullptr) {
        const float scale = inverseRootMeanSquare(values.floats(), inner, epsilon);
        normaliseRow(values.floats(), gain, rotated, scale, inner);
        rotateRow(rotated, inner, rotated);
      } else {
        typed(values, [&](const auto* numbers) { rotateRow(numbers, inner, rotated); });
      }
      scales[i] = quantizeRow(rotated, inner, activationOffset, prepared + i * inner);
    }
  }
  void pack(int64_t row, int64_t rows, int64_t k, int64_t inners, float* strips, int64_t stripStride) const {
    packTilesAlong<Format>(prepared + row * inner + k, inner, rows, inners, strips, stripStride);
  }
};

// Sums of a product in int8.
struct QuantizedTarget {
  const Output& output;
  const float* rowScales;
  const PackedOperand& b;

  static QuantizedSums scaling(const float* rowScales, const PackedOperand& b, int64_t row, int64_t column) {
    return {rowScales + row, b.scales.data() + column, b.starts.data() + column};
  }

  QuantizedTileOutput tile(int64_t row, int64_t column, int64_t columns, int64_t block, const Cut& cut) const {
    const float* const residual = output.initial ? output.initial + row * output.initialStride + column : nullptr;
    return {output.data + row * output.stride + column,
            output.stride,
            residual,
            output.initialStride,
            scaling(rowScales, b, row, column),
            columns - column,
            block == 0,
            block == cut.blocks - 1};
  }
};

// A product of a gated operand. scaling(row, column) says what a tile's sums start from and become.
template <class Format, class Scaling>
struct GatedTarget {
  static constexpr int64_t mostRows = tilesPerBlock * Format::rowsPerTile;
  const Output& output;
  int64_t gates;
  Scaling scaling;
  // Few rows take all blocks of a panel in turn, many rows all panels of a block: then each has a place of its own.
  int64_t partialStride;
  bool panelsApart;
  float* partial;

  GatedTarget(const Output& output, int64_t rows, const PackedOperand& b, Scaling scaling)
      : output(output),
        gates(b.gates),
        scaling(scaling),
        partialStride(rows > fewRows<Format> ? b.columns : panelColumns),
        panelsApart(rows > fewRows<Format>),
        partial(ownScratch().sums.atLeast(mostRows * partialStride)) {}

  auto tile(int64_t row, int64_t column, int64_t, int64_t block, const Cut& cut) const {
    const auto here = scaling(row, column);
    return GatedTileOutput<std::decay_t<decltype(here)>>{output.data + row * output.stride + column / 2,
                                                         output.stride,
                                                         partial + row % mostRows * partialStride +
                                                             (panelsApart ? column : 0),
                                                         partialStride,
                                                         here,
                                                         gates - column / 2,
                                                         block == 0,
                                                         block == cut.blocks - 1};
  }
};

}  // namespace parley::PARLEY_ISA
