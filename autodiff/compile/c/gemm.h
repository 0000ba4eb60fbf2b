/* Matrix products c (+)= op(a) op(b) of sizes known to the compiler, row-major.
 *
 * Each entry of c is one chain of fused multiply-adds over k, in order, begun anew every K_BLOCK
 * terms; the blocks are added in order. Neither the number of rows nor the width of the vectors
 * changes that, so a row of c has the same bits whichever other rows are asked for. */
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

/* The vectors of the target, and the tile of c that stays in its registers: ROWS x COLUMNS
 * accumulators, COLUMNS vectors of b and one broadcast entry of a. A vector wider than the
 * target's goes through memory and is 20 times slower. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#define TILE_COLUMNS 3
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define TILE_ROWS 4
#define TILE_COLUMNS 3
#elif defined(__aarch64__)
#define VECTOR_BYTES 16
#define TILE_ROWS 8
#define TILE_COLUMNS 3
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 4
#define TILE_COLUMNS 2
#endif
#define K_BLOCK 256
#define PACK_ABOVE 64
#define MOST_SUMS 24
#define TILES(f)                                                                                 \
    f(1, 1) f(1, 2) f(1, 3) f(1, 4) f(1, 5) f(1, 6) f(1, 7) f(1, 8) f(1, 9) f(1, 10) f(1, 11)    \
    f(1, 12) f(2, 1) f(2, 2) f(2, 3) f(2, 4) f(2, 5) f(2, 6) f(3, 1) f(3, 2) f(3, 3) f(3, 4)     \
    f(3, 5) f(3, 6) f(4, 1) f(4, 2) f(4, 3) f(4, 4) f(4, 5) f(4, 6) f(5, 1) f(5, 2) f(5, 3)      \
    f(6, 1) f(6, 2) f(6, 3) f(7, 1) f(7, 2) f(7, 3) f(8, 1) f(8, 2) f(8, 3) f(16, 1)
#define ACCUMULATORS (TILE_ROWS * TILE_COLUMNS)
#define CEIL(x, step) (((x) + (step) - 1) / (step))

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define SHUFFLE(mask, x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define UNROLL _Pragma("GCC unroll 32")
#define SHUFFLE(mask, x, y, ...) __builtin_shuffle(x, y, (mask){__VA_ARGS__})
#endif

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

GEMM_INLINE vector_float load_float(const float *p) { return *(const vector_float *)p; }
GEMM_INLINE void store_float(float *p, vector_float v) { *(vector_float *)p = v; }

/* The last `tail` lanes of a vector, which is what a ragged edge uses. */
GEMM_INLINE vector_float load_tail_float(const float *p, const int tail) {
    vector_float v = {0};
    memcpy((float *)&v + lanes_float - tail, p, (size_t)tail * sizeof(float));
    return v;
}

GEMM_INLINE void store_tail_float(float *p, vector_float v, const int tail) {
    memcpy(p, (float *)&v + lanes_float - tail, (size_t)tail * sizeof(float));
}

/* c[rows, columns * lanes] (+)= a[rows, k] b[k, columns * lanes], where the last vector of b starts
 * at `b_last`. */
GEMM_INLINE void tile_float(const int rows, const int columns, const int k, const float *a,
                            const ptrdiff_t a_row, const ptrdiff_t a_column, const float *b,
                            const ptrdiff_t b_row, const ptrdiff_t b_last, float *c,
                            const ptrdiff_t c_row, const int add) {
    vector_float sum[MOST_SUMS], row[MOST_SUMS];
    UNROLL for (int i = 0; i < rows * columns; i++) sum[i] = (vector_float){0};
    for (int p = 0; p < k; p++) {
        UNROLL for (int j = 0; j < columns; j++)
            row[j] = load_float(b + p * b_row + (j < columns - 1 ? j * lanes_float : b_last));
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int j = 0; j < columns; j++)
                sum[i * columns + j] += a[i * a_row + p * a_column] * row[j];
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < columns; j++) {
            float *to = c + i * c_row + j * lanes_float;
            vector_float v = sum[i * columns + j];
            if (add) v += load_float(to);
            store_float(to, v);
        }
}

