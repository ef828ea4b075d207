// Constants that HDF5 defines as macros around function calls and Swift therefore cannot import.
#ifndef RONCHI_CHDF5_H
#define RONCHI_CHDF5_H

#include <hdf5.h>
#include "places.h"
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// dladdr(3), which Swift's module of the C library leaves out.
typedef struct {
  const char *file;
  void *base;
  const char *symbol;
  void *address;
} ronchi_loaded;
int ronchi_dladdr(const void *address, ronchi_loaded *found) __asm__("dladdr");

// The file that H5open was loaded from; NULL where it is unknown.
static inline const char *ronchi_h5_library_file(void) {
  ronchi_loaded found;
  return ronchi_dladdr((const void *)&H5open, &found) ? found.file : 0;
}

#ifdef H5_HAVE_PARALLEL
static inline int ronchi_h5_is_parallel(void) { return 1; }
#else
static inline int ronchi_h5_is_parallel(void) { return 0; }
#endif

static inline hid_t ronchi_h5t_u8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t ronchi_h5t_u16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t ronchi_h5t_u32(void) { return H5T_NATIVE_UINT32; }
static inline hid_t ronchi_h5t_u64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t ronchi_h5t_i8(void) { return H5T_NATIVE_INT8; }
static inline hid_t ronchi_h5t_i16(void) { return H5T_NATIVE_INT16; }
static inline hid_t ronchi_h5t_i32(void) { return H5T_NATIVE_INT32; }
static inline hid_t ronchi_h5t_i64(void) { return H5T_NATIVE_INT64; }
static inline hid_t ronchi_h5t_f32(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t ronchi_h5t_f64(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t ronchi_h5t_c_s1(void) { return H5T_C_S1; }
static inline hid_t ronchi_h5t_object_reference(void) { return H5T_STD_REF_OBJ; }
static inline hid_t ronchi_h5t_region_reference(void) { return H5T_STD_REF_DSETREG; }
static inline size_t ronchi_h5t_variable(void) { return H5T_VARIABLE; }

static inline hid_t ronchi_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t ronchi_h5p_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t ronchi_h5p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t ronchi_h5p_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t ronchi_h5p_dataset_transfer(void) { return H5P_DATASET_XFER; }
static inline hid_t ronchi_h5p_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t ronchi_h5p_link_create(void) { return H5P_LINK_CREATE; }
static inline hid_t ronchi_h5p_default(void) { return H5P_DEFAULT; }

static inline unsigned ronchi_h5f_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned ronchi_h5f_read_write(void) { return H5F_ACC_RDWR; }
static inline unsigned ronchi_h5f_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned ronchi_h5f_exclusive(void) { return H5F_ACC_EXCL; }
static inline H5F_libver_t ronchi_h5f_earliest(void) { return H5F_LIBVER_EARLIEST; }
static inline H5F_libver_t ronchi_h5f_v110(void) { return H5F_LIBVER_V110; }

static inline hid_t ronchi_h5s_all(void) { return H5S_ALL; }
static inline hsize_t ronchi_h5s_unlimited(void) { return H5S_UNLIMITED; }
static inline haddr_t ronchi_haddr_undefined(void) { return HADDR_UNDEF; }
static inline hid_t ronchi_h5e_default(void) { return H5E_DEFAULT; }

// Memory that is given back stays with the process; `bytes` of it are there from now on.
static inline void ronchi_keep_memory(size_t bytes) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, (int)(2 * bytes));
  mallopt(M_TRIM_THRESHOLD, (int)(4 * bytes));
  volatile char *block = malloc(bytes);
  if (block) for (size_t i = 0; i < bytes; i += 4096) block[i] = 0;
  free((void *)block);
#endif
}

#endif
