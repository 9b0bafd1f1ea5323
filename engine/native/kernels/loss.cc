// Cross-entropy of a softmax over the vocabulary, with its gradients, without storing the logits.
//
// The logits of a step are its largest matrix by far (4096 tokens x 8192 ids: 134 MB, and their gradient as much
// again). They are made in chunks of a few hundred rows, which stay in the last-level cache unless the vocabulary is large,
// and everything that needs them happens while a chunk is there:
//
//     logits = hidden Wt          one product with the packed embedding
//     softmax                     log-probability of the target, entropy of the row if asked for; logits become
//                                 scale * (probability - [is target]), in bf16 if the products round it anyway
//     dhidden = logits W          with the embedding packed the other way round
//     dW += logitsT hidden        chunk after chunk, in order
//
// So losses and gradients are one computation. The embedding is packed once per call in each layout. Rows whose target
// is -1 get zero gradients.
//
// A row's maximum is subtracted before exponentials. With x = logit - maximum and sums over the vocabulary,
//
//     log-probability = x[target] - log(sum of e^x)        entropy = log(sum of e^x) - (sum of x e^x) / (sum of e^x)
#include <algorithm>
#include <cmath>
#include <cstring>

#include "../binding.h"
#include "../gemm-tile.h"
#include "../gemm.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr float lowest = -3e38f;
constexpr int64_t mostRows = 32;  // that a thread takes at once

// 16 MiB of logits, but no more than 512 rows, and no fewer than 256 though they leave the cache then: every chunk reads
// and writes all of the embedding's gradient. Where matrix registers multiply, that is what takes most of the time: 128
// MiB.
int64_t rowsPerChunk(int64_t vocabulary) {
  constexpr int64_t logits = int64_t(matrixRegisters ? 32 : 4) << 20;
  return std::clamp<int64_t>(logits / std::max<int64_t>(1, vocabulary) / 64 * 64, 256, 512);
}

// An odd number of cache lines: rows a power of two apart would meet in a few sets of every cache.
int64_t rowStride(int64_t vocabulary) {
  constexpr int64_t line = 16;
  return ((vocabulary + line - 1) / line | 1) * line;
}

float maximum(const float* row, int64_t size) {
  Floats result = broadcast(lowest);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) result = max(result, load(row + i));
  if (i < size) result = max(result, loadPartial(row + i, size - i, lowest));
  return largest(result);
}

// Sums over a row of e = exp(x - top): of e, and of e * (x - top) if the entropy is wanted.
struct ExponentialSums {
  float plain, weighted;
};

// Replaces x by e if `keep`.
template <bool entropy>
ExponentialSums exponentials(float* row, int64_t size, float top, bool keep) {
  Floats plain{}, weighted{};
  for (int64_t i = 0; i < size; i += lanes) {
    const int64_t rest = size - i;
    const Floats x = (rest >= lanes ? load(row + i) : loadPartial(row + i, rest, lowest)) - top, e = exp(x);
    plain = plain + e;
    if (entropy) weighted = fma(e, max(x, broadcast(lowest)), weighted);
    if (keep) storeUpTo(rest, row + i, e);
  }
  return {sum(plain), entropy ? sum(weighted) : 0};
}

// Turns the exponentials of a row into gradients, in place, as the Number that the products which follow read: factor *
// e, and `shift` less at the target. A bf16 row fills the first half of its float row, so no number is overwritten
// before it is read.
template <class Number>
void gradientRow(float* row, int64_t size, int32_t target, float factor, float shift) {
  const float atTarget = row[target] * factor - shift;
  const auto to = reinterpret_cast<Number*>(row);
  for (int64_t i = 0; i < size; i += lanes) storeUpTo(size - i, to + i, loadUpTo(size - i, row + i) * factor);
  storeUpTo(1, to + target, broadcast(atTarget));
}

struct RowResult {
  float logProbability, entropy;
};

// One row of logits becomes its gradient, if `keep`.
template <class Number>
RowResult softmaxRow(float* row, int64_t size, int32_t target, float scale, bool keep, bool entropy) {
  if (target < 0) {
    if (keep) std::memset(row, 0, size_t(size) * sizeof(Number));
    return {0, 0};
  }
  const float top = maximum(row, size), picked = row[target] - top;
  const ExponentialSums sums = entropy ? exponentials<true>(row, size, top, keep) : exponentials<false>(row, size, top, keep);
  if (keep) gradientRow<Number>(row, size, target, scale / sums.plain, scale);
  const float logSum = std::log(sums.plain);
  return {picked - logSum, entropy ? logSum - sums.weighted / sums.plain : 0};
}

// What a call needs beside its arguments, in floats: the logits of a chunk, then the embedding in both layouts.
struct Workspace {
  int64_t chunk, stride, byVocabulary, byWidth, size;

