/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_RELAY_H
#define RP_RELAY_H

/* One direction of a connection: the bytes of one socket, and their end, go to another one. */

#include <stdbool.h>
#include <stddef.h>

#include "pipes.h"

enum rp_relay_way {
	RP_RELAY_COPY,        /* its sockets have not been checked: few bytes came at a time */
	RP_RELAY_COPY_ALWAYS, /* one is no socket of the kernel */
	RP_RELAY_SPLICE,      /* many bytes came the last time, and the kernel can move them */
};

/* Zeros are a new one. */
struct rp_relay {
	bool ended;  /* the sender sends nothing more */
	bool closed; /* the receiver knows that */
	enum rp_relay_way way;
	/* Bytes that the receiver did not take yet: in memory, or in a pipe. */
	char *kept;
	size_t at, len;
	struct rp_pipe *pipe; /* NULL: it is empty */
	size_t piped;
};

/* What all of them share. */
struct rp_relays {
	char *buffer;
	struct rp_pipes pipes;
};

/* 0 or -ENOMEM. Ended by rp_relays_fini() in both cases. */
int rp_relays_init(struct rp_relays *all);

/* All have been dropped. */
void rp_relays_fini(struct rp_relays *all);

/* Whether bytes wait for the receiver. While they do, nothing is read. */
bool rp_relay_waits(const struct rp_relay *r);

/* Passes on what the descriptor `from` has, or its end. 0, or -errno: the connection is over. */
int rp_relay_receive(struct rp_relay *r, struct rp_relays *all, int from, int to);

/* Passes on what waits, and then the end if it has come. As above. */
int rp_relay_send(struct rp_relay *r, struct rp_relays *all, int to);

/* Forgets what waits. */
void rp_relay_drop(struct rp_relay *r, struct rp_relays *all);

#endif
