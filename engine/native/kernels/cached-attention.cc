// Attention of new tokens over a paged key/value cache, for generation.
//
// A page holds the keys and values of 16 consecutive positions of one sequence; a table says which page holds which
// positions of which slot, so that sequences which begin alike share pages (Kwon et al., "Efficient Memory Management
// for Large Language Model Serving with PagedAttention", 2023). In one layer, a page is for each head, in units of 32
// bits,
//
//     keys      [d / pack][16]         a vector holds the same components of 16 keys, so that 16 scores add up side by
//                                      side and no sum across a vector is needed
//     values    [16 / pack][columns]   columns = d, in whole pages of 16
//
// where a unit packs the numbers whose products one instruction adds up:
//
//     f32    1 number
//     bf16   2 numbers; queries and the weights of the softmax are rounded to bfloat16 as well
//     int8   4 bytes (gemm-int8.h), with a scale for each position and head: in front of the keys lie their scales and
//            -128 times the sum of each, in front of the values their scales. Both are spread before they are rounded
//            (rotated, as gemm-int8.h calls it), and so are queries; spreading a result once more undoes it for the
//            values. Queries and weights keep 16 bits, as a plane of high and one of low bytes, so that only what is
//            stored loses precision
//
// A task is one key/value head and a tile of neighbouring rows of one slot, with all query heads that share the head:
// one row when decoding, several in a prefill, so that a vector of the cache is loaded once for up to 6 queries. New
// keys and values are all written first. Rows of one slot come in increasing position and look at their own position
// and before, so writing everything first lets no row see the future.
//
// A score is one chain over d, a component of a result one chain over positions, and the softmax runs over a row's own
// positions in order: a row's bits depend on the rows beside it as little as on threads and pages.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "../binding.h"
#include "../buffer.h"
#include "../gemm-int8.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t pagePositions = 16;
constexpr int mostQueries = 6;      // of a tile
constexpr int64_t pagesAhead = 8;   // pages lie apart, and no hardware prefetcher follows
constexpr float lowest = -3e38f;

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

Floats loadUnit(const void* from) {
  float unit;
  std::memcpy(&unit, from, sizeof unit);
  return broadcast(unit);
}

// The formats. `numbers` hold one factor of a product, packed but in their natural order; the other lies in a page.
struct FloatCells {
  using Number = float;
  using Sums = Floats;
  static constexpr int pack = 1, planes = 1, keyHeader = 0, valueHeader = 0;

  static Sums multiplyAdd(const Number* numbers, Floats cells, Sums sums) {
    return fma(loadUnit(numbers), cells, sums);
  }
  static Floats total(const Sums (&sums)[planes]) { return sums[0]; }
  static Floats firstOfEach(Floats cells) { return cells; }

  static void spread(float*, int64_t) {}
  // Each returns the scale of what it wrote.
  static float storeNumbers(const float* from, int64_t count, Number* to) {
    std::copy(from, from + count, to);
    return 1;
  }
  static float storeQuery(const float* from, int64_t count, Number* to, int64_t) {
    return storeNumbers(from, count, to);
  }
  static float storeWeights(float* from, int64_t count, Number* to, int64_t) { return storeNumbers(from, count, to); }
};

struct Bf16Cells {
  using Number = uint16_t;
  using Sums = Floats;
  static constexpr int pack = 2, planes = 1, keyHeader = 0, valueHeader = 0;

  static Sums multiplyAdd(const Number* numbers, Floats cells, Sums sums) {
#if defined(__AVX512BF16__)
    return _mm512_dpbf16_ps(sums, (__m512bh)loadUnit(numbers), (__m512bh)cells);
#else
    const Floats firsts = (Floats)((Ints)cells << 16), seconds = (Floats)((Ints)cells & int32_t(0xffff0000));
    return fma(broadcast(fromBf16(numbers[1])), seconds, fma(broadcast(fromBf16(numbers[0])), firsts, sums));
#endif
  }
  static Floats total(const Sums (&sums)[planes]) { return sums[0]; }
  static Floats firstOfEach(Floats cells) { return (Floats)((Ints)cells & 0xffff); }

