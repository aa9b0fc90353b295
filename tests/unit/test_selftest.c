/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The self-test of the offloads: it passes with the real functions, and fails with faulty ones. Each case
 * puts one fault between it and the real functions.
 */

#define _GNU_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <pump/gro.h>
#include <pump/gso.h>
#include <pump/headers.h>
#include <pump/selftest.h>
#include <pump/tap.h>

#include "unit.h"

#define OUT (VS_OFFLOAD_CSUM | VS_OFFLOAD_TSO | VS_OFFLOAD_USO)

static enum {
	NOTHING,
	SUMS_TOO_LOW,	  /* a checksum kernel that forgets the last byte */
	SUMS_ANYTHING,	  /* one that always returns the same value */
	REFUSES,	  /* segmentation that refuses */
	ONE_TOO_MANY,	  /* segmentation that never ends */
	ONE_TOO_FEW,
	FLAGS_KEPT,	  /* PSH on every segment, its checksum right for it */
	PAYLOAD_SHIFTED,
	NO_MERGE,	  /* coalescing that does nothing */
	WRONG_SIZE,
	WRONG_LENGTH,
	DROPS_LAST,
	MERGES_DAMAGE,	  /* coalescing that accepts every checksum */
} broken;
static bool only_udp, only_tcp; /* the fault affects only this protocol */

static bool suffers(bool udp)
{
	return !(only_udp && !udp) && !(only_tcp && udp);
}

/* ------------------------------------------------------------------ in between */

uint64_t __real_vs_csum_add(uint64_t sum, const void *bytes, size_t len);
uint64_t __wrap_vs_csum_add(uint64_t sum, const void *bytes, size_t len);
uint64_t __wrap_vs_csum_add(uint64_t sum, const void *bytes, size_t len)
{
	if (broken == SUMS_TOO_LOW && len > 64)
		return __real_vs_csum_add(sum, bytes, len - 1);
	if (broken == SUMS_ANYTHING)
		return 0x1234;
	if (broken == MERGES_DAMAGE)
		return 0xffff; /* "intact", whatever it is */
	return __real_vs_csum_add(sum, bytes, len);
}

enum vs_gso_result __real_vs_gso_start(struct vs_gso *gso, const struct virtio_net_hdr *vnet, void *frame, size_t len);
enum vs_gso_result __wrap_vs_gso_start(struct vs_gso *gso, const struct virtio_net_hdr *vnet, void *frame, size_t len);
enum vs_gso_result __wrap_vs_gso_start(struct vs_gso *gso, const struct virtio_net_hdr *vnet, void *frame, size_t len)
{
	bool udp = vnet->csum_offset == VS_UDP_CHECK;

