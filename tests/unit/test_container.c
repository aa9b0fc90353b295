/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers as bytes: what is put in comes out, and what is damaged or made up does not. */

#include <arpa/inet.h>
#include <stdlib.h>

#include "proto/checksum.h"
#include "pump/bytes.h"
#include "pump/container.h"
#include "pump/gso.h"
#include "pump/join.h"
#include "unit.h"

#define MSS 1448
#define HEADER 66 /* TCP over IPv4 with timestamps */

static uint8_t frame[70000], container[70000], whole[70000];

static void make_macs(uint8_t *f)
{
	memcpy(f, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
}

/* A TCP super-frame with the sum of its pseudo-header. */
static size_t make_super(uint8_t *f, size_t payload)
{
	uint8_t *ip = f + 14, *tcp = f + 34;

	memset(f, 0, HEADER);
	make_macs(f);
	ip[0] = 0x45;
	vs_put16(ip + 2, (uint32_t)(52 + payload));
	vs_put16(ip + 4, 77);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	vs_store16(ip + 10, vs_csum_finish(vs_csum_add(0, ip, 20)));
	vs_put16(tcp, 1000);
	vs_put16(tcp + 2, 2000);
	vs_put32(tcp + 4, 0xfffffff0); /* wraps */
	vs_put32(tcp + 8, 5);
	tcp[12] = 0x80;
	tcp[13] = 0x18; /* PSH, ACK */
	vs_put16(tcp + 14, 500);
	memcpy(tcp + 20, "\1\1\x08\x0a\0\0\0\1\0\0\0\2", 12);
	vs_store16(tcp + 16, vs_csum_fold(vs_csum_pseudo4(ip, 6, (uint32_t)(32 + payload))));
	for (size_t i = 0; i < payload; i++)
		f[HEADER + i] = (uint8_t)random();
	return HEADER + payload;
}

static const struct virtio_net_hdr vnet_of_super = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						     .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
						     .hdr_len = HEADER, .gso_size = MSS,
						     .csum_start = 34, .csum_offset = 16 };

/* One record of these bytes in `container`. Returns its length. */
static size_t contain(const uint8_t *f, size_t len, uint16_t gso_size)
{
	uint8_t *at = vs_container_put(container + VS_CONTAINER_HEADER, len, gso_size);

	memcpy(at, f + VS_MACS, len - VS_MACS);
	size_t total = VS_CONTAINER_HEADER + VS_RECORD_HEADER + len - VS_MACS;
	vs_container_seal(container, total, NULL, 0, f);
	return total;
}

static void frames_come_out_as_they_went_in(void **state)
{
	static uint8_t in[20][200];
	size_t len[20], at = VS_CONTAINER_HEADER, end = 0;
	struct vs_container_ask ask;
	struct vs_record r;

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		len[i] = 15 + i * 7;
		for (size_t k = 0; k < len[i]; k++)
			in[i][k] = (uint8_t)random();
		make_macs(in[i]);
		uint8_t *to = vs_container_put(container + at, len[i], 0);
		memcpy(to, in[i] + VS_MACS, len[i] - VS_MACS);
		end = at + VS_RECORD_HEADER + len[i] - VS_MACS;
		at += vs_container_step(len[i]);
	}
	vs_container_seal(container, end, NULL, 0, in[0]);
	assert_int_equal(vs_container_open(container, end, &ask), VS_CONTAINER_FRAMES);
	at = VS_CONTAINER_HEADER;
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(vs_container_next(container, end, &at, &r), 1);
		assert_int_equal(r.len, len[i]);
		assert_int_equal(r.gso_size, 0);
		memset(r.frame - sizeof(struct virtio_net_hdr), 0xee, sizeof(struct virtio_net_hdr));
		assert_memory_equal(r.frame, in[i], len[i]);
	}
	assert_int_equal(vs_container_next(container, end, &at, &r), 0);
}

static void every_damaged_byte_is_noticed(void **state)
{
	struct vs_container_ask ask;
	size_t len = contain(frame, make_super(frame, 500), MSS);

	(void)state;
	for (size_t i = 12; i < len; i++) {
		container[i] ^= 0x10;
		assert_int_equal(vs_container_open(container, len, &ask), 0);
		container[i] ^= 0x10;
	}
	for (size_t i = 0; i < len; i++)
		assert_int_equal(vs_container_open(container, i, &ask), 0);
	assert_int_equal(vs_container_open(container, len + 1, &ask), 0); /* padded by a network */
	assert_int_equal(vs_container_open(container, len, &ask), VS_CONTAINER_FRAMES);
}

