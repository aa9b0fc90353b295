/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RULES_SET_H
#define VS_RULES_SET_H

/* What the text of rules is parsed into. */

#include <stddef.h>

#include "endpoint.h"
#include "rules.h"

#define VS_RULES_TEXT_MAX (1u << 20) /* bytes */
#define VS_RULES_MAX 4096
#define VS_RULES_STACKS_MAX 256

enum vs_rules_kind {
	VS_RULES_LOCAL,
	VS_RULES_REMOTE,
	VS_RULES_NAME,
	VS_RULES_FAMILY,
	VS_RULES_TYPE,
	VS_RULES_PROTOCOL,
	VS_RULES_THREAD,
	VS_RULES_KINDS
};

struct vs_rules_condition {
	enum vs_rules_kind kind;
	unsigned column;
	const char *text;                  /* the word */
	int number;                        /* FAMILY, TYPE, PROTOCOL */
	const char *pattern;               /* NAME, THREAD */
	struct vs_rules_endpoint endpoint; /* LOCAL, REMOTE */
};

struct vs_rules_target {
	enum vs_rules_verdict verdict;
	unsigned stack;
	const char *name;
	unsigned line, column; /* of the name */
};

struct vs_rules_rule {
	struct vs_rules_condition conditions[VS_RULES_KINDS]; /* n of them, in the order of the text */
	size_t n;
	struct vs_rules_target target;
};

struct vs_rules_stack {
	const char *name, *config;
	unsigned line, column; /* of the configuration */
};

struct vs_rules {
	struct vs_rules_rule *list;
	struct vs_rules_stack *stacks;
	size_t n, n_stacks;
	struct vs_rules_target fallback; /* line 0: there is no line for it */
	char *store;                     /* of all texts */
};

/* The number of a family, type or protocol, which can be a number, too. False: there is none of this name. */
bool vs_rules_number(enum vs_rules_kind kind, const char *text, int *number);

/* NULL: the rule has no such condition. */
const struct vs_rules_condition *vs_rules_find(const struct vs_rules_rule *rule, enum vs_rules_kind kind);

#endif
