/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether the name servers of the host answer (resolv.conf(5), RFC 1035 section 4.1). */

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "checks.h"

#define SERVERS_MAX 8
#define PATIENCE_MS 2000
#define LIST_BYTES 640 /* enough for SERVERS_MAX of them */

struct server {
	char text[64];
	int fd; /* -1: no address, or unreachable */
	bool answers;
};

/*
 * Asks for the servers of the root, which every name server knows. The number of the message is the index of
 * the server. It need not be random, as the answer is not used.
 */
static size_t question(unsigned char *q, unsigned number)
{
	static const unsigned char rest[] = { 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1 };

	q[0] = 0x76;
	q[1] = (unsigned char)number;
	memcpy(q + 2, rest, sizeof(rest));
	return 2 + sizeof(rest);
}

static void ask(struct server *s, unsigned number)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM },
			*to = NULL;
	unsigned char q[32];
	size_t len = question(q, number);

	s->fd = -1;
	if (getaddrinfo(s->text, "53", &hints, &to) != 0)
		return;
	s->fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd >= 0 && (connect(s->fd, to->ai_addr, to->ai_addrlen) < 0 || send(s->fd, q, len, 0) < 0)) {
		(void)close(s->fd);
		s->fd = -1;
	}
	freeaddrinfo(to);
}

/* Reads an answer of any kind, which means that the server is there. False: no more answer is expected. */
static bool read_answer(struct server *s, unsigned number)
{
	unsigned char a[512];
	ssize_t n = recv(s->fd, a, sizeof(a), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	if (n >= 12 && a[0] == 0x76 && a[1] == number && (a[2] & 0x80) != 0)
		s->answers = true;
	return !s->answers;
}

static void wait_for_answers(struct server *servers, size_t n)
{
	struct pollfd p[SERVERS_MAX];
	int64_t deadline = vs_now_ms() + PATIENCE_MS;
	int left;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = servers[i].fd, .events = POLLIN };
	while ((left = vs_left_ms(deadline)) > 0) {
		size_t open = 0;
		for (size_t i = 0; i < n; i++)
			open += p[i].fd >= 0;
		if (open == 0 || poll(p, n, left) <= 0)
			break;
		for (size_t i = 0; i < n; i++)
			if (p[i].fd >= 0 && p[i].revents != 0 && !read_answer(&servers[i], (unsigned)i))
				p[i].fd = -1;
	}
}

static size_t read_servers(FILE *file, struct server *servers)
{
	char line[256];
	size_t n = 0;

	while (n < SERVERS_MAX && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "nameserver %63s", servers[n].text) == 1)
			n++;
	return n;
}

void vs_check_names(struct vs_finding *f, const char *arg)
{
	struct server servers[SERVERS_MAX] = { 0 };
	char answering[LIST_BYTES] = "", silent[LIST_BYTES] = "";
	FILE *file = fopen("/etc/resolv.conf", "re");

	(void)arg;
	if (file == NULL)
		return vs_find(f, VS_SEVERITY_WARNING, "/etc/resolv.conf: %s", strerror(errno));
	size_t n = read_servers(file, servers);
	(void)fclose(file);
	if (n == 0)
		return vs_find(f, VS_SEVERITY_WARNING,
			       "/etc/resolv.conf names no server; add a line \"nameserver ADDRESS\"");
	for (size_t i = 0; i < n; i++)
		ask(&servers[i], (unsigned)i);
	wait_for_answers(servers, n);
	for (size_t i = 0; i < n; i++) {
		char *list = servers[i].answers ? answering : silent;
		size_t len = strlen(list);
		(void)snprintf(list + len, LIST_BYTES - len, " %s", servers[i].text);
		if (servers[i].fd >= 0)
			(void)close(servers[i].fd);
	}
	if (silent[0] == '\0')
		return vs_find(f, VS_SEVERITY_FINE, "name servers that answer:%s", answering);
	vs_find(f, VS_SEVERITY_WARNING,
		"no answer from name server%s; correct the addresses in /etc/resolv.conf%s%s", silent,
		answering[0] != '\0' ? "; these answer:" : "", answering);
}
