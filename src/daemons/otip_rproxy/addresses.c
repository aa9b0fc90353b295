/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The life of an address:
 *
 *	LIVE     its time has come: it is in the stack, and its ports are open.
 *	RETIRED  its time is over: its TCP listeners are closed, and so are its UDP ports that have no flows.
 *	         The others pass on datagrams of their flows, and are closed with the last one. The address
 *	         stays in the stack while connections or flows use it, and LINGER_MS after the last
 *	         connection: the stack still sends what that connection had written.
 *	gone     it is taken out of the stack.
 *
 * There is one stack outside for the whole life of the program. Addresses are added to it without duplicate
 * address detection, so that they work at once, and removed by netlink. One stack for each address would make
 * a namespace, an interface and a MAC address for each period, and would keep them all as long as connections
 * use them.
 *
 * All of them are deprecated for the stack from the beginning. Packets of connections to the address have it,
 * but other programs that use the stack, and the stack inside if it is the same one, have another source
 * address, if there is one. So they do not show the secret address, and do not lose connections with it.
 *
 * An established connection needs its local address. Without it Linux drops what the peer sends, because it
 * goes to no address of the host, and neighbours ask for it in vain (tests/kernel/local_address.c proves it).
 * So a retired address is kept. It is not silent then: the stack answers a new connection with a reset, a
 * datagram to a closed port with an ICMP error, and pings. A client that knows only an old address learns
 * that a host was there, and reaches no server.
 *
 * A stack may have room for few addresses (picox has five). When a new one does not fit, a retired one is
 * given up: the oldest that is not used, or else the oldest, whose connections are reset.
 *
 * What lives is computed from the wall clock at each change, never from what lived before: after a jump of
 * the clock, which wakes the timer up, the right addresses are there at once. A retired one whose time comes
 * again opens its ports again. What fails is tried again after a second: each update does what is missing.
 * Linux removes the IPv6 addresses of an interface that goes down, and other programs may remove them. A
 * socket of netlink reports that, and a moment later all addresses are added again. Those that are there are
 * no failure. Their sockets have stayed bound. Reports can be missing: so this is also done at each update,
 * every CHECK_MS at least.
 *
 * Limits: the same address may be on another host of the network, where without detection both are disturbed.
 * 62 bits of hash make that unlikely.
 */

#include "addresses.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"
#include "netlink.h"

#define RETRY_MS 1000
#define CHECK_MS 30000
#define MISSING_MS 100 /* others may remove one address after the other */
#define EVENTS 64      /* that are read at a time */
#define SPARE 8        /* descriptors: an address is added, and a socket made, by others for a moment */

static struct rp_address *address_of(struct rp_link *l)
{
	return RP_OF(l, struct rp_address, link);
}

static void update_within(struct rp_addresses *all, int64_t ms)
{
	int64_t due = all->place.loop->now_ms + ms;

	if (due < all->again.due_ms)
		all->again.due_ms = due;
}

static void update_soon(struct rp_place *p)
{
	update_within(RP_OF(p, struct rp_addresses, place), 0);
}

/* ------------------------------------------------------------------ making one work */

static bool give_one_up(struct rp_addresses *all)
{
	struct rp_address *chosen = NULL;

	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct rp_address *a = address_of(i);
		if (a->state == RP_RETIRED && a->added &&
		    (chosen == NULL || (chosen->hold.users > 0 && a->hold.users == 0)))
			chosen = a;
	}
	if (chosen == NULL)
		return false;
	if (chosen->hold.users > 0)
		dm_report(DM_NOTICE,
			  "the stack outside has no room: %u connections and flows of an old address end",
			  chosen->hold.users);
	rp_address_remove(chosen);
	return true;
}

/* Does what is missing for this address. 0, or -errno of what failed. */
static int complete(struct rp_addresses *all, struct rp_address *a)
{
	int r;

	while ((r = rp_address_add(a)) == -ENOSPC && give_one_up(all))
		;
	return r < 0 ? rp_address_failed(a, "add the address", 0, r) : rp_address_open(a);
}

/* ------------------------------------------------------------------ all of them */

static struct rp_address *find_or_new(struct rp_addresses *all, const struct rp_name *name, int64_t slot)
{
	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct rp_address *a = address_of(i);
		if (a->name == name && a->slot == slot)
			return a;
	}
	struct rp_address *a = rp_address_new(&all->place, name, slot);
	if (a == NULL && !all->starved)
		dm_report(DM_ERROR, "an address of %s cannot be added: out of memory", name->text);
	all->starved = a == NULL;
	if (a != NULL)
		rp_list_append(&all->list, &a->link);
	return a;
}

static void retire_old(struct rp_addresses *all, const struct rp_slots *slots)
{
	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct rp_address *a = address_of(i);
		bool old = a->slot < slots->first || a->slot > slots->last;
		if (old != (a->state == RP_RETIRED))
			rp_address_retire(a, old);
	}
}

static int complete_all(struct rp_addresses *all, const struct rp_slots *slots)
{
	const struct rp_settings *s = all->place.settings;
	int result = 0;

	for (int64_t slot = slots->first; slot <= slots->last; slot++)
		for (size_t i = 0; i < s->n_names; i++) {
			struct rp_address *a = find_or_new(all, &s->names[i], slot);
			int r = a == NULL ? -ENOMEM : complete(all, a);
			result = r < 0 ? r : result;
		}
	return result;
}

