#define AT_ONCE 1024

/* Let several copies of a table of n numbers become one: all that they have added to the old one. */
EXPORT void merge(float *old, float *const *copies, int64_t count, int64_t n)
{
  for (int64_t first = 0; first < n; first += AT_ONCE) {
    const int64_t size = n - first < AT_ONCE ? n - first : AT_ONCE;
    float *restrict x = old + first, added[AT_ONCE] = {0};
    for (int64_t k = 0; k < count; k++) {
      const float *restrict copy = copies[k] + first;
      for (int64_t i = 0; i < size; i++) added[i] += copy[i] - x[i];
    }
    for (int64_t i = 0; i < size; i++) x[i] += added[i];
    for (int64_t k = 0; k < count; k++) memcpy(copies[k] + first, x, (size_t)size * sizeof *x);
  }
}
