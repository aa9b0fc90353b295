/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_APPARMOR_H
#define VS_TOOLS_APPARMOR_H

#include <stdio.h>

/*
 * Writes a profile that lets the program at an absolute path make user namespaces, and restricts
 * nothing. What the program executes, the keeper too, stays in it. 0, or -EINVAL and nothing written
 * for a path that a profile cannot name: a relative one, with a quote, '@', a backslash or a control character.
 */
int vs_apparmor_write(FILE *out, const char *path);

#endif
