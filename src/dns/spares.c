/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A stack has a small supply of sockets that are made in advance. When 16 threads look names up, they use
 * them up, and each further one waits for the keeper. With spares a lookup needs two system calls instead.
 *
 * A socket that is disconnected loses its port and its source address, and gets new random ones when it is
 * connected again (tests/kernel/sockets.c). First it is disconnected, then what has come before is read away.
 * So no reply that was sent to the old port can be taken for one to the next question.
 *
 * Rejected: to keep sockets between lookups. They would hold the stack's network after the stack's end.
 */

#include "spares.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAIN_MAX 64 /* datagrams; a socket that has more is flooded, and is closed */

void vs_spares_enter(struct vs_spares *spares)
{
	pthread_mutex_lock(&spares->lock);
	spares->users++;
	pthread_mutex_unlock(&spares->lock);
}

void vs_spares_leave(struct vs_spares *spares)
{
	int fds[VS_SPARES_MAX];
	size_t n = 0;

	pthread_mutex_lock(&spares->lock);
	if (--spares->users == 0)
		while (spares->n > 0)
			fds[n++] = spares->sockets[--spares->n].fd;
	pthread_mutex_unlock(&spares->lock);
	while (n > 0)
		close(fds[--n]);
}

int vs_spares_take(struct vs_spares *spares, int family)
{
	int fd = -1;

	pthread_mutex_lock(&spares->lock);
	for (size_t i = spares->n; i > 0 && fd < 0; i--)
		if (spares->sockets[i - 1].family == family) {
			fd = spares->sockets[i - 1].fd;
			spares->sockets[i - 1] = spares->sockets[--spares->n];
		}
	pthread_mutex_unlock(&spares->lock);
	return fd;
}

/* Whether the socket is as a new one afterwards. */
static bool clean(int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	char byte;

	if (connect(fd, &none, sizeof(none)) < 0)
		return false;
	for (int i = 0; i < DRAIN_MAX; i++) /* also takes the error of the socket away */
		if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
			return true;
	return false;
}

static bool has_room(struct vs_spares *spares)
{
	pthread_mutex_lock(&spares->lock);
	bool room = spares->users > 1 && spares->n < VS_SPARES_MAX;
	pthread_mutex_unlock(&spares->lock);
	return room;
}

void vs_spares_give(struct vs_spares *spares, int family, int fd)
{
	bool kept = false;

	if (has_room(spares) && clean(fd)) {
		pthread_mutex_lock(&spares->lock);
		kept = spares->n < VS_SPARES_MAX;
		if (kept) {
			spares->sockets[spares->n].fd = fd;
			spares->sockets[spares->n++].family = family;
		}
		pthread_mutex_unlock(&spares->lock);
	}
	if (!kept)
		close(fd);
}
