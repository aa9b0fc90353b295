/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_NAME_SERVER_H
#define VDESTACK_TESTS_NAME_SERVER_H

/*
 * A name server in a stack, on a thread of the test, whose answers the test makes. It counts the questions.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "case.h"
#include "dns_message.h"
#include <vdestack.h>

struct question {
	unsigned id, type;
	char name[256];  /* in lower case */
	bool tcp;
	int number;      /* of all questions, from 1 */
	size_t size;     /* of the message that was received */
	const uint8_t *bytes;
	/* For answers that the function sends itself. */
	int fd;
	const struct sockaddr *from;
	socklen_t from_len;
};

/* Writes the answer. False: none is sent. */
typedef bool answer_fn(const struct question *q, struct dns_message *m);

struct name_server {
	int udp, tcp, stop;
	answer_fn *answer;
	pthread_t thread;
	atomic_int questions, tcp_questions;
	atomic_int connections; /* that are open */
	struct dns_message out;
};

__attribute__((unused)) static bool name_server_parse(const uint8_t *bytes, size_t n, struct question *q)
{
	size_t at = 12, out = 0;

	if (n < 12)
		return false;
	while (at < n && bytes[at] != 0 && at + 1 + bytes[at] < n && out + bytes[at] + 2 < sizeof(q->name)) {
		if (out > 0)
			q->name[out++] = '.';
		for (unsigned i = 0; i < bytes[at]; i++) {
			uint8_t c = bytes[at + 1 + i];
			q->name[out++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
		at += 1u + bytes[at];
	}
	q->name[out] = '\0';
	if (at + 5 > n || bytes[at] != 0)
		return false;
	q->id = (unsigned)bytes[0] << 8 | bytes[1];
	q->type = (unsigned)bytes[at + 1] << 8 | bytes[at + 2];
	q->bytes = bytes;
	q->size = n;
	return true;
}

__attribute__((unused)) static void name_server_udp(struct name_server *s)
{
	uint8_t bytes[4096];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(s->udp, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);
	struct question q = { .fd = s->udp, .from = (struct sockaddr *)&from, .from_len = len };

	if (n < 0 || !name_server_parse(bytes, (size_t)n, &q))
		return;
	q.number = atomic_fetch_add(&s->questions, 1) + 1;
	if (s->answer(&q, &s->out))
		(void)sendto(s->udp, s->out.bytes, s->out.n, MSG_NOSIGNAL, (struct sockaddr *)&from, len);
}

__attribute__((unused)) static bool name_server_read(int fd, uint8_t *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, 10000) != 1)
			return false;
		ssize_t r = recv(fd, to + got, n - got, 0);
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	return true;
}

__attribute__((unused)) static void name_server_tcp(struct name_server *s)
{
	uint8_t bytes[4096], head[2];
	struct question q = { .tcp = true };
	int fd = accept4(s->tcp, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	atomic_fetch_add(&s->connections, 1);
	q.fd = fd;
	while (name_server_read(fd, head, 2)) {
		size_t n = (size_t)head[0] << 8 | head[1];
		if (n > sizeof(bytes) || !name_server_read(fd, bytes, n) || !name_server_parse(bytes, n, &q))
			break;
		q.number = atomic_fetch_add(&s->questions, 1) + 1;
		atomic_fetch_add(&s->tcp_questions, 1);
		if (!s->answer(&q, &s->out))
			break;
		head[0] = (uint8_t)(s->out.n >> 8);
		head[1] = (uint8_t)s->out.n;
		struct iovec parts[2] = { { head, 2 }, { s->out.bytes, s->out.n } };
		struct msghdr h = { .msg_iov = parts, .msg_iovlen = 2 };
		if (sendmsg(fd, &h, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	atomic_fetch_sub(&s->connections, 1);
}

__attribute__((unused)) static void *name_server_run(void *arg)
{
	struct name_server *s = arg;

	for (;;) {
		struct pollfd p[3] = { { .fd = s->udp, .events = POLLIN }, { .fd = s->tcp, .events = POLLIN },
				       { .fd = s->stop, .events = POLLIN } };
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[2].revents)
			return NULL;
		if (p[0].revents)
			name_server_udp(s);
		if (p[1].revents)
			name_server_tcp(s);
	}
}

/* Starts it on port 53 of all addresses of the stack. */
__attribute__((unused)) static void name_server_start(struct name_server *s, struct vdestack *stack,
						      answer_fn *answer)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(53) };

	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->udp = (int)MUST(vdestack_msocket(stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	s->tcp = (int)MUST(vdestack_msocket(stack, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
	s->stop = (int)MUST(eventfd(0, EFD_CLOEXEC));
	MUST(bind(s->udp, (struct sockaddr *)&any, sizeof(any)));
	MUST(bind(s->tcp, (struct sockaddr *)&any, sizeof(any)));
	MUST(listen(s->tcp, 16));
	CHECK_EQ(pthread_create(&s->thread, NULL, name_server_run, s), 0);
}

__attribute__((unused)) static void name_server_stop(struct name_server *s)
{
	MUST(eventfd_write(s->stop, 1));
	CHECK_EQ(pthread_join(s->thread, NULL), 0);
	close(s->udp);
	close(s->tcp);
	close(s->stop);
}

#endif
