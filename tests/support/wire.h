/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_WIRE_H
#define VDESTACK_TESTS_WIRE_H

/*
 * The other side of a point-to-point link, held by the case. It receives every frame that passes and checks
 * it with slow, simple code. It shares no code with the library.
 *
 *     stack A ══ ptp://…/a ══ the case: checks, counts, forwards ══ ptp://…/b ══ stack B
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "case.h"

#define WIRE_FLOWS 64
#define WIRE_PUSHES 512

/* One direction of one connection. */
struct wire_flow {
	uint8_t key[37]; /* addresses, ports, protocol */
	size_t key_len;
	bool has_id, has_syn;
	uint16_t id;     /* of the last IPv4 packet */
	unsigned count;  /* UDP: datagrams */
	uint32_t syn;    /* its sequence number */
	uint32_t end;    /* the furthest byte */
	unsigned long long data; /* segments with payload */
	unsigned fins;
	uint32_t pushes[WIRE_PUSHES]; /* where segments with PSH end, counted from SYN; each once */
	unsigned n_pushes;
};

/* The frames of one direction. One thread writes; others may read the atomics. */
struct wire_seen {
	size_t mtu;        /* to be kept */
	unsigned udp_run;  /* so many datagrams are one send, and have consecutive ids; 0: not known */
	atomic_ullong frames, bytes, tcp_data, udp, tagged, full, looked_at;
	atomic_size_t longest;
	struct wire_flow flows[WIRE_FLOWS];
	size_t n_flows;
	char complaint[256]; /* what was wrong with the first wrong frame */
};

static inline uint32_t wire_get(const uint8_t *p, int bytes)
{
	uint32_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | *p++;
	return n;
}

/* RFC 1071, word for word. */
static inline uint32_t wire_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline struct wire_flow *wire_flow(struct wire_seen *seen, const uint8_t *ip, bool ipv6, uint8_t proto,
					  const uint8_t *l4)
{
	uint8_t key[37];
	size_t n = ipv6 ? 32 : 8;

	memcpy(key, ip + (ipv6 ? 8 : 12), n);
	memcpy(key + n, l4, 4);
	key[n + 4] = proto;
	for (size_t i = 0; i < seen->n_flows; i++)
		if (seen->flows[i].key_len == n + 5 && memcmp(seen->flows[i].key, key, n + 5) == 0)
			return &seen->flows[i];
	if (seen->n_flows == WIRE_FLOWS)
		return NULL;
	struct wire_flow *flow = &seen->flows[seen->n_flows++];
	memset(flow, 0, sizeof(*flow));
	memcpy(flow->key, key, n + 5);
	flow->key_len = n + 5;
	return flow;
}

static inline const char *wire_tcp(struct wire_seen *seen, struct wire_flow *flow, const uint8_t *tcp,
				   size_t len)
{
	size_t header = (size_t)(tcp[12] >> 4) * 4;
	uint32_t seq = wire_get(tcp + 4, 4);
	unsigned flags = tcp[13];

	if (len < 20 || header < 20 || header > len)
		return "a TCP header that does not fit";
	if (flags & 2) {
		flow->syn = seq;
		flow->has_syn = true;
		flow->n_pushes = flow->fins = 0;
		flow->data = 0;
		flow->end = 1;
		return len > header ? "a SYN with payload" : NULL;
	}
	size_t payload = len - header;
	uint32_t end = seq + (uint32_t)payload - flow->syn;
	if (payload > 0) {
		flow->data++;
		atomic_fetch_add(&seen->tcp_data, 1);
	}
	if (payload > 0 && flow->fins > 0 && (int32_t)(end - flow->end) > 0)
		return "TCP payload behind a FIN";
	if (flow->fins == 0 && (int32_t)(end - flow->end) > 0)
		flow->end = end;
	if (flags & 1)
		flow->fins++;
	if ((flags & 8) && payload > 0) {
		for (unsigned i = 0; i < flow->n_pushes; i++)
			if (flow->pushes[i] == end)
				return NULL;
		if (flow->n_pushes < WIRE_PUSHES)
			flow->pushes[flow->n_pushes++] = end;
	}
	return NULL;
}

