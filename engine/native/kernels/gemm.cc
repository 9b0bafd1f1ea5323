// Matrix products: Y = X Wt, dX = dY W, dW = dYt X, all as output = initial + a * bt (gemm.h), over one inner loop
// (gemm-tile.h) and one pair of packers (gemm-pack.h).
//
// The inner index is cut into blocks of at most mostSteps steps, so that a tile of a (25 KB) stays in the first-level
// cache. Between blocks a sum rests in the output; as it is f32 there as well, the cut does not show in its bits.
//
//   Many rows   All of b is packed, shared by the threads. Rows are split among threads; each packs a block of 8
//               tiles (a second-level cache full) at a time and takes it through all panels of b.
//   Few rows    All of a is packed, shared by the threads. Panels of b are split among threads; each is packed on the
//               fly into a scratch that stays in the cache, so that b, usually a weight matrix in a decoding step,
//               streams through once. If b comes packed it is read as it is.
//
// The approach is Goto and van de Geijn's, "Anatomy of High-Performance Matrix Multiplication" (2008), in BLIS's terms.
#include "../gemm.h"

#include <algorithm>
#include <utility>

#include "../binding.h"
#include "../gemm-pack.h"
#include "../gemm-tile.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t mostSteps = 448;
constexpr int64_t tilesPerBlock = 8;
constexpr int64_t fewRows = tilesPerBlock * tileRows;
constexpr int64_t panelsPerRun = 8;

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How the inner index is cut: equal blocks of whole transposes.
struct Cut {
  int64_t inner, innerPerBlock, stepsPerBlock, blocks;

  Cut(int64_t inner, int kPerStep) : inner(inner) {
    const int64_t steps = ceilDivide(inner, kPerStep);
    const int64_t wanted = std::max<int64_t>(1, ceilDivide(steps, mostSteps));
    stepsPerBlock = std::max<int64_t>(1, ceilDivide(ceilDivide(steps, wanted), lanes)) * lanes;
    innerPerBlock = stepsPerBlock * kPerStep;
    blocks = std::max<int64_t>(1, ceilDivide(inner, innerPerBlock));
  }

  int64_t begin(int64_t block) const { return block * innerPerBlock; }
  int64_t innerOf(int64_t block) const { return std::min(innerPerBlock, inner - begin(block)); }
};

template <class Format>
struct Tiles {
  using Function = void (*)(const float*, const float*, int64_t, const TileOutput&);

  template <size_t... rows>
  static constexpr auto table(std::index_sequence<rows...>) {
    struct {
      Function ofRows[tileRows];
    } result{{&computeTile<typename Format::Arithmetic, int(rows) + 1>...}};
    return result;
  }
  static constexpr auto functions = table(std::make_index_sequence<tileRows>());

  // The tile at (row, column) of the output, over one block of the inner index.
  static void compute(const float* a, const float* b, int64_t inner, const Output& output, int64_t row, int64_t rows,
                      int64_t column, int64_t columns, bool firstBlock) {
    TileOutput tile{output.data + row * output.stride + column, output.stride, nullptr, output.stride,
                    columns - column};
    if (!firstBlock) {
      tile.initial = tile.data;
    } else if (output.initial != nullptr) {
      tile.initial = output.initial + row * output.initialStride + column;
      tile.initialStride = output.initialStride;
    }
    const int64_t steps = ceilDivide(inner, Format::kPerStep);
    functions.ofRows[std::min<int64_t>(tileRows, rows - row) - 1](a, b, steps, tile);
  }
};

// A packed b: for each block of the inner index all panels, panelColumns x stepsPerBlock each.
struct Panels {
  const float* data;
  int64_t count;

  const float* at(const Cut& cut, int64_t block, int64_t panel) const {
    return data + (block * count + panel) * stripSize<panelColumns>(cut.stepsPerBlock);
  }
};

