/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Requests of the program. Each is checked here: the version, the lengths, that there is a socket for the
 * reply. A message that is not a request is dropped. Contents are checked by those who use them.
 *
 * The end of the control socket, or PX_END, is the end of the stack. Data that closed connections still have
 * to send gets a moment. No request is taken any more: those that wait fail as if the process had gone.
 */

#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "events.h"
#include "iface.h"
#include "linger.h"
#include "loop.h"
#include "message.h"
#include "names.h"
#include "socket.h"
#include "sources.h"
#include "wire/fdmsg.h"
#include "words.h"
#include <vdestack/sources.h>

#define BATCH 16    /* requests in one turn: connections go on meanwhile */
#define TURNS_MAX 4 /* see must_wait() */

struct call {
	struct px_request request;
	unsigned char data[PX_DATA_MAX + 1];
	int reply; /* the socket for the reply; -1: it is answered elsewhere */
	struct px_reply head;
	_Alignas(max_align_t) unsigned char result[PX_DATA_MAX];
	int fd; /* goes with the reply; -1: none */
};

static struct px_watch control = { .fd = -1 };
static struct call call;
static struct px_later waiting; /* call is not answered yet */
static int turns_waited;        /* 0: none waits */

static void answer(int to, const struct px_reply *head, const void *data, int fd)
{
	struct vs_fdmsg msg = { .iov = { { (void *)head, sizeof(*head) }, { (void *)data, head->len } },
				.n_iov = 2,
				.fds = { fd },
				.n_fds = fd >= 0 };

	(void)vs_fdmsg_send(to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL); /* fails if the caller has gone */
}

/* ------------------------------------------------------------------ without a socket */

static void iface_opened(void *arg, int result)
{
	int to = (int)(long)arg;
	struct px_reply head = { .result = result < 0 ? result : 0,
				 .value = result < 0 ? 0 : (uint64_t)result };

	answer(to, &head, NULL, -1);
	vs_close(to);
}

static int do_hello(struct call *c)
{
	c->head.value = PX_VERSION;
	return 0;
}

static int do_iface(struct call *c)
{
	const char *name = (const char *)c->data, *vnl = name + strlen(name) + 1;

	if (vnl >= (const char *)c->data + c->request.len)
		return -EINVAL;
	int r = px_iface_open(name, vnl, iface_opened, (void *)(long)c->reply);
	if (r == 0)
		c->reply = -1;
	return r;
}

static int do_socket(struct call *c)
{
	struct px_socket *s;
	int r = px_socket_new(c->request.args[0], c->request.args[1], c->request.args[2], &s, &c->fd);

	if (r == 0)
		c->head.value = s->cookie;
	return r;
}

static int do_configure(struct call *c)
{
	char *why = (char *)c->result;

	why[0] = '\0';
	int r = px_words_change((const char *)c->data, why, sizeof(c->result));
	c->head.len = r < 0 ? (uint32_t)strlen(why) + 1 : 0;
	return r;
}

static int do_ready(struct call *c)
{
	char *why = (char *)c->result;

	why[0] = '\0';
	int r = px_words_ready(why, sizeof(c->result));
	c->head.len = r < 0 ? (uint32_t)strlen(why) + 1 : 0;
	return r;
}

/* data: the name of an interface, or "". */
static bool iface_is_there(const struct call *c)
{
	return c->data[0] == '\0' || px_iface_by_name((const char *)c->data) != NULL;
}

static int do_sources(struct call *c)
{
	struct vdestack_source *list = (struct vdestack_source *)c->result;
	const size_t room = sizeof(c->result) / sizeof(*list);
	size_t first = (uint32_t)c->request.args[0];

	if (!iface_is_there(c))
		return -ENODEV;
	size_t n = px_sources_list((const char *)c->data, first, list, room);
	size_t written = n <= first ? 0 : n - first < room ? n - first : room;
	c->head.value = n;
	c->head.len = (uint32_t)(written * sizeof(*list));
	return 0;
}

