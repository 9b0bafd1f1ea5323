// Vectors of floats, in the width of the instruction set that a kernel file is being compiled for.
//
// `Floats` is a native vector of `lanes` floats: 16 with AVX-512, 8 with AVX2, 4 otherwise (SSE2, NEON). It is a
// compiler vector type, so + - * / and comparisons work on it directly. Floating-point contraction is off in this
// build: a multiply-add is fused where fma() is written and nowhere else, so that two loops with the same operations
// give the same bits. (Portable x86 has no fused multiply-add; there fma() rounds twice, always.)
//
// Reductions over a row have one order per instruction set: lane-wise accumulation, then sum(), which adds halves.
// Tails: loadPartial() fills missing lanes with `fill`, so a reduction can treat the tail as a full vector.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace parley::PARLEY_ISA {

#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX2__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif

// Of the same size as Floats; what comparisons of Floats give (-1 where true, 0 where false).
typedef int32_t Ints __attribute__((vector_size(4 * lanes)));

// Of the same size too; arithmetic wraps around.
typedef uint32_t Words __attribute__((vector_size(4 * lanes)));

#if defined(__AVX512F__)
using Floats = __m512;
#elif defined(__AVX2__)
using Floats = __m256;
#else
typedef float Floats __attribute__((vector_size(16)));
#endif

inline Floats broadcast(float value) {
#if defined(__AVX512F__)
  return _mm512_set1_ps(value);
#elif defined(__AVX2__)
  return _mm256_set1_ps(value);
#else
  return Floats{value, value, value, value};
#endif
}

inline Floats load(const float* from) {
  Floats result;
  std::memcpy(&result, from, sizeof result);
  return result;
}

inline void store(float* to, Floats value) { std::memcpy(to, &value, sizeof value); }

// The first `count` (0 .. lanes) floats; the other lanes are `fill`.
inline Floats loadPartial(const float* from, int64_t count, float fill = 0) {
#if defined(__AVX512F__)
  return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), __mmask16((1u << count) - 1), from);
#else
  float buffer[lanes];
  for (int i = 0; i < lanes; i++) buffer[i] = i < count ? from[i] : fill;
  return load(buffer);
#endif
}

// Stores the first `count` (0 .. lanes) lanes.
inline void storePartial(float* to, Floats value, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, __mmask16((1u << count) - 1), value);
#else
  float buffer[lanes];
  store(buffer, value);
  for (int i = 0; i < count; i++) to[i] = buffer[i];
#endif
}

// a * b + c
inline Floats fma(Floats a, Floats b, Floats c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
  return (Floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}

inline double fma(double a, double b, double c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// The larger of each pair of lanes; b where either is NaN.
inline Floats max(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
  return _mm256_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}

// The smaller of each pair of lanes; b where either is NaN.
inline Floats min(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_min_ps(a, b);
#elif defined(__AVX2__)
  return _mm256_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}

// a < b ? yes : no in each lane; `no` where either is NaN. Mask with this, never by adding -infinity.
inline Floats selectLess(Floats a, Floats b, Floats yes, Floats no) {
#if defined(__AVX512F__)
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
#elif defined(__AVX2__)
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
#else
  return a < b ? yes : no;
#endif
}

// 0, 1, 2 ... lanes - 1
inline Floats laneIndices() {
  Floats result;
  for (int i = 0; i < lanes; i++) result[i] = float(i);
  return result;
}

// The sum over all lanes, halves first: ((0+8)+(4+12)) + ...
inline float sum(Floats value) {
  float buffer[lanes];
  store(buffer, value);
  for (int half = lanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) buffer[i] += buffer[i + half];
  }
  return buffer[0];
}

// The largest lane of Floats, none of which may be NaN, or of Ints.
template <class Vector>
inline auto largest(const Vector& value) {
  const auto first = value[0];
  std::remove_const_t<decltype(first)> buffer[lanes];
  std::memcpy(buffer, &value, sizeof buffer);
  for (int half = lanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) buffer[i] = buffer[i] > buffer[i + half] ? buffer[i] : buffer[i + half];
  }
  return buffer[0];
}

inline Floats squareRoot(Floats value) {
#if defined(__AVX512F__)
  return _mm512_sqrt_ps(value);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(value);
#else
  Floats result;
  for (int i = 0; i < lanes; i++) result[i] = std::sqrt(value[i]);
  return result;
#endif
}

