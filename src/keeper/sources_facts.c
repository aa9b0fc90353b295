/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What address sources have learned, and their states, as records in a sealed memory file (wire/sources.h).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "call.h"
#include "sources_inside.h"
#include "wire/messages.h"

struct records {
	int fd;
	off_t at;   /* where the next bytes go */
	uint32_t n;
	int result; /* 0 or -errno */
	vs_auto_ms now;
};

static void put(struct records *to, const void *bytes, size_t n)
{
	ssize_t done = 0;

	while (to->result == 0 && (done = pwrite(to->fd, bytes, n, to->at)) < 0)
		to->result = errno == EINTR ? 0 : -errno;
	if (to->result == 0 && done != (ssize_t)n)
		to->result = -EIO;
	to->at += (off_t)n;
}

static void add(struct records *to, const struct vs_wire_learned *record)
{
	put(to, record, sizeof(*record));
	to->n++;
}

static struct vs_wire_ip wire_ip(const struct vs_auto_ip *ip)
{
	struct vs_wire_ip out = { .family = ip->family };

	memcpy(out.bytes, ip->bytes, sizeof(out.bytes));
	return out;
}

static int64_t left_ms(const struct records *to, uint32_t lifetime_s, vs_auto_ms since)
{
	int64_t left = (int64_t)lifetime_s * 1000 - (to->now - since);

	return lifetime_s == VS_AUTO_FOREVER ? -1 : left < 0 ? 0 : left;
}

/* Until a time; -1: never. */
static int64_t until_ms(const struct records *to, vs_auto_ms when)
{
	return when == VS_AUTO_NEVER ? -1 : when < to->now ? 0 : when - to->now;
}

static struct vs_wire_learned begin(const struct vs_source_iface *iface, enum vs_learned_kind kind,
				    enum vs_auto_source source)
{
	struct vs_wire_learned record = { .kind = kind, .source = source, .valid_ms = -1, .preferred_ms = -1,
					  .t1_ms = -1, .t2_ms = -1 };

	memcpy(record.ifname, iface->name, sizeof(record.ifname));
	return record;
}

/* ------------------------------------------------------------------ of one source */

static void add_source(struct records *to, const struct vs_source *s)
{
	struct vs_wire_learned record = begin(s->iface, VS_LEARNED_SOURCE, s->kind->source);
	struct vs_auto_state state = { .state = "INIT", .since = to->now, .t1 = VS_AUTO_NEVER,
				       .t2 = VS_AUTO_NEVER, .expiry = VS_AUTO_NEVER };

	if (s->phase == VS_SOURCE_WAITING)
		(void)snprintf(state.problem, sizeof(state.problem),
			       "%s", vs_sources_leases_reading(s)
					     ? "the directory of its lease files has not answered yet"
					     : "there is no link-local IPv6 address that can be used");
	else
		s->kind->describe(s->machine, &state);
	record.ready = state.ready && s->phase == VS_SOURCE_RUNNING;
	record.active = (uint8_t)(s->by_ra ? 0 : s->iface->active & vs_sources_waits_bits(s->kind->source));
	record.required = (uint8_t)s->iface->required;
	record.one_of = (uint8_t)s->iface->one_of;
	record.addr = wire_ip(&state.server);
	record.t1_ms = until_ms(to, state.t1);
	record.t2_ms = until_ms(to, state.t2);
	record.valid_ms = until_ms(to, state.expiry);
	record.since_ms = to->now - state.since;
	record.sent = state.sent;
	record.received = state.received;
	_Static_assert(VS_IGNORED_N <= VS_COUNT(record.ignored), "a counter for each reason");
	memcpy(record.ignored, state.ignored, sizeof(state.ignored));
	(void)snprintf(record.state, sizeof(record.state), "%s", state.state);
	const char *mtu = s->kind->source == VS_SOURCE_DHCP4 ? vs_sources_mtu_problem(s->iface) : NULL;
	if (state.problem[0] == '\0' && s->storage != NULL)
		vs_sources_leases_problem(s, record.text, sizeof(record.text));
	else
		(void)snprintf(record.text, sizeof(record.text), "%s",
			       state.problem[0] == '\0' && mtu != NULL ? mtu : state.problem);
	add(to, &record);
}

static void add_addr(struct records *to, const struct vs_source *s, const struct vs_source_addr *a)
{
	struct vs_wire_learned record = begin(s->iface, VS_LEARNED_ADDRESS, s->kind->source);

	if (a->missing)
		return;
	record.addr = wire_ip(&a->addr.ip);
	record.prefix_len = a->addr.prefix_len;
	record.valid_ms = left_ms(to, a->addr.valid_s, a->set);
	record.preferred_ms = left_ms(to, a->addr.preferred_s, a->set);
	add(to, &record);
}

