/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RADV_PORT_H
#define RADV_PORT_H

/* Where a server sends advertisements and receives solicitations. One thread uses a port at a time. */

#include <ioth.h>

#include "pace.h"

struct radv_port {
	const struct radv_port_ops *ops;
	int fd; /* for poll(2); -1: the network is lost */
	bool has_mac;
	uint8_t mac[6];
};

enum radv_received {
	RADV_SOLICITED,  /* a valid one, *from is who has sent it */
	RADV_DROPPED,    /* something else, or an invalid one */
	RADV_EMPTY,      /* there is nothing */
	RADV_UNREADABLE, /* an error */
};

struct radv_port_ops {
	/* Never blocks. */
	enum radv_received (*receive)(struct radv_port *port, struct radv_host *from);
	/* to NULL: all hosts; opens a network again that was lost. 0 or -errno. Never blocks. */
	int (*send)(struct radv_port *port, const struct radv_host *to, const void *message, size_t n);
	void (*close)(struct radv_port *port);
};

/* Both record the message of ioth_last_error() and errno, and return NULL on failure. */
struct radv_port *radv_port_stack(struct ioth *stack, unsigned ifindex);
struct radv_port *radv_port_vde(const char *vnl, const uint8_t *mac);

#endif
