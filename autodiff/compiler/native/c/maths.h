/* Elementwise functions for generated loops, as pairs <name>_f32(float) and <name>_f64(double).
 *
 * Those in part 1 are free of branches, tables and calls, so that a plain loop over them becomes
 * vector code. Every one takes inf, nan, -0 and subnormal numbers as numpy does, and rounds a
 * subnormal result once. "max ULP" is the largest error measured: over all floats for f32 (all
 * that matter, for some), 3 10^7 values for f64, in units of the last place of the exact result.
 * Without fused multiply-add it is up to 0.5 more.
 *
 * Polynomials: near-minimax fits made for this file, with their first coefficients rounded before
 * the rest is fitted.
 */
#ifndef AUTODIFF_MATHS_H
#define AUTODIFF_MATHS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if __FLT_EVAL_METHOD__ == 2
#error "maths.h needs float and double as they are, not x87 registers: -msse2 -mfpmath=sse"
#endif

/* A function that is left as a call, because its caller has grown large, is not vectorised. */
#define INLINE static inline __attribute__((always_inline, unused))

/* ---- tools ---------------------------------------------------------------------------------- */

/* Without the instruction, the builtin is a call of the C library (30 times slower). */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__)
#define FUSED 1
#else
#define FUSED 0
#endif

INLINE float fma_f32(float x, float y, float z) {
    return FUSED ? __builtin_fmaf(x, y, z) : x * y + z;
}
INLINE double fma_f64(double x, double y, double z) {
    return FUSED ? __builtin_fma(x, y, z) : x * y + z;
}

/* The next four steps of Horner's rule. */
INLINE float horner_f32(float p, float x, float a, float b, float c, float d) {
    return fma_f32(fma_f32(fma_f32(fma_f32(p, x, a), x, b), x, c), x, d);
}
INLINE double horner_f64(double p, double x, double a, double b, double c, double d) {
    return fma_f64(fma_f64(fma_f64(fma_f64(p, x, a), x, b), x, c), x, d);
}

INLINE uint32_t bits_f32(float x) { uint32_t u; memcpy(&u, &x, sizeof u); return u; }
INLINE uint64_t bits_f64(double x) { uint64_t u; memcpy(&u, &x, sizeof u); return u; }
INLINE float from_bits_f32(uint32_t u) { float x; memcpy(&x, &u, sizeof x); return x; }
INLINE double from_bits_f64(uint64_t u) { double x; memcpy(&x, &u, sizeof x); return x; }

/* Adding this rounds to a whole number, which then is in the lowest bits (|x| < 2^22, 2^51). */
#define SHIFT_F32 0x1.8p23f
#define SHIFT_F64 0x1.8p52

INLINE float nearest_f32(float x) { return (x + SHIFT_F32) - SHIFT_F32; }
INLINE double nearest_f64(double x) { return (x + SHIFT_F64) - SHIFT_F64; }

/* 2^n for a whole n from -126 to 127 (-1022 to 1023). */
INLINE float power_of_2_f32(float n) {
    return from_bits_f32(bits_f32(n + (SHIFT_F32 + 127)) << 23);
}
INLINE double power_of_2_f64(double n) {
    return from_bits_f64(bits_f64(n + (SHIFT_F64 + 1023)) << 52);
}

/* x * 2^n in two steps: for a subnormal result, and for an n of 128 (1024). */
INLINE float scale_f32(float x, float n) {
    float half = nearest_f32(0.5f * n);
    return x * power_of_2_f32(half) * power_of_2_f32(n - half);
}
INLINE double scale_f64(double x, double n) {
    double half = nearest_f64(0.5 * n);
    return x * power_of_2_f64(half) * power_of_2_f64(n - half);
}

/* Limits on the bits, whose order is that of the numbers (for negative ones without a sign, turned
 * round). gcc follows a float's `x > c ? c : x` into a second copy of all that comes after, with x
 * constant. nan becomes a limit, too: or_nan gives it back. */
