/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RULES_CHECK_H
#define VS_RULES_CHECK_H

/* Whether a rule can hold, and whether it can be kept. */

#include "set.h"

/*
 * NULL; or what is wrong with the rule, with a remedy, as a text in `problem`, and the condition that is the
 * place of it.
 */
const char *vs_rules_check(const struct vs_rules_rule *rule, char *problem, size_t size,
			   const struct vs_rules_condition **at);

/* Whether `earlier` holds for each call for which `later` holds. */
bool vs_rules_covers(const struct vs_rules_rule *earlier, const struct vs_rules_rule *later);

#endif
