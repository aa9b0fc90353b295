/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A network that sends anything: thousands of invalid frames of every kind arrive through a stream
 * while the stack has other traffic.
 */

#define _GNU_SOURCE
#include <stdatomic.h>

#include "stacks.h"
#include "traffic.h"
#include <vdestack/events.h>

#define FRAMES 4000
#define LONGEST 9234
#define STREAM (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)

static unsigned seed = 20261126;

static unsigned chance(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static void put16(unsigned char *p, unsigned n)
{
	p[0] = (unsigned char)(n >> 8);
	p[1] = (unsigned char)n;
}

/* A valid header, so the code that parses the invalid rest is reached. */
static size_t put_head(unsigned char *f)
{
	memset(f, 0xff, 6);
	memcpy(f + 6, "\x02\0\0\0\0\x02", 6);
	switch (chance(5)) {
	case 0: /* IPv4 and TCP or UDP */
		put16(f + 12, 0x0800);
		memset(f + 14, 0, 40);
		f[14] = 0x45;
		put16(f + 16, 40 + chance(60));
		f[22] = 64;
		f[23] = chance(2) ? 6 : 17;
		f[46] = (unsigned char)(chance(16) << 4); /* of a TCP header */
		return 54;
	case 1: /* IPv4, with any header length and fragments */
		put16(f + 12, 0x0800);
		for (int i = 14; i < 34; i++)
			f[i] = (unsigned char)chance(256);
		f[14] = (unsigned char)(0x40 | chance(16));
		return 34;
	case 2: /* a chain of IPv6 extension headers */
		put16(f + 12, 0x86dd);
		memset(f + 14, 0, 400);
		f[14] = 0x60;
		put16(f + 18, chance(500));
		for (int i = 0; i < 40; i++) {
			static const unsigned char kinds[] = { 0, 43, 44, 60, 135, 59, 6, 17 };
			f[54 + 8 * i] = kinds[chance(8)];
			f[55 + 8 * i] = chance(4) ? 0 : (unsigned char)chance(256);
		}
		f[20] = 0;
		return 54 + chance(320);
	case 3: /* tags and anything */
		for (int i = 0; i < 4; i++) {
			put16(f + 12 + 4 * i, 0x8100);
			put16(f + 14 + 4 * i, chance(65536));
		}
		return 28;
	default:
		put16(f + 12, chance(65536));
		return 14;
	}
}

static size_t make_frame(unsigned char *f)
{
	static const size_t lengths[] = { 0, 1, 13, 14, 59, 60, 1514, 9230, LONGEST };
	size_t len = chance(3) ? 14 + chance(600) : lengths[chance(9)];

	for (size_t i = 0; i < len; i++)
		f[i] = (unsigned char)chance(256);
	if (len >= 14 && chance(4)) {
		unsigned char head[512];
		size_t n = put_head(head);
		memcpy(f, head, n < len ? n : len);
	}
	return len;
}

/* A file as it arrives over a stream. Returns the number of invalid frames in it. */
static unsigned long write_frames(const char *path)
{
	static unsigned char frame[LONGEST];
	unsigned char length[2];
	FILE *file = fopen(path, "we");
	unsigned long bad = 0;

	CHECK(file != NULL);
	printf("seed %u\n", seed);
	for (int i = 0; i < FRAMES; i++) {
		size_t len = make_frame(frame);
		put16(length, (unsigned)len);
		CHECK(fwrite(length, 1, 2, file) == 2 && fwrite(frame, 1, len, file) == len);
		bad += len < 14;
	}
	CHECK_EQ(fclose(file), 0);
	return bad;
}

#define BURST 300 /* frames of 60 bytes, in one piece */

struct awaited {
	struct vdestack *stack;
	unsigned frames;
};

static bool frames_came(void *arg)
{
	const struct awaited *a = arg;
	struct vdestack_link_stats s = { .size = sizeof(s) };

	MUST(vdestack_link_get_stats(a->stack, "vde0", &s));
	return s.rx_frames >= a->frames;
}

/* No data follows them, so no descriptor becomes readable for frames that one read has left in a buffer. */
CASE_TIMED(a_burst_read_from_a_stream_in_one_call_arrives_whole, STREAM | CASE_F_INPROCESS | CASE_F_NO_TUN,
	   60)
{
	const char *path = case_path("burst");
	unsigned char record[62] = {
		0, 60, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 2, 0x88, 0xb5
	};
	FILE *file = fopen(path, "we");

	CHECK(file != NULL);
	for (int i = 0; i < BURST; i++)
		CHECK_EQ(fwrite(record, 1, sizeof(record), file), sizeof(record));
	CHECK_EQ(fclose(file), 0);
	struct vdestack *a = stack_of("vnl='=sh -c \"cat %s; exec sleep 1000\"'", path);
	CHECK(wait_until(frames_came, &(struct awaited){ a, BURST }, SOON_MS));
	MUST(vdestack_delete(a));
}

CASE_TIMED(hostile_frames_do_no_harm, STREAM | CASE_F_INPROCESS | CASE_F_NO_TUN, 120)
{
	const char *path = case_path("frames");
	unsigned long bad = write_frames(path);
	struct vdestack_link_stats s = { .size = sizeof(s) };
	/* After the file, the frames of the stack itself are echoed. */
	struct vdestack *a = stack_of("vnl='=cat %s -' ip=10.0.1.1/24 vnl=inproc://lan ip=10.0.0.1/24", path);
	struct vdestack *b = stack_of("%s", "vnl=inproc://lan ip=10.0.0.2/24");

	for (int i = 0; i < 20; i++) {
		tcp_one_way(a, "10.0.0.1", b);
		close((int)MUST(vdestack_msocket(a, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)));
	}
	CHECK(wait_until(frames_came, &(struct awaited){ a, FRAMES }, SOON_MS));
	MUST(vdestack_link_get_stats(a, "vde0", &s));
	CHECK(s.rx_dropped >= bad);
	CHECK(bad > 0);
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
}

CASE_TIMED(garbage_on_a_stream_ends_the_link_and_nothing_else, STREAM | CASE_F_NO_TUN, 60)
{
	const char *path = case_path("garbage");
	FILE *file = fopen(path, "we");
	struct vdestack_event e;

	CHECK(file != NULL);
	CHECK(fwrite("\xff\xff garbage", 1, 10, file) == 10);
	CHECK_EQ(fclose(file), 0);
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24 %s", "");
	struct vdestack *b = stack_of("%s", "vnl=inproc://lan ip=10.0.0.2/24");
	int events = (int)MUST(vdestack_events(a));
	char config[400];
	(void)snprintf(config, sizeof(config), "vnl='=cat %s -'", path);
	MUST(vdestack_iface_add(a, config, case_opts()));
	do {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
	} while (e.type != VDESTACK_EVENT_LINK_DOWN);
	CHECK_STR(e.ifname, "vde1");
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	MUST(vdestack_iface_del(a, "vde1"));
}
