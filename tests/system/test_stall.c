/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens if the other side does not read, or if one stack has much traffic. */

#define _GNU_SOURCE
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdatomic.h>

#include "bulk.h"
#include "cable.h"
#include "frames.h"
#include "net.h"
#include "traffic.h"
#include "wire.h"

/* ------------------------------------------------------------------ a peer that stalls */

static int by_value(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

/* The median time of making a socket, in microseconds; the maximum to *max. */
static long long msocket_us(struct vdestack *s, long long *max)
{
	long long t[101];

	for (int i = 0; i < 101; i++) {
		long long start = now_us();
		int fd = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		t[i] = now_us() - start;
		close(fd);
	}
	qsort(t, 101, sizeof(t[0]), by_value);
	*max = t[100];
	return t[50];
}

struct flood {
	int fd;
	atomic_bool stop;
	unsigned long long sent;
	pthread_t thread;
};

static void *flood_main(void *arg)
{
	struct flood *f = arg;
	static char data[1400];

	while (!atomic_load(&f->stop)) {
		if (send(f->fd, data, sizeof(data), MSG_DONTWAIT) > 0)
			f->sent++;
		else
			sleep_ms(1);
	}
	return NULL;
}

static bool has_dropped(void *s)
{
	return stats_of(s).tx_dropped >= 100;
}

static void await_drops(struct vdestack *s)
{
	if (!wait_until(has_dropped, s, SOON_MS)) {
		show_stats("stalled", s);
		FAIL("too few frames have been counted as dropped");
	}
}

static bool another_pair_talks(void)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s", case_path("other"));
	struct vdestack *a = stack_of("vnl=ptp://%s ip=10.1.0.1/24", path);
	struct vdestack *b = stack_of("vnl=ptp://%s ip=10.1.0.2/24", path);
	long long start = now_us();
	bulk_both_ways(a, "10.1.0.1", b, 1 << 20);
	long long took = now_us() - start;
	printf("another pair has sent its bytes in %lld us\n", took);
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
	return took < 5000000;
}

static void flood_start(struct flood *f, struct vdestack *s)
{
	*f = (struct flood){ .fd = socket_to_nobody(s) };
	CHECK_EQ(pthread_create(&f->thread, NULL, flood_main, f), 0);
}

static void flood_end(struct flood *f)
{
	atomic_store(&f->stop, true);
	CHECK_EQ(pthread_join(f->thread, NULL), 0);
	close(f->fd);
}

/* The limit is missed only by a call that waits for the link. */
static void check_quick(struct vdestack *s)
{
	long long max, median = msocket_us(s, &max);

	printf("msocket: median %lld us, longest %lld us\n", median, max);
	CHECK(median < 20000);
	CHECK(max < 2000000);
}

CASE_FLAGS(a_peer_that_does_not_read_stalls_no_other_stack, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	struct flood f;

	flood_start(&f, s);
	await_drops(s);
	check_quick(s);
	CHECK(another_pair_talks());
	show_stats("stalled", s);
	flood_end(&f);
	/* rx continues: the two directions do not wait for each other */
	unsigned long long before = stats_of(s).rx_frames;
	uint8_t frame[256];
	char in[64];
	int port = 0;
	int rx = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	size_t len = make_datagram(s, frame, port, 50);
	CHECK_EQ(send(cable.end[0], frame, len, 0), len);
	CHECK_EQ(recv(rx, in, sizeof(in), 0), 50);
	CHECK(stats_of(s).rx_frames > before);
}

CASE_FLAGS(traffic_goes_on_when_a_stalled_peer_reads_again, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *a = cable_plug(0, 1500, 0);
	struct vdestack *b = cable_plug(1, 1500, 0);
	struct flood f;

	flood_start(&f, a);
	await_drops(a);
	flood_end(&f);
	cable_carry();
	bulk_both_ways(b, "10.0.0.2", a, 1 << 20);
	struct vdestack_link_stats st = stats_of(a);
	show_stats("a", a);
	CHECK_STR(cable.seen[0].complaint, "");
	CHECK(st.tx_frames > 0);
}

CASE_FLAGS(a_stack_with_a_stalled_peer_is_deleted_at_once, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	struct flood f;

	flood_start(&f, s);
	await_drops(s);
	long long start = now_us();
	MUST(vdestack_delete(s));
	long long took = now_us() - start;
	printf("deleted in %lld us\n", took);
	CHECK(took < 1000000);
	flood_end(&f);
}

