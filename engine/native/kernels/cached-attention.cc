// Attention of new tokens over a key/value cache, for generation.
//
// One layer of the cache is [slot, head, position, d]: a head of a sequence is contiguous, so that decoding streams
// it. All new keys and values are written first; then every (row, key/value head) is a task of its own, which makes a
// row's bits independent of the rows beside it. Rows of one slot come in increasing position, and a row looks at its
// own position and before, so writing everything first lets no row see the future.
//
// Scores and sums are float32; the cache may hold bfloat16. Queries that share a key/value head read it once.
#include <cstring>
#include <string>
#include <vector>

#include "../binding.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

struct Layout {
  int64_t heads, keyValueHeads, headDim, length;
  int64_t columns() const { return (heads + 2 * keyValueHeads) * headDim; }
  int64_t slotSize() const { return keyValueHeads * length * headDim; }
};

// Rotates one head (rotate-half) by the angles of a row of the rotary table.
void rotate(const float* from, const float* table, float* to, int64_t headDim) {
  const int64_t half = headDim / 2;
  for (int64_t i = 0; i < half; i++) {
    const float low = from[i], high = from[half + i], cosine = table[i], sine = table[half + i];
    to[i] = low * cosine - high * sine;
    to[half + i] = high * cosine + low * sine;
  }
}

Floats read(const float* from) { return load(from); }
Floats read(const uint16_t* from) { return loadBf16(from); }
float toFloat(float value) { return value; }
float toFloat(uint16_t value) { return fromBf16(value); }
void keep(float* to, float value) { *to = value; }
void keep(uint16_t* to, float value) { *to = toBf16(value); }

template <class Element>
float dot(const float* query, const Element* key, int64_t headDim) {
  Floats total{};
  int64_t i = 0;
  for (; i + lanes <= headDim; i += lanes) total = fma(load(query + i), read(key + i), total);
  float result = sum(total);
  for (; i < headDim; i++) result += query[i] * toFloat(key[i]);
  return result;
}

template <class Element>
void addScaled(float* to, float weight, const Element* value, int64_t headDim) {
  int64_t i = 0;
  for (; i + lanes <= headDim; i += lanes) store(to + i, fma(broadcast(weight), read(value + i), load(to + i)));
  for (; i < headDim; i++) to[i] += weight * toFloat(value[i]);
}

template <class Element>
void attendRow(const float* qkv, const float* table, const Element* keys, const Element* values, int64_t count,
               float* output, int64_t head, const Layout& layout, std::vector<float>& scratch) {
  const int64_t d = layout.headDim, group = layout.heads / layout.keyValueHeads;
  scratch.resize(size_t(d + count + lanes));
  float *const query = scratch.data(), *const scores = query + d;
  for (int64_t member = 0; member < group; member++) {
    const int64_t queryHead = head * group + member;
    rotate(qkv + queryHead * d, table, query, d);
    const float scale = 1.0f / std::sqrt(float(d));
    for (int64_t i = 0; i < d; i++) query[i] *= scale;
    float highest = -3e38f;
    for (int64_t position = 0; position < count; position++) {
      scores[position] = dot(query, keys + position * d, d);
      highest = scores[position] > highest ? scores[position] : highest;
    }
    Floats totals{};
    for (int64_t position = 0; position < count; position += lanes) {
      const int64_t rest = count - position;
      const Floats e = exp((rest >= lanes ? load(scores + position) : loadPartial(scores + position, rest, -3e38f)) - highest);
      totals = totals + e;
      store(scores + position, e);
    }
    const float inverse = 1.0f / sum(totals);
    float* const to = output + queryHead * d;
    std::memset(to, 0, size_t(d) * sizeof(float));
    for (int64_t position = 0; position < count; position++) {
      addScaled(to, scores[position] * inverse, values + position * d, d);
    }
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
      const int64_t row = task / keyValueHeads, head = task % keyValueHeads, d = headDim;
      const int64_t place = slots[row] * layout.slotSize() + (head * length + positions[row]) * d;
      const float* const key = qkv.data + row * layout.columns() + (heads + head) * d;
      const float* const value = key + keyValueHeads * d;
      const float* const table = rotary.data + positions[row] * d;
      for (int64_t i = 0; i < d / 2; i++) {
        keep(keys.data + place + i, key[i] * table[i] - key[d / 2 + i] * table[d / 2 + i]);
        keep(keys.data + place + d / 2 + i, key[d / 2 + i] * table[i] + key[i] * table[d / 2 + i]);
      }
      for (int64_t i = 0; i < d; i++) keep(values.data + place + i, value[i]);
    }
  });
  parallel(tasks, 1, [&](int64_t begin, int64_t end) {
    static thread_local std::vector<float> scratch;
    for (int64_t task = begin; task < end; task++) {
      const int64_t row = task / keyValueHeads, head = task % keyValueHeads;
      const int64_t place = slots[row] * layout.slotSize() + head * length * headDim;
      attendRow(qkv.data + row * layout.columns(), rotary.data + positions[row] * headDim, keys.data + place,
                values.data + place, positions[row] + 1, output.data + row * heads * headDim, head, layout, scratch);
    }
  });
}

}  // namespace

#define ARGUMENTS                                                                                                   \
  { "qkv", "rotary", "keys", "values", "slots", "positions", "output", "heads", "keyValueHeads", "headDim", "length" }
PARLEY_FAMILY(cached_attention, kernel<cachedAttention<float>>("cachedAttentionF32", ARGUMENTS),
              kernel<cachedAttention<uint16_t>>("cachedAttentionBf16", ARGUMENTS));

}  // namespace parley::PARLEY_ISA
