/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reply channels that a process keeps, registered with a keeper.
 *
 * A quick call must be cheap and use no descriptor numbers of the program: the lowest free one belongs to
 * the socket that it requests. So a process keeps a few channels. Each serves one call at a time, with all
 * signals blocked, so nothing can interrupt the call between request and reply.
 *
 * A channel is registered by a request of its own to a stack's networking thread. Requests at the door of
 * another stack may overtake it. So the first channel is that on which the creation of a stack got its reply:
 * the keeper registers it before it replies. A creation may take long, and is not a call under way. So it
 * reserves a channel, of which calls do not wait.
 *
 * Before a descriptor is used, it is checked to be the same socket as before: the program may have closed
 * it, and its number may be another file's by now.
 */

#include "channels.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "keepers.h"
#include "numbers.h"

#define QUICK_TIMEOUT_S 5
#define SPARE_NUMBERS 16 /* with fewer free numbers than this, calls share channels */
#define RESERVED_FROM (VS_CHANNELS / 2) /* creations reserve these, and calls may wait for the others */

int vs_door_send(struct vs_slot *slot, const struct vs_fdmsg *msg)
{
	struct vs_sock door = vs_sock_load(&slot->door);

	if (!vs_sock_valid(&door))
		return -ENETDOWN;
	int r = vs_fdmsg_send(door.fd, msg, 0);
	if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
		return -ENETDOWN;
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

/*
 * What the descriptor of each channel was when it was last opened, in this process or in the one that it
 * was forked from. In the records of a child the channels are closed. But it has copies of the parent's
 * descriptors, and could receive the parent's replies from them. See fork.c.
 */
static struct vs_sock opened[VS_CHANNELS]; /* each under its channel's lock */

void vs_channel_close_inherited(struct vs_process *p, size_t i)
{
	if (!p->channels[i].open)
		vs_sock_close(&opened[i]);
}

void vs_channels_close_inherited(void)
{
	for (size_t i = 0; i < VS_CHANNELS; i++)
		vs_sock_close(&opened[i]);
}

void vs_channel_close(struct vs_channel *ch)
{
	if (ch->open)
		vs_sock_close(&ch->sock);
	ch->open = false;
	ch->ahead = 0;
	ch->streak = 0;
}

struct vs_fdmsg vs_channel_message(struct vs_request *req, struct vs_channel *ch)
{
	return (struct vs_fdmsg){
		.iov = { { req, offsetof(struct vs_request, channel) },
			 { &ch->number, sizeof(ch->number) },
			 { &req->seq, sizeof(*req) - offsetof(struct vs_request, seq) } },
		.n_iov = 3,
	};
}

/* Draws the number of a channel. A process that knows the number can have sockets sent to the channel. */
static void draw_number(struct vs_channel *ch)
{
	if (getrandom(&ch->number, sizeof(ch->number), GRND_NONBLOCK) != (ssize_t)sizeof(ch->number))
		ch->number = vs_random(); /* early at boot */
}

/* Whether so many numbers are left to the program above the one that a descriptor got. */
static bool leaves_numbers(int fd, unsigned spare)
{
	struct rlimit numbers;

	return getrlimit(RLIMIT_NOFILE, &numbers) < 0 || (rlim_t)fd + spare < numbers.rlim_cur;
}

/* Our end, which waits for a limited time and has a high number. 0 or -errno: *fd may be closed. */
static int settle_end(int *fd)
{
	struct timeval limit = { .tv_sec = QUICK_TIMEOUT_S };

	if (setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return vs_fd_raise(fd, vs_numbers_floor());
}

/*
 * Registers a channel, whose number has been drawn. Returns our end of it, or -errno. The program's last
 * numbers are for its sockets: -EMFILE if fewer than `spare` would be left.
 */
static int channel_register(struct vs_channel *ch, struct vs_slot *slot, unsigned spare)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_CHANNEL };
	struct vs_fdmsg msg = vs_channel_message(&req, ch);
	int pair[2];
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	msg.fds[0] = pair[1];
	msg.n_fds = 1;
	r = leaves_numbers(pair[1], spare) ? vs_door_send(slot, &msg) : -EMFILE;
	vs_close(pair[1]);
	if (r == 0)
		r = settle_end(&pair[0]);
	if (r < 0)
		vs_close(pair[0]);
	return r < 0 ? r : pair[0];
}

static void set_open(struct vs_process *p, struct vs_channel *ch, uint64_t keeper, int fd)
{
	vs_channel_close_inherited(p, (size_t)(ch - p->channels));
	ch->sock = opened[ch - p->channels] = vs_sock_of(fd);
	ch->keeper = keeper;
	ch->open = true;
}

int vs_channel_open(struct vs_process *p, struct vs_channel *ch, struct vs_slot *slot, unsigned spare)
{
	draw_number(ch);
	int fd = channel_register(ch, slot, spare);

	if (fd < 0)
		return fd;
	set_open(p, ch, slot->keeper->id, fd);
	return 0;
}

