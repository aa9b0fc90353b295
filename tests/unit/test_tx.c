/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tx direction with a device and a link that are simulated: the link gets every byte of a super-frame in
 * order, however many headers its segments take, and the counters say what became of each frame.
 */

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pump/bytes.h"
#include "pump/device.h"
#include "pump/link.h"
#include "pump/pump.h"
#include "pump/tx.h"
#include "unit.h"

#define OPTIONS 200 /* bytes of destination options */
#define L4 (14 + 40 + OPTIONS)
#define HEADER (L4 + 20)
#define SEGMENT 88

static struct {
	struct vs_pump pump;
	struct vs_link link;
	struct vs_tx *tx;
	unsigned char super[VS_SUPER_MAX];
	size_t len;          /* 0: nothing to read */
	unsigned gso_size;   /* 0: a whole frame */
	size_t at_a_time;    /* frames that the link takes with one call; 0: all */
	size_t lost;         /* of those, with each call */
	int error;           /* -errno of the link; 0 */
	size_t n_frames;     /* that the link got */
	unsigned char payload[VS_SUPER_MAX];
	size_t payload_len;
	bool headers_differ;
} t;

static ssize_t fake_read(const struct vs_device *device, unsigned char *room, struct vs_super *super)
{
	size_t len = t.len;

	(void)device;
	if (len == 0)
		return 0;
	t.len = 0;
	memcpy(room, t.super, len);
	*super = (struct vs_super){ .frame = room, .len = len };
	if (t.gso_size > 0)
		super->vnet = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						       .gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
						       .gso_size = (uint16_t)t.gso_size,
						       .csum_start = L4, .csum_offset = 16 };
	return (ssize_t)len;
}

static const struct vs_device_ops device_ops = { .read = fake_read };

/* Compares what no segment changes: all before the TCP header but the IP length, and the ports. */
static void note_frame(const struct vs_frame *f)
{
	unsigned char flat[VS_SUPER_MAX];
	size_t len = 0;

	for (int i = 0; i < f->n_iov; i++) {
		memcpy(flat + len, f->iov[i].iov_base, f->iov[i].iov_len);
		len += f->iov[i].iov_len;
	}
	t.n_frames++;
	if (t.gso_size == 0)
		return;
	t.headers_differ |=
		memcmp(flat, t.super, 18) != 0 || memcmp(flat + 20, t.super + 20, L4 - 20 + 4) != 0;
	memcpy(t.payload + t.payload_len, flat + HEADER, len - HEADER);
	t.payload_len += len - HEADER;
}

static int fake_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	(void)link;
	if (t.error < 0)
		return t.error;
	if (t.at_a_time > 0 && n > t.at_a_time)
		n = t.at_a_time;
	for (size_t i = 0; i < n; i++)
		note_frame(&frames[i]);
	*lost += t.lost;
	return (int)n;
}

static const struct vs_link_ops link_ops = { .send = fake_send };

static int begin(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.link = (struct vs_link){ .ops = &link_ops, .data_fd = eventfd(0, EFD_CLOEXEC), .control_fd = -1,
				   .never_waits = true, .frame_max = VS_FRAME_MAX };
	t.pump = (struct vs_pump){ .link = &t.link, .device = { .ops = &device_ops, .fd = -1 } };
	t.tx = vs_tx_new(&t.pump);
	return t.tx == NULL || t.link.data_fd < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	vs_tx_free(t.tx);
	close(t.link.data_fd);
	return 0;
}

/* TCP over IPv6 with destination options, so that each header is long, and random payload. */
static void make_super(size_t payload, unsigned gso_size)
{
	unsigned char *f = t.super;

	memset(f, 0, HEADER);
	vs_put16(f + 12, 0x86dd);
	f[14] = 0x60;
	vs_put16(f + 18, (uint32_t)(OPTIONS + 20 + payload));
	f[20] = 60; /* destination options */
	f[21] = 64;
	memset(f + 22, 0x11, 32);
	f[54] = 6; /* TCP */
	f[55] = OPTIONS / 8 - 1;
	f[56] = 1; /* PadN */
	f[57] = OPTIONS - 4;
	vs_put16(f + L4, 1000);
	vs_put16(f + L4 + 2, 2000);
	f[L4 + 12] = 0x50;
	f[L4 + 13] = 0x10;
	for (size_t i = 0; i < payload; i++)
		f[HEADER + i] = (unsigned char)random();
	t.len = HEADER + payload;
	t.gso_size = gso_size;
	t.payload_len = 0;
}