  static void spread(float*, int64_t) {}
  static float storeNumbers(const float* from, int64_t count, Number* to) {
    for (int64_t i = 0; i < count; i += lanes) storeUpTo(count - i, to + i, loadUpTo(count - i, from + i));
    return 1;
  }
  static float storeQuery(const float* from, int64_t count, Number* to, int64_t) {
    return storeNumbers(from, count, to);
  }
  static float storeWeights(float* from, int64_t count, Number* to, int64_t) { return storeNumbers(from, count, to); }
};

struct ByteCells {
  using Number = uint8_t;
  using Sums = Ints;
  static constexpr int pack = 4, planes = 2;
  static constexpr int keyHeader = 2 * pagePositions, valueHeader = pagePositions;

  static Sums multiplyAdd(const Number* numbers, Floats cells, Sums sums) {
    float unit;
    std::memcpy(&unit, numbers, sizeof unit);
    return QuadArithmetic::multiplyAdd(QuadArithmetic::broadcastElement(&unit), QuadArithmetic::asElement(cells), sums);
  }
  static Floats total(const Sums (&sums)[planes]) {
    return fma(__builtin_convertvector(sums[0], Floats), broadcast(256), __builtin_convertvector(sums[1], Floats));
  }
  static Floats firstOfEach(Floats cells) { return cells; }

  // In place, in whole vectors.
  static void spread(float* numbers, int64_t count) { rotateRow(numbers, count, numbers); }
  static float storeNumbers(const float* from, int64_t count, Number* to) {
    return quantizeRow(from, count, 0, to) / float(rotatedTogether(count));
  }

  // 16 bits: 256 * (high - 128) + low. A NaN or an infinity makes the scale, and so the scores, NaN.
  static float storeQuery(const float* from, int64_t count, Number* to, int64_t plane) {
    const float most = largestMagnitude(from, count);
    if (!(most < INFINITY)) return NAN;
    const float inverse = most < 1e-30f ? 0 : 32767 / most;
    storePlanes(from, count, inverse, 32768.5f, to, plane);
    return most / 32767;
  }

  // 16 bits: 256 * high + low; `from` is not negative.
  static float storeWeights(float* from, int64_t count, Number* to, int64_t plane) {
    Floats highest{}, total{};
    for (int64_t i = 0; i < count; i += lanes) {
      highest = max(highest, load(from + i));
      total = total + load(from + i);
    }
    if (!(sum(total) < INFINITY)) return NAN;
    const float most = largest(highest), inverse = most < 1e-30f ? 0 : 65535 / most;
    storePlanes(from, count, inverse, 0.5f, to, plane);
    return most / 65535;
  }

  // The high and the low bytes of from * inverse + offset; count in whole pages.
  static void storePlanes(const float* from, int64_t count, float inverse, float offset, Number* to, int64_t plane) {
    typedef uint8_t Bytes __attribute__((vector_size(lanes)));
    for (int64_t i = 0; i < count; i += lanes) {
      const Ints numbers = __builtin_convertvector(load(from + i) * inverse + offset, Ints);
      const Bytes high = __builtin_convertvector(numbers >> 8, Bytes), low = __builtin_convertvector(numbers, Bytes);
      std::memcpy(to + i, &high, sizeof high);
      std::memcpy(to + plane + i, &low, sizeof low);
    }
  }
};

struct Layout {
  int64_t heads, keyValueHeads, headDim, pagesPerSlot;

  int64_t rowColumns() const { return (heads + 2 * keyValueHeads) * headDim; }
  int64_t group() const { return heads / keyValueHeads; }
  int64_t valueColumns() const { return ceilDivide(headDim, pagePositions) * pagePositions; }
};

// Where things lie in a page.
template <class Cells>
struct PageLayout {
  int64_t keySteps, columns;

