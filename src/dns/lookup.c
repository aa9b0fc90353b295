/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A node becomes addresses by the first of these ways that applies: no node at all (any address, or loopback); an
 * address as text; "localhost"; the hosts file; the name servers.
 *
 * Name servers are asked for one name after the other: the name as it is, and with each domain of the search list.
 * For each name the types (A, AAAA) are asked at the same time. A type that is kept in the cache is not asked.
 * The first name that has addresses ends the lookup. So does a silence of all servers: they would be silent for
 * the next name, too.
 */

#include "lookup.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "error.h"
#include "lane.h"
#include "literal.h"

#define FLAGS                                                                                                \
	(AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV)

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ ends */

__attribute__((format(printf, 3, 4))) static void fail(struct vdestack_dns_lookup *l, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(l->message, sizeof(l->message), fmt, args);
	va_end(args);
	l->code = code;
	l->done = true;
}

/* Ends with the message of the thread. */
static void fail_told(struct vdestack_dns_lookup *l, int code)
{
	l->err = errno;
	fail(l, code, "%s", vdestack_dns_last_error());
}

static void fail_errno(struct vdestack_dns_lookup *l, int err)
{
	l->err = err;
	fail(l, err == ENOMEM ? EAI_MEMORY : EAI_SYSTEM, "%s: %s", l->name, strerrordesc_np(err));
}

/* Ends with addresses, which are freed. */
static void succeed(struct vdestack_dns_lookup *l, struct vs_addresses *a, bool sort, bool mapped, const char *canonical)
{
	int err = sort ? vs_addresses_sort(a, l->dns) : 0;

	if (err == 0) {
		l->res = vs_addresses_list(a, l->targets, l->n_targets, mapped,
					   l->hints.ai_flags & AI_CANONNAME ? canonical : NULL);
		err = l->res == NULL ? -ENOMEM : 0;
	}
	vs_addresses_free(a);
	if (err < 0) {
		fail_errno(l, -err);
		return;
	}
	l->code = 0;
	l->done = true;
}

/* ------------------------------------------------------------------ families */

static bool wants(const struct vdestack_dns_lookup *l, int family)
{
	return l->hints.ai_family == AF_UNSPEC || l->hints.ai_family == family;
}

static bool wants_mapped(const struct vdestack_dns_lookup *l)
{
	return l->hints.ai_family == AF_INET6 && (l->hints.ai_flags & AI_V4MAPPED);
}

/* AI_ADDRCONFIG: families that the stack has no address of are not asked for. False: the lookup has ended. */
static bool apply_addrconfig(struct vdestack_dns_lookup *l)
{
	bool v4, v6;

	if (!(l->hints.ai_flags & AI_ADDRCONFIG))
		return true;
	v4 = vs_resolver_has_family(l->dns, AF_INET);
	v6 = vs_resolver_has_family(l->dns, AF_INET6);
	if (l->hints.ai_family == AF_UNSPEC) {
		if (v4 != v6)
			l->hints.ai_family = v4 ? AF_INET : AF_INET6;
		return true;
	}
	if (l->hints.ai_family == AF_INET ? v4 : v6)
		return true;
	if (wants_mapped(l) && v4)
		return true;
	fail(l, EAI_NONAME, "the stack has no IPv%d address (AI_ADDRCONFIG)", l->hints.ai_family == AF_INET ? 4 : 6);
	return false;
}

/* Removes IPv4 addresses that a hint for IPv6 does not want. Says whether those that are left become mapped ones. */
static bool choose_mapped(const struct vdestack_dns_lookup *l, struct vs_addresses *a)
{
	bool any_v6 = false;
	size_t n = 0;

	if (!wants_mapped(l))
		return false;
	for (size_t i = 0; i < a->n; i++)
		any_v6 |= a->list[i].family == AF_INET6;
	if (!any_v6 || (l->hints.ai_flags & AI_ALL))
		return true;
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].family == AF_INET6)
			a->list[n++] = a->list[i];
	a->n = n;
	return true;
}

/* ------------------------------------------------------------------ without name servers */

