// The few loops over pixels that gain more than 15 % from run-time CPU dispatch. Every function takes the pixel type
// as an argument and knows all eight; integer results are exact, floating ones are summed in double precision in an
// order that follows from the arguments alone, so that every CPU gives the same bits.
#ifndef RONCHI_CKERNELS_H
#define RONCHI_CKERNELS_H

#include <stdint.h>

typedef enum { ck_u8, ck_u16, ck_u32, ck_i8, ck_i16, ck_i32, ck_f32, ck_f64, ck_u16_swapped } ck_type;

/// Consecutive pixels of one detector row.
typedef struct {
  uint32_t start;   ///< index of the first pixel in the frame
  uint32_t length;  ///< pixels, at least 1
  uint32_t y, x;    ///< row and column of the first pixel
} ck_run;

/// A sum over pixels: `integer` for integer pixel types (wraps beyond 63 bits), `real` for floating ones.
typedef union {
  int64_t integer;
  double real;
} ck_sum;

/// Up to so many targets, parts of few runs cost nothing.
enum { CK_FEW = 16 };

/// Sum over the runs of each of `parts` consecutive lists, added to `sums[target[part]]`; `targets`: how many sums.
/// `first[part] ..< first[part + 1]`: the runs of a part; `pixels`: pixels of the frame.
void ck_sum_runs(ck_type type, const void *frame, int64_t pixels, const ck_run *runs, const uint32_t *first,
                 const uint32_t *target, int64_t parts, int64_t targets, ck_sum *sums);

/// Sum over the pixels whose byte in `mask` is 255 (the others are 0).
ck_sum ck_sum_mask(ck_type type, const void *frame, int64_t pixels, const uint8_t *mask);

/// `sums[0]` Σ v, `sums[1]` Σ y·v, `sums[2]` Σ x·v over the runs, which come row by row. `columns`: of the detector;
/// `work`: at least `columns` + 64 values of 8 bytes.
void ck_moments(ck_type type, const void *frame, int64_t pixels, const ck_run *runs, int64_t count, int64_t columns,
                ck_sum sums[3], void *work);

typedef struct {
  ck_sum sum;
  double largest;  ///< NaN when any pixel is NaN
  int64_t bad;     ///< pixels of at least `saturation`, or not finite
} ck_summary;

/// Over the runs; `saturation`: +∞ for none.
ck_summary ck_summarize(ck_type type, const void *frame, const ck_run *runs, int64_t count, double saturation);

/// Running statistics of every pixel over frames. The meaning of `sum`, `square` and `high` depends on the type:
/// u8 i8 u16 i16: int64 Σv, uint64 Σv²; u32 i32: int64 Σv, uint64 Σ(v² mod 2³²), uint64 Σ⌊v²/2³²⌋;
/// f32 f64: doubles Σ(v − pivot) and Σ(v − pivot)², where `pivot` has a finite value for each pixel, of the pixels' type.
/// Pixels of 8 and 16 bits have 32-bit sums before these, zeros at first: `narrow_sum`, `narrow_square`, and for each
/// CK_PIECE bytes of a frame 8 bytes of `used`, a bound of Σv².
/// Without `square` (NULL) there are only sums and largest values; `used` counts frames.
typedef struct {
  void *sum, *square, *high, *pivot, *smallest, *largest, *narrow_sum, *narrow_square, *used;
} ck_statistics;

enum { CK_PIECE = 512 };

/// Adds `frame_count` frames that lie `stride` pixels apart, four at a time where there are so many: the state is then
/// read and written only once. `summaries`: of each frame, as `ck_summarize` makes them of all its pixels; NULL: none.
void ck_accumulate(ck_type type, const void *frames, int64_t stride, int64_t frame_count, int64_t pixels,
                   const ck_statistics *state, double saturation, ck_summary *summaries);

/// Moves the 32-bit sums into the others.
void ck_settle(ck_type type, int64_t pixels, const ck_statistics *state);

