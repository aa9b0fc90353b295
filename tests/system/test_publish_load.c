/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published TCP ports under load and attack: many bytes, many connections, clients that take nothing. */

#include "published.h"

#include <sys/resource.h>

#include "publish/relay.h"

/* A byte that depends on its place, so that lost or moved bytes are noticed. */
static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 7 + (i >> 8) * 31 + (i >> 16) * 101);
}

static void send_pattern(int fd, size_t total)
{
	unsigned char bytes[40000];

	for (size_t at = 0; at < total;) {
		size_t n = total - at < sizeof(bytes) ? total - at : sizeof(bytes);
		for (size_t i = 0; i < n; i++)
			bytes[i] = byte_at(at + i);
		size_t sent = (size_t)MUST(send(fd, bytes, n, MSG_NOSIGNAL));
		at += sent;
	}
	MUST(shutdown(fd, SHUT_WR));
}

static void receive_pattern(int fd, size_t total)
{
	unsigned char bytes[30011];
	size_t at = 0;
	ssize_t n;

	while ((n = MUST(recv(fd, bytes, sizeof(bytes), 0))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			CHECK_EQ(bytes[i], byte_at(at));
	CHECK_EQ(at, total);
}

static pid_t child_sends(int fd, size_t total)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		send_pattern(fd, total);
		_exit(0);
	}
	return pid;
}

static void reap(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

static void check_both_directions(size_t total)
{
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	int s = accepted(l, NULL);
	pid_t up = child_sends(c, total), down = child_sends(s, total);
	pid_t reader = (pid_t)MUST(fork());

	if (reader == 0) {
		receive_pattern(c, total);
		_exit(0);
	}
	receive_pattern(s, total);
	reap(up);
	reap(down);
	reap(reader);
	close(c);
	close(s);
	close(l);
}

CASE(many_bytes_in_both_directions_arrive_unchanged)
{
	relay_of("8080:80");
	check_both_directions(64 * 1024 * 1024);
	relay_end(NULL);
}

/* Descriptors are missing, so bytes are copied. */
CASE(many_bytes_arrive_unchanged_without_pipes_too)
{
	scene_make();
	relay_add(VS_PUBLISH_IN, "8080:80");
	scene.relay->pipes.n_used = VS_PIPES_MAX;
	relay_start();
	check_both_directions(16 * 1024 * 1024);
	relay_end(NULL);
}

static void allow_descriptors(rlim_t n)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < n)
		SKIP("at most %lu descriptors", (unsigned long)limit.rlim_max);
	limit.rlim_cur = n;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

/*
 * Runs a part of a case twice, and compares the open descriptors after both: the library keeps a channel for
 * each thread that has made sockets at the same time as others.
 */
static void check_descriptors(void (*part)(void))
{
	part();
	int before = count_fds();
	part();
	CHECK_EQ(count_fds(), before);
}

static void a_thousand(void)
{
	enum { N = 1000 };
	static int c[N], s[N];
	struct vs_publish_counts counts;

	relay_add(VS_PUBLISH_IN, "8080:80");
	relay_start();
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	for (int i = 0; i < N; i++)
		c[i] = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	for (int i = 0; i < N; i++)
		s[i] = accepted(l, NULL);
	for (int i = 0; i < N; i++)
		say(s[i], "hello");
	for (int i = 0; i < N; i++)
		hear(c[i], "hello");
	for (int i = 0; i < N; i++) {
		close(c[i]);
		hear_end(s[i]);
		close(s[i]);
	}
	close(l);
	relay_end(&counts);
	CHECK_EQ(counts.accepted, N);
	CHECK_EQ(counts.refused, 0);
}

CASE(a_thousand_connections_at_once_leave_no_descriptor)
{
	allow_descriptors(8192);
	scene_make();
	check_descriptors(a_thousand);
}

