/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Links over a byte stream, in the format of vde_plug and dpipe: before each frame its length, two
 * bytes, most significant first.
 *
 * A length that no frame can have means that the stream is out of step. Nothing in it shows where the
 * next frame starts, so the link is dead. The other side must not get out of step either: a frame that
 * was sent in part is finished before the next one, and a frame that is too long is not sent.
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
#include "base/diagnose.h"
#include "base/error.h"
#include "link.h"

#define HEADER 2
#define FINISH_BOUND_MS 5000 /* for the rest of a batch that was sent in part */
#define BATCH 64
#define BUFFER 65536

struct stream_link {
	struct vs_link link; /* first: the same address */
	unsigned char in[BUFFER];
	size_t start, end; /* received and not yet passed on */
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

/* The batch as one array of pieces: before each frame its length. Frames that are too long are lost. */
static size_t gather(const struct vs_frame *frames, size_t n, unsigned char (*lengths)[HEADER],
		     struct iovec *iov, size_t *lost)
{
	size_t pieces = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = vs_frame_len(&frames[i]);
		if (len > VS_FRAME_MAX) {
			++*lost;
			continue;
		}
		lengths[i][0] = (unsigned char)(len >> 8);
		lengths[i][1] = (unsigned char)len;
		iov[pieces++] = (struct iovec){ lengths[i], HEADER };
		for (int j = 0; j < frames[i].n_iov; j++)
			iov[pieces++] = frames[i].iov[j];
	}
	return pieces;
}

/* Removes `sent` bytes from the front of the pieces. Returns how many pieces are done. */
static size_t advance(struct iovec *iov, size_t n, size_t sent)
{
	size_t i = 0;

	while (i < n && sent >= iov[i].iov_len)
		sent -= iov[i++].iov_len;
	if (i < n) {
		iov[i].iov_base = (char *)iov[i].iov_base + sent;
		iov[i].iov_len -= sent;
	}
	return i;
}

/* A batch that was begun is finished, so that the other side stays in step. */
static int send_all(int fd, struct iovec *iov, size_t n)
{
	int64_t deadline = vs_now_ms() + VS_SEND_BOUND_MS;
	bool begun = false;

	for (size_t at = 0; at < n;) {
		struct msghdr h = { .msg_iov = iov + at, .msg_iovlen = n - at };
		ssize_t sent = sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent > 0) {
			at += advance(iov + at, n - at, (size_t)sent);
			if (!begun)
				deadline += FINISH_BOUND_MS;
			begun = true;
		} else if (!wait_for(fd, POLLOUT, deadline)) {
			return begun ? -ETIMEDOUT : -EAGAIN;
		}
	}
	return 0;
}

static int stream_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	unsigned char lengths[BATCH][HEADER];
	struct iovec iov[BATCH * 3];

	for (size_t at = 0; at < n;) {
		size_t batch = n - at < BATCH ? n - at : BATCH, lost_before = *lost;
		int r = send_all(link->data_fd, iov, gather(frames + at, batch, lengths, iov, lost));
		if (r == -EAGAIN) {
			*lost = lost_before + n - at; /* stalled: each of the next ones would wait as long */
			break;
		}
		if (r < 0)
			return r;
		at += batch;
	}
	return (int)n;
}

/* Bytes of the first record, header included, if it is complete; 0: not yet; -EPROTO: out of step. */
static ssize_t complete(const struct stream_link *s)
{
	size_t have = s->end - s->start;

	if (have < HEADER)
		return 0;
	size_t len = (size_t)(s->in[s->start] << 8 | s->in[s->start + 1]);
	if (len > VS_FRAME_MAX)
		return -EPROTO;
	return have >= HEADER + len ? (ssize_t)(HEADER + len) : 0;
}

/* Fills the buffer. 0, or -errno: dead. */
static int fill(struct stream_link *s)
{
	memmove(s->in, s->in + s->start, s->end - s->start);
	s->end -= s->start;
	s->start = 0;
	ssize_t n = recv(s->link.data_fd, s->in + s->end, sizeof(s->in) - s->end, MSG_DONTWAIT);
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	s->end += (size_t)n;
	return 0;
}

static int stream_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	struct stream_link *s = of(link);
	size_t got = 0;
	ssize_t record = complete(s);
	int r = record == 0 ? fill(s) : 0;

	while (got < n && (record = complete(s)) > 0) {
		size_t len = (size_t)record - HEADER;
		if (len > frames[got].iov_len)
			len = frames[got].iov_len;
		memcpy(frames[got].iov_base, s->in + s->start + HEADER, len);
		frames[got].iov_len = len;
		s->start += (size_t)record;
		got++;
	}
	/* A frame, or nonsense: perhaps nothing more comes that wakes us. */
	link->more = got > 0 && complete(s) != 0;
	if (got > 0)
		return (int)got;
	return record < 0 ? (int)record : r;
}

static void stream_close(struct vs_link *link)
{
	vs_close(link->data_fd);
	free(link);
}

static const struct vs_link_ops stream_ops = {
	.send = stream_send,
	.recv = stream_recv,
	.close = stream_close,
};

int vs_link_stream(int fd, struct vs_link **out)
{
	struct stream_link *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		vs_close(fd);
		return vs_fail(ENOMEM, "cannot use the stream: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	}
	s->link = (struct vs_link){ .ops = &stream_ops,
				    .data_fd = fd,
				    .control_fd = -1,
				    .mtu_max = VS_FRAME_MAX - 18,
				    .frame_max = VS_FRAME_MAX };
	*out = &s->link;
	return 0;
}
