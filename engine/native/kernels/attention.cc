// Causal attention with rotary embedding and grouped queries, forward and backward, without a stored T x T matrix.
//
// For one head with rotated queries q (scaled by 1 / sqrt(d)), rotated keys k and values v, all [T][d]:
//
//     s = q kT      p = exp(s - l), l the log-sum-exp of a row      o = p v
//
//     dv = pT do    dp = do vT    ds = p * (dp - rowsum(do * o))    dq = ds k    dk = dsT q
//
// A task is one (sequence, key/value head) with all query heads that share it. It walks over blocks of 64 queries and
// computes scores transposed, keys down and queries across:
//
//                    queries of the block
//                  c0 ........ c31 c32 ........ c63
//     keys  0      |              |               |         S^T = K Q^T. A vector holds one key against `lanes` queries,
//           ...    |   visible    |    visible    |         so the maximum and the sum over keys are plain vector
//           q0     |\             |               |         operations, and log-sum-exp and row sums of the backward
//           ...    |  \  masked   |               |         are vectors that are loaded once.
//           q0+32  |...not       |\              |
//           ...    |   computed..|  \  masked    |         Panels of 2 * lanes queries end at their own last key.
//
// In this orientation no product needs a transposed score matrix (gemm notation: [rows][inner] * [inner][columns]):
//
//     forward    S^T = K[key][d] Q^T[d][query]       O^T = V^T[d][key] P^T[key][query]
//     backward   dP^T = V[key][d] dO^T[d][query]     dV += P^T[key][query] dO[query][d]
//                dK += dS^T[key][query] Q[query][d]  dQ^T = K^T[d][key] dS^T[key][query]
//
// The backward recomputes the probabilities from the saved log-sum-exp; dK and dV of a task rest in f32 until all
// queries have passed. One thread does a whole task, in one order, so the bits do not depend on the thread count.
//
// Softmax masks by select; a token always sees itself, so no row is empty. Lengths are padded to whole blocks with
// zero rows, widths to whole panels with zero columns: padding contributes zeros to every product.
//
// References: Dao et al., "FlashAttention" (2022), for the recomputation; Su et al., "RoFormer" (2021).
#include <algorithm>
#include <cmath>
#include <cstring>

#include "../binding.h"
#include "../buffer.h"
#include "../pool.h"
#include "../precision.h"
#include "../simd.h"
#include "attention-tiles.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t blockQueries = 64;
constexpr int64_t rowsAhead = 8;
constexpr float hidden = -3e38f;  // a score that exp() turns into exactly 0

struct Shape {
  int64_t batch, length, heads, keyValueHeads, headDim;

  int64_t columns() const { return (heads + 2 * keyValueHeads) * headDim; }
  int64_t outputColumns() const { return heads * headDim; }
  int64_t group() const { return heads / keyValueHeads; }
  int64_t paddedLength() const { return (length + blockQueries - 1) / blockQueries * blockQueries; }
  int64_t paddedDim() const { return (headDim + panelColumns - 1) / panelColumns * panelColumns; }
};

// Hands out pieces of one allocation.
struct Bump {
  float* next;
  float* take(int64_t count) {
    float* const result = next;
    next += (count + 15) / 16 * 16;
    return result;
  }
};

// The rows of a head lie several kilobytes apart, which no hardware prefetcher follows.
template <class Number>
void prefetchRow(const Number* row, int64_t headDim) {
  constexpr int64_t line = 64 / sizeof(Number);
  for (int64_t i = 0; i < headDim; i += line) __builtin_prefetch(row + i);
}

inline float asFloat(float value) { return value; }
inline float asFloat(uint16_t value) { return fromBf16(value); }

