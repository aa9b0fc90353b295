/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The stack in user space on networks of VDE, with stacks of the kernel and with its own kind:
 *
 *     picox 10.3.0.1, fd03::1 ── network ── the other side 10.3.0.2, fd03::2
 */

#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <ioth.h>

#include "../system/bulk.h"

#define NET (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
#define LIMIT_MS 30000
#define PORT 4000

/* A side: a stack in user space, or one of the kernel. */
struct side {
	struct ioth *picox;
	struct vdestack *kernel;
	const char *ip4, *ip6;
};

struct addr {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

/* ------------------------------------------------------------------ sides */

static void add_addr(struct ioth *s, int family, const char *text, int prefix, int index)
{
	unsigned char bytes[16];

	CHECK_EQ(inet_pton(family, text, bytes), 1);
	MUST(ioth_ipaddr_add(s, family, bytes, prefix, index));
}

static struct side picox_on(const char *locator, const char *ip4, const char *ip6)
{
	struct side s = { .picox = ioth_newstack("picox", locator), .ip4 = ip4, .ip6 = ip6 };

	if (s.picox == NULL)
		FAIL("no stack on %s: %s: %s", locator, strerror(errno), ioth_last_error());
	int index = (int)MUST(ioth_if_nametoindex(s.picox, "vde0"));
	MUST(ioth_linksetupdown(s.picox, (unsigned)index, 1));
	add_addr(s.picox, AF_INET, ip4, 24, index);
	add_addr(s.picox, AF_INET6, ip6, 64, index);
	return s;
}

static struct side kernel_on(const char *locator, const char *ip4, const char *ip6, const char *words)
{
	struct side s = { .ip4 = ip4, .ip6 = ip6 };

	s.kernel = new_stack("vnl=%s ip=%s/24 ip=%s/64 %s", locator, ip4, ip6, words);
	return s;
}

static void end_side(const struct side *s)
{
	if (s->picox != NULL)
		MUST(ioth_delstack(s->picox));
	else
		MUST(vdestack_delete(s->kernel));
}

static struct addr at(const struct side *s, int family, int port)
{
	struct addr a = { .len = family == AF_INET ? sizeof(a.in) : sizeof(a.in6) };

	a.any.sa_family = (sa_family_t)family;
	a.in.sin_port = htons((uint16_t)port); /* the same place in both */
	CHECK_EQ(inet_pton(family, family == AF_INET ? s->ip4 : s->ip6,
			   family == AF_INET ? (void *)&a.in.sin_addr : (void *)&a.in6.sin6_addr),
		 1);
	return a;
}

static int side_socket(const struct side *s, int family, int type)
{
	return (int)(s->picox != NULL ? MUST(ioth_msocket(s->picox, family, type | SOCK_CLOEXEC, 0))
				      : MUST(vdestack_msocket(s->kernel, family, type | SOCK_CLOEXEC, 0)));
}

static int side_bound(const struct side *s, int family, int type)
{
	struct addr a = at(s, family, PORT);
	int fd = side_socket(s, family, type);

	MUST(s->picox != NULL ? ioth_bind(fd, &a.any, a.len) : bind(fd, &a.any, a.len));
	return fd;
}

static void close_in(const struct side *s, int fd)
{
	MUST(s->picox != NULL ? ioth_close(fd) : close(fd));
}

static void end_output(const struct side *s, int fd)
{
	MUST(s->picox != NULL ? ioth_shutdown(fd, SHUT_WR) : shutdown(fd, SHUT_WR));
}

static int call(const struct side *s, int fd, const struct addr *to)
{
	return s->picox != NULL ? ioth_connect(fd, &to->any, to->len) : connect(fd, &to->any, to->len);
}

struct attempt {
	const struct side *side;
	int family, fd;
	struct addr to;
};

/* A stack in user space has no address to connect from while it looks for duplicates. */
static bool has_connected(void *arg)
{
	struct attempt *a = arg;

	a->fd = side_socket(a->side, a->family, SOCK_STREAM);
	if (call(a->side, a->fd, &a->to) == 0)
		return true;
	CHECK_EQ(errno, ENETUNREACH);
	close_in(a->side, a->fd);
	return false;
}

/* Both ends of a connection from one side to the other. */
static void connection(const struct side *from, const struct side *to, int family, int fds[2])
{
	int l = side_bound(to, family, SOCK_STREAM);
	struct attempt attempt = { .side = from, .family = family, .to = at(to, family, PORT) };

	MUST(to->picox != NULL ? ioth_listen(l, 4) : listen(l, 4));
	CHECK(wait_until(has_connected, &attempt, LIMIT_MS));
	fds[0] = attempt.fd;
	fds[1] = (int)MUST(to->picox != NULL ? ioth_accept(l, NULL, NULL) : accept(l, NULL, NULL));
	close_in(to, l);
}

/* ------------------------------------------------------------------ streams */

struct flow {
	const struct side *side;
	int fd;
	size_t bytes;
	unsigned seed;
};

static unsigned char flow_byte(unsigned seed, size_t i)
{
	return (unsigned char)(i * 7 + (i >> 16) + seed);
}

static void *send_flow(void *arg)
{
	const struct flow *f = arg;
	unsigned char buf[32768];

	for (size_t done = 0; done < f->bytes; done += sizeof(buf)) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = flow_byte(f->seed, done + i);
		for (size_t i = 0; i < sizeof(buf);) {
			ssize_t n = write(f->fd, buf + i, sizeof(buf) - i);
			CHECK(n > 0);
			i += (size_t)n;
		}
	}
	end_output(f->side, f->fd);
	return NULL;
}

