/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A capture: the frames of one interface in files.
 *
 *     pump thread ──▶ watch ── copies ──▶ ring ──▶ thread of the capture ──▶ files
 *     segment's namespace ── packet socket with a ring ─▲   ▲
 *                                   events, as comments ────┘
 *
 * Each capture has a thread of its own, so a file that blocks (a network file system) delays no other one,
 * and never a pump. What the file does not take in time stays in the ring; what the ring has no room for is
 * dropped and counted. The count is in the file, at the next frame and at the end.
 *
 * States, of the thread:
 *
 *     WAITING ── VS_CAPTURE_START ──▶ RUNNING ── stop, hang-up, end of the ────▶ ENDING ──▶ thread ends
 *        └───────── hang-up ───────────────────── interface, error, enough frames ─▲
 *
 * In ENDING the rest is written, for END_MS at most. A regular file gets everything; a pipe whose reader has
 * stopped does not hold up the keeper.
 *
 * Who owns what: everything belongs to the thread, except what the watch's callbacks touch. These run on the
 * pump's threads, one at a time, by the lock of the watchers: they put into the ring and write `seen` and
 * `dropped`, which the thread reads. After vs_watcher_leave() no callback runs.
 *
 * Sleeping: a pump wakes the thread by the eventfd only if `sleeps` is set or the ring is half full. After it
 * has found frames the thread naps before it looks again, so frames in quick succession cause few wake-ups.
 * If frames come faster than it writes, it looks at its control socket between turns of a bounded length.
 * An interface on which nothing happens causes none.
 */

#include "capture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "call.h"
#include "capture_comments.h"
#include "capture_file.h"
#include "capture_segment.h"
#include "iface.h"
#include "net.h"
#include "pump/count.h"
#include "pump/ring.h"
#include "pump/watch.h"
#include "variant.h"
#include "wire/fdmsg.h"

#define NAP_MS 10
#define TURN_FRAMES 4096 /* then questions get their turn */
#define TURN_BLOCKS 8    /* the same, of the ring of a segment */
#define RETIRE_MS 4 /* until the kernel passes on frames of a segment that come alone */
#define END_MS 300
#define PATIENCE_MS 10000 /* for the program to start it */

enum state { WAITING, RUNNING, ENDING };

struct record {
	int64_t time_ns;
	uint64_t dropped; /* since the record before */
	uint32_t len;     /* on the network */
	uint32_t rx;
	unsigned char bytes[];
};

struct capture {
	struct vs_watcher watch; /* first */
	struct vs_keeper *keeper;
	struct vs_wire_capture want;
	enum state state;
	int why;               /* a positive errno, once it is ending */
	int control, wake;
	char ifname[IF_NAMESIZE];
	char description[VS_STACK_NAME_BYTES + 300];
	struct vs_capture_file file;
	struct vs_capture_notes notes;
	struct vs_capture_segment segment;
	uint64_t written;
	uint64_t added[2];     /* to the totals of the interface: written, missed */
	bool running;          /* the totals count it as one that runs */
	bool more;             /* the last turn has left frames in the queue */

	/* The callbacks of the watch write these, except where it says otherwise: */
	struct vs_ring ring;
	atomic_ullong seen, dropped;
	uint64_t counted_dropped; /* of `dropped`, what is in records; theirs alone */
	atomic_bool gone;      /* the interface has ended */
	atomic_bool sleeps;    /* set by the thread, cleared by who wakes it */
	atomic_bool hurry;     /* the ring is half full; cleared by the thread */
};

static struct capture *of(struct vs_watcher *watch)
{
	return (struct capture *)watch;
}

/* ------------------------------------------------------------------ on the pump's threads */

static void wake(struct capture *c)
{
	(void)eventfd_write(c->wake, 1);
}

static void copy(unsigned char *to, const struct iovec *iov, int n, size_t len)
{
	for (int i = 0; i < n && len > 0; i++) {
		size_t part = iov[i].iov_len < len ? iov[i].iov_len : len;
		memcpy(to, iov[i].iov_base, part);
		to += part;
		len -= part;
	}
}

