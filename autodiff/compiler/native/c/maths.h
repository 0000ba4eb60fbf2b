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
