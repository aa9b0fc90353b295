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
 * Linux removes the IPv6 addresses of an interface that goes down. So each update, every CHECK_MS at least,
 * adds all its addresses. Those that are there are no failure. Their sockets have stayed bound.
 *
 * Limits: the same address may be on another host of the network, where without detection both are disturbed.
 * 62 bits of hash make that unlikely.
 */

#include "addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <iothaddr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "accept.h"
#include "base/cleanup.h"
#include "daemons/common/report.h"
#include "stacks.h"

#define LINGER_MS 30000
#define RETRY_MS 1000
#define CHECK_MS 30000
#define LENGTH 64 /* of the prefix */
#define SPARE 8   /* descriptors: an address is added, and a socket made, by others for a moment */

enum state { LIVE, RETIRED };

union service {
	struct rp_tcp_listener *tcp;
	struct rp_udp_port *udp;
};

struct address {
	struct rp_addresses *all;
	enum state state;
	const struct rp_name *name;
	int64_t slot;
	struct in6_addr addr;
	bool added;    /* to the stack */
	bool reported; /* a failure, which is not reported again */
	struct rp_hold hold;
	struct rp_link link;
	union service
		services[]; /* one for each port of the settings; NULL: it is closed, or of another name */
};

static const char *text_of(const struct address *a)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(AF_INET6, &a->addr, text, sizeof(text));
}

static void update_soon(struct rp_hold *h)
{
	struct address *a = RP_OF(h, struct address, hold);

	if (a->state == RETIRED)
		a->all->again.due_ms = 0;
}

/* ------------------------------------------------------------------ one address */

static struct address *new_address(struct rp_addresses *all, const struct rp_name *name, int64_t slot)
{
	const struct rp_settings *s = all->settings;
	struct address *a = calloc(1, sizeof(*a) + s->n_ports * sizeof(a->services[0]));

	if (a == NULL && !all->starved)
		dm_report(DM_ERROR, "an address of %s cannot be added: out of memory", name->text);
	all->starved = a == NULL;
	if (a == NULL)
		return NULL;
	a->all = all;
	a->name = name;
	a->slot = slot;
	a->addr = name->base;
	a->hold.unused = update_soon;
	iothaddr_hash(&a->addr, name->text, s->password, (uint32_t)slot);
	rp_list_append(&all->list, &a->link);
	return a;
}

static void close_ports(struct address *a, int type)
{
	const struct rp_settings *s = a->all->settings;

	for (size_t i = 0; i < s->n_ports; i++) {
		if (s->ports[i].type != type)
			continue;
		if (type == SOCK_STREAM)
			rp_accept_close(vs_steal_ptr(a->services[i].tcp));
		else
			rp_udp_close(a->services[i].udp);
	}
}

static void remove_address(struct address *a)
{
	struct rp_addresses *all = a->all;

	close_ports(a, SOCK_STREAM);
	close_ports(a, SOCK_DGRAM);
	rp_tcp_reset(all->tcp, &a->hold);
	if (a->added && ioth_ipaddr_del(all->outside, AF_INET6, &a->addr, LENGTH, all->ifindex) < 0 &&
	    errno != ENETDOWN && errno != EADDRNOTAVAIL)
		dm_report(DM_NOTICE, "cannot take the address %s back: %s", text_of(a), strerror(errno));
	dm_report(DM_DEBUG, "%s is gone", text_of(a));
	rp_list_remove(&a->link);
	free(a);
}

static void set_retired(struct address *a, bool retired)
{
	const struct rp_settings *s = a->all->settings;

	a->state = retired ? RETIRED : LIVE;
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].type == SOCK_DGRAM)
			rp_udp_retire(a->services[i].udp, retired);
	if (retired) {
		close_ports(a, SOCK_STREAM);
		dm_report(DM_DEBUG, "%s is retired", text_of(a));
	}
}

/* When a retired address can go; RP_NEVER: it is used. */
static int64_t end_of(const struct address *a)
{
	if (a->hold.users > 0)
		return RP_NEVER;
	return a->hold.sent_ms == 0 ? 0 : a->hold.sent_ms + LINGER_MS;
}

/* ------------------------------------------------------------------ making one work */

