/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Changes of interfaces that exist.
 *
 * The order: all words are read, and the interfaces found, before anything is changed. Then sources are
 * stopped that make room for static addresses. Then addresses and routes, by rtnetlink, which can be undone
 * (change.c). Then the keeper is asked for name servers and address sources, and for impairment, interface by
 * interface. Last, what is new is waited for.
 *
 * On failure the addresses and routes are as before, and what was started or added at the keeper is stopped
 * or removed again. Impairment is as before. A source that was stopped, and a name that was removed, does not
 * come back: the keeper alone knew its options.
 */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auto/auto.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "change.h"
#include "config/addr_text.h"
#include "core/configuration.h"
#include "core/impairment.h"
#include "core/keepers.h"
#include "core/long_call.h"
#include "core/options.h"
#include "core/sources.h"
#include "core/stack.h"
#include "rtnl/apply.h"
#include "rtnl/ready.h"
#include <vdestack/sources.h>

struct configuring {
	struct vdestack *stack;
	struct vs_create_opts opts;
	struct vs_config *config;
	int64_t deadline_ms; /* of the whole */
	char name[64];       /* of the stack */
	int leases;
	struct vs_nl nl;
	struct vs_change change;
	struct vs_learned before;
	size_t n_asked;      /* interfaces for which the keeper has been asked */
	struct vs_wire_impaired *impaired; /* what was in force before, for each interface */
	size_t n_impaired;   /* of these, those that have been changed, or need no change */
};

/* The end of a step, or of the whole. */
static int64_t within(const struct configuring *c, int step_timeout_ms)
{
	int64_t step_ms = vs_deadline_ms(step_timeout_ms);

	return step_ms < c->deadline_ms ? step_ms : c->deadline_ms;
}

/* ------------------------------------------------------------------ the keeper's part */

static int ask(struct configuring *c, const struct vs_wire_sources *wanted)
{
	struct vs_long_call call = {
		.req = { .op = VS_OP_SOURCES },
		.text = (const char *)wanted,
		.text_len = sizeof(*wanted),
		.fds = { c->leases },
		.n_fds = wanted->has_leases,
	};
	int r = vs_stack_ask(c->stack, &call);

	return r < 0 ? vs_fail_step(-r, "cannot change the address sources of interface %s", wanted->ifname)
		     : 0;
}

static int ask_all(struct configuring *c)
{
	struct vs_wire_sources wanted;
	int r = 0;

	for (; c->n_asked < c->config->n_ifaces && r == 0; c->n_asked++) {
		const struct vs_conf_iface *iface = &c->config->ifaces[c->n_asked];
		if (iface->sources == NULL)
			continue;
		vs_sources_fill(iface, c->name, c->leases >= 0, &wanted);
		r = ask(c, &wanted);
	}
	return r;
}

/* The sources of an interface that ran before. */
static unsigned ran_before(const struct configuring *c, const char *ifname)
{
	unsigned bits = 0;

	for (size_t i = 0; i < c->before.n; i++)
		if (c->before.list[i].kind == VS_LEARNED_SOURCE &&
		    strcmp(c->before.list[i].ifname, ifname) == 0)
			bits |= vs_learned_bits(&c->before.list[i]);
	return bits;
}

/* The first record about a source of an interface. NULL: it had none. */
static const struct vs_wire_learned *source_before(const struct configuring *c, const char *ifname)
{
	for (size_t i = 0; i < c->before.n; i++)
		if (c->before.list[i].kind == VS_LEARNED_SOURCE &&
		    strcmp(c->before.list[i].ifname, ifname) == 0)
			return &c->before.list[i];
	return NULL;
}

/* What was requested for an interface before: of router discovery and SLAAC perhaps only one. */
static unsigned requested_before(const struct configuring *c, const char *ifname)
{
	unsigned bits = 0;

	for (size_t i = 0; i < c->before.n; i++)
		if (c->before.list[i].kind == VS_LEARNED_SOURCE &&
		    strcmp(c->before.list[i].ifname, ifname) == 0)
			bits |= c->before.list[i].active;
	return bits;
}