// e^x with a relative error below 2e-7. Exactly 0 below -87.33 (so that masked scores of -infinity vanish), e^88.37
// above 88.37, NaN for NaN.
#if defined(__AVX512F__)
// x = (16 e + i) ln 2 / 16 + r, so e^x = 2^e 2^(i / 16) e^r: sixteen powers are a register, and r is so small that a
// polynomial of degree 3 does.
inline Floats exp(Floats x) {
  const Floats sixteenths = {1.0f,        1.04427378f, 1.09050773f, 1.13878863f, 1.18920712f, 1.24185781f,
                             1.29683955f, 1.35425555f, 1.41421356f, 1.47682615f, 1.54221083f, 1.61049033f,
                             1.68179283f, 1.75625216f, 1.83400809f, 1.91520656f};
  const Floats clamped = min(broadcast(88.37626f), x);
  const Floats magic = broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number in the low bits
  const Floats shifted = fma(clamped, broadcast(23.0831207f), magic);
  const Floats whole = shifted - magic;
  Floats r = fma(whole, broadcast(-0.693359375f / 16), clamped);
  r = fma(whole, broadcast(2.12194440e-4f / 16), r);
  const Floats lessOne = fma(fma(r, broadcast(1.0f / 6), broadcast(0.5f)), r, broadcast(1.0f)) * r;
  const Floats power = _mm512_permutexvar_ps((__m512i)shifted, sixteenths);
  const __mmask16 inRange = _mm512_cmp_ps_mask(x, broadcast(-87.33654f), _CMP_NLT_UQ);
  return _mm512_maskz_scalef_ps(inRange, fma(power, lessOne, power), whole * (1.0f / 16));
}
#else
// Range reduction to |r| <= ln 2 / 2 and the degree-6 polynomial of Cephes' expf.
inline Floats exp(Floats x) {
  const Floats lowest = broadcast(-87.33654f);
  const Floats clamped = min(broadcast(88.37626f), max(lowest, x));
  const Floats magic = broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number in the low bits
  const Floats shifted = fma(clamped, broadcast(1.44269504f), magic);
  const Floats whole = shifted - magic;
  Floats r = fma(whole, broadcast(-0.693359375f), clamped);
  r = fma(whole, broadcast(2.12194440e-4f), r);
  Floats p = broadcast(1.9875691500e-4f);
  p = fma(p, r, broadcast(1.3981999507e-3f));
  p = fma(p, r, broadcast(8.3334519073e-3f));
  p = fma(p, r, broadcast(4.1665795894e-2f));
  p = fma(p, r, broadcast(1.6666665459e-1f));
  p = fma(p, r, broadcast(5.0000001201e-1f));
  p = fma(p, r * r, r + 1.0f);
  Ints exponent;
  std::memcpy(&exponent, &shifted, sizeof exponent);
  Ints bits = (exponent << 23) + 0x3f800000;
  Floats power;
  std::memcpy(&power, &bits, sizeof power);
  return selectLess(x, lowest, Floats{}, p * power);
}
#endif

// 1 / (1 + e^-x)
inline Floats sigmoid(Floats x) { return 1.0f / (1.0f + exp(-x)); }

inline Floats silu(Floats x) { return x * sigmoid(x); }

