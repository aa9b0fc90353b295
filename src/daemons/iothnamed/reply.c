/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A server can put any records into a reply. Only those are taken that answer the question: those of its name
 * and type, and those that a chain of CNAMEs leads to. Address records that lie beside them, and records of
 * other sections, are dropped, except for the SOA record of a negative answer, whose zone must have the name.
 */

#include "reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define CNAMES_MAX 16
#define TTL_MAX_S 86400
#define NEGATIVE_MAX_S 3600 /* RFC 2308 section 5 advises one to three hours */
#define SOA_FIELDS 7
#define SOA_MINIMUM 6

int nm_asked_write(const struct nm_asked *q, uint8_t **bytes, size_t *n)
{
	uint8_t *m = calloc(1, NM_HEADER + NM_NAME_MAX + 4 + 11), *at = m;

	if (m == NULL)
		return -ENOMEM;
	*at++ = (uint8_t)(q->id >> 8);
	*at++ = (uint8_t)q->id;
	*at = 1; /* RD */
	m[5] = 1;
	m[11] = (uint8_t)(q->edns ? 1 : 0);
	at = m + NM_HEADER;
	memcpy(at, q->name.wire, q->name.n);
	at += q->name.n;
	*at++ = (uint8_t)(q->type >> 8);
	*at++ = (uint8_t)q->type;
	*at++ = 0;
	*at++ = LDNS_RR_CLASS_IN;
	if (q->edns) { /* the root, OPT, the size that we take */
		const uint8_t opt[11] = { 0, 0, LDNS_RR_TYPE_OPT, NM_UDP_MAX >> 8, NM_UDP_MAX & 0xff };
		memcpy(at, opt, sizeof(opt));
		at += sizeof(opt);
	}
	*bytes = m;
	*n = (size_t)(at - m);
	return 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* The question of a reply is that which was sent, and is never compressed: nothing is before it. */
static bool has_question(const struct nm_asked *q, const uint8_t *bytes, size_t n)
{
	const uint8_t *at = bytes + NM_HEADER;

	if (n < NM_HEADER + q->name.n + 4u || bytes[4] != 0 || bytes[5] != 1)
		return false;
	for (unsigned i = 0; i < q->name.n; i++)
		if (lower(at[i]) != lower(q->name.wire[i]))
			return false;
	at += q->name.n;
	return at[0] == q->type >> 8 && at[1] == (q->type & 0xff) && at[2] == 0 && at[3] == LDNS_RR_CLASS_IN;
}

/* ------------------------------------------------------------------ the chain */

static void limit_ttl(uint32_t *ttl, uint32_t other)
{
	if (other > INT32_MAX) /* RFC 2181 section 8 */
		other = 0;
	if (other < *ttl)
		*ttl = other;
}

static bool is_of(const ldns_rr *rr, const struct nm_name *name)
{
	struct nm_name owner;

	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return false;
	nm_name_take(&owner, ldns_rr_owner(rr));
	return nm_name_equal(&owner, name);
}

static int take(struct nm_answer *a, const ldns_rr *rr, uint32_t *ttl_s)
{
	ldns_rr *copy = ldns_rr_clone(rr);

	limit_ttl(ttl_s, ldns_rr_ttl(rr));
	if (copy != NULL && ldns_rr_ttl(copy) > INT32_MAX)
		ldns_rr_set_ttl(copy, 0);
	return nm_answer_add(a, copy);
}

/* Takes the records of a name. Returns how many there are, or -ENOMEM. *cname: NULL, or one that it has. */
static int take_records(const ldns_rr_list *list, const struct nm_name *name, uint16_t type,
			struct nm_answer *a, uint32_t *ttl_s, const ldns_rr **cname)
{
	int n = 0;

	*cname = NULL;
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		if (!is_of(rr, name))
			continue;
		if (ldns_rr_get_type(rr) == (ldns_rr_type)type) {
			if (take(a, rr, ttl_s) < 0)
				return -ENOMEM;
			n++;
		} else if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count(rr) == 1) {
			*cname = rr;
		}
	}
	return n;
}

