/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Packet devices: interfaces on networks where there is no tun device.
 *
 *     stack                      peer namespace
 *     vde0 ═══════ veth ═══════ f1 ◀── packet socket ──▶ pump ──▶ link
 *
 * The peers of a keeper's packet devices share one namespace, in which nothing else is. It is made for the
 * first and closed with the last. A packet socket bound to the peer (packet(7), with PACKET_VNET_HDR) returns
 * and takes the same as a tap with IFF_VNET_HDR: super-frames behind a virtio_net_hdr, with unfinished
 * checksums. What differs from a tap:
 *
 *  - The socket must be made by a thread in the peer namespace. It is a short-lived thread, which only a
 *    thread with all the keeper's privileges can start. So a job makes the device, before it drops its
 *    privileges.
 *  - To delete the stack's end, and to set its carrier, takes a request to rtnetlink about the peer. That
 *    takes CAP_NET_ADMIN, which pump threads do not have. The main thread does it for them (see
 *    reconnect.c).
 *  - Frames reach the peer by one queue for each processor, see keep_order().
 *  - Offloads are ethtool features of the stack's end. Super-frames that the pump does not know are
 *    switched off there, so the stack segments them.
 *  - Reading differs in details, see pump/device_packet.c.
 *
 * The lock guards the namespace and its count. It is taken last.
 */

#include "packet_device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/own_socket.h"
#include "iface.h"
#include "pump/offload.h"
#include "rtnl/netdev.h"
#include "variant.h"
#include "veth.h"

/* Of super-frames that the pump has not read; without privileges the system's limit is less. */
#define RECEIVE_BYTES (8 << 20)
#define FEATURES_MAX 1024

/* Guards the namespaces of all keepers; a process may have two, one of them on threads. */
static pthread_mutex_t peers_lock = PTHREAD_MUTEX_INITIALIZER;

struct vs_packet_ns {
	struct vs_peer_ns peers;
	unsigned devices;
	unsigned last_number; /* for names */
};

/* ------------------------------------------------------------------ whether */

/* The question makes no device. */
static int try_tun(void)
{
	unsigned features = 0;
	VS_AUTO_CLOSE fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 || ioctl(fd, TUNGETFEATURES, &features) < 0 ? errno : 0;
}

/* With the privileges of the threads that open taps; on threads of the program all have the same. */
static int tun_error(const struct vs_keeper *k)
{
	return k->variant->same_credentials ? try_tun() : vs_caps_briefly(VS_CAPS_NETWORKING, try_tun);
}

bool vs_packet_device_wanted(struct vs_keeper *k)
{
	const char *wish = getenv("VDESTACK_PORT");

	if (wish != NULL && strcmp(wish, "packet") == 0)
		return true;
	if ((wish != NULL && strcmp(wish, "tap") == 0) || atomic_load(&k->tun_works))
		return false;
	int err = tun_error(k);
	if (err == 0)
		atomic_store(&k->tun_works, true);
	/* These say nothing about the device. */
	return err != 0 && err != EMFILE && err != ENFILE && err != ENOMEM;
}

/* ------------------------------------------------------------------ offloads */

static int ethtool(int netlink, const char *name, void *request)
{
	struct ifreq ifr = { .ifr_data = request };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(netlink, SIOCETHTOOL, &ifr) < 0 ? -errno : 0; /* the socket's namespace counts */
}

/*
 * The features that decide what the stack sends, and the offload that each one is part of; 0: none that the
 * pump knows.
 */
static bool decides(const char *feature, unsigned *offload)
{
	static const struct {
		const char *name;
		unsigned offload;
	} known[] = {
		{ "tx-checksum-ip-generic", VS_OFFLOAD_CSUM }, { "tx-checksum-sctp", 0 },
		{ "tx-tcp-segmentation", VS_OFFLOAD_TSO },     { "tx-tcp-ecn-segmentation", VS_OFFLOAD_TSO },
		{ "tx-tcp6-segmentation", VS_OFFLOAD_TSO },    { "tx-udp-segmentation", VS_OFFLOAD_USO },
		{ "tx-gso-list", 0 },                          { "tx-gso-partial", 0 },
	};
	size_t len = strlen(feature);
	static const char segmentation[] = "-segmentation";

	for (size_t i = 0; i < VS_COUNT(known); i++) {
		if (strcmp(feature, known[i].name) == 0) {
			*offload = known[i].offload;
			return true;
		}
	}
	*offload = 0;
	/*
	 * All other segmentation, of tunnels and the like. tx-generic-segmentation is done by the stack
	 * itself.
	 */
	return strncmp(feature, "tx-", 3) == 0 && strcmp(feature, "tx-generic-segmentation") != 0 &&
	       len > strlen(segmentation) && strcmp(feature + len - strlen(segmentation), segmentation) == 0;
}