/* The clients take nothing of what the server sends. The relay has a limited number of pipes for them. */
CASE(clients_that_take_nothing_do_not_stop_the_others)
{
	enum { N = 400 };
	static int c[N], s[N];
	static char bytes[65536];

	allow_descriptors(8192);
	relay_of("8080:80");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	for (int i = 0; i < N; i++) {
		int small = 4096;
		union any at = any_of(HOST, 8080);
		c[i] = sock(scene.client, AF_INET, SOCK_STREAM);
		MUST(setsockopt(c[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
		MUST(connect(c[i], &at.sa, any_len(&at)));
		s[i] = accepted(l, NULL);
		MUST(setsockopt(s[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
		for (int k = 0; k < 8; k++)
			(void)send(s[i], bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	int good = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	int served = accepted(l, NULL);
	say(good, "ask");
	hear(served, "ask");
	say(served, "say");
	hear(good, "say");
	CHECK(scene.relay->pipes.n_used <= VS_PIPES_MAX);
	relay_end(NULL);
	hear_reset(good);
}

/* An attack: one client opens as many connections as it can. */
CASE(connections_above_the_limit_are_reset_with_a_message)
{
	int c[6];
	struct vs_publish_counts counts;

	scene.opts.max_connections = 4;
	relay_of("8080:80");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	for (int i = 0; i < 4; i++) {
		c[i] = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
		int s = accepted(l, NULL);
		say(s, "x");
		hear(c[i], "x");
	}
	for (int i = 4; i < 6; i++) {
		c[i] = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
		hear_reset(c[i]);
	}
	close_with_reset(c[0]);
	/* there is room again when the relay has seen it */
	for (int i = 0; i < 100; i++) {
		char byte;
		int again = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
		struct pollfd p = { .fd = l, .events = POLLIN };
		if (poll(&p, 1, 100) > 0) {
			int s = accepted(l, NULL);
			say(s, "again");
			hear(again, "again");
			break;
		}
		CHECK_ERRNO(recv(again, &byte, 1, 0), ECONNRESET);
		close(again);
		CHECK(i < 99);
	}
	relay_end(&counts);
	CHECK(counts.refused >= 2);
	CHECK_CONTAINS(scene.log, "a client is reset: there are 4 connections, the limit");
}

/* The clients wait in the queue of the listening socket until there are descriptors. */
CASE(clients_wait_while_there_are_no_descriptors)
{
	struct rlimit limit, less;
	union any at = any_of(HOST, 8080);
	int c[2], pass[2];

	scene_make();
	relay_add(VS_PUBLISH_IN, "8080:80");
	relay_start();
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	for (int i = 0; i < 2; i++)
		c[i] = sock(scene.client, AF_INET, SOCK_STREAM);
	MUST(connect(c[0], &at.sa, any_len(&at)));
	say(c[0], "x");
	int s = accepted(l, NULL);
	hear(s, "x");
	MUST(pipe2(pass, O_CLOEXEC)); /* the lowest numbers that are free */
	close(pass[0]);
	close(pass[1]);
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	less = limit;
	less.rlim_cur = (rlim_t)pass[0];
	MUST(setrlimit(RLIMIT_NOFILE, &less));
	MUST(connect(c[1], &at.sa, any_len(&at)));
	say(c[1], "late");
	sleep_ms(150); /* so that the relay has tried: the case is about what it does then */
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	s = accepted(l, NULL);
	hear(s, "late");
	relay_end(NULL);
	CHECK_CONTAINS(scene.log, "clients wait: Too many open files");
}

static void a_flood(void)
{
	struct vs_publish_counts counts;

	relay_add(VS_PUBLISH_IN, "8080:80");
	relay_start();
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	for (int i = 0; i < 2000; i++)
		close_with_reset(connected_to(scene.client, SOCK_STREAM, HOST, 8080));
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080), s = -1;
	say(c, "real");
	for (;;) { /* the others come first, and are at their end */
		char got[5] = "";
		s = accepted(l, NULL);
		if (recv(s, got, 4, MSG_WAITALL) == 4) {
			CHECK_STR(got, "real");
			break;
		}
		close(s);
	}
	close(s);
	hear_end(c);
	close(c);
	close(l);
	relay_end(&counts);
	CHECK_EQ(counts.refused, 0);
}

/* An attack: connections that are made and reset at once, and never send a byte. */
CASE(a_flood_of_connections_that_are_reset_leaves_nothing)
{
	scene_make();
	check_descriptors(a_flood);
}
