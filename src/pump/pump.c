/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The pump of an interface: frames from its tap to its link and back.
 *
 *     tap ──super-frames──▶ segment, finish checksums ──complete frames, in batches──▶ link
 *     tap ◀──super-frames── coalesce ◀──complete frames, in batches─────────────────── link
 *
 * One thread each way, so that a network that does not take frames cannot stop those that
 * come from it. Both sleep in poll; an idle interface wakes nobody. A thread that wakes drains
 * what is there and looks after each batch whether it shall end.
 *
 * The way out reads super-frames one behind the other into an arena until it has a batch, or
 * nothing more is there; the frames that come out of them are headers in one place and
 * payload where it was read. The way in hands a batch to be coalesced and writes the result. A kernel
 * that refuses a coalesced write (some releases do) gets its frames one by one, and after a few
 * refusals no more coalesced ones.
 *
 * Memory is touched only by traffic: an interface that has never carried a frame has none.
 *
 * When the link has died (its descriptors say so) the interface loses its carrier and both
 * threads end; nobody polls a dead descriptor.
 */

#include <errno.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diagnose.h"
#include "base/error.h"
#include "gro.h"
#include "gso.h"
#include "keeper/iface.h"
#include "keeper/isolate.h"
#include "link.h"
#include "tap.h"

#define VNET_LEN sizeof(struct virtio_net_hdr)
#define SUPER_MAX (65536 + 64)      /* what one read from a tap may give, vnet header included */
#define ARENA_BYTES (4 * SUPER_MAX) /* of super-frames in one batch out */
#define BATCH_OUT 128               /* frames in one batch out */
#define BATCH_IN 64                 /* and in */
#define REFUSALS_MAX 8

struct out {
	struct vs_iface *iface;
	size_t n;                    /* frames of the batch */
	size_t headers_used;
	bool dead;
	struct vs_frame frames[BATCH_OUT];
	unsigned char headers[BATCH_OUT * 128 + VS_GSO_HEADER_MAX];
	_Alignas(16) unsigned char arena[ARENA_BYTES];
};

struct in {
	struct vs_iface *iface;
	unsigned may;                /* VS_GRO_... */
	unsigned refusals;
	struct iovec frames[BATCH_IN];
	struct vs_gro gro;
	_Alignas(64) unsigned char buffers[BATCH_IN][VS_FRAME_MAX + 46]; /* 46: each starts on a cache line */
};

static void count(atomic_ullong *counter, size_t n)
{
	/* One writer each; whoever reads wants a number, not an order. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static void link_died(struct vs_iface *iface)
{
	int off = 0;

	(void)ioctl(iface->tap, TUNSETCARRIER, &off); /* before Linux 5.0 the interface just falls silent */
	vs_iface_stop(iface);
}

/* ------------------------------------------------------------------ out */

static void flush_out(struct out *o)
{
	struct vs_iface *iface = o->iface;

	if (o->n == 0)
		return;
	int sent = iface->link->ops->send(iface->link, o->frames, o->n);
	if (sent < 0)
		o->dead = true;
	else
		count(&iface->stats.out_frames, (size_t)sent);
	count(&iface->stats.out_dropped, o->n - (size_t)(sent > 0 ? sent : 0));
	o->n = 0;
	o->headers_used = 0;
}

/* Takes a super-frame apart into the batch, which goes whenever it is full. */
static void segment(struct out *o, unsigned char *super, size_t len)
{
	struct vs_gso gso;
	struct virtio_net_hdr vnet;

	memcpy(&vnet, super, VNET_LEN);
	if (vs_gso_start(&gso, &vnet, super + VNET_LEN, len - VNET_LEN) != VS_GSO_OK) {
		count(&o->iface->stats.out_refused, 1);
		return;
	}
	for (;;) {
		if (o->n == BATCH_OUT || o->headers_used + gso.header_len > sizeof(o->headers))
			flush_out(o);
		struct vs_frame *f = &o->frames[o->n];
		f->n_iov = vs_gso_next(&gso, o->headers + o->headers_used, f->iov);
		if (f->n_iov == 0)
			return;
		o->headers_used += gso.header_len;
		o->n++;
	}
}

/* Reads and sends until the tap has no more. False: the tap or the link is gone. */
static bool pump_out(struct out *o)
{
	size_t used = 0;

	while (!o->dead && !atomic_load_explicit(&o->iface->stopping, memory_order_relaxed)) {
		ssize_t n = read(o->iface->tap, o->arena + used, SUPER_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			bool empty = errno == EAGAIN;
			flush_out(o);
			return empty && !o->dead;
		}
		if ((size_t)n > VNET_LEN)
			segment(o, o->arena + used, (size_t)n);
		used += ((size_t)n + 15) & ~(size_t)15;
		if (used + SUPER_MAX > sizeof(o->arena) || o->n == 0 || o->n >= BATCH_OUT / 2) {
			flush_out(o);
			used = 0;
		}
	}
	return !o->dead;
}

/* ------------------------------------------------------------------ in */

static void write_single(struct in *in, struct iovec frame)
{
	struct virtio_net_hdr none = { 0 };
	struct iovec iov[2] = { { &none, sizeof(none) }, frame };

	if (writev(in->iface->tap, iov, 2) < 0)
		count(&in->iface->stats.in_dropped, 1);
}

