/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int dm_base_read(struct iothdns *dns, const char *text, struct in6_addr *base, char *why, size_t len)
{
	struct in6_addr found[2];

	if (strchr(text, ':') != NULL) {
		if (inet_pton(AF_INET6, text, base) == 1)
			return 0;
		(void)snprintf(why, len, "%s is no IPv6 address", text);
		return -EINVAL;
	}
	int n = iothdns_lookup_aaaa(dns, text, found, 2);
	if (n < 0) {
		n = errno == ENOENT ? -ENOENT : -EAGAIN;
		(void)snprintf(why, len,
			       n == -ENOENT ? "there is no name %s" : "no name server answers for %s", text);
		return n;
	}
	if (n == 1) {
		*base = found[0];
		return 0;
	}
	(void)snprintf(why, len,
		       n == 0 ? "%s has no IPv6 address (AAAA)"
			      : "%s has several IPv6 addresses: choose one as the base",
		       text);
	return n == 0 ? -ENOENT : -E2BIG;
}

const char *dm_base_name(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL || dot[1] == '\0' ? NULL : dot + 1;
}