// Copies rows of one head into to[blockQueries][paddedDim], rotated by `table` (if any) and scaled. Rows from `count`
// on and columns from headDim on are zero.
template <class Number>
void gatherRows(const Number* __restrict from, int64_t stride, int64_t count, const float* __restrict table,
                float scale, float* __restrict to, const Shape& shape) {
  const int64_t d = shape.headDim, half = d / 2, padded = shape.paddedDim();
  if (count < blockQueries) std::memset(to + count * padded, 0, size_t((blockQueries - count) * padded) * sizeof(float));
  for (int64_t row = 0; row < count; row++, from += stride, to += padded) {
    prefetchRow(from + rowsAhead * stride, d);
    if (table == nullptr) {
      for (int64_t i = 0; i < d; i++) to[i] = asFloat(from[i]) * scale;
    } else {
      for (int64_t i = 0; i < half; i++) {
        const float cosine = table[i], sine = table[half + i], low = asFloat(from[i]), high = asFloat(from[half + i]);
        to[i] = (low * cosine - high * sine) * scale;
        to[half + i] = (high * cosine + low * sine) * scale;
      }
      table += d;
    }
    for (int64_t i = d; i < padded; i++) to[i] = 0;
  }
}

void gather(const Values& from, int64_t stride, int64_t count, const float* table, float scale, float* to,
            const Shape& shape) {
  if (from.bf16) gatherRows(from.halves(), stride, count, table, scale, to, shape);
  else gatherRows(from.floats(), stride, count, table, scale, to, shape);
}

// The way back for gradients: rotates by the opposite angle, scales, and writes or adds. Rotation happens in place.
template <class Number>
void scatter(float* __restrict from, int64_t count, const float* __restrict table, float scale, Number* __restrict to,
             int64_t stride, bool add, const Shape& shape) {
  const int64_t d = shape.headDim, half = d / 2, padded = shape.paddedDim();
  for (int64_t row = 0; row < count; row++, from += padded, to += stride) {
    prefetchRow(to + rowsAhead * stride, d);
    if (table != nullptr) {
      for (int64_t i = 0; i < half; i++) {
        const float cosine = table[i], sine = table[half + i], low = from[i], high = from[half + i];
        from[i] = low * cosine + high * sine;
        from[half + i] = high * cosine - low * sine;
      }
      table += d;
    }
    for (int64_t i = 0; i < d; i += lanes) {
      const Floats value = load(from + i) * scale;
      storeUpTo(d - i, to + i, add ? loadUpTo(d - i, to + i) + value : value);
    }
  }
}

// Writes rows of a result, rounded if it is stored as bf16.
template <class Number>
void writeRows(const float* from, int64_t count, Number* to, int64_t stride, const Shape& shape) {
  for (int64_t row = 0; row < count; row++, from += shape.paddedDim(), to += stride) {
    for (int64_t i = 0; i < shape.headDim; i += lanes) storeUpTo(shape.headDim - i, to + i, load(from + i));
  }
}

// The sum of products of two rows.
float rowProduct(const Values& a, const Values& b, int64_t size) {
  Floats total{};
  typed(a, [&](const auto* x) {
    typed(b, [&](const auto* y) {
      for (int64_t i = 0; i < size; i += lanes) total = fma(loadUpTo(size - i, x + i), loadUpTo(size - i, y + i), total);
    });
  });
  return sum(total);
}

// The keys that the queries of a block can see: [begin, end of the panel), and each query's own first key.
struct Window {
  int64_t begin;
  int32_t starts[blockQueries];

  Window(const int32_t* rowStarts, int64_t first, int64_t length) {
    begin = first;
    for (int64_t i = 0; i < blockQueries; i++) {
      const int64_t query = std::min(first + i, length - 1);
      starts[i] = rowStarts == nullptr ? 0 : rowStarts[query];
      begin = std::min<int64_t>(begin, starts[i]);
    }
    begin = begin / wholeRows * wholeRows;
  }

  // Rows [first, last) of a vector of queries hold keys that all of them see.
  void fullyVisible(int64_t column, int64_t query, int64_t end, int64_t* first, int64_t* last) const {
    *first = *std::max_element(starts + column, starts + column + lanes);
    *last = std::min(query + 1, end);
    if (*last < *first) *last = *first = std::min(*first, end);
  }
};

