/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "literal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

static int parse_scope(const struct vs_net *net, const char *scope, uint32_t *id)
{
	char *end;
	uint32_t index = vs_net_index(net, scope);

	if (index > 0) {
		*id = index;
		return 0;
	}
	errno = 0;
	if (*scope < '0' || *scope > '9')
		return -ENODEV;
	unsigned long number = strtoul(scope, &end, 10); /* 0: no scope, RFC 4007 section 11.2 */
	if (errno != 0 || *end != '\0' || number > UINT32_MAX)
		return -ENODEV;
	*id = (uint32_t)number;
	return 0;
}

int vs_literal_parse(const struct vs_net *net, const char *text, struct vs_literal *out)
{
	char addr[INET6_ADDRSTRLEN];
	struct in_addr v4;
	const char *percent = strchr(text, '%');
	size_t n = percent != NULL ? (size_t)(percent - text) : strlen(text);

	memset(out, 0, sizeof(*out));
	/* inet_aton() allows blanks and more behind the address. */
	if (percent == NULL && text[strspn(text, "0123456789abcdefABCDEFxX.")] == '\0' &&
	    inet_aton(text, &v4)) {
		out->family = AF_INET;
		memcpy(out->bytes, &v4, 4);
		return 0;
	}
	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (inet_pton(AF_INET6, addr, out->bytes) != 1)
		return -EINVAL;
	out->family = AF_INET6;
	return percent != NULL ? parse_scope(net, percent + 1, &out->scope_id) : 0;
}
