/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Views of a port: packet sockets of captures and wire taps, in the namespace of the segment.
 *
 *     unimpaired:   stack ═ p1 ────────────────────── bridge          a view is bound to p1
 *     impaired:     stack ═ p1 ── forwarder ── r7 ─── bridge          a view is bound to r7
 *
 * A view is always bound to the device that is the bridge's port. So it sees what the network sees: what the
 * stack sends after the impairment, what it receives before that. When a forwarder comes or goes, its views
 * are bound to the other device while neither of the two is in the bridge. So no frame is missed.
 *
 * A view belongs to the thread of its capture or wire tap. While it is in the port's list, under the lock
 * of the segments, the interface may end; then it is taken out of the list, and sees nothing more.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "iface.h"
#include "rtnl/netdev.h"
#include "segment.h"

int vs_port_ns(struct vs_iface *iface)
{
	int r = -ENODEV;

	pthread_mutex_lock(&iface->keeper->segments_lock);
	if (iface->port.segment != NULL) {
		r = fcntl(iface->port.segment->peers.ns, F_DUPFD_CLOEXEC, 3);
		r = r < 0 ? -errno : r;
	}
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	return r;
}

static int show(const struct vs_segment *s, const struct vs_port_view *view, const char *device)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int r = at.sll_ifindex = vs_netdev_index(s->peers.netlink, device);

	if (r < 0)
		return r;
	return bind(view->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

int vs_port_view_begin(struct vs_iface *iface, struct vs_port_view *view)
{
	struct vs_port *port = &iface->port;

	view->keeper = iface->keeper;
	pthread_mutex_lock(&iface->keeper->segments_lock);
	int r = port->segment == NULL ? -ENODEV
				      : show(port->segment, view, vs_port_device_locked(iface));
	if (r == 0) {
		view->iface = iface;
		view->next = port->views;
		port->views = view;
	}
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	return r;
}

void vs_port_view_end(struct vs_port_view *view)
{
	if (view->keeper == NULL)
		return;
	pthread_mutex_lock(&view->keeper->segments_lock);
	struct vs_iface *iface = vs_steal_ptr(view->iface);
	if (iface != NULL) {
		struct vs_port_view **at = &iface->port.views;
		while (*at != view)
			at = &(*at)->next;
		*at = view->next;
	}
	pthread_mutex_unlock(&view->keeper->segments_lock);
}

/* If the kernel refuses this, for want of memory, the view shows what passes at the other device. */
void vs_port_views_move_locked(struct vs_iface *iface, const char *device)
{
	for (struct vs_port_view *v = iface->port.views; v != NULL; v = v->next)
		(void)show(iface->port.segment, v, device);
}

void vs_port_views_end_locked(struct vs_iface *iface)
{
	while (iface->port.views != NULL) {
		struct vs_port_view *view = iface->port.views;
		iface->port.views = view->next;
		view->iface = NULL;
	}
}
