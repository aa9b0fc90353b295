/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words for families, types and protocols. */

#include <netinet/in.h>
#include <string.h>

#include "set.h"

static const struct {
	enum vs_rules_kind kind;
	const char *text;
	int number;
} words[] = {
	{ VS_RULES_FAMILY, "inet", AF_INET },
	{ VS_RULES_FAMILY, "inet6", AF_INET6 },
	{ VS_RULES_FAMILY, "packet", AF_PACKET },
	{ VS_RULES_FAMILY, "netlink", AF_NETLINK },
	{ VS_RULES_TYPE, "stream", SOCK_STREAM },
	{ VS_RULES_TYPE, "dgram", SOCK_DGRAM },
	{ VS_RULES_TYPE, "raw", SOCK_RAW },
	{ VS_RULES_TYPE, "seqpacket", SOCK_SEQPACKET },
	{ VS_RULES_PROTOCOL, "tcp", IPPROTO_TCP },
	{ VS_RULES_PROTOCOL, "udp", IPPROTO_UDP },
	{ VS_RULES_PROTOCOL, "icmp", IPPROTO_ICMP },
	{ VS_RULES_PROTOCOL, "icmpv6", IPPROTO_ICMPV6 },
	{ VS_RULES_PROTOCOL, "mptcp", IPPROTO_MPTCP },
	{ VS_RULES_PROTOCOL, "sctp", IPPROTO_SCTP },
};

/* Decimal digits; 0: something else, or above what a protocol can be. */
static int decimal(const char *text)
{
	int n = 0;

	for (; *text >= '0' && *text <= '9' && n <= IPPROTO_MPTCP; text++)
		n = n * 10 + (*text - '0');
	return *text == '\0' && (n < 256 || n == IPPROTO_MPTCP) ? n : 0;
}

bool vs_rules_number(enum vs_rules_kind kind, const char *text, int *number)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].kind == kind && strcmp(words[i].text, text) == 0) {
			*number = words[i].number;
			return true;
		}
	}
	int n = kind == VS_RULES_PROTOCOL ? decimal(text) : 0;
	if (n > 0)
		*number = n;
	return n > 0;
}