/* Returns when the next one can go. */
static int64_t remove_unused(struct rp_addresses *all)
{
	int64_t next = RP_NEVER;

	for (struct rp_link *i = all->list.next, *after; i != &all->list; i = after) {
		struct rp_address *a = address_of(i);
		after = i->next;
		if (a->state == RP_LIVE)
			continue;
		int64_t end = rp_address_end(a);
		if (end <= all->place.loop->now_ms)
			rp_address_remove(a);
		else if (end < next)
			next = end;
	}
	return next;
}

/* Connections of a retired one go on after others have removed it. No other one makes room for it. */
static void keep_retired(struct rp_addresses *all)
{
	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct rp_address *a = address_of(i);
		if (a->state == RP_RETIRED && a->added)
			(void)rp_address_add(a);
	}
}

static void wake_at(struct rp_addresses *all, int64_t next_s)
{
	struct itimerspec t = { .it_value.tv_sec = 0 };

	if (next_s != INT64_MAX)
		t.it_value.tv_sec = (time_t)(next_s - rp_loop_ahead_s(all->place.loop));

	(void)timerfd_settime(all->clock.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL);
}

int rp_addresses_update(struct rp_addresses *all)
{
	struct rp_period period = rp_settings_period(all->place.settings);

	rp_spare_release(&all->spare);
	struct rp_slots slots = rp_slots_at(rp_loop_wall_s(all->place.loop), &period);
	retire_old(all, &slots);
	int r = complete_all(all, &slots);
	all->again.due_ms = remove_unused(all);
	keep_retired(all);
	update_within(all, r < 0 ? RETRY_MS : CHECK_MS);
	wake_at(all, slots.next_s);
	rp_spare_take(&all->spare);
	return r;
}

static void on_timer(struct rp_timer *t)
{
	(void)rp_addresses_update(RP_OF(t, struct rp_addresses, again));
}

static void on_clock(struct rp_watch *w, uint32_t events)
{
	uint64_t times;

	(void)events;
	(void)!read(w->fd, &times, sizeof(times)); /* ECANCELED: the clock has been set */
	(void)rp_addresses_update(RP_OF(w, struct rp_addresses, clock));
}

static bool is_ours(struct rp_addresses *all, const struct in6_addr *addr)
{
	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next)
		if (address_of(i)->added && memcmp(&address_of(i)->addr, addr, sizeof(*addr)) == 0)
			return true;
	return false;
}

static void end_events(struct rp_addresses *all)
{
	if (all->events.fd < 0)
		return;
	rp_loop_forget(all->place.loop, &all->events);
	(void)ioth_close(vs_steal_fd(&all->events.fd));
}

static void on_event(struct rp_watch *w, uint32_t events)
{
	struct rp_addresses *all = RP_OF(w, struct rp_addresses, events);
	struct in6_addr addr;

	(void)events;
	for (int i = 0; i < EVENTS; i++) {
		switch (rp_netlink_event(w->fd, all->place.ifindex, &addr)) {
		case RP_EVENT_NONE:
			return;
		case RP_EVENT_OTHER:
			break;
		case RP_EVENT_REMOVED:
			if (is_ours(all, &addr))
				update_within(all, MISSING_MS);
			break;
		case RP_EVENT_LOST:
			update_within(all, MISSING_MS);
			break;
		case RP_EVENT_FAILED:
			end_events(all);
			return;
		}
	}
}

/* Not every stack has them. */
static void watch_events(struct rp_addresses *all)
{
	all->events = (struct rp_watch){ .ready = on_event };
	all->events.fd = rp_netlink_watch(all->place.outside);
	if (all->events.fd >= 0 && rp_loop_watch(all->place.loop, &all->events, EPOLLIN) < 0)
		end_events(all);
}

int rp_addresses_begin(struct rp_addresses *all)
{
	rp_list_init(&all->list);
	all->place.unused = update_soon;
	all->events.fd = -1;
	rp_loop_timer(all->place.loop, &all->again, on_timer);
	all->clock = (struct rp_watch){ .ready = on_clock };
	all->clock.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = all->clock.fd < 0 ? -errno : rp_loop_watch(all->place.loop, &all->clock, EPOLLIN);
	if (r < 0) {
		dm_report(DM_ERROR, "cannot wait for the clock: %s", strerror(-r));
		return -1;
	}
	if (rp_spare_init(&all->spare, all->place.settings->n_ports + SPARE) < 0) {
		dm_report(DM_ERROR, "no descriptors are kept for new addresses: out of memory");
		return -1;
	}
	watch_events(all);
	return rp_addresses_update(all) < 0 ? -1 : 0;
}

void rp_addresses_end(struct rp_addresses *all)
{
	rp_spare_fini(&all->spare);
	end_events(all);
	while (!rp_list_empty(&all->list))
		rp_address_remove(address_of(all->list.next));
	all->again.due_ms = RP_NEVER; /* the last connections of an address have asked for an update */
	if (all->clock.fd >= 0) {
		rp_loop_forget(all->place.loop, &all->clock);
		vs_close(vs_steal_fd(&all->clock.fd));
	}
}
