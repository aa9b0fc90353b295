/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_SIPHASH_H
#define NM_SIPHASH_H

/* SipHash-2-4: a short hash with a key, whose results cannot be chosen without it. */

#include <stddef.h>
#include <stdint.h>

#define NM_SIPHASH_KEY 16

/* The result as its eight bytes, least significant first. */
void nm_siphash(const uint8_t key[NM_SIPHASH_KEY], const void *data, size_t n, uint8_t result[8]);

#endif
