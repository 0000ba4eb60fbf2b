/* Skip-gram and CBOW, one example after the other: what models/word2vec.py states as a graph, and
 * what draws.py draws. In front of this stand, for a model and a window of these sizes,
 *
 *   STRIDE     floats of a row of V and U, a multiple of 16: the entries of a vector, then zeros
 *   WINDOW     words on each side
 *   SHRINK     whether windows are of any size up to that
 *   QUESTIONS  rows of U asked at most: a word and the noise, or the nodes on the way to a word
 *   BAG        whether the window predicts the centre, and not the centre the window
 *   WHOLE      whether each word of such a window is moved by the whole error, and not by its share
 *   TREE       whether the rows of U are nodes of a tree
 */

#define WIDE ((QUESTIONS + 15) / 16 * 16)
#define SLOTS (2 * WINDOW)
#define INPUTS (BAG ? SLOTS : 1)
#define OUTPUTS (TREE ? 1 : QUESTIONS)
#define NOISE (TREE ? 0 : QUESTIONS - 1)
#define PLACES (BAG ? 1 : SLOTS)
#define BLOCK (1 + 8192 / (PLACES * (INPUTS + OUTPUTS)))  /* centres: it is on the stack */

/* What a training does not change. */
typedef struct {
    const uint32_t *keep;  /* for each word: it is kept if 32 random bits are at most this */
    const uint64_t *noise; /* columns of its table: the limit below, the other word above */
    const int32_t *nodes;  /* for each word the QUESTIONS nodes on the way to it */
    const float *signs;    /* for each word WIDE: 1 left, -1 right, 0 after its end */
    const int32_t *lengths;
    uint64_t words;
} setting;

/* ---- drawing -------------------------------------------------------------------------------- */

