/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A node becomes addresses by the first of these ways that applies: no node at all (any address, or
 * loopback); an address as text; "localhost"; the hosts file; the name servers.
 *
 * Name servers are asked for one name after the other: the name as it is, and with each domain of the search
 * list. For each name the types (A, AAAA) are asked at the same time. A type that is kept in the cache is
 * not asked. The first name that has addresses ends the lookup. So does a silence of all servers: they would
 * be silent for the next name, too.
 */

#include "lookup.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "error.h"
#include "group.h"
#include "lane.h"
#include "local.h"
#include "outcome.h"

#define FLAGS                                                                                                \
	(AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV)

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

	for (const char *at = l->name; *at != '\0'; at++)
		dots += *at == '.';
	l->as_is_first = dots >= ndots;
	l->only_as_is = l->of_type || vs_name_is_absolute(l->name) ||
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

/* A kept answer; one that is returned has the TTLs that are left. */
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
		vs_outcome_fail(l, EAI_AGAIN,
				"%s: the name server %s of %s is a loopback address of the host, which a "
				"stack does not reach: "
				"name another server (dns=, or the option servers)",
				l->name, l->settings.refused, file);
	else if (file != NULL)
		vs_outcome_fail(l, EAI_AGAIN, "%s: %s names no name server, or cannot be read", l->name,
				file);
	else
		vs_outcome_fail(l, EAI_AGAIN,
				"%s: the stack has no name server (dns=, dhcp, or the option servers)",
				l->name);
}

/* Joins a lane. False: out of memory. */
static bool join(struct vdestack_dns_lookup *l)
{
	struct vs_lane *lane;

	if (l->asker.lane != NULL)
		return true;
	lane = l->group != NULL ? vs_group_take_lane(l->group, l) : vs_resolver_take_lane(l->dns);
	if (lane == NULL)
		return false;
	vs_asker_join(&l->asker, lane);
	return true;
}

/* Asks for the types of a name that are not kept. False: the lookup has ended. */
static bool ask(struct vdestack_dns_lookup *l, const char *name)
{
	bool share = !(vs_resolver_opts(l->dns)->flags & VDESTACK_DNS_NO_CACHE);

	for (int i = 0; i < l->n_types; i++) {
		l->answers[i] = recall(l, name, l->types[i]);
		if (l->answers[i] != NULL)
			continue;
		if (l->settings.n_servers == 0) {
			fail_no_server(l);
			return false;
		}
		int err = join(l) ? vs_asker_ask(&l->asker, i, name, l->types[i], share) : -ENOMEM;
		if (err < 0) {
			vs_asker_cancel(&l->asker);
			vs_outcome_fail_errno(l, -err);
			return false;
		}
	}
	return true;
}

static void fail_servers(struct vdestack_dns_lookup *l, const char *what)
{
	char failures[384];

	vs_asker_failures(&l->asker, failures, sizeof(failures));
	vs_outcome_fail(l, EAI_AGAIN, "%s: %s%s", l->name, what, failures);
}

static void fail_unknown(struct vdestack_dns_lookup *l)
{
	if (l->saw_nodata)
		vs_outcome_fail(l, EAI_NODATA, "%s: the name exists, and has no %s", l->name,
		     l->of_type ? "records of this type" : "address of this kind");
	else if (l->saw_failure)
		fail_servers(l, "");
	else
		vs_outcome_fail(l, EAI_NONAME, "%s: there is no such name", l->name);
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
		vs_outcome_fail_errno(l, ENOMEM);
		return;
	}
	bool mapped = vs_outcome_choose_mapped(l, &a);
	vs_outcome_succeed(l, &a, true, mapped, canonical != NULL ? canonical : l->name);
}

/* All types of a name have an answer, or have failed. Ends the lookup, or leaves it to the next name. */
static void judge(struct vdestack_dns_lookup *l)
{
	bool found = false, failed = false, nodata = false;

	for (int i = 0; i < l->n_types; i++) {
		const struct vs_answer *answer = l->answers[i];
		failed |= answer == NULL;
		found |= answer != NULL && answer->kind == VS_MESSAGE_FOUND;
		nodata |= answer != NULL && answer->kind == VS_MESSAGE_NODATA;
	}
	/* A name that exists tells more than a failure for another name of the search list. */
	l->saw_nodata |= nodata && !failed;
	if (found && l->of_type) {
		l->answer = l->answers[0];
		l->answers[0] = NULL;
		l->code = 0;
		l->done = true;
	} else if (found) {
		succeed_addresses(l);
	} else if (failed) {
		l->saw_failure = true;
		if (vs_asker_socket_error(&l->asker) != 0)
			vs_outcome_fail_errno(l, vs_asker_socket_error(&l->asker));
		else if (vs_asker_silent(&l->asker))
			fail_servers(l, "");
	}
}

static void take_answers(struct vdestack_dns_lookup *l)
{
	for (int i = 0; i < l->n_types; i++) {
		if (l->answers[i] != NULL)
			continue; /* from the cache */
		l->answers[i] = vs_asker_take(&l->asker, i);
		if (l->answers[i] != NULL)
			vs_resolver_keep(l->dns, &l->epoch, l->asked, l->types[i], l->answers[i]);
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
		memcpy(l->asked, name, sizeof(l->asked));
		if (vs_asker_busy(&l->asker))
			return;
		take_answers(l); /* c-ares may have had them already */
		judge(l);
	}
}

void vs_lookup_ask(struct vdestack_dns_lookup *l)
{
	advance(l);
}

