/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_LINGER_H
#define PX_LINGER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The end: what closed sockets have to send goes out, then the loop stops. It also stops after 12 s in which
 * nothing was acknowledged, and after a minute. Connections with unsent bytes are reset then.
 */
void px_linger_then_stop(void);

/*
 * tcp_flow.c: a connection has data in the queues of lwIP which is not acknowledged. *acked changes when some
 * of it is.
 */
bool px_tcp_unsent(uint32_t *acked);

/* tcp_flow.c: resets those connections. How many there were. */
unsigned px_tcp_reset_unsent(void);

#endif