	if (broken == REFUSES && suffers(udp) && vnet->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return VS_GSO_PACKET;
	return __real_vs_gso_start(gso, vnet, frame, len);
}

int __real_vs_gso_next(struct vs_gso *gso, void *header, struct iovec iov[2]);
int __wrap_vs_gso_next(struct vs_gso *gso, void *header, struct iovec iov[2]);
int __wrap_vs_gso_next(struct vs_gso *gso, void *header, struct iovec iov[2])
{
	struct iovec before[2] = { iov[0], iov[1] };
	int n = __real_vs_gso_next(gso, header, iov);

	if (!suffers(gso->udp) || gso->header_len == 0)
		return n;
	if (broken == ONE_TOO_MANY && n == 0) {
		iov[0] = before[0];
		return 1;
	}
	if (broken == ONE_TOO_FEW && gso->done)
		return 0;
	if (broken == FLAGS_KEPT && n > 0 && !gso->udp) {
		uint8_t *tcp = (uint8_t *)header + gso->l4;
		if (!(tcp[13] & VS_TCP_PSH)) {
			tcp[13] |= VS_TCP_PSH;
			unsigned check = (unsigned)(tcp[16] << 8 | tcp[17]);
			check = check >= VS_TCP_PSH ? check - VS_TCP_PSH : check - VS_TCP_PSH - 1;
			tcp[16] = (uint8_t)(check >> 8);
			tcp[17] = (uint8_t)check;
		}
	}
	if (broken == PAYLOAD_SHIFTED && n == 2)
		iov[1].iov_base = (uint8_t *)iov[1].iov_base - 1;
	return n;
}

void __real_vs_gro_run(struct vs_gro *gro, const struct iovec *frames, size_t n, unsigned may);
void __wrap_vs_gro_run(struct vs_gro *gro, const struct iovec *frames, size_t n, unsigned may);
void __wrap_vs_gro_run(struct vs_gro *gro, const struct iovec *frames, size_t n, unsigned may)
{
	bool suffer = suffers((may & VS_GRO_UDP) != 0);

	__real_vs_gro_run(gro, frames, n, broken == NO_MERGE && suffer ? 0 : may);
	if (!suffer || gro->n_writes != 1)
		return;
	if (broken == WRONG_SIZE)
		gro->writes[0].vnet.gso_size++;
	if (broken == WRONG_LENGTH)
		((uint8_t *)gro->writes[0].iov[1].iov_base)[17]++;
	if (broken == DROPS_LAST)
		gro->writes[0].n_iov--;
}

static unsigned sound_when(int how)
{
	broken = how;
	unsigned sound = vs_selftest_run();
	broken = NOTHING;
	only_udp = only_tcp = false;
	return sound;
}

/* ------------------------------------------------------------------ cases */

static void test_finds_everything_sound(void **state)
{
	(void)state;
	assert_int_equal(sound_when(NOTHING), VS_OFFLOAD_ALL);
	assert_int_equal(vs_selftest_sound(), VS_OFFLOAD_ALL);
}

static void test_costs_less_than_a_millisecond(void **state)
{
	double best = 1e9;

	(void)state;
	for (int i = 0; i < 20; i++) { /* of CPU time: other processes may run at the same time */
		struct timespec a, b;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		(void)vs_selftest_run();
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		best = ms < best ? ms : best;
	}
	print_message("%.3f ms\n", best);
	assert_true(best < 1.0);
}

static void test_finds_a_wrong_checksum_kernel(void **state)
{
	(void)state;
	assert_int_equal(sound_when(SUMS_TOO_LOW), 0);
	assert_int_equal(sound_when(SUMS_ANYTHING), 0);
}

static void test_finds_broken_segmentation(void **state)
{
	static const int ways[] = { REFUSES, ONE_TOO_MANY, ONE_TOO_FEW, PAYLOAD_SHIFTED };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_int_equal(sound_when(ways[i]), VS_OFFLOAD_CSUM | VS_OFFLOAD_GRO | VS_OFFLOAD_UGRO);
}

static void test_finds_a_flag_on_every_segment(void **state)
{
	(void)state;
	assert_int_equal(sound_when(FLAGS_KEPT), VS_OFFLOAD_ALL & ~VS_OFFLOAD_TSO);
}

static void test_finds_broken_coalescing(void **state)
{
	static const int ways[] = { NO_MERGE, WRONG_SIZE, WRONG_LENGTH, DROPS_LAST };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_int_equal(sound_when(ways[i]), OUT);
}

static void test_finds_coalescing_that_hides_damage(void **state)
{
	(void)state;
	assert_int_equal(sound_when(MERGES_DAMAGE) & (VS_OFFLOAD_GRO | VS_OFFLOAD_UGRO), 0);
}

static void test_leaves_off_only_the_protocol_concerned(void **state)
{
	(void)state;
	only_udp = true;
	assert_int_equal(sound_when(PAYLOAD_SHIFTED), VS_OFFLOAD_ALL & ~VS_OFFLOAD_USO);
	only_tcp = true;
	assert_int_equal(sound_when(PAYLOAD_SHIFTED), VS_OFFLOAD_ALL & ~VS_OFFLOAD_TSO);
	only_udp = true;
	assert_int_equal(sound_when(WRONG_SIZE), VS_OFFLOAD_ALL & ~VS_OFFLOAD_UGRO);
	only_tcp = true;
	assert_int_equal(sound_when(WRONG_SIZE), VS_OFFLOAD_ALL & ~VS_OFFLOAD_GRO);
}

/* The result is stored once per process, so this case must run alone, as ctest runs it. */
static void test_what_is_broken_is_not_allowed(void **state)
{
	(void)state;
	broken = WRONG_SIZE;
	only_tcp = true;
	unsigned first = vs_offload_allowed();
	broken = NOTHING;
	if (first == VS_OFFLOAD_ALL) /* another case has run in this process */
		return;
	assert_int_equal(first, VS_OFFLOAD_ALL & ~VS_OFFLOAD_GRO);
	assert_int_equal(vs_offload_allowed(), first); /* tried once */
	assert_int_equal(setenv("VDESTACK_NO_OFFLOAD", "uso", 1), 0);
	assert_int_equal(vs_offload_allowed(), VS_OFFLOAD_ALL & ~(VS_OFFLOAD_GRO | VS_OFFLOAD_USO));
}

static void test_the_environment_turns_offloads_off(void **state)
{
	static const struct {
		const char *text;
		unsigned off;
	} table[] = {
		{ "", 0 },
		{ "csum", OUT },
		{ "tso", VS_OFFLOAD_TSO },
		{ "uso", VS_OFFLOAD_USO },
		{ "gro", VS_OFFLOAD_GRO },
		{ "ugro", VS_OFFLOAD_UGRO },
		{ "all", VS_OFFLOAD_ALL },
		{ "gro,ugro", VS_OFFLOAD_GRO | VS_OFFLOAD_UGRO },
		{ "tso gro", VS_OFFLOAD_TSO | VS_OFFLOAD_GRO },
		{ ",,gro, ,", VS_OFFLOAD_GRO },
		{ "gr,groo,GRO,none", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(setenv("VDESTACK_NO_OFFLOAD", table[i].text, 1), 0);
		assert_int_equal(vs_offload_allowed(), VS_OFFLOAD_ALL & ~table[i].off);
	}
	assert_int_equal(unsetenv("VDESTACK_NO_OFFLOAD"), 0);
	assert_int_equal(vs_offload_allowed(), VS_OFFLOAD_ALL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_everything_sound),
		cmocka_unit_test(test_costs_less_than_a_millisecond),
		cmocka_unit_test(test_finds_a_wrong_checksum_kernel),
		cmocka_unit_test(test_finds_broken_segmentation),
		cmocka_unit_test(test_finds_a_flag_on_every_segment),
		cmocka_unit_test(test_finds_broken_coalescing),
		cmocka_unit_test(test_finds_coalescing_that_hides_damage),
		cmocka_unit_test(test_leaves_off_only_the_protocol_concerned),
		cmocka_unit_test(test_what_is_broken_is_not_allowed),
		cmocka_unit_test(test_the_environment_turns_offloads_off),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
