/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Coalescing: many frames of a batch become few writes.
 *
 *	frames   A0 B0 A1 arp A2 B1 A3'        (A3' shorter: it ends the run)
 *	writes   [A0 A1 A2 A3'] [B0 B1] [arp]
 *
 * A frame either joins the open run of its flow, or begins a write. A write that may become a run stays
 * open. A frame joins only if segmentation would restore it byte for byte: it is consecutive; it has the
 * same size, or it is the last and shorter; all header fields are the same but those that segmentation
 * writes. Any other frame of a flow closes its run first, so frames of a flow keep their order. A fragment,
 * or a frame so broken that its flow is unknown, closes all runs. Writes are numbered when they begin, and
 * are returned in that order.
 *
 * Rewriting hides a checksum, so it must have been right. The checksum of a joining frame is verified at
 * once, that of the first frame when the second one comes. The payload of a frame that stays alone is not
 * read.
 *
 * IPv4 ids: with DF they mean nothing (RFC 6864); senders count them up or leave them the same. Without DF
 * they must be consecutive, because segmentation will number them so.
 *
 * A flow is addresses, ports and protocol. Another MAC address or tag does not make another flow, but ends
 * the run. That is rare, and cannot change the order.
 */

#include "gro.h"

#include <netinet/in.h>
#include <string.h>

#include "bytes.h"
#include "headers.h"
#include "proto/checksum.h"
#include "proto/packet.h"

#define IP_LENGTH_MAX 65535u
#define UDP_SEGMENTS_MAX 64 /* all kernels with UDP_L4 take so many */

/* A frame and what was parsed of it. */
struct seen {
	const uint8_t *frame;
	struct vs_packet p;
	uint64_t key[5];
	uint32_t hash;
	uint16_t index;
};

/* ---------------------------------------------------------------- flows */

static void make_key(struct seen *s)
{
	const uint8_t *ip = s->frame + s->p.l3;

	s->key[4] = (uint64_t)s->p.proto << 32 | vs_load32(s->frame + s->p.l4);
	if (s->p.version == 4) {
		s->key[0] = vs_load64(ip + VS_IP4_ADDRS);
		s->key[1] = s->key[2] = s->key[3] = 0;
		s->key[4] |= UINT64_C(4) << 40;
	} else {
		for (int i = 0; i < 4; i++)
			s->key[i] = vs_load64(ip + VS_IP6_ADDRS + 8 * i);
	}
	uint64_t h = (s->key[0] ^ s->key[2] ^ s->key[4]) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ s->key[1] ^ s->key[3]) * UINT64_C(0x9e3779b97f4a7c15);
	s->hash = (uint32_t)(h >> 32);
}

static struct vs_gro_flow *find_flow(struct vs_gro *gro, const struct seen *s)
{
	for (size_t i = 0; i < gro->n_flows; i++) {
		if (gro->hashes[i] == s->hash && memcmp(gro->flows[i].key, s->key, sizeof(s->key)) == 0)
			return &gro->flows[i];
	}
	return NULL;
}

/* ---------------------------------------------------------------- writes */

/* A write that begins with this frame. */
static struct vs_gro_write *begin_write(struct vs_gro *gro, uint16_t index, const struct iovec *frame)
{
	struct vs_gro_write *write = &gro->writes[gro->n_writes++];

	memset(&write->vnet, 0, sizeof(write->vnet));
	write->first = index;
	write->n_frames = 1;
	gro->piece[index] = *frame;
	gro->next[index] = index;
	return write;
}

static void rewrite_ip(struct vs_gro_write *write, const struct vs_gro_flow *flow, uint8_t *ip, uint32_t len)
{
	if (flow->ipv6) {
		write->ip_len = vs_load16(ip + VS_IP6_LEN);
		vs_put16(ip + VS_IP6_LEN, len - 40);
		return;
	}
	write->ip_len = vs_load16(ip + VS_IP4_LEN);
	write->ip_check = vs_load16(ip + VS_IP4_CHECK);
	vs_put16(ip + VS_IP4_LEN, len);
	vs_store16(ip + VS_IP4_CHECK, 0);
	vs_store16(ip + VS_IP4_CHECK, vs_csum_finish(vs_csum_add(0, ip, 20)));
}

