// A driver for files that are read: the library's usual one, but while it is asked for a place it notes where raw data
// lie instead of reading them. HDF5 1.10 has no other way to the address of a chunk that does not walk all of them.
#ifndef RONCHI_CHDF5_PLACES_H
#define RONCHI_CHDF5_PLACES_H

#include <hdf5.h>
#include <stdlib.h>

typedef struct {
  H5FD_t shared;
  H5FD_t *plain;
  int is_asked;
  int count;
  haddr_t address;
  size_t size;
} ronchi_place_file;

static inline H5FD_t *ronchi_place_plain(const H5FD_t *file) { return ((const ronchi_place_file *)file)->plain; }

static H5FD_t *ronchi_place_open(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)access;
  ronchi_place_file *file = calloc(1, sizeof *file);
  hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  if (file && list >= 0 && H5Pset_fapl_sec2(list) >= 0) file->plain = H5FDopen(name, flags, list, most);
  if (list >= 0) H5Pclose(list);
  if (file && file->plain) return &file->shared;
  free(file);
  return NULL;
}

static herr_t ronchi_place_close(H5FD_t *file) {
  herr_t result = H5FDclose(ronchi_place_plain(file));
  free(file);
  return result;
}

static int ronchi_place_compare(const H5FD_t *a, const H5FD_t *b) {
  return H5FDcmp(ronchi_place_plain(a), ronchi_place_plain(b));
}

static herr_t ronchi_place_query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  *flags = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE;
  return 0;
}

static haddr_t ronchi_place_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
  return H5FDget_eoa(ronchi_place_plain(file), type);
}

static herr_t ronchi_place_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  return H5FDset_eoa(ronchi_place_plain(file), type, address);
}

static haddr_t ronchi_place_get_eof(const H5FD_t *file, H5FD_mem_t type) {
  return H5FDget_eof(ronchi_place_plain(file), type);
}

static herr_t ronchi_place_read(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  ronchi_place_file *asked = (ronchi_place_file *)file;
  if (!asked->is_asked || type != H5FD_MEM_DRAW)
    return H5FDread(asked->plain, type, transfer, address, size, buffer);
  asked->count++;
  asked->address = address;
  asked->size = size;
  return 0;
}

static herr_t ronchi_place_get_handle(H5FD_t *file, hid_t access, void **handle) {
  (void)access;
  *handle = file;
  return 0;
}

static herr_t ronchi_place_write(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer) {
  return H5FDwrite(ronchi_place_plain(file), type, transfer, address, size, buffer);
}

static herr_t ronchi_place_lock(H5FD_t *file, hbool_t writes) { return H5FDlock(ronchi_place_plain(file), writes); }
static herr_t ronchi_place_unlock(H5FD_t *file) { return H5FDunlock(ronchi_place_plain(file)); }

// Makes a file access list use the driver; negative where that fails.
static inline herr_t ronchi_place_use(hid_t access) {
  static const H5FD_class_t driver = {
      .name = "places",
      .maxaddr = ((haddr_t)1 << 62) - 1,
      .fc_degree = H5F_CLOSE_WEAK,
      .open = ronchi_place_open,
      .close = ronchi_place_close,
      .cmp = ronchi_place_compare,
      .query = ronchi_place_query,
      .get_eoa = ronchi_place_get_eoa,
      .set_eoa = ronchi_place_set_eoa,
      .get_eof = ronchi_place_get_eof,
      .get_handle = ronchi_place_get_handle,
      .read = ronchi_place_read,
      .write = ronchi_place_write,
      .lock = ronchi_place_lock,
      .unlock = ronchi_place_unlock,
      .fl_map = H5FD_FLMAP_DICHOTOMY,
  };
  static hid_t number = -1;
  if (number < 0) number = H5FDregister(&driver);
  return number < 0 ? -1 : H5Pset_driver(access, number, NULL);
}

// Where the stored bytes of a chunk lie: 1, or 0 where the library read none or several pieces, negative on failure.
// `handle` is that of the dataset's file, which must have been opened with the driver.
static inline int ronchi_place_of_chunk(
    void *handle, hid_t dataset, const hsize_t *start, uint32_t *mask, haddr_t *address, size_t *size) {
  ronchi_place_file *file = handle;
  char nothing = 0;
  file->is_asked = 1;
  file->count = 0;
  herr_t result = H5Dread_chunk(dataset, H5P_DEFAULT, start, mask, &nothing);
  file->is_asked = 0;
  if (result < 0) return -1;
  *address = file->address;
  *size = file->size;
  return file->count == 1;
}

#endif
