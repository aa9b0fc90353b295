/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "veth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "keeper.h"
#include "rtnl.h"

#define PEER_INDEX (1 << 20) /* more interfaces than a stack has */

/* ------------------------------------------------------------------ the namespace */

/* What a thread does in such a namespace. It ends there. */
struct visit {
	struct vs_peer_ns *made; /* to be made; NULL: enter `ns` and call fn */
	int ns;
	void (*fn)(void *);
	void *arg;
	int result;
};

/* The devices that are made next get no address by themselves. False: each device must be told. */
static bool switch_ipv6_off(void)
{
	VS_AUTO_CLOSE fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, "1", 1) == 1;
}

static int make_here(struct vs_peer_ns *peers)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	peers->without_ipv6 = switch_ipv6_off();
	peers->netlink = (int)syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	peers->ns = peers->netlink < 0 ? -1 : ioctl(peers->netlink, SIOCGSKNS);
	return peers->ns < 0 ? -errno : 0;
}

static void *visit_main(void *arg)
{
	struct visit *v = arg;

	if (v->made != NULL)
		v->result = make_here(v->made);
	else if (setns(v->ns, CLONE_NEWNET) < 0)
		v->result = -errno;
	else
		v->fn(v->arg);
	return NULL;
}

static int run_visit(struct visit *v)
{
	pthread_t thread;
	pthread_attr_t attr;
	sigset_t all, saved;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_attr_setstacksize(&attr, VS_THREAD_STACK_BYTES);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &saved);
	int r = vs_thread_error(pthread_create(&thread, &attr, visit_main, v));
	(void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
	(void)pthread_attr_destroy(&attr);
	if (r < 0)
		return r;
	(void)pthread_join(thread, NULL);
	return v->result;
}

int vs_peer_ns_make(struct vs_peer_ns *peers)
{
	struct visit v = { .made = peers };

	peers->netlink = peers->ns = -1;
	int r = run_visit(&v);
	if (r < 0)
		vs_peer_ns_close(peers);
	return r;
}

void vs_peer_ns_close(struct vs_peer_ns *peers)
{
	vs_close(vs_steal_fd(&peers->netlink));
	vs_close(vs_steal_fd(&peers->ns));
}

int vs_peer_ns_run(const struct vs_peer_ns *peers, void (*fn)(void *arg), void *arg)
{
	struct visit v = { .ns = peers->ns, .fn = fn, .arg = arg };

	return run_visit(&v);
}

/* ------------------------------------------------------------------ messages */

int vs_device_index(int socket, const char *name)
{
	struct ifreq ifr = { 0 };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(socket, SIOCGIFINDEX, &ifr) < 0 ? -errno : ifr.ifr_ifindex;
}

struct nl_msg *vs_device_message(int type, int flags, const struct ifinfomsg *info)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg != NULL && nlmsg_append(msg, (void *)info, sizeof(*info), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static struct nl_msg *pair_message(const struct vs_wire_iface *want, int ifindex, const char *peer_name, int peer_index,
				   const struct vs_peer_ns *peers)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct ifinfomsg peer_info = { .ifi_family = AF_UNSPEC, .ifi_index = peer_index };
	struct nl_msg *msg = vs_device_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info);
	struct nlattr *kind, *data, *peer;

	if (msg == NULL)
		return NULL;
	if (nla_put_string(msg, IFLA_IFNAME, want->name) < 0 ||
	    (want->has_mac && nla_put(msg, IFLA_ADDRESS, sizeof(want->mac), want->mac) < 0) ||
	    (want->mtu != 0 && nla_put_u32(msg, IFLA_MTU, want->mtu) < 0) ||
	    (kind = nla_nest_start(msg, IFLA_LINKINFO)) == NULL || nla_put_string(msg, IFLA_INFO_KIND, "veth") < 0 ||
	    (data = nla_nest_start(msg, IFLA_INFO_DATA)) == NULL || (peer = nla_nest_start(msg, VETH_INFO_PEER)) == NULL ||
	    nlmsg_append(msg, &peer_info, sizeof(peer_info), NLMSG_ALIGNTO) < 0 || nla_put_string(msg, IFLA_IFNAME, peer_name) < 0 ||
	    nla_put_u32(msg, IFLA_MTU, VS_VETH_PEER_MTU) < 0 || nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)peers->ns) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, peer);
	nla_nest_end(msg, data);
	nla_nest_end(msg, kind);
	return msg;
}

/*
 * The kernel reports a new carrier at once for a device whose index differs from its peer's, whatever namespace each is
 * in, and of all others once a second (linkwatch_urgent_event). It numbers the devices of each namespace from 2, so the
 * second interface of a stack would wait a second for its carrier. So both ends get numbers here, far apart. If somebody
 * has taken such a number, the kernel chooses.
 */
int vs_veth_make(int netlink, const struct vs_wire_iface *want, int ifindex, const char *peer_name, unsigned number,
		 const struct vs_peer_ns *peers)
{
	int r = vs_rtnl_talk(netlink, pair_message(want, ifindex, peer_name, PEER_INDEX + (int)number, peers));

	return r == -EEXIST || r == -EBUSY ? vs_rtnl_talk(netlink, pair_message(want, 0, peer_name, 0, peers)) : r;
}

/* IFLA_AF_SPEC (rtnetlink(7)) works on a device that exists, not when it is made. */
static struct nl_msg *without_ipv6_message(const char *peer_name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = vs_device_message(RTM_SETLINK, 0, &info);
	struct nlattr *all, *ipv6;

	if (msg == NULL)
		return NULL;
	if (nla_put_string(msg, IFLA_IFNAME, peer_name) < 0 || (all = nla_nest_start(msg, IFLA_AF_SPEC)) == NULL ||
	    (ipv6 = nla_nest_start(msg, AF_INET6)) == NULL ||
	    nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, ipv6);
	nla_nest_end(msg, all);
	return msg;
}

void vs_peer_without_ipv6(const struct vs_peer_ns *peers, const char *peer_name)
{
	if (!peers->without_ipv6) /* refused: a kernel without IPv6, or before Linux 3.17 */
		(void)vs_rtnl_talk(peers->netlink, without_ipv6_message(peer_name));
}

struct nl_msg *vs_peer_message(const char *peer_name, int up)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP };
	struct nl_msg *msg = vs_device_message(RTM_SETLINK, 0, &info);

	if (msg != NULL && nla_put_string(msg, IFLA_IFNAME, peer_name) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}
