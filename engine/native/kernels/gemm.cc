// Matrix products: Y = X Wt, dX = dY W, dW = dYt X, all as output = initial + a * bt (gemm.h).
//
//   gemm-tile.h      the inner loop: a tile of sums in registers
//   gemm-amx.h       the tile in matrix registers
//   gemm-pack.h      from matrices to what the tile reads
//   gemm-loops.h     the loops around it, and threads
//   gemm-operands.h  what they take: kinds of rows and of outputs
//   gemm-thin.h      what differs for a handful of rows
//   gemm-vector.h    what differs for a single row or column in f32
//   gemm-int8.h      what differs for 8-bit weights
//   gemm-compact.h   what differs for packed bf16 weights in 12 bits
//   gemm-half.h      the same in 16 bits, where tiles take floats
//
// This file puts them together to products in f32, bf16 and int8, and says what TypeScript calls.
#include "../gemm.h"

#include <algorithm>

#include "../binding.h"
#include "../gemm-compact.h"
#include "../gemm-half.h"
#include "../gemm-loops.h"
#include "../gemm-operands.h"
#include "../gemm-thin.h"
#include "../gemm-vector.h"

namespace parley::PARLEY_ISA {
namespace {

// How packed bf16 weights take less memory than what tiles read.
using CompactBits = std::conditional_t<Bf16Format::kPerStep == 2, TwelveBits, SixteenBits>;

template <class Format, class Target>
void multiplyUnpacked(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a,
                      const Operand& b, const Target& target) {
  [[maybe_unused]] const MatrixRegisters shaped;
  const Cut cut = Target::wantsLongBlocks(columns) ? Cut(inner, Format::kPerStep, mostSteps) : Cut(inner, Format::kPerStep);
  if (rows > fewRows<Format>) {
    const int64_t size = panelsSize(cut, columns);
    const bool each = size <= mostPanelsPackedByEach;
    Scratch& scratch = each ? ownScratch() : sharedScratch(team);
    if (each || team.thread == 0) scratch.b.atLeast(size);
    if (team.thread == 0) sharedScratch(team).queue.reset(ceilDivide(rows, Format::rowsPerTile), tilesPerBlock, team.threads);
    team.followFirst();
    packPanels<Format>(each ? Team::alone() : team, b, columns, cut, scratch.b.data());
    if (!each) team.barrier();
    const Panels panels{scratch.b.data(), ceilDivide(columns, panelColumns)};
    multiplyManyRows(team, rows, columns, cut, FloatRows<Format>{a}, panels, target);
    return;
  }
  const float* const packed = packRows(team, rows, columns, cut, FloatRows<Format>{a});
  if constexpr (!Format::inMatrixRegisters) {
    if (rows <= thinRows) {
      forEachPanel(team, cut, [&](int64_t block, int64_t panel) {
        const int64_t column = panel * panelColumns;
        computeThinTile<Format>(rows, packed + block * stripSize<tileRows>(cut.stepsPerBlock), b, column,
                                std::min<int64_t>(panelColumns, columns - column), cut.begin(block),
                                cut.innerOf(block), target.tile(0, column, columns, block, cut));
      });
      return;
    }
  }
  const int64_t size = stripSize<panelColumns>(cut.stepsPerBlock);
  float* const panelScratch = ownScratch().b.atLeast(size);
  multiplyFewRows<Format>(team, rows, columns, cut, packed, target, [&](int64_t block, int64_t panel) {
    const int64_t column = panel * panelColumns;
    packStrips<Format, panelColumns>(b, column, std::min<int64_t>(panelColumns, columns - column), cut.begin(block),
                                     cut.innerOf(block), panelScratch, size);
    return PanelInUse{panelScratch, panelScratch};
  });
}

// The same product in the orientation whose tiles are fuller: few columns would leave most of a panel empty.
template <class Format>
void multiplyEitherWay(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a,
                       const Operand& b, const Output& output) {
  const auto work = [](int64_t rows, int64_t columns) {
    return rows * ceilDivide(columns, lanes);
  };
  // Scattered sums are a fraction of the work only if each is the sum of many products.
  const bool transposed = columns < rows && columns <= fewRows<Format> && inner >= 2 * lanes &&
                          5 * work(columns, rows) < 4 * work(rows, columns);
  if (transposed) multiplyUnpacked<Format>(team, columns, rows, inner, b, a, TransposedTarget{output});
  else multiplyUnpacked<Format>(team, rows, columns, inner, a, b, FloatTarget{output});
}

// Whether all rows meet a panel of a packed b before the next one does: few do, and more where products are so fast that
// b had better come from memory once, not once for each thread, as long as packed rows stay in the second-level cache.
template <class Format>
bool panelsPassOnce(int64_t rows, const PackedOperand& b) {
  constexpr int64_t mostNumbers = 512 * 1024, timesAsMany = 8;
  if (rows <= fewRows<Format>) return true;
  return Format::inMatrixRegisters && b.gates == 0 && rows * b.inner <= mostNumbers && b.columns >= timesAsMany * rows;
}

template <class Rows, class Target>
void multiplyPacked(const Team& team, int64_t rows, const Rows& a, const PackedOperand& b, const Target& target) {
  using Format = typename Rows::Format;
  [[maybe_unused]] const MatrixRegisters shaped;
  const Cut cut(b.inner, Format::kPerStep);
  const Panels panels{b.panels, ceilDivide(b.columns, panelColumns)};
  if (!panelsPassOnce<Format>(rows, b)) {
    const int64_t tiles = ceilDivide(rows, Format::rowsPerTile);
    // Every run reads all of b: if that is more than a cache holds, a thread has its part in one.
    constexpr int64_t largeBytes = 4 << 20;
    const bool inOne = b.bytes() > largeBytes && tiles <= team.threads * tilesPerBlock;
    const int64_t each = inOne ? ceilDivide(tiles, team.threads) : 1;
    if (team.thread == 0) {
      sharedScratch(team).queue.reset(ceilDivide(tiles, each), inOne ? 1 : tilesPerBlock, team.threads);
    }
    team.followFirst();
    multiplyManyRows(team, rows, b.columns, cut, a, panels, target, each);
    return;
  }
  PackedOrder& order = sharedScratch(team).order;
  const int64_t panelBytes = stripSize<panelColumns>(cut.stepsPerBlock) * int64_t(sizeof(float));
  if (team.thread == 0) order.arriveAt(cut, panels.data, panels.count, panelBytes);
  const float* const packed = packRows(team, rows, b.columns, cut, a);
  multiplyFewRows<Format>(team, rows, b.columns, cut, packed, target,
                          [&](int64_t block, int64_t panel) {
                            return PanelInUse{panels.at(cut, block, panel), panels.after(cut, block, panel)};
                          });
  readWhileWaiting(order.next(team));
}

// Many rows have b restored as a whole, shared by the threads; few rows panel by panel; a handful reads it as it is.
template <class Rows, class Target>
void multiplyCompact(const Team& team, int64_t rows, const Rows& a, const PackedOperand& b, const Target& target) {
  using Format = typename Rows::Format;
  [[maybe_unused]] const MatrixRegisters shaped;
  const Cut cut(b.inner, Format::kPerStep);
  const int64_t panels = ceilDivide(b.columns, panelColumns), size = stripSize<panelColumns>(cut.stepsPerBlock);
  const auto steps = [&](int64_t block) { return ceilDivide(cut.innerOf(block), Format::kPerStep); };
  const auto compact = [&](int64_t item) { return b.compact.data() + item * CompactBits::panelSize(cut); };
  const auto restore = [&](int64_t item, float* to) {
    CompactBits::restore(compact(item), b.compactPanels[item], steps(item / panels), to);
  };
  if (rows > fewRows<Format>) {
    Scratch& scratch = sharedScratch(team);
    if (team.thread == 0) {
      scratch.b.atLeast(cut.blocks * panels * size);
      scratch.queue.reset(ceilDivide(rows, Format::rowsPerTile), tilesPerBlock, team.threads);
    }
    team.followFirst();
    const Range mine = team.share(cut.blocks * panels);
    for (int64_t item = mine.begin; item < mine.end; item++) restore(item, scratch.b.data() + item * size);
    team.barrier();
    multiplyManyRows(team, rows, b.columns, cut, a, Panels{scratch.b.data(), panels}, target);
    return;
  }
  PackedOrder& order = sharedScratch(team).order;
  const int64_t panelBytes = CompactBits::panelSize(cut) * int64_t(sizeof(uint16_t));
  if (team.thread == 0) order.arriveAt(cut, b.compact.data(), panels, panelBytes);
  const float* const packed = packRows(team, rows, b.columns, cut, a);
  const auto next = [&](int64_t block, int64_t panel) {
    return block + 1 < cut.blocks ? compact((block + 1) * panels + panel) : compact(panel + 1);
  };
  if (rows <= compactRows) {
    TilesFor<Format, Target> tiles;
    forEachPanel(team, cut, [&](int64_t block, int64_t panel) {
      const int64_t item = block * panels + panel;
      askForExceptions(b.compactPanels, item);
      const float* const strip = packed + block * stripSize<Format::rowsPerTile>(cut.stepsPerBlock);
      computeCompactTile<Format, CompactBits>(tiles, rows, strip, compact(item), b.compactPanels[item],
                                              next(block, panel), steps(block),
                                              target.tile(0, panel * panelColumns, b.columns, block, cut));
    });
    tiles.finish();
  } else {
    float* const panelScratch = ownScratch().b.atLeast(size);
    multiplyFewRows<Format>(team, rows, b.columns, cut, packed, target, [&](int64_t block, int64_t panel) {
      restore(block * panels + panel, panelScratch);
      return PanelInUse{panelScratch, reinterpret_cast<const float*>(next(block, panel))};
    });
  }
  readWhileWaiting(order.next(team));
}

void multiplyQuantized(const Team& team, int64_t rows, const Operand& a, const PackedOperand& b, const Output& output,
                       const Normalisation& normalisation) {
  const QuantizedRows from = readyRows(team, rows, QuantizedRows{{a, normalisation, b.inner}});
  if (b.gates == 0) return multiplyPacked(team, rows, from, b, QuantizedTarget{output, from.scales, b});
  const auto scaling = [&](int64_t row, int64_t column) {
    return QuantizedTarget::scaling(from.scales, b, row, column);
  };
  multiplyPacked(team, rows, from, b, GatedTarget<Int8Format, decltype(scaling)>(output, rows, b, scaling));
}

// Panels of quantized rows of b, with their scales and the sums' starts.
void packQuantized(const Team& team, const Operand& b, PackedOperand& packed) {
  const Cut cut(packed.inner, Int8Format::kPerStep);
  const int64_t panels = ceilDivide(packed.columns, panelColumns), size = stripSize<panelColumns>(cut.stepsPerBlock);
  uint8_t* const bytes = ownScratch().prepared.atLeast(panelColumns * packed.inner);
  float* const rotated = ownScratch().rotated.atLeast(ceilDivide(packed.inner, lanes) * lanes);
  const float unrotate = 1.0f / float(rotatedTogether(packed.inner));
  const Range mine = team.share(panels);
  for (int64_t panel = mine.begin; panel < mine.end; panel++) {
    const int64_t first = panel * panelColumns, count = std::min<int64_t>(panelColumns, packed.columns - first);
    for (int64_t i = 0; i < panelColumns; i++) {
      float scale = 0;
      int32_t total = 0;
      if (i < count) {
        uint8_t* const row = bytes + i * packed.inner;
        rotateRow(b.values.floats() + (first + i) * b.stride, packed.inner, rotated);
        scale = unrotate * quantizeRow(rotated, packed.inner, 0, row);
        for (int64_t k = 0; k < packed.inner; k++) total += int8_t(row[k]);
      }
      packed.scales.data()[first + i] = scale;
      packed.starts.data()[first + i] = -activationOffset * total;
    }
    for (int64_t block = 0; block < cut.blocks; block++) {
      packAlong<Int8Format, panelColumns>(bytes + cut.begin(block), packed.inner, count, cut.innerOf(block),
                                          packed.panels + (block * panels + panel) * size);
    }
  }
}

WeightFormat formatOf(Precision precision) {
  return precision == Precision::bf16 ? WeightFormat::bf16 : WeightFormat::f32;
}

int64_t packedSize(int64_t columns, int64_t inner, WeightFormat format) {
  const int kPerStep = format == WeightFormat::f32    ? FloatFormat::kPerStep
                       : format == WeightFormat::bf16 ? Bf16Format::kPerStep
                                                      : Int8Format::kPerStep;
  return panelsSize(Cut(inner, kPerStep), columns);
}

}  // namespace

void PackedOperand::resize(int64_t newColumns, int64_t newInner, WeightFormat newFormat) {
  columns = newColumns;
  inner = newInner;
  format = newFormat;
  panels = own.atLeast(packedSize(columns, inner, format));
  compactPanels.clear();
  if (format == WeightFormat::int8) {
    const int64_t whole = ceilDivide(columns, panelColumns) * panelColumns;
    scales.atLeast(whole);
    starts.atLeast(whole);
  }
}

int64_t PackedOperand::sizeOf(int64_t columns, int64_t inner, Precision precision) {
  return packedSize(columns, inner, formatOf(precision));
}

void PackedOperand::place(float* memory, int64_t newColumns, int64_t newInner, Precision precision) {
  columns = newColumns;
  inner = newInner;
  format = formatOf(precision);
  panels = memory;
}

void PackedOperand::pack(const Team& team, const Operand& b) {
  if (format == WeightFormat::int8) {
    packQuantized(team, b, *this);
  } else if (format == WeightFormat::bf16) {
    packPanels<Bf16Format>(team, b, columns, Cut(inner, Bf16Format::kPerStep), panels);
  } else {
    packPanels<FloatFormat>(team, b, columns, Cut(inner, FloatFormat::kPerStep), panels);
  }
}

void PackedOperand::makeCompact() {
  constexpr int64_t numbersPerException = 500;  // one takes a thin product as long as a dozen vectors
  if (format != WeightFormat::bf16) return;
  const Cut cut(inner, Bf16Format::kPerStep);
  const int64_t count = ceilDivide(columns, panelColumns), size = stripSize<panelColumns>(cut.stepsPerBlock);
  const int64_t compactSize = CompactBits::panelSize(cut);
  compact.atLeast(cut.blocks * count * compactSize);
  compactPanels.assign(size_t(cut.blocks * count), CompactPanel{});
  parallel(cut.blocks * count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++) {
      const int64_t panel = item % count, steps = ceilDivide(cut.innerOf(item / count), Bf16Format::kPerStep);
      CompactBits::take(panels + item * size, steps, columns - panel * panelColumns,
                        compact.data() + item * compactSize, compactPanels[item]);
    }
  });
  int64_t exceptions = 0;
  for (const CompactPanel& panel : compactPanels) exceptions += int64_t(panel.exceptions.size());
  if (exceptions * numbersPerException <= columns * inner) {
    own.clear();
    panels = nullptr;
  } else {
    compactPanels.clear();
    compact.clear();
  }
}

