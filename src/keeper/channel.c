/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reply channels that processes have registered, by the number each chose for its own.
 *
 * Networking threads send on them, the main thread drops them when they hang up. A sender
 * holds the lock for the length of one send that cannot block, so none is closed under it.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "keeper.h"

struct vs_keeper_chan {
	struct vs_keeper_chan *next;
	uint64_t number;
	int fd;
};

static struct vs_keeper_chan **bucket(struct vs_keeper *k, uint64_t number)
{
	return &k->channels[number % VS_COUNT(k->channels)];
}

static struct vs_keeper_chan **find_locked(struct vs_keeper *k, uint64_t number)
{
	struct vs_keeper_chan **at = bucket(k, number);

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

int vs_channel_add(struct vs_keeper *k, uint64_t number, int fd)
{
	struct epoll_event event = { .events = EPOLLRDHUP, .data.u64 = number };
	struct vs_keeper_chan *chan = calloc(1, sizeof(*chan));
	int r = chan == NULL ? -ENOMEM : 0;

	pthread_mutex_lock(&k->lock);
	if (r == 0 && *find_locked(k, number) != NULL)
		r = -EEXIST; /* numbers are random and 64 bits wide: not an accident */
	if (r == 0) {
		chan->number = number;
		chan->fd = fd;
		chan->next = *bucket(k, number);
		*bucket(k, number) = chan;
		if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
			r = -errno;
			*bucket(k, number) = chan->next;
		}
	}
	pthread_mutex_unlock(&k->lock);
	if (r < 0) {
		free(chan);
		vs_close(fd);
	}
	return r;
}

int vs_channel_send(struct vs_keeper *k, uint64_t number, const struct vs_fdmsg *msg)
{
	pthread_mutex_lock(&k->lock);
	struct vs_keeper_chan *chan = *find_locked(k, number);
	int r = chan == NULL ? -ENOENT : vs_fdmsg_send(chan->fd, msg, MSG_DONTWAIT);
	pthread_mutex_unlock(&k->lock);
	return r;
}

void vs_channel_hangup(struct vs_keeper *k, uint64_t number)
{
	pthread_mutex_lock(&k->lock);
	struct vs_keeper_chan **at = find_locked(k, number);
	struct vs_keeper_chan *chan = *at;
	if (chan != NULL)
		*at = chan->next;
	pthread_mutex_unlock(&k->lock);
	if (chan != NULL)
		vs_close(chan->fd); /* leaves the epoll set by that */
	free(chan);
}

void vs_channels_drop(struct vs_keeper *k)
{
	for (size_t i = 0; i < VS_COUNT(k->channels); i++)
		while (k->channels[i] != NULL)
			vs_channel_hangup(k, k->channels[i]->number);
}
