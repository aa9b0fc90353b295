/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One address source: its machine, what the machine does, and when it is called. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "auto/dhcp4.h"
#include "auto/dhcp6.h"
#include "auto/ra.h"
#include "base/cleanup.h"
#include "events.h"
#include "sources_inside.h"
#include <vdestack/events.h>

#define PARTING_MS 100       /* for the last packets of a stack that ends */
#define PARTING_LONG_MS 2000 /* of one that goes on: DHCPv6 repeats its release until it is answered */
#define PARTING_STEP_MS 2

const struct vs_auto_kind *vs_source_kind(enum vs_auto_source source)
{
	static const struct vs_auto_kind *const kinds[VS_SOURCE_N] = {
		[VS_SOURCE_DHCP4] = &vs_dhcp4_kind,
		[VS_SOURCE_RA] = &vs_ra_kind,
		[VS_SOURCE_DHCP6] = &vs_dhcp6_kind,
	};

	return kinds[source];
}

/* ------------------------------------------------------------------ what a machine does */

static void op_send(void *arg, const struct vs_auto_packet *packet)
{
	vs_sources_packets_send(arg, packet);
}

static void op_addr_set(void *arg, const struct vs_auto_addr *addr)
{
	vs_sources_apply_addr(arg, addr, true);
}

static void op_addr_del(void *arg, const struct vs_auto_addr *addr)
{
	vs_sources_apply_addr(arg, addr, false);
}

static void op_route_set(void *arg, const struct vs_auto_route *route)
{
	vs_sources_apply_route(arg, route, true);
}

static void op_route_del(void *arg, const struct vs_auto_route *route)
{
	vs_sources_apply_route(arg, route, false);
}

/* They are not compared by bytes behind the ends of texts, which may have anything there. */
static bool same_facts(const struct vs_auto_facts *a, const struct vs_auto_facts *b)
{
	return memcmp(a->dns, b->dns, sizeof(a->dns)) == 0 && memcmp(a->ntp, b->ntp, sizeof(a->ntp)) == 0 &&
	       strcmp(a->search, b->search) == 0 && a->mtu == b->mtu &&
	       memcmp(&a->prefix, &b->prefix, sizeof(a->prefix)) == 0 && a->prefix_len == b->prefix_len;
}

static void op_facts(void *arg, const struct vs_auto_facts *facts)
{
	struct vs_source *s = arg;

	if (s->facts == NULL && (s->facts = calloc(1, sizeof(*s->facts))) == NULL)
		return;
	if (!same_facts(s->facts, facts)) {
		s->iface->stack->generation++;
		s->new_facts = true;
	}
	*s->facts = *facts;
	s->facts_at = vs_sources_now();
	vs_sources_mtu_update(s->iface);
}

/* 0: there is no event for it. */
static uint32_t event_of(enum vs_auto_news news)
{
	static const uint32_t types[] = {
		[VS_NEWS_GAINED] = VDESTACK_EVENT_SOURCE_GAINED,
		[VS_NEWS_RENEWED] = VDESTACK_EVENT_SOURCE_RENEWED,
		[VS_NEWS_CHANGED] = VDESTACK_EVENT_SOURCE_CHANGED,
		[VS_NEWS_LOST] = VDESTACK_EVENT_SOURCE_LOST,
		[VS_NEWS_CONFLICT] = VDESTACK_EVENT_SOURCE_CONFLICT,
		[VS_NEWS_REFUSED] = VDESTACK_EVENT_SOURCE_REFUSED,
		[VS_NEWS_SILENT] = VDESTACK_EVENT_SOURCE_SILENT,
		[VS_NEWS_IPV6_ONLY] = VDESTACK_EVENT_SOURCE_IPV6_ONLY,
	};

	return (size_t)news < VS_COUNT(types) ? types[news] : 0;
}

