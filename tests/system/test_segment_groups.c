/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Segments that are split and healed, and bridges that believe something wrong. */

#include "segment.h"
#include <vdestack/capture.h>

/* Stacks 10.9.0.1 to 10.9.0.N on a segment, each with a mailbox of both families. */
struct world {
	int n;
	struct vdestack *s[4];
	struct mailbox v4[4], v6[4];
};

static struct world new_world(int n)
{
	struct world w = { .n = n };
	char addr[32];

	for (int i = 0; i < n; i++) {
		w.s[i] = new_stack("vnl=inproc://lan ip=10.9.0.%d/24 ip=fd00::%d/64", i + 1, i + 1);
		(void)snprintf(addr, sizeof(addr), "10.9.0.%d", i + 1);
		w.v4[i] = mailbox_in(w.s[i], addr);
		(void)snprintf(addr, sizeof(addr), "fd00::%d", i + 1);
		w.v6[i] = mailbox_in(w.s[i], addr);
	}
	return w;
}

/* Frames pass between those of the same group, and no others. */
static void check_groups(struct world *w, const unsigned *groups)
{
	for (int i = 0; i < w->n; i++) {
		for (int j = 0; j < w->n; j++) {
			if (i != j && groups[i] == groups[j]) {
				check_mail(&w->v4[i], &w->v4[j]);
				check_mail(&w->v6[i], &w->v6[j]);
			} else if (i != j) {
				check_no_mail(&w->v4[i], &w->v4[j]);
				check_no_mail(&w->v6[i], &w->v6[j]);
			}
		}
	}
}

/* New neighbours must be resolved, by ARP and by neighbour discovery. */
static void forget_neighbours(struct world *w)
{
	for (int i = 0; i < w->n; i++) {
		MUST(vdestack_link_set_carrier(w->s[i], "vde0", 0));
		MUST(vdestack_link_set_carrier(w->s[i], "vde0", 1));
	}
}

static void set_groups(struct world *w, const unsigned *groups)
{
	for (int i = 0; i < w->n; i++)
		group(w->s[i], groups[i]);
}

static void split_and_heal(struct world *w, const unsigned *groups)
{
	static const unsigned whole[4];

	check_groups(w, whole);
	set_groups(w, groups);
	check_groups(w, groups);
	set_groups(w, whole);
	check_groups(w, whole);
	forget_neighbours(w);
	check_groups(w, whole);
}

CASE_TIMED(a_segment_is_split_in_two_and_healed, EACH_SEGMENT, 60)
{
	struct world w = new_world(3);

	split_and_heal(&w, (const unsigned[]){ 0, 1, 0 });
	split_and_heal(&w, (const unsigned[]){ 7, 0, 0 });
}

CASE_TIMED(a_segment_is_split_in_three_and_healed, EACH_SEGMENT, 60)
{
	struct world w = new_world(4);

	split_and_heal(&w, (const unsigned[]){ 3, 65535, 3, 1 });
}

CASE_TIMED(impaired_ports_are_split_and_healed, EACH_SEGMENT | CASE_F_TSAN, 60)
{
	struct world w = new_world(3);

	impair(w.s[0], HARMLESS);
	split_and_heal(&w, (const unsigned[]){ 0, 1, 0 });
	impair(w.s[1], HARMLESS);
	group(w.s[1], 5);
	impair(w.s[0], "unimpaired");
	group(w.s[0], 5);
	impair(w.s[0], HARMLESS);
	check_groups(&w, (const unsigned[]){ 5, 5, 0 });
	impair(w.s[0], "unimpaired");
	impair(w.s[1], "unimpaired");
	check_groups(&w, (const unsigned[]){ 5, 5, 0 });
}

CASE_FLAGS(a_connection_survives_a_split, EACH_SEGMENT)
{
	struct vdestack *a = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	struct vdestack *b = new_stack("vnl=inproc://lan ip=10.9.0.2/24");
	struct connection c = connection_to(a, "10.9.0.1", b);
	char got[4];

	for (unsigned i = 1; i <= 3; i++) {
		group(a, i);
		MUST(send(c.b, "ping", 4, MSG_NOSIGNAL)); /* is repeated until it has arrived */
		CHECK_EQ(wait_readable(c.a, 100), false);
		group(a, 0);
		CHECK_EQ(recv(c.a, got, 4, MSG_WAITALL), 4);
	}
	connection_close(&c);
}

