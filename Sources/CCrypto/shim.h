#ifndef RONCHI_CCRYPTO_H
#define RONCHI_CCRYPTO_H

#include <openssl/evp.h>

#endif
