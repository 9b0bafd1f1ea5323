// Attention of new tokens over a key/value cache, for generation.
//
// One layer of the cache, for each slot and key/value head:
//
//     keys      blocks of 16 positions, [block][d][16]: a vector holds one component of 16 keys, so that 16 scores
//               accumulate side by side and no sum across a vector is needed
//     values    [position][d]
//
// A head of a sequence is contiguous, so that decoding streams it. All new keys and values are written first; then
// every (row, key/value head) is a task of its own, which makes a row's bits independent of the rows beside it. Rows of
// one slot come in increasing position, and a row looks at its own position and before, so writing everything first
// lets no row see the future.
//
// Scores and sums are float32; the cache may hold bfloat16. Long sums run in four interleaved chains, to hide the
// latency of an addition, in an order that depends on nothing but the width and the position.
#include <cmath>
#include <string>

#include "../binding.h"
#include "../buffer.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t block = 16;  // positions
constexpr int chains = 4;
constexpr float lowest = -3e38f;

struct Layout {
  int64_t heads, keyValueHeads, headDim, length;
  int64_t columns() const { return (heads + 2 * keyValueHeads) * headDim; }
  int64_t group() const { return heads / keyValueHeads; }
  int64_t headSize() const { return (length + block - 1) / block * block * headDim; }
  int64_t slotSize() const { return keyValueHeads * headSize(); }
};

// Rotates one head (rotate-half) by the angles of a row of the rotary table, and scales.
void rotate(const float* from, const float* table, float scale, float* to, int64_t headDim) {
  const int64_t half = headDim / 2;
  for (int64_t i = 0; i < half; i++) {
    const float low = from[i], high = from[half + i], cosine = table[i], sine = table[half + i];
    to[i] = (low * cosine - high * sine) * scale;
    to[half + i] = (high * cosine + low * sine) * scale;
  }
}

Floats read(const float* from) { return load(from); }
Floats read(const uint16_t* from) { return loadBf16(from); }
float toFloat(float value) { return value; }
float toFloat(uint16_t value) { return fromBf16(value); }
void keep(float* to, float value) { *to = value; }
void keep(uint16_t* to, float value) { *to = toBf16(value); }

