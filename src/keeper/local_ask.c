/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "local_ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "closer.h"
#include "wire/fdmsg.h"
#include "wire/registry_ask.h"

#define ASK_AGAIN_MS 10 /* a keeper whose queue is full */
#define ASKED_MOST 2    /* by one that closes the channel without an answer */

static int send_question(const struct vs_local_question *q, struct vs_local_peer *peer)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = q->op, .seq = 1 };
	struct vs_fdmsg msg = { .iov = { { &req, sizeof(req) }, { (void *)q->segment, 0 } },
				.n_iov = q->segment != NULL ? 2 : 1,
				.fds = { -1, q->proof },
				.n_fds = q->proof >= 0 ? 2 : 1 };

	if (q->segment != NULL)
		msg.iov[1].iov_len = strlen(q->segment);
	return vs_registry_ask(peer->socket, &msg, &peer->channel);
}

/* Asks a keeper that has not been asked yet. -errno: nothing can be asked. */
static int ask(const struct vs_local *l, const struct vs_local_question *q, struct vs_local_peer *peer)
{
	int r = send_question(q, peer);

	if (r == 0)
		peer->asked++;
	if (r == -ECONNREFUSED || r == -ENOENT) {
		peer->gone = true;
		vs_local_forget(l, peer);
		return 0;
	}
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return r;
	if (r < 0 && r != -EAGAIN) /* EAGAIN: its queue is full */
		peer->result = r;
	return 0;
}

/* The answer of one keeper. A descriptor, or -1: peer->result, or it is to be asked again. */
static int hear(const struct vs_local *l, const struct vs_local_question *q, struct vs_local_peer *peer)
{
	struct vs_reply reply;
	char text[256];
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) }, { text, sizeof(text) } },
				.n_iov = 2,
				.drop = vs_close_foreign };
	VS_AUTO_CLOSE channel = vs_steal_fd(&peer->channel);
	ssize_t len = vs_fdmsg_recv(channel, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (len <= 0) {
		peer->result = peer->asked < ASKED_MOST ? 0 : -EPERM;
		return -1;
	}
	bool its = vs_registry_is_reply(&reply, len, &msg);
	if (its && reply.result == 0 && msg.n_fds == 1 && q->accepts(l, msg.fds[0]))
		return msg.fds[0];
	peer->result = its && reply.result < 0 ? reply.result : -EPROTO;
	vs_fdmsg_drop(&msg);
	return -1;
}

/* One round. A descriptor; -ENOENT: all have answered, or are gone; -EAGAIN: not yet; or -errno. */
static int ask_round(const struct vs_local *l, const struct vs_local_question *q, struct vs_local_peer *peers,
		     size_t n, struct pollfd *polled, int64_t deadline_ms)
{
	bool waits = false, unasked = false;

	for (size_t i = 0; i < n; i++) {
		bool open = !peers[i].gone && peers[i].result == 0;
		if (open && peers[i].channel < 0) {
			int r = ask(l, q, &peers[i]);
			if (r < 0)
				return r;
			open = !peers[i].gone && peers[i].result == 0;
		}
		polled[i] = (struct pollfd){ .fd = open ? peers[i].channel : -1, .events = POLLIN };
		waits = waits || open;
		unasked = unasked || (open && peers[i].channel < 0);
	}
	if (!waits)
		return -ENOENT;
	int left = vs_left_ms(deadline_ms);
	(void)poll(polled, n, unasked && left > ASK_AGAIN_MS ? ASK_AGAIN_MS : left);
	for (size_t i = 0; i < n; i++) {
		int fd = polled[i].fd >= 0 && polled[i].revents != 0 ? hear(l, q, &peers[i]) : -1;
		if (fd >= 0)
			return fd;
	}
	return -EAGAIN;
}

/* Nobody has given what was asked for: why. */
static int explain(const struct vs_local_peer *peers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!peers[i].gone && peers[i].result == 0)
			return vs_fail(ETIMEDOUT,
				       "cannot use local:// segments: the keeper %d of another program "
				       "does not "
				       "answer; if it is stopped, let it go on or kill it; if it has another "
				       "version of this library, restart its program", (int)peers[i].pid);
	for (size_t i = 0; i < n; i++)
		if (!peers[i].gone && peers[i].result != -ENOENT)
			return vs_fail(-peers[i].result,
				       "cannot use local:// segments: the keeper %d of another program %s",
				       (int)peers[i].pid,
				       peers[i].result == -EPROTO
					       ? "answers something that is no namespace of this user's "
						 "segments; kill it"
					       : "refuses this program; they cannot meet if this one is more "
						 "confined (seccomp, another user namespace)");
	return -ENOENT;
}

int vs_local_ask(const struct vs_local *l, const struct vs_local_question *q, struct vs_local_peer *peers,
		 size_t n, int64_t deadline_ms)
{
	VS_AUTO_FREE struct pollfd *polled = calloc(n > 0 ? n : 1, sizeof(*polled));
	int r = polled == NULL ? -ENOMEM : -EAGAIN;

	while (r == -EAGAIN) {
		r = ask_round(l, q, peers, n, polled, deadline_ms);
		if (r == -EAGAIN && vs_left_ms(deadline_ms) == 0)
			break;
	}
	for (size_t i = 0; i < n; i++)
		vs_close(vs_steal_fd(&peers[i].channel));
	if (r >= 0)
		return r;
	if (r == -EAGAIN || r == -ENOENT)
		return explain(peers, n);
	return vs_fail(-r, "cannot use local:// segments: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
}

bool vs_local_any(const struct vs_local *l)
{
	VS_AUTO_FREE struct vs_local_peer *peers = NULL;
	size_t n = 0;
	bool any = vs_local_list(l, NULL, &peers, &n) < 0;

	for (size_t i = 0; i < n; i++) {
		int fd = vs_registry_connect(peers[i].socket);
		if (fd == -ECONNREFUSED)
			vs_local_forget(l, &peers[i]);
		else
			any = true;
		vs_close(fd);
	}
	return any;
}
