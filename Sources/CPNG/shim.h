// libpng reports errors by longjmp, which Swift cannot take part in: the whole writer is one C function.
#ifndef RONCHI_CPNG_H
#define RONCHI_CPNG_H

#include <png.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  char *text;
  size_t capacity;
} ronchi_png_message;

static inline int ronchi_png_gray(void) { return PNG_COLOR_TYPE_GRAY; }
static inline int ronchi_png_gray_alpha(void) { return PNG_COLOR_TYPE_GRAY_ALPHA; }
static inline int ronchi_png_rgb(void) { return PNG_COLOR_TYPE_RGB; }
static inline int ronchi_png_rgba(void) { return PNG_COLOR_TYPE_RGB_ALPHA; }

static inline void ronchi_png_failed(png_structp png, png_const_charp reason) {
  ronchi_png_message *message = (ronchi_png_message *)png_get_error_ptr(png);
  snprintf(message->text, message->capacity, "%s", reason);
  png_longjmp(png, 1);
}

static inline void ronchi_png_warned(png_structp png, png_const_charp reason) {
  (void)png;
  (void)reason;
}

/// Writes a PNG file; returns 0, or 1 with the reason in `error`.
/// `pixels`: rows from the top, `height * width * channels` samples of 8 bits, or of 16 bits in the machine's byte
/// order. `texts`: `text_count` pairs key, value (UTF-8), stored as uncompressed iTXt chunks; may be NULL for 0.
static inline int ronchi_png_write(const char *path, unsigned width, unsigned height, int colour_type, int bit_depth,
                                   const void *pixels, const char *const *texts, int text_count, char *error,
                                   size_t error_size) {
  ronchi_png_message message = {error, error_size};
  png_structp volatile png = NULL;
  png_infop volatile info = NULL;
  int volatile failed = 1;
  FILE *file = fopen(path, "wb");
  if (error_size > 0) error[0] = 0;
  if (!file) {
    snprintf(error, error_size, "%s", strerror(errno));
    return 1;
  }
  png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &message, ronchi_png_failed, ronchi_png_warned);
  if (png) info = png_create_info_struct(png);
  if (!info) {
    snprintf(error, error_size, "out of memory");
  } else if (!setjmp(png_jmpbuf(png))) {
    const unsigned short one = 1;
    size_t row_bytes, row;
    int index;
    png_init_io(png, file);
    png_set_IHDR(png, info, width, height, bit_depth, colour_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    for (index = 0; index < text_count; index++) {
      png_text text;
      memset(&text, 0, sizeof text);
      text.compression = PNG_ITXT_COMPRESSION_NONE;
      text.key = (png_charp)texts[2 * index];
      text.text = (png_charp)texts[2 * index + 1];
      text.itxt_length = strlen(text.text);
      png_set_text(png, info, &text, 1);
    }
    png_write_info(png, info);
    if (bit_depth == 16 && *(const unsigned char *)&one == 1) png_set_swap(png);
    row_bytes = png_get_rowbytes(png, info);
    for (row = 0; row < height; row++) png_write_row(png, (png_const_bytep)pixels + row * row_bytes);
    png_write_end(png, info);
    failed = 0;
  }
  {
    png_structp owned_png = png;
    png_infop owned_info = info;
    png_destroy_write_struct(&owned_png, &owned_info);
  }
  if (fclose(file) != 0 && !failed) {
    snprintf(error, error_size, "%s", strerror(errno));
    failed = 1;
  }
  if (failed) remove(path);
  return failed;
}

#endif
