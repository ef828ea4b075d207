#include "CKernels.h"
#include "Dispatch.h"

#include <math.h>
#include <string.h>

// Integers and NaN: x != x is meant.
#pragma clang diagnostic ignored "-Wtautological-compare"

// Pixels of a window. Fixed, so that floating sums have the same lanes on every CPU.
#define LANES 32
#define SMALL 1
#define SPLIT 2
#define REAL 3
#define LOW 0xffffffffu
// Pixels of four frames that fit the first-level cache.
#define PIECE 2048

typedef int8_t byte_bits __attribute__((vector_size(LANES)));
typedef int8_t byte_window __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef struct {
  double high, low;
} pair;

// 32 bytes from `prefix + LANES - n` on: n times −1, then zeros.
static const int8_t prefix[2 * LANES] = {
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, 0,
};

// Knuth's two-sum: a + b = high + low exactly.
INLINE pair add(pair a, double value, double low) {
  double sum = a.high + value, part = sum - a.high;
  return (pair){sum, a.low + (((a.high - (sum - part)) + (value - part)) + low)};
}

// The square of a float is exact in double.
INLINE pair add_exact_square(pair a, double v) { return add(a, v * v, 0); }

// Dekker's product, v² = high + low exactly, without a fused multiply-add, which not every CPU has.
INLINE pair add_split_square(pair a, double v) {
  double wide = 134217729.0 * v, head = wide - (wide - v), tail = v - head, square = v * v;
  double low = ((head * head - square) + 2 * head * tail) + tail * tail;
  return add(a, square, low == low ? low : 0);  // the splitting overflows beyond 1e300
}

// For each pixel type: the lane type of a sum over few pixels and after how many windows it may overflow; the type of
// a sum over many, and its member of ck_sum; the signed integer of the pixel's size; how squares are summed.

#define NAME(function) function##_u8
#define PIXEL uint8_t
#define WIDE uint32_t
#define TOTAL int64_t
#define MASK int8_t
#define FIELD integer
#define FLUSH 65536
#define FAMILY SMALL
#define ARITHMETIC uint32_t
#define STATE int64_t
#define SQUARES uint64_t
#include "Template.h"

#define NAME(function) function##_u16
#define PIXEL uint16_t
#define WIDE uint32_t
#define TOTAL int64_t
#define MASK int16_t
#define FIELD integer
#define FLUSH 65536
#define FAMILY SMALL
#define ARITHMETIC uint32_t
#define STATE int64_t
#define SQUARES uint64_t
#include "Template.h"

#define NAME(function) function##_u32
#define PIXEL uint32_t
#define WIDE uint64_t
#define TOTAL int64_t
#define MASK int32_t
#define FIELD integer
#define FLUSH INT64_MAX
#define FAMILY SPLIT
#define ARITHMETIC uint64_t
#define STATE int64_t
#define SQUARES uint64_t
#include "Template.h"

#define NAME(function) function##_i8
#define PIXEL int8_t
#define WIDE int32_t
#define TOTAL int64_t
#define MASK int8_t
#define FIELD integer
#define FLUSH 65536
#define FAMILY SMALL
#define ARITHMETIC int32_t
#define STATE int64_t
#define SQUARES uint64_t
#include "Template.h"

#define NAME(function) function##_i16
#define PIXEL int16_t
#define WIDE int32_t
#define TOTAL int64_t
#define MASK int16_t
#define FIELD integer
#define FLUSH 65536
#define FAMILY SMALL
#define ARITHMETIC int32_t
#define STATE int64_t
#define SQUARES uint64_t
#include "Template.h"

#define NAME(function) function##_i32
#define PIXEL int32_t
#define WIDE int64_t
#define TOTAL int64_t
#define MASK int32_t
#define FIELD integer
#define FLUSH INT64_MAX
#define FAMILY SPLIT
#define ARITHMETIC int64_t
#define STATE int64_t
#define SQUARES uint64_t
#include "Template.h"

#define NAME(function) function##_f32
#define PIXEL float
#define WIDE double
#define TOTAL double
#define MASK int32_t
#define FIELD real
#define FLUSH INT64_MAX
#define FAMILY REAL
#define ARITHMETIC double
#define STATE pair
#define SQUARES pair
#define SQUARE add_exact_square
#include "Template.h"

#define NAME(function) function##_f64
#define PIXEL double
#define WIDE double
#define TOTAL double
#define MASK int64_t
#define FIELD real
#define FLUSH INT64_MAX
#define FAMILY REAL
#define ARITHMETIC double
#define STATE pair
#define SQUARES pair
#define SQUARE add_split_square
#include "Template.h"

