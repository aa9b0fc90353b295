/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_ENVIRONMENT_H
#define VS_CORE_ENVIRONMENT_H

#include <stdbool.h>

/* True if this program has more rights than its caller (AT_SECURE): set-user-ID and the like. */
bool vs_environment_secure(void);

/*
 * The environment for a keeper or a runner. The caller frees the array; the strings belong to the program.
 * NULL: there is no memory.
 */
char **vs_environment_of_keeper(void);
char **vs_environment_of_runner(void);

#endif
