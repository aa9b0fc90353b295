/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Name servers and search lists of router advertisements, RFC 8106. Each has a lifetime of its own. They stay
 * in the order in which they were heard of. When there is no room, the one that ends first makes room:
 * section 6.2.
 */

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "ra_machine.h"

/* ------------------------------------------------------------------ name servers */

static void remove_server(struct vs_ra *m, size_t i)
{
	memmove(&m->dns[i], &m->dns[i + 1], (VS_AUTO_SERVERS_MAX - 1 - i) * sizeof(m->dns[0]));
	memset(&m->dns[VS_AUTO_SERVERS_MAX - 1], 0, sizeof(m->dns[0]));
	m->changed = m->new_facts = true;
}

static size_t count_servers(const struct vs_ra *m)
{
	size_t n = 0;

	while (n < VS_AUTO_SERVERS_MAX && m->dns[n].end != 0)
		n++;
	return n;
}

/* Makes room if there is none and an entry ends before that time. Returns how many there are then. */
static size_t make_room_for_server(struct vs_ra *m, vs_auto_ms end)
{
	size_t first = 0;

	if (count_servers(m) < VS_AUTO_SERVERS_MAX)
		return count_servers(m);
	for (size_t i = 1; i < VS_AUTO_SERVERS_MAX; i++)
		if (m->dns[i].end < m->dns[first].end)
			first = i;
	if (m->dns[first].end < end)
		remove_server(m, first);
	return count_servers(m);
}

void vs_ra_server_heard(struct vs_ra *m, const struct vs_ndp_server *server)
{
	vs_auto_ms end = vs_auto_end(m->now, server->lifetime_s);
	size_t n = count_servers(m), i = 0;

	while (i < n && memcmp(m->dns[i].addr, server->addr, 16) != 0)
		i++;
	if (i < n && server->lifetime_s == 0) {
		remove_server(m, i);
		return;
	}
	if (server->lifetime_s == 0)
		return;
	if (i == n) {
		i = make_room_for_server(m, end);
		if (i == VS_AUTO_SERVERS_MAX)
			return;
		memcpy(m->dns[i].addr, server->addr, 16);
		m->changed = true;
	}
	m->new_facts = m->new_facts || m->dns[i].end != end;
	m->dns[i].end = end;
	m->dns[i].stale = false;
}

/* ------------------------------------------------------------------ search list */

static size_t offset_of(const struct vs_ra *m, size_t i)
{
	size_t at = 0;

	while (i > 0)
		at += m->search[--i].len;
	return at;
}

static size_t count_domains(const struct vs_ra *m)
{
	size_t n = 0;

	while (n < VS_RA_SEARCH_MAX && m->search[n].len != 0)
		n++;
	return n;
}

static void remove_domain(struct vs_ra *m, size_t i)
{
	size_t at = offset_of(m, i), len = m->search[i].len;

	memmove(m->pool + at, m->pool + at + len, sizeof(m->pool) - at - len);
	memmove(&m->search[i], &m->search[i + 1], (VS_RA_SEARCH_MAX - 1 - i) * sizeof(m->search[0]));
	memset(&m->search[VS_RA_SEARCH_MAX - 1], 0, sizeof(m->search[0]));
	m->changed = m->new_facts = true;
}

/* A name of that length fits behind n names of so many bytes: with a space or a NUL behind each. */
static bool fits(size_t n, size_t bytes, size_t len)
{
	return n < VS_RA_SEARCH_MAX && bytes + n + len + 1 <= VS_AUTO_SEARCH_MAX;
}

/* Removes those that end first, if that makes room for a name that ends later. */
static bool make_room_for_domain(struct vs_ra *m, size_t len, vs_auto_ms end)
{
	size_t n = 0, bytes = 0; /* of those that stay */

	for (size_t i = 0; i < count_domains(m); i++) {
		if (m->search[i].end < end)
			continue;
		n++;
		bytes += m->search[i].len;
	}
	if (!fits(n, bytes, len))
		return false;
	while (!fits(count_domains(m), offset_of(m, count_domains(m)), len)) {
		size_t first = 0;
		for (size_t i = 1; i < count_domains(m); i++)
			if (m->search[i].end < m->search[first].end)
				first = i;
		remove_domain(m, first);
	}
	return true;
}

static size_t find_domain(const struct vs_ra *m, const char *name, size_t len)
{
	size_t n = count_domains(m), i = 0;

	while (i < n && (m->search[i].len != len || strncasecmp(m->pool + offset_of(m, i), name, len) != 0))
		i++;
	return i;
}

void vs_ra_domain_heard(struct vs_ra *m, const struct vs_ndp_domain *domain)
{
	vs_auto_ms end = vs_auto_end(m->now, domain->lifetime_s);
	size_t len = strlen(domain->name), n = count_domains(m), i = find_domain(m, domain->name, len);

	if (i < n && domain->lifetime_s == 0) {
		remove_domain(m, i);
		return;
	}
	if (domain->lifetime_s == 0)
		return;
	if (i == n) {
		if (!make_room_for_domain(m, len, end))
			return;
		i = count_domains(m);
		memcpy(m->pool + offset_of(m, i), domain->name, len);
		m->search[i].len = (uint8_t)len;
		m->changed = true;
	}
	m->new_facts = m->new_facts || m->search[i].end != end;
	m->search[i].end = end;
	m->search[i].stale = false;
}

/* ------------------------------------------------------------------ both */

void vs_ra_names_expire(struct vs_ra *m)
{
	for (size_t i = count_servers(m); i-- > 0;)
		if (m->dns[i].end <= m->now)
			remove_server(m, i);
	for (size_t i = count_domains(m); i-- > 0;)
		if (m->search[i].end <= m->now)
			remove_domain(m, i);
}

void vs_ra_names_stale(struct vs_ra *m)
{
	for (size_t i = 0; i < VS_AUTO_SERVERS_MAX; i++)
		m->dns[i].stale = true;
	for (size_t i = 0; i < VS_RA_SEARCH_MAX; i++)
		m->search[i].stale = true;
}

void vs_ra_names_drop_stale(struct vs_ra *m)
{
	for (size_t i = count_servers(m); i-- > 0;)
		if (m->dns[i].stale)
			remove_server(m, i);
	for (size_t i = count_domains(m); i-- > 0;)
		if (m->search[i].stale)
			remove_domain(m, i);
}

vs_auto_ms vs_ra_names_deadline(const struct vs_ra *m)
{
	vs_auto_ms first = VS_AUTO_NEVER;

	for (size_t i = 0; i < count_servers(m); i++)
		if (m->dns[i].end < first)
			first = m->dns[i].end;
	for (size_t i = 0; i < count_domains(m); i++)
		if (m->search[i].end < first)
			first = m->search[i].end;
	return first;
}

void vs_ra_facts(const struct vs_ra *m, struct vs_auto_facts *out)
{
	size_t at = 0, from = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < count_servers(m); i++) {
		out->dns[i].family = AF_INET6;
		memcpy(out->dns[i].bytes, m->dns[i].addr, 16);
	}
	for (size_t i = 0; i < count_domains(m); i++) {
		if (i > 0)
			out->search[at++] = ' ';
		memcpy(out->search + at, m->pool + from, m->search[i].len);
		at += m->search[i].len;
		from += m->search[i].len;
	}
	out->mtu = m->mtu;
	out->lifetime_s = vs_auto_left_s(m->now, vs_ra_names_deadline(m));
}
