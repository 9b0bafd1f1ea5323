// Arithmetic on whole arrays, and sums in double precision.
#include <vector>

#include "../binding.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t grain = 16384;
constexpr int64_t sumBlock = 16384;

// Applies `step(i, count)` to whole vectors of 0 .. size - 1, and to the tail with count < lanes.
template <class Step>
void forVectors(int64_t size, Step step) {
  parallel(size, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += lanes) step(i, end - i < lanes ? end - i : lanes);
  });
}

Floats read(const float* from, int64_t count) { return count == lanes ? load(from) : loadPartial(from, count); }

void write(float* to, Floats value, int64_t count) {
  if (count == lanes) store(to, value);
  else storePartial(to, value, count);
}

void add(Array<const float> a, Array<const float> b, Array<float> y) {
  b.require(a.size);
  y.require(a.size);
  forVectors(a.size, [&](int64_t i, int64_t n) { write(&y[i], read(&a[i], n) + read(&b[i], n), n); });
}

void multiply(Array<const float> a, Array<const float> b, Array<float> y, bool accumulate) {
  b.require(a.size);
  y.require(a.size);
  forVectors(a.size, [&](int64_t i, int64_t n) {
    const Floats product = read(&a[i], n) * read(&b[i], n);
    write(&y[i], accumulate ? read(&y[i], n) + product : product, n);
  });
}

void scale(Array<const float> a, float factor, Array<float> y, bool accumulate) {
  y.require(a.size);
  forVectors(a.size, [&](int64_t i, int64_t n) {
    const Floats product = read(&a[i], n) * factor;
    write(&y[i], accumulate ? read(&y[i], n) + product : product, n);
  });
}

// The sum of term(a[i]) in doubles: eight interleaved sums per block, then the blocks in order.
template <class Term>
double blockedSum(Array<const float> a, Term term) {
  const int64_t blocks = (a.size + sumBlock - 1) / sumBlock;
  static thread_local std::vector<double> partial;
  partial.resize(size_t(blocks));
  double* const sums = partial.data();
  parallel(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t first = block * sumBlock, last = first + sumBlock < a.size ? first + sumBlock : a.size;
      double chains[8] = {};
      int64_t i = first;
      for (; i + 8 <= last; i += 8) {
        for (int chain = 0; chain < 8; chain++) chains[chain] += term(a[i + chain]);
      }
      for (int chain = 0; i < last; i++, chain++) chains[chain] += term(a[i]);
      sums[block] = ((chains[0] + chains[4]) + (chains[2] + chains[6])) + ((chains[1] + chains[5]) + (chains[3] + chains[7]));
    }
  });
  double total = 0;
  for (int64_t block = 0; block < blocks; block++) total += sums[block];
  return total;
}

double sumOf(Array<const float> a) {
  return blockedSum(a, [](float value) { return double(value); });
}

double sumOfSquares(Array<const float> a) {
  return blockedSum(a, [](float value) { return double(value) * double(value); });
}

}  // namespace

PARLEY_FAMILY(elementwise, kernel<add>("add", {"a", "b", "y"}),
              kernel<multiply>("multiply", {"a", "b", "y", "accumulate"}),
              kernel<scale>("scale", {"a", "factor", "y", "accumulate"}), kernel<sumOf>("sum", {"a"}),
              kernel<sumOfSquares>("sumOfSquares", {"a"}));

}  // namespace parley::PARLEY_ISA