/* One function for each shape of tile, shared by all products that need it. */
#define DEFINE_TILE(rows, columns)                                                               \
    static __attribute__((noinline, noclone, unused)) void tile_##rows##x##columns##_float(       \
        const int k, const float *a, const ptrdiff_t a_row, const ptrdiff_t a_column,            \
        const float *b, const ptrdiff_t b_row, const ptrdiff_t b_last, float *c,                 \
        const ptrdiff_t c_row, const int add) {                                                  \
        tile_float(rows, columns, k, a, a_row, a_column, b, b_row, b_last, c, c_row, add);       \
    }
TILES(DEFINE_TILE)

GEMM_INLINE void any_tile_float(const int rows, const int columns, const int k, const float *a,
                                const ptrdiff_t a_row, const ptrdiff_t a_column, const float *b,
                                const ptrdiff_t b_row, const ptrdiff_t b_last, float *c,
                                const ptrdiff_t c_row, const int add) {
#define CALL_TILE(r, s)                                                                          \
    if (rows == r && columns == s)                                                               \
        tile_##r##x##s##_float(k, a, a_row, a_column, b, b_row, b_last, c, c_row, add);
    TILES(CALL_TILE)
}
#undef DEFINE_TILE
#undef CALL_TILE

/* The transposed copy of one square of vectors. */
GEMM_INLINE void transpose_square_float(const float *from, const ptrdiff_t from_row, float *to,
                                        const ptrdiff_t to_row) {
    vector_float v[lanes_float];
    UNROLL for (int i = 0; i < lanes_float; i++) v[i] = load_float(from + i * from_row);
#define STAGE(d)                                                                   \
    UNROLL for (int i = 0; i < lanes_float; i++) if (!(i & d)) {                       \
        const vector_float x = v[i], y = v[i + d];                                 \
        v[i] = SHUFFLE(mask_float, x, y, LANES_float(LOW, d));                     \
        v[i + d] = SHUFFLE(mask_float, x, y, LANES_float(HIGH, d));                \
    }
    STAGES_float(STAGE)
#undef STAGE
    UNROLL for (int i = 0; i < lanes_float; i++) store_float(to + i * to_row, v[i]);
}

/* to[columns, rows] = from[rows, columns] transposed. Ragged edges are covered by squares that
 * overlap their neighbours. */
GEMM_INLINE void transpose_float(const int rows, const int columns, const float *from,
                                 const ptrdiff_t from_row, float *to, const ptrdiff_t to_row) {
    const int step = lanes_float;
    if (rows < step || columns < step) {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j];
        return;
    }
    for (int i = 0; i < rows; i += step)
        for (int j = 0; j < columns; j += step) {
            const int top = i < rows - step ? i : rows - step;
            const int left = j < columns - step ? j : columns - step;
            transpose_square_float(from + top * from_row + left, from_row,
                                   to + left * to_row + top, to_row);
        }
}

/* `columns` vectors of op(b) beside each other; the last starts at column `last`, and where b has
 * fewer columns than a vector has lanes the first lanes are zero. */
GEMM_INLINE void pack_float(const int columns, const int n, const int k, const int tb,
                            const float *b, const ptrdiff_t b_row, const int last, float *to) {
    const int to_row = columns * lanes_float;
    if (n < lanes_float) memset(to, 0, (size_t)(k * to_row) * sizeof(float));
    for (int j = 0; j < columns; j++) {
        const int at = j < columns - 1 ? j * lanes_float : last;
        float *vector = to + j * lanes_float;
        if (n < lanes_float && tb)
            transpose_float(n, k, b, b_row, vector + lanes_float - n, to_row);
        else if (n < lanes_float)
            for (int p = 0; p < k; p++) store_float(vector + p * to_row, load_tail_float(b + p * b_row, n));
        else if (tb)
            transpose_float(lanes_float, k, b + at * b_row, b_row, vector, to_row);
        else
            for (int p = 0; p < k; p++) store_float(vector + p * to_row, load_float(b + p * b_row + at));
    }
}

