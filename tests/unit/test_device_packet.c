/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames of a packet socket are returned as a tap would return them. The socket is simulated. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "pump/device.h"
#include "pump/vlan_tag.h"
#include "unit.h"

#define HEADER sizeof(struct virtio_net_hdr)
#define LONGEST (65535 + ETH_HLEN)
#define BEFORE (HEADER + VS_TAG_LEN)
#define LONGEST_READ (VS_SUPER_MAX - BEFORE)

/* The results of the next calls. */
static struct {
	int interrupted;  /* so many times before anything else */
	int error;	  /* or 0 */
	int bound;	  /* the index of the device that the socket is bound to */
	struct virtio_net_hdr vnet;
	unsigned char frame[LONGEST + 100];
	size_t len;
	bool tagged;
	struct tpacket_auxdata aux;
} played;

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len);

static void play_tag(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	assert_true(message->msg_controllen >= CMSG_SPACE(sizeof(played.aux)));
	*c = (struct cmsghdr){ .cmsg_level = SOL_PACKET, .cmsg_type = PACKET_AUXDATA,
			       .cmsg_len = CMSG_LEN(sizeof(played.aux)) };
	memcpy(CMSG_DATA(c), &played.aux, sizeof(played.aux));
	message->msg_controllen = CMSG_SPACE(sizeof(played.aux));
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	size_t room = message->msg_iov[1].iov_len;

	assert_int_equal(fd, 7);
	assert_true(flags & MSG_DONTWAIT);
	assert_int_equal(message->msg_iov[0].iov_len, HEADER);
	errno = played.interrupted > 0 ? EINTR : played.error;
	if (played.interrupted-- > 0 || played.error != 0)
		return -1;
	memcpy(message->msg_iov[0].iov_base, &played.vnet, HEADER);
	memcpy(message->msg_iov[1].iov_base, played.frame, played.len < room ? played.len : room);
	message->msg_flags = played.len > room ? MSG_TRUNC : 0;
	if (played.tagged)
		play_tag(message);
	else
		message->msg_controllen = 0;
	return (ssize_t)(HEADER + (played.len < room ? played.len : room));
}

int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = played.bound };

	(void)fd;
	assert_true(*len >= sizeof(at));
	memcpy(addr, &at, sizeof(at));
	return 0;
}

/* ------------------------------------------------------------------ reading */

static struct vs_super super;
static _Alignas(16) unsigned char room[VS_SUPER_MAX + 16];

/* Returns the frame's length, or what was returned instead of a frame. */
static ssize_t read_one(void)
{
	static const struct vs_device device = { .ops = &vs_device_packet, .fd = 7 };

	memset(room, 0xee, sizeof(room));
	memset(&super, 0, sizeof(super));
	ssize_t n = device.ops->read(&device, room, &super);
	if (n <= 0)
		return n;
	assert_ptr_equal(super.frame + super.len, room + n);
	return (ssize_t)super.len;
}

static int play_frame(void **state)
{
	(void)state;
	memset(&played, 0, sizeof(played));
	played.bound = 5;
	played.len = 60;
	for (size_t i = 0; i < sizeof(played.frame); i++)
		played.frame[i] = (unsigned char)(i * 11 + (i >> 8));
	return 0;
}

static void play_tagged(uint32_t status, uint16_t tpid)
{
	played.tagged = true;
	played.aux =
		(struct tpacket_auxdata){ .tp_status = status, .tp_vlan_tci = 0x2064, .tp_vlan_tpid = tpid };
}

static void check_tagged(ssize_t n, uint16_t tpid)
{
	uint16_t tag[2] = { htons(tpid), htons(0x2064) };

	assert_int_equal(n, played.len + VS_TAG_LEN);
	assert_ptr_equal(super.frame, room + HEADER);
	assert_memory_equal(super.frame, played.frame, 12);
	assert_memory_equal(super.frame + 12, tag, 4);
	assert_memory_equal(super.frame + 16, played.frame + 12, played.len - 12);
	assert_int_equal(room[BEFORE + played.len], 0xee);
}

static void a_frame_is_received_unchanged(void **state)
{
	(void)state;
	played.vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16, .hdr_len = 54
	};
	assert_int_equal(read_one(), 60);
	assert_ptr_equal(super.frame, room + BEFORE);
	assert_memory_equal(super.frame, played.frame, 60);
	assert_memory_equal(&super.vnet, &played.vnet, HEADER);
}

