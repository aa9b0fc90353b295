/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Impairment as it is asked for: settings, words, seeds, events, and who may change what. No traffic. */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <math.h>
#include <signal.h>
#include <sys/prctl.h>

#include "config/impair.h"
#include "impair.h"
#include "registry.h"
#include "wire/impair.h"
#include <vdestack/sources.h>

#define BOTH (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE | CASE_F_INPROCESS)

/* ------------------------------------------------------------------ settings */

CASE_FLAGS(settings_are_returned_with_a_seed, BOTH | CASE_F_NO_TUN)
{
	struct vdestack *s = lone_stack("");
	struct vdestack_impairment tx = { .size = sizeof(tx), .delay_ns = 20000000, .loss = 0.25 },
				   rx = { .size = sizeof(rx), .rate = 1000000, .seed = 77 };

	MUST(vdestack_impair(s, "vde0", &tx, &rx));
	struct impaired now = impairment_of(s, "vde0");
	CHECK(now.tx.seed != 0 && now.rx.seed == 77);
	tx.seed = now.tx.seed;
	CHECK(memcmp(&now.tx, &tx, sizeof(tx)) == 0 && memcmp(&now.rx, &rx, sizeof(rx)) == 0);
	MUST(vdestack_impair(s, "vde0", &(struct vdestack_impairment){ .size = sizeof(tx) }, NULL));
	now = impairment_of(s, "vde0");
	CHECK(now.tx.delay_ns == 0 && now.tx.loss <= 0 && now.tx.seed != tx.seed);
	CHECK(memcmp(&now.rx, &rx, sizeof(rx)) == 0);
	MUST(vdestack_impair(s, "vde0", NULL, NULL));
	struct impaired again = impairment_of(s, "vde0");
	CHECK(same_settings(&now, &again));
}

CASE_FLAGS(an_interface_that_was_never_impaired_says_so, BOTH)
{
	struct impaired now = impairment_of(lone_stack(""), "vde0"), none;

	memset(&none, 0, sizeof(none));
	none.tx.size = none.rx.size = sizeof(none.tx);
	CHECK(same_settings(&now, &none));
	CHECK(now.tx_stats.seen == 0 && now.rx_stats.seen == 0 && now.tx_stats.size == sizeof(now.tx_stats));
}

CASE_FLAGS(words_add_to_what_is_in_force, BOTH)
{
	struct vdestack *s = lone_stack("");

	MUST(vdestack_impair_words(s, "vde0", "delay=20ms,seed=5"));
	MUST(vdestack_impair_words(s, "vde0", "tx.loss=1% jitter=1ms:normal"));
	struct impaired now = impairment_of(s, "vde0");
	CHECK(now.tx.delay_ns == 20000000 && now.rx.delay_ns == 20000000);
	CHECK(now.tx.loss > 0 && now.rx.loss <= 0 && now.rx.jitter_ns == 1000000);
	CHECK(now.tx.seed == 5 && now.rx.seed == 6);
	MUST(vdestack_impair_words(s, "vde0", "-tx.delay -rx.seed"));
	now = impairment_of(s, "vde0");
	CHECK(now.tx.delay_ns == 0 && now.rx.delay_ns == 20000000);
	CHECK(now.tx.seed == 5 && now.rx.seed != 6 && now.rx.seed != 0);
	MUST(vdestack_impair_words(s, "vde0", "unimpaired rx.cut"));
	now = impairment_of(s, "vde0");
	CHECK(now.tx.loss <= 0 && now.tx.jitter_ns == 0 && now.rx.delay_ns == 0 && now.rx.cut == 1);
}

CASE_FLAGS(a_wrong_word_changes_nothing, BOTH)
{
	struct vdestack *s = lone_stack("delay=3ms loss=2% seed=9");
	struct impaired before = impairment_of(s, "vde0");
	static const char *const wrong[] = {
		"loss=101%",     "delay=5",     "cut delay=-1ms",      "loss=3% jitter=1ms:x",
		"rate=nan",      "unimpaired loss=1e3", "tx.tx.loss=1%", "ip=10.0.0.1",
		"delay=1ms delay=2ms", "'loss=5%", "group=-1",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CHECK_ERRNO(vdestack_impair_words(s, "vde0", wrong[i]), EINVAL);
		CHECK_CONTAINS(vdestack_last_error(), "at position ");
	}
	CHECK_ERRNO(vdestack_impair_words(s, "vde0", "loss=3% group=1"), ENOTSUP);
	CHECK_ERRNO(vdestack_impair_words(s, "vde0", NULL), EINVAL);
	CHECK_ERRNO(vdestack_impair_words(s, "vde1", "loss=3%"), ENODEV);
	CHECK_ERRNO(vdestack_impair_words(s, "lo", "loss=3%"), EINVAL);
	CHECK_ERRNO(vdestack_impair_words(s, "a name that is too long", "loss=3%"), EINVAL);
	struct impaired after = impairment_of(s, "vde0");
	CHECK(same_settings(&before, &after));
}

