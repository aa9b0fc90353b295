/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "iface.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "events.h"
#include "packet_device.h"
#include "pump/link.h"
#include "reconnect.h"
#include "variant.h"

const struct vs_iface_kind *vs_iface_kind_for(struct vs_keeper *k, enum vs_locator_kind kind)
{
	if (vs_locator_is_segment(kind))
		return &vs_iface_segment;
	return vs_packet_device_wanted(k) ? &vs_iface_packet : &vs_iface_tap;
}

struct vs_iface *vs_iface_new(struct vs_keeper *k, const struct vs_wire_iface *want, const char *locator,
			      const struct vs_iface_kind *kind)
{
	struct vs_iface *iface = calloc(1, sizeof(*iface));

	if (iface == NULL)
		return NULL;
	iface->locator = strdup(locator);
	if (iface->locator == NULL) {
		free(iface);
		return NULL;
	}
	iface->keeper = k;
	iface->kind = kind;
	iface->root = iface->cwd = -1;
	iface->connected = true;
	(void)pthread_mutex_init(&iface->carrier_lock, NULL);
	atomic_init(&iface->users, 1);
	iface->addition = want->addition;
	(void)snprintf(iface->name, sizeof(iface->name), "%s", want->name);
	if (vs_pump_init(&iface->pump, &vs_reconnect_callbacks, iface->name) < 0) {
		free(iface->locator);
		vs_cleanup_free(&iface);
		return NULL;
	}
	iface->pump.device.ops = kind->device;
	iface->pump.keeps_capabilities = k->variant->same_credentials;
	iface->pump.quick_end = kind == &vs_iface_tap; /* to delete another one takes time */
	atomic_fetch_add(&k->counts.interfaces, 1);
	vs_keeper_count(k, 0, 1);
	return iface;
}

void vs_iface_ref(struct vs_iface *iface)
{
	atomic_fetch_add(&iface->users, 1);
}

void vs_iface_unref(struct vs_iface *iface)
{
	/* The last one must see what all others wrote: acquire-release on the count. */
	if (iface == NULL || atomic_fetch_sub(&iface->users, 1) != 1)
		return;
	(void)iface->kind->leave(iface);
	vs_pump_free(&iface->pump);
	vs_close(iface->root);
	vs_close(iface->cwd);
	vs_events_unref(iface->events);
	(void)pthread_mutex_destroy(&iface->carrier_lock);
	free(iface->locator);
	atomic_fetch_sub(&iface->keeper->counts.interfaces, 1);
	vs_keeper_count(iface->keeper, 0, -1);
	free(iface);
}

void vs_iface_stop(struct vs_iface *iface)
{
	vs_pump_stop(&iface->pump);
	vs_keeper_wake(iface->keeper); /* a job that opens this interface's link is due now */
}

bool vs_iface_is_stopping(const struct vs_iface *iface)
{
	return vs_pump_is_stopped(&iface->pump);
}

void vs_iface_set_link(struct vs_iface *iface, enum vs_iface_link link)
{
	struct vs_keeper *k = iface->keeper;

	pthread_mutex_lock(&k->lock);
	iface->link = link;
	pthread_cond_broadcast(&k->met);
	pthread_mutex_unlock(&k->lock);
}

void vs_iface_unplug(struct vs_iface *iface)
{
	struct vs_keeper *k = iface->keeper;
	struct timespec limit;
	int r = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_nsec += VS_IFACE_UNPLUG_MS * 1000000L;
	limit.tv_sec += limit.tv_nsec / 1000000000L;
	limit.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&k->lock);
	while (iface->link == VS_IFACE_LINK_PUMPED && r == 0)
		r = pthread_cond_clockwait(&k->met, &k->lock, CLOCK_MONOTONIC, &limit);
	bool left = iface->link == VS_IFACE_LINK_LEFT;
	pthread_mutex_unlock(&k->lock);
	if (left)
		vs_link_close(vs_steal_ptr(iface->pump.link));
}

bool vs_iface_device_gone(struct vs_iface *iface)
{
	return iface->kind->gone(iface);
}

bool vs_iface_descriptor_gone(struct vs_iface *iface)
{
	struct vs_keeper *k = iface->keeper;
	struct vs_device device = { .ops = iface->kind->device };

	pthread_mutex_lock(&k->lock); /* a job may be about to set the device, or to take it away */
	VS_AUTO_CLOSE fd = iface->pump.device.fd >= 0 ? fcntl(iface->pump.device.fd, F_DUPFD_CLOEXEC, 3) : -1;
	pthread_mutex_unlock(&k->lock);
	device.fd = fd;
	/* Without the lock: a question about a tap waits for the kernel's lock of all devices. */
	return fd >= 0 && device.ops->gone(&device);
}

int vs_iface_impair_pump(struct vs_iface *iface, const struct vdestack_impairment *tx,
			 const struct vdestack_impairment *rx)
{
	int r = vs_pump_impair(&iface->pump, tx, rx);

	return r < 0 ? vs_fail(-r, "%s", vs_cause_text(vs_diagnose_limit(-r), -r)) : 0;
}

void vs_iface_impaired_pump(struct vs_iface *iface, struct vdestack_impairment *tx,
			    struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			    struct vdestack_impair_stats *rx_stats)
{
	vs_pump_impaired(&iface->pump, tx, rx, tx_stats, rx_stats);
}
