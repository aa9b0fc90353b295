/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ports of segments that are impaired: traffic, switching on and off, ends in each state. */

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "segment.h"
#include <vdestack/registry.h>

#define MIB (1 << 20)

static void two_stacks(struct vdestack *s[2], unsigned mtu)
{
	s[0] = new_stack("vnl=inproc://lan mtu=%u ip=10.9.0.1/24 ip=fd00::1/64", mtu);
	s[1] = new_stack("vnl=inproc://lan mtu=%u ip=10.9.0.2/24 ip=fd00::2/64", mtu);
}

static void check_traffic(struct vdestack *s[2], size_t bytes)
{
	check_udp(s[0], s[1], "10.9.0.2");
	check_udp(s[1], s[0], "10.9.0.1");
	bulk_both_ways(s[0], "10.9.0.1", s[1], bytes);
	bulk_both_ways(s[1], "fd00::2", s[0], bytes);
}

static void check_mtu(unsigned mtu)
{
	struct vdestack *s[2];

	two_stacks(s, mtu);
	impair(s[0], HARMLESS);
	check_traffic(s, 2 * MIB);
	impair(s[1], HARMLESS);
	check_traffic(s, 2 * MIB);
	impair(s[0], "unimpaired");
	check_traffic(s, 2 * MIB);
}

CASE_FLAGS(traffic_passes_impaired_ports_at_1500_bytes, EACH_SEGMENT)
{
	check_mtu(1500);
}

CASE_FLAGS(traffic_passes_impaired_ports_at_9216_bytes, EACH_SEGMENT)
{
	check_mtu(9216);
}

CASE_FLAGS(traffic_passes_impaired_ports_at_65535_bytes, EACH_SEGMENT)
{
	check_mtu(65535);
}

/* In one datagram, to the last byte. */
static void check_longest(struct vdestack *from, struct vdestack *to, size_t bytes)
{
	static char text[65536], got[65536];
	struct mailbox a = mailbox_in(from, "10.9.0.1"), b = mailbox_in(to, "10.9.0.2");
	ssize_t n = -1;

	for (size_t i = 0; i < bytes; i++)
		text[i] = (char)(i * 7 + (i >> 8));
	for (int i = 0; i < 50 && n < 0; i++) {
		MUST(sendto(a.fd, text, bytes, 0, (struct sockaddr *)&b.at, b.len));
		if (wait_readable(b.fd, 200))
			n = recv(b.fd, got, sizeof(got), 0);
	}
	CHECK_EQ(n, (ssize_t)bytes);
	CHECK(memcmp(text, got, bytes) == 0);
	close(a.fd);
	close(b.fd);
}

CASE_FLAGS(the_longest_packet_passes_impaired_ports, EACH_SEGMENT)
{
	struct vdestack *s[2];

	two_stacks(s, 65535);
	impair(s[0], HARMLESS);
	check_longest(s[0], s[1], 65535 - 28);
	impair(s[1], HARMLESS);
	check_longest(s[0], s[1], 65535 - 28);
	impair(s[0], "unimpaired");
	check_longest(s[0], s[1], 65535 - 28);
}

CASE_FLAGS(an_unimpaired_port_has_no_pump_and_no_sockets, EACH_SEGMENT)
{
	struct vdestack *s[2];

	two_stacks(s, 1500);
	check_traffic(s, MIB);
	struct resources before = resources_now();
	CHECK_EQ(before.pumps, 0);
	for (int i = 0; i < 3; i++) {
		impair(s[0], HARMLESS);
		check_pumps(before.pid, 1);
		check_traffic(s, MIB);
		impair(s[0], "unimpaired");
		check_resources(&before);
		check_traffic(s, MIB);
	}
}

/* Bytes go on in both directions while the other thread switches. */
CASE_TIMED(switching_a_hundred_times_loses_no_connection, EACH_SEGMENT | CASE_F_TSAN, 120)
{
	struct vdestack *s[2];
	struct bulk out, in;

	two_stacks(s, 1500);
	struct resources before = resources_now();
	struct connection c = connection_to(s[0], "10.9.0.1", s[1]);
	bulk_start(&out, c.a, c.b, 64 * MIB, 11);
	bulk_start(&in, c.b, c.a, 64 * MIB, 13);
	for (int i = 0; i < 100; i++) {
		impair(s[i % 2], HARMLESS);
		impair(s[i % 2], "unimpaired");
	}
	bulk_end(&out);
	bulk_end(&in);
	connection_close(&c);
	check_resources(&before);
}

