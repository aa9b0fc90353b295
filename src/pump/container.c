/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The format of containers. Numbers are in network order.
 *
 *	 0  destination, source: those of every frame inside
 *	12  EtherType 88b5, which stations that do not know containers ignore
 *	14  "VdeC"
 *	18  version (1), kind
 *	20  length of all this
 *	22  checksum (RFC 1071) of all from the version on
 *	24  records; or of a probe: nonce (8 bytes), zeros up to the length that is to be tried;
 *	    or of an answer: nonce, limit (2), takes (2), zeros
 *
 *	a record, at a multiple of 8:
 *	 0  length of the frame without its MAC addresses (2), segment size (2), zeros
 *	24  the frame from its EtherType on, zeros up to the next record
 *
 * The header of a record is as long as what the receiver puts there: the header of a device and both MAC
 * addresses. So no frame is moved, and each is written to the device with one piece of memory.
 *
 * A record with a segment size is a super-frame, a piece of what the sender's stack made: TCP or UDP with a
 * checksum of which only the pseudo-header is summed. Nothing else of the sender's description is
 * sent. The receiver finds it in the headers, so there is nothing that could contradict them.
 *
 * A super-frame's own checksum protects nothing, so the container has one, as strong as TCP's. A network that
 * damages bytes loses the container, as it loses a damaged segment.
 *
 * Never inside: frames with a VLAN tag, as the container is outside of that VLAN, and other containers.
 */

#include "container.h"

#include <netinet/in.h>
#include <string.h>

#include "bytes.h"
#include "gso.h"
#include "headers.h"
#include "proto/checksum.h"
#include "proto/packet.h"

#define MAGIC 0x56646543u /* "VdeC" */
#define VERSION 1

enum { TYPE = 12, AT_MAGIC = 14, AT_VERSION = 18, AT_KIND = 19, AT_LENGTH = 20, AT_CHECK = 22 };
enum { AT_NONCE = 24, AT_LIMIT = 32, AT_TAKES = 34, ASK_END = 36 };
enum { RECORD_LENGTH = 0, RECORD_SEGMENT = 2 };

static bool type_fits(uint32_t type)
{
	return type >= 0x0600 && type != VS_CONTAINER_TYPE && type != 0x8100 && type != 0x88a8 &&
	       type != 0x9100;
}

bool vs_container_fits(const uint8_t *frame, size_t len)
{
	return len > VS_MACS + 2 && (frame[0] & 1) == 0 && (frame[6] & 1) == 0 &&
	       type_fits(vs_get16(frame + TYPE));
}

bool vs_container_is(const void *frame, size_t len)
{
	const uint8_t *f = frame;

	return len >= VS_CONTAINER_HEADER && vs_get16(f + TYPE) == VS_CONTAINER_TYPE &&
	       vs_get32(f + AT_MAGIC) == MAGIC;
}

/* ------------------------------------------------------------------ writing */

uint8_t *vs_container_put(uint8_t *record, size_t len, uint16_t gso_size)
{
	memset(record, 0, VS_RECORD_HEADER);
	vs_put16(record + RECORD_LENGTH, (uint32_t)(len - VS_MACS));
	vs_put16(record + RECORD_SEGMENT, gso_size);
	return record + VS_RECORD_HEADER;
}

static void seal(uint8_t *head, size_t head_len, const void *tail, size_t tail_len, int kind)
{
	vs_put16(head + TYPE, VS_CONTAINER_TYPE);
	vs_put32(head + AT_MAGIC, MAGIC);
	head[AT_VERSION] = VERSION;
	head[AT_KIND] = (uint8_t)kind;
	vs_put16(head + AT_LENGTH, (uint32_t)(head_len + tail_len));
	vs_store16(head + AT_CHECK, 0);
	uint64_t sum = vs_csum_add(0, head + AT_VERSION, head_len - AT_VERSION);
	vs_store16(head + AT_CHECK, vs_csum_finish(vs_csum_add(sum, tail, tail_len)));
}

void vs_container_seal(uint8_t *head, size_t head_len, const void *tail, size_t tail_len,
		       const uint8_t macs[VS_MACS])
{
	memcpy(head, macs, VS_MACS);
	seal(head, head_len, tail, tail_len, VS_CONTAINER_FRAMES);
}

static void begin_ask(uint8_t *out, size_t len, const uint8_t dst[6], const uint8_t src[6], uint64_t nonce)
{
	memset(out, 0, len);
	memcpy(out, dst, 6);
	memcpy(out + 6, src, 6);
	vs_put32(out + AT_NONCE, (uint32_t)(nonce >> 32));
	vs_put32(out + AT_NONCE + 4, (uint32_t)nonce);
}

