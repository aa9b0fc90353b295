/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Addresses and records of names. The resolver of libvdestack-dns does the work; here its results become
 * those of this library. A list of addresses is copied to where the caller has room. A reply is shown record
 * by record from a copy of its own, which the caller's function may change: the resolver's copy is shared
 * with other threads.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "resolver.h"

/* What a call without addresses or records returns for a code of the resolver: 0, or -1 with errno. */
static int without_result(int code)
{
	static const struct {
		int code, err;
	} known[] = {
		{ EAI_NODATA, 0 },     { EAI_ADDRFAMILY, 0 }, { EAI_NONAME, ENOENT },
		{ EAI_AGAIN, EAGAIN }, { EAI_FAIL, EAGAIN },  { EAI_MEMORY, ENOMEM },
	};
	int err = code == EAI_SYSTEM ? errno : EINVAL;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].code == code)
			err = known[i].err;
	if (err == 0)
		return 0;
	errno = err;
	return -1;
}

/* ------------------------------------------------------------------ addresses */

/* AF_UNSPEC asks for both families at the same time. NULL: *result is what the caller returns. */
static struct addrinfo *addresses_of(struct iothdns *iothdns, const char *name, int family, int *result)
{
	const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
	struct vs_iothdns_set *set = vs_iothdns_get(iothdns);
	struct addrinfo *list = NULL;

	*result = -1;
	if (set == NULL)
		return NULL;
	int code = vdestack_dns_getaddrinfo(vs_iothdns_of(set, VS_IOTHDNS_PLAIN), name, NULL, &hints, &list);
	vs_iothdns_put(set);
	if (code == 0)
		return list;
	*result = without_result(code);
	return NULL;
}

static bool is_request(const char *name, const void *to, int n)
{
	if (name != NULL && n >= 0 && (to != NULL || n == 0))
		return true;
	errno = EINVAL;
	return false;
}

int iothdns_lookup_a(struct iothdns *iothdns, const char *name, struct in_addr *a, int n)
{
	int found = 0, result;

	if (!is_request(name, a, n))
		return -1;
	struct addrinfo *list = addresses_of(iothdns, name, AF_INET, &result);
	if (list == NULL)
		return result;
	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next, found++)
		if (found < n)
			a[found] = ((const struct sockaddr_in *)(const void *)at->ai_addr)->sin_addr;
	vdestack_freeaddrinfo(list);
	return found;
}

