/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_RELAY_H
#define VS_PUBLISH_RELAY_H

/*
 * What the files of the relay share.
 *
 * One epoll descriptor has all sockets and a timer. Each thing in it begins with a struct vs_watch, whose
 * function is called with the events. A thing that ends while events are handled may have an event left in
 * the same batch. So its memory is freed when the batch is done.
 *
 * A port that listens is level-triggered, and so are the sockets of UDP. The sockets of TCP connections are
 * edge-triggered: what is known of them is kept, and no call changes what is waited for.
 */

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "pipes.h"
#include "publish.h"
#include "target.h"

#define VS_PUBLISH_MAX_PORTS 64

struct vs_watch {
	void (*ready)(struct vs_publish *p, struct vs_watch *watch, uint32_t events);
	int fd;
};

/* One word: a port that listens. */
struct vs_port {
	struct vs_watch watch; /* its fd is -1 before it listens */
	struct vs_node paused; /* in vs_publish.paused: it waits until there are descriptors or memory */
	struct vs_word word;
	union vs_endpoint at; /* where it listens */
	bool keeps[2];        /* the client's address can be kept: IPv4, IPv6 */
	long long said_ms;    /* when the log was last written to */
};

struct vs_session_table;

struct vs_publish {
	struct vs_publish_opts opts;
	int epoll;
	struct vs_watch timer;
	long long armed_ms; /* when the timer will fire; 0: it will not */
	long long now_ms;   /* at the begin of the step */
	struct vdestack *stack;
	struct vs_target target;
	struct vs_port *ports[VS_PUBLISH_MAX_PORTS];
	size_t n_ports;
	struct vs_list paused;
	/* TCP: each connection is in one of the first three lists */
	struct vs_list connecting; /* the server has not answered yet */
	struct vs_list relaying;   /* without a deadline */
	struct vs_list ending;     /* both ends have sent all, and it is not all delivered */
	struct vs_list more;       /* by another node: they have bytes to move in the next step */
	struct vs_list dead;       /* to be freed after the batch, connections and sessions */
	struct vs_pipes pipes;
	/* UDP */
	struct vs_list unanswered, answered; /* sessions, the one that was idle longest first */
	struct vs_session_table *sessions;
	struct { /* written by the thread of the loop, read by any */
		_Atomic unsigned connections, sessions;
		_Atomic uint64_t accepted, refused, evicted;
	} counts;
};

/* What is put into vs_publish.dead, and freed by free(). */
struct vs_dead {
	struct vs_node node;
};

int vs_relay_watch(struct vs_publish *p, struct vs_watch *watch, uint32_t events);
/*
 * Closes the descriptor. It leaves the epoll descriptor first: close(2) alone does not do that while a forked
 * child has a copy, and the events would come to freed memory.
 */
void vs_relay_close(struct vs_publish *p, struct vs_watch *watch);
void vs_relay_log(struct vs_publish *p, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for what may happen often: once in ten seconds for each port. */
void vs_relay_log_port(struct vs_publish *p, struct vs_port *port, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Stops listening for a moment: a descriptor or memory is missing. */
void vs_relay_pause(struct vs_publish *p, struct vs_port *port);
/* Listens again. */
void vs_relay_resume(struct vs_publish *p, struct vs_port *port);
/* The port's name for messages. */
void vs_relay_name(const struct vs_port *port, char text[VS_ENDPOINT_TEXT]);

/* A socket where the server is: in the stack or in the host's network. A descriptor or -errno. */
int vs_relay_socket(struct vs_publish *p, const struct vs_port *port, int family, int type);
/* Where a client's traffic leads. */
void vs_relay_target(struct vs_publish *p, const struct vs_port *port, int family, union vs_endpoint *target);

#endif
