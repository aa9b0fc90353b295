/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "iface.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "events.h"
#include "port.h"
#include "pump/link.h"
#include "pump/tap.h"

struct vs_iface *vs_iface_new(struct vs_keeper *k, const char *name)
{
	struct vs_iface *iface = calloc(1, sizeof(*iface));

	if (iface == NULL)
		return NULL;
	iface->keeper = k;
	iface->tap = iface->root = iface->cwd = -1;
	iface->joined = true;
	(void)pthread_mutex_init(&iface->carrier_lock, NULL);
	atomic_init(&iface->users, 1);
	(void)snprintf(iface->name, sizeof(iface->name), "%s", name);
	iface->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (iface->stop < 0) {
		vs_cleanup_free(&iface);
		return NULL;
	}
	vs_keeper_count(k, 0, 1);
	return iface;
}

void vs_iface_ref(struct vs_iface *iface)
{
	atomic_fetch_add(&iface->users, 1);
}

void vs_iface_unref(struct vs_iface *iface)
{
	/* The last one out must see what all others wrote: acquire-release on the count. */
	if (iface == NULL || atomic_fetch_sub(&iface->users, 1) != 1)
		return;
	(void)vs_segment_leave(iface);
	(void)vs_port_leave(iface);
	vs_link_close(iface->link);
	vs_close(iface->tap);
	vs_close(iface->stop);
	vs_close(iface->root);
	vs_close(iface->cwd);
	vs_events_unref(iface->events);
	(void)pthread_mutex_destroy(&iface->carrier_lock);
	free(iface->vnl);
	vs_keeper_count(iface->keeper, 0, -1);
	free(iface);
}

void vs_iface_stop(struct vs_iface *iface)
{
	atomic_store(&iface->stopping, true);
	(void)eventfd_write(iface->stop, 1); /* not read any more: stays readable for every pump thread */
	vs_keeper_wake(iface->keeper); /* a job that opens this interface's link is due now */
}

/* A tap's descriptor that has lost its device answers so; a port's is bound to nothing. */
static bool is_detached(int tap, bool by_packet)
{
	struct ifreq ifr;

	return by_packet ? vs_packet_gone(tap) : ioctl(tap, TUNGETIFF, &ifr) < 0 && errno == EBADFD;
}

bool vs_iface_device_gone(struct vs_iface *iface)
{
	struct vs_keeper *k = iface->keeper;

	if (iface->on_segment)
		return vs_segment_port_gone(iface);
	pthread_mutex_lock(&k->lock); /* a job may be about to give it its device, or to take it away */
	VS_AUTO_CLOSE tap = iface->tap >= 0 ? fcntl(iface->tap, F_DUPFD_CLOEXEC, 3) : -1;
	pthread_mutex_unlock(&k->lock);
	/* Without the lock: asking a tap waits for the kernel's lock of all devices. */
	return tap >= 0 && is_detached(tap, atomic_load(&iface->by_packet));
}
