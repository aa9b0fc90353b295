/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_BULK_H
#define VDESTACK_TESTS_BULK_H

/* Stacks with their counters, and bulk traffic whose bytes are compared. */

#include <pthread.h>
#include <stdatomic.h>

#include "stacks.h"
#include "traffic.h"

#define VDE CASE_F_VDE
#define BOTH_VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | VDE)
#define USER_VDE (CASE_F_ROOT | CASE_F_USER | VDE)

/* ------------------------------------------------------------------ stacks and their counters */

__attribute__((format(printf, 2, 3))) static inline struct vdestack *stack_without(unsigned no_offload,
										   const char *fmt, ...)
{
	struct vdestack_opts opts = *case_opts();
	char config[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(config, sizeof(config), fmt, ap);
	va_end(ap);
	opts.no_offload = no_offload;
	struct vdestack *s = vdestack_new(config, &opts);
	if (s == NULL)
		FAIL("no stack from \"%s\": %s", config, vdestack_last_error());
	return s;
}

static inline struct vdestack_link_stats stats_of(struct vdestack *s)
{
	struct vdestack_link_stats st = { .size = sizeof(st) };

	MUST(vdestack_link_get_stats(s, "vde0", &st));
	return st;
}

static inline void show_stats(const char *who, struct vdestack *s)
{
	struct vdestack_link_stats st = stats_of(s);

	printf("%s: offloads 0x%x; out %llu, dropped %llu, refused %llu; in %llu as %llu, dropped %llu\n",
	       who, st.offloads, (unsigned long long)st.tx_frames, (unsigned long long)st.tx_dropped,
	       (unsigned long long)st.tx_refused, (unsigned long long)st.rx_frames,
	       (unsigned long long)st.rx_writes, (unsigned long long)st.rx_dropped);
}

/* ------------------------------------------------------------------ bulk */

/* Bytes in one direction: a thread that makes and sends them, and one that receives and sums them. */
struct bulk {
	int from, to;
	size_t bytes;
	uint64_t seed;
	uint64_t sent, got; /* hashes */
	pthread_t threads[2];
};

#define BLOCK (1 << 16)

static inline uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const uint64_t *words = bytes;

	for (size_t i = 0; i < len / 8; i++)
		hash = (hash ^ words[i]) * UINT64_C(0x100000001b3) + (hash >> 29);
	return hash;
}

static inline void *bulk_send(void *arg)
{
	struct bulk *b = arg;
	uint64_t x = b->seed | 1;
	uint64_t *block = malloc(BLOCK);

	CHECK(block != NULL);
	for (size_t done = 0; done < b->bytes; done += BLOCK) {
		for (size_t i = 0; i < BLOCK / 8; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			block[i] = x;
		}
		b->sent = mix(b->sent, block, BLOCK);
		for (size_t at = 0; at < BLOCK;) {
			ssize_t n = send(b->from, (char *)block + at, BLOCK - at, MSG_NOSIGNAL);
			if (n <= 0)
				FAIL("send: %s after %zu bytes", strerror(errno), done + at);
			at += (size_t)n;
		}
	}
	free(block);
	MUST(shutdown(b->from, SHUT_WR));
	return NULL;
}

static inline void *bulk_receive(void *arg)
{
	struct bulk *b = arg;
	char *block = malloc(BLOCK);

	CHECK(block != NULL);
	for (size_t done = 0; done < b->bytes; done += BLOCK) {
		ssize_t n = recv(b->to, block, BLOCK, MSG_WAITALL);
		if (n != BLOCK)
			FAIL("recv: %s after %zu bytes", n < 0 ? strerror(errno) : "too few",
			     done + (size_t)(n > 0 ? n : 0));
		b->got = mix(b->got, block, BLOCK);
	}
	CHECK_EQ(recv(b->to, block, 1, 0), 0);
	free(block);
	return NULL;
}

static inline void bulk_start(struct bulk *b, int from, int to, size_t bytes, uint64_t seed)
{
	*b = (struct bulk){ .from = from, .to = to, .bytes = bytes, .seed = seed };
	CHECK_EQ(pthread_create(&b->threads[0], NULL, bulk_send, b), 0);
	CHECK_EQ(pthread_create(&b->threads[1], NULL, bulk_receive, b), 0);
}

static inline void bulk_end(struct bulk *b)
{
	CHECK_EQ(pthread_join(b->threads[0], NULL), 0);
	CHECK_EQ(pthread_join(b->threads[1], NULL), 0);
	CHECK(b->sent == b->got);
}

struct connection {
	int listener, a, b;
};

static inline struct connection connection_to(struct vdestack *server, const char *addr,
					      struct vdestack *client)
{
	struct connection c;
	int port = 0;

	c.listener = bound_in(server, addr, SOCK_STREAM, &port);
	c.a = connected_in(client, addr, SOCK_STREAM, port);
	c.b = (int)MUST(accept4(c.listener, NULL, NULL, SOCK_CLOEXEC));
	return c;
}

static inline void connection_close(struct connection *c)
{
	close(c->a);
	close(c->b);
	close(c->listener);
}

/* That many bytes in both directions at the same time. */
static inline void bulk_both_ways(struct vdestack *server, const char *addr, struct vdestack *client,
				  size_t bytes)
{
	struct connection c = connection_to(server, addr, client);
	struct bulk out, in;

	bulk_start(&out, c.a, c.b, bytes, 0x1234567);
	bulk_start(&in, c.b, c.a, bytes, 0x7654321);
	bulk_end(&out);
	bulk_end(&in);
	connection_close(&c);
}

static inline const char *with(const char *before, const char *path)
{
	static char ring[4][256];
	static unsigned next;
	char *text = ring[next++ % 4];

	(void)snprintf(text, sizeof(ring[0]), "%s%s", before, path);
	return text;
}

#endif
