/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The VDE stream over a socket pair: each frame after its length, with the bytes cut in every way. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pump/link.h"
#include "unit.h"

struct fixture {
	struct vs_link *link;
	int far; /* the other side's end */
};

static int open_link(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int pair[2];

	if (f == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	f->far = pair[1];
	*state = f;
	return vs_link_stream(pair[0], &f->link);
}

static int close_link(void **state)
{
	struct fixture *f = *state;

	vs_link_close(f->link);
	if (f->far >= 0)
		close(f->far);
	free(f);
	return 0;
}

static unsigned char byte_of(size_t frame, size_t i)
{
	return (unsigned char)(frame * 31 + i * 7 + (i >> 8));
}

/* Appends a frame with its length to buf. */
static size_t put_frame(unsigned char *buf, size_t at, size_t number, size_t len)
{
	buf[at] = (unsigned char)(len >> 8);
	buf[at + 1] = (unsigned char)len;
	for (size_t i = 0; i < len; i++)
		buf[at + 2 + i] = byte_of(number, i);
	return at + 2 + len;
}

static void write_all(int fd, const void *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

/* One frame at most. Returns the result of recv; *len gets the length. */
static int recv_one(struct vs_link *link, unsigned char *buf, size_t size, size_t *len)
{
	struct iovec frame = { buf, size };
	int n = link->ops->recv(link, &frame, 1);

	*len = frame.iov_len;
	return n;
}

static void check_frame(const unsigned char *buf, size_t len, size_t number, size_t expected)
{
	assert_int_equal(len, expected);
	for (size_t i = 0; i < len; i++)
		if (buf[i] != byte_of(number, i))
			fail_msg("byte %zu of frame %zu is wrong", i, number);
}

static void a_frame_is_received_as_it_was_sent(void **state)
{
	struct fixture *f = *state;
	unsigned char buf[100], got[VS_FRAME_MAX];
	size_t len;

	write_all(f->far, buf, put_frame(buf, 0, 1, 60));
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 1);
	check_frame(got, len, 1, 60);
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 0);
}

static void an_empty_stream_is_no_frame_and_no_error(void **state)
{
	struct fixture *f = *state;
	unsigned char got[VS_FRAME_MAX];
	size_t len;

	for (int i = 0; i < 3; i++)
		assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 0);
}

static void frames_come_whole_however_their_bytes_are_cut(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[3 * 110], got[VS_FRAME_MAX];
	size_t total = 0, seen = 0, len;

	total = put_frame(stream, total, 0, 64);
	total = put_frame(stream, total, 1, 15);
	total = put_frame(stream, total, 2, 100);
	for (size_t i = 0; i < total; i++) { /* one byte at a time: lengths are cut in two as well */
		write_all(f->far, stream + i, 1);
		int n = recv_one(f->link, got, sizeof(got), &len);
		assert_true(n == 0 || n == 1);
		if (n == 1) {
			static const size_t lengths[] = { 64, 15, 100 };
			check_frame(got, len, seen, lengths[seen]);
			seen++;
		}
	}
	assert_int_equal(seen, 3);
}

static void several_frames_of_one_read_come_in_order(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[40 * 102], bufs[8][VS_FRAME_MAX];
	struct iovec frames[8];
	size_t total = 0, seen = 0;

	for (size_t i = 0; i < 40; i++)
		total = put_frame(stream, total, i, 20 + i);
	write_all(f->far, stream, total);
	while (seen < 40) {
		for (int i = 0; i < 8; i++)
			frames[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
		int n = f->link->ops->recv(f->link, frames, 8);
		assert_int_equal(n, 8);
		for (int i = 0; i < n; i++, seen++)
			check_frame(bufs[i], frames[i].iov_len, seen, 20 + seen);
	}
	struct iovec none = { bufs[0], sizeof(bufs[0]) };
	assert_int_equal(f->link->ops->recv(f->link, &none, 1), 0);
}

static void the_longest_frame_passes(void **state)
{
	struct fixture *f = *state;
	static unsigned char stream[2 + VS_FRAME_MAX], got[VS_FRAME_MAX];
	size_t len;

	write_all(f->far, stream, put_frame(stream, 0, 5, VS_FRAME_MAX));
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 1);
	check_frame(got, len, 5, VS_FRAME_MAX);
}

