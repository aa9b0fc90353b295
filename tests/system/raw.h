/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_RAW_H
#define VDESTACK_TESTS_RAW_H

/*
 * Sends raw requests to a keeper, without the library, as an attacker who has taken over a process does.
 *
 * Such a process has the doors as descriptors. It has the keeper's key in its memory unless it has been
 * sealed. This file reads both from what the library sends: it defines sendmsg(), which takes precedence over
 * libc's.
 */

#include <poll.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "stacks.h"
#include "wire/messages.h"
#include "wire/side_door.h"

static struct {
	int front; /* where stacks are asked for */
	int door;  /* of the stack to which the last request went */
	const struct vs_key *key; /* in the memory of the library */
	struct ucred claim;       /* the credentials it sends there */
	const struct vs_key *secret; /* of the side door, likewise */
	struct vs_wanted_door wanted; /* what was requested there */
	const uint64_t *channel;  /* the channel number in its request for a socket; masked like the key */
	const uint64_t *kept;     /* likewise, in its request for its first stack */
} seen = { .front = -1, .door = -1 };

/*
 * Reads no more than needed: two cases search memory for what the library leaves there. A case whose threads
 * send at the same time does not use what it finds.
 */
__attribute__((no_sanitize_thread)) static void look_at(int fd, const struct msghdr *msg)
{
	uint32_t head[2]; /* version, op */

	if (msg->msg_iovlen < 1 || msg->msg_iov[0].iov_len < sizeof(head))
		return;
	memcpy(head, msg->msg_iov[0].iov_base, sizeof(head));
	if (head[0] != VS_WIRE_VERSION)
		return;
	if (head[1] == VS_OP_CLAIM || head[1] == VS_OP_SECRET)
		return;
	if (msg->msg_iovlen < 2)
		return; /* a request that a test has made */
	if (head[1] == VS_OP_REGAIN) {
		seen.secret = msg->msg_iov[1].iov_base;
		memcpy(&seen.wanted, msg->msg_iov[2].iov_base, sizeof(seen.wanted));
		return;
	}
	*(head[1] == VS_OP_CREATE ? &seen.front : &seen.door) = fd;
	if (head[1] == VS_OP_MSOCKET || head[1] == VS_OP_CHANNEL) {
		seen.channel = msg->msg_iov[1].iov_base;
		return;
	}
	bool numbered = msg->msg_iov[1].iov_len == sizeof(uint64_t); /* of the channel that is to stay */
	if (head[1] == VS_OP_CREATE && numbered && seen.kept == NULL)
		seen.kept = msg->msg_iov[1].iov_base;
	if (msg->msg_iovlen > 1u + numbered)
		seen.key = msg->msg_iov[1 + numbered].iov_base;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR((struct msghdr *)msg, c))
		if (c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&seen.claim, CMSG_DATA(c), sizeof(seen.claim));
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	look_at(fd, msg);
	return syscall(SYS_sendmsg, fd, msg, flags);
}

struct raw_request {
	struct vs_request req; /* version is filled in, and the key unless no_key is set */
	const void *text;
	size_t text_len;
	int fds[32];
	size_t n_fds;
	bool no_key;
	uint32_t version; /* 0: the right one */
	size_t cut;       /* bytes that the message is too short */
	const struct ucred *claim; /* NULL: what the kernel says */
};

__attribute__((unused)) static int raw_send(int door, struct raw_request *r)
{
	union {
		char bytes[CMSG_SPACE(sizeof(r->fds)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov[] = { { &r->req, sizeof(r->req) }, { (void *)r->text, r->text_len } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = r->text_len > 0 ? 2 : 1,
			    .msg_control = control.bytes };
	struct cmsghdr *c = &control.align;

	r->req.version = r->version != 0 ? r->version : VS_WIRE_VERSION;
	iov[0].iov_len -= r->cut;
	if (!r->no_key)
		r->req.key = *seen.key;
	if (r->n_fds > 0) {
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(r->n_fds * sizeof(int)), .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(c), r->fds, r->n_fds * sizeof(int));
		h.msg_controllen += CMSG_SPACE(r->n_fds * sizeof(int));
		c = (struct cmsghdr *)(control.bytes + h.msg_controllen);
	}
	if (r->claim != NULL) {
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(*r->claim)), .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_CREDENTIALS };
		memcpy(CMSG_DATA(c), r->claim, sizeof(*r->claim));
		h.msg_controllen += CMSG_SPACE(sizeof(*r->claim));
	}
	if (h.msg_controllen == 0)
		h.msg_control = NULL;
	return syscall(SYS_sendmsg, door, &h, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

__attribute__((unused)) static void raw_pair(int pair[2])
{
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
}

/*
 * Waits for a reply. Returns its result, or -EPIPE if the keeper has dropped the request. answer: VS_TEXT_MAX
 * + 1 bytes or NULL.
 */
__attribute__((unused)) static int raw_reply(int channel, char *answer)
{
	static char ignored[VS_TEXT_MAX + 1];
	struct vs_reply reply;
	char *text = answer != NULL ? answer : ignored;
	struct iovec iov[] = { { &reply, sizeof(reply) }, { text, VS_TEXT_MAX } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
	struct pollfd p = { .fd = channel, .events = POLLIN };

	text[0] = '\0';
	if (poll(&p, 1, SOON_MS) != 1)
		FAIL("the keeper neither answers nor drops a request");
	ssize_t n = recvmsg(channel, &h, MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(reply))
		return -EPIPE;
	CHECK_EQ(reply.type, VS_REPLY_TYPE);
	text[n - (ssize_t)sizeof(reply)] = '\0';
	return reply.result;
}

/* Makes a call with a reply channel of its own. */
__attribute__((unused)) static int raw_call(int door, struct raw_request *r, char *answer)
{
	int pair[2];

	raw_pair(pair);
	memmove(r->fds + 1, r->fds, r->n_fds * sizeof(int));
	r->fds[0] = pair[1];
	r->n_fds++;
	int result = raw_send(door, r);
	close(pair[1]);
	if (result == 0)
		result = raw_reply(pair[0], answer);
	close(pair[0]);
	return result;
}

/* Secret numbers are stored masked with this, so a search of the memory does not find the test's own copy. */
#define MASK UINT64_C(0x5aa5c33c96690ff0)

/*
 * How often the writable memory of this process has these n (1 or 2) consecutive numbers, which are passed
 * masked. 32-bit machines may align them to 4 bytes.
 */
__attribute__((unused)) static int copies_of(const uint64_t *masked, size_t n, uint64_t mask)
{
	static unsigned char page[4096 + 12]; /* a number may reach into the next page */
	uint64_t number[2];
	char line[512], perms[8];
	unsigned long from, to;
	int found = 0, mem = (int)MUST(open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
	FILE *maps = fopen("/proc/self/maps", "re");

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 || perms[1] != 'w')
			continue;
		for (unsigned long at = from; at < to; at += 4096) {
			ssize_t got = pread64(mem, page, to - at > 4096 ? sizeof(page) : 4096, (off64_t)at);
			for (size_t i = 0; (ssize_t)(i + sizeof(number)) <= got && i < 4096; i += 4) {
				memcpy(number, page + i, sizeof(number));
				found += (number[0] ^ mask) == masked[0] &&
					 (n == 1 || (number[1] ^ mask) == masked[1]);
			}
		}
		memset(page, 0, sizeof(page)); /* found in itself otherwise */
		memset(number, 0, sizeof(number));
	}
	(void)fclose(maps);
	close(mem);
	return found;
}

#endif