int64_t PackedOperand::bytes() const {
  if (compactPanels.empty()) return packedSize(columns, inner, format) * int64_t(sizeof(float));
  return int64_t(compactPanels.size()) * CompactBits::panelSize(Cut(inner, Bf16Format::kPerStep)) *
         int64_t(sizeof(uint16_t));
}

void multiply(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a, const Operand& b,
              const Output& output, Precision precision) {
  if (rows == 0 || columns == 0) return;
  if (precision == Precision::bf16) {
    multiplyEitherWay<Bf16Format>(team, rows, columns, inner, a, b, output);
  } else if (columns == 1) {
    MatrixTimesVector(team, a, b, rows, inner).multiply(output, output.stride, output.initialStride);
  } else if (rows == 1) {
    MatrixTimesVector(team, b, a, columns, inner).multiply(output, 1, 1);
  } else {
    multiplyEitherWay<FloatFormat>(team, rows, columns, inner, a, b, output);
  }
}

void multiply(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a, const Operand& b,
              const RoundedOutput& output, Precision precision) {
  if (rows == 0 || columns == 0) return;
  const auto multiplyAs = [&](auto format) {
    using Format = decltype(format);
    multiplyUnpacked<Format>(team, rows, columns, inner, a, b, RoundedTarget<Format>(output, columns));
  };
  if (precision == Precision::bf16) multiplyAs(Bf16Format{});
  else multiplyAs(FloatFormat{});
}

