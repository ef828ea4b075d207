// Included once per pixel type, after Kernels.h: running sum, sum of squares, smallest and largest value of each pixel.
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

CLONES static void NAME(extremes4)(const PIXEL *restrict a, int64_t stride, int64_t n, PIXEL *restrict smallest,
                                   PIXEL *restrict largest) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    PIXEL p = a[i], q = b[i], r = c[i], s = d[i];
    PIXEL low1 = LESS(p, q), low2 = LESS(r, s), high1 = MORE(p, q), high2 = MORE(r, s);
    PIXEL low = LESS(low1, low2), high = MORE(high1, high2);
    PIXEL smallest_now = smallest[i], largest_now = largest[i];
    smallest[i] = LESS(low, smallest_now);
    largest[i] = MORE(high, largest_now);
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

static void NAME(accumulate)(const PIXEL *frames, int64_t count, int64_t pixels, const ck_statistics *state) {
  // In pieces, so that the second loop finds the pixels in the first-level cache.
  for (int64_t done = 0; done < pixels; done += PIECE) {
    int64_t n = pixels - done < PIECE ? pixels - done : PIECE;
    STATE *sum = (STATE *)state->sum + done;
    SQUARES *square = (SQUARES *)state->square + done;
    uint64_t *high = (uint64_t *)state->high + (FAMILY == SPLIT ? done : 0);
    PIXEL *smallest = (PIXEL *)state->smallest + done, *largest = (PIXEL *)state->largest + done;
    int64_t frame = 0;
    for (; frame + 4 <= count; frame += 4) {
      NAME(sums4)(frames + frame * pixels + done, pixels, n, sum, square, high);
      NAME(extremes4)(frames + frame * pixels + done, pixels, n, smallest, largest);
    }
    for (; frame < count; frame++) {
      NAME(sums1)(frames + frame * pixels + done, n, sum, square, high);
      NAME(extremes1)(frames + frame * pixels + done, n, smallest, largest);
    }
  }
}

#undef LESS
#undef MORE
