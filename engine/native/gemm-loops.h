// The loops around the tile: how a product is cut into what fits the caches and shared among threads.
//
// The inner index is cut into blocks of at most mostSteps steps, so that a tile of a (25 KB) stays in the first-level
// cache. Between blocks a sum rests in the output; as it has 32 bits there as well, the cut does not show in its bits.
//
//   Many rows   All of b is packed, shared by the threads. Rows are split among threads; each packs a block of 8 tiles
//               (12 in matrix registers) at a time and takes it through b in groups of panels that half fill a
//               second-level cache. A tile meets all panels of a group before the next tile does: it stays in the
//               first-level cache, the group in the second-level one, and outputs are written along their rows.
//   Few rows    All of a is packed, shared by the threads. Panels of b are split among threads; each is packed on the
//               fly into a scratch that stays in the cache, so that b, usually a weight matrix in a decoding step,
//               streams through once. If b comes packed it is read as it is, and while the first two tiles use a panel
//               the two halves of the next one are fetched: then memory and arithmetic take their time together.
//
// The approach is Goto and van de Geijn's, "Anatomy of High-Performance Matrix Multiplication" (2008), in BLIS's terms.
//
// What one thread packs and all read costs more than packing: its lines come from another core's cache, and back again
// when they are written the next time, 30 ns each. So every thread packs small operands for itself. Work on rows before
// they are packed, such as quantizing, takes longer than that: then threads share it (RowsToPrepare in gemm-operands.h).
//
// Two parameters say what is multiplied: `Rows` packs rows of a (its Format says how k's make a step), which it may
// `prepare` once before, and `Target` tells each tile where its sums start and end up.
#pragma once
#include <algorithm>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "gemm-amx.h"
#include "gemm-pack.h"
#include "gemm-tile.h"
#include "gemm.h"

namespace parley::PARLEY_ISA {

constexpr int64_t mostSteps = 448;
// In matrix registers: both strips are read at four times the speed, and should stay in the first-level cache together.
constexpr int64_t mostMatrixSteps = 192;
constexpr int64_t tilesPerBlock = matrixRegisters ? 12 : 8;
template <class Format>
constexpr int64_t fewRows = 8 * Format::rowsPerTile;
constexpr int64_t panelsPerRun = 8;
constexpr int64_t mostRowsPackedByEach = 128 * 1024;   // numbers of a
constexpr int64_t mostPanelsPackedByEach = 400 * 1024;  // floats of packed b
constexpr int64_t groupSize = 128 * 1024;               // of panels, in floats

inline int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How the inner index is cut: equal blocks of whole transposes.
struct Cut {
  int64_t inner, innerPerBlock, stepsPerBlock, blocks;

  Cut(int64_t inner, int kPerStep)
      : Cut(inner, kPerStep, matrixRegisters && kPerStep > 1 ? mostMatrixSteps : mostSteps) {}

  Cut(int64_t inner, int kPerStep, int64_t mostSteps) : inner(inner) {
    const int64_t steps = ceilDivide(inner, kPerStep);
    const int64_t wanted = std::max<int64_t>(1, ceilDivide(steps, mostSteps));
    stepsPerBlock = std::max<int64_t>(1, ceilDivide(ceilDivide(steps, wanted), lanes)) * lanes;
    innerPerBlock = stepsPerBlock * kPerStep;
    blocks = std::max<int64_t>(1, ceilDivide(inner, innerPerBlock));
  }

  int64_t begin(int64_t block) const { return block * innerPerBlock; }
  int64_t innerOf(int64_t block) const { return std::min(innerPerBlock, inner - begin(block)); }
};

// A packed panel as MatrixTiles take it. Of what comes next, `asked` floats are asked for with each step.
struct PanelInOrder {
  const float *data, *soon;
  int64_t asked;