INLINE float at_most_f32(float x, float positive) {
    int32_t u = (int32_t)bits_f32(x), c = (int32_t)bits_f32(positive);
    return from_bits_f32((uint32_t)(u < c ? u : c));
}
INLINE double at_most_f64(double x, double positive) {
    int64_t u = (int64_t)bits_f64(x), c = (int64_t)bits_f64(positive);
    return from_bits_f64((uint64_t)(u < c ? u : c));
}
INLINE float at_least_f32(float x, float negative) {
    uint32_t u = bits_f32(x), c = bits_f32(negative);
    return from_bits_f32(u < c ? u : c);
}
INLINE double at_least_f64(double x, double negative) {
    uint64_t u = bits_f64(x), c = bits_f64(negative);
    return from_bits_f64(u < c ? u : c);
}
INLINE float or_nan_f32(float x, float out) { return x == x ? out : x; }
INLINE double or_nan_f64(double x, double out) { return x == x ? out : x; }

/* High parts short enough for exact products with an exponent. */
#define LN2_HI_F32 0x1.62e4p-1f
#define LN2_LO_F32 0x1.7f7d1cp-20f
#define LN2_HI_F64 0x1.62e42fefa3p-1
#define LN2_LO_F64 0x1.3de6af278ece6p-42
#define LOG2_E 0x1.71547652b82fep+0
#define LOG10_E 0x1.bcb7b1526e50ep-2

/* ---- 1. vectorised: the exponential family -------------------------------------------------- */

/* x = n ln 2 + r, with |r| <= ln(2) / 2: exp(x) is 2^n exp(r). */
typedef struct { float n, r; } reduced_f32;
typedef struct { double n, r; } reduced_f64;

INLINE reduced_f32 reduce_f32(float x) {
    float n = nearest_f32(x * (float)LOG2_E);
    float r = fma_f32(-n, LN2_HI_F32, x);
    return (reduced_f32){n, fma_f32(-n, LN2_LO_F32, r)};
}
INLINE reduced_f64 reduce_f64(double x) {
    double n = nearest_f64(x * LOG2_E);
    double r = fma_f64(-n, LN2_HI_F64, x);
    return (reduced_f64){n, fma_f64(-n, LN2_LO_F64, r)};
}
/* exp(r) - 1 for such an r. */
INLINE float expm1_near_f32(float r) {
    float q = 0x1.9e893p-13f;
    q = fma_f32(q, r, 0x1.6d404ep-10f);
    q = horner_f32(q, r, 0x1.1112dp-7f, 0x1.5554f4p-5f, 0x1.555554p-3f, 0.5f);
    return fma_f32(r * r, q, r);
}
INLINE double expm1_near_f64(double r) {
    double q = 0x1.1efb43f25bf64p-29;
    q = fma_f64(q, r, 0x1.af625017375bp-26);
    q = fma_f64(q, r, 0x1.27e52923dfbbbp-22);
    q = horner_f64(q, r, 0x1.71ddf691ee103p-19, 0x1.a01a01831e81dp-16, 0x1.a01a01b0751dfp-13,
                   0x1.6c16c16c1cefp-10);
    q = horner_f64(q, r, 0x1.111111110f5aep-7, 0x1.5555555555548p-5, 0x1.5555555555559p-3, 0.5);
    return fma_f64(r * r, q, r);
}

/* max ULP 0.99, 0.98. */
INLINE float exp_f32(float x) {
    reduced_f32 e = reduce_f32(at_least_f32(at_most_f32(x, 89.0f), -104.0f));
    return or_nan_f32(x, scale_f32(1.0f + expm1_near_f32(e.r), e.n));
}
INLINE double exp_f64(double x) {
    reduced_f64 e = reduce_f64(at_least_f64(at_most_f64(x, 710.0), -746.0));
    return or_nan_f64(x, scale_f64(1.0 + expm1_near_f64(e.r), e.n));
}