static bool was_server(const struct configuring *c, const char *ifname, const struct vs_wire_ip *ip)
{
	for (size_t i = 0; i < c->before.n; i++) {
		const struct vs_wire_learned *record = &c->before.list[i];
		if (record->kind == VS_LEARNED_DNS && record->source == VS_SOURCE_STATIC &&
		    strcmp(record->ifname, ifname) == 0 && memcmp(&record->addr, ip, sizeof(*ip)) == 0)
			return true;
	}
	return false;
}

static bool was_domain(const struct configuring *c, const char *ifname, const char *name, size_t length)
{
	for (size_t i = 0; i < c->before.n; i++) {
		const struct vs_wire_learned *record = &c->before.list[i];
		if (record->kind == VS_LEARNED_SEARCH && record->source == VS_SOURCE_STATIC &&
		    strcmp(record->ifname, ifname) == 0 && strlen(record->text) == length &&
		    strncasecmp(record->text, name, length) == 0)
			return true;
	}
	return false;
}

/* Name servers and domains that were added, and were not there before, are to be removed. */
static void take_back_names(const struct configuring *c, const struct vs_wire_sources *wanted,
			    struct vs_wire_sources *back)
{
	for (size_t i = 0; i < wanted->n_dns; i++)
		if (!was_server(c, wanted->ifname, &wanted->dns[i]))
			back->del_dns[back->n_del_dns++] = wanted->dns[i];
	for (const char *name = wanted->domains; *name != '\0';) {
		size_t length = strcspn(name, " ");
		if (!was_domain(c, wanted->ifname, name, length)) {
			if (back->del_domains[0] != '\0')
				strcat(back->del_domains, " ");
			strncat(back->del_domains, name, length);
		}
		name += length + strspn(name + length, " ");
	}
}

/*
 * What takes back one interface's part: sources that were not requested before, names that are new, and what
 * vdestack_wait_ready() waits for.
 */
static void take_back(struct configuring *c, const struct vs_conf_iface *iface)
{
	struct vs_wire_sources wanted, back = { 0 };

	vs_sources_fill(iface, c->name, false, &wanted);
	memcpy(back.ifname, wanted.ifname, sizeof(back.ifname));
	memcpy(back.name, wanted.name, sizeof(back.name));
	back.stop = wanted.start & ~requested_before(c, iface->name);
	const struct vs_wire_learned *before = source_before(c, iface->name);
	back.restore = 1;
	back.required = before != NULL ? before->required : 0;
	back.one_of = before != NULL ? before->one_of : 0;
	take_back_names(c, &wanted, &back);
	(void)ask(c, &back);
}

/* ------------------------------------------------------------------ impairment */

static int impair_all(struct configuring *c)
{
	struct vs_wire_impair wanted;

	for (; c->n_impaired < c->config->n_ifaces; c->n_impaired++) {
		const struct vs_conf_iface *iface = &c->config->ifaces[c->n_impaired];
		if (iface->impair == NULL)
			continue;
		vs_impairment_fill(iface->impair, &wanted);
		int r = vs_impairment_ask(c->stack, iface->name, &wanted, &c->impaired[c->n_impaired]);
		if (r < 0)
			return vs_fail_step(-r, "cannot impair interface %s", iface->name);
	}
	return 0;
}

static void unimpair_all(struct configuring *c)
{
	struct vs_wire_impair wanted, back;
	struct vs_wire_impaired state;

	while (c->n_impaired-- > 0) {
		const struct vs_conf_iface *iface = &c->config->ifaces[c->n_impaired];
		if (iface->impair == NULL)
			continue;
		vs_impairment_fill(iface->impair, &wanted);
		vs_impairment_reverse(&wanted, &c->impaired[c->n_impaired], &back);
		(void)vs_impairment_ask(c->stack, iface->name, &back, &state);
	}
}

/* ------------------------------------------------------------------ stopping first */

/* Whether a record is about an address that goes when these sources of the interface stop. */
static bool goes(const struct vs_wire_learned *record, const char *ifname, unsigned stopped)
{
	return record->kind == VS_LEARNED_ADDRESS && strcmp(record->ifname, ifname) == 0 &&
	       (vs_learned_bits(record) & stopped) != 0;
}

