// FFTW's version string: an array of unknown size, which Swift cannot import.
#ifndef RONCHI_CFFTWFloat_H
#define RONCHI_CFFTWFloat_H

#include <fftw3.h>

static inline const char *ronchi_fftwf_version(void) { return fftwf_version; }

#endif
