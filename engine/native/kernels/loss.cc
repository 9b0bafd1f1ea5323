// Cross-entropy of a softmax over the vocabulary, with its gradients, without storing the logits.
//
// The logits of a step are its largest matrix by far (4096 tokens x 8192 ids: 134 MB, and their gradient as much
// again). They are made in chunks of rows that fit into the last-level cache, and everything that needs them happens
// while a chunk is there:
//
//     logits = hidden Wt          one product with the packed embedding
//     softmax                     log-probability of the target; logits become scale * (probability - [is target])
//     dhidden = logits W          with the embedding packed the other way round
//     dW += logitsT hidden        chunk after chunk, in order
//
// So the gradient is done when the loss is known, for an upstream gradient of 1; the caller scales it if it is not.
// The embedding is packed once per call in each layout. Rows whose target is -1 get zero gradients.
//
// A row's maximum is subtracted before exponentials, and log-probability = (logit - maximum) - log(sum).
#include <algorithm>
#include <cmath>

#include "../binding.h"
#include "../buffer.h"
#include "../gemm.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr float lowest = -3e38f;
constexpr int64_t mostRows = 32;  // that a thread takes at once

// 16 MiB of logits, but no more than 512 rows and no fewer than 64.
int64_t rowsPerChunk(int64_t vocabulary) {
  return std::clamp<int64_t>((int64_t(4) << 20) / std::max<int64_t>(1, vocabulary) / 64 * 64, 64, 512);
}

float maximum(const float* row, int64_t size) {
  Floats result = broadcast(lowest);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) result = max(result, load(row + i));
  if (i < size) result = max(result, loadPartial(row + i, size - i, lowest));
  return largest(result);
}

// Replaces x by exp(x - top) if `keep`, and returns the sum either way.
float exponentials(float* row, int64_t size, float top, bool keep) {
  Floats total{};
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const Floats e = exp(load(row + i) - top);
    total = total + e;
    if (keep) store(row + i, e);
  }
  if (i < size) {
    const Floats e = exp(loadPartial(row + i, size - i, lowest) - top);
    total = total + e;
    if (keep) storePartial(row + i, e, size - i);
  }
  return sum(total);
}

void scaleRow(float* row, int64_t size, float factor) {
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) store(row + i, load(row + i) * factor);
  for (; i < size; i++) row[i] *= factor;
}

// One row of logits becomes its gradient, if `keep`; returns the target's log-probability.
float softmaxRow(float* row, int64_t size, int32_t target, float scale, bool keep) {
  if (target < 0) {
    if (keep) std::fill(row, row + size, 0.0f);
    return 0;
  }
  const float top = maximum(row, size), picked = row[target] - top;
  const float total = exponentials(row, size, top, keep);
  if (keep) {
    scaleRow(row, size, scale / total);
    row[target] -= scale;
  }
  return picked - std::log(total);
}

struct Workspace {
  Buffer<float> logits;
  PackedOperand byVocabulary, byWidth;
};

// Returns the sum of negative log-probabilities over the targets that count.
double crossEntropy(AnyArray hidden, Array<const float> weight, Array<const int32_t> targets,
                    Array<float> logProbabilities, std::optional<Array<float>> dhidden,
                    std::optional<Array<float>> dweight, int64_t width, float scale) {
  const int64_t rows = targets.size, vocabulary = width > 0 ? weight.size / width : 0;
  hidden.require(rows * width);
  weight.require(vocabulary * width);
  logProbabilities.require(rows);
  if (dhidden) dhidden->require(hidden.size);
  if (dweight) dweight->require(weight.size);
  for (int64_t row = 0; row < rows; row++) {
    if (targets[row] < -1 || targets[row] >= vocabulary) {
      throw std::runtime_error("target " + std::to_string(targets[row]) + " at position " + std::to_string(row) +
                               " is outside -1 .. " + std::to_string(vocabulary - 1));
    }
  }

  static thread_local Workspace workspace;
  const int64_t chunk = rowsPerChunk(vocabulary);
  float* const logits = workspace.logits.atLeast(chunk * vocabulary);
  PackedOperand &byVocabulary = workspace.byVocabulary, &byWidth = workspace.byWidth;
  byVocabulary.resize(vocabulary, width, precision());
  if (dhidden) byWidth.resize(width, vocabulary, precision());
  const bool keep = dhidden.has_value() || dweight.has_value();
  WorkQueue queue;

  onAllThreads([&](const Team& team) {
    byVocabulary.pack(team, byRows(weight.data, width));
    if (dhidden) byWidth.pack(team, byColumns(weight.data, width));
    team.barrier();
    for (int64_t first = 0; first < rows; first += chunk) {
      const int64_t count = std::min(chunk, rows - first);
      const Values chunkHidden = Values(hidden) + first * width;
      multiply(team, count, byRows(chunkHidden, width), byVocabulary, {logits, vocabulary});
      if (team.thread == 0) queue.reset(count, mostRows, team.threads);
      team.barrier();
      for (Range run = queue.take(); run.begin < run.end; run = queue.take()) {
        for (int64_t row = run.begin; row < run.end; row++) {
          logProbabilities[first + row] =
              softmaxRow(logits + row * vocabulary, vocabulary, targets[first + row], scale, keep);
        }
      }
      team.barrier();
      if (dhidden) multiply(team, count, byRows(logits, vocabulary), byWidth, {dhidden->data + first * width, width});
      if (dweight) {
        multiply(team, vocabulary, width, count, byColumns(logits, vocabulary), byColumns(chunkHidden, width),
                 {dweight->data, width, first > 0 ? dweight->data : nullptr, width}, precision());
      }
      team.barrier();
    }
  });

  double total = 0;
  for (int64_t row = 0; row < rows; row++) total -= double(logProbabilities[row]);
  return total;
}

}  // namespace

PARLEY_FAMILY(loss, kernel<crossEntropy>("crossEntropy", {"hidden", "weight", "targets", "logProbabilities", "dhidden",
                                                          "dweight", "width", "scale"}));

}  // namespace parley::PARLEY_ISA
