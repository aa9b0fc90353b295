/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run_probe: sockets of all kinds, made in all ways. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_probe.h"

static void families(void)
{
	int pair[2];

	close(make(AF_INET, SOCK_STREAM, 0));
	close(make(AF_INET6, SOCK_DGRAM, 0));
	close(make(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	int fd = socket(AF_PACKET, SOCK_RAW, 0); /* the stack's owner has the rights there */
	CHECK(fd >= 0 && in_stack(fd));
	close(fd);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
	CHECK(fd >= 0 && !in_stack(fd));
	close(fd);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && !in_stack(pair[0]));
	close(pair[0]);
	close(pair[1]);
	CHECK(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) < 0 && errno == EPROTONOSUPPORT);
	CHECK(socket(AF_INET, 77, 0) < 0 && errno == EINVAL);
}

static void flags(void)
{
	int lowest = dup(0);

	close(lowest);
	int fd = make(AF_INET, SOCK_STREAM, 0);
	CHECK(fd == lowest);
	CHECK(fcntl(fd, F_GETFD) == 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	int other = make(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(other == lowest + 1);
	CHECK(fcntl(other, F_GETFD) == FD_CLOEXEC && (fcntl(other, F_GETFL) & O_NONBLOCK) != 0);
}

/* With a port that only the owner of the network may bind. */
static void connections(void)
{
	talk(listen_on(80));
}

static void few_descriptors(void)
{
	struct rlimit few = { 20, 20 };
	int n = 0;

	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	while (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		n++;
	CHECK(errno == EMFILE);
	CHECK(n > 10 && n < 20);
	close(19);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) == 19);
}

static void *hundred_sockets(void *arg)
{
	(void)arg;
	for (int i = 0; i < 125; i++)
		close(make(i % 2 == 0 ? AF_INET : AF_INET6, SOCK_DGRAM, 0));
	return NULL;
}

static void threads(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, hundred_sockets, NULL) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static pthread_barrier_t together;

static void *one_at_once(void *arg)
{
	(void)pthread_barrier_wait(&together);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0 && in_stack(fd));
	close(fd);
	return arg;
}

/* Many requests wait at the same time. */
static void flood(void)
{
	enum { N = 400, PROCESSES = 5 };
	pthread_attr_t small;

	for (int p = 0; p < PROCESSES; p++) {
		if (fork() != 0)
			continue;
		static pthread_t t[N];
		CHECK(pthread_barrier_init(&together, NULL, N) == 0);
		CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 65536) == 0);
		for (int i = 0; i < N; i++)
			CHECK(pthread_create(&t[i], &small, one_at_once, NULL) == 0);
		for (int i = 0; i < N; i++)
			CHECK(pthread_join(t[i], NULL) == 0);
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		int status = -1;
		CHECK(wait(&status) > 0 && status == 0);
	}
	one_socket();
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* A timer of 1 ms. Without SA_RESTART the call may fail with EINTR, but never leaves a descriptor. */
static void interrupted(int sa_flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = sa_flags };
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };

	for (int i = 0; i < 4; i++)
		one_socket(); /* what an engine opens for the first sockets stays open */
	int before = count_descriptors();
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0 && setitimer(ITIMER_REAL, &every, NULL) == 0);
	for (int i = 0; i < 1000 || alarms < 50; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		CHECK(fd >= 0 || (errno == EINTR && (sa_flags & SA_RESTART) == 0));
		if (fd >= 0)
			close(fd);
	}
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	CHECK(count_descriptors() == before);
	one_socket();
}

static void signals(void)
{
	interrupted(SA_RESTART);
	interrupted(0);
}

/* Processes that are killed while they wait for an answer. */
static void killed_callers(void)
{
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		while (pid == 0)
			close(socket(AF_INET, SOCK_STREAM, 0));
		usleep((unsigned)(i * 7 % 1000));
		CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	}
	one_socket();
}

const struct probe_case probe_sockets[] = {
	PROBE_CASE(families),
	PROBE_CASE(flags),
	PROBE_CASE(connections),
	PROBE_CASE(few_descriptors),
	PROBE_CASE(threads),
	PROBE_CASE(flood),
	PROBE_CASE(signals),
	PROBE_CASE(killed_callers),
	{ NULL, NULL },
};
