/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "wire/fdmsg.h"

/* O_NONBLOCK: a pipe without a reader would make this wait. */
int vs_capture_open_file(const char *path, bool is_new)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags | (is_new ? O_EXCL : O_TRUNC), 0600);

	if (fd < 0)
		return vs_fail(errno, "cannot capture: %.300s: %s", path,
			       errno == ELOOP ? "it is a symbolic link" : strerror(errno));
	return fd;
}

int vs_capture_ask(int control, uint32_t question, const int *file)
{
	const struct vs_fdmsg msg = { .iov = { { &question, sizeof(question) } },
				      .n_iov = 1,
				      .fds = { file != NULL ? *file : -1 },
				      .n_fds = file != NULL };
	int r = vs_fdmsg_send(control, &msg, MSG_DONTWAIT);

	/* The socket has room for all files and more; if it is full, the capture hangs in its file system. */
	return r == -ECONNRESET ? -EPIPE : r == -EAGAIN ? -ETIMEDOUT : r;
}

int vs_capture_hear(int control, struct vs_wire_capture_answer *answer, int flags)
{
	ssize_t n;

	do {
		n = recv(control, answer, sizeof(*answer), flags | MSG_DONTWAIT);
		/*
		 * ECONNRESET, once: the other end was closed before it had read all. What it sent is still
		 * there.
		 */
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	return n == 0 ? -EPIPE : n == (ssize_t)sizeof(*answer) ? 0 : -EINVAL;
}

static const char *text_of(int r)
{
	return r == -EINVAL ? "the file is not open for writing, or is a directory or a terminal"
	       : r == -EBUSY ? "the interface has 16 captures and wire taps; end one"
	       : r == -ENODEV ? "the interface has been removed"
			      : strerror(-r);
}

int vs_capture_started(const struct vs_wire_capture_answer *answer, const char *ifname)
{
	int r = answer->question == VS_CAPTURE_STOP && answer->result > 0 ? -answer->result : answer->result;

	return r < 0 ? vs_fail(-r, "cannot capture on interface %s: %s", ifname, text_of(r)) : 0;
}
