/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Eight busy stacks of one program, in pairs on ptp://. Each pair has four TCP connections that send as fast
 * as they can, and 64-byte datagrams at a moderate rate: a sender waits while some of its datagrams are under
 * way. No datagram is lost, all connections progress, and each pump has a thread while it is busy.
 */

#define _GNU_SOURCE
#include <dirent.h>

#include "bulk.h"
#include "net.h"

#define PAIRS 4
#define CONNECTIONS 4
#define STREAM_BYTES (1 << 20) /* of each connection, at least */
#define DATAGRAMS 1000         /* of each pair, at least */
#define UNDER_WAY 16
#define DATAGRAM 64
#define DEADLINE_MS 120000

static struct traffic_pair {
	struct vdestack *s[2];
	struct connection tcp[CONNECTIONS];
	size_t passed[CONNECTIONS];
	int udp[2];
	uint32_t sent, got;
} pairs[PAIRS];

static void make_pair(struct traffic_pair *p, int number)
{
	char name[16];
	int port = 0;

	(void)snprintf(name, sizeof(name), "net%d", number);
	const char *path = case_path(name);
	for (int i = 0; i < 2; i++)
		p->s[i] = stack_without(0, "vnl=ptp://%s ip=10.0.0.%d/24", path, i + 1);
	CHECK(datagram_arrives(p->s[0], p->s[1], "10.0.0.2", 100, false, SOON_MS)); /* they know each other */
	for (int i = 0; i < CONNECTIONS; i++) {
		p->tcp[i] = connection_to(p->s[1], "10.0.0.2", p->s[0]);
		MUST(fcntl(p->tcp[i].a, F_SETFL, O_NONBLOCK));
		MUST(fcntl(p->tcp[i].b, F_SETFL, O_NONBLOCK));
	}
	p->udp[1] = bound_in(p->s[1], "10.0.0.2", SOCK_DGRAM, &port);
	p->udp[0] = connected_in(p->s[0], "10.0.0.2", SOCK_DGRAM, port);
}

/* Threads that move frames. A pump has one of its own, or shares one. */
static int pump_threads(void)
{
	char path[64], name[32];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)net_keeper());
	DIR *tasks = opendir(path);
	CHECK(tasks != NULL);
	for (struct dirent *d; (d = readdir(tasks)) != NULL;) {
		char comm[128];
		(void)snprintf(comm, sizeof(comm), "%s/%.16s/comm", path, d->d_name);
		FILE *f = fopen(comm, "re");
		if (f != NULL && fgets(name, sizeof(name), f) != NULL)
			n += strcmp(name, "vdestack-pump\n") == 0;
		if (f != NULL)
			(void)fclose(f);
	}
	closedir(tasks);
	return n;
}

static void move_stream(struct traffic_pair *p, int i)
{
	static char block[1 << 16];
	ssize_t n = send(p->tcp[i].a, block, sizeof(block), MSG_NOSIGNAL);

	CHECK(n >= 0 || errno == EAGAIN);
	while ((n = recv(p->tcp[i].b, block, sizeof(block), 0)) > 0)
		p->passed[i] += (size_t)n;
	CHECK(n < 0 && errno == EAGAIN);
}

/* They arrive in order, so one that is lost is noticed by the number of the next. */
static void move_datagrams(struct traffic_pair *p)
{
	uint32_t datagram[DATAGRAM / 4] = { 0 };
	ssize_t n;

	while (p->sent - p->got < UNDER_WAY) {
		datagram[0] = p->sent++;
		CHECK_EQ(send(p->udp[0], datagram, sizeof(datagram), 0), DATAGRAM);
	}
	while ((n = recv(p->udp[1], datagram, sizeof(datagram), MSG_DONTWAIT)) > 0) {
		CHECK_EQ(n, DATAGRAM);
		CHECK_EQ(datagram[0], p->got);
		p->got++;
	}
	CHECK(errno == EAGAIN);
}

static void wait_for_any(void)
{
	struct pollfd p[PAIRS * (2 * CONNECTIONS + 1)];
	int n = 0;

	for (int i = 0; i < PAIRS; i++) {
		for (int k = 0; k < CONNECTIONS; k++) {
			p[n++] = (struct pollfd){ .fd = pairs[i].tcp[k].a, .events = POLLOUT };
			p[n++] = (struct pollfd){ .fd = pairs[i].tcp[k].b, .events = POLLIN };
		}
		p[n++] = (struct pollfd){ .fd = pairs[i].udp[1], .events = POLLIN };
	}
	CHECK(MUST(poll(p, (nfds_t)n, SOON_MS)) > 0);
}

static bool have_progressed(void)
{
	for (int i = 0; i < PAIRS; i++) {
		for (int k = 0; k < CONNECTIONS; k++)
			if (pairs[i].passed[k] < STREAM_BYTES)
				return false;
		if (pairs[i].got < DATAGRAMS)
			return false;
	}
	return true;
}

static bool few_pump_threads(void *unused)
{
	(void)unused;
	return pump_threads() <= (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static bool all_datagrams_are_there(void *arg)
{
	struct traffic_pair *p = arg;
	uint32_t datagram[DATAGRAM / 4];

	while (recv(p->udp[1], datagram, sizeof(datagram), MSG_DONTWAIT) > 0)
		CHECK_EQ(datagram[0], p->got++);
	return p->got == p->sent;
}

CASE_TIMED(eight_busy_stacks_have_a_thread_each_and_lose_no_datagram, USER_VDE | CASE_F_NO_SANITIZER, 180)
{
	long long until = now_us() + DEADLINE_MS * 1000LL;
	int most = 0;

	for (int i = 0; i < PAIRS; i++)
		make_pair(&pairs[i], i);
	while (!have_progressed() || most < 2 * PAIRS) {
		for (int i = 0; i < PAIRS; i++) {
			for (int k = 0; k < CONNECTIONS; k++)
				move_stream(&pairs[i], k);
			move_datagrams(&pairs[i]);
		}
		int n = pump_threads();
		most = n > most ? n : most;
		if (now_us() > until)
			FAIL("not all have progressed, or only %d threads move frames", most);
		wait_for_any();
	}
	for (int i = 0; i < PAIRS; i++) {
		printf("pair %d: %u datagrams, TCP", i, pairs[i].got);
		for (int k = 0; k < CONNECTIONS; k++)
			printf(" %zu KiB", pairs[i].passed[k] / 1024);
		printf("\n");
		CHECK(wait_until(all_datagrams_are_there, &pairs[i], SOON_MS));
	}
	for (int i = 0; i < PAIRS; i++)
		for (int k = 0; k < CONNECTIONS; k++)
			connection_close(&pairs[i].tcp[k]);
	if (!wait_until(few_pump_threads, NULL, SOON_MS))
		FAIL("%d threads are left of %d", pump_threads(), most);
}
