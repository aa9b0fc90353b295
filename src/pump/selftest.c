/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A self-test at start-up: known super-frames are cut and must give known frames, known frames are
 * coalesced and must give the known super-frame, and a damaged one among them must stay alone.
 *
 *	TCP and UDP, over IPv4 and IPv6:
 *	super-frame ──segmentation──▶ 5 frames, compared byte by byte ──coalescing──▶ the same super-frame
 *
 * What is expected is made here, in the slowest and plainest way, and each direction starts from
 * that and not from what the other has made: if one is broken, only its offloads are left off. A checksum
 * that goes wrong for this processor or this compiler spoils both.
 *
 * Sequence numbers and ids wrap around on the way; the last frame is shorter and of odd length.
 */

#include "selftest.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gro.h"
#include "gso.h"
#include "headers.h"
#include "tap.h"

#define FRAMES 5
#define SIZE 1448 /* payload of a frame */
#define LAST 37	  /* and of the last one */
#define PAYLOAD ((FRAMES - 1) * SIZE + LAST)
#define HEADERS_MAX (14 + 40 + 32)

struct kind {
	bool ipv6, udp;
};

struct test {
	struct kind kind;
	size_t l4, payload; /* offsets */
	unsigned char super[HEADERS_MAX + PAYLOAD];
	unsigned char frames[FRAMES][HEADERS_MAX + SIZE];
	unsigned char headers[FRAMES][HEADERS_MAX];
	struct vs_gro gro;
};

/* ------------------------------------------------------------------ what is expected */

static void put(unsigned char *p, unsigned long number, int bytes)
{
	while (bytes-- > 0) {
		p[bytes] = (unsigned char)number;
		number >>= 8;
	}
}

/* RFC 1071, byte by byte. */
static unsigned long sum_bytes(unsigned long sum, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (unsigned long)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void make_ip(const struct kind *k, unsigned char *ip, size_t len, unsigned n)
{
	static const unsigned char addresses4[] = { 192, 0, 2, 1, 192, 0, 2, 254 };
	static const unsigned char addresses6[] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
						    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0, 0, 0, 2 };
	unsigned char proto = k->udp ? 17 : 6;

	if (k->ipv6) {
		put(ip, 0x60012345, 4);
		put(ip + VS_IP6_LEN, len, 2);
		put(ip + VS_IP6_NEXT, (unsigned long)proto << 8 | 64, 2);
		memcpy(ip + VS_IP6_ADDRS, addresses6, sizeof(addresses6));
		return;
	}
	put(ip, 0x4500, 2);
	put(ip + VS_IP4_LEN, 20 + len, 2);
	put(ip + VS_IP4_ID, 0xfffe + n, 2);
	put(ip + VS_IP4_FRAG, VS_IP4_DF, 2);
	put(ip + VS_IP4_TTL, 64ul << 8 | proto, 2);
	put(ip + VS_IP4_CHECK, 0, 2);
	memcpy(ip + VS_IP4_ADDRS, addresses4, sizeof(addresses4));
	put(ip + VS_IP4_CHECK, ~sum_bytes(0, ip, 20), 2);
}

static void make_tcp(unsigned char *tcp, size_t from, bool first, bool last)
{
	put(tcp, 443ul << 16 | 50000, 4);
	put(tcp + VS_TCP_SEQ, 0xfffff000 + from, 4);
	put(tcp + VS_TCP_ACK, 0x12345678, 4);
	put(tcp + VS_TCP_FLAGS, 0x8000 | VS_TCP_ACKED | (first ? VS_TCP_CWR : 0) | (last ? VS_TCP_PSH : 0), 2);
	put(tcp + VS_TCP_WINDOW, 501, 2);
	put(tcp + VS_TCP_CHECK, 0, 4);
	put(tcp + VS_TCP_OPTIONS, 0x0101080a, 4); /* timestamps */
	put(tcp + VS_TCP_OPTIONS + 4, 0x89abcdef, 4);
	put(tcp + VS_TCP_OPTIONS + 8, 0xfedcba98, 4);
}