/* The numbers of the public header are those of the machines, plus one. */
static void tell_of(const struct vs_source_iface *iface, enum vs_auto_source source, uint32_t type,
		    const struct vs_auto_addr *about, int error)
{
	struct vdestack_event event = { .type = type, .error = error, .source = (uint8_t)(source + 1) };

	(void)snprintf(event.ifname, sizeof(event.ifname), "%s", iface->name);
	if (about != NULL && about->ip.family != 0) {
		event.family = about->ip.family;
		event.prefix_len = about->prefix_len;
		event.valid_s = about->valid_s;
		(void)inet_ntop(about->ip.family, about->ip.bytes, event.addr, sizeof(event.addr));
	}
	vs_events_tell_record(iface->stack->events, &event);
}

static void tell(const struct vs_source *s, uint32_t type, const struct vs_auto_addr *about, int error)
{
	tell_of(s->iface, s->kind->source, type, about, error);
}

void vs_source_tell_static(const struct vs_source_iface *iface)
{
	tell_of(iface, VS_SOURCE_STATIC, VDESTACK_EVENT_SOURCE_CHANGED, NULL, 0);
}

static void op_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about, const char *why)
{
	struct vs_source *s = arg;
	uint32_t type = event_of(what);

	(void)why; /* it is in the state, too */
	if (what == VS_NEWS_MANAGED || what == VS_NEWS_OTHER)
		s->flag = (int)what; /* a machine is not called from inside another one */
	if (type != 0)
		tell(s, type, about, what == VS_NEWS_CONFLICT ? EADDRINUSE : 0);
	if (what == VS_NEWS_GAINED || what == VS_NEWS_CHANGED || what == VS_NEWS_LOST)
		s->said_news = true;
}

/*
 * A machine says nothing about new name servers while it has no address. Who follows them reads them after
 * an event, so there is one for each change.
 */
static void tell_facts(struct vs_source *s)
{
	if (s->new_facts && !s->said_news)
		tell(s, VDESTACK_EVENT_SOURCE_CHANGED, NULL, 0);
	s->new_facts = s->said_news = false;
}

static void op_save(void *arg)
{
	struct vs_source *s = arg;

	s->must_save = true;
}

static void op_random(void *arg, void *bytes, size_t n)
{
	(void)arg;
	/* It is complete up to 256 bytes, and fails only with a kernel that has no such call. */
	(void)!getrandom(bytes, n, 0);
}

static const struct vs_auto_ops ops = {
	.send = op_send,
	.addr_set = op_addr_set,
	.addr_del = op_addr_del,
	.route_set = op_route_set,
	.route_del = op_route_del,
	.facts = op_facts,
	.news = op_news,
	.save = op_save,
	.random = op_random,
};

/* ------------------------------------------------------------------ calls to a machine */

/* After each call to the machine. */
static void settle(struct vs_source *s)
{
	struct vs_auto_state state = { .state = "" };
	int flag = s->flag;

	s->kind->describe(s->machine, &state);
	if (s->ready != state.ready)
		s->iface->stack->generation++;
	s->ready = state.ready;
	tell_facts(s);
	vs_sources_packets_listen(s, !state.quiet);
	if (s->must_save) {
		s->must_save = false;
		vs_sources_leases_save(s, false);
	}
	vs_sources_deadline(s->iface->stack->sources, s, s->kind->deadline(s->machine));
	s->flag = 0;
	if (flag != 0)
		vs_sources_stack_flag(s->iface, flag == VS_NEWS_MANAGED);
}

void vs_source_storage(struct vs_source *s, const char *problem, int err)
{
	bool is_new = problem != NULL && (problem != s->storage || err != s->storage_err);

	s->storage = problem;
	s->storage_err = err;
	if (is_new)
		tell(s, VDESTACK_EVENT_SOURCE_STORAGE, NULL, err);
}

