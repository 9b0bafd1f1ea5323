// One pass of AdamW over a stretch of the flat parameter array, and the sum of squares for the gradient's norm.
#include "../binding.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t grain = 16384;

struct Moments {
  Floats first, second;
};

// counter, counter + 1, counter + 2 ...
Words countingFrom(uint32_t counter) {
  constexpr uint32_t upTo16[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Words result;
  std::memcpy(&result, upTo16, sizeof result);
  return result + counter;
}

void keep(int64_t rest, float* first, float* second, const Moments& moments, uint32_t, uint32_t) {
  storeUpTo(rest, first, moments.first);
  storeUpTo(rest, second, moments.second);
}

// A step takes a tenth off the first moment and the nearest bfloat16 follows; of the second it takes less than half of
// bfloat16's spacing, and the nearest would be the old value for ever.
void keep(int64_t rest, uint16_t* first, uint16_t* second, const Moments& moments, uint32_t index, uint32_t stepHash) {
  storeUpTo(rest, first, withinBf16(moments.first));
  storeUpTo(rest, second, roundStochastically(moments.second, scramble(countingFrom(index) ^ stepHash)));
}

template <class Stored>
void update(Array<float> values, Array<const float> gradients, Stored* firstMoment, Stored* secondMoment, int64_t from,
            int64_t to, uint32_t stepHash, float clipFactor, double beta1, double beta2, float correctedRate,
            float inverseRoot, float epsilon, float shrink) {
  const float keep1 = float(beta1), take1 = float(1 - beta1), keep2 = float(beta2), take2 = float(1 - beta2);

  parallel(to - from, grain, [&](int64_t begin, int64_t end) {
    const auto step = [&](Floats& p, Floats g, Moments& moments) {
      auto& [m, v] = moments;
      g = g * clipFactor;
      m = m * keep1 + g * take1;
      v = v * keep2 + g * g * take2;
      p = p * shrink - correctedRate * m / (squareRoot(v) * inverseRoot + epsilon);
    };
    for (int64_t i = from + begin; i < from + end; i += lanes) {
      const int64_t rest = from + end - i;
      Floats p = loadUpTo(rest, &values[i]);
      Moments moments{loadUpTo(rest, firstMoment + i), loadUpTo(rest, secondMoment + i)};
      step(p, loadUpTo(rest, &gradients[i]), moments);
      storeUpTo(rest, &values[i], p);
      keep(rest, firstMoment + i, secondMoment + i, moments, uint32_t(i), stepHash);
    }
  });
}

// correctedRate = rate / (1 - beta1^t); inverseRoot = 1 / sqrt(1 - beta2^t); shrink = 1 - rate * weight decay.
// Moments in bfloat16 are rounded after the update has used them, as element index and `stepNumber` say, which are the
// same whatever the threads, the instruction set or the interruptions of a training.
void adamw(Array<float> values, Array<const float> gradients, AnyArray firstMoment, AnyArray secondMoment, int64_t from,
           int64_t to, int64_t stepNumber, float clipFactor, double beta1, double beta2, float correctedRate,
           float inverseRoot, float epsilon, float shrink) {
  gradients.require(values.size);
  firstMoment.require(values.size);
  secondMoment.require(values.size);
  if (from > to || to > values.size) throw std::runtime_error("the stretch is outside the parameters");
  if (firstMoment.bf16 != secondMoment.bf16) throw std::runtime_error("the moments are of different types");
  const auto run = [&](auto* first, auto* second) {
    update(values, gradients, first, second, from, to, scramble(uint32_t(stepNumber)), clipFactor, beta1, beta2,
           correctedRate, inverseRoot, epsilon, shrink);
  };
  if (firstMoment.bf16) run(firstMoment.halves(), secondMoment.halves());
  else run(firstMoment.floats(), secondMoment.floats());
}

}  // namespace

PARLEY_FAMILY(adamw, kernel<adamw>("adamw", {"values", "gradients", "firstMoment", "secondMoment", "from", "to",
                                             "stepNumber", "clipFactor", "beta1", "beta2", "correctedRate",
                                             "inverseRoot", "epsilon", "shrink"}));

}  // namespace parley::PARLEY_ISA