INLINE uint64_t bits_at(uint64_t key, uint64_t place) {
    uint64_t x = key + (place + 1) * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

INLINE int32_t chosen(const setting *s, uint64_t bits) {
    const uint64_t i = ((bits >> 32) * s->words) >> 32;
    const uint64_t both = s->noise[i];
    return (uint32_t)bits < (uint32_t)both ? (int32_t)i : (int32_t)(both >> 32);
}

/* Words of the noise at places from `first` on. */
static __attribute__((noinline)) void draw_noise(const setting *s, uint64_t key, uint64_t first,
                                                 int n, int32_t *restrict noise)
{
  #pragma omp simd
  for (int i = 0; i < n; i++) noise[i] = chosen(s, bits_at(key, first + (uint64_t)i));
}

/* A word of the noise, drawn again until it is another one than the right one. */
INLINE int32_t other_than(int32_t right, const setting *s, uint64_t key, uint64_t place,
                          int32_t word) {
    while (word == right) {
        key = bits_at(key, 0);
        word = chosen(s, bits_at(key, place));
    }
    return word;
}

/* The words of a chunk that are kept, with the ends of sentences, and their places. */
static int64_t kept_words(const setting *s, uint64_t key, const int32_t *ids, int64_t n,
                          int32_t *words, int32_t *places)
{
  int64_t m = 0;
  for (int64_t i = 0; i < n; i++) {
    words[m] = ids[i];
    places[m] = (int32_t)i;
    m += ids[i] < 0 || bits_at(key, (uint64_t)i) >> 32 <= s->keep[ids[i]];
  }
  return m;
}

/* The examples that word c of a sentence from `begin` to `end` takes part in as the centre. */
INLINE int64_t drawn(const setting *s, const uint64_t *keys, const int32_t *words, int64_t place,
                     int64_t begin, int64_t c, int64_t end, int32_t *inputs, int32_t *outputs)
{
  int64_t reach = WINDOW, n = 0;
  if (SHRINK) reach -= (int64_t)((bits_at(keys[1], (uint64_t)place) >> 32) * WINDOW >> 32);
  const uint64_t first = (uint64_t)place * PLACES * NOISE;
  const int near = BAG ? 0 : (int)(WINDOW - reach) * NOISE;
  int32_t noise[PLACES * NOISE + 1];
  draw_noise(s, keys[2], first + (uint64_t)near, PLACES * NOISE - 2 * near, noise + near);
  for (int slot = 0; slot < SLOTS; slot++) {
    const int64_t d = slot - WINDOW + (slot >= WINDOW), o = c + d;
    const int is_near = o >= begin && o < end && d <= reach && -d <= reach;
    if (BAG) {
      inputs[slot] = is_near ? words[o] : -1;
      n |= is_near;
    } else if (is_near) {
      inputs[n] = words[c];
      outputs[n * OUTPUTS] = words[o];
      for (int i = slot * NOISE; i < (slot + 1) * NOISE; i++)
        outputs[n * OUTPUTS + 1 + i - slot * NOISE] =
            other_than(words[o], s, keys[2], first + (uint64_t)i, noise[i]);
      n++;
    }
  }
  if (BAG) {
    outputs[0] = words[c];
    for (int i = 0; i < NOISE; i++)
      outputs[1 + i] = other_than(words[c], s, keys[2], first + (uint64_t)i, noise[i]);
  }
  return n;
}

/* ---- learning ------------------------------------------------------------------------------- */

/* From the scores the loss, and by how much each row of U and h has to move along the other. */
static __attribute__((noinline)) void answers(const float *scores, const float *signs, float rate,
                                              float *moves, double *loss)
{
  float lost[WIDE];
  #pragma omp simd
  for (int j = 0; j < WIDE; j++) {
    const float z = -signs[j] * scores[j], e = exp_f32(-__builtin_fabsf(z));
    moves[j] = signs[j] * rate * ((z < 0.0f ? e : 1.0f) / (1.0f + e));
    lost[j] = signs[j] * signs[j] * ((z > 0.0f ? z : 0.0f) + log1p_unit_f32(e));
  }
  #pragma omp simd
  for (int j = 0; j < WIDE; j++) loss[j] += (double)lost[j];
}

/* Move the n rows of U that are asked; e is by how much h has to move. */
INLINE void step(const vec *h, const int32_t *rows, const float *signs, int n, float *U, float rate,
                 vec *e, double *loss)
{
  float scores[WIDE] __attribute__((aligned(64))) = {0}, moves[WIDE] __attribute__((aligned(64)));
  UNROLL
  for (int j = 0; j < n; j++) scores[j] = inner(h, row_of(U, rows[j]));
  answers(scores, signs, rate, moves, loss);
  memset(e, 0, PARTS * sizeof *e);
  UNROLL
  for (int j = 0; j < n; j++) {
    const vec *u = row_of(U, rows[j]);
    UNROLL
    for (int p = 0; p < PARTS; p++) e[p] += moves[j] * u[p];
  }
  /* Only now, since a row that is asked twice has to be the same both times. */
  UNROLL
  for (int j = 0; j < n; j++) {
    vec *u = row_of(U, rows[j]);
    UNROLL
    for (int p = 0; p < PARTS; p++) u[p] += moves[j] * h[p];
  }
}

/* Have the rows of an example at hand when its turn comes. */
INLINE void fetch_rows(const setting *s, const int32_t *in, const int32_t *out, const float *V,
                       const float *U)
{
  for (int i = 0; i < INPUTS; i++) if (in[i] >= 0) fetch(V, in[i]);
  const int32_t *rows = TREE ? s->nodes + (int64_t)out[0] * QUESTIONS : out;
  const int n = TREE ? s->lengths[out[0]] : QUESTIONS;
  for (int j = 0; j < n; j++) fetch(U, rows[j]);
}

KERNEL void learn(const setting *s, const int32_t *inputs, const int32_t *outputs, int64_t n,
                  float *V, float *U, float rate, double *loss)
{
  FUSE
  float noise_signs[WIDE] __attribute__((aligned(64))) = {1.0f};
  for (int j = 1; j < QUESTIONS; j++) noise_signs[j] = -1.0f;
  double lost[WIDE] = {0};
  vec h[PARTS], e[PARTS];
  for (int64_t x = 0; x < n; x++) {
    const int32_t *in = inputs + x * INPUTS, *out = outputs + x * OUTPUTS;
    if (x + 2 < n) fetch_rows(s, in + 2 * INPUTS, out + 2 * OUTPUTS, V, U);
    float part = 1.0f;
    if (BAG) {
      int count = 0;
      memset(h, 0, sizeof h);
      for (int i = 0; i < INPUTS; i++) {
        if (in[i] < 0) continue;
        const vec *v = row_of(V, in[i]);
        UNROLL
        for (int p = 0; p < PARTS; p++) h[p] += v[p];
        count++;
      }
      part = 1.0f / (float)count;
      UNROLL
      for (int p = 0; p < PARTS; p++) h[p] *= part;
    } else if (!x || in[0] != in[-1]) {
      memcpy(h, row_of(V, in[0]), sizeof h);
    }
    if (TREE) step(h, s->nodes + (int64_t)out[0] * QUESTIONS, s->signs + (int64_t)out[0] * WIDE,
                   s->lengths[out[0]], U, rate, e, lost);
    else step(h, out, noise_signs, QUESTIONS, U, rate, e, lost);
    if (BAG) {
      UNROLL
      for (int p = 0; p < PARTS; p++) e[p] *= WHOLE ? 1.0f : part;
      for (int i = 0; i < INPUTS; i++) {
        if (in[i] < 0) continue;
        vec *v = row_of(V, in[i]);
        UNROLL
        for (int p = 0; p < PARTS; p++) v[p] += e[p];
      }
    } else {
      UNROLL
      for (int p = 0; p < PARTS; p++) h[p] += e[p];
      if (x + 1 == n || in[1] != in[0]) memcpy(row_of(V, in[0]), h, sizeof h);
    }
  }
  for (int j = 0; j < WIDE; j++) *loss += lost[j];
}

/* ---- what is called ------------------------------------------------------------------------- */

/* Examples on their way: learnt from when there are enough of them, or copied. */
typedef struct {
    const setting *s;
    float *V, *U, rate;
    double *loss;
    int32_t *copied_inputs, *copied_outputs;
    int64_t examples, waiting;
    int32_t inputs[BLOCK * PLACES * INPUTS], outputs[BLOCK * PLACES * OUTPUTS];
} block;

static void work_off(block *b)
{
  const int64_t n = b->waiting;
  if (b->copied_inputs) {
    memcpy(b->copied_inputs + b->examples * INPUTS, b->inputs, 4 * (size_t)(n * INPUTS));
    memcpy(b->copied_outputs + b->examples * OUTPUTS, b->outputs, 4 * (size_t)(n * OUTPUTS));
  } else {
    learn(b->s, b->inputs, b->outputs, n, b->V, b->U, b->rate, b->loss);
  }
  b->examples += n;
  b->waiting = 0;
}

static int64_t go_through(block *b, const uint64_t *keys, const int32_t *ids, int64_t n,
                          int32_t *space)
{
  int32_t *words = space, *places = space + n;
  const int64_t m = kept_words(b->s, keys[0], ids, n, words, places);
  for (int64_t begin = 0, end = 0; end < m; end++) {
    if (words[end] >= 0) continue;
    for (int64_t c = begin; c < end; c++) {
      b->waiting += drawn(b->s, keys, words, places[c], begin, c, end,
                          b->inputs + b->waiting * INPUTS, b->outputs + b->waiting * OUTPUTS);
      if (b->waiting > (BLOCK - 1) * PLACES) work_off(b);
    }
    begin = end + 1;
  }
  work_off(b);
  return b->examples;
}

/* Learn from a chunk of n words and ends of sentences. Adds the losses of all examples to `loss`,
 * and returns their number. `space` holds 2 n. */
EXPORT int64_t learn_chunk(const setting *s, const uint64_t *keys, const int32_t *ids, int64_t n,
                           int32_t *space, float *V, float *U, float rate, double *loss)
{
  block b;
  b.s = s, b.V = V, b.U = U, b.rate = rate, b.loss = loss, b.copied_inputs = 0;
  b.examples = b.waiting = 0;
  return go_through(&b, keys, ids, n, space);
}

/* Write the examples instead; returns their number. */
EXPORT int64_t draw_chunk(const setting *s, const uint64_t *keys, const int32_t *ids, int64_t n,
                          int32_t *space, int32_t *inputs, int32_t *outputs)
{
  block b;
  b.s = s, b.copied_inputs = inputs, b.copied_outputs = outputs, b.examples = b.waiting = 0;
  return go_through(&b, keys, ids, n, space);
}