/* max ULP 0.88, 0.79. */
INLINE float exp2_f32(float x) {
    float c = at_least_f32(at_most_f32(x, 129.0f), -151.0f);
    float n = nearest_f32(c), r = c - n;
    float q = 0x1.4172bcp-13f;
    q = fma_f32(q, r, 0x1.5f0976p-10f);
    q = horner_f32(q, r, 0x1.3b2ddap-7f, 0x1.c6af7ap-5f, 0x1.ebfbdcp-3f, 0x1.62e43p-1f);
    return or_nan_f32(x, scale_f32(fma_f32(q, r, 1.0f), n));
}
INLINE double exp2_f64(double x) {
    double c = at_least_f64(at_most_f64(x, 1025.0), -1076.0);
    double n = nearest_f64(c), r = c - n;
    double q = 0x1.e81ffdf625c7cp-32;
    q = fma_f64(q, r, 0x1.e613670c8b804p-28);
    q = fma_f64(q, r, 0x1.b5260378c9368p-24);
    q = horner_f64(q, r, 0x1.62bfcccea2b79p-20, 0x1.ffcbfbfcef8a1p-17, 0x1.4309130c722cbp-13,
                   0x1.5d87fe78b30fap-10);
    q = horner_f64(q, r, 0x1.3b2ab6fba0f9bp-7, 0x1.c6b08d704a0d6p-5, 0x1.ebfbdff82c59dp-3,
                   0x1.62e42fefa39efp-1);
    return or_nan_f64(x, scale_f64(fma_f64(q, r, 1.0), n));
}

/* (exp(x) - 1) / 2^k, with which the largest results do not overflow on the way. */
INLINE float expm1_over_f32(float x, int k) {
    reduced_f32 e = reduce_f32(x);
    float s = power_of_2_f32(e.n - (float)k);
    return fma_f32(s, expm1_near_f32(e.r), s - 1.0f / (float)(1 << k));
}
INLINE double expm1_over_f64(double x, int k) {
    reduced_f64 e = reduce_f64(x);
    double s = power_of_2_f64(e.n - (double)k);
    return fma_f64(s, expm1_near_f64(e.r), s - 1.0 / (double)(1 << k));
}

/* Below |x| of 2^-25 (2^-54), here and in tanh and sinh, f(x) rounds to x: -0 and subnormals.
 * max ULP 1.44, 1.81. */
INLINE float expm1_f32(float x) {
    float out = 2.0f * expm1_over_f32(at_least_f32(at_most_f32(x, 89.0f), -18.0f), 1);
    return __builtin_fabsf(x) >= 0x1p-25f ? out : x;
}
INLINE double expm1_f64(double x) {
    double out = 2.0 * expm1_over_f64(at_least_f64(at_most_f64(x, 710.0), -38.0), 1);
    return __builtin_fabs(x) >= 0x1p-54 ? out : x;
}

/* max ULP 2.5, 2.61. */
INLINE float tanh_f32(float x) {
    float t = expm1_over_f32(-2.0f * at_most_f32(__builtin_fabsf(x), 10.0f), 0);
    return or_nan_f32(x, __builtin_copysignf(t / (2.0f + t), x));
}
INLINE double tanh_f64(double x) {
    double t = expm1_over_f64(-2.0 * at_most_f64(__builtin_fabs(x), 20.0), 0);
    return or_nan_f64(x, __builtin_copysign(t / (2.0 + t), x));
}

/* From exp(-|x|), which cannot overflow: the left tail keeps its digits down to subnormals.
 * max ULP 2.41, 2.38. */
INLINE float sigmoid_f32(float x) {
    float z = exp_f32(-__builtin_fabsf(x));
    return (x < 0.0f ? z : 1.0f) / (1.0f + z);
}
INLINE double sigmoid_f64(double x) {
    double z = exp_f64(-__builtin_fabs(x));
    return (x < 0.0 ? z : 1.0) / (1.0 + z);
}

/* With t = exp(|x|) - 1: (t + t / (1 + t)) / 2. max ULP 2.18, 2.39. */
INLINE float sinh_f32(float x) {
    float a = at_most_f32(__builtin_fabsf(x), 89.5f);
    float quarter = expm1_over_f32(a, 2);
    float out = 2.0f * (quarter + quarter / (1.0f + 4.0f * quarter));
    return __builtin_fabsf(x) >= 0x1p-25f ? __builtin_copysignf(out, x) : x;
}
INLINE double sinh_f64(double x) {
    double a = at_most_f64(__builtin_fabs(x), 710.5);
    double quarter = expm1_over_f64(a, 2);
    double out = 2.0 * (quarter + quarter / (1.0 + 4.0 * quarter));
    return __builtin_fabs(x) >= 0x1p-54 ? __builtin_copysign(out, x) : x;
}

