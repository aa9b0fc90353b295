/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Segments: an Ethernet inside the program, made of what the kernel has.
 *
 *     stack A              segment (a namespace nobody lives in)       stack B
 *     vde0 ═══ veth ═══ p1 ─────────── bridge ─────────── p2 ═══ veth ═══ vde0
 *
 * The first interface that names a segment makes it, the last one takes it down. No thread
 * stays in the namespace: it is held, and worked on, through an rtnetlink socket that a
 * short-lived thread has opened there, and a descriptor of the namespace itself into which
 * the kernel puts the far end of each veth pair.
 *
 * Ports carry whatever their stacks may send, so their MTU is the largest there is; what is
 * too long for a receiver is dropped by its own end, as on a wire.
 *
 * The table of segments and everything in it belongs to the keeper's segment lock; talking
 * to the kernel under it makes joins and leaves take turns, which rtnetlink does anyway.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "iface.h"
#include "rtnl.h"

#define BRIDGE_NAME "segment"
#define PORT_MTU 65535

struct vs_segment {
	struct vs_segment *next;
	char *name;
	int netlink; /* rtnetlink in the segment's namespace */
	int ns;
	int bridge;  /* its interface index */
	unsigned ports;
	unsigned last_port; /* for names */
};

static pthread_mutex_t segments_lock = PTHREAD_MUTEX_INITIALIZER; /* guards every segment and every list of them */

/* ------------------------------------------------------------------ messages */

static struct nl_msg *link_message(int type, int flags, const struct ifinfomsg *info)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg != NULL && nlmsg_append(msg, (void *)info, sizeof(*info), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static struct nl_msg *bridge_message(void)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info);
	struct nlattr *kind, *data;

	if (msg == NULL)
		return NULL;
	if (nla_put_string(msg, IFLA_IFNAME, BRIDGE_NAME) < 0 || (kind = nla_nest_start(msg, IFLA_LINKINFO)) == NULL ||
	    nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0 || (data = nla_nest_start(msg, IFLA_INFO_DATA)) == NULL ||
	    nla_put_u32(msg, IFLA_BR_FORWARD_DELAY, 0) < 0 || nla_put_u32(msg, IFLA_BR_STP_STATE, 0) < 0 ||
	    nla_put_u8(msg, IFLA_BR_MCAST_SNOOPING, 0) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, data);
	nla_nest_end(msg, kind);
	return msg;
}

/* A veth pair: `want` here, `port` in the segment's namespace. */
static struct nl_msg *veth_message(const struct vs_wire_iface *want, const char *port, int segment_ns)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct ifinfomsg peer = { .ifi_family = AF_UNSPEC }; /* veth refuses to be up before it has both ends */
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info);
	struct nlattr *kind, *data, *far;

	if (msg == NULL)
		return NULL;
	if (nla_put_string(msg, IFLA_IFNAME, want->name) < 0 ||
	    (want->has_mac && nla_put(msg, IFLA_ADDRESS, sizeof(want->mac), want->mac) < 0) ||
	    (want->mtu != 0 && nla_put_u32(msg, IFLA_MTU, want->mtu) < 0) ||
	    (kind = nla_nest_start(msg, IFLA_LINKINFO)) == NULL || nla_put_string(msg, IFLA_INFO_KIND, "veth") < 0 ||
	    (data = nla_nest_start(msg, IFLA_INFO_DATA)) == NULL || (far = nla_nest_start(msg, VETH_INFO_PEER)) == NULL ||
	    nlmsg_append(msg, &peer, sizeof(peer), NLMSG_ALIGNTO) < 0 || nla_put_string(msg, IFLA_IFNAME, port) < 0 ||
	    nla_put_u32(msg, IFLA_MTU, PORT_MTU) < 0 || nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)segment_ns) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, far);
	nla_nest_end(msg, data);
	nla_nest_end(msg, kind);
	return msg;
}