void vs_source_begin(struct vs_source *s)
{
	struct vs_auto_lease lease;

	if (s->phase != VS_SOURCE_WAITING || vs_sources_leases_reading(s) ||
	    (s->kind->source == VS_SOURCE_DHCP6 && !s->iface->link_local))
		return;
	bool known = vs_sources_leases_take(s, &lease);
	s->kind->init(s->machine, &s->config, &ops, s);
	s->phase = VS_SOURCE_RUNNING;
	s->kind->start(s->machine, vs_sources_now(), known ? &lease : NULL);
	if (!s->iface->up)
		s->kind->link(s->machine, vs_sources_now(), false);
	settle(s);
}

void vs_source_input(struct vs_source *s, const struct vs_auto_packet *packet)
{
	if (s->phase == VS_SOURCE_WAITING || s->awaits_turn)
		return;
	s->kind->input(s->machine, vs_sources_now(), packet);
	if (s->phase == VS_SOURCE_RUNNING)
		settle(s);
	else /* perhaps the answer to its release: the timer frees it */
		vs_sources_deadline(s->iface->stack->sources, s, vs_sources_now());
}

void vs_source_link(struct vs_source *s, bool up)
{
	if (s->phase != VS_SOURCE_RUNNING)
		return;
	if (up)
		vs_sources_apply_again(s);
	s->kind->link(s->machine, vs_sources_now(), up);
	settle(s);
}

void vs_source_detected(struct vs_source *s, const struct vs_auto_ip *ip, bool duplicate)
{
	if (s->phase != VS_SOURCE_RUNNING || s->kind->detected == NULL)
		return;
	s->kind->detected(s->machine, vs_sources_now(), ip, duplicate);
	settle(s);
}

/* ------------------------------------------------------------------ its life */

static void rx_ready(struct vs_watch *w)
{
	struct vs_source *s = VS_OF(struct vs_source, rx, w);
	struct vs_sources_stack *stack = s->iface->stack;

	vs_sources_packets_read(s, false);
	vs_sources_stack_settle(stack);
}

static void arp_ready(struct vs_watch *w)
{
	struct vs_source *s = VS_OF(struct vs_source, arp, w);
	struct vs_sources_stack *stack = s->iface->stack;

	vs_sources_packets_read(s, true);
	vs_sources_stack_settle(stack);
}

static void source_free(struct vs_source *s)
{
	struct vs_source_iface *iface = s->iface;

	/* A router that still advertises may ask for DHCPv6 again. */
	if (s->kind->source == VS_SOURCE_DHCP6 && iface->udp6 < 0 && s->rx.fd >= 0 &&
	    iface->sources[VS_SOURCE_RA] != NULL)
		iface->udp6 = vs_sources_pause(iface->stack->sources, &s->rx);
	vs_sources_delist(iface->stack->sources, s);
	vs_sources_packets_close(s);
	vs_sources_leases_forget(s);
	vs_sources_stack_forget(s);
	vs_sources_mtu_update(iface);
	free(s->addrs);
	free(s->routes);
	free(s->facts);
	free(s->fqdn);
	free(s);
}

/* The options, as requested for the interface. */
static void take_options(const struct vs_source_iface *iface, struct vs_auto_config *c)
{
	c->nodad = (iface->flags & VS_SOURCES_NODAD) != 0;
	c->rapid = (iface->flags & VS_SOURCES_RAPID) != 0;
	c->ipv6_only = (iface->flags & VS_SOURCES_IPV6_ONLY) != 0;
	c->release = (iface->flags & VS_SOURCES_NO_RELEASE) == 0;
	c->pd_len = (uint8_t)iface->pd_len;
	c->iid = !(iface->active & VS_SOURCES_SLAAC)  ? VS_IID_NONE
		 : iface->fqdn != NULL                ? VS_IID_HASH
		 : (iface->flags & VS_SOURCES_STABLE) ? VS_IID_STABLE
						      : VS_IID_EUI64;
}