static void *receive_flow(void *arg)
{
	const struct flow *f = arg;
	unsigned char buf[32768];
	size_t done = 0;
	ssize_t n;

	while ((n = read(f->fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != flow_byte(f->seed, done + (size_t)i))
				FAIL("byte %zu is wrong", done + (size_t)i);
		done += (size_t)n;
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(done, f->bytes);
	return NULL;
}

/* So many bytes in both directions at once. */
static void stream(const struct side *a, const struct side *b, int family, size_t bytes)
{
	pthread_t threads[4];
	int fds[2];

	connection(a, b, family, fds);
	struct flow flows[4] = { { a, fds[0], bytes, 1 },
				 { b, fds[1], bytes, 1 },
				 { b, fds[1], bytes, 2 },
				 { a, fds[0], bytes, 2 } };
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, i % 2 == 0 ? send_flow : receive_flow, &flows[i]),
			 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	close_in(a, fds[0]);
	close_in(b, fds[1]);
}

static void streams(const struct side *a, const struct side *b, size_t bytes)
{
	stream(a, b, AF_INET, bytes);
	stream(b, a, AF_INET6, bytes);
	end_side(b);
	end_side(a);
}

static const char *locator(const char *scheme)
{
	static char text[4][300];
	static int n;
	char *s = text[n++ % 4];

	(void)snprintf(s, sizeof(text[0]), "%s://%s", scheme, case_path("net"));
	return s;
}

CASE_TIMED(bulk_is_intact_on_ptp, NET, 180)
{
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("ptp"), "10.3.0.2", "fd03::2", "");

	streams(&a, &b, 64 << 20);
}

