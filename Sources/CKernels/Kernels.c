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
// Measured: two pages for one frame; a few pieces for four.
#define RUN_AHEAD 8192
#define PIECE_AHEAD 2560
// Pixels of a piece.
#define PIECE (CK_PIECE / (int64_t)sizeof(PIXEL))
// Pixels whose values of several frames are mixed at a time: a multiple of 8.
#define MIXED 64

// Adds value(i) to the bin k[i] of each pixel i < part, in one of the copies a, b, c, d of the bins: neighbors are often
// in the same bin, and an addition must not wait for the one before.
#define ADD_TO_BINS(value)                                             \
  {                                                                    \
    int64_t i = 0;                                                     \
    for (; i + 4 <= part; i += 4) {                                    \
      a[k[i]] += value(i);                                             \
      b[k[i + 1]] += value(i + 1);                                     \
      c[k[i + 2]] += value(i + 2);                                     \
      d[k[i + 3]] += value(i + 3);                                     \
    }                                                                  \
    for (; i < part; i++) a[k[i]] += value(i);                         \
  }

typedef int8_t byte_bits __attribute__((vector_size(LANES)));
typedef int8_t byte_window __attribute__((vector_size(LANES), aligned(1), may_alias));
// 32 bytes from `prefix + LANES - n` on: n times −1, then zeros.
static const int8_t prefix[2 * LANES] = {
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, 0,
};

INLINE double square(double v) { return v * v; }

// For each pixel type: the lane type of a sum over few pixels, which also holds a pixel's square; the signed integer of the
// pixel's size; and how it is summed.

#define NAME(function) function##_u8
#define PIXEL uint8_t
#define WIDE uint32_t
#define MASK int8_t
#define FAMILY SMALL
#include "Template.h"

#define NAME(function) function##_u16
#define PIXEL uint16_t
#define WIDE uint32_t
#define MASK int16_t
#define FAMILY SMALL
#include "Template.h"

// Big-endian pixels of 16 bits, as Merlin files have them, on little-endian machines, or the other way round.
#define NAME(function) function##_u16_swapped
#define PIXEL uint16_t
#define WIDE uint32_t
#define MASK int16_t
#define FAMILY SMALL
#define NUMBER(pixel) __builtin_bswap16(pixel)
#define NUMBERS(pixels) ((pixels) << 8 | (pixels) >> 8)
#include "Template.h"

#define NAME(function) function##_u32
#define PIXEL uint32_t
#define WIDE uint64_t
#define MASK int32_t
#define FAMILY SPLIT
#include "Template.h"

#define NAME(function) function##_i8
#define PIXEL int8_t
#define WIDE int32_t
#define MASK int8_t
#define FAMILY SMALL
#include "Template.h"

#define NAME(function) function##_i16
#define PIXEL int16_t
#define WIDE int32_t
#define MASK int16_t
#define FAMILY SMALL
#include "Template.h"

#define NAME(function) function##_i32
#define PIXEL int32_t
#define WIDE int64_t
#define MASK int32_t
#define FAMILY SPLIT
#include "Template.h"

#define NAME(function) function##_f32
#define PIXEL float
#define WIDE double
#define MASK int32_t
#define FAMILY REAL
#include "Template.h"

#define NAME(function) function##_f64
#define PIXEL double
#define WIDE double
#define MASK int64_t
#define FAMILY REAL
#include "Template.h"

