// Matrix products for other kernels; kernels/gemm.cc computes them.
//
//     output[i][j] = initial[i][j] + sum over k of a(i, k) * b(j, k)
//
// Operands are bf16 already, or f32 and rounded to bf16 on the way in if the precision says so; sums are f32. The sum of
// one output starts from `initial` and runs through k in order, whatever the sizes: its bits depend neither on the
// number of rows and columns it is computed among, nor on the number of threads, nor on packing ahead. Only a single row
// or column in f32, of operands that are not packed ahead, has an order of its own (gemm-vector.h).
#pragma once
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "pool.h"
#include "precision.h"
#include "values.h"

namespace parley::PARLEY_ISA {

// A matrix whose `outer` index runs over rows or columns of the output and whose `inner` index is summed over.
struct Operand {
  Values values;
  int64_t stride;
  bool innerContiguous;
};

// (i, k) is values[i * stride + k].
inline Operand byRows(const Values& values, int64_t stride) { return {values, stride, true}; }

// (i, k) is values[k * stride + i].
inline Operand byColumns(const Values& values, int64_t stride) { return {values, stride, false}; }

// Rows of float32 that are normalised before they are multiplied (normalise.h); none if `gain` is null.
struct Normalisation {
  const float* gain = nullptr;
  float epsilon = 0;
};

struct Output {
  float* data;
  int64_t stride;
  const float* initial = nullptr;  // zeros if null; may be `data` itself
  int64_t initialStride = 0;
};

// An output whose readers would round it anyway: sums are f32 until they are whole.
struct RoundedOutput {
  uint16_t* data;
  int64_t stride;
};

// What the numbers of a packed operand become: f32 and bf16 as the precision of the product says, or whole numbers of
// 8 bits with one scale for each index of the output; then the other operand is quantized when it arrives (gemm-int8.h).
enum class WeightFormat { f32, bf16, int8 };

// What a panel of a compact operand has beside its numbers: gemm-compact.h.
struct CompactPanel {
  struct Exception {
    uint32_t place;
    uint16_t number;
  };
  uint16_t base = 0;
  std::vector<Exception> exceptions;
};

// Operand b, rounded and laid out for the kernel: worth it if it enters several products.
class PackedOperand {
 public:
  // To be called by one thread before each pack(): says what will be packed, and takes memory for it, which is kept for
  // the next operand that is no larger.
  void resize(int64_t columns, int64_t inner, WeightFormat format);

  // The same in memory of the caller's, sizeOf() floats that begin on a cache line.
  void place(float* memory, int64_t columns, int64_t inner, Precision precision);
  static int64_t sizeOf(int64_t columns, int64_t inner, Precision precision);

  // To be called by every thread of the team; a barrier must follow before the first use. For int8 the operand must be
  // float32 by rows.
  void pack(const Team& team, const Operand& b);

  // To be called after pack(), outside a task: takes packed bf16 into less memory if that loses nothing and is read
  // faster here. An operand that was resize()d only.
  void makeCompact();

  int64_t bytes() const;

  // Of what multiply() gives.
  int64_t outputs() const { return gates > 0 ? gates : columns; }

  int64_t columns = 0, inner = 0;
  int64_t gates = 0;  // if panels hold half gates and half what they gate, of which a product gives silu(gate) * up
  WeightFormat format = WeightFormat::f32;
  float* panels = nullptr;
  Buffer<float> scales;      // int8 only, one for each column, as are
  Buffer<int32_t> starts;    // the numbers that its sums start from
  Buffer<uint16_t> compact;  // instead of `panels` if `compactPanels` holds some
  std::vector<CompactPanel> compactPanels;

  static constexpr uint64_t handleTag = 0x7061636b65640001;
  static constexpr const char* handleName = "a packed weight";

 private:
  Buffer<float> own;
};

// All are called by every thread of a team, with the same arguments: inside onAllThreads by all of them, or by one
// task with Team::alone(). When they return, the thread has written its part of the output: before anyone reads it or
// multiplies again, a barrier or the end of the dispatch must come.
void multiply(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a, const Operand& b,
              const Output& output, Precision precision);

void multiply(const Team& team, int64_t rows, int64_t columns, int64_t inner, const Operand& a, const Operand& b,
              const RoundedOutput& output, Precision precision);

void multiply(const Team& team, int64_t rows, const Operand& a, const PackedOperand& b, const Output& output,
              const Normalisation& normalisation = {});

// How many threads a product deserves: pass it to onAllThreads as the limit.
int productThreads(int64_t rows, int64_t columns, int64_t inner);

}  // namespace parley::PARLEY_ISA