void ck_sum_runs(ck_type type, const void *frame, int64_t pixels, const ck_run *runs, const uint32_t *first,
                 const uint32_t *target, int64_t parts, ck_sum *sums) {
#define CALL(name) sum_runs_##name((const pixel_t *)frame, pixels, runs, first, target, parts, sums)
  DISPATCH(type, CALL)
#undef CALL
}

ck_sum ck_sum_mask(ck_type type, const void *frame, int64_t pixels, const uint8_t *mask) {
  ck_sum result = {0};
#define CALL(name) result = sum_mask_##name((const pixel_t *)frame, pixels, mask)
  DISPATCH(type, CALL)
#undef CALL
  return result;
}

void ck_moments(ck_type type, const void *frame, int64_t pixels, const ck_run *runs, int64_t count, ck_sum *sums) {
#define CALL(name) moments_##name((const pixel_t *)frame, pixels, runs, count, sums)
  DISPATCH(type, CALL)
#undef CALL
}

ck_summary ck_summarize(ck_type type, const void *frame, const ck_run *runs, int64_t count, double saturation) {
  ck_summary result = {{0}, NAN, 0};
#define CALL(name) result = summarize_##name((const pixel_t *)frame, runs, count, saturation)
  DISPATCH(type, CALL)
#undef CALL
  return result;
}

void ck_accumulate(ck_type type, const void *frames, int64_t count, int64_t pixels, const ck_statistics *state) {
#define CALL(name) accumulate_##name((const pixel_t *)frames, count, pixels, state)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_sum_bins(ck_type type, const void *frame, const ck_run *runs, int64_t count, const uint16_t *bin, int64_t bins,
                 ck_sum *sums, void *work) {
#define CALL(name) sum_bins_##name((const pixel_t *)frame, runs, count, bin, bins, sums, work)
  DISPATCH(type, CALL)
#undef CALL
}

// 512 pixels of four frames as doubles take 16 KiB of the first-level cache.
#define TILE 512
#define MOST_FRAMES 16
typedef double eight __attribute__((vector_size(64)));
typedef double eight_unaligned __attribute__((vector_size(64), aligned(8), may_alias));

INLINE double reduce_eight(const eight *lanes) {
  eight v = *lanes;
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// Four frames by two masks: eight independent sums.
CLONES static void product(const double *frames, const double *one, const double *two, int64_t count, double *out) {
  eight a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, b0 = {0}, b1 = {0}, b2 = {0}, b3 = {0};
  for (int64_t i = 0; i < count; i += 8) {
    eight p = *(const eight_unaligned *)(one + i), q = *(const eight_unaligned *)(two + i);
    eight v = *(const eight_unaligned *)(frames + i);
    a0 += p * v, b0 += q * v;
    v = *(const eight_unaligned *)(frames + TILE + i);
    a1 += p * v, b1 += q * v;
    v = *(const eight_unaligned *)(frames + 2 * TILE + i);
    a2 += p * v, b2 += q * v;
    v = *(const eight_unaligned *)(frames + 3 * TILE + i);
    a3 += p * v, b3 += q * v;
  }
  out[0] = reduce_eight(&a0), out[1] = reduce_eight(&b0), out[2] = reduce_eight(&a1), out[3] = reduce_eight(&b1);
  out[4] = reduce_eight(&a2), out[5] = reduce_eight(&b2), out[6] = reduce_eight(&a3), out[7] = reduce_eight(&b3);
}

void ck_weigh(ck_type type, const void *frames, int64_t frame_count, int64_t pixels, const double *weights,
              int64_t mask_count, double *products) {
  const int64_t stride = (pixels + 7) / 8 * 8;
  double tile[MOST_FRAMES * TILE] __attribute__((aligned(64))), out[8];
  memset(products, 0, (size_t)(frame_count * mask_count) * sizeof(double));
  memset(tile, 0, sizeof tile);
  for (int64_t done = 0; done < pixels; done += TILE) {
    int64_t part = pixels - done < TILE ? pixels - done : TILE, padded = (part + 7) / 8 * 8;
    for (int64_t f = 0; f < frame_count; f++) {
#define CALL(name) convert_##name((const pixel_t *)frames + f * pixels + done, part, tile + f * TILE)
      DISPATCH(type, CALL)
#undef CALL
      for (int64_t i = part; i < padded; i++) tile[f * TILE + i] = 0;
    }
    for (int64_t f = 0; f < frame_count; f += 4) {
      for (int64_t m = 0; m < mask_count; m += 2) {
        const double *one = weights + m * stride + done;
        int64_t two = m + 1 < mask_count;
        product(tile + f * TILE, one, one + two * stride, padded, out);
        for (int64_t k = 0; k < 4 && f + k < frame_count; k++) {
          products[(f + k) * mask_count + m] += out[2 * k];
          if (two) products[(f + k) * mask_count + m + 1] += out[2 * k + 1];
        }
      }
    }
  }
}