struct looking {
	const struct configuring *c;
	const struct vs_conf_iface *iface;
	int ifindex;
	bool found;
};

static void begin_look(void *arg)
{
	struct looking *looking = arg;

	looking->found = false;
}

static void look_at(void *arg, const void *record)
{
	struct looking *looking = arg;
	const struct vs_learned *before = &looking->c->before;
	const struct vs_rtnl_addr *addr = record;
	struct vs_conf_addr there;

	if (addr->ifindex != looking->ifindex ||
	    !vs_addr_from_text(addr->text, strlen(addr->text), &there))
		return;
	for (size_t i = 0; i < before->n; i++)
		looking->found |= goes(&before->list[i], looking->iface->name,
				       looking->iface->sources->stop) &&
				  before->list[i].addr.family == there.family &&
				  memcmp(before->list[i].addr.bytes, there.bytes,
					 vs_rtnl_addr_bytes(there.family)) == 0;
}

/*
 * Waits until the addresses of stopped sources are gone. They are when the reply has come, unless too many
 * calls wait for sources.
 */
static int wait_gone(struct configuring *c, size_t i)
{
	const struct vs_conf_iface *iface = &c->config->ifaces[i];
	struct looking looking = { c, iface, c->change.indices[i], true };
	const struct vs_nl_reader reader = { begin_look, look_at, &looking };
	struct pollfd notes = { .fd = vs_nl_fd(&c->nl), .events = POLLIN };
	int64_t deadline_ms = within(c, c->opts.step_timeout_ms);
	int r = vs_nl_subscribe(&c->nl, RTNLGRP_IPV4_IFADDR);

	if (r == 0)
		r = vs_nl_subscribe(&c->nl, RTNLGRP_IPV6_IFADDR);
	while (r == 0 && (r = vs_rtnl_addr_list(&c->nl, &reader)) == 0 && looking.found) {
		if (vs_left_ms(deadline_ms) == 0)
			return vs_fail(ETIMEDOUT,
				       "cannot configure interface %s: the addresses of its stopped sources "
				       "are still there; try again",
				       iface->name);
		(void)poll(&notes, 1, vs_left_ms(deadline_ms));
		r = vs_nl_drain(&c->nl);
	}
	return r < 0 ? vs_nl_fail(&c->nl, -r, "cannot watch the addresses of the stack") : 0;
}

/*
 * Where a stopped source makes room for static addresses or routes, it is stopped first: what it has set may
 * be the same, and would go with it.
 */
