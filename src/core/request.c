/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls to the keeper.
 *
 * A long call brings its own reply channel and leaves nothing behind. A quick call, which has
 * to cost little and to use no descriptor numbers of the program (the lowest free one belongs to
 * the socket it asks for), uses one of a few channels that the process has registered with the
 * keeper, each for one call at a time, with all signals blocked: nothing can interrupt it
 * between request and reply. A reply that comes too late for its call is recognised by its
 * sequence number and dropped by the next one.
 *
 * Every descriptor is checked to be what it was before it is used: the program may have
 * closed it, and the number may be somebody else's by now.
 */

#include "request.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "numbers.h"
#include "process.h"

#define QUICK_TIMEOUT_S 5

static const char keeper_gone[] = "the keeper of this stack has ended, or the program has closed its descriptors; "
				  "delete the stack and make a new one";

/* ------------------------------------------------------------------ long calls */

static int keeper_lost(void)
{
	return vs_fail(ENETDOWN, "%s", keeper_gone);
}

/* Who we are, in the form in which the keeper can tell that we still are (see its side). */
static struct ucred credentials(const struct vs_keeper_link *keeper)
{
	bool claim = keeper != NULL && keeper->privileged && keeper->pid != 0;

	return (struct ucred){ .pid = claim ? keeper->pid : getpid(), .uid = geteuid(), .gid = getegid() };
}

