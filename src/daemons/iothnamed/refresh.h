/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_REFRESH_H
#define NM_REFRESH_H

/* Bases and hosts of rules that other servers know: they are asked again when their answers expire. */

#include "config.h"
#include "upstream.h"

struct nm_refresh_item;

struct nm_refresh {
	struct nm_refresh_item *items;
	size_t n;
};

/* The names of a configuration, all of which are asked for at once. Without memory: none, after a message. */
void nm_refresh_set(struct nm_refresh *r, const struct nm_config *config);

/* Asks for what is due. Returns when to call it again, INT64_MAX: never. */
int64_t nm_refresh_tick(struct nm_refresh *r, struct nm_upstream *upstream, int64_t now_ms);

/* An answer has come, maybe to one of these questions: the rules get its address. */
void nm_refresh_take(struct nm_refresh *r, struct nm_config *config, int64_t now_ms,
		     const struct nm_name *name, uint16_t type, const struct nm_answer *a, uint32_t ttl_s);

void nm_refresh_free(struct nm_refresh *r);

#endif
