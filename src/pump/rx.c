/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reception: link ──complete frames, in batches──▶ coalesce ──super-frames──▶ device.
 *
 * Some kernels refuse a coalesced write with EINVAL. Its frames are then written one by one. After
 * a few refusals nothing is coalesced any more.
 *
 * Containers (container.h) are opened first. Everything else sees the frames that were in them.
 *
 * With an impairment (impaired.h), frames are copied into it, and those that are due are coalesced.
 */

#include "rx.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "containers.h"
#include "count.h"
#include "gro.h"
#include "impair.h"
#include "impaired.h"
#include "link.h"
#include "lone.h"
#include "offload.h"
#include "pump.h"
#include "unpack.h"

#define BATCH 64 /* frames */
#define LINE 64  /* bytes of a cache line */
#define HEADROOM 16 /* before each frame: for its vnet header, and to keep it aligned */
#define REFUSALS_MAX 8

struct vs_rx {
	struct vs_pump *pump;
	unsigned may;                /* VS_GRO_... */
	unsigned refusals;
	int64_t due_ns;              /* of the next frame that is impaired; INT64_MAX: none */
	struct vs_lone lone;
	struct iovec frames[BATCH];
	struct vs_gro gro;
	struct vs_unpack unpack;
	size_t frame_max;            /* longer frames are dropped */
	size_t stride;               /* from buffer to buffer: each starts on a cache line */
	size_t mapped;               /* bytes of all this */
	_Alignas(64) unsigned char buffers[];
};

static unsigned gro_bits(unsigned offloads)
{
	return (offloads & VS_OFFLOAD_GRO ? VS_GRO_TCP4 | VS_GRO_TCP6 : 0u) |
	       (offloads & VS_OFFLOAD_UGRO ? (unsigned)VS_GRO_UDP : 0u);
}

static const struct vs_unpack_sink sink;

struct vs_rx *vs_rx_new(struct vs_pump *pump)
{
	size_t link_max = pump->link->frame_max;
	size_t frame_max = link_max > VS_FRAME_MAX ? link_max : VS_FRAME_MAX;
	size_t stride = (HEADROOM + frame_max + 1 + LINE - 1) / LINE * LINE;
	size_t mapped = sizeof(struct vs_rx) + BATCH * stride;
	/* Large and mostly untouched: mapped, so that unmapping returns it to the kernel. */
	struct vs_rx *rx = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (rx == MAP_FAILED)
		return NULL;
	rx->pump = pump;
	rx->due_ns = INT64_MAX;
	rx->frame_max = frame_max;
	rx->stride = stride;
	rx->mapped = mapped;
	rx->may = gro_bits(pump->offloads);
	rx->unpack.sink = &sink;
	rx->unpack.rx = rx;
	rx->unpack.pump = pump;
	return rx;
}

void vs_rx_free(struct vs_rx *rx)
{
	if (rx == NULL)
		return;
	vs_impaired_drop(rx->pump, VS_RX);
	(void)munmap(rx, rx->mapped);
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
static size_t sift(struct vs_rx *rx, struct iovec *frames, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (frames[i].iov_len >= VS_FRAME_MIN && frames[i].iov_len <= rx->frame_max)
			frames[kept++] = frames[i];
		else
			count(&rx->pump->stats.rx_dropped, 1);
	}
	return kept;
}

bool vs_rx_was_single(const struct vs_rx *rx)
{
	return rx->lone.single;
}

static void write_batch(struct vs_rx *rx, const struct iovec *frames, size_t n)
{
	vs_gro_run(&rx->gro, frames, n, rx->may);
	for (size_t i = 0; i < rx->gro.n_writes; i++)
		write_super(rx, &rx->gro.writes[i]);
	count(&rx->pump->stats.rx_writes, rx->gro.n_writes);
}

/* ------------------------------------------------------------------ impairment */

static void absorb(struct vs_rx *rx, struct vs_impaired *impaired, const struct iovec *frames, size_t n)
{
	int64_t now = vs_now_ns();

	struct vs_impair *impair = vs_impaired_lock(impaired);
	for (size_t i = 0; i < n; i++)
		vs_impair_put(impair, &frames[i], 1, now);
	rx->due_ns = vs_impair_due_ns(impair);
	vs_impaired_unlock(impaired);
}

static size_t take_due(struct vs_rx *rx, struct vs_impaired *impaired)
{
	const struct vs_impair_frame *f = NULL;
	int64_t now = vs_now_ns();
	size_t n = 0;

	struct vs_impair *impair = vs_impaired_lock(impaired);
	while (n < BATCH && (f = vs_impair_next(impair, now)) != NULL)
		rx->frames[n++] = f->iov;
	rx->due_ns = vs_impair_due_ns(impair);
	vs_impaired_unlock(impaired);
	return n;
}

