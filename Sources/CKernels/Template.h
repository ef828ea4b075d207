// The loops for one pixel type; see Kernels.c for what must be defined. Undefines it all.
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
