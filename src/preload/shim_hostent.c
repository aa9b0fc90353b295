/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gethostbyname(3), gethostbyname2(3), gethostbyaddr(3) and their _r forms.
 *
 * The _r forms return as glibc's do:
 *
 *     found                  0, *result = the caller's struct
 *     no such name, no data  0, *result = NULL, *h_errnop
 *     buffer too small       ERANGE, *result = NULL, *h_errnop = NETDB_INTERNAL
 *     name servers fail      EAGAIN, *result = NULL, *h_errnop = TRY_AGAIN
 *
 * The others return static memory in libc, which the next call of any thread overwrites. Here it is a block
 * of the thread, which lives until the eighth call of that thread after it.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"
#include "shim_names.h"

/* ------------------------------------------------------------------ building a hostent */

/* What is left of the caller's buffer. */
struct room {
	char *at;
	size_t left;
};

static void *take(struct room *room, size_t size, size_t align)
{
	size_t skip = -(uintptr_t)room->at & (align - 1);

	if (room->left < skip || room->left - skip < size)
		return NULL;
	void *taken = room->at + skip;
	room->at += skip + size;
	room->left -= skip + size;
	return taken;
}

static char *take_text(struct room *room, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = take(room, size, 1);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* What a hostent is made of. */
struct facts {
	int family;
	const char *name, *alias; /* alias: NULL if there is none */
	const struct addrinfo *list;
	const void *addr; /* instead of a list: one */
};

static size_t length_of(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static const void *bytes_of(const struct addrinfo *ai)
{
	return ai->ai_family == AF_INET
		       ? (const void *)&((const struct sockaddr_in *)(const void *)ai->ai_addr)->sin_addr
		       : (const void *)&((const struct sockaddr_in6 *)(const void *)ai->ai_addr)->sin6_addr;
}

static bool copy_address(struct room *room, const void *from, size_t size, char **to)
{
	*to = take(room, size, sizeof(uint32_t));
	if (*to != NULL)
		memcpy(*to, from, size);
	return *to != NULL;
}

/* False: the buffer is too small. */
static bool build(struct hostent *host, struct room *room, const struct facts *facts)
{
	size_t n = 0, size = length_of(facts->family);

	for (const struct addrinfo *ai = facts->list; ai != NULL; ai = ai->ai_next)
		n++;
	char **addrs = take(room, (n + 2) * sizeof(char *), sizeof(char *));
	char **aliases = take(room, 2 * sizeof(char *), sizeof(char *));
	if (addrs == NULL || aliases == NULL)
		return false;
	n = 0;
	if (facts->addr != NULL && !copy_address(room, facts->addr, size, &addrs[n++]))
		return false;
	for (const struct addrinfo *ai = facts->list; ai != NULL; ai = ai->ai_next)
		if (!copy_address(room, bytes_of(ai), size, &addrs[n++]))
			return false;
	addrs[n] = NULL;
	aliases[0] = aliases[1] = NULL;
	if (facts->alias != NULL && (aliases[0] = take_text(room, facts->alias)) == NULL)
		return false;
	host->h_name = take_text(room, facts->name);
	host->h_aliases = aliases;
	host->h_addrtype = facts->family;
	host->h_length = (int)size;
	host->h_addr_list = addrs;
	return host->h_name != NULL;
}

/* ------------------------------------------------------------------ lookups */

static int h_error_of(int code)
{
	switch (code) {
	case EAI_NONAME:
		return HOST_NOT_FOUND;
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return NO_DATA;
	case EAI_AGAIN:
		return TRY_AGAIN;
	case EAI_MEMORY:
	case EAI_SYSTEM:
		return NETDB_INTERNAL;
	default:
		return NO_RECOVERY;
	}
}

/* What an _r form returns for an error of the resolver. */
static int fail(int code, int *h_errnop)
{
	*h_errnop = h_error_of(code);
	switch (*h_errnop) {
	case HOST_NOT_FOUND:
	case NO_DATA:
		return 0;
	case TRY_AGAIN:
		return EAGAIN;
	case NETDB_INTERNAL:
		return code == EAI_MEMORY ? ENOMEM : errno != 0 ? errno : EINVAL;
	default:
		return 0;
	}
}

static int finish(struct hostent *host, struct room *room, const struct facts *facts, struct hostent **result,
		  int *h_errnop)
{
	if (!build(host, room, facts)) {
		*h_errnop = NETDB_INTERNAL;
		return ERANGE;
	}
	*h_errnop = NETDB_SUCCESS;
	*result = host;
	return 0;
}

/* An address instead of a name: 0, or an error as EAI_...; 1: it is a name. */
static int read_literal(const char *name, int family, unsigned char addr[16])
{
	struct in_addr v4;

	if (family == AF_INET && inet_aton(name, &v4) != 0) {
		memcpy(addr, &v4, sizeof(v4));
		return 0;
	}
	if (family == AF_INET6 && inet_pton(AF_INET6, name, addr) == 1)
		return 0;
	/* An address of the other family is no name. */
	return strchr(name, ':') != NULL || inet_aton(name, &v4) != 0 ? EAI_NONAME : 1;
}

struct query {
	const char *name;
	int family;
	const void *addr; /* of gethostbyaddr(3) */
};

static int by_name(unsigned stack, const struct query *q, struct hostent *host, struct room *room,
		   struct hostent **result, int *h_errnop)
{
	VS_SHIM_INSIDE;
	struct addrinfo hints = { .ai_family = q->family,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_CANONNAME };
	struct addrinfo *list = NULL;
	unsigned char addr[16];
	int code = read_literal(q->name, q->family, addr);

	if (code == 0)
		return finish(host, room, &(struct facts){ q->family, q->name, NULL, NULL, addr }, result,
			      h_errnop);
	if (code == 1)
		code = q->name[0] != '\0' ? vs_shim_lookup(stack, q->name, NULL, &hints, &list) : EAI_FAIL;
	if (code != 0)
		return fail(code, h_errnop);
	const char *canonical = list->ai_canonname != NULL ? list->ai_canonname : q->name;
	bool same = strcasecmp(canonical, q->name) == 0;
	int r = finish(host, room, &(struct facts){ q->family, canonical, same ? NULL : q->name, list, NULL },
		       result, h_errnop);
	for (const struct addrinfo *ai = list; r == 0 && ai != NULL; ai = ai->ai_next)
		if (vs_shim_run.needs & VS_RULES_NEED_NAMES)
			vs_shim_known_add(q->name, ai->ai_addr);
	vs_shim_free_list(list);
	return r;
}

static int by_addr(unsigned stack, const struct query *q, struct hostent *host, struct room *room,
		   struct hostent **result, int *h_errnop)
{
	VS_SHIM_INSIDE;
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is_v4 = q->family == AF_INET;
	const struct sockaddr *sa = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
	socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
	char name[NI_MAXHOST];

	memcpy(is_v4 ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr, q->addr, length_of(q->family));
	int code = vs_shim_name_of(stack, sa, len, name, sizeof(name), NULL, 0, NI_NAMEREQD);
	if (code != 0)
		return fail(code, h_errnop);
	return finish(host, room, &(struct facts){ q->family, name, NULL, NULL, q->addr }, result, h_errnop);
}

/* A call of an _r form. VS_SHIM_LIBC is no errno: -1 is returned for it. */
static int answer(const struct query *q, struct hostent *host, char *buf, size_t size,
		  struct hostent **result, int *h_errnop)
{
	struct room room = { buf, size };
	unsigned stack;
	int r = vs_shim_whose(q->name, &stack);

	if (r == VS_SHIM_LIBC)
		return -1;
	*result = NULL;
	if (r < 0)
		r = fail(EAI_FAIL, h_errnop);
	else
		r = (q->name != NULL ? by_name : by_addr)(stack, q, host, &room, result, h_errnop);
	if (r != 0)
		errno = r;
	return r;
}

static bool is_inet(int family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool is_address(const void *addr, socklen_t len, int family)
{
	return addr != NULL && is_inet(family) && len == length_of(family);
}

/* ------------------------------------------------------------------ the _r forms */

VS_SHIM_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *host, char *buf,
				    size_t size, struct hostent **result, int *h_errnop)
{
	static _Atomic(__typeof__(&gethostbyname2_r)) next;
	const struct query q = { name, family, NULL };
	int r = is_inet(family) ? answer(&q, host, buf, size, result, h_errnop) : -1;

	return r >= 0 ? r
		      : VS_SHIM_LIBC_CALL(next, "gethostbyname2_r", ENOSYS, name, family, host, buf, size,
					  result, h_errnop);
}

VS_SHIM_EXPORT int gethostbyname_r(const char *name, struct hostent *host, char *buf, size_t size,
				   struct hostent **result, int *h_errnop)
{
	static _Atomic(__typeof__(&gethostbyname_r)) next;
	const struct query q = { name, AF_INET, NULL };
	int r = answer(&q, host, buf, size, result, h_errnop);

	return r >= 0 ? r
		      : VS_SHIM_LIBC_CALL(next, "gethostbyname_r", ENOSYS, name, host, buf, size, result,
					  h_errnop);
}

VS_SHIM_EXPORT int gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *host,
				   char *buf, size_t size, struct hostent **result, int *h_errnop)
{
	static _Atomic(__typeof__(&gethostbyaddr_r)) next;
	const struct query q = { NULL, family, addr };
	int r = is_address(addr, len, family) ? answer(&q, host, buf, size, result, h_errnop) : -1;

	return r >= 0 ? r
		      : VS_SHIM_LIBC_CALL(next, "gethostbyaddr_r", ENOSYS, addr, len, family, host, buf, size,
					  result, h_errnop);
}

/* ------------------------------------------------------------------ with static memory */

#define KEPT 8

struct kept {
	struct hostent host;
	char buf[];
};

/* The last results of a thread. A new one frees the oldest. */
struct ring {
	struct kept *last[KEPT];
	unsigned at;
};

static pthread_key_t key;
static bool has_key;

static void free_ring(void *arg)
{
	struct ring *ring = arg;

	for (unsigned i = 0; i < KEPT; i++)
		free(ring->last[i]);
	free(ring);
}

static void make_key(void)
{
	has_key = pthread_key_create(&key, free_ring) == 0;
}

/* This thread's, or NULL. */
static struct ring *my_ring(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_key);
	struct ring *ring = has_key ? pthread_getspecific(key) : NULL;
	if (ring != NULL || !has_key)
		return ring;
	ring = calloc(1, sizeof(*ring));
	if (ring != NULL && pthread_setspecific(key, ring) != 0) {
		free(ring);
		ring = NULL;
	}
	return ring;
}

