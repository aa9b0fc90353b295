/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The addresses of a name are given to the IAs of the client: an IA that has one of them keeps it, and the
 * others get those that are left, in order. So the order in which a name server gives them does not matter
 * for a client that renews. An address that the client has, and must not have any more, gets lifetimes of 0.
 *
 * Nothing is kept about leases. So a Release has nothing to release, and a Decline changes nothing: the
 * address belongs to the name, and goes to no other client.
 */

#include "decide.h"

#include <string.h>

#include "proto/dhcp6_options.h"

/* ------------------------------------------------------------------ checks */

bool nd_needs_addresses(const struct vs_dhcp6_request *request)
{
	return request->type == VS_DHCP6_SOLICIT || request->type == VS_DHCP6_REQUEST ||
	       request->type == VS_DHCP6_CONFIRM || request->type == VS_DHCP6_RENEW ||
	       request->type == VS_DHCP6_REBIND;
}

/* To one server: Request, Renew, Release and Decline. */
static bool is_for_one(const struct vs_dhcp6_request *r)
{
	return r->type == VS_DHCP6_REQUEST || r->type == VS_DHCP6_RENEW || r->type == VS_DHCP6_RELEASE ||
	       r->type == VS_DHCP6_DECLINE;
}

/* RFC 8415 sections 16.2 to 16.12. */
static enum nd_verdict check_identifiers(const struct vs_dhcp6_request *r, const struct nd_self *self)
{
	bool inform = r->type == VS_DHCP6_INFORMATION_REQUEST;
	bool ours = r->server.n == self->duid_len && r->server.bytes != NULL &&
		    memcmp(r->server.bytes, self->duid, self->duid_len) == 0;

	if (inform && r->n_ias > 0)
		return ND_MALFORMED;
	if (!inform && r->client.bytes == NULL)
		return ND_MALFORMED;
	if (r->server.bytes == NULL)
		return is_for_one(r) ? ND_MALFORMED : ND_ANSWER;
	if (!inform && !is_for_one(r))
		return ND_MALFORMED;
	return ours ? ND_ANSWER : ND_NOT_OURS;
}

enum nd_verdict nd_check(const struct vs_dhcp6_request *request, const struct nd_self *self,
			 const struct nd_way *way, bool name)
{
	enum nd_verdict verdict = check_identifiers(request, self);

	if (verdict != ND_ANSWER)
		return verdict;
	if (way->unicast && request->n_relays == 0)
		return is_for_one(request) ? ND_ANSWER : ND_UNICAST;
	if (request->type == VS_DHCP6_RELEASE || request->type == VS_DHCP6_DECLINE)
		return ND_ANSWER;
	if (request->type == VS_DHCP6_INFORMATION_REQUEST || name)
		return ND_NEEDS;
	return ND_NO_NAME;
}

/* ------------------------------------------------------------------ addresses */

struct giver {
	const struct nd_facts *facts;
	const struct nd_self *self;
	bool given[DH_ADDRS_MAX];
};

static int find(const struct nd_facts *facts, const uint8_t ip[16])
{
	for (int i = 0; i < facts->n_addrs; i++)
		if (memcmp(facts->addrs[i], ip, 16) == 0)
			return i;
	return -1;
}

/* RFC 8415 section 21.4: T1 and T2 of 0 leave the times to the client, which then has no reason to ask. */
static void give(struct giver *g, struct vs_dhcp6_given *ia, int i)
{
	uint32_t lease = g->self->lease_s;

	g->given[i] = true;
	memcpy(ia->addrs[0].ip, g->facts->addrs[i], 16);
	ia->addrs[0].lifetime_s = lease;
	ia->n = 1;
	ia->t1_s = lease == DH_INFINITE ? 0 : lease / 2;
	ia->t2_s = lease == DH_INFINITE ? 0 : (uint32_t)((uint64_t)lease * 4 / 5);
}

static void keep_address(struct giver *g, const struct vs_dhcp6_asked *asked, struct vs_dhcp6_given *ia)
{
	for (uint8_t i = 0; i < asked->n && ia->n == 0; i++) {
		int at = find(g->facts, asked->addrs[i]);
		if (at >= 0 && !g->given[at])
			give(g, ia, at);
	}
}

