/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: records, each after its length and segment size, as a hostile station might put them into a
 * container. The container gets a right header. It passes through all of rx to a tap, once as super-frames
 * and once cut. What is written there must be valid, and every frame that was counted must be written or
 * counted as dropped.
 */

#define _GNU_SOURCE
#include <fuzz_rx.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pump/container.h"
#include "pump/containers.h"
#include "pump/gso.h"
#include "pump/link.h"
#include "pump/offload.h"

static uint8_t container[VS_FRAME_MAX];
static size_t container_len;
static bool taken;
static const uint8_t macs[VS_MACS] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

static int fake_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	(void)link;
	if (taken || n == 0)
		return 0;
	taken = true;
	memcpy(frames[0].iov_base, container, container_len);
	frames[0].iov_len = container_len;
	return 1;
}

static int fake_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	(void)link;
	(void)frames;
	(void)lost;
	return (int)n;
}

static const struct vs_link_ops fake_ops = { .recv = fake_recv, .send = fake_send };

/* Each record is of any bytes; the first byte of the input says whether its length is right. */
static void make_container(const uint8_t *data, size_t size)
{
	size_t at = VS_CONTAINER_HEADER, end = at;
	bool honest = data[0] & 1;

	while (size > 5 && at + VS_RECORD_HEADER < sizeof(container)) {
		size_t len = (size_t)(data[1] << 8 | data[2]);
		size_t room = sizeof(container) - at - VS_RECORD_HEADER;
		size_t have = size - 5 < len ? size - 5 : len;
		have = have < room ? have : room;
		uint8_t *to = vs_container_put(container + at, (honest ? have : len) + VS_MACS,
					       (uint16_t)(data[3] << 8 | data[4]));
		memcpy(to, data + 5, have);
		end = at + VS_RECORD_HEADER + have;
		at = (end + 7) & ~(size_t)7;
		if (at <= sizeof(container))
			memset(container + end, 0, at - end);
		data += 4 + have;
		size -= 4 + have;
	}
	container_len = end;
	vs_container_seal(container, end, NULL, 0, macs);
}

/* Returns how many frames were written. */
static size_t read_tap(int fd)
{
	static uint8_t super[1 << 17];
	uint8_t header[VS_GSO_HEADER_MAX];
	size_t frames = 0;
	ssize_t n;

	while ((n = recv(fd, super, sizeof(super), MSG_DONTWAIT)) > 0) {
		struct virtio_net_hdr vnet;
		struct iovec iov[2];
		struct vs_gso gso;
		CHECK((size_t)n > sizeof(vnet) + VS_MACS);
		memcpy(&vnet, super, sizeof(vnet));
		CHECK(memcmp(super + sizeof(vnet), macs, VS_MACS) == 0);
		CHECK(vs_gso_start(&gso, &vnet, super + sizeof(vnet), (size_t)n - sizeof(vnet)) == VS_GSO_OK);
		while (vs_gso_next(&gso, header, iov) > 0)
			frames++;
	}
	return frames;
}

static void run(unsigned offloads)
{
	static struct vs_link link = { .ops = &fake_ops };
	struct vs_containers c = { .max = VS_FRAME_MAX };
	struct vs_pump pump = { .link = &link, .offloads = offloads, .containers = &c };

	(void)pthread_mutex_init(&c.lock, NULL);
	taken = false;
	int tap = fuzz_rx(&pump);
	CHECK(read_tap(tap) + pump.stats.rx_dropped == pump.stats.rx_frames);
	close(tap);
	(void)pthread_mutex_destroy(&c.lock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 6 || size > VS_FRAME_MAX)
		return 0;
	make_container(data, size);
	run(VS_OFFLOAD_ALL);
	run(VS_OFFLOAD_CSUM);
	return 0;
}
