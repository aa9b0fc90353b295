/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reading messages. The question is read at once, and each record when it is asked for. Every read is
 * checked against the end of the record, and that one against the end of the message. Names are read by
 * the resolver's library: pointers lead backwards only, so a name ends.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include <vdestack/dns.h>

uint16_t vs_iothdns_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

void vs_iothdns_set16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void *fail(struct iothdns_pkt *p, int err)
{
	if (p->error == 0)
		p->error = err;
	errno = p->error;
	return NULL;
}

/* The next n bytes before `end`. NULL: there are not as many. */
static const uint8_t *take(struct iothdns_pkt *p, size_t n, size_t end)
{
	if (p == NULL || p->out != NULL) {
		errno = EINVAL;
		return NULL;
	}
	if (p->error != 0 || end > p->size || p->at > end || n > end - p->at)
		return fail(p, EBADMSG);
	p->at += n;
	return p->bytes + p->at - n;
}

/* The name must end before `end`; what a pointer of it leads to may stand anywhere before. */
static char *take_name(struct iothdns_pkt *p, char *name, size_t end)
{
	struct vdestack_dns_answer whole = { .message = p->bytes, .message_size = p->size };

	name[0] = '\0';
	if (take(p, 0, end) == NULL || p->at >= end)
		return fail(p, EBADMSG);
	int n = vdestack_dns_expand(&whole, p->bytes + p->at, name, IOTHDNS_MAXNAME);
	if (n < 0 || (size_t)n > end - p->at) {
		int err = n < 0 ? errno : EBADMSG;
		name[0] = '\0';
		return fail(p, err);
	}
	p->at += (size_t)n;
	return name;
}

static bool read_question(struct iothdns_pkt *p, struct iothdns_header *h, char *qnamebuf)
{
	if (p->size < VS_IOTHDNS_HEADER || p->size > 65535 || vs_iothdns_get16(p->bytes + 4) != 1)
		return fail(p, EBADMSG) != NULL;
	p->at = VS_IOTHDNS_HEADER;
	for (int i = IOTHDNS_SEC_ANSWER; i < IOTHDNS_SECTIONS; i++)
		p->left[i] = vs_iothdns_get16(p->bytes + 4 + 2 * i);
	const char *name = take_name(p, qnamebuf, p->size);
	const uint8_t *rest = name != NULL ? take(p, 4, p->size) : NULL;
	if (rest == NULL)
		return false;
	h->id = vs_iothdns_get16(p->bytes);
	h->flags = vs_iothdns_get16(p->bytes + 2);
	h->qname = qnamebuf;
	h->qtype = vs_iothdns_get16(rest);
	h->qclass = vs_iothdns_get16(rest + 2);
	p->question_end = p->data_end = p->at;
	return true;
}

struct iothdns_pkt *iothdns_get_header(struct iothdns_header *h, void *buf, size_t bufsize, char *qnamebuf)
{
	if (h == NULL || buf == NULL || qnamebuf == NULL) {
		errno = EINVAL;
		return NULL;
	}
	struct iothdns_pkt *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->bytes = buf;
	p->size = bufsize;
	if (!read_question(p, h, qnamebuf)) {
		int err = p->error;
		free(p);
		errno = err;
		return NULL;
	}
	return p;
}

static int next_section(struct iothdns_pkt *p)
{
	for (int i = IOTHDNS_SEC_ANSWER; i < IOTHDNS_SECTIONS; i++)
		if (p->left[i] > 0) {
			p->left[i]--;
			return i;
		}
	return 0;
}

int iothdns_get_rr(struct iothdns_pkt *vpkt, struct iothdns_rr *rr, char *namebuf)
{
	struct iothdns_pkt *p = vpkt;
	int section;

	if (p == NULL || rr == NULL || namebuf == NULL || p->out != NULL) {
		errno = EINVAL;
		return 0;
	}
	p->at = p->data_end; /* data that was not read */
	section = p->error == 0 ? next_section(p) : 0;
	if (section == 0) {
		if (p->error != 0)
			errno = p->error;
		return 0;
	}
	const char *name = take_name(p, namebuf, p->size);
	const uint8_t *head = name != NULL ? take(p, 10, p->size) : NULL;
	size_t n = head != NULL ? vs_iothdns_get16(head + 8) : 0;
	if (head == NULL || n > p->size - p->at) {
		fail(p, EBADMSG);
		return 0;
	}
	rr->name = namebuf;
	rr->type = vs_iothdns_get16(head);
	rr->class = vs_iothdns_get16(head + 2);
	rr->ttl = (uint32_t)vs_iothdns_get16(head + 4) << 16 | vs_iothdns_get16(head + 6);
	rr->rdlength = (uint16_t)n;
	p->data_end = p->at + n;
	p->section = section;
	return section;
}

/* ------------------------------------------------------------------ data of a record */

/*
 * A read beyond the end of the data fails, and only that record's data: the next record is where its head
 * says.
 */
static const uint8_t *take_data(struct iothdns_pkt *p, size_t n)
{
	if (p == NULL || p->out != NULL) {
		errno = EINVAL;
		return NULL;
	}
	if (p->error != 0 || p->section == 0 || n > p->data_end - p->at) {
		p->at = p->data_end;
		errno = EBADMSG;
		return NULL;
	}
	p->at += n;
	return p->bytes + p->at - n;
}

uint8_t iothdns_get_int8(struct iothdns_pkt *vpkt)
{
	const uint8_t *at = take_data(vpkt, 1);

	return at != NULL ? at[0] : 0;
}

uint16_t iothdns_get_int16(struct iothdns_pkt *vpkt)
{
	const uint8_t *at = take_data(vpkt, 2);

	return at != NULL ? vs_iothdns_get16(at) : 0;
}

uint32_t iothdns_get_int32(struct iothdns_pkt *vpkt)
{
	const uint8_t *at = take_data(vpkt, 4);

	return at != NULL ? (uint32_t)vs_iothdns_get16(at) << 16 | vs_iothdns_get16(at + 2) : 0;
}

void *iothdns_get_data(struct iothdns_pkt *vpkt, void *data, uint16_t len)
{
	const uint8_t *at = take_data(vpkt, len);

	return at != NULL ? memcpy(data, at, len) : NULL;
}

void *iothdns_get_a(struct iothdns_pkt *vpkt, void *addr_ipv4)
{
	return iothdns_get_data(vpkt, addr_ipv4, 4);
}

void *iothdns_get_aaaa(struct iothdns_pkt *vpkt, void *addr_ipv6)
{
	return iothdns_get_data(vpkt, addr_ipv6, 16);
}

char *iothdns_get_name(struct iothdns_pkt *vpkt, char *name)
{
	struct iothdns_pkt *p = vpkt;

	name[0] = '\0';
	if (take_data(p, 0) == NULL)
		return NULL;
	char *got = take_name(p, name, p->data_end);
	if (got == NULL) {
		int err = p->error;
		p->error = 0; /* of this record's data only */
		p->at = p->data_end;
		errno = err;
	}
	return got;
}

char *iothdns_get_string(struct iothdns_pkt *vpkt, char *string)
{
	const uint8_t *length = take_data(vpkt, 1);
	const uint8_t *at = length != NULL ? take_data(vpkt, *length) : NULL;

	string[0] = '\0';
	if (at == NULL)
		return NULL;
	memcpy(string, at, *length);
	string[*length] = '\0';
	return string;
}
