/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * c-ares sends the questions, tries again, changes the server, goes over to TCP, and matches replies with
 * questions. It gets every setting from here. It reads files, variables and the name of the host only for
 * settings that it was not given, so all of them are given, also those that are never used. Its own lookup
 * functions, which read hosts files and ask the libc for services, are not called.
 *
 * Its sockets come from functions of this file. They make them in the stack, and note for each one which
 * server it belongs to and what that server did. So a message can say which server failed how.
 *
 * The id of a question is a random number of the kernel. c-ares closes its sockets when it has no question
 * left, so every lookup has a source port of its own.
 */

#include "lane.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#include "answer.h"

struct place {
	struct vs_lane *lane;
	int type;
	uint16_t id; /* of the question */
	bool busy;
	struct vs_answer *answer;
};

/* What a server did in the lookup under way. */
struct server {
	struct vs_server about;
	bool asked;
	int error;   /* an errno of connect, send or receive; 0: none */
	int rcode;   /* of a useless reply; -1: none */
	bool answered;
};

#define SOCKETS_MAX 32

struct vs_lane {
	ares_channel channel;
	struct vs_lane_config config;
	struct server servers[VS_SERVERS_MAX];
	size_t n_servers;
	struct place places[VS_LANE_QUESTIONS];
	int epoll_fd;
	bool disowned;
	struct vs_settings settings;
	int socket_error; /* no socket could be made */
	/* Which server a socket belongs to. */
	struct {
		int fd;
		int8_t server;
		bool tcp;
	} sockets[SOCKETS_MAX];
	size_t n_sockets;
};

/* ------------------------------------------------------------------ sockets for c-ares */

static int find_socket(const struct vs_lane *lane, int fd)
{
	for (size_t i = 0; i < lane->n_sockets; i++)
		if (lane->sockets[i].fd == fd)
			return (int)i;
	return -1;
}

static struct server *server_of(struct vs_lane *lane, int fd)
{
	int i = find_socket(lane, fd);

	return i < 0 || lane->sockets[i].server < 0 ? NULL : &lane->servers[lane->sockets[i].server];
}

static ares_socket_t make_socket(int domain, int type, int protocol, void *arg)
{
	struct vs_lane *lane = arg;

	if (lane->n_sockets == SOCKETS_MAX) {
		errno = EMFILE;
		return -1;
	}
	int fd = vdestack_msocket(lane->config.stack, domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd < 0) {
		lane->socket_error = errno;
		return -1;
	}
	size_t i = lane->n_sockets++;
	lane->sockets[i].fd = fd;
	lane->sockets[i].server = -1;
	lane->sockets[i].tcp = type == SOCK_STREAM;
	return fd;
}

static int close_socket(ares_socket_t fd, void *arg)
{
	struct vs_lane *lane = arg;
	int i = find_socket(lane, fd);

	if (i >= 0)
		lane->sockets[i] = lane->sockets[--lane->n_sockets];
	return close(fd);
}

static bool same_address(const struct vs_server *s, const struct sockaddr *addr)
{
	if (s->family != addr->sa_family)
		return false;
	if (s->family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)addr;
		return memcmp(s->bytes, &v4->sin_addr, 4) == 0 && v4->sin_port == htons(s->port);
	}
	const struct sockaddr_in6 *v6 = (const void *)addr;
	return memcmp(s->bytes, &v6->sin6_addr, 16) == 0 && v6->sin6_port == htons(s->port);
}

/* c-ares 1.18 knows no zones: the scope of a link-local server is added here. */
static int connect_socket(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t len, void *arg)
{
	struct vs_lane *lane = arg;
	struct sockaddr_in6 v6;
	size_t i = 0;

	while (i < lane->n_servers && !same_address(&lane->servers[i].about, addr))
		i++;
	if (i == lane->n_servers) {
		errno = EINVAL;
		return -1;
	}
	int at = find_socket(lane, fd);
	if (at >= 0)
		lane->sockets[at].server = (int8_t)i;
	struct server *server = &lane->servers[i];
	if (server->about.scope != 0 && len == sizeof(v6)) {
		memcpy(&v6, addr, sizeof(v6));
		v6.sin6_scope_id = server->about.scope;
		addr = (const struct sockaddr *)&v6;
	}
	int r = connect(fd, addr, len);
	server->asked = true;
	if (r < 0 && errno != EINPROGRESS && errno != EWOULDBLOCK)
		server->error = errno;
	return r;
}

/* Notes what a reply by UDP says of its server; c-ares looks at the rest. */
static void note_reply(struct server *server, const uint8_t *reply, size_t n)
{
	if (n < 12)
		return;
	int rcode = reply[3] & 0xf;
	if (rcode == ns_r_noerror || rcode == ns_r_nxdomain)
		server->answered = true;
	else
		server->rcode = rcode;
}

