/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Links over a byte stream, as vde_plug and dpipe speak it: each frame behind its length, two
 * bytes, most significant first.
 *
 * A length that no frame can have means that the stream has lost its step; nothing in it tells
 * where the next frame starts, so the link is dead. A frame that could be sent only in part is
 * finished before the next one, or that would happen to the other side.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "link.h"

#define HEADER 2
#define SEND_BOUND_MS 100    /* for a frame that has not been begun */
#define FINISH_BOUND_MS 5000 /* for the rest of one that has */
#define BUFFER 65536

struct stream_link {
	struct vs_link link; /* first: the same address */
	unsigned char in[BUFFER];
	size_t start, end; /* received and not yet given out */
};

static struct stream_link *of(struct vs_link *link)
{
	return (struct stream_link *)link;
}

static bool wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, vs_left_ms(deadline));
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static int stream_send(struct vs_link *link, const void *frame, size_t len)
{
	unsigned char buf[HEADER + VS_FRAME_MAX];
	size_t total = HEADER + len, done = 0;
	int64_t deadline = vs_now_ms() + SEND_BOUND_MS;

	if (len > VS_FRAME_MAX)
		return -EAGAIN;
	buf[0] = (unsigned char)(len >> 8);
	buf[1] = (unsigned char)len;
	memcpy(buf + HEADER, frame, len);
	while (done < total) {
		ssize_t n = send(link->data_fd, buf + done, total - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			if (done == 0)
				deadline += FINISH_BOUND_MS;
			done += (size_t)n;
		} else if (!wait_for(link->data_fd, POLLOUT, deadline)) {
			return done == 0 ? -EAGAIN : -ETIMEDOUT;
		}
	}
	return 0;
}

/* A complete frame's length from what has been received; 0: not yet; -EPROTO: out of step. */
static ssize_t complete(const struct stream_link *s)
{
	size_t have = s->end - s->start;

	if (have < HEADER)
		return 0;
	size_t len = (size_t)(s->in[s->start] << 8 | s->in[s->start + 1]);
	if (len > VS_FRAME_MAX)
		return -EPROTO;
	return have >= HEADER + len ? (ssize_t)len : 0;
}

static bool stream_pending(struct vs_link *link)
{
	struct stream_link *s = of(link);

	return s->end - s->start >= HEADER && complete(s) != 0;
}

static ssize_t stream_recv(struct vs_link *link, void *frame, size_t size)
{
	struct stream_link *s = of(link);

	if (!stream_pending(link)) {
		memmove(s->in, s->in + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
		ssize_t n = recv(link->data_fd, s->in + s->end, sizeof(s->in) - s->end, MSG_DONTWAIT);
		if (n == 0)
			return -EPIPE;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		s->end += (size_t)n;
	}
	ssize_t len = complete(s);
	if (len < 0 || !stream_pending(link))
		return len;
	memcpy(frame, s->in + s->start + HEADER, (size_t)len < size ? (size_t)len : size);
	s->start += HEADER + (size_t)len;
	return len;
}

static void stream_close(struct vs_link *link)
{
	vs_close(link->data_fd);
	free(link);
}

static const struct vs_link_ops stream_ops = {
	.send = stream_send,
	.recv = stream_recv,
	.pending = stream_pending,
	.close = stream_close,
};

int vs_link_stream(int fd, struct vs_link **out)
{
	struct stream_link *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		vs_close(fd);
		return vs_fail(ENOMEM, "cannot use the stream: out of memory");
	}
	s->link = (struct vs_link){ .ops = &stream_ops, .data_fd = fd, .control_fd = -1 };
	*out = &s->link;
	return 0;
}