/* max ULP 1.45, 1.46. */
INLINE float cosh_f32(float x) {
    reduced_f32 e = reduce_f32(at_most_f32(__builtin_fabsf(x), 89.5f));
    float s = power_of_2_f32(e.n - 2.0f), quarter = fma_f32(s, expm1_near_f32(e.r), s);
    return or_nan_f32(x, 2.0f * (quarter + 0.0625f / quarter));
}
INLINE double cosh_f64(double x) {
    reduced_f64 e = reduce_f64(at_most_f64(__builtin_fabs(x), 710.5));
    double s = power_of_2_f64(e.n - 2.0), quarter = fma_f64(s, expm1_near_f64(e.r), s);
    return or_nan_f64(x, 2.0 * (quarter + 0.0625 / quarter));
}

/* ---- 1. vectorised: the logarithm family ---------------------------------------------------- */

/* x = 2^k (1 + f), with 1 + f from sqrt(1/2) to sqrt(2). */
typedef struct { float k, f; } split_f32;
typedef struct { double k, f; } split_f64;

#define SQRT_HALF_F32 0x3f3504f3u
#define SQRT_HALF_F64 0x3fe6a09e667f3bcdu

INLINE split_f32 split_normal_f32(float x) {
    uint32_t u = bits_f32(x) + (0x3f800000u - SQRT_HALF_F32);
    float m = from_bits_f32((u & 0x007fffffu) + SQRT_HALF_F32);
    return (split_f32){(float)(int32_t)(u >> 23) - 127.0f, m - 1.0f};
}
INLINE split_f64 split_normal_f64(double x) {
    uint64_t u = bits_f64(x) + (0x3ff0000000000000u - SQRT_HALF_F64);
    double m = from_bits_f64((u & 0x000fffffffffffffu) + SQRT_HALF_F64);
    /* AVX2 cannot convert 64-bit integers: put the exponent into the low bits of 2^52 instead. */
    double k = from_bits_f64((u >> 52) | bits_f64(0x1p52)) - (0x1p52 + 1023.0);
    return (split_f64){k, m - 1.0};
}

INLINE split_f32 split_any_f32(float x) {
    int tiny = x < 0x1p-126f;
    split_f32 s = split_normal_f32(tiny ? x * 0x1p25f : x);
    return (split_f32){s.k - (tiny ? 25.0f : 0.0f), s.f};
}
INLINE split_f64 split_any_f64(double x) {
    int tiny = x < 0x1p-1022;
    split_f64 s = split_normal_f64(tiny ? x * 0x1p54 : x);
    return (split_f64){s.k - (tiny ? 54.0 : 0.0), s.f};
}

/* log(1 + f) + k ln 2: in f32 a polynomial, in f64 the series of 2 artanh(s). */
INLINE float log_of_split_f32(split_f32 x) {
    float f = x.f, square = f * f;
    float p = -0x1.38c886p-4f;
    p = fma_f32(p, f, 0x1.055e6ap-3f);
    p = fma_f32(p, f, -0x1.0d8248p-3f);
    p = fma_f32(p, f, 0x1.22d936p-3f);
    p = horner_f32(p, f, -0x1.54728ap-3f, 0x1.99a01cp-3f, -0x1.000226p-2f, 0x1.555554p-2f);
    float tail = fma_f32(x.k, LN2_LO_F32, f * square * p);
    tail = fma_f32(-0.5f, square, tail);
    return fma_f32(x.k, LN2_HI_F32, f + tail);
}
INLINE double log_of_split_f64(split_f64 x) {
    double f = x.f, s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double p = 0x1.2f0e59a8dd7cdp-3;
    p = fma_f64(p, z, 0x1.39a0dd858bb6ap-3);
    p = fma_f64(p, z, 0x1.74664740d6c47p-3);
    p = horner_f64(p, z, 0x1.c71c51e199aep-3, 0x1.249249422157p-2, 0x1.999999997fa52p-2,
                   0x1.5555555555593p-1);
    double tail = fma_f64(s, fma_f64(p, z, half), x.k * LN2_LO_F64) - half;
    return fma_f64(x.k, LN2_HI_F64, f + tail);
}

