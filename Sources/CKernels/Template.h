// The loops for one pixel type; see Kernels.c for what must be defined. Undefines it all.

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
#undef TOTAL
#undef MASK
#undef FIELD
#undef FLUSH
#undef FAMILY
#undef MOST_BINNED
#undef ARITHMETIC
#undef NUMBER
#undef NUMBERS
