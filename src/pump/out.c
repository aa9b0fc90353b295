/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way out: tap ──super-frames──▶ segment, finish checksums ──complete frames──▶ link.
 *
 * Super-frames are read one behind the other into an arena until there is a batch, or nothing
 * more to read; the frames that come out of them are headers in one place and payload where
 * it was read, so nothing is copied. A batch that the link has no room for stays as it
 * is, within a bound, and nothing more is read meanwhile: the tap's own queue, which the stack's
 * sockets know of, is where frames wait.
 *
 * The MTU that an interface is made with fits its link, but it can be raised at any time, and the
 * kernel makes frames and segments by it. One that the link cannot carry is counted and dropped here,
 * for every kind of link: what comes behind it is not harmed.
 */

#include "out.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "count.h"
#include "gso.h"
#include "keeper/iface.h"
#include "link.h"
#include "lone.h"
#include "pace.h"
#include "tap.h"

#define VNET_LEN sizeof(struct virtio_net_hdr)
#define SUPER_MAX (65536 + 64)      /* what one read from a tap may give, vnet header included */
#define ARENA_BYTES (4 * SUPER_MAX) /* of super-frames in one batch */
#define DOUBT_MS 2000               /* a device goes down first and away later, after a grace period of the kernel's */
#define DOUBT_STEP_MS 20            /* between looks */
#define BATCH 64                    /* frames that are enough to be sent */
#define FRAMES_MAX (4 * BATCH)      /* room for a batch and the last super-frame of it, whatever the usual MTU */