void multiply(const Team& team, int64_t rows, const Operand& a, const PackedOperand& b, const Output& output,
              const Normalisation& normalisation) {
  if (rows == 0 || b.columns == 0) return;
  const auto multiplyBy = [&](const auto& from, const auto& target) {
    using Format = typename std::decay_t<decltype(from)>::Format;
    if constexpr (std::is_same_v<Format, Bf16Format>) {
      if (!b.compactPanels.empty()) return multiplyCompact(team, rows, from, b, target);
    }
    multiplyPacked(team, rows, from, b, target);
  };
  const auto multiplyFloats = [&](const auto& from) {
    using Format = typename std::decay_t<decltype(from)>::Format;
    const auto plain = [](int64_t, int64_t) { return PlainSums{}; };
    if (b.gates == 0) multiplyBy(from, FloatTarget{output});
    else multiplyBy(from, GatedTarget<Format, decltype(plain)>(output, rows, b, plain));
  };
  const RowsToPrepare normalised{a, normalisation, b.inner};
  const bool normalises = normalisation.gain != nullptr;
  if (b.format == WeightFormat::int8) {
    multiplyQuantized(team, rows, a, b, output, normalisation);
  } else if (b.format == WeightFormat::bf16) {
    if (normalises) multiplyFloats(readyRows(team, rows, NormalisedRows<Bf16Format, uint16_t>{normalised}));
    else multiplyFloats(FloatRows<Bf16Format>{a});
  } else {
    if (normalises) multiplyFloats(readyRows(team, rows, NormalisedRows<FloatFormat, float>{normalised}));
    else multiplyFloats(FloatRows<FloatFormat>{a});
  }
}

