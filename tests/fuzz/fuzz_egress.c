/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: a byte for how many frames the link accepts at a time, then what a tap returns, each after its
 * length. It passes through all of tx. The link reads every frame to its last byte, in bounds. Each frame is
 * passed to the link once, however many it accepts at a time. The counters have their number. No frame is
 * left at the end.
 */

#define _GNU_SOURCE
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pump/link.h"
#include "pump/offload.h"
#include "pump/pump.h"
#include "pump/tx.h"
#include "pump/vnet.h"

static size_t at_a_time, given, sum;

static int fake_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	static uint8_t flat[1 << 17];

	(void)link;
	(void)lost;
	if (at_a_time > 0 && n > at_a_time)
		n = at_a_time;
	for (size_t i = 0; i < n; i++) {
		size_t len = 0;
		CHECK(frames[i].n_iov == 1 || frames[i].n_iov == 2);
		for (int j = 0; j < frames[i].n_iov; j++) {
			CHECK(len + frames[i].iov[j].iov_len <= sizeof(flat));
			memcpy(flat + len, frames[i].iov[j].iov_base, frames[i].iov[j].iov_len);
			len += frames[i].iov[j].iov_len;
		}
		CHECK(len >= VS_FRAME_MIN);
		for (size_t j = 0; j < len; j++)
			sum += flat[j]; /* the sanitizer checks each byte */
	}
	given += n;
	return (int)n;
}

static const struct vs_link_ops fake_ops = { .send = fake_send };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_link link = { .ops = &fake_ops, .never_waits = true, .frame_max = SIZE_MAX };
	struct vs_pump pump = { .link = &link, .offloads = VS_OFFLOAD_ALL,
				.device = { .ops = &vs_device_tap } };
	size_t n = 0;
	int pair[2];

	if (size < 1 || size > 60000)
		return 0;
	at_a_time = data[0];
	given = 0;
	data++;
	size--;
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	link.data_fd = eventfd(0, EFD_CLOEXEC); /* always writable */
	pump.device.fd = pair[0];
	struct vs_tx *tx = vs_tx_new(&pump);
	CHECK(link.data_fd >= 0 && tx != NULL);
	while (size >= 2) {
		size_t len = (size_t)(data[0] << 8 | data[1]);
		len = len < size - 2 ? len : size - 2;
		if (len > 0)
			n += send(pair[1], data + 2, len, MSG_DONTWAIT) == (ssize_t)len &&
			     len > sizeof(struct virtio_net_hdr);
		data += 2 + len;
		size -= 2 + len;
	}
	for (int i = 0; i < 100000; i++) {
		char look;
		if (vs_tx_pending(tx))
			CHECK(vs_tx_resume(tx));
		else if (recv(pair[0], &look, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
			CHECK(vs_tx_burst(tx));
		else
			break;
	}
	CHECK(!vs_tx_pending(tx));
	CHECK(pump.stats.tx_frames == given && pump.stats.tx_dropped == 0);
	CHECK(pump.stats.tx_refused <= n && (given > 0 || pump.stats.tx_refused == n));
	vs_tx_free(tx);
	close(link.data_fd);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
