/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_SPARES_H
#define VS_DNS_SPARES_H

/*
 * Sockets for UDP that lookups of one resolver pass on to each other while they go on at the same time. Each
 * question still has a source port of its own. When the last lookup has ended, the sockets are closed.
 */

#include <pthread.h>
#include <stddef.h>

#define VS_SPARES_MAX 16

struct vs_spares {
	pthread_mutex_t lock; /* of what follows; zero is an unlocked one */
	unsigned users;
	size_t n;
	struct {
		int fd, family;
	} sockets[VS_SPARES_MAX];
};

/* A lookup that may open sockets begins and ends. */
void vs_spares_enter(struct vs_spares *spares);
void vs_spares_leave(struct vs_spares *spares);

/* A socket that is not connected and has nothing to read. -1: there is none. */
int vs_spares_take(struct vs_spares *spares, int family);
/* Keeps the socket, or closes it if no other lookup goes on. */
void vs_spares_give(struct vs_spares *spares, int family, int fd);

#endif
