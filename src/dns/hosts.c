/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hosts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 256

/* Moves *at to the next word of the line. Returns its length, 0 at the end of the line or at a comment. */
static size_t word(const char **at)
{
	*at += strspn(*at, " \t\r");
	return strcspn(*at, " \t\r\n#");
}

/* Begins a line: its address. Returns false if it has none; *at is behind it. */
static bool line_address(const char **at, struct vs_host *host)
{
	char text[INET6_ADDRSTRLEN];
	size_t n = word(at);

	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, *at, n);
	text[n] = '\0';
	*at += n;
	memset(host, 0, sizeof(*host));
	host->family = AF_INET;
	if (inet_pton(AF_INET, text, host->bytes) == 1)
		return true;
	host->family = AF_INET6;
	return inet_pton(AF_INET6, text, host->bytes) == 1;
}

/* Whether it counts for a family. One of IPv4 that is mapped into IPv6 counts, and becomes one, for IPv4. */
static bool is_of_family(struct vs_host *host, int family)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET && host->family == AF_INET6 && memcmp(host->bytes, mapped, 12) == 0) {
		host->family = AF_INET;
		memmove(host->bytes, host->bytes + 12, 4);
	}
	return family == AF_UNSPEC || family == host->family;
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at == '\n' ? at + 1 : at;
}

static bool same_word(const char *at, size_t n, const char *name, size_t name_len)
{
	return n == name_len && strncasecmp(at, name, n) == 0;
}

static bool copy_word(const char *at, size_t n, char *out)
{
	if (n == 0 || n >= WORD_MAX)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

size_t vs_hosts_find(const char *text, const char *name, int family, struct vs_host *out, size_t max,
		     char *canonical)
{
	size_t found = 0, name_len = strlen(name), n;
	struct vs_host host;

	if (name_len > 1 && name[name_len - 1] == '.')
		name_len--;
	for (const char *line = text; *line != '\0' && found < max; line = next_line(line)) {
		const char *at = line;
		if (!line_address(&at, &host) || !is_of_family(&host, family))
			continue;
		const char *first = at;
		size_t first_len = word(&first);
		for (; (n = word(&at)) > 0; at += n) {
			if (!same_word(at, n, name, name_len))
				continue;
			if (found == 0 && canonical != NULL)
				(void)copy_word(first, first_len, canonical);
			out[found++] = host;
			break;
		}
	}
	return found;
}

bool vs_hosts_name(const char *text, uint8_t family, const uint8_t *bytes, char *name)
{
	struct vs_host host;
	size_t len = family == AF_INET ? 4 : 16;

	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		const char *at = line;
		if (line_address(&at, &host) && host.family == family &&
		    memcmp(host.bytes, bytes, len) == 0) {
			size_t n = word(&at);
			if (copy_word(at, n, name))
				return true;
		}
	}
	return false;
}