static int count_features(int netlink, const char *name)
{
	_Alignas(struct ethtool_sset_info) unsigned char
		space[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)] = { 0 };
	struct ethtool_sset_info *info = (void *)space;

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	int r = ethtool(netlink, name, info);
	if (r < 0 || info->sset_mask == 0)
		return r < 0 ? r : -EOPNOTSUPP;
	return info->data[0] > FEATURES_MAX ? -EOPNOTSUPP : (int)info->data[0];
}

/* Which features to set, and how. */
static void choose_features(const struct ethtool_gstrings *names, unsigned allowed,
			    struct ethtool_sfeatures *set)
{
	for (uint32_t i = 0; i < names->len; i++) {
		char name[ETH_GSTRING_LEN + 1] = "";
		unsigned offload;
		memcpy(name, names->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		if (!decides(name, &offload))
			continue;
		set->features[i / 32].valid |= 1u << (i % 32);
		if (offload & allowed)
			set->features[i / 32].requested |= 1u << (i % 32);
	}
}

/* Sets the device's features to the allowed offloads. 0 or -errno. */
static int set_features(int netlink, const char *name, unsigned allowed)
{
	int n = count_features(netlink, name);
	size_t blocks = n < 0 ? 0 : ((size_t)n + 31) / 32;

	if (n < 0)
		return n;
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	struct ethtool_sfeatures *set = calloc(1, sizeof(*set) + blocks * sizeof(set->features[0]));
	int r = names == NULL || set == NULL ? -ENOMEM : 0;
	if (r == 0) {
		*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS,
						    .string_set = ETH_SS_FEATURES,
						    .len = (uint32_t)n };
		*set = (struct ethtool_sfeatures){ .cmd = ETHTOOL_SFEATURES, .size = (uint32_t)blocks };
		r = ethtool(netlink, name, names);
	}
	if (r == 0) {
		choose_features(names, allowed, set);
		r = ethtool(netlink, name, set); /* > 0: some could not be changed */
	}
	free(names);
	free(set);
	return r;
}

/* ------------------------------------------------------------------ the socket */

struct making {
	unsigned number; /* of the device */
	int fd;
	int err;
};

/*
 * Frames reach a peer by a queue of the processor that they were sent on. Two frames that were sent on
 * different processors may change places. Receive packet steering (the kernel's scaling.rst) makes all
 * frames of a device take the queue of one processor. The default mask, set here, is for devices that are
 * made next. Before Linux 6.3, and without /proc, the order is not guaranteed.
 */
static void keep_order(unsigned number)
{
	cpu_set_t cpus;
	char mask[CPU_SETSIZE / 32 * 9 + 9];
	VS_AUTO_CLOSE fd = open("/proc/sys/net/core/rps_default_mask", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return;
	unsigned skip = number % (unsigned)CPU_COUNT(&cpus), cpu = 0;
	while (!CPU_ISSET(cpu, &cpus) || skip-- > 0)
		cpu++;
	int len = snprintf(mask, sizeof(mask), "%x", 1u << (cpu % 32));
	for (unsigned group = 0; group < cpu / 32; group++)
		len += snprintf(mask + len, sizeof(mask) - (size_t)len, ",00000000");
	(void)!write(fd, mask, (size_t)len);
}

static void make_socket(void *arg)
{
	struct making *m = arg;

	keep_order(m->number);
	m->fd = vs_own_socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	m->err = m->fd < 0 ? errno : 0;
}

static int packet_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Protocol 0 until here: an unbound socket receives nothing. */
static int bind_socket(int fd, const char *peer_name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size = RECEIVE_BYTES;

	int r = packet_option(fd, PACKET_VNET_HDR, 1);
	if (r == 0)
		r = packet_option(fd, PACKET_AUXDATA, 1);
	if (r < 0)
		return r;
	(void)packet_option(fd, PACKET_IGNORE_OUTGOING, 1); /* from Linux 4.20; no other socket sends there */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	r = to.sll_ifindex = vs_netdev_index(fd, peer_name);
	if (r < 0)
		return r;
	return bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ joining and leaving */

static int make_peers_locked(struct vs_keeper *k)
{
	struct vs_packet_ns *ns = k->packet_ns == NULL ? calloc(1, sizeof(*ns)) : NULL;

	if (k->packet_ns != NULL)
		return 0;
	int r = ns == NULL ? -ENOMEM : vs_peer_ns_make(&ns->peers);
	if (r < 0)
		free(ns);
	else
		k->packet_ns = ns;
	return r;
}

static void drop_if_empty_locked(struct vs_keeper *k)
{
	if (k->packet_ns == NULL || k->packet_ns->devices > 0)
		return;
	vs_peer_ns_close(&k->packet_ns->peers);
	free(vs_steal_ptr(k->packet_ns));
}

/* Makes the pair, and the socket of its peer, and sets the peer up. *step: for the message of a failure. */
static int make_locked(struct vs_packet_ns *ns, const struct vs_wire_iface *want, int netlink, int ifindex,
		       const char *peer_name, unsigned allowed, const char **step)
{
	struct making making = { .number = ns->last_number, .fd = -1 };

	*step = "no packet socket";
	int r = vs_peer_ns_run(&ns->peers, make_socket, &making);
	VS_AUTO_CLOSE fd = making.fd;
	if (r == 0)
		r = -making.err;
	if (r < 0)
		return r;
	*step = "no veth pair";
	r = vs_veth_make(netlink, want, ifindex, peer_name, ns->last_number, &ns->peers);
	if (r < 0)
		return r;
	*step = "its offloads cannot be set";
	r = set_features(netlink, want->name, allowed);
	if (r == 0) {
		*step = "the packet socket cannot be set up";
		r = bind_socket(fd, peer_name);
	}
	if (r == 0) {
		vs_peer_without_ipv6(&ns->peers, peer_name);
		r = vs_peer_set_up(&ns->peers, peer_name, true);
	}
	if (r == 0)
		return vs_steal_fd(&fd);
	(void)vs_veth_delete(&ns->peers, peer_name);
	return r;
}

/*
 * Devices have UDP segmentation from Linux 5.11, packet sockets from 6.2. Only a datagram of that kind
 * would show it.
 */
static bool knows_uso(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 2));
}

