/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 *     rules_probe CALL WORD... [; CALL WORD...]...
 *
 * Makes the calls that `vdestack check-rules FILE CALL WORD...` explains, and writes in which network the
 * socket is after each of them, in the same words. Run it by `vdestack run`. The stack NAME has an interface
 * nic-NAME.
 *
 * CALL is socket, bind, connect, sendto, sendmsg or sendmmsg. WORDs: inet, inet6, netlink, stream, dgram,
 * tcp, udp, mptcp, ADDRESS:PORT, local=ADDRESS:PORT, thread=NAME.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t len; /* 0: there is none */
};

struct call {
	const char *verb, *thread;
	int family, type, protocol;
	struct endpoint local, remote;
};

static _Noreturn void fail(const char *what, const char *word)
{
	(void)fprintf(stderr, "rules_probe: %s: %s: %s\n", word, what, strerror(errno));
	exit(1);
}

/* 10.1.0.1:80, 10.1.0.1, :80, [::1]:80, [::1] */
static void read_endpoint(const char *word, int family, struct endpoint *e)
{
	bool v6 = word[0] == '[' || family == AF_INET6;
	const char *address = word + (word[0] == '['), *end = address + strcspn(address, v6 ? "]" : ":");
	const char *colon = strchr(end, ':');
	in_port_t port = htons((uint16_t)(colon != NULL ? atoi(colon + 1) : 0));
	char host[INET6_ADDRSTRLEN] = "";

	(void)snprintf(host, sizeof(host), "%.*s", (int)(end - address), address);
	if (v6) {
		e->a.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
		e->len = sizeof(e->a.v6);
	} else {
		e->a.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
		e->len = sizeof(e->a.v4);
	}
	void *to = v6 ? (void *)&e->a.v6.sin6_addr : &e->a.v4.sin_addr;
	if (host[0] != '\0' && inet_pton(v6 ? AF_INET6 : AF_INET, host, to) != 1)
		fail("address", word);
}

static bool read_word(struct call *c, const char *word)
{
	static const struct {
		const char *word;
		int family, type, protocol;
	} words[] = {
		{ "inet", AF_INET, 0, 0 },
		{ "inet6", AF_INET6, 0, 0 },
		{ "netlink", AF_NETLINK, SOCK_RAW, 0 },
		{ "stream", 0, SOCK_STREAM, 0 },
		{ "dgram", 0, SOCK_DGRAM, 0 },
		{ "tcp", 0, SOCK_STREAM, IPPROTO_TCP },
		{ "udp", 0, SOCK_DGRAM, IPPROTO_UDP },
		{ "mptcp", 0, SOCK_STREAM, IPPROTO_MPTCP },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) != 0)
			continue;
		c->family = words[i].family != 0 ? words[i].family : c->family;
		c->type = words[i].type != 0 ? words[i].type : c->type;
		c->protocol = words[i].protocol;
		return true;
	}
	return false;
}

/* Takes words up to ";" or the end. Returns how many. */
static int read_call(struct call *c, char *const words[])
{
	int n = 0;

	*c = (struct call){ .verb = words[0] };
	for (n = 1; words[n] != NULL && strcmp(words[n], ";") != 0; n++) {
		if (strncmp(words[n], "thread=", 7) == 0)
			c->thread = words[n] + 7;
		else if (strncmp(words[n], "local=", 6) == 0)
			read_endpoint(words[n] + 6, c->family, &c->local);
		else if (!read_word(c, words[n]))
			read_endpoint(words[n], c->family,
				      strcmp(c->verb, "bind") == 0 ? &c->local : &c->remote);
	}
	if (c->family == 0)
		c->family = c->remote.len > 0  ? c->remote.a.any.sa_family
			    : c->local.len > 0 ? c->local.a.any.sa_family
					       : AF_INET;
	if (c->type == 0)
		c->type = SOCK_STREAM;
	return n;
}

/* False: the call was refused by a rule. */
static bool show(const char *verb, int fd, int r)
{
	struct ifreq here;

	if (r < 0 && errno == EACCES) {
		(void)printf("  %s: denied\n", verb);
		return false;
	}
	for (char name = 'a'; name <= 'c'; name++) {
		memset(&here, 0, sizeof(here));
		(void)snprintf(here.ifr_name, sizeof(here.ifr_name), "nic-%c", name);
		if (ioctl(fd, SIOCGIFINDEX, &here) == 0) {
			(void)printf("  %s: stack %c\n", verb, name);
				return true;
		}
	}
	(void)printf("  %s: the host's network\n", verb);
	return true;
}

static int reach(int fd, const struct call *c)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct mmsghdr many = { .msg_hdr = { .msg_name = (void *)(uintptr_t)&c->remote.a,
					     .msg_namelen = c->remote.len,
					     .msg_iov = &iov,
					     .msg_iovlen = 1 } };

	if (strcmp(c->verb, "connect") == 0)
		return connect(fd, &c->remote.a.any, c->remote.len);
	if (strcmp(c->verb, "sendto") == 0)
		return (int)sendto(fd, &byte, 1, MSG_NOSIGNAL, &c->remote.a.any, c->remote.len);
	if (strcmp(c->verb, "sendmsg") == 0)
		return (int)sendmsg(fd, &many.msg_hdr, MSG_NOSIGNAL);
	return sendmmsg(fd, &many, 1, MSG_NOSIGNAL);
}

/* What the calls themselves return does not matter: that nobody listens is no matter of rules. */
static void make_calls(const struct call *c)
{
	int yes = 1, fd = socket(c->family, c->type | SOCK_NONBLOCK | SOCK_CLOEXEC, c->protocol);

	if (fd < 0 && errno != EACCES)
		fail("socket", c->verb);
	if (!show("socket", fd, fd) || strcmp(c->verb, "socket") == 0) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	/* Any address can be bound in any network. */
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	bool go_on = c->local.len == 0 ||
		     show("bind", fd, bind(fd, &c->local.a.any, c->local.len));
	if (go_on && c->remote.len > 0)
		(void)show(c->verb, fd, reach(fd, c));
	(void)close(fd);
}

int main(int argc, char *argv[])
{
	struct call call;
	char name[17] = "";

	(void)prctl(PR_GET_NAME, name);
	for (int at = 1; at < argc; at++) {
		int n = read_call(&call, argv + at);
		for (int i = at; i < at + n; i++)
			(void)printf("%s%s", i > at ? " " : "", argv[i]);
		(void)printf("\n");
		(void)prctl(PR_SET_NAME, call.thread != NULL ? call.thread : name);
		make_calls(&call);
		at += n;
	}
	return fflush(stdout) != 0;
}