// Exchanges rows and columns of a lanes x lanes block.
__attribute__((always_inline)) inline void transpose(Floats (&block)[lanes]) {
#if defined(__AVX512F__)
  Floats half[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {  // 4x4 blocks within each 128-bit lane
    const Floats a = _mm512_unpacklo_ps(block[i], block[i + 1]), b = _mm512_unpackhi_ps(block[i], block[i + 1]);
    const Floats c = _mm512_unpacklo_ps(block[i + 2], block[i + 3]), d = _mm512_unpackhi_ps(block[i + 2], block[i + 3]);
    half[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(c)));
    half[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(c)));
    half[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(b), _mm512_castps_pd(d)));
    half[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(b), _mm512_castps_pd(d)));
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; i++) {  // then a 4x4 block of the 128-bit lanes
    const Floats a = _mm512_shuffle_f32x4(half[i], half[i + 4], 0x88);
    const Floats b = _mm512_shuffle_f32x4(half[i], half[i + 4], 0xdd);
    const Floats c = _mm512_shuffle_f32x4(half[i + 8], half[i + 12], 0x88);
    const Floats d = _mm512_shuffle_f32x4(half[i + 8], half[i + 12], 0xdd);
    block[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    block[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
    block[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
    block[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
#elif defined(__AVX2__)
  Floats half[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; i += 4) {
    const Floats a = _mm256_unpacklo_ps(block[i], block[i + 1]), b = _mm256_unpackhi_ps(block[i], block[i + 1]);
    const Floats c = _mm256_unpacklo_ps(block[i + 2], block[i + 3]), d = _mm256_unpackhi_ps(block[i + 2], block[i + 3]);
    half[i] = _mm256_shuffle_ps(a, c, 0x44);
    half[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
    half[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    half[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; i++) {
    block[i] = _mm256_permute2f128_ps(half[i], half[i + 4], 0x20);
    block[i + 4] = _mm256_permute2f128_ps(half[i], half[i + 4], 0x31);
  }
#else
  const Floats a = block[0], b = block[1], c = block[2], d = block[3];
#pragma GCC unroll 16
  for (int i = 0; i < 4; i++) block[i] = Floats{a[i], b[i], c[i], d[i]};
#endif
}

// bfloat16 is the upper half of a float.
inline float fromBf16(uint16_t half) {
  const uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// A stored number, of either kind.
inline float asFloat(float value) { return value; }
inline float asFloat(uint16_t half) { return fromBf16(half); }

// Each lane rounded to bfloat16, still as a float: to nearest, ties to even; NaN stays NaN.
inline Floats roundToBf16(Floats value) {
  Ints bits;
  std::memcpy(&bits, &value, sizeof bits);
  Ints rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & int32_t(0xffff0000);
  const Ints magnitude = bits & 0x7fffffff;
  rounded = magnitude > 0x7f800000 ? (bits | 0x400000) : rounded;
  Floats result;
  std::memcpy(&result, &rounded, sizeof result);
  return result;
}

// `lanes` bfloat16 numbers, as floats.
inline Floats loadBf16(const uint16_t* from) {
#if defined(__AVX512F__)
  const __m256i halves = _mm256_loadu_si256((const __m256i*)from);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
#elif defined(__AVX2__)
  const __m128i halves = _mm_loadu_si128((const __m128i*)from);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
#else
  Floats result;
  for (int i = 0; i < lanes; i++) result[i] = fromBf16(from[i]);
  return result;
#endif
}

// The first `count` (0 .. lanes) bfloat16 numbers, as floats; the other lanes are 0.
inline Floats loadBf16Partial(const uint16_t* from, int64_t count) {
  uint16_t buffer[lanes] = {};
  std::memcpy(buffer, from, size_t(count) * sizeof *from);
  return loadBf16(buffer);
}

// Stores each lane rounded to bfloat16.
inline void storeBf16(uint16_t* to, Floats value) {
#if defined(__AVX512BF16__)
  const __m256bh halves = _mm512_cvtneps_pbh(value);
  std::memcpy(to, &halves, sizeof halves);
#else
  typedef uint16_t Halves __attribute__((vector_size(2 * lanes)));
  const Floats rounded = roundToBf16(value);
  Words bits;
  std::memcpy(&bits, &rounded, sizeof bits);
  const Halves halves = __builtin_convertvector(bits >> 16, Halves);
  std::memcpy(to, &halves, sizeof halves);
#endif
}

// Stores the lanes of both, one after the other.
inline void storeBf16(uint16_t* to, Floats first, Floats second) {
#if defined(__AVX512BF16__)
  const __m512bh halves = _mm512_cvtne2ps_pbh(second, first);
  std::memcpy(to, &halves, sizeof halves);
#else
  storeBf16(to, first);
  storeBf16(to + lanes, second);
#endif
}

// Stores the first `count` (0 .. lanes) lanes, rounded to bfloat16.
inline void storeBf16Partial(uint16_t* to, Floats value, int64_t count) {
  uint16_t buffer[lanes];
  storeBf16(buffer, value);
  std::memcpy(to, buffer, size_t(count) * sizeof *to);
}

// Bits that look random, a function of the counter: a uint32_t or Words of them. Every bit of the result depends on
// every bit of x (a mixing function with constants found by search: Chris Wellons' hash-prospector, "lowbias32").
template <class Word>
inline Word scramble(Word x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

// Held between the lowest and the largest finite bfloat16: rounding such a number gives no infinity.
inline Floats withinBf16(Floats value) {
  const Floats largest = broadcast(fromBf16(0x7f7f));
  return max(-largest, min(largest, value));
}

// Each lane rounded, still as a float, to one of the two bfloat16 numbers around it, the nearer one the likelier, such
// that the mean is the lane itself (stochastic rounding: Gupta et al., "Deep learning with limited numerical
// precision", 2015): random low bits carry into the upper half as often as what lies in the lower half is large. Takes
// 16 of the random bits of a lane, which must not be NaN. What is larger than every finite bfloat16 becomes the largest.
inline Floats roundStochastically(Floats value, Words random) {
  value = withinBf16(value);
  Words bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = (bits + (random >> 16)) & 0xffff0000u;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// A whole vector where `count` allows, else its first `count` lanes; float or bfloat16 in memory.
inline Floats loadUpTo(int64_t count, const float* from) { return count >= lanes ? load(from) : loadPartial(from, count); }
inline Floats loadUpTo(int64_t count, const uint16_t* from) {
  return count >= lanes ? loadBf16(from) : loadBf16Partial(from, count);
}
inline void storeUpTo(int64_t count, float* to, Floats value) {
  if (count >= lanes) store(to, value);
  else storePartial(to, value, count);
}
inline void storeUpTo(int64_t count, uint16_t* to, Floats value) {
  if (count >= lanes) storeBf16(to, value);
  else storeBf16Partial(to, value, count);
}

// body(i, count) for each vector of a row of `width` numbers, from i on: `count` is what loadUpTo() and storeUpTo() are
// to take, a constant but for the last vector, so that the compiler leaves their tests out of the loop.
template <class Body>
inline void forEachVector(int64_t width, Body body) {
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes) body(i, int64_t(lanes));
  if (i < width) body(i, width - i);
}

}  // namespace parley::PARLEY_ISA
