// FFTW's version string: an array of unknown size, which Swift cannot import.
#ifndef RONCHI_CFFTW_H
#define RONCHI_CFFTW_H

#include <fftw3.h>

static inline const char *ronchi_fftw_version(void) { return fftw_version; }

#endif
