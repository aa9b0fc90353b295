/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ldns takes memory for each name and each field of a message. It took more time than all else that the
 * server does for a question, the system calls left out. So the usual messages do not go through it:
 *
 *     request   one question, whose name is not compressed; then nothing, or an OPT record; then the end
 *     answer    records of the name that was asked for, whose data has no names: addresses and texts
 *
 * What is read and written is the same as by ldns, byte for byte: unit tests and a fuzz target compare both.
 * Whatever has another form is left to ldns, errors too. So there is no second opinion of what is an error.
 */

#include "plain.h"

#include <string.h>

#define LABEL_MAX 63
#define OPTION_COOKIE 10
#define POINTER 0xc000 /* of a compressed name, RFC 1035 section 4.1.4 */

/* ------------------------------------------------------------------ reading */

struct input {
	const uint8_t *bytes;
	size_t left;
};

/* The next n bytes. NULL: there are fewer. */
static const uint8_t *take(struct input *in, size_t n)
{
	const uint8_t *at = in->bytes;

	if (in->left < n)
		return NULL;
	in->bytes += n;
	in->left -= n;
	return at;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool read_name(struct input *in, struct nm_name *name)
{
	const uint8_t *first = in->bytes, *label;
	size_t n = 0;

	do {
		label = take(in, 1);
		if (label == NULL || *label > LABEL_MAX || take(in, *label) == NULL)
			return false;
		n += 1u + *label;
		if (n > NM_NAME_MAX)
			return false;
	} while (*label != 0);
	name->n = (uint8_t)n;
	memcpy(name->wire, first, n);
	return true;
}

/* RFC 6891 section 6.1.2: the root, the type, the size, three bytes and flags, and the length of options. */
static bool read_opt(struct input *in, struct nm_opt *opt)
{
	const uint8_t *at = take(in, 11);

	if (at == NULL || at[0] != 0 || get16(at + 1) != LDNS_RR_TYPE_OPT)
		return false;
	size_t n = get16(at + 9);
	const uint8_t *options = take(in, n);
	if (options == NULL)
		return false;
	*opt = (struct nm_opt){ true, get16(at + 3), at[6], options, n, (at[7] & 0x80) != 0 };
	return true;
}

bool nm_plain_read(struct nm_request *r, struct nm_opt *opt, const uint8_t *bytes, size_t n)
{
	struct input in = { bytes, n };
	struct nm_name name;
	struct nm_opt found = { .there = false };
	const uint8_t *head = take(&in, NM_HEADER);

	if (head == NULL || get16(head + 10) > 1 || !read_name(&in, &name))
		return false;
	const uint8_t *type = take(&in, 4);
	if (type == NULL || (get16(head + 10) == 1 && !read_opt(&in, &found)) || in.left > 0)
		return false;
	r->type = get16(type);
	r->class = get16(type + 2);
	r->name.n = name.n;
	memcpy(r->name.wire, name.wire, name.n);
	*opt = found;
	return true;
}

/* ------------------------------------------------------------------ writing */

struct output {
	uint8_t *bytes;
	size_t n, size;
	bool over; /* there was no room */
};

static void put(struct output *out, const void *bytes, size_t n)
{
	if (out->over || out->size - out->n < n) {
		out->over = true;
		return;
	}
	memcpy(out->bytes + out->n, bytes, n);
	out->n += n;
}

static void put16(struct output *out, unsigned value)
{
	const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };

	put(out, bytes, sizeof(bytes));
}

static void put32(struct output *out, uint32_t value)
{
	put16(out, value >> 16);
	put16(out, value & 0xffff);
}

static bool has_names(ldns_rr_type type)
{
	switch (type) {
	case LDNS_RR_TYPE_A:
	case LDNS_RR_TYPE_AAAA:
	case LDNS_RR_TYPE_TXT:
	case LDNS_RR_TYPE_HINFO:
		return false;
	default:
		return true;
	}
}

static bool is_plain(const ldns_rr *rr, const struct nm_name *name)
{
	const ldns_rdf *owner = ldns_rr_owner(rr);
	struct nm_name of;

	if (has_names(ldns_rr_get_type(rr)) || ldns_rdf_size(owner) != name->n)
		return false;
	nm_name_take(&of, owner);
	return nm_name_equal(&of, name);
}

/* The name is that of the question, which is behind the header. */
static void put_record(struct output *out, const ldns_rr *rr)
{
	size_t n = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		n += ldns_rdf_size(ldns_rr_rdf(rr, i));
	put16(out, POINTER | NM_HEADER);
	put16(out, ldns_rr_get_type(rr));
	put16(out, ldns_rr_get_class(rr));
	put32(out, ldns_rr_ttl(rr));
	put16(out, (unsigned)n);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		put(out, ldns_rdf_data(ldns_rr_rdf(rr, i)), ldns_rdf_size(ldns_rr_rdf(rr, i)));
}

static void put_opt(struct output *out, const struct nm_answer *a, const struct nm_request *r)
{
	put(out, "", 1);
	put16(out, LDNS_RR_TYPE_OPT);
	put16(out, NM_UDP_MAX);
	put16(out, (unsigned)a->rcode >> 4 << 8);
	put16(out, r->dnssec_ok ? 0x8000 : 0);
	put16(out, r->cookie_n > 0 ? 4u + r->cookie_n : 0);
	if (r->cookie_n > 0) {
		put16(out, OPTION_COOKIE);
		put16(out, r->cookie_n);
		put(out, r->cookie, r->cookie_n);
	}
}

static void put_header(struct output *out, const struct nm_answer *a, const struct nm_request *r,
		       size_t records)
{
	put16(out, r->id);
	put16(out, 0x8000u | (unsigned)r->opcode << 11 | (a->aa ? 0x400u : 0) | (r->rd ? 0x100u : 0) |
			   (a->ra ? 0x80u : 0) | (r->cd ? 0x10u : 0) | ((unsigned)a->rcode & 15));
	put16(out, 1);
	put16(out, (unsigned)records);
	put16(out, 0);
	put16(out, r->edns ? 1 : 0);
}

size_t nm_plain_write(const struct nm_answer *a, const struct nm_request *r, uint8_t *to, size_t size)
{
	size_t records = a->answer != NULL ? ldns_rr_list_rr_count(a->answer) : 0;
	struct output out = { to, 0, !r->tcp && r->udp_size < size ? r->udp_size : size, false };

	/* The root is not compressed: it is shorter than a pointer. */
	if (!r->has_question || r->name.n < 2 || a->authority != NULL)
		return 0;
	put_header(&out, a, r, records);
	put(&out, r->name.wire, r->name.n);
	put16(&out, r->type);
	put16(&out, r->class);
	for (size_t i = 0; i < records && !out.over; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(a->answer, i);
		if (!is_plain(rr, &r->name))
			return 0;
		put_record(&out, rr);
	}
	if (r->edns)
		put_opt(&out, a, r);
	return out.over ? 0 : out.n;
}
