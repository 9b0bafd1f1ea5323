// What this machine's arithmetic can do at most: the denominator of every "share of peak".
//
// Each thread runs independent multiply-adds on registers only, enough of them to hide their latency.
#include <chrono>

#include "../binding.h"
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

#if defined(__AVX512BF16__)
struct Bf16 {
  using Operand = __m512bh;
  static constexpr int operations = 4 * lanes;
  static Operand operand() { return _mm512_cvtne2ps_pbh(broadcast(1e-4f), broadcast(1e-4f)); }
  static Floats step(Floats sum, Operand a, Operand b) { return _mm512_dpbf16_ps(sum, a, b); }
};
#else
using Bf16 = F32;  // bf16 products are computed in f32 here
#endif

template <class Precision>
void burst() {
  Floats sums[chains] = {};
  auto a = Precision::operand(), b = Precision::operand();
  KEEP(a);
  KEEP(b);
  for (int round = 0; round < rounds; round++) {
    for (int chain = 0; chain < chains; chain++) sums[chain] = Precision::step(sums[chain], a, b);
    for (int chain = 0; chain < chains; chain++) KEEP(sums[chain]);
  }
}

template <class Precision>
double gigaflops(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double best = 0;
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    onAllThreads([](const Team&) { burst<Precision>(); });
    const double rate = double(threads()) * rounds * chains * Precision::operations / since(begin) * 1e-9;
    if (rate > best) best = rate;
  } while (since(start) < seconds);
  return best;
}

double measurePeakF32(double seconds) { return gigaflops<F32>(seconds); }

double measurePeakBf16(double seconds) { return gigaflops<Bf16>(seconds); }

}  // namespace

PARLEY_FAMILY(peak, kernel<measurePeakF32>("measurePeakF32", {"seconds"}),
              kernel<measurePeakBf16>("measurePeakBf16", {"seconds"}));

}  // namespace parley::PARLEY_ISA