static void give_another(struct giver *g, struct vs_dhcp6_given *ia)
{
	for (int i = 0; i < g->facts->n_addrs && ia->n == 0; i++)
		if (!g->given[i])
			give(g, ia, i);
}

/* RFC 8415 section 18.3.4: of a client that renews. */
static void take_back(const struct vs_dhcp6_asked *asked, struct vs_dhcp6_given *ia)
{
	bool has = ia->n == 1;

	for (uint8_t i = 0; i < asked->n; i++)
		if (!has || memcmp(asked->addrs[i], ia->addrs[0].ip, 16) != 0)
			memcpy(ia->addrs[ia->n++].ip, asked->addrs[i], 16); /* its lifetime is 0 */
}

static void refuse(struct vs_dhcp6_given *ia, bool renews)
{
	if (ia->code == VS_DHCP6_IA_PD)
		ia->said = (struct vs_dhcp6_said){ VS_DHCP6_NO_PREFIX_AVAIL, "there are no prefixes here" };
	else if (ia->code == VS_DHCP6_IA_TA)
		ia->said = (struct vs_dhcp6_said){ VS_DHCP6_NO_ADDRS_AVAIL,
						   "there are no temporary addresses here" };
	else if (renews && ia->n == 0)
		ia->said = (struct vs_dhcp6_said){ VS_DHCP6_NO_BINDING, "the name has no address for it" };
	else if (ia->n == 0)
		ia->said =
			(struct vs_dhcp6_said){ VS_DHCP6_NO_ADDRS_AVAIL, "the name has no more addresses" };
}

static void answer_ias(const struct vs_dhcp6_request *r, struct giver *g, struct vs_dhcp6_answer *a)
{
	bool renews = r->type == VS_DHCP6_RENEW || r->type == VS_DHCP6_REBIND;

	a->n_ias = r->n_ias;
	for (uint8_t i = 0; i < r->n_ias; i++) {
		a->ias[i] = (struct vs_dhcp6_given){ .code = r->ias[i].code, .iaid = r->ias[i].iaid };
		if (r->ias[i].code == VS_DHCP6_IA_NA)
			keep_address(g, &r->ias[i], &a->ias[i]);
	}
	for (uint8_t i = 0; i < r->n_ias; i++) {
		if (r->ias[i].code == VS_DHCP6_IA_NA)
			give_another(g, &a->ias[i]);
		if (r->ias[i].code == VS_DHCP6_IA_NA && renews)
			take_back(&r->ias[i], &a->ias[i]);
		refuse(&a->ias[i], renews);
	}
}

/* RFC 8415 section 18.3.3: whether all addresses that the client has are right here. */
static enum nd_verdict confirm(const struct vs_dhcp6_request *r, const struct nd_facts *facts,
			       struct vs_dhcp6_answer *a)
{
	bool right = true;
	unsigned n = 0;

	for (uint8_t i = 0; i < r->n_ias; i++)
		for (uint8_t j = 0; j < r->ias[i].n; j++, n++)
			right = right && find(facts, r->ias[i].addrs[j]) >= 0;
	if (n == 0)
		return ND_NO_QUESTION;
	a->said = right ? (struct vs_dhcp6_said){ VS_DHCP6_SUCCESS, "the addresses are those of the name" }
			: (struct vs_dhcp6_said){ VS_DHCP6_NOT_ON_LINK, "the name has other addresses" };
	return ND_ANSWER;
}

/* ------------------------------------------------------------------ settings */

static void answer_settings(const struct vs_dhcp6_request *r, const struct nd_facts *facts,
			    struct vs_dhcp6_answer *a)
{
	if (vs_dhcp6_request_wants(r, VS_DHCP6_DNS)) {
		a->n_dns = facts->n_dns;
		memcpy(a->dns, facts->dns, sizeof(a->dns));
	}
	if (vs_dhcp6_request_wants(r, VS_DHCP6_SEARCH) && facts->search.n > 0) {
		a->search = facts->search.wire;
		a->search_len = facts->search.n;
	}
	a->n_sntp = vs_dhcp6_request_wants(r, VS_DHCP6_SNTP) ? facts->n_ntp : 0;
	a->n_ntp = vs_dhcp6_request_wants(r, VS_DHCP6_NTP) ? facts->n_ntp : 0;
	memcpy(a->ntp, facts->ntp, sizeof(a->ntp));
}

