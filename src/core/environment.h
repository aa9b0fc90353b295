/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_ENVIRONMENT_H
#define VS_CORE_ENVIRONMENT_H

#include <stdbool.h>

/* True if this program has rights that whoever started it lacks (AT_SECURE): set-user-ID and the like. */
bool vs_environment_secure(void);

/*
 * The environment for a keeper or a runner, for free(); the strings are the program's. NULL without
 * memory.
 */
char **vs_environment_of_keeper(void);
char **vs_environment_of_runner(void);

#endif