static bool give_one_up(struct rp_addresses *all)
{
	struct address *chosen = NULL;

	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct address *a = RP_OF(i, struct address, link);
		if (a->state == RETIRED && a->added &&
		    (chosen == NULL || (chosen->hold.users > 0 && a->hold.users == 0)))
			chosen = a;
	}
	if (chosen == NULL)
		return false;
	if (chosen->hold.users > 0)
		dm_report(DM_NOTICE,
			  "the stack outside has no room: %u connections and flows of an old address end",
			  chosen->hold.users);
	remove_address(chosen);
	return true;
}

/*
 * 0 or -errno, also for an address that is in the stack as it has to be. One that is there the first time was
 * left by a process that did not end well.
 */
static int add(struct address *a)
{
	struct rp_addresses *all = a->all;
	int r;

	while ((r = rp_stacks_add(all->outside, all->ifindex, &a->addr, LENGTH)) < 0)
		if (r != -ENOSPC || !give_one_up(all))
			return r;
	if (!a->added)
		dm_report(DM_DEBUG, "%s lives", text_of(a));
	else if (r > 0)
		dm_report(DM_NOTICE, "%s had been removed by others, and is there again", text_of(a));
	a->added = true;
	return 0;
}

/* A bound socket, or -errno. */
static int bound(const struct address *a, const struct rp_port *port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
				   .sin6_addr = a->addr,
				   .sin6_port = htons(port->number) };
	int one = 1,
	    fd = ioth_msocket(a->all->outside, AF_INET6, port->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (port->type == SOCK_STREAM) /* connections of before may be in TIME_WAIT */
		(void)ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ioth_bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	int err = errno;
	(void)ioth_close(fd);
	return -err;
}

static int open_port(struct address *a, const struct rp_port *port, union service *to)
{
	int fd = bound(a, port);

	if (fd < 0)
		return fd;
	return port->type == SOCK_STREAM ? rp_accept_open(a->all->tcp, fd, port, &a->hold, &to->tcp)
					 : rp_udp_open(a->all->udp, fd, port, &a->hold, &to->udp);
}

/* What to do about it, behind the message. */
static const char *remedy(int err)
{
	if (err == -ENOSPC)
		return "; the stack has room for fewer addresses than live at the same time: a longer "
		       "--otip_period, or "
		       "shorter --otip_preactive and --otip_postactive";
	return err == -EPERM || err == -EACCES ? "; the network of the host needs CAP_NET_ADMIN" : "";
}

static int fails(struct address *a, const char *what, unsigned number, int err)
{
	if (!a->reported && number == 0)
		dm_report(DM_ERROR, "cannot %s %s: %s%s", what, text_of(a), strerror(-err), remedy(err));
	else if (!a->reported)
		dm_report(DM_ERROR, "cannot %s %u of %s: %s%s", what, number, text_of(a), strerror(-err),
			  remedy(err));
	a->reported = true;
	if (err == -ENETDOWN)
		rp_loop_fail(a->all->loop, "the stack outside has failed");
	return err;
}

/* Does what is missing for this address. 0, or -errno of what failed. */
static int complete(struct address *a)
{
	const struct rp_settings *s = a->all->settings;
	int r = add(a), result = 0;

	if (r < 0)
		return fails(a, "add the address", 0, r);
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct rp_port *port = &s->ports[i];
		bool tcp = port->type == SOCK_STREAM;
		if (&s->names[port->name_index] != a->name ||
		    (tcp ? a->services[i].tcp != NULL : a->services[i].udp != NULL))
			continue;
		r = open_port(a, port, &a->services[i]);
		if (r < 0)
			result = fails(a, tcp ? "open the TCP port" : "open the UDP port", port->number, r);
	}
	if (result == 0)
		a->reported = false;
	return result;
}

/* ------------------------------------------------------------------ all of them */

static struct address *find_or_new(struct rp_addresses *all, const struct rp_name *name, int64_t slot)
{
	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct address *a = RP_OF(i, struct address, link);
		if (a->name == name && a->slot == slot)
			return a;
	}
	return new_address(all, name, slot);
}