/* The checksum field gets the sum of the pseudo-header; the kernel continues from it. */
static void rewrite_transport(struct vs_gro_write *write, const struct vs_gro_flow *flow, uint8_t *ip,
			      uint8_t *l4, uint32_t len)
{
	uint8_t proto = flow->udp ? IPPROTO_UDP : IPPROTO_TCP;
	uint64_t sum = flow->ipv6 ? vs_csum_pseudo6(ip, proto, len) : vs_csum_pseudo4(ip, proto, len);
	uint8_t *check = l4 + (flow->udp ? VS_UDP_CHECK : VS_TCP_CHECK);

	write->l4_check = vs_load16(check);
	vs_store16(check, vs_csum_fold(sum));
	if (flow->udp) {
		write->udp_len = vs_load16(l4 + VS_UDP_LEN);
		vs_put16(l4 + VS_UDP_LEN, len);
	} else {
		write->tcp_flags = l4[VS_TCP_FLAGS + 1];
		if (flow->pushed)
			l4[VS_TCP_FLAGS + 1] |= VS_TCP_PSH;
	}
}

static uint8_t kind_of(const struct vs_gro_flow *flow, const uint8_t *l4)
{
	if (flow->udp)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	uint8_t kind = flow->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	return l4[VS_TCP_FLAGS + 1] & VS_TCP_CWR ? kind | VIRTIO_NET_HDR_GSO_ECN : kind;
}

/* The run is complete: the header of its first frame becomes that of all. */
static void finish_run(struct vs_gro *gro, const struct vs_gro_flow *flow)
{
	struct vs_gro_write *write = &gro->writes[flow->write];

	if (flow->count < 2)
		return;
	struct iovec *first = &gro->piece[write->first];
	uint8_t *frame = first->iov_base;
	uint8_t *ip = frame + flow->l3;
	uint8_t *l4 = frame + flow->l4;
	first->iov_len = flow->end; /* without padding */
	write->n_frames = flow->count;
	write->l3 = (uint16_t)flow->l3;
	write->l4 = (uint16_t)flow->l4;
	write->ipv6 = flow->ipv6;
	write->udp = flow->udp;
	rewrite_ip(write, flow, ip, flow->payload - flow->l3 + flow->total);
	rewrite_transport(write, flow, ip, l4, flow->payload - flow->l4 + flow->total);
	write->vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = kind_of(flow, l4),
		.hdr_len = (uint16_t)flow->payload,
		.gso_size = (uint16_t)flow->size,
		.csum_start = (uint16_t)flow->l4,
		.csum_offset = flow->udp ? VS_UDP_CHECK : VS_TCP_CHECK,
	};
}

static void close_run(struct vs_gro *gro, struct vs_gro_flow *flow)
{
	size_t last = --gro->n_flows;

	finish_run(gro, flow);
	if (flow != &gro->flows[last]) {
		gro->hashes[flow - gro->flows] = gro->hashes[last];
		*flow = gro->flows[last];
	}
}

static void close_all(struct vs_gro *gro)
{
	for (size_t i = 0; i < gro->n_flows; i++)
		finish_run(gro, &gro->flows[i]);
	gro->n_flows = 0;
}

static struct vs_gro_flow *oldest(struct vs_gro *gro)
{
	struct vs_gro_flow *flow = &gro->flows[0];

	for (size_t i = 1; i < gro->n_flows; i++)
		if (gro->flows[i].write < flow->write)
			flow = &gro->flows[i];
	return flow;
}

/* ---------------------------------------------------------------- what may join */

static bool may_coalesce(const struct seen *s, unsigned may)
{
	const uint8_t *l4 = s->frame + s->p.l4;

	if (s->p.extended || s->p.payload == s->p.end || (s->p.n_tags > 0 && !(may & VS_GRO_VLAN)))
		return false;
	if (s->p.proto == IPPROTO_UDP)
		return (may & VS_GRO_UDP) && vs_load16(l4 + VS_UDP_CHECK) != 0;
	if (!(may & (s->p.version == 4 ? VS_GRO_TCP4 : VS_GRO_TCP6)))
		return false;
	/* ACK, and the three flags that segmentation handles. */
	return (l4[VS_TCP_FLAGS + 1] & ~(VS_TCP_PSH | VS_TCP_ECE | VS_TCP_CWR)) == VS_TCP_ACKED;
}

static bool same_words(const uint8_t *a, const uint8_t *b, size_t len) /* a multiple of 4 */
{
	uint32_t differ = 0;

	for (size_t i = 0; i < len; i += 4)
		differ |= vs_load32(a + i) ^ vs_load32(b + i);
	return differ == 0;
}

static bool same_ethernet(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint64_t differ = (vs_load64(a) ^ vs_load64(b)) | (vs_load64(a + 6) ^ vs_load64(b + 6));

	return differ == 0 && same_words(a + 14, b + 14, len - 14);
}