// The scores of 16 keys.
template <class Element>
void scoreBlock(const float* query, const Element* keys, float* scores, int64_t headDim) {
  for (int64_t vector = 0; vector < block; vector += lanes) {
    Floats sums[chains] = {};
    int64_t i = 0;
    for (; i + chains <= headDim; i += chains) {
      for (int chain = 0; chain < chains; chain++) {
        sums[chain] = fma(broadcast(query[i + chain]), read(keys + (i + chain) * block + vector), sums[chain]);
      }
    }
    for (; i < headDim; i++) sums[0] = fma(broadcast(query[i]), read(keys + i * block + vector), sums[0]);
    store(scores + vector, (sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
}

// Scores become weights that sum to 1; those from `count` on become 0.
void softmax(float* scores, int64_t count) {
  for (int64_t i = count; i % block != 0; i++) scores[i] = lowest;
  Floats highest = broadcast(lowest);
  for (int64_t i = 0; i < count; i += lanes) highest = max(highest, load(scores + i));
  const float top = largest(highest);
  Floats total{};
  for (int64_t i = 0; i < count; i += lanes) {
    const Floats e = exp(load(scores + i) - top);
    total = total + e;
    store(scores + i, e);
  }
  const float inverse = 1.0f / sum(total);
  for (int64_t i = 0; i < count; i += lanes) store(scores + i, load(scores + i) * inverse);
}

// to[0 .. vectors * lanes) = sum over positions of weight * value
template <int vectors, class Element>
void weigh(const float* weights, const Element* values, int64_t count, int64_t headDim, float* to) {
  Floats sums[chains][vectors] = {};
  int64_t position = 0;
  for (; position + chains <= count; position += chains) {
    for (int chain = 0; chain < chains; chain++) {
      const Floats weight = broadcast(weights[position + chain]);
      for (int v = 0; v < vectors; v++) {
        sums[chain][v] = fma(weight, read(values + (position + chain) * headDim + v * lanes), sums[chain][v]);
      }
    }
  }
  for (; position < count; position++) {
    for (int v = 0; v < vectors; v++) {
      sums[0][v] = fma(broadcast(weights[position]), read(values + position * headDim + v * lanes), sums[0][v]);
    }
  }
  for (int v = 0; v < vectors; v++) store(to + v * lanes, (sums[0][v] + sums[1][v]) + (sums[2][v] + sums[3][v]));
}

template <class Element>
void weighAll(const float* weights, const Element* values, int64_t count, int64_t headDim, float* to) {
  int64_t i = 0;
  for (; i + 4 * lanes <= headDim; i += 4 * lanes) weigh<4>(weights, values + i, count, headDim, to + i);
  for (; i + 2 * lanes <= headDim; i += 2 * lanes) weigh<2>(weights, values + i, count, headDim, to + i);
  for (; i + lanes <= headDim; i += lanes) weigh<1>(weights, values + i, count, headDim, to + i);
  for (; i < headDim; i++) {
    to[i] = 0;
    for (int64_t position = 0; position < count; position++) {
      to[i] += weights[position] * toFloat(values[position * headDim + i]);
    }
  }
}

// One new token and the queries that share one key/value head, over positions 0 .. count - 1.
template <class Element>
void attendRow(const float* queries, const float* table, const Element* keys, const Element* values, int64_t count,
               float* output, const Layout& layout, float* scratch) {
  const int64_t d = layout.headDim;
  float *const query = scratch, *const scores = query + (d + block - 1) / block * block;
  for (int64_t member = 0; member < layout.group(); member++) {
    rotate(queries + member * d, table, 1.0f / std::sqrt(float(d)), query, d);
    for (int64_t first = 0; first < count; first += block) scoreBlock(query, keys + first * d, scores + first, d);
    softmax(scores, count);
    weighAll(scores, values, count, d, output + member * d);
  }
}

template <class Element>
void cachedAttention(Array<const float> qkv, Array<const float> rotary, Array<Element> keys, Array<Element> values,
                     Array<const int32_t> slots, Array<const int32_t> positions, Array<float> output, int64_t heads,
                     int64_t keyValueHeads, int64_t headDim, int64_t length) {
  const Layout layout{heads, keyValueHeads, headDim, length};
  const int64_t rows = slots.size, slotCount = keys.size / layout.slotSize();
  positions.require(rows);
  qkv.require(rows * layout.columns());
  output.require(rows * heads * headDim);
  values.require(keys.size);
  for (int64_t row = 0; row < rows; row++) {
    if (slots[row] < 0 || slots[row] >= slotCount || positions[row] < 0 || positions[row] >= length ||
        (positions[row] + 1) * headDim > rotary.size) {
      throw std::runtime_error("row " + std::to_string(row) + " is outside the cache");
    }
  }

  const int64_t tasks = rows * keyValueHeads;
  parallel(tasks, 16, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t row = task / keyValueHeads, head = task % keyValueHeads, position = positions[row], d = headDim;
      const int64_t start = slots[row] * layout.slotSize() + head * layout.headSize();
      const float* const key = qkv.data + row * layout.columns() + (heads + head) * d;
      const float* const value = key + keyValueHeads * d;
      const float* const table = rotary.data + position * d;
      Element* const keyTo = keys.data + start + position / block * block * d + position % block;
      Element* const valueTo = values.data + start + position * d;
      for (int64_t i = 0; i < d / 2; i++) {
        keep(keyTo + i * block, key[i] * table[i] - key[d / 2 + i] * table[d / 2 + i]);
        keep(keyTo + (d / 2 + i) * block, key[d / 2 + i] * table[i] + key[i] * table[d / 2 + i]);
      }
      for (int64_t i = 0; i < d; i++) keep(valueTo + i, value[i]);
    }
  });
  parallel(tasks, 1, [&](int64_t begin, int64_t end) {
    static thread_local Buffer<float> buffer;
    float* const scratch = buffer.atLeast(headDim + length + 3 * block);
    for (int64_t task = begin; task < end; task++) {
      const int64_t row = task / keyValueHeads, head = task % keyValueHeads, position = positions[row];
      const int64_t start = slots[row] * layout.slotSize() + head * layout.headSize();
      attendRow(qkv.data + row * layout.columns() + head * layout.group() * headDim, rotary.data + position * headDim,
                keys.data + start, values.data + start, position + 1,
                output.data + (row * heads + head * layout.group()) * headDim, layout, scratch);
    }
  });
}

}  // namespace

#define ARGUMENTS                                                                                                   \
  { "qkv", "rotary", "keys", "values", "slots", "positions", "output", "heads", "keyValueHeads", "headDim", "length" }
PARLEY_FAMILY(cached_attention, kernel<cachedAttention<float>>("cachedAttentionF32", ARGUMENTS),
              kernel<cachedAttention<uint16_t>>("cachedAttentionBf16", ARGUMENTS));

}  // namespace parley::PARLEY_ISA
