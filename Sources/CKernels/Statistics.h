// Included once per pixel type, after Sums.h: running sum, sum of squares, smallest and largest value of each pixel, or
// sum and largest value alone.
// Four frames at a time: the state (20 to 40 bytes a pixel) is then read and written once instead of four times.
// FAMILY: SMALL (8 and 16 bit), SPLIT (32-bit integers) or REAL; ARITHMETIC: integer type that holds v and v².

#define LESS(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define MORE(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))

#if FAMILY != REAL

CLONES static void NAME(sums4)(const PIXEL *restrict a, int64_t stride, int64_t n, int64_t *restrict sum,
                               uint64_t *restrict square, uint64_t *restrict high) {
  (void)high;
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    ARITHMETIC p = a[i], q = b[i], r = c[i], s = d[i];
#if FAMILY == SMALL
    sum[i] += (int64_t)(p + q + r + s);
    square[i] += ((uint64_t)(uint32_t)(p * p) + (uint32_t)(q * q)) + ((uint64_t)(uint32_t)(r * r) + (uint32_t)(s * s));
#else
    uint64_t pp = (uint64_t)(p * p), qq = (uint64_t)(q * q), rr = (uint64_t)(r * r), ss = (uint64_t)(s * s);
    sum[i] += (int64_t)(p + q + r + s);
    square[i] += ((pp & LOW) + (qq & LOW)) + ((rr & LOW) + (ss & LOW));
    high[i] += ((pp >> 32) + (qq >> 32)) + ((rr >> 32) + (ss >> 32));
#endif
  }
}

CLONES static void NAME(sums1)(const PIXEL *restrict a, int64_t n, int64_t *restrict sum, uint64_t *restrict square,
                               uint64_t *restrict high) {
  (void)high;
  for (int64_t i = 0; i < n; i++) {
    ARITHMETIC p = a[i];
    sum[i] += (int64_t)p;
#if FAMILY == SMALL
    square[i] += (uint32_t)(p * p);
#else
    square[i] += (uint64_t)(p * p) & LOW;
    high[i] += (uint64_t)(p * p) >> 32;
#endif
  }
}

#else

CLONES static void NAME(sums4)(const PIXEL *restrict a, int64_t stride, int64_t n, pair *restrict sum,
                               pair *restrict square, uint64_t *restrict high) {
  (void)high;
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    sum[i] = add(add(add(add(sum[i], a[i], 0), b[i], 0), c[i], 0), d[i], 0);
    square[i] = SQUARE(SQUARE(SQUARE(SQUARE(square[i], a[i]), b[i]), c[i]), d[i]);
  }
}

CLONES static void NAME(sums1)(const PIXEL *restrict a, int64_t n, pair *restrict sum, pair *restrict square,
                               uint64_t *restrict high) {
  (void)high;
  for (int64_t i = 0; i < n; i++) {
    sum[i] = add(sum[i], a[i], 0);
    square[i] = SQUARE(square[i], a[i]);
  }
}

#endif

#if FAMILY == SMALL

// Like sums4, into 32-bit sums.
CLONES static void NAME(narrow4)(const PIXEL *restrict a, int64_t stride, int64_t n, uint32_t *restrict sum,
                                 uint32_t *restrict square) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    ARITHMETIC p = a[i], q = b[i], r = c[i], s = d[i];
    sum[i] += (uint32_t)((p + q) + (r + s));
    square[i] += ((uint32_t)(p * p) + (uint32_t)(q * q)) + ((uint32_t)(r * r) + (uint32_t)(s * s));
  }
}

// Moves the 32-bit sums into the wide ones.
CLONES static void NAME(widen)(int64_t n, uint32_t *restrict narrow_sum, uint32_t *restrict narrow_square,
                               int64_t *restrict sum, uint64_t *restrict square) {
  for (int64_t i = 0; i < n; i++) {
    sum[i] += (ARITHMETIC)narrow_sum[i];
    square[i] += narrow_square[i];
    narrow_sum[i] = narrow_square[i] = 0;
  }
}

// A number not below the magnitude of any pixel of four frames.
CLONES static uint32_t NAME(bound4)(const PIXEL *restrict a, int64_t stride, int64_t n) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  // A negative number's magnitude is one more than its complement.
  const int sign = 8 * sizeof(PIXEL) - 1;
  PIXEL any = 0;
  if ((PIXEL)-1 > 0)
    for (int64_t i = 0; i < n; i++) any |= (PIXEL)((a[i] | b[i]) | (c[i] | d[i]));
  else
    for (int64_t i = 0; i < n; i++)
      any |= (PIXEL)(((a[i] ^ (a[i] >> sign)) | (b[i] ^ (b[i] >> sign)))
                     | ((c[i] ^ (c[i] >> sign)) | (d[i] ^ (d[i] >> sign))));
  return (uint32_t)any + 1;
}

#endif

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

// Sums and largest values alone.

#if FAMILY == SMALL
#define PART uint32_t
#elif FAMILY == REAL
#define PART double
#else
#define PART STATE
#endif

CLONES static void NAME(plain4)(const PIXEL *restrict a, int64_t stride, int64_t n, PART *restrict sum) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    ARITHMETIC p = a[i], q = b[i], r = c[i], s = d[i];
#if FAMILY == REAL
    // One after the other: the rounding must not depend on how frames are grouped.
    sum[i] = (((sum[i] + p) + q) + r) + s;
#else
    sum[i] += (PART)((p + q) + (r + s));
#endif
  }
}