static ares_ssize_t receive(ares_socket_t fd, void *buf, size_t size, int flags, struct sockaddr *from,
			    ares_socklen_t *from_len, void *arg)
{
	struct vs_lane *lane = arg;
	int at = find_socket(lane, fd);
	bool udp = at >= 0 && !lane->sockets[at].tcp;
	struct server *server = server_of(lane, fd);
	ssize_t n;

	/* A datagram that is no reply is as if it had not come. c-ares 1.18 takes an empty one for an end. */
	n = recvfrom(fd, buf, size, flags, from, from_len);
	if (udp && n >= 0 && (n < 12 || !(((uint8_t *)buf)[2] & 0x80))) {
		errno = EAGAIN;
		return -1;
	}
	if (server == NULL)
		return n;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		server->error = errno;
	else if (n == 0)
		server->error = ECONNRESET;
	else if (n > 0 && udp)
		note_reply(server, buf, (size_t)n);
	return n;
}

static ares_ssize_t send_data(ares_socket_t fd, const struct iovec *parts, int n_parts, void *arg)
{
	struct vs_lane *lane = arg;
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
				  .msg_iovlen = (size_t)n_parts };
	ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
	struct server *server = server_of(lane, fd);

	if (n < 0 && errno != EAGAIN && server != NULL)
		server->error = errno;
	return n;
}

