/* Rows of tables: equal ones merged, taken, and put back. */

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
