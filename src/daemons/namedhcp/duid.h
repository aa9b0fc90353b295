/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_DUID_H
#define ND_DUID_H

/*
 * The identifier of the server (RFC 8415 section 11). Clients renew their leases with it, so it outlives the
 * program: it is made once, and kept in a file. The file is text: bytes as two hexadecimal digits, with ':'
 * between them.
 *
 * Two servers must not have the same one. So the file is locked as long as a server runs.
 */

#include <stdint.h>

#include "proto/dhcp6.h"

struct nd_duid {
	uint16_t n;
	uint8_t bytes[VS_DHCP6_DUID_MAX];
	int lock; /* the file; -1: none */
};

/*
 * Reads it, or makes it: from the time and the MAC address (DUID-LLT), or random, if mac is all zero. path
 * NULL: the default file, in $STATE_DIRECTORY or /var/lib/namedhcp. If that cannot be written, the identifier
 * comes from the MAC address alone. 0, or -1 after a report.
 */
int nd_duid_open(struct nd_duid *duid, const char *path, const uint8_t mac[6]);

void nd_duid_close(struct nd_duid *duid);

#endif
