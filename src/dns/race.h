/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_RACE_H
#define VS_DNS_RACE_H

/*
 * Connection attempts to the addresses of a name, as RFC 8305 (Happy Eyeballs, version 2) says: which address
 * is tried next, and when. Pure: it gets times and results, and returns what is to be done. It has no
 * descriptor and reads no clock.
 *
 * The caller starts two lookups, one for each family, and reports each answer. It calls vs_race_next()
 * until that returns VS_RACE_WAIT or an end, does what was asked for, and reports the result.
 *
 *  - IPv6 addresses are tried at once. IPv4 addresses that come first wait VS_RACE_RESOLUTION_MS for those of
 *    IPv6 (section 3).
 *  - Families take turns, one address each (section 4, First Address Family Count 1). An answer that comes
 *    later joins at the next turn.
 *  - An attempt starts VS_RACE_ATTEMPT_MS after the last one, and at once when one has failed (section 5).
 *  - The first connection wins. The caller closes the others.
 *
 * Times are milliseconds of one clock.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_RACE_RESOLUTION_MS 50
#define VS_RACE_ATTEMPT_MS 250
#define VS_RACE_FAMILY_MAX 32 /* addresses of a family; further ones are not tried */
#define VS_RACE_MAX (2 * VS_RACE_FAMILY_MAX)
#define VS_RACE_NEVER INT64_MAX

enum vs_race_family {
	VS_RACE_IP6,
	VS_RACE_IP4,
	VS_RACE_FAMILIES,
};

union vs_race_addr {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

enum vs_race_state {
	VS_RACE_UNTRIED,
	VS_RACE_RUNNING,
	VS_RACE_FAILED,
	VS_RACE_CONNECTED,
};

struct vs_race_attempt {
	union vs_race_addr addr;
	enum vs_race_state state;
	int err; /* of VS_RACE_FAILED: an errno */
};

struct vs_race_list {
	bool awaited;    /* its answer has not come */
	unsigned n;      /* addresses */
	unsigned tried;  /* the first of them that have been started */
};

struct vs_race {
	struct vs_race_list lists[VS_RACE_FAMILIES];
	/* Those of IPv6 begin at 0, those of IPv4 at VS_RACE_FAMILY_MAX. */
	struct vs_race_attempt attempts[VS_RACE_MAX];
	enum vs_race_family turn; /* the family of the next attempt, if it has one */
	bool begun;               /* an attempt has been started */
	unsigned running;
	int won;                  /* the number of the attempt that has connected; -1: none */
	int64_t resolution_due;   /* IPv4 waits for IPv6 until then; VS_RACE_NEVER: it does not wait */
	int64_t attempt_due;      /* not before this time, unless nothing runs */
	int64_t deadline;
};

enum vs_race_action {
	VS_RACE_START, /* connect to the address with this number */
	VS_RACE_WAIT,  /* nothing to do until a result comes or `until` has passed */
	VS_RACE_WON,   /* the attempt with this number; close the others */
	VS_RACE_LOST,  /* all have failed, or there is no address */
	VS_RACE_LATE,  /* the deadline has passed; close all */
};

struct vs_race_step {
	enum vs_race_action action;
	unsigned number; /* of START, WON */
	int64_t until;   /* of WAIT; VS_RACE_NEVER: only results count */
};

/* awaited6, awaited4: an answer of this family will be reported. deadline: a time, or VS_RACE_NEVER. */
void vs_race_init(struct vs_race *race, bool awaited6, bool awaited4, int64_t deadline);

/* The family that begins if no attempt has been started yet: IPv6 unless this call changes it. */
void vs_race_prefer(struct vs_race *race, enum vs_race_family family);

/*
 * The answer of a lookup has come, with n addresses in the order in which they are to be tried; 0: none.
 * Once for each family; further calls are ignored.
 */
void vs_race_answer(struct vs_race *race, int64_t now, enum vs_race_family family,
		    const union vs_race_addr *addrs, size_t n);

/* The first address of a family; NULL: none has come. */
const union vs_race_addr *vs_race_first(const struct vs_race *race, enum vs_race_family family);

/* What is to be done now. START counts as done: the result is reported later. */
struct vs_race_step vs_race_next(struct vs_race *race, int64_t now);

/* The results of an attempt that runs; for others they are ignored. */
void vs_race_connected(struct vs_race *race, unsigned number);
void vs_race_failed(struct vs_race *race, int64_t now, unsigned number, int err);

/*
 * The errno of the failed attempt that got furthest: a host that refused tells more than a network that
 * cannot be reached. Errors of the program's own, such as EMFILE, come first. 0: no attempt has failed.
 */
int vs_race_errno(const struct vs_race *race);

#endif