static void a_tag_is_put_back_and_offsets_move_with_it(void **state)
{
	(void)state;
	play_tagged(TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID, ETH_P_8021Q);
	played.vnet = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					       .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .csum_start = 34,
					       .csum_offset = 16, .hdr_len = 54, .gso_size = 1448 };
	check_tagged(read_one(), ETH_P_8021Q);
	assert_int_equal(super.vnet.csum_start, 38);
	assert_int_equal(super.vnet.csum_offset, 16); /* from there on */
	assert_int_equal(super.vnet.hdr_len, 58);
	assert_int_equal(super.vnet.gso_size, 1448);
}

static void offsets_of_zero_are_not_moved(void **state)
{
	(void)state;
	play_tagged(TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID, ETH_P_8021Q);
	check_tagged(read_one(), ETH_P_8021Q);
	assert_int_equal(super.vnet.csum_start, 0);
	assert_int_equal(super.vnet.hdr_len, 0);
}

static void a_service_tag_keeps_its_type(void **state)
{
	(void)state;
	play_tagged(TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID, ETH_P_8021AD);
	check_tagged(read_one(), ETH_P_8021AD);
}

/* Before Linux 3.14 the kernel did not report the type. */
static void a_tag_without_a_type_is_802_1q(void **state)
{
	(void)state;
	play_tagged(TP_STATUS_VLAN_VALID, 0);
	check_tagged(read_one(), ETH_P_8021Q);
}

/* VLAN id 0 with a priority is a tag, too; a flag of the kernel says whether there is a tag. */
static void without_the_valid_flag_there_is_no_tag(void **state)
{
	(void)state;
	play_tagged(TP_STATUS_USER, ETH_P_8021Q);
	assert_int_equal(read_one(), 60);
	assert_ptr_equal(super.frame, room + BEFORE);
}

static void the_longest_frame_with_a_tag_fits(void **state)
{
	(void)state;
	played.len = LONGEST;
	play_tagged(TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID, ETH_P_8021Q);
	check_tagged(read_one(), ETH_P_8021Q);
}

static void a_truncated_frame_is_dropped(void **state)
{
	(void)state;
	played.len = LONGEST_READ + 1;
	assert_int_equal(read_one(), -EBADMSG);
	played.len = LONGEST_READ;
	assert_int_equal(read_one(), LONGEST_READ);
}

static void a_frame_shorter_than_its_header_is_dropped(void **state)
{
	(void)state;
	played.len = ETH_HLEN - 1;
	play_tagged(TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID, ETH_P_8021Q);
	assert_int_equal(read_one(), 0);
	played.len = ETH_HLEN;
	check_tagged(read_one(), ETH_P_8021Q);
}

static void a_signal_does_not_end_a_read(void **state)
{
	(void)state;
	played.interrupted = 3;
	assert_int_equal(read_one(), 60);
}

static void an_empty_socket_is_no_error(void **state)
{
	(void)state;
	played.error = EAGAIN;
	assert_int_equal(read_one(), 0);
}

/* For example a frame of a kind that the header cannot describe (EINVAL): the next frame may be valid. */
static void a_frame_the_kernel_cannot_pass_on_does_not_end_the_device(void **state)
{
	(void)state;
	played.error = EINVAL;
	assert_int_equal(read_one(), -EBADMSG);
	played.error = ENETDOWN;
	assert_int_equal(read_one(), -ENETDOWN);
}

static void every_error_ends_the_reading_of_a_deleted_device(void **state)
{
	static const int errors[] = { EINVAL, ENETDOWN, ENXIO };

	(void)state;
	played.bound = -1;
	for (size_t i = 0; i < 3; i++) {
		played.error = errors[i];
		assert_int_equal(read_one(), -ENODEV);
	}
}

#define CASE(name) cmocka_unit_test_setup(name, play_frame)

static const struct CMUnitTest tests[] = {
	CASE(a_frame_is_received_unchanged),
	CASE(a_tag_is_put_back_and_offsets_move_with_it),
	CASE(offsets_of_zero_are_not_moved),
	CASE(a_service_tag_keeps_its_type),
	CASE(a_tag_without_a_type_is_802_1q),
	CASE(without_the_valid_flag_there_is_no_tag),
	CASE(the_longest_frame_with_a_tag_fits),
	CASE(a_truncated_frame_is_dropped),
	CASE(a_frame_shorter_than_its_header_is_dropped),
	CASE(a_signal_does_not_end_a_read),
	CASE(an_empty_socket_is_no_error),
	CASE(a_frame_the_kernel_cannot_pass_on_does_not_end_the_device),
	CASE(every_error_ends_the_reading_of_a_deleted_device),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
