/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wire taps: what a test reads from the wire of an interface, and what it writes there. */

#define _GNU_SOURCE
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <signal.h>

#include "net.h"
#include "stacks.h"
#include <vdestack/capture.h>
#include <vdestack/events.h>

/* ptp:// is libvdeplug's, too. */
#define KINDS (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_TUN | CASE_F_VDE)
#define TEST_MAC { 2, 0, 0, 0, 0, 9 }

static const unsigned char test_mac[6] = TEST_MAC;

static int tap(struct vdestack *stack, uint32_t flags)
{
	struct vdestack_tap_opts o = { .size = sizeof(o), .flags = flags };
	int fd = vdestack_tap_open(stack, "vde0", &o);

	if (fd < 0)
		FAIL("no wire tap: %s", vdestack_last_error());
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return fd;
}

static const char *ptp(void)
{
	static char locator[256];

	(void)snprintf(locator, sizeof(locator), "ptp://%s", case_path("net"));
	return locator;
}

static struct pair pair_on(const char *locator)
{
	return (struct pair){ new_stack("vnl=%s ip=10.9.0.1/24", locator),
			      new_stack("vnl=%s ip=10.9.0.2/24", locator) };
}

static unsigned type_of(const unsigned char *frame)
{
	return (unsigned)frame[12] << 8 | frame[13];
}

/* Reads until a frame of that type comes, or any frame if it is 0; its length. */
static size_t await_frame(int fd, unsigned type, unsigned char frame[65536])
{
	char seen[512] = "";
	size_t len = 0;

	for (int i = 0; i < 1000 && wait_readable(fd, SOON_MS); i++) {
		ssize_t n = MUST(recv(fd, frame, 65536, 0));
		CHECK(n >= 14);
		if (type == 0 || type_of(frame) == type)
			return (size_t)n;
		if (len < sizeof(seen) - 10)
			len += (size_t)snprintf(seen + len, 10, " %04x", type_of(frame));
	}
	FAIL("no frame of type %04x, but of%s", type, seen);
}

/* A datagram to a host that may not exist: the stack asks for it by ARP. */
static int ask_for(struct vdestack *stack, const char *host)
{
	struct sockaddr_in sa = address(host, 9);
	int s = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(sendto(s, "hello", 5, 0, (struct sockaddr *)&sa, sizeof(sa)));
	return s;
}

/* The answer to the request in frame, in place: "this address is mine". */
static void make_arp_reply(unsigned char *frame)
{
	struct ether_arp *arp = (void *)(frame + 14);
	unsigned char address_asked[4];

	memcpy(address_asked, arp->arp_tpa, 4);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, test_mac, 6);
	arp->ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(arp->arp_tha, arp->arp_sha, 6);
	memcpy(arp->arp_tpa, arp->arp_spa, 4);
	memcpy(arp->arp_sha, test_mac, 6);
	memcpy(arp->arp_spa, address_asked, 4);
}

static bool asks_for(const unsigned char *frame, const char *host)
{
	const struct ether_arp *arp = (const void *)(frame + 14);
	struct sockaddr_in sa = address(host, 0);

	return type_of(frame) == ETHERTYPE_ARP && memcmp(arp->arp_tpa, &sa.sin_addr, 4) == 0;
}

/*
 * The test is a host: it answers for 10.9.0.77 and gets the datagram. The stack asks again if an answer is
 * lost, as can happen to the first one on a packet device (src/keeper/packet_device.c).
 */
static void check_answered(struct vdestack *stack, uint32_t flags)
{
	static unsigned char frame[65536];
	int fd = tap(stack, flags), s = ask_for(stack, "10.9.0.77"), asked = 0;
	size_t n = 0;

	do {
		n = await_frame(fd, 0, frame);
		if (asks_for(frame, "10.9.0.77")) {
			CHECK_EQ(n, 42);
			CHECK(++asked <= 3);
			make_arp_reply(frame);
			CHECK_EQ(write(fd, frame, 42), 42);
		}
	} while (type_of(frame) != ETHERTYPE_IP);
	CHECK(asked >= 1);
	CHECK_EQ(n, 14 + 20 + 8 + 5);
	CHECK_EQ(memcmp(frame, test_mac, 6), 0);
	CHECK_EQ(memcmp(frame + 42, "hello", 5), 0);
	close(s);
	close(fd);
}

CASE_FLAGS(a_test_answers_by_hand_on_ptp, KINDS)
{
	check_answered(pair_on(ptp()).a, 0);
}

