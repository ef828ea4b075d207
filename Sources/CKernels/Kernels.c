#include "CKernels.h"

#include <math.h>
#include <string.h>

// One order of rounding on every CPU: no contraction to fused multiply-adds.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))
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

// Calls the function of the pixel type; `pixel_t` is that type inside the arguments.
#define DISPATCH(type, call)                                     \
  switch (type) {                                                \
    case ck_u8: { typedef uint8_t pixel_t; call(u8); break; }    \
    case ck_u16: { typedef uint16_t pixel_t; call(u16); break; } \
    case ck_u32: { typedef uint32_t pixel_t; call(u32); break; } \
    case ck_i8: { typedef int8_t pixel_t; call(i8); break; }     \
    case ck_i16: { typedef int16_t pixel_t; call(i16); break; }  \
    case ck_i32: { typedef int32_t pixel_t; call(i32); break; }  \
    case ck_f32: { typedef float pixel_t; call(f32); break; }    \
    case ck_f64: { typedef double pixel_t; call(f64); break; }   \
  }

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

// 256 pixels of four frames and four masks as doubles take 16 KiB of the first-level cache.
#define TILE CK_TILE
#define GROUP CK_GROUP
#define MOST_FRAMES 32
typedef double eight __attribute__((vector_size(64)));

// Four frames by four masks: sixteen independent sums of eight lanes each. Fused on purpose: one rounding a product, on
// every CPU the same (where it has no such instruction, the C library's, which is slow).
CLONES static void product(const double *frames, const double *masks, eight *work) {
  eight sums[GROUP][GROUP];
  memcpy(sums, work, sizeof sums);
  for (int64_t i = 0; i < TILE; i += 8) {
    eight weight[GROUP];
#pragma clang loop unroll(full)
    for (int m = 0; m < GROUP; m++) weight[m] = *(const eight *)(masks + m * TILE + i);
#pragma clang loop unroll(full)
    for (int f = 0; f < GROUP; f++) {
      eight v = *(const eight *)(frames + f * TILE + i);
#pragma clang loop unroll(full)
      for (int m = 0; m < GROUP; m++) sums[f][m] = __builtin_elementwise_fma(weight[m], v, sums[f][m]);
    }
  }
  memcpy(work, sums, sizeof sums);
}

void ck_weigh(ck_type type, const void *frames, int64_t frame_count, int64_t pixels, const double *weights,
              int64_t mask_count, double *products, double *work) {
  const int64_t frame_groups = (frame_count + GROUP - 1) / GROUP, mask_groups = (mask_count + GROUP - 1) / GROUP;
  double tile[MOST_FRAMES * TILE] __attribute__((aligned(64)));
  eight *sums = (eight *)work;
  memset(tile, 0, sizeof tile);
  memset(sums, 0, (size_t)(frame_groups * mask_groups) * GROUP * GROUP * sizeof(eight));
  for (int64_t done = 0; done < pixels; done += TILE, weights += mask_groups * GROUP * TILE) {
    int64_t part = pixels - done < TILE ? pixels - done : TILE;
    for (int64_t f = 0; f < frame_count; f++) {
#define CALL(name) convert_##name((const pixel_t *)frames + f * pixels + done, part, tile + f * TILE)
      DISPATCH(type, CALL)
#undef CALL
      for (int64_t i = part; i < TILE; i++) tile[f * TILE + i] = 0;
    }
    for (int64_t f = 0; f < frame_groups; f++)
      for (int64_t m = 0; m < mask_groups; m++)
        product(
          tile + f * GROUP * TILE, weights + m * GROUP * TILE, sums + (f * mask_groups + m) * GROUP * GROUP);
  }
  for (int64_t f = 0; f < frame_count; f++) {
    for (int64_t m = 0; m < mask_count; m++) {
      eight v = sums[((f / GROUP * mask_groups + m / GROUP) * GROUP + f % GROUP) * GROUP + m % GROUP];
      products[f * mask_count + m] = ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
    }
  }
}
