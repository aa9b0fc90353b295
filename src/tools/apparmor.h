/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_APPARMOR_H
#define VS_TOOLS_APPARMOR_H

#include <stdio.h>

/*
 * Writes a profile with which the program at an absolute path may make user namespaces. It restricts nothing.
 * What the program executes, the keeper included, stays in the profile. 0, or -EINVAL and nothing is written:
 * the path is relative, or has a quote, '@', a backslash or a control character, so a profile cannot name it.
 */
int vs_apparmor_write(FILE *out, const char *path);

#endif