static int do_resolvconf(struct call *c)
{
	if (!iface_is_there(c))
		return -ENODEV;
	long n = px_names_resolvconf((const char *)c->data, (char *)c->result, sizeof(c->result));
	if (n < 0)
		return (int)n;
	if ((size_t)n >= sizeof(c->result))
		return -E2BIG; /* more than a hundred name servers */
	c->head.len = (uint32_t)n + 1;
	return 0;
}

static int do_events(struct call *c)
{
	return px_events_new(&c->fd);
}

/* ------------------------------------------------------------------ of a socket */

static int do_bind(struct px_socket *s, struct call *c)
{
	if (s->ops->bind == NULL)
		return -EOPNOTSUPP;
	return s->ops->bind(s, (const struct sockaddr *)c->data, c->request.len);
}

static int do_connect(struct px_socket *s, struct call *c)
{
	if (s->ops->connect == NULL)
		return -EOPNOTSUPP;
	return s->ops->connect(s, (const struct sockaddr *)c->data, c->request.len);
}

static int do_listen(struct px_socket *s, struct call *c)
{
	return s->ops->listen == NULL ? -EOPNOTSUPP : s->ops->listen(s, c->request.args[0]);
}

static int do_name(struct px_socket *s, struct call *c)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	int r = s->ops->name == NULL ? -EOPNOTSUPP
				     : s->ops->name(s, c->request.op == PX_GETPEERNAME, &addr, &len);

	if (r < 0)
		return r;
	memcpy(c->result, &addr, len);
	c->head.len = len;
	return 0;
}

static int do_set(struct px_socket *s, struct call *c)
{
	if (s->ops->set == NULL)
		return -ENOPROTOOPT;
	return s->ops->set(s, c->request.args[0], c->request.args[1], c->data, c->request.len);
}

static int do_get(struct px_socket *s, struct call *c)
{
	socklen_t len = c->request.args[2] < 0 || c->request.args[2] > PX_DATA_MAX
				? PX_DATA_MAX
				: (socklen_t)c->request.args[2];

	if (s->ops->get == NULL)
		return -ENOPROTOOPT;
	int r = s->ops->get(s, c->request.args[0], c->request.args[1], c->result, &len);
	if (r == 0)
		c->head.len = len;
	return r;
}

static int do_shutdown(struct px_socket *s, struct call *c)
{
	int how = c->request.args[0];

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown == NULL ? -EOPNOTSUPP : s->ops->shutdown(s, how);
}

static int do_ioctl(struct px_socket *s, struct call *c)
{
	if ((unsigned)c->request.args[0] == SIOCGIFCONF) {
		c->head.len = (uint32_t)px_ioctl_list(c->result, sizeof(c->result));
		return 0;
	}
	if (s->ops->ioctl == NULL)
		return -ENOTTY;
	memcpy(c->result, c->data, c->request.len);
	int r = s->ops->ioctl(s, (unsigned)c->request.args[0], c->result, c->request.len);
	if (r == 0)
		c->head.len = c->request.len;
	return r;
}

/* ------------------------------------------------------------------ dispatch */

static const struct {
	int (*stack)(struct call *c);
	int (*socket)(struct px_socket *s, struct call *c);
} table[PX_OPS] = {
	[PX_HELLO] = { do_hello, NULL },         [PX_IFACE] = { do_iface, NULL },
	[PX_SOCKET] = { do_socket, NULL },       [PX_BIND] = { NULL, do_bind },
	[PX_CONNECT] = { NULL, do_connect },     [PX_LISTEN] = { NULL, do_listen },
	[PX_GETSOCKNAME] = { NULL, do_name },    [PX_GETPEERNAME] = { NULL, do_name },
	[PX_SETSOCKOPT] = { NULL, do_set },      [PX_GETSOCKOPT] = { NULL, do_get },
	[PX_SHUTDOWN] = { NULL, do_shutdown },   [PX_IOCTL] = { NULL, do_ioctl },
	[PX_CONFIGURE] = { do_configure, NULL }, [PX_READY] = { do_ready, NULL },
	[PX_SOURCES] = { do_sources, NULL },     [PX_RESOLVCONF] = { do_resolvconf, NULL },
	[PX_EVENTS] = { do_events, NULL },
};