static void groups_are_not_containers(void **state)
{
	struct vs_container_ask ask;
	size_t len = make_super(frame, 500);

	(void)state;
	frame[0] |= 1;
	len = contain(frame, len, MSS);
	assert_int_equal(vs_container_open(container, len, &ask), 0);
	assert_false(vs_container_fits(frame, 100));
	frame[0] &= 0xfe;
	assert_true(vs_container_fits(frame, 100));
	frame[6] |= 1;
	assert_false(vs_container_fits(frame, 100));
}

static void tags_containers_and_lengths_do_not_go_inside(void **state)
{
	static const uint16_t types[] = { 0x8100, 0x88a8, 0x9100, VS_CONTAINER_TYPE, 0x05ff, 0, 46 };
	struct vs_record r;
	uint8_t f[100] = { 0 };

	(void)state;
	make_macs(f);
	assert_true(vs_container_fits(f, sizeof(f)));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t at = VS_CONTAINER_HEADER;
		vs_put16(f + 12, types[i]);
		assert_false(vs_container_fits(f, sizeof(f)));
		size_t len = contain(f, sizeof(f), 0);
		assert_int_equal(vs_container_next(container, len, &at, &r), -1);
	}
}

static void lengths_that_reach_beyond_the_container_are_refused(void **state)
{
	struct vs_record r;
	size_t len;

	(void)state;
	for (unsigned inner = 0; inner < 65536; inner += inner < 300 ? 1 : 997) {
		size_t at = VS_CONTAINER_HEADER;
		len = contain(frame, make_super(frame, 100), 0);
		vs_put16(container + VS_CONTAINER_HEADER, inner);
		int n = vs_container_next(container, len, &at, &r);
		assert_int_equal(n, inner >= 3 && inner <= HEADER + 100 - VS_MACS ? 1 : -1);
	}
	size_t at = len - 5;
	assert_int_equal(vs_container_next(container, len, &at, &r), -1);
}

static bool super_is_valid(size_t len, uint16_t gso_size)
{
	struct vs_record r = { .frame = frame, .len = len, .gso_size = gso_size };
	struct vs_record_super s;

	return vs_container_super(&r, &s);
}

static void super_frames_that_make_no_sense_are_refused(void **state)
{
	size_t len = make_super(frame, 5 * MSS);

	(void)state;
	assert_true(super_is_valid(len, MSS));
	assert_true(super_is_valid(len, 65535));
	assert_false(super_is_valid(len, 0));
	assert_false(super_is_valid(len, 1));   /* thousands of segments */
	assert_false(super_is_valid(len, 100)); /* 73 */
	assert_true(super_is_valid(len, 114));  /* 64 */
	len = make_super(frame, 480);
	assert_true(super_is_valid(len, VS_RECORD_SEGMENT_MIN));
	assert_false(super_is_valid(len, VS_RECORD_SEGMENT_MIN - 1)); /* many frames of few bytes */
	len = make_super(frame, 5 * MSS);
	assert_false(super_is_valid(len - 1, MSS)); /* cut */
	assert_false(super_is_valid(len + 1, MSS)); /* padded */
	frame[34 + 13] |= 2;
	assert_false(super_is_valid(len, MSS)); /* SYN */
	frame[34 + 13] = 4;
	assert_false(super_is_valid(len, MSS)); /* RST */
	make_super(frame, 5 * MSS);
	frame[23] = 1;
	assert_false(super_is_valid(len, MSS)); /* ICMP */
	frame[23] = 17;
	assert_false(super_is_valid(len, MSS)); /* UDP with another length */
	make_super(frame, 5 * MSS);
	frame[34 + 12] = 0x40;
	assert_false(super_is_valid(len, MSS)); /* a TCP header that is too short */
	make_super(frame, 5 * MSS);
	frame[20] |= 0x20;
	assert_false(super_is_valid(len, MSS)); /* a fragment */
	make_super(frame, 5 * MSS);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	assert_false(super_is_valid(len, MSS)); /* IPv4 that says it is IPv6 */
	assert_false(super_is_valid(make_super(frame, 0), MSS)); /* nothing to segment */
	assert_false(super_is_valid(20, MSS));
}

static void probes_and_answers_say_what_was_asked(void **state)
{
	const struct vs_container_ask reply = { .nonce = UINT64_C(0x0123456789abcdef), .limit = 9230,
						.takes = 5 };
	struct vs_container_ask ask = { 0 };
	uint8_t to[6] = { 2, 0, 0, 0, 0, 2 }, from[6] = { 2, 0, 0, 0, 0, 1 };

	(void)state;
	assert_int_equal(vs_container_probe(container, 9230, to, from, reply.nonce), 9230);
	assert_int_equal(vs_container_open(container, 9230, &ask), VS_CONTAINER_PROBE);
	assert_true(ask.nonce == reply.nonce);
	assert_memory_equal(container, to, 6);
	assert_memory_equal(container + 6, from, 6);
	assert_int_equal(vs_container_open(container, 1518, &ask), 0); /* cut by the network */
	assert_int_equal(vs_container_answer(container, to, from, &reply), VS_ANSWER_LEN);
	assert_int_equal(vs_container_open(container, VS_ANSWER_LEN, &ask), VS_CONTAINER_ANSWER);
	assert_true(ask.nonce == reply.nonce && ask.limit == 9230 && ask.takes == 5);
	assert_true(VS_ANSWER_LEN <= VS_PROBE_MIN); /* never more than was received */
}

