/* Let several copies of a table of n numbers become one: all that they have added to the old one. */
EXPORT void merge(float *old, float *const *copies, int64_t count, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    float sum = 0.0f;
    for (int64_t k = 0; k < count; k++) sum += copies[k][i] - old[i];
    old[i] += sum;
    for (int64_t k = 0; k < count; k++) copies[k][i] = old[i];
  }
}