CASE_TIMED(bulk_is_intact_on_the_hub_that_the_stack_makes, NET, 180)
{
	struct side a = picox_on(locator("hub"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("vde"), "10.3.0.2", "fd03::2", "");

	streams(&a, &b, 8 << 20);
}

CASE_TIMED(bulk_is_intact_on_a_switch, NET, 180)
{
	struct tool sw;

	switch_start(&sw, case_path("net"), "8");
	struct side a = picox_on(locator("vde"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("vde"), "10.3.0.2", "fd03::2", "");
	streams(&a, &b, 8 << 20);
	tool_end(&sw, SIGTERM);
}

CASE_TIMED(bulk_is_intact_between_two_of_them, NET, 180)
{
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = picox_on(locator("ptp"), "10.3.0.2", "fd03::2");

	streams(&a, &b, 16 << 20);
}

CASE_TIMED(bulk_is_intact_with_loss_and_reordering, NET, 240)
{
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("ptp"), "10.3.0.2", "fd03::2",
				  "tx.loss=1% rx.loss=1% reorder=2% duplicate=1% seed=7");

	streams(&a, &b, 1 << 20);
}

/* ------------------------------------------------------------------ datagrams */

/* Sent again until it has come: address resolution may lose the first. */
static void datagram(const struct side *from, const struct side *to, int tx, int rx, const struct addr *a,
		     size_t size)
{
	static unsigned char data[9000], got[9000];
	struct pollfd p = { .fd = rx, .events = POLLIN };

	for (size_t i = 0; i < size; i++)
		data[i] = flow_byte((unsigned)size, i);
	for (int tries = 0; tries < 50; tries++) {
		ssize_t n = from->picox != NULL ? ioth_sendto(tx, data, size, 0, &a->any, a->len)
						: sendto(tx, data, size, 0, &a->any, a->len);
		CHECK_EQ(n, size);
		if (poll(&p, 1, 1000) != 1)
			continue;
		n = to->picox != NULL ? ioth_recv(rx, got, sizeof(got), 0) : recv(rx, got, sizeof(got), 0);
		if (n != (ssize_t)size)
			continue; /* a copy of an earlier one that was late */
		CHECK_EQ(memcmp(data, got, size), 0);
		return;
	}
	FAIL("a datagram of %zu bytes does not arrive", size);
}

CASE_TIMED(datagrams_of_all_sizes_cross, NET, 120)
{
	static const size_t sizes[] = { 1, 100, 1452, 1453, 1472, 1473, 4000, 8192 };
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("ptp"), "10.3.0.2", "fd03::2", "");

	for (int i = 0; i < 4; i++) {
		const struct side *from = i % 2 ? &a : &b, *to = i % 2 ? &b : &a;
		int family = i < 2 ? AF_INET : AF_INET6;
		struct addr to_addr = at(to, family, PORT);
		int tx = side_socket(from, family, SOCK_DGRAM), rx = side_bound(to, family, SOCK_DGRAM);
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
			datagram(from, to, tx, rx, &to_addr, sizes[k]);
		close_in(from, tx);
		close_in(to, rx);
	}
	end_side(&a);
	end_side(&b);
}

/* ------------------------------------------------------------------ ends and errors */

CASE_FLAGS(half_of_a_connection_and_no_listener, NET)
{
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("ptp"), "10.3.0.2", "fd03::2", "");

	for (int i = 0; i < 4; i++) {
		const struct side *from = i % 2 ? &a : &b, *to = i % 2 ? &b : &a;
		int family = i < 2 ? AF_INET : AF_INET6, fds[2];
		char buf[8];

		connection(from, to, family, fds);
		CHECK_EQ(write(fds[0], "abc", 3), 3);
		end_output(from, fds[0]);
		CHECK_EQ(recv(fds[1], buf, 3, MSG_WAITALL), 3);
		CHECK_EQ(read(fds[1], buf, sizeof(buf)), 0);
		CHECK_EQ(write(fds[1], "defg", 4), 4);
		CHECK_EQ(recv(fds[0], buf, 4, MSG_WAITALL), 4);
		close_in(to, fds[1]);
		CHECK_EQ(read(fds[0], buf, sizeof(buf)), 0);
		close_in(from, fds[0]);

		struct addr none = at(to, family, PORT + 1);
		int fd = side_socket(from, family, SOCK_STREAM);
		CHECK_ERRNO(call(from, fd, &none), ECONNREFUSED);
		close_in(from, fd);
	}
	end_side(&a);
	end_side(&b);
}

