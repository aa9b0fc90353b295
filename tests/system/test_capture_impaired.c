/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Captures and wire taps of impaired interfaces on segments: the file has what the network sees. What is
 * sent is there as the impairment has left it, what is received as it was before. A program in Python reads
 * the files, independently of the library.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <net/ethernet.h>

#include "capture_files.h"
#include "segment.h"
#include <vdestack/capture.h>

/* Lines of frames in that direction that end with these bytes (two values of 32 bits). */
static int count_frames(const char *text, const char *way, const char *tail)
{
	int n = 0;

	for (const char *at = text; at != NULL; at = strchr(at, '\n') != NULL ? strchr(at, '\n') + 1 : NULL) {
		size_t line = strcspn(at, "\n");
		char copy[1024];
		(void)snprintf(copy, sizeof(copy), "%.*s", (int)line, at);
		n += strncmp(copy, way, strlen(way)) == 0 && strstr(copy, tail) != NULL;
	}
	return n;
}

/* Datagrams with contents of their own, for the search in the file. */
#define MARK "a5a5a5a5a5a5a5a5"
#define FRAME_BYTES 74 /* 14 + 20 + 8 + 32 */

static void send_marked(struct vdestack *from, const char *to, int n)
{
	unsigned char payload[32];
	struct sockaddr_in sa = address(to, 9);
	int s = (int)MUST(vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	memset(payload, 0xa5, sizeof(payload));
	for (int i = 0; i < n; i++) /* ECONNREFUSED: an answer to one before */
		CHECK(sendto(s, payload, sizeof(payload), 0, (struct sockaddr *)&sa, sizeof(sa)) >= 0 ||
		      errno == ECONNREFUSED);
	close(s);
}

static int capture(struct vdestack *stack)
{
	struct vdestack_capture_opts o = { .size = sizeof(o), .path = case_path("file") };
	int fd = vdestack_capture_start(stack, "vde0", &o);

	if (fd < 0)
		FAIL("no capture: %s", vdestack_last_error());
	return fd;
}

static struct vdestack_impair_stats impaired_stats(struct vdestack *s, bool rx)
{
	struct vdestack_impair_stats stats = { .size = sizeof(stats) };

	MUST(vdestack_impair_get(s, "vde0", NULL, NULL, rx ? NULL : &stats, rx ? &stats : NULL));
	return stats;
}

struct expected {
	struct vdestack *stack;
	bool rx;
	uint64_t seen, waiting;
};

static bool has_passed(void *arg)
{
	const struct expected *e = arg;
	struct vdestack_impair_stats s = impaired_stats(e->stack, e->rx);

	return s.seen >= e->seen && s.waiting == e->waiting;
}

static void await_impaired(struct vdestack *stack, bool rx, uint64_t seen, uint64_t waiting)
{
	struct expected e = { stack, rx, seen, waiting };

	if (!wait_until(has_passed, &e, SOON_MS)) {
		struct vdestack_impair_stats s = impaired_stats(stack, rx);
		FAIL("%llu frames came, and %llu wait", (unsigned long long)s.seen,
		     (unsigned long long)s.waiting);
	}
}

/* Its neighbour never has to be asked for, and a datagram for port 9 is not answered. */
static void know(struct vdestack *s, const char *own, const char *other, const char *mac)
{
	struct sockaddr_in sa = address(own, 9);

	MUST(bind((int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
		  (struct sockaddr *)&sa, sizeof(sa)));
	CHECK_EQ(vdestack_run(s,
			      (char *[]){ (char *)"ip", (char *)"neigh", (char *)"replace", (char *)other,
					  (char *)"lladdr", (char *)mac, (char *)"dev", (char *)"vde0",
					  NULL },
			      NULL),
		 0);
}

#define MAC_A "02:00:00:00:09:01"
#define MAC_B "02:00:00:00:09:02"

static struct vdestack *quiet_stack(const char *locator, const char *mac, const char *addr)
{
	struct vdestack *s = new_stack("%s", "");
	char config[300];

	MUST(vdestack_sysctl_set(s, "ipv6/conf/default/disable_ipv6", "1"));
	(void)snprintf(config, sizeof(config), "vnl=%s mac=%s ip=%s/24", locator, mac, addr);
	MUST(vdestack_iface_add(s, config, case_opts()));
	return s;
}

/*
 * No other frames than those that a case sends: no IPv6, which speaks by itself, and no requests for
 * neighbours, not even when they have become old. So frames can be waited for by counting them.
 */
static struct pair met_pair(const char *locator)
{
	struct pair p = { quiet_stack(locator, MAC_A, "10.9.0.1"), quiet_stack(locator, MAC_B, "10.9.0.2") };

	know(p.a, "10.9.0.1", "10.9.0.2", MAC_B);
	know(p.b, "10.9.0.2", "10.9.0.1", MAC_A);
	return p;
}

struct awaited {
	int fd;
	uint64_t frames;
};

static bool has_captured(void *arg)
{
	const struct awaited *a = arg;
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	MUST(vdestack_capture_get_stats(a->fd, &s));
	return s.seen >= a->frames;
}

/* What an impairment has seen may still be on its way to the wire. */
static void await_captured(int fd, uint64_t frames)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	if (!wait_until(has_captured, &(struct awaited){ fd, frames }, SOON_MS)) {
		MUST(vdestack_capture_get_stats(fd, &s));
		FAIL("the capture has %llu frames of %llu", (unsigned long long)s.seen,
		     (unsigned long long)frames);
	}
}

static const char *stop_and_read(int fd)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	MUST(vdestack_capture_stop(fd, &s));
	CHECK_EQ(s.dropped + s.os_dropped, 0);
	return read_files(case_path("file"));
}

