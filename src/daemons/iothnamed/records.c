/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "records.h"

#include <string.h>

#define HINFO_TTL_S 3600

static ldns_rr *record(const struct nm_name *owner, ldns_rr_type type, uint32_t ttl)
{
	ldns_rr *rr = ldns_rr_new();

	if (rr == NULL)
		return NULL;
	ldns_rr_set_owner(rr, nm_name_rdf(owner));
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_rr_set_ttl(rr, ttl);
	if (ldns_rr_owner(rr) != NULL)
		return rr;
	ldns_rr_free(rr);
	return NULL;
}

/* Adds a field to a record, either of which may be NULL: then all is freed. */
static ldns_rr *with(ldns_rr *rr, ldns_rdf *field)
{
	if (rr != NULL && field != NULL && ldns_rr_push_rdf(rr, field))
		return rr;
	ldns_rdf_deep_free(field);
	ldns_rr_free(rr);
	return NULL;
}

ldns_rr *nm_record_aaaa(const struct nm_name *owner, uint32_t ttl, const struct in6_addr *addr)
{
	return with(record(owner, LDNS_RR_TYPE_AAAA, ttl),
		    ldns_rdf_new_frm_data(LDNS_RDF_TYPE_AAAA, sizeof(*addr), addr));
}

ldns_rr *nm_record_ptr(const struct nm_name *owner, uint32_t ttl, const struct nm_name *to)
{
	return with(record(owner, LDNS_RR_TYPE_PTR, ttl), nm_name_rdf(to));
}

ldns_rr *nm_record_soa(const struct nm_name *zone, uint32_t ttl)
{
	const uint32_t numbers[] = { 1, 3600, 600, 86400, ttl }; /* serial, refresh, retry, expire, minimum */
	ldns_rr *rr = with(with(record(zone, LDNS_RR_TYPE_SOA, ttl), nm_name_rdf(zone)), nm_name_rdf(zone));

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		rr = with(rr, ldns_native2rdf_int32(i == 0 ? LDNS_RDF_TYPE_INT32 : LDNS_RDF_TYPE_PERIOD,
						    numbers[i]));
	return rr;
}

ldns_rr *nm_record_hinfo(const struct nm_name *owner)
{
	ldns_rr *rr = with(record(owner, LDNS_RR_TYPE_HINFO, HINFO_TTL_S),
			   ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, 8, "\7RFC8482"));

	return with(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, 1, ""));
}
