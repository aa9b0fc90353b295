/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CLAIMS_H
#define VS_KEEPER_CLAIMS_H

/* The keeper's side of the claim page, see wire/claims.h. */

#include <stdint.h>

#include "wire/claims.h"

/* A memfd with an empty page, which is not mapped here; or -errno. */
int vs_claims_new(void);

/* True: all processes that had the page have ended, and none can map it any more. */
bool vs_claims_over(int file);

/* file: of the page; -1: there is none. May wait for the kernel, so not to be called under a lock. */
enum vs_claim vs_claims_ask(int file, uint64_t stack);

#endif
