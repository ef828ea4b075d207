#include "CKernels.h"
#include "Dispatch.h"

#include <math.h>
#include <string.h>

// Pixels of a tile's side.
#define TILE 16

// For each pixel type: the type in which it is corrected, which holds every value of it, the type of corrected pixels,
// and that of exact sums of 32 bits where they are of use.

#define NAME(function) function##_u8
#define PIXEL uint8_t
#define WORK float
#define OUT float
#define NEXT(v) nextafterf(v, INFINITY)
#define NARROW uint32_t
#include "Views.h"

#define NAME(function) function##_u16
#define PIXEL uint16_t
#define WORK float
#define OUT float
#define NEXT(v) nextafterf(v, INFINITY)
#define NARROW uint32_t
#include "Views.h"

#define NAME(function) function##_u32
#define PIXEL uint32_t
#define WORK double
#define OUT float
#define NEXT(v) nextafter(v, INFINITY)
#include "Views.h"

#define NAME(function) function##_i8
#define PIXEL int8_t
#define WORK float
#define OUT float
#define NEXT(v) nextafterf(v, INFINITY)
#define NARROW int32_t
#include "Views.h"

#define NAME(function) function##_i16
#define PIXEL int16_t
#define WORK float
#define OUT float
#define NEXT(v) nextafterf(v, INFINITY)
#define NARROW int32_t
#include "Views.h"

#define NAME(function) function##_i32
#define PIXEL int32_t
#define WORK double
#define OUT float
#define NEXT(v) nextafter(v, INFINITY)
#include "Views.h"

#define NAME(function) function##_f32
#define PIXEL float
#define WORK float
#define OUT float
#define NEXT(v) nextafterf(v, INFINITY)
#include "Views.h"

#define NAME(function) function##_f64
#define PIXEL double
#define WORK double
#define OUT double
#define NEXT(v) nextafter(v, INFINITY)
#include "Views.h"

void ck_correct(ck_type type, const void *frame, const ck_view *view, const void *dark, const void *factor,
                double saturation, void *out) {
#define CALL(name) correct_##name((const pixel_t *)frame, view, dark, factor, saturation, out)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_repair_pixels(ck_type type, const void *frame, const ck_repair *repairs, int64_t count, const ck_source *sources,
                      double saturation, void *out) {
#define CALL(name) repair_##name((const pixel_t *)frame, repairs, count, sources, saturation, out)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_add_bins(ck_type type, const void *pixels, const ck_bins *bins, ck_type sum_type, void *sums) {
  if (sum_type == ck_f64) {
#define CALL(name) add_bins_f64_##name((const pixel_t *)pixels, bins, sums)
    DISPATCH(type, CALL)
#undef CALL
  } else {
#define CALL(name) add_bins_32_##name((const pixel_t *)pixels, bins, sums)
    DISPATCH(type, CALL)
#undef CALL
  }
}

#define COPY_VIEW(name, from, to)                                                                                  \
  INLINE void name##_rows(const from *frame, const ck_view *view, to *out, int64_t right) {                        \
    for (int64_t top = 0; top < view->height; top += TILE)                                                         \
      for (int64_t left = 0; left < view->width; left += right == 1 || right == -1 ? view->width : TILE) {         \
        int64_t bottom = top + TILE < view->height ? top + TILE : view->height;                                    \
        int64_t n = view->width - left;                                                                            \
        if (right != 1 && right != -1 && n > TILE) n = TILE;                                                       \
        for (int64_t y = top; y < bottom; y++) {                                                                   \
          const from *in = frame + view->start + y * view->down + left * right;                                    \
          to *restrict row = out + y * view->width + left;                                                         \
          for (int64_t x = 0; x < n; x++) row[x] = (to)in[x * right];                                              \
        }                                                                                                          \
      }                                                                                                            \
  }                                                                                                                \
  CLONES static void name(const from *frame, const ck_view *view, to *out) {                                       \
    if (view->right == 1) name##_rows(frame, view, out, 1);                                                        \
    else if (view->right == -1) name##_rows(frame, view, out, -1);                                                 \
    else name##_rows(frame, view, out, view->right);                                                               \
  }

COPY_VIEW(copy_1, uint8_t, uint8_t)
COPY_VIEW(copy_2, uint16_t, uint16_t)
COPY_VIEW(copy_4, uint32_t, uint32_t)
COPY_VIEW(copy_8, uint64_t, uint64_t)
COPY_VIEW(narrow, double, float)

void ck_copy_view(int64_t size, const void *frame, const ck_view *view, void *out) {
  switch (size) {
    case 1: copy_1(frame, view, out); break;
    case 2: copy_2(frame, view, out); break;
    case 4: copy_4(frame, view, out); break;
    case 8: copy_8(frame, view, out); break;
  }
}

void ck_narrow_view(const double *frame, const ck_view *view, float *out) { narrow(frame, view, out); }