struct Task {
  const Shape& shape;
  Values qkv;  // first row of the sequence
  const float* rotary;
  const int32_t* starts;  // of the sequence, or null
  int64_t head;           // key/value head

  // Where a row's numbers begin in qkv.
  int64_t query(int64_t member, int64_t row) const {
    return row * shape.columns() + (head * shape.group() + member) * shape.headDim;
  }
  int64_t key(int64_t row) const { return row * shape.columns() + (shape.heads + head) * shape.headDim; }
  int64_t value(int64_t row) const { return key(row) + shape.keyValueHeads * shape.headDim; }
  int64_t queryHead(int64_t member) const { return head * shape.group() + member; }
  float scale() const { return 1.0f / std::sqrt(float(shape.headDim)); }
};

// Replaces the scores of keys that a vector of queries must not see, s[end - begin][blockQueries].
void maskScores(float* s, const Window& window, int64_t column, int64_t query, int64_t end) {
  int64_t first, last;
  window.fullyVisible(column, query, end, &first, &last);
  float startValues[lanes];
  for (int i = 0; i < lanes; i++) startValues[i] = float(window.starts[column + i]);
  const Floats queries = laneIndices() + float(query), starts = load(startValues), low = broadcast(hidden);
  const auto mask = [&](int64_t key) {
    float* const at = s + (key - window.begin) * blockQueries + column;
    const Floats keys = broadcast(float(key));
    store(at, selectLess(queries, keys, low, selectLess(keys, starts, low, load(at))));
  };
  for (int64_t key = window.begin; key < first; key++) mask(key);
  for (int64_t key = last; key < end; key++) mask(key);
}

// Softmax down the columns of one vector: s becomes p without its normalisation, as elements across rows.
template <class Format>
void softmaxColumns(float* s, float* p, int64_t rows, float* inverse, float* logSumExp) {
  Floats highest = broadcast(hidden);
  for (int64_t row = 0; row < rows; row++) highest = max(highest, load(s + row * blockQueries));
  Floats total{};
  for (int64_t row = 0; row < rows; row += Format::kPerStep) {
    float* const at = s + row * blockQueries;
    for (int i = 0; i < Format::kPerStep; i++) {
      const Floats e = exp(load(at + i * blockQueries) - highest);
      total = total + e;
      store(at + i * blockQueries, e);
    }
    store(p + row / Format::kPerStep * blockQueries, Format::loadAcross(at, at + blockQueries, lanes));
  }
  store(inverse, 1.0f / total);
  float sums[lanes], tops[lanes];
  store(sums, total);
  store(tops, highest);
  for (int i = 0; i < lanes; i++) logSumExp[i] = tops[i] + std::log(sums[i]);
}

template <class Format>
int64_t forwardScratch(const Shape& shape) {
  const int64_t T = shape.paddedLength(), D = shape.paddedDim();
  return 2 * T * D / Format::kPerStep + 5 * blockQueries * D + 2 * T * blockQueries + 4 * blockQueries + 16 * 16;
}