/* UDP at full speed through a link: every datagram that is missing behind it was counted before it. */
CASE_FLAGS(frames_that_a_slow_peer_misses_are_counted, USER_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	struct flood f;

	flood_start(&f, s);
	await_drops(s);
	reader_only(0);
	sleep_ms(300); /* some are accepted; the number does not matter */
	flood_end(&f);
	struct expected e = { .s = s, .at_least = 1 };
	bool agree = wait_until(out_frames_agree, &e, SOON_MS);
	show_stats("counters", s);
	printf("%llu sent, the peer has seen %llu, %llu of them UDP\n", f.sent,
	       (unsigned long long)cable.seen[0].frames, (unsigned long long)cable.seen[0].udp);
	CHECK(agree);
	CHECK(cable.seen[0].udp + stats_of(s).tx_dropped <= f.sent + 1000); /* 1000: neighbours, routers */
	CHECK_STR(cable.seen[0].complaint, "");
}

CASE_FLAGS(a_stream_that_is_not_read_stalls_no_other_stack, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = stack_of("vnl='=sleep 1000' ip=10.0.0.1/24");
	struct flood f;

	flood_start(&f, s);
	sleep_ms(200); /* the stream is full long before */
	check_quick(s);
	CHECK(another_pair_talks());
	show_stats("stalled", s);
	flood_end(&f);
}

/* ------------------------------------------------------------------ a link that ends */

/* Hundredths of a second of CPU that the pumps take in half a second. */
static long idle_ticks(void)
{
	pid_t pid = case_is_inprocess() ? getpid() : net_keeper();
	long before = cpu_ticks(pid);

	sleep_ms(500);
	return cpu_ticks(pid) - before;
}

static bool lost_carrier(void *s)
{

	return (vdestack_link_get_flags(s, "vde0") & IFF_RUNNING) == 0;
}

CASE_FLAGS(nothing_spins_when_a_switch_has_died, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *a = stack_of("vnl=vde://%s ip=10.0.0.1/24", path);
	struct vdestack *b = stack_of("vnl=vde://%s ip=10.0.0.2/24", path);
	struct connection c = connection_to(a, "10.0.0.1", b);
	struct flood f;

	flood_start(&f, a); /* it dies while frames are under way */
	tool_end(&sw, SIGKILL);
	CHECK(wait_until(lost_carrier, a, SOON_MS));
	CHECK(wait_until(lost_carrier, b, SOON_MS));
	flood_end(&f);
	long ticks = idle_ticks();
	printf("%ld ticks in half a second\n", ticks);
	CHECK(ticks < 10);
	check_quick(a);
	connection_close(&c);
}

CASE_FLAGS(traffic_resumes_with_a_peer_that_ends_and_starts_again, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = cable_plug(0, 1500, 0);
	uint8_t frame[256];
	char in[64], path[96];
	int port = 0;

	(void)snprintf(path, sizeof(path), "%s", case_path("a"));
	int rx = bound_in(s, "10.0.0.1", SOCK_DGRAM, &port);
	int tx = socket_to_nobody(s);
	size_t len = make_datagram(s, frame, port, 50);
	for (int round = 0; round < 3; round++) {
		close(cable.end[0]);
		MUST(unlink(path));
		for (int i = 0; i < 20; i++) /* lost, and nothing else happens */
			(void)send(tx, frame, 100, 0);
		CHECK(idle_ticks() < 10);
		cable.end[0] = wire_open(path);
		wire_connect(cable.end[0], path);
		CHECK_EQ(send(cable.end[0], frame, len, 0), len);
		CHECK_EQ(recv(rx, in, sizeof(in), 0), 50);
		bool came = false;
		for (int i = 0; i < 50 && !came; i++) {
			(void)send(tx, frame, 100, 0);
			came = wait_readable(cable.end[0], 100);
		}
		CHECK(came);
	}
	CHECK(!lost_carrier(s));
}

/* ------------------------------------------------------------------ one busy stack and the others */