/* Both families of a fixed address, as far as they are wanted. */
static void succeed_fixed(struct vdestack_dns_lookup *l, const struct in6_addr *v6, uint32_t v4, bool v4_first,
			  const char *canonical)
{
	struct vs_addresses a = { 0 };
	int err = 0;

	v4 = htonl(v4);
	if (wants(l, AF_INET) && v4_first)
		err |= vs_addresses_add(&a, AF_INET, &v4, 0);
	if (wants(l, AF_INET6))
		err |= vs_addresses_add(&a, AF_INET6, v6, 0);
	if (wants(l, AF_INET) && !v4_first)
		err |= vs_addresses_add(&a, AF_INET, &v4, 0);
	if (err < 0) {
		vs_addresses_free(&a);
		fail_errno(l, ENOMEM);
		return;
	}
	succeed(l, &a, false, false, canonical);
}

static void answer_no_node(struct vdestack_dns_lookup *l)
{
	bool passive = l->hints.ai_flags & AI_PASSIVE;

	if (apply_addrconfig(l))
		succeed_fixed(l, passive ? &in6addr_any : &in6addr_loopback, passive ? INADDR_ANY : INADDR_LOOPBACK,
			      passive, NULL);
}

/* An address as text. False: it is none. */
static bool answer_literal(struct vdestack_dns_lookup *l)
{
	struct vs_literal literal;
	struct vs_addresses a = { 0 };
	int err = vs_literal_parse(vs_resolver_stack(l->dns), l->name, &literal);

	if (err < 0) {
		if (err == -EINVAL)
			return false;
		fail(l, EAI_NONAME, "%s: the stack has no interface of that name", l->name);
		return true;
	}
	bool mapped = literal.family == AF_INET && wants_mapped(l);
	if (!wants(l, literal.family) && !mapped) {
		fail(l, EAI_ADDRFAMILY, "%s is no IPv%d address", l->name, l->hints.ai_family == AF_INET ? 4 : 6);
		return true;
	}
	if (vs_addresses_add(&a, literal.family, literal.bytes, literal.scope_id) < 0)
		fail_errno(l, ENOMEM);
	else
		succeed(l, &a, false, mapped, l->name);
	return true;
}

/* The hosts file. False: it does not have the name. */
static bool answer_hosts(struct vdestack_dns_lookup *l)
{
	struct vs_host hosts[64];
	char canonical[256] = "";
	struct vs_addresses a = { 0 };
	size_t n = vs_resolver_hosts_find(l->dns, l->name, hosts, 64, canonical);
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (wants(l, hosts[i].family) || wants_mapped(l))
			err |= vs_addresses_add(&a, hosts[i].family, hosts[i].bytes, 0);
	if (err < 0) {
		vs_addresses_free(&a);
		fail_errno(l, ENOMEM);
		return true;
	}
	if (a.n == 0) {
		vs_addresses_free(&a);
		return false; /* a name server may know one of the wanted family */
	}
	bool mapped = choose_mapped(l, &a);
	succeed(l, &a, true, mapped, canonical[0] != '\0' ? canonical : l->name);
	return true;
}