template <class Format>
void forwardTask(const Task& task, const AnyArray& output, int64_t outputStart, float* logSumExp, float* scratch) {
  constexpr int64_t pack = Format::kPerStep;
  const Shape& shape = task.shape;
  const int64_t T = shape.paddedLength(), D = shape.paddedDim();
  Bump bump{scratch};
  float* const keys = bump.take(T * D / pack);     // [key][d]
  float* const valuesT = bump.take(T * D / pack);  // [d][key]
  float* const rows = bump.take(blockQueries * D);
  float* const elements = bump.take(blockQueries * D);
  float* const queriesT = bump.take(blockQueries * D);  // [d][query]
  float* const outputT = bump.take(blockQueries * D);   // [d][query]
  float* const s = bump.take(T * blockQueries);         // [key][query]
  float* const p = bump.take(T * blockQueries);         // [key][query]
  float* const inverse = bump.take(blockQueries);
  float* const log = bump.take(blockQueries);

  for (int64_t first = 0; first < T; first += blockQueries) {
    const int64_t count = std::min(blockQueries, shape.length - first);
    gather(task.qkv + task.key(first), shape.columns(), count, task.rotary + first * shape.headDim, 1, rows, shape);
    alongRows<Format>(rows, keys + first * D / pack, blockQueries, D);
    gather(task.qkv + task.value(first), shape.columns(), count, nullptr, 1, rows, shape);
    acrossRows<Format>(rows, elements, blockQueries, D);
    transposed(elements, D, valuesT + first / pack, T / pack, blockQueries / pack, D);
  }

  for (int64_t first = 0; first < T; first += blockQueries) {
    const int64_t count = std::min(blockQueries, shape.length - first);
    const Window window(task.starts, first, shape.length);
    for (int64_t member = 0; member < shape.group(); member++) {
      gather(task.qkv + task.query(member, first), shape.columns(), count, task.rotary + first * shape.headDim, task.scale(), rows,
             shape);
      alongRows<Format>(rows, elements, blockQueries, D);
      transposed(elements, D / pack, queriesT, blockQueries, blockQueries, D / pack);
      for (int64_t column = 0; column < blockQueries; column += panelColumns) {
        const int64_t end = first + column + panelColumns, visible = end - window.begin;
        multiplySmall<Format>(keys + window.begin * D / pack, D / pack, queriesT + column, blockQueries, s + column,
                              blockQueries, visible, panelColumns, D / pack, false);
        for (int64_t vector = column; vector < column + panelColumns; vector += lanes) {
          maskScores(s, window, vector, first + vector, end);
          softmaxColumns<Format>(s + vector, p + vector, visible, inverse + vector, log + vector);
        }
        multiplySmall<Format>(valuesT + window.begin / pack, T / pack, p + column, blockQueries, outputT + column,
                              blockQueries, D, panelColumns, visible / pack, false);
      }
      for (int64_t i = 0; i < D; i++) {
        float* const line = outputT + i * blockQueries;
        for (int64_t column = 0; column < blockQueries; column += lanes) {
          store(line + column, load(line + column) * load(inverse + column));
        }
      }
      transposed(outputT, blockQueries, rows, D, D, blockQueries);
      const int64_t queryHead = task.queryHead(member), stride = shape.outputColumns();
      const int64_t place = outputStart + first * stride + queryHead * shape.headDim;
      if (output.bf16) writeRows(rows, count, output.halves() + place, stride, shape);
      else writeRows(rows, count, output.floats() + place, stride, shape);
      std::memcpy(logSumExp + queryHead * shape.length + first, log, size_t(count) * sizeof(float));
    }
  }
}

// From scores and dp to p and ds, for one panel of queries: as elements along rows for dV and dK, and ds across rows
// for dQ.
template <class Format>
void scoreGradients(const float* s, const float* dp, const float* log, const float* rowSums, int64_t rows, float* p,
                    float* ds, float* dsAcross) {
  constexpr int64_t pack = Format::kPerStep, alongStride = blockQueries / pack;
  const Floats log0 = load(log), log1 = load(log + lanes), sum0 = load(rowSums), sum1 = load(rowSums + lanes);
  float lines[2][2 * panelColumns];  // p and ds of two keys
  for (int64_t row = 0; row < rows; row += pack) {
    for (int64_t i = 0; i < pack; i++) {
      const int64_t at = (row + i) * blockQueries;
      const Floats p0 = exp(load(s + at) - log0), p1 = exp(load(s + at + lanes) - log1);
      float *const pLine = lines[0] + i * panelColumns, *const dsLine = lines[1] + i * panelColumns;
      store(pLine, p0);
      store(pLine + lanes, p1);
      store(dsLine, p0 * (load(dp + at) - sum0));
      store(dsLine + lanes, p1 * (load(dp + at + lanes) - sum1));
      alongRows<Format>(pLine, p + (row + i) * alongStride, 1, panelColumns);
      alongRows<Format>(dsLine, ds + (row + i) * alongStride, 1, panelColumns);
    }
    acrossRows<Format>(lines[1], dsAcross + row / pack * blockQueries, pack, panelColumns);
  }
}