/* NULL: no memory; the block is freed. */
static struct hostent *keep(struct kept *block)
{
	struct ring *ring = my_ring();

	if (ring == NULL) {
		free(block);
		return NULL;
	}
	struct kept **place = &ring->last[ring->at++ % KEPT];
	free(*place);
	*place = block;
	return &block->host;
}

/* The result, or NULL with h_errno. *libc: call libc's function. */
static struct hostent *answer_kept(const struct query *q, bool *libc)
{
	struct hostent *result = NULL;
	size_t size = 1024;
	int r, code = NETDB_INTERNAL;

	do {
		struct kept *block = malloc(sizeof(*block) + size);
		if (block == NULL)
			break;
		r = answer(q, &block->host, block->buf, size, &result, &code);
		*libc = r < 0;
		if (result != NULL)
			return keep(block);
		free(block);
		size *= 2;
	} while (r == ERANGE && size < 1024 * 1024);
	if (!*libc)
		h_errno = code;
	return NULL;
}

VS_SHIM_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
	static _Atomic(__typeof__(&gethostbyname2)) next;
	const struct query q = { name, family, NULL };
	bool libc = !is_inet(family);
	struct hostent *host = libc ? NULL : answer_kept(&q, &libc);

	return libc ? VS_SHIM_LIBC_CALL(next, "gethostbyname2", NULL, name, family) : host;
}

VS_SHIM_EXPORT struct hostent *gethostbyname(const char *name)
{
	static _Atomic(__typeof__(&gethostbyname)) next;
	const struct query q = { name, AF_INET, NULL };
	bool libc = false;
	struct hostent *host = answer_kept(&q, &libc);

	return libc ? VS_SHIM_LIBC_CALL(next, "gethostbyname", NULL, name) : host;
}

VS_SHIM_EXPORT struct hostent *gethostbyaddr(const void *addr, socklen_t len, int family)
{
	static _Atomic(__typeof__(&gethostbyaddr)) next;
	const struct query q = { NULL, family, addr };
	bool libc = !is_address(addr, len, family);
	struct hostent *host = libc ? NULL : answer_kept(&q, &libc);

	return libc ? VS_SHIM_LIBC_CALL(next, "gethostbyaddr", NULL, addr, len, family) : host;
}