CASE_FLAGS(a_stack_ends_while_its_port_is_impaired, EACH_SEGMENT | CASE_F_TSAN)
{
	struct vdestack *s[2];

	two_stacks(s, 1500);
	struct resources before = resources_now();
	for (int i = 0; i < 5; i++) {
		struct vdestack *third = new_stack("vnl=inproc://lan ip=10.9.0.3/24");
		impair(third, HARMLESS);
		check_udp(third, s[0], "10.9.0.1");
		MUST(vdestack_delete(third));
	}
	for (int i = 0; i < 5; i++) {
		MUST(vdestack_iface_add(s[1], "iface=more vnl=inproc://lan ip=10.9.0.4/24", case_opts()));
		MUST(vdestack_impair_words(s[1], "more", HARMLESS));
		MUST(vdestack_iface_del(s[1], "more"));
	}
	check_resources(&before);
	check_traffic(s, MIB);
}

CASE_FLAGS(a_device_that_is_deleted_in_the_stack_takes_its_forwarder_along, EACH_SEGMENT)
{
	struct vdestack *s[2];
	struct vdestack_impair_stats st = { .size = sizeof(st) };

	two_stacks(s, 1500);
	MUST(vdestack_iface_add(s[1], "iface=more vnl=inproc://lan ip=10.9.0.4/24", case_opts()));
	MUST(vdestack_impair_words(s[1], "more", HARMLESS));

	CHECK_EQ(MUST(vdestack_run(s[1], (char *[]){ "ip", "link", "del", "more", NULL }, NULL)), 0);
	CHECK_ERRNO(vdestack_impair_get(s[1], "more", NULL, NULL, &st, NULL), ENODEV);
	CHECK_ERRNO(vdestack_impair_words(s[1], "more", HARMLESS), ENODEV);
	check_pumps(keeper_pid(), 0);
	check_traffic(s, MIB);
}

CASE_FLAGS(a_cut_carrier_and_an_impaired_port_do_not_disturb_each_other, EACH_SEGMENT)
{
	struct vdestack *s[2];

	two_stacks(s, 1500);
	struct mailbox a = mailbox_in(s[0], "10.9.0.1"), b = mailbox_in(s[1], "10.9.0.2");
	impair(s[0], HARMLESS);
	check_mail(&a, &b);
	MUST(vdestack_link_set_carrier(s[0], "vde0", 0));
	impair(s[0], "unimpaired");
	impair(s[0], HARMLESS);
	check_no_mail(&b, &a);
	MUST(vdestack_link_set_carrier(s[0], "vde0", 1));
	check_mail(&b, &a);
	check_mail(&a, &b);
	MUST(vdestack_link_set_carrier(s[0], "vde0", 0));
	impair(s[0], "unimpaired");
	MUST(vdestack_link_set_carrier(s[0], "vde0", 1));
	check_mail(&b, &a);
	check_mail(&a, &b);
}

/* ------------------------------------------------------------------ tags */

static int raw_socket_in(struct vdestack *s)
{
	int fd = (int)MUST(vdestack_msocket(s, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int on = 1;

	at.sll_ifindex = (int)MUST(vdestack_if_nametoindex(s, "vde0"));
	MUST(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)));
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

/* A tagged frame arrives with its tag, which the kernel returns beside it. */
static void check_tagged(int from, int to)
{
	unsigned char frame[100] = { 255, 255, 255, 255, 255, 255, 2,    0,   0,
				     0,   0,   9,   0x81, 0, 0x20, 100, 0x12, 0x34 };
	unsigned char got[200];
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];

	for (int i = 0; i < 50; i++) {
		MUST(send(from, frame, sizeof(frame), 0));
		while (wait_readable(to, 100)) {
			struct iovec iov = { got, sizeof(got) };
			struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
					    .msg_controllen = sizeof(control) };
			ssize_t n = MUST(recvmsg(to, &h, 0));
			if (n != sizeof(frame) - 4 || got[12] != 0x12 || got[13] != 0x34)
				continue;
			struct cmsghdr *c = CMSG_FIRSTHDR(&h);
			CHECK(c != NULL);
			const struct tpacket_auxdata *aux = (const void *)CMSG_DATA(c);
			CHECK(aux->tp_status & TP_STATUS_VLAN_VALID);
			CHECK_EQ(aux->tp_vlan_tci, 0x2064);
			return;
		}
	}
	FAIL("the tagged frame has not arrived");
}

CASE_FLAGS(tags_of_frames_pass_impaired_ports, EACH_SEGMENT)
{
	struct vdestack *s[2];

	two_stacks(s, 1500);
	int a = raw_socket_in(s[0]), b = raw_socket_in(s[1]);
	impair(s[0], HARMLESS);
	check_tagged(a, b);
	check_tagged(b, a);
}