/* The message: the step that failed, and why. With a tun device there would be a tap. */
static int refuse(const struct vs_keeper *k, const char *name, const char *step, const char *cause, int err)
{
	int tun = tun_error(k);

	if (tun == 0)
		return vs_fail(err, "cannot make interface %s: %s (%s); unset VDESTACK_PORT", name, step,
			       cause);
	return vs_fail(err,
		       "cannot make interface %s, neither without a tun device: %s (%s), nor with one: %s",
		       name, step, cause, vs_cause_text(vs_diagnose_tun(tun, ""), tun));
}

int vs_packet_device_open(struct vs_iface *iface, const struct vs_wire_iface *want, int netlink, int ifindex,
			  unsigned *offloads)
{
	unsigned allowed = vs_offload_sensible(vs_offload_allowed() & ~want->no_offload);
	const char *step = "no veth pair", *cause = NULL;
	char peer_name[IF_NAMESIZE];

	struct vs_keeper *k = iface->keeper;
	if (!knows_uso())
		allowed &= ~(unsigned)VS_OFFLOAD_USO;
	pthread_mutex_lock(&peers_lock);
	/* The thread that gives it up sets a flag before it deletes what is there. */
	bool wanted = !atomic_load(&iface->failed) && !vs_iface_is_stopping(iface);
	int r = wanted ? make_peers_locked(k) : -ECANCELED;
	if (!wanted) {
		step = "it is not wanted any more";
	} else if (r < 0) {
		step = "no namespace for its other end";
		cause = vs_cause_text(vs_diagnose_netns(-r, ""), -r);
	} else {
		(void)snprintf(peer_name, sizeof(peer_name), "f%u", ++k->packet_ns->last_number);
		r = make_locked(k->packet_ns, want, netlink, ifindex, peer_name, allowed, &step);
	}
	if (r >= 0) {
		memcpy(iface->peer, peer_name, sizeof(peer_name));
		iface->in_peer_ns = true;
		k->packet_ns->devices++;
		*offloads = allowed;
	}
	drop_if_empty_locked(k);
	pthread_mutex_unlock(&peers_lock);
	if (r >= 0)
		return r;
	if (cause == NULL)
		cause = r == -EOPNOTSUPP && strcmp(step, "no veth pair") == 0
				? "the kernel has no veth driver; modprobe veth"
				: vs_cause_text(vs_diagnose_limit(-r), -r);
	return refuse(k, want->name, step, cause, -r);
}

static int packet_carrier(struct vs_iface *iface, bool on)
{
	int r = 0;

	pthread_mutex_lock(&peers_lock);
	if (iface->in_peer_ns)
		r = vs_peer_set_up(&iface->keeper->packet_ns->peers, iface->peer, on);
	pthread_mutex_unlock(&peers_lock);
	return r;
}

static int packet_leave(struct vs_iface *iface)
{
	int r = 0;

	pthread_mutex_lock(&peers_lock);
	if (iface->in_peer_ns) {
		iface->in_peer_ns = false;
		r = vs_veth_delete(&iface->keeper->packet_ns->peers, iface->peer);
		iface->keeper->packet_ns->devices--;
		drop_if_empty_locked(iface->keeper);
	}
	pthread_mutex_unlock(&peers_lock);
	return r;
}

const struct vs_iface_kind vs_iface_packet = {
	.device = &vs_device_packet,
	.made_by_job = true,
	.carrier_by_main = true,
	.carrier = packet_carrier,
	.gone = vs_iface_descriptor_gone,
	.leave = packet_leave,
};
