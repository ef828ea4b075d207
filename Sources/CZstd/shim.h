#ifndef RONCHI_CZSTD_H
#define RONCHI_CZSTD_H

#include <zstd.h>

#endif