  PageLayout(const Layout& layout)
      : keySteps(ceilDivide(layout.headDim, Cells::pack)), columns(layout.valueColumns()) {}

  static constexpr int64_t valueSteps = pagePositions / Cells::pack;
  int64_t keyUnits() const { return Cells::keyHeader + keySteps * pagePositions; }
  int64_t headUnits() const { return keyUnits() + Cells::valueHeader + valueSteps * columns; }
};

// Rotates one head (rotate-half) by the angles of a row of the rotary table, and scales.
void rotate(const float* __restrict from, const float* __restrict table, float scale, float* __restrict to,
            int64_t headDim) {
  const int64_t half = headDim / 2;
  for (int64_t i = 0; i < half; i++) {
    const float low = from[i], high = from[half + i], cosine = table[i], sine = table[half + i];
    to[i] = (low * cosine - high * sine) * scale;
    to[half + i] = (high * cosine + low * sine) * scale;
  }
}

// Writes one position of one head. `spread` is scratch for two heads.
template <class Cells>
void writePosition(const float* key, const float* value, const float* table, const Layout& layout, int64_t place,
                   float* head, float* spread) {
  using Number = typename Cells::Number;
  constexpr int64_t pack = Cells::pack;
  const PageLayout<Cells> page(layout);
  const int64_t d = layout.headDim;
  auto* const numbers = reinterpret_cast<Number*>(spread + page.columns);

  rotate(key, table, 1, spread, d);
  Cells::spread(spread, d);
  const float keyScale = Cells::storeNumbers(spread, d, numbers);
  std::fill(numbers + d, numbers + page.columns, Number{});
  float* const keys = head + Cells::keyHeader + place;
  for (int64_t step = 0; step < page.keySteps; step++) {
    std::memcpy(keys + step * pagePositions, numbers + step * pack, sizeof(float));
  }
  if constexpr (Cells::keyHeader > 0) {
    int32_t start = 0;
    for (int64_t i = 0; i < d; i++) start -= activationOffset * int8_t(numbers[i]);
    head[place] = keyScale;
    std::memcpy(head + pagePositions + place, &start, sizeof start);
  }

  float* const valueHead = head + page.keyUnits();
  std::copy(value, value + d, spread);
  Cells::spread(spread, d);
  const float valueScale = Cells::storeNumbers(spread, d, numbers);
  // Number by number: another thread may be writing the next position, into other bytes of the same units.
  auto* const values =
      reinterpret_cast<Number*>(valueHead + Cells::valueHeader) + place / pack * page.columns * pack + place % pack;
  for (int64_t i = 0; i < d; i++) values[i * pack] = numbers[i];
  if constexpr (Cells::valueHeader > 0) valueHead[place] = valueScale;
}

// One head of one slot: its pages from position 0 on.
struct Sequence {
  const float* data;  // of the head in page 0 of the cache
  int64_t pageUnits;
  const int32_t* pages;
  int64_t count;  // positions

  int64_t pageCount() const { return ceilDivide(count, pagePositions); }
  const float* page(int64_t index) const { return data + pages[index] * pageUnits; }

  // What will be read `pagesAhead` pages later, `offset` units into a page; after the last page the walk goes on at
  // the first one, `next` units into it.
  const float* ahead(int64_t index, int64_t offset, int64_t next) const {
    const int64_t later = index + pagesAhead, count = pageCount();
    return later < count ? page(later) + offset : page(std::min(later - count, count - 1)) + next;
  }
};

// The factors of up to mostQueries queries: numbers[plane][query][stride], and a scale each.
template <class Cells>
struct Factors {
  typename Cells::Number* numbers;
  int64_t stride;
  float scales[mostQueries];

  typename Cells::Number* row(int64_t query) const { return numbers + query * stride; }
  int64_t planeStride() const { return mostQueries * stride; }
  static int64_t size(int64_t stride) { return Cells::planes * mostQueries * stride; }
};

