/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_KINDS_H
#define PX_KINDS_H

/* The kinds of sockets that this stack has. */

#include <stddef.h>

#include "socket.h"

extern const struct px_kind px_kinds[];
extern const size_t px_kinds_count;

#endif
