/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_RPROXY_GROUND_H
#define VDESTACK_TESTS_RPROXY_GROUND_H

/*
 * The inside of otip_rproxy in the process of a case, with clients and servers in its own event loop:
 *
 *     outside: a stack with the one-time addresses and the clients
 *     inside: a stack with the servers, at 2001:db8::1
 *
 * Clients reach the addresses without a network: the kernel has one table of neighbours for all namespaces,
 * and thousands of addresses would fill it.
 *
 * One event loop runs all of it, so a case decides what time it is, and nothing happens between two calls.
 * The servers send back what they get, by TCP and UDP.
 */

#include "../system/stacks.h"

#include <ifaddrs.h>
#include <ioth.h>
#include <iothaddr.h>
#include <malloc.h>
#include <time.h>

#include "daemons/otip_rproxy/accept.h"
#include "daemons/otip_rproxy/addresses.h"
#include "daemons/otip_rproxy/tcp.h"
#include "daemons/otip_rproxy/udp.h"

/* How clients and servers of the case are watched. */
#ifndef GROUND_WATCH
#define GROUND_WATCH rp_loop_watch
#endif

#define PERIOD_S 32
#define SERVER_PORT 8001
#define CLIENT_PORT 80

static struct ioth *outside, *inside;
static struct rp_loop loop;
static struct rp_tcp tcp;
static struct rp_udp udp;
static struct rp_addresses addresses;
static struct rp_name name = { .text = (char[]){ "www.example.org" } };
static struct rp_port ports[2];
static struct rp_settings settings;
static char password[] = "secret";

static inline struct sockaddr_in6 address6(struct in6_addr addr, unsigned port)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6,
				      .sin6_addr = addr,
				      .sin6_port = htons((uint16_t)port) };
}

