/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * When the program starts, a resolver finds the addresses of bases and hosts, but not how long
 * they are valid. So each name is asked for once more when the server runs, by the way of all questions, and
 * from then on whenever its answer expires:
 *
 *     asked ---- one address ----------------> rules have it --------> asked when its TTL is over
 *       '------- no answer, none, several ---> rules stay as they are -> asked 30 seconds later, or
 *                                                                      when the TTL is over
 *
 * An answer to the question of a client is as good, and is taken too. A host may have several addresses,
 * whose order changes: while one of them gives the zone that the rule has, it stays.
 */

#include "refresh.h"

#include <stdlib.h>
#include <string.h>

#include "daemons/common/report.h"

#define LEAST_MS 2000 /* between two questions, whatever the TTL is */
#define RETRY_MS 30000

struct nm_refresh_item {
	struct nm_name name;
	uint16_t type;
	int64_t due_ms;
	bool reported; /* that its rules keep what they have */
};

/* ------------------------------------------------------------------ what is asked for */

static struct nm_refresh_item *find(const struct nm_refresh *r, const struct nm_name *name, uint16_t type)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].type == type && nm_name_equal(&r->items[i].name, name))
			return &r->items[i];
	return NULL;
}

static void add(struct nm_refresh *r, const char *text, uint16_t type)
{
	struct nm_refresh_item item = { .type = type };

	if (nm_name_read(&item.name, text) && find(r, &item.name, type) == NULL)
		r->items[r->n++] = item;
}

static uint16_t host_type(const struct nm_rule *rule)
{
	return rule->host_v4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;
}

void nm_refresh_set(struct nm_refresh *r, const struct nm_config *config)
{
	const struct nm_rules *rules = &config->rules;

	nm_refresh_free(r);
	r->items = calloc(2 * rules->n + 1, sizeof(*r->items));
	if (r->items == NULL) {
		dm_report(DM_ERROR, "out of memory: addresses of bases stay as they are");
		return;
	}
	for (size_t i = 0; i < rules->n; i++) {
		if (rules->rules[i].base_asked)
			add(r, rules->rules[i].base_text, LDNS_RR_TYPE_AAAA);
		if (rules->rules[i].host_asked)
			add(r, rules->rules[i].host, host_type(&rules->rules[i]));
	}
}

int64_t nm_refresh_tick(struct nm_refresh *r, struct nm_upstream *upstream, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < r->n; i++) {
		struct nm_refresh_item *item = &r->items[i];
		if (item->due_ms <= now_ms) {
			const struct nm_request request = { .name = item->name, .type = item->type };
			item->due_ms = now_ms + RETRY_MS;
			(void)nm_upstream_ask(upstream, NULL, &request);
		}
		if (item->due_ms < next)
			next = item->due_ms;
	}
	return next;
}

/* ------------------------------------------------------------------ what comes */

static bool is_address(const ldns_rr *rr, uint16_t type)
{
	return ldns_rr_get_type(rr) == (ldns_rr_type)type && ldns_rr_rd_count(rr) == 1 &&
	       ldns_rdf_size(ldns_rr_rdf(rr, 0)) == (type == LDNS_RR_TYPE_A ? 4 : 16);
}

/* The address of a number among those of an answer. Returns how many there are. */
static size_t get_address(const struct nm_answer *a, uint16_t type, size_t number, struct in6_addr *to)
{
	size_t n = 0, all = a->answer != NULL ? ldns_rr_list_rr_count(a->answer) : 0;

	for (size_t i = 0; i < all; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(a->answer, i);
		if (!is_address(rr, type))
			continue;
		if (n++ != number)
			continue;
		size_t size = ldns_rdf_size(ldns_rr_rdf(rr, 0));
		*to = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
		memcpy(&to->s6_addr[16 - size], ldns_rdf_data(ldns_rr_rdf(rr, 0)), size);
	}
	return n;
}

/* False: the answer does not say which address the rule has. */
static bool set_base(struct nm_rule *rule, const struct nm_answer *a)
{
	struct in6_addr addr;

	if (get_address(a, LDNS_RR_TYPE_AAAA, 0, &addr) != 1)
		return false;
	rule->base = addr;
	return true;
}

static bool set_zone(struct nm_rule *rule, const struct nm_answer *a)
{
	struct nm_name zones[2]; /* of the first address, and of another one */
	struct in6_addr addr;
	size_t n = get_address(a, host_type(rule), 0, &addr);

	for (size_t i = 0; i < n; i++) {
		struct nm_name *zone = &zones[i > 0];
		(void)get_address(a, host_type(rule), i, &addr);
		nm_name_reverse(zone, &addr, rule->host_v4, rule->host_bits);
		if (nm_name_equal(zone, &rule->name))
			return true;
	}
	if (n > 0)
		rule->name = zones[0];
	return n > 0;
}

static bool is_named(const char *text, const struct nm_name *name)
{
	struct nm_name read;

	return nm_name_read(&read, text) && nm_name_equal(&read, name);
}

void nm_refresh_take(struct nm_refresh *r, struct nm_config *config, int64_t now_ms,
		     const struct nm_name *name, uint16_t type, const struct nm_answer *a, uint32_t ttl_s)
{
	struct nm_refresh_item *item = find(r, name, type);
	char text[NM_TEXT_MAX];
	bool all_set = true;

	if (item == NULL)
		return;
	for (size_t i = 0; i < config->rules.n; i++) {
		struct nm_rule *rule = &config->rules.rules[i];
		if (rule->base_asked && type == LDNS_RR_TYPE_AAAA && is_named(rule->base_text, name))
			all_set = set_base(rule, a) && all_set;
		if (rule->host_asked && type == host_type(rule) && is_named(rule->host, name))
			all_set = set_zone(rule, a) && all_set;
	}
	int64_t wait_ms = (int64_t)ttl_s * 1000;
	if (!all_set && wait_ms < RETRY_MS)
		wait_ms = RETRY_MS;
	item->due_ms = now_ms + (wait_ms < LEAST_MS ? LEAST_MS : wait_ms);
	if (!all_set && !item->reported)
		dm_report(DM_NOTICE, "auth: %s has no address now, or several; rules keep the one they have",
			  nm_name_text(name, text));
	item->reported = !all_set;
}

void nm_refresh_free(struct nm_refresh *r)
{
	free(r->items);
	*r = (struct nm_refresh){ NULL, 0 };
}
