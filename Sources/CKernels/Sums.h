// Included once per pixel type (Types.h): sums over the pixels of one frame.

typedef PIXEL NAME(window) __attribute__((vector_size(LANES * sizeof(PIXEL)), aligned(1), may_alias));
typedef PIXEL NAME(vector) __attribute__((vector_size(LANES * sizeof(PIXEL))));
typedef MASK NAME(bits) __attribute__((vector_size(LANES * sizeof(PIXEL))));
typedef WIDE NAME(lanes) __attribute__((vector_size(LANES * sizeof(WIDE))));

INLINE TOTAL NAME(reduce)(const NAME(lanes) *lanes) {
  WIDE sum[LANES];
  memcpy(sum, lanes, sizeof sum);
  TOTAL part[8] = {0};
  for (int i = 0; i < LANES; i++) part[i % 8] += (TOTAL)sum[i];
  return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

// Lanes [low, high) of a window, zero elsewhere (also where the pixel is NaN).
INLINE void NAME(select)(const PIXEL *pixel, int low, int high, NAME(vector) *out) {
  byte_bits kept = *(const byte_window *)(prefix + LANES - high) & ~*(const byte_window *)(prefix + LANES - low);
  NAME(bits) bits = (NAME(bits))*(const NAME(window) *)pixel;
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
    memcpy(copy, pixel, (size_t)length * sizeof(PIXEL));
    memcpy(&value, copy, sizeof value);
  }
  *out = __builtin_convertvector(value, NAME(lanes));
  return low;
}

CLONES static void NAME(sum_runs)(const PIXEL *frame, int64_t pixels, const ck_run *runs, const uint32_t *first,
                                  const uint32_t *target, int64_t parts, ck_sum *sums) {
  const PIXEL *end = frame + pixels;
  for (int64_t part = 0; part < parts; part++) {
    NAME(lanes) lanes = {0};
    TOTAL total = 0;
    int64_t budget = FLUSH;
    for (uint32_t r = first[part]; r < first[part + 1]; r++) {
      const PIXEL *pixel = frame + runs[r].start;
      int64_t length = runs[r].length;
      if ((budget -= length / LANES + 1) < 0) {
        total += NAME(reduce)(&lanes);
        lanes = (NAME(lanes)){0};
        budget = FLUSH - (length / LANES + 1);
      }
      for (; length >= LANES; length -= LANES, pixel += LANES)
        lanes += __builtin_convertvector(*(const NAME(window) *)pixel, NAME(lanes));
      if (length > 0) {
        NAME(lanes) last;
        NAME(tail)(pixel, (int)length, frame, end, &last);
        lanes += last;
      }
    }
    sums[target[part]].FIELD += (TOTAL)(total + NAME(reduce)(&lanes));
  }
}

CLONES static ck_sum NAME(sum_mask)(const PIXEL *frame, int64_t pixels, const uint8_t *mask) {
  ck_sum result = {0};
  TOTAL total = 0;
  int64_t i = 0;
  while (i + LANES <= pixels) {
    NAME(lanes) lanes = {0};
    for (int64_t budget = FLUSH; budget > 0 && i + LANES <= pixels; budget--, i += LANES) {
      byte_bits kept = *(const byte_window *)(mask + i);
      NAME(bits) bits = (NAME(bits))*(const NAME(window) *)(frame + i) & __builtin_convertvector(kept, NAME(bits));
      lanes += __builtin_convertvector((NAME(vector))bits, NAME(lanes));
    }
    total += NAME(reduce)(&lanes);
  }
  for (; i < pixels; i++)
    if (mask[i]) total += (TOTAL)frame[i];
  result.FIELD = (TOTAL)total;
  return result;
}

