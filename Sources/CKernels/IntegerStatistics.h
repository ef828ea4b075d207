// Included once per integer pixel type by Statistics.h: sums of values and their squares.
// FAMILY: SMALL (8 and 16 bit) or SPLIT (32 bit); WIDE holds v and v².

CLONES static void NAME(sums4)(const PIXEL *restrict a, int64_t stride, int64_t n, int64_t *restrict sum,
                               uint64_t *restrict square, uint64_t *restrict high) {
  (void)high;
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    WIDE p = NUMBER(a[i]), q = NUMBER(b[i]), r = NUMBER(c[i]), s = NUMBER(d[i]);
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
    WIDE p = NUMBER(a[i]);
    sum[i] += (int64_t)p;
#if FAMILY == SMALL
    square[i] += (uint32_t)(p * p);
#else
    square[i] += (uint64_t)(p * p) & LOW;
    high[i] += (uint64_t)(p * p) >> 32;
#endif
  }
}

#if FAMILY == SMALL

// Like sums4, into 32-bit sums.
CLONES static void NAME(narrow4)(const PIXEL *restrict a, int64_t stride, int64_t n, uint32_t *restrict sum,
                                 uint32_t *restrict square) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    WIDE p = NUMBER(a[i]), q = NUMBER(b[i]), r = NUMBER(c[i]), s = NUMBER(d[i]);
    sum[i] += (uint32_t)((p + q) + (r + s));
    square[i] += ((uint32_t)(p * p) + (uint32_t)(q * q)) + ((uint32_t)(r * r) + (uint32_t)(s * s));
  }
}

CLONES static void NAME(widen_sums)(int64_t n, uint32_t *restrict narrow, int64_t *restrict sum) {
  for (int64_t i = 0; i < n; i++) {
    sum[i] += (WIDE)narrow[i];
    narrow[i] = 0;
  }
}

CLONES static void NAME(widen_squares)(int64_t n, uint32_t *restrict narrow, uint64_t *restrict square) {
  for (int64_t i = 0; i < n; i++) {
    square[i] += narrow[i];
    narrow[i] = 0;
  }
}

// Moves the 32-bit sums of a piece into the wide ones.
static void NAME(settle_piece)(int64_t n, int64_t done, const ck_statistics *state) {
  uint64_t *used = (uint64_t *)state->used + done / PIECE;
  if (!*used) return;
  NAME(widen_sums)(n, (uint32_t *)state->narrow_sum + done, (int64_t *)state->sum + done);
  if (state->square)
    NAME(widen_squares)(n, (uint32_t *)state->narrow_square + done, (uint64_t *)state->square + done);
  *used = 0;
}

// A number not below the magnitude of any pixel of four frames.
CLONES static uint32_t NAME(bound4)(const PIXEL *restrict a, int64_t stride, int64_t n) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  // A negative number's magnitude is one more than its complement.
  const int sign = 8 * sizeof(PIXEL) - 1;
  PIXEL any = 0;
  if ((PIXEL)-1 > 0)
    for (int64_t i = 0; i < n; i++) any |= (PIXEL)((NUMBER(a[i]) | NUMBER(b[i])) | (NUMBER(c[i]) | NUMBER(d[i])));
  else
    for (int64_t i = 0; i < n; i++)
      any |= (PIXEL)(((a[i] ^ (a[i] >> sign)) | (b[i] ^ (b[i] >> sign)))
                     | ((c[i] ^ (c[i] >> sign)) | (d[i] ^ (d[i] >> sign))));
  return (uint32_t)any + 1;
}

// Sums of values and squares of four frames, narrow as long as nothing can overflow: Σv² < 2³² holds Σv too.
static void NAME(squares4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  uint64_t *used = (uint64_t *)state->used + done / PIECE;
  uint64_t bound = NAME(bound4)(frame, stride, n), added = 4 * bound * bound;
  if (*used + added > UINT32_MAX) NAME(settle_piece)(n, done, state);
  if (added > UINT32_MAX) {
    NAME(sums4)(frame, stride, n, (int64_t *)state->sum + done, (uint64_t *)state->square + done, 0);
  } else {
    NAME(narrow4)(frame, stride, n, (uint32_t *)state->narrow_sum + done, (uint32_t *)state->narrow_square + done);
    *used += added;
  }
}

static void NAME(settle)(int64_t pixels, const ck_statistics *state) {
  for (int64_t done = 0; done < pixels; done += PIECE)
    NAME(settle_piece)(pixels - done < PIECE ? pixels - done : PIECE, done, state);
}

#define PART uint32_t

// Where the next `count` frames may be added: `used` counts those in the narrow sums, of which 2¹⁵ fit any value.
static PART *NAME(plain_sums)(int64_t n, int64_t done, int64_t count, const ck_statistics *state) {
  uint64_t *used = (uint64_t *)state->used + done / PIECE;
  if (*used + (uint64_t)count > 1 << 15) NAME(settle_piece)(n, done, state);
  *used += (uint64_t)count;
  return (PART *)state->narrow_sum + done;
}

#else

static void NAME(squares4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(sums4)(frame, stride, n, (int64_t *)state->sum + done, (uint64_t *)state->square + done,
              (uint64_t *)state->high + done);
}

static void NAME(settle)(int64_t pixels, const ck_statistics *state) { (void)pixels, (void)state; }

#define PART int64_t

static PART *NAME(plain_sums)(int64_t n, int64_t done, int64_t count, const ck_statistics *state) {
  (void)n, (void)count;
  return (PART *)state->sum + done;
}

#endif

static void NAME(squares1)(const PIXEL *frame, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(sums1)(frame, n, (int64_t *)state->sum + done, (uint64_t *)state->square + done,
              (uint64_t *)state->high + (FAMILY == SPLIT ? done : 0));
}

CLONES static void NAME(add_sums4)(const PIXEL *restrict a, int64_t stride, int64_t n, PART *restrict sum) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    WIDE p = NUMBER(a[i]), q = NUMBER(b[i]), r = NUMBER(c[i]), s = NUMBER(d[i]);
    sum[i] += (PART)((p + q) + (r + s));
  }
}

CLONES static void NAME(add_sums1)(const PIXEL *restrict a, int64_t n, PART *restrict sum) {
  for (int64_t i = 0; i < n; i++) sum[i] += (PART)(WIDE)NUMBER(a[i]);
}

static void NAME(plain4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(add_sums4)(frame, stride, n, NAME(plain_sums)(n, done, 4, state));
}

static void NAME(plain1)(const PIXEL *frame, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(add_sums1)(frame, n, NAME(plain_sums)(n, done, 1, state));
}

#undef PART
