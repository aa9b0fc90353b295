/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Segmentation: one super-frame in, complete frames out.
 *
 *	| Ethernet, tags | IP, extensions | TCP or UDP | payload ............................ |
 *	  \___________________ header _______________/   |__size__|__size__|__size__|_shorter_|
 *
 * Each frame is the super-frame's header with a few fields changed, and its piece of the payload, which
 * is not copied. The part of the checksums that all headers share is summed once. Each segment adds the
 * fields that change and its payload, so every byte is read once.
 *
 * The checksum field of a super-frame holds the sum of its pseudo-header. Segments start from that sum
 * and correct its length. It is not computed here, because a routing header hides the final destination,
 * which the kernel knows.
 *
 * What changes from segment to segment: IP length; IPv4 id (counted up) and header checksum; TCP sequence
 * number; FIN and PSH (last segment only); CWR (first only, RFC 3168 section 6.1.2: a second one would mean
 * that the window was reduced again); urgent pointer (it counts from the segment's own first byte); UDP
 * length.
 *
 * The header length in the virtio_net_hdr is ignored. The caller checks whether the segments fit the link.
 */

#include "gso.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "bytes.h"
#include "headers.h"
#include "proto/checksum.h"
#include "proto/packet.h"

/* Adds 16 bits to a sum, or subtracts them: in one's complement, -x is ~x. */
static inline uint64_t sum_add(uint64_t sum, uint32_t number)
{
	return vs_csum_join(sum, htons((uint16_t)number));
}

static inline uint64_t sum_sub_raw(uint64_t sum, uint16_t raw)
{
	return vs_csum_join(sum, (uint16_t)~raw);
}

/* A frame that is not to be segmented: a single piece, its checksum finished in place. */
static enum vs_gso_result start_whole(struct vs_gso *gso, const struct virtio_net_hdr *vnet)
{
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		size_t start = vnet->csum_start;
		size_t field = start + vnet->csum_offset;
		if (start < ETH_HLEN || field + 2 > gso->len)
			return VS_GSO_CSUM;
		/*
		 * The field holds the sum of the pseudo-header. The result is never 0, as UDP needs; other
		 * protocols do not care.
		 */
		vs_store16(gso->frame + field,
			   vs_csum_finish_udp(vs_csum_add(0, gso->frame + start, gso->len - start)));
	}
	gso->header_len = 0;
	gso->longest = gso->len;
	gso->size = gso->len;
	return VS_GSO_OK;
}

/* Finds the headers and compares them with the virtio_net_hdr. */
static enum vs_gso_result match_headers(struct vs_gso *gso, const struct virtio_net_hdr *vnet,
					struct vs_packet *p)
{
	uint8_t type = vnet->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	enum vs_packet_result parsed = vs_packet_parse(gso->frame, gso->len, p);

	if (parsed == VS_PACKET_IP_LENGTH || parsed == VS_PACKET_UDP_HEADER)
		return VS_GSO_LENGTH;
	/* Each segment of an authenticated packet would need an authentication of its own. */
	if (parsed != VS_PACKET_OK || p->authenticated)
		return VS_GSO_PACKET;
	if (p->proto != (type == VIRTIO_NET_HDR_GSO_UDP_L4 ? IPPROTO_UDP : IPPROTO_TCP))
		return VS_GSO_PACKET;
	if ((type == VIRTIO_NET_HDR_GSO_TCPV4 && p->version != 4) ||
	    (type == VIRTIO_NET_HDR_GSO_TCPV6 && p->version != 6))
		return VS_GSO_PACKET;
	if (vnet->csum_start != p->l4 ||
	    vnet->csum_offset != (p->proto == IPPROTO_UDP ? VS_UDP_CHECK : VS_TCP_CHECK))
		return VS_GSO_CSUM;
	if (p->end != gso->len) /* padding would be taken for payload */
		return VS_GSO_LENGTH;
	if (p->payload > VS_GSO_HEADER_MAX)
		return VS_GSO_HEADERS;
	if (p->proto == IPPROTO_TCP && (gso->frame[p->l4 + 13] & (VS_TCP_SYN | VS_TCP_RST)) != 0)
		return VS_GSO_FLAGS;
	return VS_GSO_OK;
}