template <class Format>
int64_t backwardScratch(const Shape& shape) {
  const int64_t T = shape.paddedLength(), D = shape.paddedDim();
  return 3 * T * D / Format::kPerStep + 2 * T * D + 9 * blockQueries * D + 5 * T * blockQueries + 2 * blockQueries +
         16 * 20;
}

template <class Format, class Number>
void backwardTask(const Task& task, const Values& output, const float* logSumExp, const Values& doutput,
                  Number* dqkv, bool add, float* scratch) {
  constexpr int64_t pack = Format::kPerStep;
  const Shape& shape = task.shape;
  const int64_t T = shape.paddedLength(), D = shape.paddedDim(), d = shape.headDim, outputs = shape.outputColumns();
  Bump bump{scratch};
  float* const keys = bump.take(T * D / pack);    // [key][d]
  float* const keysT = bump.take(T * D / pack);   // [d][key]
  float* const values = bump.take(T * D / pack);  // [key][d]
  float* const dkeys = bump.take(T * D);
  float* const dvalues = bump.take(T * D);
  float* const rows = bump.take(blockQueries * D);
  float* const elements = bump.take(blockQueries * D);
  float* const queries = bump.take(blockQueries * D);    // [query][d]
  float* const queriesT = bump.take(blockQueries * D);   // [d][query]
  float* const doutputs = bump.take(blockQueries * D);   // [query][d]
  float* const doutputsT = bump.take(blockQueries * D);  // [d][query]
  float* const dqueriesT = bump.take(blockQueries * D);  // [d][query]
  float* const s = bump.take(T * blockQueries);          // [key][query]
  float* const dp = bump.take(T * blockQueries);
  float* const p = bump.take(T * blockQueries);
  float* const ds = bump.take(T * blockQueries);
  float* const dsAcross = bump.take(T * blockQueries);
  float* const log = bump.take(blockQueries);
  float* const rowSums = bump.take(blockQueries);

  for (int64_t first = 0; first < T; first += blockQueries) {
    const int64_t count = std::min(blockQueries, shape.length - first);
    gather(task.qkv + task.key(first), shape.columns(), count, task.rotary + first * d, 1, rows, shape);
    alongRows<Format>(rows, keys + first * D / pack, blockQueries, D);
    acrossRows<Format>(rows, elements, blockQueries, D);
    transposed(elements, D, keysT + first / pack, T / pack, blockQueries / pack, D);
    gather(task.qkv + task.value(first), shape.columns(), count, nullptr, 1, rows, shape);
    alongRows<Format>(rows, values + first * D / pack, blockQueries, D);
  }
  std::memset(dkeys, 0, size_t(T * D) * sizeof(float));
  std::memset(dvalues, 0, size_t(T * D) * sizeof(float));

  for (int64_t first = 0; first < T; first += blockQueries) {
    const int64_t count = std::min(blockQueries, shape.length - first);
    const Window window(task.starts, first, shape.length);
    for (int64_t member = 0; member < shape.group(); member++) {
      const int64_t queryHead = task.queryHead(member), place = first * outputs + queryHead * d;
      const float* const table = task.rotary + first * d;
      for (int64_t i = 0; i < blockQueries; i++) {
        log[i] = i < count ? logSumExp[queryHead * shape.length + first + i] : 0;
        const int64_t row = place + i * outputs;
        rowSums[i] = i < count ? rowProduct(output + row, doutput + row, d) : 0;
      }
      gather(task.qkv + task.query(member, first), shape.columns(), count, table, task.scale(), rows, shape);
      acrossRows<Format>(rows, queries, blockQueries, D);
      alongRows<Format>(rows, elements, blockQueries, D);
      transposed(elements, D / pack, queriesT, blockQueries, blockQueries, D / pack);
      gather(doutput + place, outputs, count, nullptr, 1, rows, shape);
      acrossRows<Format>(rows, doutputs, blockQueries, D);
      alongRows<Format>(rows, elements, blockQueries, D);
      transposed(elements, D / pack, doutputsT, blockQueries, blockQueries, D / pack);

      const int64_t begin = window.begin;
      for (int64_t column = 0; column < blockQueries; column += panelColumns) {
        const int64_t end = first + column + panelColumns, visible = end - begin;
        multiplySmall<Format>(keys + begin * D / pack, D / pack, queriesT + column, blockQueries, s + column,
                              blockQueries, visible, panelColumns, D / pack, false);
        multiplySmall<Format>(values + begin * D / pack, D / pack, doutputsT + column, blockQueries, dp + column,
                              blockQueries, visible, panelColumns, D / pack, false);
        for (int64_t vector = column; vector < column + panelColumns; vector += lanes) {
          maskScores(s, window, vector, first + vector, end);
        }
        scoreGradients<Format>(s + column, dp + column, log + column, rowSums + column, visible, p + column / pack,
                               ds + column / pack, dsAcross + column);
        multiplySmall<Format>(keysT + begin / pack, T / pack, dsAcross + column, blockQueries, dqueriesT + column,
                              blockQueries, D, panelColumns, visible / pack, false);
      }
      // Keys before the block meet all of its queries; those of its own panels only the queries of later panels.
      for (int64_t column = 0; column < blockQueries; column += panelColumns) {
        const int64_t key = column == 0 ? begin : first + column;
        const int64_t keyRows = first + column + panelColumns - key, from = column / pack;
        const int64_t at = (key - begin) * blockQueries / pack + from, steps = blockQueries / pack - from;
        multiplySmall<Format>(p + at, blockQueries / pack, doutputs + from * D, D, dvalues + key * D, D, keyRows, D,
                              steps, true);
        multiplySmall<Format>(ds + at, blockQueries / pack, queries + from * D, D, dkeys + key * D, D, keyRows, D,
                              steps, true);
      }
      transposed(dqueriesT, blockQueries, rows, D, D, blockQueries);
      scatter(rows, count, table, task.scale(), dqkv + task.query(member, first), shape.columns(), add,
              shape);
    }
  }
  scatter(dkeys, shape.length, task.rotary, 1, dqkv + task.key(0), shape.columns(), add, shape);
  scatter(dvalues, shape.length, nullptr, 1, dqkv + task.value(0), shape.columns(), add, shape);
}

