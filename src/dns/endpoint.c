/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
	const char *name;
	int family, type, protocol;
} networks[] = {
	{ "tcp", AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP },  { "tcp4", AF_INET, SOCK_STREAM, IPPROTO_TCP },
	{ "tcp6", AF_INET6, SOCK_STREAM, IPPROTO_TCP },  { "udp", AF_UNSPEC, SOCK_DGRAM, IPPROTO_UDP },
	{ "udp4", AF_INET, SOCK_DGRAM, IPPROTO_UDP },    { "udp6", AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
};

static const char *read_network(const char *network, struct vs_endpoint *out)
{
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		if (strcmp(network, networks[i].name) != 0)
			continue;
		out->family = networks[i].family;
		out->type = networks[i].type;
		out->protocol = networks[i].protocol;
		return NULL;
	}
	return "the network is none of tcp, tcp4, tcp6, udp, udp4, udp6";
}

static bool copy(char *to, size_t size, const char *from, size_t n)
{
	if (n >= size)
		return false;
	memcpy(to, from, n);
	to[n] = '\0';
	return true;
}

/* An IPv6 address, with or without a scope. */
static bool is_ip6(const char *host)
{
	char bare[INET6_ADDRSTRLEN];
	size_t n = strcspn(host, "%");
	struct in6_addr addr;

	return (host[n] == '\0' || host[n + 1] != '\0') && copy(bare, sizeof(bare), host, n) &&
	       inet_pton(AF_INET6, bare, &addr) == 1;
}

static bool is_ip4(const char *host)
{
	struct in_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1;
}

static const char *copy_service(const char *from, struct vs_endpoint *out)
{
	return copy(out->service, sizeof(out->service), from, strlen(from)) ? NULL : "the port is too long";
}

/* "[HOST]:SERVICE" */
static const char *split_brackets(const char *address, struct vs_endpoint *out)
{
	const char *end = strchr(address, ']');

	if (end == NULL)
		return "] is missing";
	if (end[1] != ':')
		return "the port is missing";
	if (!copy(out->host, sizeof(out->host), address + 1, (size_t)(end - address - 1)) ||
	    !is_ip6(out->host))
		return "what stands in brackets is no IPv6 address";
	return copy_service(end + 2, out);
}

/* "HOST:SERVICE", and both may be empty */
static const char *split(const char *address, struct vs_endpoint *out)
{
	const char *colon = strchr(address, ':');

	if (colon == NULL)
		return "the port is missing";
	if (strchr(colon + 1, ':') != NULL)
		return "there are too many colons; an IPv6 address stands in brackets";
	if (!copy(out->host, sizeof(out->host), address, (size_t)(colon - address)))
		return "the name is too long";
	return copy_service(colon + 1, out);
}

static const char *check(struct vs_endpoint *out)
{
	bool ip4 = is_ip4(out->host), ip6 = is_ip6(out->host);

	if (strpbrk(out->host, "[] \t\r\n/") != NULL || strpbrk(out->service, "[] \t\r\n/") != NULL)
		return "there is a character that cannot stand in it";
	if ((ip4 && out->family == AF_INET6) || (ip6 && out->family == AF_INET))
		return "the network has addresses of the other family";
	out->numeric = ip4 || ip6;
	return NULL;
}

const char *vs_endpoint_read(const char *network, const char *address, struct vs_endpoint *out)
{
	memset(out, 0, sizeof(*out));
	const char *wrong = read_network(network, out);

	if (wrong == NULL)
		wrong = address[0] == '[' ? split_brackets(address, out) : split(address, out);
	return wrong != NULL ? wrong : check(out);
}
