/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_TCP_H
#define NM_TCP_H

/* The service by TCP. */

#include <ioth.h>

#include "client.h"
#include "config.h"
#include "loop.h"

struct nm_connection;

struct nm_tcp {
	struct nm_source source; /* that listens */
	struct nm_handler handler;
	int loop;
	struct nm_connection **slots; /* NULL: free */
	size_t n_slots, n, most, most_of_address;
	uint64_t last_number;
	int64_t timeout_ms, paused_until_ms;
};

/* 0 or -errno. */
int nm_tcp_open(struct nm_tcp *tcp, int loop, struct ioth *stack, const struct nm_handler *handler,
		const struct nm_options *options);
void nm_tcp_close(struct nm_tcp *tcp);

/* Other limits from now on. */
void nm_tcp_set(struct nm_tcp *tcp, const struct nm_options *options);

/*
 * Each request of a client gets one answer, or nm_tcp_send() with n 0 if there is none. A client that has
 * gone gets nothing.
 */
void nm_tcp_send(struct nm_tcp *tcp, const struct nm_client *client, const uint8_t *bytes, size_t n);

/* The same for one of several messages of an answer, before the last one. */
void nm_tcp_send_part(struct nm_tcp *tcp, const struct nm_client *client, const uint8_t *bytes, size_t n);

/* Instead of an answer, or of its last message: the connection is ended. */
void nm_tcp_drop(struct nm_tcp *tcp, const struct nm_client *client);

/* Ends connections whose time is over. Returns when to call it again, INT64_MAX: there is none. */
int64_t nm_tcp_tick(struct nm_tcp *tcp, int64_t now_ms);

#endif
