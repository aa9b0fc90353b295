/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes of a client, and any text of a TXT record, go to namedhcp4. Whatever they are, its answer is a
 * message that fits into what the client takes, goes back to the client or its relay, and has what must be
 * there.
 *
 * Input: a byte of flags, a byte with the length of the text divided by 4, the text, and then the message.
 */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/namedhcp4/reply.h"
#include "daemons/namedhcp4/txt.h"
#include "proto/be.h"

#define ID 0x0a000001u

/* Names whose first letter is below 'd' are not known; others have as many addresses as the letter says. */
static bool resolve(void *arg, const char *name, struct n4_list *list)
{
	(void)arg;
	if (name[0] < 'd')
		return false;
	for (int i = 'd'; i < name[0]; i++)
		n4_list_add(list, 0x0a000100u + (unsigned)i);
	return true;
}

static bool read_text(const uint8_t *bytes, size_t n, struct n4_terms *terms)
{
	char *text = malloc(n + 1);

	CHECK(text != NULL);
	memcpy(text, bytes, n);
	text[n] = '\0';
	bool whole = n4_txt_read(text, resolve, NULL, terms);
	free(text);
	CHECK(terms->routers.n <= N4_LIST_MAX && terms->dns.n <= N4_LIST_MAX && terms->ntp.n <= N4_LIST_MAX);
	CHECK(terms->n_routes <= N4_ROUTES_MAX && memchr(terms->search, '\0', sizeof(terms->search)) != NULL);
	for (unsigned i = 0; i < terms->n_routes; i++)
		CHECK(terms->routes[i].len <= 32);
	return whole;
}

/* Whether an option is in the answer, whose options end with 255. */
static bool has(const uint8_t *bytes, size_t n, unsigned code)
{
	size_t at = VS_DHCP4_AT_OPTIONS;
	bool found = false;

	while (at < n && bytes[at] != VS_DHCP4_OPT_END) {
		CHECK(at + 1 < n);
		found = found || bytes[at] == code;
		at += 2u + bytes[at + 1];
	}
	CHECK(at < n);
	return found;
}

static bool wants_router(const struct vs_dhcp4_query *q)
{
	return q->n_parameters == 0 || memchr(q->parameters, VS_DHCP4_OPT_ROUTER, q->n_parameters) != NULL;
}

static void check_answer(const struct n4_facts *f)
{
	static const uint8_t sender[6] = { 2, 0, 0, 0, 0, 9 };
	const struct vs_dhcp4_query *q = f->q;
	uint8_t *bytes = malloc(N4_REPLY_MAX); /* reads and writes beyond it are seen */
	struct n4_target to = n4_reply_target(f, sender);

	CHECK(bytes != NULL);
	size_t n = n4_reply_write(f, bytes);
	CHECK(n <= (size_t)q->max_size - 28 && (n == 0 || n >= VS_DHCP4_BOOTP_MIN));
	CHECK(to.port == (q->giaddr != 0 ? 67 : 68) && to.ip != 0);
	CHECK(to.ip == UINT32_MAX || n4_is_host(to.ip));
	if (n > 0 && f->verdict.what != N4_NAK) {
		CHECK(has(bytes, n, VS_DHCP4_OPT_MASK));
		CHECK(f->terms.routers.n == 0 || !wants_router(q) || has(bytes, n, VS_DHCP4_OPT_ROUTER));
	}
	if (n > 0) {
		CHECK(vs_be_get32(bytes + VS_DHCP4_AT_XID) == q->xid);
		CHECK(has(bytes, n, VS_DHCP4_OPT_TYPE) && has(bytes, n, VS_DHCP4_OPT_SERVER));
		CHECK(has(bytes, n, VS_DHCP4_OPT_RELAY) == q->has_relay);
		CHECK(has(bytes, n, VS_DHCP4_OPT_CLIENT_ID) == q->has_client_id);
		CHECK(f->verdict.what == N4_NAK || f->verdict.addr == 0 || has(bytes, n, VS_DHCP4_OPT_LEASE));
	}
	free(bytes);
}

static void serve(const struct vs_dhcp4_query *q, bool unicast, const struct n4_settings *s,
		  struct n4_terms *terms)
{
	const struct n4_place place = { .serverid = ID, .addr = ID, .prefix_len = 24 };
	const struct n4_known known = { .n = 2, .addrs = { 0x0a000005, 0x0a000006 } };
	struct n4_facts f = { .q = q, .serverid = ID };
	char name[VS_DNS_NAME_TEXT];
	const char *why;

	if (!n4_is_honest(q, unicast, q->ciaddr, &place, &why))
		return;
	enum n4_aim aim = n4_aim(q, unicast, ID, &why);
	if (aim == N4_IGNORED || aim == N4_RELEASE || aim == N4_DECLINE || !n4_name(q, s, name))
		return;
	CHECK(vs_dns_name_valid(name));
	f.name = name;
	f.verdict = n4_decide(q, aim, &known, &place);
	CHECK(f.verdict.what != N4_SILENT);
	uint32_t lease_s = n4_lease(q->lease_s, terms->lease_s == 0 ? UINT32_MAX : terms->lease_s);
	CHECK(lease_s > 0 && (terms->lease_s == 0 || lease_s <= terms->lease_s));
	terms->lease_s = lease_s;
	terms->mask = n4_mask(f.verdict.addr, terms->mask, &place, s);
	CHECK(terms->mask != 0);
	f.terms = *terms;
	check_answer(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char domain[] = "lab.test";
	struct n4_settings s = { .hostname = true };
	struct n4_terms terms = { .mask = 0 };
	struct vs_dhcp4_query q;

	if (size < 2)
		return 0;
	size_t n = data[1] * 4u < size - 2 ? data[1] * 4u : size - 2;
	if ((data[0] & 1) != 0)
		s.shared.domain = domain;
	bool whole = read_text(data + 2, n, &terms);
	if (vs_dhcp4_query_parse(data + 2 + n, size - 2 - n, &q) && whole)
		serve(&q, (data[0] & 2) != 0, &s, &terms);
	return 0;
}
