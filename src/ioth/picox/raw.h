/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_RAW_H
#define PX_RAW_H

#include <lwip/raw.h>

#include "socket.h"

/* The pcb of a socket of px_raw_ops. */
struct raw_pcb *px_raw_pcb(const struct px_socket *s);

#endif
