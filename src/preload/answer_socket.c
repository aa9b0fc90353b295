/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "answer_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include <vdestack.h>

#define SILENT_MS 1000 /* after a time-out of the keeper: those who waited meanwhile are not to wait, too */

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int vs_answer_socket_make(struct vs_answer *a, size_t stack, int family, int type, int protocol)
{
	if (a->silent_until_ms != 0 && now_ms() < a->silent_until_ms)
		return -ETIMEDOUT;
	int fd = vdestack_msocket(a->stacks[stack], family, type | SOCK_CLOEXEC, protocol);
	if (fd >= 0) {
		a->silent_until_ms = 0;
		return fd;
	}
	int err = errno;
	if (err == ETIMEDOUT)
		a->silent_until_ms = now_ms() + SILENT_MS;
	return -err;
}
