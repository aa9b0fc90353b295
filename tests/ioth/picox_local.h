/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_PICOX_LOCAL_H
#define VDESTACK_TESTS_PICOX_LOCAL_H

/* Stacks in user space without a network, and connections of their loopback interface. */

#include <ioth.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "case.h"

struct addr {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

__attribute__((unused)) static struct addr local(int family, int port)
{
	struct addr a = { .len = family == AF_INET ? sizeof(a.in) : sizeof(a.in6) };

	if (family == AF_INET)
		a.in = (struct sockaddr_in){
			AF_INET, htons((uint16_t)port), { htonl(INADDR_LOOPBACK) }, { 0 }
		};
	else
		a.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					       .sin6_port = htons((uint16_t)port),
					       .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	return a;
}

__attribute__((unused)) static struct ioth *new_stack(void)
{
	struct ioth *stack = ioth_newstack("picox", NULL);

	if (stack == NULL)
		FAIL("no stack: %s: %s", strerror(errno), ioth_last_error());
	return stack;
}

__attribute__((unused)) static int listener(struct ioth *stack, int family, int port, int backlog)
{
	struct addr a = local(family, port);
	int fd = (int)MUST(ioth_msocket(stack, family, SOCK_STREAM, 0));

	MUST(ioth_bind(fd, &a.any, a.len));
	MUST(ioth_listen(fd, backlog));
	return fd;
}

__attribute__((unused)) static int caller(struct ioth *stack, int family, int port)
{
	struct addr a = local(family, port);
	int fd = (int)MUST(ioth_msocket(stack, family, SOCK_STREAM, 0));

	MUST(ioth_connect(fd, &a.any, a.len));
	return fd;
}

__attribute__((unused)) static void connected(struct ioth *stack, int family, int pair[2])
{
	int l = listener(stack, family, 80, 5);

	pair[0] = caller(stack, family, 80);
	pair[1] = (int)MUST(ioth_accept(l, NULL, NULL));
	MUST(ioth_close(l));
}

__attribute__((unused)) static void close_all(struct ioth *stack, int pair[2])
{
	MUST(ioth_close(pair[0]));
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

#endif
