/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_BASE_H
#define DM_BASE_H

/* The base of hash addresses: what their first 64 bits are taken from. */

#include <iothdns.h>
#include <netinet/in.h>
#include <stddef.h>

/*
 * Reads an IPv6 address, which has a ':', or asks for the one address (AAAA) that a name has. 0, or -errno
 * and the reason in why: -EINVAL no address, -ENOENT no such name or no address of it, -E2BIG several
 * addresses, -EAGAIN no answer. dns is not used for an address, and may be NULL then.
 */
int dm_base_read(struct iothdns *dns, const char *text, struct in6_addr *base, char *why, size_t len);

/* The name that has the base of a name by default: what is behind the first dot. NULL: there is no dot. */
const char *dm_base_name(const char *name);

#endif