CASE_FLAGS(a_value_out_of_range_changes_neither_direction, BOTH)
{
	struct vdestack *s = lone_stack("delay=3ms seed=9");
	struct impaired before = impairment_of(s, "vde0"), after;
	const struct vdestack_impairment good = { .size = sizeof(good), .loss = 0.5 };
	const struct vdestack_impairment wrong[] = {
		{ .size = sizeof(good), .loss = 1.5 },
		{ .size = sizeof(good), .loss = -0.1 },
		{ .size = sizeof(good), .loss = (double)NAN },
		{ .size = sizeof(good), .loss = (double)INFINITY },
		{ .size = sizeof(good), .distribution = 9 },
		{ .size = sizeof(good), .queue = 2 },
		{ .size = sizeof(good), .burst_leave = 2 },
		{ .size = sizeof(good), .delay_ns = UINT64_MAX },
		{ .size = sizeof(good), .jitter_ns = 3600000000001 },
		{ .size = sizeof(good), .rate = UINT64_MAX },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CHECK_ERRNO(vdestack_impair(s, "vde0", &good, &wrong[i]), EINVAL);
		CHECK_CONTAINS(vdestack_last_error(), "rx: ");
		CHECK_ERRNO(vdestack_impair(s, "vde0", &wrong[i], &good), EINVAL);
		CHECK_CONTAINS(vdestack_last_error(), "tx: ");
		after = impairment_of(s, "vde0");
		CHECK(same_settings(&before, &after));
	}
}

CASE_FLAGS(structs_of_other_versions_are_understood, BOTH)
{
	struct vdestack *s = lone_stack("");
	struct {
		struct vdestack_impairment known;
		uint64_t newer;
	} large = { .known = { .size = sizeof(large), .delay_ns = 5, .loss = 0.5 } };
	struct vdestack_impairment small = { .size = offsetof(struct vdestack_impairment, burst_enter),
					     .loss = 0.25, .delay_ns = 99 };

	MUST(vdestack_impair(s, "vde0", &large.known, &small));
	struct impaired now = impairment_of(s, "vde0");
	CHECK(now.tx.delay_ns == 5 && now.tx.loss > 0.49 && now.tx.size == sizeof(now.tx));
	CHECK(now.rx.delay_ns == 0 && now.rx.loss > 0.24);
	large.newer = 1;
	CHECK_ERRNO(vdestack_impair(s, "vde0", &large.known, NULL), E2BIG);
	small.size = 0;
	CHECK_ERRNO(vdestack_impair(s, "vde0", &small, NULL), EINVAL);
	CHECK_ERRNO(vdestack_impair_get(s, "vde0", &small, NULL, NULL, NULL), EINVAL);
	small.size = offsetof(struct vdestack_impairment, burst_enter);
	memset(&large.newer, 0x5a, sizeof(large.newer));
	MUST(vdestack_impair_get(s, "vde0", &large.known, &small, NULL, NULL));
	CHECK(large.newer == 0 && large.known.size == sizeof(large) && large.known.delay_ns == 5);
	CHECK(small.delay_ns == 99 && small.size == offsetof(struct vdestack_impairment, burst_enter));
}

CASE_FLAGS(only_segments_have_groups_and_ports, BOTH)
{
	struct vdestack *s = lone_stack("");

	CHECK_ERRNO(vdestack_segment_group(s, "vde0", 1), ENOTSUP);
	CHECK_ERRNO(vdestack_segment_group(s, "vde0", 65536), EINVAL);
	CHECK_ERRNO(vdestack_segment_flap(s, "vde0"), ENOTSUP);
	CHECK_ERRNO(vdestack_segment_flap(s, "vde1"), ENODEV);
	CHECK_ERRNO(vdestack_segment_flap(NULL, "vde0"), EINVAL);
}

/* ------------------------------------------------------------------ the configuration */