static void an_impossible_length_ends_the_stream(void **state)
{
	struct fixture *f = *state;
	static const size_t lengths[] = { VS_FRAME_MAX + 1, 0xffff };
	unsigned char header[2], got[VS_FRAME_MAX];
	size_t len;

	for (size_t i = 0; i < 2; i++) {
		void *fresh = NULL;
		assert_int_equal(open_link(&fresh), 0);
		struct fixture *g = fresh;
		header[0] = (unsigned char)(lengths[i] >> 8);
		header[1] = (unsigned char)lengths[i];
		write_all(g->far, header, 2);
		assert_int_equal(recv_one(g->link, got, sizeof(got), &len), -EPROTO);
		/* and the stream stays ended, whatever is received later */
		write_all(g->far, got, 100);
		assert_int_equal(recv_one(g->link, got, sizeof(got), &len), -EPROTO);
		(void)close_link(&fresh);
	}
	(void)f;
}

static void frames_before_a_wrong_length_are_not_lost(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[100], got[VS_FRAME_MAX];
	size_t total = put_frame(stream, 0, 1, 20), len;

	stream[total] = stream[total + 1] = 0xff;
	write_all(f->far, stream, total + 2);
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 1);
	check_frame(got, len, 1, 20);
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), -EPROTO);
}

static void an_empty_record_does_not_stop_the_stream(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[100], got[VS_FRAME_MAX];
	size_t total = put_frame(stream, 0, 0, 0), len;
	int n, frames = 0;

	total = put_frame(stream, total, 1, 30);
	write_all(f->far, stream, total);
	while ((n = recv_one(f->link, got, sizeof(got), &len)) > 0) {
		if (len == 0)
			continue; /* shorter than a header: the pump drops it */
		check_frame(got, len, 1, 30);
		frames++;
	}
	assert_int_equal(n, 0);
	assert_int_equal(frames, 1);
}

static void a_frame_longer_than_its_buffer_is_cut_and_the_next_is_whole(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[300], got[60];
	size_t total = put_frame(stream, 0, 1, 200), len;

	total = put_frame(stream, total, 2, 50);
	write_all(f->far, stream, total);
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 1);
	check_frame(got, len, 1, 60);
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 1);
	check_frame(got, len, 2, 50);
}

static void end_of_file_ends_the_stream_after_the_last_frame(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[100], got[VS_FRAME_MAX];
	size_t len;

	write_all(f->far, stream, put_frame(stream, 0, 1, 40));
	close(f->far);
	f->far = -1;
	assert_int_equal(recv_one(f->link, got, sizeof(got), &len), 1);
	check_frame(got, len, 1, 40);
	assert_true(recv_one(f->link, got, sizeof(got), &len) < 0);
	assert_true(recv_one(f->link, got, sizeof(got), &len) < 0);
}

static void end_of_file_in_the_middle_of_a_frame_ends_the_stream(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[100], got[VS_FRAME_MAX];
	size_t len;

	write_all(f->far, stream, put_frame(stream, 0, 1, 40) - 1);
	close(f->far);
	f->far = -1;
	int n = recv_one(f->link, got, sizeof(got), &len); /* reads what is there */
	if (n == 0)
		n = recv_one(f->link, got, sizeof(got), &len);
	assert_true(n < 0);
}

/* ------------------------------------------------------------------ sending */

