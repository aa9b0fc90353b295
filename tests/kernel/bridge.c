/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bridges, as segments use them: bridge(8). What is learned is forgotten when a port leaves; an entry by
 * request sends frames astray until the address sends again.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"
#include "namespace.h"
#include "version.h"

#define PORTS 3
#define OWN_TYPE 0x88b5 /* for experiments: the kernel sends none by itself */

/* Stations e1, e2, e3, whose other ends p1, p2, p3 are ports of bridge "one". Bridge "two" has none. */
static void make_bridges(void)
{
	if (!case_is_root())
		become_root();
	MUST(unshare(CLONE_NEWNET | CLONE_NEWNS));
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	shell("for b in one two; do ip link add $b type bridge forward_delay 0 stp_state 0 mcast_snooping 0 "
	      "&& ip link set $b up || exit 1; done; "
	      "for i in 1 2 3; do ip link add e$i address 02:00:00:00:00:0$i type veth peer name p$i && "
	      "ip link set p$i master one && ip link set p$i up && ip link set e$i up || exit 1; done");
}

static int station(int number)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(OWN_TYPE) };
	char name[IF_NAMESIZE];
	int on = 1, fd = (int)MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));

	(void)snprintf(name, sizeof(name), "e%d", number);
	at.sll_ifindex = (int)if_nametoindex(name);
	MUST(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)));
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

static void put(int fd, int from, int to)
{
	unsigned char frame[60] = { 2, 0, 0, 0, 0, (unsigned char)to, 2, 0, 0, 0, 0, (unsigned char)from,
				    OWN_TYPE >> 8, OWN_TYPE & 0xff };

	CHECK_EQ(MUST(send(fd, frame, sizeof(frame), 0)), (long)sizeof(frame));
}

/* Takes what comes within the time, and what is there then. */
static bool comes_within(int fd, int ms)
{
	unsigned char frame[2000];
	bool any = false;

	while (wait_readable(fd, any ? 0 : ms)) {
		MUST(recv(fd, frame, sizeof(frame), 0));
		any = true;
	}
	return any;
}

static bool comes(int fd)
{
	return comes_within(fd, 5000);
}

static bool nothing_comes(int fd)
{
	return !comes_within(fd, 50);
}

/* Frames from station 1 to station 2 pass, once the ports forward. */
static void await_bridge(const int *s)
{
	for (int i = 0; i < 100; i++) {
		put(s[1], 1, 2);
		if (!nothing_comes(s[2]))
			break;
		CHECK(i < 99);
	}
	(void)nothing_comes(s[3]);
}

static void stations(int *s)
{
	make_bridges();
	for (int i = 1; i <= PORTS; i++)
		s[i] = station(i);
	await_bridge(s);
	put(s[2], 2, 1);
	CHECK(comes(s[1]));
	(void)nothing_comes(s[3]);
}

CASE(an_entry_by_request_sends_frames_astray_until_the_address_sends)
{
	int s[PORTS + 1];

	stations(s);
	put(s[1], 1, 2);
	CHECK(comes(s[2]));
	CHECK(nothing_comes(s[3]));
	shell("bridge fdb replace 02:00:00:00:00:02 dev p3 master dynamic");
	put(s[1], 1, 2);
	CHECK(nothing_comes(s[2]));
	CHECK(comes(s[3]));
	put(s[2], 2, 1);
	CHECK(comes(s[1]));
	put(s[1], 1, 2);
	CHECK(comes(s[2]));
	CHECK(nothing_comes(s[3]));
}

CASE(a_bridge_forgets_a_port_that_leaves_and_the_carrier_stays)
{
	int s[PORTS + 1];

	stations(s);
	shell("ip link set p2 master two");
	put(s[1], 1, 2);
	CHECK(nothing_comes(s[2]));
	CHECK(comes(s[3])); /* flooded: nothing is known about it */
	shell("ip link show e2 | grep -q LOWER_UP");
	shell("ip link set p2 master one");
	put(s[1], 1, 2);
	CHECK(comes(s[2]));
	CHECK(comes(s[3])); /* not yet learned again */
	put(s[2], 2, 1);
	CHECK(comes(s[1]));
	put(s[1], 1, 2);
	CHECK(comes(s[2]));
	(void)nothing_comes(s[3]);
	put(s[1], 1, 2);
	CHECK(nothing_comes(s[3]));
}

static int bound_to(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(OWN_TYPE),
				  .sll_ifindex = (int)if_nametoindex(name) };
	int fd = (int)MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));

	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

static void set_up(int fd, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	MUST(ioctl(fd, SIOCSIFFLAGS, &ifr));
}

static void ask_for_carrier(int fd, const char *name)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { .ifr_data = (void *)&link };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	MUST(ioctl(fd, SIOCETHTOOL, &ifr));
	CHECK_EQ(link.data, 1);
}

/* Without the question some of these frames are dropped, although send(2) succeeds. */
CASE(a_new_pair_whose_carrier_was_asked_for_carries_the_first_frame)
{
	if (kernel_is_before(6, 8))
		SKIP("the question changes nothing before Linux 6.8");
	make_bridges();
	for (int i = 0; i < 50; i++) {
		shell("ip link add left type veth peer name right");
		int a = bound_to("left"), b = bound_to("right");
		set_up(a, "left");
		set_up(a, "right");
		ask_for_carrier(a, "left");
		ask_for_carrier(a, "right");
		(void)recv(a, &(char){ 0 }, 1, MSG_DONTWAIT); /* the errors of devices that were down */
		(void)recv(b, &(char){ 0 }, 1, MSG_DONTWAIT);
		put(a, 1, 2);
		CHECK(comes(b));
		put(b, 2, 1);
		CHECK(comes(a));
		close(a);
		close(b);
		shell("ip link del left");
	}
}

/*
 * Of a new pair, the first device can be given a bridge and be set up by the same request; its peer is
 * elsewhere.
 */
CASE(a_pair_is_made_with_a_port_that_is_up_by_one_request)
{
	make_bridges();
	shell("unshare -n sleep 60 & p=$!; trap 'kill $p; wait' EXIT; here=$(readlink /proc/$$/ns/net); "
	      "for i in $(seq 200); do test \"$(readlink /proc/$p/ns/net)\" != $here && break; sleep 0.02; "
	      "done; "
	      "set -e; ip link add port up master one type veth peer name far netns $p; "
	      "ip -o link show master one up | grep -q ' port@'; "
	      "nsenter -t $p -n ip -o link show far | grep -q 'state DOWN'; "
	      "nsenter -t $p -n ip link set far up; "
	      "for i in $(seq 100); do ip -o link show port | grep -q LOWER_UP && exit 0; sleep 0.05; done; "
	      "exit 1");
}

/*
 * A port of a bridge, whose packet socket is bound: frames go both to the socket and through the bridge. So a
 * port leaves the bridge before its socket is bound.
 */
CASE(frames_of_a_port_reach_its_packet_socket_and_the_bridge)
{
	int s[PORTS + 1], on = 1;
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	stations(s);
	at.sll_ifindex = (int)if_nametoindex("p1");
	int port = (int)MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
	MUST(setsockopt(port, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)));
	MUST(bind(port, (struct sockaddr *)&at, sizeof(at)));
	put(s[1], 1, 2);
	CHECK(comes(s[2]));
	CHECK(comes(port));
	shell("ip link set p1 nomaster");
	(void)nothing_comes(port);
	put(s[1], 1, 2);
	CHECK(nothing_comes(s[2]));
	CHECK(comes(port));
}
