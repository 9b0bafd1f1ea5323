// Root-mean-square normalisation of rows: y = x * weight / sqrt(mean(x^2) + epsilon).
//
// With n = 1 / sqrt(mean(x^2) + epsilon), g = dy * weight and D columns:
//   dx = n * g - x * n^3 / D * sum(g * x)         dweight = sum over rows of dy * x * n
//
// The weight's gradient is a sum over rows: blocks of a fixed number of rows are summed by one thread each, then the
// blocks in order, so that the bits do not depend on how many threads there are.
#include <algorithm>

#include "../binding.h"
#include "../buffer.h"
#include "../normalise.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t rowGrain = 16;
constexpr int64_t blockRows = 64;

int64_t rowsOf(Array<const float> x, int64_t width) {
  if (width == 0 || x.size % width != 0) throw std::runtime_error("x is not a whole number of rows");
  return x.size / width;
}

void rmsNormForward(Array<const float> x, Array<const float> weight, AnyArray y, std::optional<Array<float>> inverse,
                    double epsilon) {
  const int64_t width = weight.size, rows = rowsOf(x, width);
  y.require(x.size);
  if (inverse) inverse->require(rows);
  parallel(rows, rowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* in = x.data + row * width;
      const float scale = inverseRootMeanSquare(in, width, float(epsilon));
      if (inverse) (*inverse)[row] = scale;
      if (y.bf16) normaliseRow(in, weight.data, y.halves() + row * width, scale, width);
      else normaliseRow(in, weight.data, y.floats() + row * width, scale, width);
    }
  });
}

// dx of one row, and the row's share of dweight added into `share`.
template <class Gradient>
void backwardRow(const float* x, const float* weight, float scale, const Gradient* dy, float* dx, bool addDx,
                 float* share, int64_t width) {
  Floats products{};
  for (int64_t i = 0; i < width; i += lanes) {
    const int64_t rest = width - i;
    const Floats xi = loadUpTo(rest, x + i), dyi = loadUpTo(rest, dy + i);
    products = fma(dyi * loadUpTo(rest, weight + i), xi, products);
    if (share != nullptr) storeUpTo(rest, share + i, fma(dyi * scale, xi, loadUpTo(rest, share + i)));
  }
  if (dx == nullptr) return;
  const Floats pull = broadcast(-sum(products) / float(width) * scale * scale * scale);
  for (int64_t i = 0; i < width; i += lanes) {
    const int64_t rest = width - i;
    const Floats value = fma(loadUpTo(rest, x + i), pull, loadUpTo(rest, dy + i) * loadUpTo(rest, weight + i) * scale);
    storeUpTo(rest, dx + i, addDx ? loadUpTo(rest, dx + i) + value : value);
  }
}

void rmsNormBackward(Array<const float> x, Array<const float> weight, Array<const float> inverse, AnyArray dy,
                     std::optional<Array<float>> dx, bool addDx, std::optional<Array<float>> dweight, bool addDweight) {
  const int64_t width = weight.size, rows = rowsOf(x, width);
  inverse.require(rows);
  dy.require(x.size);
  if (dx) dx->require(x.size);
  if (dweight) dweight->require(width);
  const int64_t blocks = (rows + blockRows - 1) / blockRows;
  static thread_local Buffer<float> shares;
  float* const allShares = dweight ? shares.atLeast(blocks * width) : nullptr;

  typed(dy, [&](const auto* gradient) {
    parallel(blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; block++) {
        float* const share = allShares ? allShares + block * width : nullptr;
        if (share != nullptr) std::fill(share, share + width, 0.0f);
        const int64_t last = (block + 1) * blockRows < rows ? (block + 1) * blockRows : rows;
        for (int64_t row = block * blockRows; row < last; row++) {
          backwardRow(x.data + row * width, weight.data, inverse[row], gradient + row * width,
                      dx ? dx->data + row * width : nullptr, addDx, share, width);
        }
      }
    });
  });
  if (!dweight) return;
  for (int64_t i = 0; i < width; i++) {
    float total = addDweight ? (*dweight)[i] : 0.0f;
    for (int64_t block = 0; block < blocks; block++) total += allShares[block * width + i];
    (*dweight)[i] = total;
  }
}

}  // namespace

PARLEY_FAMILY(norm,
              kernel<rmsNormForward>("rmsNormForward", {"x", "weight", "y", "inverse", "epsilon"}),
              kernel<rmsNormBackward>("rmsNormBackward", {"x", "weight", "inverse", "dy", "dx", "addDx", "dweight",
                                                          "addDweight"}));

}  // namespace parley::PARLEY_ISA