// Vectors of sums beside each other, as many as registers allow with 6 queries.
template <class Cells>
constexpr int tileVectors = (lanes == 16 ? 4 : 2) / Cells::planes;

// scores[query][position] over whole pages. Vectors beyond the last one repeat it.
template <class Cells, int queries>
void scoreTile(const Factors<Cells>& query, const Sequence& sequence, const PageLayout<Cells>& page, float* scores,
               int64_t scoreStride) {
  constexpr int vectors = tileVectors<Cells>, planes = Cells::planes;
  constexpr int64_t perPage = pagePositions / lanes;
  const int64_t last = sequence.pageCount() * perPage - 1;
  for (int64_t first = 0; first <= last; first += vectors) {
    const float* heads[vectors];
    const float* ahead[vectors];
    int64_t lane[vectors], place[vectors];
    typename Cells::Sums sums[queries][vectors][planes] = {};
    for (int v = 0; v < vectors; v++) {
      const int64_t vector = std::min(first + v, last);
      heads[v] = sequence.page(vector / perPage);
      lane[v] = vector % perPage * lanes;
      place[v] = vector * lanes;
      if constexpr (Cells::keyHeader > 0) {
        const Ints start = (Ints)load(heads[v] + pagePositions + lane[v]);
        for (int q = 0; q < queries; q++) sums[q][v][0] = start;
      }
      ahead[v] = sequence.ahead(vector / perPage, 0, page.keyUnits()) + lane[v];
    }
    for (int64_t step = 0; step < page.keySteps; step++) {
      Floats keys[vectors];
      for (int v = 0; v < vectors; v++) {
        keys[v] = load(heads[v] + Cells::keyHeader + lane[v] + step * pagePositions);
        __builtin_prefetch(ahead[v] + step * pagePositions, 0, 2);
      }
#pragma GCC unroll 8
      for (int q = 0; q < queries; q++) {
#pragma GCC unroll 2
        for (int plane = 0; plane < planes; plane++) {
          const auto* const numbers = query.row(q) + plane * query.planeStride() + step * Cells::pack;
#pragma GCC unroll 4
          for (int v = 0; v < vectors; v++) sums[q][v][plane] = Cells::multiplyAdd(numbers, keys[v], sums[q][v][plane]);
        }
      }
    }
    for (int q = 0; q < queries; q++) {
      for (int v = 0; v < vectors; v++) {
        Floats result = Cells::total(sums[q][v]);
        if constexpr (Cells::keyHeader > 0) result = result * (load(heads[v] + lane[v]) * query.scales[q]);
        store(scores + q * scoreStride + place[v], result);
      }
    }
  }
}

// Scores become weights exp(score - highest), and 0 from `count` to the end of the page. Returns their sum.
float softmax(float* scores, int64_t count) {
  const int64_t end = ceilDivide(count, pagePositions) * pagePositions;
  for (int64_t i = count; i < end; i++) scores[i] = lowest;
  Floats highest = broadcast(lowest);
  for (int64_t i = 0; i < end; i += lanes) highest = max(highest, load(scores + i));
  const float top = largest(highest);
  Floats total{};
  for (int64_t i = 0; i < end; i += lanes) {
    const Floats e = exp(load(scores + i) - top);
    total = total + e;
    store(scores + i, e);
  }
  return sum(total);
}

