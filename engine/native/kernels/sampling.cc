// Drawing tokens from logits, all rows of a batch in one call.
//
// The order of the operations is Hugging Face's: repetition penalty (Keskar et al. 2019), temperature, top-k, top-p
// (Holtzman et al. 2020), min-p (Nguyen et al. 2024). Min-p comes first because it commutes with the others (the most
// likely token always stays) and leaves them few candidates. The vocabulary is never sorted: both top-k and top-p keep
// all weights above a cut-off, which quickselect finds in linear expected time (Hoare 1961).
//
// Weights are e^((logit - largest) / temperature) in float64, so that the tails of a large vocabulary add up. A sum
// runs in chunks: `partials` interleaved sums each, then the chunks in order, so it depends on the weights alone. A
// token is drawn by walking over the chunks and then through one of them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "../binding.h"
#include "../buffer.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int64_t chunk = 1024;
constexpr int partials = 16;

// e^x for x <= 0 with a relative error below 1e-8: x = -k ln 2 + r, |r| <= ln(2) / 2, and the Taylor polynomial of
// degree 7 of e^r. Exactly 0 below -708, where float64 has no normal numbers.
inline double exponential(double x) {
  const double clamped = x < -708 ? -708 : x;
  const double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;  // 1.5 * 2^52 rounds to a whole number
  const double whole = shifted - 6755399441055744.0, r = fma(whole, -0.6931471805599453, clamped);
  double polynomial = fma(r, 1.0 / 5040, 1.0 / 720);
  polynomial = fma(r, polynomial, 1.0 / 120);
  polynomial = fma(r, polynomial, 1.0 / 24);
  polynomial = fma(r, polynomial, 1.0 / 6);
  polynomial = fma(r, polynomial, 1.0 / 2);
  polynomial = fma(r, polynomial, 1);
  polynomial = fma(r, polynomial, 1);
  uint64_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 52) + (uint64_t(1023) << 52);
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return x < -708 ? 0 : polynomial * power;
}

double sumOf(const double* __restrict values, int64_t count) {
  double sums[partials] = {};
  int64_t i = 0;
  for (; i + partials <= count; i += partials) {
    for (int part = 0; part < partials; part++) sums[part] += values[i + part];
  }
  for (int part = 0; i < count; i++, part++) sums[part] += values[i];
  double total = 0;
  for (double part : sums) total += part;
  return total;
}

int64_t chunksOf(int64_t count) { return (count + chunk - 1) / chunk; }

// Takes the sum of each chunk, of values that fill(begin, end) may write before they are summed.
template <class Fill>
void sumChunks(const double* values, int64_t count, double* sums, Fill fill) {
  for (int64_t begin = 0; begin < count; begin += chunk) {
    const int64_t end = std::min(begin + chunk, count);
    fill(begin, end);
    *sums++ = sumOf(values + begin, end - begin);
  }
}

double totalOf(const double* sums, int64_t count) {
  double total = 0;
  for (int64_t i = 0; i < chunksOf(count); i++) total += sums[i];
  return total;
}

// weights = e^((logits - highest) * sharpness), and the sum of each chunk.
void weigh(const float* logits, int64_t count, double highest, double sharpness, double* weights, double* sums) {
  sumChunks(weights, count, sums, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) weights[i] = exponential((double(logits[i]) - highest) * sharpness);
  });
}

// The largest value; NaN if there is one.
float highestOf(const float* values, int64_t count) {
  Floats highest = broadcast(-INFINITY);
  Ints notNumbers{};
  for (int64_t i = 0; i < count; i += lanes) {
    const Floats value = count - i >= lanes ? load(values + i) : loadPartial(values + i, count - i, -INFINITY);
    highest = max(highest, value);
    notNumbers |= value != value;
  }
  for (int i = 0; i < lanes; i++) {
    if (notNumbers[i] != 0) return NAN;
  }
  return largest(highest);
}

// The largest weights: those above `weight`, and of those equal to it the first `ties`.
struct CutOff {
  double weight;
  int64_t ties;
};

