/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_RUN_SHIM_H
#define VS_TOOLS_RUN_SHIM_H

/* The library that is preloaded into programs. */

#define VS_SHIM_NAME "libvdestack-preload.so"

/*
 * Its path, which the caller frees. NULL: it is not where it belongs as seen from this program, or the loader
 * would take its path for several (LD_PRELOAD has no quotes).
 */
char *vs_shim_find(void);

#endif
