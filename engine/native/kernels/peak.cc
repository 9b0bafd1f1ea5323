// What this machine can do at most: the denominator of every "share of peak" and "share of bandwidth".
//
// Arithmetic: each thread runs independent multiply-adds on registers only, enough of them to hide their latency.
// Memory: each thread adds up its part of a block that no cache holds, in a few streams, as a kernel that reads
// weights does.
#include <chrono>

#include "../arena.h"
#include "../binding.h"
#include "../gemm-amx.h"
#include "../pool.h"
#include "../simd.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr int chains = 12;
constexpr int rounds = 20000;

// Keeps a value in a register and hides from the compiler that it is known.
#if defined(__x86_64__)
#define KEEP(value) __asm__ volatile("" : "+x"(value))
#elif defined(__aarch64__)
#define KEEP(value) __asm__ volatile("" : "+w"(value))
#else
#define KEEP(value)
#endif

struct F32 {
  using Operand = Floats;
  static constexpr int operations = 2 * lanes;
  static Operand operand() { return broadcast(1e-4f); }
  static Floats step(Floats sum, Operand a, Operand b) { return fma(a, b, sum); }
};

#if defined(__AMX_TILE__)
struct Bf16;
#elif defined(__AVX512BF16__)
struct Bf16 {
  using Operand = __m512bh;
  static constexpr int operations = 4 * lanes;
  static Operand operand() { return _mm512_cvtne2ps_pbh(broadcast(1e-4f), broadcast(1e-4f)); }
  static Floats step(Floats sum, Operand a, Operand b) { return _mm512_dpbf16_ps(sum, a, b); }
};
#else
using Bf16 = F32;  // bf16 products are computed in f32 here
#endif

// Multiply-adds on registers only; returns how many operations they were.
template <class Precision>
double burst() {
  Floats sums[chains] = {};
  auto a = Precision::operand(), b = Precision::operand();
  KEEP(a);
  KEEP(b);
  for (int round = 0; round < rounds; round++) {
    for (int chain = 0; chain < chains; chain++) sums[chain] = Precision::step(sums[chain], a, b);
    for (int chain = 0; chain < chains; chain++) KEEP(sums[chain]);
  }
  return double(rounds) * chains * Precision::operations;
}

#if defined(__AMX_TILE__)
template <>
double burst<Bf16>() {
  const MatrixRegisters shaped;
  for (int round = 0; round < rounds; round++) {
    TILE_MULTIPLY_BF16(0, 4, 6);
    TILE_MULTIPLY_BF16(1, 4, 7);
    TILE_MULTIPLY_BF16(2, 5, 6);
    TILE_MULTIPLY_BF16(3, 5, 7);
  }
  return double(rounds) * 2 * matrixTileRows * panelColumns * lanes * Bf16Format::kPerStep;
}
#endif

// The shortest time that body(team) took on all threads, of as many runs as fit into `seconds`.
template <class Body>
double shortest(double seconds, Body body) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double best = 1e9;
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    onAllThreads([&](const Team& team) { body(team); });
    const double time = since(begin);
    if (time < best) best = time;
  } while (since(start) < seconds);
  return best;
}

template <class Precision>
double gigaflops(double seconds) {
  double operations = 0;  // of one thread
  const double time = shortest(seconds, [&](const Team& team) {
    const double done = burst<Precision>();
    if (team.thread == 0) operations = done;
  });
  return operations * threads() / time * 1e-9;
}

double measurePeakF32(double seconds) { return gigaflops<F32>(seconds); }

double measurePeakBf16(double seconds) { return gigaflops<Bf16>(seconds); }

void readAll(const float* from, int64_t count) {
  constexpr int64_t streams = 4;
  const int64_t apart = count / streams;
  Floats sums[streams] = {};
  for (int64_t i = 0; i < apart; i += lanes) {
    for (int64_t stream = 0; stream < streams; stream++) sums[stream] = sums[stream] + load(from + stream * apart + i);
  }
  for (int64_t stream = 0; stream < streams; stream++) KEEP(sums[stream]);
}

double measureBandwidth(double seconds) {
  constexpr int64_t bytes = int64_t(256) << 20;
  auto* const block = static_cast<float*>(reserve(bytes));
  constexpr int64_t count = bytes / int64_t(sizeof(float)), piece = 4096;
  for (int64_t i = 0; i < count; i++) block[i] = 1;  // untouched pages would all be the system's one page of zeros
  const double time = shortest(seconds, [&](const Team& team) {
    const Range mine = team.share(count / piece);
    readAll(block + mine.begin * piece, (mine.end - mine.begin) * piece);
  });
  release(block, bytes);
  return double(bytes) / time * 1e-9;
}

}  // namespace

PARLEY_FAMILY(peak, kernel<measurePeakF32>("measurePeakF32", {"seconds"}),
              kernel<measurePeakBf16>("measurePeakBf16", {"seconds"}),
              kernel<measureBandwidth>("measureBandwidth", {"seconds"}));

}  // namespace parley::PARLEY_ISA