// The fewest of the largest weights whose count or sum reaches `target`; all if they do not. Reorders them.
template <bool byCount>
CutOff findCutOff(double* weights, int64_t count, double target) {
  int64_t low = 0, high = count - 1;
  double missing = target;
  while (low <= high) {
    const double a = weights[low], b = weights[(low + high) / 2], c = weights[high];
    const double pivot = std::max(std::min(a, b), std::min(std::max(a, b), c));
    // [low, above) > pivot, [above, i) = pivot, (below, high] < pivot.
    int64_t above = low, below = high;
    double sumAbove = 0;
    for (int64_t i = low; i <= below;) {
      const double weight = weights[i];
      if (weight > pivot) {
        weights[i++] = weights[above];
        weights[above++] = weight;
        sumAbove += weight;
      } else if (weight < pivot) {
        weights[i] = weights[below];
        weights[below--] = weight;
      } else {
        i++;
      }
    }
    const double equal = double(below - above + 1);
    const double reached = byCount ? double(above - low) : sumAbove, each = byCount ? 1 : pivot;
    if (reached >= missing) {
      high = above - 1;
      continue;
    }
    missing -= reached;
    if (equal * each >= missing) return {pivot, int64_t(std::ceil(missing / each))};
    missing -= equal * each;
    low = below + 1;
  }
  return {-INFINITY, 0};  // only rounding, or a target larger than the whole, comes here
}

struct Settings {
  double temperature, topK, topP, minP, repetitionPenalty;
};

// Tokens that may be drawn, in the order of their ids. Without `ids` they are all, and `sums` those of their chunks.
struct Candidates {
  double* weights;
  double* sums;
  int32_t* ids;
  int64_t count;
  bool all = true;

  double total() const {
    if (!all) sumChunks(weights, count, sums, [](int64_t, int64_t) {});
    return totalOf(sums, count);
  }

  int32_t id(int64_t index) const { return all ? int32_t(index) : ids[index]; }

  template <class Keep>
  void keepIf(Keep keep) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
      const int32_t own = id(i);
      if (!keep(i)) continue;
      weights[kept] = weights[i];
      ids[kept++] = own;
    }
    count = kept;
    all = false;
  }

  void keep(const CutOff& cut) {
    int64_t ties = cut.ties;
    keepIf([&](int64_t i) { return weights[i] > cut.weight || (weights[i] == cut.weight && ties-- > 0); });
  }

  int32_t draw(double uniform) const {
    double left = uniform * total();
    for (int64_t begin = 0; begin < count; begin += chunk) {
      const int64_t end = std::min(begin + chunk, count);
      const double sum = sums[begin / chunk];
      if (left >= sum) {
        left -= sum;
        continue;
      }
      for (int64_t i = begin; i < end; i++) {
        left -= weights[i];
        if (left < 0) return id(i);
      }
    }
    // Rounding may leave a last sliver of the interval uncovered.
    for (int64_t i = count - 1; i > 0; i--) {
      if (weights[i] > 0) return id(i);
    }
    return id(0);
  }
};

struct Scratch {
  float* penalised;
  double *weights, *sums, *searched;
  int32_t* ids;
};

// -1 if the largest logit is not finite.
int32_t drawToken(const float* logits, int64_t vocabulary, const Settings& settings, const int32_t* seen,
                  int64_t seenCount, double uniform, const Scratch& scratch) {
  if (settings.repetitionPenalty != 1) {
    std::copy(logits, logits + vocabulary, scratch.penalised);
    const double penalty = settings.repetitionPenalty;
    for (int64_t i = 0; i < seenCount; i++) {
      const int32_t id = seen[i];
      if (id < 0 || id >= vocabulary) continue;
      const double value = logits[id];
      scratch.penalised[id] = float(value > 0 ? value / penalty : value * penalty);
    }
    logits = scratch.penalised;
  }
  const double largest = highestOf(logits, vocabulary);
  if (!std::isfinite(largest)) return -1;
  if (settings.temperature == 0) return int32_t(std::find(logits, logits + vocabulary, float(largest)) - logits);

  const double sharpness = 1 / settings.temperature;
  double* const weights = scratch.weights;
  weigh(logits, vocabulary, largest, sharpness, weights, scratch.sums);
  Candidates candidates{weights, scratch.sums, scratch.ids, vocabulary};
  if (settings.minP > 0) {
    const double floor = largest + settings.temperature * std::log(settings.minP);
    candidates.keepIf([&](int64_t i) { return !(logits[i] < floor); });
  }
  if (settings.topK > 0 && settings.topK < double(candidates.count)) {
    std::copy(weights, weights + candidates.count, scratch.searched);
    candidates.keep(findCutOff<true>(scratch.searched, candidates.count, settings.topK));
  }
  if (settings.topP < 1) {
    // What lies below this floor sums to less than 1 - topP, so the set lies above it: usually few are left to search.
    const double total = candidates.total();
    const double floor = (1 - settings.topP) * total / double(candidates.count);
    int64_t searched = 0;
    for (int64_t i = 0; i < candidates.count; i++) {
      scratch.searched[searched] = weights[i];
      searched += weights[i] >= floor;
    }
    candidates.keep(findCutOff<false>(scratch.searched, searched, settings.topP * total));
  }
  return candidates.draw(uniform);
}

