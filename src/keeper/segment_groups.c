/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Groups split a segment: each has a bridge of its own in the segment's namespace, and a port is moved from
 * bridge to bridge. A bridge forgets what it has learned about a port that leaves, and has learned nothing
 * about one that enters. The stack's carrier stays on. Group 0 lasts as long as the segment; another one is
 * made for its first port and deleted after its last. Keepers that share a segment share the bridges, which
 * stay until the segment ends.
 *
 * A flap is an entry in the bridge's table that is as good as a learned one, but wrong. The next frame of the
 * interface corrects it, as it would on a switch.
 */

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "forwarder.h"
#include "iface.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"
#include "segment.h"

/* ------------------------------------------------------------------ bridges */

/* Those for one port have a name of this keeper. */
void vs_group_bridge_name(const struct vs_segment *s, unsigned number, char name[IF_NAMESIZE])
{
	if (number < VS_GROUP_ALONE)
		(void)snprintf(name, IF_NAMESIZE, "group%u", number);
	else
		vs_segment_device_name(s, 's', number - VS_GROUP_ALONE, name);
}

/*
 * It may exist: on a shared segment another keeper may have made it, and may just be about to set it up. Or
 * the kernel has made it before, and only the answer was lost.
 */
static int make_bridge(const struct vs_segment *s, const char *name)
{
	const struct vs_peer_ns *peers = &s->peers;
	int r = vs_netdev_make_bridge(peers->netlink, name,
				      peers->without_ipv6 ? VS_NETDEV_UP : VS_NETDEV_AS_IT_IS);
	bool made = r == 0;

	if (r < 0 && r != -EEXIST)
		return r;
	if (!made || !peers->without_ipv6) {
		vs_peer_without_ipv6(peers, name);
		r = vs_peer_set_up(peers, name, true);
	}
	if (r == 0)
		r = vs_netdev_index(peers->netlink, name);
	if (r < 0 && made)
		(void)vs_netdev_delete(peers->netlink, name);
	return r;
}

int vs_group_use_locked(struct vs_segment *s, unsigned number, struct vs_group **out)
{
	char name[IF_NAMESIZE];

	for (struct vs_group *g = s->groups; g != NULL; g = g->next) {
		if (g->number == number) {
			g->ports++;
			*out = g;
			return 0;
		}
	}
	struct vs_group *g = calloc(1, sizeof(*g));
	if (g == NULL)
		return -ENOMEM;
	vs_group_bridge_name(s, number, name);
	int r = make_bridge(s, name);
	if (r < 0) {
		free(g);
		return r;
	}
	*g = (struct vs_group){ .next = s->groups, .number = number, .ports = 1, .bridge = r };
	s->groups = g;
	*out = g;
	return 0;
}

void vs_group_unuse_locked(struct vs_segment *s, struct vs_group *group)
{
	struct vs_group **at = &s->groups;
	char name[IF_NAMESIZE];

	if (--group->ports > 0)
		return;
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	vs_group_bridge_name(s, group->number, name);
	/* Others may have ports at that of a shared segment. If it stays, it does no harm. */
	if ((!s->shared || group->number >= VS_GROUP_ALONE) && vs_netdev_delete(s->peers.netlink, name) < 0)
		s->stained = true;
	free(group);
}

/* ------------------------------------------------------------------ moving a port */

const char *vs_port_device_locked(const struct vs_iface *iface)
{
	return iface->port.forwarder != NULL ? vs_forwarder_port(iface->port.forwarder) : iface->peer;
}

static int move_locked(struct vs_iface *iface, struct vs_group *to)
{
	struct vs_segment *s = iface->port.segment;
	struct vs_netdev port = { .name = vs_port_device_locked(iface), .bridge = to->bridge };
	int r = vs_netdev_set(s->peers.netlink, &port);

	if (r < 0) { /* it may have left its bridge */
		port.bridge = iface->port.group->bridge;
		(void)vs_netdev_set(s->peers.netlink, &port);
	}
	return r;
}

static int change_group_locked(struct vs_iface *iface, unsigned number)
{
	struct vs_segment *s = iface->port.segment;
	struct vs_group *to, *from = iface->port.group;

	if (from->number == number)
		return 0;
	int r = vs_group_use_locked(s, number, &to);
	if (r < 0)
		return r;
	r = move_locked(iface, to);
	vs_group_unuse_locked(s, r < 0 ? to : from);
	if (r == 0)
		iface->port.group = to;
	return r;
}

