/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_JOIN_H
#define VS_PUMP_JOIN_H

/*
 * Super-frames of records that follow each other in one TCP connection become one again, for one write to the
 * device. Pure functions on bytes; no payload is copied.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "container.h"

#define VS_JOIN_RECORDS 32

/* Empty if n is 0. Callers may read n, segments, record, iov. */
struct vs_join {
	size_t n;
	unsigned segments;
	struct vs_record record[VS_JOIN_RECORDS];
	struct iovec iov[VS_JOIN_RECORDS]; /* after vs_join_finish(): what to write */

	struct vs_record_super first; /* of record[0] */
	uint32_t total;               /* payload bytes */
	bool closed;                  /* the next record cannot follow */
	bool pushed;
	uint8_t headers[128];         /* of record[0], as they came */
};

/* Takes the record, if there is none yet or it continues those that there are. False: it was not taken. */
bool vs_join_add(struct vs_join *join, const struct vs_record *record, const struct vs_record_super *super);

/* Writes the headers of all in front of the first. The records are then in iov[0..n). */
void vs_join_finish(struct vs_join *join);

/* For a device that has refused it: the records are as they came. */
void vs_join_undo(struct vs_join *join);

#endif