void ck_sum_runs(ck_type type, const void *frame, int64_t pixels, const ck_run *runs, const uint32_t *first,
                 const uint32_t *target, int64_t parts, int64_t targets, ck_sum *sums) {
#define CALL(name) sum_runs_##name((const pixel_t *)frame, pixels, runs, first, target, parts, targets, sums)
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

void ck_moments(ck_type type, const void *frame, int64_t pixels, const ck_run *runs, int64_t count, int64_t columns,
                ck_sum *sums, void *work) {
#define CALL(name) moments_##name((const pixel_t *)frame, pixels, runs, count, columns, sums, work)
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

void ck_accumulate(ck_type type, const void *frames, int64_t stride, int64_t count, int64_t pixels,
                   const ck_statistics *state, double saturation, ck_summary *summaries) {
#define CALL(name) accumulate_##name((const pixel_t *)frames, stride, count, pixels, state, saturation, summaries)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_settle(ck_type type, int64_t pixels, const ck_statistics *state) {
#define CALL(name) settle_##name(pixels, state)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_sum_bins(ck_type type, const void *frame, const ck_run *runs, int64_t count, const uint16_t *bin, int64_t bins,
                 ck_sum *sums, void *work) {
#define CALL(name) sum_bins_##name((const pixel_t *)frame, runs, count, bin, bins, sums, work)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_sum_bins_few(ck_type type, const void *frames, int64_t stride, int64_t frame_count, const ck_run *runs,
                     int64_t count, const uint16_t *bin, int64_t bins, ck_sum *sums, void *work) {
#define CALL(name)                                                                                            \
  if (frame_count == 8) sum_bins8_##name((const pixel_t *)frames, stride, runs, count, bin, bins, sums, work); \
  else sum_bins4_##name((const pixel_t *)frames, stride, runs, count, bin, bins, sums, work)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_spread_bins(ck_type type, const void *frame, const ck_run *runs, int64_t count, const uint16_t *bin,
                    int64_t bins, const double *means, double *spreads, double *work) {
#define CALL(name) spread_bins_##name((const pixel_t *)frame, runs, count, bin, bins, means, spreads, work)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_sum_count_bins(ck_type type, const void *frame, int64_t pixels, const uint16_t *bin, int64_t bins, ck_sum *sums,
                       uint64_t *counts, void *work) {
#define CALL(name) sum_count_bins_##name((const pixel_t *)frame, pixels, bin, bins, sums, counts, work)
  DISPATCH(type, CALL)
#undef CALL
}

void ck_sum_lists(ck_type type, const void *frame, const int32_t *offset, const uint32_t *first, int64_t lists,
                  double *sums) {
#define CALL(name) sum_lists_##name((const pixel_t *)frame, offset, first, lists, sums)
  DISPATCH(type, CALL)
#undef CALL
}

typedef double doubles __attribute__((vector_size(8 * sizeof(double))));
typedef int64_t longs __attribute__((vector_size(8 * sizeof(int64_t))));

CLONES void ck_circle_spans(double y, double x, double radius, int64_t first, int64_t end, int64_t columns,
                            ck_span *spans, uint8_t *doubtful) {
  const doubles zero = {0}, square = zero + radius * radius, width = zero + (double)columns, near = zero + 1e-6;
  const doubles steps = {0, 1, 2, 3, 4, 5, 6, 7};
  for (int64_t row = first; row < end; row += 8) {
    doubles down = (steps + (double)row) - y, rest = square - down * down;
    doubles half = __builtin_elementwise_sqrt(__builtin_elementwise_max(rest, zero));
    doubles a = x - half, b = x + half;
    doubles left = __builtin_elementwise_ceil(a), right = __builtin_elementwise_floor(b);
    // Distances from the next whole column inside; just outside of one they are nearly 1.
    doubles gap = left - a, other = b - right;
    longs open = (gap < near) | (gap > 1 - near) | (other < near) | (other > 1 - near);
    longs tangent = __builtin_elementwise_abs(rest) < near * square, inside = rest > zero;
    left = __builtin_elementwise_min(__builtin_elementwise_max(left, zero), width);
    right = __builtin_elementwise_min(__builtin_elementwise_max(right + 1, left), width);
    longs unsure = (open & inside) | tangent;
    longs from = __builtin_convertvector(left, longs) & inside, to = __builtin_convertvector(right, longs) & inside;
    const int count = end - row < 8 ? (int)(end - row) : 8;
    for (int i = 0; i < count; i++) {
      spans[row + i] = (ck_span){(int32_t)from[i], (int32_t)to[i]};
      doubtful[row + i] = (uint8_t)(unsure[i] & 1);
    }
  }
}

// The ring of one pixel, in double precision.
INLINE uint16_t ring_of(const ck_rings *rings, double down, double right) {
  double along = rings->a * down + rings->b * right, across = rings->c * down + rings->d * right;
  double r = sqrt(along * along + across * across);
  if (!(r < rings->outer) && !rings->closed) return (uint16_t)rings->rings;
  double ring = rings->width == 1 ? r : r / rings->outer * (double)rings->rings;
  return ring < (double)rings->rings ? (uint16_t)ring : (uint16_t)(rings->rings - 1);
}

typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t integers __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint16_t shorts __attribute__((vector_size(LANES * sizeof(uint16_t))));

// Single precision finds the ring of nearly every pixel; where it may be wrong, near the border of a ring, double
// precision decides.
CLONES void ck_ring_bins(const ck_rings *rings, int64_t rows, int64_t columns, uint16_t *bin) {
  const floats zero = {0};
  const floats scale = zero + (float)(rings->width == 1 ? 1 : (double)rings->rings / rings->outer);
  const floats end = zero + (float)rings->outer * scale[0], most = zero + (float)rings->rings;
  const floats b = zero + (float)rings->b, d = zero + (float)rings->d;
  const integers outside = (integers){0} + (int32_t)(rings->closed ? rings->rings - 1 : rings->rings);
  // Rounding of coordinates up to the detector's size, and of what is done with them.
  const double reach = fabs(rings->y) + fabs(rings->x) + (double)(rows + columns);
  const floats low = zero + ((float)(1e-6 * reach) * (scale[0] > 1 ? scale[0] : 1) + 1e-6f * most[0]), high = 1 - low;
  floats start;
  for (int i = 0; i < LANES; i++) start[i] = (float)i;
  for (int64_t y = 0; y < rows; y++, bin += columns) {
    const double down = (double)y - rings->y;
    const floats along = zero + (float)(rings->a * down), across = zero + (float)(rings->c * down);
    for (int64_t x = 0; x < columns; x += LANES) {
      const int count = columns - x < LANES ? (int)(columns - x) : LANES;
      floats right = start + (float)((double)x - rings->x), p = along + b * right, q = across + d * right;
      floats r = __builtin_elementwise_sqrt(p * p + q * q) * scale;
      integers whole = __builtin_convertvector(__builtin_elementwise_min(r, most), integers);
      floats rest = r - __builtin_convertvector(whole, floats), border = r - end;
      integers doubtful = (((rest < low) | (rest > high)) & (r < most)) | ((border < low) & (border > -low));
      integers inside = (r < end) & (r < most);
      shorts ring = __builtin_convertvector((whole & inside) | (outside & ~inside), shorts);
      if (__builtin_reduce_or(doubtful)) {
        for (int i = 0; i < count; i++) bin[x + i] = ring_of(rings, down, (double)(x + i) - rings->x);
      } else {
        memcpy(bin + x, &ring, (size_t)count * sizeof(uint16_t));
      }
    }
  }
}