int64_t panelsSize(const Cut& cut, int64_t columns) {
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

struct Scratch {
  Buffer<float> a, b;
  WorkQueue queue;
};

Scratch& ownScratch() {
  thread_local Scratch scratch;
  return scratch;
}

// What the threads of a team share. Dispatches of the pool exclude each other, so one is enough.
Scratch& poolScratch() {
  static Scratch* const scratch = new Scratch;
  return *scratch;
}

Scratch& sharedScratch(const Team& team) { return team.threads > 1 ? poolScratch() : ownScratch(); }

// Takes blocks of tiles from the queue, which was reset before a barrier.
template <class Format>
void multiplyManyRows(const Team& team, int64_t rows, int64_t columns, const Cut& cut, const Operand& a,
                      const Panels& panels, const Output& output) {
  const int64_t tileSize = stripSize<tileRows>(cut.stepsPerBlock);
  float* const packed = ownScratch().a.atLeast(tilesPerBlock * tileSize);
  WorkQueue& queue = sharedScratch(team).queue;
  for (Range run = queue.take(); run.begin < run.end; run = queue.take()) {
    const int64_t begin = run.begin * tileRows, end = std::min(run.end * tileRows, rows);
    for (int64_t block = 0; block < cut.blocks; block++) {
      const int64_t inner = cut.innerOf(block);
      packStrips<Format, tileRows>(a, begin, end - begin, cut.begin(block), inner, packed, tileSize);
      for (int64_t panel = 0; panel < panels.count; panel++) {
        const float* const b = panels.at(cut, block, panel);
        const float* tile = packed;
        for (int64_t row = begin; row < end; row += tileRows, tile += tileSize) {
          Tiles<Format>::compute(tile, b, inner, output, row, rows, panel * panelColumns, columns, block == 0);
        }
      }
    }
  }
}

// Packs all of a, the threads of the team together, and fills the queue for multiplyFewRows.
template <class Format>
const float* packRows(const Team& team, int64_t rows, int64_t columns, const Cut& cut, const Operand& a) {
  const int64_t tileSize = stripSize<tileRows>(cut.stepsPerBlock), tiles = ceilDivide(rows, tileRows);
  Scratch& shared = sharedScratch(team);
  if (team.thread == 0) {
    shared.a.atLeast(cut.blocks * tiles * tileSize);
    shared.queue.reset(ceilDivide(columns, panelColumns), panelsPerRun, team.threads);
  }
  team.barrier();
  const Range mine = team.share(cut.blocks);
  for (int64_t block = mine.begin; block < mine.end; block++) {
    packStrips<Format, tileRows>(a, 0, rows, cut.begin(block), cut.innerOf(block),
                                 shared.a.data() + block * tiles * tileSize, tileSize);
  }
  team.barrier();
  return shared.a.data();
}

// panelAt(block, panel) gives the packed panel of b.
template <class Format, class PanelAt>
void multiplyFewRows(const Team& team, int64_t rows, int64_t columns, const Cut& cut, const float* packed,
                     const Output& output, PanelAt panelAt) {
  const int64_t tileSize = stripSize<tileRows>(cut.stepsPerBlock), tiles = ceilDivide(rows, tileRows);
  WorkQueue& queue = sharedScratch(team).queue;
  for (Range run = queue.take(); run.begin < run.end; run = queue.take()) {
    for (int64_t panel = run.begin; panel < run.end; panel++) {
      for (int64_t block = 0; block < cut.blocks; block++) {
        const float* const b = panelAt(block, panel);
        const float* tile = packed + block * tiles * tileSize;
        for (int64_t row = 0; row < rows; row += tileRows, tile += tileSize) {
          Tiles<Format>::compute(tile, b, cut.innerOf(block), output, row, rows, panel * panelColumns, columns,
                                 block == 0);
        }
      }
    }
  }
}

template <class Format>
void multiplyUnpacked(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a,
                      const Operand& b, const Output& output) {
  const Cut cut(inner, Format::kPerStep);
  if (rows > fewRows) {
    Scratch& shared = sharedScratch(team);
    if (team.thread == 0) {
      shared.b.atLeast(panelsSize(cut, columns));
      shared.queue.reset(ceilDivide(rows, tileRows), tilesPerBlock, team.threads);
    }
    team.barrier();
    packPanels<Format>(team, b, columns, cut, shared.b.data());
    team.barrier();
    const Panels panels{shared.b.data(), ceilDivide(columns, panelColumns)};
    multiplyManyRows<Format>(team, rows, columns, cut, a, panels, output);
    return;
  }
  const float* const packed = packRows<Format>(team, rows, columns, cut, a);
  const int64_t size = stripSize<panelColumns>(cut.stepsPerBlock);
  float* const panelScratch = ownScratch().b.atLeast(size);
  multiplyFewRows<Format>(team, rows, columns, cut, packed, output, [&](int64_t block, int64_t panel) {
    const int64_t column = panel * panelColumns;
    packStrips<Format, panelColumns>(b, column, std::min<int64_t>(panelColumns, columns - column), cut.begin(block),
                                     cut.innerOf(block), panelScratch, size);
    return panelScratch;
  });
}

template <class Format>
void multiplyPacked(const Team& team, int64_t rows, const Operand& a, const PackedOperand& b, const Output& output) {
  const Cut cut(b.inner, Format::kPerStep);
  const Panels panels{b.buffer.data(), ceilDivide(b.columns, panelColumns)};
  if (rows > fewRows) {
    if (team.thread == 0) sharedScratch(team).queue.reset(ceilDivide(rows, tileRows), tilesPerBlock, team.threads);
    team.barrier();
    multiplyManyRows<Format>(team, rows, b.columns, cut, a, panels, output);
    return;
  }
  const float* const packed = packRows<Format>(team, rows, b.columns, cut, a);
  multiplyFewRows<Format>(team, rows, b.columns, cut, packed, output,
                          [&](int64_t block, int64_t panel) { return panels.at(cut, block, panel); });
}

}  // namespace

void PackedOperand::resize(int64_t newColumns, int64_t newInner, Precision newPrecision) {
  columns = newColumns;
  inner = newInner;
  precision = newPrecision;
  const Cut cut(inner, precision == Precision::bf16 ? Bf16Format::kPerStep : FloatFormat::kPerStep);
  buffer.atLeast(panelsSize(cut, columns));
}

