/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_TRUST_H
#define VS_CORE_TRUST_H

#include <stddef.h>

/*
 * Opens a file by its absolute path, from the root on, and looks at each directory, symbolic link and
 * file on the way: all must belong to uid 0 or to this process's effective user, and nobody else may
 * write to them. A directory that everybody may write to and that is sticky is let pass when what
 * follows is a trusted directory: nobody else can replace that.
 *
 * Gives an O_PATH descriptor, close-on-exec; -ENOENT and the like when it cannot be had, all that was seen
 * being trusted; -EPERM with text about what is not.
 */
int vs_trust_open(const char *path, char *text, size_t size);

/* 0 if nothing untrusted can be, or appear, under this path; else -errno; -EPERM with text as above. */
int vs_trust_check(const char *path, char *text, size_t size);

#endif
