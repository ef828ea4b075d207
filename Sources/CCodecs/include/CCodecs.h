// Transpositions of bits and bytes. Buffers may have any alignment and must not overlap where nothing else is said.
#ifndef RONCHI_CCODECS_H
#define RONCHI_CCODECS_H

#include <stddef.h>
#include <stdint.h>

// Undoes bitshuffle of `elements` (a multiple of 8) elements of `size` (1, 2, 4 or 8) bytes. `in` holds 8 * size rows of
// elements / 8 bytes: row 8 * k + b has bit b of byte k of all elements, eight elements a byte, the first in bit 0.
void ronchi_bit_untranspose(const uint8_t *in, uint8_t *out, size_t elements, int size);

// Undoes shuffle of `elements` elements of `size` (1, 2, 4 or 8) bytes: `in` holds byte 0 of all elements, byte 1 ….
void ronchi_byte_untranspose(const uint8_t *in, uint8_t *out, size_t elements, int size);

// Reverses the bytes of each of `elements` elements of `size` (2, 4 or 8) bytes; `out` may be `in`.
void ronchi_swap_bytes(const uint8_t *in, uint8_t *out, size_t elements, int size);

// Whether the page cache holds a byte of an open file: 1, 0, or -1 where the kernel cannot say.
int ronchi_is_cached(int descriptor, int64_t offset);

// Sum of the 64-bit words of a piece of memory, 64 bytes at a time: its use is that every byte is touched.
uint64_t ronchi_sum(const void *bytes, int64_t count);

// O_DIRECT, which Swift's C library does not show; 0 where there is none.
int ronchi_direct_flag(void);

#endif
