/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Quick calls to the keeper: sockets.
 *
 * A reply that arrives after its call has timed out is recognised by its sequence number. The next call
 * drops it.
 *
 * A program that makes many sockets of one kind in quick succession gets them without waiting. The
 * networking thread is asked for several at once. Those that no call waits for yet stay in the channel as
 * undelivered messages. They get their descriptor numbers when a call receives them. So the rule of the
 * lowest free number and the program's limit hold, and sockets that wait cause no wake-ups. A program that
 * makes sockets of one kind now and then has one waiting: the next is requested when it is received, and no
 * call waits for that either. Only kinds are requested ahead that receive nothing before they are bound. A
 * call for another kind or another stack on the channel drops them, and so does the deletion of the stack.
 *
 * A socket has the sysctls of the moment at which it was made. So those made ahead are dropped as well when
 * a sysctl may have been changed since. None is requested ahead while other processes than the keeper may
 * change sysctls. The keeper's change page tells both (wire/changes.h).
 */

#include "quick_call.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "channels.h"
#include "keepers.h"
#include "regain.h"
#include "wire/changes.h"

/* Waits for a reply to a request that is still valid, and drops others. 0 and *fd, or -errno. */
static int next_reply(struct vs_channel *ch, int recv_flags, int *fd)
{
	struct vs_reply reply;
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) } }, .n_iov = 1 };

	for (int last_look = 0;;) {
		ssize_t n = vs_fdmsg_recv(ch->sock.fd, &msg, recv_flags | (last_look ? MSG_DONTWAIT : 0));
		if (n == -EAGAIN && !last_look) {
			last_look = 1; /* the program may have been stopped meanwhile */
			continue;
		}
		if (n == -EAGAIN)
			return -ETIMEDOUT;
		if (n < (ssize_t)sizeof(reply) || reply.type != VS_REPLY_TYPE) {
			if (n > 0)
				vs_fdmsg_drop(&msg);
			vs_channel_close(ch);
			return n == 0 ? -ENETDOWN : n < 0 ? (int)n : -EPROTO;
		}
		if (reply.seq >= ch->valid_seq)
			break;
		vs_fdmsg_drop(&msg);
	}
	if (reply.result < 0) {
		vs_fdmsg_drop(&msg);
		return reply.result;
	}
	if (msg.n_fds == 0) /* there was no free number for it */
		return -EMFILE;
	*fd = msg.fds[0];
	return 0;
}

/* ------------------------------------------------------------------ sockets ahead of their calls */

#define STREAK_APART_US 1000 /* calls further apart are not in quick succession */
#define STREAK_BEGIN 3       /* calls that make a streak */
#define ALIVE_US 200         /* how long a keeper counts as alive after a check */
#define NOW_AND_THEN 2       /* the requested one, and one more */

/* Unbound sockets of these kinds receive nothing, so it does not matter how old they are. */
static bool keeps(const struct vs_kind *kind)
{
	int type = kind->type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	return (kind->domain == AF_INET || kind->domain == AF_INET6) &&
	       ((type == SOCK_STREAM && (kind->protocol == 0 || kind->protocol == IPPROTO_TCP)) ||
		(type == SOCK_DGRAM && (kind->protocol == 0 || kind->protocol == IPPROTO_UDP)));
}

static bool same_kind(const struct vs_kind *a, const struct vs_kind *b)
{
	return a->stack == b->stack && a->domain == b->domain && a->type == b->type &&
	       a->protocol == b->protocol;
}

