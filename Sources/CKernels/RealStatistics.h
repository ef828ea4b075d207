// Included once per floating pixel type by Statistics.h: sums of the distances d = v − pivot from a value of the pixel's
// own, and of their squares, in double. What would cancel in the variance is then small: shifted data (Chan, Golub &
// LeVeque, The American Statistician 37 (1983) 242). Frames are added one after the other: the rounding must not depend
// on how they are grouped.

CLONES static void NAME(distances4)(const PIXEL *restrict a, int64_t stride, int64_t n, const PIXEL *restrict pivot,
                                    double *restrict sum, double *restrict square) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    double origin = pivot[i], p = a[i] - origin, q = b[i] - origin, r = c[i] - origin, s = d[i] - origin;
    sum[i] = (((sum[i] + p) + q) + r) + s;
    square[i] = (((square[i] + p * p) + q * q) + r * r) + s * s;
  }
}

CLONES static void NAME(distances1)(const PIXEL *restrict a, int64_t n, const PIXEL *restrict pivot,
                                    double *restrict sum, double *restrict square) {
  for (int64_t i = 0; i < n; i++) {
    double d = a[i] - (double)pivot[i];
    sum[i] += d;
    square[i] += d * d;
  }
}

CLONES static void NAME(add_sums4)(const PIXEL *restrict a, int64_t stride, int64_t n, const PIXEL *restrict pivot,
                                   double *restrict sum) {
  const PIXEL *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
  for (int64_t i = 0; i < n; i++) {
    double origin = pivot[i];
    sum[i] = (((sum[i] + (a[i] - origin)) + (b[i] - origin)) + (c[i] - origin)) + (d[i] - origin);
  }
}

CLONES static void NAME(add_sums1)(const PIXEL *restrict a, int64_t n, const PIXEL *restrict pivot,
                                   double *restrict sum) {
  for (int64_t i = 0; i < n; i++) sum[i] += a[i] - (double)pivot[i];
}

static void NAME(squares4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(distances4)(frame, stride, n, (PIXEL *)state->pivot + done, (double *)state->sum + done,
                   (double *)state->square + done);
}

static void NAME(squares1)(const PIXEL *frame, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(distances1)(frame, n, (PIXEL *)state->pivot + done, (double *)state->sum + done,
                   (double *)state->square + done);
}

static void NAME(plain4)(const PIXEL *frame, int64_t stride, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(add_sums4)(frame, stride, n, (PIXEL *)state->pivot + done, (double *)state->sum + done);
}

static void NAME(plain1)(const PIXEL *frame, int64_t n, int64_t done, const ck_statistics *state) {
  NAME(add_sums1)(frame, n, (PIXEL *)state->pivot + done, (double *)state->sum + done);
}

static void NAME(settle)(int64_t pixels, const ck_statistics *state) { (void)pixels, (void)state; }
