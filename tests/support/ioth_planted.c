/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A plugin for tests of the loader and the table. Macros choose what it has: PLANTED_NAME, its name;
 * PLANTED_LICENSE; PLANTED_NO_NEWSTACK; PLANTED_BIND, so that the stack can be asked by netlink. Of the calls
 * that receive and send it has recvmsg and sendmsg only.
 */

#include <errno.h>
#include <ioth.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOIN3(a, b, c) a##b##c
#define JOIN2(name, function) JOIN3(ioth_, name, _##function)
#define EXPORT(function) JOIN2(PLANTED_NAME, function)

#ifdef PLANTED_LICENSE
extern const char *const EXPORT(license);
const char *const EXPORT(license) = PLANTED_LICENSE;
#endif

#ifdef PLANTED_NO_NEWSTACK
extern int EXPORT(nothing);
int EXPORT(nothing) = 0;
#else
/* Variables of the plugin: in a namespace of its own each stack has others. */
static int stacks_made;
static void *(*stackdata)(void);

void *EXPORT(newstack)(const char *vnlv[], const char *options, struct ioth_functions *functions);
int EXPORT(delstack)(void *data);
int EXPORT(socket)(int domain, int type, int protocol);
ssize_t EXPORT(recvmsg)(int fd, struct msghdr *msg, int flags);
ssize_t EXPORT(sendmsg)(int fd, const struct msghdr *msg, int flags);
int EXPORT(accept)(int fd, struct sockaddr *addr, socklen_t *addrlen);
int EXPORT(getsockopt)(int fd, int level, int optname, void *optval, socklen_t *optlen);
int EXPORT(socketpair)(int domain, int type, int protocol, int sv[2]);

void *EXPORT(newstack)(const char *vnlv[], const char *options, struct ioth_functions *functions)
{
	(void)vnlv;
	stackdata = functions->getstackdata;
	if (strcmp(options, "fails") == 0) {
		(void)functions->fail(EDOM, "as it was asked to");
		return NULL;
	}
	if (strcmp(options, "silent") == 0) {
		errno = ERANGE;
		return NULL;
	}
	int *number = malloc(sizeof(*number));
	if (number != NULL)
		*number = ++stacks_made;
	return number;
}

int EXPORT(delstack)(void *data)
{
	free(data);
	return 0;
}

int EXPORT(socket)(int domain, int type, int protocol)
{
	return socket(domain, type, protocol);
}

int EXPORT(socketpair)(int domain, int type, int protocol, int sv[2])
{
	return socketpair(domain, type, protocol, sv);
}

ssize_t EXPORT(recvmsg)(int fd, struct msghdr *msg, int flags)
{
	return recvmsg(fd, msg, flags);
}

ssize_t EXPORT(sendmsg)(int fd, const struct msghdr *msg, int flags)
{
	return sendmsg(fd, msg, flags);
}

int EXPORT(accept)(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	return accept(fd, addr, addrlen);
}

#ifdef PLANTED_BIND
int EXPORT(bind)(int fd, const struct sockaddr *addr, socklen_t addrlen);

int EXPORT(bind)(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
	return bind(fd, addr, addrlen);
}
#endif

/* The number of the stack, at a level of its own. */
int EXPORT(getsockopt)(int fd, int level, int optname, void *optval, socklen_t *optlen)
{
	const int *number = stackdata();

	if (level != -1)
		return getsockopt(fd, level, optname, optval, optlen);
	memcpy(optval, number, sizeof(*number));
	return 0;
}
#endif
