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
