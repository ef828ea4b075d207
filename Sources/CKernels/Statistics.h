// Included once per pixel type, after Sums.h: running sum, sum of squares, smallest and largest value of each pixel, or
// sum and largest value alone.
// Four frames at a time: the state (6 to 36 bytes a pixel) is then read and written once instead of four times.

// The pixels i < n of frames a, b, c, d; those of the next piece are asked for meanwhile, a line of memory at a time.
#define LINE ((int64_t)(64 / sizeof(PIXEL)))
#define NEXT(frame) __builtin_prefetch(frame + line + PIECE, 0, 2)
#define EACH4(n)                                                   \
  for (int64_t line = 0; line < (n); line += LINE)                 \
    if (NEXT(a), NEXT(b), NEXT(c), NEXT(d), 1)                     \
      for (int64_t i = line; i < (line + LINE < (n) ? line + LINE : (n)); i++)

#if FAMILY == REAL
#include "RealStatistics.h"
#else
#include "IntegerStatistics.h"
#endif

#define LESS(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define MORE(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))

CLONES static void NAME(extremes4)(const PIXEL *restrict a, int64_t stride, int64_t n, PIXEL *restrict smallest,
                                   PIXEL *restrict largest) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    // One after the other: zeros with signs and NaN come out as from frames one by one.
    PIXEL low = smallest[i], high = largest[i];
    low = LESS(a[i], low), high = MORE(a[i], high);
    low = LESS(b[i], low), high = MORE(b[i], high);
    low = LESS(c[i], low), high = MORE(c[i], high);
    smallest[i] = LESS(d[i], low);
    largest[i] = MORE(d[i], high);
  }
}

CLONES static void NAME(extremes1)(const PIXEL *restrict a, int64_t n, PIXEL *restrict smallest,
                                   PIXEL *restrict largest) {
  for (int64_t i = 0; i < n; i++) {
    PIXEL p = a[i], smallest_now = smallest[i], largest_now = largest[i];
    smallest[i] = LESS(p, smallest_now);
    largest[i] = MORE(p, largest_now);
  }
}

CLONES static void NAME(largest4)(const PIXEL *restrict a, int64_t stride, int64_t n, PIXEL *restrict largest) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    PIXEL high = largest[i];
    high = MORE(a[i], high);
    high = MORE(b[i], high);
    high = MORE(c[i], high);
    largest[i] = MORE(d[i], high);
  }
}

CLONES static void NAME(largest1)(const PIXEL *restrict a, int64_t n, PIXEL *restrict largest) {
  for (int64_t i = 0; i < n; i++) {
    PIXEL high = largest[i];
    largest[i] = MORE(a[i], high);
  }
}

// Four frames' pixels of a piece.
static void NAME(add4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  PIXEL *smallest = (PIXEL *)state->smallest, *largest = (PIXEL *)state->largest + done;
  if (state->square) {
    NAME(extremes4)(frame, stride, n, smallest + done, largest);
    NAME(squares4)(frame, stride, n, done, state);
  } else {
    NAME(largest4)(frame, stride, n, largest);
    NAME(plain4)(frame, stride, n, done, state);
  }
}

static void NAME(add1)(const PIXEL *frame, int64_t n, int64_t done, const ck_statistics *state) {
  PIXEL *smallest = (PIXEL *)state->smallest, *largest = (PIXEL *)state->largest + done;
  if (state->square) {
    NAME(squares1)(frame, n, done, state);
    NAME(extremes1)(frame, n, smallest + done, largest);
  } else {
    NAME(largest1)(frame, n, largest);
    NAME(plain1)(frame, n, done, state);
  }
}

static void NAME(accumulate)(const PIXEL *frames, int64_t stride, int64_t count, int64_t pixels,
                             const ck_statistics *state) {
  // In pieces, so that the second loop finds the pixels in the first-level cache.
  for (int64_t done = 0; done < pixels; done += PIECE) {
    const int64_t n = pixels - done < PIECE ? pixels - done : PIECE;
    int64_t frame = 0;
    for (; frame + 4 <= count; frame += 4) NAME(add4)(frames + frame * stride + done, stride, n, done, state);
    for (; frame < count; frame++) NAME(add1)(frames + frame * stride + done, n, done, state);
  }
}

#undef LINE
#undef NEXT
#undef EACH4
#undef LESS
#undef MORE