/* The part of the sums that all segments share. */
static void sum_headers(struct vs_gso *gso)
{
	const uint8_t *ip = gso->frame + gso->l3;
	const uint8_t *l4 = gso->frame + gso->l4;
	uint64_t sum = vs_csum_add(0, l4, gso->header_len - gso->l4);

	/* The sum includes the pseudo-header's, which is in the checksum field. */
	sum = sum_sub_raw(sum, htons((uint16_t)(gso->len - gso->l4)));
	if (gso->udp) {
		sum = sum_sub_raw(sum, vs_load16(l4 + VS_UDP_LEN));
	} else {
		sum = sum_sub_raw(sum, vs_load16(l4 + VS_TCP_SEQ));
		sum = sum_sub_raw(sum, vs_load16(l4 + VS_TCP_SEQ + 2));
		sum = sum_sub_raw(sum, vs_load16(l4 + VS_TCP_FLAGS));
		sum = sum_sub_raw(sum, vs_load16(l4 + VS_TCP_URGENT));
	}
	gso->l4_sum = sum;
	if (!gso->ipv6) {
		sum = vs_csum_add(0, ip, (ip[0] & 15u) * 4);
		sum = sum_sub_raw(sum, vs_load16(ip + VS_IP4_LEN));
		sum = sum_sub_raw(sum, vs_load16(ip + VS_IP4_ID));
		gso->ip_sum = sum_sub_raw(sum, vs_load16(ip + VS_IP4_CHECK));
	}
}