/* *end: where the chain ends. Returns how many records of the type there are, -ELOOP or -ENOMEM. */
static int take_chain(const ldns_rr_list *list, const struct nm_asked *q, struct nm_answer *a,
		      uint32_t *ttl_s, struct nm_name *end)
{
	*end = q->name;
	for (int steps = 0; steps <= CNAMES_MAX; steps++) {
		const ldns_rr *cname;
		int n = take_records(list, end, q->type, a, ttl_s, &cname);
		if (n != 0 || cname == NULL)
			return n;
		if (take(a, cname, ttl_s) < 0)
			return -ENOMEM;
		nm_name_take(end, ldns_rr_rdf(cname, 0));
	}
	return -ELOOP;
}

/* ------------------------------------------------------------------ negative answers */

static const ldns_rr *find_soa(const ldns_rr_list *list, const struct nm_name *name, bool *has_ns)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		struct nm_name zone;
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NS)
			*has_ns = true;
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
		    ldns_rr_rd_count(rr) != SOA_FIELDS)
			continue;
		nm_name_take(&zone, ldns_rr_owner(rr));
		if (nm_name_equal(&zone, name) || nm_name_below(name, &zone))
			return rr;
	}
	return NULL;
}

static enum nm_verdict take_negative(const ldns_pkt *p, const struct nm_name *end, struct nm_answer *a,
				     uint32_t *ttl_s)
{
	bool has_ns = false;
	const ldns_rr *soa = find_soa(ldns_pkt_authority(p), end, &has_ns);

	if (soa == NULL) {
		*ttl_s = 0;
		/* A referral: the server does not ask others for us. */
		return has_ns && a->rcode == LDNS_RCODE_NOERROR ? NM_REPLY_USELESS : NM_REPLY_GOOD;
	}
	limit_ttl(ttl_s, NEGATIVE_MAX_S);
	limit_ttl(ttl_s, ldns_rr_ttl(soa));
	limit_ttl(ttl_s, ldns_rdf2native_int32(ldns_rr_rdf(soa, SOA_MINIMUM)));
	ldns_rr *copy = ldns_rr_clone(soa);
	if (copy != NULL && ldns_rr_ttl(copy) > *ttl_s)
		ldns_rr_set_ttl(copy, *ttl_s);
	return nm_answer_add_authority(a, copy) < 0 ? NM_REPLY_USELESS : NM_REPLY_GOOD;
}

/* ------------------------------------------------------------------ replies */

static enum nm_verdict take_reply(const struct nm_asked *q, const ldns_pkt *p, struct nm_answer *a,
				  uint32_t *ttl_s)
{
	struct nm_name end;

	a->rcode = (int)ldns_pkt_get_rcode(p);
	a->ra = true;
	*ttl_s = TTL_MAX_S;
	int n = take_chain(ldns_pkt_answer(p), q, a, ttl_s, &end);
	if (n < 0)
		return NM_REPLY_USELESS;
	return n > 0 ? NM_REPLY_GOOD : take_negative(p, &end, a, ttl_s);
}

enum nm_verdict nm_reply_read(const struct nm_asked *q, const uint8_t *bytes, size_t n, struct nm_answer *a,
			      uint32_t *ttl_s)
{
	struct nm_answer found = { .rcode = 0 };
	ldns_pkt *p = NULL;

	/* QR, opcode QUERY, the identifier. */
	if (n < NM_HEADER || (bytes[2] & 0xf8) != 0x80 || bytes[0] != q->id >> 8 ||
	    bytes[1] != (q->id & 0xff))
		return NM_REPLY_OTHER;
	unsigned rcode = bytes[3] & 15;
	bool refused = rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL;
	bool bare = bytes[4] == 0 && bytes[5] == 0;
	if (!has_question(q, bytes, n) && !(bare && refused)) /* old servers repeat no question in FORMERR */
		return NM_REPLY_OTHER;
	if (refused)
		return q->edns ? NM_REPLY_PLAIN : NM_REPLY_USELESS;
	if ((bytes[2] & 2) != 0)
		return NM_REPLY_TRUNCATED;
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		return NM_REPLY_USELESS;
	if (!nm_wire_check(bytes, n) || ldns_wire2pkt(&p, bytes, n) != LDNS_STATUS_OK)
		return NM_REPLY_USELESS;
	enum nm_verdict verdict = NM_REPLY_PLAIN;
	if (ldns_pkt_edns_extended_rcode(p) == 0)
		verdict = take_reply(q, p, &found, ttl_s);
	else if (!q->edns)
		verdict = NM_REPLY_USELESS;
	ldns_pkt_free(p);
	if (verdict == NM_REPLY_GOOD)
		*a = found;
	else
		nm_answer_clear(&found);
	return verdict;
}