static void frames_in_pieces_are_sent_after_their_length(void **state)
{
	struct fixture *f = *state;
	unsigned char one[70], two[30], wire[300];
	struct vs_frame frames[2] = {
		{ .iov = { { one, sizeof(one) } }, .n_iov = 1 },
		{ .iov = { { one, 14 }, { two, sizeof(two) } }, .n_iov = 2 },
	};

	memset(one, 1, sizeof(one));
	memset(two, 2, sizeof(two));
	size_t lost = 0;
	assert_int_equal(f->link->ops->send(f->link, frames, 2, &lost), 2);
	assert_int_equal(lost, 0);
	assert_int_equal(recv(f->far, wire, sizeof(wire), 0), 2 + 70 + 2 + 44);
	assert_int_equal(wire[0] << 8 | wire[1], 70);
	assert_int_equal(wire[72] << 8 | wire[73], 44);
	assert_memory_equal(wire + 2, one, 70);
	assert_memory_equal(wire + 74, one, 14);
	assert_memory_equal(wire + 74 + 14, two, 30);
}

/*
 * A length that the other side refuses, and one that does not fit into two bytes: the stream would lose the
 * frame boundaries.
 */
static void frames_above_the_maximum_length_are_dropped_and_the_others_sent(void **state)
{
	struct fixture *f = *state;
	static unsigned char bytes[70000], wire[2 * 70000];
	struct vs_frame frames[] = {
		{ .iov = { { bytes, 60 } }, .n_iov = 1 },
		{ .iov = { { bytes, VS_FRAME_MAX + 1 } }, .n_iov = 1 },
		{ .iov = { { bytes, 54 }, { bytes, 65536 - 54 + 60 } }, .n_iov = 2 },
		{ .iov = { { bytes, 14 }, { bytes, VS_FRAME_MAX - 14 } }, .n_iov = 2 },
	};

	size_t lost = 0;
	assert_int_equal(f->link->ops->send(f->link, frames, 4, &lost), 4);
	assert_int_equal(lost, 2);
	assert_int_equal(recv(f->far, wire, sizeof(wire), 0), 2 + 60 + 2 + VS_FRAME_MAX);
	assert_int_equal(wire[0] << 8 | wire[1], 60);
	assert_int_equal(wire[62] << 8 | wire[63], VS_FRAME_MAX);
	lost = 0;
	assert_int_equal(f->link->ops->send(f->link, frames + 1, 2, &lost), 2);
	assert_int_equal(lost, 2);
	assert_true(recv(f->far, wire, sizeof(wire), MSG_DONTWAIT) < 0);
}

static void sending_to_a_closed_stream_ends_it_without_a_signal(void **state)
{
	struct fixture *f = *state;
	unsigned char bytes[60] = { 0 };
	struct vs_frame frame = { .iov = { { bytes, sizeof(bytes) } }, .n_iov = 1 };

	close(f->far);
	f->far = -1;
	size_t lost = 0;
	assert_int_equal(f->link->ops->send(f->link, &frame, 1, &lost), -EPIPE);
}

static void a_full_stream_loses_frames_within_a_time_limit(void **state)
{
	struct fixture *f = *state;
	static unsigned char bytes[9000];
	struct vs_frame frame = { .iov = { { bytes, sizeof(bytes) } }, .n_iov = 1 };
	struct timespec before, after;
	char fill[4096] = { 0 };

	/* full to the last byte, so that no frame is begun */
	while (send(f->link->data_fd, fill, sizeof(fill), MSG_DONTWAIT) > 0)
		;
	while (send(f->link->data_fd, fill, 1, MSG_DONTWAIT) > 0)
		;
	clock_gettime(CLOCK_MONOTONIC, &before);
	size_t lost = 0;
	assert_int_equal(f->link->ops->send(f->link, &frame, 1, &lost), 1);
	assert_int_equal(lost, 1);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 3);
}

struct reader {
	int fd;
	size_t total;
};

static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	char buf[777]; /* never at the end of a frame */
	ssize_t n;

	while ((n = recv(r->fd, buf, sizeof(buf), 0)) > 0)
		r->total += (size_t)n;
	return NULL;
}

