// Arithmetic on whole arrays, and sums in double precision.
#include "../binding.h"
#include "../buffer.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t grain = 16384;
constexpr int64_t sumBlock = 16384;

// y = term(i, rest) for whole vectors of 0 .. size - 1; loads see that `rest` elements are left.
template <class Term>
void forVectors(int64_t size, float* y, Term term) {
  parallel(size, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += lanes) storeUpTo(end - i, y + i, term(i, end - i));
  });
}

void add(Array<const float> a, Array<const float> b, Array<float> y) {
  b.require(a.size);
  y.require(a.size);
  forVectors(a.size, y.data, [&](int64_t i, int64_t n) { return loadUpTo(n, &a[i]) + loadUpTo(n, &b[i]); });
}

void multiply(Array<const float> a, Array<const float> b, Array<float> y, bool accumulate) {
  b.require(a.size);
  y.require(a.size);
  forVectors(a.size, y.data, [&](int64_t i, int64_t n) {
    const Floats product = loadUpTo(n, &a[i]) * loadUpTo(n, &b[i]);
    return accumulate ? loadUpTo(n, &y[i]) + product : product;
  });
}

void scale(Array<const float> a, float factor, Array<float> y, bool accumulate) {
  y.require(a.size);
  forVectors(a.size, y.data, [&](int64_t i, int64_t n) {
    const Floats product = loadUpTo(n, &a[i]) * factor;
    return accumulate ? loadUpTo(n, &y[i]) + product : product;
  });
}

// The sum of term(a[i]) in doubles: eight interleaved sums per block, then the blocks in order.
template <class Term>
double blockedSum(Array<const float> a, Term term) {
  const int64_t blocks = (a.size + sumBlock - 1) / sumBlock;
  static thread_local Buffer<double> partial;
  double* const sums = partial.atLeast(blocks);
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
