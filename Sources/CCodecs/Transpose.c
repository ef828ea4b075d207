#include "CCodecs.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint64_t Words __attribute__((vector_size(16)));

INLINE Bytes load(const uint8_t *from) {
  Bytes value;
  memcpy(&value, from, sizeof value);
  return value;
}

// Exchanges the bits of `a` that `mask` selects, moved up by `shift`, with those of `b`.
INLINE void exchange(Bytes *a, Bytes *b, int shift, uint64_t mask) {
  Words high = (Words)*a, low = (Words)*b;
  Words changed = ((high >> shift) ^ low) & (Words){mask, mask};
  *b = (Bytes)(low ^ changed);
  *a = (Bytes)(high ^ (changed << shift));
}

// 16 bit matrices of 8 × 8, one a lane: bit i of row[b] becomes bit b of row[i].
INLINE void transposeBits(Bytes row[8]) {
  for (int i = 0; i < 4; i++) exchange(&row[i], &row[i + 4], 4, 0x0f0f0f0f0f0f0f0full);
  for (int i = 0; i < 8; i++)
    if (!(i & 2)) exchange(&row[i], &row[i + 2], 2, 0x3333333333333333ull);
  for (int i = 0; i < 8; i += 2) exchange(&row[i], &row[i + 1], 1, 0x5555555555555555ull);
}

// Moves the highest bit of a byte's index in `rows` registers to the lowest place.
INLINE void rotateIndex(const Bytes *in, Bytes *out, int rows) {
  for (int a = 0; a < rows / 2; a++) {
    Bytes first = in[a], second = in[a + rows / 2];
    out[2 * a] = __builtin_shufflevector(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    out[2 * a + 1] =
        __builtin_shufflevector(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
}

// Rows of 16 bytes (row, lane) to (lane, row); `rows` is a power of two.
INLINE void transposeBytes(Bytes *row, uint8_t *out, int rows) {
  Bytes other[64], *from = row, *to = other;
#pragma unroll
  for (int rest = rows; rest > 1; rest /= 2) {
    rotateIndex(from, to, rows);
    Bytes *swap = from;
    from = to;
    to = swap;
  }
  memcpy(out, from, (size_t)rows * sizeof *from);
}

// The same for one group of eight elements.
INLINE void untransposeGroup(const uint8_t *in, uint8_t *out, size_t groups, int size) {
  for (int k = 0; k < size; k++) {
    uint64_t x = 0, t;
    for (int b = 0; b < 8; b++) x |= (uint64_t)in[(size_t)(8 * k + b) * groups] << (8 * b);
    t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aaull;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000cccc0000ccccull;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0ull;
    x ^= t ^ (t << 28);
    for (int i = 0; i < 8; i++) out[i * size + k] = (uint8_t)(x >> (8 * i));
  }
}

INLINE void bitUntranspose(const uint8_t *in, uint8_t *out, size_t elements, int size) {
  size_t groups = elements / 8, j = 0;
  for (; j + 16 <= groups; j += 16) {
    // By element of the group, then by byte of the element.
    Bytes row[64], plane[8];
#pragma unroll
    for (int k = 0; k < size; k++) {
      for (int b = 0; b < 8; b++) plane[b] = load(in + (size_t)(8 * k + b) * groups + j);
      transposeBits(plane);
      for (int i = 0; i < 8; i++) row[i * size + k] = plane[i];
    }
    transposeBytes(row, out + 8 * (size_t)size * j, 8 * size);
  }
  for (; j < groups; j++) untransposeGroup(in + j, out + 8 * (size_t)size * j, groups, size);
}

INLINE void byteUntranspose(const uint8_t *in, uint8_t *out, size_t elements, int size) {
  size_t j = 0;
  for (; j + 16 <= elements; j += 16) {
    Bytes row[8];
#pragma unroll
    for (int k = 0; k < size; k++) row[k] = load(in + (size_t)k * elements + j);
    transposeBytes(row, out + (size_t)size * j, size);
  }
  for (; j < elements; j++)
    for (int k = 0; k < size; k++) out[(size_t)size * j + (size_t)k] = in[(size_t)k * elements + j];
}

CLONES void ronchi_bit_untranspose(const uint8_t *in, uint8_t *out, size_t elements, int size) {
  switch (size) {
    case 1: bitUntranspose(in, out, elements, 1); break;
    case 2: bitUntranspose(in, out, elements, 2); break;
    case 4: bitUntranspose(in, out, elements, 4); break;
    case 8: bitUntranspose(in, out, elements, 8); break;
  }
}

CLONES void ronchi_byte_untranspose(const uint8_t *in, uint8_t *out, size_t elements, int size) {
  switch (size) {
    case 1: memcpy(out, in, elements); break;
    case 2: byteUntranspose(in, out, elements, 2); break;
    case 4: byteUntranspose(in, out, elements, 4); break;
    case 8: byteUntranspose(in, out, elements, 8); break;
  }
}

// Block by block, each in one vector: `out` may be `in`, of which compilers would make a loop over single elements.
#define BLOCK 64
#define SWAP_PART(part, function)                                                   \
  memcpy(block, in + done, part);                                                   \
  for (size_t i = 0; i < BLOCK / sizeof *block; i++) block[i] = function(block[i]); \
  memcpy(out + done, block, part);
// The size of whole blocks is a constant: their copies become loads and stores.
#define SWAP(type, function)                                                    \
  {                                                                             \
    const size_t bytes = elements * sizeof(type);                               \
    type block[BLOCK / sizeof(type)] = {0};                                     \
    size_t done = 0;                                                            \
    for (; done + BLOCK <= bytes; done += BLOCK) { SWAP_PART(BLOCK, function) } \
    SWAP_PART(bytes - done, function)                                           \
  }

CLONES void ronchi_swap_bytes(const uint8_t *in, uint8_t *out, size_t elements, int size) {
  switch (size) {
    case 2: SWAP(uint16_t, __builtin_bswap16) break;
    case 4: SWAP(uint32_t, __builtin_bswap32) break;
    case 8: SWAP(uint64_t, __builtin_bswap64) break;
    default: memmove(out, in, elements * (size_t)size);
  }
}