static void frame_passes(struct vs_watcher *watch, bool rx, const struct iovec *iov, int n, size_t len,
			 int64_t time_ns)
{
	struct capture *c = of(watch);
	size_t held = len < c->want.snaplen ? len : c->want.snaplen;
	struct record *r = vs_ring_reserve(&c->ring, sizeof(*r) + held);

	count(&c->seen, 1);
	if (r == NULL) {
		count(&c->dropped, 1);
		return;
	}
	uint64_t dropped = atomic_load_explicit(&c->dropped, memory_order_relaxed);
	*r = (struct record){
		.time_ns = time_ns, .dropped = dropped - c->counted_dropped, .len = (uint32_t)len, .rx = rx
	};
	c->counted_dropped = dropped;
	copy(r->bytes, iov, n, held);
	vs_ring_commit(&c->ring);
	/* The order of the commit and this load matters: the thread stores and then looks at the ring. */
	atomic_thread_fence(memory_order_seq_cst);
	bool needed = atomic_load_explicit(&c->sleeps, memory_order_relaxed) &&
		      atomic_exchange(&c->sleeps, false);
	if (!needed && vs_ring_used(&c->ring) > c->ring.size / 2)
		needed = !atomic_exchange(&c->hurry, true);
	if (needed)
		wake(c);
}

static void interface_ended(struct vs_watcher *watch)
{
	atomic_store(&of(watch)->gone, true);
	wake(of(watch));
}

/* ------------------------------------------------------------------ frames to the file */

static void end_with(struct capture *c, int err)
{
	if (c->state == ENDING)
		return;
	c->state = ENDING;
	c->why = err;
}

static void refresh_counts(struct capture *c)
{
	struct vs_pcapng_counts *n = &c->file.counts;

	n->os_dropped = c->segment.os_dropped;
	n->received = atomic_load_explicit(&c->seen, memory_order_relaxed);
	n->dropped = atomic_load_explicit(&c->dropped, memory_order_relaxed);
}

/* Adds what is new to the totals of the interface, which stay when the capture has ended. */
static void add_totals(struct capture *c)
{
	struct vs_watch_totals *totals = vs_watcher_totals(&c->watch);

	refresh_counts(c);
	uint64_t missed = c->file.counts.dropped + c->file.counts.os_dropped;
	atomic_fetch_add(&totals->captured, c->written - c->added[0]);
	atomic_fetch_add(&totals->uncaptured, missed - c->added[1]);
	c->added[0] = c->written;
	c->added[1] = missed;
	if (c->running != (c->state == RUNNING)) {
		atomic_fetch_add(&totals->captures, c->running ? -1 : 1);
		c->running = !c->running;
	}
}

/* False: no more frames are wanted. */
static bool put_frame(struct capture *c, struct vs_pcapng_frame *frame)
{
	if (c->want.frames > 0 && c->written >= c->want.frames)
		return false;
	frame->comments = &c->notes.comments;
	refresh_counts(c);
	int r = vs_capture_file_put(&c->file, frame);
	if (r < 0 && r != VS_NOT_YET)
		end_with(c, -r);
	else if (c->file.full)
		end_with(c, 0);
	else
		c->written++;
	vs_capture_notes_clear(&c->notes);
	if (c->want.frames > 0 && c->written >= c->want.frames)
		end_with(c, 0);
	return c->why == 0 && !c->file.full;
}

/* From the ring, as much as the file's buffer has room for. Returns whether there was any. */
static bool take_ring(struct capture *c)
{
	const struct record *r;
	unsigned n = 0;
	size_t len;

	while (n < TURN_FRAMES && vs_capture_file_has_room(&c->file, c->want.snaplen) &&
	       (r = vs_ring_peek(&c->ring, &len)) != NULL) {
		struct iovec iov = { (void *)(uintptr_t)r->bytes, len - sizeof(*r) };
		struct vs_pcapng_frame frame = { .time_ns = r->time_ns, .iov = &iov, .n_iov = 1,
						 .len = r->len, .rx = r->rx != 0,
						 .dropped = r->dropped };
		bool on = put_frame(c, &frame);
		vs_ring_drop(&c->ring);
		n++;
		if (!on)
			break;
	}
	c->more = n == TURN_FRAMES;
	return n > 0;
}

