/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_NAMES_H
#define DH_NAMES_H

/*
 * Lookups that do not stop the server. Threads ask, the server asks for what is known:
 *
 *     dh_names_get()      DH_KNOWN: the answer is there. DH_WAIT: a thread will ask; the server keeps the
 *                         request and the ticket.
 *     dh_names_ready()    is readable
 *     dh_names_take()     gives the ticket of a lookup that has ended; the server handles the request anew
 *
 * Answers are kept for some seconds, so a request that is handled anew finds them. Names are compared with
 * their case: a name server may compute addresses from it.
 *
 * All functions are called by one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "link.h"
#include "lookup.h"
#include "options.h"

enum dh_got {
	DH_KNOWN,
	DH_WAIT,
	DH_BUSY /* too many lookups wait already: drop the request */
};

struct dh_names;

/* The resolver, and its threads. NULL after a report. settings and link live longer than it does. */
struct dh_names *dh_names_new(const struct dh_settings *settings, const struct dh_link *link);

/*
 * Ends the threads, and waits a second for them at most. False: some still wait for name servers, which may
 * take ten seconds. Then all of this stays, and so must the stack: the program ends by _exit(2).
 */
bool dh_names_end(struct dh_names *names);

/*
 * Whose request is handled from now on, and when it has come. Clients share lookups and threads (share.h).
 * All answers that have come behind its request are known for it, however short they are kept otherwise.
 * Without this call all lookups are those of one client.
 */
void dh_names_for(struct dh_names *names, const struct dh_client *client, int64_t since_ms);

/*
 * What is known of a name. *answer is written with DH_KNOWN, and valid until the next call; *ticket with
 * DH_WAIT. An answer is known for two seconds at least after its ticket was taken; see also dh_names_for().
 */
enum dh_got dh_names_get(struct dh_names *names, const char *name, enum dh_kind kind, int64_t now_ms,
			 const struct dh_answer **answer, uint64_t *ticket);

/*
 * Forgets all answers, those of the resolver too, which reads its file of name servers anew. Lookups on their
 * way go on.
 */
void dh_names_flush(struct dh_names *names);

/* For poll(2): readable when dh_names_take() has something. */
int dh_names_ready(const struct dh_names *names);

/* A lookup has ended: its ticket. False: none. Call it until it is false. */
bool dh_names_take(struct dh_names *names, int64_t now_ms, uint64_t *ticket);

#endif
