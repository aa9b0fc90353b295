/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_LOCAL_ASK_H
#define VS_KEEPER_LOCAL_ASK_H

/* Questions to the other keepers that local.c finds. */

#include "local_dir.h"
#include "wire/messages.h"

struct vs_local_question {
	enum vs_op op;       /* VS_OP_LOCAL_USER, VS_OP_LOCAL_SEGMENT */
	const char *segment; /* NULL for the former */
	int proof;           /* a network namespace of the sender, -1 */
	/* Whether this is what was asked for. */
	bool (*accepts)(const struct vs_local *l, int fd);
};

/*
 * Asks all these keepers at once, and waits for the first one that has an answer, until the deadline at most.
 * Files of keepers that do not live are removed. In the directory, with its lock.
 *
 * A descriptor; or -ENOENT: none of them lives or has it; or another -errno with a message that names a
 * process: -ETIMEDOUT, one has not answered; or it has refused, or answered something else.
 */
int vs_local_ask(const struct vs_local *l, const struct vs_local_question *q, struct vs_local_peer *peers,
		 size_t n, int64_t deadline_ms);

/* In the directory, with its lock: whether another keeper lives. Files of those that do not are removed. */
bool vs_local_any(const struct vs_local *l);

#endif
