/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Containers beside a station that does not know them: a stack of Debian's libvdestack 0.1, on one hub or
 * switch of libvdeplug with two stacks of this library.
 *
 *     stack 0 ══ vde://… ══ hub or switch ══ vde://… ══ the case ══ ptp://… ══ stack 1
 *                                         ══ vde://… ══ the old stack
 *
 * The case forwards what stack 1 sends and receives, and counts its containers: on a switch nobody else sees
 * them. What comes to the old stack its kernel counts, in packet sockets with filters.
 */

#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "bulk.h"
#include "container_wire.h"
#include "vde_station.h"

#define BESIDE (CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS | VDE)
#define MIB (1u << 20)
#define PROBES 4 /* to a station that does not answer */

static const uint8_t old_mac[6] = { 2, 0, 0, 0, 0, 3 };

/* ------------------------------------------------------------------ stack 1 and its frames */

struct way {
	int from, to;
	atomic_ullong of_kind[4];
	atomic_size_t longest;
};

static struct net {
	char path[96];
	struct tool node, old;
	struct vdestack *s[2];
	struct vde_station station;
	struct way in, out;  /* to stack 1, from stack 1 */
	int requests;         /* to the old stack */
	int to_it, to_others; /* packet sockets there, which take frames of 88b5 only */
} net;

static void *forward(void *arg)
{
	static _Thread_local uint8_t f[65536];
	struct way *way = arg;
	ssize_t n;

	while ((n = recv(way->from, f, sizeof(f), 0)) >= 0) {
		if (container_is(f, (size_t)n))
			atomic_fetch_add(&way->of_kind[container_kind(f) & 3], 1);
		if ((size_t)n > atomic_load(&way->longest))
			atomic_store(&way->longest, (size_t)n);
		(void)send(way->to, f, (size_t)n, MSG_NOSIGNAL);
	}
	return NULL;
}

static void plug_stacks(void)
{
	const char *path = case_path("ptp");
	int end = wire_open(path);
	pthread_t t;

	net.s[0] = stack_without(0, "vnl=vde://%s mac=02:00:00:00:00:01 ip=10.0.0.1/24 ip=fc00::1/64",
				 net.path);
	net.s[1] = stack_without(0, "vnl=ptp://%s mac=02:00:00:00:00:02 ip=10.0.0.2/24 ip=fc00::2/64", path);
	wire_connect(end, path);
	net.station = vde_station_open(net.path, "station");
	net.in.from = net.out.to = net.station.fd;
	net.in.to = net.out.from = end;
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_create(&t, NULL, forward, i == 0 ? &net.in : &net.out), 0);
		CHECK_EQ(pthread_detach(t), 0);
	}
}

static unsigned long long containers(void)
{
	return atomic_load(&net.in.of_kind[FRAMES]) + atomic_load(&net.out.of_kind[FRAMES]);
}

/* ------------------------------------------------------------------ the old stack */

static int old_socket(int domain, int type, int protocol)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	int wanted[3] = { domain, type, protocol }, reply = 0, fd = -1;
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };
	struct iovec iov = { &reply, sizeof(reply) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };

	CHECK_EQ(send(net.requests, wanted, sizeof(wanted), MSG_NOSIGNAL), sizeof(wanted));
	CHECK_EQ(recvmsg(net.requests, &h, MSG_CMSG_CLOEXEC), sizeof(reply));
	if (reply != 0)
		FAIL("the old stack has no socket %d, %d, %d: %s", domain, type, protocol, strerror(reply));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fd));
	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	MUST(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	return fd;
}

/* Takes the first bytes of frames of 88b5 that are for the old stack, or for other stations. */
static int old_packets(bool for_it)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x88b5, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OTHERHOST, for_it ? 1 : 0, for_it ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, 64),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	int fd = old_socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
	MUST(bind(fd, (struct sockaddr *)&all, sizeof(all)));
	return fd;
}

/* Frames that such a socket was given since the last call, those that did not fit into it included. */
static unsigned packets_of(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	MUST(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len));
	return stats.tp_packets;
}

struct old_start {
	int listener;
	struct tool_end end;
};

static bool old_has_come(void *arg)
{
	struct old_start *start = arg;

	return wait_readable(start->listener, 0) || tool_has_ended(&start->end);
}

