/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container holds a piece of a super-frame, because the network carries no more. The rules for what may be
 * put together again are those of gro.c: segmentation of the whole would make the same segments. All records
 * but the last have only full segments. Headers are the same but for what segmentation writes.
 *
 * No checksum is verified: that of the container has been, and those of the super-frames are open.
 */

#include "join.h"

#include <netinet/in.h>
#include <string.h>

#include "bytes.h"
#include "headers.h"
#include "proto/checksum.h"

#define IP_LENGTH_MAX 65535u

static bool same_ip4(const struct vs_join *join, const uint8_t *a, const uint8_t *b)
{
	uint32_t id = vs_get16(b + VS_IP4_ID), first = vs_get16(a + VS_IP4_ID);

	if (memcmp(a, b, 2) != 0 || memcmp(a + VS_IP4_FRAG, b + VS_IP4_FRAG, 4) != 0 ||
	    memcmp(a + VS_IP4_ADDRS, b + VS_IP4_ADDRS, 8) != 0)
		return false;
	return id == ((first + join->segments) & 0xffff) ||
	       (id == first && (vs_get16(a + VS_IP4_FRAG) & VS_IP4_DF) != 0);
}

static bool same_ip6(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 4) == 0 && memcmp(a + VS_IP6_NEXT, b + VS_IP6_NEXT, 34) == 0;
}

static bool same_tcp(const struct vs_join *join, const uint8_t *a, const uint8_t *b, size_t len)
{
	if (memcmp(a, b, 4) != 0 || vs_get32(b + VS_TCP_SEQ) != vs_get32(a + VS_TCP_SEQ) + join->total)
		return false;
	if (a[VS_TCP_FLAGS] != b[VS_TCP_FLAGS] ||
	    ((a[VS_TCP_FLAGS + 1] ^ b[VS_TCP_FLAGS + 1]) & ~(VS_TCP_PSH | VS_TCP_CWR)) != 0 ||
	    (b[VS_TCP_FLAGS + 1] & VS_TCP_CWR) != 0)
		return false;
	return memcmp(a + VS_TCP_ACK, b + VS_TCP_ACK, 4) == 0 &&
	       memcmp(a + VS_TCP_WINDOW, b + VS_TCP_WINDOW, 2) == 0 &&
	       memcmp(a + VS_TCP_URGENT, b + VS_TCP_URGENT, len - VS_TCP_URGENT) == 0;
}

static bool can_join(const struct vs_record *record, const struct vs_record_super *super)
{
	const uint8_t *flags = record->frame + super->l4 + VS_TCP_FLAGS + 1;

	return super->takes != VS_TAKES_UDP && !super->extended &&
	       (*flags & ~(VS_TCP_PSH | VS_TCP_ECE | VS_TCP_CWR)) == VS_TCP_ACKED;
}

static bool continues(const struct vs_join *join, const struct vs_record *record,
		      const struct vs_record_super *super)
{
	const struct vs_record_super *first = &join->first;
	const uint8_t *a = join->record[0].frame, *b = record->frame;
	size_t payload = record->len - super->payload;

	if (join->closed || join->n == VS_JOIN_RECORDS || !can_join(record, super) ||
	    record->gso_size != join->record[0].gso_size || super->takes != first->takes ||
	    super->payload != first->payload ||
	    super->payload - super->l3 + join->total + payload > IP_LENGTH_MAX)
		return false;
	if (memcmp(a, b, VS_MACS) != 0)
		return false;
	bool same = super->takes == VS_TAKES_TCP4 ? same_ip4(join, a + first->l3, b + first->l3)
						  : same_ip6(a + first->l3, b + first->l3);
	return same && same_tcp(join, a + first->l4, b + first->l4, super->payload - super->l4);
}

static void rewrite(struct vs_join *join)
{
	uint8_t *ip = join->record[0].frame + join->first.l3, *tcp = join->record[0].frame + join->first.l4;
	uint32_t len = join->first.payload - join->first.l4 + join->total;
	uint32_t ip_len = join->first.payload - join->first.l3 + join->total;

	if (join->first.takes == VS_TAKES_TCP4) {
		vs_put16(ip + VS_IP4_LEN, ip_len);
		vs_store16(ip + VS_IP4_CHECK, 0);
		vs_store16(ip + VS_IP4_CHECK, vs_csum_finish(vs_csum_add(0, ip, 20)));
		vs_store16(tcp + VS_TCP_CHECK, vs_csum_fold(vs_csum_pseudo4(ip, IPPROTO_TCP, len)));
	} else {
		vs_put16(ip + VS_IP6_LEN, ip_len - 40);
		vs_store16(tcp + VS_TCP_CHECK, vs_csum_fold(vs_csum_pseudo6(ip, IPPROTO_TCP, len)));
	}
	if (join->pushed)
		tcp[VS_TCP_FLAGS + 1] |= VS_TCP_PSH;
}

/* For a joined one: there are at least two segments, also if each record had one. */
static uint8_t kind_of(const struct vs_join *join)
{
	const uint8_t *flags = join->record[0].frame + join->first.l4 + VS_TCP_FLAGS + 1;
	uint8_t kind = join->first.takes == VS_TAKES_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4
							  : VIRTIO_NET_HDR_GSO_TCPV6;

	return *flags & VS_TCP_CWR ? kind | VIRTIO_NET_HDR_GSO_ECN : kind;
}

bool vs_join_add(struct vs_join *join, const struct vs_record *record, const struct vs_record_super *super)
{
	uint32_t payload = (uint32_t)record->len - super->payload;

	if (join->n > 0 && !continues(join, record, super))
		return false;
	if (join->n == 0) {
		join->first = *super;
		join->total = join->segments = 0;
		join->closed = !can_join(record, super);
	}
	uint8_t flags = join->closed ? 0 : record->frame[super->l4 + VS_TCP_FLAGS + 1];
	join->record[join->n++] = *record;
	join->total += payload;
	join->segments += super->segments;
	join->pushed = (flags & VS_TCP_PSH) != 0;
	join->closed |= join->pushed || payload % record->gso_size != 0;
	return true;
}

void vs_join_finish(struct vs_join *join)
{
	struct vs_record *first = &join->record[0];
	struct virtio_net_hdr vnet = join->first.vnet;

	if (join->n > 1) {
		memcpy(join->headers, first->frame, join->first.payload);
		rewrite(join);
		vnet.gso_type = kind_of(join);
		vnet.gso_size = first->gso_size;
	}
	uint8_t *start = first->frame - sizeof(vnet);
	memcpy(start, &vnet, sizeof(vnet));
	join->iov[0] = (struct iovec){ start, sizeof(vnet) + first->len };
	for (size_t i = 1; i < join->n; i++)
		join->iov[i] = (struct iovec){ join->record[i].frame + join->first.payload,
					       join->record[i].len - join->first.payload };
}

void vs_join_undo(struct vs_join *join)
{
	if (join->n > 1)
		memcpy(join->record[0].frame, join->headers, join->first.payload);
}