  Workspace(int64_t rows, int64_t vocabulary, int64_t width, bool hiddenGradient)
      : chunk(std::min(rowsPerChunk(vocabulary), std::max<int64_t>(1, rows))), stride(rowStride(vocabulary)) {
    byVocabulary = chunk * stride;
    byWidth = byVocabulary + PackedOperand::sizeOf(vocabulary, width, precision());
    size = byWidth + (hiddenGradient ? PackedOperand::sizeOf(width, vocabulary, precision()) : 0);
  }
};

// How many floats crossEntropy() wants as its workspace, in the present precision.
double crossEntropyWorkspace(int64_t rows, int64_t vocabulary, int64_t width, bool hiddenGradient) {
  return double(Workspace(rows, vocabulary, width, hiddenGradient).size);
}

// Returns the sum of negative log-probabilities over the targets that count. Row weights, 1 if null, enter the gradient
// only.
double crossEntropy(AnyArray hidden, Array<const float> weight, Array<const int32_t> targets,
                    std::optional<Array<const float>> rowWeights, Array<float> logProbabilities,
                    std::optional<Array<float>> entropies, std::optional<Array<float>> dhidden, bool addDhidden,
                    std::optional<Array<float>> dweight, bool addDweight, Array<float> workspace, int64_t width,
                    float scale) {
  const int64_t rows = targets.size, vocabulary = width > 0 ? weight.size / width : 0;
  hidden.require(rows * width);
  weight.require(vocabulary * width);
  if (rowWeights) rowWeights->require(rows);
  logProbabilities.require(rows);
  if (entropies) entropies->require(rows);
  if (dhidden) dhidden->require(hidden.size);
  if (dweight) dweight->require(weight.size);
  for (int64_t row = 0; row < rows; row++) {
    if (targets[row] < -1 || targets[row] >= vocabulary) {
      throw std::runtime_error("target " + std::to_string(targets[row]) + " at position " + std::to_string(row) +
                               " is outside -1 .. " + std::to_string(vocabulary - 1));
    }
  }

  const Workspace parts(rows, vocabulary, width, dhidden.has_value());
  workspace.require(parts.size);
  const int64_t chunk = parts.chunk, stride = parts.stride;
  float* const logits = workspace.data;
  PackedOperand byVocabulary, byWidth;
  byVocabulary.place(workspace.data + parts.byVocabulary, vocabulary, width, precision());
  if (dhidden) byWidth.place(workspace.data + parts.byWidth, width, vocabulary, precision());
  const bool keep = dhidden.has_value() || dweight.has_value(), rounded = precision() == Precision::bf16;
  // The gradients of the logits, which lie where the logits were, in rows of as many bytes.
  const Values gradients = rounded ? Values(reinterpret_cast<const uint16_t*>(logits)) : Values(logits);
  const int64_t gradientStride = rounded ? 2 * stride : stride;
  WorkQueue queue;

  onAllThreads([&](const Team& team) {
    byVocabulary.pack(team, byRows(weight.data, width));
    if (dhidden) byWidth.pack(team, byColumns(weight.data, width));
    team.barrier();
    for (int64_t first = 0; first < rows; first += chunk) {
      const int64_t count = std::min(chunk, rows - first);
      const Values chunkHidden = Values(hidden) + first * width;
      multiply(team, count, byRows(chunkHidden, width), byVocabulary, {logits, stride});
      if (team.thread == 0) queue.reset(count, mostRows, team.threads);
      team.barrier();
      queue.forEachRun(team, [&](Range run) {
        for (int64_t row = run.begin; row < run.end; row++) {
          float* const at = logits + row * stride;
          const float rowScale = rowWeights ? scale * (*rowWeights)[first + row] : scale;
          const int32_t target = targets[first + row];
          const RowResult result = rounded ? softmaxRow<uint16_t>(at, vocabulary, target, rowScale, keep, entropies.has_value())
                                           : softmaxRow<float>(at, vocabulary, target, rowScale, keep, entropies.has_value());
          logProbabilities[first + row] = result.logProbability;
          if (entropies) (*entropies)[first + row] = result.entropy;
        }
      });
      team.barrier();
      if (dhidden) {
        float* const to = dhidden->data + first * width;
        multiply(team, count, byRows(gradients, gradientStride), byWidth, {to, width, addDhidden ? to : nullptr, width});
        team.barrier();
      }
      if (dweight) {
        multiply(team, vocabulary, width, count, byColumns(gradients, gradientStride), byColumns(chunkHidden, width),
                 {dweight->data, width, addDweight || first > 0 ? dweight->data : nullptr, width}, precision());
      }
      team.barrier();
    }
  });

  double total = 0;
  for (int64_t row = 0; row < rows; row++) total -= double(logProbabilities[row]);
  return total;
}

}  // namespace

PARLEY_FAMILY(loss,
              kernel<crossEntropyWorkspace>("crossEntropyWorkspace", {"rows", "vocabulary", "width", "hiddenGradient"}),
              kernel<crossEntropy>("crossEntropy", {"hidden", "weight", "targets", "rowWeights", "logProbabilities",
                                                    "entropies", "dhidden", "addDhidden", "dweight", "addDweight",
                                                    "workspace", "width", "scale"}));

}  // namespace parley::PARLEY_ISA