/* The same where of the last vector only the last `tail` lanes belong to c. */
GEMM_INLINE void edge_float(const int rows, const int columns, const int tail, const int k,
                            const float *a, const ptrdiff_t a_row, const ptrdiff_t a_column,
                            const float *b, const ptrdiff_t b_row, const ptrdiff_t b_last, float *c,
                            const ptrdiff_t c_row, const int add) {
    if (tail == lanes_float) {
        any_tile_float(rows, columns, k, a, a_row, a_column, b, b_row, b_last, c, c_row, add);
        return;
    }
    vector_float whole[MOST_SUMS];
    any_tile_float(rows, columns, k, a, a_row, a_column, b, b_row, b_last, (float *)whole,
                   columns * lanes_float, 0);
    for (int i = 0; i < rows; i++) {
        float *to = c + i * c_row;
        for (int j = 0; j < columns - 1; j++, to += lanes_float) {
            vector_float v = whole[i * columns + j];
            if (add) v += load_float(to);
            store_float(to, v);
        }
        vector_float v = whole[i * columns + columns - 1];
        if (add) v += load_tail_float(to, tail);
        store_tail_float(to, v, tail);
    }
}

/* c[m, columns * lanes] (+)= a[m, k] b[k, columns * lanes], k up to K_BLOCK. */
GEMM_INLINE void panel_float(const int m, const int n, const int columns, const int tail, const int k,
                             const float *a, const ptrdiff_t a_row, const ptrdiff_t a_column,
                             const float *b, const int tb, const ptrdiff_t b_row, const int last,
                             float *c, const ptrdiff_t c_row, const int add) {
    float scratch[K_BLOCK * TILE_COLUMNS * lanes_float] __attribute__((aligned(VECTOR_BYTES)));
    const int pack = tb || n < lanes_float || (m > PACK_ABOVE && columns <= TILE_COLUMNS);
    const ptrdiff_t from_row = pack ? columns * lanes_float : b_row;
    const ptrdiff_t from_last = pack ? (columns - 1) * lanes_float : last;
    if (pack) pack_float(columns, n, k, tb, b, b_row, last, scratch);
    const float *from = pack ? scratch : b;
    const int highest = columns == 1 && m % (2 * TILE_ROWS) == 0 ? 2 * TILE_ROWS : TILE_ROWS;
    const int rows = CEIL(m, CEIL(m, highest));
    for (int i = 0; i <= m - rows; i += rows)
        edge_float(rows, columns, tail, k, a + i * a_row, a_row, a_column, from, from_row, from_last,
                   c + i * c_row, c_row, add);
    if (m % rows)
        edge_float(m % rows, columns, tail, k, a + m / rows * rows * a_row, a_row, a_column, from,
                   from_row, from_last, c + m / rows * rows * c_row, c_row, add);
}

/* c[m, n] (+)= op(a)[m, k] op(b)[k, n] */
GEMM_INLINE void gemm_float(const int m, const int n, const int k, const int ta, const int tb,
                            const float *a, const ptrdiff_t lda, const float *b,
                            const ptrdiff_t ldb, float *c, const ptrdiff_t ldc, const int add) {
    const int lanes = lanes_float, vectors = CEIL(n, lanes);
    /* Few rows make wide tiles, so that there are enough independent sums to hide a latency. */
    const int widest = tb || m > TILE_ROWS / 2 ? TILE_COLUMNS : m == 1 ? 4 * TILE_COLUMNS : 2 * TILE_COLUMNS;
    const int columns = CEIL(vectors, CEIL(vectors, widest)), tail = n - (vectors - 1) * lanes;
    const int even = tail == lanes && vectors % columns == 0;
    const int last = even ? n : (vectors - 1) / columns * columns * lanes;
    const ptrdiff_t a_row = ta ? 1 : lda, a_column = ta ? lda : 1;
    const ptrdiff_t b_step = tb ? ldb : 1, b_depth = tb ? 1 : ldb;
    for (int p = 0; p < k; p += K_BLOCK) {
        const int depth = k - p < K_BLOCK ? k - p : K_BLOCK, more = add || p > 0;
        for (int j = 0; j < last; j += columns * lanes)
            panel_float(m, n, columns, lanes, depth, a + p * a_column, a_row, a_column,
                        b + p * b_depth + j * b_step, tb, ldb, (columns - 1) * lanes, c + j, ldc, more);
        if (!even)
        panel_float(m, n, CEIL(n - last, lanes), tail, depth, a + p * a_column, a_row, a_column,
                    b + p * b_depth + last * b_step, tb, ldb, n < lanes ? 0 : n - lanes - last, c + last, ldc,
                    more);
    }
}
