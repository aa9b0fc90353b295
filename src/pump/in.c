/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way in: link ──complete frames, in batches──▶ coalesce ──super-frames──▶ tap.
 *
 * A kernel that refuses a coalesced write (some releases do) gets its frames one by one, and
 * after a few refusals no more coalesced ones.
 */

#include "in.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "count.h"
#include "gro.h"
#include "keeper/iface.h"
#include "link.h"
#include "lone.h"
#include "tap.h"

#define BATCH 64 /* frames */
#define HEADROOM 16 /* before each frame: for its vnet header, and to keep it aligned */
#define REFUSALS_MAX 8

struct vs_in {
	struct vs_iface *iface;
	unsigned may;                /* VS_GRO_... */
	unsigned refusals;
	struct vs_lone lone;
	struct iovec frames[BATCH];
	struct vs_gro gro;
	_Alignas(64) unsigned char buffers[BATCH][HEADROOM + VS_FRAME_MAX + 30]; /* 30: each starts on a cache line */
};

static unsigned gro_bits(unsigned offloads)
{
	return (offloads & VS_OFFLOAD_GRO ? VS_GRO_TCP4 | VS_GRO_TCP6 : 0u) | (offloads & VS_OFFLOAD_UGRO ? (unsigned)VS_GRO_UDP : 0u);
}

struct vs_in *vs_in_new(struct vs_iface *iface)
{
	/* Large and mostly untouched: from the kernel directly, so that it goes back there. */
	struct vs_in *in = mmap(NULL, sizeof(*in), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (in == MAP_FAILED)
		return NULL;
	in->iface = iface;
	in->may = gro_bits(iface->offloads);
	return in;
}

void vs_in_free(struct vs_in *in)
{
	if (in != NULL)
		(void)munmap(in, sizeof(*in));
}

/* A frame as it came, in its buffer: its header, all zero, goes right before it. */
static void write_single(struct vs_in *in, const struct iovec *frame)
{
	unsigned char *start = (unsigned char *)frame->iov_base - sizeof(struct virtio_net_hdr);

	memset(start, 0, sizeof(struct virtio_net_hdr));
	if (write(in->iface->tap, start, sizeof(struct virtio_net_hdr) + frame->iov_len) < 0)
		count(&in->iface->stats.in_dropped, 1);
}

/* One that was coalesced; before its payload are the bytes of another. */
static void write_apart(struct vs_in *in, struct iovec frame)
{
	struct virtio_net_hdr none = { 0 };
	struct iovec iov[2] = { { &none, sizeof(none) }, frame };

	if (writev(in->iface->tap, iov, 2) < 0)
		count(&in->iface->stats.in_dropped, 1);
}

static void write_out(struct vs_in *in, struct vs_gro_write *w)
{
	if (w->n_frames == 1) {
		write_single(in, &w->iov[1]);
		return;
	}
	if (writev(in->iface->tap, w->iov, w->n_iov) >= 0)
		return;
	if (errno != EINVAL) {
		count(&in->iface->stats.in_dropped, w->n_frames);
		return;
	}
	/* A kernel that does not take what it should: never again, after a few times. */
	if (++in->refusals >= REFUSALS_MAX)
		in->may = 0;
	vs_gro_undo(w);
	for (size_t i = 0; i < w->n_frames; i++)
		write_apart(in, vs_gro_frame(w, i));
}

/* What is no frame, or was cut to its buffer, goes no further. */
static size_t sift(struct vs_in *in, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (in->frames[i].iov_len >= VS_FRAME_MIN && in->frames[i].iov_len <= VS_FRAME_MAX)
			in->frames[kept++] = in->frames[i];
		else
			count(&in->iface->stats.in_dropped, 1);
	}
	return kept;
}

bool vs_in_was_single(const struct vs_in *in)
{
	return in->lone.single;
}

int vs_in_burst(struct vs_in *in)
{
	struct vs_iface *iface = in->iface;

	/* What is prepared costs time, also for a single frame; but a second one must show. */
	size_t want = vs_lone_expected(&in->lone) ? 2 : BATCH;

	for (size_t i = 0; i < want; i++)
		in->frames[i] = (struct iovec){ in->buffers[i] + HEADROOM, VS_FRAME_MAX + 1 };
	int n = iface->link->ops->recv(iface->link, in->frames, want);
	if (n <= 0)
		return n < 0 ? -1 : 0;
	vs_lone_note(&in->lone, (size_t)n);
	count(&iface->stats.in_frames, (size_t)n); /* before anybody can have read one */
	if (atomic_load_explicit(&iface->cut, memory_order_relaxed)) { /* a tap would take them without carrier, too */
		count(&iface->stats.in_dropped, (size_t)n);
		return 1;
	}
	size_t kept = sift(in, (size_t)n);
	vs_gro_run(&in->gro, in->frames, kept, in->may);
	for (size_t i = 0; i < in->gro.n_writes; i++)
		write_out(in, &in->gro.writes[i]);
	count(&iface->stats.in_writes, in->gro.n_writes);
	return 1;
}