/* `out` for 0 < x < inf; else the value of a logarithm at such an x. */
INLINE float log_value_f32(float x, float out) {
    float edge = x < 0.0f ? NAN : (x == 0.0f ? -INFINITY : x);
    return ((x > 0.0f) & (x < INFINITY)) ? out : edge;
}
INLINE double log_value_f64(double x, double out) {
    double edge = x < 0.0 ? (double)NAN : (x == 0.0 ? -(double)INFINITY : x);
    return ((x > 0.0) & (x < (double)INFINITY)) ? out : edge;
}

/* max ULP 0.86, 0.82. */
INLINE float log_f32(float x) { return log_value_f32(x, log_of_split_f32(split_any_f32(x))); }
INLINE double log_f64(double x) { return log_value_f64(x, log_of_split_f64(split_any_f64(x))); }

/* max ULP 1.83, 1.71. */
INLINE float log2_f32(float x) {
    split_f32 s = split_any_f32(x);
    float part = log_of_split_f32((split_f32){0.0f, s.f});
    return log_value_f32(x, fma_f32(part, (float)LOG2_E, s.k));
}
INLINE double log2_f64(double x) {
    split_f64 s = split_any_f64(x);
    double part = log_of_split_f64((split_f64){0.0, s.f});
    return log_value_f64(x, fma_f64(part, LOG2_E, s.k));
}

/* max ULP 1.92, 1.86. */
INLINE float log10_f32(float x) {
    split_f32 s = split_any_f32(x);
    float part = log_of_split_f32((split_f32){0.0f, s.f});
    part = fma_f32(part, (float)LOG10_E, s.k * 0x1.3509f8p-18f);
    return log_value_f32(x, fma_f32(s.k, 0x1.344p-2f, part));
}
INLINE double log10_f64(double x) {
    split_f64 s = split_any_f64(x);
    double part = log_of_split_f64((split_f64){0.0, s.f});
    part = fma_f64(part, LOG10_E, s.k * 0x1.3fde623e2566bp-43);
    return log_value_f64(x, fma_f64(s.k, 0x1.34413509f7p-2, part));
}

/* What the rounding of u = 1 + x loses goes into f. max ULP 1.44, 1.39. */
INLINE float log1p_f32(float x) {
    float u = 1.0f + x, lost = x < 1.0f ? x - (u - 1.0f) : 1.0f - (u - x);
    split_f32 s = split_normal_f32(u);
    s.f += lost * power_of_2_f32(s.k > 126.0f ? -126.0f : -s.k);
    return __builtin_copysignf(log_value_f32(u, log_of_split_f32(s)), x);
}
INLINE double log1p_f64(double x) {
    double u = 1.0 + x, lost = x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
    split_f64 s = split_normal_f64(u);
    s.f += lost * power_of_2_f64(s.k > 1022.0 ? -1022.0 : -s.k);
    return __builtin_copysign(log_value_f64(u, log_of_split_f64(s)), x);
}

/* log(1 + z) for z from 0 to 1, the tail of softplus: no rounding of 1 + z. */
INLINE float log1p_unit_f32(float z) {
    int half = z > 0x1.a8279ap-2f;
    return log_of_split_f32((split_f32){half ? 1.0f : 0.0f, half ? 0.5f * z - 0.5f : z});
}
INLINE double log1p_unit_f64(double z) {
    int half = z > 0x1.a827999fcef32p-2;
    return log_of_split_f64((split_f64){half ? 1.0 : 0.0, half ? 0.5 * z - 0.5 : z});
}

