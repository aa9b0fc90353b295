/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A reply is read in passes over its answer section: one pass for each alias (CNAME), and one for the
 * records. Records whose owner is not the name in question are ignored, so a server cannot add records of
 * other names.
 */

#include "message.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>

#define TTL_MAX 86400           /* a day */
#define TTL_NEGATIVE_MAX 10800  /* RFC 2308 section 5 */

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* RFC 2181 section 8: a TTL with the highest bit set counts as zero. */
static uint32_t get_ttl(const uint8_t *at)
{
	uint32_t ttl = (uint32_t)get16(at) << 16 | get16(at + 2);

	return ttl > INT32_MAX ? 0 : ttl;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

int vs_message_ask(uint8_t buf[VS_MESSAGE_QUESTION_MAX], const char *name, int type, uint16_t id, bool edns)
{
	int len = vs_name_pack(name, buf + 12);

	if (len < 0)
		return len;
	memset(buf, 0, 12);
	put16(buf, id);
	buf[2] = 0x01; /* recursion desired */
	put16(buf + 4, 1);
	uint8_t *at = buf + 12 + len;
	put16(at, (unsigned)type);
	put16(at + 2, ns_c_in);
	at += 4;
	if (edns) {
		put16(buf + 10, 1);
		memset(at, 0, 11);
		put16(at + 1, ns_t_opt);
		put16(at + 3, VS_MESSAGE_UDP_MAX);
		at += 11;
	}
	return (int)(at - buf);
}

/* A record of a message. */
struct record {
	uint8_t owner[VS_NAME_WIRE_MAX];
	size_t owner_len;
	unsigned type, class;
	uint32_t ttl;
	size_t data, size;
};

/* Reads the record at *at and moves *at behind it. Returns 0 or -EBADMSG. */
static int next_record(const uint8_t *m, size_t n, size_t *at, struct record *r)
{
	int len = vs_name_unpack(m, n, *at, r->owner, &r->owner_len);

	if (len < 0)
		return len;
	size_t head = *at + (size_t)len;
	if (n - head < 10)
		return -EBADMSG;
	r->type = get16(m + head);
	r->class = get16(m + head + 2);
	r->ttl = get_ttl(m + head + 4);
	r->size = get16(m + head + 8);
	r->data = head + 10;
	if (n - r->data < r->size)
		return -EBADMSG;
	*at = r->data + r->size;
	return 0;
}

/* The negative TTL: the smaller one of the SOA record's own and its MINIMUM. 0: there is no SOA record. */
static uint32_t negative_ttl(const uint8_t *m, size_t n, size_t at, unsigned count)
{
	struct record r;
	uint8_t name[VS_NAME_WIRE_MAX];
	size_t len;

	for (; count > 0 && next_record(m, n, &at, &r) == 0; count--) {
		if (r.type != ns_t_soa || r.class != ns_c_in)
			continue;
		size_t end = r.data + r.size, here = r.data;
		for (int i = 0; i < 2; i++) { /* MNAME, RNAME */
			int used = vs_name_unpack(m, end, here, name, &len);
			if (used < 0)
				return 0;
			here += (size_t)used;
		}
		if (end - here < 20)
			return 0;
		uint32_t minimum = get_ttl(m + here + 16);
		uint32_t ttl = r.ttl < minimum ? r.ttl : minimum;
		return ttl < TTL_NEGATIVE_MAX ? ttl : TTL_NEGATIVE_MAX;
	}
	return 0;
}

/*
 * One pass over the answers. Returns 1: the owner is an alias, and has become what it stands for. 0: it is
 * none; its records are counted and written.
 */
static int pass(const uint8_t *m, size_t n, size_t at, unsigned count, unsigned type, struct vs_message *out,
		struct vs_message_record *records, size_t max)
{
	struct record r;

	out->n = 0;
	for (; count > 0; count--) {
		int err = next_record(m, n, &at, &r);
		if (err < 0)
			return err;
		if (r.class != ns_c_in || !vs_name_same(r.owner, r.owner_len, out->owner, out->owner_len))
			continue;
		if (r.type == ns_t_cname && type != ns_t_cname && type != ns_t_any) {
			if (r.ttl < out->ttl_s)
				out->ttl_s = r.ttl;
			err = vs_name_unpack(m, r.data + r.size, r.data, out->owner, &out->owner_len);
			return err < 0 ? err : 1;
		}
		if ((r.type != type && type != ns_t_any) || (r.type == ns_t_a && r.size != 4) ||
		    (r.type == ns_t_aaaa && r.size != 16))
			continue;
		if (out->n < max)
			records[out->n] = (struct vs_message_record){ r.data, r.size, r.ttl };
		out->n++;
		if (r.ttl < out->ttl_s)
			out->ttl_s = r.ttl;
	}
	return 0;
}

bool vs_message_is_referral(const uint8_t *m, size_t n)
{
	/* Neither authoritative (AA) nor recursive (RA), no error, no answers. */
	return n >= 12 && m[2] & 0x80 && !(m[2] & 0x06) && !(m[3] & 0x8f) && get16(m + 6) == 0;
}

/* Behind the question; its name becomes the owner. */
static int skip_question(const uint8_t *m, size_t n, struct vs_message *out)
{
	if (n < 12 || !(m[2] & 0x80) || get16(m + 4) != 1)
		return -EBADMSG;
	int len = vs_name_unpack(m, n, 12, out->owner, &out->owner_len);
	if (len < 0 || n - 12 - (size_t)len < 4)
		return -EBADMSG;
	return 12 + len + 4;
}

void vs_message_age(uint8_t *message, size_t n, uint32_t age_s)
{
	struct vs_message question;
	struct record r;
	int at = skip_question(message, n, &question);

	if (at < 0)
		return;
	unsigned count = get16(message + 6) + get16(message + 8) + get16(message + 10);
	for (size_t place = (size_t)at; count > 0 && next_record(message, n, &place, &r) == 0; count--) {
		uint8_t *ttl = message + r.data - 6;
		uint32_t left = r.ttl > age_s ? r.ttl - age_s : 0;
		if (r.type == ns_t_opt) /* what stands there are flags */
			continue;
		put16(ttl, left >> 16);
		put16(ttl + 2, left & 0xffff);
	}
}

int vs_message_read(const uint8_t *message, size_t n, int type, struct vs_message *out,
		    struct vs_message_record *records, size_t max)
{
	int at = skip_question(message, n, out);
	int aliases = 0, more;

	if (at < 0)
		return at;
	unsigned answers = get16(message + 6), authorities = get16(message + 8);
	out->rcode = message[3] & 0xfu;
	out->ttl_s = TTL_MAX;
	do {
		more = pass(message, n, (size_t)at, answers, (unsigned)type, out, records, max);
		if (more < 0 || aliases++ > VS_MESSAGE_ALIASES_MAX)
			return -EBADMSG;
	} while (more);

	if (out->rcode == ns_r_noerror && out->n > 0) {
		out->kind = VS_MESSAGE_FOUND;
		return 0;
	}
	out->n = 0;
	if ((out->rcode != ns_r_noerror && out->rcode != ns_r_nxdomain) ||
	    vs_message_is_referral(message, n)) {
		out->kind = VS_MESSAGE_FAILURE;
		out->ttl_s = 0;
		return 0;
	}
	out->kind = out->rcode == ns_r_nxdomain ? VS_MESSAGE_NXDOMAIN : VS_MESSAGE_NODATA;
	size_t place = (size_t)at;
	struct record r;
	for (unsigned i = 0; i < answers; i++)
		if (next_record(message, n, &place, &r) < 0)
			return -EBADMSG;
	uint32_t negative = negative_ttl(message, n, place, authorities);
	if (negative < out->ttl_s)
		out->ttl_s = negative;
	return 0;
}