static void a_frame_that_was_begun_is_finished(void **state)
{
	struct fixture *f = *state;
	static unsigned char bytes[9000];
	struct vs_frame frame = { .iov = { { bytes, sizeof(bytes) } }, .n_iov = 1 };
	struct reader reader = { .fd = f->far };
	pthread_t thread;
	size_t sent = 0;
	int small = 4096;

	assert_int_equal(setsockopt(f->link->data_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	for (int i = 0; i < 50; i++) {
		size_t lost = 0;
		assert_int_equal(f->link->ops->send(f->link, &frame, 1, &lost), 1);
		sent += 1 - lost;
	}
	assert_int_equal(shutdown(f->link->data_fd, SHUT_WR), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(sent > 0);
	assert_int_equal(reader.total, sent * (2 + sizeof(bytes)));
}

/* More than one call returns: the rest makes no descriptor readable. */
static void frames_left_in_the_buffer_are_reported(void **state)
{
	struct fixture *f = *state;
	static unsigned char out[300 * 16], in[64][64];
	struct iovec frames[64];
	size_t bytes = 0, number = 0;

	for (size_t i = 0; i < 300; i++)
		bytes = put_frame(out, bytes, i, 14);
	write_all(f->far, out, bytes);
	do {
		for (size_t i = 0; i < 64; i++)
			frames[i] = (struct iovec){ in[i], sizeof(in[i]) };
		int n = f->link->ops->recv(f->link, frames, 64);
		assert_true(n > 0);
		for (int i = 0; i < n; i++)
			check_frame(in[i], frames[i].iov_len, number++, 14);
		assert_int_equal(f->link->more, number < 300);
	} while (number < 300);
	assert_int_equal(f->link->ops->recv(f->link, frames, 64), 0);
	assert_false(f->link->more);
}

/* The sender of an invalid length may never send again. */
static void an_invalid_length_after_frames_is_reported(void **state)
{
	struct fixture *f = *state;
	unsigned char out[64], in[2][64];
	struct iovec frames[2] = { { in[0], sizeof(in[0]) }, { in[1], sizeof(in[1]) } };
	size_t bytes = put_frame(out, 0, 1, 14);

	out[bytes] = out[bytes + 1] = 0xff;
	write_all(f->far, out, bytes + 2);
	assert_int_equal(f->link->ops->recv(f->link, frames, 2), 1);
	check_frame(in[0], frames[0].iov_len, 1, 14);
	assert_true(f->link->more);
	assert_int_equal(f->link->ops->recv(f->link, frames, 2), -EPROTO);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_link, close_link)

static const struct CMUnitTest tests[] = {
	CASE(a_frame_is_received_as_it_was_sent),
	CASE(an_empty_stream_is_no_frame_and_no_error),
	CASE(frames_come_whole_however_their_bytes_are_cut),
	CASE(several_frames_of_one_read_come_in_order),
	CASE(the_longest_frame_passes),
	CASE(an_impossible_length_ends_the_stream),
	CASE(frames_before_a_wrong_length_are_not_lost),
	CASE(an_empty_record_does_not_stop_the_stream),
	CASE(a_frame_longer_than_its_buffer_is_cut_and_the_next_is_whole),
	CASE(end_of_file_ends_the_stream_after_the_last_frame),
	CASE(end_of_file_in_the_middle_of_a_frame_ends_the_stream),
	CASE(frames_in_pieces_are_sent_after_their_length),
	CASE(frames_above_the_maximum_length_are_dropped_and_the_others_sent),
	CASE(sending_to_a_closed_stream_ends_it_without_a_signal),
	CASE(a_full_stream_loses_frames_within_a_time_limit),
	CASE(a_frame_that_was_begun_is_finished),
	CASE(frames_left_in_the_buffer_are_reported),
	CASE(an_invalid_length_after_frames_is_reported),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
