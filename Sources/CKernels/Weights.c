#include "CKernels.h"
#include "Dispatch.h"

#include <string.h>

#define GROUP CK_GROUP
#define TILE CK_TILE
// Measured: in bytes, and in masks.
#define TILE_AHEAD 1024
#define WEIGHTS_AHEAD (2 * GROUP)

typedef double eight __attribute__((vector_size(64)));
typedef float sixteen __attribute__((vector_size(64)));

// Sums of the lanes of a and b, two by two: of one half of the lanes and the other, of each half the same, and so on
// until neighbors are added. Sums of a come before those of b.
#define LANES(...) __VA_ARGS__
#define FOLD(a, b, low, high) (__builtin_shufflevector(a, b, low) + __builtin_shufflevector(a, b, high))

#define NAME(function) function##_double
#define REAL double
#define OWN ck_f64
#define VECTOR eight
#define FOLD4(a, b) FOLD(a, b, LANES(0, 1, 2, 3, 8, 9, 10, 11), LANES(4, 5, 6, 7, 12, 13, 14, 15))
#define FOLD2(a, b) FOLD(a, b, LANES(0, 1, 4, 5, 8, 9, 12, 13), LANES(2, 3, 6, 7, 10, 11, 14, 15))
#define FOLD1(a, b) FOLD(a, b, LANES(0, 2, 4, 6, 8, 10, 12, 14), LANES(1, 3, 5, 7, 9, 11, 13, 15))
// The sums of the lanes of sixteen vectors, which are overwritten, added to the sixteen values of `total`.
#define ADD_UP(sums, total)                                                             \
  for (int i = 0; i < 8; i++) sums[i] = FOLD4(sums[2 * i], sums[2 * i + 1]);            \
  for (int i = 0; i < 4; i++) sums[i] = FOLD2(sums[2 * i], sums[2 * i + 1]);            \
  for (int i = 0; i < 2; i++) total[i] += FOLD1(sums[2 * i], sums[2 * i + 1]);
#include "Products.h"
#undef FOLD4
#undef FOLD2
#undef FOLD1
#undef ADD_UP

#define NAME(function) function##_single
#define REAL float
#define OWN ck_f32
#define VECTOR sixteen
#define FOLD8(a, b)                                              \
  FOLD(a, b, LANES(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), \
       LANES(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define FOLD4(a, b)                                              \
  FOLD(a, b, LANES(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27), \
       LANES(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#define FOLD2(a, b)                                              \
  FOLD(a, b, LANES(0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29), \
       LANES(2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))
#define FOLD1(a, b)                                              \
  FOLD(a, b, LANES(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), \
       LANES(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))
#define ADD_UP(sums, total)                                                                              \
  for (int i = 0; i < 8; i++) sums[i] = FOLD8(sums[2 * i], sums[2 * i + 1]);                             \
  for (int i = 0; i < 4; i++) sums[i] = FOLD4(sums[2 * i], sums[2 * i + 1]);                             \
  for (int i = 0; i < 2; i++) sums[i] = FOLD2(sums[2 * i], sums[2 * i + 1]);                             \
  sums[0] = FOLD1(sums[0], sums[1]);                                                                     \
  total[0] += __builtin_convertvector(__builtin_shufflevector(sums[0], sums[0], 0, 1, 2, 3, 4, 5, 6, 7), eight); \
  total[1] += __builtin_convertvector(__builtin_shufflevector(sums[0], sums[0], 8, 9, 10, 11, 12, 13, 14, 15), eight);
#include "Products.h"

void ck_weigh(ck_type type, const void *frames, int64_t stride, int64_t frame_count, int64_t pixels,
              const double *weights, int64_t mask_count, double *sums) {
  weigh_double(type, frames, stride, frame_count, pixels, weights, mask_count, sums);
}

void ck_weigh_single(ck_type type, const void *frames, int64_t stride, int64_t frame_count, int64_t pixels,
                     const float *weights, int64_t mask_count, double *sums) {
  weigh_single(type, frames, stride, frame_count, pixels, weights, mask_count, sums);
}
