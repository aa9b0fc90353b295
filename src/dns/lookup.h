/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_LOOKUP_H
#define VS_DNS_LOOKUP_H

/*
 * One lookup as a state machine: addresses of a node, or records of a type. It never waits. Its caller waits
 * for the lane and for the time limit. A lookup of a group asks in a lane of the group.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "addresses.h"
#include "asker.h"
#include "name.h"
#include "resolver.h"
#include "targets.h"
#include <vdestack/dns.h>

struct vs_answer;

/* The list of its group in which a lookup is. */
enum vs_lookup_list {
	VS_LOOKUP_IN_NONE,
	VS_LOOKUP_PENDING,
	VS_LOOKUP_ENDED,
	VS_LOOKUP_RETURNED,
};

struct vdestack_dns_lookup {
	struct vdestack_dns *dns;
	struct vs_epoch epoch;
	struct vs_asker asker;    /* in no lane: no server has to be asked, so far */
	int64_t deadline_ms;      /* CLOCK_MONOTONIC; INT64_MAX: none */
	bool done;

	/* What is asked. */
	bool of_type;             /* records instead of addresses */
	struct addrinfo hints;
	struct vs_target targets[VS_TARGETS_MAX];
	int n_targets;
	char name[256];
	int types[2], n_types;

	/* The names that are tried, one after the other. */
	struct vs_settings settings;
	size_t candidate;
	bool as_is_first, only_as_is;
	char asked[VS_NAME_WIRE_MAX + 2]; /* the name that servers are asked for */
	struct vs_answer *answers[2];
	bool saw_nodata, saw_failure;

	/* The result, when done. */
	int code;                 /* 0 or EAI_... */
	int err;                  /* errno of EAI_SYSTEM */
	char message[512];
	struct addrinfo *res;
	struct vs_answer *answer;

	/* Of a group: see group.c. NULL otherwise. */
	struct vdestack_dns_group *group;
	bool alone;               /* the group is this lookup's own */
	enum vs_lookup_list list;
	TAILQ_ENTRY(vdestack_dns_lookup) others;
	void *data;               /* the program's */
};

/* Begin it. They may be done at once. */
void vs_lookup_begin(struct vdestack_dns_lookup *l, struct vdestack_dns *dns, const char *node,
		     const char *service, const struct addrinfo *hints);
void vs_lookup_begin_type(struct vdestack_dns_lookup *l, struct vdestack_dns *dns, const char *name,
			  int type);

/* Begins to ask, once begun and not done. */
void vs_lookup_ask(struct vdestack_dns_lookup *l);
/* To be called when something has happened in the lane, or the time has passed. */
void vs_lookup_step(struct vdestack_dns_lookup *l);
/* Milliseconds until vs_lookup_step() is due even if nothing happens; -1: never. */
int vs_lookup_due_ms(struct vdestack_dns_lookup *l);
/* Begun, until it is done, waiting. Returns the code, with the message and errno. */
int vs_lookup_finish(struct vdestack_dns_lookup *l);
/* Reports the code of one that is done: sets message and errno. */
int vs_lookup_report(const struct vdestack_dns_lookup *l);
/* Leaves its lane. */
void vs_lookup_leave(struct vdestack_dns_lookup *l);
/* Frees what it has, results included. */
void vs_lookup_end(struct vdestack_dns_lookup *l);

#endif
