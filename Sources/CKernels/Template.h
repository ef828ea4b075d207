// The loops for one pixel type; see Kernels.c for what must be defined. Undefines it all.

// The type of a sum over many pixels, and its member of ck_sum; after how many windows WIDE lanes may overflow, and how
// many pixels of a bin fit one.
#if FAMILY == REAL
#define TOTAL double
#define FIELD real
#else
#define TOTAL int64_t
#define FIELD integer
#endif
#if FAMILY == SMALL
#define FLUSH 65536
#define MOST_BINNED 65536
#else
#define FLUSH INT64_MAX
#define MOST_BINNED INT64_MAX
#endif

// A pixel, and a vector of them, as numbers: where the file's byte order is another than this machine's, not as they lie.
#ifndef NUMBER
#define NUMBER(pixel) (pixel)
#define NUMBERS(pixels) (pixels)
#endif

#include "Sums.h"
#include "Statistics.h"

#undef NAME
#undef PIXEL
#undef WIDE
#undef MASK
#undef FAMILY
#undef TOTAL
#undef FIELD
#undef FLUSH
#undef MOST_BINNED
#undef NUMBER
#undef NUMBERS
