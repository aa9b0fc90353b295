/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What libioth adds to a call: the same loop with libc's call and with the ioth_ one, in turns, on the same
 * socket.
 *
 *     ioth KIND ROUNDS      KIND: kernel, vdestack
 *
 * Each round sends BATCH messages to a socket on lo and receives them. The messages of a round fit in the
 * buffers, so no call waits. "empty" is a receiving call that finds nothing (EAGAIN), the shortest of all.
 *
 * Prints "name value unit" lines: for each call the medians of both sides, in nanoseconds, and last the
 * median of the ratios of all calls.
 */

#include <errno.h>
#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, BYTES = 64, MAX_RATIOS = 64 };

static char buf[BYTES];
static double ratios[MAX_RATIOS];
static size_t n_ratios;

static void die(const char *what)
{
	fprintf(stderr, "ioth: %s: %s; %s\n", what, strerror(errno), ioth_last_error());
	exit(1);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* ------------------------------------------------------------------ the loops */

/* A loop of a call that must have this result. */
#define LOOP(name, call, expected)                                                                           \
	static void name(int fd)                                                                             \
	{                                                                                                    \
		for (int i = 0; i < BATCH; i++)                                                              \
			if ((call) != (expected))                                                            \
				die(#call);                                                                  \
	}
#define BOTH(name, call, expected)                                                                           \
	LOOP(bare_##name, call, expected) LOOP(ioth_##name##_loop, ioth_##call, expected)

BOTH(write, write(fd, buf, BYTES), BYTES)
BOTH(send, send(fd, buf, BYTES, 0), BYTES)
BOTH(sendto, sendto(fd, buf, BYTES, 0, NULL, 0), BYTES)
BOTH(read, read(fd, buf, BYTES), BYTES)
BOTH(recv, recv(fd, buf, BYTES, 0), BYTES)
BOTH(recvfrom, recvfrom(fd, buf, BYTES, 0, NULL, NULL), BYTES)
BOTH(empty, recv(fd, buf, BYTES, MSG_DONTWAIT), -1)

typedef void loop_fn(int fd);

static const struct {
	const char *out_name, *in_name;
	loop_fn *out[2], *in[2]; /* libc's, libioth's */
} pairs[] = {
	{ "write", "read", { bare_write, ioth_write_loop }, { bare_read, ioth_read_loop } },
	{ "send", "recv", { bare_send, ioth_send_loop }, { bare_recv, ioth_recv_loop } },
	{ "sendto", "recvfrom", { bare_sendto, ioth_sendto_loop }, { bare_recvfrom, ioth_recvfrom_loop } },
};

/* ------------------------------------------------------------------ figures */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), by_value);
	return samples[n / 2];
}

/* samples[0] are those of libc, samples[1] those of libioth. */
static void show(const char *where, const char *name, double *samples[2], size_t n)
{
	double bare = median(samples[0], n) / BATCH, ours = median(samples[1], n) / BATCH;

	printf("%s.%s.bare %.1f ns\n%s.%s.ioth %.1f ns\n", where, name, bare, where, name, ours);
	if (n_ratios < MAX_RATIOS)
		ratios[n_ratios++] = ours / bare;
}

static double timed(loop_fn *loop, int fd)
{
	double t = now_ns();

	loop(fd);
	return now_ns() - t;
}

/* ------------------------------------------------------------------ one pair of sockets */

static void measure(const char *where, int from, int to, size_t rounds)
{
	double *out[2], *in[2];

	for (int side = 0; side < 2; side++) {
		out[side] = calloc(rounds, sizeof(double));
		in[side] = calloc(rounds, sizeof(double));
		if (out[side] == NULL || in[side] == NULL)
			die("calloc");
	}
	for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
		for (size_t i = 0; i < 2 * rounds; i++) {
			size_t side = (i ^ i >> 1) & 1, turn = i / 2; /* 0 1 1 0: who is first changes */
			out[side][turn] = timed(pairs[p].out[side], from);
			in[side][turn] = timed(pairs[p].in[side], to);
		}
		show(where, pairs[p].out_name, out, rounds);
		show(where, pairs[p].in_name, in, rounds);
	}
	for (size_t i = 0; i < 2 * rounds; i++) {
		size_t side = (i ^ i >> 1) & 1;
		in[side][i / 2] = timed(side == 0 ? bare_empty : ioth_empty_loop, to);
	}
	show(where, "empty", in, rounds);
	for (int side = 0; side < 2; side++) {
		free(out[side]);
		free(in[side]);
	}
}

static void set_blocking(int fd, int blocking)
{
	if (ioth_fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK) < 0)
		die("fcntl");
}

static void measure_both(const char *where, int from, int to, size_t rounds)
{
	char name[64];

	for (int blocking = 1; blocking >= 0; blocking--) {
		set_blocking(from, blocking);
		set_blocking(to, blocking);
		(void)snprintf(name, sizeof(name), "%s.%s", where, blocking ? "blocking" : "nonblocking");
		measure(name, from, to, rounds);
	}
}

/* ------------------------------------------------------------------ the program */

static int bound(struct ioth *stack, int type, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = ioth_msocket(stack, AF_INET, type | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || ioth_bind(fd, (struct sockaddr *)at, sizeof(*at)) < 0 ||
	    ioth_getsockname(fd, (struct sockaddr *)at, &len) < 0)
		die("a socket");
	return fd;
}

static void udp(struct ioth *stack, size_t rounds)
{
	struct sockaddr_in at, ignored;
	int to = bound(stack, SOCK_DGRAM, &at), from = bound(stack, SOCK_DGRAM, &ignored);

	if (ioth_connect(from, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("connect");
	measure_both("udp", from, to, rounds);
	(void)ioth_close(from);
	(void)ioth_close(to);
}

static void tcp(struct ioth *stack, size_t rounds)
{
	struct sockaddr_in at, ignored;
	int listener = bound(stack, SOCK_STREAM, &at), from = bound(stack, SOCK_STREAM, &ignored), on = 1;

	if (ioth_listen(listener, 1) < 0 || ioth_connect(from, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("connect");
	int to = ioth_accept(listener, NULL, NULL);
	if (to < 0 || ioth_setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		die("accept");
	measure_both("tcp", from, to, rounds);
	(void)ioth_close(from);
	(void)ioth_close(to);
	(void)ioth_close(listener);
}

int main(int argc, char **argv)
{
	long rounds = argc == 3 ? atol(argv[2]) : 0;

	if (rounds < 1) {
		fprintf(stderr, "usage: ioth KIND ROUNDS\n");
		return 2;
	}
	struct ioth *stack = ioth_newstack(argv[1], NULL);
	if (stack == NULL)
		die(argv[1]);
	udp(stack, (size_t)rounds);
	tcp(stack, (size_t)rounds);
	if (ioth_delstack(stack) < 0)
		die("ioth_delstack");
	printf("ratio %.3f x\n", median(ratios, n_ratios));
	return 0;
}
