/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CAPTURE_SEGMENT_H
#define VS_KEEPER_CAPTURE_SEGMENT_H

/*
 * The frames of an interface on a segment, which its pump does not move: a packet socket on the bridge's side
 * (segment_view.c), with a ring that the kernel fills (packet(7), TPACKET_V3). Super-frames are cut as on a
 * wire.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "segment.h"

struct vs_capture_segment {
	struct vs_port_view view; /* its fd: -1: none */
	bool writes; /* set before it is opened: frames are written, too */
	int packet;  /* for these, a packet socket that is bound to nothing; -1: none */
	unsigned char *map;
	unsigned n_blocks, at;
	unsigned long long os_dropped;
	unsigned char header[1024];
};

/* A complete frame. False: stop here; the rest of the block is lost. */
typedef bool vs_capture_frame_fn(void *arg, bool rx, const struct iovec *iov, int n, size_t len,
				 int64_t time_ns);

/*
 * retire_ms: a block is passed on after that, even if it is not full. bytes: of the ring. A networking
 * thread that holds no lock. 0 or -errno.
 */
int vs_capture_segment_open(struct vs_capture_segment *s, struct vs_iface *iface, size_t bytes,
			    unsigned retire_ms);
/* Passes on the frames of the next block that is full. False: there is none. */
bool vs_capture_segment_read(struct vs_capture_segment *s, vs_capture_frame_fn *frame, void *arg);
/* No further frames come into the ring. Those that are there can be read. */
void vs_capture_segment_stop(struct vs_capture_segment *s);
/*
 * After poll(2) has shown an event: takes the error of a device that went down, which would cause an event
 * each time.
 */
void vs_capture_segment_calm(struct vs_capture_segment *s);
/*
 * Waits until the kernel has passed on a block that is not full: some milliseconds. False: there are no
 * frames in it.
 */
bool vs_capture_segment_settle(struct vs_capture_segment *s);
/* Asks the kernel how many frames it had no room for. */
void vs_capture_segment_count(struct vs_capture_segment *s);
void vs_capture_segment_close(struct vs_capture_segment *s);

#endif
