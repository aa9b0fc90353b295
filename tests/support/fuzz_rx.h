/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_FUZZ_RX_H
#define VDESTACK_TESTS_FUZZ_RX_H

/* All of rx between a link of a fuzz target and a tap that is a socket. */

#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "pump/pump.h"
#include "pump/rx.h"

#define FUZZ_RX_ROOM (1 << 22) /* bytes; what a target makes of one input must fit */

/*
 * Passes everything that the pump's link has to a tap. Returns a socket with what was written there, one
 * message for each write. The caller closes it.
 */
static inline int fuzz_rx(struct vs_pump *pump)
{
	int pair[2], room = FUZZ_RX_ROOM;

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	pump->device = (struct vs_device){ .ops = &vs_device_tap, .fd = pair[0] };
	struct vs_rx *rx = vs_rx_new(pump);
	CHECK(rx != NULL);
	while (vs_rx_burst(rx) > 0)
		;
	vs_rx_free(rx);
	close(pair[0]);
	return pair[1];
}

#endif