static void *pour_for_ever(void *arg)
{
	static char data[1 << 17];
	const int *fd = arg;

	while (send(*fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void *drain_for_ever(void *arg)
{
	static char data[1 << 18];
	const int *fd = arg;

	while (recv(*fd, data, sizeof(data), 0) > 0)
		;
	return NULL;
}

/* The median round trip in microseconds. */
static long long round_trip_us(struct connection *c)
{
	long long t[201];
	int on = 1;
	char byte = 'x';

	MUST(setsockopt(c->a, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	MUST(setsockopt(c->b, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	for (int i = 0; i < 201; i++) {
		long long start = now_us();
		CHECK_EQ(send(c->a, &byte, 1, 0), 1);
		CHECK_EQ(recv(c->b, &byte, 1, 0), 1);
		CHECK_EQ(send(c->b, &byte, 1, 0), 1);
		CHECK_EQ(recv(c->a, &byte, 1, 0), 1);
		t[i] = now_us() - start;
	}
	qsort(t, 201, sizeof(t[0]), by_value);
	return t[100];
}

CASE_FLAGS(a_busy_stack_does_not_starve_another, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *vnl = with("ptp://", case_path("p"));
	struct vdestack *a = stack_of("vnl=%s ip=10.0.0.1/24", vnl);
	struct vdestack *b = stack_of("vnl=%s ip=10.0.0.2/24", vnl);
	const char *other = with("ptp://", case_path("q"));
	struct vdestack *x = stack_of("vnl=%s ip=10.1.0.1/24", other);
	struct vdestack *y = stack_of("vnl=%s ip=10.1.0.2/24", other);
	struct connection busy = connection_to(a, "10.0.0.1", b), quiet = connection_to(x, "10.1.0.1", y);
	long long max, idle = round_trip_us(&quiet);
	pthread_t t[2];

	CHECK_EQ(pthread_create(&t[0], NULL, pour_for_ever, &busy.a), 0);
	CHECK_EQ(pthread_create(&t[1], NULL, drain_for_ever, &busy.b), 0);
	sleep_ms(200);
	unsigned long long before = stats_of(b).tx_frames, passed;
	long long loaded, socket_us, until = now_us() + 5000000;
	do { /* on a busy machine the busy stack may have no processor for the first one */
		loaded = round_trip_us(&quiet);
		socket_us = msocket_us(a, &max);
		passed = stats_of(b).tx_frames - before;
	} while (passed <= 100 && now_us() < until);
	printf("round trip: idle %lld us, beside a busy stack %lld us; msocket on the busy one %lld us, at "
	       "most %lld; %llu frames meanwhile\n",
	       idle, loaded, socket_us, max, passed);
	CHECK(passed > 100);
	CHECK(loaded < 20 * idle + 20000);
	CHECK(socket_us < 20000);
	MUST(shutdown(busy.a, SHUT_RDWR));
	MUST(shutdown(busy.b, SHUT_RDWR));
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

/* ------------------------------------------------------------------ a network that never answers */

#define GIVING_UP 16
#define GIVE_UP_MS 500

struct patient {
	struct vdestack *stack;
	const char *config;
	pthread_t thread;
};

static void *add_in_vain(void *arg)
{
	struct patient *p = arg;
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts()->flags,
				      .step_timeout_ms = GIVE_UP_MS };

	CHECK_ERRNO(vdestack_iface_add(p->stack, p->config, &opts), ETIMEDOUT);
	return NULL;
}

/*
 * The kernel takes some tens of milliseconds to remove each device. No socket of another stack may wait for
 * that.
 */
CASE_FLAGS(sockets_do_not_wait_while_many_interfaces_time_out, BOTH_VDE | CASE_F_NO_TUN | CASE_F_TSAN)
{
	struct vdestack_link_stats stats = { .size = sizeof(stats) };
	struct patient waiting[GIVING_UP];
	long long longest = 0;
	char config[160];
	int made = 0;

	(void)snprintf(config, sizeof(config), "vnl=vde://%s", case_path("net"));
	(void)silent_switch(case_path("net"), GIVING_UP);
	struct vdestack *other = stack_of("%s", "");
	for (int i = 0; i < GIVING_UP; i++) {
		waiting[i] = (struct patient){ .stack = stack_of("%s", ""), .config = config };
		CHECK_EQ(pthread_create(&waiting[i].thread, NULL, add_in_vain, &waiting[i]), 0);
	}
	for (long long end = now_us() + 3000 * GIVE_UP_MS, start; (start = now_us()) < end; made++) {
		close((int)MUST(vdestack_msocket(other, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
		long long took = now_us() - start;
		longest = took > longest ? took : longest;
		/* The library may query an interface that is being removed. */
		CHECK(vdestack_link_get_stats(waiting[made % GIVING_UP].stack, "vde0", &stats) == 0 ||
		      errno == ENODEV);
		sleep_ms(1);
	}
	for (int i = 0; i < GIVING_UP; i++)
		CHECK_EQ(pthread_join(waiting[i].thread, NULL), 0);
	printf("%d sockets, the longest took %lld us\n", made, longest);
	CHECK(made > 50);
	CHECK(longest < 100000);
}