/*
 * RFC 4704 section 6. This server updates nothing: records are there before clients are. So N is set, S is
 * not, and O says that a wish of the client is not followed.
 */
static void answer_fqdn(const struct vs_dhcp6_request *r, const struct nd_facts *facts,
			uint8_t fqdn[VS_DNS_NAME_WIRE], struct vs_dhcp6_answer *a)
{
	if (facts->name[0] == '\0' || r->fqdn.bytes == NULL || !vs_dhcp6_request_wants(r, VS_DHCP6_FQDN))
		return;
	size_t n = vs_dns_name_encode(facts->name, fqdn);
	if (n == 0)
		return;
	a->fqdn = fqdn;
	a->fqdn_len = (uint16_t)n;
	a->fqdn_flags = VS_DHCP6_FQDN_N;
	if ((r->fqdn.bytes[0] & VS_DHCP6_FQDN_S) != 0)
		a->fqdn_flags |= VS_DHCP6_FQDN_O;
}

/* ------------------------------------------------------------------ the answer */

/* All servers of the link get it. */
static bool asks_all(const struct vs_dhcp6_request *r)
{
	return r->type == VS_DHCP6_SOLICIT || r->type == VS_DHCP6_CONFIRM || r->type == VS_DHCP6_REBIND;
}

static bool gives_any(const struct vs_dhcp6_answer *a)
{
	for (uint8_t i = 0; i < a->n_ias; i++)
		if (a->ias[i].n > 0)
			return true;
	return false;
}

static enum nd_verdict answer_lease(const struct vs_dhcp6_request *r, const struct nd_self *self,
				    const struct nd_facts *facts, struct vs_dhcp6_answer *a)
{
	struct giver g = { .facts = facts, .self = self };

	if (asks_all(r) && facts->n_addrs == 0)
		return ND_NO_ADDRESS; /* another server may have an address for it */
	if (r->type == VS_DHCP6_CONFIRM)
		return confirm(r, facts, a);
	if (r->n_ias == 0)
		return ND_NO_QUESTION;
	answer_ias(r, &g, a);
	if (r->type == VS_DHCP6_SOLICIT) {
		a->rapid = r->rapid && gives_any(a); /* a Reply that gives nothing would end the search */
		a->type = a->rapid ? VS_DHCP6_REPLY : VS_DHCP6_ADVERTISE;
	}
	return ND_ANSWER;
}

enum nd_verdict nd_decide(const struct vs_dhcp6_request *request, const struct nd_self *self,
			  const struct nd_way *way, const struct nd_facts *facts,
			  uint8_t fqdn[VS_DNS_NAME_WIRE], struct vs_dhcp6_answer *answer)
{
	struct vs_dhcp6_answer a = {
		.type = VS_DHCP6_REPLY, .to = request, .server = self->duid, .server_len = self->duid_len
	};

	if (way->unicast && request->n_relays == 0) {
		a.said = (struct vs_dhcp6_said){ VS_DHCP6_USE_MULTICAST, "use multicast" };
	} else if (request->type == VS_DHCP6_RELEASE || request->type == VS_DHCP6_DECLINE) {
		a.said = (struct vs_dhcp6_said){ VS_DHCP6_SUCCESS, "the addresses stay those of the name" };
	} else {
		enum nd_verdict verdict = facts->failed ? ND_NO_SERVER : ND_ANSWER;
		if (verdict == ND_ANSWER && nd_needs_addresses(request))
			verdict = answer_lease(request, self, facts, &a);
		if (verdict != ND_ANSWER)
			return verdict;
		if (request->type != VS_DHCP6_CONFIRM)
			answer_settings(request, facts, &a);
		answer_fqdn(request, facts, fqdn, &a);
	}
	*answer = a;
	return ND_ANSWER;
}