CASE_FLAGS(the_configuration_impairs_from_the_start, BOTH)
{
	struct vdestack *s = new_stack("vnl=ptp://%s delay=1ms seed=3 iface=b vnl=ptp://%s "
				       "iface=c vnl=ptp://%s rx.loss=1%%,tx.cut",
				       case_path("a"), case_path("b"), case_path("c"));

	CHECK(impairment_of(s, "vde0").tx.delay_ns == 1000000 && impairment_of(s, "vde0").rx.seed == 4);
	CHECK(impairment_of(s, "b").tx.seed == 0);
	CHECK(impairment_of(s, "c").tx.cut == 1 && impairment_of(s, "c").rx.loss > 0);
	char config[300];
	(void)snprintf(config, sizeof(config), "iface=d vnl=ptp://%s rate=1mbit", case_path("d"));
	MUST(vdestack_iface_add(s, config, case_opts()));
	CHECK(impairment_of(s, "d").rx.rate == 1000000);
}

/* The keeper refuses a group there, after the interface was made. */
CASE_FLAGS(a_stack_that_cannot_be_impaired_is_not_made, BOTH)
{
	struct vdestack *s = lone_stack("");
	char config[300];

	(void)snprintf(config, sizeof(config), "iface=b vnl=ptp://%s delay=1ms group=1", case_path("b"));
	errno = 0;
	CHECK(vdestack_new(config, case_opts()) == NULL && errno == ENOTSUP);
	CHECK_CONTAINS(vdestack_last_error(), "interface b");
	CHECK_ERRNO(vdestack_iface_add(s, config, case_opts()), ENOTSUP);
	CHECK_ERRNO(vdestack_if_nametoindex(s, "b"), ENODEV);
	(void)snprintf(config, sizeof(config), "iface=b vnl=ptp://%s delay=1", case_path("b"));
	CHECK_ERRNO(vdestack_iface_add(s, config, case_opts()), EINVAL);
}

CASE_FLAGS(a_configuration_that_is_half_wrong_changes_nothing, BOTH)
{
	struct vdestack *s = new_stack("vnl=ptp://%s ip=10.9.0.1/24 delay=3ms seed=9 iface=b vnl=ptp://%s",
				       case_path("a"), case_path("b"));
	struct impaired before = impairment_of(s, "vde0"), after;
	static const struct {
		const char *config;
		int err;
	} wrong[] = {
		{ "ip=10.9.0.9/24 loss=5% delay=7", EINVAL },
		{ "ip=10.9.0.9/24 unimpaired iface=b loss=101%", EINVAL },
		{ "ip=10.9.0.9/24 unimpaired loss=1% iface=b cut group=1", ENOTSUP },
		{ "ip=10.9.0.9/24 -delay iface=nowhere cut", ENODEV },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CHECK_ERRNO(vdestack_configure(s, wrong[i].config, case_opts()), wrong[i].err);
		after = impairment_of(s, "vde0");
		CHECK(same_settings(&before, &after));
		CHECK(impairment_of(s, "b").tx.cut == 0 && impairment_of(s, "b").tx.loss <= 0);
		struct sockaddr_in there = address("10.9.0.9", 0);
		int fd = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		CHECK_ERRNO(bind(fd, (struct sockaddr *)&there, sizeof(there)), EADDRNOTAVAIL);
		close(fd);
	}
	MUST(vdestack_configure(s, "ip=10.9.0.9/24 -delay loss=1% iface=b rx.cut", case_opts()));
	after = impairment_of(s, "vde0");
	CHECK(after.tx.delay_ns == 0 && after.rx.loss > 0 && after.tx.seed == 9);
	CHECK(impairment_of(s, "b").rx.cut == 1);
}

/* ------------------------------------------------------------------ events */

static bool next_is(int events, uint32_t type)
{
	struct vdestack_event e;

	do {
		if (MUST(vdestack_event_read(events, &e, SOON_MS)) == 0)
			return false;
	} while (e.type != type && e.type != VDESTACK_EVENT_CARRIER_CUT);
	return e.type == type && strcmp(e.ifname, "vde0") == 0;
}

CASE_FLAGS(a_change_is_an_event_and_a_refusal_is_none, BOTH)
{
	struct vdestack *s = lone_stack("");
	int events = (int)MUST(vdestack_events(s));

	MUST(vdestack_impair_words(s, "vde0", "delay=1ms"));
	CHECK(next_is(events, VDESTACK_EVENT_IMPAIRED));
	CHECK_ERRNO(vdestack_impair_words(s, "vde0", "delay=1ms group=1"), ENOTSUP);
	MUST(vdestack_impair_words(s, "vde0", "")); /* says nothing */
	MUST(vdestack_impair(s, "vde0", NULL, NULL));
	(void)impairment_of(s, "vde0");
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	CHECK(next_is(events, VDESTACK_EVENT_CARRIER_CUT)); /* nothing came in between */
	MUST(vdestack_configure(s, "unimpaired", case_opts()));
	CHECK(next_is(events, VDESTACK_EVENT_IMPAIRED));
}

