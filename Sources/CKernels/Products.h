// Included by Weights.c once for weights in double and once in single precision: products of frames with weights.

typedef REAL NAME(window) __attribute__((vector_size(64), aligned(1), may_alias));

// Four frames, `stride` numbers apart, by four masks over a tile: sixteen independent sums, whose lanes are then added
// up. Fused on purpose: one rounding a product, on every CPU the same (where it has no such instruction, the C
// library's, which is slow).
CLONES static void NAME(product)(const REAL *frames, int64_t stride, const REAL *masks, double *work) {
  VECTOR sums[GROUP * GROUP] = {0};
  const int64_t step = sizeof(VECTOR) / sizeof(REAL);
  for (int64_t i = 0; i < TILE; i += step) {
    VECTOR weight[GROUP];
#pragma clang loop unroll(full)
    for (int m = 0; m < GROUP; m++) {
      weight[m] = *(const VECTOR *)(masks + m * TILE + i);
      // Weights of many masks come from the shared cache.
      __builtin_prefetch(masks + (WEIGHTS_AHEAD + m) * TILE + i, 0, 3);
    }
#pragma clang loop unroll(full)
    for (int f = 0; f < GROUP; f++) {
      VECTOR v = *(const NAME(window) *)(frames + f * stride + i);
#pragma clang loop unroll(full)
      for (int m = 0; m < GROUP; m++)
        sums[f * GROUP + m] = __builtin_elementwise_fma(weight[m], v, sums[f * GROUP + m]);
    }
  }
  eight *total = (eight *)work;
  ADD_UP(sums, total)
}

#define CONVERT(name, PIXEL, NUMBER)                                                                             \
  CLONES static void NAME(convert_##name)(const PIXEL *restrict pixel, int64_t count, REAL *restrict out) {      \
    for (int64_t i = 0; i < count; i++) out[i] = (REAL)NUMBER(pixel[i]);                                         \
  }
CONVERT(u8, uint8_t, )
CONVERT(u16, uint16_t, )
CONVERT(u16_swapped, uint16_t, __builtin_bswap16)
CONVERT(u32, uint32_t, )
CONVERT(i8, int8_t, )
CONVERT(i16, int16_t, )
CONVERT(i32, int32_t, )
CONVERT(f32, float, )
CONVERT(f64, double, )

// A tile of frames as REAL, with zeros behind its `part` pixels.
static void NAME(fill)(ck_type type, const void *frames, int64_t stride, int64_t frame_count, int64_t done,
                       int64_t part, REAL *tile) {
  for (int64_t f = 0; f < frame_count; f++) {
#define CALL(name)                                                      \
  {                                                                     \
    const pixel_t *pixel = (const pixel_t *)frames + f * stride + done; \
    ASK(pixel, part, TILE_AHEAD);                                       \
    NAME(convert_##name)(pixel, part, tile + f * TILE);                 \
  }
    DISPATCH(type, CALL)
#undef CALL
    for (int64_t i = part; i < TILE; i++) tile[f * TILE + i] = 0;
  }
}

static void NAME(weigh)(ck_type type, const void *frames, int64_t stride, int64_t frame_count, int64_t pixels,
                        const REAL *weights, int64_t mask_count, double *sums) {
  const int64_t frame_groups = (frame_count + GROUP - 1) / GROUP, mask_groups = (mask_count + GROUP - 1) / GROUP;
  const int64_t share = (TILE + mask_groups - 1) / mask_groups;
  REAL tile[CK_MOST_WEIGHED * TILE] __attribute__((aligned(64))) = {0};
  memset(sums, 0, (size_t)(frame_groups * mask_groups) * GROUP * GROUP * sizeof(double));
  for (int64_t done = 0; done < pixels; done += TILE, weights += mask_groups * GROUP * TILE) {
    const int64_t part = pixels - done < TILE ? pixels - done : TILE;
    // Pixels that are numbers of this kind are multiplied where they lie.
    const int in_place = type == OWN && part == TILE && frame_count % GROUP == 0;
    if (!in_place) NAME(fill)(type, frames, stride, frame_count, done, part, tile);
    const REAL *values = in_place ? (const REAL *)frames + done : tile;
    const int64_t step = in_place ? stride : TILE;
    // The tile stays in the first-level cache, or nearly, while the weights pass by once.
    for (int64_t m = 0; m < mask_groups; m++)
      for (int64_t f = 0; f < frame_groups; f++) {
        const REAL *four = values + f * GROUP * step;
        // A share of the next tile's lines at a time: all at once are more than a core waits for.
        for (int64_t i = 0; in_place && i < GROUP; i++) ASK(four + i * step + m * share, share, TILE_AHEAD);
        NAME(product)(four, step, weights + m * GROUP * TILE, sums + (f * mask_groups + m) * GROUP * GROUP);
      }
  }
}

#undef NAME
#undef REAL
#undef OWN
#undef VECTOR
#undef CONVERT
