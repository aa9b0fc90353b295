/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_DIAL_STATE_H
#define VS_DNS_DIAL_STATE_H

/* What a dial knows, for its driver (dial.c), its lookups (dial_lookup.c) and its messages (dial_why.c). */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <time.h>

#include "endpoint.h"
#include "race.h"

struct vdestack;
struct vdestack_dns_lookup;

#define VS_DIAL_ADDRESS_MAX (VS_ENDPOINT_HOST_MAX + VS_ENDPOINT_SERVICE_MAX + 4)

/* A lookup of one family. */
struct vs_dial_lookup {
	struct vdestack_dns_lookup *lookup; /* NULL: not asked, or its answer has come */
	int code;      /* EAI_... of a failure, or 0 */
	int err;       /* its errno */
	char why[160]; /* its message */
};

struct vdestack_dial {
	struct vdestack *stack;
	struct vs_endpoint to;
	char address[VS_DIAL_ADDRESS_MAX]; /* as the program wrote it */
	struct vs_race race;
	/* By family. `both`: one lookup, the first, has the addresses of both families. */
	struct vs_dial_lookup lookups[VS_RACE_FAMILIES];
	bool both;
	int fds[VS_RACE_MAX]; /* sockets of attempts that run or are connected; -1: none */
	int epoll;
	int timer;
	uint64_t process;     /* that has started it */
};

/* Numbers in the set of descriptors, besides those of attempts. */
#define VS_DIAL_TIMER VS_RACE_MAX
#define VS_DIAL_LOOKUP(family) (VS_RACE_MAX + 1 + (unsigned)(family))

static inline int64_t vs_dial_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline int vs_dial_watch(const struct vdestack_dial *d, int fd, uint32_t events, unsigned number)
{
	struct epoll_event event = { .events = events, .data.u32 = number };

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static inline void vs_dial_unwatch(const struct vdestack_dial *d, int fd)
{
	(void)epoll_ctl(d->epoll, EPOLL_CTL_DEL, fd, NULL); /* it may not be in the set */
}

/* Begins the lookups. Returns 0 or -errno, with a message. */
int vs_dial_start_lookups(struct vdestack_dial *dial);
/* Takes what a lookup has to give, and reports it to the race. Returns 0 or -errno. */
int vs_dial_advance_lookup(struct vdestack_dial *dial, enum vs_race_family family);

/* Records why the dial has failed, sets errno and returns -1. late: its time limit has passed. */
int vs_dial_fail(const struct vdestack_dial *dial, bool late);

#endif