// The log-probability of `id` under the model itself, and the `count` most likely tokens, best first.
void scoreToken(const float* logits, int64_t vocabulary, int32_t id, double* score, int64_t count, int32_t* bestIds,
                double* bestScores, const Scratch& scratch) {
  const double largest = highestOf(logits, vocabulary);
  weigh(logits, vocabulary, largest, 1, scratch.weights, scratch.sums);
  const double normalizer = largest + std::log(totalOf(scratch.sums, vocabulary));
  *score = logits[id] - normalizer;
  int64_t found = 0;
  for (int64_t i = 0; i < vocabulary && count > 0; i++) {
    if (found == count && !(logits[i] > logits[bestIds[count - 1]])) continue;
    int64_t place = found < count ? found++ : count - 1;
    for (; place > 0 && logits[i] > logits[bestIds[place - 1]]; place--) bestIds[place] = bestIds[place - 1];
    bestIds[place] = int32_t(i);
  }
  for (int64_t i = 0; i < found; i++) bestScores[i] = logits[bestIds[i]] - normalizer;
}

// For each row: ids[row] is drawn from logits[row][0 .. vocabulary) with settings[row] = temperature, top-k, top-p,
// min-p, repetition penalty; history[histories[2 row] .. histories[2 row + 1]) are the tokens to penalise, and
// uniforms[row] in [0, 1) is the chance. Where alternatives[row] >= 0 the drawn token is scored into scores[row], and
// that many of the most likely ones into the first of the mostAlternatives places of bestIds and bestScores[row].
void sampleTokens(Array<const float> logits, int64_t rows, int64_t vocabulary, Array<const double> settings,
                  Array<const int32_t> history, Array<const int32_t> histories, Array<const double> uniforms,
                  Array<const int32_t> alternatives, int64_t mostAlternatives, Array<int32_t> ids,
                  Array<double> scores, Array<int32_t> bestIds, Array<double> bestScores) {
  if (rows == 0) return;
  const int64_t stride = logits.size / rows, most = mostAlternatives;
  logits.require(rows * stride);
  const int64_t room = std::min({settings.size / 5, histories.size / 2, uniforms.size, alternatives.size, ids.size,
                                 scores.size});
  if (room < rows || std::min(bestIds.size, bestScores.size) < rows * most) {
    throw std::runtime_error("there is no room for " + std::to_string(rows) + " rows");
  }
  if (vocabulary < 1 || vocabulary > stride) {
    throw std::runtime_error("vocabulary is " + std::to_string(vocabulary) + ", expected 1 to " +
                             std::to_string(stride));
  }
  for (int64_t row = 0; row < rows; row++) {
    const int32_t begin = histories[2 * row], end = histories[2 * row + 1];
    if (begin < 0 || end < begin || end > history.size || alternatives[row] > most || alternatives[row] > vocabulary) {
      throw std::runtime_error("row " + std::to_string(row) + " asks for more than there is");
    }
  }
  parallel(rows, 1, [&](int64_t begin, int64_t end) {
    static thread_local Buffer<double> buffer;
    double* const memory = buffer.atLeast(3 * vocabulary + chunksOf(vocabulary));
    const Scratch scratch{reinterpret_cast<float*>(memory + 2 * vocabulary), memory, memory + 3 * vocabulary,
                          memory + vocabulary, reinterpret_cast<int32_t*>(memory + 2 * vocabulary) + vocabulary};
    for (int64_t row = begin; row < end; row++) {
      const double* const s = settings.data + row * 5;
      const int32_t first = histories[2 * row];
      const float* const own = logits.data + row * stride;
      ids[row] = drawToken(own, vocabulary, {s[0], s[1], s[2], s[3], s[4]}, history.data + first,
                           histories[2 * row + 1] - first, uniforms[row], scratch);
      if (alternatives[row] < 0 || ids[row] < 0) continue;
      scoreToken(own, vocabulary, ids[row], scores.data + row, alternatives[row], bestIds.data + row * most,
                 bestScores.data + row * most, scratch);
    }
  });
}

}  // namespace

PARLEY_FAMILY(sampling, kernel<sampleTokens>("sampleTokens",
                                             {"logits", "rows", "vocabulary", "settings", "history", "histories",
                                              "uniforms", "alternatives", "mostAlternatives", "ids", "scores",
                                              "bestIds", "bestScores"}));

}  // namespace parley::PARLEY_ISA