static void make_frame(size_t len)
{
	memset(t.super, 0x22, len);
	t.len = len;
	t.gso_size = 0;
}

static void every_byte_arrives_however_many_headers_there_are(void **state)
{
	const size_t payload = 65000;

	(void)state;
	for (int i = 0; i < 3; i++) {
		make_super(payload, SEGMENT);
		t.n_frames = 0;
		assert_true(vs_tx_burst(t.tx));
		assert_int_equal(t.n_frames, (payload + SEGMENT - 1) / SEGMENT);
		assert_int_equal(t.payload_len, payload);
		assert_memory_equal(t.payload, t.super + HEADER, payload);
		assert_false(t.headers_differ);
	}
	assert_int_equal(t.pump.stats.tx_frames, 3 * t.n_frames);
	assert_int_equal(t.pump.stats.tx_dropped + t.pump.stats.tx_refused, 0);
}

static void a_link_with_little_room_gets_every_byte_too(void **state)
{
	const size_t payload = 30000;

	(void)state;
	t.at_a_time = 7;
	make_super(payload, SEGMENT);
	assert_true(vs_tx_burst(t.tx));
	while (vs_tx_pending(t.tx))
		assert_true(vs_tx_resume(t.tx));
	assert_int_equal(t.payload_len, payload);
	assert_memory_equal(t.payload, t.super + HEADER, payload);
	assert_int_equal(t.pump.stats.tx_frames, t.n_frames);
	assert_int_equal(t.pump.stats.tx_dropped, 0);
}

static void what_the_link_has_lost_is_counted_as_dropped(void **state)
{
	(void)state;
	t.lost = 3;
	make_super(10 * SEGMENT, SEGMENT);
	assert_true(vs_tx_burst(t.tx));
	assert_int_equal(t.n_frames, 10);
	assert_int_equal(t.pump.stats.tx_frames, 7);
	assert_int_equal(t.pump.stats.tx_dropped, 3);
}

static void what_was_pending_for_a_dead_link_is_counted_as_dropped(void **state)
{
	(void)state;
	t.at_a_time = 4;
	make_super(10 * SEGMENT, SEGMENT);
	assert_true(vs_tx_burst(t.tx));
	t.error = -EPIPE;
	assert_false(vs_tx_resume(t.tx));
	assert_false(vs_tx_device_gone(t.tx));
	assert_false(vs_tx_pending(t.tx));
	assert_int_equal(t.pump.stats.tx_frames, 4);
	assert_int_equal(t.pump.stats.tx_dropped, 6);
}

static void a_frame_longer_than_the_link_carries_is_refused_and_the_next_is_sent(void **state)
{
	(void)state;
	t.link.frame_max = 1514;
	make_frame(1515);
	assert_true(vs_tx_burst(t.tx));
	assert_int_equal(t.n_frames, 0);
	assert_int_equal(t.pump.stats.tx_refused, 1);
	make_frame(1514);
	assert_true(vs_tx_burst(t.tx));
	assert_int_equal(t.n_frames, 1);
	assert_int_equal(t.pump.stats.tx_frames, 1);
	assert_int_equal(t.pump.stats.tx_refused, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(every_byte_arrives_however_many_headers_there_are),
		CASE(a_link_with_little_room_gets_every_byte_too),
		CASE(what_the_link_has_lost_is_counted_as_dropped),
		CASE(what_was_pending_for_a_dead_link_is_counted_as_dropped),
		CASE(a_frame_longer_than_the_link_carries_is_refused_and_the_next_is_sent),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
