/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes of a client or relay go to namedhcp, and any text is the TXT record of its name. Whatever they
 * are, the answer goes to the client that asked, through its relays, and its options are whole.
 *
 * Input: a byte of flags (1: by unicast, 2: the name has no address, 4: no name server answers, 8: lookups
 * are known at the second time only), the length of the text, the text, and the message.
 */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/namedhcp/decide.h"

struct world {
	uint8_t flags;
	unsigned asked;
	char text[256];
	struct dh_answer answer;
};

static enum dh_got get(void *arg, const char *name, enum dh_kind kind, const struct dh_answer **answer,
		       uint64_t *ticket)
{
	struct world *w = arg;

	CHECK(strlen(name) < VS_DNS_NAME_TEXT);
	if ((w->flags & 8) != 0 && w->asked++ == 0) {
		*ticket = 1;
		return DH_WAIT;
	}
	w->answer = (struct dh_answer){ .outcome = (w->flags & 4) != 0   ? DH_FAILED
						   : (w->flags & 2) != 0 ? DH_NONE
									 : DH_FOUND };
	if (w->answer.outcome == DH_FOUND && kind == DH_AAAA)
		for (; w->answer.n < 3; w->answer.n++)
			w->answer.addrs[w->answer.n][15] = (uint8_t)(w->answer.n + strlen(name));
	if (w->answer.outcome == DH_FOUND && kind == DH_TXT)
		w->answer.text = w->text;
	*answer = &w->answer;
	return DH_KNOWN;
}

/* The options of n bytes are whole. Returns the data of one of them, or NULL. */
static const uint8_t *walk(const uint8_t *bytes, size_t n, unsigned code, size_t *len)
{
	const uint8_t *found = NULL;

	while (n > 0) {
		CHECK(n >= 4);
		size_t l = (size_t)bytes[2] << 8 | bytes[3];
		CHECK(l <= n - 4);
		if (((unsigned)bytes[0] << 8 | bytes[1]) == code) {
			found = bytes + 4;
			*len = l;
		}
		bytes += 4 + l;
		n -= 4 + l;
	}
	return found;
}

static void check_answer(const struct vs_dhcp6_request *r, const struct vs_dhcp6_answer *a)
{
	static uint8_t buffer[65535];
	const uint8_t *bytes = buffer;
	size_t n = vs_dhcp6_answer_build(a, buffer, sizeof(buffer));

	if (n == 0)
		return; /* what the relays want back has no room */
	for (uint8_t i = 0; i < r->n_relays; i++) {
		CHECK(n > 34 && bytes[0] == VS_DHCP6_RELAY_REPL && bytes[1] == r->relays[i].hops);
		bytes = walk(bytes + 34, n - 34, VS_DHCP6_RELAY_MSG, &n);
		CHECK(bytes != NULL);
	}
	CHECK(n >= 4 && (bytes[0] == VS_DHCP6_ADVERTISE || bytes[0] == VS_DHCP6_REPLY));
	struct vs_dhcp6 parsed;
	CHECK(vs_dhcp6_parse(bytes, n, 1, &parsed) == VS_DHCP6_OK);
	CHECK(parsed.xid == r->xid && parsed.skipped == 0);
	CHECK(parsed.client.n == r->client.n &&
	      (parsed.client.n == 0 || memcmp(parsed.client.bytes, r->client.bytes, r->client.n) == 0));
}

static void serve(struct world *w, const struct vs_dhcp6_request *r)
{
	static const uint8_t duid[] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 1 };
	static struct nd_settings settings;
	const struct nd_self self = { duid, sizeof(duid), 3600 };
	const struct nd_way way = { .unicast = (w->flags & 1) != 0 };
	const struct nd_lookup lookup = { get, w };
	struct nd_facts facts = { .name = "" };
	struct vs_dhcp6_answer a;
	uint8_t fqdn[VS_DNS_NAME_WIRE];
	uint64_t ticket;

	settings.dh.dns = (char[]){ "fd00::53,ns.test" };
	settings.dh.ntp = (char[]){ "fd00::7b" };
	bool name = nd_facts_name(r, "test", facts.name);
	enum nd_verdict verdict = nd_check(r, &self, &way, name);
	for (int i = 0; i < 2 && verdict == ND_NEEDS; i++)
		if (nd_facts_find(&facts, r, nd_needs_addresses(r), &settings, &lookup, &ticket) == DH_KNOWN)
			verdict = ND_ANSWER;
	CHECK(verdict != ND_NEEDS);
	if (verdict == ND_ANSWER && nd_decide(r, &self, &way, &facts, fqdn, &a) == ND_ANSWER)
		check_answer(r, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .asked = 0 };
	struct vs_dhcp6_request request;

	if (size < 2 || size < 2u + data[1] || size > 65000)
		return 0;
	w.flags = data[0];
	memcpy(w.text, data + 2, data[1]);
	if (vs_dhcp6_request_parse(data + 2 + data[1], size - 2 - data[1], &request) == VS_DHCP6_OK)
		serve(&w, &request);
	return 0;
}
