/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: frames, each after its length, as a network might send them. They pass through all of rx to
 * a tap. What is written there, cut again, must be the received frames, each once, except for IPv4 ids
 * and padding. Only invalid frames are missing, and they are counted.
 */

#define _GNU_SOURCE
#include <fuzz_rx.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/packet.h"
#include "pump/gso.h"
#include "pump/link.h"
#include "pump/offload.h"

#define FRAMES_MAX 64

struct bytes {
	uint8_t *at;
	size_t len;
};

static struct bytes input[FRAMES_MAX], output[FRAMES_MAX];
static size_t n_input, n_output, taken;

static int fake_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	size_t i = 0;

	(void)link;
	for (; i < n && taken < n_input; i++, taken++) {
		size_t len = input[taken].len < frames[i].iov_len ? input[taken].len : frames[i].iov_len;
		memcpy(frames[i].iov_base, input[taken].at, len);
		frames[i].iov_len = len;
	}
	return (int)i;
}

static const struct vs_link_ops fake_ops = { .recv = fake_recv };

static struct bytes copy_of(const void *bytes, size_t len)
{
	struct bytes b = { malloc(len + 1), len };

	CHECK(b.at != NULL);
	memcpy(b.at, bytes, len);
	return b;
}

static void read_input(const uint8_t *data, size_t size)
{
	n_input = 0;
	while (size >= 2 && n_input < FRAMES_MAX) {
		size_t len = (size_t)(data[0] << 8 | data[1]);
		len = len < size - 2 ? len : size - 2;
		input[n_input++] = copy_of(data + 2, len);
		data += 2 + len;
		size -= 2 + len;
	}
}

/* Coalescing may only count up IPv4 ids and remove Ethernet padding. */
static void normalize(struct bytes *b)
{
	struct vs_packet p;

	if (vs_packet_parse(b->at, b->len, &p) != VS_PACKET_OK)
		return;
	b->len = p.end;
	if (p.version == 4) {
		memset(b->at + p.l3 + 4, 0, 2);
		memset(b->at + p.l3 + 10, 0, 2);
	}
}

static int by_content(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->at, y->at, x->len);
}

/* What was written to the tap, cut up again. */
static void cut_up(uint8_t *super, size_t len)
{
	struct virtio_net_hdr vnet;
	uint8_t header[VS_GSO_HEADER_MAX];
	struct iovec iov[2];
	struct vs_gso gso;

	CHECK(len >= sizeof(vnet));
	memcpy(&vnet, super, sizeof(vnet));
	CHECK(vs_gso_start(&gso, &vnet, super + sizeof(vnet), len - sizeof(vnet)) == VS_GSO_OK);
	for (int n; (n = vs_gso_next(&gso, header, iov)) > 0;) {
		CHECK(n_output < FRAMES_MAX);
		struct bytes *b = &output[n_output++];
		*b = copy_of(iov[0].iov_base, iov[0].iov_len);
		if (n == 2) {
			b->at = realloc(b->at, b->len + iov[1].iov_len + 1);
			CHECK(b->at != NULL);
			memcpy(b->at + b->len, iov[1].iov_base, iov[1].iov_len);
			b->len += iov[1].iov_len;
		}
	}
}

static void read_tap(int fd)
{
	static uint8_t super[1 << 17];
	ssize_t n;

	n_output = 0;
	while ((n = recv(fd, super, sizeof(super), MSG_DONTWAIT)) > 0)
		cut_up(super, (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vs_link link = { .ops = &fake_ops };
	struct vs_pump pump = { .link = &link, .offloads = VS_OFFLOAD_ALL };
	size_t kept = 0;

	if (size > 60000)
		return 0;
	read_input(data, size);
	taken = 0;
	int tap = fuzz_rx(&pump);
	read_tap(tap);
	close(tap);
	for (size_t i = 0; i < n_input; i++) {
		if (input[i].len >= VS_FRAME_MIN && input[i].len <= VS_FRAME_MAX)
			input[kept++] = input[i];
		else
			free(input[i].at);
	}
	CHECK(pump.stats.rx_frames == n_input && pump.stats.rx_dropped == n_input - kept && n_output == kept);
	for (size_t i = 0; i < kept; i++) {
		normalize(&input[i]);
		normalize(&output[i]);
	}
	qsort(input, kept, sizeof(input[0]), by_content);
	qsort(output, kept, sizeof(output[0]), by_content);
	for (size_t i = 0; i < kept; i++) {
		CHECK(by_content(&input[i], &output[i]) == 0);
		free(input[i].at);
		free(output[i].at);
	}
	return 0;
}