/* An address of IPv4 becomes ::ffff:a.b.c.d. */
static struct in6_addr as_ipv6(const struct sockaddr *addr)
{
	struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (addr->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
	memcpy(&mapped.s6_addr[12], &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
	return mapped;
}

/* family: AF_INET6, or AF_UNSPEC for the addresses of IPv4 behind those of IPv6. */
static int look_up_ipv6(struct iothdns *iothdns, const char *name, int family, struct in6_addr *to, int n)
{
	static const int order[] = { AF_INET6, AF_INET };
	int found = 0, result;

	if (!is_request(name, to, n))
		return -1;
	struct addrinfo *list = addresses_of(iothdns, name, family, &result);
	if (list == NULL)
		return result;
	for (size_t i = 0; i < 2; i++)
		for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
			if (at->ai_family != order[i])
				continue;
			if (found < n)
				to[found] = as_ipv6(at->ai_addr);
			found++;
		}
	vdestack_freeaddrinfo(list);
	return found;
}

int iothdns_lookup_aaaa(struct iothdns *iothdns, const char *name, struct in6_addr *aaaa, int n)
{
	return look_up_ipv6(iothdns, name, AF_INET6, aaaa, n);
}

int iothdns_lookup_aaaa_compat(struct iothdns *iothdns, const char *name, struct in6_addr *aaaa, int n)
{
	return look_up_ipv6(iothdns, name, AF_UNSPEC, aaaa, n);
}

/* ------------------------------------------------------------------ records */

/* Returns 0, or -1 with errno: the reply is malformed behind what was shown. */
static int show(struct iothdns_pkt *reply, lookup_cb_t *lookup_cb, void *arg)
{
	char owner[IOTHDNS_MAXNAME];
	struct iothdns_rr rr;

	for (;;) {
		int section = iothdns_get_rr(reply, &rr, owner);
		if (section == 0)
			break;
		if (lookup_cb(section, &rr, reply, arg) != 0)
			return 0;
	}
	if (reply->error == 0)
		return 0;
	errno = reply->error;
	return -1;
}

static int show_answer(const struct vdestack_dns_answer *answer, lookup_cb_t *lookup_cb, void *arg)
{
	char qname[IOTHDNS_MAXNAME];
	struct iothdns_header h;
	int result = -1;

	void *copy = malloc(answer->message_size);
	if (copy == NULL)
		return -1;
	memcpy(copy, answer->message, answer->message_size);
	struct iothdns_pkt *reply = iothdns_get_header(&h, copy, answer->message_size, qname);
	if (reply != NULL)
		result = show(reply, lookup_cb, arg);
	int err = errno;
	iothdns_free(reply);
	free(copy);
	errno = err;
	return result;
}

static int look_up_records(struct iothdns *iothdns, const char *name, int qtype, bool tcp,
			   lookup_cb_t *lookup_cb, void *arg)
{
	/* All records of a name may be many, and servers refuse to send them by UDP (RFC 8482). */
	enum vs_iothdns_kind kind = tcp || qtype == IOTHDNS_TYPE_ANY ? VS_IOTHDNS_TCP : VS_IOTHDNS_PLAIN;
	const struct vdestack_dns_answer *answer = NULL;

	if (name == NULL || lookup_cb == NULL) {
		errno = EINVAL;
		return -1;
	}
	struct vs_iothdns_set *set = vs_iothdns_get(iothdns);
	if (set == NULL)
		return -1;
	int code = vdestack_dns_query(vs_iothdns_of(set, kind), name, qtype, &answer);
	vs_iothdns_put(set);
	if (code != 0)
		return without_result(code);
	int result = show_answer(answer, lookup_cb, arg);
	int err = errno;
	vdestack_dns_free_answer(answer);
	errno = err;
	return result;
}

int iothdns_lookup_cb(struct iothdns *iothdns, const char *name, int qtype, lookup_cb_t *lookup_cb, void *arg)
{
	return look_up_records(iothdns, name, qtype, false, lookup_cb, arg);
}

int iothdns_lookup_cb_tcp(struct iothdns *iothdns, const char *name, int qtype, lookup_cb_t *lookup_cb,
			  void *arg)
{
	return look_up_records(iothdns, name, qtype, true, lookup_cb, arg);
}

/* ------------------------------------------------------------------ getaddrinfo and getnameinfo */

int iothdns_getaddrinfo(struct iothdns *iothdns, const char *node, const char *service,
			const struct addrinfo *hints, struct addrinfo **res)
{
	struct vs_iothdns_set *set = vs_iothdns_get(iothdns);

	if (set == NULL)
		return EAI_SYSTEM;
	int code = vdestack_dns_getaddrinfo(vs_iothdns_of(set, VS_IOTHDNS_FILES), node, service, hints, res);
	vs_iothdns_put(set);
	/* As glibc does. */
	for (struct addrinfo *at = code == 0 && hints != NULL ? *res : NULL; at != NULL; at = at->ai_next)
		at->ai_flags = hints->ai_flags;
	return code;
}

void iothdns_freeaddrinfo(struct addrinfo *res)
{
	vdestack_freeaddrinfo(res);
}

const char *iothdns_gai_strerror(int errcode)
{
	return gai_strerror(errcode);
}

int iothdns_getnameinfo(struct iothdns *iothdns, const struct sockaddr *addr, socklen_t addrlen, char *host,
			socklen_t hostlen, char *serv, socklen_t servlen, int flags)
{
	struct vs_iothdns_set *set = vs_iothdns_get(iothdns);

	if (set == NULL)
		return EAI_SYSTEM;
	int code = vdestack_dns_getnameinfo(vs_iothdns_of(set, VS_IOTHDNS_FILES), addr, addrlen, host,
					    hostlen, serv, servlen, flags);
	vs_iothdns_put(set);
	return code;
}
