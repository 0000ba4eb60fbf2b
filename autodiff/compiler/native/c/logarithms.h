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