enum vs_gso_result vs_gso_start(struct vs_gso *gso, const struct virtio_net_hdr *vnet, void *frame,
				size_t len)
{
	struct vs_packet p;
	uint8_t type = vnet->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	*gso = (struct vs_gso){ .frame = frame, .len = len };
	if (len < ETH_HLEN)
		return VS_GSO_SHORT;
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return start_whole(gso, vnet);
	if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6 &&
	    type != VIRTIO_NET_HDR_GSO_UDP_L4)
		return VS_GSO_TYPE;
	if (vnet->gso_size == 0)
		return VS_GSO_SIZE;
	if (!(vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return VS_GSO_NO_CSUM;
	enum vs_gso_result result = match_headers(gso, vnet, &p);
	if (result != VS_GSO_OK)
		return result;

	gso->header_len = p.payload;
	gso->at = p.payload;
	gso->size = vnet->gso_size;
	gso->longest = p.payload + (len - p.payload < gso->size ? len - p.payload : gso->size);
	gso->l3 = p.l3;
	gso->l4 = p.l4;
	gso->ipv6 = p.version == 6;
	gso->udp = p.proto == IPPROTO_UDP;
	gso->id = gso->ipv6 ? 0 : (uint16_t)vs_get16(gso->frame + p.l3 + VS_IP4_ID);
	gso->seq = gso->udp ? 0 : vs_get32(gso->frame + p.l4 + VS_TCP_SEQ);
	sum_headers(gso);
	return VS_GSO_OK;
}

void vs_gso_widen(struct vs_gso *gso, size_t frame_max)
{
	if (gso->header_len == 0 || gso->udp || gso->header_len + gso->size >= frame_max)
		return; /* the program chose the size of its datagrams */
	gso->size = frame_max - gso->header_len;
	gso->longest = gso->len < frame_max ? gso->len : frame_max;
}

void vs_gso_group(struct vs_gso *gso, unsigned n)
{
	gso->group = n;
}

static void write_ip(struct vs_gso *gso, uint8_t *ip, size_t len)
{
	if (gso->ipv6) {
		vs_put16(ip + VS_IP6_LEN, (uint32_t)len - 40);
		return;
	}
	vs_put16(ip + VS_IP4_LEN, (uint32_t)len);
	vs_put16(ip + VS_IP4_ID, gso->id);
	vs_store16(ip + VS_IP4_CHECK, vs_csum_finish(sum_add(sum_add(gso->ip_sum, (uint32_t)len), gso->id)));
	gso->id++;
}

/* Writes all fields but the checksum. Returns the sum of what was written. */
static uint64_t write_tcp(struct vs_gso *gso, uint8_t *tcp, size_t len, bool first, bool last)
{
	uint32_t flags = vs_get16(tcp + VS_TCP_FLAGS);
	uint32_t urgent = vs_get16(tcp + VS_TCP_URGENT);
	uint32_t sent = (uint32_t)(gso->at - gso->header_len);

	if (!first)
		flags &= ~VS_TCP_CWR;
	if (!last)
		flags &= ~(VS_TCP_FIN | VS_TCP_PSH);
	if ((flags & VS_TCP_URG) != 0 && !first) {
		urgent = urgent > sent ? urgent - sent : 0;
		if (urgent == 0)
			flags &= ~VS_TCP_URG;
		vs_put16(tcp + VS_TCP_URGENT, urgent);
	}
	vs_put32(tcp + VS_TCP_SEQ, gso->seq);
	vs_put16(tcp + VS_TCP_FLAGS, flags);
	uint64_t sum =
		vs_csum_join(htonl(gso->seq), (uint64_t)htons((uint16_t)flags) + htons((uint16_t)urgent));
	gso->seq += (uint32_t)len;
	return sum;
}

/* The sum of the pseudo-header of all, corrected by the length. */
static void write_open(const struct vs_gso *gso, uint8_t *check, size_t l4_len)
{
	uint64_t sum = sum_sub_raw(vs_load16(check), htons((uint16_t)(gso->len - gso->l4)));

	vs_store16(check, vs_csum_fold(sum_add(sum, (uint32_t)l4_len)));
}

/* A super-frame of several segments: their checksums are left to the receiver. */
static void write_group(struct vs_gso *gso, uint8_t *header, size_t len, bool last)
{
	uint8_t *l4 = header + gso->l4;
	size_t l4_len = gso->header_len - gso->l4 + len;

	memcpy(header, gso->frame, gso->header_len);
	write_ip(gso, header + gso->l3, gso->header_len - gso->l3 + len);
	gso->id = (uint16_t)(gso->id + (len - 1) / gso->size);
	write_open(gso, l4 + (gso->udp ? VS_UDP_CHECK : VS_TCP_CHECK), l4_len);
	if (gso->udp)
		vs_put16(l4 + VS_UDP_LEN, (uint32_t)l4_len);
	else
		(void)write_tcp(gso, l4, len, gso->at == gso->header_len, last);
}

static void write_header(struct vs_gso *gso, uint8_t *header, const uint8_t *payload, size_t len, bool last)
{
	uint8_t *l4 = header + gso->l4;
	size_t l4_len = gso->header_len - gso->l4 + len;
	uint64_t sum = sum_add(gso->l4_sum, (uint32_t)l4_len);

	memcpy(header, gso->frame, gso->header_len);
	write_ip(gso, header + gso->l3, gso->header_len - gso->l3 + len);
	if (gso->udp) {
		vs_put16(l4 + VS_UDP_LEN, (uint32_t)l4_len);
		sum = sum_add(sum, (uint32_t)l4_len);
		vs_store16(l4 + VS_UDP_CHECK, vs_csum_finish_udp(vs_csum_add(sum, payload, len)));
	} else {
		sum = vs_csum_join(sum, write_tcp(gso, l4, len, gso->at == gso->header_len, last));
		vs_store16(l4 + VS_TCP_CHECK, vs_csum_finish(vs_csum_add(sum, payload, len)));
	}
}

int vs_gso_next(struct vs_gso *gso, void *header, struct iovec iov[2])
{
	size_t len = gso->len - gso->at;
	uint8_t *payload = gso->frame + gso->at;
	int n = 0;

	if (gso->done)
		return 0;
	size_t most = gso->group > 0 ? gso->group * gso->size : gso->size;
	if (len > most)
		len = most;
	gso->done = gso->at + len == gso->len;
	if (gso->header_len > 0) {
		if (gso->group > 0)
			write_group(gso, header, len, gso->done);
		else
			write_header(gso, header, payload, len, gso->done);
		iov[n++] = (struct iovec){ header, gso->header_len };
	}
	if (len > 0)
		iov[n++] = (struct iovec){ payload, len };
	gso->at += len;
	return n;
}

const char *vs_gso_text(enum vs_gso_result result)
{
	static const char *const texts[VS_GSO_RESULT_END] = {
		[VS_GSO_OK] = "valid",
		[VS_GSO_SHORT] = "shorter than an Ethernet header",
		[VS_GSO_TYPE] = "unknown kind of segmentation",
		[VS_GSO_SIZE] = "segments of no bytes",
		[VS_GSO_NO_CSUM] = "segmentation without checksum",
		[VS_GSO_CSUM] = "checksum in a wrong place",
		[VS_GSO_PACKET] = "headers that do not fit the kind of segmentation",
		[VS_GSO_LENGTH] = "IP or UDP length that is not the frame's",
		[VS_GSO_FLAGS] = "TCP segment with SYN or RST",
		[VS_GSO_HEADERS] = "headers too long",
	};

	return (unsigned)result < VS_GSO_RESULT_END && texts[result] != NULL ? texts[result] : "unknown";
}
