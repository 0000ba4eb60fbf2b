/* GloVe with AdaGrad, one pair after the other: what models/glove.py states as a graph. A row of W
 * holds (w, b, 1), one of C (c, 1, d), then zeros, so that their inner product has both biases. SIZE
 * is the length of w and c. Tables of the sums of squares stand beside the others. */

/* By how much entries with these gradients move; the sums of squares grow. */
INLINE vec moved(vec g, vec *squares, float rate, float eps) {
    vec root;
    *squares += g * g;
    UNROLL
    for (unsigned l = 0; l < VECTOR_BYTES / 4; l++) root[l] = __builtin_sqrtf((*squares)[l]);
    return rate * g / (root + eps);
}

KERNEL double learn(const int32_t *i, const int32_t *j, const float *logs, const float *weights,
                    int64_t n, float *W, float *C, float *W_squares, float *C_squares, float rate,
                    float eps)
{
  FUSE
  double loss = 0.0;
  for (int64_t x = 0; x < n; x++) {
    if (x + 2 < n) {
      fetch(W, i[x + 2]), fetch(C, j[x + 2]);
      fetch(W_squares, i[x + 2]), fetch(C_squares, j[x + 2]);
    }
    vec *w = row_of(W, i[x]), *c = row_of(C, j[x]);
    vec *ws = row_of(W_squares, i[x]), *cs = row_of(C_squares, j[x]);
    const float error = inner(w, c) - logs[x], g = weights[x] * error;
    loss += 0.5 * (double)g * (double)error;
    UNROLL
    for (int p = 0; p < PARTS; p++) {
      const vec of_w = g * c[p], of_c = g * w[p];
      w[p] -= moved(of_w, &ws[p], rate, eps);
      c[p] -= moved(of_c, &cs[p], rate, eps);
    }
    ((float *)w)[SIZE + 1] = ((float *)c)[SIZE] = 1.0f;
  }
  return loss;
}

/* Learn from n pairs; returns the sum of their losses. */
EXPORT double learn_pairs(const int32_t *i, const int32_t *j, const float *logs,
                          const float *weights, int64_t n, float *W, float *C, float *W_squares,
                          float *C_squares, float rate, float eps)
{
  return learn(i, j, logs, weights, n, W, C, W_squares, C_squares, rate, eps);
}