int64_t vs_rx_due_ns(const struct vs_rx *rx)
{
	return rx->due_ns;
}

void vs_rx_pass(struct vs_rx *rx)
{
	struct vs_impaired *impaired = vs_impaired(rx->pump, VS_RX);

	if (impaired == NULL)
		return;
	size_t n = take_due(rx, impaired);
	if (n == 0)
		return;
	if (atomic_load_explicit(&rx->pump->cut, memory_order_relaxed))
		count(&rx->pump->stats.rx_dropped, n);
	else
		write_batch(rx, rx->frames, n);
	vs_impaired_done(impaired);
}

/* ------------------------------------------------------------------ receiving */

/* Complete frames. */
static void pass_on(void *arg, struct iovec *frames, size_t n)
{
	struct vs_rx *rx = arg;
	struct vs_pump *pump = rx->pump;
	struct vs_watchers *watchers = vs_watchers_of(&pump->watchers);
	bool isolated = watchers != NULL && vs_watchers_isolated(watchers);

	if (watchers != NULL && !isolated)
		vs_watchers_rx(watchers, frames, n);
	/* A tap without carrier takes frames all the same. */
	if (isolated || atomic_load_explicit(&pump->cut, memory_order_relaxed)) {
		count(&pump->stats.rx_dropped, n);
		return;
	}
	size_t kept = sift(rx, frames, n);
	struct vs_impaired *impaired = vs_impaired(pump, VS_RX);
	if (impaired != NULL)
		absorb(rx, impaired, frames, kept);
	else
		write_batch(rx, frames, kept);
}

/* Super-frames that can be written as they are. Watches and impairments are about frames. */
static unsigned supers(const struct vs_rx *rx)
{
	struct vs_pump *pump = rx->pump;

	if (vs_watchers_any(vs_watchers_of(&pump->watchers)) || vs_impaired(pump, VS_RX) != NULL ||
	    atomic_load_explicit(&pump->cut, memory_order_relaxed))
		return 0;
	return (rx->may & VS_GRO_TCP4 ? VS_TAKES_TCP4 : 0u) | (rx->may & VS_GRO_TCP6 ? VS_TAKES_TCP6 : 0u) |
	       (rx->may & VS_GRO_UDP ? VS_TAKES_UDP : 0u);
}

static bool write_record(void *arg, const struct iovec *iov, int n, unsigned segments)
{
	struct vs_rx *rx = arg;

	if (supers(rx) == 0) /* since this batch has begun */
		return false;
	if (write_device(rx, iov, n) >= 0) {
		count(&rx->pump->stats.rx_writes, 1);
		return true;
	}
	if (errno == EINVAL) { /* the kernel refuses what it should take */
		if (++rx->refusals >= REFUSALS_MAX)
			rx->may = 0;
		return false;
	}
	count(&rx->pump->stats.rx_dropped, segments);
	return true;
}

/* Before the stack can have read one. */
static void note_received(void *arg, size_t n)
{
	struct vs_rx *rx = arg;

	count(&rx->pump->stats.rx_frames, n);
}

static void drop_container(void *arg)
{
	struct vs_rx *rx = arg;

	count(&rx->pump->stats.rx_dropped, 1);
}

static const struct vs_unpack_sink sink = { .frames = pass_on, .super = write_record,
					    .received = note_received, .dropped = drop_container };

int vs_rx_burst(struct vs_rx *rx)
{
	struct vs_pump *pump = rx->pump;

	/* Each buffer that is offered costs time. Two, so that a second frame is noticed. */
	size_t want = vs_lone_expected(&rx->lone) ? 2 : BATCH;

	for (size_t i = 0; i < want; i++)
		rx->frames[i] = (struct iovec){ rx->buffers + i * rx->stride + HEADROOM, rx->frame_max + 1 };
	int n = pump->link->ops->recv(pump->link, rx->frames, want);
	if (n <= 0)
		return n < 0 ? -1 : 0;
	bool containers = pump->containers != NULL && vs_unpack_any(rx->frames, (size_t)n);
	vs_lone_note(&rx->lone, containers ? 2 : (size_t)n);
	if (containers) {
		vs_unpack_run(&rx->unpack, rx->frames, (size_t)n, supers(rx));
		return 1;
	}
	note_received(rx, (size_t)n);
	pass_on(rx, rx->frames, (size_t)n);
	return 1;
}
