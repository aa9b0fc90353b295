/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "carrier.h"

#include "events.h"
#include "iface.h"
#include <vdestack/events.h>

static int apply_locked(struct vs_iface *iface)
{
	return iface->kind->carrier(iface, iface->connected && !iface->cut);
}

void vs_carrier_network(struct vs_iface *iface, bool there)
{
	pthread_mutex_lock(&iface->carrier_lock);
	iface->connected = there;
	(void)apply_locked(iface); /* if this fails, the stack does not see the change */
	pthread_mutex_unlock(&iface->carrier_lock);
}

void vs_carrier_refresh(struct vs_iface *iface)
{
	pthread_mutex_lock(&iface->carrier_lock);
	if (iface->cut || !iface->connected)
		(void)apply_locked(iface);
	pthread_mutex_unlock(&iface->carrier_lock);
}

static void set_cut_locked(struct vs_iface *iface, bool cut)
{
	iface->cut = cut;
	atomic_store(&iface->pump.cut, cut);
}

int vs_carrier_request(struct vs_iface *iface, bool on)
{
	int r = 0;

	pthread_mutex_lock(&iface->carrier_lock);
	bool changes = iface->cut == on;
	if (changes) {
		set_cut_locked(iface, !on);
		r = apply_locked(iface);
		if (r < 0)
			set_cut_locked(iface, on);
	}
	pthread_mutex_unlock(&iface->carrier_lock);
	if (r == 0 && changes)
		vs_events_tell(iface->events,
			       on ? VDESTACK_EVENT_CARRIER_RESTORED : VDESTACK_EVENT_CARRIER_CUT, iface->name,
			       0, 0);
	return r;
}
