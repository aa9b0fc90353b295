/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client that is accepted needs a second descriptor, for the server. That one is made first. So when there
 * are no descriptors, the client stays in the queue of the stack, and nothing is lost. Accepting pauses until
 * a connection ends or a second has passed. It pauses as well at the limit of connections.
 */

#include "accept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/common/report.h"

#define RETRY_MS 1000

struct rp_tcp_listener {
	struct rp_watch watch;
	struct rp_tcp *tcp;
	const struct rp_port *port;
	struct rp_hold *hold;
	struct rp_link link;
};

static void watch_listeners(struct rp_tcp *t, bool paused)
{
	t->paused = paused;
	t->retry.due_ms = paused ? t->loop->now_ms + RETRY_MS : RP_NEVER;
	for (struct rp_link *i = t->listeners.next; i != &t->listeners; i = i->next) {
		struct rp_tcp_listener *l = RP_OF(i, struct rp_tcp_listener, link);
		(void)rp_loop_watch(t->loop, &l->watch, paused ? 0 : EPOLLIN);
	}
}

static void pause_accepting(struct rp_tcp *t, const char *why)
{
	dm_report(DM_DEBUG, "clients wait: %s", why);
	rp_pipes_trim(&t->relays.pipes); /* it may be descriptors that are missing */
	watch_listeners(t, true);
}

/* One connection a time: the loop comes back as long as there are more. */
static void accept_one(struct rp_watch *w, uint32_t events)
{
	struct rp_tcp_listener *l = RP_OF(w, struct rp_tcp_listener, watch);
	struct rp_tcp *t = l->tcp;

	if ((events & EPOLLHUP) != 0) {
		rp_loop_fail(t->loop, "the stack outside has failed");
		return;
	}
	if (t->n >= t->limit) {
		pause_accepting(t, "the limit of connections is reached");
		return;
	}
	int server = ioth_msocket(t->inside, l->port->target.ss_family,
				  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server < 0 && errno == ENETDOWN) {
		rp_loop_fail(t->loop, "the stack inside has failed");
		return;
	}
	if (server < 0) {
		pause_accepting(t, strerror(errno));
		return;
	}
	int client = ioth_accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client >= 0) {
		rp_tcp_connect(t, l->port, l->hold, client, server);
		return;
	}
	int err = errno;
	(void)ioth_close(server);
	if (err != EAGAIN && err != EWOULDBLOCK && err != EINTR && err != ECONNABORTED)
		pause_accepting(t, strerror(err));
}

static void accept_again(struct rp_timer *timer)
{
	watch_listeners(RP_OF(timer, struct rp_tcp, retry), false);
}

static void resume(struct rp_tcp *t)
{
	if (t->paused)
		watch_listeners(t, false);
}

void rp_accept_init(struct rp_tcp *t)
{
	rp_list_init(&t->listeners);
	t->paused = false;
	t->room = resume;
	rp_loop_timer(t->loop, &t->retry, accept_again);
}

int rp_accept_open(struct rp_tcp *t, int fd, const struct rp_port *port, struct rp_hold *hold,
		   struct rp_tcp_listener **made)
{
	struct rp_tcp_listener *l = calloc(1, sizeof(*l));
	int r = l == NULL ? -ENOMEM : ioth_listen(fd, t->backlog) < 0 ? -errno : 0;

	if (r == 0) {
		*l = (struct rp_tcp_listener){
			.tcp = t, .port = port, .hold = hold, .watch = { .fd = fd, .ready = accept_one }
		};
		rp_list_init(&l->link);
		r = rp_loop_watch(t->loop, &l->watch, EPOLLIN);
	}
	if (r < 0) {
		(void)ioth_close(fd);
		free(l);
		return r;
	}
	rp_list_append(&t->listeners, &l->link);
	if (t->paused)
		(void)rp_loop_watch(t->loop, &l->watch, 0);
	*made = l;
	return 0;
}

void rp_accept_close(struct rp_tcp_listener *l)
{
	if (l == NULL)
		return;
	rp_loop_forget(l->tcp->loop, &l->watch);
	rp_list_remove(&l->link);
	(void)ioth_close(l->watch.fd);
	free(l);
}
