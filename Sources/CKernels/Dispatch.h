// What every file of loops needs: one order of rounding, versions for the CPUs, lines asked for ahead, the pixel types.
#ifndef RONCHI_DISPATCH_H
#define RONCHI_DISPATCH_H

// One order of rounding on every CPU: no contraction to fused multiply-adds.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

// Asks for every line of memory under `length` pixels that lie `distance` bytes further on. CPUs stop to fetch ahead by
// themselves at the end of a page, and where masks jump over pixels or several frames are read at a time.
#define ASK(pixel, length, distance)                                                                             \
  for (uintptr_t line = (uintptr_t)(pixel) & ~(uintptr_t)63; line < (uintptr_t)((pixel) + (length)); line += 64) \
    __builtin_prefetch((const char *)line + (distance), 0, 3)

#define INLINE static inline __attribute__((always_inline))

// Calls the function of the pixel type; `pixel_t` is that type inside the arguments.
#define PIXELS(type) typedef type pixel_t __attribute__((unused))
#define CASE(type, pixel, call, name) case type: { PIXELS(pixel); call(name); break; }
#define NATIVE_CASES(call)              \
  CASE(ck_u8, uint8_t, call, u8)        \
  CASE(ck_u16, uint16_t, call, u16)     \
  CASE(ck_u32, uint32_t, call, u32)     \
  CASE(ck_i8, int8_t, call, i8)         \
  CASE(ck_i16, int16_t, call, i16)      \
  CASE(ck_i32, int32_t, call, i32)      \
  CASE(ck_f32, float, call, f32)        \
  CASE(ck_f64, double, call, f64)
#define DISPATCH(type, call) \
  switch (type) { NATIVE_CASES(call) CASE(ck_u16_swapped, uint16_t, call, u16_swapped) }
// Callers have no pixels in the other byte order; nothing happens for them.
#define DISPATCH_NATIVE(type, call) \
  switch (type) { NATIVE_CASES(call) case ck_u16_swapped: break; }

#endif
