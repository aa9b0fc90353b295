/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The conditions on a socket are checked by trying them: on all families, types and protocols that a rule can
 * name. That finds each combination that no socket has, and each that only sockets have that cannot be moved,
 * without a list of such combinations.
 */

#include "check.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ANY (-1)

static const int families[] = { AF_INET, AF_INET6, AF_PACKET, AF_NETLINK };
static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };

bool vs_rules_movable(int family, int type, int protocol)
{
	int kind = type & 0xf; /* without SOCK_NONBLOCK, SOCK_CLOEXEC */

	if (family != AF_INET && family != AF_INET6)
		return false;
	if (kind == SOCK_STREAM)
		return protocol == 0 || protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
	if (kind == SOCK_DGRAM)
		return protocol == 0 || protocol == IPPROTO_UDP ||
		       protocol == (family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	return false;
}

/* Bits of the types that a protocol has, besides raw sockets. 0: unknown, all of them. */
static unsigned types_of(int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
		return 1u << SOCK_STREAM;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 1u << SOCK_DGRAM;
	case IPPROTO_SCTP:
		return 1u << SOCK_STREAM | 1u << SOCK_SEQPACKET;
	default:
		return 0;
	}
}

/* Whether there are sockets of this kind. protocol may be ANY. */
static bool exists(int family, int type, int protocol)
{
	if (family != AF_INET && family != AF_INET6)
		return protocol == ANY && (type == SOCK_RAW || type == SOCK_DGRAM);
	if (protocol == ANY)
		return true;
	if ((protocol == IPPROTO_ICMP && family != AF_INET) ||
	    (protocol == IPPROTO_ICMPV6 && family != AF_INET6))
		return false;
	if (type == SOCK_RAW)
		return protocol < 256;
	unsigned bits = types_of(protocol);
	return bits == 0 || (bits & 1u << type) != 0;
}

/* What a rule asks of a socket; ANY: nothing. */
struct wanted {
	int family, type, protocol;
};

static bool possible(const struct wanted *w, bool movable)
{
	for (size_t f = 0; f < COUNT(families); f++)
		for (size_t t = 0; t < COUNT(types); t++)
			if ((w->family == ANY || w->family == families[f]) &&
			    (w->type == ANY || w->type == types[t]) &&
			    exists(families[f], types[t], w->protocol) &&
			    (!movable ||
			     vs_rules_movable(families[f], types[t], w->protocol == ANY ? 0 : w->protocol)))
				return true;
	return false;
}

const struct vs_rules_condition *vs_rules_find(const struct vs_rules_rule *rule, enum vs_rules_kind kind)
{
	for (size_t i = 0; i < rule->n; i++)
		if (rule->conditions[i].kind == kind)
			return &rule->conditions[i];
	return NULL;
}

/*
 * The first condition on the socket with which the ones up to it are impossible. NULL: all together are
 * possible.
 */
static const struct vs_rules_condition *find_impossible(const struct vs_rules_rule *rule, bool movable)
{
	struct wanted w = { ANY, ANY, ANY };

	for (size_t i = 0; i < rule->n; i++) {
		const struct vs_rules_condition *c = &rule->conditions[i];
		int *const wanted = c->kind == VS_RULES_FAMILY     ? &w.family
				    : c->kind == VS_RULES_TYPE     ? &w.type
				    : c->kind == VS_RULES_PROTOCOL ? &w.protocol
								   : NULL;
		if (wanted == NULL)
			continue;
		*wanted = c->number;
		if (!possible(&w, movable))
			return c;
	}
	return NULL;
}

/* The first condition that is known only after socket(2). */
static const struct vs_rules_condition *find_late(const struct vs_rules_rule *rule)
{
	for (size_t i = 0; i < rule->n; i++)
		if (rule->conditions[i].kind <= VS_RULES_NAME)
			return &rule->conditions[i];
	return NULL;
}

/* A condition on an address of IPv6 with one that only IPv4 has. */
static const struct vs_rules_condition *find_other_family(const struct vs_rules_rule *rule)
{
	const struct vs_rules_condition *local = vs_rules_find(rule, VS_RULES_LOCAL),
					*remote = vs_rules_find(rule, VS_RULES_REMOTE),
					*family = vs_rules_find(rule, VS_RULES_FAMILY);
	int l = local != NULL ? local->endpoint.family : AF_UNSPEC;
	int r = remote != NULL ? remote->endpoint.family : AF_UNSPEC;
	bool inet = family != NULL && family->number == AF_INET;

	if (inet && l == AF_INET6)
		return local;
	if (r != AF_UNSPEC && ((inet && r == AF_INET6) || (l != AF_UNSPEC && l != r)))
		return remote;
	return NULL;
}

const char *vs_rules_check(const struct vs_rules_rule *rule, char *problem, size_t size,
			   const struct vs_rules_condition **at)
{
	const struct vs_rules_condition *late = find_late(rule), *wrong;

	if ((wrong = find_impossible(rule, false)) != NULL) {
		(void)snprintf(
			problem, size,
			"no socket has \"%.60s\" together with what stands before it; correct one of them",
			wrong->text);
	} else if (late != NULL && (wrong = find_impossible(rule, true)) != NULL) {
		(void)snprintf(
			problem, size,
			"this rule cannot be kept: \"%.60s\" is known only after socket(2), and a socket of "
			"this kind cannot move to another stack then; decide by family=, type=, protocol= "
			"or thread= only",
			late->text);
	} else if ((wrong = find_other_family(rule)) != NULL) {
		(void)snprintf(problem, size,
			       "an address of IPv6 and something of IPv4 in one rule: it never holds; write "
			       "two rules");
	} else {
		return NULL;
	}
	*at = wrong;
	return problem;
}

/* Whether a condition holds in each case in which the other, of the same kind, holds. */
static bool condition_covers(const struct vs_rules_condition *outer, const struct vs_rules_condition *inner)
{
	switch (outer->kind) {
	case VS_RULES_LOCAL:
	case VS_RULES_REMOTE:
		return vs_rules_endpoint_covers(&outer->endpoint, &inner->endpoint);
	case VS_RULES_NAME:
		return strcmp(outer->pattern, "*") == 0 || strcasecmp(outer->pattern, inner->pattern) == 0;
	case VS_RULES_THREAD:
		return strcmp(outer->pattern, "*") == 0 || strcmp(outer->pattern, inner->pattern) == 0;
	default:
		return outer->number == inner->number;
	}
}

bool vs_rules_covers(const struct vs_rules_rule *earlier, const struct vs_rules_rule *later)
{
	for (size_t i = 0; i < earlier->n; i++) {
		const struct vs_rules_condition *outer = &earlier->conditions[i];
		const struct vs_rules_condition *inner = vs_rules_find(later, outer->kind);
		if (inner == NULL || !condition_covers(outer, inner))
			return false;
	}
	return true;
}