/* Waits a short time for what has been requested: it comes soon or not at all. */
static void await_ahead(struct vs_channel *ch)
{
	struct vs_reply reply;
	struct pollfd more = { .fd = ch->sock.fd, .events = POLLIN };

	while (ch->ahead > 0 && poll(&more, 1, 100) > 0 &&
	       recv(ch->sock.fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
		ch->ahead--;
}

/* Receives what has arrived in the channel, without room for descriptors: then the kernel closes them. */
static void drop_ahead(struct vs_channel *ch)
{
	struct vs_reply reply;

	while (ch->ahead > 0 && recv(ch->sock.fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
		ch->ahead--;
	ch->ahead = 0; /* what is still to come is recognised by its number */
	ch->valid_seq = ch->seq + 1;
}

/*
 * Whether sockets may be requested ahead. *changes tells those that are on their way already from those
 * that are made from now on. It is read first: see wire/changes.h.
 */
static bool sysctls_are_ours(struct vs_slot *slot, const struct vs_kind *kind, unsigned *changes)
{
	struct vs_changes *stack = vs_changes_of(atomic_load(&slot->keeper)->changes, kind->stack);

	*changes = stack != NULL ? atomic_load(&stack->changes) : 0;
	return stack != NULL && atomic_load(&stack->guests) == 0;
}

/* Records a call of this kind. Returns how many sockets to request. */
static uint32_t note_call(struct vs_channel *ch, struct vs_slot *slot, const struct vs_kind *kind)
{
	int64_t now = vs_now_ns() / 1000;
	unsigned changes;
	bool ours = sysctls_are_ours(slot, kind, &changes);
	bool again = same_kind(kind, &ch->kind) && changes == ch->changes;

	if (ch->ahead > 0 && !again)
		drop_ahead(ch);
	ch->changes = changes;
	ch->streak = again && now - ch->last_us < STREAK_APART_US ? ch->streak + 1 : 0;
	ch->last_us = now;
	ch->kind = *kind;
	if (!again || !ours || !keeps(kind))
		return 1;
	return ch->streak >= STREAK_BEGIN ? VS_SOCKETS_MAX : NOW_AND_THEN;
}

static int ask_for(struct vs_channel *ch, struct vs_slot *slot, const struct vs_kind *kind, uint32_t count)
{
	struct vs_request req = {
		.version = VS_WIRE_VERSION,
		.op = VS_OP_MSOCKET,
		.seq = ++ch->seq,
		.arg = { kind->domain, kind->type, kind->protocol },
		.count = count,
	};
	struct vs_fdmsg msg = vs_channel_message(&req, ch);

	int r = vs_door_send(slot, &msg);
	if (r == 0)
		ch->ahead += count;
	return r;
}

/*
 * True if the keeper has died. Its sockets are still in the channel, but useless. A keeper that was alive a
 * moment ago counts as alive: it could die right after a check as well.
 */
static bool hung_up(struct vs_channel *ch)
{
	struct pollfd other_end = { .fd = ch->sock.fd };

	if (ch->last_us - ch->alive_us < ALIVE_US)
		return false;
	ch->alive_us = ch->last_us;
	return poll(&other_end, 1, 0) > 0;
}

static int socket_on(struct vs_channel *ch, struct vs_slot *slot, const struct vs_kind *kind, int recv_flags,
		     int *fd)
{
	uint32_t count = note_call(ch, slot, kind);
	int r = 0;

	if (ch->ahead > 0 && hung_up(ch)) {
		vs_channel_close(ch);
		return -ENETDOWN;
	}
	if (ch->ahead == 0) {
		ch->valid_seq = ch->seq + 1;
		r = ask_for(ch, slot, kind, count);
	} else if (count == VS_SOCKETS_MAX && ch->ahead == VS_SOCKETS_MAX / 2) {
		r = ask_for(ch, slot, kind, VS_SOCKETS_MAX / 2); /* early enough for the next calls */
	}
	if (r < 0)
		return r;
	r = next_reply(ch, recv_flags, fd);
	if (ch->ahead > 0)
		ch->ahead--;
	if (r == -ETIMEDOUT)
		drop_ahead(ch);
	else if (r == 0 && count == NOW_AND_THEN && ch->ahead == 0)
		(void)ask_for(ch, slot, kind, 1); /* a failure shows in the next call */
	return r;
}

static bool door_open(const struct vs_slot *slot)
{
	struct vs_sock door = vs_sock_load(&slot->door);
	struct pollfd other_end = { .fd = door.fd };

	return vs_sock_valid(&door) && poll(&other_end, 1, 0) == 0;
}

static int socket_of_kind(struct vs_process *p, struct vs_slot *slot, const struct vs_kind *kind,
			  int recv_flags, int *fd)
{
	struct vs_sock door = vs_sock_load(&slot->door);
	int r;
	struct vs_channel *ch = vs_channel_ready(p, slot, &r);

	if (r == 0)
		r = socket_on(ch, slot, kind, recv_flags, fd);
	if (r == -ENETDOWN && (door_open(slot) || vs_regain(slot, &door))) {
		/*
		 * The keeper has dropped the channel, perhaps for lack of memory, but has the stack. Or the
		 * program has closed both.
		 */
		vs_channel_close(ch);
		r = vs_channel_open(p, ch, slot, 0);
		if (r == 0)
			r = socket_on(ch, slot, kind, recv_flags, fd);
	}
	pthread_mutex_unlock(&ch->lock);
	return r;
}

int vs_quick_call_socket(struct vs_slot *slot, int domain, int type, int protocol, int *fd)
{
	struct vs_process *p = vs_process();
	struct vs_kind kind = { slot->id, domain, type & ~SOCK_CLOEXEC, protocol };

	if (p == NULL)
		return vs_fail_static(ENOMEM, "cannot call the keeper");
	int r = socket_of_kind(p, slot, &kind, (type & SOCK_CLOEXEC) ? MSG_CMSG_CLOEXEC : 0, fd);
	if (r == -ENETDOWN)
		return vs_fail_static(ENETDOWN, vs_regain_why(&slot->door, vs_slot_kept(slot)));
	if (r == -EMFILE)
		return vs_fail_static(EMFILE, "cannot make a socket in the stack, raise RLIMIT_NOFILE "
					      "(ulimit -n) or close descriptors");
	return r < 0 ? vs_fail_static(-r, "cannot make a socket in the stack") : 0;
}

/* ------------------------------------------------------------------ letting go */

void vs_quick_call_forget_stack(uint64_t stack)
{
	struct vs_process *p = vs_process();

	for (size_t i = 0; p != NULL && i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		pthread_mutex_lock(&ch->lock);
		vs_channel_close_inherited(p, i); /* they may contain sockets of this stack */
		if (ch->open && ch->ahead > 0 && ch->kind.stack == stack) {
			if (vs_sock_valid(&ch->sock))
				await_ahead(ch);
			drop_ahead(ch);
		}
		pthread_mutex_unlock(&ch->lock);
	}
}