/* ------------------------------------------------------------------ pieces of a super-frame */

/* What the frames of a super-frame are, one behind the other. */
static size_t cut(const struct virtio_net_hdr *vnet, uint8_t *super, size_t len, uint8_t *out)
{
	struct vs_gso gso;
	struct iovec iov[2];
	uint8_t header[VS_GSO_HEADER_MAX];
	size_t n = 0;

	assert_int_equal(vs_gso_start(&gso, vnet, super, len), VS_GSO_OK);
	for (int pieces; (pieces = vs_gso_next(&gso, header, iov)) > 0;)
		for (int i = 0; i < pieces; i++) {
			memcpy(out + n, iov[i].iov_base, iov[i].iov_len);
			n += iov[i].iov_len;
		}
	return n;
}

/* Cut in groups of so many segments, joined again and segmented, it is what it was. */
static void pieces_make(size_t payload, unsigned group)
{
	static uint8_t pieces[64][10000], expected[80000], got[80000], all[70000];
	static struct vs_join join;
	size_t len = make_super(whole, payload), n = 0;
	struct vs_gso gso;
	struct iovec iov[2];

	memcpy(frame, whole, len);
	size_t want = cut(&vnet_of_super, frame, len, expected);
	memset(&join, 0, sizeof(join));
	assert_int_equal(vs_gso_start(&gso, &vnet_of_super, whole, len), VS_GSO_OK);
	vs_gso_group(&gso, group);
	for (;; n++) {
		uint8_t *at = pieces[n] + 32;
		int k = vs_gso_next(&gso, at, iov);
		if (k == 0)
			break;
		memcpy(at + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
		struct vs_record r = { at, iov[0].iov_len + iov[1].iov_len, MSS };
		struct vs_record_super s;
		assert_true(vs_container_super(&r, &s));
		assert_true(s.segments <= group);
		assert_true(vs_join_add(&join, &r, &s));
	}
	assert_int_equal(join.n, n);
	for (int refused = 0; refused < 2; refused++) { /* it may be undone and done again */
		size_t total = 0;
		struct virtio_net_hdr vnet;
		vs_join_finish(&join);
		for (size_t i = 0; i < join.n; i++) {
			memcpy(all + total, join.iov[i].iov_base, join.iov[i].iov_len);
			total += join.iov[i].iov_len;
		}
		assert_int_equal(total, sizeof(vnet) + len);
		memcpy(&vnet, all, sizeof(vnet));
		assert_int_equal(cut(&vnet, all + sizeof(vnet), len, got), want);
		assert_memory_equal(got, expected, want);
		vs_join_undo(&join);
	}
}

static void pieces_of_a_super_frame_make_the_same_segments(void **state)
{
	(void)state;
	for (unsigned group = 2; group < 7; group++)
		for (size_t payload = MSS * 3; payload < 64000; payload += 1 + (size_t)random() % 9000)
			pieces_make(payload, group);
	pieces_make(12 * MSS, 6);
	pieces_make(12 * MSS + 1, 6);
}

static void what_does_not_continue_is_not_joined(void **state)
{
	static const struct { size_t at; uint8_t bits; } changes[] = {
		{ 5, 1 }, { 15, 4 }, { 18, 1 }, { 22, 1 }, { 29, 1 }, { 33, 1 }, { 35, 1 }, { 37, 1 },
		{ 41, 1 }, { 45, 1 }, { 46, 1 }, { 47, 0x80 }, { 47, 1 }, { 49, 1 }, { 53, 1 }, { 60, 1 },
	};
	static uint8_t first[10000], second[10000];
	struct vs_record a = { first, make_super(first, 2 * MSS), MSS };
	struct vs_record b = { second, make_super(second, 2 * MSS), MSS };
	struct vs_record_super sa, sb;
	static struct vs_join join;

	(void)state;
	first[47] = 0x10;
	vs_put32(second + 38, 0xfffffff0 + 2 * MSS);
	vs_put16(second + 18, 79);
	assert_true(vs_container_super(&a, &sa) && vs_container_super(&b, &sb));
	join.n = 0;
	assert_true(vs_join_add(&join, &a, &sa) && vs_join_add(&join, &b, &sb));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		second[changes[i].at] ^= changes[i].bits;
		join.n = 0;
		if (vs_container_super(&b, &sb)) {
			assert_true(vs_join_add(&join, &a, &sa));
			assert_false(vs_join_add(&join, &b, &sb));
		}
		second[changes[i].at] ^= changes[i].bits;
	}
	assert_true(vs_container_super(&b, &sb));
	first[47] = 0x18; /* PSH ends it */
	join.n = 0;
	assert_true(vs_join_add(&join, &a, &sa));
	assert_false(vs_join_add(&join, &b, &sb));
}

