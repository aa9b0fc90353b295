/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "targets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>

#include "error.h"
#include "resolver.h"

static const struct kind {
	int socktype, protocol;
	const char *name;
	bool usual; /* what hints without socket type and protocol mean, if the service is no name */
} kinds[] = {
	{ SOCK_STREAM, IPPROTO_TCP, "tcp", true },
	{ SOCK_DGRAM, IPPROTO_UDP, "udp", true },
	{ SOCK_DCCP, IPPROTO_DCCP, "dccp", false },
	{ SOCK_DGRAM, IPPROTO_UDPLITE, "udplite", false },
	{ SOCK_STREAM, IPPROTO_SCTP, "sctp", false },
	{ SOCK_SEQPACKET, IPPROTO_SCTP, "sctp", false },
	{ SOCK_RAW, 0, "raw", true }, /* any protocol; getaddrinfo(3): no services, not even numbers */
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))
_Static_assert(N_KINDS <= VS_TARGETS_MAX, "a name may belong to all kinds");

static bool matches(const struct kind *kind, const struct addrinfo *hints)
{
	return (hints->ai_socktype == 0 || hints->ai_socktype == kind->socktype) &&
	       (hints->ai_protocol == 0 || kind->socktype == SOCK_RAW ||
		hints->ai_protocol == kind->protocol);
}

/* The port as a number, or -1: the service is a name. */
static long numeric(const char *service)
{
	char *end;

	if (*service < '0' || *service > '9')
		return -1;
	errno = 0;
	unsigned long port = strtoul(service, &end, 10);
	if (*end != '\0')
		return -1;
	return errno != 0 || port > 65535 ? 65536 : (long)port;
}

/* Adds a kind of socket if it has the service. */
static int add(struct vdestack_dns *dns, const struct kind *kind, const char *service, long port,
	       const struct addrinfo *hints, struct vs_target *out)
{
	bool raw = kind->socktype == SOCK_RAW;
	bool asked_for = hints->ai_socktype != 0 || hints->ai_protocol != 0;

	if (raw && service != NULL && (port < 0 || asked_for))
		return 0;
	if (port < 0)
		port = vs_resolver_port(dns, service, kind->name);
	if (port < 0)
		return 0;
	*out = (struct vs_target){ kind->socktype, raw ? hints->ai_protocol : kind->protocol,
				   (uint16_t)port };
	return 1;
}

int vs_targets_find(struct vdestack_dns *dns, const char *service, const struct addrinfo *hints,
		    struct vs_target out[VS_TARGETS_MAX])
{
	bool any = hints->ai_socktype == 0 && hints->ai_protocol == 0, matched = false;
	int n = 0;

	if (service != NULL && *service == '\0') /* as glibc: no service */
		service = NULL;
	long port = service != NULL ? numeric(service) : 0;

	if (port > 65535)
		return vs_dns_fail(EAI_SERVICE, "the port %s is greater than 65535", service);
	if (port < 0 && (hints->ai_flags & AI_NUMERICSERV))
		return vs_dns_fail(EAI_NONAME, "the service \"%s\" is no number", service);
	for (size_t i = 0; i < N_KINDS; i++) {
		/* A name may belong to a kind that is not usual, such as SCTP. */
		if (!matches(&kinds[i], hints) || (any && port >= 0 && !kinds[i].usual))
			continue;
		if (!any && matched)
			break; /* the first kind that fits */
		matched = true;
		n += add(dns, &kinds[i], service, port, hints, &out[n]);
	}
	if (!matched && hints->ai_socktype != 0)
		return vs_dns_fail(EAI_SOCKTYPE, "no socket of type %d has the protocol %d",
				   hints->ai_socktype, hints->ai_protocol);
	if (n == 0)
		return vs_dns_fail(EAI_SERVICE, "there is no service \"%s\" of this kind",
				   service != NULL ? service : "");
	return n;
}