static int stop_first(struct configuring *c)
{
	struct vs_wire_sources wanted;

	for (size_t i = 0; i < c->config->n_ifaces; i++) {
		const struct vs_conf_iface *iface = &c->config->ifaces[i];
		bool stops = iface->sources != NULL &&
			     (iface->sources->stop & ran_before(c, iface->name)) != 0;
		if (!stops || iface->n_addrs + iface->n_routes == 0)
			continue;
		memset(&wanted, 0, sizeof(wanted));
		memcpy(wanted.ifname, iface->name, sizeof(wanted.ifname));
		memcpy(wanted.name, c->name, sizeof(wanted.name));
		wanted.stop = iface->sources->stop;
		int r = ask(c, &wanted);
		if (r == 0)
			r = wait_gone(c, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------------ waiting */

static int wait_addrs(struct configuring *c, int (*begin)(struct vs_ready *ready, struct vs_nl *nl,
							   const struct vs_config *config))
{
	struct vs_ready ready;
	int r = begin(&ready, &c->nl, c->config);

	if (r == 0)
		r = vs_ready_wait(&ready, within(c, c->opts.step_timeout_ms));
	vs_ready_end(&ready);
	return r;
}

static int fail_late(struct configuring *c)
{
	char text[VS_MESSAGE_MAX / 2];
	VS_AUTO_LEARNED learned = { 0 };

	if (vs_learned_ask(c->stack, NULL, &learned) < 0)
		return -ETIMEDOUT; /* with its own message */
	vs_learned_missing(&learned, c->config, text, sizeof(text));
	return vs_fail(ETIMEDOUT,
		       "cannot configure the stack in time: %s; raise step_timeout_ms or timeout_ms", text);
}

static int wait_sources(struct configuring *c)
{
	int64_t deadline_ms = within(c, c->opts.sources_timeout_ms);

	for (size_t i = 0; i < c->config->n_ifaces; i++) {
		const struct vs_conf_iface *iface = &c->config->ifaces[i];
		if (!vs_sources_has_to_wait(iface))
			continue;
		int r = vs_sources_wait(c->stack, iface->name,
					deadline_ms == INT64_MAX ? -1 : vs_left_ms(deadline_ms));
		if (r < 0)
			return r == -ETIMEDOUT ? fail_late(c) : r;
	}
	return 0;
}

static int wait_all(struct configuring *c)
{
	if (c->opts.flags & VDESTACK_NO_WAIT)
		return 0;
	int r = vs_conf_has_to_wait(c->config) ? wait_addrs(c, vs_ready_begin) : 0;
	if (r == 0)
		r = wait_sources(c);
	return r == 0 && vs_conf_learns_addrs(c->config) ? wait_addrs(c, vs_ready_begin_learned) : r;
}

/* ------------------------------------------------------------------ the whole */

/* Nothing is changed yet. */
static int prepare(struct configuring *c, const char *text)
{
	int r = vs_configuration_read_change(text, c->opts.flags, &c->config);

	if (r < 0)
		return r;
	if (vdestack_name(c->stack, c->name, sizeof(c->name)) < 0)
		return -EINVAL; /* with its message */
	if (c->config->leases != NULL)
		c->leases = vs_sources_open_leases(c->config->leases);
	if (c->config->leases != NULL && c->leases < 0)
		return c->leases;
	c->impaired = calloc(c->config->n_ifaces + 1, sizeof(*c->impaired));
	if (c->impaired == NULL)
		return vs_fail(ENOMEM, "cannot configure a stack: no memory");
	/* Addresses of sources are not static, whatever the words. */
	r = vs_learned_ask(c->stack, NULL, &c->before);
	if (r == 0)
		r = vs_stack_nl_open(c->stack, &c->nl);
	return r == 0 ? vs_change_begin(&c->change, &c->nl, c->config, &c->before) : r;
}

static void undo(struct configuring *c)
{
	VS_ERROR_KEEP;

	unimpair_all(c);
	while (c->n_asked-- > 0)
		if (c->config->ifaces[c->n_asked].sources != NULL)
			take_back(c, &c->config->ifaces[c->n_asked]);
	vs_change_undo(&c->change);
}

static int change(struct configuring *c)
{
	int r = stop_first(c);

	if (r == 0)
		r = vs_change_apply(&c->change);
	if (r == 0)
		r = ask_all(c);
	if (r == 0)
		r = impair_all(c);
	if (r == 0)
		r = wait_all(c);
	if (r < 0)
		undo(c);
	else
		vs_conf_announce(&c->nl, c->config, false);
	return r;
}

static int configure(struct vdestack *stack, const char *text, const struct vdestack_opts *opts)
{
	VS_NO_CANCEL;
	struct configuring c = { .stack = stack, .leases = -1 };
	int r = vs_create_opts_read(opts, "configure a stack", &c.opts);

	if (r == 0 && text == NULL)
		r = vs_fail(EINVAL, "cannot configure a stack: the configuration is NULL");
	if (r == 0)
		r = vs_keepers_sealed("cannot configure a stack");
	if (r < 0)
		return r;
	c.deadline_ms = vs_deadline_ms(c.opts.timeout_ms);
	r = prepare(&c, text);
	if (r == 0)
		r = change(&c);
	vs_change_end(&c.change);
	vs_nl_close(&c.nl);
	vs_learned_free(&c.before);
	free(c.impaired);
	vs_close(c.leases);
	vs_config_free(c.config);
	return r;
}

int vdestack_configure(struct vdestack *stack, const char *config, const struct vdestack_opts *opts)
{
	return vs_edge(configure(stack, config, opts));
}
