/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a parsed set has. */

#include <stdlib.h>

#include "set.h"

void vs_rules_free(struct vs_rules *rules)
{
	if (rules == NULL)
		return;
	free(rules->list);
	free(rules->stacks);
	free(rules->store);
	free(rules);
}

unsigned vs_rules_needs(const struct vs_rules *rules)
{
	static const unsigned needs[VS_RULES_KINDS] = {
		[VS_RULES_LOCAL] = VS_RULES_NEED_BIND,
		[VS_RULES_REMOTE] = VS_RULES_NEED_CONNECT,
		[VS_RULES_NAME] = VS_RULES_NEED_CONNECT | VS_RULES_NEED_NAMES,
		[VS_RULES_THREAD] = VS_RULES_NEED_THREAD,
	};
	unsigned all = 0;

	for (size_t i = 0; i < rules->n; i++)
		for (size_t j = 0; j < rules->list[i].n; j++)
			all |= needs[rules->list[i].conditions[j].kind];
	return all;
}

size_t vs_rules_n_stacks(const struct vs_rules *rules)
{
	return rules->n_stacks;
}

const char *vs_rules_stack_name(const struct vs_rules *rules, size_t index)
{
	return rules->stacks[index].name;
}

const char *vs_rules_stack_config(const struct vs_rules *rules, size_t index)
{
	return rules->stacks[index].config;
}

void vs_rules_stack_place(const struct vs_rules *rules, size_t index, unsigned *line, unsigned *column)
{
	*line = rules->stacks[index].line;
	*column = rules->stacks[index].column;
}

bool vs_rules_stack_used(const struct vs_rules *rules, size_t index)
{
	bool used = rules->fallback.verdict == VS_RULES_STACK && rules->fallback.stack == index;

	for (size_t i = 0; i < rules->n && !used; i++)
		used = rules->list[i].target.verdict == VS_RULES_STACK &&
		       rules->list[i].target.stack == index;
	return used;
}