// output[query][columns] = scale of the query * sum over positions of weight * value. Vectors beyond the last repeat it.
template <class Cells, int queries>
void weighTile(const Factors<Cells>& weights, const Sequence& sequence, const PageLayout<Cells>& page, float* output) {
  constexpr int vectors = tileVectors<Cells>, planes = Cells::planes;
  constexpr int64_t pack = Cells::pack;
  const int64_t last = page.columns / lanes - 1, start = page.keyUnits() + Cells::valueHeader;
  for (int64_t first = 0; first <= last; first += vectors) {
    int64_t column[vectors];
    for (int v = 0; v < vectors; v++) column[v] = std::min(first + v, last) * lanes;
    typename Cells::Sums sums[queries][vectors][planes] = {};
    const auto addStep = [&](const float* cells, int64_t position, int64_t ahead, bool onlyFirst) {
      Floats values[vectors];
      for (int v = 0; v < vectors; v++) {
        values[v] = load(cells + column[v]);
        __builtin_prefetch(cells + ahead + column[v], 0, 2);
        if (onlyFirst) values[v] = Cells::firstOfEach(values[v]);
      }
#pragma GCC unroll 8
      for (int q = 0; q < queries; q++) {
#pragma GCC unroll 2
        for (int plane = 0; plane < planes; plane++) {
          const auto* const numbers = weights.row(q) + plane * weights.planeStride() + position;
#pragma GCC unroll 4
          for (int v = 0; v < vectors; v++) {
            sums[q][v][plane] = Cells::multiplyAdd(numbers, values[v], sums[q][v][plane]);
          }
        }
      }
    };
    for (int64_t index = 0; index < sequence.pageCount(); index++) {
      const float* cells = sequence.page(index) + start;
      const int64_t ahead = sequence.ahead(index, start, page.headUnits()) - cells;
      const int64_t begin = index * pagePositions, end = std::min(begin + pagePositions, sequence.count);
      int64_t position = begin;
      for (; position + pack <= end; position += pack, cells += page.columns) addStep(cells, position, ahead, false);
      // Beyond the end lies what another sequence may have left; its weight is 0, but it may be no number.
      if (position < end) addStep(cells, position, ahead, true);
    }
    for (int q = 0; q < queries; q++) {
      for (int v = 0; v < vectors; v++) {
        store(output + q * page.columns + column[v], Cells::total(sums[q][v]) * weights.scales[q]);
      }
    }
  }
}

template <class Cells>
struct Tiles {
  using Score = void (*)(const Factors<Cells>&, const Sequence&, const PageLayout<Cells>&, float*, int64_t);
  using Weigh = void (*)(const Factors<Cells>&, const Sequence&, const PageLayout<Cells>&, float*);
  struct Table {
    Score score[mostQueries];
    Weigh weigh[mostQueries];
  };
  template <size_t... queries>
  static constexpr Table table(std::index_sequence<queries...>) {
    return {{&scoreTile<Cells, int(queries) + 1>...}, {&weighTile<Cells, int(queries) + 1>...}};
  }
  static constexpr Table functions = table(std::make_index_sequence<mostQueries>());
};

struct Arguments {
  Array<const float> qkv, rotary;
  Array<int32_t> pages;
  Array<const int32_t> table, slots, positions;
  Array<float> output;
  Layout layout;
};

// Neighbouring rows of one slot.
struct RowTile {
  int64_t begin, end;
};

template <class Cells>
class CachedAttention {
 public:
  CachedAttention(const Arguments& arguments) : a(arguments), layout(a.layout), page(layout) {
    pageUnits = layout.keyValueHeads * page.headUnits();
    units = reinterpret_cast<float*>(a.pages.data);
    check();
  }

  void run() {
    // Kept between calls: a step allocates nothing.
    static thread_local std::vector<RowTile> tiles;
    cutIntoTiles(tiles);
    static WorkQueue* const queue = new WorkQueue;  // dispatches of the pool exclude each other
    const int64_t rows = a.slots.size, heads = layout.keyValueHeads;
    const std::vector<RowTile>& allTiles = tiles;
    onAllThreads(
        [&](const Team& team) {
          static thread_local Buffer<float> buffer;
          const int64_t longest = layout.pagesPerSlot * pagePositions;
          float* const scratch = buffer.atLeast(scratchSize(longest));
          const Range mine = team.share(rows * heads);
          for (int64_t task = mine.begin; task < mine.end; task++) write(task / heads, task % heads, scratch);
          // The heads of a tile run in turn where that leaves enough tasks: the next one's keys are prefetched.
          const int64_t count = int64_t(allTiles.size()), run = count < 4 * team.threads ? 1 : heads;
          if (team.thread == 0) queue->reset(count * heads, run, team.threads);
          team.barrier();
          queue->forEachRun(team, [&](Range run) {
            for (int64_t task = run.begin; task < run.end; task++) {
              attend(allTiles[size_t(task / heads)], task % heads, scratch);
            }
          });
        },
        usefulThreads());
  }

