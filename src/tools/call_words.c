/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "call_words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules/endpoint.h"
#include "rules/set.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *verb;
	enum vs_rules_stage stage;
} verbs[] = {
	{ "socket", VS_RULES_AT_SOCKET },
	{ "bind", VS_RULES_AT_BIND },
	{ "connect", VS_RULES_AT_CONNECT },
	{ "sendto", VS_RULES_AT_CONNECT },
};

struct reader {
	struct vs_call *call;
	struct vs_rules_endpoint local, remote;
	bool has_local, has_remote;
	char *problem;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int fail(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->problem, r->size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int read_endpoint(struct reader *r, const char *text, struct vs_rules_endpoint *out, bool *has)
{
	char problem[256];
	size_t at;

	if (*has)
		return fail(r, "\"%.60s\" is a second address; write one", text);
	if (vs_rules_endpoint_parse(text, out, problem, sizeof(problem), &at) != NULL)
		return fail(r, "\"%.60s\": %s", text, problem);
	if ((out->family == AF_INET && out->length != 32) ||
	    (out->family == AF_INET6 && out->length != 128) ||
	    (out->first != out->last && out->last != 65535))
		return fail(r,
			    "\"%.60s\" is not one address and port; write 10.1.2.3:443 or [2001:db8::1]:443",
			    text);
	*has = true;
	return 0;
}

/* What follows "key=" in the word, or NULL. */
static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

/* Words for family, type and protocol, with their key or without. */
static bool read_number(struct reader *r, const char *word)
{
	struct vs_rules_call *call = &r->call->call;
	const struct {
		enum vs_rules_kind kind;
		const char *key;
		int *to;
	} list[] = {
		{ VS_RULES_FAMILY, "family", &call->family },
		{ VS_RULES_TYPE, "type", &call->type },
		{ VS_RULES_PROTOCOL, "protocol", &call->protocol },
	};
	for (size_t i = 0; i < COUNT(list); i++) {
		const char *value = value_of(word, list[i].key);
		if (vs_rules_number(list[i].kind, value != NULL ? value : word, list[i].to))
			return true;
	}
	return false;
}

static int read_word(struct reader *r, const char *word)
{
	struct vs_rules_call *call = &r->call->call;
	const char *value;

	if ((value = value_of(word, "thread")) != NULL) {
		call->thread = value;
	} else if ((value = value_of(word, "name")) != NULL) {
		if (call->n_names == VS_CALL_NAMES_MAX)
			return fail(r, "more than %d names; leave some out", VS_CALL_NAMES_MAX);
		r->call->names[call->n_names++] = value;
	} else if ((value = value_of(word, "local")) != NULL) {
		return read_endpoint(r, value, &r->local, &r->has_local);
	} else if ((value = value_of(word, "remote")) != NULL) {
		return read_endpoint(r, value, &r->remote, &r->has_remote);
	} else if (!read_number(r, word)) {
		if (strpbrk(word, ".:") == NULL)
			return fail(r,
				    "unknown word \"%.60s\"; write inet, tcp, dgram..., an address, thread=, "
				    "name= or "
				    "local=",
				    word);
		return call->stage == VS_RULES_AT_BIND ? read_endpoint(r, word, &r->local, &r->has_local)
						       : read_endpoint(r, word, &r->remote, &r->has_remote);
	}
	return 0;
}

/* The address as a socket of the family has it. An address of IPv4 is mapped for one of IPv6. */
static const struct sockaddr *fill(const struct vs_rules_endpoint *e, int family, union vs_call_addr *addr)
{
	in_port_t port = htons(e->first);

	*addr = (union vs_call_addr){ 0 };
	if (family == AF_INET) {
		addr->in.sin_family = AF_INET;
		addr->in.sin_port = port;
		memcpy(&addr->in.sin_addr, e->bytes, 4);
		return &addr->sa;
	}
	addr->in6.sin6_family = AF_INET6;
	addr->in6.sin6_port = port;
	if (e->family == AF_INET6) {
		memcpy(&addr->in6.sin6_addr, e->bytes, 16);
	} else if (e->family == AF_INET) {
		memset(addr->in6.sin6_addr.s6_addr + 10, 0xff, 2);
		memcpy(addr->in6.sin6_addr.s6_addr + 12, e->bytes, 4);
	}
	return &addr->sa;
}

/* What follows from the other words. */
static void complete(struct reader *r)
{
	struct vs_rules_call *call = &r->call->call;
	int of_address = r->has_remote && r->remote.family != AF_UNSPEC ? r->remote.family : r->local.family;

	if (call->family == AF_UNSPEC)
		call->family = of_address != AF_UNSPEC            ? of_address
			       : call->protocol == IPPROTO_ICMPV6 ? AF_INET6
								  : AF_INET;
	if (call->type != 0)
		return;
	if (call->family == AF_PACKET || call->family == AF_NETLINK)
		call->type = SOCK_RAW;
	else if (call->protocol == IPPROTO_UDP || call->protocol == IPPROTO_ICMP ||
		 call->protocol == IPPROTO_ICMPV6)
		call->type = SOCK_DGRAM;
	else
		call->type = SOCK_STREAM;
}

static int take_addresses(struct reader *r)
{
	struct vs_rules_call *call = &r->call->call;
	bool inet = call->family == AF_INET, inet6 = call->family == AF_INET6;

	if ((r->has_local || r->has_remote) && !inet && !inet6)
		return fail(r, "a socket of this family has no such address; leave it out");
	if (inet && (r->local.family == AF_INET6 || r->remote.family == AF_INET6))
		return fail(r, "an address of IPv6 for a socket of IPv4; write inet6");
	if (call->stage == VS_RULES_AT_BIND && !r->has_local)
		return fail(r, "bind needs an address; write 10.1.2.3:80 or :80");
	if (call->stage == VS_RULES_AT_CONNECT && !r->has_remote && call->n_names == 0)
		return fail(r, "%s needs a destination; write 10.1.2.3:443 or name=www.example.org",
			    r->call->verb);
	if (r->has_local)
		call->local = fill(&r->local, call->family, &r->call->local);
	if (r->has_remote)
		call->remote = fill(&r->remote, call->family, &r->call->remote);
	return 0;
}

int vs_call_from_words(char *const words[], size_t n, struct vs_call *out, char *problem, size_t size)
{
	struct reader r = { .call = out, .problem = problem, .size = size };
	int result = 0;

	bool by_name = n > 0 && value_of(words[0], "name") != NULL;
	*out = (struct vs_call){ .verb = by_name ? "connect" : n > 0 ? words[0] : "" };
	out->call.names = out->names;
	size_t verb = 0;
	while (verb < COUNT(verbs) && strcmp(verbs[verb].verb, out->verb) != 0)
		verb++;
	if (verb == COUNT(verbs))
		return fail(&r, "\"%.60s\" is no call; write socket, bind, connect or sendto", out->verb);
	out->call.stage = verbs[verb].stage;
	for (size_t i = by_name ? 0 : 1; result == 0 && i < n; i++)
		result = read_word(&r, words[i]);
	complete(&r);
	return result == 0 ? take_addresses(&r) : result;
}