static inline const char *wire_transport(struct wire_seen *seen, const uint8_t *ip, bool ipv6, uint8_t proto,
					 const uint8_t *l4, size_t len)
{
	uint8_t numbers[4] = { 0, proto, (uint8_t)(len >> 8), (uint8_t)len };
	uint32_t sum = wire_sum(0, numbers, 4);

	sum = ipv6 ? wire_sum(sum, ip + 8, 32) : wire_sum(sum, ip + 12, 8);
	if (proto == 1)
		sum = 0;
	if (proto == 17) {
		if (len < 8 || wire_get(l4 + 4, 2) != len)
			return "a UDP length that is not the packet's";
		if (wire_get(l4 + 6, 2) == 0)
			return "a UDP datagram without a checksum";
		atomic_fetch_add(&seen->udp, 1);
	}
	if (proto != 1 && proto != 6 && proto != 17 && proto != 58)
		return NULL;
	if (wire_sum(sum, l4, len) != 0xffff)
		return proto == 6    ? "a wrong TCP checksum"
		       : proto == 17 ? "a wrong UDP checksum"
				     : "a wrong ICMP checksum";
	if (proto != 6 && proto != 17)
		return NULL;
	struct wire_flow *flow = wire_flow(seen, ip, ipv6, proto, l4);
	if (flow == NULL)
		return NULL;
	/* each segment of a TCP socket has the next id, also if it was cut out of a super-frame */
	if (!ipv6) {
		uint16_t id = (uint16_t)wire_get(ip + 4, 2);
		bool data = proto == 17 || len > (size_t)(l4[12] >> 4) * 4;
		bool syn = proto == 6 && (l4[13] & 2) != 0;
		if (proto == 17 && (seen->udp_run == 0 || flow->count++ % seen->udp_run == 0))
			data = false;
		if (data && flow->has_id && id != (uint16_t)(flow->id + 1))
			return "an IPv4 id that does not follow the one before";
		flow->has_id = !syn;
		flow->id = id;
	}
	return proto == 6 ? wire_tcp(seen, flow, l4, len) : NULL;
}

static inline const char *wire_ip4(struct wire_seen *seen, const uint8_t *ip, size_t len)
{
	size_t header = (size_t)(ip[0] & 15) * 4, total = wire_get(ip + 2, 2);

	if (len < 20 || header < 20 || header > total || total > len)
		return "an IPv4 length that does not fit";
	if (wire_sum(0, ip, header) != 0xffff)
		return "a wrong IPv4 header checksum";
	if (wire_get(ip + 6, 2) & 0x3fff) /* a fragment */
		return NULL;
	return wire_transport(seen, ip, false, ip[9], ip + header, total - header);
}

static inline const char *wire_ip6(struct wire_seen *seen, const uint8_t *ip, size_t len)
{
	size_t at = 40, total = 40 + wire_get(ip + 4, 2);
	uint8_t next = ip[6];

	if (len < 40 || total > len)
		return "an IPv6 length that does not fit";
	while ((next == 0 || next == 60) && at + 8 <= total) {
		next = ip[at];
		at += (size_t)(ip[at + 1] + 1) * 8;
	}
	return at > total ? "IPv6 extension headers that do not fit"
			  : wire_transport(seen, ip, true, next, ip + at, total - at);
}

/* Checks a frame. Returns NULL, or what is wrong with it. */
static inline const char *wire_look(struct wire_seen *seen, const uint8_t *frame, size_t len)
{
	size_t l3 = 14;

	if (len < 14)
		return "too short for a frame";
	uint32_t type = wire_get(frame + 12, 2);
	while ((type == 0x8100 || type == 0x88a8) && l3 + 4 <= len) {
		type = wire_get(frame + l3 + 2, 2);
		l3 += 4;
	}
	if (l3 > 14)
		atomic_fetch_add(&seen->tagged, 1);
	atomic_fetch_add(&seen->frames, 1);
	atomic_fetch_add(&seen->bytes, len);
	if (len > atomic_load(&seen->longest))
		atomic_store(&seen->longest, len);
	if (len == l3 + seen->mtu)
		atomic_fetch_add(&seen->full, 1);
	if (len > l3 + seen->mtu)
		return "longer than the MTU";
	if (type == 0x0800)
		return wire_ip4(seen, frame + l3, len - l3);
	return type == 0x86dd ? wire_ip6(seen, frame + l3, len - l3) : NULL;
}

/* ------------------------------------------------------------------ the link */

static inline struct sockaddr_un wire_address(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	return sun;
}

/* The first side of ptp://PATH. The next process that opens the locator is the second side, at PATH+. */
static inline int wire_open(const char *path)
{
	struct sockaddr_un sun = wire_address(path);
	int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
	return fd;
}

/* Waits for the second side. */
static inline void wire_connect(int fd, const char *path)
{
	char other[100];

	(void)snprintf(other, sizeof(other), "%s+", path);
	struct sockaddr_un sun = wire_address(other);
	MUST(connect(fd, (struct sockaddr *)&sun, sizeof(sun)));
}

struct wire_way {
	int from, to;
	struct wire_seen *seen;
};

/* Forwards frames until the process ends. The case reports what is wrong with a frame. */
static inline void *wire_carry(void *arg)
{
	struct wire_way *way = arg;
	static _Thread_local uint8_t frame[65536];
	ssize_t n;

	while ((n = recv(way->from, frame, sizeof(frame), 0)) >= 0) {
		const char *wrong = wire_look(way->seen, frame, (size_t)n);
		if (wrong != NULL && way->seen->complaint[0] == '\0')
			(void)snprintf(way->seen->complaint, sizeof(way->seen->complaint),
				       "frame %llu, %zd bytes: %s", (unsigned long long)way->seen->frames, n,
				       wrong);
		atomic_fetch_add(&way->seen->looked_at, 1);
		if (way->to >= 0)
			(void)send(way->to, frame, (size_t)n, MSG_NOSIGNAL);
	}
	return NULL;
}

static inline void wire_start(struct wire_way *way)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, wire_carry, way), 0);
	CHECK_EQ(pthread_detach(t), 0);
}

#endif
