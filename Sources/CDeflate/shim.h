#ifndef RONCHI_CDEFLATE_H
#define RONCHI_CDEFLATE_H

#include <libdeflate.h>

#endif