struct vs_out {
	struct vs_iface *iface;
	size_t n, done;      /* frames of the batch; those the link has taken */
	size_t headers_used;
	int64_t deadline_ms; /* of what is pending; 0: nothing is */
	bool dead;
	bool tap_gone;
	int64_t doubt_until_ms; /* a port's device has gone down: until then it may be on its way to be deleted; 0: no */
	struct vs_lone lone;
	struct vs_pace pace; /* of frames that are not TCP's, on a link with a switch behind it */
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

/* How many frames, from the first that waits, the pace lets through now. */
static size_t paced(struct vs_out *o, int64_t now)
{
	struct vs_link *link = o->iface->link;
	size_t n = 0;

	if (o->pace.draining)
		vs_pace_look(&o->pace, link->ops->unread(link), now);
	unsigned left = vs_pace_allows(&o->pace, now);
	while (o->done + n < o->n && (left > 0 || (!o->frames[o->done + n].paced && !vs_pace_rests(&o->pace, now)))) {
		left -= o->frames[o->done + n].paced;
		n++;
	}
	return n;
}

static void note_pace(struct vs_out *o, size_t taken, int64_t now)
{
	unsigned n = 0;

	for (size_t i = 0; i < taken; i++)
		n += o->frames[o->done + i].paced;
	if (n > 0)
		vs_pace_sent(&o->pace, n, now);
}

/* Gives the batch to the link, as far as it takes it. */
static void flush(struct vs_out *o)
{
	struct vs_link *link = o->iface->link;
	bool has_pace = link->ops->unread != NULL;
	int64_t now = has_pace ? vs_now_ns() : 0;
	size_t n = has_pace ? paced(o, now) : o->n - o->done;
	size_t lost = 0;

	int taken = n > 0 ? link->ops->send(link, o->frames + o->done, n, &lost) : 0;
	if (taken < 0) {
		o->dead = true;
		drop_rest(o);
		return;
	}
	count(&o->iface->stats.out_frames, (size_t)taken - lost);
	count(&o->iface->stats.out_dropped, lost);
	if (has_pace)
		note_pace(o, (size_t)taken, now);
	o->done += (size_t)taken;
	if (o->done == o->n)
		forget_batch(o);
	else if (o->deadline_ms == 0 || taken > 0)
		o->deadline_ms = vs_now_ms() + VS_SEND_BOUND_MS;
}

bool vs_out_tap_gone(const struct vs_out *o)
{
	return o->tap_gone;
}

int vs_out_doubt_ms(const struct vs_out *o)
{
	return o->doubt_until_ms == 0 ? -1 : DOUBT_STEP_MS;
}

bool vs_out_look_again(struct vs_out *o)
{
	if (o->doubt_until_ms == 0)
		return true;
	o->tap_gone = vs_packet_gone(o->iface->tap);
	if (vs_left_ms(o->doubt_until_ms) == 0)
		o->doubt_until_ms = 0;
	return !o->tap_gone;
}

bool vs_out_was_single(const struct vs_out *o)
{
	return o->lone.single;
}

bool vs_out_pending(const struct vs_out *o)
{
	return o->n > 0;
}

bool vs_out_rests(const struct vs_out *o)
{
	return vs_pace_rests(&o->pace, vs_now_ns());
}

int64_t vs_out_patience_ns(const struct vs_out *o)
{
	int64_t now = vs_now_ns();

	return vs_pace_rests(&o->pace, now) ? vs_pace_rest_ns(&o->pace, now) : (int64_t)vs_left_ms(o->deadline_ms) * 1000000;
}

bool vs_out_resume(struct vs_out *o)
{
	flush(o);
	if (o->n > 0 && vs_left_ms(o->deadline_ms) == 0)
		drop_rest(o);
	return !o->dead;
}

/* For a super-frame of more segments than there is room for: waits, within the bound. */
static void make_room(struct vs_out *o)
{
	flush(o);
	while (o->n > 0 && !o->dead) {
		struct pollfd room = { .fd = vs_out_rests(o) ? -1 : o->iface->link->data_fd, .events = POLLOUT };
		int64_t patience = vs_out_patience_ns(o);
		struct timespec limit = { .tv_sec = patience / 1000000000, .tv_nsec = patience % 1000000000 };
		(void)ppoll(&room, 1, &limit, NULL);
		(void)vs_out_resume(o);
	}
}

/* ------------------------------------------------------------------ reading */

/* TCP in a plain packet; whatever is not seen to be is treated like datagrams. */
static bool is_tcp(const unsigned char *frame, size_t len)
{
	if (len < 54)
		return false;
	if (frame[12] == 0x08 && frame[13] == 0x00)
		return frame[23] == IPPROTO_TCP;
	return frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == IPPROTO_TCP;
}

/* Takes a super-frame apart into the batch. */
static void segment(struct vs_out *o, const struct virtio_net_hdr *vnet, unsigned char *super, size_t len)
{
	struct vs_gso gso;
	bool paced = !is_tcp(super, len);

	if (vs_gso_start(&gso, vnet, super, len) != VS_GSO_OK) {
		count(&o->iface->stats.out_refused, 1);
		return;
	}
	vs_gso_widen(&gso, o->iface->link->tcp_frame_max);
	for (;;) {
		if (o->n == FRAMES_MAX || o->headers_used + gso.header_len > sizeof(o->headers))
			make_room(o);
		struct vs_frame *f = &o->frames[o->n];
		f->n_iov = vs_gso_next(&gso, o->headers + o->headers_used, f->iov);
		if (f->n_iov == 0)
			return;
		if (vs_frame_len(f) > o->iface->link->frame_max) {
			count(&o->iface->stats.out_refused, 1);
			continue;
		}
		f->paced = paced;
		o->headers_used += gso.header_len;
		o->n++;
	}
}

/*
 * One super-frame, with VNET_LEN + VS_TAG_LEN of the arena's room before it. Gives what of it was
 * used; 0: nothing there.
 */
static ssize_t take_super(struct vs_out *o, unsigned char *at)
{
	struct virtio_net_hdr vnet;
	unsigned char *super = at + VNET_LEN;
	ssize_t n;

	if (atomic_load_explicit(&o->iface->by_packet, memory_order_relaxed)) {
		n = vs_packet_read(o->iface->tap, &vnet, super + VS_TAG_LEN, SUPER_MAX - VNET_LEN - VS_TAG_LEN, &super);
		if (n > 0)
			segment(o, &vnet, super, (size_t)n);
		if (n == -EBADMSG)
			count(&o->iface->stats.out_refused, 1);
		if (n == -ENETDOWN)
			o->doubt_until_ms = vs_now_ms() + DOUBT_MS;
		return n > 0 ? n + (ssize_t)VNET_LEN + VS_TAG_LEN : n == -EBADMSG || n == -ENETDOWN ? 0 : n;
	}
	do {
		n = read(o->iface->tap, at, SUPER_MAX);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n > (ssize_t)VNET_LEN) {
		memcpy(&vnet, at, VNET_LEN);
		segment(o, &vnet, super, (size_t)n - VNET_LEN);
	}
	return n;
}

bool vs_out_burst(struct vs_out *o)
{
	size_t used = 0;
	bool more = true, alone = vs_lone_expected(&o->lone);

	while (more && o->n < BATCH && used + SUPER_MAX <= sizeof(o->arena)) {
		if (alone && o->n == 1)
			break; /* if there is more after all, poll tells */
		ssize_t n = take_super(o, o->arena + used);
		if (n < 0) {
			o->tap_gone = true;
			return false;
		}
		more = n > 0;
		used += ((size_t)n + 15) & ~(size_t)15;
	}
	vs_lone_note(&o->lone, o->n);
	flush(o);
	return !o->dead;
}