/// Adds every pixel of the runs to the sum of its bin. `bin`: of each pixel of the frame; `sums`: `bins` values,
/// overwritten; `work`: at least 4·`bins` values of 8 bytes.
void ck_sum_bins(ck_type type, const void *frame, const ck_run *runs, int64_t count, const uint16_t *bin, int64_t bins,
                 ck_sum *sums, void *work);

/// The same for four or eight frames that lie `stride` pixels apart: `sums[f * bins + bin]`; `work`, on a 64-byte
/// boundary: at least 4·`frame_count`·`bins` values of 8 bytes.
void ck_sum_bins_few(ck_type type, const void *frames, int64_t stride, int64_t frame_count, const ck_run *runs,
                     int64_t count, const uint16_t *bin, int64_t bins, ck_sum *sums, void *work);

/// Sums the squared distances of the pixels of every bin from `means[bin]` into `spreads[bin]`, which is overwritten;
/// `work`: at least 4·`bins` values.
void ck_spread_bins(ck_type type, const void *frame, const ck_run *runs, int64_t count, const uint16_t *bin,
                    int64_t bins, const double *means, double *spreads, double *work);

/// Like `ck_sum_bins` over all pixels of a frame, and counts the pixels of each bin. `work`: at least 8·`bins` values of
/// 8 bytes; `counts`: `bins` values, overwritten.
void ck_sum_count_bins(ck_type type, const void *frame, int64_t pixels, const uint16_t *bin, int64_t bins, ck_sum *sums,
                       uint64_t *counts, void *work);

/// Sums over lists of pixels: `sums[k]` = Σ frame[offset[i]] over `first[k] ..< first[k + 1]`.
void ck_sum_lists(ck_type type, const void *frame, const int32_t *offset, const uint32_t *first, int64_t lists,
                  double *sums);

/// Columns `first ..< end` of a row.
typedef struct {
  int32_t first, end;
} ck_span;

/// The columns of rows `first ..< end` of a detector that lie within `radius` of (y, x), at the rows' places in `spans`.
/// `doubtful`: 1 for rows where rounding could matter, whose span is only near.
void ck_circle_spans(double y, double x, double radius, int64_t first, int64_t end, int64_t columns, ck_span *spans,
                     uint8_t *doubtful);

/// Rings around a center: r = √((a·down + b·right)² + (c·down + d·right)²) with (down, right) = (y, x) − center.
typedef struct {
  double y, x;          ///< center [px]
  double a, b, c, d;    ///< 1, 0, 0, 1 for circles
  double outer, width;  ///< where the last ring ends, size of a ring [px]
  int64_t rings;        ///< pixels that belong to none get this number
  int64_t closed;       ///< not 0: the last ring holds everything beyond `outer`
} ck_rings;

/// The ring of every pixel of a frame of `rows` × `columns` into `bin`: min(rings − 1, ⌊r⌋) for width 1, otherwise
/// min(rings − 1, ⌊r / outer · rings⌋), as double precision gives it.
void ck_ring_bins(const ck_rings *rings, int64_t rows, int64_t columns, uint16_t *bin);

/// Pixels of a tile of weights; frames and masks that are multiplied together.
enum { CK_TILE = 256, CK_GROUP = 4, CK_MOST_WEIGHED = 32 };

/// The sums of `frame_count` frames (up to CK_MOST_WEIGHED, `stride` pixels apart) under `mask_count` weight patterns,
/// Σ weight·v. `weights`, on a 64-byte boundary: for each tile of pixels the CK_TILE weights of every mask, with zeros for
/// pixels and masks up to whole tiles and groups. `sums`, on a 64-byte boundary and overwritten: for each group of frames
/// and each group of masks CK_GROUP² values, those of the first frame first.
void ck_weigh(ck_type type, const void *frames, int64_t stride, int64_t frame_count, int64_t pixels,
              const double *weights, int64_t mask_count, double *sums);

/// The same with pixels and weights in single precision: each tile is summed in single, tiles are summed in double
/// precision.
void ck_weigh_single(ck_type type, const void *frames, int64_t stride, int64_t frame_count, int64_t pixels,
                     const float *weights, int64_t mask_count, double *sums);

#include "Correction.h"

#endif
