// Loops that turn the frames of a file into corrected ones (Sources/Preprocessing). Elementwise, or summed in an order
// that follows from the arguments alone: every CPU gives the same bits.
#ifndef RONCHI_CORRECTION_H
#define RONCHI_CORRECTION_H

#include <stdint.h>

/// A frame seen through a window, perhaps reversed or transposed: its pixel (y, x) is `frame[start + y·down + x·right]`.
typedef struct {
  int64_t start, down, right;
  int64_t height, width;
} ck_view;

/// Copies the pixels of a view, `size` bytes each (1, 2, 4, 8), row-major.
void ck_copy_view(int64_t size, const void *frame, const ck_view *view, void *out);

/// The doubles of a view, rounded to floats.
void ck_narrow_view(const double *frame, const ck_view *view, float *out);

/// out = (v − dark)·factor over a view; NaN where v ≥ `saturation`. `dark`, `factor`: row-major like `out`, NULL for 0 and
/// 1; doubles for u32 i32 f64, floats for the other types. `out`: doubles for f64, else floats.
void ck_correct(ck_type type, const void *frame, const ck_view *view, const void *dark, const void *factor,
                double saturation, void *out);

/// A pixel of the frame, and how it is corrected.
typedef struct {
  double dark, factor;
  int64_t pixel;
} ck_source;

/// A pixel of `out` that takes the mean of corrected pixels of the frame: sources `first ..< first + count`.
typedef struct {
  int64_t target, first, count;
} ck_repair;

/// `out`, `saturation` as for `ck_correct`.
void ck_repair_pixels(ck_type type, const void *frame, const ck_repair *repairs, int64_t count, const ck_source *sources,
                      double saturation, void *out);

/// Adds the sum over every bin to `sums`, row-major. `stride`: from row to row of `pixels`; `height`, `width`: whole
/// bins. `sum_type`: ck_u32 for u8 and u16, ck_i32 for i8 and i16, ck_f64 for all.
typedef struct {
  int64_t stride, height, width, bin_height, bin_width;
} ck_bins;
void ck_add_bins(ck_type type, const void *pixels, const ck_bins *bins, ck_type sum_type, void *sums);

#endif