/* The record that follows `total` bytes in `segments` segments. It has no PSH. */
static struct vs_record follower(uint8_t *f, size_t total, unsigned segments, size_t payload, uint16_t size)
{
	struct vs_record record = { f, make_super(f, payload), size };

	f[47] = 0x10;
	vs_put32(f + 38, 0xfffffff0 + (uint32_t)total);
	vs_put16(f + 18, 77 + segments);
	return record;
}

static bool add(struct vs_join *join, const struct vs_record *record)
{
	struct vs_record_super super;

	assert_true(vs_container_super(record, &super));
	return vs_join_add(join, record, &super);
}

static void a_short_record_is_the_last_one_and_all_have_one_segment_size(void **state)
{
	static uint8_t first[10000], second[10000];
	static struct vs_join join;
	struct vs_record a = follower(first, 0, 0, 2 * MSS, MSS);
	struct vs_record b = follower(second, 2 * MSS, 2, 2 * MSS, MSS / 2);

	(void)state;
	join.n = 0;
	assert_true(add(&join, &a));
	assert_false(add(&join, &b));
	a = follower(first, 0, 0, 2 * MSS - 1, MSS);
	b = follower(second, 2 * MSS - 1, 2, 2 * MSS, MSS);
	join.n = 0;
	assert_true(add(&join, &a));
	assert_false(add(&join, &b));
}

static void what_is_joined_is_no_longer_than_a_packet(void **state)
{
	static uint8_t frames[6][14000];
	static struct vs_join join;
	const size_t most = 65535 - 52; /* without the headers */

	(void)state;
	join.n = 0;
	for (unsigned i = 0; i < 5; i++) {
		struct vs_record record = follower(frames[i], i * 13000, i * 13, 13000, 1000);
		assert_true(add(&join, &record));
	}
	struct vs_record record = follower(frames[5], 65000, 65, most - 65000 + 1, 1000);
	assert_false(add(&join, &record));
	record = follower(frames[5], 65000, 65, most - 65000, 1000);
	assert_true(add(&join, &record));
}

static void no_more_records_are_joined_than_there_is_room_for(void **state)
{
	static uint8_t frames[VS_JOIN_RECORDS + 1][1000];
	static struct vs_join join;

	(void)state;
	join.n = 0;
	for (unsigned i = 0; i <= VS_JOIN_RECORDS; i++) {
		struct vs_record record = follower(frames[i], i * 500, i, 500, 500);
		assert_int_equal(add(&join, &record), i < VS_JOIN_RECORDS);
	}
	assert_int_equal(join.n, VS_JOIN_RECORDS);
}

static void what_a_device_refuses_is_as_it_came(void **state)
{
	static uint8_t first[10000], second[10000], came[10000];
	static struct vs_join join;
	struct vs_record a = follower(first + 16, 0, 0, 2 * MSS, MSS);
	struct vs_record b = follower(second, 2 * MSS, 2, 2 * MSS, MSS);

	(void)state;
	memcpy(came, a.frame, a.len);
	join.n = 0;
	assert_true(add(&join, &a) && add(&join, &b));
	vs_join_finish(&join);
	assert_memory_not_equal(a.frame, came, a.len); /* it has the length of both */
	vs_join_undo(&join);
	assert_memory_equal(a.frame, came, a.len);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(frames_come_out_as_they_went_in),
	cmocka_unit_test(every_damaged_byte_is_noticed),
	cmocka_unit_test(groups_are_not_containers),
	cmocka_unit_test(tags_containers_and_lengths_do_not_go_inside),
	cmocka_unit_test(lengths_that_reach_beyond_the_container_are_refused),
	cmocka_unit_test(super_frames_that_make_no_sense_are_refused),
	cmocka_unit_test(probes_and_answers_say_what_was_asked),
	cmocka_unit_test(pieces_of_a_super_frame_make_the_same_segments),
	cmocka_unit_test(what_does_not_continue_is_not_joined),
	cmocka_unit_test(a_short_record_is_the_last_one_and_all_have_one_segment_size),
	cmocka_unit_test(what_is_joined_is_no_longer_than_a_packet),
	cmocka_unit_test(no_more_records_are_joined_than_there_is_room_for),
	cmocka_unit_test(what_a_device_refuses_is_as_it_came),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
