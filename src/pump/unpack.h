/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_UNPACK_H
#define VS_PUMP_UNPACK_H

/*
 * Containers that are received, see container.h: a batch from the link becomes frames and super-frames, in
 * the order in which they were sent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "container.h"
#include "gro.h"
#include "join.h"
#include "link.h"

struct vs_pump;

/* Where they go. `rx` is the first argument. What is passed may be changed there; it is not kept. */
struct vs_unpack_sink {
	/* Up to VS_GRO_FRAMES complete frames. Before each there is room for a virtio_net_hdr. */
	void (*frames)(void *rx, struct iovec *frames, size_t n);
	/* A super-frame with its virtio_net_hdr, of so many segments. False: the kernel refuses it. */
	bool (*super)(void *rx, const struct iovec *iov, int n, unsigned segments);
	/* So many frames have come; before they are passed on. */
	void (*received)(void *rx, size_t n);
	/* One that has come is dropped. */
	void (*dropped)(void *rx);
};

/* Of an rx direction. All zero at first; the rest is private. */
struct vs_unpack {
	const struct vs_unpack_sink *sink;
	void *rx;
	struct vs_pump *pump;

	unsigned takes; /* super-frames that are not to be cut */
	size_t n, used; /* frames; bytes of room */
	struct iovec frames[VS_GRO_FRAMES];
	struct vs_join join;
	_Alignas(16) uint8_t room[8 * (VS_FRAME_MAX + 64)]; /* frames that were cut from super-frames */
};

/* One of them is a container, a probe or an answer. */
bool vs_unpack_any(const struct iovec *frames, size_t n);

/* takes: super-frames that the sink gets as they are, VS_TAKES_...; others are cut into frames. */
void vs_unpack_run(struct vs_unpack *u, const struct iovec *frames, size_t n, unsigned takes);

#endif