CLONES static void NAME(moments)(const PIXEL *frame, int64_t pixels, const ck_run *runs, int64_t count, ck_sum *sums) {
  const PIXEL *end = frame + pixels;
  WIDE step[LANES];
  for (int i = 0; i < LANES; i++) step[i] = (WIDE)i;
  NAME(lanes) columns;
  memcpy(&columns, step, sizeof step);
  TOTAL all = 0, down = 0, right = 0;
  for (int64_t r = 0; r < count; r++) {
    const PIXEL *pixel = frame + runs[r].start;
    int64_t rest = runs[r].length, x = runs[r].x;
    TOTAL row = 0;
    while (rest > 0) {
      // 256 columns at a time: Σ j·v for j < 256 of 16-bit pixels fits 32 bits.
      int64_t part = rest < 256 ? rest : 256, done = 0;
      NAME(lanes) plain = {0}, weighted = {0}, column = columns;
      for (; done + LANES <= part; done += LANES, column += (WIDE)LANES) {
        NAME(lanes) value = __builtin_convertvector(*(const NAME(window) *)(pixel + done), NAME(lanes));
        plain += value;
        weighted += value * column;
      }
      TOTAL sum = NAME(reduce)(&plain), moment = NAME(reduce)(&weighted);
      if (done < part) {
        NAME(lanes) value, product;
        int low = NAME(tail)(pixel + done, (int)(part - done), frame, end, &value);
        product = value * columns;
        TOTAL last = NAME(reduce)(&value);
        sum += last;
        moment += NAME(reduce)(&product) + last * (TOTAL)(done - low);
      }
      row += sum;
      right += moment + sum * (TOTAL)x;
      x += part;
      pixel += part;
      rest -= part;
    }
    all += row;
    down += row * (TOTAL)runs[r].y;
  }
  sums[0].FIELD = (TOTAL)all;
  sums[1].FIELD = (TOTAL)down;
  sums[2].FIELD = (TOTAL)right;
}

CLONES static void NAME(sum_largest)(const PIXEL *pixel, int64_t length, TOTAL *sum, PIXEL *largest) {
  NAME(vector) top = {0};
  top += pixel[0];
  int64_t i = 0;
  while (i + LANES <= length) {
    NAME(lanes) lanes = {0};
    for (int64_t budget = FLUSH; budget > 0 && i + LANES <= length; budget--, i += LANES) {
      NAME(vector) value = *(const NAME(window) *)(pixel + i);
      lanes += __builtin_convertvector(value, NAME(lanes));
      // Not (value <= top): NaN wins, and stays because nothing compares with it.
      NAME(bits) keep = value <= top;
      NAME(bits) lost = top != top;
      keep |= lost;
      top = (NAME(vector))(((NAME(bits))top & keep) | ((NAME(bits))value & ~keep));
    }
    *sum += NAME(reduce)(&lanes);
  }
  PIXEL last = *largest, tops[LANES];
  memcpy(tops, &top, sizeof tops);
  for (int j = 0; j < LANES; j++)
    if (!(tops[j] <= last) && last == last) last = tops[j];
  for (; i < length; i++) {
    *sum += (TOTAL)pixel[i];
    if (!(pixel[i] <= last) && last == last) last = pixel[i];
  }
  *largest = last;
}

static int64_t NAME(count_bad)(const PIXEL *pixel, int64_t length, double saturation) {
  int64_t bad = 0;
  for (int64_t i = 0; i < length; i++) bad += !((double)pixel[i] < saturation && (double)pixel[i] > -INFINITY);
  return bad;
}

static ck_summary NAME(summarize)(const PIXEL *frame, const ck_run *runs, int64_t count, double saturation) {
  ck_summary result = {{0}, NAN, 0};
  if (count == 0) return result;
  TOTAL sum = 0;
  PIXEL largest = frame[runs[0].start];
  for (int64_t r = 0; r < count; r++) NAME(sum_largest)(frame + runs[r].start, runs[r].length, &sum, &largest);
  result.sum.FIELD = sum;
  result.largest = (double)largest;
  // A bad pixel shows in the largest value or, −∞, in the sum: nearly every frame is spared the count.
  if (!((double)largest < saturation) || !((double)sum > -INFINITY))
    for (int64_t r = 0; r < count; r++)
      result.bad += NAME(count_bad)(frame + runs[r].start, runs[r].length, saturation);
  return result;
}