CASE_FLAGS(a_host_that_is_not_there_ends_in_bounded_time, NET)
{
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side absent = { .ip4 = "10.3.0.77", .ip6 = "fd03::77" }, beyond = { .ip4 = "10.99.0.1" };
	struct addr to = at(&beyond, AF_INET, PORT);
	struct timeval limit = { .tv_usec = 300000 };
	int fd = side_socket(&a, AF_INET, SOCK_STREAM);

	long long before = now_us();
	CHECK(call(&a, fd, &to) < 0);
	CHECK(errno == EHOSTUNREACH || errno == ENETUNREACH);
	CHECK(now_us() - before < 5000000);
	close_in(&a, fd);
	fd = side_socket(&a, AF_INET, SOCK_STREAM);
	to = at(&absent, AF_INET, PORT);
	MUST(ioth_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	CHECK_ERRNO(call(&a, fd, &to), EINPROGRESS);
	close_in(&a, fd);
	end_side(&a);
}

static void go_down_and_up(int family)
{
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("ptp"), "10.3.0.2", "fd03::2", "");
	int fds[2];
	char c;

	connection(&a, &b, family, fds);
	unsigned index = (unsigned)MUST(ioth_if_nametoindex(a.picox, "vde0"));
	MUST(ioth_linksetupdown(a.picox, index, 0));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK(!wait_readable(fds[0], 300));
	MUST(ioth_linksetupdown(a.picox, index, 1));
	CHECK(wait_readable(fds[0], LIMIT_MS));
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(write(fds[0], "y", 1), 1);
	CHECK(wait_readable(fds[1], LIMIT_MS));
	CHECK_EQ(read(fds[1], &c, 1), 1);
	CHECK_EQ(c, 'y');
	close_in(&a, fds[0]);
	close_in(&b, fds[1]);
	end_side(&a);
	end_side(&b);
}

CASE_FLAGS(a_link_that_goes_down_and_up_keeps_its_connections, NET)
{
	go_down_and_up(AF_INET);
}

/* lwIP forgets what is on the link of an interface that goes down. */
CASE_FLAGS(a_link_that_goes_down_and_up_keeps_its_connections_of_ipv6, NET)
{
	go_down_and_up(AF_INET6);
}

CASE_TIMED(a_switch_that_never_answers_delays_only_its_own_stack, NET, 150)
{
	int fd = silent_switch(case_path("mute"), 8);
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("ptp"), "10.3.0.2", "fd03::2", "");
	char mute[300];

	(void)snprintf(mute, sizeof(mute), "vde://%s", case_path("mute"));
	CHECK(ioth_newstack("picox", mute) == NULL);
	printf("errno %d: %s\n", errno, ioth_last_error());
	CHECK(errno == ETIMEDOUT || errno == ECONNREFUSED || errno == EIO || errno == ENETDOWN);
	stream(&a, &b, AF_INET, 1 << 16);
	end_side(&a);
	end_side(&b);
	close(fd);
}

/* ------------------------------------------------------------------ what the network sees */

