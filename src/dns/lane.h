/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_LANE_H
#define VS_DNS_LANE_H

/*
 * A lane asks the name servers of a network. It is a channel of c-ares with its sockets. Lookups that share a
 * lane are its askers (asker.h). One thread uses a lane at a time. Without questions it has no descriptor.
 */

#include <stdbool.h>
#include <stddef.h>

struct vs_lane;
struct vs_net;
struct vs_settings;
struct vs_spares;

/*
 * Questions after which a lane with a socket gets no more lookups. A forged reply has to hit the port of the
 * socket and the id of a question. So a port is used for few questions.
 */
#define VS_LANE_QUESTIONS 32

/* What a lane needs of a resolver's options. */
struct vs_lane_config {
	const struct vs_net *net; /* outlives the lane */
	bool edns, tcp;
	int timeout_ms, tries;
	struct vs_spares *spares;
};

/* NULL with errno: ENOMEM. */
struct vs_lane *vs_lane_new(const struct vs_lane_config *config, const struct vs_settings *settings);
/* Ends it; it has no askers. The epoll descriptor that was set is not touched any more. NULL is allowed. */
void vs_lane_delete(struct vs_lane *lane);

/* Whether the lane was made with these settings, and by this process. */
bool vs_lane_uses(const struct vs_lane *lane, const struct vs_settings *settings);
/* The spares that it was made with. */
struct vs_spares *vs_lane_spares(const struct vs_lane *lane);
/* Whether it has asked VS_LANE_QUESTIONS questions by the socket that it has. */
bool vs_lane_worn(const struct vs_lane *lane);
/* Whether it has askers. */
bool vs_lane_used(const struct vs_lane *lane);

/*
 * The epoll descriptor in which the lane keeps its sockets from now on; -1: none. To be called while it has
 * no questions. The events of the sockets have the lane as their data.ptr.
 */
void vs_lane_set_epoll(struct vs_lane *lane, int epoll_fd);
/* In a forked child: the sockets and the epoll are the parent's, so nothing is changed in them. */
void vs_lane_disown(struct vs_lane *lane);

/* Waits at most timeout_ms (-1: as long as the tries last) for something to happen, and works on it. */
void vs_lane_wait(struct vs_lane *lane, int timeout_ms);
/* Works on what has happened, without waiting. */
void vs_lane_work(struct vs_lane *lane);
/* Milliseconds until vs_lane_work() is due even if nothing happens; -1: never. */
int vs_lane_due_ms(struct vs_lane *lane);

#endif
