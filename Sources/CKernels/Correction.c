#include "CKernels.h"
#include "Dispatch.h"

#include <math.h>
#include <string.h>

// Pixels of a tile's side; of as many tiles as whole cache lines need; of the rows that are turned before they are
// corrected, so that all other memory is walked through in its order.
#define SIDE 8
#define GROUP 32
#define ROW 256

// Defines a function that brings the tile at (y, x) of a transposed view to `out`, whose rows are `stride` apart. Pixels of
// a column lie side by side in the frame, upwards or downwards. Shuffling the rows of the upper half into those of the
// lower half rotates the bits of a pixel's index by one; after three times rows are columns.
#define TURN_TILE(TYPE, name)                                                                                     \
  INLINE void name(const TYPE *frame, const ck_view *view, int64_t y, int64_t x, TYPE *out, int64_t stride) {     \
    typedef TYPE eight __attribute__((vector_size(SIDE * sizeof(TYPE))));                                         \
    eight rows[SIDE], next[SIDE];                                                                                 \
    const int upwards = view->down < 0;                                                                           \
    const TYPE *first = frame + view->start + y * view->down + x * view->right - (upwards ? SIDE - 1 : 0);        \
    for (int i = 0; i < SIDE; i++) memcpy(rows + i, first + i * view->right, sizeof(eight));                      \
    for (int round = 0; round < 3; round++) {                                                                     \
      for (int i = 0; i < SIDE / 2; i++) {                                                                        \
        next[2 * i] = __builtin_shufflevector(rows[i], rows[i + SIDE / 2], 0, 8, 1, 9, 2, 10, 3, 11);             \
        next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + SIDE / 2], 4, 12, 5, 13, 6, 14, 7, 15);       \
      }                                                                                                           \
      memcpy(rows, next, sizeof rows);                                                                            \
    }                                                                                                             \
    for (int i = 0; i < SIDE; i++) memcpy(out + i * stride, rows + (upwards ? SIDE - 1 - i : i), sizeof(eight));  \
  }

// For each pixel type: the type in which it is corrected, which holds every value of it, the type of corrected pixels,
// and that of exact 32-bit sums where they apply.

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
  DISPATCH_NATIVE(type, CALL)
#undef CALL
}

void ck_repair_pixels(ck_type type, const void *frame, const ck_repair *repairs, int64_t count, const ck_source *sources,
                      double saturation, void *out) {
#define CALL(name) repair_##name((const pixel_t *)frame, repairs, count, sources, saturation, out)
  DISPATCH_NATIVE(type, CALL)
#undef CALL
}

void ck_add_bins(ck_type type, const void *pixels, const ck_bins *bins, ck_type sum_type, void *sums) {
  if (sum_type == ck_f64) {
#define CALL(name) add_bins_f64_##name((const pixel_t *)pixels, bins, sums)
    DISPATCH_NATIVE(type, CALL)
#undef CALL
  } else {
#define CALL(name) add_bins_32_##name((const pixel_t *)pixels, bins, sums)
    DISPATCH_NATIVE(type, CALL)
#undef CALL
  }
}

#define COPY_VIEW(type, name)                                                                                     \
  TURN_TILE(type, name##_tile)                                                                                    \
  INLINE void name##_part(const type *frame, const ck_view *view, int64_t step, int64_t top, int64_t bottom,      \
                          int64_t left, int64_t right, type *restrict out) {                                      \
    for (int64_t y = top; y < bottom; y++) {                                                                      \
      const type *restrict in = frame + view->start + y * view->down;                                             \
      for (int64_t x = left; x < right; x++) out[y * view->width + x] = in[x * step];                             \
    }                                                                                                             \
  }                                                                                                               \
  CLONES static void name(const type *frame, const ck_view *view, type *out) {                                    \
    const int64_t width = view->width, height = view->height, step = view->right;                                 \
    if (step == 1) {                                                                                              \
      name##_part(frame, view, 1, 0, height, 0, width, out);                                                      \
    } else if (step == -1) {                                                                                      \
      name##_part(frame, view, -1, 0, height, 0, width, out);                                                     \
    } else {                                                                                                      \
      const int64_t wide = width / SIDE * SIDE, tall = height / SIDE * SIDE;                                      \
      for (int64_t left = 0; left < wide; left += GROUP)                                                          \
        for (int64_t y = 0; y < tall; y += SIDE)                                                                  \
          for (int64_t x = left; x < wide && x < left + GROUP; x += SIDE)                                         \
            name##_tile(frame, view, y, x, out + y * width + x, width);                                           \
      name##_part(frame, view, step, 0, tall, wide, width, out);                                                  \
      name##_part(frame, view, step, tall, height, 0, width, out);                                                \
    }                                                                                                             \
  }

COPY_VIEW(uint8_t, copy_1)
COPY_VIEW(uint16_t, copy_2)
COPY_VIEW(uint32_t, copy_4)
COPY_VIEW(uint64_t, copy_8)

void ck_narrow_view(const double *frame, const ck_view *view, float *out) {
  for (int64_t y = 0; y < view->height; y++)
    for (int64_t x = 0; x < view->width; x++)
      out[y * view->width + x] = (float)frame[view->start + y * view->down + x * view->right];
}

void ck_copy_view(int64_t size, const void *frame, const ck_view *view, void *out) {
  switch (size) {
    case 1: copy_1(frame, view, out); break;
    case 2: copy_2(frame, view, out); break;
    case 4: copy_4(frame, view, out); break;
    case 8: copy_8(frame, view, out); break;
  }
}