void vs_lookup_step(struct vdestack_dns_lookup *l)
{
	if (l->done)
		return;
	if (vs_asker_busy(&l->asker) && now_ms() >= l->deadline_ms) {
		vs_asker_cancel(&l->asker);
		fail_servers(l, "the time limit has passed; ");
		return;
	}
	if (vs_asker_busy(&l->asker))
		return;
	take_answers(l);
	judge(l);
	advance(l);
}

int vs_lookup_due_ms(struct vdestack_dns_lookup *l)
{
	int due = vs_lane_due_ms(l->asker.lane);

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
		vs_lookup_ask(l);
	while (!l->done) {
		vs_lane_wait(l->asker.lane, vs_lookup_due_ms(l));
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
	int limit = vs_resolver_opts(dns)->deadline_ms;
	l->deadline_ms = limit < 0 ? INT64_MAX : now_ms() + limit;
}

/* Copies a name. False: it is no name, and the lookup has ended. */
static bool take_name(struct vdestack_dns_lookup *l, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof(l->name)) {
		vs_outcome_fail(l, EAI_NONAME, "a name has 1 to 255 bytes, this one has %zu", n);
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
	vs_outcome_fail(l, EAI_NONAME, "\"%s\" is no domain name", l->name);
	return false;
}

/* As glibc, which ignores the addresses of names that no host can have. */
static bool check_host_name(struct vdestack_dns_lookup *l)
{
	if (!check_name(l))
		return false;
	if (vs_name_is_host(l->name))
		return true;
	vs_outcome_fail(l, EAI_NONAME, "\"%s\" is no name of a host", l->name);
	return false;
}

static bool check_hints(struct vdestack_dns_lookup *l, const char *node, const char *service)
{
	const struct addrinfo *h = &l->hints;

	if (node == NULL && service == NULL)
		vs_outcome_fail(l, EAI_NONAME, "neither node nor service is given");
	else if (h->ai_flags & ~FLAGS)
		vs_outcome_fail(l, EAI_BADFLAGS, "flags that are not supported: 0x%x",
				(unsigned)(h->ai_flags & ~FLAGS));
	else if (node == NULL && (h->ai_flags & AI_CANONNAME))
		vs_outcome_fail(l, EAI_BADFLAGS, "AI_CANONNAME without a node");
	else if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET && h->ai_family != AF_INET6)
		vs_outcome_fail(l, EAI_FAMILY, "the address family %d is not supported", h->ai_family);
	return !l->done;
}

static void choose_types(struct vdestack_dns_lookup *l)
{
	if (vs_outcome_wants(l, AF_INET) || vs_outcome_wants_mapped(l))
		l->types[l->n_types++] = ns_t_a;
	if (vs_outcome_wants(l, AF_INET6))
		l->types[l->n_types++] = ns_t_aaaa;
}

static bool refresh(struct vdestack_dns_lookup *l, bool addresses)
{
	int err = vs_resolver_refresh(l->dns, addresses, &l->epoch);

	if (err < 0) {
		errno = -err;
		vs_outcome_fail_told(l, err == -ENOMEM ? EAI_MEMORY : EAI_SYSTEM);
	}
	return err == 0;
}

void vs_lookup_begin(struct vdestack_dns_lookup *l, struct vdestack_dns *dns, const char *node,
		     const char *service, const struct addrinfo *hints)
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
		vs_outcome_fail_told(l, l->n_targets);
		return;
	}
	if (node != NULL && !take_name(l, node))
		return;
	if (node != NULL && vs_local_literal(l))
		return;
	if (node != NULL && (l->hints.ai_flags & AI_NUMERICHOST)) {
		vs_outcome_fail(l, EAI_NONAME, "\"%s\" is no address (AI_NUMERICHOST)", node);
		return;
	}
	if (!refresh(l, true))
		return;
	if (node == NULL) {
		vs_local_no_node(l);
		return;
	}
	/* A hosts file may have names that the DNS cannot have. */
	if (vs_local_special(l) || !vs_local_addrconfig(l) || vs_local_hosts(l) || !check_host_name(l))
		return;
	vs_resolver_settings(dns, &l->settings);
	choose_types(l);
	choose_candidates(l);
}

void vs_lookup_begin_type(struct vdestack_dns_lookup *l, struct vdestack_dns *dns, const char *name, int type)
{
	begin(l, dns);
	l->of_type = true;
	/* RFC 6895 section 3.1: OPT and 128 to 254 are of questions and of whole messages. */
	if (type < 1 || type > 65535 || type == ns_t_opt || (type >= 128 && type < ns_t_any)) {
		vs_outcome_fail(l, EAI_NONAME, "%d is no type of records", type);
		return;
	}
	if (!take_name(l, name) || !check_name(l) || vs_local_absent(l) || !refresh(l, false))
		return;
	vs_resolver_settings(dns, &l->settings);
	l->types[l->n_types++] = type;
	choose_candidates(l);
}

void vs_lookup_leave(struct vdestack_dns_lookup *l)
{
	struct vs_lane *lane = l->asker.lane;

	if (lane == NULL)
		return;
	vs_asker_leave(&l->asker);
	if (l->group == NULL)
		vs_resolver_return_lane(l->dns, lane);
}

void vs_lookup_end(struct vdestack_dns_lookup *l)
{
	drop_answers(l);
	vs_lookup_leave(l);
	vdestack_freeaddrinfo(l->res);
	vs_answer_unref(l->answer);
}
