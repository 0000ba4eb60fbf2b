/* Matrix products c (+)= op(a) op(b) of sizes known to the compiler, row-major.
 *
 * Each entry of c is one chain of fused multiply-adds over k, in order, begun anew after as many
 * terms as gemm.py says; the chains are added in order. Neither the number of rows nor the width of
 * the vectors changes that, so a row of c has the same bits whichever other rows are asked for. */
#include <stddef.h>
#include <string.h>

#ifndef BLAS_INT
#define BLAS_INT long long
#endif

#ifdef _WIN32
#define GEMM_EXPORT __declspec(dllexport)
#else
#define GEMM_EXPORT __attribute__((visibility("default")))
#endif
#define GEMM_INLINE static inline __attribute__((always_inline, unused))

/* The sums of products that the registers of the target hold besides TILE_COLUMNS vectors of b and
 * an entry of a. One row leaves room for ROW_SUMS, which are needed to hide the latency. */
#if VECTOR_BYTES == 64 || defined(__aarch64__)
#define TILE_ROWS 8
#define TILE_COLUMNS 3
#elif VECTOR_BYTES == 32
#define TILE_ROWS 4
#define TILE_COLUMNS 3
#else
#define TILE_ROWS 4
#define TILE_COLUMNS 2
#endif
#define ROW_SUMS 12
#define MOST_SUMS 24

/* Tiles are asked for in rows and in columns of 64 bytes, whatever the target; one too large for
 * its registers is done in equal parts. Of those named here only the ones used are compiled. */
#define TILES(f)                                                                                 \
    f(1, 1) f(1, 2) f(1, 3) f(1, 4) f(1, 5) f(1, 6) f(1, 7) f(1, 8) f(1, 9) f(1, 10) f(1, 11)    \
    f(1, 12) f(2, 1) f(2, 2) f(2, 3) f(4, 1) f(4, 2) f(4, 3) f(8, 1) f(8, 2) f(8, 3)
#define PART_OF(whole, most)                                                                     \
    ((whole) <= (most)                           ? (whole)                                       \
     : (whole) % 2 == 0 && (whole) / 2 <= (most) ? (whole) / 2                                   \
     : (whole) % 3 == 0 && (whole) / 3 <= (most) ? (whole) / 3                                   \
     : (whole) % 4 == 0 && (whole) / 4 <= (most) ? (whole) / 4                                   \
                                                 : (whole) / 6)

/* One stage of the butterfly that transposes a square of vectors: blocks of d lanes change places
 * between x and y. LOW and HIGH name the lanes of (x, y) that the new x and y take. */
#define LOW(n, d, i) ((i) & (d) ? (i) - (d) + (n) : (i))
#define HIGH(n, d, i) ((i) & (d) ? (i) + (n) : (i) + (d))
#define LANES_2(f, n, d, i) f(n, d, i), f(n, d, i + 1)
#define LANES_4(f, n, d, i) LANES_2(f, n, d, i), LANES_2(f, n, d, i + 2)
#define LANES_8(f, n, d, i) LANES_4(f, n, d, i), LANES_4(f, n, d, i + 4)
#define LANES_16(f, n, d, i) LANES_8(f, n, d, i), LANES_8(f, n, d, i + 8)
#define STAGES_2(stage) stage(1)
#define STAGES_4(stage) STAGES_2(stage) stage(2)
#define STAGES_8(stage) STAGES_4(stage) stage(4)
#define STAGES_16(stage) STAGES_8(stage) stage(8)
#if VECTOR_BYTES == 64
#define STAGES_float STAGES_16
#define STAGES_double STAGES_8
#define LANES_float(f, d) LANES_16(f, 16, d, 0)
#define LANES_double(f, d) LANES_8(f, 8, d, 0)
#elif VECTOR_BYTES == 32
#define STAGES_float STAGES_8
#define STAGES_double STAGES_4
#define LANES_float(f, d) LANES_8(f, 8, d, 0)
#define LANES_double(f, d) LANES_4(f, 4, d, 0)
#else
#define STAGES_float STAGES_4
#define STAGES_double STAGES_2
#define LANES_float(f, d) LANES_4(f, 4, d, 0)
#define LANES_double(f, d) LANES_2(f, 2, d, 0)
#endif

typedef void (*gemm_blas_float)(int, int, int, BLAS_INT, BLAS_INT, BLAS_INT, float, const float *,
                                BLAS_INT, const float *, BLAS_INT, float, float *, BLAS_INT);
typedef void (*gemm_blas_double)(int, int, int, BLAS_INT, BLAS_INT, BLAS_INT, double,
                                 const double *, BLAS_INT, const double *, BLAS_INT, double,
                                 double *, BLAS_INT);
static gemm_blas_float blas_float;
static gemm_blas_double blas_double;

GEMM_EXPORT void bind_blas(void *sgemm, void *dgemm) {
    blas_float = (gemm_blas_float)sgemm;
    blas_double = (gemm_blas_double)dgemm;
}

/* ---- what follows is repeated for double ---- */

#define lanes_float ((int)(VECTOR_BYTES / sizeof(float)))
typedef float vector_float __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(float)),
                                          may_alias));
