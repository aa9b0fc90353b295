/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writing messages, in a buffer of ldns, which also compresses names: it points to no place above 0x3fff. The
 * first failure stays, and the message has no bytes from then on. So a caller needs one check, at the end.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

#define MESSAGE_MAX 65535

static void spoil(struct iothdns_pkt *p, int err)
{
	if (p->error == 0)
		p->error = err;
	errno = p->error;
}

static bool may_write(struct iothdns_pkt *p)
{
	if (p == NULL || p->out == NULL) {
		errno = EINVAL;
		return false;
	}
	if (p->error != 0 || p->left_out)
		errno = p->error != 0 ? p->error : EINVAL;
	return p->error == 0 && !p->left_out;
}

/* The length of the record that is being written. */
static void note_length(struct iothdns_pkt *p)
{
	if (p->length_at != 0)
		ldns_buffer_write_u16_at(p->out, p->length_at,
					 (uint16_t)(ldns_buffer_position(p->out) - p->length_at - 2));
}

static void put(struct iothdns_pkt *p, const void *data, size_t n)
{
	if (p->error != 0)
		return;
	if (n > MESSAGE_MAX - ldns_buffer_position(p->out)) {
		spoil(p, EMSGSIZE);
		return;
	}
	if (!ldns_buffer_reserve(p->out, n)) {
		spoil(p, ENOMEM);
		return;
	}
	ldns_buffer_write(p->out, data, n);
}

static void put16(struct iothdns_pkt *p, unsigned value)
{
	uint8_t bytes[2];

	vs_iothdns_set16(bytes, value);
	put(p, bytes, 2);
}

static void put_name(struct iothdns_pkt *p, const char *name, bool compress)
{
	ldns_rdf *dname = NULL;

	if (p->error != 0)
		return;
	if (name == NULL || ldns_str2rdf_dname(&dname, name[0] != '\0' ? name : ".") != LDNS_STATUS_OK) {
		spoil(p, EINVAL);
		return;
	}
	if (ldns_rdf_size(dname) > MESSAGE_MAX - ldns_buffer_position(p->out))
		spoil(p, EMSGSIZE);
	else if (ldns_dname2buffer_wire_compress(p->out, dname, compress ? p->names : NULL) != LDNS_STATUS_OK)
		spoil(p, ENOMEM);
	ldns_rdf_deep_free(dname);
}

struct iothdns_pkt *iothdns_put_header(struct iothdns_header *h)
{
	struct iothdns_pkt *p = h != NULL ? calloc(1, sizeof(*p)) : NULL;

	if (p == NULL) {
		errno = h != NULL ? ENOMEM : EINVAL;
		return NULL;
	}
	p->out = ldns_buffer_new(IOTHDNS_UDP_MAXBUF);
	p->names = ldns_rbtree_create(ldns_dname_compare_v);
	if (p->out == NULL || p->names == NULL) {
		iothdns_free(p);
		errno = ENOMEM;
		return NULL;
	}
	put16(p, h->id);
	put16(p, h->flags);
	put16(p, h->qname != NULL);
	put(p, (const uint8_t[6]){ 0 }, 6);
	if (h->qname != NULL) {
		put_name(p, h->qname, true);
		put16(p, h->qtype);
		put16(p, h->qclass);
	}
	p->question_end = ldns_buffer_position(p->out);
	if (p->error != 0) {
		int err = p->error;
		iothdns_free(p);
		errno = err;
		return NULL;
	}
	return p;
}

void iothdns_put_rr(int section, struct iothdns_pkt *vpkt, struct iothdns_rr *rr)
{
	struct iothdns_pkt *p = vpkt;

	if (p == NULL || p->out == NULL || rr == NULL) {
		errno = EINVAL;
		return;
	}
	p->left_out = section < IOTHDNS_SEC_ANSWER || section >= IOTHDNS_SECTIONS || section < p->section;
	if (!may_write(p))
		return;
	put_name(p, rr->name, true);
	put16(p, rr->type);
	put16(p, rr->class);
	put16(p, rr->ttl >> 16);
	put16(p, rr->ttl & 0xffff);
	size_t at = ldns_buffer_position(p->out);
	put16(p, 0);
	if (p->error != 0)
		return;
	p->length_at = at;
	p->section = section;
	p->has_opt = p->has_opt || rr->type == IOTHDNS_TYPE_OPT;
	/* A record has eleven bytes at least, so there are fewer than 65536. */
	size_t count = 4 + 2 * (size_t)section;
	ldns_buffer_write_u16_at(p->out, count, (uint16_t)(ldns_buffer_read_u16_at(p->out, count) + 1));
}

