/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_PUBLISH_H
#define VS_PUBLISH_PUBLISH_H

/*
 * The relay: ports of the host that lead into a stack, and ports of a stack that lead to the host's
 * network. docs/publish.md tells what users see. It uses the library's public calls.
 *
 *     struct vs_publish *p;
 *     vs_publish_new(NULL, &p);
 *     vs_publish_add(p, VS_PUBLISH_IN, "8080:80", message, size);    before privileges are given up
 *     vs_publish_start(p, stack, message, size);
 *     poll vs_publish_fd(p) for POLLIN, and call vs_publish_step(p); or a thread calls vs_publish_run()
 *     vs_publish_free(p);
 *
 * The calls for one relay come from one thread at a time. Nothing of it waits for a network or a client.
 * SIGPIPE must be ignored or blocked. Functions return 0, or -errno and a message of one line.
 */

#include <stddef.h>
#include <stdint.h>

#include "word.h"

struct vdestack;
struct vs_publish;

/* Levels as in syslog(3). Called in vs_publish_start() and vs_publish_step(). */
typedef void vs_publish_log(void *arg, int level, const char *message);

/* 0 means default. */
struct vs_publish_opts {
	unsigned max_connections; /* of all ports together; 4096. More are reset at once */
	unsigned max_sessions;    /* of UDP; 1024. More end the one that was idle longest */
	int connect_ms;           /* limit for a connection to the server; 10000 */
	int udp_idle_ms;          /* a session ends after this time without a datagram; 120000 */
	vs_publish_log *log;
	void *arg;
};

/* opts may be NULL. */
int vs_publish_new(const struct vs_publish_opts *opts, struct vs_publish **publish);

/*
 * A word of --publish or --publish-host. A port of the host is opened here: what needs privileges. Clients
 * that connect before vs_publish_start() wait. Not after vs_publish_start(): EBUSY.
 */
int vs_publish_add(struct vs_publish *publish, enum vs_publish_way way, const char *word, char *message,
		   size_t size);

/*
 * Opens the ports of the stack. The stack must live as long as the relay. Where the client's address
 * cannot be kept, the log says so, and the relay uses the stack's address.
 */
int vs_publish_start(struct vs_publish *publish, struct vdestack *stack, char *message, size_t size);

/* The port where the n-th word listens, > 0; or -ENOENT: there is no such word, or it does not listen yet. */
int vs_publish_port(const struct vs_publish *publish, size_t n);

/* Readable (POLLIN) when vs_publish_step() has something to do. Belongs to the relay. */
int vs_publish_fd(const struct vs_publish *publish);
/* Does some of what can be done without waiting. 0 or -errno: the relay cannot go on. */
int vs_publish_step(struct vs_publish *publish);
/* Steps until stop_fd is readable or at its end. 0 or -errno. */
int vs_publish_run(struct vs_publish *publish, int stop_fd);

/* Closes the ports: others may open them. Connections go on, what comes for UDP sessions is dropped. */
void vs_publish_close(struct vs_publish *publish);

/* How much there is: for tests and displays. May be called from any thread. */
struct vs_publish_counts {
	unsigned connections, sessions;
	uint64_t accepted, refused, evicted; /* since the start; refused: reset because of a limit */
};
void vs_publish_count(const struct vs_publish *publish, struct vs_publish_counts *counts);

/* Resets all connections and closes the ports. NULL is allowed. */
void vs_publish_free(struct vs_publish *publish);

#endif
