/* Rows of tables as vectors: what word2vec.c and glove.c share. STRIDE is the floats of a row, a
 * multiple of 16. */

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

typedef float vec __attribute__((vector_size(VECTOR_BYTES), aligned(VECTOR_BYTES), may_alias));
typedef float four __attribute__((vector_size(16)));
typedef int four_places __attribute__((vector_size(16)));
#define PARTS (STRIDE * 4 / VECTOR_BYTES)
#define GROUP (64 / VECTOR_BYTES)

INLINE vec *row_of(float *table, int32_t row) { return (vec *)(table + (int64_t)row * STRIDE); }

/* Have a row at hand when its turn comes. */
INLINE void fetch(const float *table, int32_t row) {
    const char *line = (const char *)(table + (int64_t)row * STRIDE);
    UNROLL
    for (int i = 0; i < STRIDE * 4; i += 64) __builtin_prefetch(line + i, 1);
}

/* The inner product of two rows. It has 16 sums, whatever the width of the vectors, and each begins
 * at 0, so that there is one way only to fuse products with sums: it has the same bits. */
INLINE float inner(const vec *x, const vec *y) {
    vec sums[GROUP] = {0};
    UNROLL
    for (int p = 0; p < PARTS; p++) sums[p % GROUP] += x[p] * y[p];
    four q[4];
    memcpy(q, sums, sizeof q);
    four total = (q[0] + q[2]) + (q[1] + q[3]);
    total += SHUFFLE(four_places, total, total, 2, 3, 0, 1);
    return total[0] + total[1];
}