static bool same_ip4(const struct vs_gro_flow *flow, const uint8_t *a, const uint8_t *b)
{
	uint32_t differ = (uint32_t)(vs_load16(a) ^ vs_load16(b)) | /* version, length, TOS */
			  (uint32_t)(vs_load16(a + VS_IP4_FRAG) ^ vs_load16(b + VS_IP4_FRAG)) | /* DF */
			  (uint32_t)(a[VS_IP4_TTL] ^ b[VS_IP4_TTL]);
	uint32_t first_id = vs_get16(a + VS_IP4_ID);
	uint32_t id = vs_get16(b + VS_IP4_ID);

	if (differ != 0)
		return false;
	return id == ((first_id + flow->count) & 0xffff) ||
	       (id == first_id && (vs_get16(a + VS_IP4_FRAG) & VS_IP4_DF) != 0);
}

static bool same_ip6(const uint8_t *a, const uint8_t *b)
{
	return vs_load32(a) == vs_load32(b) &&                           /* version, class, flow label */
	       vs_load16(a + VS_IP6_NEXT) == vs_load16(b + VS_IP6_NEXT); /* and hop limit */
}

static bool same_tcp(const struct vs_gro_flow *flow, const uint8_t *a, const uint8_t *b, size_t len)
{
	uint32_t flags = vs_get16(a + VS_TCP_FLAGS) ^ vs_get16(b + VS_TCP_FLAGS);
	uint32_t differ = (vs_load32(a + VS_TCP_ACK) ^ vs_load32(b + VS_TCP_ACK)) |
			  (uint32_t)(vs_load16(a + VS_TCP_WINDOW) ^ vs_load16(b + VS_TCP_WINDOW)) |
			  (uint32_t)(vs_load16(a + VS_TCP_URGENT) ^ vs_load16(b + VS_TCP_URGENT));

	if (differ != 0 || (flags & ~(VS_TCP_PSH | VS_TCP_CWR)) != 0 ||
	    vs_get32(b + VS_TCP_SEQ) != flow->next_seq)
		return false;
	if (b[VS_TCP_FLAGS + 1] & VS_TCP_CWR) /* allowed on the first of a run only */
		return false;
	return same_words(a + VS_TCP_OPTIONS, b + VS_TCP_OPTIONS, len - VS_TCP_OPTIONS);
}

/* Whether segmentation of the run with this frame would restore both. */
static bool continues(const struct vs_gro_flow *flow, const struct seen *s)
{
	const uint8_t *a = flow->frame;
	const uint8_t *b = s->frame;
	uint32_t len = s->p.end - s->p.payload;

	if (flow->l3 != s->p.l3 || flow->l4 != s->p.l4 || flow->payload != s->p.payload || len > flow->size ||
	    flow->payload - flow->l3 + flow->total + len > IP_LENGTH_MAX)
		return false;
	if (!same_ethernet(a, b, flow->l3))
		return false;
	if (!(flow->ipv6 ? same_ip6(a + flow->l3, b + flow->l3) : same_ip4(flow, a + flow->l3, b + flow->l3)))
		return false;
	return flow->udp || same_tcp(flow, a + flow->l4, b + flow->l4, flow->payload - flow->l4);
}

static bool intact(const uint8_t *frame, uint32_t l3, uint32_t l4, uint32_t end, bool ipv6, bool udp)
{
	const uint8_t *ip = frame + l3;
	uint8_t proto = udp ? IPPROTO_UDP : IPPROTO_TCP;
	uint32_t len = end - l4;

	if (!ipv6 && !vs_csum_good(vs_csum_add(0, ip, 20)))
		return false;
	uint64_t sum = ipv6 ? vs_csum_pseudo6(ip, proto, len) : vs_csum_pseudo4(ip, proto, len);
	return vs_csum_good(vs_csum_add(sum, frame + l4, len));
}

/* ---------------------------------------------------------------- one frame after another */

/* A frame that continues an open run. False: it does not join, and the run stays as it is. */
static bool join_run(struct vs_gro *gro, struct vs_gro_flow *flow, const struct seen *s)
{
	uint32_t len = s->p.end - s->p.payload;

	if (!flow->verified && !intact(flow->frame, flow->l3, flow->l4, flow->end, flow->ipv6, flow->udp))
		return false;
	flow->verified = true;
	if (!intact(s->frame, s->p.l3, s->p.l4, s->p.end, flow->ipv6, flow->udp))
		return false;
	gro->piece[s->index] = (struct iovec){ (uint8_t *)(uintptr_t)s->frame + s->p.payload, len };
	gro->next[s->index] = s->index;
	gro->next[flow->last] = s->index;
	flow->last = s->index;
	flow->count++;
	flow->total += len;
	flow->next_seq += len;
	flow->pushed = !flow->udp && (s->frame[s->p.l4 + VS_TCP_FLAGS + 1] & VS_TCP_PSH) != 0;
	return true;
}

static bool is_full(const struct vs_gro_flow *flow)
{
	return flow->pushed || flow->total < flow->size * flow->count || /* the last one is shorter */
	       (flow->udp && flow->count == UDP_SEGMENTS_MAX);
}