static int send_long(struct vs_long_call *c, int channel)
{
	struct vs_fdmsg msg = {
		.iov = { { &c->req, sizeof(c->req) }, { (void *)c->text, c->text_len } },
		.n_iov = c->text_len > 0 ? 2 : 1,
		.fds = { channel },
		.n_fds = 1 + c->n_fds,
		.creds = credentials(c->keeper),
		.claim_creds = true,
	};

	memcpy(msg.fds + 1, c->fds, c->n_fds * sizeof(*c->fds));
	c->req.version = VS_WIRE_VERSION;
	c->req.channel = 0;
	c->req.seq = 1;
	if (vs_socket_cookie(c->door) != c->door_cookie)
		return keeper_lost();
	int r = vs_fdmsg_send(c->door, &msg, 0);
	if (r == -EPERM || r == -ESRCH)
		return vs_fail(EPERM, "this process has given up the privileges its keeper was started with; "
				      "make and change stacks before that");
	if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
		return keeper_lost();
	return r < 0 ? vs_fail(-r, "cannot ask the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r)) : 0;
}

static int await_long(struct vs_long_call *c, int channel)
{
	struct vs_fdmsg msg = { .iov = { { &c->reply, sizeof(c->reply) }, { c->answer, VS_TEXT_MAX } }, .n_iov = 2 };
	struct pollfd answer = { .fd = channel, .events = POLLIN };
	int64_t deadline = vs_now_ms() + c->timeout_ms;
	int n;

	do {
		n = poll(&answer, 1, vs_left_ms(deadline));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return vs_fail(ETIMEDOUT, "the keeper does not answer in time; is it stopped?");
	ssize_t len = vs_fdmsg_recv(channel, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (len < (ssize_t)sizeof(c->reply))
		return keeper_lost();
	c->answer[(size_t)len - sizeof(c->reply)] = '\0';
	if (msg.fds_lost) {
		vs_fdmsg_drop(&msg);
		return vs_fail(EMFILE, "cannot take the keeper's descriptors: %s", vs_cause_text(VS_CAUSE_DESCRIPTORS, EMFILE));
	}
	memcpy(c->got, msg.fds, sizeof(c->got));
	c->n_got = msg.n_fds;
	return c->reply.result < 0 ? vs_fail_text(-c->reply.result, c->answer) : c->reply.result;
}

int vs_call_long(struct vs_long_call *c)
{
	int pair[2], state;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	int r = vs_socketpair(pair);
	if (r < 0) {
		r = vs_fail(-r, "cannot ask the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	} else {
		r = send_long(c, pair[1]);
		vs_close(pair[1]);
		if (r == 0)
			r = await_long(c, pair[0]);
		vs_close(pair[0]);
	}
	(void)pthread_setcancelstate(state, NULL);
	return r;
}

/* ------------------------------------------------------------------ quick calls */

static int door_send(struct vs_slot *slot, const struct vs_fdmsg *msg)
{
	if (vs_socket_cookie(slot->door) != slot->door_cookie)
		return -ENETDOWN;
	int r = vs_fdmsg_send(slot->door, msg, 0);
	if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
		return -ENETDOWN;
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

static void channel_close(struct vs_channel *ch)
{
	if (ch->number != 0)
		vs_socket_close(ch->fd, ch->cookie);
	ch->number = 0;
}

static int channel_open(struct vs_channel *ch, struct vs_slot *slot)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_CHANNEL, .channel = vs_random() };
	struct vs_fdmsg msg = { .iov = { { &req, sizeof(req) } }, .n_iov = 1, .n_fds = 1 };
	struct timeval limit = { .tv_sec = QUICK_TIMEOUT_S };
	int pair[2];
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	msg.fds[0] = pair[1];
	r = door_send(slot, &msg);
	vs_close(pair[1]);
	if (r == 0)
		r = vs_fd_raise(&pair[0], vs_number_floor());
	if (r == 0 && setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		r = -errno;
	if (r < 0) {
		vs_close(pair[0]);
		return r;
	}
	ch->fd = pair[0];
	ch->cookie = vs_socket_cookie(pair[0]);
	ch->keeper = slot->keeper->cookie;
	ch->number = req.channel;
	return 0;
}

static bool channel_fits(const struct vs_channel *ch, const struct vs_slot *slot)
{
	return ch->number != 0 && ch->keeper == slot->keeper->cookie && vs_socket_cookie(ch->fd) == ch->cookie;
}

/*
 * A channel for this call, locked: preferably a free one that is registered with the right
 * keeper, then any other free one, then whichever becomes free first among them.
 */
static struct vs_channel *channel_claim(struct vs_process *p, const struct vs_slot *slot)
{
	struct vs_channel *other = NULL;

	for (size_t i = 0; i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		if (pthread_mutex_trylock(&ch->lock) != 0)
			continue;
		if (ch->number != 0 && ch->keeper == slot->keeper->cookie) {
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
		other = &p->channels[((uintptr_t)&other >> 12) % VS_CHANNELS]; /* differs from thread to thread */
		pthread_mutex_lock(&other->lock);
	}
	return other;
}

/* Waits for the reply to our request, dropping older ones. */
static int quick_reply(struct vs_channel *ch, int recv_flags, int *fd)
{
	struct vs_reply reply;
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) } }, .n_iov = 1 };

	for (int last_look = 0;;) {
		ssize_t n = vs_fdmsg_recv(ch->fd, &msg, recv_flags | (last_look ? MSG_DONTWAIT : 0));
		if (n == -EAGAIN && !last_look) {
			last_look = 1; /* the program may have been stopped all the while */
			continue;
		}
		if (n == -EAGAIN)
			return -ETIMEDOUT;
		if (n < (ssize_t)sizeof(reply)) {
			channel_close(ch);
			return n == 0 ? -ENETDOWN : n < 0 ? (int)n : -EPROTO;
		}
		if (reply.seq == ch->seq)
			break;
		vs_fdmsg_drop(&msg);
	}
	if (reply.result < 0 || fd == NULL) {
		vs_fdmsg_drop(&msg);
		return reply.result;
	}
	if (msg.n_fds == 0) /* there was no free number for it, and then the kernel gives none */
		return -EMFILE;
	*fd = msg.fds[0];
	return reply.result;
}

int vs_call_quick(struct vs_slot *slot, const struct vs_request *want, int recv_flags, int *fd)
{
	struct vs_process *p = vs_process();
	struct vs_request req = *want;
	struct vs_fdmsg msg = { .iov = { { &req, sizeof(req) } }, .n_iov = 1 };
	int r = 0;

	if (p == NULL)
		return vs_fail_static(ENOMEM, "cannot call the keeper");
	struct vs_channel *ch = channel_claim(p, slot);
	if (!channel_fits(ch, slot)) {
		channel_close(ch);
		r = channel_open(ch, slot);
	}
	if (r == 0) {
		req.version = VS_WIRE_VERSION;
		req.channel = ch->number;
		req.seq = ++ch->seq;
		r = door_send(slot, &msg);
	}
	if (r == 0)
		r = quick_reply(ch, recv_flags, fd);
	pthread_mutex_unlock(&ch->lock);
	if (r == -ENETDOWN)
		return vs_fail_static(ENETDOWN, keeper_gone);
	return r < 0 ? vs_fail_static(-r, "cannot make a socket in the stack") : r;
}
