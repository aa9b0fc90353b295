/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Long calls to the keeper.
 *
 * A long call brings its own reply channel and leaves nothing behind.
 *
 *     begun: the request waits for room in the door ──sent──▶ the reply is awaited ──▶ over
 *
 * Nearly always there is room, and begin has sent it. A call that is given up closes its channel. A reply
 * that is on its way then is lost with its descriptors, and the keeper sees the hang-up (keeper/job.c): what
 * it has not done yet it does not do.
 *
 * The door and the channel are checked to be what they were before they are used: the program may have
 * closed them, and the numbers may be those of other files by now.
 */

#include "long_call.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "regain.h"

static int keeper_lost(const struct vs_long_call *c)
{
	return vs_fail(ENETDOWN, "%s", vs_regain_why(&c->door, c->kept));
}

/* The credentials to claim, in a form that the keeper can check (src/keeper/auth.c). */
static struct ucred credentials(const struct vs_keeper_link *keeper)
{
	return (struct ucred){ .pid = keeper->proof != 0 ? keeper->proof : getpid(), .uid = keeper->uid,
			       .gid = keeper->gid };
}

static void close_their_end(struct vs_long_call *c)
{
	vs_close(vs_steal_fd(&c->their_end));
}

/* 0: sent; VS_NOT_YET: no room. */
static int send_request(struct vs_long_call *c)
{
	/* The kernel copies number and key from where they are, so no copies of them stay on stacks. */
	const uint64_t *number = c->register_as != NULL ? c->register_as : &c->req.register_as;
	struct vs_fdmsg msg = {
		.iov = { { &c->req, offsetof(struct vs_request, register_as) },
			 { (void *)number, sizeof(*number) },
			 { &c->keeper->key, sizeof(c->keeper->key) },
			 { (void *)c->text, c->text_len } },
		.n_iov = c->text_len > 0 ? 4 : 3,
		.fds = { c->their_end },
		.n_fds = 1 + c->n_fds,
		.creds = credentials(c->keeper),
		.claim_creds = true,
	};

	memcpy(msg.fds + 1, c->fds, c->n_fds * sizeof(*c->fds));
	if (!vs_sock_valid(&c->door))
		return keeper_lost(c);
	int r = vs_fdmsg_send(c->door.fd, &msg, MSG_DONTWAIT);
	if (r == -EPERM || r == -ESRCH || r == -EINVAL) {
		/*
		 * This process has changed its ids, or the keeper is gone. Not every request needs
		 * credentials, and the keeper decides.
		 */
		msg.claim_creds = false;
		r = vs_fdmsg_send(c->door.fd, &msg, MSG_DONTWAIT);
	}
	if (r == 0)
		close_their_end(c);
	if (r >= 0 || r == -EAGAIN)
		return r < 0 ? VS_NOT_YET : r;
	if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
		return keeper_lost(c);
	return vs_fail(-r, "cannot ask the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
}

int vs_long_call_begin(struct vs_long_call *c)
{
	int pair[2];
	int r = vs_socketpair(pair);

	c->channel = (struct vs_sock)VS_NO_SOCK;
	c->their_end = -1;
	if (r < 0)
		return vs_fail(-r, "cannot ask the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	c->channel = vs_sock_of(pair[0]);
	c->their_end = pair[1];
	c->deadline_ms = vs_deadline_ms(c->timeout_ms);
	c->req.version = VS_WIRE_VERSION;
	c->req.channel = 0;
	c->req.seq = 1;
	r = send_request(c);
	if (r < 0 && r != VS_NOT_YET)
		vs_long_call_close(c);
	return r == VS_NOT_YET ? 0 : r;
}

struct pollfd vs_long_call_wanted(const struct vs_long_call *c)
{
	return c->their_end >= 0 ? (struct pollfd){ .fd = c->door.fd, .events = POLLOUT }
				 : (struct pollfd){ .fd = c->channel.fd, .events = POLLIN };
}

void vs_long_call_close(struct vs_long_call *c)
{
	close_their_end(c);
	vs_sock_close(&c->channel);
	c->channel = (struct vs_sock)VS_NO_SOCK;
}

/*
 * A child that was forked during the call may have copies of the channel. So the channel is shut down, which
 * the keeper sees whatever copies there are. A reply that has arrived is taken out: without space for
 * descriptors the kernel closes those in it.
 */
void vs_long_call_end(struct vs_long_call *c)
{
	char byte;

	if (vs_sock_valid(&c->channel)) {
		(void)shutdown(c->channel.fd, SHUT_RDWR);
		while (recv(c->channel.fd, &byte, 1, MSG_DONTWAIT) > 0)
			;
	}
	vs_long_call_close(c);
}

/* VS_NOT_YET: there is no reply. */
static int take_reply(struct vs_long_call *c)
{
	struct vs_fdmsg msg = { .iov = { { &c->reply, sizeof(c->reply) }, { c->answer, VS_TEXT_MAX } },
				.n_iov = 2 };
	ssize_t len = vs_fdmsg_recv(c->channel.fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (len == -EAGAIN)
		return VS_NOT_YET;
	if (len < (ssize_t)sizeof(c->reply) || c->reply.type != VS_REPLY_TYPE) {
		vs_fdmsg_drop(&msg);
		return keeper_lost(c);
	}
	c->answer[(size_t)len - sizeof(c->reply)] = '\0';
	if (msg.fds_lost) {
		vs_fdmsg_drop(&msg);
		return vs_fail(EMFILE, "cannot take the keeper's descriptors: %s",
			       vs_cause_text(VS_CAUSE_DESCRIPTORS, EMFILE));
	}
	memcpy(c->got, msg.fds, sizeof(c->got));
	c->n_got = msg.n_fds;
	if (c->reply.result == -EPERM) {
		const char *elsewhere = vs_keepers_elsewhere(c->keeper);
		if (elsewhere != NULL)
			return vs_fail(EPERM, "%s", elsewhere);
	}
	return c->reply.result < 0 ? vs_fail_text(-c->reply.result, c->answer) : c->reply.result;
}

int vs_long_call_step(struct vs_long_call *c)
{
	bool sending = c->their_end >= 0;
	int r = !vs_sock_valid(&c->channel) ? keeper_lost(c) : sending ? send_request(c) : take_reply(c);

	if (r == 0 && sending)
		return VS_NOT_YET; /* now for the reply */
	if (r == VS_NOT_YET && vs_left_ms(c->deadline_ms) > 0)
		return r;
	if (r == VS_NOT_YET)
		vs_long_call_end(c);
	else if (r < 0 || c->register_as == NULL)
		vs_long_call_close(c);
	return r == VS_NOT_YET ? vs_fail(ETIMEDOUT, "the keeper does not answer in time; is it stopped?") : r;
}

int vs_long_call_run(struct vs_long_call *c)
{
	VS_NO_CANCEL;
	int r = vs_long_call_begin(c);

	if (r < 0)
		return r;
	do {
		struct pollfd wanted = vs_long_call_wanted(c);
		(void)poll(&wanted, 1, vs_left_ms(c->deadline_ms));
		r = vs_long_call_step(c);
	} while (r == VS_NOT_YET);
	return r;
}
