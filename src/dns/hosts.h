/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_HOSTS_H
#define VS_DNS_HOSTS_H

/* The text of a hosts(5) file. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_host {
	uint8_t family;
	uint8_t bytes[16];
};

/*
 * Addresses of a name, at most `max`, in the order of the file. Returns how many. family: AF_INET, AF_INET6,
 * or AF_UNSPEC for both. canonical gets the first name of the line of the first address (256 bytes; may be
 * NULL).
 */
size_t vs_hosts_find(const char *text, const char *name, int family, struct vs_host *out, size_t max,
		     char *canonical);
/* The first name of an address; false: the file has none. name has 256 bytes. */
bool vs_hosts_name(const char *text, uint8_t family, const uint8_t *bytes, char *name);

#endif