// Runs body(sequence, key/value head, scratch) over all tasks.
template <class Body>
void forTasks(const Shape& shape, int64_t scratchSize, Body body) {
  const int64_t tasks = shape.batch * shape.keyValueHeads;
  WorkQueue queue;
  queue.reset(tasks, 1, threads());
  onAllThreads(
      [&](const Team& team) {
        // Also where the others leave nothing to do, so that no later step is the first to reserve it.
        static thread_local Buffer<float> buffer;
        float* const scratch = buffer.atLeast(scratchSize);
        [[maybe_unused]] const MatrixRegisters shaped;
        queue.forEachRun(team, [&](Range run) {
          for (int64_t task = run.begin; task < run.end; task++) {
            body(task / shape.keyValueHeads, task % shape.keyValueHeads, scratch);
          }
        });
      },
      int(std::min<int64_t>(tasks, mostThreads)));
}

void check(const Shape& shape, const AnyArray& qkv, Array<const float> rotary,
           const std::optional<Array<const int32_t>>& starts) {
  if (shape.keyValueHeads == 0 || shape.heads % shape.keyValueHeads != 0 || shape.headDim % 2 != 0) {
    throw std::runtime_error("the heads do not fit together");
  }
  qkv.require(shape.batch * shape.length * shape.columns());
  if (rotary.size < shape.length * shape.headDim) throw std::runtime_error("rotary is too short");
  if (!starts) return;
  starts->require(shape.batch * shape.length);
  for (int64_t row = 0; row < starts->size; row++) {
    if ((*starts)[row] < 0 || (*starts)[row] > row % shape.length) {
      throw std::runtime_error("starts[" + std::to_string(row) + "] is " + std::to_string((*starts)[row]));
    }
  }
}