/* log(exp(x) + exp(y)). Equal infinities have no difference; nan passes by the difference.
 * max ULP 1.64, 1.68 for y = 0; elsewhere at most 3 (base 2: 3.5), but where the sum cancels to
 * nearly 0, of the rounding of x - y, as in numpy. */
INLINE float logaddexp_f32(float x, float y) {
    float d = x == y ? 0.0f : -__builtin_fabsf(x - y);
    return (x > y ? x : y) + log1p_unit_f32(exp_f32(d));
}
INLINE double logaddexp_f64(double x, double y) {
    double d = x == y ? 0.0 : -__builtin_fabs(x - y);
    return (x > y ? x : y) + log1p_unit_f64(exp_f64(d));
}
INLINE float logaddexp2_f32(float x, float y) {
    float d = x == y ? 0.0f : -__builtin_fabsf(x - y);
    return fma_f32(log1p_unit_f32(exp2_f32(d)), (float)LOG2_E, x > y ? x : y);
}
INLINE double logaddexp2_f64(double x, double y) {
    double d = x == y ? 0.0 : -__builtin_fabs(x - y);
    return fma_f64(log1p_unit_f64(exp2_f64(d)), LOG2_E, x > y ? x : y);
}

/* ---- 1. vectorised: the error function ------------------------------------------------------ */

/* erf(x) for |x| < 3/4, by a polynomial for erf(x) / x - 1. */
INLINE float erf_near_f32(float x) {
    float z = x * x;
    float p = -0x1.616aap-11f;
    p = fma_f32(p, z, 0x1.4f1ddcp-8f);
    p = horner_f32(p, z, -0x1.b7a7bep-6f, 0x1.ce2adp-4f, -0x1.81273ap-2f, 0x1.06eba8p-3f);
    return fma_f32(x, p, x);
}
INLINE double erf_near_f64(double x) {
    double z = x * x;
    double p = 0x1.c50d958bd8213p-27;
    p = fma_f64(p, z, -0x1.60c6231511261p-23);
    p = fma_f64(p, z, 0x1.baa420a08ed3dp-20);
    p = horner_f64(p, z, -0x1.f4e7e1f652ac1p-17, 0x1.f9a46a16198d6p-14, -0x1.c02dbf154c737p-11,
                   0x1.565bcd482ae84p-8);
    p = horner_f64(p, z, -0x1.b82ce313de5c4p-6, 0x1.ce2f21a046bc3p-4, -0x1.812746b037a31p-2,
                   0x1.06eba8214db69p-3);
    return fma_f64(x, p, x);
}

/* x * x - square, which a square rounded loses. */
INLINE float square_loss_f32(float x, float square) {
    float hi = from_bits_f32(bits_f32(x) & 0xfffff000u), lo = x - hi;
    return FUSED ? fma_f32(x, x, -square) : hi * hi - square + 2.0f * hi * lo + lo * lo;
}
INLINE double square_loss_f64(double x, double square) {
    double hi = from_bits_f64(bits_f64(x) & 0xfffffffff8000000u), lo = x - hi;
    return FUSED ? fma_f64(x, x, -square) : hi * hi - square + 2.0 * hi * lo + lo * lo;
}

/* erfc(a) from 3/4 to underflow: exp(-a a) / (a + K) times a polynomial in (a - K) / (a + K), after
 * Shepherd and Laframboise, Mathematics of Computation 36 (1981), 249-253. */