/* Of a segment: straight into the file's buffer, as the kernel's ring is the queue. */
static bool segment_frame(void *arg, bool rx, const struct iovec *iov, int n, size_t len, int64_t time_ns)
{
	struct capture *c = arg;
	struct iovec held[2];
	size_t left = c->want.snaplen;
	struct vs_pcapng_frame frame = { .time_ns = time_ns, .iov = held, .n_iov = n, .len = len, .rx = rx };

	for (int i = 0; i < n; i++) {
		held[i] = (struct iovec){ iov[i].iov_base, iov[i].iov_len < left ? iov[i].iov_len : left };
		left -= held[i].iov_len;
	}
	count(&c->seen, 1);
	if (!vs_capture_file_has_room(&c->file, c->want.snaplen)) {
		int r = vs_capture_file_write(&c->file);
		if (r == VS_NOT_YET && !vs_capture_file_has_room(&c->file, c->want.snaplen)) {
			count(&c->dropped, 1); /* a pipe; the block of the kernel's ring is already begun */
			return true;
		}
		if (r < 0 && r != VS_NOT_YET)
			end_with(c, -r);
	}
	frame.dropped = atomic_load_explicit(&c->dropped, memory_order_relaxed) - c->counted_dropped;
	c->counted_dropped += frame.dropped;
	return c->why == 0 && put_frame(c, &frame);
}

static bool take_segment(struct capture *c)
{
	unsigned n = 0;

	/* While a pipe takes nothing, frames wait in the kernel's ring. */
	while (n < TURN_BLOCKS && c->why == 0 && !c->file.full && c->file.out.len < c->file.out.size / 2 &&
	       vs_capture_segment_read(&c->segment, segment_frame, c)) {
		vs_capture_segment_count(&c->segment);
		n++;
	}
	c->more = n == TURN_BLOCKS;
	return n > 0;
}

static bool take(struct capture *c)
{
	return c->segment.view.fd >= 0 ? take_segment(c) : take_ring(c);
}

/* ------------------------------------------------------------------ conversation */

