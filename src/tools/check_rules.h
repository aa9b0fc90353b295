/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_CHECK_RULES_H
#define VS_TOOLS_CHECK_RULES_H

/*
 * `vdestack check-rules`. Returns the exit status: 0: the rules are fine; 1: they are not, or cannot be
 * read; 64: usage; 74: the output could not be written.
 */
int vs_check_rules_main(int argc, char *argv[]);

#endif