int productThreads(int64_t rows, int64_t columns, int64_t inner) {
  constexpr double worthWaking = 50000;  // multiply-adds: about a microsecond
  const double work = double(rows) * double(columns) * double(inner) / worthWaking;
  return work < 1 ? 1 : work > 256 ? 256 : int(work);
}

namespace {

template <class Output>
void run(int64_t rows, int64_t columns, int64_t inner, const Operand& a, const Operand& b, const Output& output) {
  onAllThreads([&](const Team& team) { multiply(team, rows, columns, inner, a, b, output, precision()); },
               productThreads(rows, columns, inner));
}

// y[rows, outputs] = x[rows, inputs] weight[outputs, inputs]t (+ residual[rows, outputs], if y is not rounded)
void productForward(AnyArray x, Array<const float> weight, std::optional<Array<const float>> residual, AnyArray y,
                    int64_t rows, int64_t inputs, int64_t outputs) {
  x.require(rows * inputs);
  weight.require(outputs * inputs);
  y.require(rows * outputs);
  if (residual) residual->require(rows * outputs);
  const Operand a = byRows(x, inputs), b = byRows(weight.data, inputs);
  if (!y.bf16) {
    run(rows, outputs, inputs, a, b, Output{y.floats(), outputs, residual ? residual->data : nullptr, outputs});
    return;
  }
  if (residual) throw std::runtime_error("adds a residual to float32 outputs only");
  run(rows, outputs, inputs, a, b, RoundedOutput{y.halves(), outputs});
}

// dx[rows, inputs] (+)= dy[rows, outputs] weight[outputs, inputs], where only a dx that is not rounded is added to
void productInputGradient(AnyArray dy, Array<const float> weight, AnyArray dx, bool add, int64_t rows,
                          int64_t inputs, int64_t outputs) {
  dy.require(rows * outputs);
  weight.require(outputs * inputs);
  dx.require(rows * inputs);
  const Operand a = byRows(dy, outputs), b = byColumns(weight.data, inputs);
  if (!dx.bf16) {
    run(rows, inputs, outputs, a, b, Output{dx.floats(), inputs, add ? dx.floats() : nullptr, inputs});
    return;
  }
  if (add) throw std::runtime_error("adds to float32 gradients only");
  run(rows, inputs, outputs, a, b, RoundedOutput{dx.halves(), inputs});
}

// dWeight[outputs, inputs] (+)= dy[rows, outputs]t x[rows, inputs]
void productWeightGradient(AnyArray dy, AnyArray x, Array<float> dWeight, bool add, int64_t rows,
                           int64_t inputs, int64_t outputs) {
  dy.require(rows * outputs);
  x.require(rows * inputs);
  dWeight.require(outputs * inputs);
  run(outputs, inputs, rows, byColumns(dy, outputs), byColumns(x, inputs),
      Output{dWeight.data, inputs, add ? dWeight.data : nullptr, inputs});
}

WeightFormat formatNamed(const std::string& name) {
  if (name == "f32") return WeightFormat::f32;
  if (name == "bf16") return WeightFormat::bf16;
  if (name == "int8") return WeightFormat::int8;
  throw std::runtime_error("format is \"" + name + "\", expected f32, bf16 or int8");
}

// The rows of a weight whose first half are gates, in the order of panels that hold `lanes` gates and then what they gate.
// Rows that fill the last panel up are zeros.
const float* gatesBesideUps(const float* weight, int64_t gates, int64_t inputs, Buffer<float>& memory) {
  const int64_t rows = ceilDivide(gates, lanes) * panelColumns;
  float* const ordered = memory.atLeast(rows * inputs);
  std::fill(ordered, ordered + rows * inputs, 0.0f);
  for (int64_t row = 0; row < 2 * gates; row++) {
    const int64_t gate = row % gates, place = gate / lanes * panelColumns + gate % lanes + row / gates * lanes;
    std::copy(weight + row * inputs, weight + (row + 1) * inputs, ordered + place * inputs);
  }
  return ordered;
}

napi_value packedHandle(napi_env env, const float* rows, int64_t count, int64_t inputs, int64_t gates,
                        const std::string& format, bool fewRows) {
  auto packed = std::make_unique<PackedOperand>();
  packed->resize(count, inputs, formatNamed(format));
  packed->gates = gates;
  onAllThreads([&](const Team& team) { packed->pack(team, byRows(rows, inputs)); });
  if (fewRows) packed->makeCompact();
  return handle(env, std::move(packed));
}

// A handle to weight[outputs, inputs], rounded to the format and laid out for productPacked.
napi_value packWeight(napi_env env, Array<const float> weight, std::string format, bool fewRows, int64_t inputs,
                      int64_t outputs) {
  weight.require(outputs * inputs);
  return packedHandle(env, weight.data, outputs, inputs, 0, format, fewRows);
}

// The same of gates[outputs, inputs] and then as many rows that they gate, for normalisedProductPacked.
napi_value packGatedWeight(napi_env env, Array<const float> weight, std::string format, bool fewRows, int64_t inputs,
                           int64_t outputs) {
  weight.require(2 * outputs * inputs);
  Buffer<float> memory;
  const float* const rows = gatesBesideUps(weight.data, outputs, inputs, memory);
  return packedHandle(env, rows, ceilDivide(outputs, lanes) * panelColumns, inputs, outputs, format, fewRows);
}

// What memory has to deliver of it for a product.
double packedBytes(Handle<PackedOperand>& weight) { return double(weight.value->bytes()); }

void runPacked(int64_t rows, const Values& x, const PackedOperand& b, const Output& output,
               const Normalisation& normalisation) {
  onAllThreads([&](const Team& team) { multiply(team, rows, byRows(x, b.inner), b, output, normalisation); },
               productThreads(rows, b.columns, b.inner));
}

// productForward with a packed weight, in the format it was packed in. With int8 the residual must not be y.
void productPacked(AnyArray x, Handle<PackedOperand>& weight, std::optional<Array<const float>> residual,
                   Array<float> y, int64_t rows) {
  const PackedOperand& b = *weight.value;
  if (b.gates > 0) throw std::runtime_error("weight is gated");
  x.require(rows * b.inner);
  y.require(rows * b.columns);
  if (residual) residual->require(rows * b.columns);
  runPacked(rows, x, b, {y.data, b.columns, residual ? residual->data : nullptr, b.columns}, {});
}

// The same of rows that are normalised first, as by rmsNormForward; with a gated weight, swigluForward of that.
void normalisedProductPacked(Array<const float> x, Array<const float> gain, double epsilon,
                             Handle<PackedOperand>& weight, Array<float> y, int64_t rows) {
  const PackedOperand& b = *weight.value;
  x.require(rows * b.inner);
  gain.require(b.inner);
  y.require(rows * b.outputs());
  runPacked(rows, x.data, b, {y.data, b.outputs()}, {gain.data, float(epsilon)});
}

}  // namespace

PARLEY_FAMILY(gemm,
              kernel<productForward>("productForward", {"x", "weight", "residual", "y", "rows", "inputs", "outputs"}),
              kernel<productInputGradient>("productInputGradient",
                                           {"dy", "weight", "dx", "add", "rows", "inputs", "outputs"}),
              kernel<productWeightGradient>("productWeightGradient",
                                            {"dy", "x", "dWeight", "add", "rows", "inputs", "outputs"}),
              kernel<packWeight>("packWeight", {"weight", "format", "fewRows", "inputs", "outputs"}),
              kernel<packGatedWeight>("packGatedWeight", {"weight", "format", "fewRows", "inputs", "outputs"}),
              kernel<packedBytes>("packedBytes", {"weight"}),
              kernel<productPacked>("productPacked", {"x", "weight", "residual", "y", "rows"}),
              kernel<normalisedProductPacked>("normalisedProductPacked",
                                              {"x", "gain", "epsilon", "weight", "y", "rows"}));

}  // namespace parley::PARLEY_ISA
