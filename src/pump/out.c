/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way out: tap ──super-frames──▶ segment, finish checksums ──complete frames──▶ link.
 *
 * Super-frames are read one behind the other into an arena until there is a batch, or nothing
 * more to read; the frames that come out of them are headers in one place and payload where
 * it was read, so nothing is copied. A batch that the link has no room for stays as it
 * is, within a bound, and nothing more is read meanwhile: the tap's own queue, which the stack's
 * sockets know of, is where frames wait.
 */

#include "out.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "count.h"
#include "gso.h"
#include "keeper/iface.h"
#include "link.h"

#define VNET_LEN sizeof(struct virtio_net_hdr)
#define SUPER_MAX (65536 + 64)      /* what one read from a tap may give, vnet header included */
#define ARENA_BYTES (4 * SUPER_MAX) /* of super-frames in one batch */
#define BATCH 64                    /* frames that are enough to be sent */
#define FRAMES_MAX (4 * BATCH)      /* room for a batch and the last super-frame of it, whatever the usual MTU */
#define APART_NS 15000              /* frames further apart are not in quick succession */

struct vs_out {
	struct vs_iface *iface;
	size_t n, done;      /* frames of the batch; those the link has taken */
	size_t headers_used;
	int64_t deadline_ms; /* of what is pending; 0: nothing is */
	bool dead;
	bool single;         /* the last batch was of one frame */
	int64_t last_ns;     /* when it was */
	struct vs_frame frames[FRAMES_MAX];
	unsigned char headers[FRAMES_MAX * 128 + VS_GSO_HEADER_MAX];
	_Alignas(16) unsigned char arena[ARENA_BYTES];
};

struct vs_out *vs_out_new(struct vs_iface *iface)
{
	/* Large and mostly untouched: from the kernel directly, so that it goes back there. */
	struct vs_out *o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (o == MAP_FAILED)
		return NULL;
	o->iface = iface;
	return o;
}

void vs_out_free(struct vs_out *o)
{
	if (o != NULL)
		(void)munmap(o, sizeof(*o));
}

/* ------------------------------------------------------------------ sending */

static void forget_batch(struct vs_out *o)
{
	o->n = o->done = o->headers_used = 0;
	o->deadline_ms = 0;
}

static void drop_rest(struct vs_out *o)
{
	count(&o->iface->stats.out_dropped, o->n - o->done);
	forget_batch(o);
}

/* Gives the batch to the link, as far as it takes it. */
static void flush(struct vs_out *o)
{
	struct vs_link *link = o->iface->link;
	size_t lost = 0;

	if (o->n == o->done)
		return;
	int taken = link->ops->send(link, o->frames + o->done, o->n - o->done, &lost);
	if (taken < 0) {
		o->dead = true;
		drop_rest(o);
		return;
	}
	count(&o->iface->stats.out_frames, (size_t)taken - lost);
	count(&o->iface->stats.out_dropped, lost);
	o->done += (size_t)taken;
	if (o->done == o->n)
		forget_batch(o);
	else if (o->deadline_ms == 0 || taken > 0)
		o->deadline_ms = vs_now_ms() + VS_SEND_BOUND_MS;
}

/* For a super-frame of more segments than there is room for: waits, within the bound. */
static void make_room(struct vs_out *o)
{
	flush(o);
	while (o->n > 0 && !o->dead) {
		struct pollfd room = { .fd = o->iface->link->data_fd, .events = POLLOUT };
		if (poll(&room, 1, vs_out_patience_ms(o)) == 0)
			drop_rest(o);
		else
			flush(o);
	}
}

bool vs_out_pending(const struct vs_out *o)
{
	return o->n > 0;
}

int vs_out_patience_ms(const struct vs_out *o)
{
	return vs_left_ms(o->deadline_ms);
}

bool vs_out_resume(struct vs_out *o)
{
	flush(o);
	if (o->n > 0 && vs_out_patience_ms(o) == 0)
		drop_rest(o);
	return !o->dead;
}

/* ------------------------------------------------------------------ reading */

/* Takes a super-frame apart into the batch. */
static void segment(struct vs_out *o, unsigned char *super, size_t len)
{
	struct vs_gso gso;
	struct virtio_net_hdr vnet;

	memcpy(&vnet, super, VNET_LEN);
	if (vs_gso_start(&gso, &vnet, super + VNET_LEN, len - VNET_LEN) != VS_GSO_OK) {
		count(&o->iface->stats.out_refused, 1);
		return;
	}
	for (;;) {
		if (o->n == FRAMES_MAX || o->headers_used + gso.header_len > sizeof(o->headers))
			make_room(o);
		struct vs_frame *f = &o->frames[o->n];
		f->n_iov = vs_gso_next(&gso, o->headers + o->headers_used, f->iov);
		if (f->n_iov == 0)
			return;
		o->headers_used += gso.header_len;
		o->n++;
	}
}

/*
 * A frame that comes by itself, like the one before, is half of a round trip somebody waits for:
 * not worth a look for more. Frames in quick succession are.
 */
static bool seems_alone(struct vs_out *o)
{
	struct timespec ts;
	int64_t before = o->last_ns;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	o->last_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	return o->single && o->last_ns - before > APART_NS;
}

bool vs_out_burst(struct vs_out *o)
{
	size_t used = 0;
	bool more = true, alone = seems_alone(o);

	while (more && o->n < BATCH && used + SUPER_MAX <= sizeof(o->arena)) {
		if (alone && o->n == 1)
			break; /* if there is more after all, poll tells */
		ssize_t n = read(o->iface->tap, o->arena + used, SUPER_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		more = n > 0;
		if (n > (ssize_t)VNET_LEN)
			segment(o, o->arena + used, (size_t)n);
		used += ((size_t)(n > 0 ? n : 0) + 15) & ~(size_t)15;
	}
	o->single = o->n == 1;
	flush(o);
	return !o->dead;
}
