/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Transmission: device ──super-frames──▶ segment, finish checksums ──complete frames──▶ link.
 *
 * Super-frames are read into an arena, one behind the other, until there is a batch or nothing more to
 * read. A frame made from one is a header in `headers` and a payload in the arena: payload is not
 * copied. What the link has no room for stays in the batch for a bounded time. The device is
 * not read meanwhile: frames wait in its own queue, which the stack's sockets know of.
 *
 * A super-frame may have more segments than the batch has room for. The rest of it stays in the arena, and
 * is cut when the batch has been sent. If the link never waits, its thread does not wait for that either: it
 * may serve other pumps, and comes back when there is room or a pause is over.
 *
 * An interface is made with an MTU that fits its link. It can be raised later, and the kernel then makes
 * longer frames. A frame that the link cannot carry is counted and dropped here, for every kind of
 * link; the next one is not affected.
 *
 * To stations that know containers (container.h), several frames travel in one frame of the network. Not
 * while there is a watch or an impairment: these are about the frames themselves.
 *
 * With an impairment (impaired.h), the frames of a batch are copied into it. Those that are due are the next
 * batch for the link. The device is read although frames wait there: it is the impairment that drops them.
 */

#include "tx.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/poison.h"
#include "count.h"
#include "gso.h"
#include "impair.h"
#include "impaired.h"
#include "link.h"
#include "lone.h"
#include "pace.h"
#include "pack.h"
#include "pump.h"

/*
 * With the address sanitizer, memory of the arena that no super-frame uses is marked, and so is a gap before
 * it. So a write beyond the headers is noticed, and a read beyond a super-frame.
 */
#define ARENA_BYTES (4 * VS_SUPER_MAX) /* of super-frames in one batch */
/* A device goes down first; it is deleted after a grace period of the kernel's. */
#define CHECK_FOR_MS 2000
#define CHECK_EVERY_MS 20
#define BATCH 64                  /* frames that are enough to be sent */
#define FRAMES_MAX (4 * BATCH)    /* a batch and the rest of its last super-frame, whatever the usual MTU */
/* A batch, with what records are longer than frames, and a probe. */
#define BUNDLE_BYTES (ARENA_BYTES + FRAMES_MAX * (128 + 64) + VS_FRAME_MAX)

/* A super-frame that is cut into frames. */
struct cut {
	bool active;
	bool paced;
	unsigned group; /* segments in each container; 0: frames */
	unsigned char *super;
	struct vs_gso gso;
};

struct vs_tx {
	struct vs_pump *pump;
	size_t n, done;         /* frames of the batch; those the link has taken */
	size_t headers_used;
	int64_t deadline_ms;    /* of what is pending; 0: nothing is */
	struct cut cut;         /* active between turns: its rest waits for the batch to be sent */
	bool dead;              /* the link */
	bool device_gone;
	struct vs_impaired *taken; /* the batch is of frames that were impaired, and is to be given back */
	int64_t due_ns;         /* of the next frame that is impaired; INT64_MAX: none */
	int64_t check_until_ms; /* the device went down, and may be deleted until then; 0: nothing to check */
	struct vs_lone lone;
	struct vs_pace pace;    /* of frames that are not TCP's, on a link with a switch behind it */
	struct vs_pack pack;
	struct vs_frame frames[FRAMES_MAX + 1]; /* and a probe */
	unsigned char headers[FRAMES_MAX * 128 + VS_GSO_HEADER_MAX];
	unsigned char gap[16];
	_Alignas(16) unsigned char arena[ARENA_BYTES];
	unsigned char bundles[BUNDLE_BYTES]; /* containers of frames that were copied */
};

