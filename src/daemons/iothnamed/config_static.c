/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * static TYPE NAME VALUE...
 *
 * The values are written as in a zone file, and read by ldns. Two types have forms of their own here: PTR
 * takes an address instead of a name in the reverse tree, and the strings of TXT may have either kind of
 * quotes.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "daemons/common/lines.h"
#include "transfer.h"

static const char *const types[] = {
	"A", "AAAA", "PTR", "NS", "CNAME", "MX", "TXT", "SRV", "CAA", "SOA", NULL
};

static const char *find_type(const char *word)
{
	for (size_t i = 0; word != NULL && types[i] != NULL; i++)
		if (strcasecmp(types[i], word) == 0)
			return types[i];
	return NULL;
}

static bool read_owner(struct nm_name *name, const char *type, const char *text)
{
	struct in6_addr addr;
	bool v4;

	if (strcmp(type, "PTR") == 0 && nm_addr_read(&addr, text, &v4)) {
		nm_name_reverse(name, &addr, v4, v4 ? 32 : 128);
		return true;
	}
	return nm_name_read(name, text);
}

static ldns_rr *txt_record(const struct nm_config *config, const struct nm_name *owner, char *text,
			   struct dm_where *where)
{
	ldns_rr *rr = ldns_rr_new();
	char *word;

	if (rr == NULL)
		return NULL;
	ldns_rr_set_type(rr, LDNS_RR_TYPE_TXT);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_rr_set_ttl(rr, (uint32_t)config->options.staticttl);
	ldns_rr_set_owner(rr, nm_name_rdf(owner));
	while ((word = dm_lines_word(&text)) != NULL) {
		uint8_t bytes[256];
		size_t n = strlen(word);
		if (n > 255) {
			(void)dm_wrong(where, "static: a string of TXT has at most 255 bytes; write several");
			n = 255;
		}
		bytes[0] = (uint8_t)n;
		memcpy(bytes + 1, word, n);
		ldns_rdf *rdf = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, n + 1, bytes);
		if (rdf == NULL || !ldns_rr_push_rdf(rr, rdf)) {
			ldns_rdf_deep_free(rdf);
			ldns_rr_free(rr);
			return NULL;
		}
	}
	return rr;
}

static ldns_rr *other_record(const struct nm_config *config, const struct nm_name *owner, const char *type,
			     const char *values, struct dm_where *where)
{
	char name[NM_TEXT_MAX], *line = NULL;
	ldns_rr *rr = NULL;

	if (asprintf(&line, "%s. %lu IN %s %s", owner->n > 1 ? nm_name_text(owner, name) : "",
		     config->options.staticttl, type, values) < 0)
		return NULL;
	/* All names are whole. Without an origin ldns takes the owner for those of a SOA record. */
	ldns_rdf *root = ldns_dname_new_frm_str(".");
	ldns_status status =
		root != NULL ? ldns_rr_new_frm_str(&rr, line, 0, root, NULL) : LDNS_STATUS_MEM_ERR;
	ldns_rdf_deep_free(root);
	free(line);
	if (status == LDNS_STATUS_OK)
		return rr;
	(void)dm_wrong(where, "static %s: %s: %s", type, values, ldns_get_errorstr_by_id(status));
	return NULL;
}

void nm_config_static(struct nm_config *config, char *text, struct dm_where *where)
{
	const char *word = dm_lines_word(&text), *type = find_type(word), *owner = dm_lines_word(&text);
	struct nm_name name;
	unsigned before = where->errors;

	if (type == NULL) {
		(void)dm_wrong(where, "static: %s is not A, AAAA, PTR, NS, CNAME, MX, TXT, SRV, CAA or SOA",
			       word);
		return;
	}
	text += strspn(text, " \t");
	if (owner == NULL || *text == '\0') {
		(void)dm_wrong(where, "static %s needs a name and a value", type);
		return;
	}
	if (!read_owner(&name, type, owner)) {
		(void)dm_wrong(where, "static %s: %s is no name", type, owner);
		return;
	}
	ldns_rr *rr = strcmp(type, "TXT") == 0 ? txt_record(config, &name, text, where)
					       : other_record(config, &name, type, text, where);
	if (rr != NULL && ldns_rr_uncompressed_size(rr) > NM_RECORD_MAX)
		(void)dm_wrong(where, "static %s: the record is longer than %d bytes", type, NM_RECORD_MAX);
	if (where->errors > before)
		ldns_rr_free(rr);
	else if (rr == NULL || nm_zone_add(&config->zone, rr) < 0)
		(void)dm_wrong(where, "out of memory");
}
