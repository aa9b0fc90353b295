/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Traffic through impaired interfaces. */

#define _GNU_SOURCE
#include <dirent.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>

#include "impair.h"
#include "traffic.h"

#define BOTH (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE | CASE_F_INPROCESS)

/* A datagram socket of each stack, connected to each other. */
struct wires {
	struct pair p;
	int a, b;
};

static void connect_both(struct wires *w, int port)
{
	struct sockaddr_in to_a = address("10.9.0.1", port), to_b = address("10.9.0.2", port);

	w->a = (int)MUST(vdestack_msocket(w->p.a, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	w->b = (int)MUST(vdestack_msocket(w->p.b, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(bind(w->a, (struct sockaddr *)&to_a, sizeof(to_a)));
	MUST(bind(w->b, (struct sockaddr *)&to_b, sizeof(to_b)));
	MUST(connect(w->a, (struct sockaddr *)&to_b, sizeof(to_b)));
	MUST(connect(w->b, (struct sockaddr *)&to_a, sizeof(to_a)));
}

static bool carries(int from, int to, size_t size, int timeout_ms)
{
	static char bytes[65536];

	MUST(send(from, bytes, size, MSG_NOSIGNAL));
	return wait_readable(to, timeout_ms) && recv(to, bytes, sizeof(bytes), MSG_DONTWAIT) == (ssize_t)size;
}

/* Both know each other's MAC addresses, and sockets are ready. */
static struct wires new_wires(void)
{
	struct wires w = { .p = ptp_pair() };

	connect_both(&w, 4000);
	for (int i = 0; i < 100 && !carries(w.a, w.b, 1, 100); i++)
		;
	/* Those that came too late for the loop come before the mark. */
	char mark[2];
	MUST(send(w.a, "mk", sizeof(mark), MSG_NOSIGNAL));
	do
		CHECK(wait_readable(w.b, SOON_MS));
	while (recv(w.b, mark, sizeof(mark), MSG_DONTWAIT) != sizeof(mark));
	CHECK(carries(w.b, w.a, 1, SOON_MS));
	return w;
}

/* Of a datagram there and back, in µs: the shortest of several. */
static long long round_trip_us(const struct wires *w)
{
	long long least = 1000000000;

	for (int i = 0; i < 7; i++) {
		long long before = now_us();
		CHECK(carries(w->a, w->b, 100, SOON_MS));
		CHECK(carries(w->b, w->a, 100, SOON_MS));
		long long took = now_us() - before;
		least = took < least ? took : least;
	}
	return least;
}

CASE_FLAGS(a_round_trip_takes_the_delay_of_its_way, BOTH | CASE_F_NO_TUN)
{
	struct wires w = new_wires();

	MUST(vdestack_impair_words(w.p.a, "vde0", "tx.delay=30ms"));
	long long one_way = round_trip_us(&w);
	MUST(vdestack_impair_words(w.p.a, "vde0", "rx.delay=30ms"));
	long long both_ways = round_trip_us(&w);
	MUST(vdestack_impair_words(w.p.a, "vde0", "unimpaired"));
	long long none = round_trip_us(&w);
	printf("%lld, %lld, %lld us\n", one_way, both_ways, none);
	CHECK(one_way >= 30000 && one_way < 58000);
	CHECK(both_ways >= 60000);
	CHECK(none < 25000);
}

/* ------------------------------------------------------------------ loss */

static bool all_seen(void *arg)
{
	struct impaired i = impairment_of(arg, "vde0");

	return i.tx_stats.seen >= 1000 && i.tx_stats.waiting == 0;
}

/*
 * Sends 1000 datagrams, and returns how many arrive. Few are under way at a time, so no queue on the way
 * overflows.
 */
static unsigned send_thousand(const struct wires *w)
{
	unsigned n = 0;
	char byte;

	for (int i = 0; i < 1000; i++) {
		MUST(send(w->a, "x", 1, MSG_NOSIGNAL));
		n += wait_readable(w->b, 3) && recv(w->b, &byte, 1, MSG_DONTWAIT) == 1;
	}
	CHECK(wait_until(all_seen, w->p.a, SOON_MS));
	while (wait_readable(w->b, 500) && recv(w->b, &byte, 1, MSG_DONTWAIT) == 1)
		n++;
	return n;
}

CASE_FLAGS(loss_is_counted, BOTH)
{
	struct wires w = new_wires();

	MUST(vdestack_impair_words(w.p.a, "vde0", "tx.loss=30% tx.seed=42"));
	unsigned n = send_thousand(&w);
	struct impaired i = impairment_of(w.p.a, "vde0");
	printf("%u arrived, %llu seen, %llu lost\n", n, (unsigned long long)i.tx_stats.seen,
	       (unsigned long long)i.tx_stats.lost);
	CHECK(i.tx_stats.passed + i.tx_stats.lost == i.tx_stats.seen);
	CHECK(i.tx_stats.lost >= 220 && i.tx_stats.lost <= 400); /* six standard deviations */
	/* Other frames of the stack may be among them: neighbour discovery, for example. */
	CHECK(1000 - n <= i.tx_stats.lost && 1000 - n + 40 >= i.tx_stats.lost);
	CHECK(i.rx_stats.lost == 0);
}

/* No address of IPv6, and neighbours are known: the stack sends nothing of its own for a while. */
CASE_FLAGS(every_third_frame_is_lost_and_no_other, BOTH)
{
	struct wires w = new_wires();

	MUST(vdestack_impair_words(w.p.b, "vde0", "rx.loss-every=3"));
	uint64_t seen = impairment_of(w.p.b, "vde0").rx_stats.seen;
	int got = 0;
	for (int i = 0; i < 30; i++)
		got += carries(w.a, w.b, 10, 300);
	struct impaired i = impairment_of(w.p.b, "vde0");
	CHECK(i.rx_stats.lost == i.rx_stats.seen / 3);
	CHECK(i.rx_stats.seen - seen >= 30 && got >= 18 && got <= 21);
}

/* ------------------------------------------------------------------ what does not arrive */

CASE_FLAGS(a_cut_of_one_direction_leaves_the_other, BOTH)
{
	struct wires w = new_wires();

	MUST(vdestack_impair_words(w.p.a, "vde0", "tx.cut"));
	CHECK(!carries(w.a, w.b, 10, 200));
	CHECK(carries(w.b, w.a, 10, SOON_MS));
	struct impaired i = impairment_of(w.p.a, "vde0");
	CHECK(i.tx_stats.cut > 0 && i.rx_stats.cut == 0);
	MUST(vdestack_impair_words(w.p.a, "vde0", "-cut"));
	CHECK(carries(w.a, w.b, 10, SOON_MS));
}

CASE_FLAGS(a_black_hole_takes_what_is_too_long, BOTH)
{
	struct wires w = new_wires();

	MUST(vdestack_impair_words(w.p.a, "vde0", "tx.blackhole=1400"));
	CHECK(carries(w.a, w.b, 1400 - 28, SOON_MS)); /* headers of IPv4 and UDP */
	CHECK(!carries(w.a, w.b, 1401 - 28, 200));
	CHECK(carries(w.b, w.a, 1472, SOON_MS));
	CHECK(impairment_of(w.p.a, "vde0").tx_stats.blackholed == 1);
}

/* ------------------------------------------------------------------ changes under way */

struct changing {
	struct vdestack *stack;
	atomic_bool *stop;
	unsigned n;
};

static void *keep_changing(void *arg)
{
	static const char *const words[] = {
		"delay=1ms jitter=1ms",   "tx.loss=1% rx.reorder=5%", "duplicate=5%",   "unimpaired",
		"rate=200mbit corrupt=0.1%", "-rate -corrupt",        "tx.delay=2ms:x",
		"unimpaired codel rate=500mbit",
	};
	struct changing *c = arg;

	while (!atomic_load(c->stop)) {
		const char *word = words[c->n++ % (sizeof(words) / sizeof(*words))];
		if (strchr(word, ':') != NULL)
			CHECK_ERRNO(vdestack_impair_words(c->stack, "vde0", word), EINVAL);
		else
			MUST(vdestack_impair_words(c->stack, "vde0", word));
	}
	return NULL;
}

CASE_TIMED(settings_change_while_traffic_flows, BOTH | CASE_F_TSAN, 60)
{
	struct wires w = new_wires();
	atomic_bool stop = false;
	struct changing c[2] = { { w.p.a, &stop, 0 }, { w.p.b, &stop, 0 } };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, keep_changing, &c[i]), 0);
	for (int i = 0; i < 5; i++)
		tcp_one_way(w.p.a, "10.9.0.1", w.p.b);
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	printf("%u and %u changes\n", c[0].n, c[1].n);
	MUST(vdestack_impair_words(w.p.a, "vde0", "unimpaired"));
	MUST(vdestack_impair_words(w.p.b, "vde0", "unimpaired"));
	tcp_both_ways(w.p.a, "10.9.0.1", w.p.b, "10.9.0.2");
}

/* ------------------------------------------------------------------ removal */

static pid_t holder(void)
{
	return case_is_inprocess() ? getpid() : the_keeper();
}

struct limits {
	int fds, tasks;
};

static bool is_back(void *arg)
{
	const struct limits *l = arg;

	return count_fds_of(holder()) <= l->fds && count_tasks_of(holder()) <= l->tasks;
}

struct place {
	struct vdestack *stack;
	const char *ifname;
};

static bool some_wait(void *arg)
{
	const struct place *p = arg;

	return impairment_of(p->stack, p->ifname).tx_stats.waiting >= 100;
}

/* Frames wait when the interface goes. The path is free for the next one at once. */
static void remove_under_traffic(struct vdestack *s, int round)
{
	char config[300], payload[1400] = "";

	(void)snprintf(config, sizeof(config), "iface=x%d vnl=ptp://%s ip=10.8.0.1/24 delay=10s", round,
		       case_path("second"));
	MUST(vdestack_iface_add(s, config, case_opts()));
	struct sockaddr_in all = address("10.8.0.255", 9);
	int tx = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), on = 1;
	MUST(setsockopt(tx, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	for (int i = 0; i < 200; i++)
		(void)sendto(tx, payload, sizeof(payload), MSG_DONTWAIT, (struct sockaddr *)&all,
			     sizeof(all));
	close(tx);
	(void)snprintf(config, sizeof(config), "x%d", round);
	CHECK(wait_until(some_wait, &(struct place){ s, config }, SOON_MS));
	MUST(vdestack_iface_del(s, config));
	CHECK_ERRNO(vdestack_impair_words(s, config, "cut"), ENODEV);
}

CASE_TIMED(an_interface_that_is_removed_under_impaired_traffic_leaves_nothing, BOTH | CASE_F_TSAN, 90)
{
	struct vdestack *s = new_stack("%s", "");
	struct limits l;

	remove_under_traffic(s, 0);
	await_rest(holder());
	l = (struct limits){ count_fds_of(holder()), count_tasks_of(holder()) };
	for (int i = 1; i <= 5; i++)
		remove_under_traffic(s, i);
	long before = rss_kib_of(holder());
	for (int i = 6; i <= 60; i++) /* 200 frames of 1400 bytes each time */
		remove_under_traffic(s, i);
	CHECK(wait_until(is_back, &l, SOON_MS));
	long grown = rss_kib_of(holder()) - before;
	printf("%ld KiB more\n", grown);
	if (case_sanitizer()[0] == '\0')
		CHECK(grown < 4096); /* 55 rounds wait with 15 MiB of frames */
}

/* ------------------------------------------------------------------ reconnecting */

static bool gone(void *arg)
{
	return (MUST(vdestack_link_get_flags(arg, "vde0")) & IFF_RUNNING) == 0;
}

static bool back(void *arg)
{
	return (MUST(vdestack_link_get_flags(arg, "vde0")) & IFF_RUNNING) != 0;
}

CASE_TIMED(impairment_stays_when_the_network_comes_back, BOTH, 60)
{
	struct tool sw;
	struct wires w;

	switch_start(&sw, case_path("switch"), "8");
	w.p.a = new_stack("vnl=vde://%s ip=10.9.0.1/24 tx.delay=30ms", case_path("switch"));
	w.p.b = new_stack("vnl=vde://%s ip=10.9.0.2/24", case_path("switch"));
	connect_both(&w, 4000);
	CHECK(round_trip_us(&w) >= 30000);
	tool_end(&sw, SIGTERM);
	CHECK(wait_until(gone, w.p.a, SOON_MS) && wait_until(gone, w.p.b, SOON_MS));
	struct impaired before = impairment_of(w.p.a, "vde0");
	MUST(vdestack_impair_words(w.p.b, "vde0", "tx.delay=30ms")); /* while there is no network */
	switch_start(&sw, case_path("switch"), "8");
	CHECK(wait_until(back, w.p.a, SOON_MS) && wait_until(back, w.p.b, SOON_MS));
	struct impaired after = impairment_of(w.p.a, "vde0");
	CHECK(same_settings(&before, &after));
	CHECK(after.tx_stats.seen >= before.tx_stats.seen);
	CHECK(round_trip_us(&w) >= 60000);
	tool_end(&sw, SIGTERM);
}

/* Threads of this process with that name that are in another network namespace. */
static int threads_elsewhere(const char *name)
{
	char path[300], comm[32], here[64] = "", there[64] = "";
	DIR *tasks = opendir("/proc/self/task");
	int n = 0;

	CHECK(tasks != NULL);
	MUST(readlink("/proc/self/ns/net", here, sizeof(here) - 1));
	for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		FILE *f = fopen(path, "re");
		bool same = f != NULL && fscanf(f, "%31s", comm) == 1 && strcmp(comm, name) == 0;
		if (f != NULL)
			(void)fclose(f);
		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/ns/net", task->d_name);
		memset(there, 0, sizeof(there));
		n += same && readlink(path, there, sizeof(there) - 1) > 0 && strcmp(here, there) != 0;
	}
	(void)closedir(tasks);
	return n;
}

static bool no_pump_is_elsewhere(void *arg)
{
	(void)arg;
	return threads_elsewhere("vdestack-pump") == 0;
}

/* A networking thread starts the pump of an impaired port of a segment, in the stack's own namespace. */
CASE_FLAGS(no_thread_of_an_impaired_port_stays_in_the_namespace_of_a_deleted_stack,
	   CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_ONLY_INPROCESS | CASE_F_VDE)
{
	struct vdestack *a = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	struct vdestack *b = new_stack("vnl=inproc://lan ip=10.9.0.2/24");

	MUST(vdestack_impair_words(a, "vde0", "delay=5ms"));
	MUST(vdestack_impair_words(b, "vde0", "delay=5ms"));
	CHECK(threads_elsewhere("vdestack-pump") > 0);
	MUST(vdestack_delete(a));
	struct vdestack *c = new_stack("vnl=null:// ip=10.9.1.1/24");
	MUST(vdestack_delete(b));
	CHECK(wait_until(no_pump_is_elsewhere, NULL, SOON_MS));
	MUST(vdestack_delete(c));
}