/* ------------------------------------------------------------------ settings */

CASE_FLAGS(settings_are_in_force_and_counters_survive_switching, EACH_SEGMENT)
{
	struct vdestack *s[2];
	struct vdestack_impairment tx = { .size = sizeof(tx) }, rx = { .size = sizeof(rx) };

	two_stacks(s, 1500);
	MUST(vdestack_impair_get(s[0], "vde0", &tx, &rx, NULL, NULL));
	CHECK_EQ(tx.blackhole, 0);
	impair(s[0], "tx." HARMLESS);
	MUST(vdestack_impair_get(s[0], "vde0", &tx, &rx, NULL, NULL));
	CHECK_EQ(tx.blackhole, 65535);
	CHECK_EQ(rx.blackhole, 0);
	impair(s[0], "rx.blackhole=60000");
	MUST(vdestack_impair_get(s[0], "vde0", &tx, &rx, NULL, NULL));
	CHECK_EQ(tx.blackhole, 65535);
	CHECK_EQ(rx.blackhole, 60000);
	impair(s[0], "unimpaired");
	MUST(vdestack_impair_get(s[0], "vde0", &tx, &rx, NULL, NULL));
	CHECK_EQ(tx.blackhole, 0);
	CHECK_EQ(rx.blackhole, 0);
}

/* ------------------------------------------------------------------ one segment after the other */

static void run_of_segments(int n)
{
	for (int i = 0; i < n; i++) {
		struct vdestack *s[2] = { new_stack("vnl=inproc://lan%d ip=10.9.0.1/24", i),
					  new_stack("vnl=inproc://lan%d ip=10.9.0.2/24", i) };
		if (i % 3 == 1)
			impair(s[0], HARMLESS);
		check_udp(s[0], s[1], "10.9.0.2");
		MUST(vdestack_delete(s[i % 2]));
		MUST(vdestack_delete(s[!(i % 2)]));
	}
}

static bool is_listed(void *unused)
{
	struct vdestack_registered list[64];
	int n = vdestack_registry_list(list, 64);

	(void)unused;
	for (int i = 0; i < n && i < 64; i++)
		if (list[i].pid == getpid())
			return true;
	return false;
}

/* What is kept for the next stack goes two seconds after the last one, whatever the number of segments. */
CASE_FLAGS(segments_made_one_after_the_other_leave_nothing, EACH_SEGMENT | CASE_F_VDE)
{
	struct vdestack *kept = new_stack("vnl=null://");

	check_pumps(keeper_pid(), 2);
	/* The keeper has all its descriptors then. */
	CHECK(case_is_inprocess() || wait_until(is_listed, NULL, SOON_MS));
	struct resources before = resources_now();
	run_of_segments(8);
	check_resources(&before);
	MUST(vdestack_delete(kept));
}

/* The deletion of a pair goes on while a stack of the same segment is made. */
CASE_FLAGS(a_segment_whose_last_stack_ends_can_be_joined_at_once, EACH_SEGMENT)
{
	struct vdestack *one = new_stack("vnl=inproc://lan ip=10.9.0.1/24");

	for (int i = 2; i < 14; i++) {
		struct vdestack *other = new_stack("vnl=inproc://lan ip=10.9.0.%d/24", i);
		char addr[16];
		(void)snprintf(addr, sizeof(addr), "10.9.0.%d", i);
		check_udp(one, other, addr);
		MUST(vdestack_delete(one));
		one = other;
	}
	MUST(vdestack_delete(one));
}

/* The port must forward when the stack is said to be ready. A frame that is lost comes a second later. */
CASE_FLAGS(the_first_datagram_of_a_stack_arrives, EACH_SEGMENT)
{
	struct vdestack *kept = new_stack("vnl=none");
	int late = 0;

	for (int i = 0; i < 40; i++) {
		struct vdestack *from = new_stack("vnl=inproc://lan%d ip=10.9.0.1/24", i);
		struct vdestack *to = new_stack("vnl=inproc://lan%d ip=10.9.0.2/24", i);
		struct mailbox there = mailbox_in(to, "10.9.0.2"), here = mailbox_in(from, "10.9.0.1");
		mail(&here, &there, 1);
		bool at_once = mail_within(&there, 900) == 1;
		late += !at_once;
		CHECK(at_once || mail_within(&there, SOON_MS) == 1);
		close(here.fd);
		close(there.fd);
		MUST(vdestack_delete(from));
		MUST(vdestack_delete(to));
	}
	CHECK(late <= 1);
	MUST(vdestack_delete(kept));
}
