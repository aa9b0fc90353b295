/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "wire.h"

#define EXTENDED_RCODE_SHIFT 4
#define OPTION_COOKIE 10

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* ------------------------------------------------------------------ requests */

/* Finds the option COOKIE of RFC 7873. False: options are malformed. */
static bool read_options(struct nm_request *r, const uint8_t *at, size_t left)
{
	while (left > 0) {
		size_t n = left < 4 ? left : get16(at + 2);
		if (left < 4 || n > left - 4)
			return false;
		if (get16(at) == OPTION_COOKIE) {
			if (n != 8 && (n < 16 || n > NM_COOKIE_MAX))
				return false;
			memcpy(r->cookie, at + 4, n);
			r->cookie_n = (uint8_t)n;
		}
		at += 4 + n;
		left -= 4 + n;
	}
	return true;
}

static enum nm_heard take_opt(struct nm_request *r, const struct nm_opt *opt)
{
	r->has_question = true;
	r->edns = opt->there;
	if (!opt->there)
		return NM_HEARD_QUESTION;
	r->dnssec_ok = opt->dnssec_ok;
	if (opt->udp_size > NM_UDP_MIN)
		r->udp_size = opt->udp_size < NM_UDP_MAX ? opt->udp_size : NM_UDP_MAX;
	if (opt->version != 0)
		return NM_HEARD_BADVERS;
	if (read_options(r, opt->options, opt->options_n))
		return NM_HEARD_QUESTION;
	r->cookie_n = 0; /* it is not sent back */
	return NM_HEARD_FORMERR;
}

static enum nm_heard read_body(struct nm_request *r, const uint8_t *bytes, size_t n)
{
	struct nm_opt opt;
	ldns_pkt *p = NULL;

	if (nm_plain_read(r, &opt, bytes, n))
		return take_opt(r, &opt);
	if (!nm_wire_check(bytes, n) || ldns_wire2pkt(&p, bytes, n) != LDNS_STATUS_OK)
		return NM_HEARD_FORMERR;
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(p), 0);
	if (question == NULL || ldns_rr_owner(question) == NULL) {
		ldns_pkt_free(p);
		return NM_HEARD_FORMERR;
	}
	nm_name_take(&r->name, ldns_rr_owner(question));
	r->type = (uint16_t)ldns_rr_get_type(question);
	r->class = (uint16_t)ldns_rr_get_class(question);
	const ldns_rdf *options = ldns_pkt_edns_data(p);
	opt = (struct nm_opt){ ldns_pkt_edns(p), ldns_pkt_edns_udp_size(p), ldns_pkt_edns_version(p), NULL,
			       0, ldns_pkt_edns_do(p) };
	if (options != NULL) {
		opt.options = ldns_rdf_data(options);
		opt.options_n = ldns_rdf_size(options);
	}
	enum nm_heard heard = take_opt(r, &opt);
	ldns_pkt_free(p);
	return heard;
}

enum nm_heard nm_request_read(struct nm_request *r, const uint8_t *bytes, size_t n)
{
	memset(r, 0, sizeof(*r));
	if (n < NM_HEADER || (bytes[2] & 0x80) != 0) /* a response is never answered */
		return NM_HEARD_NOTHING;
	r->id = (uint16_t)get16(bytes);
	r->opcode = bytes[2] >> 3 & 15;
	r->rd = (bytes[2] & 1) != 0;
	r->cd = (bytes[3] & 0x10) != 0;
	r->udp_size = NM_UDP_MIN;
	r->name.n = 1;
	if (r->opcode != LDNS_PACKET_QUERY)
		return NM_HEARD_NOTIMP;
	/*
	 * A question has neither answers nor authorities; more than a few additional records are an attack.
	 */
	if (get16(bytes + 4) != 1 || get16(bytes + 6) != 0 || get16(bytes + 8) != 0 || get16(bytes + 10) > 8)
		return NM_HEARD_FORMERR;
	return read_body(r, bytes, n);
}

/* ------------------------------------------------------------------ answers */

static int add(ldns_rr_list **list, ldns_rr *rr)
{
	if (rr != NULL && *list == NULL)
		*list = ldns_rr_list_new();
	if (rr != NULL && *list != NULL && ldns_rr_list_push_rr(*list, rr))
		return 0;
	ldns_rr_free(rr);
	return -ENOMEM;
}

int nm_answer_add(struct nm_answer *a, ldns_rr *rr)
{
	return add(&a->answer, rr);
}

int nm_answer_add_authority(struct nm_answer *a, ldns_rr *rr)
{
	return add(&a->authority, rr);
}

