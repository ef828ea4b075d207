// Included by Sums.h for four and for eight frames at a time: the bin of a pixel is looked up once, and one addition
// serves all of them. The order of additions is that of sum_bins.

typedef PIXEL RINGS(few) __attribute__((vector_size(TOGETHER * sizeof(PIXEL)), may_alias));
typedef WIDE RINGS(wide) __attribute__((vector_size(TOGETHER * sizeof(WIDE))));

// The pixels of the frames side by side.
INLINE void RINGS(mix_part)(const PIXEL *frames, int64_t stride, int64_t count, PIXEL *mixed) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) RINGS(mix)(frames + i, stride, (NAME(eight) *)(mixed + TOGETHER * i));
  for (; i < count; i++)
    for (int f = 0; f < TOGETHER; f++) mixed[TOGETHER * i + f] = NUMBER(frames[f * stride + i]);
}

INLINE void RINGS(take_bins)(const RINGS(wide) *a, int64_t bins, ck_sum *sums) {
  const RINGS(wide) *b = a + bins, *c = b + bins, *d = c + bins;
  for (int64_t j = 0; j < bins; j++)
    for (int f = 0; f < TOGETHER; f++)
      sums[f * bins + j].FIELD += ((TOTAL)a[j][f] + (TOTAL)b[j][f]) + ((TOTAL)c[j][f] + (TOTAL)d[j][f]);
}

CLONES static void RINGS(sum_bins)(const PIXEL *frames, int64_t stride, const ck_run *runs, int64_t count,
                                   const uint16_t *bin, int64_t bins, ck_sum *sums, void *work) {
  RINGS(wide) *a = work, *b = a + bins, *c = b + bins, *d = c + bins;
  memset(work, 0, (size_t)(4 * bins) * sizeof(RINGS(wide)));
  memset(sums, 0, (size_t)(TOGETHER * bins) * sizeof(ck_sum));
  int64_t budget = MOST_BINNED;
  for (int64_t r = 0; r < count; r++) {
    int64_t rest = runs[r].length;
    const PIXEL *pixel = frames + runs[r].start;
    const uint16_t *k = bin + runs[r].start;
    while (rest > 0) {
      int64_t part = rest < MIXED ? rest : MIXED;
      if ((budget -= part) < 0) {
        RINGS(take_bins)(a, bins, sums);
        memset(work, 0, (size_t)(4 * bins) * sizeof(RINGS(wide)));
        budget = MOST_BINNED - part;
      }
      for (int64_t i = 0; i < TOGETHER; i++) ASK(pixel + i * stride, part, PIECE_AHEAD);
      PIXEL mixed[TOGETHER * MIXED] __attribute__((aligned(64)));
      RINGS(mix_part)(pixel, stride, part, mixed);
      const RINGS(few) *few = (const RINGS(few) *)mixed;
#define VALUE(i) __builtin_convertvector(few[i], RINGS(wide))
      ADD_TO_BINS(VALUE)
#undef VALUE
      pixel += part;
      k += part;
      rest -= part;
    }
  }
  RINGS(take_bins)(a, bins, sums);
}

#undef TOGETHER
#undef RINGS
