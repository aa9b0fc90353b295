/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order: what is undone, static items first, then sources, which may have to tell a server, then the
 * link. Then eth; the sources are started; static items are set; and the sources are waited for. A static
 * gateway may be in the network of a lease. So if it cannot be reached yet, static items are set once more
 * when the sources are ready.
 */

#include "apply.h"

#include <errno.h>
#include <iothconf.h>
#include <string.h>

#include "events.h"
#include "ioth/lib/internal.h"
#include "sources.h"
#include "static.h"
#include "target.h"

#define MESSAGE_MAX 512

struct applying {
	struct vs_target t;
	const struct vs_plan *plan;
	int64_t deadline_ms;
	int done;                  /* IOTHCONF_... */
	char missing[MESSAGE_MAX]; /* why the first bit is missing; "": none is */
};

int vs_plan_fail(int result, const struct vs_config_error *error)
{
	if (error->text[0] == '\0')
		return ioth_internal_fail(-result, "cannot configure a stack: no memory");
	return ioth_internal_fail(-result, "%s", error->text);
}

/* Keeps the message of a part that could not be done. */
static void miss(struct applying *a)
{
	if (a->missing[0] == '\0')
		strncpy(a->missing, ioth_last_error(), sizeof(a->missing) - 1);
}

/* ------------------------------------------------------------------ undoing */

static int undo(struct applying *a)
{
	int r = vs_static_undo(&a->t, a->plan);

	if (r == 0)
		r = vs_sources_stop(&a->t, a->plan);
	if (r < 0 || (a->plan->undo & VS_PLAN_ETH) == 0)
		return r;
	if (ioth_linksetupdown(a->t.stack, a->t.ifindex, 0) < 0)
		return ioth_internal_fail(errno, "cannot bring interface %s down: %s", a->t.ifname,
					  strerror(errno));
	a->t.is_up = false;
	return 0;
}

/* ------------------------------------------------------------------ doing */

static int set_mac(const struct applying *a)
{
	unsigned char mac[6];

	if (!a->plan->has_mac || (a->t.has_mac && memcmp(a->plan->mac, a->t.mac, sizeof(mac)) == 0))
		return 0;
	memcpy(mac, a->plan->mac, sizeof(mac));
	if (ioth_linksetaddr(a->t.stack, a->t.ifindex, mac) < 0)
		return ioth_internal_fail(errno, "cannot set the hardware address of interface %s: %s",
					  a->t.ifname, strerror(errno));
	return 0;
}

static void do_eth(struct applying *a)
{
	int r = set_mac(a);

	if (r == 0 && ioth_linksetupdown(a->t.stack, a->t.ifindex, 1) < 0)
		r = ioth_internal_fail(errno, "cannot bring interface %s up: %s", a->t.ifname,
				       strerror(errno));
	if (r < 0) {
		miss(a);
		return;
	}
	a->t.is_up = true;
	a->done |= IOTHCONF_ETH;
}

static int do_static(struct applying *a)
{
	if (vs_static_set(&a->t, a->plan) < 0)
		return -errno;
	a->done |= IOTHCONF_STATIC;
	return 0;
}

static bool may_come_later(int r)
{
	return r == -ENETUNREACH || r == -EHOSTUNREACH;
}

static void wait_sources(struct applying *a)
{
	unsigned ready = vs_sources_finish(&a->t, a->plan, a->deadline_ms);
	unsigned slaac = a->plan->want & VS_PLAN_SLAAC;

	if (ready & VS_PLAN_DHCP)
		a->done |= IOTHCONF_DHCP;
	if (ready & VS_PLAN_DHCP6)
		a->done |= IOTHCONF_DHCPV6;
	if ((ready & VS_PLAN_RD) && (ready & slaac) == slaac)
		a->done |= IOTHCONF_RD;
	if (ready != (a->plan->want & VS_PLAN_SOURCES))
		miss(a);
}

static void set_up(struct applying *a)
{
	unsigned want = a->plan->want;
	bool runs = false;
	int r = 0;

	if (want & VS_PLAN_ETH)
		do_eth(a);
	if (want & VS_PLAN_SOURCES) {
		runs = vs_sources_begin(&a->t, a->plan) == 0;
		if (!runs)
			miss(a);
	}
	if (want & VS_PLAN_STATIC)
		r = do_static(a);
	if (r < 0 && !(runs && may_come_later(r)))
		miss(a);
	if (runs)
		wait_sources(a);
	if (runs && may_come_later(r) && do_static(a) < 0)
		miss(a);
}

static int apply(struct applying *a)
{
	if (!vs_plan_needs_iface(a->plan))
		return 0;
	if (vs_target_find(&a->t, a->plan) < 0 || undo(a) < 0)
		return -1;
	set_up(a);
	(void)ioth_internal_fail(0, "%s", a->missing);
	return a->done;
}

int vs_plan_apply(struct ioth *stack, const struct vs_plan *plan)
{
	struct applying a = { .plan = plan, .deadline_ms = vs_events_now_ms() + plan->timeout_ms };

	if (vs_target_open(&a.t, stack) < 0)
		return -1;
	int r = apply(&a);
	vs_target_close(&a.t);
	return r;
}