void nm_answer_clear(struct nm_answer *a)
{
	ldns_rr_list_deep_free(a->answer);
	ldns_rr_list_deep_free(a->authority);
	a->answer = a->authority = NULL;
}

static int put_question(ldns_pkt *p, const struct nm_request *r)
{
	ldns_rr *question = ldns_rr_new();

	if (question == NULL)
		return -ENOMEM;
	ldns_rr_set_question(question, true);
	ldns_rr_set_owner(question, nm_name_rdf(&r->name));
	ldns_rr_set_type(question, (ldns_rr_type)r->type);
	ldns_rr_set_class(question, (ldns_rr_class)r->class);
	if (ldns_rr_owner(question) != NULL && ldns_pkt_push_rr(p, LDNS_SECTION_QUESTION, question))
		return 0;
	ldns_rr_free(question);
	return -ENOMEM;
}

static int put_list(ldns_pkt *p, ldns_pkt_section section, const ldns_rr_list *list)
{
	for (size_t i = 0; list != NULL && i < ldns_rr_list_rr_count(list); i++) {
		ldns_rr *rr = ldns_rr_clone(ldns_rr_list_rr(list, i));
		if (rr != NULL && ldns_pkt_push_rr(p, section, rr))
			continue;
		ldns_rr_free(rr);
		return -ENOMEM;
	}
	return 0;
}

static int put_cookie(ldns_pkt *p, const struct nm_request *r)
{
	uint8_t bytes[4 + NM_COOKIE_MAX] = { 0, OPTION_COOKIE, 0, r->cookie_n };

	if (!r->edns || r->cookie_n == 0)
		return 0;
	memcpy(bytes + 4, r->cookie, r->cookie_n);
	ldns_rdf *data = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_UNKNOWN, 4U + r->cookie_n, bytes);
	if (data == NULL)
		return -ENOMEM;
	ldns_pkt_set_edns_data(p, data);
	return 0;
}

/* Without records if it is to be truncated. */
static ldns_pkt *packet(const struct nm_answer *a, const struct nm_request *r, bool truncated)
{
	ldns_pkt *p = ldns_pkt_new();

	if (p == NULL)
		return NULL;
	ldns_pkt_set_id(p, r->id);
	ldns_pkt_set_qr(p, true);
	ldns_pkt_set_opcode(p, (ldns_pkt_opcode)r->opcode);
	ldns_pkt_set_aa(p, a->aa);
	ldns_pkt_set_tc(p, truncated);
	ldns_pkt_set_rd(p, r->rd);
	ldns_pkt_set_ra(p, a->ra);
	ldns_pkt_set_cd(p, r->cd);
	ldns_pkt_set_rcode(p, (uint8_t)(a->rcode & 15));
	if (r->edns) {
		ldns_pkt_set_edns_udp_size(p, NM_UDP_MAX);
		ldns_pkt_set_edns_do(p, r->dnssec_ok); /* copied, RFC 3225 section 3 */
		ldns_pkt_set_edns_extended_rcode(p, (uint8_t)(a->rcode >> EXTENDED_RCODE_SHIFT));
	}
	if ((!r->has_question || put_question(p, r) == 0) && put_cookie(p, r) == 0 &&
	    (truncated || (put_list(p, LDNS_SECTION_ANSWER, a->answer) == 0 &&
			   put_list(p, LDNS_SECTION_AUTHORITY, a->authority) == 0)))
		return p;
	ldns_pkt_free(p);
	return NULL;
}

static int write_packet(const struct nm_answer *a, const struct nm_request *r, bool truncated,
			uint8_t **bytes, size_t *n)
{
	ldns_pkt *p = packet(a, r, truncated);

	if (p == NULL)
		return -ENOMEM;
	ldns_status status = ldns_pkt2wire(bytes, p, n);
	ldns_pkt_free(p);
	return status == LDNS_STATUS_OK && *bytes != NULL ? 0 : -ENOMEM;
}

int nm_answer_write(const struct nm_answer *a, const struct nm_request *r, bool tcp, uint8_t **bytes,
		    size_t *n)
{
	size_t most = tcp ? NM_TCP_MAX : r->udp_size;
	uint8_t *out = NULL;
	size_t size = 0;
	int e = write_packet(a, r, false, &out, &size);

	if (e == 0 && size > most) {
		free(out);
		out = NULL;
		e = write_packet(a, r, true, &out, &size);
	}
	if (e < 0) {
		free(out);
		return e;
	}
	*bytes = out;
	*n = size;
	return 0;
}
