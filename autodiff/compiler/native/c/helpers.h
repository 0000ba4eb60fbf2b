/* ---- 3. helpers ----------------------------------------------------------------------------- */

/* Whether there is a nan among n numbers. */
static int has_nan_f32(const float *x, int64_t n)
{
  int found = 0;
  #pragma omp simd reduction(|:found)
  for (int64_t i = 0; i < n; i++) found |= x[i] != x[i];
  return found;
}

/* The same in double precision. */
static int has_nan_f64(const double *x, int64_t n)
{
  int found = 0;
  #pragma omp simd reduction(|:found)
  for (int64_t i = 0; i < n; i++) found |= x[i] != x[i];
  return found;
}

/* Totals of many numbers. Each is added to the first entry, and what rounding has left out to the
   second one; so the error does not grow with their number. */
#define TOTAL(T, SUFFIX)                                                                           \
    INLINE void add_to_total_##SUFFIX(T *total, T x) {                                             \
        const T sum = total[0] + x, added = sum - total[0];                                        \
        total[1] += (total[0] - (sum - added)) + (x - added);                                      \
        total[0] = sum;                                                                            \
    }                                                                                              \
    /* Where the total is infinite, the rest is a nan. */                                          \
    INLINE T total_##SUFFIX(const T *total) {                                                      \
        return total[1] == total[1] ? total[0] + total[1] : total[0];                              \
    }
TOTAL(float, f32)
TOTAL(double, f64)

/* For each of n rows the number of its first occurrence among the different ones; -1 - number where
   it is not the first. `table` has `size` entries, a power of 2 above n. Returns their number. */
static int64_t merged_rows(const int64_t *rows, int64_t n, int32_t *table, int64_t size,
                           int32_t *slot)
{
  int64_t found = 0;
  for (int64_t k = 0; k < size; k++) table[k] = -1;
  for (int64_t i = 0; i < n; i++) {
    uint64_t h = (uint64_t)rows[i] * 0x9E3779B97F4A7C15u >> 20;
    int64_t k = (int64_t)(h & (uint64_t)(size - 1));
    while (table[k] >= 0 && rows[table[k]] != rows[i]) k = (k + 1) & (size - 1);
    if (table[k] < 0) {
      table[k] = (int32_t)i;
      slot[i] = (int32_t)found++;
    } else {
      slot[i] = -1 - slot[table[k]];
    }
  }
  return found;
}
