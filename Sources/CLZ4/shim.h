#ifndef RONCHI_CLZ4_H
#define RONCHI_CLZ4_H

#include <lz4.h>

#endif
