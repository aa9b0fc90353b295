/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_LANE_H
#define VS_DNS_LANE_H

/*
 * A lane asks the name servers of a stack up to two questions at a time. It is a channel of c-ares and what
 * is known of its servers. One thread uses a lane at a time. A lane without questions has no descriptor.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

struct vdestack;
struct vs_answer;
struct vs_lane;

#define VS_LANE_QUESTIONS 2

/* What a lane needs of a resolver's options. */
struct vs_lane_config {
	struct vdestack *stack;
	bool edns, tcp;
	int timeout_ms, tries;
};

/* NULL with errno: ENOMEM. */
struct vs_lane *vs_lane_new(const struct vs_lane_config *config, const struct vs_settings *settings);
/* Ends it; the epoll descriptor that was set is not touched any more. NULL is allowed. */
void vs_lane_delete(struct vs_lane *lane);

/* Whether the lane was made with these settings, and by this process. */
bool vs_lane_uses(const struct vs_lane *lane, const struct vs_settings *settings);

/*
 * The epoll descriptor in which the lane keeps its sockets from now on; -1: none. To be called while it has
 * no questions.
 */
void vs_lane_set_epoll(struct vs_lane *lane, int epoll_fd);
/* In a forked child: the sockets and the epoll are the parent's, so nothing is changed in them. */
void vs_lane_disown(struct vs_lane *lane);

/* Forgets the failures of the servers, for a new lookup. */
void vs_lane_begin(struct vs_lane *lane);

/* Asks in place 0 or 1. Returns 0, or -EINVAL: not a name; -errno: no random numbers. */
int vs_lane_ask(struct vs_lane *lane, int place, const char *name, int type);
bool vs_lane_busy(const struct vs_lane *lane);
/*
 * Takes the answer from a place, once it is not busy: the caller gets the reference. NULL: no server has
 * answered usefully.
 */
struct vs_answer *vs_lane_take(struct vs_lane *lane, int place);
/* Ends all questions without an answer. */
void vs_lane_cancel(struct vs_lane *lane);

/* Waits at most timeout_ms (-1: as long as the tries last) for something to happen, and works on it. */
void vs_lane_wait(struct vs_lane *lane, int timeout_ms);
/* Works on what has happened, without waiting. */
void vs_lane_work(struct vs_lane *lane);
/* Milliseconds until vs_lane_work() is due even if nothing happens; -1: never. */
int vs_lane_due_ms(struct vs_lane *lane);

/* The errno with which the stack has refused a socket in this lookup; 0: it has not. */
int vs_lane_socket_error(const struct vs_lane *lane);
/* Whether no server has sent any reply in this lookup. */
bool vs_lane_silent(const struct vs_lane *lane);
/* What the servers did, for a message: "10.0.0.53: timed out; 10.0.0.54: connection refused". */
void vs_lane_failures(const struct vs_lane *lane, char *text, size_t size);

#endif
