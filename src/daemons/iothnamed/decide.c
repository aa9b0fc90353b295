/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "decide.h"

#include <errno.h>

#include "hash.h"
#include "records.h"

#define SOA_MINIMUM 6
#define FIRST_META_TYPE 249 /* TKEY, TSIG, IXFR, AXFR, MAILB, MAILA: no types of records; then ANY */

/* What a rule makes of a question. */
enum made { MADE_ANSWER, MADE_NOTHING, MADE_FORWARD, MADE_ERROR };

/* A negative answer says in a SOA record how long it is valid, RFC 2308 section 3. */
static int add_soa(const struct nm_mind *mind, const struct nm_rule *rule, const struct nm_name *name,
		   struct nm_answer *a)
{
	uint32_t ttl = (uint32_t)mind->config->options.negttl;

	if (a->answer != NULL && a->rcode == LDNS_RCODE_NOERROR)
		return 0;
	const ldns_rr *soa = nm_zone_soa(&mind->config->zone, name);
	if (soa == NULL)
		return nm_answer_add_authority(a, nm_record_soa(&rule->name, ttl));
	ldns_rr *copy = ldns_rr_clone(soa);
	if (copy != NULL) {
		uint32_t minimum = ldns_rdf2native_int32(ldns_rr_rdf(copy, SOA_MINIMUM));
		ldns_rr_set_ttl(copy, minimum < ldns_rr_ttl(copy) ? minimum : ldns_rr_ttl(copy));
	}
	return nm_answer_add_authority(a, copy);
}

static enum made from_static(struct nm_mind *mind, const struct nm_rule *rule, const struct nm_request *r,
			     struct nm_answer *a)
{
	struct nm_name end;

	mind->counted[NM_N_STATIC]++;
	a->aa = true;
	if (nm_zone_answer(&mind->config->zone, &r->name, r->type, a, &end) < 0 ||
	    add_soa(mind, rule, &r->name, a) < 0)
		return MADE_ERROR;
	return MADE_ANSWER;
}

static enum made from_hash(struct nm_mind *mind, int64_t now_ms, const struct nm_rule *rule,
			   const struct in6_addr *client, const struct nm_request *r, struct nm_answer *a)
{
	struct in6_addr given;

	mind->counted[NM_N_HASH]++;
	a->aa = true;
	if (nm_hash_answer(rule, &mind->config->options, r, a, &given) < 0)
		return MADE_ERROR;
	if (a->answer != NULL && rule->kind == NM_HASH)
		nm_hash_keep(mind->hrev, now_ms, &mind->config->options, client, &r->name, &given);
	return add_soa(mind, rule, &r->name, a) < 0 ? MADE_ERROR : MADE_ANSWER;
}

static enum made from_hrev(struct nm_mind *mind, int64_t now_ms, const struct nm_rule *rule,
			   const struct nm_request *r, struct nm_answer *a)
{
	if (r->type != LDNS_RR_TYPE_PTR)
		return MADE_NOTHING;
	mind->counted[NM_N_HREV]++;
	if (nm_cache_get(mind->hrev, now_ms, &r->name, LDNS_RR_TYPE_PTR, a))
		return MADE_ANSWER;
	a->aa = true;
	a->rcode = LDNS_RCODE_NXDOMAIN;
	return add_soa(mind, rule, &r->name, a) < 0 ? MADE_ERROR : MADE_ANSWER;
}

static enum made from_cache(struct nm_mind *mind, int64_t now_ms, const struct nm_request *r,
			    struct nm_answer *a)
{
	if (!nm_cache_get(mind->cache, now_ms, &r->name, r->type, a))
		return MADE_NOTHING;
	mind->counted[NM_N_CACHED]++;
	return MADE_ANSWER;
}

/* A client that does not want recursion gets none. ANY is not asked for: its answers are large and vague. */
static enum made from_others(const struct nm_request *r, struct nm_answer *a)
{
	if (!r->rd)
		return MADE_NOTHING;
	if (r->type == LDNS_RR_TYPE_ANY)
		return nm_answer_add(a, nm_record_hinfo(&r->name)) < 0 ? MADE_ERROR : MADE_ANSWER;
	return MADE_FORWARD;
}