void PackedOperand::pack(const Team& team, const Operand& b) {
  if (precision == Precision::bf16) {
    packPanels<Bf16Format>(team, b, columns, Cut(inner, Bf16Format::kPerStep), buffer.data());
  } else {
    packPanels<FloatFormat>(team, b, columns, Cut(inner, FloatFormat::kPerStep), buffer.data());
  }
}

void multiply(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a, const Operand& b,
              const Output& output, Precision precision) {
  if (precision == Precision::bf16) multiplyUnpacked<Bf16Format>(team, rows, columns, inner, a, b, output);
  else multiplyUnpacked<FloatFormat>(team, rows, columns, inner, a, b, output);
  team.barrier();
}

void multiply(const Team& team, int64_t rows, const Operand& a, const PackedOperand& b, const Output& output) {
  if (b.precision == Precision::bf16) multiplyPacked<Bf16Format>(team, rows, a, b, output);
  else multiplyPacked<FloatFormat>(team, rows, a, b, output);
  team.barrier();
}

int productThreads(int64_t rows, int64_t columns, int64_t inner) {
  constexpr double worthWaking = 50000;  // multiply-adds: about a microsecond
  const double work = double(rows) * double(columns) * double(inner) / worthWaking;
  return work < 1 ? 1 : work > 256 ? 256 : int(work);
}

namespace {

void run(int64_t rows, int64_t columns, int64_t inner, const Operand& a, const Operand& b, const Output& output) {
  onAllThreads([&](const Team& team) { multiply(team, rows, columns, inner, a, b, output, precision()); },
               productThreads(rows, columns, inner));
}

// y[rows, outputs] = x[rows, inputs] weight[outputs, inputs]t (+ residual[rows, outputs])
void productForward(AnyArray x, Array<const float> weight, std::optional<Array<const float>> residual,
                    Array<float> y, int64_t rows, int64_t inputs, int64_t outputs) {
  x.require(rows * inputs);
  weight.require(outputs * inputs);
  y.require(rows * outputs);
  if (residual) residual->require(rows * outputs);
  run(rows, outputs, inputs, byRows(x, inputs), byRows(weight.data, inputs),
      {y.data, outputs, residual ? residual->data : nullptr, outputs});
}

// dx[rows, inputs] (+)= dy[rows, outputs] weight[outputs, inputs]
void productInputGradient(Array<const float> dy, Array<const float> weight, Array<float> dx, bool add, int64_t rows,
                          int64_t inputs, int64_t outputs) {
  dy.require(rows * outputs);
  weight.require(outputs * inputs);
  dx.require(rows * inputs);
  run(rows, inputs, outputs, byRows(dy.data, outputs), byColumns(weight.data, inputs),
      {dx.data, inputs, add ? dx.data : nullptr, inputs});
}

// dWeight[outputs, inputs] (+)= dy[rows, outputs]t x[rows, inputs]
void productWeightGradient(Array<const float> dy, AnyArray x, Array<float> dWeight, bool add, int64_t rows,
                           int64_t inputs, int64_t outputs) {
  dy.require(rows * outputs);
  x.require(rows * inputs);
  dWeight.require(outputs * inputs);
  run(outputs, inputs, rows, byColumns(dy.data, outputs), byColumns(x, inputs),
      {dWeight.data, inputs, add ? dWeight.data : nullptr, inputs});
}

// A handle to weight[outputs, inputs], rounded as the precision says now and laid out for productPacked.
napi_value packWeight(napi_env env, Array<const float> weight, int64_t inputs, int64_t outputs) {
  weight.require(outputs * inputs);
  auto packed = std::make_unique<PackedOperand>();
  packed->resize(outputs, inputs, precision());
  onAllThreads([&](const Team& team) { packed->pack(team, byRows(weight.data, inputs)); });
  return handle(env, std::move(packed));
}

// productForward with a packed weight, in the precision it was packed in.
void productPacked(AnyArray x, Handle<PackedOperand>& weight, std::optional<Array<const float>> residual,
                   Array<float> y, int64_t rows) {
  const PackedOperand& b = *weight.value;
  x.require(rows * b.inner);
  y.require(rows * b.columns);
  if (residual) residual->require(rows * b.columns);
  const Output output{y.data, b.columns, residual ? residual->data : nullptr, b.columns};
  onAllThreads([&](const Team& team) { multiply(team, rows, byRows(x, b.inner), b, output); },
               productThreads(rows, b.columns, b.inner));
}

}  // namespace

PARLEY_FAMILY(gemm,
              kernel<productForward>("productForward", {"x", "weight", "residual", "y", "rows", "inputs", "outputs"}),
              kernel<productInputGradient>("productInputGradient",
                                           {"dy", "weight", "dx", "add", "rows", "inputs", "outputs"}),
              kernel<productWeightGradient>("productWeightGradient",
                                            {"dy", "x", "dWeight", "add", "rows", "inputs", "outputs"}),
              kernel<packWeight>("packWeight", {"weight", "inputs", "outputs"}),
              kernel<productPacked>("productPacked", {"x", "weight", "residual", "y", "rows"}));

}  // namespace parley::PARLEY_ISA
