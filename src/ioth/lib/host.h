/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_HOST_H
#define VS_IOTH_HOST_H

/* The network of the process as a stack: no plugin, libc's own calls. */

#include <ioth.h>
#include <stdbool.h>

/* The stackdata of a handle, for the functions below; f->delstack frees it. NULL: out of memory. */
void *vs_host_new(void);

/* The stackdata of the handle that never ends. */
void *vs_host_forever(void);

void vs_host_functions(struct ioth_functions *f);

/* Whether all calls on a descriptor are libc's own, apart from ioctl and fcntl: those have wrappers. */
bool vs_host_is_plain(const struct ioth_functions *f);

#endif
