/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_CALLER_H
#define VS_PRELOAD_CALLER_H

/* The process of a notification: its descriptors. */

#include <sys/types.h>

/* A pidfd for pidfd_getfd(2) with the descriptors of this thread, or -errno. */
int vs_caller_open(pid_t thread);

#endif
