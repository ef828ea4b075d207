// What every file of loops needs: one order of rounding, versions for the CPUs, the choice of the pixel type.
#ifndef RONCHI_DISPATCH_H
#define RONCHI_DISPATCH_H

// One order of rounding on every CPU: no contraction to fused multiply-adds.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))

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

#endif
