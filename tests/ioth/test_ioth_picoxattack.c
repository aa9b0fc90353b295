/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attacks on the control socket of a stack in user space. */

#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/ioth/picox/message.h"
#include "case.h"
#include "picox_local.h"
#include "picox_process.h"

#define LIMIT_MS 20000

/* The one message socket that the program has when it has no socket of the stack. */
static int control_socket(void)
{
	for (int fd = 3; fd < 256; fd++) {
		int type = 0;
		socklen_t len = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			return fd;
	}
	FAIL("the control socket is not there");
}

/* Sends n bytes with n_fds copies of a descriptor. */
static void attack(int control, const void *data, size_t n, int fd, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} space = { { 0 } };
	struct iovec iov = { (void *)data, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > 0) {
		msg.msg_control = &space;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n_fds * sizeof(int)),
				       .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS };
		for (size_t i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	}
	MUST(sendmsg(control, &msg, MSG_NOSIGNAL));
}

/* The reply to a well-formed message with these contents: its result. */
static int asked(int control, const struct px_request *head, const void *data)
{
	unsigned char message[sizeof(*head) + PX_DATA_MAX], reply[sizeof(struct px_reply) + PX_DATA_MAX];
	struct px_reply result;
	int ends[2];

	memcpy(message, head, sizeof(*head));
	memcpy(message + sizeof(*head), data, head->len);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	attack(control, message, sizeof(*head) + head->len, ends[1], 1);
	close(ends[1]);
	CHECK(wait_readable(ends[0], LIMIT_MS));
	ssize_t n = recv(ends[0], reply, sizeof(reply), 0);
	CHECK(n >= (ssize_t)sizeof(result));
	memcpy(&result, reply, sizeof(result));
	CHECK_EQ(result.len, (size_t)n - sizeof(result));
	close(ends[0]);
	return result.result;
}

struct fds {
	pid_t pid;
	int n;
};

static bool has_fds(void *arg)
{
	const struct fds *f = arg;

	return count_fds_of(f->pid) == f->n;
}

/* The process closes the socket of a reply after it has answered: it has one for a moment. */
static int fds_at_rest(pid_t pid)
{
	int least = count_fds_of(pid);

	for (int i = 0; i < 50; i++) {
		int n = count_fds_of(pid);
		least = n < least ? n : least;
		sleep_ms(1);
	}
	return least;
}

CASE(malformed_requests_are_dropped_and_the_stack_goes_on)
{
	static unsigned char data[PX_DATA_MAX];
	struct ioth *stack = new_stack();
	int control = control_socket(), status = (int)MUST(open("/dev/null", O_RDWR | O_CLOEXEC));
	pid_t pid;

	CHECK(wait_until(is_the_only_process, &pid, LIMIT_MS));
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0));
	struct fds before = { pid, fds_at_rest(pid) };
	struct px_request head = { .version = PX_VERSION, .op = PX_HELLO };
	for (size_t n = 1; n < sizeof(head); n++)
		attack(control, &head, n, status, 1);
	attack(control, &head, sizeof(head), -1, 0);
	attack(control, &head, sizeof(head), status, 2);
	attack(control, &head, sizeof(head), status, 8);
	attack(control, &head, sizeof(head), status, 1); /* a reply to what is no socket */
	head.len = 1;
	attack(control, &head, sizeof(head), status, 1);
	head.len = UINT32_MAX;
	attack(control, &head, sizeof(head), status, 1);
	head = (struct px_request){ .version = PX_VERSION, .op = PX_END };
	attack(control, &head, sizeof(head), status, 1); /* this one has no descriptor */
	head.version++;
	attack(control, &head, sizeof(head), -1, 0);

	head = (struct px_request){ .version = PX_VERSION + 1 };
	CHECK_EQ(asked(control, &head, data), -EPROTO);
	head = (struct px_request){ .version = PX_VERSION, .op = PX_OPS };
	CHECK_EQ(asked(control, &head, data), -ENOSYS);
	head = (struct px_request){ .version = PX_VERSION, .op = PX_BIND, .socket = 12345 };
	CHECK_EQ(asked(control, &head, data), -EBADF);
	head = (struct px_request){ .version = PX_VERSION, .op = PX_IFACE, .len = PX_DATA_MAX };
	memset(data, 'x', sizeof(data)); /* no end of the string */
	CHECK_EQ(asked(control, &head, data), -EINVAL);
	CHECK(wait_until(has_fds, &before, LIMIT_MS));
	MUST(ioth_close(fd));
	MUST(ioth_delstack(stack));
}

CASE(random_requests_about_a_socket_do_not_end_the_stack)
{
	static unsigned char data[PX_DATA_MAX];
	unsigned seed = (unsigned)now_us();
	struct ioth *stack = new_stack();
	int control = control_socket();

	printf("seed %u\n", seed);
	for (int round = 0; round < 2000; round++) {
		int kind = rand_r(&seed) % 2 ? SOCK_STREAM : SOCK_DGRAM;
		int fd = (int)MUST(ioth_msocket(stack, rand_r(&seed) % 2 ? AF_INET : AF_INET6, kind, 0));
		struct px_request head = { .version = PX_VERSION };
		socklen_t len = sizeof(head.socket);
		MUST(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &head.socket, &len));
		for (int i = 0; i < 4; i++) {
			head.op = PX_BIND + (unsigned)rand_r(&seed) % (PX_END - PX_BIND);
			head.len = (uint32_t)rand_r(&seed) % (rand_r(&seed) % 2 ? 40 : PX_DATA_MAX);
			for (size_t k = 0; k < 40; k++)
				data[k] = rand_r(&seed) % 3 ? 0 : (unsigned char)rand_r(&seed);
			data[0] = rand_r(&seed) % 2 ? AF_INET : AF_INET6;
			for (int k = 0; k < 4; k++)
				head.args[k] = rand_r(&seed) % 2 ? rand_r(&seed) % 64 : rand_r(&seed);
			(void)asked(control, &head, data);
		}
		MUST(ioth_close(fd));
	}
	int pair[2];
	connected(stack, AF_INET, pair);
	close_all(stack, pair);
}