static void write_out(struct in *in, struct vs_gro_write *w)
{
	if (writev(in->iface->tap, w->iov, w->n_iov) >= 0)
		return;
	if (w->n_frames == 1 || errno != EINVAL) {
		count(&in->iface->stats.in_dropped, w->n_frames);
		return;
	}
	/* A kernel that does not take what it should: never again, after a few times. */
	if (++in->refusals >= REFUSALS_MAX)
		in->may = 0;
	vs_gro_undo(w);
	for (size_t i = 0; i < w->n_frames; i++)
		write_single(in, vs_gro_frame(w, i));
}

/* What is no frame, or was cut to its buffer, goes no further. */
static size_t sift(struct in *in, size_t n)
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

/* Receives and writes until the link has no more. False: it is dead. */
static bool pump_in(struct in *in)
{
	struct vs_iface *iface = in->iface;

	while (!atomic_load_explicit(&iface->stopping, memory_order_relaxed)) {
		for (size_t i = 0; i < BATCH_IN; i++)
			in->frames[i] = (struct iovec){ in->buffers[i], VS_FRAME_MAX + 1 };
		int n = iface->link->ops->recv(iface->link, in->frames, BATCH_IN);
		if (n <= 0)
			return n == 0;
		size_t kept = sift(in, (size_t)n);
		vs_gro_run(&in->gro, in->frames, kept, in->may);
		for (size_t i = 0; i < in->gro.n_writes; i++)
			write_out(in, &in->gro.writes[i]);
		count(&iface->stats.in_frames, kept);
		count(&iface->stats.in_writes, in->gro.n_writes);
	}
	return true;
}

/* ------------------------------------------------------------------ threads */

/* Takes a socket's pending error, so that it wakes nobody again. False: not a socket. */
static bool take_error(int fd)
{
	int err;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0;
}

static void leave_privileges(const struct vs_iface *iface, const char *name)
{
	(void)prctl(PR_SET_NAME, name);
	if (!iface->keeper->in_process)
		(void)vs_isolate_thread(vs_caps_none);
}

/* Large and mostly untouched: from the kernel directly, so that it goes back there. */
static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *out_main(void *arg)
{
	struct out *o = arg;
	struct vs_iface *iface = o->iface;
	struct pollfd p[2] = { { .fd = iface->tap, .events = POLLIN }, { .fd = iface->stop, .events = POLLIN } };
	bool alive = true;

	leave_privileges(iface, "vdestack-out");
	while (alive && !atomic_load(&iface->stopping)) {
		if (poll(p, 2, -1) > 0 && p[0].revents != 0)
			alive = pump_out(o);
	}
	if (!alive)
		link_died(iface);
	(void)munmap(o, sizeof(*o));
	vs_iface_unref(iface);
	return NULL;
}

static void *in_main(void *arg)
{
	struct in *in = arg;
	struct vs_iface *iface = in->iface;
	struct pollfd p[3] = {
		{ .fd = iface->link->data_fd, .events = POLLIN },
		{ .fd = iface->stop, .events = POLLIN },
		{ .fd = iface->link->control_fd, .events = POLLIN | POLLRDHUP },
	};
	bool alive = true;

	leave_privileges(iface, "vdestack-in");
	if (p[2].fd == p[0].fd)
		p[2].fd = -1;
	while (alive && !atomic_load(&iface->stopping)) {
		if (poll(p, 3, -1) <= 0)
			continue;
		if (p[0].revents & POLLIN)
			alive = pump_in(in);
		else if (p[0].revents == POLLERR)
			alive = take_error(p[0].fd); /* UDP: a peer that is not there now */
		else if (p[0].revents != 0)
			alive = false;
		if (p[2].revents != 0) /* the control connection is silent: whatever comes is its end */
			alive = false;
	}
	if (!alive)
		link_died(iface);
	(void)munmap(in, sizeof(*in));
	vs_iface_unref(iface);
	return NULL;
}

static unsigned gro_bits(unsigned offloads)
{
	return (offloads & VS_OFFLOAD_GRO ? VS_GRO_TCP4 | VS_GRO_TCP6 : 0u) | (offloads & VS_OFFLOAD_UGRO ? (unsigned)VS_GRO_UDP : 0u);
}

static int start_thread(struct vs_iface *iface, void *(*fn)(void *), void *state, size_t size)
{
	vs_iface_ref(iface);
	int r = vs_thread_start(fn, state, NULL);
	if (r < 0) {
		(void)munmap(state, size);
		vs_iface_unref(iface);
	}
	return r;
}

int vs_pump_start(struct vs_iface *iface)
{
	struct out *o = map(sizeof(*o));
	struct in *in = map(sizeof(*in));
	int r = o == NULL || in == NULL ? -ENOMEM : 0;

	if (r < 0) {
		(void)munmap(o, o != NULL ? sizeof(*o) : 0);
		(void)munmap(in, in != NULL ? sizeof(*in) : 0);
	} else {
		o->iface = in->iface = iface;
		in->may = gro_bits(iface->offloads);
		r = start_thread(iface, out_main, o, sizeof(*o));
		if (r < 0)
			(void)munmap(in, sizeof(*in));
		else
			r = start_thread(iface, in_main, in, sizeof(*in));
	}
	if (r < 0) {
		vs_iface_stop(iface); /* ends the other one, if it runs */
		return vs_fail(-r, "cannot start the pump of interface %s: %s", iface->name,
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	return 0;
}
