/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_LOG_H
#define ND_LOG_H

/*
 * Lines about messages. Each message has one with --verbose. Without it there are lines about what needs
 * care: those of a kind are at most one in a minute, and say how many there were since. Counters have all.
 */

#include <netinet/in.h>

#include "decide.h"

enum nd_counted {
	ND_N_RECEIVED,
	ND_N_ANSWERED,
	ND_N_BROKEN,    /* bytes that are no message */
	ND_N_MALFORMED, /* from here on as the verdicts */
	ND_N_NOT_OURS,
	ND_N_UNICAST,
	ND_N_NO_NAME,
	ND_N_NO_ADDRESS,
	ND_N_NO_SERVER,
	ND_N_NO_QUESTION,
	ND_N_BUSY,     /* dropped: too many lookups at the same time */
	ND_N_DECLINED, /* addresses that another host uses */
	ND_N_UNSENT,
	ND_N_COUNTED
};

struct nd_log {
	bool verbose;
	uint64_t counted[ND_N_COUNTED];
	/* Of lines without --verbose: */
	uint64_t reported[ND_N_COUNTED]; /* the counter then */
	int64_t next_ms[ND_N_COUNTED];   /* not before */
};

enum nd_counted nd_log_of(enum nd_verdict verdict);

/* Counts an event, and writes a line if it is due. why: more about it, or NULL. */
void nd_log_count(struct nd_log *log, enum nd_counted what, const struct in6_addr *from, const char *why,
		  int64_t now_ms);

/* A line about a message that is answered: with --verbose. Of a Decline always, within the rate. */
void nd_log_answer(struct nd_log *log, const struct vs_dhcp6_answer *answer, const struct in6_addr *from,
		   const char *name, int64_t now_ms);

/* All counters, as one line. */
void nd_log_report(const struct nd_log *log);

#endif
