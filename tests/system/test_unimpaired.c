/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An interface that was never impaired, or is impaired no more, has nothing of the impairment in the way of
 * its frames: no thread, no engine, no offload that is missing. tests/bench/run --only unimpaired measures
 * that.
 */

#define _GNU_SOURCE
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "segment.h"
#include <vdestack/conf.h>

#define BOTH (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE | CASE_F_INPROCESS)
#define MIB (1 << 20)

/* ------------------------------------------------------------------ pumps */

static uint64_t seen_by_engines(struct vdestack *s)
{
	struct vdestack_impair_stats tx = { .size = sizeof(tx) }, rx = { .size = sizeof(rx) };

	MUST(vdestack_impair_get(s, "vde0", NULL, NULL, &tx, &rx));
	return tx.seen + rx.seen;
}

/* Ten frames in each direction at least. */
static void datagrams_both_ways(struct vdestack *s[2])
{
	for (int i = 0; i < 10; i++) {
		check_udp(s[0], s[1], "10.9.0.2");
		check_udp(s[1], s[0], "10.9.0.1");
	}
}

/* An engine leaves the way with the first frame that finds nothing to do. */
static bool frames_pass_by(void *arg)
{
	struct vdestack **s = arg;
	uint64_t before = seen_by_engines(s[0]);

	datagrams_both_ways(s);
	return seen_by_engines(s[0]) == before;
}

CASE_FLAGS(frames_go_past_the_engine_of_an_interface_that_is_not_impaired, BOTH | CASE_F_NO_TUN)
{
	struct vdestack *s[2];

	for (int i = 0; i < 2; i++)
		s[i] = new_stack("vnl=ptp://%s ip=10.9.0.%d/24", case_path("net"), i + 1);
	datagrams_both_ways(s);
	check_pumps(keeper_pid(), 2);
	CHECK_EQ(seen_by_engines(s[0]), 0);
	for (int i = 0; i < 3; i++) {
		uint64_t before = seen_by_engines(s[0]);
		impair(s[0], HARMLESS);
		datagrams_both_ways(s);
		CHECK(seen_by_engines(s[0]) >= before + 20);
		impair(s[0], "unimpaired");
		datagrams_both_ways(s); /* so that each direction has had its frame */
		CHECK(wait_until(frames_pass_by, s, SOON_MS));
		CHECK(frames_pass_by(s));
		check_pumps(keeper_pid(), 2);
	}
	CHECK_EQ(seen_by_engines(s[1]), 0);
}

/* ------------------------------------------------------------------ segments */

#define BLOCKS 8

struct features {
	uint32_t active[BLOCKS];
};

static struct features features_of_device(struct vdestack *s, const char *name)
{
	struct features f;
	struct ifreq ifr = { 0 };
	struct ethtool_gfeatures *answer =
		calloc(1, sizeof(*answer) + BLOCKS * sizeof(struct ethtool_get_features_block));
	int fd = socket_in(s, AF_INET, SOCK_DGRAM);

	CHECK(answer != NULL);
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	answer->cmd = ETHTOOL_GFEATURES;
	answer->size = BLOCKS;
	ifr.ifr_data = (void *)answer;
	MUST(ioctl(fd, SIOCETHTOOL, &ifr));
	CHECK(answer->size > 0);
	for (int i = 0; i < BLOCKS; i++)
		f.active[i] = answer->features[i].active;
	free(answer);
	close(fd);
	return f;
}

static struct features features_of(struct vdestack *s)
{
	return features_of_device(s, "vde0");
}

/* So a segment is as fast as namespaces that are joined by hand: nothing else of the devices differs. */
static void check_as_by_hand(struct vdestack *s)
{
	static char *const words[] = { "ip",   "link", "add",  "hand0", "type",
				       "veth", "peer", "name", "hand1", NULL };

	CHECK_EQ(MUST(vdestack_run(s, words, NULL)), 0);
	MUST(vdestack_link_set_up(s, "hand0", 1));
	MUST(vdestack_link_set_up(s, "hand1", 1));
	struct features hand = features_of_device(s, "hand0"), ours = features_of(s);
	CHECK(memcmp(&hand, &ours, sizeof(hand)) == 0);
}

CASE(an_interface_on_a_segment_has_the_offloads_of_a_veth_made_by_hand)
{
	check_as_by_hand(new_stack("vnl=inproc://lan ip=10.9.0.1/24"));
	check_as_by_hand(new_stack("vnl=local://lan ip=10.9.0.1/24"));
}

CASE_FLAGS(a_port_that_is_impaired_no_more_has_its_offloads_back, EACH_SEGMENT)
{
	struct vdestack *s[2];

	for (int i = 0; i < 2; i++)
		s[i] = new_stack("vnl=inproc://lan ip=10.9.0.%d/24", i + 1);
	struct features before = features_of(s[0]), other = features_of(s[1]);
	CHECK(memcmp(&before, &other, sizeof(before)) == 0);
	for (int i = 0; i < 2; i++) {
		impair(s[0], HARMLESS);
		struct features during = features_of(s[0]);
		CHECK(memcmp(&before, &during, sizeof(before)) != 0); /* the forwarder does not know all */
		impair(s[0], "unimpaired");
		struct features after = features_of(s[0]);
		CHECK(memcmp(&before, &after, sizeof(before)) == 0);
		check_pumps(keeper_pid(), 0);
		bulk_both_ways(s[0], "10.9.0.1", s[1], MIB);
	}
	other = features_of(s[1]);
	CHECK(memcmp(&before, &other, sizeof(before)) == 0);
}
