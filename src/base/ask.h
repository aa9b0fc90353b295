/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_ASK_H
#define VS_BASE_ASK_H

/*
 * How a process of `vdestack run` speaks to its supervisor.
 *
 * All processes of a run have a seccomp filter whose listener the supervisor holds. The supervisor answers
 * socket(2) with a socket of the stack. A request is the same system call with a family that no kernel has:
 *
 *     socket(VS_ASK_FAMILY, request, argument...)      a descriptor, close-on-exec, or an errno
 *
 * So a process needs no descriptor, name or secret to reach its supervisor. It can have closed everything,
 * changed its root and user, and executed another program. Outside of a run the kernel answers
 * EAFNOSUPPORT. If the supervisor has died, the kernel answers ENOSYS, to requests and to socket(2).
 *
 * Only a process with the filter can send requests. It can get sockets of the run's stacks, as by socket(2),
 * and what a forked child of the supervisor could do with their handles: make sockets, read settings, end
 * them.
 *
 * EINVAL: no such request, or an argument that is not valid.
 */

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VS_ASK_FAMILY 0x7644

enum vs_ask {
	/*
	 * A sealed memory file: struct vs_ask_run, then the text of the rules. All processes share the file
	 * and its offset: read it with pread(2) or mmap(2).
	 */
	VS_ASK_RUN = 1,
	/* a: index of a stack. What vdestack_receive() makes a handle of; all processes share it */
	VS_ASK_DOOR = 2,
	/*
	 * a: index of a stack; b, c, d: as for socket(2), with a family that is in the stack. With
	 * SOCK_CLOEXEC or without, the descriptor is as the flag says. Sockets of the host's network are not
	 * requested: the shim makes the system call with the numbers below, and so with the rights of its own
	 * process.
	 */
	VS_ASK_SOCKET = 3,
};

/* Sends a request. A descriptor, or -1 and errno. */
static inline int vs_ask(enum vs_ask request, long a, long b, long c, long d)
{
	return (int)syscall(SYS_socket, VS_ASK_FAMILY, (long)request, a, b, c, d);
}

/* What the shim must know. */
struct vs_ask_run {
	uint32_t version;   /* VS_ASK_VERSION */
	uint32_t flags;     /* VS_ASK_DEBUG... */
	uint64_t pass[2];   /* see below */
	uint32_t rules_len; /* of the text behind this struct; it has all stacks, see rules/rules.h */
	uint32_t reserved;
};

#define VS_ASK_VERSION 1
enum {
	VS_ASK_DEBUG = 1,   /* log each decision */
	VS_ASK_REQUIRE = 2, /* give out no socket of the host's network, unless a rule says so */
};

/*
 * A call of socket(2), bind(2), connect(2) or sendmsg(2) with pass[0] and pass[1] in its fifth and sixth
 * argument, which the kernel does not read, is the shim's own: the filter lets it pass without asking the
 * supervisor. (sendto(2) has no free argument: the shim uses sendmsg(2).) No argument of a request can be one
 * of these numbers. A program that finds out these numbers can make sockets of the host's network: rules
 * choose networks, they do not confine a program.
 */

#endif
