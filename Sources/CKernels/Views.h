// Included once per pixel type (Correction.c): correction and binning of a frame's pixels.

TURN_TILE(PIXEL, NAME(turn_tile))

// One pixel, `i` its place in `dark` and `factor`.
#define CORRECTED(v) NAME(corrected)((WORK)(v), dark, factor, i, saturation)

INLINE OUT NAME(corrected)(WORK v, const WORK *dark, const WORK *factor, int64_t i, WORK saturation) {
  WORK value = v;
  if (dark) value -= dark[i];
  if (factor) value *= factor[i];
  return v < saturation ? (OUT)value : (OUT)NAN;
}

INLINE void NAME(correct_row)(const PIXEL *restrict in, int64_t step, int64_t n, const WORK *restrict dark,
                              const WORK *restrict factor, WORK saturation, OUT *restrict out) {
  for (int64_t i = 0; i < n; i++) out[i] = CORRECTED(in[i * step]);
}

// Rows `top ..< bottom`, columns `left ..< right` of the corrected frame.
INLINE void NAME(correct_part)(const PIXEL *frame, const ck_view *view, int64_t step, int64_t top, int64_t bottom,
                               int64_t left, int64_t right, const WORK *dark, const WORK *factor, WORK saturation,
                               OUT *out) {
  for (int64_t y = top; y < bottom; y++) {
    const int64_t i = y * view->width + left;
    NAME(correct_row)(frame + view->start + y * view->down + left * step, step, right - left, dark ? dark + i : dark,
                      factor ? factor + i : factor, saturation, out + i);
  }
}

INLINE void NAME(correct_view)(const PIXEL *frame, const ck_view *view, const WORK *dark, const WORK *factor,
                               WORK saturation, OUT *out) {
  const int64_t width = view->width, height = view->height, step = view->right;
  if (step == 1) {
    NAME(correct_part)(frame, view, 1, 0, height, 0, width, dark, factor, saturation, out);
  } else if (step == -1) {
    NAME(correct_part)(frame, view, -1, 0, height, 0, width, dark, factor, saturation, out);
  } else {
    const int64_t wide = width / SIDE * SIDE, tall = height / SIDE * SIDE;
    for (int64_t top = 0; top < tall; top += GROUP)
      for (int64_t left = 0; left < wide; left += ROW) {
        PIXEL turned[GROUP * ROW];
        const int64_t rows = tall - top < GROUP ? tall - top : GROUP, n = wide - left < ROW ? wide - left : ROW;
        for (int64_t x = 0; x < n; x += SIDE)
          for (int64_t y = 0; y < rows; y += SIDE)
            NAME(turn_tile)(frame, view, top + y, left + x, turned + y * ROW + x, ROW);
        for (int64_t y = 0; y < rows; y++) {
          const int64_t i = (top + y) * width + left;
          NAME(correct_row)(turned + y * ROW, 1, n, dark ? dark + i : dark, factor ? factor + i : factor, saturation,
                            out + i);
        }
      }
    NAME(correct_part)(frame, view, step, 0, tall, wide, width, dark, factor, saturation, out);
    NAME(correct_part)(frame, view, step, tall, height, 0, width, dark, factor, saturation, out);
  }
}

CLONES static void NAME(correct_both)(const PIXEL *frame, const ck_view *view, const WORK *dark, const WORK *factor,
                                      WORK saturation, OUT *out) {
  NAME(correct_view)(frame, view, dark, factor, saturation, out);
}

CLONES static void NAME(correct_dark)(const PIXEL *frame, const ck_view *view, const WORK *dark, WORK saturation,
                                      OUT *out) {
  NAME(correct_view)(frame, view, dark, 0, saturation, out);
}

CLONES static void NAME(correct_factor)(const PIXEL *frame, const ck_view *view, const WORK *factor, WORK saturation,
                                        OUT *out) {
  NAME(correct_view)(frame, view, 0, factor, saturation, out);
}

CLONES static void NAME(correct_none)(const PIXEL *frame, const ck_view *view, WORK saturation, OUT *out) {
  NAME(correct_view)(frame, view, 0, 0, saturation, out);
}

static void NAME(correct)(const PIXEL *frame, const ck_view *view, const void *dark, const void *factor,
                          double saturation, void *out) {
  // Rounded up, so that no pixel below the threshold reaches it.
  WORK limit = (WORK)saturation;
  if ((double)limit < saturation) limit = NEXT(limit);
  if (dark && factor) NAME(correct_both)(frame, view, dark, factor, limit, out);
  else if (dark) NAME(correct_dark)(frame, view, dark, limit, out);
  else if (factor) NAME(correct_factor)(frame, view, factor, limit, out);
  else NAME(correct_none)(frame, view, limit, out);
}

static void NAME(repair)(const PIXEL *frame, const ck_repair *repairs, int64_t count, const ck_source *sources,
                         double saturation, OUT *out) {
  for (int64_t k = 0; k < count; k++) {
    const ck_source *source = sources + repairs[k].first;
    double sum = 0;
    for (int64_t i = 0; i < repairs[k].count; i++) {
      double v = (double)frame[source[i].pixel];
      sum += v < saturation ? (v - source[i].dark) * source[i].factor : NAN;
    }
    out[repairs[k].target] = (OUT)(sum / (double)repairs[k].count);
  }
}

#define SUM_TYPE double
#define SUMS(function) NAME(function##_f64)
#include "Bins.h"

#ifdef NARROW
#define SUM_TYPE NARROW
#define SUMS(function) NAME(function##_32)
#include "Bins.h"
#undef NARROW
#else
static void NAME(add_bins_32)(const PIXEL *pixels, const ck_bins *bins, void *sums) {
  (void)pixels, (void)bins, (void)sums;
}
#endif

#undef CORRECTED
#undef NAME
#undef PIXEL
#undef WORK
#undef OUT
#undef NEXT
