// Handles and constants that MPI defines as macros and Swift therefore cannot import.
#ifndef RONCHI_CMPI_H
#define RONCHI_CMPI_H

#include <mpi.h>

static inline MPI_Comm ronchi_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm ronchi_mpi_comm_self(void) { return MPI_COMM_SELF; }
static inline MPI_Comm ronchi_mpi_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Request ronchi_mpi_request_null(void) { return MPI_REQUEST_NULL; }
static inline MPI_Info ronchi_mpi_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Errhandler ronchi_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Status *ronchi_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline const void *ronchi_mpi_in_place(void) { return MPI_IN_PLACE; }

static inline MPI_Datatype ronchi_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype ronchi_mpi_int32(void) { return MPI_INT32_T; }
static inline MPI_Datatype ronchi_mpi_uint32(void) { return MPI_UINT32_T; }
static inline MPI_Datatype ronchi_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype ronchi_mpi_uint64(void) { return MPI_UINT64_T; }
static inline MPI_Datatype ronchi_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype ronchi_mpi_double(void) { return MPI_DOUBLE; }

static inline MPI_Op ronchi_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op ronchi_mpi_min(void) { return MPI_MIN; }
static inline MPI_Op ronchi_mpi_max(void) { return MPI_MAX; }

static inline int ronchi_mpi_any_source(void) { return MPI_ANY_SOURCE; }
static inline int ronchi_mpi_success(void) { return MPI_SUCCESS; }
static inline int ronchi_mpi_thread_funneled(void) { return MPI_THREAD_FUNNELED; }
static inline int ronchi_mpi_comm_type_shared(void) { return MPI_COMM_TYPE_SHARED; }
static inline int ronchi_mpi_max_text(void) {
  int longest = MPI_MAX_LIBRARY_VERSION_STRING;
  if (MPI_MAX_ERROR_STRING > longest) longest = MPI_MAX_ERROR_STRING;
  if (MPI_MAX_PROCESSOR_NAME > longest) longest = MPI_MAX_PROCESSOR_NAME;
  return longest + 1;
}

#endif
