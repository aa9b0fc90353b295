/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int nm_rules_add(struct nm_rules *rules, struct nm_rule *rule)
{
	struct nm_rule *grown = reallocarray(rules->rules, rules->n + 1, sizeof(*grown));

	if (grown == NULL) {
		nm_rule_free(rule);
		return -ENOMEM;
	}
	rules->rules = grown;
	grown[rules->n++] = *rule;
	return 0;
}

static bool is_client(const struct nm_rule *rule, const struct nm_nets *nets, const struct in6_addr *client)
{
	for (size_t i = 0; i < rule->n_nets; i++)
		if (nm_net_has(&nets->nets[rule->nets[i]], client))
			return true;
	return false;
}

static bool matches(const struct nm_rule *rule, const struct nm_name *name)
{
	if (!rule->below)
		return nm_name_equal(name, &rule->name);
	return rule->name.n == 1 || nm_name_below(name, &rule->name);
}

const struct nm_rule *nm_rules_next(const struct nm_rules *rules, const struct nm_nets *nets,
				    const struct in6_addr *client, const struct nm_name *name, size_t *at)
{
	for (; *at < rules->n; ++*at) {
		const struct nm_rule *rule = &rules->rules[*at];
		if (rule->kind != NM_ACCEPT && matches(rule, name) && is_client(rule, nets, client)) {
			++*at;
			return rule;
		}
	}
	return NULL;
}

bool nm_rules_accept(const struct nm_rules *rules, const struct nm_nets *nets, const struct in6_addr *client)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->rules[i].kind == NM_ACCEPT && is_client(&rules->rules[i], nets, client))
			return true;
	return false;
}

bool nm_rules_have(const struct nm_rules *rules, enum nm_kind kind)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->rules[i].kind == kind)
			return true;
	return false;
}

void nm_rule_free(struct nm_rule *rule)
{
	free(rule->nets);
	free(rule->nets_text);
	free(rule->base_text);
	free(rule->host);
	if (rule->password != NULL)
		explicit_bzero(rule->password, strlen(rule->password));
	free(rule->password);
}

void nm_rules_free(struct nm_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		nm_rule_free(&rules->rules[i]);
	free(rules->rules);
	*rules = (struct nm_rules){ NULL, 0 };
}
