/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The relay's loop, timer and life cycle, without a protocol. relay.h describes the parts. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"
#include "origin.h"
#include "publish.h"
#include "relay.h"
#include "tcp.h"
#include "udp.h"
#include <vdestack.h>

#define BATCH 64        /* events of a step */
#define PAUSE_MS 100    /* without descriptors or memory */
#define ENDING_MS 60000 /* a receiver takes nothing of the rest */
#define UNANSWERED_MS 10000

static long long clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ time */

static void earliest(const struct vs_list *list, long long *at)
{
	const struct vs_node *first = vs_list_first(list);

	if (first != NULL && list->limit_ms != 0 && (*at == 0 || first->deadline_ms < *at))
		*at = first->deadline_ms;
}

/* Sets the timer to the earliest deadline, if it would fire too late. An early one does no harm. */
static void arm(struct vs_publish *p)
{
	struct itimerspec when = { .it_value = { 0 } };
	long long at = 0;

	earliest(&p->paused, &at);
	earliest(&p->connecting, &at);
	earliest(&p->ending, &at);
	earliest(&p->unanswered, &at);
	earliest(&p->answered, &at);
	if (vs_list_first(&p->more) != NULL)
		at = 1; /* has passed */
	if (at == 0 || (p->armed_ms != 0 && p->armed_ms <= at))
		return;
	when.it_value.tv_sec = at / 1000;
	when.it_value.tv_nsec = at % 1000 * 1000000 + 1;
	(void)timerfd_settime(p->timer.fd, TFD_TIMER_ABSTIME, &when, NULL); /* it is a timer */
	p->armed_ms = at;
}

static void fire(struct vs_publish *p, struct vs_watch *watch, uint32_t events)
{
	uint64_t times;

	(void)events;
	(void)!read(watch->fd, &times, sizeof(times)); /* only to make it not readable */
	p->armed_ms = 0;
}

static void expire(struct vs_publish *p)
{
	struct vs_node *node;

	while ((node = vs_list_expired(&p->paused, p->now_ms)) != NULL)
		vs_relay_resume(p, vs_container(node, struct vs_port, paused));
	vs_tcp_expire(p);
	vs_udp_expire(p);
}

/* ------------------------------------------------------------------ loop */

static void bury(struct vs_publish *p)
{
	struct vs_node *node;

	while ((node = vs_list_first(&p->dead)) != NULL) {
		vs_list_remove(node);
		free(vs_container(node, struct vs_dead, node));
	}
}

int vs_publish_step(struct vs_publish *p)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(p->epoll, events, BATCH, 0);

	if (n < 0 && errno != EINTR)
		return -errno;
	p->now_ms = clock_ms();
	for (int i = 0; i < n; i++) {
		struct vs_watch *watch = events[i].data.ptr;
		if (watch->fd >= 0) /* else it has ended in this batch */
			watch->ready(p, watch, events[i].events);
	}
	vs_tcp_more(p);
	expire(p);
	bury(p);
	arm(p);
	return 0;
}

int vs_publish_run(struct vs_publish *p, int stop_fd)
{
	struct pollfd poll_for[2] = { { .fd = p->epoll, .events = POLLIN },
				      { .fd = stop_fd, .events = POLLIN } };

	for (;;) {
		if (poll(poll_for, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (poll_for[1].revents != 0)
			return 0;
		int r = vs_publish_step(p);
		if (r < 0)
			return r;
	}
}

int vs_publish_fd(const struct vs_publish *p)
{
	return p->epoll;
}

void vs_publish_close(struct vs_publish *p)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		vs_list_remove(&p->ports[i]->paused);
		if (p->ports[i]->watch.fd >= 0)
			vs_relay_close(p, &p->ports[i]->watch);
	}
}

void vs_publish_count(const struct vs_publish *p, struct vs_publish_counts *counts)
{
	counts->connections = p->counts.connections;
	counts->sessions = p->counts.sessions;
	counts->accepted = p->counts.accepted;
	counts->refused = p->counts.refused;
	counts->evicted = p->counts.evicted;
}

/* ------------------------------------------------------------------ life cycle */

static void set_defaults(struct vs_publish_opts *o)
{
	if (o->max_connections == 0)
		o->max_connections = 4096;
	if (o->max_sessions == 0)
		o->max_sessions = 1024;
	if (o->connect_ms <= 0)
		o->connect_ms = 10000;
	if (o->udp_idle_ms <= 0)
		o->udp_idle_ms = 120000;
}

