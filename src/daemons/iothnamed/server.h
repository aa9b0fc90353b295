/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_SERVER_H
#define NM_SERVER_H

/* The whole server: what it knows, its sockets, and the way of a request through them. */

#include "config.h"
#include "sockets.h"

struct nm_server;

/*
 * With stacks and a configuration whose bases are known, all of which stay the caller's. The server keeps
 * the bases up to date. NULL after a message.
 */
struct nm_server *nm_server_new(struct nm_config *config, struct ioth *stacks[NM_N_STACKS]);
void nm_server_free(struct nm_server *server);

/* Another configuration from now on; clients, questions on their way, and the cache stay. */
void nm_server_set(struct nm_server *server, struct nm_config *config);

/* Calls ready(arg) when fd is readable. 0 or -errno. */
enum nm_watch { NM_WATCH_SIGNALS, NM_WATCH_RELOAD, NM_N_WATCHES };
int nm_server_watch(struct nm_server *server, enum nm_watch which, int fd, void (*ready)(void *arg),
		    void *arg);

/* Waits for something and handles it. 0, or -1 after a message. */
int nm_server_once(struct nm_server *server);

/* Reports what has been counted. */
void nm_server_report(const struct nm_server *server);

#endif