typedef int mask_float __attribute__((vector_size(VECTOR_BYTES)));

/* c[rows, columns * lanes] (+)= a[rows, k] b[k, columns * lanes] */
GEMM_INLINE void part_float(const int rows, const int columns, const int k, const float *a,
                            const ptrdiff_t a_row, const ptrdiff_t a_column, const float *b,
                            const ptrdiff_t b_row, float *c, const ptrdiff_t c_row, const int add) {
    FUSE
    vector_float sum[MOST_SUMS], row[ROW_SUMS];
    /* Rows of c may lie in as many pages, and are written at the end all at once. */
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < columns; j++)
            __builtin_prefetch(c + i * c_row + j * lanes_float, 1);
    UNROLL for (int i = 0; i < rows * columns; i++) sum[i] = (vector_float){0};
    for (int p = 0; p < k; p++) {
        UNROLL for (int j = 0; j < columns; j++)
            row[j] = ((const vector_float *)(b + p * b_row))[j];
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int j = 0; j < columns; j++)
                sum[i * columns + j] += a[i * a_row + p * a_column] * row[j];
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < columns; j++) {
            vector_float *to = (vector_float *)(c + i * c_row) + j;
            if (add) *to += sum[i * columns + j];
            else *to = sum[i * columns + j];
        }
}

GEMM_INLINE void tile_float(const int rows, const int columns, const int k, const float *a,
                            const ptrdiff_t a_row, const ptrdiff_t a_column, const float *b,
                            const ptrdiff_t b_row, float *c, const ptrdiff_t c_row, const int add) {
    const int vectors = columns * 64 / VECTOR_BYTES;
    const int wide = PART_OF(vectors, rows == 1 ? ROW_SUMS : TILE_COLUMNS);
    const int high = rows < TILE_ROWS ? rows : TILE_ROWS;
    for (int j = 0; j < vectors * lanes_float; j += wide * lanes_float)
        for (int i = 0; i < rows; i += high)
            part_float(high, wide, k, a + i * a_row, a_row, a_column, b + j, b_row,
                       c + i * c_row + j, c_row, add);
}

#define DEFINE(rows, columns)                                                                    \
    KERNEL void tile_float_##rows##x##columns(int k, const float *a, ptrdiff_t a_row,            \
                                              ptrdiff_t a_column, const float *b,                \
                                              ptrdiff_t b_row, float *c, ptrdiff_t c_row,        \
                                              int add) {                                         \
        tile_float(rows, columns, k, a, a_row, a_column, b, b_row, c, c_row, add);               \
    }
TILES(DEFINE)
#undef DEFINE

/* to[rows, columns] (+)= from[rows, columns] */
GEMM_INLINE void copy_float(const int rows, const int columns, const float *restrict from,
                            const ptrdiff_t from_row, float *restrict to, const ptrdiff_t to_row,
                            const int add) {
    const int whole = columns / lanes_float * lanes_float;
    for (int i = 0; i < rows; i++, from += from_row, to += to_row) {
        if (!add) {
            for (int j = 0; j < whole; j += lanes_float)
                *(vector_float *)(to + j) = *(const vector_float *)(from + j);
            memcpy(to + whole, from + whole, (size_t)(columns - whole) * sizeof(float));
            continue;
        }
        for (int j = 0; j < whole; j += lanes_float)
            *(vector_float *)(to + j) += *(const vector_float *)(from + j);
        for (int j = whole; j < columns; j++) to[j] += from[j];
    }
}

/* The transposed copy of one square of vectors. */
GEMM_INLINE void transpose_square_float(const float *from, const ptrdiff_t from_row, float *to,
                                        const ptrdiff_t to_row) {
    vector_float v[lanes_float];
    UNROLL for (int i = 0; i < lanes_float; i++)
        v[i] = *(const vector_float *)(from + i * from_row);
#define STAGE(d)                                                                                 \
    UNROLL for (int i = 0; i < lanes_float; i++) if (!(i & d)) {                                 \
        const vector_float x = v[i], y = v[i + d];                                               \
        v[i] = SHUFFLE(mask_float, x, y, LANES_float(LOW, d));                                   \
        v[i + d] = SHUFFLE(mask_float, x, y, LANES_float(HIGH, d));                              \
    }
    STAGES_float(STAGE)
#undef STAGE
    UNROLL for (int i = 0; i < lanes_float; i++)
        *(vector_float *)(to + i * to_row) = v[i];
}

/* to[columns, rows] = from[rows, columns] transposed. Ragged edges are covered by squares that
 * overlap their neighbours. */
KERNEL void transpose_float(const int rows, const int columns, const float *from,
                            const ptrdiff_t from_row, float *to, const ptrdiff_t to_row) {
    const int step = lanes_float;
    if (rows < step || columns < step) {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j];
        return;
    }
    for (int j = 0; j < columns; j += step)
        for (int i = 0; i < rows; i += step) {
            const int top = i < rows - step ? i : rows - step;
            const int left = j < columns - step ? j : columns - step;
            transpose_square_float(from + top * from_row + left, from_row,
                                   to + left * to_row + top, to_row);
        }
}