/* ------------------------------------------------------------------ who */

static void impair_from_outside(void *unused)
{
	struct vdestack *s = vdestack_attach(getppid(), NULL, NULL);

	(void)unused;
	CHECK(s != NULL);
	CHECK(impairment_of(s, "vde0").tx.delay_ns == 1000000);
	MUST(vdestack_impair_words(s, "vde0", "-delay rx.loss=2% seed=8"));
	CHECK_ERRNO(vdestack_link_set_carrier(s, "vde0", 0), EPERM);
}

CASE_FLAGS(another_program_of_the_same_user_may_impair, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	struct vdestack *s = lone_stack("delay=1ms");
	int events = (int)MUST(vdestack_events(s));

	await_listed(getpid(), 1);
	in_child(impair_from_outside, NULL);
	struct impaired now = impairment_of(s, "vde0");
	CHECK(now.tx.delay_ns == 0 && now.rx.loss > 0 && now.tx.seed == 8);
	CHECK(next_is(events, VDESTACK_EVENT_IMPAIRED));
}

static struct vdestack *inherited;

static void impair_as_another_user(void *unused)
{
	(void)unused;
	become(OTHER, OTHER);
	CHECK_ERRNO(vdestack_attach(getppid(), NULL, NULL), ESRCH);
	CHECK_ERRNO(vdestack_impair_words(inherited, "vde0", "cut"), EPERM);
	CHECK(impairment_of(inherited, "vde0").tx.delay_ns == 1000000);
}

CASE_FLAGS(another_user_may_not, CASE_F_ROOT | CASE_F_VDE)
{
	inherited = lone_stack("delay=1ms");
	await_listed(getpid(), 1);
	in_child(impair_as_another_user, NULL);
	CHECK(impairment_of(inherited, "vde0").tx.cut == 0);
}

CASE_FLAGS(a_process_that_has_dropped_its_privileges_may_not, CASE_F_ROOT | CASE_F_VDE)
{
	struct vdestack *s = lone_stack("delay=1ms");

	become(OTHER, OTHER);
	CHECK_ERRNO(vdestack_impair_words(s, "vde0", "cut"), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "privileges");
	CHECK_ERRNO(vdestack_segment_flap(s, "vde0"), EPERM);
	CHECK(impairment_of(s, "vde0").tx.cut == 0);
}

CASE_FLAGS(a_sealed_process_may_not, BOTH)
{
	struct vdestack *s = lone_stack("delay=1ms");

	MUST(vdestack_seal());
	CHECK_ERRNO(vdestack_impair_words(s, "vde0", "cut"), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "sealed");
	CHECK_ERRNO(vdestack_impair(s, "vde0", &(struct vdestack_impairment){ .size = sizeof(size_t) }, NULL),
		    EPERM);
	CHECK_ERRNO(vdestack_segment_group(s, "vde0", 1), EPERM);
	CHECK(impairment_of(s, "vde0").tx.delay_ns == 1000000 && impairment_of(s, "vde0").tx.cut == 0);
}

CASE_FLAGS(a_handle_apart_reads_and_changes_nothing, BOTH)
{
	struct vdestack *s = lone_stack("delay=1ms");
	struct vdestack *apart = vdestack_receive((int)MUST(vdestack_pass(s, VDESTACK_PASS_APART)));

	CHECK(apart != NULL);
	CHECK(impairment_of(apart, "vde0").tx.delay_ns == 1000000);
	CHECK_ERRNO(vdestack_impair_words(apart, "vde0", "cut"), EPERM);
	CHECK_ERRNO(vdestack_segment_flap(apart, "vde0"), EPERM);
	CHECK(impairment_of(s, "vde0").tx.cut == 0);
}

/* ------------------------------------------------------------------ forged requests */

static int send_raw(const void *text, size_t len, bool no_key)
{
	struct raw_request r = { .req = { .op = VS_OP_IMPAIR, .iface.name = "vde0" }, .text = text,
				 .text_len = len, .no_key = no_key };
	struct ucred claim = seen.claim;

	r.claim = claim.pid != 0 ? &claim : NULL;
	return raw_call(seen.door, &r, NULL);
}

