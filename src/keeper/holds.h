/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_HOLDS_H
#define VS_KEEPER_HOLDS_H

/* The keeper's side of the hold page, see wire/holds.h. */

#include <stdint.h>

#include "wire/holds.h"

/* A memfd with an empty page, which is not mapped here; or -errno. */
int vs_holds_new(void);

/* True: all processes that had the page have ended, and none can map it any more. */
bool vs_holds_over(int file);

/* file: of the page; -1: there is none. May wait for the kernel, so not to be called under a lock. */
enum vs_hold vs_holds_ask(int file, uint64_t stack);

#endif
