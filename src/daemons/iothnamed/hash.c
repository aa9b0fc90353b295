/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hash.h"

#include <iothaddr.h>
#include <string.h>

#include "records.h"

int nm_hash_answer(const struct nm_rule *rule, const struct nm_options *options, const struct nm_request *r,
		   struct nm_answer *a, struct in6_addr *given)
{
	struct nm_name name = r->name;
	struct in6_addr addr = rule->base;
	bool otip = rule->kind == NM_OTIP;
	char text[NM_NAME_MAX];

	if (options->hashlower)
		nm_name_lower(&name);
	if (!nm_name_raw(&name, text)) {
		a->rcode = LDNS_RCODE_NXDOMAIN;
		return 0;
	}
	if (r->type != LDNS_RR_TYPE_AAAA && r->type != LDNS_RR_TYPE_ANY)
		return 0;
	iothaddr_hash(&addr, text, rule->password, otip ? iothaddr_otiptime(NM_OTIP_PERIOD_S, 0) : 0);
	*given = addr;
	return nm_answer_add(a, nm_record_aaaa(&r->name, otip ? NM_OTIP_TTL_S : (uint32_t)options->hashttl,
					       &addr));
}

static bool is_kept(const struct nm_options *options, const struct in6_addr *client,
		    const struct in6_addr *given)
{
	switch ((enum nm_hrevmode)options->hrevmode) {
	case NM_HREV_ALWAYS:
		return true;
	case NM_HREV_NET:
		return memcmp(client, given, 8) == 0;
	case NM_HREV_SAME:
		return memcmp(client, given, sizeof(*given)) == 0;
	case NM_HREV_NEVER:
		break;
	}
	return false;
}

void nm_hash_keep(struct nm_cache *hrev, int64_t now_ms, const struct nm_options *options,
		  const struct in6_addr *client, const struct nm_name *name, const struct in6_addr *given)
{
	struct nm_answer a = { .aa = true, .ra = true };
	struct nm_name reverse;
	uint32_t ttl = (uint32_t)options->hashttl;

	if (!is_kept(options, client, given))
		return;
	nm_name_reverse(&reverse, given, false, 128);
	if (nm_answer_add(&a, nm_record_ptr(&reverse, ttl, name)) == 0)
		nm_cache_put(hrev, now_ms, &reverse, LDNS_RR_TYPE_PTR, &a, ttl);
	nm_answer_clear(&a);
}