void attentionForward(AnyArray qkv, Array<const float> rotary, std::optional<Array<const int32_t>> starts,
                      AnyArray output, Array<float> logSumExp, int64_t batch, int64_t length, int64_t heads,
                      int64_t keyValueHeads, int64_t headDim) {
  const Shape shape{batch, length, heads, keyValueHeads, headDim};
  check(shape, qkv, rotary, starts);
  output.require(batch * length * shape.outputColumns());
  logSumExp.require(batch * heads * length);
  const auto run = [&](auto format) {
    using Format = decltype(format);
    forTasks(shape, forwardScratch<Format>(shape), [&](int64_t sequence, int64_t head, float* scratch) {
      const Task task{shape, Values(qkv) + sequence * length * shape.columns(), rotary.data,
                      starts ? starts->data + sequence * length : nullptr, head};
      forwardTask<Format>(task, output, sequence * length * shape.outputColumns(),
                          logSumExp.data + sequence * heads * length, scratch);
    });
  };
  if (precision() == Precision::bf16) run(Bf16Format{});
  else run(FloatFormat{});
}

void attentionBackward(AnyArray qkv, Array<const float> rotary, std::optional<Array<const int32_t>> starts,
                       AnyArray output, Array<const float> logSumExp, AnyArray doutput, AnyArray dqkv, bool add,
                       int64_t batch, int64_t length, int64_t heads, int64_t keyValueHeads, int64_t headDim) {
  const Shape shape{batch, length, heads, keyValueHeads, headDim};
  check(shape, qkv, rotary, starts);
  output.require(batch * length * shape.outputColumns());
  doutput.require(output.size);
  logSumExp.require(batch * heads * length);
  dqkv.require(qkv.size);
  if (add && dqkv.bf16) throw std::runtime_error("adds to float32 gradients only");
  const auto run = [&](auto format) {
    using Format = decltype(format);
    forTasks(shape, backwardScratch<Format>(shape), [&](int64_t sequence, int64_t head, float* scratch) {
      const Task task{shape, Values(qkv) + sequence * length * shape.columns(), rotary.data,
                      starts ? starts->data + sequence * length : nullptr, head};
      const int64_t rows = sequence * length * shape.outputColumns();
      const auto into = [&](auto* gradients) {
        backwardTask<Format>(task, Values(output) + rows, logSumExp.data + sequence * heads * length,
                             Values(doutput) + rows, gradients + sequence * length * shape.columns(), add, scratch);
      };
      typed(dqkv, into);
    });
  };
  if (precision() == Precision::bf16) run(Bf16Format{});
  else run(FloatFormat{});
}

}  // namespace

PARLEY_FAMILY(attention,
              kernel<attentionForward>("attentionForward", {"qkv", "rotary", "starts", "output", "logSumExp", "batch",
                                                            "length", "heads", "keyValueHeads", "headDim"}),
              kernel<attentionBackward>("attentionBackward",
                                        {"qkv", "rotary", "starts", "output", "logSumExp", "doutput", "dqkv", "add",
                                         "batch", "length", "heads", "keyValueHeads", "headDim"}));

}  // namespace parley::PARLEY_ISA