static int not_there(const struct vs_iface *iface)
{
	return vs_fail(ENODEV, "interface %s is not plugged into its segment", iface->name);
}

/* An interface that a wire tap has alone gets to its new group when the tap ends. */
static int ask_group_locked(struct vs_iface *iface, int number)
{
	struct vs_port *port = &iface->port;

	if (number < 0)
		return 0;
	if (port->alone == 0)
		return change_group_locked(iface, (unsigned)number);
	port->group_after = (unsigned)number;
	return 0;
}

int vs_segment_group(struct vs_iface *iface, int number)
{
	struct vs_port *port = &iface->port;
	int before = -ENODEV, r = 0;

	pthread_mutex_lock(&iface->keeper->segments_lock);
	if (port->segment != NULL) {
		/* Also if it could not leave its own group when the wire tap ended. */
		before = (int)(port->group->number >= VS_GROUP_ALONE ? port->group_after
								     : port->group->number);
		r = ask_group_locked(iface, number);
	}
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	if (before < 0)
		return not_there(iface);
	return r < 0 ? vs_fail(-r, "cannot move interface %s to group %d of its segment: %s", iface->name,
			       number, vs_cause_text(vs_diagnose_limit(-r), -r))
		     : before;
}

/*
 * A group that no interface can be asked into, with this port only. So it does not matter whether the port
 * has a forwarder.
 */
int vs_segment_isolate(struct vs_iface *iface, bool alone)
{
	struct vs_port *port = &iface->port;
	int r = 0;

	pthread_mutex_lock(&iface->keeper->segments_lock);
	unsigned others = port->alone - !alone; /* that want the same */
	if (port->segment == NULL) {
		r = -ENODEV;
	} else if (alone && others == 0) {
		/* If it could not leave the group of an earlier wire tap, it is still there. */
		if (port->group->number < VS_GROUP_ALONE)
			port->group_after = port->group->number;
		r = change_group_locked(iface, VS_GROUP_ALONE + vs_segment_number_locked(port->segment));
	} else if (!alone && others == 0) {
		r = change_group_locked(iface, port->group_after);
	}
	if (!alone)
		port->alone = others;
	else if (r == 0)
		port->alone = others + 1;
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	return r;
}

/* ------------------------------------------------------------------ a flap */

/* Of the stack's end, in the namespace of the calling thread. */
static int own_mac(const char *name, uint8_t mac[6])
{
	struct ifreq ifr = { 0 };
	VS_AUTO_CLOSE netlink = vs_talk_socket();

	if (netlink < 0)
		return netlink;
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(netlink, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

#define FLAP_TRIES 8

static int flap_locked(struct vs_iface *iface, const uint8_t mac[6])
{
	if (iface->port.segment == NULL)
		return not_there(iface);
	int netlink = iface->port.segment->peers.netlink;
	int own = vs_netdev_index(netlink, vs_port_device_locked(iface));
	int other = own, r = -EAGAIN;
	/*
	 * The other port may be another program's, of which only the kernel knows, and which may go
	 * meanwhile.
	 */
	for (int tries = 0; own > 0 && tries < FLAP_TRIES; tries++) {
		other = vs_netdev_bridge_port(netlink, iface->port.group->bridge, own);
		r = other < 0 ? other : vs_netdev_bridge_learn(netlink, other, mac);
		if (other < 0 || (r != -ENODEV && r != -EPERM))
			break;
	}
	if (own > 0 && (other == -ENODEV || other == -ENETDOWN))
		return vs_fail(ENOTSUP,
			       "interface %s is alone in its group%s: its address cannot move to another "
			       "port",
			       iface->name,
			       other == -ENETDOWN ? ", as the cables of the others are cut" : "");
	r = own < 0 ? own : r;
	return r < 0 ? vs_fail(-r, "cannot move the address of interface %s to another port: %s", iface->name,
			       vs_cause_text(vs_diagnose_limit(-r), -r))
		     : 0;
}

int vs_segment_flap(struct vs_iface *iface)
{
	uint8_t mac[6];
	int r = own_mac(iface->name, mac);

	if (r < 0)
		return vs_fail(-r, "cannot read the address of interface %s: %s", iface->name,
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	pthread_mutex_lock(&iface->keeper->segments_lock);
	r = flap_locked(iface, mac);
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	return r;
}
