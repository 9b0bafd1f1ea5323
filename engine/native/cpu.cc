#include "cpu.h"

#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace parley {
namespace {

constexpr const char* names[] = {"portable", "avx2", "avx512", "avx512bf16", "amx"};

#if defined(__x86_64__)
// Reads which register files the operating system saves on a context switch (Intel SDM vol. 1, 14.3 and 15.2).
uint64_t savedRegisters() {
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

// Matrix registers are 8 KB for every thread that uses them, so Linux wants to be asked for the process (Linux,
// Documentation/arch/x86/xstate.rst).
bool mayUseMatrices() {
#if defined(__linux__)
  constexpr uint64_t saved = 3u << 17;
  constexpr long requestPermission = 0x1023, matrixData = 18;
  return (savedRegisters() & saved) == saved && syscall(SYS_arch_prctl, requestPermission, matrixData) == 0;
#else
  return false;
#endif
}

Isa bestIsa() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return Isa::portable;
  const bool osxsave = c & bit_OSXSAVE, fma = c & bit_FMA, f16c = c & bit_F16C;
  if (!osxsave) return Isa::portable;
  const uint64_t saved = savedRegisters();
  const bool ymm = (saved & 0x06) == 0x06, zmm = (saved & 0xe6) == 0xe6;

  uint32_t leaf7b = 0, leaf7d = 0, subleaves = 0;
  if (!__get_cpuid_count(7, 0, &subleaves, &leaf7b, &c, &leaf7d)) return Isa::portable;
  if (!(ymm && fma && f16c && (leaf7b & bit_AVX2) && (leaf7b & bit_BMI2))) return Isa::portable;

  const uint32_t avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL | bit_AVX512CD;
  if (!(zmm && (leaf7b & avx512) == avx512)) return Isa::avx2;

  uint32_t leaf71a = 0, leaf7c = c;
  if (subleaves < 1 || !__get_cpuid_count(7, 1, &leaf71a, &b, &c, &d)) return Isa::avx512;
  const uint32_t bf16 = 1u << 5;  // every processor that has it multiplies bytes too (VNNI)
  if (!((leaf71a & bf16) && (leaf7c & bit_AVX512VNNI))) return Isa::avx512;

  const uint32_t matrices = 1u << 22 | 1u << 24 | 1u << 25;  // bf16, the registers, int8
  return (leaf7d & matrices) == matrices && mayUseMatrices() ? Isa::amx : Isa::avx512bf16;
}
#else
Isa bestIsa() { return Isa::portable; }
#endif

}  // namespace

const char* isaName(Isa isa) { return names[int(isa)]; }

Isa chosenIsa() {
  const Isa best = bestIsa();
  const char* wanted = std::getenv("PARLEY_CPU");
  if (wanted == nullptr || *wanted == '\0') return best;
  std::string supported;
  for (int isa = 0; isa <= int(best); isa++) {
    if (names[isa] == std::string(wanted)) return Isa(isa);
    supported += (isa ? ", " : "") + std::string(names[isa]);
  }
  throw std::runtime_error("PARLEY_CPU is \"" + std::string(wanted) + "\", but this processor can run: " + supported +
                           ". Set it to one of these, or unset it to have the fastest chosen.");
}

}  // namespace parley
