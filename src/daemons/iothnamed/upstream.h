/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_UPSTREAM_H
#define NM_UPSTREAM_H

/* Questions to other servers, those of the lines dns. */

#include <ioth.h>

#include "client.h"
#include "config.h"
#include "loop.h"
#include "reply.h"

struct nm_query;

/* A client that waits for an answer. */
struct nm_waiter {
	struct nm_client client;
	struct nm_request request;
	struct nm_waiter *next;
};

struct nm_upstream {
	int loop;
	struct ioth *stack;
	struct in6_addr dns[NM_DNS_MAX];
	int64_t bad_until_ms[NM_DNS_MAX]; /* it did not answer */
	size_t n_dns, turn;
	struct nm_query *queries;
	size_t n;
	bool failed; /* the stack has */
	/* What has been found out; and the answer to one client. rcode SERVFAIL: no server has answered. */
	void (*found)(void *arg, const struct nm_name *name, uint16_t type, const struct nm_answer *a,
		      uint32_t ttl_s);
	void (*answer)(void *arg, const struct nm_waiter *waiter, const struct nm_answer *a);
	void *arg;
};

/* Other servers from now on. */
void nm_upstream_set(struct nm_upstream *u, const struct nm_config *config);

/*
 * Asks for what a client has asked; its answer comes within 5 seconds. Clients that ask the same at the same
 * time share one question. 0, or -errno, and no answer comes: -EAGAIN if there are too many already. answer()
 * may be called from inside, if no server can be reached. client NULL: only found() is called.
 */
int nm_upstream_ask(struct nm_upstream *u, const struct nm_client *client, const struct nm_request *r);

/* Does what is due. Returns when to call it again, INT64_MAX: there is nothing. */
int64_t nm_upstream_tick(struct nm_upstream *u, int64_t now_ms);

/* Forgets all questions; clients get no answers. */
void nm_upstream_close(struct nm_upstream *u);

#endif
