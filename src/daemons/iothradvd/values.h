/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RA_VALUES_H
#define RA_VALUES_H

/*
 * Values that have parts between slashes, and lists between commas. Each call returns false and a phrase in
 * *why if a part is wrong.
 */

#include <iothradvd.h>
#include <stdbool.h>
#include <stddef.h>

#define RA_PARTS 5
#define RA_PART_BYTES 256
#define RA_UNSET (IOTHRADVD_FOREVER - 1) /* a lifetime that was not given */

struct ra_parts {
	unsigned n;
	char part[RA_PARTS][RA_PART_BYTES];
};

/* The parts of a value; parts that are not there are "". */
bool ra_parts(const char *value, unsigned most, struct ra_parts *parts, const char **why);

bool ra_lifetime(const char *text, uint32_t otherwise, uint32_t *lifetime, const char **why);
bool ra_router_flags(const char *text, uint8_t *flags, const char **why);

/* ADDR[/LEN[/FLAGS[/VALID[/PREFERRED]]]] */
bool ra_prefix(const char *value, struct iothraprefix *prefix, const char **why);
/* ADDR/LEN[/PREFERENCE[/LIFETIME]] */
bool ra_route(const char *value, struct iothraroute *route, const char **why);
/* ADDR[/LEN[/LIFETIME]] */
bool ra_pref64(const char *value, struct iothrapref64 *pref64, const char **why);

#endif
