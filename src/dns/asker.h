/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_ASKER_H
#define VS_DNS_ASKER_H

/*
 * What one lookup has asked in a lane: up to two questions at a time, and what the servers did. Askers of one
 * lane may share a question. An asker stays where it is in memory while it is in a lane.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "settings.h"

struct vs_answer;
struct vs_lane;
struct vs_question;

#define VS_ASKER_PLACES 2

/* What a server did since the asker has joined. */
struct vs_note {
	bool asked, answered, truncated;
	uint8_t rcode;    /* of a useless reply, or above 15: it only refers to others; 0: none */
	int error;        /* an errno of connect, send or receive; 0: none */
};

struct vs_place {
	struct vs_asker *asker;
	struct vs_question *question; /* NULL: it has ended */
	LIST_ENTRY(vs_place) sharing; /* places with the same question */
	struct vs_answer *answer;
};

struct vs_asker {
	struct vs_lane *lane;         /* NULL: in none */
	LIST_ENTRY(vs_asker) others;  /* in the lane */
	struct vs_place places[VS_ASKER_PLACES];
	struct vs_note notes[VS_SERVERS_MAX];
	int socket_error;             /* no socket could be made */
	bool ended;
	STAILQ_ENTRY(vs_asker) next_ended;
};

/* The asker is new, or has left its lane. */
void vs_asker_join(struct vs_asker *asker, struct vs_lane *lane);
/* Ends its questions, and drops answers that were not taken. Not in a lane: does nothing. */
void vs_asker_leave(struct vs_asker *asker);

/*
 * Asks in place 0 or 1. share: the same question of another asker will do. Returns 0, or -EINVAL: not a name;
 * -ENOMEM; -errno: no random numbers.
 */
int vs_asker_ask(struct vs_asker *asker, int place, const char *name, int type, bool share);
bool vs_asker_busy(const struct vs_asker *asker);
/*
 * Takes the answer from a place, once it is not busy: the caller gets the reference. NULL: no server has
 * answered usefully.
 */
struct vs_answer *vs_asker_take(struct vs_asker *asker, int place);
/* Ends its questions without an answer. */
void vs_asker_cancel(struct vs_asker *asker);
/* Whether the next one returns one. c-ares may end a question while it asks another one. */
bool vs_asker_any_ended(const struct vs_lane *lane);
/* An asker whose questions have ended since it asked them. Each is returned once. NULL: none. */
struct vs_asker *vs_asker_next_ended(struct vs_lane *lane);

/* The errno with which the stack has refused a socket; 0: it has not. */
int vs_asker_socket_error(const struct vs_asker *asker);
/* Whether no server has sent any reply. */
bool vs_asker_silent(const struct vs_asker *asker);
/* What the servers did, for a message: "10.0.0.53: timed out; 10.0.0.54: connection refused". */
void vs_asker_failures(const struct vs_asker *asker, char *text, size_t size);

#endif
