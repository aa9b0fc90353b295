/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_LANE_STATE_H
#define VS_DNS_LANE_STATE_H

/* What a lane knows, for its channel (lane.c) and its questions (asker.c). */

#include <ares.h>

#include "asker.h"
#include "lane.h"

#define VS_LANE_SOCKETS 32

struct vs_question {
	struct vs_lane *lane;
	LIST_ENTRY(vs_question) others; /* of the lane */
	LIST_HEAD(vs_places, vs_place) places;   /* that wait for it; none: nobody does any more */
	uint16_t id;
	int type;
	char name[];
};

struct vs_lane {
	ares_channel channel;
	struct vs_lane_config config;
	struct vs_settings settings;
	int epoll_fd;
	bool disowned;
	unsigned n_asked; /* questions since its first socket was made */
	/* Which server a socket belongs to; -1: none. */
	struct {
		int fd, family;
		int8_t server;
		bool tcp;
		bool inside; /* TCP: a part of a reply has been read */
	} sockets[VS_LANE_SOCKETS];
	size_t n_sockets;
	LIST_HEAD(vs_askers, vs_asker) askers;
	STAILQ_HEAD(vs_ended, vs_asker) ended;
	LIST_HEAD(vs_questions, vs_question) questions;
	uint16_t ids[32]; /* random ones, the last n_ids of them not used yet */
	size_t n_ids;
};

/* Each asker that waits for an answer learns of a server's error, or that it was asked. */
void vs_lane_note_error(struct vs_lane *lane, int server, int error);
void vs_lane_note_asked(struct vs_lane *lane, int server);
void vs_lane_note_no_socket(struct vs_lane *lane, int error);
/* The askers of the question that a message belongs to learn of it. */
void vs_lane_note_sent(struct vs_lane *lane, int server, const uint8_t *message, size_t n);
void vs_lane_note_reply(struct vs_lane *lane, int server, const uint8_t *message, size_t n);

#endif
