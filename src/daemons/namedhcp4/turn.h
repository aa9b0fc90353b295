/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_TURN_H
#define N4_TURN_H

/*
 * A request while it is handled: what is reported of it, and what name servers say for it. A lookup that is
 * not known yet ends the turn. Another one begins when it has ended, with the same bytes.
 */

#include <arpa/inet.h>

#include "daemons/dhcp/names.h"
#include "daemons/dhcp/waiting.h"
#include "frames.h"
#include "notices.h"
#include "place.h"
#include "server.h"

/* All of it is of the one thread that serves. */
struct n4_server {
	const struct n4_settings *settings;
	const struct dh_link *link;
	struct dh_names *names;
	struct dh_waiting waiting;
	struct n4_notices notices;
	struct n4_frames frames;
	struct n4_ground ground;
	int64_t now_ms;
	bool failed; /* the interface or the stack is gone */
};

/* A request while it is handled. */
struct n4_turn {
	struct n4_server *server;
	const struct dh_request *request;
	struct n4_origin origin;
	struct vs_dhcp4_query query;
	char name[VS_DNS_NAME_TEXT];
	bool failed;        /* a lookup of the terms */
	unsigned n_unknown; /* names that are looked up now; it waits for the first */
};

struct n4_text {
	char bytes[INET_ADDRSTRLEN + 2];
};

struct n4_text n4_addr_text(uint32_t addr);

/* A message about the request. */
void n4_turn_note(const struct n4_turn *t, enum dm_level level, const char *what);
void n4_turn_silence(const struct n4_turn *t, const char *why);

/* The addresses of the client's name that it may have. False: the turn ends. */
bool n4_turn_addresses(struct n4_turn *t, struct n4_known *known);

/*
 * What the client gets besides. False: the turn ends. With t->failed a name server did not answer, and the
 * terms are not complete.
 */
bool n4_turn_terms(struct n4_turn *t, struct n4_terms *terms);

#endif
