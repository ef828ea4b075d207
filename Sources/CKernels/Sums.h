// Included once per pixel type by Template.h: sums over the pixels of one frame.

typedef PIXEL NAME(window) __attribute__((vector_size(LANES * sizeof(PIXEL)), aligned(1), may_alias));
typedef PIXEL NAME(vector) __attribute__((vector_size(LANES * sizeof(PIXEL))));
typedef MASK NAME(bits) __attribute__((vector_size(LANES * sizeof(PIXEL))));
typedef WIDE NAME(lanes) __attribute__((vector_size(LANES * sizeof(WIDE))));
typedef WIDE NAME(sums) __attribute__((vector_size(LANES * sizeof(WIDE)), aligned(1), may_alias));
typedef TOTAL NAME(totals) __attribute__((vector_size(LANES * sizeof(TOTAL))));

INLINE TOTAL NAME(add_up)(const NAME(totals) *totals) {
  TOTAL sum[LANES], part[8] = {0};
  memcpy(sum, totals, sizeof sum);
  for (int i = 0; i < LANES; i++) part[i % 8] += sum[i];
  return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

INLINE TOTAL NAME(reduce)(const NAME(lanes) *lanes) {
  NAME(totals) totals = __builtin_convertvector(*lanes, NAME(totals));
  return NAME(add_up)(&totals);
}

// Lanes [low, high) of a window, zero elsewhere (also where the pixel is NaN).
INLINE void NAME(select)(const PIXEL *pixel, int low, int high, NAME(vector) *out) {
  byte_bits kept = *(const byte_window *)(prefix + LANES - high) & ~*(const byte_window *)(prefix + LANES - low);
  NAME(bits) bits = (NAME(bits))NUMBERS(*(const NAME(window) *)pixel);
  *out = (NAME(vector))(bits & __builtin_convertvector(kept, NAME(bits)));
}

// The last `length` < LANES pixels of a run, in the lanes from the returned one on, zero elsewhere; reads no byte
// outside of the frame `begin ..< end`.
INLINE int NAME(tail)(const PIXEL *pixel, int length, const PIXEL *begin, const PIXEL *end, NAME(lanes) *out) {
  NAME(vector) value;
  int low = 0;
  if (end - pixel >= LANES) {
    NAME(select)(pixel, 0, length, &value);
  } else if (end - begin >= LANES) {
    low = LANES - (int)(end - pixel);
    NAME(select)(end - LANES, low, low + length, &value);
  } else {
    PIXEL copy[LANES] = {0};
    for (int i = 0; i < length; i++) copy[i] = NUMBER(pixel[i]);
    memcpy(&value, copy, sizeof value);
  }
  *out = __builtin_convertvector(value, NAME(lanes));
  return low;
}

CLONES static void NAME(sum_runs)(const PIXEL *frame, int64_t pixels, const ck_run *runs, const uint32_t *first,
                                  const uint32_t *target, int64_t parts, int64_t targets, ck_sum *sums) {
  const PIXEL *end = frame + pixels;
  // Sums of a few targets stay in lanes to the end, so that their parts can be short.
  NAME(lanes) kept[CK_FEW];
  const int few = targets <= CK_FEW;
  if (few) memset(kept, 0, (size_t)targets * sizeof(NAME(lanes)));
  int64_t budget = FLUSH;
  for (int64_t part = 0; part < parts; part++) {
    const uint32_t t = target[part];
    NAME(lanes) lanes = {0};
    if (few) lanes = kept[t];
    else budget = FLUSH;
    for (uint32_t r = first[part]; r < first[part + 1]; r++) {
      const PIXEL *pixel = frame + runs[r].start;
      int64_t length = runs[r].length;
      ASK(pixel, length, RUN_AHEAD);
      if ((budget -= length / LANES + 1) < 0) {
        sums[t].FIELD += NAME(reduce)(&lanes);
        lanes = (NAME(lanes)){0};
        for (int64_t i = 0; few && i < targets; i++) {
          if (i != t) sums[i].FIELD += NAME(reduce)(&kept[i]);
          kept[i] = lanes;
        }
        budget = FLUSH - (length / LANES + 1);
      }
      for (; length >= LANES; length -= LANES, pixel += LANES) {
        lanes += __builtin_convertvector(NUMBERS(*(const NAME(window) *)pixel), NAME(lanes));
      }
      if (length > 0) {
        NAME(lanes) last;
        NAME(tail)(pixel, (int)length, frame, end, &last);
        lanes += last;
      }
    }
    if (few) kept[t] = lanes;
    else sums[t].FIELD += NAME(reduce)(&lanes);
  }
  for (int64_t i = 0; few && i < targets; i++) sums[i].FIELD += NAME(reduce)(&kept[i]);
}

CLONES static ck_sum NAME(sum_mask)(const PIXEL *frame, int64_t pixels, const uint8_t *mask) {
  ck_sum result = {0};
  TOTAL total = 0;
  int64_t i = 0;
  while (i + LANES <= pixels) {
    NAME(lanes) lanes = {0};
    for (int64_t budget = FLUSH; budget > 0 && i + LANES <= pixels; budget--, i += LANES) {
      byte_bits kept = *(const byte_window *)(mask + i);
      NAME(bits) all = (NAME(bits))NUMBERS(*(const NAME(window) *)(frame + i));
      NAME(bits) bits = all & __builtin_convertvector(kept, NAME(bits));
      lanes += __builtin_convertvector((NAME(vector))bits, NAME(lanes));
    }
    total += NAME(reduce)(&lanes);
  }
  for (; i < pixels; i++)
    if (mask[i]) total += (TOTAL)NUMBER(frame[i]);
  result.FIELD = (TOTAL)total;
  return result;
}

// Without a multiplication for each pixel: Σ x·v from the sums of the columns, and Σ y·v from the sum of all rows so far,
// added once for every row that follows.
CLONES static void NAME(moments)(const PIXEL *frame, int64_t pixels, const ck_run *runs, int64_t count, int64_t columns,
                                 ck_sum *sums, WIDE *work) {
  const PIXEL *end = frame + pixels;
  // The first lanes of the last window of a run may be before column 0.
  WIDE *column = work + LANES;
  memset(work, 0, (size_t)(columns + 2 * LANES) * sizeof(WIDE));
  NAME(lanes) lanes = {0};
  NAME(totals) passed = {0};
  TOTAL all = 0, skipped = 0;
  int64_t budget = FLUSH, y = count > 0 ? runs[0].y : 0;
  for (int64_t r = 0; r < count; r++) {
    const PIXEL *pixel = frame + runs[r].start;
    int64_t length = runs[r].length;
    ASK(pixel, length, RUN_AHEAD);
    if (runs[r].y != y) {
      const TOTAL rows = (TOTAL)(runs[r].y - y);
      NAME(totals) sum = __builtin_convertvector(lanes, NAME(totals));
      passed += rows == 1 ? sum : sum * rows;
      skipped += all * rows;
      y = runs[r].y;
    }
    if ((budget -= length / LANES + 1) < 0) {
      all += NAME(reduce)(&lanes);
      lanes = (NAME(lanes)){0};
      budget = FLUSH - (length / LANES + 1);
    }
    NAME(sums) *sum = (NAME(sums) *)(column + runs[r].x);
    for (; length >= LANES; length -= LANES, pixel += LANES, sum++) {
      NAME(lanes) value = __builtin_convertvector(NUMBERS(*(const NAME(window) *)pixel), NAME(lanes));
      lanes += value;
      *sum += value;
    }
    if (length > 0) {
      NAME(lanes) value;
      int low = NAME(tail)(pixel, (int)length, frame, end, &value);
      lanes += value;
      sum = (NAME(sums) *)((WIDE *)sum - low);
      *sum += value;
    }
  }
  all += NAME(reduce)(&lanes);
  NAME(totals) right = {0}, place;
  for (int i = 0; i < LANES; i++) place[i] = (TOTAL)i;
  for (int64_t x = 0; x < columns; x += LANES, place += LANES)
    right += __builtin_convertvector(*(const NAME(sums) *)(column + x), NAME(totals)) * place;
  sums[0].FIELD = all;
  sums[1].FIELD = all * (TOTAL)y - (skipped + NAME(add_up)(&passed));
  sums[2].FIELD = NAME(add_up)(&right);
}

// The sum and the largest value of a frame, as far as its pixels have been seen; NaN only shows in the sum.
typedef struct {
  NAME(lanes) lanes;
  NAME(vector) top;
  TOTAL sum;      // of pixels that fill no window, and of lanes that might have overflowed
  PIXEL largest;  // of pixels that fill no window
  int64_t budget;
} NAME(running);

static void NAME(begin_sum)(PIXEL first, NAME(running) *running) {
  memset(running, 0, sizeof *running);
  running->top += first;
  running->largest = first;
  running->budget = FLUSH;
}

// Where pieces of a frame have whole windows, the bits are those of the frame in one piece.
CLONES static void NAME(sum_largest)(const PIXEL *pixel, int64_t length, NAME(running) *running) {
  NAME(lanes) lanes = running->lanes;
  NAME(vector) top = running->top;
  TOTAL sum = running->sum;
  int64_t budget = running->budget, i = 0;
  while (i + LANES <= length) {
    for (; budget > 0 && i + LANES <= length; budget--, i += LANES) {
      NAME(vector) value = NUMBERS(*(const NAME(window) *)(pixel + i));
      lanes += __builtin_convertvector(value, NAME(lanes));
      NAME(bits) more = value > top;
      top = (NAME(vector))(((NAME(bits))value & more) | ((NAME(bits))top & ~more));
    }
    if (budget > 0) break;
    sum += NAME(reduce)(&lanes);
    lanes = (NAME(lanes)){0};
    budget = FLUSH;
  }
  PIXEL last = running->largest;
  for (; i < length; i++) {
    sum += (TOTAL)NUMBER(pixel[i]);
    if (NUMBER(pixel[i]) > last) last = NUMBER(pixel[i]);
  }
  running->lanes = lanes;
  running->top = top;
  running->sum = sum;
  running->largest = last;
  running->budget = budget;
}

#if FAMILY == REAL
CLONES static int64_t NAME(count_nan)(const PIXEL *pixel, int64_t length) {
  int64_t count = 0;
  for (int64_t i = 0; i < length; i++) count += pixel[i] != pixel[i];
  return count;
}
#endif

CLONES static int64_t NAME(count_bad)(const PIXEL *pixel, int64_t length, double saturation) {
  int64_t bad = 0;
#if FAMILY == REAL
  for (int64_t i = 0; i < length; i++) bad += !((double)pixel[i] < saturation && (double)pixel[i] > -INFINITY);
#else
  // Nobody counts where all pixels are below `saturation`.
  const double lowest = (PIXEL)-1 > 0 ? 0 : -ldexp(1, 8 * sizeof(PIXEL) - 1);
  const PIXEL least = saturation > lowest ? (PIXEL)ceil(saturation) : (PIXEL)lowest;
  for (int64_t i = 0; i < length; i++) bad += NUMBER(pixel[i]) >= least;
#endif
  return bad;
}

// What `running` makes of the runs, all of whose pixels it has seen.
static ck_summary NAME(end_sum)(const NAME(running) *running, const PIXEL *frame, const ck_run *runs, int64_t count,
                                double saturation) {
  PIXEL largest = running->largest, tops[LANES];
  memcpy(tops, &running->top, sizeof tops);
  for (int j = 0; j < LANES; j++)
    if (tops[j] > largest) largest = tops[j];
  const TOTAL sum = running->sum + NAME(reduce)(&running->lanes);
#if FAMILY == REAL
  // Comparisons pass over NaN; the sum does not.
  int64_t nans = 0;
  for (int64_t r = 0; sum != sum && r < count; r++) nans += NAME(count_nan)(frame + runs[r].start, runs[r].length);
  if (nans > 0) largest = (PIXEL)NAN;
#endif
  ck_summary result = {{0}, (double)largest, 0};
  result.sum.FIELD = sum;
  // A bad pixel shows in the largest value or, −∞, in the sum: nearly every frame is spared the count.
  if (!((double)largest < saturation) || !((double)sum > -INFINITY))
    for (int64_t r = 0; r < count; r++)
      result.bad += NAME(count_bad)(frame + runs[r].start, runs[r].length, saturation);
  return result;
}

static ck_summary NAME(summarize)(const PIXEL *frame, const ck_run *runs, int64_t count, double saturation) {
  if (count == 0) return (ck_summary){{0}, NAN, 0};
  NAME(running) running;
  NAME(begin_sum)(NUMBER(frame[runs[0].start]), &running);
  for (int64_t r = 0; r < count; r++) {
    const PIXEL *pixel = frame + runs[r].start;
    for (int64_t done = 0; done < runs[r].length; done += PIECE) {
      const int64_t n = runs[r].length - done < PIECE ? runs[r].length - done : PIECE;
      ASK(pixel + done, n, RUN_AHEAD);
      NAME(sum_largest)(pixel + done, n, &running);
    }
  }
  return NAME(end_sum)(&running, frame, runs, count, saturation);
}

CLONES static void NAME(sum_bins)(const PIXEL *frame, const ck_run *runs, int64_t count, const uint16_t *bin,
                                  int64_t bins, ck_sum *sums, WIDE *work) {
  WIDE *a = work, *b = work + bins, *c = b + bins, *d = c + bins;
  memset(work, 0, (size_t)(4 * bins) * sizeof(WIDE));
  memset(sums, 0, (size_t)bins * sizeof(ck_sum));
  int64_t budget = MOST_BINNED;
  for (int64_t r = 0; r < count; r++) {
    int64_t rest = runs[r].length;
    const PIXEL *pixel = frame + runs[r].start;
    const uint16_t *k = bin + runs[r].start;
    while (rest > 0) {
      int64_t part = rest < 65536 ? rest : 65536;
      if ((budget -= part) < 0) {
        for (int64_t j = 0; j < bins; j++) {
          sums[j].FIELD += ((TOTAL)a[j] + (TOTAL)b[j]) + ((TOTAL)c[j] + (TOTAL)d[j]);
          a[j] = b[j] = c[j] = d[j] = 0;
        }
        budget = MOST_BINNED - part;
      }
#define VALUE(i) (WIDE)NUMBER(pixel[i])
      ADD_TO_BINS(VALUE)
#undef VALUE
      pixel += part;
      k += part;
      rest -= part;
    }
  }
  for (int64_t j = 0; j < bins; j++)
    sums[j].FIELD += ((TOTAL)a[j] + (TOTAL)b[j]) + ((TOTAL)c[j] + (TOTAL)d[j]);
}

typedef PIXEL NAME(eight) __attribute__((vector_size(8 * sizeof(PIXEL)), aligned(1), may_alias));

// Eight pixels of four frames: two pixels a vector, the frames side by side.
INLINE void NAME(mix4)(const PIXEL *a, int64_t stride, NAME(eight) *out) {
  const PIXEL *b = a + stride, *c = b + stride, *d = c + stride;
  NAME(eight) p = NUMBERS(*(const NAME(eight) *)a), q = NUMBERS(*(const NAME(eight) *)b);
  NAME(eight) r = NUMBERS(*(const NAME(eight) *)c), s = NUMBERS(*(const NAME(eight) *)d);
  NAME(eight) pr = __builtin_shufflevector(p, r, 0, 8, 1, 9, 2, 10, 3, 11);
  NAME(eight) qs = __builtin_shufflevector(q, s, 0, 8, 1, 9, 2, 10, 3, 11);
  NAME(eight) pr2 = __builtin_shufflevector(p, r, 4, 12, 5, 13, 6, 14, 7, 15);
  NAME(eight) qs2 = __builtin_shufflevector(q, s, 4, 12, 5, 13, 6, 14, 7, 15);
  out[0] = __builtin_shufflevector(pr, qs, 0, 8, 1, 9, 2, 10, 3, 11);
  out[1] = __builtin_shufflevector(pr, qs, 4, 12, 5, 13, 6, 14, 7, 15);
  out[2] = __builtin_shufflevector(pr2, qs2, 0, 8, 1, 9, 2, 10, 3, 11);
  out[3] = __builtin_shufflevector(pr2, qs2, 4, 12, 5, 13, 6, 14, 7, 15);
}

// The same of eight frames: one pixel a vector.
INLINE void NAME(mix8)(const PIXEL *a, int64_t stride, NAME(eight) *out) {
  NAME(eight) first[4], last[4];
  NAME(mix4)(a, stride, first);
  NAME(mix4)(a + 4 * stride, stride, last);
  for (int i = 0; i < 4; i++) {
    out[2 * i] = __builtin_shufflevector(first[i], last[i], 0, 1, 2, 3, 8, 9, 10, 11);
    out[2 * i + 1] = __builtin_shufflevector(first[i], last[i], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

#define TOGETHER 4
#define RINGS(function) NAME(function##4)
#include "Rings.h"
#define TOGETHER 8
#define RINGS(function) NAME(function##8)
#include "Rings.h"

CLONES static void NAME(spread_bins)(const PIXEL *frame, const ck_run *runs, int64_t count, const uint16_t *bin,
                                     int64_t bins, const double *means, double *spreads, double *work) {
  double *a = work, *b = work + bins, *c = b + bins, *d = c + bins;
  memset(work, 0, (size_t)(4 * bins) * sizeof(double));
  for (int64_t r = 0; r < count; r++) {
    const int64_t part = runs[r].length;
    const PIXEL *pixel = frame + runs[r].start;
    const uint16_t *k = bin + runs[r].start;
#define VALUE(i) square((double)NUMBER(pixel[i]) - means[k[i]])
    ADD_TO_BINS(VALUE)
#undef VALUE
  }
  for (int64_t j = 0; j < bins; j++) spreads[j] = (a[j] + b[j]) + (c[j] + d[j]);
}

#if FAMILY != REAL

// The number of pixels in the upper 16 bits, their sum in the lower 48: one addition for both.
CLONES static void NAME(sum_count_bins)(const PIXEL *frame, int64_t pixels, const uint16_t *bin, int64_t bins,
                                        ck_sum *sums, uint64_t *counts, uint64_t *work) {
  const uint64_t one = (uint64_t)1 << 48;
  uint64_t *a = work, *b = work + bins, *c = b + bins, *d = c + bins;
  memset(work, 0, (size_t)(4 * bins) * sizeof(uint64_t));
  memset(sums, 0, (size_t)bins * sizeof(ck_sum));
  memset(counts, 0, (size_t)bins * sizeof(uint64_t));
  for (int64_t done = 0; done < pixels;) {
    // The four together hold less than 2¹⁶ pixels of 2³² each.
    int64_t part = pixels - done < 16384 ? pixels - done : 16384;
    const PIXEL *pixel = frame + done;
    const uint16_t *k = bin + done;
#define VALUE(i) one + (uint64_t)(int64_t)NUMBER(pixel[i])
    ADD_TO_BINS(VALUE)
#undef VALUE
    for (int64_t j = 0; j < bins; j++) {
      uint64_t both = (a[j] + b[j]) + (c[j] + d[j]);
      int64_t sum = (int64_t)(both << 16) >> 16;
      sums[j].integer += sum;
      counts[j] += (both - (uint64_t)sum) >> 48;
      a[j] = b[j] = c[j] = d[j] = 0;
    }
    done += part;
  }
}

#else

CLONES static void NAME(sum_count_bins)(const PIXEL *frame, int64_t pixels, const uint16_t *bin, int64_t bins,
                                        ck_sum *sums, uint64_t *counts, uint64_t *work) {
  double *a = (double *)work, *b = a + bins, *c = b + bins, *d = c + bins;
  uint64_t *p = work + 4 * bins, *q = p + bins, *r = q + bins, *s = r + bins;
  memset(work, 0, (size_t)(8 * bins) * sizeof(uint64_t));
  int64_t i = 0;
  for (; i + 4 <= pixels; i += 4) {
    a[bin[i]] += frame[i], p[bin[i]]++;
    b[bin[i + 1]] += frame[i + 1], q[bin[i + 1]]++;
    c[bin[i + 2]] += frame[i + 2], r[bin[i + 2]]++;
    d[bin[i + 3]] += frame[i + 3], s[bin[i + 3]]++;
  }
  for (; i < pixels; i++) a[bin[i]] += frame[i], p[bin[i]]++;
  for (int64_t j = 0; j < bins; j++) {
    sums[j].real = (a[j] + b[j]) + (c[j] + d[j]);
    counts[j] = (p[j] + q[j]) + (r[j] + s[j]);
  }
}

#endif

static void NAME(sum_lists)(const PIXEL *frame, const int32_t *offset, const uint32_t *first, int64_t lists,
                            double *sums) {
  for (int64_t k = 0; k < lists; k++) {
    TOTAL sum = 0;
    for (uint32_t i = first[k]; i < first[k + 1]; i++) sum += (TOTAL)NUMBER(frame[offset[i]]);
    sums[k] = (double)sum;
  }
}
