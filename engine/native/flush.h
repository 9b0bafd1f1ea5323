// Denormal numbers cost a hundred cycles each and mean nothing here; AVX512-BF16 dot products flush them anyway.
// Kernels run with flush-to-zero, JavaScript must not: this restores the thread's mode when it goes out of scope.
#pragma once
#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace parley {

class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved(_mm_getcsr()) { _mm_setcsr(saved | 0x8040); }  // FTZ and DAZ
  ~FlushDenormals() { _mm_setcsr(saved); }

 private:
  const uint32_t saved;
#elif defined(__aarch64__)
  FlushDenormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" ::"r"(saved | (uint64_t(1) << 24)));
  }
  ~FlushDenormals() { __asm__ volatile("msr fpcr, %0" ::"r"(saved)); }

 private:
  uint64_t saved = 0;
#else
  FlushDenormals() {}
#endif
};

}  // namespace parley