/* In order: what the stack forwarded would come before what it sends afterwards. */
static void no_forwarding(int family, const char *const nets[2], const char *const of_picox[2],
			  const char *const others[2], const char *const words[2])
{
	const char *vnlv[] = { nets[0], nets[1], NULL };
	struct ioth *picox = ioth_newstackv("picox", vnlv);
	struct side ends[2], own = { .picox = picox }, own2 = own;
	char buf[16] = "";

	CHECK(picox != NULL);
	for (int i = 0; i < 2; i++) {
		int index = (int)MUST(ioth_if_nametoindex(picox, i == 0 ? "vde0" : "vde1"));
		MUST(ioth_linksetupdown(picox, (unsigned)index, 1));
		add_addr(picox, family, of_picox[i], family == AF_INET ? 24 : 64, index);
		ends[i] = (struct side){ .kernel = new_stack("vnl=%s %s", nets[i], words[i]),
					 .ip4 = others[i],
					 .ip6 = others[i] };
	}
	own.ip4 = own.ip6 = of_picox[0];
	own2.ip4 = own2.ip6 = of_picox[1];
	struct addr beyond = at(&ends[1], family, PORT), direct = at(&own, family, PORT);
	int tx = side_socket(&ends[0], family, SOCK_DGRAM), rx = side_bound(&ends[1], family, SOCK_DGRAM);
	int witness = side_bound(&own, family, SOCK_DGRAM);

	datagram(&ends[0], &own, tx, witness, &direct, 5);
	MUST(sendto(tx, "forward", 7, 0, &beyond.any, beyond.len));
	datagram(&ends[0], &own, tx, witness, &direct, 6);
	int out = side_bound(&own2, family, SOCK_DGRAM);
	for (int i = 0; i < 50 && !wait_readable(rx, 500); i++)
		MUST(ioth_sendto(out, "mine", 4, 0, &beyond.any, beyond.len));
	MUST(recv(rx, buf, sizeof(buf) - 1, 0));
	CHECK_STR(buf, "mine");
	close(tx);
	close(rx);
	MUST(ioth_close(witness));
	MUST(ioth_close(out));
	end_side(&ends[0]);
	end_side(&ends[1]);
	end_side(&own);
}

CASE_FLAGS(a_stack_with_two_interfaces_is_no_router, NET)
{
	char one[300], two[300];

	(void)snprintf(one, sizeof(one), "ptp://%s", case_path("one"));
	(void)snprintf(two, sizeof(two), "ptp://%s", case_path("two"));
	no_forwarding(AF_INET, (const char *[]){ one, two }, (const char *[]){ "10.1.0.1", "10.2.0.1" },
		      (const char *[]){ "10.1.0.2", "10.2.0.2" },
		      (const char *[]){ "ip=10.1.0.2/24 gw=10.1.0.1", "ip=10.2.0.2/24 gw=10.2.0.1" });
	no_forwarding(AF_INET6, (const char *[]){ one, two }, (const char *[]){ "fd01::1", "fd02::1" },
		      (const char *[]){ "fd01::2", "fd02::2" },
		      (const char *[]){ "ip=fd01::2/64 gw=fd01::1", "ip=fd02::2/64 gw=fd02::1" });
}

#define CONNECTIONS 9

/* lwIP's own grow by the same number each time. */
CASE_FLAGS(initial_sequence_numbers_do_not_follow_from_each_other, NET)
{
	struct side a = picox_on(locator("ptp"), "10.3.0.1", "fd03::1");
	struct side b = kernel_on(locator("ptp"), "10.3.0.2", "fd03::2", "");
	int wire =
		(int)MUST(vdestack_msocket(b.kernel, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP)));
	uint32_t numbers[CONNECTIONS];
	int small = 0;

	for (int i = 0; i < CONNECTIONS;) {
		struct addr to = at(&b, AF_INET, PORT + i);
		unsigned char packet[2000];
		int fd = side_socket(&a, AF_INET, SOCK_STREAM);
		CHECK_ERRNO(call(&a, fd, &to), ECONNREFUSED);
		close_in(&a, fd);
		for (bool found = false; !found;) {
			CHECK(wait_readable(wire, LIMIT_MS));
			ssize_t n = MUST(recv(wire, packet, sizeof(packet), 0));
			size_t ip = (size_t)(packet[0] & 15) * 4;
			found = n >= (ssize_t)ip + 20 && packet[9] == IPPROTO_TCP && packet[ip + 13] == 2 &&
				(packet[ip + 2] << 8 | packet[ip + 3]) == PORT + i;
			memcpy(&numbers[i], packet + ip + 4, sizeof(numbers[i]));
		}
		numbers[i] = ntohl(numbers[i]);
		i++;
	}
	for (int i = 2; i < CONNECTIONS; i++) {
		int32_t change = (int32_t)(numbers[i] - 2 * numbers[i - 1] + numbers[i - 2]);
		small += change > -(1 << 22) && change < 1 << 22;
	}
	CHECK(small < 3);
	close(wire);
	end_side(&a);
	end_side(&b);
}