static void configure(struct vs_source *s)
{
	struct vs_source_iface *iface = s->iface;
	struct vs_auto_config *c = &s->config;

	(void)snprintf(c->ifname, sizeof(c->ifname), "%s", iface->name);
	memcpy(c->mac, iface->mac, 6);
	c->ifindex = iface->ifindex;
	c->fqdn = s->fqdn;
	c->information = s->kind->source == VS_SOURCE_DHCP6 && iface->information;
	take_options(iface, c);
	vs_sources_leases_read(s);
}

static bool same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool vs_source_take_options(struct vs_source *s)
{
	const struct vs_auto_config *had = &s->config;
	struct vs_auto_config want = { 0 };
	bool same = same_name(s->fqdn, s->iface->fqdn);

	take_options(s->iface, &want);
	if (s->kind->source == VS_SOURCE_RA)
		return had->iid == want.iid && (want.iid == VS_IID_NONE || had->nodad == want.nodad) &&
		       (want.iid != VS_IID_HASH || same);
	s->config.release = want.release; /* it is read when the source stops */
	same = same && had->nodad == want.nodad && had->rapid == want.rapid;
	return s->kind->source == VS_SOURCE_DHCP4 ? same && had->ipv6_only == want.ipv6_only
						  : same && had->pd_len == want.pd_len;
}

/* On failure the sockets that it has are closed with it. */
static int take_sockets(struct vs_source *s, struct vs_source_sockets *sockets)
{
	struct vs_sources *all = s->iface->stack->sources;
	int *from = s->kind->source == VS_SOURCE_DHCP4 ? &sockets->ip
		    : s->kind->source == VS_SOURCE_RA  ? &sockets->icmp6
		    : s->iface->udp6 >= 0              ? &s->iface->udp6 /* it may have the port */
						       : &sockets->udp6;

	if (*from < 0)
		return -EBADF;
	int r = s->kind->source == VS_SOURCE_DHCP6 ? vs_sources_packets_bind6(*from) : 0;
	if (r == -EINVAL) /* it has been bound before */
		r = 0;
	if (r == 0)
		r = vs_sources_watch(all, &s->rx, *from, rx_ready, EPOLLIN);
	if (r < 0)
		return r;
	*from = -1;
	if (s->kind->source != VS_SOURCE_DHCP4)
		return 0;
	s->listens = true;
	s->udp4 = vs_steal_fd(&sockets->udp4);
	r = vs_sources_packets_prepare(s);
	if (r < 0)
		return r;
	r = vs_sources_watch(all, &s->arp, sockets->arp, arp_ready, EPOLLIN);
	if (r == 0)
		sockets->arp = -1;
	return r;
}

int vs_source_start(struct vs_source_iface *iface, enum vs_auto_source source, bool by_ra,
		    struct vs_source_sockets *sockets)
{
	const struct vs_auto_kind *kind = vs_source_kind(source);
	struct vs_source *s = kind != NULL ? calloc(1, sizeof(*s) + kind->size) : NULL;

	if (kind == NULL)
		return -EOPNOTSUPP;
	if (s == NULL || vs_sources_enlist(iface->stack->sources, s) < 0) {
		free(s);
		return -ENOMEM;
	}
	s->kind = kind;
	s->iface = iface;
	s->by_ra = by_ra;
	s->rx.fd = s->arp.fd = s->udp4 = -1;
	s->fqdn = iface->fqdn != NULL ? strdup(iface->fqdn) : NULL;
	int r = iface->fqdn != NULL && s->fqdn == NULL ? -ENOMEM : take_sockets(s, sockets);
	if (r < 0) {
		source_free(s);
		return r;
	}
	iface->sources[source] = s;
	configure(s);
	vs_source_begin(s);
	return 0;
}

static void part(struct vs_source *s)
{
	vs_sources_apply_remove_all(s, false);
	source_free(s);
}

/* Its stack or interface ends as well. */
static bool must_end(const struct vs_source *s)
{
	return s->iface->stack->ending || s->iface->removal != NULL;
}