static inline struct in6_addr text6(const char *text)
{
	struct in6_addr a;

	CHECK_EQ(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* ------------------------------------------------------------------ servers */

static struct rp_watch tcp_server, udp_server;
static int served; /* connections of the server that are open */

static void echo(struct rp_watch *w, uint32_t events)
{
	char bytes[64];
	ssize_t n = ioth_recv(w->fd, bytes, sizeof(bytes), 0);

	(void)events;
	if (n > 0 && ioth_send(w->fd, bytes, (size_t)n, MSG_NOSIGNAL) == n)
		return;
	rp_loop_forget(&loop, w);
	(void)ioth_close(w->fd);
	free(w);
	served--;
}

static void accept_one_client(struct rp_watch *w, uint32_t events)
{
	struct rp_watch *made = calloc(1, sizeof(*made));

	(void)events;
	CHECK(made != NULL);
	made->fd = (int)MUST(ioth_accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	made->ready = echo;
	served++;
	CHECK_EQ(GROUND_WATCH(&loop, made, EPOLLIN), 0);
}

static void echo_datagram(struct rp_watch *w, uint32_t events)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char bytes[64];
	ssize_t n = ioth_recvfrom(w->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);

	(void)events;
	if (n > 0)
		(void)ioth_sendto(w->fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, len);
}

static void start_server(struct rp_watch *w, int type, void (*ready)(struct rp_watch *, uint32_t))
{
	struct sockaddr_in6 sa = address6(text6("2001:db8::1"), SERVER_PORT);

	*w = (struct rp_watch){ .ready = ready };
	w->fd = (int)MUST(ioth_msocket(inside, AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	MUST(ioth_bind(w->fd, (struct sockaddr *)&sa, sizeof(sa)));
	if (type == SOCK_STREAM)
		MUST(ioth_listen(w->fd, 10));
	CHECK_EQ(GROUND_WATCH(&loop, w, EPOLLIN), 0);
}

/* ------------------------------------------------------------------ time */

/* What the wall clock shows from now on. */
static inline void set_wall(int64_t seconds)
{
	loop.wall_ahead_s += seconds - rp_loop_wall_s(&loop);
}

/* Both clocks go on. */
static inline void skip(int64_t ms)
{
	loop.skipped_ms += ms;
}

static void stop_loop(struct rp_timer *t)
{
	(void)t;
	loop.stop = true;
}

static struct rp_timer deadline;

/* Runs the loop until something stops it, or for a time. */
static inline void run_loop(int most_ms)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	deadline.due_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + loop.skipped_ms + most_ms;
	loop.stop = false;
	CHECK_EQ(rp_loop_run(&loop), 0);
	deadline.due_ms = RP_NEVER;
}

/* ------------------------------------------------------------------ clients */

struct client {
	struct rp_watch watch;
	int outcome; /* 0: answered, -ETIMEDOUT: no answer yet, -errno: it failed; -ENODATA: it was ended */
	bool asked;
};

static void client_ready(struct rp_watch *w, uint32_t events)
{
	struct client *c = RP_OF(w, struct client, watch);
	char byte = 0;

	if (!c->asked && (events & (EPOLLERR | EPOLLHUP)) == 0) {
		c->asked = true;
		if (ioth_send(w->fd, "x", 1, MSG_NOSIGNAL) == 1)
			(void)GROUND_WATCH(&loop, w, EPOLLIN);
		return;
	}
	ssize_t n = ioth_recv(w->fd, &byte, 1, 0);
	c->outcome = n == 1 ? 0 : n == 0 ? -ENODATA : -errno;
	rp_loop_forget(&loop, w);
	loop.stop = true;
}

static void client_begin(struct client *c, int type, struct in6_addr addr)
{
	struct sockaddr_in6 sa = address6(addr, CLIENT_PORT);

	*c = (struct client){ .watch = { .ready = client_ready }, .outcome = -ETIMEDOUT };
	c->watch.fd = (int)MUST(ioth_msocket(outside, AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (ioth_connect(c->watch.fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		CHECK_EQ(errno, EINPROGRESS);
	CHECK_EQ(GROUND_WATCH(&loop, &c->watch, EPOLLOUT), 0);
}

static void client_end(struct client *c)
{
	rp_loop_forget(&loop, &c->watch);
	(void)ioth_close(c->watch.fd);
}

/*
 * Linux makes the route to a new address in a work queue, soon: until then a packet to it leaves the host.
 * The MTU shows which way it takes.
 */
static inline bool is_local(void *addr)
{
	struct sockaddr_in6 sa = address6(*(struct in6_addr *)addr, CLIENT_PORT);
	int fd = (int)MUST(ioth_msocket(outside, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)), mtu = 0;
	socklen_t len = sizeof(mtu);
	bool local = ioth_connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
		     ioth_getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &len) == 0 && mtu > 1500;

	MUST(ioth_close(fd));
	return local;
}

/* A byte goes to the server and back. The outcome. */
static inline int ask(int type, struct in6_addr addr, int most_ms)
{
	struct client c;

	CHECK(wait_until(is_local, &addr, SOON_MS));
	client_begin(&c, type, addr);
	run_loop(most_ms);
	client_end(&c);
	return c.outcome;
}

/* ------------------------------------------------------------------ addresses */

static inline struct in6_addr address_of_slot(int64_t slot)
{
	struct in6_addr a = name.base;

	iothaddr_hash(&a, name.text, settings.password, (uint32_t)slot);
	return a;
}

/* How many addresses of IPv6 the interface outside has, without the link-local one. */
static inline int count_addresses(void)
{
	struct ifaddrs *list;
	int n = 0;

	MUST(ioth_getifaddrs(outside, &list));
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
		n += a != NULL && a->sin6_family == AF_INET6 && strcmp(i->ifa_name, "vde0") == 0 &&
		     !IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr);
	}
	ioth_freeifaddrs(list);
	return n;
}

/* ------------------------------------------------------------------ begin and end */

static inline void make_settings(void)
{
	struct sockaddr_in6 server = address6(text6("2001:db8::1"), SERVER_PORT);

	for (int i = 0; i < 2; i++) {
		ports[i] = (struct rp_port){ .type = i == 0 ? SOCK_STREAM : SOCK_DGRAM,
					     .number = CLIENT_PORT,
					     .inside_number = SERVER_PORT,
					     .target_len = sizeof(server) };
		memcpy(&ports[i].target, &server, sizeof(server));
	}
	name.base = text6("2001:db8::");
	settings = (struct rp_settings){ .password = password,
					 .period = PERIOD_S,
					 .preactive = 8,
					 .postactive = 8,
					 .ports = ports,
					 .n_ports = 2,
					 .names = &name,
					 .n_names = 1 };
}

static inline void make_stacks(const char *kind)
{
	struct in6_addr server = text6("2001:db8::1");

	outside = ioth_newstack(kind, "inproc://lan");
	inside = ioth_newstack("vdestack", "inproc://lan");
	if (outside == NULL || inside == NULL)
		FAIL("no stack: %s", ioth_last_error());
	int i = (int)MUST(ioth_if_nametoindex(inside, "vde0"));
	int o = (int)MUST(ioth_if_nametoindex(outside, "vde0"));
	MUST(ioth_linksetupdown(inside, (unsigned)i, 1));
	MUST(ioth_linksetupdown(outside, (unsigned)o, 1));
	MUST(ioth_ipaddr_add(inside, AF_INET6, &server, 64, i));
}

/* Duplicate address detection of the server's address takes its time. */
static inline bool server_can_bind(void *arg)
{
	struct sockaddr_in6 sa = address6(text6("2001:db8::1"), SERVER_PORT);
	int fd = (int)MUST(ioth_msocket(inside, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	bool bound = ioth_bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	(void)arg;
	MUST(ioth_close(fd));
	return bound;
}

static inline void rproxy_begin(const char *kind, int64_t wall_s)
{
	make_settings();
	make_stacks(kind);
	CHECK(wait_until(server_can_bind, NULL, SOON_MS));
	CHECK_EQ(rp_loop_init(&loop), 0);
	rp_loop_timer(&loop, &deadline, stop_loop);
	set_wall(wall_s);
	tcp = (struct rp_tcp){
		.loop = &loop, .inside = inside, .timeout_ms = 120000, .limit = 1000, .backlog = 5
	};
	udp = (struct rp_udp){ .loop = &loop, .inside = inside, .timeout_ms = 8000, .limit = 1000 };
	CHECK_EQ(rp_tcp_init(&tcp), 0);
	rp_accept_init(&tcp);
	CHECK_EQ(rp_udp_init(&udp), 0);
	start_server(&tcp_server, SOCK_STREAM, accept_one_client);
	start_server(&udp_server, SOCK_DGRAM, echo_datagram);
	addresses = (struct rp_addresses){ .place = { .loop = &loop,
						      .settings = &settings,
						      .outside = outside,
						      .ifindex = ioth_if_nametoindex(outside, "vde0"),
						      .tcp = &tcp,
						      .udp = &udp } };
	CHECK_EQ(rp_addresses_begin(&addresses), 0);
}

static inline void rproxy_end(void)
{
	rp_addresses_end(&addresses);
	rp_tcp_fini(&tcp);
	rp_udp_fini(&udp);
	for (int i = 0; served > 0 && i < SOON_MS / 10; i++)
		run_loop(10);
	rp_loop_forget(&loop, &tcp_server);
	rp_loop_forget(&loop, &udp_server);
	MUST(ioth_close(tcp_server.fd));
	MUST(ioth_close(udp_server.fd));
	rp_loop_fini(&loop);
	if (ioth_delstack(outside) < 0 || ioth_delstack(inside) < 0)
		FAIL("%s", ioth_last_error());
}

#endif
