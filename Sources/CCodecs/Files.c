#define _GNU_SOURCE
#include "CCodecs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

int ronchi_is_cached(int descriptor, int64_t offset) {
#ifdef RWF_NOWAIT
  char byte;
  struct iovec target = {&byte, 1};
  if (preadv2(descriptor, &target, 1, (off_t)offset, RWF_NOWAIT) >= 0) return 1;
  return errno == EAGAIN ? 0 : -1;
#else
  return -1;
#endif
}

int ronchi_direct_flag(void) {
#ifdef O_DIRECT
  return O_DIRECT;
#else
  return 0;
#endif
}

uint64_t ronchi_sum(const void *bytes, int64_t count) {
  const uint64_t *words = bytes;
  uint64_t lanes[8] = {0}, sum = 0;
  for (int64_t i = 0; i + 8 <= count / 8; i += 8)
    for (int lane = 0; lane < 8; lane++) lanes[lane] += words[i + lane];
  for (int lane = 0; lane < 8; lane++) sum += lanes[lane];
  return sum;
}
