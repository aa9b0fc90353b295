/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_RESOLVER_H
#define DH_RESOLVER_H

/*
 * The resolver, and where it has its name servers from: the option, or the stack, or a file. Those of a stack
 * may come later, or change: it is asked from time to time.
 *
 * A name server may compute addresses from names with their case, but a resolver keeps answers without case.
 * So a client that says a name with other letters would give its address to the one that has the name. Names
 * with capital letters are looked up by a resolver of their own each, which keeps nothing.
 *
 * Open and close are for one thread, the others may be called by any. dns does not change.
 */

#include <iothdns.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "link.h"
#include "lookup.h"
#include "options.h"

struct dh_resolver {
	struct iothdns *dns;
	struct ioth *stack;
	bool follows; /* the stack is asked */
	/* Private; under the lock: */
	pthread_mutex_t lock;
	const char *path; /* of a file of name servers, without a text */
	char *text;       /* the name servers, or NULL */
	int64_t next_ms;  /* when the stack is asked again */
};

/* 0, or -1 after a report. dh_resolver_close() is needed in both cases. */
int dh_resolver_open(struct dh_resolver *r, const struct dh_settings *settings, const struct dh_link *link);

void dh_resolver_close(struct dh_resolver *r);

/* Asks the stack for its name servers, if it is time. */
void dh_resolver_follow(struct dh_resolver *r, int64_t now_ms);

/* Waits for the servers as the resolver does. The caller frees answer->text. */
void dh_resolver_ask(struct dh_resolver *r, const char *name, enum dh_kind kind, struct dh_answer *answer);

/* Forgets answers, and reads the file anew. */
void dh_resolver_flush(struct dh_resolver *r);

#endif
