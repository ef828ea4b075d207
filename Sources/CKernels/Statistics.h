// Included once per pixel type, after Sums.h: running sum, sum of squares, smallest and largest value of each pixel, or
// sum and largest value alone.
// Four frames at a time: the state (6 to 36 bytes a pixel) is then read and written once instead of four times.

#if FAMILY == REAL
#include "RealStatistics.h"
#else
#include "IntegerStatistics.h"
#endif

// As CPUs compare: what is no number is neither less nor more.
#define LESS(a, b) ((a) < (b) ? (a) : (b))
#define MORE(a, b) ((a) > (b) ? (a) : (b))
#if FAMILY == REAL
#define UNORDERED(a, b) __builtin_isunordered(a, b)
#else
#define UNORDERED(a, b) 0
#endif

// The extremes give 1 where a pixel is no number, which `mark_nan` has still to write down.
CLONES static int NAME(extremes4)(const PIXEL *restrict a, int64_t stride, int64_t n, PIXEL *restrict smallest,
                                  PIXEL *restrict largest) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  int has_nan = 0;
  for (int64_t i = 0; i < n; i++) {
    // One after the other: zeros with signs come out as from frames one by one.
    PIXEL low = smallest[i], high = largest[i];
    low = LESS(NUMBER(a[i]), low), high = MORE(NUMBER(a[i]), high);
    low = LESS(NUMBER(b[i]), low), high = MORE(NUMBER(b[i]), high);
    low = LESS(NUMBER(c[i]), low), high = MORE(NUMBER(c[i]), high);
    smallest[i] = LESS(NUMBER(d[i]), low);
    largest[i] = MORE(NUMBER(d[i]), high);
    has_nan |= UNORDERED(a[i], b[i]) | UNORDERED(c[i], d[i]);
  }
  return has_nan;
}

CLONES static int NAME(extremes1)(const PIXEL *restrict a, int64_t n, PIXEL *restrict smallest,
                                  PIXEL *restrict largest) {
  int has_nan = 0;
  for (int64_t i = 0; i < n; i++) {
    PIXEL p = NUMBER(a[i]), low = smallest[i], high = largest[i];
    smallest[i] = LESS(p, low);
    largest[i] = MORE(p, high);
    has_nan |= UNORDERED(p, p);
  }
  return has_nan;
}

CLONES static int NAME(largest4)(const PIXEL *restrict a, int64_t stride, int64_t n, PIXEL *restrict largest) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  int has_nan = 0;
  for (int64_t i = 0; i < n; i++) {
    PIXEL high = largest[i];
    high = MORE(NUMBER(a[i]), high);
    high = MORE(NUMBER(b[i]), high);
    high = MORE(NUMBER(c[i]), high);
    largest[i] = MORE(NUMBER(d[i]), high);
    has_nan |= UNORDERED(a[i], b[i]) | UNORDERED(c[i], d[i]);
  }
  return has_nan;
}

CLONES static int NAME(largest1)(const PIXEL *restrict a, int64_t n, PIXEL *restrict largest) {
  int has_nan = 0;
  for (int64_t i = 0; i < n; i++) {
    PIXEL p = NUMBER(a[i]), high = largest[i];
    largest[i] = MORE(p, high);
    has_nan |= UNORDERED(p, p);
  }
  return has_nan;
}

// NaN wins, and the last one where there are several.
CLONES static void NAME(mark_nan)(const PIXEL *restrict a, int64_t n, PIXEL *restrict extreme) {
  for (int64_t i = 0; i < n; i++) extreme[i] = UNORDERED(a[i], a[i]) ? a[i] : extreme[i];
}

static void NAME(mark_nans)(const PIXEL *frame, int64_t stride, int64_t together, int64_t n, int64_t done,
                            const ck_statistics *state) {
  for (int64_t i = 0; i < together; i++) {
    NAME(mark_nan)(frame + i * stride, n, (PIXEL *)state->largest + done);
    if (state->square) NAME(mark_nan)(frame + i * stride, n, (PIXEL *)state->smallest + done);
  }
}

// Four frames' pixels of a piece.
static void NAME(add4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  PIXEL *smallest = (PIXEL *)state->smallest, *largest = (PIXEL *)state->largest + done;
  int has_nan;
  if (state->square) {
    has_nan = NAME(extremes4)(frame, stride, n, smallest + done, largest);
    NAME(squares4)(frame, stride, n, done, state);
  } else {
    has_nan = NAME(largest4)(frame, stride, n, largest);
    NAME(plain4)(frame, stride, n, done, state);
  }
  if (has_nan) NAME(mark_nans)(frame, stride, 4, n, done, state);
}

static void NAME(add1)(const PIXEL *frame, int64_t n, int64_t done, const ck_statistics *state) {
  PIXEL *smallest = (PIXEL *)state->smallest, *largest = (PIXEL *)state->largest + done;
  int has_nan;
  if (state->square) {
    NAME(squares1)(frame, n, done, state);
    has_nan = NAME(extremes1)(frame, n, smallest + done, largest);
  } else {
    has_nan = NAME(largest1)(frame, n, largest);
    NAME(plain1)(frame, n, done, state);
  }
  if (has_nan) NAME(mark_nans)(frame, 0, 1, n, done, state);
}

// Four frames or one, in pieces, so that each loop but the first finds the pixels in the first-level cache.
static void NAME(accumulate_few)(const PIXEL *frames, int64_t stride, int64_t count, int64_t pixels,
                                 const ck_statistics *state, NAME(running) *sums) {
  for (int64_t done = 0; done < pixels; done += PIECE) {
    const int64_t n = pixels - done < PIECE ? pixels - done : PIECE;
    const PIXEL *piece = frames + done;
    for (int64_t i = 0; i < count; i++) ASK(piece + i * stride, n, PIECE_AHEAD);
    if (count == 4) NAME(add4)(piece, stride, n, done, state);
    else NAME(add1)(piece, n, done, state);
    for (int64_t i = 0; sums && i < count; i++) NAME(sum_largest)(piece + i * stride, n, sums + i);
  }
}

static void NAME(accumulate)(const PIXEL *frames, int64_t stride, int64_t count, int64_t pixels,
                             const ck_statistics *state, double saturation, ck_summary *summaries) {
  const ck_run whole = {0, (uint32_t)pixels, 0, 0};
  for (int64_t first = 0, few; first < count; first += few) {
    few = first + 4 <= count ? 4 : 1;
    const PIXEL *frame = frames + first * stride;
    NAME(running) sums[4];
    for (int64_t i = 0; summaries && i < few; i++) NAME(begin_sum)(NUMBER(frame[i * stride]), sums + i);
    NAME(accumulate_few)(frame, stride, few, pixels, state, summaries ? sums : 0);
    for (int64_t i = 0; summaries && i < few; i++)
      summaries[first + i] = NAME(end_sum)(sums + i, frame + i * stride, &whole, 1, saturation);
  }
}

#undef LESS
#undef MORE
#undef UNORDERED