CLONES static void NAME(sum_bins)(const PIXEL *frame, const ck_run *runs, int64_t count, const uint16_t *bin,
                                  int64_t bins, ck_sum *sums, WIDE *work) {
  // Neighbours often lie in the same bin: four copies keep an addition from waiting for the one before.
  WIDE *a = work, *b = work + bins, *c = b + bins, *d = c + bins;
  memset(work, 0, (size_t)(4 * bins) * sizeof(WIDE));
  memset(sums, 0, (size_t)bins * sizeof(ck_sum));
  int64_t budget = 65536;
  for (int64_t r = 0; r < count; r++) {
    int64_t rest = runs[r].length;
    const PIXEL *pixel = frame + runs[r].start;
    const uint16_t *k = bin + runs[r].start;
    while (rest > 0) {
      int64_t part = rest < 65536 ? rest : 65536, i = 0;
      if ((budget -= part) < 0) {
        for (int64_t j = 0; j < bins; j++) {
          sums[j].FIELD += ((TOTAL)a[j] + (TOTAL)b[j]) + ((TOTAL)c[j] + (TOTAL)d[j]);
          a[j] = b[j] = c[j] = d[j] = 0;
        }
        budget = 65536 - part;
      }
      for (; i + 4 <= part; i += 4) {
        a[k[i]] += (WIDE)pixel[i];
        b[k[i + 1]] += (WIDE)pixel[i + 1];
        c[k[i + 2]] += (WIDE)pixel[i + 2];
        d[k[i + 3]] += (WIDE)pixel[i + 3];
      }
      for (; i < part; i++) a[k[i]] += (WIDE)pixel[i];
      pixel += part;
      k += part;
      rest -= part;
    }
  }
  for (int64_t j = 0; j < bins; j++)
    sums[j].FIELD += ((TOTAL)a[j] + (TOTAL)b[j]) + ((TOTAL)c[j] + (TOTAL)d[j]);
}

CLONES static void NAME(spread_bins)(const PIXEL *frame, const ck_run *runs, int64_t count, const uint16_t *bin,
                                     int64_t bins, const double *means, double *spreads, double *work) {
  double *a = work, *b = work + bins, *c = b + bins, *d = c + bins;
  memset(work, 0, (size_t)(4 * bins) * sizeof(double));
  for (int64_t r = 0; r < count; r++) {
    int64_t length = runs[r].length, i = 0;
    const PIXEL *pixel = frame + runs[r].start;
    const uint16_t *k = bin + runs[r].start;
    for (; i + 4 <= length; i += 4) {
      double p = (double)pixel[i] - means[k[i]], q = (double)pixel[i + 1] - means[k[i + 1]];
      double s = (double)pixel[i + 2] - means[k[i + 2]], t = (double)pixel[i + 3] - means[k[i + 3]];
      a[k[i]] += p * p;
      b[k[i + 1]] += q * q;
      c[k[i + 2]] += s * s;
      d[k[i + 3]] += t * t;
    }
    for (; i < length; i++) {
      double p = (double)pixel[i] - means[k[i]];
      a[k[i]] += p * p;
    }
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
    int64_t part = pixels - done < 16384 ? pixels - done : 16384, i = 0;
    const PIXEL *pixel = frame + done;
    const uint16_t *k = bin + done;
    for (; i + 4 <= part; i += 4) {
      a[k[i]] += one + (uint64_t)(int64_t)pixel[i];
      b[k[i + 1]] += one + (uint64_t)(int64_t)pixel[i + 1];
      c[k[i + 2]] += one + (uint64_t)(int64_t)pixel[i + 2];
      d[k[i + 3]] += one + (uint64_t)(int64_t)pixel[i + 3];
    }
    for (; i < part; i++) a[k[i]] += one + (uint64_t)(int64_t)pixel[i];
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
    for (uint32_t i = first[k]; i < first[k + 1]; i++) sum += (TOTAL)frame[offset[i]];
    sums[k] = (double)sum;
  }
}

// Pixels as doubles.
CLONES static void NAME(convert)(const PIXEL *restrict pixel, int64_t count, double *restrict out) {
  for (int64_t i = 0; i < count; i++) out[i] = (double)pixel[i];
}