INLINE float erfc_beyond_f32(float a) {
    a = at_most_f32(a, 10.2f);
    float square = a * a, loss = square_loss_f32(a, square);
    float inverse = 1.0f / (a + 2.5f), t = (a - 2.5f) * inverse;
    float left = fma_f32(-inverse, a, fma_f32(-inverse, 2.5f, 1.0f));
    t = fma_f32(inverse, fma_f32(-t, a, fma_f32(t + 1.0f, -2.5f, a)), t);
    float p = 0x1.4a215cp-11f;
    p = fma_f32(p, t, -0x1.ab1c1ep-12f);
    p = fma_f32(p, t, -0x1.3aaf5ap-8f);
    p = fma_f32(p, t, 0x1.12d21ap-7f);
    p = horner_f32(p, t, 0x1.d0a64cp-6f, -0x1.5eb8b2p-3f, 0x1.d0ceep-2f, -0x1.9bfb54p-1f);
    p = 0x1.0dd508p+0f + fma_f32(p, t, -0x1.f23eb6p-26f);
    reduced_f32 e = reduce_f32(-square);
    p *= inverse;
    return scale_f32(fma_f32(p, expm1_near_f32(e.r + (left - loss)), p), e.n);
}
INLINE double erfc_beyond_f64(double a) {
    a = at_most_f64(a, 27.4);
    double square = a * a, loss = square_loss_f64(a, square);
    double inverse = 1.0 / (a + 3.5), t = (a - 3.5) * inverse;
    double left = fma_f64(-inverse, a, fma_f64(-inverse, 3.5, 1.0));
    t = fma_f64(inverse, fma_f64(-t, a, fma_f64(t + 1.0, -3.5, a)), t);
    double p = 0x1.896f1b2837b03p-27;
    p = fma_f64(p, t, -0x1.d7ee208581a72p-27);
    p = fma_f64(p, t, -0x1.7e611713f4571p-24);
    p = fma_f64(p, t, 0x1.ce40d1c8c74ddp-24);
    p = horner_f64(p, t, 0x1.2a797671d418dp-21, -0x1.a8ca7979c75e1p-21, -0x1.c7abc3d42aa79p-19,
                   0x1.e60464b602e79p-18);
    p = horner_f64(p, t, 0x1.38dd68a79ac32p-16, -0x1.39a2c81720de7p-14, -0x1.60d846084281p-15,
                   0x1.769ecf4504c26p-11);
    p = horner_f64(p, t, -0x1.5630de5a227fp-10, -0x1.a06c1e94c993cp-9, 0x1.b27b27477f7fcp-6,
                   -0x1.7a232e1d29d42p-4);
    p = horner_f64(p, t, 0x1.ce500ceb5c73cp-3, -0x1.bdb3c1808b2c9p-2, 0x1.6362dd2801954p-1,
                   -0x1.e02749166d56fp-1);
    p = 0x1.1649466cd0bf1p+0 + fma_f64(p, t, 0x1.d64ee840a9cf7p-54);
    reduced_f64 e = reduce_f64(-square);
    p *= inverse;
    return scale_f64(fma_f64(p, expm1_near_f64(e.r + (left - loss)), p), e.n);
}

/* max ULP 1.4, 1.7. */
INLINE float erf_f32(float x) {
    float a = __builtin_fabsf(x), near = erf_near_f32(x), tail = erfc_beyond_f32(a);
    return a >= 0.75f ? __builtin_copysignf(1.0f - tail, x) : near;
}
INLINE double erf_f64(double x) {
    double a = __builtin_fabs(x), near = erf_near_f64(x), tail = erfc_beyond_f64(a);
    return a >= 0.75 ? __builtin_copysign(1.0 - tail, x) : near;
}
/* max ULP 3.48, 3.74. */
INLINE float erfc_f32(float x) {
    float a = __builtin_fabsf(x), near = erf_near_f32(x), tail = erfc_beyond_f32(a);
    return a >= 0.75f ? (x < 0.0f ? 2.0f - tail : tail) : 1.0f - near;
}
INLINE double erfc_f64(double x) {
    double a = __builtin_fabs(x), near = erf_near_f64(x), tail = erfc_beyond_f64(a);
    return a >= 0.75 ? (x < 0.0 ? 2.0 - tail : tail) : 1.0 - near;
}

/* ---- 1. vectorised: exact ------------------------------------------------------------------- */

