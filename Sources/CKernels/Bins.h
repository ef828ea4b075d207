// Included for each type of sums (Views.h): the sum over bins of pixels.

INLINE void SUMS(add_row)(const PIXEL *restrict pixel, int64_t n, int64_t width, SUM_TYPE *restrict sum) {
  for (int64_t i = 0; i < n; i++) {
    SUM_TYPE part = (SUM_TYPE)pixel[i * width];
    for (int64_t j = 1; j < width; j++) part += (SUM_TYPE)pixel[i * width + j];
    sum[i] += part;
  }
}

CLONES static void SUMS(add_bins)(const PIXEL *pixels, const ck_bins *bins, SUM_TYPE *sums) {
  const int64_t width = bins->bin_width, n = bins->width / width;
  for (int64_t y = 0; y < bins->height; y++) {
    const PIXEL *row = pixels + y * bins->stride;
    SUM_TYPE *sum = sums + y / bins->bin_height * n;
    // The usual widths as constants, for which the compiler has no inner loop.
    if (width == 1) SUMS(add_row)(row, n, 1, sum);
    else if (width == 2) SUMS(add_row)(row, n, 2, sum);
    else if (width == 4) SUMS(add_row)(row, n, 4, sum);
    else SUMS(add_row)(row, n, width, sum);
  }
}

#undef SUM_TYPE
#undef SUMS