static void watch(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct vs_lane *lane = arg;
	struct epoll_event event = { .events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u) };

	if (lane->epoll_fd < 0 || lane->disowned)
		return;
	if (event.events == 0)
		(void)epoll_ctl(lane->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* the socket is closed next */
	else if (epoll_ctl(lane->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT)
		(void)epoll_ctl(lane->epoll_fd, EPOLL_CTL_ADD, fd, &event); /* without it the try times out */
}

/* ------------------------------------------------------------------ the channel */

static int set_servers(struct vs_lane *lane, const struct vs_settings *settings)
{
	struct ares_addr_port_node nodes[VS_SERVERS_MAX] = { 0 };

	lane->n_servers = settings->n_servers;
	if (lane->n_servers == 0)
		return ARES_SUCCESS;
	for (size_t i = 0; i < lane->n_servers; i++) {
		const struct vs_server *s = &settings->servers[i];
		lane->servers[i].about = *s;
		nodes[i].next = i + 1 < lane->n_servers ? &nodes[i + 1] : NULL;
		nodes[i].family = s->family;
		memcpy(&nodes[i].addr, s->bytes, s->family == AF_INET ? 4 : 16);
		nodes[i].udp_port = nodes[i].tcp_port = s->port;
	}
	return ares_set_servers_ports(lane->channel, nodes);
}

static int open_channel(struct vs_lane *lane)
{
	struct ares_options options = {
		.flags = (lane->config.edns ? ARES_FLAG_EDNS : 0) | (lane->config.tcp ? ARES_FLAG_USEVC : 0) |
			 ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = lane->config.timeout_ms,
		.tries = lane->config.tries,
		.ndots = 1,
		.ednspsz = VS_MESSAGE_UDP_MAX,
		.lookups = (char *)(uintptr_t)"b",
		.sock_state_cb = watch,
		.sock_state_cb_data = lane,
	};

	/* Servers, domains and the sort list are empty. They are given, so that nothing is read for them. */
	return ares_init_options(&lane->channel, &options,
				 ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
					 ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB |
					 ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
					 ARES_OPT_NOROTATE);
}

struct vs_lane *vs_lane_new(const struct vs_lane_config *config, const struct vs_settings *settings)
{
	static const struct ares_socket_functions functions = { make_socket, close_socket, connect_socket,
								receive, send_data };
	struct vs_lane *lane = calloc(1, sizeof(*lane));

	if (lane == NULL)
		return NULL;
	lane->config = *config;
	lane->settings = *settings;
	lane->epoll_fd = -1;
	for (int i = 0; i < VS_LANE_QUESTIONS; i++)
		lane->places[i].lane = lane;
	if (open_channel(lane) != ARES_SUCCESS) {
		free(lane);
		errno = ENOMEM;
		return NULL;
	}
	ares_set_socket_functions(lane->channel, &functions, lane);
	if (set_servers(lane, settings) != ARES_SUCCESS) {
		vs_lane_delete(lane);
		errno = ENOMEM;
		return NULL;
	}
	return lane;
}

void vs_lane_delete(struct vs_lane *lane)
{
	if (lane == NULL)
		return;
	lane->epoll_fd = -1;
	ares_destroy(lane->channel);
	for (int i = 0; i < VS_LANE_QUESTIONS; i++)
		vs_answer_unref(lane->places[i].answer);
	free(lane);
}

bool vs_lane_uses(const struct vs_lane *lane, const struct vs_settings *settings)
{
	return !lane->disowned && vs_settings_same(&lane->settings, settings);
}

void vs_lane_set_epoll(struct vs_lane *lane, int epoll_fd)
{
	lane->epoll_fd = epoll_fd;
}

void vs_lane_disown(struct vs_lane *lane)
{
	lane->disowned = true;
}

/* ------------------------------------------------------------------ questions */

void vs_lane_begin(struct vs_lane *lane)
{
	lane->socket_error = 0;
	for (size_t i = 0; i < lane->n_servers; i++)
		lane->servers[i] = (struct server){ .about = lane->servers[i].about, .rcode = -1 };
}

/* c-ares has an answer, or has given up. It also calls this inside ares_send(), cancel and destroy. */
static void done(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	struct place *place = arg;

	(void)status; /* REFUSED, SERVFAIL and NXDOMAIN are in the reply */
	(void)timeouts;
	place->busy = false;
	if (reply == NULL || n <= 0)
		return;
	place->answer = vs_answer_new(reply, (size_t)n, place->type, 0);
	if (place->answer != NULL && place->answer->kind == VS_MESSAGE_FAILURE) {
		vs_answer_unref(place->answer);
		place->answer = NULL;
	}
}

int vs_lane_ask(struct vs_lane *lane, int place, const char *name, int type)
{
	uint8_t question[VS_MESSAGE_QUESTION_MAX];
	uint16_t id, other = lane->places[!place].id;

	do {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return -errno;
	} while (id == other);
	int n = vs_message_ask(question, name, type, id, lane->config.edns);
	if (n < 0)
		return n;
	struct place *p = &lane->places[place];
	vs_answer_unref(p->answer);
	*p = (struct place){ .lane = lane, .type = type, .id = id, .busy = true };
	ares_send(lane->channel, question, n, done, p);
	return 0;
}

bool vs_lane_busy(const struct vs_lane *lane)
{
	return lane->places[0].busy || lane->places[1].busy;
}

struct vs_answer *vs_lane_take(struct vs_lane *lane, int place)
{
	struct vs_answer *answer = lane->places[place].answer;

	lane->places[place].answer = NULL;
	return answer;
}

void vs_lane_cancel(struct vs_lane *lane)
{
	if (vs_lane_busy(lane))
		ares_cancel(lane->channel);
}

/* ------------------------------------------------------------------ working */

int vs_lane_due_ms(struct vs_lane *lane)
{
	struct timeval wait;

	if (ares_timeout(lane->channel, NULL, &wait) == NULL)
		return -1;
	return (int)(wait.tv_sec * 1000 + (wait.tv_usec + 999) / 1000);
}

void vs_lane_wait(struct vs_lane *lane, int timeout_ms)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	/* A bit for each socket to read from, and above them one for each to write to. */
	unsigned bits = (unsigned)ares_getsock(lane->channel, sockets, ARES_GETSOCK_MAXNUM);
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	nfds_t n = 0;
	int due = vs_lane_due_ms(lane);

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		bool readable = bits >> i & 1, writable = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
		if (readable || writable)
			fds[n++] = (struct pollfd){ .fd = sockets[i],
						    .events = (short)((readable ? POLLIN : 0) |
								      (writable ? POLLOUT : 0)) };
	}
	if (due >= 0 && (timeout_ms < 0 || due < timeout_ms))
		timeout_ms = due;
	int ready = poll(fds, n, timeout_ms);
	for (nfds_t i = 0; ready > 0 && i < n; i++)
		if (fds[i].revents != 0)
			ares_process_fd(lane->channel,
					fds[i].revents & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd
										      : ARES_SOCKET_BAD,
					fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	if (ready <= 0)
		ares_process_fd(lane->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* time limits only */
}

void vs_lane_work(struct vs_lane *lane)
{
	vs_lane_wait(lane, 0);
}

/* ------------------------------------------------------------------ failures */

static const char *rcode_text(int rcode)
{
	switch (rcode) {
	case ns_r_formerr:
		return "it finds the question malformed (FORMERR)";
	case ns_r_servfail:
		return "it has failed (SERVFAIL)";
	case ns_r_notimpl:
		return "it does not implement this (NOTIMP)";
	case ns_r_refused:
		return "it has refused (REFUSED)";
	default:
		return "it has answered with an error";
	}
}

static const char *server_failure(const struct server *s)
{
	if (s->rcode >= 0)
		return rcode_text(s->rcode);
	if (s->error != 0)
		return strerrordesc_np(s->error);
	if (s->answered)
		return "its answer is malformed";
	return s->asked ? "timed out" : "not asked";
}

int vs_lane_socket_error(const struct vs_lane *lane)
{
	return lane->socket_error;
}

bool vs_lane_silent(const struct vs_lane *lane)
{
	for (size_t i = 0; i < lane->n_servers; i++)
		if (lane->servers[i].answered || lane->servers[i].rcode >= 0)
			return false;
	return true;
}

void vs_lane_failures(const struct vs_lane *lane, char *text, size_t size)
{
	char name[INET6_ADDRSTRLEN + 32];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < lane->n_servers && n < size; i++) {
		const struct server *s = &lane->servers[i];
		vs_server_text(&s->about, name, sizeof(name));
		n += (size_t)snprintf(text + n, size - n, "%s%s: %s", i > 0 ? "; " : "", name,
				      server_failure(s));
	}
}
