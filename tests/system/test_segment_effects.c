/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What impairments do to frames at the port of a segment. */

#include "segment.h"

#define MS 1000

struct two {
	struct vdestack *s[2];
	struct mailbox m[2];
};

static struct two two_mailboxes(void)
{
	struct two t;

	t.s[0] = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	t.s[1] = new_stack("vnl=inproc://lan ip=10.9.0.2/24");
	t.m[0] = mailbox_in(t.s[0], "10.9.0.1");
	t.m[1] = mailbox_in(t.s[1], "10.9.0.2");
	check_mail(&t.m[0], &t.m[1]); /* neighbours are known then */
	check_mail(&t.m[1], &t.m[0]);
	return t;
}

/* How long a datagram takes; the shortest of some, as the machine may be busy. */
static long long transit_us(const struct mailbox *from, const struct mailbox *to)
{
	long long shortest = 0;

	for (int i = 0; i < 5; i++) {
		long long start = now_us();
		int value;
		mail(from, to, 100 + i);
		do {
			value = mail_within(to, SOON_MS);
			CHECK(value >= 0);
		} while (value != 100 + i); /* earlier ones may still come */
		long long took = now_us() - start;
		shortest = i == 0 || took < shortest ? took : shortest;
	}
	return shortest;
}

static void check_transit(const struct two *t, int from, int ms)
{
	long long us = transit_us(&t->m[from], &t->m[1 - from]);

	printf("from %d: %lld us, asked for %d ms\n", from, us, ms);
	CHECK(us >= ms * MS);
	CHECK(us < (ms + 15) * MS); /* the test is about segments; docs/impairment.md is about accuracy */
}

CASE_FLAGS(each_direction_is_delayed_as_asked, EACH_SEGMENT)
{
	struct two t = two_mailboxes();

	impair(t.s[0], "tx.delay=40ms");
	check_transit(&t, 0, 40);
	check_transit(&t, 1, 0);
	impair(t.s[0], "tx.delay=0 rx.delay=25ms");
	check_transit(&t, 0, 0);
	check_transit(&t, 1, 25);
	impair(t.s[1], "delay=30ms");
	check_transit(&t, 0, 30);
	check_transit(&t, 1, 55);
	impair(t.s[0], "unimpaired");
	impair(t.s[1], "unimpaired");
	check_transit(&t, 0, 0);
	check_transit(&t, 1, 0);
}

static struct vdestack_impair_stats tx_stats(struct vdestack *s)
{
	struct vdestack_impair_stats st = { .size = sizeof(st) };

	MUST(vdestack_impair_get(s, "vde0", NULL, NULL, &st, NULL));
	return st;
}

static int count_mail(const struct mailbox *m)
{
	int n = 0;

	while (mail_within(m, 100) >= 0)
		n++;
	return n;
}

CASE_FLAGS(frames_are_lost_as_asked, EACH_SEGMENT)
{
	struct two t = two_mailboxes();
	int sent = 2000, got = 0;

	impair(t.s[0], "tx.loss=20% tx.seed=12345");
	for (int i = 0; i < sent; i += 50) {
		for (int j = 0; j < 50; j++)
			mail(&t.m[0], &t.m[1], i + j);
		got += count_mail(&t.m[1]);
	}
	struct vdestack_impair_stats st = tx_stats(t.s[0]);
	printf("%d of %d have come; %llu seen, %llu lost\n", got, sent, (unsigned long long)st.seen,
	       (unsigned long long)st.lost);
	CHECK(st.seen >= (unsigned)sent);
	CHECK_EQ(st.seen, st.passed + st.lost);
	double off = (double)st.lost - 0.2 * (double)st.seen, variance = 0.2 * 0.8 * (double)st.seen;
	CHECK(off * off < 5 * 5 * variance);
	CHECK(got <= sent - (int)st.lost + 10 && got >= sent - (int)st.lost - 10);
}

CASE_FLAGS(counters_survive_the_forwarder, EACH_SEGMENT)
{
	struct two t = two_mailboxes();
	unsigned long long seen = 0;

	for (int i = 0; i < 3; i++) {
		impair(t.s[0], HARMLESS);
		for (int j = 0; j < 10; j++)
			mail(&t.m[0], &t.m[1], j);
		CHECK(count_mail(&t.m[1]) >= 10);
		struct vdestack_impair_stats on = tx_stats(t.s[0]);
		CHECK(on.seen >= seen + 10);
		impair(t.s[0], "unimpaired");
		struct vdestack_impair_stats off = tx_stats(t.s[0]);
		CHECK(off.seen >= on.seen);
		CHECK_EQ(off.waiting, 0);
		seen = off.seen;
		check_mail(&t.m[0], &t.m[1]);
		CHECK_EQ(tx_stats(t.s[0]).seen, seen);
	}
}

