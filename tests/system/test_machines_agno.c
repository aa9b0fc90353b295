/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the plugin agno protects between two machines, and what it does not protect (docs/machines.md). */

#define _GNU_SOURCE
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "machines.h"

/* ------------------------------------------------------------------ agno */

/* Whether that text passes on the cable while datagrams with it arrive. */
static bool text_is_on_the_cable(struct joined *p, const char *text)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex("cable0") };
	int wire = (int)MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)), port = 0;
	int to = bound_in(p->b, "10.0.0.2", SOCK_DGRAM, &port);
	int from = connected_in(p->a, "10.0.0.2", SOCK_DGRAM, port);
	char frame[2048];
	bool seen = false;
	ssize_t n;

	MUST(bind(wire, (struct sockaddr *)&at, sizeof(at)));
	for (int i = 0; i < 20; i++) {
		MUST(send(from, text, strlen(text), 0));
		if (wait_readable(to, 1000))
			break;
	}
	CHECK_EQ(recv(to, frame, sizeof(frame), 0), (long)strlen(text));
	while ((n = recv(wire, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
		seen |= memmem(frame, (size_t)n, text, strlen(text)) != NULL;
	close(wire);
	close(to);
	close(from);
	return seen;
}

CASE_TIMED(what_udp_carries_can_be_read_on_the_cable, FLAGS, 60)
{
	struct joined p = join(&udp, 1400, "");

	CHECK(text_is_on_the_cable(&p, "in clear words"));
	part(&p);
}

CASE_TIMED(what_agno_carries_cannot_be_read_on_the_cable, FLAGS, 60)
{
	struct joined p = join(&agno_udp, 1400, "");

	CHECK(!text_is_on_the_cable(&p, "in clear words"));
	part(&p);
}

CASE_TIMED(a_stack_with_another_key_of_agno_hears_nothing, FLAGS, 60)
{
	struct joined p = join(&agno_vxvde, 1400, "");
	const char *other = key_file("other", "0123456789abcdef0123456789abcdee\n");
	struct vdestack *c = stack_of("vnl='%s' mtu=1400 ip=10.0.0.3/24", keyed(agno_vxvde.a, other));

	CHECK(datagram_arrives(p.a, p.b, "10.0.0.2", 100, true, SOON_MS));
	CHECK(!datagram_arrives(p.a, c, "10.0.0.3", 100, true, NOTHING_MS));
	part(&p);
}

static const unsigned char station[6] = { 2, 0, 0, 0, 0, 2 };

/* The next frame for the station of 10.0.0.2 from A to B. All frames are passed on, in both directions. */
static ssize_t pass_frames(const int relay[2], unsigned char *frame, size_t size)
{
	struct pollfd p[2] = { { .fd = relay[0], .events = POLLIN }, { .fd = relay[1], .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, SOON_MS) <= 0)
			FAIL("no frame for machine B");
		for (int i = 0; i < 2; i++) {
			if (p[i].revents == 0)
				continue;
			ssize_t n = MUST(recv(relay[i], frame, size, 0));
			(void)!send(relay[!i], frame, (size_t)n, MSG_NOSIGNAL);
			if (i == 0 && memcmp(frame, station, sizeof(station)) == 0)
				return n;
		}
	}
}

/* A socket of the relay: at that port, for the machine at the other port. */
static int relay_end(int port, int machine)
{
	struct sockaddr_storage ss;
	int fd = bound_in(NULL, "127.0.0.1", SOCK_DGRAM, &port);
	socklen_t len = address_of("127.0.0.1", machine, &ss);

	MUST(connect(fd, (struct sockaddr *)&ss, len));
	return fd;
}

/* A datagram of that length arrives. */
static void comes(int fd, const char *text)
{
	char got[256];

	CHECK(wait_readable(fd, SOON_MS));
	CHECK_EQ(MUST(recv(fd, got, sizeof(got), 0)), (long)strlen(text));
}

/*
 * The plugin agno of libvdeplug-agno 0.1.1 encrypts and does not authenticate. The document says so; change
 * it when this case fails. The datagram has no UDP checksum, as that would be wrong after the change.
 */
CASE_TIMED(the_plugin_agno_accepts_a_frame_that_was_sent_before_or_was_changed, FLAGS, 60)
{
	static const char text[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
	const char *key = key_file("key", KEY);
	unsigned char frame[2048];
	int port = 7, on = 1, relay[2];

	own_namespaces(CLONE_NEWNET);
	tool_run(WORDS("ip", "link", "set", "lo", "up"));
	relay[0] = relay_end(3001, 2001);
	relay[1] = relay_end(3002, 2002);
	struct vdestack *a = stack_of("vnl='agno://%s{udp://127.0.0.1:2001->127.0.0.1:3001}' ip=10.0.0.1/24 "
				      "mtu=1400 mac=02:00:00:00:00:01",
				      key);
	struct vdestack *b = stack_of("vnl='agno://%s{udp://127.0.0.1:2002->127.0.0.1:3002}' ip=10.0.0.2/24 "
				      "mtu=1400 mac=02:00:00:00:00:02",
				      key);
	MUST(vdestack_neigh_add(a, "vde0", "10.0.0.2", station));
	int to = bound_in(b, "10.0.0.2", SOCK_DGRAM, &port);
	int from = connected_in(a, "10.0.0.2", SOCK_DGRAM, port);
	MUST(setsockopt(from, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)));
	MUST(send(from, text, strlen(text), 0));
	ssize_t n = pass_frames(relay, frame, sizeof(frame));
	comes(to, text);
	MUST(send(relay[1], frame, (size_t)n, 0));
	comes(to, text);
	frame[n - 40] ^= 1; /* in the payload */
	MUST(send(relay[1], frame, (size_t)n, 0));
	comes(to, text);
}
