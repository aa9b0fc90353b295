/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reply channels that processes have registered, by the number each chose for its own.
 *
 * Networking threads send on them, the main thread drops them when they hang up. A sender
 * holds the lock for the length of one send that cannot block, so none is closed under it.
 *
 * The lives of stacks are here as well: sockets whose other ends see that a stack has ended. Both kinds
 * go when the other end does.
 *
 * A channel belongs to the process that registered it, which the kernel tells with each request. A
 * relative that knows the number gets nothing sent there.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "keeper.h"

struct vs_keeper_chan {
	struct vs_keeper_chan *next;
	uint64_t number;
	pid_t pid; /* of the process that registered it; 0: a life, on which nothing is sent */
	const struct vs_net *life_of;
	int fd;
};

/* A process has VS_CHANNELS at a time; one that is closed may not have been noticed yet. */
#define PER_PROCESS 32
#define PRUNE_LEAST 64
/* Lives are numbered below the channels and above the main loop's other events. */
#define LIFE_NUMBER_MIN (UINT64_C(1) << 62)

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

/* Off the list already. The sender may have kept a copy of the socket, with which it would stay in the epoll set. */
static void drop(const struct vs_keeper *k, struct vs_keeper_chan *chan)
{
	(void)epoll_ctl(k->epoll, EPOLL_CTL_DEL, chan->fd, NULL);
	vs_close(chan->fd);
	free(chan);
}

/* pid < 0: of all. */
static unsigned count_locked(const struct vs_keeper *k, pid_t pid)
{
	unsigned n = 0;

	for (size_t i = 0; i < VS_COUNT(k->channels); i++)
		for (const struct vs_keeper_chan *chan = k->channels[i]; chan != NULL; chan = chan->next)
			n += pid < 0 || chan->pid == pid;
	return n;
}

static void drop_those_locked(struct vs_keeper *k, bool (*which)(const struct vs_keeper_chan *, const void *), const void *arg)
{
	for (size_t i = 0; i < VS_COUNT(k->channels); i++) {
		for (struct vs_keeper_chan **at = &k->channels[i], *chan; (chan = *at) != NULL;) {
			if (!which(chan, arg)) {
				at = &chan->next;
				continue;
			}
			*at = chan->next;
			drop(k, chan);
		}
	}
}

static bool is_of_dead_process(const struct vs_keeper_chan *chan, const void *unused)
{
	(void)unused;
	return chan->pid > 0 && kill(chan->pid, 0) < 0 && errno == ESRCH;
}

/*
 * A process can send both ends of a pair, which then never hangs up. So from time to time those of processes that are gone
 * are looked for: when there are twice as many as were left the last time.
 */
static void prune_locked(struct vs_keeper *k)
{
	if (count_locked(k, -1) < k->prune_channels_at)
		return;
	drop_those_locked(k, is_of_dead_process, NULL);
	k->prune_channels_at = 2 * count_locked(k, -1) + PRUNE_LEAST;
}

/* The lower half of the numbers belongs to the main loop's other events. */
static int check_locked(struct vs_keeper *k, uint64_t number, pid_t pid)
{
	if (number < VS_CHANNEL_NUMBER_MIN)
		return -EINVAL;
	prune_locked(k);
	if (*find_locked(k, number) != NULL)
		return -EEXIST; /* numbers are random: not an accident */
	return count_locked(k, pid) < PER_PROCESS ? 0 : -EMFILE;
}

static int add_locked(struct vs_keeper *k, const struct vs_keeper_chan *values)
{
	struct epoll_event event = { .events = EPOLLRDHUP, .data.u64 = values->number };
	struct vs_keeper_chan *chan = calloc(1, sizeof(*chan)), **at = bucket(k, values->number);

	if (chan == NULL)
		return -ENOMEM;
	*chan = *values;
	chan->next = *at;
	*at = chan;
	if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, chan->fd, &event) == 0)
		return 0;
	int r = -errno;
	*at = chan->next;
	free(chan);
	return r;
}

int vs_channel_add(struct vs_keeper *k, uint64_t number, pid_t pid, int fd)
{
	struct vs_keeper_chan values = { .number = number, .pid = pid, .fd = fd };

	pthread_mutex_lock(&k->lock);
	int r = check_locked(k, number, pid);
	if (r == 0)
		r = add_locked(k, &values);
	pthread_mutex_unlock(&k->lock);
	if (r < 0)
		vs_close(fd);
	return r;
}

int vs_channel_add_life(struct vs_keeper *k, const struct vs_net *net, int fd)
{
	struct vs_keeper_chan values = { .life_of = net, .fd = fd };

	pthread_mutex_lock(&k->lock);
	values.number = LIFE_NUMBER_MIN + k->last_life++ % (VS_CHANNEL_NUMBER_MIN - LIFE_NUMBER_MIN);
	int r = add_locked(k, &values);
	pthread_mutex_unlock(&k->lock);
	if (r < 0)
		vs_close(fd);
	return r;
}

static bool is_life_of(const struct vs_keeper_chan *chan, const void *net)
{
	return chan->life_of == net;
}

void vs_channels_end_lives(struct vs_keeper *k, const struct vs_net *net)
{
	pthread_mutex_lock(&k->lock);
	drop_those_locked(k, is_life_of, net);
	pthread_mutex_unlock(&k->lock);
}

int vs_channel_send(struct vs_keeper *k, uint64_t number, pid_t pid, const struct vs_fdmsg *msg)
{
	pthread_mutex_lock(&k->lock);
	struct vs_keeper_chan *chan = *find_locked(k, number);
	int r = chan == NULL || chan->pid != pid || chan->life_of != NULL ? -ENOENT : vs_fdmsg_send(chan->fd, msg, MSG_DONTWAIT);
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
		drop(k, chan);
}

void vs_channels_drop(struct vs_keeper *k)
{
	for (size_t i = 0; i < VS_COUNT(k->channels); i++)
		while (k->channels[i] != NULL)
			vs_channel_hangup(k, k->channels[i]->number);
}
