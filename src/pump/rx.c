/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reception: link ──complete frames, in batches──▶ coalesce ──super-frames──▶ device.
 *
 * Some kernels refuse a coalesced write with EINVAL. Its frames are then written one by one. After
 * a few refusals nothing is coalesced any more.
 */

#include "rx.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "count.h"
#include "gro.h"
#include "link.h"
#include "lone.h"
#include "offload.h"
#include "pump.h"

#define BATCH 64 /* frames */
#define HEADROOM 16 /* before each frame: for its vnet header, and to keep it aligned */
#define REFUSALS_MAX 8

struct vs_rx {
	struct vs_pump *pump;
	unsigned may;                /* VS_GRO_... */
	unsigned refusals;
	struct vs_lone lone;
	struct iovec frames[BATCH];
	struct vs_gro gro;
	/* 30: each starts on a cache line. */
	_Alignas(64) unsigned char buffers[BATCH][HEADROOM + VS_FRAME_MAX + 30];
};

static unsigned gro_bits(unsigned offloads)
{
	return (offloads & VS_OFFLOAD_GRO ? VS_GRO_TCP4 | VS_GRO_TCP6 : 0u) |
	       (offloads & VS_OFFLOAD_UGRO ? (unsigned)VS_GRO_UDP : 0u);
}

struct vs_rx *vs_rx_new(struct vs_pump *pump)
{
	/* Large and mostly untouched: mapped, so that unmapping returns it to the kernel. */
	struct vs_rx *rx = mmap(NULL, sizeof(*rx), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (rx == MAP_FAILED)
		return NULL;
	rx->pump = pump;
	rx->may = gro_bits(pump->offloads);
	return rx;
}

void vs_rx_free(struct vs_rx *rx)
{
	if (rx != NULL)
		(void)munmap(rx, sizeof(*rx));
}

static ssize_t write_device(struct vs_rx *rx, const struct iovec *iov, int n)
{
	return rx->pump->device.ops->write(&rx->pump->device, iov, n);
}

/* A frame as it came: its header, all zero, is put right before it in its buffer. */
static void write_single(struct vs_rx *rx, const struct iovec *frame)
{
	unsigned char *start = (unsigned char *)frame->iov_base - sizeof(struct virtio_net_hdr);
	struct iovec whole = { start, sizeof(struct virtio_net_hdr) + frame->iov_len };

	memset(start, 0, sizeof(struct virtio_net_hdr));
	if (write_device(rx, &whole, 1) < 0)
		count(&rx->pump->stats.rx_dropped, 1);
}

/* A frame that was coalesced with others: other bytes stand before its payload. */
static void write_apart(struct vs_rx *rx, struct iovec frame)
{
	struct virtio_net_hdr none = { 0 };
	struct iovec iov[2] = { { &none, sizeof(none) }, frame };

	if (write_device(rx, iov, 2) < 0)
		count(&rx->pump->stats.rx_dropped, 1);
}

static void write_super(struct vs_rx *rx, struct vs_gro_write *w)
{
	if (w->n_frames == 1) {
		write_single(rx, &w->iov[1]);
		return;
	}
	if (write_device(rx, w->iov, w->n_iov) >= 0)
		return;
	if (errno != EINVAL) {
		count(&rx->pump->stats.rx_dropped, w->n_frames);
		return;
	}
	/* The kernel refuses what it should take. */
	if (++rx->refusals >= REFUSALS_MAX)
		rx->may = 0;
	vs_gro_undo(w);
	for (size_t i = 0; i < w->n_frames; i++)
		write_apart(rx, vs_gro_frame(w, i));
}

/* Removes what is no frame, and what was cut to its buffer. Returns how many are left. */
static size_t sift(struct vs_rx *rx, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (rx->frames[i].iov_len >= VS_FRAME_MIN && rx->frames[i].iov_len <= VS_FRAME_MAX)
			rx->frames[kept++] = rx->frames[i];
		else
			count(&rx->pump->stats.rx_dropped, 1);
	}
	return kept;
}

bool vs_rx_was_single(const struct vs_rx *rx)
{
	return rx->lone.single;
}

int vs_rx_burst(struct vs_rx *rx)
{
	struct vs_pump *pump = rx->pump;

	/* Each buffer that is offered costs time. Two, so that a second frame is noticed. */
	size_t want = vs_lone_expected(&rx->lone) ? 2 : BATCH;

	for (size_t i = 0; i < want; i++)
		rx->frames[i] = (struct iovec){ rx->buffers[i] + HEADROOM, VS_FRAME_MAX + 1 };
	int n = pump->link->ops->recv(pump->link, rx->frames, want);
	if (n <= 0)
		return n < 0 ? -1 : 0;
	vs_lone_note(&rx->lone, (size_t)n);
	count(&pump->stats.rx_frames, (size_t)n); /* before the stack can have read one */
	if (atomic_load_explicit(&pump->cut, memory_order_relaxed)) { /* a tap without carrier takes them */
		count(&pump->stats.rx_dropped, (size_t)n);
		return 1;
	}
	size_t kept = sift(rx, (size_t)n);
	vs_gro_run(&rx->gro, rx->frames, kept, rx->may);
	for (size_t i = 0; i < rx->gro.n_writes; i++)
		write_super(rx, &rx->gro.writes[i]);
	count(&pump->stats.rx_writes, rx->gro.n_writes);
	return 1;
}
