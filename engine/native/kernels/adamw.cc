// One pass of AdamW over a stretch of the flat parameter array, and the sum of squares for the gradient's norm.
#include "../binding.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t grain = 16384;

// correctedRate = rate / (1 - beta1^t); inverseRoot = 1 / sqrt(1 - beta2^t); shrink = 1 - rate * weight decay.
void adamw(Array<float> values, Array<const float> gradients, Array<float> firstMoment, Array<float> secondMoment,
           int64_t from, int64_t to, float clipFactor, double beta1, double beta2, float correctedRate,
           float inverseRoot, float epsilon, float shrink) {
  gradients.require(values.size);
  firstMoment.require(values.size);
  secondMoment.require(values.size);
  if (from > to || to > values.size) throw std::runtime_error("the stretch is outside the parameters");
  const float keep1 = float(beta1), take1 = float(1 - beta1), keep2 = float(beta2), take2 = float(1 - beta2);

  parallel(to - from, grain, [&](int64_t begin, int64_t end) {
    const auto step = [&](Floats& p, Floats g, Floats& m, Floats& v) {
      g = g * clipFactor;
      m = m * keep1 + g * take1;
      v = v * keep2 + g * g * take2;
      p = p * shrink - correctedRate * m / (squareRoot(v) * inverseRoot + epsilon);
    };
    for (int64_t i = from + begin; i < from + end; i += lanes) {
      const int64_t rest = from + end - i;
      Floats p = loadUpTo(rest, &values[i]), m = loadUpTo(rest, &firstMoment[i]), v = loadUpTo(rest, &secondMoment[i]);
      step(p, loadUpTo(rest, &gradients[i]), m, v);
      storeUpTo(rest, &values[i], p);
      storeUpTo(rest, &firstMoment[i], m);
      storeUpTo(rest, &secondMoment[i], v);
    }
  });
}

}  // namespace

PARLEY_FAMILY(adamw, kernel<adamw>("adamw", {"values", "gradients", "firstMoment", "secondMoment", "from", "to",
                                             "clipFactor", "beta1", "beta2", "correctedRate", "inverseRoot", "epsilon",
                                             "shrink"}));

}  // namespace parley::PARLEY_ISA