CASE_FLAGS(a_test_is_the_network_on_ptp, KINDS)
{
	check_answered(pair_on(ptp()).a, VDESTACK_TAP_ALONE);
}

CASE_BOTH(a_test_answers_by_hand_on_a_segment)
{
	check_answered(new_pair().a, 0);
}

CASE_BOTH(a_test_is_the_network_on_a_segment)
{
	check_answered(new_stack("vnl=inproc://lan ip=10.9.0.1/24"), VDESTACK_TAP_ALONE);
}

CASE_FLAGS(a_test_answers_by_hand_on_a_switch, KINDS)
{
	struct net_switch sw;

	net_switch_start(&sw, "switch");
	check_answered(new_stack("vnl=vde://%s ip=10.9.0.1/24", case_path("switch")), 0);
	net_switch_stop(&sw);
}

struct drops {
	struct vdestack *stack;
	uint64_t before;
};

static uint64_t dropped(struct vdestack *stack)
{
	struct vdestack_link_stats st = { .size = sizeof(st) };

	MUST(vdestack_link_get_stats(stack, "vde0", &st));
	return st.rx_dropped;
}

static bool more_dropped(void *arg)
{
	const struct drops *d = arg;

	return dropped(d->stack) > d->before;
}

/*
 * While the wire tap is open nothing passes; afterwards all does. What is still on its way when it closes
 * passes, too. So this waits until the frame has left the sender and, if the receiver counts, is counted.
 */
