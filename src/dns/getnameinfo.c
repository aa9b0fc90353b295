/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names of addresses. IPv4 addresses mapped into IPv6 are looked up as those of IPv4.
 */

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "name.h"
#include "net.h"
#include "no_cancel.h"
#include "resolver.h"
#include <vdestack/dns.h>

#define FLAGS (NI_NAMEREQD | NI_DGRAM | NI_NOFQDN | NI_NUMERICHOST | NI_NUMERICSERV)

struct address {
	int family;
	const uint8_t *bytes;
	uint32_t scope_id;
	uint16_t port;
};

static int read_address(const struct sockaddr *addr, socklen_t len, struct address *out)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;

	if (len >= sizeof(*v4) && addr->sa_family == AF_INET) {
		*out = (struct address){ AF_INET, (const void *)&v4->sin_addr, 0, ntohs(v4->sin_port) };
		return 0;
	}
	if (len >= sizeof(*v6) && addr->sa_family == AF_INET6) {
		*out = (struct address){ AF_INET6, v6->sin6_addr.s6_addr, v6->sin6_scope_id,
					 ntohs(v6->sin6_port) };
		return 0;
	}
	return vs_dns_fail(EAI_FAMILY, "not an address of IPv4 or IPv6, or too short");
}

static int copy_out(const char *text, char *to, socklen_t size)
{
	size_t n = strlen(text);

	if (n >= size)
		return vs_dns_fail(EAI_OVERFLOW, "the buffer is too small for \"%s\"", text);
	memcpy(to, text, n + 1);
	return 0;
}

/* Where the PTR record of an address is. */
static void reverse_name(int family, const uint8_t *b, char name[80])
{
	if (family == AF_INET) {
		snprintf(name, 80, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
		return;
	}
	for (int i = 0; i < 16; i++)
		snprintf(name + 4 * i, 5, "%x.%x.", b[15 - i] & 15u, (unsigned)b[15 - i] >> 4);
	strcpy(name + 64, "ip6.arpa");
}

/* Asks the name servers. 0, or EAI_...; a name that is no host name counts as none. */
static int ask(struct vdestack_dns *dns, int family, const uint8_t *bytes, char name[VS_NAME_TEXT_MAX])
{
	const struct vdestack_dns_answer *answer;
	char question[80];

	reverse_name(family, bytes, question);
	int code = vdestack_dns_query(dns, question, ns_t_ptr, &answer);
	if (code != 0)
		return code;
	if (vdestack_dns_expand(answer, answer->records[0].data, name, VS_NAME_TEXT_MAX) < 0 ||
	    !vs_name_is_host(name))
		code = vs_dns_fail(EAI_NONAME, "%s: its name is no host name", question);
	vdestack_dns_free_answer(answer);
	return code;
}

static int find_name(struct vdestack_dns *dns, const struct address *a, char name[VS_NAME_TEXT_MAX])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t one[16] = { [15] = 1 };
	const uint8_t *bytes = a->bytes;
	int family = a->family;

	if (family == AF_INET6 && memcmp(bytes, mapped, 12) == 0) {
		family = AF_INET;
		bytes += 12;
	}
	if (vs_resolver_hosts_name(dns, (uint8_t)family, bytes, name))
		return 0;
	if (family == AF_INET ? bytes[0] == 127 : memcmp(bytes, one, 16) == 0) {
		strcpy(name, "localhost");
		return 0;
	}
	return ask(dns, family, bytes, name);
}

/* NI_NOFQDN: without the first domain of the search list. */
static void cut_domain(struct vdestack_dns *dns, char *name)
{
	struct vs_settings settings;

	vs_resolver_settings(dns, &settings);
	if (settings.n_search == 0)
		return;
	const char *domain = settings.search + settings.domains[0];
	size_t n = strlen(name), m = strlen(domain);
	if (n > m + 1 && vs_name_ends_in(name, domain))
		name[n - m - 1] = '\0';
}

static int numeric(struct vdestack_dns *dns, const struct address *a, char *host, socklen_t size)
{
	char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE], zone[IF_NAMESIZE];

	inet_ntop(a->family, a->bytes, text, INET6_ADDRSTRLEN);
	if (a->scope_id != 0) {
		size_t n = strlen(text);
		if (vs_net_ifname(vs_resolver_net(dns), a->scope_id, zone))
			snprintf(text + n, sizeof(text) - n, "%%%s", zone);
		else
			snprintf(text + n, sizeof(text) - n, "%%%u", a->scope_id);
	}
	return copy_out(text, host, size);
}

static int host_name(struct vdestack_dns *dns, const struct address *a, char *host, socklen_t size, int flags)
{
	char name[VS_NAME_TEXT_MAX];

	if (flags & NI_NUMERICHOST) {
		if (flags & NI_NAMEREQD)
			return vs_dns_fail(EAI_NONAME, "NI_NUMERICHOST and NI_NAMEREQD exclude each other");
		return numeric(dns, a, host, size);
	}
	int code = find_name(dns, a, name);
	if (code == 0) {
		if (flags & NI_NOFQDN)
			cut_domain(dns, name);
		return copy_out(name, host, size);
	}
	if (flags & NI_NAMEREQD)
		return code == EAI_NODATA ? EAI_NONAME : code;
	return code == EAI_MEMORY ? code : numeric(dns, a, host, size);
}

static int service_name(struct vdestack_dns *dns, uint16_t port, char *service, socklen_t size, int flags)
{
	char name[64];

	if (!(flags & NI_NUMERICSERV) &&
	    vs_resolver_port_name(dns, port, flags & NI_DGRAM ? "udp" : "tcp", name))
		return copy_out(name, service, size);
	snprintf(name, sizeof(name), "%u", port);
	return copy_out(name, service, size);
}

int vdestack_dns_getnameinfo(struct vdestack_dns *dns, const struct sockaddr *addr, socklen_t addrlen,
			     char *host, socklen_t hostlen, char *service, socklen_t servicelen, int flags)
{
	VS_DNS_NO_CANCEL;
	struct address a;
	bool wants_host = host != NULL && hostlen > 0, wants_service = service != NULL && servicelen > 0;
	int code;

	if (dns == NULL || addr == NULL)
		return vs_dns_fail_errno(EINVAL, "no resolver, or no address");
	if (flags & ~FLAGS)
		return vs_dns_fail(EAI_BADFLAGS, "flags that are not supported: 0x%x",
				   (unsigned)(flags & ~FLAGS));
	if (!wants_host && !wants_service)
		return vs_dns_fail(EAI_NONAME, "neither a host name nor a service is asked for");
	code = read_address(addr, addrlen, &a);
	if (code == 0 && wants_host)
		code = host_name(dns, &a, host, hostlen, flags);
	if (code == 0 && wants_service)
		code = service_name(dns, a.port, service, servicelen, flags);
	return code;
}

int vdestack_getnameinfo(struct vdestack *stack, const struct sockaddr *addr, socklen_t addrlen, char *host,
			 socklen_t hostlen, char *service, socklen_t servicelen, int flags)
{
	VS_DNS_NO_CANCEL;
	struct vdestack_dns *dns = vs_resolver_get(stack);

	if (dns == NULL)
		return errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
	int code = vdestack_dns_getnameinfo(dns, addr, addrlen, host, hostlen, service, servicelen, flags);
	int err = errno;
	vs_resolver_put(dns);
	errno = err;
	return code;
}
