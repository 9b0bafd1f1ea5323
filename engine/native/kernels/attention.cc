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
// The forward keeps the scores of one panel against all of its keys, the backward those against 64 keys at a time.
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
constexpr int64_t keysAtOnce = 64;  // in the backward, so that what is made of them stays in the first-level cache
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

// For each of `count` rows of a and b, `stride` numbers apart, the sum of their products.
void rowProducts(const Values& a, const Values& b, int64_t stride, int64_t count, int64_t size, float* sums) {
  typed(a, [&](const auto* x) {
    typed(b, [&](const auto* y) {
      for (int64_t row = 0; row < count; row++, x += stride, y += stride) {
        Floats total{};
        for (int64_t i = 0; i < size; i += lanes) {
          total = fma(loadUpTo(size - i, x + i), loadUpTo(size - i, y + i), total);
        }
        sums[row] = sum(total);
      }
    });
  });
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

  // Of these keys, those that all of a vector of queries see.
  Range fullyVisible(int64_t column, int64_t query, Range keys) const {
    const int64_t end = std::clamp(query + 1, keys.begin, keys.end);
    return {std::clamp<int64_t>(*std::max_element(starts + column, starts + column + lanes), keys.begin, end), end};
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

// Replaces the scores of keys that a panel of queries must not see, s[keys][panelColumns].
void maskScores(float* s, const Window& window, int64_t column, int64_t query, Range keys) {
  for (int64_t vector = 0; vector < panelColumns; vector += lanes) {
    const Range visible = window.fullyVisible(column + vector, query + vector, keys);
    float startValues[lanes];
    for (int i = 0; i < lanes; i++) startValues[i] = float(window.starts[column + vector + i]);
    const Floats queries = laneIndices() + float(query + vector), starts = load(startValues), low = broadcast(hidden);
    const auto mask = [&](int64_t key) {
      float* const at = s + (key - keys.begin) * panelColumns + vector;
      const Floats here = broadcast(float(key));
      store(at, selectLess(queries, here, low, selectLess(here, starts, low, load(at))));
    };
    for (int64_t key = keys.begin; key < visible.begin; key++) mask(key);
    for (int64_t key = visible.end; key < keys.end; key++) mask(key);
  }
}

// Softmax down the columns of a panel: from scores to p without its normalisation, as elements across rows.
template <class Format>
void softmaxColumns(const float* s, float* p, int64_t rows, float* inverse, float* logSumExp) {
  constexpr int64_t pack = Format::kPerStep;
  Floats highest[2] = {broadcast(hidden), broadcast(hidden)}, total[2] = {};
  for (int64_t row = 0; row < rows; row++) {
    for (int half = 0; half < 2; half++) highest[half] = max(highest[half], load(s + row * panelColumns + half * lanes));
  }
  for (int64_t row = 0; row < rows; row += pack) {
    for (int half = 0; half < 2; half++) {
      Floats e[pack];
      for (int i = 0; i < pack; i++) {
        e[i] = exp(load(s + (row + i) * panelColumns + half * lanes) - highest[half]);
        total[half] = total[half] + e[i];
      }
      store(p + row / pack * panelColumns + half * lanes, Format::across(e[0], e[pack - 1]));
    }
  }
  for (int half = 0; half < 2; half++) {
    store(inverse + half * lanes, 1.0f / total[half]);
    float sums[lanes], tops[lanes];
    store(sums, total[half]);
    store(tops, highest[half]);
    for (int i = 0; i < lanes; i++) logSumExp[half * lanes + i] = tops[i] + std::log(sums[i]);
  }
}

template <class Format>
int64_t forwardScratch(const Shape& shape) {
  const int64_t T = shape.paddedLength(), D = shape.paddedDim();
  return 2 * T * D / Format::kPerStep + 5 * blockQueries * D + 2 * T * panelColumns + 4 * blockQueries + 16 * 16;
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
  float* const s = bump.take(T * panelColumns);         // [key][query of a panel]
  float* const p = bump.take(T * panelColumns);         // [key][query of a panel]
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
        multiplySmall<Format>(keys + window.begin * D / pack, D / pack, queriesT + column, blockQueries, s,
                              panelColumns, visible, panelColumns, D / pack, false);
        maskScores(s, window, column, first + column, {window.begin, end});
        softmaxColumns<Format>(s, p, visible, inverse + column, log + column);
        multiplySmall<Format>(valuesT + window.begin / pack, T / pack, p, panelColumns, outputT + column,
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
  for (int64_t row = 0; row < rows; row += pack) {
    Floats ds0[pack], ds1[pack];
    for (int i = 0; i < pack; i++) {
      const int64_t at = (row + i) * panelColumns, along = (row + i) * alongStride;
      const Floats p0 = exp(load(s + at) - log0), p1 = exp(load(s + at + lanes) - log1);
      ds0[i] = p0 * (load(dp + at) - sum0);
      ds1[i] = p1 * (load(dp + at + lanes) - sum1);
      storeAlong<Format>(p + along, p0, p1);
      storeAlong<Format>(ds + along, ds0[i], ds1[i]);
    }
    float* const across = dsAcross + row / pack * panelColumns;
    store(across, Format::across(ds0[0], ds0[pack - 1]));
    store(across + lanes, Format::across(ds1[0], ds1[pack - 1]));
  }
}

template <class Format>
int64_t backwardScratch(const Shape& shape) {
  const int64_t T = shape.paddedLength(), D = shape.paddedDim();
  return 3 * T * D / Format::kPerStep + 2 * T * D + 9 * blockQueries * D + 2 * T * blockQueries + 3 * keysAtOnce * panelColumns + 2 * blockQueries +
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
  float* const p = bump.take(T * blockQueries);          // [key][query]
  float* const ds = bump.take(T * blockQueries);
  float* const s = bump.take(keysAtOnce * panelColumns);  // [key][query of a panel]
  float* const dp = bump.take(keysAtOnce * panelColumns);
  float* const dsAcross = bump.take(keysAtOnce * panelColumns);
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

  for (int64_t first = 0; first < T; first += blockQueries) {
    const int64_t count = std::min(blockQueries, shape.length - first);
    const Window window(task.starts, first, shape.length);
    for (int64_t member = 0; member < shape.group(); member++) {
      const int64_t queryHead = task.queryHead(member), place = first * outputs + queryHead * d;
      const float* const table = task.rotary + first * d;
      std::memcpy(log, logSumExp + queryHead * shape.length + first, size_t(count) * sizeof(float));
      rowProducts(output + place, doutput + place, outputs, count, d, rowSums);
      std::fill(log + count, log + blockQueries, 0.0f);
      std::fill(rowSums + count, rowSums + blockQueries, 0.0f);
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
        const int64_t end = first + column + panelColumns;
        for (int64_t key = begin; key < end; key += keysAtOnce) {
          const int64_t count = std::min(keysAtOnce, end - key), at = ((key - begin) * blockQueries + column) / pack;
          multiplySmall<Format>(keys + key * D / pack, D / pack, queriesT + column, blockQueries, s, panelColumns, count,
                                panelColumns, D / pack, false);
          multiplySmall<Format>(values + key * D / pack, D / pack, doutputsT + column, blockQueries, dp, panelColumns,
                                count, panelColumns, D / pack, false);
          maskScores(s, window, column, first + column, {key, key + count});
          scoreGradients<Format>(s, dp, log + column, rowSums + column, count, p + at, ds + at, dsAcross);
          multiplySmall<Format>(keysT + key / pack, T / pack, dsAcross, panelColumns, dqueriesT + column, blockQueries,
                                D, panelColumns, count / pack, key > begin);
        }
      }
      // Keys before the block meet all of its queries; those of its own panels only the queries of later panels, and
      // those of the first member are the first that they meet.
      const auto addTo = [&](int64_t key, int64_t end, int64_t column, bool add) {
        const int64_t from = column / pack, at = (key - begin) * blockQueries / pack + from;
        const int64_t steps = blockQueries / pack - from;
        multiplySmall<Format>(p + at, blockQueries / pack, doutputs + from * D, D, dvalues + key * D, D, end - key, D,
                              steps, add);
        multiplySmall<Format>(ds + at, blockQueries / pack, queries + from * D, D, dkeys + key * D, D, end - key, D,
                              steps, add);
      };
      addTo(begin, first, 0, true);
      for (int64_t column = 0; column < blockQueries; column += panelColumns) {
        addTo(first + column, first + column + panelColumns, column, member > 0);
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