/* ------------------------------------------------------------------ loss */

static void check_loss_of_what_is_sent(const char *locator)
{
	struct pair p = met_pair(locator);

	impair(p.a, "tx.loss-every=2");
	int fd = capture(p.a);
	send_marked(p.a, "10.9.0.2", 40);
	await_impaired(p.a, false, 40, 0);
	await_captured(fd, 20);
	const char *text = stop_and_read(fd);
	int n = count_frames(text, "frame tx ", MARK);
	CHECK_EQ(n, 20);
	CHECK_EQ(count_frames(text, "frame tx ", ""), (int)impaired_stats(p.a, false).passed);
}

CASE_FLAGS(what_an_impairment_has_lost_is_not_in_the_file, EACH_SEGMENT)
{
	check_loss_of_what_is_sent("inproc://lan");
}

CASE_FLAGS(what_an_impairment_has_lost_is_not_in_the_file_of_a_shared_segment, EACH_SEGMENT)
{
	MUST(setenv("VDESTACK_LOCAL", "1", 1)); /* the stacks begin without an interface */
	check_loss_of_what_is_sent("local://lan");
}

CASE_FLAGS(what_is_lost_before_the_stack_is_in_the_file, EACH_SEGMENT)
{
	struct pair p = met_pair("inproc://lan");

	impair(p.a, "rx.loss=100%");
	int fd = capture(p.a);
	send_marked(p.b, "10.9.0.1", 30);
	await_impaired(p.a, true, 30, 0);
	await_captured(fd, 30);
	CHECK_EQ(count_frames(stop_and_read(fd), "frame rx ", MARK), 30);
	CHECK_EQ(impaired_stats(p.a, true).lost, 30);
}

/* ------------------------------------------------------------------ corruption, duplicates, delay */

CASE_FLAGS(frames_are_in_the_file_as_they_were_corrupted, EACH_SEGMENT)
{
	struct pair p = met_pair("inproc://lan");
	char length[64];

	impair(p.a, "tx.corrupt=100%");
	int fd = capture(p.a);
	send_marked(p.a, "10.9.0.2", 400);
	await_captured(fd, 400);
	const char *text = stop_and_read(fd);
	(void)snprintf(length, sizeof(length), "frame tx %d ", FRAME_BYTES);
	int all = count_frames(text, length, ""), whole = count_frames(text, length, MARK);
	CHECK_EQ(all, 400);
	/* One bit of 74 bytes is another one; 8 of these are looked at. */
	CHECK(whole < 400 && whole > 200);
}

CASE_FLAGS(duplicates_are_twice_in_the_file_of_the_sender_and_once_in_that_of_the_receiver, EACH_SEGMENT)
{
	struct pair p = met_pair("inproc://lan");

	impair(p.a, "tx.duplicate=100%");
	int fd = capture(p.a);
	send_marked(p.a, "10.9.0.2", 25);
	await_captured(fd, 50);
	CHECK_EQ(count_frames(stop_and_read(fd), "frame tx ", MARK), 50);
	impair(p.a, "unimpaired rx.duplicate=100%");
	fd = capture(p.a);
	uint64_t before = impaired_stats(p.a, true).seen;
	send_marked(p.b, "10.9.0.1", 25);
	await_impaired(p.a, true, before + 25, 0);
	await_captured(fd, 25);
	CHECK_EQ(count_frames(stop_and_read(fd), "frame rx ", MARK), 25);
}

