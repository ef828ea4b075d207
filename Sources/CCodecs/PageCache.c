#define _GNU_SOURCE
#include "CCodecs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

int ronchi_is_cached(int descriptor, int64_t offset) {
#ifdef RWF_NOWAIT
  char byte;
  struct iovec target = {&byte, 1};
  return preadv2(descriptor, &target, 1, (off_t)offset, RWF_NOWAIT) >= 0 || errno != EAGAIN;
#else
  return 1;
#endif
}

int ronchi_direct_flag(void) {
#ifdef O_DIRECT
  return O_DIRECT;
#else
  return 0;
#endif
}