static bool ten_wait(void *stack)
{
	return tx_stats(stack).waiting >= 10;
}

CASE_FLAGS(frames_that_wait_when_an_impairment_ends_are_counted_as_cut, EACH_SEGMENT)
{
	struct two t = two_mailboxes();

	for (int i = 0; i < 2; i++) {
		impair(t.s[0], "tx.delay=60s");
		for (int j = 0; j < 10; j++)
			mail(&t.m[0], &t.m[1], j);
		CHECK(wait_until(ten_wait, t.s[0], SOON_MS));
		impair(t.s[0], "unimpaired");
		struct vdestack_impair_stats st = tx_stats(t.s[0]);
		CHECK(st.cut >= 10 * (unsigned)(i + 1));
		CHECK_EQ(st.waiting, 0);
		CHECK_EQ(st.seen, st.passed + st.cut);
	}
	check_mail(&t.m[0], &t.m[1]);
}

CASE_FLAGS(a_cut_port_passes_nothing_and_heals, EACH_SEGMENT)
{
	struct two t = two_mailboxes();

	impair(t.s[0], "tx.cut");
	check_no_mail(&t.m[0], &t.m[1]);
	check_mail(&t.m[1], &t.m[0]);
	impair(t.s[0], "-cut");
	check_mail(&t.m[0], &t.m[1]);
	impair(t.s[0], "cut");
	check_no_mail(&t.m[0], &t.m[1]);
	check_no_mail(&t.m[1], &t.m[0]);
	MUST(vdestack_delete(t.s[0]));
}

CASE_FLAGS(a_port_has_the_rate_that_is_asked_for, EACH_SEGMENT)
{
	struct vdestack *a = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	struct vdestack *b = new_stack("vnl=inproc://lan ip=10.9.0.2/24");
	struct connection c = connection_to(a, "10.9.0.1", b);
	struct bulk bulk;

	impair(b, "tx.rate=20mbit");
	long long start = now_us();
	bulk_start(&bulk, c.a, c.b, 2 << 20, 3);
	bulk_end(&bulk);
	double mbit = (2 << 20) * 8.0 / (double)(now_us() - start);
	printf("%.2f Mbit/s of payload\n", mbit);
	CHECK(mbit < 20 && mbit > 12);
	connection_close(&c);
}

CASE_FLAGS(a_stack_ends_while_frames_wait, EACH_SEGMENT)
{
	struct two t = two_mailboxes();
	struct resources before = resources_now();
	struct vdestack *third = new_stack("vnl=inproc://lan ip=10.9.0.3/24");
	struct mailbox m = mailbox_in(third, "10.9.0.3");

	check_mail(&m, &t.m[0]);
	impair(third, "delay=60s");
	for (int i = 0; i < 100; i++)
		mail(&m, &t.m[0], i);
	close(m.fd);
	MUST(vdestack_delete(third));
	check_resources(&before);
	impair(t.s[1], "delay=60s");
	mail(&t.m[1], &t.m[0], 1);
	impair(t.s[1], "unimpaired");
	check_mail(&t.m[1], &t.m[0]);
	check_resources(&before);
}

CASE_FLAGS(a_port_is_impaired_from_the_start, EACH_SEGMENT)
{
	struct vdestack *a = new_stack("vnl=inproc://lan ip=10.9.0.1/24 delay=20ms");
	struct vdestack *b = new_stack("vnl=inproc://lan ip=10.9.0.2/24 group=3");
	struct two t = { .s = { a, b } };

	t.m[0] = mailbox_in(a, "10.9.0.1");
	t.m[1] = mailbox_in(b, "10.9.0.2");
	check_no_mail(&t.m[0], &t.m[1]);
	group(a, 3);
	check_mail(&t.m[0], &t.m[1]);
	check_mail(&t.m[1], &t.m[0]);
	check_transit(&t, 0, 20);
	check_transit(&t, 1, 20);
}
