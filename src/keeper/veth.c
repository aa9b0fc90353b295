/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "veth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/thread.h"
#include "keeper.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"

#define PEER_INDEX (1 << 20) /* more interfaces than a stack has */
#define FREED_MS 500 /* what the kernel usually takes at most to free a namespace */
#define FREED_STEP_US 2000

/* ------------------------------------------------------------------ the namespace */

/* The work of a thread that enters such a namespace, and ends there. */
struct visit {
	struct vs_peer_ns *made; /* makes this one; NULL: enters `ns` and calls fn */
	int ns;
	void (*fn)(void *);
	void *arg;
	int result;
};

/* New devices of the namespace get no IPv6 address by themselves. False: each device must be set so. */
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
	peers->netlink = vs_talk_socket();
	if (peers->netlink < 0)
		return peers->netlink;
	peers->deletions = vs_talk_socket();
	if (peers->deletions < 0)
		return peers->deletions;
	peers->ns = ioctl(peers->netlink, SIOCGSKNS);
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

	peers->netlink = peers->deletions = peers->ns = -1;
	int r = run_visit(&v);
	if (r < 0)
		vs_peer_ns_close(peers);
	return r;
}

void vs_peer_ns_close(struct vs_peer_ns *peers)
{
	vs_close(vs_steal_fd(&peers->netlink));
	vs_close(vs_steal_fd(&peers->deletions));
	vs_close(vs_steal_fd(&peers->ns));
}

int vs_peer_ns_retry(int (*make)(void *arg), void *arg)
{
	int64_t deadline = vs_deadline_ms(FREED_MS);
	int r;

	do {
		(void)usleep(FREED_STEP_US);
		r = make(arg);
	} while (r == -ENOSPC && vs_left_ms(deadline) > 0);
	return r;
}

int vs_peer_ns_run(const struct vs_peer_ns *peers, void (*fn)(void *arg), void *arg)
{
	struct visit v = { .ns = peers->ns, .fn = fn, .arg = arg };

	return run_visit(&v);
}

/* ------------------------------------------------------------------ pairs */

/*
 * The kernel reports a new carrier at once if the index of a device differs from that of its peer, whatever
 * their namespaces are. For all other devices it reports once a second (linkwatch_urgent_event). It numbers
 * the devices of each namespace from 2, so the second interface of a stack might wait a second for its
 * carrier. So both ends get an index here, far apart. If one of them is taken, the kernel chooses both.
 */
int vs_veth_make(int netlink, const struct vs_wire_iface *want, int ifindex, const char *peer_name,
		 unsigned number, const struct vs_peer_ns *peers)
{
	struct vs_netdev end = { .name = want->name,
				 .mac = want->has_mac ? want->mac : NULL,
				 .mtu = want->mtu,
				 .ifindex = ifindex };
	struct vs_netdev peer = { .name = peer_name,
				  .mtu = VS_VETH_PEER_MTU,
				  .ifindex = PEER_INDEX + (int)number };
	int r = vs_netdev_make_veth(netlink, &end, &peer, peers->ns);

	if (r != -EEXIST && r != -EBUSY)
		return r;
	end.ifindex = peer.ifindex = 0;
	return vs_netdev_make_veth(netlink, &end, &peer, peers->ns);
}

int vs_veth_make_port(int netlink, const struct vs_wire_iface *want, int ifindex, const char *peer_name,
		      unsigned number, const struct vs_peer_ns *peers, int bridge)
{
	VS_AUTO_CLOSE stack = vs_netdev_ns(netlink);
	const struct vs_netdev port = { .name = peer_name,
					.mtu = VS_VETH_PEER_MTU,
					.ifindex = PEER_INDEX + (int)number,
					.bridge = bridge,
					.state = VS_NETDEV_UP };
	const struct vs_netdev end = { .name = want->name,
				       .mac = want->has_mac ? want->mac : NULL,
				       .mtu = want->mtu,
				       .ifindex = ifindex };
	const struct vs_netdev as_port = { .name = peer_name, .bridge = bridge, .state = VS_NETDEV_UP };

	/* From the port's side, as only the first of the two can be set up by that request. */
	int r = stack < 0 || !peers->without_ipv6 ? -EOPNOTSUPP
						  : vs_netdev_make_veth(peers->netlink, &port, &end, stack);
	/* If only the answer was lost, the port is there, and whole. */
	if (r == 0 || vs_netdev_index(peers->netlink, peer_name) >= 0)
		return 0;
	r = vs_veth_make(netlink, want, ifindex, peer_name, number, peers);
	if (r < 0)
		return r;
	vs_peer_without_ipv6(peers, peer_name);
	return vs_netdev_set(peers->netlink, &as_port);
}

void vs_peer_without_ipv6(const struct vs_peer_ns *peers, const char *peer_name)
{
	if (!peers->without_ipv6) /* if the kernel refuses, it has no IPv6 or is very old */
		(void)vs_netdev_no_autoaddress(peers->netlink, peer_name);
}

int vs_peer_set_up(const struct vs_peer_ns *peers, const char *peer_name, bool up)
{
	return vs_netdev_set(peers->netlink,
			     &(struct vs_netdev){ .name = peer_name,
						  .state = up ? VS_NETDEV_UP : VS_NETDEV_DOWN });
}

static int delete_by(int netlink, const char *peer_name)
{
	int r = vs_netdev_delete(netlink, peer_name);

	return r == -ENODEV ? 0 : r;
}

int vs_veth_delete(const struct vs_peer_ns *peers, const char *peer_name)
{
	return delete_by(peers->netlink, peer_name);
}

int vs_veth_delete_apart(const struct vs_peer_ns *peers, const char *peer_name)
{
	return delete_by(peers->deletions, peer_name);
}
