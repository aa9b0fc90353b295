/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_SHIM_LOOKUPS_H
#define VS_PRELOAD_SHIM_LOOKUPS_H

/* The library of lookups, as the shim has it. */

#include "lookups.h"

/* What the constructor has to do for it. */
void vs_shim_lookups_start(void);

/* Loads it at the first call. NULL with ELIBACC: this is not possible. Not in a signal handler. */
const struct vs_lookups *vs_shim_lookups(void);

#endif