static void check_alone(struct pair p, bool counts)
{
	static unsigned char frame[65536];
	struct sockaddr_in sa = address("10.9.0.1", 7000);
	int fd, s, r = (int)MUST(vdestack_msocket(p.a, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	check_udp(p.a, p.b, "10.9.0.2");
	MUST(bind(r, (struct sockaddr *)&sa, sizeof(sa)));
	fd = tap(p.a, VDESTACK_TAP_ALONE);
	int wire = tap(p.b, 0);
	struct drops d = { p.a, dropped(p.a) };
	s = (int)MUST(vdestack_msocket(p.b, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(sendto(s, "lost", 4, 0, (struct sockaddr *)&sa, sizeof(sa)));
	do
		(void)await_frame(wire, ETHERTYPE_IP, frame);
	while (memcmp(frame + 42, "lost", 4) != 0);
	CHECK(!counts || wait_until(more_dropped, &d, SOON_MS));
	int other = ask_for(p.a, "10.9.0.2"); /* 10.9.0.2 is known: no ARP */
	(void)await_frame(fd, ETHERTYPE_IP, frame);
	CHECK(!wait_readable(r, 100));
	close(fd);
	close(wire);
	check_udp(p.a, p.b, "10.9.0.2");
	check_udp(p.b, p.a, "10.9.0.1");
	CHECK(recv(r, frame, sizeof(frame), MSG_DONTWAIT) < 0);
	close(other);
	close(s);
	close(r);
}

CASE_FLAGS(the_network_is_cut_off_while_the_test_is_the_network, KINDS)
{
	check_alone(pair_on(ptp()), true);
}

CASE_BOTH(a_segment_is_cut_off_while_the_test_is_the_network)
{
	check_alone(new_pair(), false);
}

struct ending {
	pid_t pid;
	int tasks;
};

static bool a_task_has_ended(void *arg)
{
	const struct ending *e = arg;

	return count_tasks_of(e->pid) < e->tasks;
}

static void check_alone_twice(struct pair p)
{
	int first = tap(p.a, VDESTACK_TAP_ALONE), second = tap(p.a, VDESTACK_TAP_ALONE), s, r;
	struct sockaddr_in sa = address("10.9.0.2", 7000);
	static unsigned char frame[65536];

	r = (int)MUST(vdestack_msocket(p.b, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(bind(r, (struct sockaddr *)&sa, sizeof(sa)));
	struct ending e = { case_is_inprocess() ? getpid() : the_keeper(), 0 };
	e.tasks = count_tasks_of(e.pid);
	close(first);
	CHECK(wait_until(a_task_has_ended, &e, SOON_MS)); /* that of the first wire tap */
	sleep_ms(50); /* the port moves before or after that; too late, and the case passes all the same */
	s = ask_for(p.a, "10.9.0.2");
	do
		(void)await_frame(second, ETHERTYPE_ARP, frame);
	while (!asks_for(frame, "10.9.0.2"));
	CHECK(!wait_readable(r, 1500)); /* the kernel asks again after a second */
	close(second);
	close(s);
	close(r);
	check_udp(p.a, p.b, "10.9.0.2");
}

CASE_FLAGS(two_tests_are_the_network_until_the_last_one_closes,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	check_alone_twice(new_pair());
}

static void check_both_directions(struct pair p)
{
	static unsigned char message[65536];
	const struct vdestack_tap_header *h = (const void *)message;
	int fd = tap(p.a, VDESTACK_TAP_BOTH);
	bool sent = false, received = false;

	check_ping(p.a, "10.9.0.2");
	for (int i = 0; i < 100 && !(sent && received); i++) {
		CHECK(wait_readable(fd, SOON_MS));
		CHECK(MUST(recv(fd, message, sizeof(message), 0)) >= (long)sizeof(*h) + 14);
		CHECK(h->direction == VDESTACK_TAP_SENT || h->direction == VDESTACK_TAP_RECEIVED);
		CHECK_EQ(h->lost, 0);
		CHECK(h->time_ns > 1000000000000000000);
		bool is_ip = type_of(message + sizeof(*h)) == ETHERTYPE_IP;
		sent = sent || (is_ip && h->direction == VDESTACK_TAP_SENT);
		received = received || (is_ip && h->direction == VDESTACK_TAP_RECEIVED);
	}
	CHECK(sent && received);
	close(fd);
}

CASE_FLAGS(both_directions_are_marked, KINDS)
{
	check_both_directions(pair_on(ptp()));
}

CASE_BOTH(both_directions_of_a_segment_are_marked)
{
	check_both_directions(new_pair());
}

/* A frame of a made-up type, written on the side of one stack, is seen by a wire tap of the other one. */
static void check_to_network(struct pair p)
{
	static unsigned char frame[65536], message[65536];
	int from = tap(p.a, VDESTACK_TAP_TO_NETWORK), to = tap(p.b, VDESTACK_TAP_BOTH);

	memset(frame, 0xff, 6);
	memcpy(frame + 6, test_mac, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	CHECK_EQ(write(from, frame, 100), 100);
	for (int i = 0; type_of(message + sizeof(struct vdestack_tap_header)) != 0x88b5; i++) {
		CHECK(i < 100 && wait_readable(to, SOON_MS));
		MUST(recv(to, message, sizeof(message), 0));
	}
	const struct vdestack_tap_header *header = (const void *)message;
	CHECK_EQ(header->direction, VDESTACK_TAP_RECEIVED);
	(void)await_frame(from, 0x88b5, message); /* as if the stack had sent it */
}

CASE_FLAGS(a_frame_is_sent_to_the_network, KINDS)
{
	check_to_network(pair_on(ptp()));
}

CASE_BOTH(a_frame_is_sent_to_a_segment)
{
	check_to_network(new_pair());
}

static void flood(int s, const char *host, int n)
{
	static const unsigned char payload[1000];
	struct sockaddr_in sa = address(host, 9);

	for (int i = 0; i < n; i++)
		CHECK(sendto(s, payload, sizeof(payload), 0, (struct sockaddr *)&sa, sizeof(sa)) >= 0 ||
		      errno == ECONNREFUSED);
}

/* All that waits now. The sum of the frames that are missing before them. */
static uint32_t read_lost(int fd)
{
	static unsigned char message[65536];
	const struct vdestack_tap_header *h = (const void *)message;
	uint32_t lost = 0;

	while (recv(fd, message, sizeof(message), 0) > 0)
		lost += h->lost;
	CHECK_EQ(errno, EAGAIN);
	return lost;
}

/* A keeper that is short of time loses frames before the tap sees them: then the next flood is longer. */
static void check_slow_reader(struct pair p)
{
	int s = (int)MUST(vdestack_msocket(p.a, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	uint32_t lost = 0;

	check_udp(p.a, p.b, "10.9.0.2");
	int fd = tap(p.a, VDESTACK_TAP_HEADER | VDESTACK_TAP_NONBLOCK);
	for (int n = 20000; lost == 0; n *= 2) {
		CHECK(n < 2000000);
		flood(s, "10.9.0.2", n);
		check_udp(p.a, p.b, "10.9.0.2"); /* the stack goes on */
		lost = read_lost(fd);
		flood(s, "10.9.0.2", 1); /* brings the count of those that were lost last */
		CHECK(wait_readable(fd, SOON_MS));
		lost += read_lost(fd);
	}
	close(s);
	close(fd);
}

CASE_FLAGS(a_slow_reader_loses_frames_and_the_header_counts_them, KINDS | CASE_F_TSAN)
{
	check_slow_reader(pair_on(ptp()));
}

CASE_BOTH(a_slow_reader_of_a_segment_loses_frames_and_the_header_counts_them)
{
	check_slow_reader(new_pair());
}

static void check_end(struct pair p, bool whole_stack)
{
	char byte[100];
	int fd = tap(p.a, VDESTACK_TAP_ALONE), seen;

	if (whole_stack)
		MUST(vdestack_delete(p.a));
	else
		MUST(vdestack_iface_del(p.a, "vde0"));
	do { /* frames of before, then the end of file */
		CHECK(wait_readable(fd, SOON_MS));
		seen = (int)recv(fd, byte, sizeof(byte), 0);
	} while (seen > 0);
	CHECK(seen == 0 || errno == ECONNRESET);
	CHECK(write(fd, byte, sizeof(byte)) < 0);
}

CASE_FLAGS(it_ends_with_its_interface, KINDS)
{
	(void)signal(SIGPIPE, SIG_IGN);
	check_end(pair_on(ptp()), false);
}

CASE_BOTH(it_ends_with_its_interface_on_a_segment)
{
	(void)signal(SIGPIPE, SIG_IGN);
	check_end(new_pair(), false);
}

CASE_FLAGS(it_ends_with_its_stack, KINDS | CASE_F_TSAN)
{
	(void)signal(SIGPIPE, SIG_IGN);
	check_end(pair_on(ptp()), true);
}

CASE_BOTH(it_ends_with_its_stack_on_a_segment)
{
	(void)signal(SIGPIPE, SIG_IGN);
	check_end(new_pair(), true);
}

CASE_BOTH(odd_frames_are_ignored)
{
	static unsigned char long_frame[66000];
	struct pair p = new_pair();
	int fd = tap(p.a, 0);

	CHECK_EQ(send(fd, long_frame, 0, 0), 0);
	CHECK_EQ(write(fd, long_frame, 1), 1);
	CHECK_EQ(write(fd, long_frame, 13), 13);
	CHECK_EQ(write(fd, long_frame, 65536), 65536);
	CHECK_EQ(write(fd, long_frame, sizeof(long_frame)), sizeof(long_frame));
	srand(42);
	for (int i = 0; i < 2000; i++) {
		size_t n = 14 + (size_t)(rand() % 300);
		for (size_t j = 0; j < n; j++)
			long_frame[j] = (unsigned char)rand();
		CHECK_EQ(write(fd, long_frame, n), n);
	}
	CHECK_EQ(send(fd, long_frame, 0, MSG_NOSIGNAL), 0); /* it has not ended */
	check_udp(p.a, p.b, "10.9.0.2");
	check_udp(p.b, p.a, "10.9.0.1");
}

CASE_BOTH(wrong_flags_and_names_are_refused)
{
	struct pair p = new_pair();
	struct vdestack_tap_opts o = { .size = sizeof(o), .flags = 0x20 };

	CHECK_ERRNO(vdestack_tap_open(p.a, "vde0", &o), EINVAL);
	o.flags = VDESTACK_TAP_ALONE | VDESTACK_TAP_TO_NETWORK;
	CHECK_ERRNO(vdestack_tap_open(p.a, "vde0", &o), EINVAL);
	o.size = 0;
	CHECK_ERRNO(vdestack_tap_open(p.a, "vde0", &o), EINVAL);
	CHECK_ERRNO(vdestack_tap_open(p.a, "vde3", NULL), ENODEV);
	CHECK_ERRNO(vdestack_tap_open(p.a, "no/name", NULL), EINVAL);
	int fd = (int)MUST(vdestack_tap_open(p.a, "vde0", NULL));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

CASE_FLAGS(wire_taps_that_are_closed_leave_nothing_behind, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	struct pair p = new_pair();
	int mine = count_fds();

	for (int i = 0; i < 40; i++) /* more than 16 at a time are refused: so these end */
		for (int try = 0;; try++) {
			int fd = vdestack_tap_open(p.a, "vde0", NULL);
			if (fd >= 0) {
				close(fd);
				break;
			}
			CHECK(errno == EBUSY && try < 1000);
			sleep_ms(10);
		}
	CHECK_EQ(count_fds(), mine);
	check_udp(p.a, p.b, "10.9.0.2");
}

CASE(an_idle_wire_tap_takes_no_processor_time)
{
	struct pair p = new_pair();
	pid_t keeper = the_keeper();

	for (int i = 0; i < 8; i++)
		(void)tap(p.a, VDESTACK_TAP_BOTH);
	check_udp(p.a, p.b, "10.9.0.2");
	sleep_ms(300);
	long before = cpu_ticks(keeper);
	sleep_ms(1000);
	CHECK(cpu_ticks(keeper) - before <= 2);
}