INLINE float sqrt_f32(float x) { return __builtin_sqrtf(x); }
INLINE double sqrt_f64(double x) { return __builtin_sqrt(x); }
INLINE float absolute_f32(float x) { return __builtin_fabsf(x); }
INLINE double absolute_f64(double x) { return __builtin_fabs(x); }
INLINE float copysign_f32(float x, float y) { return __builtin_copysignf(x, y); }
INLINE double copysign_f64(double x, double y) { return __builtin_copysign(x, y); }
INLINE float rint_f32(float x) { return __builtin_rintf(x); }
INLINE double rint_f64(double x) { return __builtin_rint(x); }
INLINE float floor_f32(float x) { return __builtin_floorf(x); }
INLINE double floor_f64(double x) { return __builtin_floor(x); }
INLINE float ceil_f32(float x) { return __builtin_ceilf(x); }
INLINE double ceil_f64(double x) { return __builtin_ceil(x); }
INLINE float trunc_f32(float x) { return __builtin_truncf(x); }
INLINE double trunc_f64(double x) { return __builtin_trunc(x); }

/* Those without a rounding of their own need no care for the precision. */
#define EXACT(T, SUFFIX)                                                                           \
    INLINE T sign_##SUFFIX(T x) { return x > 0 ? (T)1 : x < 0 ? (T)-1 : x == 0 ? (T)0 : x; }       \
    /* nan wins */                                                                                 \
    INLINE T maximum_##SUFFIX(T x, T y) { return ((x > y) | (x != x)) ? x : y; }                   \
    INLINE T minimum_##SUFFIX(T x, T y) { return ((x < y) | (x != x)) ? x : y; }                   \
    /* nan loses */                                                                                \
    INLINE T fmax_##SUFFIX(T x, T y) { return ((x >= y) | (y != y)) ? x : y; }                     \
    INLINE T fmin_##SUFFIX(T x, T y) { return ((x <= y) | (y != y)) ? x : y; }                     \
    INLINE T heaviside_##SUFFIX(T x, T y) {                                                        \
        return x > 0 ? (T)1 : x < 0 ? (T)0 : x == 0 ? y : x;                                       \
    }
EXACT(float, f32)
EXACT(double, f64)

/* ---- 2. calls of the C library -------------------------------------------------------------- */

#define LIBRARY(NAME, C_NAME)                                                                      \
    INLINE float NAME##_f32(float x) { return C_NAME##f(x); }                                      \
    INLINE double NAME##_f64(double x) { return C_NAME(x); }
LIBRARY(sin, sin)
LIBRARY(cos, cos)
LIBRARY(tan, tan)
LIBRARY(arcsin, asin)
LIBRARY(arccos, acos)
LIBRARY(arctan, atan)
LIBRARY(arcsinh, asinh)
LIBRARY(arccosh, acosh)
LIBRARY(arctanh, atanh)
LIBRARY(cbrt, cbrt)

#define LIBRARY2(NAME, C_NAME)                                                                     \
    INLINE float NAME##_f32(float x, float y) { return C_NAME##f(x, y); }                          \
    INLINE double NAME##_f64(double x, double y) { return C_NAME(x, y); }
LIBRARY2(power, pow)
LIBRARY2(fmod, fmod)
LIBRARY2(arctan2, atan2)
LIBRARY2(hypot, hypot)

/* As Python's % and //: the remainder has the sign of y, the quotient is whole. */
#define DIVISION(T, SUFFIX)                                                                        \
    INLINE T remainder_##SUFFIX(T x, T y) {                                                        \
        T rest = fmod_##SUFFIX(x, y);                                                              \
        T moved = (y < 0) != (rest < 0) ? rest + y : rest;                                         \
        return rest == 0 ? copysign_##SUFFIX((T)0, y) : moved;                                     \
    }                                                                                              \
    INLINE T floor_divide_##SUFFIX(T x, T y) {                                                     \
        T rest = fmod_##SUFFIX(x, y), quotient = (x - rest) / y;                                   \
        quotient -= ((rest != 0) & ((y < 0) != (rest < 0))) ? (T)1 : (T)0;                         \
        T whole = floor_##SUFFIX(quotient);                                                        \
        whole += quotient - whole > (T)0.5 ? (T)1 : (T)0;                                          \
        whole = quotient == 0 ? copysign_##SUFFIX((T)0, x / y) : whole;                            \
        return y == 0 ? x / y : whole;                                                             \
    }
DIVISION(float, f32)
DIVISION(double, f64)

#endif
