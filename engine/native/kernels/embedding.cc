// Rows of a table by id, and the sum of gradients back into the rows.
//
// Many tokens may share an id. The scatter sorts token positions by id (stable counting sort) and gives each thread
// whole ids, so a row of the table is summed by one thread, in token order.
#include <algorithm>
#include <cstring>

#include "../binding.h"
#include "../buffer.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t rowGrain = 64;

int64_t widthOf(int64_t size, Array<const int32_t> ids) {
  const int64_t width = ids.size > 0 ? size / ids.size : 0;
  if (width * ids.size != size) throw std::runtime_error("the output is not one row per id");
  return width;
}

void checkIds(Array<const int32_t> ids, int64_t vocabulary) {
  for (int64_t i = 0; i < ids.size; i++) {
    if (ids[i] < 0 || ids[i] >= vocabulary) {
      throw std::runtime_error("id " + std::to_string(ids[i]) + " at position " + std::to_string(i) +
                               " is outside 0 .. " + std::to_string(vocabulary - 1));
    }
  }
}

void embeddingForward(Array<const float> weight, Array<const int32_t> ids, Array<float> y) {
  const int64_t width = widthOf(y.size, ids);
  if (width == 0) return;
  checkIds(ids, weight.size / width);
  parallel(ids.size, rowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      std::memcpy(y.data + i * width, weight.data + ids[i] * width, size_t(width) * sizeof(float));
    }
  });
}

// Adds into dweight.
void embeddingBackward(Array<const int32_t> ids, Array<const float> dy, Array<float> dweight) {
  const int64_t width = widthOf(dy.size, ids);
  if (width == 0) return;
  const int64_t vocabulary = dweight.size / width;
  checkIds(ids, vocabulary);

  static thread_local Buffer<int32_t> nextOf, order;
  int32_t *const next = nextOf.atLeast(vocabulary + 1), *const sorted = order.atLeast(ids.size);
  std::fill(next, next + vocabulary + 1, 0);
  for (int64_t i = 0; i < ids.size; i++) next[ids[i] + 1]++;
  for (int64_t id = 0; id < vocabulary; id++) next[id + 1] += next[id];
  for (int64_t i = 0; i < ids.size; i++) sorted[next[ids[i]]++] = int32_t(i);

  parallel(ids.size, rowGrain, [&](int64_t begin, int64_t end) {
    // A run of equal ids belongs to the thread in whose part it begins.
    while (begin < end && begin > 0 && ids[sorted[begin]] == ids[sorted[begin - 1]]) begin++;
    while (end < ids.size && end > begin && ids[sorted[end]] == ids[sorted[end - 1]]) end++;
    for (int64_t i = begin; i < end; i++) {
      const float* from = dy.data + sorted[i] * width;
      float* to = dweight.data + ids[sorted[i]] * width;
      int64_t column = 0;
      for (; column + lanes <= width; column += lanes) store(to + column, load(to + column) + load(from + column));
      for (; column < width; column++) to[column] += from[column];
    }
  });
}

}  // namespace

PARLEY_FAMILY(embedding, kernel<embeddingForward>("embeddingForward", {"weight", "ids", "y"}),
              kernel<embeddingBackward>("embeddingBackward", {"ids", "dy", "dweight"}));

}  // namespace parley::PARLEY_ISA
