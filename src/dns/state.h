/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_STATE_H
#define VS_DNS_STATE_H

/*
 * What a resolver is made of, for resolver.c, follow.c and registry.c. state.c tells what belongs to which
 * process.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "net.h"
#include "options.h"
#include "resolver.h"
#include "spares.h"
#include "textfile.h"

struct vs_cache;

#define VS_IDLE_LANES 8

/* events_fd, before the first try and where there is none. */
#define VS_EVENTS_UNTRIED (-2)
#define VS_EVENTS_NONE (-1)

struct vs_state {
	struct vs_epoch epoch;
	bool settings_known, addresses_known;
	struct timespec known_since;
	int events_fd;
	struct vs_settings settings;
	struct vdestack_addr *addresses;
	size_t n_addresses;
	struct vs_textfile resolv_conf, hosts, services;
	struct vs_cache *cache;
	struct vs_lane *idle[VS_IDLE_LANES]; /* made with these settings */
	size_t n_idle;
	struct vs_spares spares;
	struct vs_state *inherited; /* in a forked child: the parent's, never used */
};

/* Zero in a forked child. */
struct vs_page {
	pthread_mutex_t lock; /* zero is an unlocked one */
	struct vs_state *state;  /* under the lock */
	unsigned users;       /* of a stack's own resolver; under the registry's lock */
	uint64_t process;     /* process.c's page alone: a number of the process; under the lock */
};

struct vdestack_dns {
	struct vs_net net;
	struct vs_options options;
	struct vs_page *page;
	struct vs_state *known; /* the page's state, for leak detectors, which do not look into the page */
	/*
	 * The subscription of the process that has made it, and its cookie. A program may close descriptors
	 * that it does not know, so the number alone does not say what it is. Under the lock.
	 */
	int events_fd;
	uint64_t events_cookie;
	bool replaced;            /* by vdestack_dns_set(); under the registry's lock */
	struct vdestack_dns *next; /* in the registry */
};

/* A page that is zero in a forked child. NULL: out of memory. */
struct vs_page *vs_state_new_page(void);
void vs_state_free_page(struct vs_page *page);

/* Locks, and makes the state if this process has none. NULL, not locked: out of memory. */
struct vs_state *vs_state_lock(struct vdestack_dns *dns);
void vs_state_unlock(struct vdestack_dns *dns);
/* NULL is allowed. */
void vs_state_free(struct vs_state *s);

/* The network has changed: what was known of it does not count any more. Locked. */
void vs_state_forget(struct vs_state *s);
void vs_state_drop_lanes(struct vs_state *s);

/* A number that no other socket has; 0: not a socket. */
uint64_t vs_state_cookie_of(int fd);
/* Whether the descriptor is the subscription of this resolver. */
bool vs_state_is_ours(const struct vdestack_dns *dns, int fd);

/* Reads all events that have come. Locked. */
void vs_follow_events_locked(struct vdestack_dns *dns, struct vs_state *s);

#endif
