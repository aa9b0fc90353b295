/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What comes out of a batch of frames and containers, and in which order. Each frame is full of one letter.
 * `seen` has them as they come out: small ones are frames, [A] is a super-frame, and [AB] one that was joined
 * of two.
 */

#include <ctype.h>
#include <netinet/in.h>

#include "proto/checksum.h"
#include "pump/bytes.h"
#include "pump/unpack.h"
#include "unit.h"

#define SIZE 100  /* of a segment */
#define HEADER 54 /* TCP over IPv4 */

static char seen[200];
static size_t n_seen, received, dropped;
static bool refusing; /* the device takes no super-frames */

static void see(int letter)
{
	assert_true(n_seen < sizeof(seen) - 1);
	seen[n_seen++] = (char)letter;
}

static void see_frames(void *rx, struct iovec *frames, size_t n)
{
	(void)rx;
	for (size_t i = 0; i < n; i++)
		see(tolower(((uint8_t *)frames[i].iov_base)[frames[i].iov_len - 1]));
}

static bool see_super(void *rx, const struct iovec *iov, int n, unsigned segments)
{
	(void)rx;
	(void)segments;
	if (refusing)
		return false;
	see('[');
	for (int i = 0; i < n; i++)
		see(((uint8_t *)iov[i].iov_base)[iov[i].iov_len - 1]);
	see(']');
	return true;
}

static void count_received(void *rx, size_t n)
{
	(void)rx;
	received += n;
}

static void count_dropped(void *rx)
{
	(void)rx;
	dropped++;
}

/* ------------------------------------------------------------------ a batch */

static struct {
	uint8_t bytes[8][8000];
	struct iovec frames[8];
	size_t n, at;     /* frames; where the next record of the last one stands */
	uint32_t sent;    /* by the TCP connection of all super-frames */
	unsigned segments;
} batch;

static void start(void)
{
	memset(&batch, 0, sizeof(batch));
	memset(seen, 0, sizeof(seen));
	n_seen = received = dropped = 0;
	refusing = false;
}

static size_t make_frame(uint8_t *f, char letter)
{
	memcpy(f, "\2\0\0\0\0\2\2\0\0\0\0\1\x12\x34", 14);
	memset(f + 14, letter, 60);
	return 74;
}

/* The next piece of the connection, two segments long. */
static size_t make_super(uint8_t *f, char letter)
{
	uint8_t *ip = f + 14, *tcp = f + 34;

	memset(f, 0, HEADER);
	memcpy(f, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
	ip[0] = 0x45;
	vs_put16(ip + 2, 40 + 2 * SIZE);
	vs_put16(ip + 4, batch.segments);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	vs_store16(ip + 10, vs_csum_finish(vs_csum_add(0, ip, 20)));
	vs_put16(tcp, 1000);
	vs_put16(tcp + 2, 2000);
	vs_put32(tcp + 4, batch.sent);
	tcp[12] = 0x50;
	tcp[13] = 0x10; /* ACK */
	vs_store16(tcp + 16, vs_csum_fold(vs_csum_pseudo4(ip, IPPROTO_TCP, 20 + 2 * SIZE)));
	memset(f + HEADER, letter, 2 * SIZE);
	batch.sent += 2 * SIZE;
	batch.segments += 2;
	return HEADER + 2 * SIZE;
}

static void put_frame(char letter)
{
	uint8_t *f = batch.bytes[batch.n];

	batch.frames[batch.n++] = (struct iovec){ f, make_frame(f, letter) };
}

static void put_container(void)
{
	batch.at = VS_CONTAINER_HEADER;
	batch.frames[batch.n] = (struct iovec){ batch.bytes[batch.n], VS_CONTAINER_HEADER };
	batch.n++;
}

/* Into the last container. A small letter is a frame, a capital a super-frame. Returns where it is. */
static uint8_t *put_record(char letter)
{
	uint8_t f[1000], *bytes = batch.bytes[batch.n - 1];
	bool super = isupper((unsigned char)letter) != 0;
	size_t len = super ? make_super(f, letter) : make_frame(f, letter);
	uint8_t *at = vs_container_put(bytes + batch.at, len, super ? SIZE : 0);

	memcpy(at, f + VS_MACS, len - VS_MACS);
	batch.at += vs_container_step(len);
	batch.frames[batch.n - 1].iov_len = batch.at;
	return at - VS_MACS;
}

static void put_records(const char *letters)
{
	for (; *letters != '\0'; letters++)
		(void)put_record(*letters);
}

static void unpack(unsigned takes)
{
	static const struct vs_unpack_sink sink = { see_frames, see_super, count_received, count_dropped };
	static struct vs_unpack u;

	u.sink = &sink;
	for (size_t i = 0; i < batch.n; i++)
		if (batch.bytes[i][12] == 0) /* a container */
			vs_container_seal(batch.bytes[i], batch.frames[i].iov_len, NULL, 0,
					  (const uint8_t *)"\2\0\0\0\0\2\2\0\0\0\0\1");
	vs_unpack_run(&u, batch.frames, batch.n, takes);
}

/* ------------------------------------------------------------------ cases */

static void all_comes_out_in_the_order_in_which_it_went_in(void **state)
{
	(void)state;
	start();
	put_frame('a');
	put_container();
	put_records("bcDEfGhiJ");
	put_container();
	put_records("K");
	put_frame('l');
	put_container();
	put_records("Mn");
	unpack(VS_TAKES_TCP4);
	assert_string_equal(seen, "abc[DE]f[G]hi[JK]l[M]n");
	assert_int_equal(received, 8 + 2 * 6);
	assert_int_equal(dropped, 0);
}

static void what_the_device_does_not_take_is_cut_in_its_place(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		start();
		refusing = i == 1; /* it takes none, or it takes them and refuses each */
		put_container();
		put_records("aBCdE");
		put_frame('f');
		unpack(refusing ? VS_TAKES_TCP4 : VS_TAKES_TCP6);
		assert_string_equal(seen, "abbccdeef");
		assert_int_equal(received, 3 + 2 * 3);
		assert_int_equal(dropped, 0);
	}
}

static void from_a_wrong_record_on_a_container_is_dropped(void **state)
{
	(void)state;
	start();
	put_container();
	put_records("aB");
	uint8_t *wrong = put_record('C');
	wrong[14] = 0x55; /* no IPv4 */
	put_records("dE");
	put_container();
	put_records("f");
	unpack(VS_TAKES_TCP4);
	assert_string_equal(seen, "a[B]f");
	assert_int_equal(dropped, 1);
	assert_int_equal(received, 1 + 2 + 1 + 1); /* the rest is one */
}

static void an_empty_container_is_one_dropped_frame(void **state)
{
	(void)state;
	start();
	put_container();
	put_frame('a');
	unpack(VS_TAKES_TCP4);
	assert_string_equal(seen, "a");
	assert_int_equal(dropped, 1);
	assert_int_equal(received, 2);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_comes_out_in_the_order_in_which_it_went_in),
	cmocka_unit_test(what_the_device_does_not_take_is_cut_in_its_place),
	cmocka_unit_test(from_a_wrong_record_on_a_container_is_dropped),
	cmocka_unit_test(an_empty_container_is_one_dropped_frame),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
