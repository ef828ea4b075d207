#ifndef RONCHI_CCRYPTO_H
#define RONCHI_CCRYPTO_H

// The calls of OpenSSL 1.1, which 3.0 and LibreSSL have too: those of 3.0 load all of a provider's algorithms first, which
// takes half a millisecond.
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>

#endif
