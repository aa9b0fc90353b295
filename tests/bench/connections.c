/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections and sockets of a program that does not know the library. It runs on the host, in a namespace,
 * and under both engines of `vdestack run`.
 *
 *     connections serve PORT        a forking server: each child writes a byte and ends
 *     connections connect PORT N    4 processes make N connections to it, one after the other
 *     connections sockets N         socket() + connect() + close() of UDP, N times, and socket() + close()
 *
 *     connections start N           starts a program that does nothing, N times
 *
 * All but the first print "name value unit" lines.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 4
#define BATCH 100

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* ------------------------------------------------------------------ the forking server */

static void serve(int port)
{
	struct sockaddr_in a = loopback(port);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	signal(SIGCHLD, SIG_IGN); /* the kernel collects the children */
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 128) < 0)
		fail("listener");
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		pid_t pid = fork();
		if (pid < 0)
			fail("fork");
		if (pid == 0)
			_exit(write(fd, "x", 1) != 1);
		close(fd);
	}
}

/* The server closes first, so its end is the one in TIME_WAIT. */
static void connect_once(int port)
{
	struct sockaddr_in a = loopback(port);
	char byte[2];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		fail("connection");
	if (read(fd, byte, sizeof(byte)) != 1 || read(fd, byte, sizeof(byte)) != 0)
		fail("reply");
	close(fd);
}

static void connect_all(int port, int n)
{
	double start = now_us();
	bool failed = false;
	int status;

	for (int i = 0; i < CLIENTS; i++) {
		pid_t pid = fork();
		if (pid < 0)
			fail("fork");
		if (pid > 0)
			continue;
		for (int k = 0; k < n / CLIENTS; k++)
			connect_once(port);
		_exit(0);
	}
	while (wait(&status) > 0)
		failed = failed || status != 0;
	if (failed)
		exit(1);
	printf("connections.rate %.1f 1/s\n", (n / CLIENTS) * CLIENTS * 1e6 / (now_us() - start));
}

/* ------------------------------------------------------------------ sockets */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* UDP: only the calls themselves take time. The median of batches, of which each call has its share. */
static void time_sockets(const char *name, int n, bool connected)
{
	struct sockaddr_in a = loopback(9);
	int batches = n / BATCH;
	double *each = calloc((size_t)batches, sizeof(*each));

	if (each == NULL || batches < 1)
		fail("batches");
	for (int i = 0; i < batches; i++) {
		double start = now_us();
		for (int k = 0; k < BATCH; k++) {
			int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			if (fd < 0 || (connected && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0))
				fail(name);
			close(fd);
		}
		each[i] = (now_us() - start) / BATCH;
	}
	qsort(each, (size_t)batches, sizeof(*each), by_value);
	printf("%s.median %.2f us\n", name, each[batches / 2]);
	free(each);
}

/* From the start to the end: execve(2), the dynamic linker, constructors. */
static void time_starts(int n)
{
	char *words[] = { "/bin/true", NULL };
	double *each = calloc((size_t)n, sizeof(*each));
	int status;

	if (each == NULL || n < 1)
		fail("starts");
	for (int i = 0; i < n; i++) {
		double start = now_us();
		pid_t pid;
		if (posix_spawn(&pid, words[0], NULL, NULL, words, environ) != 0)
			fail("posix_spawn");
		if (waitpid(pid, &status, 0) != pid || status != 0)
			fail(words[0]);
		each[i] = now_us() - start;
	}
	qsort(each, (size_t)n, sizeof(*each), by_value);
	printf("start.median %.1f us\n", each[n / 2]);
	free(each);
}

int main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		serve(atoi(argv[2]));
	} else if (argc == 4 && strcmp(argv[1], "connect") == 0) {
		connect_all(atoi(argv[2]), atoi(argv[3]));
	} else if (argc == 3 && strcmp(argv[1], "sockets") == 0) {
		time_sockets("connected", atoi(argv[2]), true);
		time_sockets("opened", atoi(argv[2]), false);
	} else if (argc == 3 && strcmp(argv[1], "start") == 0) {
		time_starts(atoi(argv[2]));
	} else {
		fprintf(stderr, "connections: serve PORT, connect PORT N, sockets N, start N\n");
		return 2;
	}
	return 0;
}