struct vs_tx *vs_tx_new(struct vs_pump *pump)
{
	/* Large and mostly untouched: mapped, so that unmapping returns it to the kernel. */
	struct vs_tx *tx = mmap(NULL, sizeof(*tx), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (tx == MAP_FAILED)
		return NULL;
	tx->pump = pump;
	tx->due_ns = INT64_MAX;
	ASAN_POISON_MEMORY_REGION(tx->gap, sizeof(tx->gap));
	ASAN_POISON_MEMORY_REGION(tx->arena, sizeof(tx->arena));
	return tx;
}

void vs_tx_free(struct vs_tx *tx)
{
	if (tx == NULL)
		return;
	vs_impaired_drop(tx->pump, VS_TX);
	ASAN_UNPOISON_MEMORY_REGION(tx, sizeof(*tx)); /* another mapping may get the addresses */
	(void)munmap(tx, sizeof(*tx));
}

/* ------------------------------------------------------------------ sending */

static void forget_batch(struct vs_tx *tx)
{
	tx->n = tx->done = tx->headers_used = 0;
	tx->pack.used = false;
	tx->deadline_ms = 0;
	if (tx->taken != NULL)
		vs_impaired_done(tx->taken);
	tx->taken = NULL;
}

/* The frames that n frames of the batch stand for, from the first that the link has not taken. */
static size_t count_of(const struct vs_tx *tx, size_t n)
{
	size_t sum = 0;

	if (!tx->pack.used)
		return n;
	for (size_t i = 0; i < n; i++)
		sum += vs_frame_count(&tx->frames[tx->done + i]);
	return sum;
}

static void drop_rest(struct vs_tx *tx)
{
	count(&tx->pump->stats.tx_dropped, count_of(tx, tx->n - tx->done));
	forget_batch(tx);
}

/* How many of the waiting frames the pace lets through now. */
static size_t paced(struct vs_tx *tx, int64_t now)
{
	struct vs_link *link = tx->pump->link;
	size_t n = 0;

	if (tx->pace.draining)
		vs_pace_check(&tx->pace, link->ops->unread(link), now);
	unsigned left = vs_pace_allows(&tx->pace, now);
	while (tx->done + n < tx->n &&
	       (left > 0 || (tx->frames[tx->done + n].paced == 0 && !vs_pace_pauses(&tx->pace, now)))) {
		unsigned weight = tx->frames[tx->done + n].paced;
		left -= weight < left ? weight : left;
		n++;
	}
	return n;
}

static void note_pace(struct vs_tx *tx, size_t taken, int64_t now)
{
	unsigned n = 0;

	for (size_t i = 0; i < taken; i++)
		n += tx->frames[tx->done + i].paced;
	if (n > 0)
		vs_pace_sent(&tx->pace, n, now);
}

/* Sends as much of the batch as the link takes. */
static void flush(struct vs_tx *tx)
{
	struct vs_link *link = tx->pump->link;
	bool has_pace = link->ops->unread != NULL;
	int64_t now = has_pace ? vs_now_ns() : 0;
	size_t n = has_pace ? paced(tx, now) : tx->n - tx->done;
	size_t lost = 0;

	struct vs_watchers *watchers = vs_watchers_of(&tx->pump->watchers);
	bool isolated = watchers != NULL && vs_watchers_isolated(watchers);
	if (isolated && tx->pack.used) { /* made before: the tap takes frames */
		drop_rest(tx);
		return;
	}
	int taken = isolated ? (int)n : n > 0 ? link->ops->send(link, tx->frames + tx->done, n, &lost) : 0;
	if (taken < 0) {
		tx->dead = true;
		drop_rest(tx);
		return;
	}
	if (watchers != NULL && !tx->pack.used) /* a container was made before the watch began */
		vs_watchers_tx(watchers, tx->frames + tx->done, (size_t)taken);
	count(&tx->pump->stats.tx_frames, count_of(tx, (size_t)taken) - lost);
	count(&tx->pump->stats.tx_dropped, lost);
	if (has_pace)
		note_pace(tx, (size_t)taken, now);
	tx->done += (size_t)taken;
	if (tx->done == tx->n)
		forget_batch(tx);
	else if (tx->deadline_ms == 0 || taken > 0)
		tx->deadline_ms = vs_now_ms() + VS_SEND_BOUND_MS;
}

bool vs_tx_device_gone(const struct vs_tx *tx)
{
	return tx->device_gone;
}

int vs_tx_check_ms(const struct vs_tx *tx)
{
	return tx->check_until_ms == 0 ? -1 : CHECK_EVERY_MS;
}

bool vs_tx_check_device(struct vs_tx *tx)
{
	const struct vs_device *device = &tx->pump->device;

	if (tx->check_until_ms == 0)
		return true;
	tx->device_gone = device->ops->gone(device);
	if (vs_left_ms(tx->check_until_ms) == 0)
		tx->check_until_ms = 0;
	return !tx->device_gone;
}

bool vs_tx_was_single(const struct vs_tx *tx)
{
	return tx->lone.single;
}

bool vs_tx_pending(const struct vs_tx *tx)
{
	return tx->n > 0;
}

bool vs_tx_pauses(const struct vs_tx *tx)
{
	return vs_pace_pauses(&tx->pace, vs_now_ns());
}

int64_t vs_tx_patience_ns(const struct vs_tx *tx)
{
	int64_t now = vs_now_ns();

	return vs_pace_pauses(&tx->pace, now) ? vs_pace_pause_ns(&tx->pace, now)
					      : (int64_t)vs_left_ms(tx->deadline_ms) * 1000000;
}

/* ------------------------------------------------------------------ impairment */

/* TCP in a plain packet. Everything else is paced like datagrams. */
static bool is_tcp(const unsigned char *frame, size_t len)
{
	if (len < 54)
		return false;
	if (frame[12] == 0x08 && frame[13] == 0x00)
		return frame[23] == IPPROTO_TCP;
	return frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == IPPROTO_TCP;
}

/* The rest of a batch from the device goes into the impairment. */
static void absorb(struct vs_tx *tx, struct vs_impaired *impaired)
{
	int64_t now = vs_now_ns();

	struct vs_impair *impair = vs_impaired_lock(impaired);
	for (size_t i = tx->done; i < tx->n; i++)
		vs_impair_put(impair, tx->frames[i].iov, tx->frames[i].n_iov, now);
	tx->due_ns = vs_impair_due_ns(impair);
	vs_impaired_unlock(impaired);
	forget_batch(tx);
}

/* Frames that are due become the batch. */
static void take_due(struct vs_tx *tx, struct vs_impaired *impaired)
{
	const struct vs_impair_frame *f = NULL;
	int64_t now = vs_now_ns();

	struct vs_impair *impair = vs_impaired_lock(impaired);
	while (tx->n < FRAMES_MAX && (f = vs_impair_next(impair, now)) != NULL)
		tx->frames[tx->n++] = (struct vs_frame){ .iov = { f->iov },
							 .n_iov = 1,
							 .paced = !is_tcp(f->iov.iov_base, f->iov.iov_len) };
	tx->due_ns = vs_impair_due_ns(impair);
	vs_impaired_unlock(impaired);
	tx->taken = tx->n > 0 ? impaired : NULL;
}

int64_t vs_tx_due_ns(const struct vs_tx *tx)
{
	return tx->due_ns;
}

bool vs_tx_pass(struct vs_tx *tx)
{
	struct vs_impaired *impaired = vs_impaired(tx->pump, VS_TX);

	if (impaired == NULL || tx->n > 0)
		return true;
	take_due(tx, impaired);
	if (tx->n > 0)
		flush(tx);
	return !tx->dead;
}

/* A batch from the device is complete. */
static void pass_on(struct vs_tx *tx)
{
	struct vs_impaired *impaired = vs_impaired(tx->pump, VS_TX);

	if (tx->n > 1)
		tx->n = vs_pack_bundle(&tx->pack, tx->frames, tx->n, FRAMES_MAX + 1, tx->bundles,
				       sizeof(tx->bundles));
	if (impaired != NULL && !tx->pack.used) /* made before the impairment: it is about later frames */
		absorb(tx, impaired);
	else
		flush(tx);
}

/* Waits until the link has room, or for as long as may be waited. For a link that may wait. */
static void await_room(const struct vs_tx *tx)
{
	struct pollfd room = { .fd = vs_tx_pauses(tx) ? -1 : tx->pump->link->data_fd, .events = POLLOUT };
	int64_t patience = vs_tx_patience_ns(tx);
	struct timespec limit = { .tv_sec = patience / 1000000000, .tv_nsec = patience % 1000000000 };

	(void)ppoll(&room, 1, &limit, NULL);
}

/* Sends what is pending, or drops it when it has waited long enough. False: it was dropped. */
static bool send_pending(struct vs_tx *tx)
{
	flush(tx);
	if (tx->n > 0 && vs_left_ms(tx->deadline_ms) == 0) {
		drop_rest(tx);
		return false;
	}
	return !tx->dead;
}

/* For a super-frame of more segments than the batch has room for: waits, within the bound. */
static void make_room(struct vs_tx *tx)
{
	pass_on(tx);
	while (tx->n > 0 && !tx->dead) {
		await_room(tx);
		(void)send_pending(tx);
	}
}

/* ------------------------------------------------------------------ reading */

static bool is_full(const struct vs_tx *tx, size_t header_len)
{
	return tx->n == FRAMES_MAX || tx->headers_used + header_len > sizeof(tx->headers);
}

/* Cuts frames of the batch from the super-frame. If it is full and the link never waits, a rest is left. */
static void cut(struct vs_tx *tx)
{
	struct cut *c = &tx->cut;
	size_t room = c->group > 0 ? VS_PACK_ROOM : 0, header_len = room + c->gso.header_len;

	for (;;) {
		if (is_full(tx, header_len)) {
			if (tx->pump->link->never_waits)
				return;
			make_room(tx);
		}
		struct vs_frame *f = &tx->frames[tx->n];
		unsigned char *start = tx->headers + tx->headers_used;
		f->container = false;
		f->n_iov = vs_gso_next(&c->gso, start + room, f->iov);
		if (f->n_iov == 0)
			break;
		f->paced = c->paced;
		if (c->group > 0)
			vs_pack_super(&tx->pack, f, start, &c->gso, c->super);
		if (vs_frame_len(f) > tx->pump->link->frame_max) {
			count(&tx->pump->stats.tx_refused, 1);
			continue;
		}
		tx->headers_used += header_len;
		tx->n++;
	}
	c->active = false;
}

static void segment(struct vs_tx *tx, const struct virtio_net_hdr *vnet, unsigned char *super, size_t len)
{
	struct cut *c = &tx->cut;

	c->super = super;
	c->paced = !is_tcp(super, len);
	if (vs_gso_start(&c->gso, vnet, super, len) != VS_GSO_OK) {
		count(&tx->pump->stats.tx_refused, 1);
		return;
	}
	vs_gso_widen(&c->gso, tx->pump->link->tcp_frame_max);
	c->group = vs_pack_group(&tx->pack, &c->gso, super);
	vs_gso_group(&c->gso, c->group);
	c->active = true;
	cut(tx);
}

/* The link has taken nothing for too long, or is dead: the rest of a super-frame is dropped, too. */
static void drop_cut(struct vs_tx *tx)
{
	while (tx->cut.active) {
		cut(tx);
		drop_rest(tx);
	}
}

/* Sends the rest of a super-frame, as far as the link takes it. */
static void go_on(struct vs_tx *tx)
{
	while (tx->cut.active && tx->n == 0 && !tx->dead) {
		cut(tx);
		pass_on(tx);
	}
	if (tx->dead)
		drop_cut(tx);
}

bool vs_tx_resume(struct vs_tx *tx)
{
	if (!send_pending(tx))
		drop_cut(tx);
	go_on(tx);
	return !tx->dead;
}

/*
 * Reads one super-frame into the arena. Returns what of it was used; 0: nothing to read; -errno: the device
 * is gone.
 */
static ssize_t take_super(struct vs_tx *tx, unsigned char *at)
{
	const struct vs_device *device = &tx->pump->device;
	struct vs_super super;

	ASAN_UNPOISON_MEMORY_REGION(at, VS_SUPER_MAX);
	ssize_t n = device->ops->read(device, at, &super);
	size_t used = n > 0 ? (size_t)n : 0;
	ASAN_POISON_MEMORY_REGION(at + used, VS_SUPER_MAX - used);
	if (n > 0 && super.len > 0)
		segment(tx, &super.vnet, super.frame, super.len);
	if (n == -EBADMSG)
		count(&tx->pump->stats.tx_refused, 1);
	if (n == -ENETDOWN)
		tx->check_until_ms = vs_now_ms() + CHECK_FOR_MS;
	return n == -EBADMSG || n == -ENETDOWN ? 0 : n;
}

/* What may be sent in containers now; NULL: nothing. */
static struct vs_containers *containers(const struct vs_tx *tx)
{
	struct vs_pump *pump = tx->pump;

	if (pump->containers == NULL || vs_impaired(pump, VS_TX) != NULL ||
	    vs_watchers_any(vs_watchers_of(&pump->watchers)))
		return NULL;
	return pump->containers;
}

bool vs_tx_burst(struct vs_tx *tx)
{
	size_t used = 0;
	bool more = true, alone = vs_lone_expected(&tx->lone);

	vs_pack_begin(&tx->pack, containers(tx));

	while (more && !tx->cut.active && tx->n < BATCH && used + VS_SUPER_MAX <= sizeof(tx->arena)) {
		if (alone && tx->n == 1)
			break; /* the next wait returns at once if there is more */
		ssize_t n = take_super(tx, tx->arena + used);
		if (n < 0) {
			tx->device_gone = true;
			return false;
		}
		more = n > 0;
		used += ((size_t)n + 15) & ~(size_t)15;
	}
	vs_lone_note(&tx->lone, tx->pack.used ? 2 : tx->n);
	pass_on(tx);
	go_on(tx);
	return !tx->dead;
}