static void answer(struct capture *c, uint32_t question, int result)
{
	vs_capture_segment_count(&c->segment);
	add_totals(c);
	const struct vs_wire_capture_answer a = {
		.question = question,
		.result = result,
		.seen = c->file.counts.received,
		.written = c->written,
		.dropped = c->file.counts.dropped,
		.os_dropped = c->file.counts.os_dropped,
		.bytes = c->file.in_all,
		.file = c->file.at,
		.files_used = c->file.turns,
	};

	/* Twice: who asked would wait for an answer that was lost. EAGAIN: nobody reads them. */
	for (int i = 0; i < 2; i++)
		if (send(c->control, &a, sizeof(a), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN)
			break;
}

static void start(struct capture *c)
{
	int r = c->state == WAITING ? vs_capture_file_begin(&c->file) : -EALREADY;

	if (r == 0 || r == VS_NOT_YET)
		r = vs_watcher_begin(&c->watch);
	if (r == 0)
		c->state = RUNNING;
	answer(c, VS_CAPTURE_START, r);
	if (r < 0)
		end_with(c, -r);
}

static void add_file(struct capture *c, struct vs_fdmsg *msg)
{
	int fd = msg->n_fds == 1 ? msg->fds[0] : -1;

	if (fd < 0)
		vs_fdmsg_drop(msg);
	msg->n_fds = 0;
	int r = c->state == WAITING ? vs_capture_file_add(&c->file, fd) : -EALREADY;
	if (c->state != WAITING)
		vs_close(fd);
	if (r < 0) {
		answer(c, VS_CAPTURE_START, r);
		end_with(c, -r);
	}
}

/* False: nothing more to read. */
static bool serve(struct capture *c)
{
	uint32_t question = 0;
	struct vs_fdmsg msg = { .iov = { { &question, sizeof(question) } }, .n_iov = 1 };
	ssize_t n = vs_fdmsg_recv(c->control, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n == -EAGAIN || n == -EBADMSG)
		return n == -EBADMSG;
	if (n <= 0) { /* all copies of the other end are closed */
		if (c->state == WAITING || !(c->want.flags & VS_CAPTURE_KEPT))
			end_with(c, 0);
		vs_close(vs_steal_fd(&c->control));
		return false;
	}
	if (n == (ssize_t)sizeof(question) && question == VS_CAPTURE_FILE)
		add_file(c, &msg);
	else if (n == (ssize_t)sizeof(question) && question == VS_CAPTURE_START)
		start(c);
	else if (n == (ssize_t)sizeof(question) && question == VS_CAPTURE_COUNT)
		answer(c, VS_CAPTURE_COUNT, 0);
	else
		end_with(c, n == (ssize_t)sizeof(question) && question == VS_CAPTURE_STOP ? 0 : EPROTO);
	vs_fdmsg_drop(&msg);
	return c->state != ENDING;
}

/* ------------------------------------------------------------------ the thread */

/* nap: frames were found, and more may follow soon. blocked: the file takes nothing at the moment. */
static void sleep_until_needed(struct capture *c, bool nap, bool blocked)
{
	struct pollfd p[] = {
		{ .fd = c->control, .events = POLLIN },
		{ .fd = c->wake, .events = POLLIN },
		{ .fd = c->notes.fd, .events = POLLIN },
		{ .fd = blocked || nap || c->state == WAITING ? -1 : c->segment.view.fd, .events = POLLIN },
		{ .fd = blocked ? vs_capture_file_fd(&c->file) : -1, .events = POLLOUT },
	};
	eventfd_t ignored;

	if (!nap && !blocked && c->state == RUNNING) {
		atomic_store(&c->sleeps, true);
		atomic_thread_fence(memory_order_seq_cst); /* the other one is in frame_passes() */
		if (vs_ring_used(&c->ring) > 0) /* put before `sleeps` was set */
			atomic_store(&c->sleeps, false), nap = true;
	}
	int limit = nap ? (c->more ? 0 : NAP_MS) : c->state == WAITING ? PATIENCE_MS : -1;
	int n = poll(p, VS_COUNT(p), limit);
	atomic_store(&c->sleeps, false);
	if (p[1].revents != 0) {
		(void)eventfd_read(c->wake, &ignored);
		atomic_store(&c->hurry, false);
	}
	if (p[2].revents != 0 && !vs_capture_notes_read(&c->notes))
		vs_close(vs_steal_fd(&c->notes.fd));
	if ((p[3].revents & ~POLLIN) != 0)
		vs_capture_segment_calm(&c->segment);
	if (c->state == WAITING && n == 0)
		end_with(c, ETIMEDOUT);
	for (int i = 0; c->control >= 0 && p[0].revents != 0 && i < 2 * VS_CAPTURE_FILES_MAX && serve(c); i++)
		;
}

static void run(struct capture *c)
{
	while (c->state != ENDING) {
		bool any = c->state == RUNNING && take(c);
		int r = c->state == RUNNING ? vs_capture_file_write(&c->file) : 0;
		if (r < 0 && r != VS_NOT_YET)
			end_with(c, -r);
		if (atomic_load(&c->gone))
			end_with(c, 0);
		add_totals(c);
		if (c->state != ENDING)
			sleep_until_needed(c, any, r == VS_NOT_YET);
	}
}

/* Writes what is there, while the file takes it. False: it did not take all. */
static bool write_rest(struct capture *c, int64_t deadline)
{
	int r;

	while ((r = vs_capture_file_write(&c->file)) == VS_NOT_YET && vs_left_ms(deadline) > 0) {
		struct pollfd room = { .fd = vs_capture_file_fd(&c->file), .events = POLLOUT };
		(void)poll(&room, 1, vs_left_ms(deadline));
	}
	if (r < 0 && r != VS_NOT_YET && c->why == 0)
		c->why = -r;
	return r == 0;
}

static void finish(struct capture *c)
{
	int64_t deadline = vs_deadline_ms(END_MS);
	bool began = c->file.n > 0 && c->file.in_file > 0;

	vs_watcher_stop(&c->watch);
	(void)vs_capture_notes_read(&c->notes);
	if (began && c->why == 0) {
		do {
			while (write_rest(c, deadline) && c->why == 0 && !c->file.full && take(c))
				if (vs_left_ms(deadline) == 0) /* frames come faster than they are written */
					vs_capture_segment_stop(&c->segment);
		} while (c->why == 0 && !c->file.full && c->segment.view.fd >= 0 &&
			 vs_left_ms(deadline) > 0 && vs_capture_segment_settle(&c->segment));
		vs_capture_segment_count(&c->segment);
		refresh_counts(c);
		vs_capture_file_finish(&c->file, &c->notes.comments);
		(void)write_rest(c, deadline);
	}
	add_totals(c);
	if (c->control >= 0)
		answer(c, VS_CAPTURE_STOP, c->why);
}

static void capture_free(struct capture *c)
{
	if (c == NULL)
		return;
	vs_watcher_leave(&c->watch);
	vs_capture_file_end(&c->file);
	vs_capture_segment_close(&c->segment);
	vs_ring_free(&c->ring);
	vs_close(c->notes.fd);
	vs_close(c->control);
	vs_close(c->wake);
	free(c);
}

static void *capture_main(void *arg)
{
	struct capture *c = arg;
	struct vs_keeper *k = c->keeper;

	(void)prctl(PR_SET_NAME, "vdestack-cap");
	if (!k->variant->same_credentials)
		(void)vs_caps_only(VS_CAPS_NONE);
	run(c);
	finish(c);
	capture_free(c);
	vs_keeper_count(k, 0, -1); /* the keeper waits for it as for an interface */
	return NULL;
}

/* ------------------------------------------------------------------ the request */

int vs_capture_allowed(struct vs_net *n, const struct vs_iface *iface)
{
	struct vs_call *call = n->call;

	if (n->via != VS_DOOR_ATTACHED && call->refusal != NULL) {
		vs_call_reply(n->keeper, call, -EPERM, call->refusal, NULL, 0);
		return -EPERM;
	}
	if (iface == NULL) {
		vs_call_reply(n->keeper, call, -ENODEV,
			      "this library has made no interface of that name in the stack", NULL, 0);
		return -ENODEV;
	}
	return 0;
}

static int read_wish(const struct vs_call *call, struct vs_wire_capture *want)
{
	if (call->text_len != sizeof(*want))
		return -EINVAL;
	memcpy(want, call->text, sizeof(*want));
	if (want->snaplen == 0 || want->snaplen > VS_CAPTURE_SNAP_MAX ||
	    (want->flags & ~VS_CAPTURE_KEPT) != 0 ||
	    want->buffer_bytes < VS_CAPTURE_BUFFER_LEAST || want->buffer_bytes > VS_CAPTURE_BUFFER_MOST ||
	    memchr(want->comment, '\0', sizeof(want->comment)) == NULL)
		return -EINVAL;
	return 0;
}

static void describe(struct capture *c, struct vs_net *n, const struct vs_iface *iface)
{
	memcpy(c->ifname, iface->name, sizeof(c->ifname));
	pthread_mutex_lock(&n->keeper->lock);
	(void)snprintf(c->description, sizeof(c->description), "stack %s, %.250s",
		       n->name[0] != '\0' ? n->name : "without a name", iface->locator);
	pthread_mutex_unlock(&n->keeper->lock);
	c->notes.ifname = c->file.name = c->ifname;
	c->file.description = c->description;
	c->file.comment = c->want.comment;
	c->file.snaplen = c->want.snaplen;
	c->file.file_bytes = c->want.file_bytes;
}

static int prepare(struct capture *c, struct vs_net *n, struct vs_iface *iface)
{
	describe(c, n, iface);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r = c->wake < 0 ? -errno : vs_capture_file_prepare(&c->file);
	if (r == 0)
		r = vs_watcher_join(&iface->pump, &c->watch);
	if (r == 0 && iface->kind->device == NULL)
		r = vs_capture_segment_open(&c->segment, iface, c->want.buffer_bytes, RETIRE_MS);
	else if (r == 0)
		r = vs_ring_init(&c->ring, c->want.buffer_bytes);
	if (r == 0)
		c->notes.fd = vs_capture_notes_subscribe(n->events);
	return r;
}

/* On success *control is the program's end. */
static int begin(struct vs_net *n, struct vs_iface *iface, const struct vs_wire_capture *want, int *control)
{
	struct capture *c = aligned_alloc(_Alignof(struct capture), sizeof(*c));
	int pair[2];

	if (c == NULL)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	c->watch = (struct vs_watcher){ .frame = frame_passes, .ended = interface_ended };
	c->keeper = n->keeper;
	c->want = *want;
	c->control = c->wake = c->notes.fd = c->segment.view.fd = c->segment.packet = -1;
	int r = vs_socketpair(pair);
	if (r == 0) {
		c->control = pair[0];
		r = prepare(c, n, iface);
		vs_keeper_count(n->keeper, 0, 1);
		if (r == 0)
			r = vs_thread_start(capture_main, c, NULL);
		if (r == 0) {
			*control = pair[1];
			return 0;
		}
		vs_keeper_count(n->keeper, 0, -1);
		vs_close(pair[1]);
	}
	capture_free(c);
	return r;
}

void vs_capture_request(struct vs_net *n, struct vs_iface *iface)
{
	struct vs_wire_capture want;
	VS_AUTO_CLOSE fd = -1;

	if (vs_capture_allowed(n, iface) < 0)
		return;
	int r = read_wish(n->call, &want);
	if (r == 0)
		r = begin(n, iface, &want, &fd);
	vs_call_reply(n->keeper, n->call, r, r < 0 ? strerror(-r) : NULL, &fd, r < 0 ? 0 : 1);
}