/*
 * The frame with the payload [from, from + len), the n-th. whole: it is the super-frame, first and last at once, whose
 * checksum is that of its pseudo-header alone. Gives its length.
 */
static size_t make_frame(const struct test *t, unsigned char *out, size_t from, size_t len, unsigned n, bool whole)
{
	const struct kind *k = &t->kind;
	unsigned char *ip = out + 14, *l4 = out + t->l4, *check = l4 + (k->udp ? VS_UDP_CHECK : VS_TCP_CHECK);
	size_t l4_len = t->payload - t->l4 + len;
	unsigned char numbers[4];

	memcpy(out, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
	put(out + 12, k->ipv6 ? 0x86dd : 0x0800, 2);
	make_ip(k, ip, l4_len, n);
	if (k->udp) {
		put(l4, 53ul << 16 | 50000, 4);
		put(l4 + VS_UDP_LEN, (unsigned long)l4_len << 16, 4);
	} else {
		make_tcp(l4, from, from == 0, from + len == PAYLOAD);
	}
	for (size_t i = 0; i < len; i++)
		out[t->payload + i] = (unsigned char)((from + i) * 151 + (from + i) / 251);
	put(numbers, k->udp ? 17 : 6, 2);
	put(numbers + 2, l4_len, 2);
	unsigned long sum = sum_bytes(0, numbers, 4);
	sum = k->ipv6 ? sum_bytes(sum, ip + VS_IP6_ADDRS, 32) : sum_bytes(sum, ip + VS_IP4_ADDRS, 8);
	if (!whole)
		sum = ~sum_bytes(sum, l4, l4_len) & 0xffff;
	put(check, !whole && k->udp && sum == 0 ? 0xffff : sum, 2);
	return t->payload + len;
}

static size_t frame_payload(unsigned n)
{
	return n == FRAMES - 1 ? LAST : SIZE;
}

static void make_frames(struct test *t)
{
	for (unsigned n = 0; n < FRAMES; n++)
		make_frame(t, t->frames[n], (size_t)n * SIZE, frame_payload(n), n, false);
}

static struct virtio_net_hdr make_vnet(const struct test *t)
{
	struct virtio_net_hdr vnet = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_size = SIZE };

	if (t->kind.udp)
		vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	else
		vnet.gso_type = (t->kind.ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4) | VIRTIO_NET_HDR_GSO_ECN;
	vnet.hdr_len = (uint16_t)t->payload;
	vnet.csum_start = (uint16_t)t->l4;
	vnet.csum_offset = t->kind.udp ? VS_UDP_CHECK : VS_TCP_CHECK;
	return vnet;
}

static void prepare(struct test *t, struct kind kind)
{
	t->kind = kind;
	t->l4 = 14 + (kind.ipv6 ? 40 : 20);
	t->payload = t->l4 + (kind.udp ? 8 : 32);
	make_frame(t, t->super, 0, PAYLOAD, 0, true);
	make_frames(t);
}

/* Whether pieces, one behind the other, are these bytes and no more. */
static bool same(const struct iovec *iov, size_t n, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (iov[i].iov_len > len || memcmp(iov[i].iov_base, bytes, iov[i].iov_len) != 0)
			return false;
		bytes += iov[i].iov_len;
		len -= iov[i].iov_len;
	}
	return len == 0;
}

/* ------------------------------------------------------------------ trying */

/* A whole frame whose checksum is to be finished. */
static bool finishes_checksums(struct test *t)
{
	struct virtio_net_hdr vnet = make_vnet(t);
	size_t len = make_frame(t, t->super, 0, PAYLOAD, 0, true);
	unsigned char *check = t->super + t->l4 + vnet.csum_offset;
	struct iovec iov[2];
	struct vs_gso gso;

	vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	vnet.gso_size = 0;
	unsigned long sum = ~sum_bytes(0, t->super + t->l4, len - t->l4) & 0xffff;
	if (vs_gso_start(&gso, &vnet, t->super, len) != VS_GSO_OK || vs_gso_next(&gso, t->headers[0], iov) != 1)
		return false;
	return iov[0].iov_base == t->super && iov[0].iov_len == len && (unsigned long)(check[0] << 8 | check[1]) == sum &&
	       vs_gso_next(&gso, t->headers[0], iov) == 0;
}