/* Names that never go to a name server: RFC 6761 section 6.3 and 6.4, RFC 7686. */
static bool answer_special(struct vdestack_dns_lookup *l)
{
	if (vs_name_ends_in(l->name, "localhost")) {
		if (apply_addrconfig(l))
			succeed_fixed(l, &in6addr_loopback, INADDR_LOOPBACK, false, l->name);
		return true;
	}
	if (vs_name_ends_in(l->name, "invalid") || vs_name_ends_in(l->name, "onion")) {
		fail(l, EAI_NONAME, "%s: names of this kind are not in the DNS", l->name);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------ names that are tried */

/* Writes the next name to try. False: there is none. */
static bool next_candidate(struct vdestack_dns_lookup *l, char name[VS_NAME_WIRE_MAX + 2])
{
	uint8_t wire[VS_NAME_WIRE_MAX];
	size_t n = l->only_as_is ? 1 : l->settings.n_search + 1;

	while (l->candidate < n) {
		size_t i = l->candidate++;
		size_t as_is = l->only_as_is || l->as_is_first ? 0 : n - 1;
		const char *domain = NULL;
		if (i != as_is)
			domain = l->settings.search + l->settings.domains[l->as_is_first ? i - 1 : i];
		int len = domain != NULL ? snprintf(name, VS_NAME_WIRE_MAX + 2, "%s.%s", l->name, domain)
					 : snprintf(name, VS_NAME_WIRE_MAX + 2, "%s", l->name);
		if (len < VS_NAME_WIRE_MAX + 2 && vs_name_pack(name, wire) > 0)
			return true;
	}
	return false;
}

static void choose_candidates(struct vdestack_dns_lookup *l)
{
	int dots = 0, ndots = l->settings.ndots >= 0 ? l->settings.ndots : 1;
	size_t n = strlen(l->name);

	for (const char *at = l->name; *at != '\0'; at++)
		dots += *at == '.';
	l->as_is_first = dots >= ndots;
	l->only_as_is = l->of_type || l->name[n - 1] == '.' ||
			(vs_resolver_opts(l->dns)->flags & VDESTACK_DNS_NO_SEARCH);
}

/* ------------------------------------------------------------------ asking */

static void drop_answers(struct vdestack_dns_lookup *l)
{
	for (int i = 0; i < 2; i++) {
		vs_answer_unref(l->answers[i]);
		l->answers[i] = NULL;
	}
}

/* A kept answer; one that is handed out has the TTLs of now. */
static struct vs_answer *recall(struct vdestack_dns_lookup *l, const char *name, int type)
{
	uint32_t age_s;
	struct vs_answer *kept = vs_resolver_recall(l->dns, name, type, &age_s);

	if (kept == NULL || !l->of_type || age_s == 0)
		return kept;
	struct vs_answer *aged = vs_answer_new(kept->face.message, kept->face.message_size, type, age_s);
	vs_answer_unref(kept);
	return aged;
}

static void fail_no_server(struct vdestack_dns_lookup *l)
{
	const char *file = vs_resolver_opts(l->dns)->resolv_conf;

	if (l->settings.refused[0] != '\0')
		fail(l, EAI_AGAIN,
		     "%s: the name server %s of %s is a loopback address of the host, which a stack does not reach: "
		     "name another server (dns=, or the option servers)",
		     l->name, l->settings.refused, file);
	else if (file != NULL)
		fail(l, EAI_AGAIN, "%s: %s names no name server, or cannot be read", l->name, file);
	else
		fail(l, EAI_AGAIN, "%s: the stack has no name server (dns=, dhcp, or the option servers)", l->name);
}

/* Asks for the types of a name that are not kept. False: the lookup has ended. */
static bool ask(struct vdestack_dns_lookup *l, const char *name)
{
	for (int i = 0; i < l->n_types; i++) {
		l->answers[i] = recall(l, name, l->types[i]);
		if (l->answers[i] != NULL)
			continue;
		if (l->settings.n_servers == 0) {
			fail_no_server(l);
			return false;
		}
		if (l->lane == NULL) {
			l->lane = vs_resolver_take_lane(l->dns);
			if (l->lane == NULL) {
				fail_errno(l, ENOMEM);
				return false;
			}
			vs_lane_set_epoll(l->lane, l->epoll_fd);
		}
		int err = vs_lane_ask(l->lane, i, name, l->types[i]);
		if (err < 0) {
			vs_lane_cancel(l->lane);
			fail_errno(l, -err);
			return false;
		}
	}
	return true;
}

static void fail_servers(struct vdestack_dns_lookup *l, const char *what)
{
	char failures[384];

	vs_lane_failures(l->lane, failures, sizeof(failures));
	fail(l, EAI_AGAIN, "%s: %s%s", l->name, what, failures);
}

static void fail_unknown(struct vdestack_dns_lookup *l)
{
	if (l->saw_failure)
		fail_servers(l, "");
	else if (l->saw_nodata)
		fail(l, EAI_NODATA, "%s: the name exists, and has no %s", l->name,
		     l->of_type ? "records of this type" : "address of this kind");
	else
		fail(l, EAI_NONAME, "%s: there is no such name", l->name);
}

/* ------------------------------------------------------------------ results */

/* The addresses of all answers. canonical: the owner of the first ones. */
static int collect(const struct vdestack_dns_lookup *l, struct vs_addresses *a, const char **canonical)
{
	for (int i = 0; i < l->n_types; i++) {
		const struct vs_answer *answer = l->answers[i];
		if (answer == NULL || answer->kind != VS_MESSAGE_FOUND)
			continue;
		if (*canonical == NULL && vs_name_is_host(answer->face.name))
			*canonical = answer->face.name;
		int family = l->types[i] == ns_t_a ? AF_INET : AF_INET6;
		for (size_t n = 0; n < answer->face.n; n++)
			if (vs_addresses_add(a, family, answer->face.records[n].data, 0) < 0)
				return -ENOMEM;
	}
	return 0;
}

static void succeed_addresses(struct vdestack_dns_lookup *l)
{
	struct vs_addresses a = { 0 };
	const char *canonical = NULL;

	if (collect(l, &a, &canonical) < 0) {
		vs_addresses_free(&a);
		fail_errno(l, ENOMEM);
		return;
	}
	bool mapped = choose_mapped(l, &a);
	succeed(l, &a, true, mapped, canonical != NULL ? canonical : l->name);
}

/* All types of a name have an answer, or have failed. Ends the lookup, or leaves it to the next name. */
static void judge(struct vdestack_dns_lookup *l)
{
	bool found = false, failed = false;

	for (int i = 0; i < l->n_types; i++) {
		const struct vs_answer *answer = l->answers[i];
		failed |= answer == NULL;
		found |= answer != NULL && answer->kind == VS_MESSAGE_FOUND;
		l->saw_nodata |= answer != NULL && answer->kind == VS_MESSAGE_NODATA;
	}
	if (found && l->of_type) {
		l->answer = l->answers[0];
		l->answers[0] = NULL;
		l->code = 0;
		l->done = true;
	} else if (found) {
		succeed_addresses(l);
	} else if (failed) {
		l->saw_failure = true;
		if (vs_lane_socket_error(l->lane) != 0)
			fail_errno(l, vs_lane_socket_error(l->lane));
		else if (vs_lane_silent(l->lane))
			fail_servers(l, "");
	}
}

/* Goes on until a server has to answer, or the lookup has ended. */
static void advance(struct vdestack_dns_lookup *l)
{
	char name[VS_NAME_WIRE_MAX + 2];

	while (!l->done) {
		drop_answers(l);
		if (!next_candidate(l, name)) {
			fail_unknown(l);
			return;
		}
		if (!ask(l, name))
			return;
		if (l->lane != NULL && vs_lane_busy(l->lane)) {
			memcpy(l->asked, name, sizeof(l->asked));
			return;
		}
		judge(l);
	}
}

void vs_lookup_ask(struct vdestack_dns_lookup *l, int epoll_fd)
{
	l->epoll_fd = epoll_fd;
	advance(l);
}

static void take_answers(struct vdestack_dns_lookup *l)
{
	for (int i = 0; i < l->n_types; i++) {
		if (l->answers[i] != NULL)
			continue; /* from the cache */
		l->answers[i] = vs_lane_take(l->lane, i);
		if (l->answers[i] != NULL)
			vs_resolver_keep(l->dns, &l->epoch, l->asked, l->types[i], l->answers[i]);
	}
}

void vs_lookup_step(struct vdestack_dns_lookup *l)
{
	if (l->done)
		return;
	if (vs_lane_busy(l->lane) && now_ms() >= l->deadline_ms) {
		vs_lane_cancel(l->lane);
		fail_servers(l, "the time limit has passed; ");
		return;
	}
	if (vs_lane_busy(l->lane))
		return;
	take_answers(l);
	judge(l);
	advance(l);
}

int vs_lookup_due_ms(struct vdestack_dns_lookup *l)
{
	int due = vs_lane_due_ms(l->lane);

	if (l->deadline_ms == INT64_MAX)
		return due;
	int64_t left = l->deadline_ms - now_ms();
	if (left < 0)
		left = 0;
	return due >= 0 && due < left ? due : (int)left;
}

int vs_lookup_finish(struct vdestack_dns_lookup *l)
{
	if (!l->done)
		vs_lookup_ask(l, -1);
	while (!l->done) {
		vs_lane_wait(l->lane, vs_lookup_due_ms(l));
		vs_lookup_step(l);
	}
	return vs_lookup_report(l);
}

int vs_lookup_report(const struct vdestack_dns_lookup *l)
{
	if (l->code == 0)
		return 0;
	vs_dns_error_set("%s", l->message);
	if (l->code == EAI_SYSTEM)
		errno = l->err;
	return l->code;
}

/* ------------------------------------------------------------------ beginnings */

static void begin(struct vdestack_dns_lookup *l, struct vdestack_dns *dns)
{
	/* Not all of it: the settings are large, and are written before they are read. */
	memset(l, 0, offsetof(struct vdestack_dns_lookup, settings));
	memset(&l->candidate, 0, sizeof(*l) - offsetof(struct vdestack_dns_lookup, candidate));
	l->dns = dns;
	l->epoll_fd = l->timer_fd = -1;
	int limit = vs_resolver_opts(dns)->deadline_ms;
	l->deadline_ms = limit < 0 ? INT64_MAX : now_ms() + limit;
}

/* Copies a name. False: it is no name, and the lookup has ended. */
static bool take_name(struct vdestack_dns_lookup *l, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof(l->name)) {
		fail(l, EAI_NONAME, "a name has 1 to 255 bytes, this one has %zu", n);
		return false;
	}
	memcpy(l->name, name, n + 1);
	return true;
}

static bool check_name(struct vdestack_dns_lookup *l)
{
	uint8_t wire[VS_NAME_WIRE_MAX];

	if (vs_name_pack(l->name, wire) > 0)
		return true;
	fail(l, EAI_NONAME, "\"%s\" is no domain name", l->name);
	return false;
}

static bool check_hints(struct vdestack_dns_lookup *l, const char *node, const char *service)
{
	const struct addrinfo *h = &l->hints;

	if (node == NULL && service == NULL)
		fail(l, EAI_NONAME, "neither node nor service is given");
	else if (h->ai_flags & ~FLAGS)
		fail(l, EAI_BADFLAGS, "flags that are not supported: 0x%x", (unsigned)(h->ai_flags & ~FLAGS));
	else if (node == NULL && (h->ai_flags & AI_CANONNAME))
		fail(l, EAI_BADFLAGS, "AI_CANONNAME without a node");
	else if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET && h->ai_family != AF_INET6)
		fail(l, EAI_FAMILY, "the address family %d is not supported", h->ai_family);
	return !l->done;
}