static void add_route(struct records *to, const struct vs_source *s, const struct vs_source_route *r)
{
	struct vs_wire_learned record = begin(s->iface, VS_LEARNED_ROUTE, s->kind->source);

	record.addr = wire_ip(&r->route.dst);
	record.gw = wire_ip(&r->route.gw);
	record.prefix_len = r->route.prefix_len;
	if (r->route.dst.family == AF_INET6)
		record.valid_ms = left_ms(to, r->route.lifetime_s, r->set);
	add(to, &record);
}

static void add_servers(struct records *to, const struct vs_source *s, enum vs_learned_kind kind,
			const struct vs_auto_ip *servers)
{
	struct vs_wire_learned record = begin(s->iface, kind, s->kind->source);

	record.valid_ms = left_ms(to, s->facts->lifetime_s, s->facts_at);
	for (int i = 0; i < VS_AUTO_SERVERS_MAX && servers[i].family != 0; i++) {
		record.addr = wire_ip(&servers[i]);
		add(to, &record);
	}
}

/* One record for each domain of a list with spaces. */
static void add_search(struct records *to, struct vs_wire_learned *record, const char *list)
{
	while (*list != '\0') {
		size_t n = strcspn(list, " ");
		if (n > 0 && n < sizeof(record->text)) {
			memset(record->text, 0, sizeof(record->text));
			memcpy(record->text, list, n);
			add(to, record);
		}
		list += n + (list[n] == ' ');
	}
}

static void add_facts(struct records *to, const struct vs_source *s)
{
	const struct vs_auto_facts *f = s->facts;
	struct vs_wire_learned record = begin(s->iface, VS_LEARNED_SEARCH, s->kind->source);

	add_servers(to, s, VS_LEARNED_DNS, f->dns);
	record.valid_ms = left_ms(to, f->lifetime_s, s->facts_at);
	add_search(to, &record, f->search);
	add_servers(to, s, VS_LEARNED_NTP, f->ntp);
	if (f->mtu != 0) {
		record = begin(s->iface, VS_LEARNED_MTU, s->kind->source);
		record.mtu = f->mtu;
		add(to, &record);
	}
	if (f->prefix.family != 0) {
		record = begin(s->iface, VS_LEARNED_PREFIX, s->kind->source);
		record.addr = wire_ip(&f->prefix);
		record.prefix_len = f->prefix_len;
		record.valid_ms = left_ms(to, f->prefix_valid_s, s->facts_at);
		record.preferred_ms = left_ms(to, f->prefix_preferred_s, s->facts_at);
		add(to, &record);
	}
}

/* ------------------------------------------------------------------ of an interface, of the stack */

static void add_iface(struct records *to, const struct vs_source_iface *iface)
{
	struct vs_wire_learned record = begin(iface, VS_LEARNED_DNS, VS_SOURCE_STATIC);

	for (uint32_t i = 0; iface->names != NULL && i < iface->names->n_dns; i++) {
		record.addr = iface->names->dns[i];
		add(to, &record);
	}
	record = begin(iface, VS_LEARNED_SEARCH, VS_SOURCE_STATIC);
	if (iface->names != NULL)
		add_search(to, &record, iface->names->domains);
	for (int i = 0; i < VS_SOURCE_N; i++) {
		const struct vs_source *s = iface->sources[i];
		if (s == NULL || s->phase == VS_SOURCE_PARTING)
			continue;
		add_source(to, s);
		for (size_t j = 0; j < s->n_addrs; j++)
			add_addr(to, s, &s->addrs[j]);
		for (size_t j = 0; j < s->n_routes; j++)
			add_route(to, s, &s->routes[j]);
		if (s->facts != NULL)
			add_facts(to, s);
	}
}

/* The file can be mapped by a reader who does not trust the keeper: it never gets shorter. */
static int write_file(struct records *to, const struct vs_sources_stack *stack, const char *ifname)
{
	struct vs_wire_learned_head head = { .version = VS_WIRE_VERSION };

	to->now = vs_sources_now();
	to->fd = memfd_create("vdestack-learned", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to->fd < 0)
		return -errno;
	put(to, &head, sizeof(head));
	for (const struct vs_source_iface *i = stack != NULL ? stack->ifaces : NULL; i != NULL; i = i->next)
		if (ifname[0] == '\0' || strcmp(ifname, i->name) == 0)
			add_iface(to, i);
	head.n = to->n;
	head.generation = stack != NULL ? stack->generation : 0;
	to->at = 0;
	put(to, &head, sizeof(head));
	if (to->result == 0 &&
	    fcntl(to->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		to->result = -errno;
	return to->result;
}

void vs_sources_facts_reply(struct vs_keeper *k, struct vs_call *call, const struct vs_sources_stack *stack)
{
	struct records to = { .fd = -1 };
	int r = write_file(&to, stack, call->req.iface.name);

	vs_call_reply(k, call, r, r < 0 ? strerror(-r) : NULL, &to.fd, r < 0 ? 0 : 1);
	vs_close(to.fd);
}