static void open_run(struct vs_gro *gro, uint16_t write, const struct seen *s)
{
	if (gro->n_flows == VS_GRO_FLOWS)
		close_run(gro, oldest(gro));
	struct vs_gro_flow *flow = &gro->flows[gro->n_flows];
	uint32_t len = s->p.end - s->p.payload;
	gro->hashes[gro->n_flows++] = s->hash;
	memcpy(flow->key, s->key, sizeof(flow->key));
	flow->frame = s->frame;
	flow->l3 = s->p.l3;
	flow->l4 = s->p.l4;
	flow->payload = s->p.payload;
	flow->end = s->p.end;
	flow->size = flow->total = len;
	flow->udp = s->p.proto == IPPROTO_UDP;
	flow->ipv6 = s->p.version == 6;
	flow->next_seq = flow->udp ? 0 : vs_get32(s->frame + s->p.l4 + VS_TCP_SEQ) + len;
	flow->write = write;
	flow->last = s->index;
	flow->count = 1;
	flow->verified = flow->pushed = false;
}

/* A frame of a known flow. */
static void take_transport(struct vs_gro *gro, struct seen *s, const struct iovec *frame)
{
	bool able = may_coalesce(s, gro->may);

	make_key(s);
	struct vs_gro_flow *flow = find_flow(gro, s);
	if (flow != NULL) {
		if (able && continues(flow, s) && join_run(gro, flow, s)) {
			if (is_full(flow))
				close_run(gro, flow);
			return;
		}
		close_run(gro, flow);
	}
	uint16_t write = (uint16_t)gro->n_writes;
	begin_write(gro, s->index, frame);
	/* A TCP segment with PSH is the last of its run: no run is opened for it. */
	if (able && (s->p.proto == IPPROTO_UDP || !(s->frame[s->p.l4 + VS_TCP_FLAGS + 1] & VS_TCP_PSH)))
		open_run(gro, write, s);
}

static void take(struct vs_gro *gro, uint16_t index, const struct iovec *frame)
{
	struct seen s = { .frame = frame->iov_base, .index = index };

	switch (vs_packet_parse(s.frame, frame->iov_len, &s.p)) {
	case VS_PACKET_OK:
		take_transport(gro, &s, frame);
		return;
	case VS_PACKET_SHORT:
	case VS_PACKET_NOT_IP:
	case VS_PACKET_TRANSPORT: /* of no flow */
		break;
	default: /* it may belong to any flow */
		close_all(gro);
	}
	begin_write(gro, index, frame);
}

/* The pieces of each write, one after another. */
static void gather(struct vs_gro *gro)
{
	struct iovec *iov = gro->iov;

	for (size_t i = 0; i < gro->n_writes; i++) {
		struct vs_gro_write *write = &gro->writes[i];
		uint16_t index = write->first;
		write->iov = iov;
		write->n_iov = (uint16_t)(write->n_frames + 1);
		*iov++ = (struct iovec){ &write->vnet, sizeof(write->vnet) };
		for (uint16_t n = write->n_frames; n > 0; n--) {
			*iov++ = gro->piece[index];
			index = gro->next[index];
		}
	}
}

void vs_gro_run(struct vs_gro *gro, const struct iovec *frames, size_t n, unsigned may)
{
	gro->may = may;
	gro->n_writes = 0;
	gro->n_flows = 0;
	for (size_t i = 0; i < n; i++) {
		if (may != 0)
			take(gro, (uint16_t)i, &frames[i]);
		else
			begin_write(gro, (uint16_t)i, &frames[i]);
	}
	close_all(gro);
	gather(gro);
}

struct iovec vs_gro_frame(const struct vs_gro_write *write, size_t i)
{
	struct iovec frame = write->iov[i + 1];

	if (i > 0) {
		frame.iov_base = (uint8_t *)frame.iov_base - write->vnet.hdr_len;
		frame.iov_len += write->vnet.hdr_len;
	}
	return frame;
}

void vs_gro_undo(struct vs_gro_write *write)
{
	uint8_t *frame = write->iov[1].iov_base;

	if (write->n_frames < 2)
		return;
	uint8_t *ip = frame + write->l3;
	uint8_t *l4 = frame + write->l4;
	vs_store16(ip + (write->ipv6 ? VS_IP6_LEN : VS_IP4_LEN), write->ip_len);
	if (!write->ipv6)
		vs_store16(ip + VS_IP4_CHECK, write->ip_check);
	vs_store16(l4 + (write->udp ? VS_UDP_CHECK : VS_TCP_CHECK), write->l4_check);
	if (write->udp)
		vs_store16(l4 + VS_UDP_LEN, write->udp_len);
	else
		l4[VS_TCP_FLAGS + 1] = write->tcp_flags;
}