  const float* at(int64_t step) const { return data + step * panelColumns; }
  void ask(int64_t step) const {
    if (asked == 0) return;
    __builtin_prefetch(soon + step * asked, 0, 2);
    if (asked > lanes) __builtin_prefetch(soon + step * asked + lanes, 0, 2);
  }
};

// The tiles that a thread computes one after the other: what one ends up as is in its place after the next one or
// finish().
template <class Format, class TileOutput>
class Tiles {
 public:
  // The tile from `row` on, of `rows`. `soon` is what will be read next.
  void compute(const float* a, const float* b, const float* soon, int64_t inner, int64_t row, int64_t rows,
               const TileOutput& tile) {
    const int64_t steps = ceilDivide(inner, Format::kPerStep), here = std::min<int64_t>(Format::rowsPerTile, rows - row);
    if constexpr (Format::inMatrixRegisters) {
      // Panels that stay in the cache come fast enough, and what is asked for then, outputs as well, is in their way. Of
      // others a tile asks for half of what comes next, for all of it if no other tile will use the panel after it.
      const bool streams = soon != b;
      const int64_t asked = !streams ? 0 : rows <= Format::rowsPerTile ? panelColumns : lanes;
      if (streams) askForOutputs(here, steps, tile);
      inRegisters.compute(a, PanelInOrder{b, soon, asked}, steps, here, tile);
    } else if (tile.columns > lanes) functions<2>.ofRows[here - 1](a, b, soon, steps, tile);
    else functions<1>.ofRows[here - 1](a, b, soon, steps, tile);
  }

  // A tile of a panel that lies otherwise.
  template <class Panel>
  void compute(const float* a, Panel&& panel, int64_t steps, int64_t rows, const TileOutput& tile) {
    inRegisters.compute(a, panel, steps, rows, tile);
  }

  void finish() {
    if constexpr (Format::inMatrixRegisters) inRegisters.finish();
  }

 private:
  template <int vectors, size_t... rows>
  static constexpr auto table(std::index_sequence<rows...>) {
    struct {
      void (*ofRows[tileRows])(const float*, const float*, const float*, int64_t, const TileOutput&);
    } result{{&computeTile<typename Format::Arithmetic, int(rows) + 1, vectors, TileOutput>...}};
    return result;
  }
  template <int vectors>
  static constexpr auto functions = table<vectors>(std::make_index_sequence<tileRows>());

  struct None {};
  std::conditional_t<Format::inMatrixRegisters, MatrixTiles<Format, TileOutput>, None> inRegisters;
};

template <class Format, class Target>
using TilesFor = Tiles<Format, decltype(std::declval<Target>().tile(0, 0, 0, 0, std::declval<Cut>()))>;

// Rows of a as the tiles of the format take them, a strip for each: packStrips() and packAllAlong() otherwise.
template <class Format>
void packTiles(const Operand& a, int64_t row, int64_t rows, int64_t k, int64_t inners, float* strips,
               int64_t stripStride) {
  if constexpr (Format::inMatrixRegisters) packMatrixStrips<Format>(a, row, rows, k, inners, strips, stripStride);
  else packStrips<Format, Format::rowsPerTile>(a, row, rows, k, inners, strips, stripStride);
}

template <class Format, class Number>
void packTilesAlong(const Number* row, int64_t stride, int64_t rows, int64_t inners, float* strips,
                    int64_t stripStride) {
  if constexpr (Format::inMatrixRegisters) packMatrixAllAlong<Format>(row, stride, rows, inners, strips, stripStride);
  else packAllAlong<Format, Format::rowsPerTile>(row, stride, rows, inners, strips, stripStride);
}

// A packed b: for each block of the inner index all panels, panelColumns x stepsPerBlock each.
struct Panels {
  const float* data;
  int64_t count;

  const float* at(const Cut& cut, int64_t block, int64_t panel) const {
    return data + (block * count + panel) * stripSize<panelColumns>(cut.stepsPerBlock);
  }