static void choose_types(struct vdestack_dns_lookup *l)
{
	if (wants(l, AF_INET) || wants_mapped(l))
		l->types[l->n_types++] = ns_t_a;
	if (wants(l, AF_INET6))
		l->types[l->n_types++] = ns_t_aaaa;
}

static bool refresh(struct vdestack_dns_lookup *l, bool addresses)
{
	int err = vs_resolver_refresh(l->dns, addresses, &l->epoch);

	if (err < 0) {
		errno = -err;
		fail_told(l, err == -ENOMEM ? EAI_MEMORY : EAI_SYSTEM);
	}
	return err == 0;
}

void vs_lookup_begin(struct vdestack_dns_lookup *l, struct vdestack_dns *dns, const char *node, const char *service,
		     const struct addrinfo *hints)
{
	begin(l, dns);
	if (hints != NULL) {
		l->hints.ai_flags = hints->ai_flags;
		l->hints.ai_family = hints->ai_family;
		l->hints.ai_socktype = hints->ai_socktype;
		l->hints.ai_protocol = hints->ai_protocol;
	} else {
		l->hints.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG;
	}
	if (!check_hints(l, node, service))
		return;
	l->n_targets = vs_targets_find(dns, service, &l->hints, l->targets);
	if (l->n_targets < 0) {
		fail_told(l, l->n_targets);
		return;
	}
	if (node != NULL && !take_name(l, node))
		return;
	if (node != NULL && answer_literal(l))
		return;
	if (node != NULL && (l->hints.ai_flags & AI_NUMERICHOST)) {
		fail(l, EAI_NONAME, "\"%s\" is no address (AI_NUMERICHOST)", node);
		return;
	}
	if (!refresh(l, true))
		return;
	if (node == NULL) {
		answer_no_node(l);
		return;
	}
	if (!check_name(l) || answer_special(l) || !apply_addrconfig(l) || answer_hosts(l))
		return;
	vs_resolver_settings(dns, &l->settings);
	choose_types(l);
	choose_candidates(l);
}

void vs_lookup_begin_type(struct vdestack_dns_lookup *l, struct vdestack_dns *dns, const char *name, int type)
{
	begin(l, dns);
	l->of_type = true;
	if (type < 1 || type > 65535) {
		fail(l, EAI_NONAME, "%d is no type of records", type);
		return;
	}
	if (!take_name(l, name) || !check_name(l) || !refresh(l, false))
		return;
	vs_resolver_settings(dns, &l->settings);
	l->types[l->n_types++] = type;
	choose_candidates(l);
}

void vs_lookup_end(struct vdestack_dns_lookup *l)
{
	drop_answers(l);
	if (l->lane != NULL) {
		vs_lane_cancel(l->lane);
		vs_lane_set_epoll(l->lane, -1);
		vs_resolver_return_lane(l->dns, l->lane);
	}
	vdestack_freeaddrinfo(l->res);
	vs_answer_unref(l->answer);
}