static bool segments(struct test *t)
{
	struct virtio_net_hdr vnet = make_vnet(t);
	struct iovec iov[2];
	struct vs_gso gso;
	int pieces;

	if (vs_gso_start(&gso, &vnet, t->super, t->payload + PAYLOAD) != VS_GSO_OK || gso.header_len != t->payload)
		return false;
	for (unsigned n = 0; n < FRAMES; n++) {
		pieces = vs_gso_next(&gso, t->headers[n], iov);
		if (!same(iov, (size_t)(pieces > 0 ? pieces : 0), t->frames[n], t->payload + frame_payload(n)))
			return false;
	}
	return vs_gso_next(&gso, t->headers[0], iov) == 0;
}

static void run_gro(struct test *t, unsigned may)
{
	struct iovec iov[FRAMES];

	for (unsigned n = 0; n < FRAMES; n++)
		iov[n] = (struct iovec){ t->frames[n], t->payload + frame_payload(n) };
	vs_gro_run(&t->gro, iov, FRAMES, may);
}

static bool coalesces(struct test *t, unsigned may)
{
	struct virtio_net_hdr vnet = make_vnet(t);

	run_gro(t, may);
	const struct vs_gro_write *w = &t->gro.writes[0];
	return t->gro.n_writes == 1 && w->n_frames == FRAMES && memcmp(&w->vnet, &vnet, sizeof(vnet)) == 0 &&
	       same(w->iov + 1, w->n_iov - 1u, t->super, t->payload + PAYLOAD);
}

/* A frame with one bit changed is written alone, and as it came. */
static bool keeps_damage_apart(struct test *t, unsigned may)
{
	const unsigned bad = 2;
	size_t len = t->payload + frame_payload(bad);
	unsigned alone = 0, frames = 0;

	make_frames(t); /* the first one has been rewritten */
	t->frames[bad][len - 100] ^= 0x10;
	memcpy(t->super, t->frames[bad], len);
	run_gro(t, may);
	for (size_t i = 0; i < t->gro.n_writes; i++) {
		const struct vs_gro_write *w = &t->gro.writes[i];
		frames += w->n_frames;
		if (w->n_frames == 1 && w->iov[1].iov_base == t->frames[bad])
			alone += same(w->iov + 1, w->n_iov - 1u, t->super, len);
	}
	return alone == 1 && frames == FRAMES;
}

/* Takes the offloads that a kind of traffic has shown to be broken out of the sound ones. */
static unsigned try_kind(struct test *t, struct kind kind, unsigned sound)
{
	unsigned may = kind.udp ? VS_GRO_UDP : kind.ipv6 ? VS_GRO_TCP6 : VS_GRO_TCP4;

	prepare(t, kind);
	if (!segments(t))
		sound &= ~(unsigned)(kind.udp ? VS_OFFLOAD_USO : VS_OFFLOAD_TSO);
	if (!coalesces(t, may) || !keeps_damage_apart(t, may))
		sound &= ~(unsigned)(kind.udp ? VS_OFFLOAD_UGRO : VS_OFFLOAD_GRO);
	if (!finishes_checksums(t)) /* segmentation takes it for granted */
		sound &= ~(unsigned)(VS_OFFLOAD_CSUM | VS_OFFLOAD_TSO | VS_OFFLOAD_USO);
	return sound;
}

unsigned vs_selftest_run(void)
{
	static const struct kind kinds[] = { { false, false }, { true, false }, { false, true }, { true, true } };
	struct test *t = malloc(sizeof(*t));
	unsigned sound = VS_OFFLOAD_ALL;

	if (t == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		sound = try_kind(t, kinds[i], sound);
	free(t);
	return sound;
}

static unsigned result; /* written once, by whoever comes first; read by those who came behind pthread_once */

static void run_once(void)
{
	result = vs_selftest_run();
}

unsigned vs_selftest_sound(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, run_once);
	return result;
}
