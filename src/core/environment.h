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
char **vs_environment_of_helper(void);

/*
 * The environment for a command: the program's, but LD_PRELOAD without objects that link this library. As
 * above; the variable itself is in the same memory as the array.
 */
char **vs_environment_of_command(void);

/* True if the helper's lacks variables of the program's environment. */
bool vs_environment_differs(void);

#endif
