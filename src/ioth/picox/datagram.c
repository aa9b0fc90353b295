/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "datagram.h"

#include <errno.h>

#define BATCH 64

static struct {
	struct px_datagram head;
	unsigned char payload[PX_DATAGRAM_MAX];
} message; /* the loop's thread only */

bool px_datagram_read(struct px_socket *s, px_datagram_send *send)
{
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = recv(s->watch.fd, &message, sizeof(message), MSG_DONTWAIT);
		if (n <= 0 && !(n < 0 && errno == EINTR))
			return false;
		if (n < (ssize_t)sizeof(message.head) || message.head.len != (size_t)n - sizeof(message.head))
			continue; /* not written by the plugin */
		int r = message.head.addr_len > sizeof(message.head.addr)
				? -EINVAL
				: send(s, &message.head, message.payload);
		if (r < 0)
			s->error = -r;
	}
	return true;
}