CLONES static void NAME(plain1)(const PIXEL *restrict a, int64_t n, PART *restrict sum) {
  for (int64_t i = 0; i < n; i++) sum[i] += (PART)(ARITHMETIC)a[i];
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

#if FAMILY == SMALL

CLONES static void NAME(widen_plain)(int64_t n, uint32_t *restrict narrow_sum, int64_t *restrict sum) {
  for (int64_t i = 0; i < n; i++) {
    sum[i] += (ARITHMETIC)narrow_sum[i];
    narrow_sum[i] = 0;
  }
}

// Where the next `count` frames may be added: `used` counts those in the narrow sums, of which 2¹⁵ fit any value.
static uint32_t *NAME(plain_sums)(int64_t n, int64_t done, int64_t count, const ck_statistics *state) {
  uint32_t *narrow_sum = (uint32_t *)state->narrow_sum + done;
  uint64_t *used = (uint64_t *)state->used + done / PIECE;
  if (*used + (uint64_t)count > 1 << 15) {
    NAME(widen_plain)(n, narrow_sum, (int64_t *)state->sum + done);
    *used = 0;
  }
  *used += (uint64_t)count;
  return narrow_sum;
}

#else

static PART *NAME(plain_sums)(int64_t n, int64_t done, int64_t count, const ck_statistics *state) {
  (void)n, (void)count;
  return (PART *)state->sum + done;
}

#endif

static void NAME(accumulate_plain)(const PIXEL *frames, int64_t stride, int64_t count, int64_t pixels,
                                   const ck_statistics *state) {
  for (int64_t done = 0; done < pixels; done += PIECE) {
    int64_t n = pixels - done < PIECE ? pixels - done : PIECE;
    PIXEL *largest = (PIXEL *)state->largest + done;
    int64_t frame = 0;
    for (; frame + 4 <= count; frame += 4) {
      NAME(largest4)(frames + frame * stride + done, stride, n, largest);
      NAME(plain4)(frames + frame * stride + done, stride, n, NAME(plain_sums)(n, done, 4, state));
    }
    for (; frame < count; frame++) {
      NAME(largest1)(frames + frame * stride + done, n, largest);
      NAME(plain1)(frames + frame * stride + done, n, NAME(plain_sums)(n, done, 1, state));
    }
  }
}

#if FAMILY == SMALL

// Sums of four frames' pixels, narrow as long as nothing can overflow: Σv² < 2³² holds Σv too.
static void NAME(piece4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  uint32_t *narrow_sum = (uint32_t *)state->narrow_sum + done, *narrow_square = (uint32_t *)state->narrow_square + done;
  int64_t *sum = (int64_t *)state->sum + done;
  uint64_t *square = (uint64_t *)state->square + done, *used = (uint64_t *)state->used + done / PIECE;
  uint64_t bound = NAME(bound4)(frame, stride, n), added = 4 * bound * bound;
  if (*used && *used + added > UINT32_MAX) {
    NAME(widen)(n, narrow_sum, narrow_square, sum, square);
    *used = 0;
  }
  if (added > UINT32_MAX) {
    NAME(sums4)(frame, stride, n, sum, square, 0);
  } else {
    NAME(narrow4)(frame, stride, n, narrow_sum, narrow_square);
    *used += added;
  }
}

static void NAME(settle)(int64_t pixels, const ck_statistics *state) {
  for (int64_t done = 0; done < pixels; done += PIECE) {
    uint64_t *used = (uint64_t *)state->used + done / PIECE;
    int64_t n = pixels - done < PIECE ? pixels - done : PIECE, *sum = (int64_t *)state->sum + done;
    uint32_t *narrow_sum = (uint32_t *)state->narrow_sum + done;
    if (*used && state->square)
      NAME(widen)(n, narrow_sum, (uint32_t *)state->narrow_square + done, sum, (uint64_t *)state->square + done);
    else if (*used)
      NAME(widen_plain)(n, narrow_sum, sum);
    *used = 0;
  }
}

#else

static void NAME(piece4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(sums4)(frame, stride, n, (STATE *)state->sum + done, (SQUARES *)state->square + done,
              (uint64_t *)state->high + (FAMILY == SPLIT ? done : 0));
}

static void NAME(settle)(int64_t pixels, const ck_statistics *state) { (void)pixels, (void)state; }

#endif

static void NAME(accumulate)(const PIXEL *frames, int64_t stride, int64_t count, int64_t pixels,
                             const ck_statistics *state) {
  if (!state->square) {
    NAME(accumulate_plain)(frames, stride, count, pixels, state);
    return;
  }
  // In pieces, so that the second loop finds the pixels in the first-level cache.
  for (int64_t done = 0; done < pixels; done += PIECE) {
    int64_t n = pixels - done < PIECE ? pixels - done : PIECE;
    PIXEL *smallest = (PIXEL *)state->smallest + done, *largest = (PIXEL *)state->largest + done;
    int64_t frame = 0;
    for (; frame + 4 <= count; frame += 4) {
      NAME(extremes4)(frames + frame * stride + done, stride, n, smallest, largest);
      NAME(piece4)(frames + frame * stride + done, stride, n, done, state);
    }
    for (; frame < count; frame++) {
      NAME(sums1)(frames + frame * stride + done, n, (STATE *)state->sum + done, (SQUARES *)state->square + done,
                  (uint64_t *)state->high + (FAMILY == SPLIT ? done : 0));
      NAME(extremes1)(frames + frame * stride + done, n, smallest, largest);
    }
  }
}

#undef PART
#undef LESS
#undef MORE
