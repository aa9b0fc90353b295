/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * c-ares sends the questions, tries again, changes the server, goes over to TCP, and matches replies with
 * questions. It gets every setting from here. It reads files, variables and the name of the host only for
 * settings that it was not given, so all of them are given, also those that are never used. Its own lookup
 * functions, which read hosts files and ask the libc for services, are not called.
 *
 * Its sockets come from functions of this file. They make them in the network, and note for each one which
 * server it belongs to and what that server did. So a message can say which server failed how.
 *
 * c-ares closes its sockets when it has no question left. A lane that always has one would keep its source
 * port. So its user takes another lane after some questions.
 */

#include "lane.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lane_state.h"
#include "message.h"
#include "net.h"
#include "spares.h"

/* ------------------------------------------------------------------ sockets for c-ares */

static int find_socket(const struct vs_lane *lane, int fd)
{
	for (size_t i = 0; i < lane->n_sockets; i++)
		if (lane->sockets[i].fd == fd)
			return (int)i;
	return -1;
}

/* The number of a socket's server; -1: none. */
static int server_of(const struct vs_lane *lane, int fd)
{
	int i = find_socket(lane, fd);

	return i < 0 ? -1 : lane->sockets[i].server;
}

static bool is_udp(const struct vs_lane *lane, int fd)
{
	int i = find_socket(lane, fd);

	return i >= 0 && !lane->sockets[i].tcp;
}

static ares_socket_t make_socket(int domain, int type, int protocol, void *arg)
{
	struct vs_lane *lane = arg;

	if (lane->n_sockets == VS_LANE_SOCKETS) {
		errno = EMFILE;
		return -1;
	}
	int fd = type == SOCK_DGRAM ? vs_spares_take(lane->config.spares, domain) : -1;
	if (fd < 0)
		fd = vs_net_socket(lane->config.net, domain, type | SOCK_NONBLOCK, protocol);
	if (fd < 0) {
		int err = errno;
		vs_lane_note_no_socket(lane, err);
		errno = err;
		return -1;
	}
	if (lane->n_sockets == 0)
		lane->n_asked = 0;
	size_t i = lane->n_sockets++;
	lane->sockets[i].fd = fd;
	lane->sockets[i].family = domain;
	lane->sockets[i].server = -1;
	lane->sockets[i].inside = false;
	lane->sockets[i].tcp = type == SOCK_STREAM;
	return fd;
}

static int close_socket(ares_socket_t fd, void *arg)
{
	struct vs_lane *lane = arg;
	int i = find_socket(lane, fd), family = AF_UNSPEC;

	if (i >= 0) {
		family = lane->sockets[i].tcp || lane->disowned ? AF_UNSPEC : lane->sockets[i].family;
		lane->sockets[i] = lane->sockets[--lane->n_sockets];
	}
	/* Which sockets of another network become as new ones again is not known. */
	if (family == AF_UNSPEC || lane->config.net->stack == NULL)
		return vs_net_close(lane->config.net, fd);
	vs_spares_give(lane->config.spares, family, fd);
	return 0;
}

/*
 * c-ares 1.18 knows no zones: fe80::1%a and fe80::1%b would be one server to it. So in its copy of a
 * link-local address the number of the server is added to a byte that is zero in such addresses (RFC 4291
 * section 2.5.6). A second call takes it out.
 */