/* SO_ERROR of a socket that failed and has been freed. */
static int left_error(struct call *c)
{
	bool asked = c->request.args[0] == SOL_SOCKET && c->request.args[1] == SO_ERROR;
	int error = asked ? px_socket_left_error(c->request.socket) : -ENOTCONN;

	if (error < 0)
		return error;
	memcpy(c->result, &error, sizeof(error));
	c->head.len = sizeof(error);
	return 0;
}

static int perform(struct call *c)
{
	if (c->request.version != PX_VERSION)
		return -EPROTO;
	if (c->request.op >= PX_OPS)
		return -ENOSYS;
	if (table[c->request.op].stack != NULL)
		return table[c->request.op].stack(c);
	if (table[c->request.op].socket == NULL)
		return -ENOSYS;
	struct px_socket *s = px_socket_find(c->request.socket);
	if (s == NULL && c->request.op == PX_GETSOCKOPT)
		return left_error(c);
	return s == NULL || s->gone ? -EBADF : table[c->request.op].socket(s, c);
}

static void finish(struct call *c)
{
	if (c->reply >= 0)
		answer(c->reply, &c->head, c->result, c->fd);
	vs_close(c->reply);
	vs_close(c->fd);
}

/*
 * A program that closes a socket and binds another to its port: the request may be seen before the end of the
 * old one, which is an event of the next turn and work of its end. So the request waits for a few turns, and
 * no other is taken meanwhile.
 */
static bool must_wait(const struct call *c, int result)
{
	return result == -EADDRINUSE && (c->request.op == PX_BIND || c->request.op == PX_LISTEN) &&
	       turns_waited < TURNS_MAX;
}

static void serve_again(struct px_later *later)
{
	call.head.result = perform(&call);
	if (must_wait(&call, call.head.result)) {
		turns_waited++;
		px_later_again(later, serve_again);
		return;
	}
	turns_waited = 0;
	finish(&call);
}

static void serve(struct call *c)
{
	c->fd = -1;
	c->head = (struct px_reply){ 0 };
	c->data[c->request.len] = '\0';
	c->head.result = perform(c);
	if (must_wait(c, c->head.result)) {
		turns_waited = 1;
		px_later_again(&waiting, serve_again);
		return;
	}
	finish(c);
}

/* A request of the length that it says, with one descriptor; PX_END has none. */
static bool well_formed(const struct vs_fdmsg *msg, ssize_t len)
{
	return len >= (ssize_t)sizeof(call.request) && !msg->fds_lost &&
	       call.request.len == (size_t)len - sizeof(call.request) &&
	       msg->n_fds == (call.request.op != PX_END);
}

static bool is_end(const struct px_request *request)
{
	return request->version == PX_VERSION && request->op == PX_END;
}

static void end(struct px_watch *watch)
{
	px_loop_remove(watch);
	vs_close(watch->fd);
	watch->fd = -1;
	px_linger_then_stop();
}

static void control_ready(struct px_watch *watch, uint32_t events)
{
	(void)events;
	for (int i = 0; i < BATCH && turns_waited == 0; i++) {
		struct vs_fdmsg msg = { .iov = { { &call.request, sizeof(call.request) },
						 { call.data, PX_DATA_MAX } },
					.n_iov = 2 };
		ssize_t len = vs_fdmsg_recv(watch->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (len == -EAGAIN)
			return;
		if (len == -EBADMSG)
			continue;
		bool good = well_formed(&msg, len);
		if (len <= 0 || (good && is_end(&call.request))) {
			end(watch);
			return;
		}
		if (good && msg.n_fds == 1) {
			call.reply = vs_steal_fd(&msg.fds[0]);
			serve(&call);
		} else {
			vs_fdmsg_drop(&msg);
		}
	}
}

int px_control_start(int fd)
{
	control = (struct px_watch){ fd, control_ready };
	return px_loop_add(&control, EPOLLIN);
}
