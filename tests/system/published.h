/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_PUBLISHED_H
#define VDESTACK_TESTS_PUBLISHED_H

/*
 * The scene of cases about published ports:
 *
 *     client stack  198.51.100.7 ── lan ── 198.51.100.1  host stack  [relay]  server stack  10.0.0.1
 *                   2001:db8::7            2001:db8::1                                      fc00::1
 *
 * The stack that plays the host's network is the default of the thread that opens the relay's ports. So
 * each case has a host of its own, with addresses that it knows, as ordinary user too.
 */

#include "stacks.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "publish/publish.h"

#define CLIENT "198.51.100.7"
#define CLIENT6 "2001:db8::7"
#define HOST "198.51.100.1"
#define HOST6 "2001:db8::1"
#define SERVER "10.0.0.1"
#define SERVER6 "fc00::1"

struct scene {
	struct vdestack *client, *host, *server;
	struct vs_publish *relay;
	struct vs_publish_opts opts; /* to be set before relay_add() */
	pthread_t thread;
	int stop;
	char log[4096]; /* valid when the relay has ended */
	pthread_mutex_t lock;
};

static struct scene scene = { .stop = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

__attribute__((unused)) static void note(void *arg, int level, const char *message)
{
	size_t n = strlen(scene.log);

	(void)arg, (void)level;
	(void)pthread_mutex_lock(&scene.lock);
	(void)snprintf(scene.log + n, sizeof(scene.log) - n, "%s\n", message);
	(void)pthread_mutex_unlock(&scene.lock);
	(void)fprintf(stderr, "relay: %s\n", message);
}

__attribute__((unused)) static void scene_make(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	scene.client = new_stack("vnl=inproc://lan ip=" CLIENT "/24 ip=" CLIENT6 "/64 nodad");
	scene.host = new_stack("vnl=inproc://lan ip=" HOST "/24 ip=" HOST6 "/64 nodad");
	scene.server =
		new_stack("vnl=inproc://inside ip=" SERVER "/24 gw=10.0.0.254 ip=" SERVER6 "/64 nodad");
	scene.opts.log = note;
}

/* Adds a word to the relay, and makes the relay if this is the first one. */
__attribute__((unused)) static void relay_add(enum vs_publish_way way, const char *word)
{
	char message[256] = "";

	if (scene.relay == NULL)
		CHECK_EQ(vs_publish_new(&scene.opts, &scene.relay), 0);
	MUST(vdestack_set_thread_default(scene.host));
	if (vs_publish_add(scene.relay, way, word, message, sizeof(message)) != 0)
		FAIL("%s: %s", word, message);
	MUST(vdestack_set_thread_default(NULL));
}

static void *relay_thread(void *arg)
{
	(void)arg;
	MUST(vdestack_set_thread_default(scene.host));
	CHECK_EQ(vs_publish_run(scene.relay, scene.stop), 0);
	return NULL;
}

__attribute__((unused)) static void relay_start(void)
{
	char message[256] = "";

	if (vs_publish_start(scene.relay, scene.server, message, sizeof(message)) != 0)
		FAIL("%s", message);
	scene.stop = (int)MUST(eventfd(0, EFD_CLOEXEC));
	CHECK_EQ(pthread_create(&scene.thread, NULL, relay_thread, NULL), 0);
}

/* The whole: a scene with one word. */
__attribute__((unused)) static void relay_of(const char *word)
{
	scene_make();
	relay_add(VS_PUBLISH_IN, word);
	relay_start();
}

/* Ends it. *counts becomes what it had then; may be NULL. */
__attribute__((unused)) static void relay_end(struct vs_publish_counts *counts)
{
	uint64_t one = 1;

	MUST(write(scene.stop, &one, sizeof(one)));
	CHECK_EQ(pthread_join(scene.thread, NULL), 0);
	if (counts != NULL)
		vs_publish_count(scene.relay, counts);
	vs_publish_free(scene.relay);
	scene.relay = NULL;
	close(scene.stop);
	scene.stop = -1;
}

/* ------------------------------------------------------------------ sockets */

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union any any_of(const char *text, int port)
{
	union any a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
	} else {
		CHECK_EQ(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
		a.in6.sin6_family = AF_INET6;
	}
	a.in.sin_port = htons((uint16_t)port);
	return a;
}

static socklen_t any_len(const union any *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

/* "ADDRESS" of an address, static. */
__attribute__((unused)) static const char *any_text(const union any *a)
{
	static char text[INET6_ADDRSTRLEN];

	CHECK(inet_ntop(a->sa.sa_family,
			a->sa.sa_family == AF_INET ? (const void *)&a->in.sin_addr : &a->in6.sin6_addr, text,
			sizeof(text)) != NULL);
	return text;
}

/* A blocking socket of a stack with time limits. */
static int sock(struct vdestack *stack, int family, int type)
{
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };
	int fd = (int)MUST(vdestack_msocket(stack, family, type | SOCK_CLOEXEC, 0));

	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	MUST(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	return fd;
}

__attribute__((unused)) static int bound(struct vdestack *stack, int type, const char *addr, int port)
{
	union any at = any_of(addr, port);
	int one = 1, fd = sock(stack, at.sa.sa_family, type);

	if (type == SOCK_STREAM)
		MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(fd, &at.sa, any_len(&at)));
	if (type == SOCK_STREAM)
		MUST(listen(fd, 4096));
	return fd;
}

__attribute__((unused)) static int connected_to(struct vdestack *stack, int type, const char *addr, int port)
{
	union any at = any_of(addr, port);
	int fd = sock(stack, at.sa.sa_family, type);

	MUST(connect(fd, &at.sa, any_len(&at)));
	return fd;
}

/* Accepts; *peer (may be NULL) becomes the address that the server sees. */
__attribute__((unused)) static int accepted(int listener, union any *peer)
{
	union any from;
	socklen_t len = sizeof(from);
	int fd = (int)MUST(accept4(listener, &from.sa, &len, SOCK_CLOEXEC));
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };

	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	if (peer != NULL)
		*peer = from;
	return fd;
}

__attribute__((unused)) static void say(int fd, const char *text)
{
	CHECK_EQ(MUST(send(fd, text, strlen(text), MSG_NOSIGNAL)), strlen(text));
}

/* This text is what comes next. */
__attribute__((unused)) static void hear(int fd, const char *text)
{
	char got[256] = "";

	CHECK(strlen(text) < sizeof(got));
	CHECK_EQ(MUST(recv(fd, got, strlen(text), MSG_WAITALL)), strlen(text));
	CHECK_STR(got, text);
}

__attribute__((unused)) static void hear_end(int fd)
{
	char byte;

	CHECK_EQ(MUST(recv(fd, &byte, 1, 0)), 0);
}

__attribute__((unused)) static void hear_reset(int fd)
{
	char byte;

	CHECK_ERRNO(recv(fd, &byte, 1, 0), ECONNRESET);
}

__attribute__((unused)) static void close_with_reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	close(fd);
}

#endif
