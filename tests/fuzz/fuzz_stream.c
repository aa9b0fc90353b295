/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: a byte that seeds the cutting, then the bytes of a VDE stream. Cut in any way, they must yield the
 * same frames as when they are read at once, and the link must die exactly at the first impossible
 * length.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pump/link.h"

#define FRAMES 4

/* Simple reading of the whole input: the next frame, or none; sets *dead at an impossible length. */
static bool next_plain(const uint8_t **at, const uint8_t *end, const uint8_t **frame, size_t *len, bool *dead)
{
	if (end - *at < 2)
		return false;
	*len = (size_t)((*at)[0] << 8 | (*at)[1]);
	*dead = *len > VS_FRAME_MAX;
	if (*dead || (size_t)(end - *at) < 2 + *len)
		return false;
	*frame = *at + 2;
	*at += 2 + *len;
	return true;
}

/* Receives what the link has. False: it is dead. */
static bool take(struct vs_link *link, const uint8_t **at, const uint8_t *end)
{
	static uint8_t buffers[FRAMES][VS_FRAME_MAX + 1];
	const uint8_t *frame;
	size_t len;
	bool dead;

	for (;;) {
		struct iovec frames[FRAMES];
		for (int i = 0; i < FRAMES; i++)
			frames[i] = (struct iovec){ buffers[i], sizeof(buffers[i]) };
		int n = link->ops->recv(link, frames, FRAMES);
		if (n < 0) {
			CHECK(!next_plain(at, end, &frame, &len, &dead) && dead);
			return false;
		}
		if (n == 0)
			return true;
		for (int i = 0; i < n; i++) {
			CHECK(next_plain(at, end, &frame, &len, &dead));
			CHECK(frames[i].iov_len == len && memcmp(buffers[i], frame, len) == 0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_link *link;
	const uint8_t *at = data + 1, *sent = data + 1, *end = data + size, *frame;
	uint32_t random = size > 0 ? data[0] : 0;
	bool alive = true, dead = false;
	size_t len;
	int pair[2];

	if (size < 1)
		return 0;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	CHECK(vs_link_stream(pair[0], &link) == 0);
	while (alive && sent < end) {
		random = random * 1664525 + 1013904223;
		size_t chunk = 1 + (random >> 16) % ((random & 7) != 0 ? 700 : 3);
		if (chunk > (size_t)(end - sent))
			chunk = (size_t)(end - sent);
		CHECK(send(pair[1], sent, chunk, MSG_DONTWAIT) == (ssize_t)chunk);
		sent += chunk;
		alive = take(link, &at, end);
	}
	CHECK(!alive || !next_plain(&at, end, &frame, &len, &dead));
	CHECK(!alive || !dead);
	vs_link_close(link);
	close(pair[1]);
	return 0;
}