static void plug_old(void)
{
	static const char commands[] = "/bin/ip link set vde0 address 02:00:00:00:00:03 up;"
				       "/bin/ip addr add 10.0.0.3/24 dev vde0;"
				       "/bin/ip addr add fc00::3/64 dev vde0 nodad";
	struct sockaddr_un sun = wire_address(case_path("requests"));
	struct old_start start = { (int)MUST(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)),
				   { .tool = &net.old } };
	char vnl[128];

	(void)snprintf(vnl, sizeof(vnl), "vde://%s", net.path);
	MUST(bind(start.listener, (struct sockaddr *)&sun, sizeof(sun)));
	MUST(listen(start.listener, 1));
	tool_start(&net.old, WORDS(OLD_STATION, vnl, sun.sun_path, commands));
	CHECK(wait_until(old_has_come, &start, SOON_MS));
	if (start.end.ended && WIFEXITED(start.end.status) && WEXITSTATUS(start.end.status) == 77)
		SKIP("%s", tool_output(&net.old));
	if (start.end.ended)
		FAIL("wait status 0x%x: %s", (unsigned)start.end.status, tool_output(&net.old));
	net.requests = (int)MUST(accept4(start.listener, NULL, NULL, SOCK_CLOEXEC));
	close(start.listener);
	net.to_it = old_packets(true);
	net.to_others = old_packets(false);
}

static int old_bound(const char *addr, int *port)
{
	struct sockaddr_storage ss;
	socklen_t len = address_of(addr, 0, &ss);
	int fd = old_socket(ss.ss_family, SOCK_STREAM, 0);

	MUST(bind(fd, (struct sockaddr *)&ss, len));
	MUST(listen(fd, 8));
	len = sizeof(ss);
	MUST(getsockname(fd, (struct sockaddr *)&ss, &len));
	*port = ntohs(((struct sockaddr_in *)&ss)->sin_port); /* at the same place for IPv6 */
	return fd;
}

static struct connection to_old(const char *addr, struct vdestack *client)
{
	struct connection c;
	int port = 0;

	c.listener = old_bound(addr, &port);
	c.a = connected_in(client, addr, SOCK_STREAM, port);
	c.b = (int)MUST(accept4(c.listener, NULL, NULL, SOCK_CLOEXEC));
	return c;
}

static struct connection from_old(struct vdestack *server, const char *addr)
{
	struct sockaddr_storage ss;
	struct connection c;
	int port = 0;

	c.listener = bound_in(server, addr, SOCK_STREAM, &port);
	socklen_t len = address_of(addr, port, &ss);
	c.a = old_socket(ss.ss_family, SOCK_STREAM, 0);
	MUST(connect(c.a, (struct sockaddr *)&ss, len));
	c.b = (int)MUST(accept4(c.listener, NULL, NULL, SOCK_CLOEXEC));
	return c;
}

static int old_mtu(void)
{
	struct ifreq ifr = { .ifr_name = "vde0" };
	int fd = old_socket(AF_INET, SOCK_DGRAM, 0);

	MUST(ioctl(fd, SIOCGIFMTU, &ifr));
	close(fd);
	return ifr.ifr_mtu;
}

/* ------------------------------------------------------------------ traffic */

struct both {
	struct connection c;
	struct bulk out, in;
};

static void both_start(struct both *b, struct connection c, size_t bytes)
{
	b->c = c;
	bulk_start(&b->out, c.a, c.b, bytes, 0x1234567);
	bulk_start(&b->in, c.b, c.a, bytes, 0x7654321);
}

static void both_end(struct both *b)
{
	bulk_end(&b->out);
	bulk_end(&b->in);
	connection_close(&b->c);
}

static bool more_containers(void *arg)
{
	return containers() > *(const unsigned long long *)arg;
}

struct ours {
	const char *addr;
	atomic_bool ends;
};

static void *exchange_ours(void *arg)
{
	struct ours *ours = arg;

	while (!atomic_load(&ours->ends))
		bulk_both_ways(net.s[1], ours->addr, net.s[0], 2 * MIB);
	return NULL;
}

static void await_containers(void)
{
	unsigned long long some = containers() + 100;

	CHECK(wait_until(more_containers, &some, SOON_MS));
}

/* Both stacks exchange bytes with the old one, in both directions, while they exchange containers. */
static void exchange_beside(const char *to_1, const char *to_0, const char *old)
{
	struct ours ours = { .addr = to_1 };
	struct both theirs[2];
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, exchange_ours, &ours), 0);
	await_containers();
	both_start(&theirs[0], to_old(old, net.s[1]), MIB / 2);
	both_start(&theirs[1], from_old(net.s[0], to_0), MIB / 2);
	await_containers();
	for (int i = 0; i < 2; i++)
		both_end(&theirs[i]);
	await_containers();
	atomic_store(&ours.ends, true);
	CHECK_EQ(pthread_join(t, NULL), 0);
}

static void lay(const char *scheme)
{
	char locator[128];

	case_need_tun(); /* which the old library needs */
	(void)snprintf(net.path, sizeof(net.path), "%s", case_path("net"));
	(void)snprintf(locator, sizeof(locator), "%s%s", scheme, net.path);
	node_start(&net.node, locator);
	plug_old();
	plug_stacks();
}

/*
 * Returns how many frames of 88b5 came to the old stack that were for others. At least so many of its own
 * come: a hub sends it all frames, and drops some when its queue is full.
 */