static struct nl_msg *enslave_message(const char *port, int bridge)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nl_msg *msg = link_message(RTM_SETLINK, 0, &info);

	if (msg != NULL && (nla_put_string(msg, IFLA_IFNAME, port) < 0 || nla_put_u32(msg, IFLA_MASTER, (uint32_t)bridge) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* ------------------------------------------------------------------ making and ending a segment */

static int index_of(const char *name)
{
	struct ifreq ifr = { 0 };
	VS_AUTO_CLOSE s = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (s < 0 || ioctl(s, SIOCGIFINDEX, &ifr) < 0)
		return -errno;
	return ifr.ifr_ifindex;
}

/* Nothing in a segment's namespace has an address, nor may it get one by itself. */
static void silence_ipv6(void)
{
	VS_AUTO_CLOSE fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1", 1);
}

struct making {
	struct vs_segment *segment;
	int result;
};

/* Runs on a thread of its own: there is no way back from the namespace it makes. */
static void *make_in_namespace(void *arg)
{
	struct making *making = arg;
	struct vs_segment *s = making->segment;

	making->result = 0;
	if (unshare(CLONE_NEWNET) < 0) {
		making->result = -errno;
		return NULL;
	}
	silence_ipv6();
	s->netlink = (int)syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	s->ns = s->netlink < 0 ? -1 : ioctl(s->netlink, SIOCGSKNS);
	if (s->ns < 0)
		making->result = -errno;
	if (making->result == 0)
		making->result = vs_rtnl_talk(s->netlink, bridge_message());
	if (making->result == 0)
		making->result = s->bridge = index_of(BRIDGE_NAME);
	return NULL;
}

static void segment_free(struct vs_segment *s)
{
	if (s == NULL)
		return;
	vs_close(s->netlink);
	vs_close(s->ns);
	free(s->name);
	free(s);
}

static int segment_make(const char *name, struct vs_segment **out)
{
	struct vs_segment *s = calloc(1, sizeof(*s));
	struct making making = { .segment = s };
	pthread_t thread;
	pthread_attr_t attr;
	sigset_t all, saved;

	if (s == NULL || pthread_attr_init(&attr) != 0) {
		free(s);
		return -ENOMEM;
	}
	(void)pthread_attr_setstacksize(&attr, VS_THREAD_STACK_BYTES);
	s->netlink = s->ns = -1;
	s->name = strdup(name);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &saved);
	int r = s->name == NULL ? -ENOMEM : vs_thread_error(pthread_create(&thread, &attr, make_in_namespace, &making));
	(void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
	(void)pthread_attr_destroy(&attr);
	if (r == 0) {
		(void)pthread_join(thread, NULL);
		r = making.result;
	}
	if (r < 0) {
		segment_free(s);
		return r;
	}
	*out = s;
	return 0;
}

/* ------------------------------------------------------------------ joining and leaving */

static int find_or_make_locked(struct vs_keeper *k, const char *name, struct vs_segment **out)
{
	for (struct vs_segment *s = k->segments; s != NULL; s = s->next) {
		if (strcmp(s->name, name) == 0) {
			*out = s;
			return 0;
		}
	}
	int r = segment_make(name, out);
	if (r < 0)
		return vs_fail(-r, "cannot make segment \"%s\": %s", name,
			       r == -EOPNOTSUPP ? "the kernel has no bridge driver; modprobe bridge"
						: vs_cause_text(vs_diagnose_netns(-r, ""), -r));
	(*out)->next = k->segments;
	k->segments = *out;
	return 0;
}

static void drop_if_empty_locked(struct vs_keeper *k, struct vs_segment *s)
{
	struct vs_segment **at = &k->segments;

	if (s->ports > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	segment_free(s);
}

static int plug_locked(struct vs_iface *iface, struct vs_segment *s, const struct vs_wire_iface *want, int netlink)
{
	char port[IF_NAMESIZE];

	(void)snprintf(port, sizeof(port), "p%u", ++s->last_port);
	int r = vs_rtnl_talk(netlink, veth_message(want, port, s->ns));
	if (r < 0)
		return vs_fail(-r, "cannot make interface %s: %s", want->name,
			       r == -EOPNOTSUPP ? "the kernel has no veth driver; modprobe veth" : strerror(-r));
	r = vs_rtnl_talk(s->netlink, enslave_message(port, s->bridge));
	if (r < 0) {
		(void)vs_device_delete(s->netlink, port);
		return vs_fail(-r, "cannot plug interface %s into segment \"%s\": %s", want->name, s->name, strerror(-r));
	}
	memcpy(iface->port, port, sizeof(port));
	iface->segment = s;
	s->ports++;
	return 0;
}

int vs_segment_join(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want, int netlink)
{
	struct vs_keeper *k = iface->keeper;
	struct vs_segment *s = NULL;

	pthread_mutex_lock(&segments_lock);
	int r = find_or_make_locked(k, name, &s);
	if (r == 0) {
		r = plug_locked(iface, s, want, netlink);
		drop_if_empty_locked(k, s);
	}
	pthread_mutex_unlock(&segments_lock);
	return r;
}

int vs_segment_cut(struct vs_iface *iface, bool cut)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_flags = cut ? 0 : IFF_UP, .ifi_change = IFF_UP };
	struct nl_msg *msg = link_message(RTM_SETLINK, 0, &info);
	int r = -ENODEV;

	if (msg != NULL && nla_put_string(msg, IFLA_IFNAME, iface->port) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	pthread_mutex_lock(&segments_lock);
	if (iface->segment != NULL)
		r = vs_rtnl_talk(iface->segment->netlink, msg); /* takes it */
	else
		nlmsg_free(msg);
	pthread_mutex_unlock(&segments_lock);
	return r;
}

void vs_segment_leave(struct vs_iface *iface)
{
	pthread_mutex_lock(&segments_lock);
	struct vs_segment *s = iface->segment;
	if (s != NULL) {
		iface->segment = NULL;
		(void)vs_device_delete(s->netlink, iface->port); /* takes the stack's end with it */
		s->ports--;
		drop_if_empty_locked(iface->keeper, s);
	}
	pthread_mutex_unlock(&segments_lock);
}
