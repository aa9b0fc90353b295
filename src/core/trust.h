/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_TRUST_H
#define VS_CORE_TRUST_H

#include <stddef.h>

/*
 * Opens a file by its absolute path. Checks each directory, symbolic link and file on the way, from the
 * root on: it must belong to uid 0 or to this process's effective user, and no other user may write to it.
 * A sticky directory that every user may write to is accepted if the next component is a trusted directory,
 * because no other user can replace that.
 *
 * Returns an O_PATH descriptor, close-on-exec. -ENOENT and the like: it cannot be opened, and all that was
 * checked is trusted. -EPERM: text says what is not trusted.
 */
int vs_trust_open(const char *path, char *text, size_t size);

/*
 * 0 if there is nothing untrusted under this path, and no untrusted user can create it; else -errno. -EPERM
 * with text as above.
 */
int vs_trust_check(const char *path, char *text, size_t size);

#endif