static void retire_old(struct rp_addresses *all, const struct rp_slots *slots)
{
	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct address *a = RP_OF(i, struct address, link);
		bool old = a->slot < slots->first || a->slot > slots->last;
		if (old != (a->state == RETIRED))
			set_retired(a, old);
	}
}

static int complete_all(struct rp_addresses *all, const struct rp_slots *slots)
{
	const struct rp_settings *s = all->settings;
	int result = 0;

	for (int64_t slot = slots->first; slot <= slots->last; slot++)
		for (size_t i = 0; i < s->n_names; i++) {
			struct address *a = find_or_new(all, &s->names[i], slot);
			int r = a == NULL ? -ENOMEM : complete(a);
			result = r < 0 ? r : result;
		}
	return result;
}

/* Returns when the next one can go. */
static int64_t remove_unused(struct rp_addresses *all)
{
	int64_t next = RP_NEVER;

	for (struct rp_link *i = all->list.next, *after; i != &all->list; i = after) {
		struct address *a = RP_OF(i, struct address, link);
		after = i->next;
		if (a->state == LIVE)
			continue;
		int64_t end = end_of(a);
		if (end <= all->loop->now_ms)
			remove_address(a);
		else if (end < next)
			next = end;
	}
	return next;
}

/* Connections of a retired one go on after others have removed it. No other one makes room for it. */
static void keep_retired(struct rp_addresses *all)
{
	for (struct rp_link *i = all->list.next; i != &all->list; i = i->next) {
		struct address *a = RP_OF(i, struct address, link);
		if (a->state == RETIRED && a->added)
			(void)rp_stacks_add(all->outside, all->ifindex, &a->addr, LENGTH);
	}
}

static void wake_at(struct rp_addresses *all, int64_t next_s)
{
	struct itimerspec t = { .it_value.tv_sec = next_s == INT64_MAX ? 0 : (time_t)next_s };

	(void)timerfd_settime(all->clock.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL);
}

/* Makes all as it has to be now. 0, or -errno of what failed; that is tried again. */
static int update(struct rp_addresses *all)
{
	struct rp_period period = rp_settings_period(all->settings);
	struct timespec now = { 0 };

	rp_spare_release(&all->spare);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	struct rp_slots slots = rp_slots_at(now.tv_sec, &period);
	retire_old(all, &slots);
	int r = complete_all(all, &slots);
	all->again.due_ms = remove_unused(all);
	keep_retired(all);
	int64_t again_ms = all->loop->now_ms + (r < 0 ? RETRY_MS : CHECK_MS);
	if (again_ms < all->again.due_ms)
		all->again.due_ms = again_ms;
	wake_at(all, slots.next_s);
	rp_spare_take(&all->spare);
	return r;
}

static void on_timer(struct rp_timer *t)
{
	(void)update(RP_OF(t, struct rp_addresses, again));
}

static void on_clock(struct rp_watch *w, uint32_t events)
{
	uint64_t times;

	(void)events;
	(void)!read(w->fd, &times, sizeof(times)); /* ECANCELED: the clock has been set */
	(void)update(RP_OF(w, struct rp_addresses, clock));
}

int rp_addresses_begin(struct rp_addresses *all)
{
	rp_list_init(&all->list);
	rp_loop_timer(all->loop, &all->again, on_timer);
	all->clock = (struct rp_watch){ .ready = on_clock };
	all->clock.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = all->clock.fd < 0 ? -errno : rp_loop_watch(all->loop, &all->clock, EPOLLIN);
	if (r < 0) {
		dm_report(DM_ERROR, "cannot wait for the clock: %s", strerror(-r));
		return -1;
	}
	if (rp_spare_init(&all->spare, all->settings->n_ports + SPARE) < 0) {
		dm_report(DM_ERROR, "no descriptors are kept for new addresses: out of memory");
		return -1;
	}
	return update(all) < 0 ? -1 : 0;
}

void rp_addresses_end(struct rp_addresses *all)
{
	rp_spare_fini(&all->spare);
	while (!rp_list_empty(&all->list))
		remove_address(RP_OF(all->list.next, struct address, link));
	if (all->clock.fd >= 0) {
		rp_loop_forget(all->loop, &all->clock);
		vs_close(vs_steal_fd(&all->clock.fd));
	}
}
