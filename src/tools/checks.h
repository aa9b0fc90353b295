/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_CHECKS_H
#define VS_TOOLS_CHECKS_H

#include "report.h"

/*
 * Each check runs in a process of its own, which ends after it. So a check may enter namespaces, and is
 * killed if it takes too long. arg is the switch's locator for the check of switches, else NULL.
 */
struct vs_check {
	const char *name;
	unsigned deadline_ms;
	void (*run)(struct vs_finding *f, const char *arg);
};

void vs_check_stack(struct vs_finding *f, const char *arg);
void vs_check_local(struct vs_finding *f, const char *arg);
void vs_check_null(struct vs_finding *f, const char *arg);
void vs_check_names(struct vs_finding *f, const char *arg);
void vs_check_network(struct vs_finding *f, const char *vnl);

extern const struct vs_check vs_checks[]; /* ends with a NULL name */
extern const struct vs_check vs_check_switch;

#endif