 private:
  const Arguments& a;
  const Layout& layout;
  const PageLayout<Cells> page;
  int64_t pageUnits;
  float* units;

  void check() const {
    const int64_t rows = a.slots.size, pageCount = a.pages.size / pageUnits;
    a.positions.require(rows);
    a.qkv.require(rows * layout.rowColumns());
    a.output.require(rows * layout.heads * layout.headDim);
    a.pages.require(pageCount * pageUnits);
    const int64_t slotCount = a.table.size / layout.pagesPerSlot;
    for (int64_t row = 0; row < rows; row++) {
      const int64_t slot = a.slots[row], position = a.positions[row];
      bool inside = slot >= 0 && slot < slotCount && position >= 0 && position < layout.pagesPerSlot * pagePositions &&
                    (position + 1) * layout.headDim <= a.rotary.size;
      for (int64_t index = 0; inside && index <= position / pagePositions; index++) {
        const int32_t at = a.table[slot * layout.pagesPerSlot + index];
        inside = at >= 0 && at < pageCount;
      }
      if (!inside) throw std::runtime_error("row " + std::to_string(row) + " is outside the cache");
    }
  }

  void cutIntoTiles(std::vector<RowTile>& tiles) const {
    const int64_t most = std::max<int64_t>(1, mostQueries / layout.group());
    tiles.clear();
    for (int64_t row = 0; row < a.slots.size; row++) {
      const bool joins = row > 0 && a.slots[row] == a.slots[row - 1] && row - tiles.back().begin < most;
      if (joins) tiles.back().end++;
      else tiles.push_back({row, row + 1});
    }
  }

  int usefulThreads() const {
    constexpr double worthWaking = 50000;  // multiply-adds: about a microsecond
    double work = 0;
    for (int64_t row = 0; row < a.positions.size; row++) work += a.positions[row] + 1;
    work *= double(layout.heads * layout.headDim) * 2 / worthWaking;
    return work < 1 ? 1 : work > 256 ? 256 : int(work);
  }

  // Of one thread, in floats. Numbers of a factor are at most 4 bytes, in 1 plane, or 1 byte in 2.
  int64_t scratchSize(int64_t longest) const {
    return mostQueries * (3 * layout.valueColumns() + 2 * longest) + 4 * layout.valueColumns();
  }

  const int32_t* pagesOf(int64_t row) const { return a.table.data + a.slots[row] * layout.pagesPerSlot; }

  void write(int64_t row, int64_t head, float* scratch) const {
    const int64_t position = a.positions[row], d = layout.headDim;
    const float* const key = a.qkv.data + row * layout.rowColumns() + (layout.heads + head) * d;
    float* const at = units + pagesOf(row)[position / pagePositions] * pageUnits + head * page.headUnits();
    writePosition<Cells>(key, key + layout.keyValueHeads * d, a.rotary.data + position * d, layout,
                         position % pagePositions, at, scratch);
  }