CASE_FLAGS(forged_requests_change_nothing, BOTH)
{
	struct vdestack *s = lone_stack("");
	static char bytes[VS_TEXT_MAX];
	const struct vs_wire_impair right = { .tx = { .fields = VS_IMPAIR_CUT, .to = { .cut = 1 } },
					      .group = VS_WIRE_GROUP_KEEP };
	struct vs_wire_impair change = right;

	MUST(vdestack_impair_words(s, "vde0", "delay=1ms seed=3"));
	struct impaired before = impairment_of(s, "vde0");
	CHECK_EQ(send_raw(&change, sizeof(change), true), -EPERM);
	for (size_t len = 1; len < sizeof(bytes); len += len < 2 * sizeof(change) ? 1 : 501) {
		if (len == sizeof(change))
			continue;
		memset(bytes, (int)len, len);
		memcpy(bytes, &change, len < sizeof(change) ? len : sizeof(change));
		CHECK_EQ(send_raw(bytes, len, false), -EINVAL);
	}
	change.tx.fields = UINT64_C(1) << 40;
	CHECK_EQ(send_raw(&change, sizeof(change), false), -EINVAL);
	change.tx.fields = VS_IMPAIR_CUT;
	change.group = 65536;
	CHECK_EQ(send_raw(&change, sizeof(change), false), -EINVAL);
	change.group = 0;
	CHECK_EQ(send_raw(&change, sizeof(change), false), -ENOTSUP);
	memset(&change, 0xff, sizeof(change));
	CHECK_EQ(send_raw(&change, sizeof(change), false), -EINVAL);
	struct impaired after = impairment_of(s, "vde0");
	CHECK(same_settings(&before, &after));
	change = right;
	CHECK_EQ(send_raw(&change, sizeof(change), false), 0); /* so what was refused was almost right */
	CHECK(impairment_of(s, "vde0").tx.cut == 1);
}

/* As a receiver does that has found the key, too. */
CASE_FLAGS(a_handle_apart_impairs_nothing_even_with_the_key, BOTH)
{
	struct vdestack *s = lone_stack("delay=1ms");
	const struct vs_wire_impair cut = { .tx = { .fields = VS_IMPAIR_CUT, .to = { .cut = 1 } },
					    .group = VS_WIRE_GROUP_KEEP };

	(void)impairment_of(s, "vde0");
	const struct vs_key *key = seen.key;
	int own = seen.door;
	struct vdestack *apart = vdestack_receive((int)MUST(vdestack_pass(s, VDESTACK_PASS_APART)));
	CHECK(apart != NULL);
	(void)impairment_of(apart, "vde0");
	CHECK(seen.door != own);
	seen.key = key;
	CHECK_EQ(send_raw(&cut, sizeof(cut), false), -EPERM);
	CHECK(impairment_of(s, "vde0").tx.cut == 0);
	seen.door = own;
	seen.key = key;
	CHECK_EQ(send_raw(&cut, sizeof(cut), false), 0); /* so the request was right */
	CHECK(impairment_of(s, "vde0").tx.cut == 1);
}

/* Whatever the bits are, the keeper answers, and what is in force can be used. */
CASE_FLAGS(random_settings_are_refused_or_in_range, BOTH)
{
	struct vdestack *s = lone_stack("");
	struct vs_wire_impair change;
	unsigned seed = (unsigned)getpid(), refused = 0;

	printf("seed %u\n", seed);
	srandom(seed);
	MUST(vdestack_impair_words(s, "vde0", "delay=1ms"));
	for (int i = 0; i < 500; i++) {
		memset(&change, 0, sizeof(change));
		change.group = VS_WIRE_GROUP_KEEP;
		for (int j = 0; j < 2; j++) {
			struct vs_wire_impair_change *c = j == 0 ? &change.tx : &change.rx;
			unsigned char *bytes = (unsigned char *)&c->to;
			c->fields = (unsigned long)random() & 0xffff;
			for (int n = (int)(random() % 12); n > 0; n--)
				bytes[(size_t)random() % sizeof(c->to)] = (unsigned char)random();
		}
		int r = send_raw(&change, sizeof(change), false);
		CHECK(r == 0 || r == -EINVAL);
		refused += r != 0;
		struct impaired now = impairment_of(s, "vde0");
		CHECK(now.tx.loss >= 0 && now.tx.loss <= 1 && now.rx.burst_enter >= 0);
		CHECK(now.tx.distribution <= VDESTACK_PARETO);
		CHECK(now.tx.size == sizeof(now.tx) && now.tx.seed != 0);
	}
	printf("%u of 500 refused\n", refused);
}
