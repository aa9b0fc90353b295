/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getaddrinfo and getnameinfo of a stack: by the name servers that the stack itself has. A stack that is the
 * network of the process, and that nobody has given a name server, uses the files that programs there use.
 * Each call makes a resolver, which costs no network traffic, so there is nothing to end with the stack.
 */

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "resolver.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* A number of the kernel for a network; 0: it has none, as a stack that is not of the kernel. */
static uint64_t network_of_stack(struct ioth *stack)
{
	int fd = ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t network = 0;
	socklen_t len = sizeof(network);

	if (fd < 0)
		return 0;
	if (ioth_getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &network, &len) < 0)
		network = 0;
	(void)ioth_close(fd);
	return network;
}

static uint64_t network_of_process(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t network = 0;
	socklen_t len = sizeof(network);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &network, &len) < 0)
		network = 0;
	(void)close(fd);
	return network;
}

/* A stack of the kind kernel is one. */
static bool is_network_of_process(struct ioth *stack)
{
	uint64_t network = network_of_stack(stack);

	return network != 0 && network == network_of_process();
}

/* The name servers and the hosts that programs of this network have; NULL stack: the process's. */
static struct iothdns *of_files(struct ioth *stack)
{
	struct iothdns *d = iothdns_init(stack, NULL);

	/* Addresses and names of the hosts file need no name server. */
	return d != NULL || errno != ENOENT ? d : iothdns_init_strcfg(stack, (char[]){ "" });
}

/* NULL: *code is the result. */
static struct iothdns *begin(struct ioth *stack, int *code)
{
	struct iothdns *d;

	if (stack == NULL)
		stack = ioth_get_defstack();
	if (stack == NULL || (!vs_iothdns_stack_names_server(stack) && is_network_of_process(stack)))
		d = of_files(stack);
	else
		d = vs_iothdns_of_stack(stack);
	if (d == NULL)
		*code = errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
	return d;
}

static void end(struct iothdns *d)
{
	int err = errno;

	iothdns_fini(d);
	errno = err;
}

int ioth_getaddrinfo(struct ioth *stack, const char *node, const char *service, const struct addrinfo *hints,
		     struct addrinfo **res)
{
	int code = 0;
	struct iothdns *d = begin(stack, &code);

	if (d == NULL)
		return code;
	code = iothdns_getaddrinfo(d, node, service, hints, res);
	end(d);
	return code;
}

void ioth_freeaddrinfo(struct addrinfo *res)
{
	iothdns_freeaddrinfo(res);
}

int ioth_getnameinfo(struct ioth *stack, const struct sockaddr *addr, socklen_t addrlen, char *host,
		     socklen_t hostlen, char *serv, socklen_t servlen, int flags)
{
	int code = 0;
	struct iothdns *d = begin(stack, &code);

	if (d == NULL)
		return code;
	code = iothdns_getnameinfo(d, addr, addrlen, host, hostlen, serv, servlen, flags);
	end(d);
	return code;
}
