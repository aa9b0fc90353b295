/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_GRO_BATCH_H
#define VS_TESTS_GRO_BATCH_H

/* A batch of frames for the coalescing, and its result. */

#include <frames.h>

#include "pump/gro.h"
#include "unit.h"

#define ALL (VS_GRO_TCP4 | VS_GRO_TCP6 | VS_GRO_UDP | VS_GRO_VLAN)
#define SLOT 9300

static uint8_t slots[VS_GRO_FRAMES][SLOT], originals[VS_GRO_FRAMES][SLOT];
static struct iovec frames[VS_GRO_FRAMES];
static size_t n_frames;
static struct vs_gro gro;
static uint8_t joined[FRAME_ROOM], expected[FRAME_ROOM];

static const struct frame kinds[] = {
	{ .flags = ACK, .df = true },
	{ .flags = ACK | PSH, .df = true, .tcp_options = 12 },
	{ .flags = ACK | ECE, .id = 0xfffe, .tcp_options = 40, .tos = 2 },
	{ .flags = ACK | CWR, .tos = 3, .id = 77, .tcp_options = 4 },
	{ .flags = ACK | CWR | PSH, .seq = 0xfffffff0, .tags = 1 },
	{ .flags = ACK | PSH, .tags = 2, .ff = true, .seq = 0xffffffff },
	{ .flags = ACK | PSH, .ipv6 = true, .tcp_options = 12, .label = 0x12345, .tos = 0xff },
	{ .flags = ACK, .ipv6 = true, .tags = 2 },
	{ .flags = ACK | CWR | ECE | PSH, .ipv6 = true, .ff = true },
	{ .udp = true },
	{ .udp = true, .df = true, .tags = 1, .id = 0xffff },
	{ .udp = true, .ipv6 = true, .label = 1 },
	{ .udp = true, .ipv6 = true, .tags = 2, .ff = true },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static inline struct frame kind(size_t i)
{
	struct frame f = kinds[i];

	f.ttl = 64;
	f.host = 1;
	f.sport = 40000;
	f.dport = 80;
	f.seq = f.seq != 0 ? f.seq : 1000000;
	f.window = 501;
	f.payload = 100;
	return f;
}

/* ------------------------------------------------------------ a batch */

static inline void begin(void)
{
	n_frames = 0;
}

static inline uint8_t *add_bytes(size_t len)
{
	assert_true(n_frames < VS_GRO_FRAMES && len <= SLOT);
	frames[n_frames] = (struct iovec){ slots[n_frames], len };
	return slots[n_frames++];
}

static inline uint8_t *add(const struct frame *f)
{
	uint8_t *slot = add_bytes(frame_layout(f).len);

	frame_make(f, slot);
	return slot;
}

static inline void run(unsigned may)
{
	memcpy(originals, slots, n_frames * SLOT);
	vs_gro_run(&gro, frames, n_frames, may);
}

static inline size_t join(const struct vs_gro_write *write)
{
	size_t len = 0;

	assert_int_equal(write->n_iov, write->n_frames + 1);
	assert_ptr_equal(write->iov[0].iov_base, &write->vnet);
	assert_int_equal(write->iov[0].iov_len, sizeof(struct virtio_net_hdr));
	for (int i = 1; i < write->n_iov; i++) {
		memcpy(joined + len, write->iov[i].iov_base, write->iov[i].iov_len);
		len += write->iov[i].iov_len;
	}
	return len;
}

/* The write is this one frame, unchanged. */
static inline void check_single(const struct vs_gro_write *write, size_t frame)
{
	struct virtio_net_hdr zero = { 0 };

	assert_int_equal(write->n_frames, 1);
	assert_memory_equal(&write->vnet, &zero, sizeof(zero));
	assert_int_equal(join(write), frames[frame].iov_len);
	assert_ptr_equal(write->iov[1].iov_base, slots[frame]);
	assert_memory_equal(joined, originals[frame], frames[frame].iov_len);
}

#endif
