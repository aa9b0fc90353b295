/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RADV_PACE_H
#define RADV_PACE_H

/*
 * When advertisements are sent (RFC 4861 sections 6.2.4 and 6.2.6): time and chance in, a time out. Times are
 * milliseconds of one clock. Chance is a number of 32 random bits.
 *
 *  - To all hosts: at random times between the two intervals, the first three not more than 16 s apart; and
 *    for a solicitation, half a second later at most. Two are 3 s apart at least.
 *  - To one host: half a second at most after its solicitation. A host that asks again meanwhile gets one
 *    answer. 25 answers may come in a burst, and 16 hosts wait at a time. Above either, the answer is the
 *    next one to all: so a flood of solicitations causes a bounded number of answers, and each host still
 *    gets one.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define RADV_NEVER INT64_MAX
#define RADV_WAITING_MAX 16 /* hosts that wait for an answer of their own */
#define RADV_UNICAST_MS 200 /* one answer to one host in this time */
#define RADV_UNICAST_BURST 25

struct radv_host {
	struct in6_addr addr;
	uint8_t mac[6]; /* for ports that need it */
};

struct radv_pace {
	int64_t min_ms, max_ms; /* max_ms 0: only answers */
	int64_t next;           /* to all; RADV_NEVER */
	int64_t last;           /* to all, -RADV_NEVER before the first */
	unsigned first_ones;    /* how many of the first three are left */
	int64_t credit_ms;      /* for answers to one host */
	int64_t credited;       /* when */
	unsigned n_waiting;
	struct {
		int64_t at;
		struct radv_host host;
	} waiting[RADV_WAITING_MAX];
};

/* Zeros are a server that has not begun. Begins, or begins again with other intervals, in seconds. */
void radv_pace_begin(struct radv_pace *p, unsigned min_s, unsigned max_s, int64_t now);

/* A valid solicitation. */
void radv_pace_solicited(struct radv_pace *p, const struct radv_host *host, int64_t now, uint32_t chance);

/* When radv_pace_due() has something to send. */
int64_t radv_pace_next(const struct radv_pace *p);

enum radv_due { RADV_NOTHING, RADV_TO_ALL, RADV_TO_ONE };

/* What is to be sent now, and to whom. */
enum radv_due radv_pace_due(struct radv_pace *p, int64_t now, struct radv_host *host);

/* An advertisement to all was sent, or (false) could not be: it is tried again after half a second. */
void radv_pace_sent(struct radv_pace *p, bool sent, int64_t now, uint32_t chance);

/* The network was lost: one to all opens it again, also where there are only answers otherwise. */
void radv_pace_lost(struct radv_pace *p, int64_t now);

#endif
