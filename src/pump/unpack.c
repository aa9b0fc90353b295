/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What comes out of a container:
 *
 *	record, complete frame ──────────────────────────▶ frames ──▶ coalescing, watches, impairment
 *	record, super-frame ──▶ joined with those before ──▶ device
 *	                    └─▶ cut, if frames must be seen, or the device takes none ──▶ frames
 *
 * Only one of the two lists is in use at a time. The other one is passed on first, so the order is kept.
 *
 * Frames are counted as they would be without containers. A container that makes no sense is one frame that
 * is dropped.
 *
 * It costs only itself, from the first wrong record on. Each frame in it could
 * have been sent by itself, too: a container gives its sender no more than that.
 */

#include "unpack.h"

#include <string.h>

#include "containers.h"
#include "gso.h"
#include "pump.h"

#define HEADROOM 16

static void pass_frames(struct vs_unpack *u)
{
	if (u->n > 0)
		u->sink->frames(u->rx, u->frames, u->n);
	u->n = u->used = 0;
}

static void put_frame(struct vs_unpack *u, struct iovec frame)
{
	if (u->n == VS_GRO_FRAMES)
		pass_frames(u);
	u->frames[u->n++] = frame;
}

/* One frame of a super-frame, in one piece. */
static void put_pieces(struct vs_unpack *u, uint8_t *at, const struct iovec *iov, int n)
{
	size_t len = iov[0].iov_len;

	if (n > 1)
		memcpy(at + len, iov[1].iov_base, iov[1].iov_len);
	len += n > 1 ? iov[1].iov_len : 0;
	u->used = (size_t)(at + len - u->room + 15) & ~(size_t)15;
	put_frame(u, (struct iovec){ at, len });
}

static void cut(struct vs_unpack *u, const struct vs_record *record, const struct vs_record_super *super)
{
	struct iovec iov[2];
	struct vs_gso gso;

	if (vs_gso_start(&gso, &super->vnet, record->frame, record->len) != VS_GSO_OK ||
	    HEADROOM + gso.longest + 16 > sizeof(u->room)) {
		u->sink->dropped(u->rx);
		return;
	}
	if (gso.header_len == 0) { /* one segment */
		put_frame(u, (struct iovec){ record->frame, record->len });
		return;
	}
	for (;;) {
		if (u->n == VS_GRO_FRAMES || u->used + HEADROOM + gso.longest + 16 > sizeof(u->room))
			pass_frames(u);
		uint8_t *at = u->room + u->used + HEADROOM;
		int n = vs_gso_next(&gso, at, iov);
		if (n == 0)
			return;
		put_pieces(u, at, iov, n);
	}
}

static void pass_join(struct vs_unpack *u)
{
	struct vs_join *join = &u->join;
	struct vs_record_super super;

	if (join->n == 0)
		return;
	vs_join_finish(join);
	if (!u->sink->super(u->rx, join->iov, (int)join->n, join->segments)) {
		vs_join_undo(join);
		for (size_t i = 0; i < join->n; i++)
			if (vs_container_super(&join->record[i], &super))
				cut(u, &join->record[i], &super);
	}
	join->n = 0;
}

/* False: it makes no sense. */
static bool put_record(struct vs_unpack *u, const struct vs_record *record)
{
	struct vs_record_super super;

	if (record->gso_size == 0) {
		u->sink->received(u->rx, 1);
		pass_join(u);
		put_frame(u, (struct iovec){ record->frame, record->len });
		return true;
	}
	if (!vs_container_super(record, &super))
		return false;
	u->sink->received(u->rx, super.segments);
	if (!(u->takes & super.takes)) {
		pass_join(u);
		cut(u, record, &super);
		return true;
	}
	pass_frames(u);
	if (!vs_join_add(&u->join, record, &super)) {
		pass_join(u);
		pass_frames(u); /* if the device has refused it */
		(void)vs_join_add(&u->join, record, &super);
	}
	return true;
}

static void open_container(struct vs_unpack *u, const struct iovec *frame)
{
	struct vs_container_ask ask;
	struct vs_record record;
	size_t at = VS_CONTAINER_HEADER;
	int kind = vs_container_open(frame->iov_base, frame->iov_len, &ask), more = 1;

	if (kind == VS_CONTAINER_PROBE || kind == VS_CONTAINER_ANSWER) {
		vs_containers_heard(u->pump, frame->iov_base, kind, &ask);
		return;
	}
	if (kind == 0 || frame->iov_len == VS_CONTAINER_HEADER)
		more = -1;
	while (more > 0 && (more = vs_container_next(frame->iov_base, frame->iov_len, &at, &record)) > 0)
		if (!put_record(u, &record))
			more = -1;
	if (more >= 0)
		return;
	u->sink->received(u->rx, 1);
	u->sink->dropped(u->rx);
}

bool vs_unpack_any(const struct iovec *frames, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (vs_container_is(frames[i].iov_base, frames[i].iov_len))
			return true;
	return false;
}

void vs_unpack_run(struct vs_unpack *u, const struct iovec *frames, size_t n, unsigned takes)
{
	u->takes = takes;
	u->n = u->used = u->join.n = 0;
	for (size_t i = 0; i < n; i++) {
		if (vs_container_is(frames[i].iov_base, frames[i].iov_len)) {
			open_container(u, &frames[i]);
		} else {
			u->sink->received(u->rx, 1);
			pass_join(u);
			put_frame(u, frames[i]);
		}
	}
	pass_join(u);
	pass_frames(u);
}