static unsigned exchange_and_check(unsigned least)
{
	uint8_t f[64];

	exchange_beside("10.0.0.2", "10.0.0.1", "10.0.0.3");
	exchange_beside("fc00::2", "fc00::1", "fc00::3");
	printf("stack 1: %llu and %llu containers in and out, longest frames %zu and %zu\n",
	       (unsigned long long)net.in.of_kind[FRAMES], (unsigned long long)net.out.of_kind[FRAMES],
	       (size_t)net.in.longest, (size_t)net.out.longest);
	for (int i = 0; i < 2; i++) {
		show_stats("counters", net.s[i]);
		CHECK_EQ(vdestack_link_get_mtu(net.s[i], "vde0"), 1500);
	}
	CHECK_EQ(old_mtu(), 1500);
	CHECK(net.in.of_kind[FRAMES] > 100 && net.out.of_kind[FRAMES] > 100);
	CHECK(net.in.longest <= CONTAINER_LONGEST && net.out.longest <= CONTAINER_LONGEST);
	unsigned to_it = packets_of(net.to_it), to_others = packets_of(net.to_others);
	printf("the old stack: %u frames of 88b5 to it, %u to others\n", to_it, to_others);
	/* Each stack has probed it. It has not answered, so nothing else is sent to it. */
	CHECK(to_it >= least && to_it <= 2 * PROBES);
	for (unsigned i = 0; i < to_it; i++) {
		CHECK_EQ(recv(net.to_it, f, sizeof(f), MSG_DONTWAIT), sizeof(f));
		CHECK_EQ(container_kind(f), PROBE);
	}
	return to_others;
}

CASE_TIMED(two_stacks_exchange_containers_beside_an_old_one_on_a_hub, BESIDE, 180)
{
	lay("hub://");
	CHECK(exchange_and_check(0) > 100); /* a hub sends everything to everybody: the filters work */
}

CASE_TIMED(two_stacks_exchange_containers_beside_an_old_one_on_a_switch, BESIDE, 180)
{
	lay("switch://");
	CHECK_EQ(exchange_and_check(2), 0);
}

/* ------------------------------------------------------------------ false answers */

static struct liar {
	struct vde_station at;
	atomic_bool ends;
	atomic_ullong lies;
} liar;

/* Answers all probes to the old stack in its name: it takes everything, of any length. */
static void *lie(void *arg)
{
	static uint8_t f[65536];
	uint8_t answer[64];

	while (!atomic_load(&liar.ends)) {
		ssize_t n = wait_readable(liar.at.fd, 20) ? recv(liar.at.fd, f, sizeof(f), 0) : 0;
		if (n <= 0 || !container_is(f, (size_t)n) || container_kind(f) != PROBE ||
		    memcmp(f, old_mac, 6) != 0)
			continue;
		(void)send(liar.at.fd, answer, container_answer(answer, f, 65535, 65535), MSG_NOSIGNAL);
		atomic_fetch_add(&liar.lies, 1);
	}
	return arg;
}

/* Containers that the old stack was sent since the last call. */
static unsigned containers_to_old(void)
{
	unsigned count = 0;
	uint8_t f[64];

	while (recv(net.to_it, f, sizeof(f), MSG_DONTWAIT) == sizeof(f)) {
		CHECK((f[20] << 8 | f[21]) <= CONTAINER_LONGEST);
		count += container_kind(f) == FRAMES;
	}
	return count;
}

static void exchange_with_old(size_t bytes)
{
	struct both both;

	both_start(&both, to_old("10.0.0.3", net.s[0]), bytes);
	both_end(&both);
}

static bool gets_no_containers(void *arg)
{
	(void)arg;
	exchange_with_old(MIB);
	return containers_to_old() == 0;
}

/*
 * Each station of a hub reads the probes to all others, as it can answer for others in ARP. Containers to a
 * station that does not know them are lost. What TCP sends again arrives, so a connection goes on slowly.
 */
CASE_TIMED(answers_in_the_name_of_an_old_station_do_no_harm_after_their_end, BESIDE, 180)
{
	pthread_t t;

	lay("hub://");
	liar.at = vde_station_open(net.path, "liar");
	CHECK_EQ(pthread_create(&t, NULL, lie, NULL), 0);
	long long start = now_us();
	exchange_with_old(2 * BLOCK);
	printf("with false answers: %lld ms\n", (now_us() - start) / 1000);
	unsigned lost = containers_to_old();
	atomic_store(&liar.ends, true);
	CHECK_EQ(pthread_join(t, NULL), 0);
	printf("%llu false answers, %u containers to the old stack\n", (unsigned long long)liar.lies, lost);
	CHECK(liar.lies > 0 && lost > 0);
	CHECK(wait_until(gets_no_containers, NULL, SOON_MS));
}