void iothdns_put_data(struct iothdns_pkt *vpkt, void *data, uint16_t len)
{
	if (!may_write(vpkt))
		return;
	if (vpkt->length_at == 0 || (data == NULL && len > 0)) {
		spoil(vpkt, EINVAL);
		return;
	}
	if (len > 0)
		put(vpkt, data, len);
	note_length(vpkt);
}

void iothdns_put_int8(struct iothdns_pkt *vpkt, uint8_t data)
{
	iothdns_put_data(vpkt, &data, 1);
}

void iothdns_put_int16(struct iothdns_pkt *vpkt, uint16_t data)
{
	uint8_t bytes[2];

	vs_iothdns_set16(bytes, data);
	iothdns_put_data(vpkt, bytes, 2);
}

void iothdns_put_int32(struct iothdns_pkt *vpkt, uint32_t data)
{
	uint8_t bytes[4];

	vs_iothdns_set16(bytes, data >> 16);
	vs_iothdns_set16(bytes + 2, data & 0xffff);
	iothdns_put_data(vpkt, bytes, 4);
}

void iothdns_put_a(struct iothdns_pkt *vpkt, void *addr_ipv4)
{
	iothdns_put_data(vpkt, addr_ipv4, 4);
}

void iothdns_put_aaaa(struct iothdns_pkt *vpkt, void *addr_ipv6)
{
	iothdns_put_data(vpkt, addr_ipv6, 16);
}

static void put_name_data(struct iothdns_pkt *p, const char *name, bool compress)
{
	if (!may_write(p))
		return;
	if (p->length_at == 0) {
		spoil(p, EINVAL);
		return;
	}
	put_name(p, name, compress);
	note_length(p);
}

void iothdns_put_name(struct iothdns_pkt *vpkt, const char *name)
{
	put_name_data(vpkt, name, true);
}

void iothdns_put_name_uncompressed(struct iothdns_pkt *vpkt, const char *name)
{
	put_name_data(vpkt, name, false);
}

void iothdns_put_string(struct iothdns_pkt *vpkt, char *string)
{
	uint8_t bytes[256];
	size_t n = string != NULL ? strlen(string) : 256;

	if (!may_write(vpkt))
		return;
	if (n > 255) {
		spoil(vpkt, EINVAL);
		return;
	}
	bytes[0] = (uint8_t)n;
	memcpy(bytes + 1, string, n);
	iothdns_put_data(vpkt, bytes, (uint16_t)(n + 1));
}

/* ------------------------------------------------------------------ both kinds */

struct iovec iothdns_getbuf(struct iothdns_pkt *vpkt)
{
	struct iovec none = { NULL, 0 };

	if (vpkt == NULL || (vpkt->out != NULL && vpkt->error != 0)) {
		errno = vpkt != NULL ? vpkt->error : EINVAL;
		return none;
	}
	if (vpkt->out == NULL)
		return (struct iovec){ vpkt->bytes, vpkt->size };
	return (struct iovec){ ldns_buffer_begin(vpkt->out), ldns_buffer_position(vpkt->out) };
}

void *iothdns_buf(struct iothdns_pkt *vpkt)
{
	return iothdns_getbuf(vpkt).iov_base;
}

size_t iothdns_buflen(struct iothdns_pkt *vpkt)
{
	return iothdns_getbuf(vpkt).iov_len;
}

void iothdns_retrieve_header(struct iothdns_pkt *vpkt, uint16_t *id, uint16_t *flags)
{
	const uint8_t *bytes = iothdns_buf(vpkt);

	if (id != NULL)
		*id = bytes != NULL ? vs_iothdns_get16(bytes) : 0;
	if (flags != NULL)
		*flags = bytes != NULL ? vs_iothdns_get16(bytes + 2) : 0;
}

void iothdns_rewrite_header(struct iothdns_pkt *vpkt, uint16_t id, uint16_t flags)
{
	uint8_t *bytes = iothdns_buf(vpkt);

	if (bytes == NULL)
		return;
	vs_iothdns_set16(bytes, id);
	vs_iothdns_set16(bytes + 2, flags);
}

static void free_name(ldns_rbnode_t *node, void *arg)
{
	(void)arg;
	ldns_rdf_deep_free((ldns_rdf *)(uintptr_t)node->key);
	free(node);
}

void iothdns_free(struct iothdns_pkt *vpkt)
{
	if (vpkt == NULL)
		return;
	if (vpkt->names != NULL) {
		ldns_traverse_postorder(vpkt->names, free_name, NULL);
		ldns_rbtree_free(vpkt->names);
	}
	ldns_buffer_free(vpkt->out);
	free(vpkt);
}
