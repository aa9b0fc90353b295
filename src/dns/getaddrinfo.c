/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stddef.h>

#include "error.h"
#include "lookup.h"
#include "no_cancel.h"
#include "resolver.h"
#include <vdestack/dns.h>

int vdestack_dns_getaddrinfo(struct vdestack_dns *dns, const char *node, const char *service,
			     const struct addrinfo *hints, struct addrinfo **res)
{
	VS_DNS_NO_CANCEL;
	struct vdestack_dns_lookup lookup;

	if (dns == NULL || res == NULL)
		return vs_dns_fail_errno(EINVAL, "no resolver, or no place for the result");
	vs_lookup_begin(&lookup, dns, node, service, hints);
	int code = vs_lookup_finish(&lookup);
	if (code == 0) {
		*res = lookup.res;
		lookup.res = NULL;
	}
	int err = errno;
	vs_lookup_end(&lookup);
	errno = err;
	return code;
}

int vdestack_getaddrinfo(struct vdestack *stack, const char *node, const char *service,
			 const struct addrinfo *hints, struct addrinfo **res)
{
	VS_DNS_NO_CANCEL;
	struct vdestack_dns *dns = vs_resolver_get(stack);

	if (dns == NULL)
		return errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
	int code = vdestack_dns_getaddrinfo(dns, node, service, hints, res);
	int err = errno;
	vs_resolver_put(dns);
	errno = err;
	return code;
}
