/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_RUN_PLAN_H
#define VS_TOOLS_RUN_PLAN_H

/* From the words of `vdestack run` to stacks and rules: one text in the grammar of rules/rules.h. */

#include <stddef.h>

struct vs_run;

struct vs_run_text {
	char *text; /* NULL: none */
	size_t len;
};

struct vs_run_plan {
	struct vs_run_text config; /* of the stack without a name on the command line */
	struct vs_run_text stacks, rules, file;
	struct vs_run_text all; /* made of those */
	const char *file_name;
	char message[600];
};

/* Each adds a word of the command line. 0, or -errno and message. */
int vs_run_plan_config(struct vs_run_plan *p, const char *words); /* a part of a configuration */
int vs_run_plan_stack(struct vs_run_plan *p, const char *word);   /* NAME=CONFIG */
int vs_run_plan_rule(struct vs_run_plan *p, const char *rule);
int vs_run_plan_file(struct vs_run_plan *p, const char *path);

/* Fills in stacks, rules and text of run, which are valid as long as the process. 0, or -errno and message.
 */
int vs_run_plan_finish(struct vs_run_plan *p, struct vs_run *run);

#endif