  // What forEachPanel comes to next.
  const float* after(const Cut& cut, int64_t block, int64_t panel) const {
    return block + 1 < cut.blocks ? at(cut, block + 1, panel) : at(cut, 0, panel + 1);
  }
};

inline int64_t panelsSize(const Cut& cut, int64_t columns) {
  return cut.blocks * ceilDivide(columns, panelColumns) * stripSize<panelColumns>(cut.stepsPerBlock);
}

template <class Format>
void packPanels(const Team& team, const Operand& b, int64_t columns, const Cut& cut, float* data) {
  const int64_t panels = ceilDivide(columns, panelColumns), size = stripSize<panelColumns>(cut.stepsPerBlock);
  const int64_t groups = ceilDivide(panels, panelsPerRun);
  const Range mine = team.share(cut.blocks * groups);
  for (int64_t item = mine.begin; item < mine.end; item++) {
    const int64_t block = item / groups, panel = item % groups * panelsPerRun, column = panel * panelColumns;
    packStrips<Format, panelColumns>(b, column, std::min(panelsPerRun * panelColumns, columns - column),
                                     cut.begin(block), cut.innerOf(block), data + (block * panels + panel) * size,
                                     size);
  }
}

// Which packed b followed which: decoding multiplies by the same ones in the same order, token after token. Its threads
// fetch the panels that they will begin with while they wait. Addresses are compared and asked for, nothing is read
// through them, so operands may be gone.
class PackedOrder {
 public:
  // Before each use of a packed b, by one thread, with a barrier before the others ask what follows it.
  void arriveAt(const Cut& cut, const void* data, int64_t panels, int64_t panelBytes) {
    constexpr size_t most = 4096;  // some twenty models
    if (following.size() >= most) following.clear();
    following[now] = {static_cast<const char*>(data), panels, cut.blocks, panelBytes};
    now = data;
  }

  // The first run of the b that followed the present one last time.
  Reading next(const Team& team) const {
    const auto found = following.find(now);
    if (found == following.end()) return {};
    const auto& [data, panels, blocks, panelBytes] = found->second;
    const Range run = WorkQueue::firstRun(panels, panelsPerRun, team);
    return {data + run.begin * panelBytes, (run.end - run.begin) * panelBytes,
            panels * panelBytes, blocks};
  }