CASE_FLAGS(stacks_end_in_their_groups, EACH_SEGMENT)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	struct resources before = resources_now();

	for (unsigned i = 1; i <= 4; i++) {
		struct vdestack *other = new_stack("vnl=inproc://lan ip=10.9.0.2/24");
		group(other, i);
		if (i % 2 == 0)
			impair(other, HARMLESS);
		MUST(vdestack_delete(other));
	}
	check_resources(&before);
	struct vdestack *other = new_stack("vnl=inproc://lan ip=10.9.0.2/24");
	check_udp(s, other, "10.9.0.2");
}

CASE_FLAGS(the_last_stack_ends_in_a_group_of_its_own, EACH_SEGMENT)
{
	for (int i = 0; i < 3; i++) {
		struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
		group(s, 4);
		impair(s, HARMLESS);
		MUST(vdestack_delete(s));
	}
	struct world w = new_world(2);
	check_groups(&w, (const unsigned[]){ 0, 0 });
}

CASE_FLAGS(a_tap_that_closes_brings_the_port_back_to_its_group, EACH_SEGMENT)
{
	const struct vdestack_tap_opts alone = { .size = sizeof(alone), .flags = VDESTACK_TAP_ALONE };
	const unsigned groups[] = { 4, 4, 0 };
	struct world w = new_world(3);

	set_groups(&w, groups);
	check_groups(&w, groups);
	int fd = (int)MUST(vdestack_tap_open(w.s[0], "vde0", &alone));
	check_no_mail(&w.v4[1], &w.v4[0]);
	close(fd);
	check_groups(&w, groups);
}

/* ------------------------------------------------------------------ flaps */

static void check_flap(struct world *w)
{
	check_mail(&w->v4[0], &w->v4[1]);
	check_mail(&w->v4[1], &w->v4[0]);
	MUST(vdestack_segment_flap(w->s[1], "vde0"));
	check_no_mail(&w->v4[0], &w->v4[1]);
	mail(&w->v4[1], &w->v4[0], 3); /* the bridge learns where it is */
	CHECK_EQ(mail_within(&w->v4[0], SOON_MS), 3);
	mail(&w->v4[0], &w->v4[1], 4);
	CHECK_EQ(mail_within(&w->v4[1], SOON_MS), 4);
}

CASE_FLAGS(a_flap_sends_frames_astray_until_the_interface_sends, EACH_SEGMENT)
{
	struct world w = new_world(3);

	for (int i = 0; i < 3; i++)
		check_flap(&w);
	impair(w.s[2], HARMLESS);
	check_flap(&w);
	impair(w.s[1], HARMLESS);
	check_flap(&w);
}

CASE_FLAGS(a_flap_needs_another_port_in_the_group, EACH_SEGMENT)
{
	struct world w = new_world(2);

	group(w.s[0], 1);
	CHECK_ERRNO(vdestack_segment_flap(w.s[0], "vde0"), ENOTSUP);
	CHECK_CONTAINS(vdestack_last_error(), "alone");
	group(w.s[1], 1);
	MUST(vdestack_segment_flap(w.s[0], "vde0"));
}

CASE_FLAGS(a_flap_needs_another_port_with_a_cable, EACH_SEGMENT)
{
	struct world w = new_world(3);

	MUST(vdestack_link_set_carrier(w.s[2], "vde0", 0));
	MUST(vdestack_segment_flap(w.s[0], "vde0")); /* goes to the second one */
	MUST(vdestack_link_set_carrier(w.s[1], "vde0", 0));
	CHECK_ERRNO(vdestack_segment_flap(w.s[0], "vde0"), ENOTSUP);
	CHECK_CONTAINS(vdestack_last_error(), "cables of the others are cut");
	MUST(vdestack_link_set_carrier(w.s[2], "vde0", 1));
	MUST(vdestack_segment_flap(w.s[0], "vde0"));
}

CASE_FLAGS(what_makes_no_sense_changes_nothing, EACH_SEGMENT)
{
	struct world w = new_world(2);

	CHECK_ERRNO(vdestack_segment_group(w.s[0], "none", 1), ENODEV);
	CHECK_ERRNO(vdestack_segment_group(w.s[0], "vde0", 65536), EINVAL);
	CHECK_ERRNO(vdestack_segment_flap(w.s[0], "none"), ENODEV);
	check_groups(&w, (const unsigned[]){ 0, 0 });
}