/* The delay is in the file of the one who sends; before it is over the file has nothing of the frame. */
CASE_FLAGS(a_frame_is_in_the_file_when_its_delay_is_over, EACH_SEGMENT)
{
	struct pair p = met_pair("inproc://lan");
	struct vdestack_capture_stats before = { .size = sizeof(before) };

	impair(p.a, "tx.delay=10s");
	int fd = capture(p.a);
	send_marked(p.a, "10.9.0.2", 5);
	await_impaired(p.a, false, 5, 5);
	MUST(vdestack_capture_get_stats(fd, &before));
	CHECK_EQ(before.seen, 0);
	impair(p.a, "-delay");
	CHECK_EQ(count_frames(stop_and_read(fd), "frame tx ", MARK), 0);
	impair(p.a, "tx.delay=30ms");
	fd = capture(p.a);
	send_marked(p.a, "10.9.0.2", 5);
	await_captured(fd, 5);
	CHECK_EQ(count_frames(stop_and_read(fd), "frame tx ", MARK), 5);
}

/* ------------------------------------------------------------------ changes during a capture */

CASE_FLAGS(a_capture_goes_on_while_impairments_begin_and_end, EACH_SEGMENT)
{
	struct pair p = met_pair("inproc://lan");
	int fd = capture(p.a);

	for (int i = 0; i < 10; i++) {
		impair(p.a, HARMLESS);
		check_ping(p.a, "10.9.0.2");
		send_marked(p.a, "10.9.0.2", 1);
		send_marked(p.b, "10.9.0.1", 1);
		check_ping(p.b, "10.9.0.1");
		impair(p.a, "unimpaired");
		check_ping(p.a, "10.9.0.2");
		send_marked(p.a, "10.9.0.2", 1);
		send_marked(p.b, "10.9.0.1", 1);
		check_ping(p.b, "10.9.0.1");
	}
	const char *text = stop_and_read(fd);
	/* Of that length, because the stacks answer that nobody listens, and repeat the datagram. */
	CHECK_EQ(count_frames(text, "frame tx 74 ", MARK), 20);
	CHECK_EQ(count_frames(text, "frame rx 74 ", MARK), 20);
}

CASE_FLAGS(the_change_of_an_impairment_is_a_comment_with_its_words, EACH_SEGMENT)
{
	struct pair p = met_pair("inproc://lan");
	int fd = capture(p.a);

	impair(p.a, "tx.loss=5% rx.delay=20ms");
	group(p.a, 3);
	impair(p.a, "unimpaired");
	group(p.a, 0);
	check_ping(p.a, "10.9.0.2");
	const char *text = stop_and_read(fd);
	CHECK_CONTAINS(text, "vde0: impaired: tx.loss=5% tx.seed=");
	CHECK_CONTAINS(text, "rx.delay=20ms rx.seed=");
	CHECK_CONTAINS(text, "group=3");
	CHECK_CONTAINS(text, "vde0: unimpaired");
}

/* ------------------------------------------------------------------ wire taps */

CASE_FLAGS(a_wire_tap_of_an_impaired_port_is_the_network, EACH_SEGMENT)
{
	struct pair p = met_pair("inproc://lan");
	struct vdestack_tap_opts o = { .size = sizeof(o), .flags = VDESTACK_TAP_ALONE };
	struct mailbox box = mailbox_in(p.a, "10.9.0.1");
	static unsigned char frame[65536];

	impair(p.a, "tx.loss=100%");
	int fd = (int)MUST(vdestack_tap_open(p.a, "vde0", &o));
	send_marked(p.a, "10.9.0.2", 10);
	await_impaired(p.a, false, 10, 0);
	CHECK(!wait_readable(fd, 50));
	impair(p.a, "unimpaired rx.duplicate=100%");
	send_marked(p.a, "10.9.0.2", 1);
	CHECK(wait_readable(fd, SOON_MS));
	CHECK_EQ(recv(fd, frame, sizeof(frame), 0), FRAME_BYTES);
	/* Sent back, with addresses and ports exchanged: a datagram for the mailbox, which comes twice. */
	unsigned char macs[12], addrs[8];
	memcpy(macs, frame, 12);
	memcpy(frame, macs + 6, 6);
	memcpy(frame + 6, macs, 6);
	memcpy(addrs, frame + 26, 8);
	memcpy(frame + 26, addrs + 4, 4);
	memcpy(frame + 30, addrs, 4);
	memcpy(frame + 36, &((struct sockaddr_in *)&box.at)->sin_port, 2);
	memset(frame + 40, 0, 2); /* no checksum */
	CHECK_EQ(write(fd, frame, FRAME_BYTES), FRAME_BYTES);
	unsigned char got[64];
	for (int i = 0; i < 2; i++) {
		CHECK(wait_readable(box.fd, SOON_MS));
		CHECK_EQ(recv(box.fd, got, sizeof(got), 0), 32);
	}
	close(fd);
}
