/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A packet socket as a link. What the kernel answers is simulated. */

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pump/link.h"
#include "unit.h"

#define FRAMES 200

/* What the next calls return. */
static struct {
	int errors[4]; /* one after the other, then success */
	size_t error;
	size_t room; /* frames that one call takes */
	size_t calls, frames;
	size_t len; /* of a frame that comes */
	bool tagged;
} played;

static bool fails(void)
{
	size_t i = played.error < 3 ? played.error : 3;

	played.error++;
	errno = played.errors[i];
	return errno != 0;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *limit);

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	(void)fd;
	assert_true(flags & MSG_DONTWAIT);
	assert_true(n > 0 && n <= 64);
	assert_int_equal(messages[n - 1].msg_hdr.msg_iovlen, 2);
	played.calls++;
	if (fails())
		return -1;
	size_t taken = n < played.room ? n : played.room;
	played.room -= taken;
	played.frames += taken;
	errno = EAGAIN;
	return taken == 0 ? -1 : (int)taken;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *limit)
{
	(void)fd;
	(void)limit;
	assert_true(flags & MSG_DONTWAIT);
	if (fails())
		return -1;
	for (unsigned i = 0; i < n; i++) {
		struct msghdr *h = &messages[i].msg_hdr;
		size_t len = played.len < h->msg_iov->iov_len ? played.len : h->msg_iov->iov_len;
		for (size_t at = 0; at < len; at++)
			((unsigned char *)h->msg_iov->iov_base)[at] = (unsigned char)(at * 3 + i);
		messages[i].msg_len = (unsigned)len;
		struct tpacket_auxdata aux = { .tp_status = played.tagged ? TP_STATUS_VLAN_VALID : 0,
					       .tp_vlan_tci = 0x2064 };
		struct cmsghdr *c = CMSG_FIRSTHDR(h);
		*c = (struct cmsghdr){ .cmsg_level = SOL_PACKET, .cmsg_type = PACKET_AUXDATA,
				       .cmsg_len = CMSG_LEN(sizeof(aux)) };
		memcpy(CMSG_DATA(c), &aux, sizeof(aux));
	}
	return (int)n;
}

static struct vs_link *link_new(void)
{
	struct vs_link *link = NULL;

	memset(&played, 0, sizeof(played));
	played.room = SIZE_MAX;
	assert_int_equal(vs_link_packet(dup(2), &link), 0);
	return link;
}

/* ------------------------------------------------------------------ sending */

static int send_some(struct vs_link *link, size_t n, size_t *lost)
{
	static char head[14], body[50];
	static struct vs_frame frames[FRAMES];

	for (size_t i = 0; i < n; i++)
		frames[i] = (struct vs_frame){ .iov = { { head, 14 }, { body, 50 } }, .n_iov = 2 };
	*lost = 0;
	return link->ops->send(link, frames, n, lost);
}

static void all_frames_are_sent_in_batches(void **state)
{
	(void)state;
	struct vs_link *link = link_new();
	size_t lost;

	assert_int_equal(send_some(link, FRAMES, &lost), FRAMES);
	assert_int_equal(lost, 0);
	assert_int_equal(played.frames, FRAMES);
	assert_int_equal(played.calls, 4);
	link->ops->close(link);
}

static void what_there_is_no_room_for_is_not_taken(void **state)
{
	(void)state;
	struct vs_link *link = link_new();
	size_t lost;

	played.room = 100;
	assert_int_equal(send_some(link, FRAMES, &lost), 100);
	assert_int_equal(lost, 0);
	played.room = 0;
	assert_int_equal(send_some(link, FRAMES, &lost), 0);
	link->ops->close(link);
}

static void a_refused_frame_is_lost_and_the_next_ones_are_sent(void **state)
{
	static const int errors[] = { ENETDOWN, ENOBUFS, EMSGSIZE, ENOMEM, EINVAL };
	(void)state;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct vs_link *link = link_new();
		size_t lost;
		played.errors[0] = played.errors[1] = errors[i];
		assert_int_equal(send_some(link, 10, &lost), 10);
		assert_int_equal(lost, 2);
		assert_int_equal(played.frames, 8);
		link->ops->close(link);
	}
}

static void a_deleted_device_is_a_dead_link(void **state)
{
	(void)state;
	struct vs_link *link = link_new();
	struct iovec frame = { calloc(1, 100), 100 };
	size_t lost;

	assert_non_null(frame.iov_base);
	played.errors[0] = ENXIO;
	assert_int_equal(send_some(link, 10, &lost), -ENXIO);
	played.errors[1] = ENODEV;
	assert_int_equal(link->ops->recv(link, &frame, 1), -ENODEV);
	free(frame.iov_base);
	link->ops->close(link);
}

/* ------------------------------------------------------------------ receiving */

static void frames_are_received_in_their_buffers(void **state)
{
	(void)state;
	static unsigned char buffers[3][101];
	struct vs_link *link = link_new();
	struct iovec frames[3];

	for (int i = 0; i < 3; i++)
		frames[i] = (struct iovec){ buffers[i], 101 };
	played.len = 60;
	assert_int_equal(link->ops->recv(link, frames, 3), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(frames[i].iov_len, 60);
		assert_int_equal(buffers[i][59], (unsigned char)(59 * 3 + i));
	}
	link->ops->close(link);
}

static void a_tag_is_put_back_within_the_buffer(void **state)
{
	(void)state;
	static const size_t lengths[] = { 14, 60, 97, 200 };
	static unsigned char buffer[102];
	struct vs_link *link = link_new();

	played.tagged = true;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct iovec frame = { buffer, 101 };
		buffer[101] = 0xee;
		played.len = lengths[i];
		assert_int_equal(link->ops->recv(link, &frame, 1), 1);
		assert_int_equal(frame.iov_len, lengths[i] < 97 ? lengths[i] + 4 : 101);
		assert_memory_equal(buffer + 12, "\x81\x00\x20\x64", 4);
		assert_int_equal(buffer[11], 33);
		assert_int_equal(buffer[16], 36);
		assert_int_equal(buffer[101], 0xee);
	}
	link->ops->close(link);
}

static void a_device_that_is_down_is_no_dead_link(void **state)
{
	(void)state;
	struct vs_link *link = link_new();
	unsigned char buffer[100];
	struct iovec frame = { buffer, sizeof(buffer) };

	played.errors[0] = ENETDOWN;
	played.errors[1] = EAGAIN;
	played.errors[2] = EINTR;
	for (int i = 0; i < 3; i++) {
		frame.iov_len = sizeof(buffer);
		assert_int_equal(link->ops->recv(link, &frame, 1), 0);
	}
	link->ops->close(link);
}

static void the_link_carries_the_longest_frame(void **state)
{
	(void)state;
	struct vs_link *link = link_new();

	assert_int_equal(link->mtu_max, 65535);
	assert_int_equal(link->frame_max, 65535 + 14 + 4);
	assert_true(link->never_waits);
	link->ops->close(link);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_frames_are_sent_in_batches),
	cmocka_unit_test(what_there_is_no_room_for_is_not_taken),
	cmocka_unit_test(a_refused_frame_is_lost_and_the_next_ones_are_sent),
	cmocka_unit_test(a_deleted_device_is_a_dead_link),
	cmocka_unit_test(frames_are_received_in_their_buffers),
	cmocka_unit_test(a_tag_is_put_back_within_the_buffer),
	cmocka_unit_test(a_device_that_is_down_is_no_dead_link),
	cmocka_unit_test(the_link_carries_the_longest_frame),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
