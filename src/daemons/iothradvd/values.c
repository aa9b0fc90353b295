/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool wrong(const char **why, const char *what)
{
	*why = what;
	return false;
}

bool ra_parts(const char *value, unsigned most, struct ra_parts *parts, const char **why)
{
	const char *from = value;

	memset(parts, 0, sizeof(*parts));
	for (;; from++) {
		size_t n = strcspn(from, "/");
		if (parts->n == most)
			return wrong(why, "there are too many parts");
		if (n >= RA_PART_BYTES)
			return wrong(why, "a part is too long");
		memcpy(parts->part[parts->n++], from, n);
		from += n;
		if (*from == '\0')
			return true;
	}
}

static bool number(const char *text, unsigned long most, unsigned long *value)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n > most)
		return false;
	*value = n;
	return true;
}

bool ra_lifetime(const char *text, uint32_t otherwise, uint32_t *lifetime, const char **why)
{
	unsigned long n;

	if (*text == '\0')
		n = otherwise;
	else if (strcmp(text, "infinite") == 0 || strcmp(text, "infinity") == 0)
		n = IOTHRADVD_FOREVER;
	else if (!number(text, RA_UNSET - 1, &n))
		return wrong(why, "a lifetime is seconds, or infinite");
	*lifetime = (uint32_t)n;
	return true;
}

static bool address(const char *text, struct in6_addr *addr, const char **why)
{
	return inet_pton(AF_INET6, text, addr) == 1 || wrong(why, "it begins with no IPv6 address");
}

static bool length(const char *text, unsigned long otherwise, uint8_t *len, const char **why)
{
	unsigned long n = otherwise;

	if (*text != '\0' && !number(text, 128, &n))
		return wrong(why, "the length is no number from 0 to 128");
	*len = (uint8_t)n;
	return true;
}

struct letter {
	char letter;
	uint8_t flag;
};

static bool letters(const char *text, const struct letter *known, uint8_t *flags)
{
	*flags = 0;
	for (; *text != '\0'; text++) {
		const struct letter *k = known;
		while (k->letter != '\0' && k->letter != *text)
			k++;
		if (k->letter == '\0')
			return false;
		*flags |= k->flag;
	}
	return true;
}

bool ra_router_flags(const char *text, uint8_t *flags, const char **why)
{
	static const struct letter known[] = { { 'M', IOTHRADVD_MANAGED },
					       { 'O', IOTHRADVD_OTHER },
					       { 'H', IOTHRADVD_HOME_AGENT },
					       { 'h', IOTHRADVD_HIGH },
					       { 'l', IOTHRADVD_LOW },
					       { 'P', IOTHRADVD_PROXY },
					       { '\0', 0 } };

	if (!letters(text, known, flags))
		return wrong(why, "flags are letters of MOHhlP");
	return strchr(text, 'h') == NULL || strchr(text, 'l') == NULL ||
	       wrong(why, "h and l exclude each other");
}

bool ra_prefix(const char *value, struct iothraprefix *prefix, const char **why)
{
	static const struct letter known[] = { { 'L', IOTHRADVD_ON_LINK },
					       { 'A', IOTHRADVD_AUTONOMOUS },
					       { 'R', IOTHRADVD_ROUTER_ADDRESS },
					       { '\0', 0 } };
	struct ra_parts p;

	if (!ra_parts(value, 5, &p, why) || !address(p.part[0], &prefix->prefix, why) ||
	    !length(p.part[1], 64, &prefix->prefixlen, why))
		return false;
	if (!letters(p.part[2], known, &prefix->flags))
		return wrong(why, "flags of a prefix are letters of LAR");
	/* One without a preferred lifetime is preferred as long as it is valid. */
	return ra_lifetime(p.part[3], IOTHRADVD_FOREVER, &prefix->valid_time, why) &&
	       ra_lifetime(p.part[4], prefix->valid_time, &prefix->preferred_time, why);
}

bool ra_route(const char *value, struct iothraroute *route, const char **why)
{
	struct ra_parts p;

	if (!ra_parts(value, 4, &p, why) || !address(p.part[0], &route->prefix, why) ||
	    !length(p.part[1], 64, &route->prefixlen, why))
		return false;
	if (strcmp(p.part[2], "high") == 0)
		route->preference = IOTHRADVD_HIGH;
	else if (strcmp(p.part[2], "low") == 0)
		route->preference = IOTHRADVD_LOW;
	else if (p.part[2][0] == '\0' || strcmp(p.part[2], "medium") == 0)
		route->preference = 0;
	else
		return wrong(why, "the preference is high, medium or low");
	return ra_lifetime(p.part[3], RA_UNSET, &route->lifetime, why);
}

bool ra_pref64(const char *value, struct iothrapref64 *pref64, const char **why)
{
	struct ra_parts p;

	return ra_parts(value, 3, &p, why) && address(p.part[0], &pref64->prefix, why) &&
	       length(p.part[1], 96, &pref64->prefixlen, why) &&
	       ra_lifetime(p.part[2], RA_UNSET, &pref64->lifetime, why);
}