 private:
  struct Packed {
    const char* data;
    int64_t panels, blocks, panelBytes;
  };
  std::unordered_map<const void*, Packed> following;
  const void* now = nullptr;
};

inline bool eachPacksRows(int64_t rows, int64_t inner) {
  return rows <= scatteredRows || rows * inner <= mostRowsPackedByEach;
}

struct Scratch {
  Buffer<float> a, b, scales, sums, rotated;
  Buffer<uint8_t> prepared;
  WorkQueue queue;
  PackedOrder order;
};

inline Scratch& ownScratch() {
  thread_local Scratch scratch;
  return scratch;
}

// What the threads of a team share. Dispatches of the pool exclude each other, so one is enough.
inline Scratch& poolScratch() {
  static Scratch* const scratch = new Scratch;
  return *scratch;
}

inline Scratch& sharedScratch(const Team& team) { return team.threads > 1 ? poolScratch() : ownScratch(); }

// Takes blocks of tiles from the queue, which was reset to items of `tilesPerItem`.
template <class Rows, class Target>
void multiplyManyRows(const Team& team, int64_t rows, int64_t columns, const Cut& cut, const Rows& a,
                      const Panels& panels, const Target& target, int64_t tilesPerItem = 1) {
  using Format = typename Rows::Format;
  constexpr int tileRows = Format::rowsPerTile;
  const int64_t tileSize = stripSize<tileRows>(cut.stepsPerBlock);
  const int64_t groupPanels = std::max<int64_t>(1, groupSize / stripSize<panelColumns>(cut.stepsPerBlock));
  float* const packed = ownScratch().a.atLeast(tilesPerBlock * tileSize);
  sharedScratch(team).queue.forEachRun(team, [&](Range run) {
    const int64_t begin = run.begin * tilesPerItem * tileRows, end = std::min(run.end * tilesPerItem * tileRows, rows);
    TilesFor<Format, Target> tiles;
    a.prepare(begin, end - begin);
    for (int64_t block = 0; block < cut.blocks; block++) {
      const int64_t inner = cut.innerOf(block);
      a.pack(begin, end - begin, cut.begin(block), inner, packed, tileSize);
      const auto compute = [&](int64_t row, int64_t panel) {
        const float* const b = panels.at(cut, block, panel);
        tiles.compute(packed + (row - begin) / tileRows * tileSize, b, b, inner, row, rows,
                      target.tile(row, panel * panelColumns, columns, block, cut));
      };
      for (int64_t group = 0; group < panels.count; group += groupPanels) {
        const int64_t groupEnd = std::min(group + groupPanels, panels.count);
        for (int64_t row = begin; row < end; row += tileRows) {
          for (int64_t panel = group; panel < groupEnd; panel++) compute(row, panel);
        }
      }
    }
    tiles.finish();
  });
}

// Packs all of a, block by block, and fills the queue for forEachPanel. Tiles are shared by the threads if there are many.
template <class Rows>
const float* packRows(const Team& team, int64_t rows, int64_t columns, const Cut& cut, const Rows& a) {
  constexpr int tileRows = Rows::Format::rowsPerTile;
  const int64_t tileSize = stripSize<tileRows>(cut.stepsPerBlock), tiles = ceilDivide(rows, tileRows);
  const int64_t size = cut.blocks * tiles * tileSize;
  const bool each = eachPacksRows(rows, cut.inner);
  Scratch& scratch = each ? ownScratch() : sharedScratch(team);
  if (team.thread == 0) {
    sharedScratch(team).queue.reset(ceilDivide(columns, panelColumns), panelsPerRun, team.threads);
  }
  if (each || team.thread == 0) scratch.a.atLeast(size);
  team.followFirst();
  float* const packed = scratch.a.data();
  const Range mine = each ? Range{0, tiles} : team.share(tiles);
  for (int64_t tile = mine.begin; tile < mine.end; tile++) {
    const int64_t row = tile * tileRows, count = std::min<int64_t>(tileRows, rows - row);
    a.prepare(row, count);
    for (int64_t block = 0; block < cut.blocks; block++) {
      a.pack(row, count, cut.begin(block), cut.innerOf(block), packed + (block * tiles + tile) * tileSize, tileSize);
    }
  }
  if (!each) team.barrier();
  return packed;
}

// Takes every panel of every block once: compute(block, panel).
template <class Compute>
void forEachPanel(const Team& team, const Cut& cut, Compute compute) {
  sharedScratch(team).queue.forEachRun(team, [&](Range run) {
    for (int64_t panel = run.begin; panel < run.end; panel++) {
      for (int64_t block = 0; block < cut.blocks; block++) compute(block, panel);
    }
  });
}

struct PanelInUse {
  const float *panel, *next;
};

// panelAt(block, panel) gives the packed panel of b, and the one that will be asked for next if it lies packed as well.
template <class Format, class Target, class PanelAt>
void multiplyFewRows(const Team& team, int64_t rows, int64_t columns, const Cut& cut, const float* packed,
                     const Target& target, PanelAt panelAt) {
  constexpr int tileRows = Format::rowsPerTile;
  const int64_t tileSize = stripSize<tileRows>(cut.stepsPerBlock), count = ceilDivide(rows, tileRows);
  TilesFor<Format, Target> tiles;
  forEachPanel(team, cut, [&](int64_t block, int64_t panel) {
    const PanelInUse b = panelAt(block, panel);
    const float* strip = packed + block * count * tileSize;
    for (int64_t row = 0; row < rows; row += tileRows, strip += tileSize) {
      const float* const soon = b.next + (row == 0 ? 0 : cut.stepsPerBlock * lanes);
      tiles.compute(strip, b.panel, soon, cut.innerOf(block), row, rows,
                    target.tile(row, panel * panelColumns, columns, block, cut));
    }
  });
  tiles.finish();
}

}  // namespace parley::PARLEY_ISA