size_t vs_container_probe(uint8_t *out, size_t len, const uint8_t dst[6], const uint8_t src[6],
			  uint64_t nonce)
{
	begin_ask(out, len, dst, src, nonce);
	seal(out, len, NULL, 0, VS_CONTAINER_PROBE);
	return len;
}

size_t vs_container_answer(uint8_t *out, const uint8_t dst[6], const uint8_t src[6],
			   const struct vs_container_ask *ask)
{
	begin_ask(out, VS_ANSWER_LEN, dst, src, ask->nonce);
	vs_put16(out + AT_LIMIT, ask->limit);
	vs_put16(out + AT_TAKES, ask->takes);
	seal(out, VS_ANSWER_LEN, NULL, 0, VS_CONTAINER_ANSWER);
	return VS_ANSWER_LEN;
}

/* ------------------------------------------------------------------ reading */

int vs_container_open(const uint8_t *frame, size_t len, struct vs_container_ask *ask)
{
	if (!vs_container_is(frame, len) || frame[AT_VERSION] != VERSION ||
	    vs_get16(frame + AT_LENGTH) != len || ((frame[0] | frame[6]) & 1) != 0 ||
	    !vs_csum_good(vs_csum_add(0, frame + AT_VERSION, len - AT_VERSION)))
		return 0;
	int kind = frame[AT_KIND];
	if (kind == VS_CONTAINER_FRAMES)
		return kind;
	if ((kind != VS_CONTAINER_PROBE && kind != VS_CONTAINER_ANSWER) || len < VS_PROBE_MIN)
		return 0;
	ask->nonce = (uint64_t)vs_get32(frame + AT_NONCE) << 32 | vs_get32(frame + AT_NONCE + 4);
	ask->limit = (uint16_t)vs_get16(frame + AT_LIMIT);
	ask->takes = (uint16_t)vs_get16(frame + AT_TAKES);
	return kind;
}

int vs_container_next(uint8_t *frame, size_t len, size_t *at, struct vs_record *out)
{
	uint8_t *record = frame + *at;

	if (*at >= len)
		return 0;
	if (len - *at < VS_RECORD_HEADER + 2)
		return -1;
	size_t inner = vs_get16(record + RECORD_LENGTH);
	uint16_t gso_size = (uint16_t)vs_get16(record + RECORD_SEGMENT);
	uint8_t *rest = record + VS_RECORD_HEADER;
	if (inner < 3 || inner > len - *at - VS_RECORD_HEADER || !type_fits(vs_get16(rest)))
		return -1;
	out->frame = rest - VS_MACS;
	out->len = VS_MACS + inner;
	out->gso_size = gso_size;
	memcpy(out->frame, frame, VS_MACS);
	*at += vs_container_step(out->len);
	return 1;
}

static uint8_t kind_of(const struct vs_packet *p, const uint8_t *frame)
{
	if (p->proto == IPPROTO_UDP)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	uint8_t kind = p->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	return frame[p->l4 + VS_TCP_FLAGS + 1] & VS_TCP_CWR ? kind | VIRTIO_NET_HDR_GSO_ECN : kind;
}

bool vs_container_super(const struct vs_record *record, struct vs_record_super *out)
{
	struct vs_packet p;

	if (record->gso_size < VS_RECORD_SEGMENT_MIN ||
	    vs_packet_parse(record->frame, record->len, &p) != VS_PACKET_OK || p.authenticated ||
	    p.n_tags > 0 || p.end != record->len || p.payload >= p.end || p.payload > VS_GSO_HEADER_MAX)
		return false;
	bool udp = p.proto == IPPROTO_UDP;
	if (!udp && (record->frame[p.l4 + VS_TCP_FLAGS + 1] & (VS_TCP_SYN | VS_TCP_RST)) != 0)
		return false;
	unsigned segments = (p.end - p.payload + record->gso_size - 1) / record->gso_size;
	if (segments > VS_RECORD_SEGMENTS_MAX)
		return false;
	*out = (struct vs_record_super){
		.vnet = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			  .gso_type = VIRTIO_NET_HDR_GSO_NONE,
			  .hdr_len = (uint16_t)p.payload,
			  .csum_start = (uint16_t)p.l4,
			  .csum_offset = udp ? VS_UDP_CHECK : VS_TCP_CHECK },
		.l3 = p.l3,
		.l4 = p.l4,
		.payload = p.payload,
		.segments = segments,
		.takes = udp ? VS_TAKES_UDP : p.version == 4 ? VS_TAKES_TCP4 : VS_TAKES_TCP6,
		.extended = p.extended,
	};
	if (segments > 1) {
		out->vnet.gso_type = kind_of(&p, record->frame);
		out->vnet.gso_size = record->gso_size;
	}
	return true;
}