static void init_lists(struct vs_publish *p)
{
	vs_list_init(&p->paused, PAUSE_MS);
	vs_list_init(&p->connecting, p->opts.connect_ms);
	vs_list_init(&p->relaying, 0);
	vs_list_init(&p->ending, ENDING_MS);
	vs_list_init(&p->more, 0);
	vs_list_init(&p->dead, 0);
	vs_list_init(&p->unanswered,
		     p->opts.udp_idle_ms < UNANSWERED_MS ? p->opts.udp_idle_ms : UNANSWERED_MS);
	vs_list_init(&p->answered, p->opts.udp_idle_ms);
}

int vs_publish_new(const struct vs_publish_opts *opts, struct vs_publish **publish)
{
	struct vs_publish *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return -ENOMEM;
	if (opts != NULL)
		p->opts = *opts;
	set_defaults(&p->opts);
	init_lists(p);
	p->timer.ready = fire;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->epoll < 0 || p->timer.fd < 0)
		r = -errno;
	else
		r = vs_relay_watch(p, &p->timer, EPOLLIN);
	if (r == 0)
		r = vs_udp_new(p);
	if (r < 0) {
		vs_publish_free(p);
		return r;
	}
	*publish = p;
	return 0;
}

int vs_publish_add(struct vs_publish *p, enum vs_publish_way way, const char *word, char *message,
		   size_t size)
{
	struct vs_word parsed;
	int r = vs_word_parse(way, word, &parsed, message, size);

	if (r < 0)
		return r;
	struct vs_port *port = NULL;
	if (p->stack != NULL)
		r = -EBUSY;
	else if (p->n_ports == VS_PUBLISH_MAX_PORTS)
		r = -E2BIG;
	else if ((port = calloc(1, sizeof(*port))) == NULL)
		r = -ENOMEM;
	if (port == NULL) {
		(void)snprintf(message, size, "\"%s\": %s", word, strerror(-r));
		return r;
	}
	port->word = parsed;
	port->watch.fd = -1;
	port->watch.ready = parsed.udp ? vs_udp_receive : vs_tcp_accept;
	if (way == VS_PUBLISH_IN)
		r = vs_listen_open(port, NULL, message, size);
	if (r < 0) {
		free(port);
		return r;
	}
	p->ports[p->n_ports++] = port;
	return 0;
}

/*
 * Whether the client's address can be kept, for each family. The stack is set up also for ports that do
 * not keep it: then what the relay sends cannot leave the stack.
 */
static void set_origins(struct vs_publish *p, struct vs_port *port)
{
	static const int families[2] = { AF_INET, AF_INET6 };
	bool wanted = !port->word.from_stack && !port->word.udp;
	char why[160], name[VS_ENDPOINT_TEXT];

	if (port->word.way != VS_PUBLISH_IN)
		return;
	vs_relay_name(port, name);
	if (port->word.udp && !port->word.from_stack)
		vs_relay_log(p, 6, "%s/udp: the server sees the stack's address as that of all clients",
			     name);
	for (int i = 0; i < 2; i++) {
		bool can = vs_origin_setup(p->stack, families[i], why, sizeof(why)) == 0;
		port->keeps[i] = can && wanted;
		if (wanted && !can)
			vs_relay_log(p, 4,
				     "%s: the server sees the stack's address as that of all clients: %s",
				     name, why);
	}
}

static int start_port(struct vs_publish *p, struct vs_port *port, char *message, size_t size)
{
	int r = 0;

	if (port->word.way == VS_PUBLISH_OUT)
		r = vs_listen_open(port, p->stack, message, size);
	if (r < 0)
		return r;
	set_origins(p, port);
	r = vs_relay_watch(p, &port->watch, EPOLLIN);
	if (r < 0)
		(void)snprintf(message, size, "epoll: %s", strerror(-r));
	return r;
}

int vs_publish_start(struct vs_publish *p, struct vdestack *stack, char *message, size_t size)
{
	int r = 0;

	p->stack = p->target.stack = stack;
	p->now_ms = clock_ms();
	for (size_t i = 0; i < p->n_ports && r == 0; i++)
		r = start_port(p, p->ports[i], message, size);
	return r;
}

int vs_publish_port(const struct vs_publish *p, size_t n)
{
	if (n >= p->n_ports || p->ports[n]->watch.fd < 0)
		return -ENOENT;
	return vs_endpoint_port(&p->ports[n]->at);
}

void vs_publish_free(struct vs_publish *p)
{
	if (p == NULL)
		return;
	vs_tcp_end_all(p);
	vs_udp_free(p);
	bury(p);
	for (size_t i = 0; i < p->n_ports; i++) {
		if (p->ports[i]->watch.fd >= 0)
			(void)close(p->ports[i]->watch.fd);
		free(p->ports[i]);
	}
	vs_pipes_free(&p->pipes);
	if (p->timer.fd >= 0)
		(void)close(p->timer.fd);
	if (p->epoll >= 0)
		(void)close(p->epoll);
	free(p);
}
