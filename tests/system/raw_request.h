/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_RAW_REQUEST_H
#define VDESTACK_TESTS_RAW_REQUEST_H

/*
 * Requests to a keeper past the library, as anybody can make them who holds its doors and may say that it is
 * the owner: the doors are found by what they are.
 */

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/keeper/wire.h"
#include "stacks.h"

/* The number of the n-th SEQPACKET socket of this process: 0 is the front door, 1 that of the first stack. */
__attribute__((unused)) static int door_number(int n)
{
	for (int fd = 500; fd < 1024; fd++) {
		int type = 0, domain = 0;
		socklen_t len = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET &&
		    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX && n-- == 0)
			return fd;
	}
	FAIL("no such door");
}

/* Sends it with the reply's descriptor and others, in the keeper's own name where that is the proof of the owner. */
static void raw_send(int door, const struct vs_request *request, const char *text, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 4) + CMSG_SPACE(sizeof(struct ucred))];
	} control = { 0 };
	struct iovec iov[2] = { { (void *)request, sizeof(*request) }, { (void *)text, strlen(text) } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = control.bytes };
	struct cmsghdr *c = &control.align;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	if (case_is_root() && !case_is_inprocess()) {
		struct ucred keeper = { .pid = the_keeper(), .uid = geteuid(), .gid = getegid() };
		c = (struct cmsghdr *)(control.bytes + message.msg_controllen);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_CREDENTIALS;
		c->cmsg_len = CMSG_LEN(sizeof(keeper));
		memcpy(CMSG_DATA(c), &keeper, sizeof(keeper));
		message.msg_controllen += CMSG_SPACE(sizeof(keeper));
	}
	MUST(sendmsg(door, &message, MSG_NOSIGNAL));
}

/* With up to three descriptors beside the reply's. Gives the result, and its sentence in a static buffer. */
__attribute__((unused)) static int raw_call(int door, struct vs_request *request, const char *text,
					    const int *more, size_t n, const char **sentence)
{
	static char answer[8192];
	struct vs_reply reply = { 0 };
	struct iovec iov[2] = { { &reply, sizeof(reply) }, { answer, sizeof(answer) - 1 } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	int pair[2], fds[4];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	fds[0] = pair[1];
	for (size_t i = 0; i < n; i++)
		fds[i + 1] = more[i];
	request->version = VS_WIRE_VERSION;
	request->seq = 1;
	raw_send(door, request, text, fds, n + 1);
	close(pair[1]);
	if (!wait_readable(pair[0], SOON_MS))
		FAIL("no reply to \"%s\"", text);
	ssize_t got = MUST(recvmsg(pair[0], &message, 0));
	close(pair[0]);
	if (got < (ssize_t)sizeof(reply))
		FAIL("\"%s\" was dropped", text);
	answer[(size_t)got - sizeof(reply)] = '\0';
	*sentence = answer;
	return reply.result;
}

#endif
