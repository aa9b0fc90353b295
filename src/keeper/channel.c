/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reply channels that processes have registered, by number.
 *
 * Networking threads send on them. The main thread drops them when they hang up. A sender holds the lock
 * during one send, which cannot block. So a channel is not closed while it is used.
 *
 * The lives of stacks are here as well: sockets that hang up at their other end when a stack has ended.
 * Channels and lives are dropped when their other end is closed.
 *
 * A channel is registered by a request of its own, or with the creation of a stack, before the reply to that.
 * So a process that knows of its stack has a channel for all stacks of the keeper.
 *
 * A process that registers a channel draws its number at random and keeps it secret. So another process
 * cannot have a reply sent there. The channels of each process are counted, by the process id that the kernel
 * reports.
 */

#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "closer.h"
#include "guests.h"
#include "keeper.h"
#include "wire/fdmsg.h"

struct vs_keeper_chan {
	struct vs_keeper_chan *next;
	uint64_t number;
	pid_t pid; /* of the process that registered the channel, or requested the life */
	struct vs_net *life_of; /* NULL: a channel; nothing is sent on a life */
	bool guest;             /* a life: a guest until the runner says that no process is left */
	int fd;
};

/* A process has VS_CHANNELS at a time. More are allowed, as a closed one may not have been noticed yet. */
#define PER_PROCESS 16
/* Unread replies of a channel: more than a process requests ahead. */
#define UNREAD_BYTES (64 * 1024)
#define PRUNE_LEAST 64
/*
 * Here and in the epoll set, channels have numbers with this bit. The numbers of lives are below them. Those
 * of the main loop's other events are below these.
 */
#define CHANNEL_BIT (UINT64_C(1) << 63)
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

/*
 * chan is no longer on the list. The sender may have a copy of the socket, so the socket would stay in the
 * epoll set after it is closed here.
 */
static void drop(const struct vs_keeper *k, struct vs_keeper_chan *chan)
{
	(void)epoll_ctl(k->epoll, EPOLL_CTL_DEL, chan->fd, NULL);
	vs_close_pair_end(chan->fd);
	free(chan);
}

static unsigned count_channels_locked(const struct vs_keeper *k, pid_t pid)
{
	unsigned n = 0;

	for (size_t i = 0; i < VS_COUNT(k->channels); i++)
		for (const struct vs_keeper_chan *chan = k->channels[i]; chan != NULL; chan = chan->next)
			n += chan->pid == pid && chan->life_of == NULL;
	return n;
}

static void drop_those_locked(struct vs_keeper *k, bool (*which)(const struct vs_keeper_chan *, const void *),
			      const void *arg)
{
	for (size_t i = 0; i < VS_COUNT(k->channels); i++) {
		for (struct vs_keeper_chan **at = &k->channels[i], *chan; (chan = *at) != NULL;) {
			if (!which(chan, arg)) {
				at = &chan->next;
				continue;
			}
			*at = chan->next;
			k->n_channels--;
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
 * A process can send both ends of a pair, which then never hangs up. So channels and lives of dead processes
 * are dropped from time to time: when there are twice as many as were left the last time.
 */
static void prune_locked(struct vs_keeper *k)
{
	if (k->n_channels < k->prune_channels_at)
		return;
	drop_those_locked(k, is_of_dead_process, NULL);
	k->prune_channels_at = 2 * k->n_channels + PRUNE_LEAST;
}

static bool is_closed_of(const struct vs_keeper_chan *chan, const void *pid)
{
	struct pollfd other_end = { .fd = chan->fd, .events = POLLRDHUP };

	return chan->pid == *(const pid_t *)pid && chan->life_of == NULL && poll(&other_end, 1, 0) > 0;
}

static int check_locked(struct vs_keeper *k, uint64_t number, pid_t pid)
{
	if (*find_locked(k, number) != NULL)
		return -EEXIST; /* numbers are random, so this is no accident */
	if (count_channels_locked(k, pid) >= PER_PROCESS)
		drop_those_locked(k, is_closed_of, &pid); /* the main thread has not come to it yet */
	return count_channels_locked(k, pid) < PER_PROCESS ? 0 : -EMFILE;
}

/*
 * Half of the keeper's descriptors are kept for stacks, whatever processes request channels and lives. The
 * program itself may have more.
 */
static bool is_full_locked(const struct vs_keeper *k, pid_t pid)
{
	struct rlimit limit;

	return pid != k->owner.pid && getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	       k->n_channels >= limit.rlim_cur / 2;
}

static int add_locked(struct vs_keeper *k, const struct vs_keeper_chan *values)
{
	struct epoll_event event = { .events = EPOLLRDHUP, .data.u64 = values->number };
	struct vs_keeper_chan *chan, **at = bucket(k, values->number);

	prune_locked(k);
	if (is_full_locked(k, values->pid))
		return -EMFILE;
	chan = calloc(1, sizeof(*chan));
	if (chan == NULL)
		return -ENOMEM;
	*chan = *values;
	chan->next = *at;
	*at = chan;
	if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, chan->fd, &event) == 0) {
		k->n_channels++;
		return 0;
	}
	int r = -errno;
	*at = chan->next;
	free(chan);
	return r;
}

int vs_registry_add(struct vs_keeper *k, uint64_t number, pid_t pid, int fd)
{
	struct vs_keeper_chan values = { .number = number | CHANNEL_BIT, .pid = pid, .fd = fd };
	int unread = UNREAD_BYTES / 2; /* the kernel doubles it */

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &unread, sizeof(unread));

	pthread_mutex_lock(&k->lock);
	int r = check_locked(k, values.number, pid);
	if (r == 0)
		r = add_locked(k, &values);
	pthread_mutex_unlock(&k->lock);
	return r;
}

int vs_registry_add_life(struct vs_keeper *k, struct vs_net *net, bool guest, pid_t pid, int fd)
{
	struct vs_keeper_chan values = { .life_of = net, .guest = guest, .pid = pid, .fd = fd };

	pthread_mutex_lock(&k->lock);
	values.number = LIFE_NUMBER_MIN + k->last_life++;
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

void vs_registry_end_lives(struct vs_keeper *k, const struct vs_net *net)
{
	pthread_mutex_lock(&k->lock);
	drop_those_locked(k, is_life_of, net);
	pthread_mutex_unlock(&k->lock);
}

int vs_registry_send(struct vs_keeper *k, uint64_t number, const struct vs_fdmsg *msg)
{
	pthread_mutex_lock(&k->lock);
	struct vs_keeper_chan *chan = *find_locked(k, number | CHANNEL_BIT);
	int r = chan == NULL ? -ENOENT : vs_fdmsg_send(chan->fd, msg, MSG_DONTWAIT);
	pthread_mutex_unlock(&k->lock);
	return r;
}

void vs_registry_hangup(struct vs_keeper *k, uint64_t number)
{
	pthread_mutex_lock(&k->lock);
	struct vs_keeper_chan **at = find_locked(k, number);
	struct vs_keeper_chan *chan = *at;
	if (chan != NULL) {
		if (chan->guest && vs_take_byte(chan->fd))
			vs_guests_leave_locked(chan->life_of);
		*at = chan->next;
		k->n_channels--;
		drop(k, chan);
	}
	pthread_mutex_unlock(&k->lock);
}

void vs_registry_drop(struct vs_keeper *k)
{
	for (size_t i = 0; i < VS_COUNT(k->channels); i++)
		while (k->channels[i] != NULL)
			vs_registry_hangup(k, k->channels[i]->number);
}