/* Not at once: a pump needs a moment to send on what it gets. */
static void go_by(struct vs_source *s, vs_auto_ms until)
{
	s->parting_until = until;
	vs_sources_deadline(s->iface->stack->sources, s, vs_sources_now() + PARTING_STEP_MS);
}

/* The machine ends. If it has a lease to give back, its release is sent. */
static void stop_machine(struct vs_source *s)
{
	s->awaits_turn = false;
	s->kind->stop(s->machine, vs_sources_now());
	tell_facts(s);
	if (s->config.release)
		vs_sources_leases_save(s, true); /* the machine has none any more */
}

static void leave(struct vs_source *s)
{
	stop_machine(s);
	go_by(s, vs_sources_now() + (must_end(s) ? PARTING_MS : PARTING_LONG_MS));
}

/* True: its release has to wait for its turn. */
static bool must_wait(struct vs_source *s)
{
	struct vs_sources *all = s->iface->stack->sources;
	struct vs_auto_lease lease;

	if (!s->kind->lease(s->machine, &lease))
		return false;
	vs_auto_ms turn = vs_sources_turn(all);
	if (turn <= vs_sources_now())
		return false;
	s->awaits_turn = true;
	vs_sources_deadline(all, s, turn);
	return true;
}

/* Its stack or interface goes now; it may be waiting for the answer to its release. */
static void hurry(struct vs_source *s)
{
	vs_auto_ms until = vs_sources_now() + PARTING_MS;

	if (must_end(s) && !s->awaits_turn)
		go_by(s, until < s->parting_until ? until : s->parting_until);
}

void vs_source_stop(struct vs_source *s, bool release)
{
	bool ran = s->phase == VS_SOURCE_RUNNING;

	if (s->phase == VS_SOURCE_PARTING) {
		hurry(s);
		return;
	}
	s->config.release &= release; /* the machine reads it when it is stopped */
	s->phase = VS_SOURCE_PARTING;
	if (s->must_save)
		vs_sources_leases_save(s, true);
	if (ran && s->config.release) {
		if (!must_wait(s))
			leave(s);
		return;
	}
	if (ran)
		stop_machine(s);
	part(s);
}

void vs_source_replace(struct vs_source *s)
{
	if (s->awaits_turn)
		stop_machine(s);
	if (s->phase == VS_SOURCE_PARTING)
		part(s);
	else
		vs_source_stop(s, false);
}

void vs_source_drop(struct vs_source *s)
{
	bool ran = s->phase == VS_SOURCE_RUNNING || s->awaits_turn;

	s->phase = VS_SOURCE_PARTING;
	if (s->must_save)
		vs_sources_leases_save(s, true);
	vs_sources_packets_close(s); /* nothing can be sent any more */
	if (ran)
		s->kind->stop(s->machine, vs_sources_now());
	tell_facts(s);
	vs_sources_apply_remove_all(s, true);
	source_free(s);
}

static bool has_parted(struct vs_source *s, vs_auto_ms now)
{
	return now >= s->parting_until || (!vs_sources_packets_pending(s) &&
					   (must_end(s) || s->kind->deadline(s->machine) == VS_AUTO_NEVER));
}

static void go_on_parting(struct vs_source *s)
{
	vs_auto_ms now = vs_sources_now(), next = s->kind->deadline(s->machine);

	if (s->awaits_turn) {
		leave(s);
		return;
	}
	if (next <= now)
		s->kind->timer(s->machine, now);
	if (has_parted(s, now)) {
		part(s);
		return;
	}
	if (vs_sources_packets_pending(s) || next < now)
		next = now + PARTING_STEP_MS;
	vs_sources_deadline(s->iface->stack->sources, s, next < s->parting_until ? next : s->parting_until);
}

void vs_source_timer(struct vs_source *s)
{
	if (s->phase == VS_SOURCE_RUNNING) {
		s->kind->timer(s->machine, vs_sources_now());
		settle(s);
	} else if (s->phase == VS_SOURCE_PARTING) {
		go_on_parting(s);
	}
}
