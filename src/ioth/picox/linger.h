/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_LINGER_H
#define PX_LINGER_H

#include <stdint.h>

/*
 * The end: what closed sockets have to send goes out, then the loop stops. It also stops after 12 s in which
 * nothing was acknowledged, after 1 s if only ends of connections (FIN) are not, and after a minute. These
 * connections are reset then.
 */
void px_linger_then_stop(void);

/* What the queues of lwIP have that is not acknowledged. */
enum px_unsent {
	PX_ALL_SENT,
	PX_END_UNSENT, /* only the ends of connections: those at the other side may have gone, as it may */
	PX_DATA_UNSENT
};

/* tcp_flow.c: of all connections. *acked changes when some of it is acknowledged. */
enum px_unsent px_tcp_unsent(uint32_t *acked);

/*
 * tcp_flow.c: resets connections with something unsent, and acknowledges what others have received: the other
 * side would wait for it. How many segments that is.
 */
unsigned px_tcp_last_segments(void);

#endif
