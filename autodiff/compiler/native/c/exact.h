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
    /* nan loses; which of 0 and -0 is taken depends on the length in numpy */                     \
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
