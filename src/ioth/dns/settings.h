/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHDNS_SETTINGS_H
#define VS_IOTHDNS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The settings of a file (config NULL; path NULL: /etc/resolv.conf) or of a text. The caller frees them. NULL
 * with errno: those of open(2), EISDIR, EINVAL (no regular file, or too long), ENOMEM.
 */
char *vs_iothdns_read_settings(const char *path, const char *config);

/* Copies settings. Name servers after the third are left out. *n: how many there are. NULL: out of memory. */
char *vs_iothdns_copy_settings(const char *text, size_t *n);

/* Whether there is a name server among them. */
bool vs_iothdns_names_server(const char *text);

#endif
