/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * run_probe: the supervisor or the keeper dies or is stopped; a program that attacks them; how fast sockets
 * are.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run_probe.h"

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

#define ASK_FAMILY 0x7644

/* Writes a byte to descriptor 1 when it is ready; reads one from 0 when the supervisor is dead. */
static void meet_the_other_again(void)
{
	char c;

	CHECK(write(1, "x", 1) == 1);
	CHECK(read(0, &c, 1) == 1);
}

static void meet_the_other(void)
{
	one_socket();
	meet_the_other_again();
}

static void without_supervisor(void)
{
	meet_the_other();
	for (int i = 0; i < 10; i++)
		CHECK(socket(i % 2 == 0 ? AF_INET : AF_INET6, SOCK_STREAM, 0) < 0 && errno == ENOSYS);
	CHECK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0 && errno == ENOSYS);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static void still_served(void)
{
	meet_the_other();
	one_socket();
}

static void without_keeper(void)
{
	meet_the_other();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	/* A socket that the dying stack still made would be in the stack. */
	for (int i = 0; fd >= 0 && i < 1000; i++) {
		CHECK(in_stack(fd));
		close(fd);
		usleep(1000);
		fd = socket(AF_INET, SOCK_STREAM, 0);
	}
	CHECK(fd < 0 && errno == ENETDOWN);
}

static void *one_that_may_be_late(void *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0 ? in_stack(fd) : errno == ETIMEDOUT);
	return arg;
}

/* Each of them alone would wait for five seconds. */
static void with_a_stopped_keeper(void)
{
	struct timespec before, after;
	pthread_t t[8];

	meet_the_other();
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, one_that_may_be_late, NULL) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK(after.tv_sec - before.tv_sec < 20);
	meet_the_other_again(); /* it goes on */
	int fd = -1;
	for (int i = 0; fd < 0 && i < 1000; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		CHECK(fd >= 0 || errno == ETIMEDOUT);
		usleep(10000);
	}
	CHECK(fd >= 0 && in_stack(fd));
}

static long ask(long request, long a, long b, long c, long d)
{
	return syscall(SYS_socket, ASK_FAMILY, request, a, b, c, d);
}

static void refused(long request, long a, long b, long c, long d, int err)
{
	CHECK(ask(request, a, b, c, d) < 0);
	CHECK(errno == err);
}

static void forged_requests(void)
{
	static const long bad[] = { 1, 2, 100, 0xffff, 0x10000, -1, 0x7fffffffffffffff, -0x7fffffffffffffff };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refused(3, bad[i], AF_INET, SOCK_STREAM, 0, EINVAL);
		refused(2, bad[i], 0, 0, 0, EINVAL);
		refused(4 + labs(bad[i]) % 1000, 0, 0, 0, 0, EINVAL);
	}
	refused(0, 0, 0, 0, 0, EINVAL);
	refused(-1, 0, 0, 0, 0, EINVAL);
	refused(3, 0, AF_UNIX, SOCK_STREAM, 0, EINVAL); /* not from the supervisor's own network */
	refused(3, 0, ASK_FAMILY, SOCK_STREAM, 0, EINVAL);
	refused(3, 0, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, EINVAL);
	refused(3, 0, AF_INET, 99, 0, EINVAL);
	long fd = ask(3, 0, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && in_stack((int)fd) && fcntl((int)fd, F_GETFD) == FD_CLOEXEC);
	close((int)fd);
	fd = ask(2, 0, 0, 0, 0); /* a door, which all processes share */
	CHECK(fd >= 0 && fcntl((int)fd, F_GETFD) == FD_CLOEXEC);
	one_socket();
}

static void sealed_description(void)
{
	uint32_t head[8];
	int fd = (int)ask(1, 0, 0, 0, 0);

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(pread(fd, head, sizeof(head), 0) == sizeof(head) && head[0] == 1);
	char text[200] = "";
	CHECK(head[6] < sizeof(text) && pread(fd, text, sizeof(text), sizeof(head)) == (ssize_t)head[6]);
	CHECK(strncmp(text, "stack main ", 11) == 0);
	CHECK(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM);
	CHECK(ftruncate(fd, 0) < 0 && errno == EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
}

static void io_uring_is_absent(void)
{
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS);
}

static void io_uring_is_there(void)
{
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno != ENOSYS);
}

#ifdef __x86_64__
/* Some machines have none: a virtual processor may not support them. A process that tries gets SIGSEGV. */
static bool has_32_bit_calls(void)
{
	long r;
	int status;

	pid_t child = fork();
	if (child == 0) {
		__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); /* getpid */
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
	return status == 0;
}

static void check_32_bit_calls(void)
{
	long fd, r;

	__asm__ volatile("int $0x80"
			 : "=a"(fd)
			 : "a"(359), "b"(AF_INET), "c"(SOCK_STREAM), "d"(0)
			 : "memory");
	CHECK(fd == -ENOSYS || (fd >= 0 && in_stack((int)fd)));
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(102), "b"(1), "c"(0), "d"(0) : "memory");
	CHECK(r == -ENOSYS);
}
#endif

/* The 32-bit calls of the same kernel. */
static void other_architecture(void)
{
#ifdef __x86_64__
	if (has_32_bit_calls())
		check_32_bit_calls();
	long r = syscall(0x40000000 + SYS_socket, AF_INET, SOCK_STREAM, 0); /* x32 */
	CHECK(r < 0 ? errno == ENOSYS : in_stack((int)r));
#endif
}

/* How long socket(2) and close(2) take. */
static void speed(void)
{
	enum { N = 20000 };
	struct timespec a, b;

	one_socket();
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < N; i++)
		close(socket(AF_INET, SOCK_STREAM, 0));
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.2f us\n",
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / N / 1000);
}

const struct probe_case probe_attacks[] = {
	PROBE_CASE(without_supervisor),
	PROBE_CASE(without_keeper),
	PROBE_CASE(still_served),
	PROBE_CASE(with_a_stopped_keeper),
	PROBE_CASE(forged_requests),
	PROBE_CASE(sealed_description),
	PROBE_CASE(io_uring_is_absent),
	PROBE_CASE(io_uring_is_there),
	PROBE_CASE(other_architecture),
	PROBE_CASE(speed),
	{ NULL, NULL },
};
