/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of the relay share: watched descriptors, the log, sockets of both sides. */

#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

#define SAY_MS 10000

int vs_relay_watch(struct vs_publish *p, struct vs_watch *watch, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = watch };

	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, watch->fd, &e) == 0 ? 0 : -errno;
}

void vs_relay_close(struct vs_publish *p, struct vs_watch *watch)
{
	(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, watch->fd, NULL); /* fails if it is not in there */
	(void)close(watch->fd);
	watch->fd = -1;
}

void vs_relay_name(const struct vs_port *port, char text[VS_ENDPOINT_TEXT])
{
	if (port->watch.fd >= 0)
		vs_endpoint_format(&port->at, text);
	else
		(void)snprintf(text, VS_ENDPOINT_TEXT, "port %u", port->word.listen_port);
}

__attribute__((format(printf, 3, 0))) static void log_list(struct vs_publish *p, int level, const char *fmt,
							   va_list list)
{
	char text[256];

	if (p->opts.log == NULL)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, list);
	p->opts.log(p->opts.arg, level, text);
}

void vs_relay_log(struct vs_publish *p, int level, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	log_list(p, level, fmt, list);
	va_end(list);
}

void vs_relay_log_port(struct vs_publish *p, struct vs_port *port, const char *fmt, ...)
{
	char name[VS_ENDPOINT_TEXT], text[160];
	va_list list;

	if (port->said_ms != 0 && p->now_ms - port->said_ms < SAY_MS)
		return;
	port->said_ms = p->now_ms;
	va_start(list, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, list);
	va_end(list);
	vs_relay_name(port, name);
	vs_relay_log(p, 4, "%s: %s", name, text);
}

static void set_listening(struct vs_publish *p, struct vs_port *port, bool on)
{
	struct epoll_event e = { .events = on ? EPOLLIN : 0, .data.ptr = &port->watch };

	(void)epoll_ctl(p->epoll, EPOLL_CTL_MOD, port->watch.fd, &e); /* it is in there */
}

void vs_relay_pause(struct vs_publish *p, struct vs_port *port)
{
	set_listening(p, port, false);
	vs_list_put(&p->paused, &port->paused, p->now_ms);
}

void vs_relay_resume(struct vs_publish *p, struct vs_port *port)
{
	vs_list_remove(&port->paused);
	set_listening(p, port, true);
}

int vs_relay_socket(struct vs_publish *p, const struct vs_port *port, int family, int type)
{
	type |= SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = port->word.way == VS_PUBLISH_IN ? vdestack_msocket(p->stack, family, type, 0)
						 : socket(family, type, 0);

	return fd >= 0 ? fd : -errno;
}

void vs_relay_target(struct vs_publish *p, const struct vs_port *port, int family, union vs_endpoint *target)
{
	const struct vs_word *word = &port->word;

	if (word->target.sa.sa_family != AF_UNSPEC) {
		*target = word->target;
		vs_endpoint_set_port(target, word->target_port);
	} else if (word->way == VS_PUBLISH_IN) {
		vs_target_pick(&p->target, family, word->target_port, p->now_ms, target);
	} else {
		(void)vs_endpoint_parse("127.0.0.1", word->target_port, target);
	}
}