static bool channel_fits(const struct vs_channel *ch, const struct vs_slot *slot)
{
	return ch->open && ch->keeper == slot->keeper->id && vs_sock_valid(&ch->sock);
}

/*
 * Returns a channel for this call, locked: preferably a free one that is registered with the right keeper,
 * else any other free one, else one that is in use, after a wait.
 */
static struct vs_channel *channel_claim(struct vs_process *p, const struct vs_slot *slot)
{
	struct vs_channel *other = NULL;

	for (size_t i = 0; i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		if (pthread_mutex_trylock(&ch->lock) != 0)
			continue;
		if (ch->coming) {
			pthread_mutex_unlock(&ch->lock);
			continue;
		}
		if (ch->open && ch->keeper == slot->keeper->id) {
			if (other != NULL)
				pthread_mutex_unlock(&other->lock);
			return ch;
		}
		if (other == NULL)
			other = ch;
		else
			pthread_mutex_unlock(&ch->lock);
	}
	if (other == NULL) {
		/* differs from thread to thread */
		size_t any = ((uintptr_t)&other >> 12) % VS_CHANNELS;
		other = &p->channels[any];
		pthread_mutex_lock(&other->lock);
		if (other->coming) {
			pthread_mutex_unlock(&other->lock);
			other = &p->channels[any % RESERVED_FROM];
			pthread_mutex_lock(&other->lock);
		}
	}
	return other;
}

/*
 * Returns any channel that is registered with the keeper, locked. Waits for calls under way on it. NULL:
 * there is none.
 */
static struct vs_channel *channel_await(struct vs_process *p, const struct vs_slot *slot)
{
	for (size_t i = 0; i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		pthread_mutex_lock(&ch->lock);
		if (channel_fits(ch, slot))
			return ch;
		pthread_mutex_unlock(&ch->lock);
	}
	return NULL;
}

struct vs_channel *vs_channel_ready(struct vs_process *p, struct vs_slot *slot, int *r)
{
	struct vs_channel *ch = channel_claim(p, slot);

	*r = 0;
	if (!channel_fits(ch, slot)) {
		vs_channel_close(ch);
		*r = vs_channel_open(p, ch, slot, SPARE_NUMBERS);
	}
	if (*r == -EMFILE) {
		pthread_mutex_unlock(&ch->lock);
		ch = channel_await(p, slot);
		*r = ch != NULL ? 0 : -EMFILE;
	}
	if (ch == NULL) {
		ch = channel_claim(p, slot);
		*r = channel_fits(ch, slot) ? 0 : vs_channel_open(p, ch, slot, 0);
	}
	return ch;
}

static struct vs_channel *reserve(struct vs_process *p, uint64_t keeper, bool *there)
{
	struct vs_channel *reserved = NULL;

	for (size_t i = 0; i < VS_CHANNELS && !*there; i++) {
		struct vs_channel *ch = &p->channels[i];
		if (pthread_mutex_trylock(&ch->lock) != 0)
			continue;
		*there = ch->open && ch->keeper == keeper && vs_sock_valid(&ch->sock);
		if (!ch->open && !ch->coming && i >= RESERVED_FROM && reserved == NULL) {
			ch->coming = true;
			reserved = ch;
		}
		pthread_mutex_unlock(&ch->lock);
	}
	if (*there && reserved != NULL)
		vs_channel_give_up(vs_steal_ptr(reserved));
	else if (reserved != NULL)
		draw_number(reserved);
	return reserved;
}

struct vs_channel *vs_channel_reserve(uint64_t keeper, bool *there)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	*there = false;
	if (p == NULL)
		return NULL;
	vs_signals_block(&saved);
	struct vs_channel *ch = reserve(p, keeper, there);
	vs_signals_restore(&saved);
	return ch;
}

bool vs_channel_keep(struct vs_channel *ch, uint64_t keeper, const struct vs_sock *sock)
{
	struct vs_process *p = vs_process();
	int fd = sock->fd;
	sigset_t saved;

	vs_signals_block(&saved);
	pthread_mutex_lock(&ch->lock);
	ch->coming = false;
	bool kept = vs_sock_valid(sock) && leaves_numbers(fd, SPARE_NUMBERS) && settle_end(&fd) == 0;
	if (kept)
		set_open(p, ch, keeper, fd);
	pthread_mutex_unlock(&ch->lock);
	vs_signals_restore(&saved);
	return kept;
}

void vs_channel_give_up(struct vs_channel *ch)
{
	sigset_t saved;

	vs_signals_block(&saved);
	pthread_mutex_lock(&ch->lock);
	ch->coming = false;
	pthread_mutex_unlock(&ch->lock);
	vs_signals_restore(&saved);
}

void vs_channels_close(uint64_t keeper_id)
{
	struct vs_process *p = vs_process();

	for (size_t i = 0; p != NULL && i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		pthread_mutex_lock(&ch->lock);
		if (ch->open && ch->keeper == keeper_id)
			vs_channel_close(ch);
		pthread_mutex_unlock(&ch->lock);
	}
}