  void attend(const RowTile& tile, int64_t head, float* scratch) const {
    using Number = typename Cells::Number;
    const int64_t d = layout.headDim, columns = page.columns, group = layout.group();
    const int64_t most = a.positions[tile.end - 1] + 1;
    const Sequence sequence{units + head * page.headUnits(), pageUnits, pagesOf(tile.begin), most};
    const int64_t stride = sequence.pageCount() * pagePositions;

    float* const rotated = scratch;
    float* const results = rotated + columns;
    float* const scores = results + mostQueries * columns;
    Factors<Cells> query{reinterpret_cast<Number*>(scores + mostQueries * stride), columns, {}};
    Factors<Cells> weights{query.numbers + Factors<Cells>::size(columns), stride, {}};

    const int64_t queries = (tile.end - tile.begin) * group;
    for (int64_t first = 0; first < queries; first += mostQueries) {
      const int64_t count = std::min<int64_t>(mostQueries, queries - first);
      const auto rowOf = [&](int64_t i) { return tile.begin + (first + i) / group; };
      const auto headOf = [&](int64_t i) { return head * group + (first + i) % group; };
      for (int64_t i = 0; i < count; i++) {
        const int64_t row = rowOf(i);
        rotate(a.qkv.data + row * layout.rowColumns() + headOf(i) * d, a.rotary.data + a.positions[row] * d,
               1.0f / std::sqrt(float(d)), rotated, d);
        Cells::spread(rotated, d);
        for (int64_t k = d; k < columns; k++) rotated[k] = 0;
        query.scales[i] = Cells::storeQuery(rotated, columns, query.row(i), query.planeStride());
      }
      Tiles<Cells>::functions.score[count - 1](query, sequence, page, scores, stride);
      for (int64_t i = 0; i < count; i++) {
        float* const own = scores + i * stride;
        const int64_t visible = a.positions[rowOf(i)] + 1, end = ceilDivide(visible, pagePositions) * pagePositions;
        const float total = softmax(own, visible);
        std::fill(own + end, own + stride, 0.0f);
        if constexpr (Cells::valueHeader > 0) applyValueScales(own, sequence, visible);
        weights.scales[i] = Cells::storeWeights(own, stride, weights.row(i), weights.planeStride()) / total;
      }
      Tiles<Cells>::functions.weigh[count - 1](weights, sequence, page, results);
      for (int64_t i = 0; i < count; i++) {
        Cells::spread(results + i * columns, d);
        std::copy(results + i * columns, results + i * columns + d,
                  a.output.data + (rowOf(i) * layout.heads + headOf(i)) * d);
      }
    }
  }

  // A value's scale goes into its weight.
  void applyValueScales(float* weights, const Sequence& sequence, int64_t count) const {
    for (int64_t begin = 0; begin < count; begin += pagePositions) {
      const float* const scales = sequence.page(begin / pagePositions) + page.keyUnits();
      for (int64_t i = 0; i < pagePositions; i += lanes) {
        float* const at = weights + begin + i;
        const int64_t visible = std::min<int64_t>(lanes, std::max<int64_t>(0, count - begin - i));
        store(at, load(at) * loadUpTo(visible, scales + i));
      }
    }
  }
};

// pages: [page][key/value head][units], one layer. table: [slot][page of the sequence], where in `pages`.
void cachedAttention(Array<const float> qkv, Array<const float> rotary, Array<int32_t> pages,
                     Array<const int32_t> table, Array<const int32_t> slots, Array<const int32_t> positions,
                     Array<float> output, int64_t heads, int64_t keyValueHeads, int64_t headDim, int64_t pagesPerSlot,
                     std::string format) {
  if (keyValueHeads == 0 || heads % keyValueHeads != 0 || headDim % 2 != 0 || pagesPerSlot == 0) {
    throw std::runtime_error("the heads do not fit together");
  }
  const Arguments arguments{
      qkv, rotary, pages, table, slots, positions, output, {heads, keyValueHeads, headDim, pagesPerSlot}};
  if (format == "f32") CachedAttention<FloatCells>(arguments).run();
  else if (format == "bf16") CachedAttention<Bf16Cells>(arguments).run();
  else if (format == "int8") CachedAttention<ByteCells>(arguments).run();
  else throw std::runtime_error("format is \"" + format + "\", expected f32, bf16 or int8");
}

}  // namespace

PARLEY_FAMILY(cached_attention,
              kernel<cachedAttention>("cachedAttention", {"qkv", "rotary", "pages", "table", "slots", "positions",
                                                          "output", "heads", "keyValueHeads", "headDim",
                                                          "pagesPerSlot", "format"}));

}  // namespace parley::PARLEY_ISA