static enum made apply(struct nm_mind *mind, int64_t now_ms, const struct nm_rule *rule,
		       const struct in6_addr *client, const struct nm_request *r, struct nm_answer *a)
{
	switch (rule->kind) {
	case NM_STATIC:
		return from_static(mind, rule, r, a);
	case NM_HASH:
	case NM_OTIP:
		return from_hash(mind, now_ms, rule, client, r, a);
	case NM_HREV:
		return from_hrev(mind, now_ms, rule, r, a);
	case NM_CACHE:
		return from_cache(mind, now_ms, r, a);
	case NM_FWD:
		return from_others(r, a);
	case NM_ERROR:
		a->rcode = LDNS_RCODE_REFUSED;
		a->ra = false;
		return MADE_ANSWER;
	case NM_ACCEPT:
	case NM_AXFR:
	case NM_N_KINDS:
		break;
	}
	return MADE_NOTHING;
}

/* A popular answer is asked for again before it expires, if the client may use other servers. */
static bool is_to_refresh(struct nm_mind *mind, int64_t now_ms, const struct in6_addr *client,
			  const struct nm_request *r, size_t at)
{
	const struct nm_rule *rule;

	if (!r->rd || !nm_cache_ages(mind->cache, now_ms, &r->name, r->type))
		return false;
	while ((rule = nm_rules_next(&mind->config->rules, &mind->config->nets, client, &r->name, &at)))
		if (rule->kind == NM_FWD)
			return true;
	return false;
}

static enum nm_decision fail(struct nm_answer *a, int rcode)
{
	nm_answer_clear(a);
	*a = (struct nm_answer){ .rcode = rcode };
	return NM_ANSWERED;
}

/* By TCP, to clients of an AXFR rule for the zone. */
static enum nm_decision transfer(struct nm_mind *mind, const struct in6_addr *client,
				 const struct nm_request *r, struct nm_answer *a)
{
	const struct nm_rule *rule = NULL;
	size_t at = 0;

	do {
		rule = nm_rules_next(&mind->config->rules, &mind->config->nets, client, &r->name, &at);
	} while (rule != NULL && rule->kind != NM_AXFR && rule->kind != NM_ERROR);
	if (rule == NULL || rule->kind == NM_ERROR || !r->tcp) {
		mind->counted[NM_N_REFUSED]++;
		return fail(a, LDNS_RCODE_REFUSED);
	}
	mind->counted[NM_N_STATIC]++;
	a->aa = true;
	int e = nm_zone_transfer(&mind->config->zone, &r->name, a);
	if (e < 0)
		return fail(a, e == -ENOENT ? LDNS_RCODE_NOTAUTH : LDNS_RCODE_SERVFAIL);
	return NM_TRANSFERRED;
}

enum nm_decision nm_decide(struct nm_mind *mind, int64_t now_ms, const struct in6_addr *client,
			   const struct nm_request *r, struct nm_answer *a)
{
	const struct nm_rule *rule;
	size_t at = 0;

	*a = (struct nm_answer){ .ra = true };
	if (r->class == LDNS_RR_CLASS_IN && r->type == LDNS_RR_TYPE_AXFR)
		return transfer(mind, client, r, a);
	if (r->class != LDNS_RR_CLASS_IN || r->type == 0 || r->type == LDNS_RR_TYPE_OPT ||
	    (r->type >= FIRST_META_TYPE && r->type < LDNS_RR_TYPE_ANY)) {
		mind->counted[NM_N_REFUSED]++;
		return fail(a, LDNS_RCODE_REFUSED);
	}
	while ((rule = nm_rules_next(&mind->config->rules, &mind->config->nets, client, &r->name, &at))) {
		enum made made = apply(mind, now_ms, rule, client, r, a);
		if (made == MADE_FORWARD) {
			mind->counted[NM_N_FORWARDED]++;
			return NM_FORWARDED;
		}
		if (made == MADE_ERROR)
			return fail(a, LDNS_RCODE_SERVFAIL);
		if (made == MADE_ANSWER) {
			mind->counted[NM_N_REFUSED] += a->rcode == LDNS_RCODE_REFUSED;
			return rule->kind == NM_CACHE && is_to_refresh(mind, now_ms, client, r, at)
				       ? NM_AGED
				       : NM_ANSWERED;
		}
	}
	mind->counted[NM_N_REFUSED]++;
	return fail(a, LDNS_RCODE_REFUSED);
}

void nm_decide_keep(struct nm_mind *mind, int64_t now_ms, const struct nm_name *name, uint16_t type,
		    const struct nm_answer *a, uint32_t ttl_s)
{
	if (nm_rules_have(&mind->config->rules, NM_CACHE))
		nm_cache_put(mind->cache, now_ms, name, type, a, ttl_s);
}