static void mark_link_local(uint8_t bytes[16], size_t server)
{
	if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
		bytes[3] ^= (uint8_t)server;
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

/* The address as it is for the server, with its scope. */
static int connect_socket(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t len, void *arg)
{
	struct vs_lane *lane = arg;
	struct sockaddr_in6 v6;
	size_t i = 0;

	for (; i < lane->settings.n_servers; i++) {
		struct vs_server marked = lane->settings.servers[i];
		if (marked.family == AF_INET6)
			mark_link_local(marked.bytes, i);
		if (same_address(&marked, addr))
			break;
	}
	if (i == lane->settings.n_servers) {
		errno = EINVAL;
		return -1;
	}
	int at = find_socket(lane, fd);
	if (at >= 0)
		lane->sockets[at].server = (int8_t)i;
	if (addr->sa_family == AF_INET6 && len == sizeof(v6)) {
		memcpy(&v6, addr, sizeof(v6));
		mark_link_local(v6.sin6_addr.s6_addr, i);
		v6.sin6_scope_id = lane->settings.servers[i].scope;
		addr = (const struct sockaddr *)&v6;
	}
	if (!is_udp(lane, fd))
		vs_lane_note_asked(lane, (int)i);
	int r = vs_net_connect(lane->config.net, fd, addr, len);
	if (r < 0 && errno != EINPROGRESS && errno != EWOULDBLOCK) {
		int err = errno;
		vs_lane_note_error(lane, (int)i, err);
		errno = err;
	}
	return r;
}

/* By TCP, c-ares reads two bytes of length, and then the reply, perhaps in parts. */
static bool begins_reply(struct vs_lane *lane, int fd, size_t size)
{
	int at = find_socket(lane, fd);
	bool begins = at >= 0 && size > 2 && !lane->sockets[at].inside;

	if (at >= 0)
		lane->sockets[at].inside = size > 2;
	return begins;
}

static void note_reply(struct vs_lane *lane, int server, uint8_t *reply, size_t n)
{
	vs_lane_note_reply(lane, server, reply, n);
	if (vs_message_is_referral(reply, n))
		reply[3] |= ns_r_servfail; /* so c-ares asks the next server */
}

static ares_ssize_t receive(ares_socket_t fd, void *buf, size_t size, int flags, struct sockaddr *from,
			    ares_socklen_t *from_len, void *arg)
{
	struct vs_lane *lane = arg;
	int server = server_of(lane, fd);
	bool udp = is_udp(lane, fd);
	ssize_t n = vs_net_recvfrom(lane->config.net, fd, buf, size, flags, from, from_len);
	int err = errno;

	/* A datagram that is no reply is as if it had not come. c-ares 1.18 takes an empty one for an end. */
	if (udp && n >= 0 && (n < 12 || !(((uint8_t *)buf)[2] & 0x80))) {
		errno = EAGAIN;
		return -1;
	}
	if (n < 0 && err != EAGAIN && err != EINTR)
		vs_lane_note_error(lane, server, err);
	else if (n == 0)
		vs_lane_note_error(lane, server, ECONNRESET);
	else if (n > 0 && (udp || begins_reply(lane, fd, size)))
		note_reply(lane, server, buf, (size_t)n);
	if (n > 0 && udp && server >= 0 && from->sa_family == AF_INET6)
		mark_link_local(((struct sockaddr_in6 *)(void *)from)->sin6_addr.s6_addr, (size_t)server);
	errno = err;
	return n;
}

static ares_ssize_t send_data(ares_socket_t fd, const struct iovec *parts, int n_parts, void *arg)
{
	struct vs_lane *lane = arg;
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
				  .msg_iovlen = (size_t)n_parts };
	ssize_t n = vs_net_sendmsg(lane->config.net, fd, &message, MSG_NOSIGNAL);
	int server = server_of(lane, fd), err = errno;

	if (n < 0 && err != EAGAIN)
		vs_lane_note_error(lane, server, err);
	else if (is_udp(lane, fd))
		vs_lane_note_sent(lane, server, parts[0].iov_base, parts[0].iov_len);
	else
		vs_lane_note_asked(lane, server);
	errno = err;
	return n;
}

static void watch(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct vs_lane *lane = arg;
	struct epoll_event event = { .events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u),
				     .data.ptr = lane };

	if (lane->epoll_fd < 0 || lane->disowned)
		return;
	if (event.events == 0)
		(void)epoll_ctl(lane->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* the socket is closed next */
	else if (epoll_ctl(lane->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT)
		(void)epoll_ctl(lane->epoll_fd, EPOLL_CTL_ADD, fd, &event); /* without it the try times out */
}

/* ------------------------------------------------------------------ the channel */

/*
 * c-ares 1.31 and newer keep answers. The resolver does that itself, until the stack's network changes, and
 * not at all if the user wants that. The limit that is given to c-ares is 0, which switches it off there.
 */
#ifdef ARES_OPT_QUERY_CACHE
#define NO_ARES_CACHE ARES_OPT_QUERY_CACHE
#else
#define NO_ARES_CACHE 0
#endif

static int set_servers(struct vs_lane *lane, const struct vs_settings *settings)
{
	struct ares_addr_port_node nodes[VS_SERVERS_MAX] = { 0 };

	if (settings->n_servers == 0)
		return ARES_SUCCESS;
	for (size_t i = 0; i < settings->n_servers; i++) {
		const struct vs_server *s = &settings->servers[i];
		nodes[i].next = i + 1 < settings->n_servers ? &nodes[i + 1] : NULL;
		nodes[i].family = s->family;
		memcpy(&nodes[i].addr, s->bytes, s->family == AF_INET ? 4 : 16);
		if (s->family == AF_INET6)
			mark_link_local((uint8_t *)&nodes[i].addr, i);
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
					 ARES_OPT_NOROTATE | NO_ARES_CACHE);
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
	LIST_INIT(&lane->askers);
	LIST_INIT(&lane->questions);
	STAILQ_INIT(&lane->ended);
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
	free(lane);
}

bool vs_lane_uses(const struct vs_lane *lane, const struct vs_settings *settings)
{
	return !lane->disowned && vs_settings_same(&lane->settings, settings);
}

struct vs_spares *vs_lane_spares(const struct vs_lane *lane)
{
	return lane->config.spares;
}

bool vs_lane_worn(const struct vs_lane *lane)
{
	return lane->n_asked >= VS_LANE_QUESTIONS && lane->n_sockets > 0;
}

bool vs_lane_used(const struct vs_lane *lane)
{
	return !LIST_EMPTY(&lane->askers);
}

void vs_lane_set_epoll(struct vs_lane *lane, int epoll_fd)
{
	lane->epoll_fd = epoll_fd;
}

void vs_lane_disown(struct vs_lane *lane)
{
	lane->disowned = true;
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
