/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ports: what takes the place of a tap where there is no tun device.
 *
 *     stack                      a namespace nobody lives in
 *     vde0 ═══════ veth ═══════ f1 ◀── packet socket ──▶ pump ──▶ link
 *
 * The far ends of a keeper's ports share one namespace, made for the first and gone with the last. A packet
 * socket bound to the far end (packet(7), with PACKET_VNET_HDR) gives and takes what a tap with IFF_VNET_HDR does:
 * super-frames behind a virtio_net_hdr, checksums unfinished. What differs from a tap:
 *
 *  - The socket must be made by a thread in that namespace, a short-lived one that only a thread with
 *    all the keeper's privileges can start: so ports are made by jobs, before they give them up.
 *  - Deleting the stack's end, and its carrier, are requests to rtnetlink about the far end, not properties of the
 *    descriptor: they take CAP_NET_ADMIN, so pump threads ask the main thread (see relink.c).
 *  - What the socket has no room for is dropped by the kernel, which counts it.
 *  - A far end that goes down leaves one ENETDOWN in the socket; one that is deleted leaves it bound to nothing.
 *  - A far end receives by a queue of each processor, see keep_order.
 *  - The kernel moves VLAN tags out of frames that arrive; they come beside them (see tap.c).
 *  - Offloads are ethtool features of the stack's end. Whatever super-frames the pump does not know are
 *    switched off, so that the stack segments them.
 *
 * The namespace and its count belong to the lock, which is taken last.
 */

#include "port.h"

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
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "iface.h"
#include "pump/tap.h"
#include "rtnl.h"
#include "veth.h"

#define RECEIVE_BYTES (8 << 20) /* of super-frames on their way out; without privilege the system's limit is less */
#define FEATURES_MAX 1024

/* Of one keeper; there may be two in a process that has one by threads. */
static pthread_mutex_t room_lock = PTHREAD_MUTEX_INITIALIZER; /* guards all rooms, and who is in */

struct vs_room {
	struct vs_far_ns far;
	unsigned ports;
	unsigned last_port; /* for names */
};

/* ------------------------------------------------------------------ whether */

/* An open tun device answers this without making anything. */
static int try_tun(void)
{
	unsigned features = 0;
	VS_AUTO_CLOSE fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 || ioctl(fd, TUNGETFEATURES, &features) < 0 ? errno : 0;
}

/* With the rights of the threads that open taps; in the program itself all have its own. */
static int tun_error(const struct vs_keeper *k)
{
	return k->in_process ? try_tun() : vs_caps_briefly(VS_CAPS_NETWORKING, try_tun);
}

bool vs_port_by_packet(struct vs_keeper *k)
{
	const char *wish = getenv("VDESTACK_PORT");

	if (wish != NULL && strcmp(wish, "packet") == 0)
		return true;
	if ((wish != NULL && strcmp(wish, "tap") == 0) || atomic_load(&k->tun_works))
		return false;
	int err = tun_error(k);
	if (err == 0)
		atomic_store(&k->tun_works, true);
	return err != 0 && err != EMFILE && err != ENFILE && err != ENOMEM; /* those are not the device's */
}

/* ------------------------------------------------------------------ offloads */

static int ethtool(int netlink, const char *name, void *request)
{
	struct ifreq ifr = { .ifr_data = request };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(netlink, SIOCETHTOOL, &ifr) < 0 ? -errno : 0; /* the socket's namespace counts */
}

/* The features that decide what is sent into the pair, and the offload that each serves; 0: no offload of ours. */
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
	/* The others are of tunnels and the like. tx-generic-segmentation is the stack's own way of doing without. */
	return strncmp(feature, "tx-", 3) == 0 && strcmp(feature, "tx-generic-segmentation") != 0 && len > strlen(segmentation) &&
	       strcmp(feature + len - strlen(segmentation), segmentation) == 0;
}

static int count_features(int netlink, const char *name)
{
	_Alignas(struct ethtool_sset_info) unsigned char space[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)] = { 0 };
	struct ethtool_sset_info *info = (void *)space;

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	int r = ethtool(netlink, name, info);
	if (r < 0 || info->sset_mask == 0)
		return r < 0 ? r : -EOPNOTSUPP;
	return info->data[0] > FEATURES_MAX ? -EOPNOTSUPP : (int)info->data[0];
}

/* What of the names is for us, and how it is to be. */
static void choose_features(const struct ethtool_gstrings *names, unsigned allowed, struct ethtool_sfeatures *set)
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

/* Makes `allowed` offloads those of a device; a kernel that does not know one does not have it. 0 or -errno. */
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
		*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = (uint32_t)n };
		*set = (struct ethtool_sfeatures){ .cmd = ETHTOOL_SFEATURES, .size = (uint32_t)blocks };
		r = ethtool(netlink, name, names);
	}
	if (r == 0) {
		choose_features(names, allowed, set);
		r = ethtool(netlink, name, set); /* what it cannot change it tells by a positive result */
	}
	free(names);
	free(set);
	return r;
}

/* ------------------------------------------------------------------ the socket */

struct making {
	unsigned number; /* of the port */
	int fd;
	int err;
};

/*
 * Frames reach a far end by a queue of the processor that they were sent on, so two that were sent on different ones may
 * change places. Receive packet steering (the kernel's scaling.rst) has those of a port take one processor's queue; what is set here is
 * for the devices that are made next. Before Linux 6.3, and without /proc, nothing keeps the order but luck.
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
	m->fd = (int)syscall(SYS_socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	m->err = m->fd < 0 ? errno : 0;
}

static int packet_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Sees nothing before it is bound. */
static int bind_socket(int fd, const char *far_name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size = RECEIVE_BYTES;

	int r = packet_option(fd, PACKET_VNET_HDR, 1);
	if (r == 0)
		r = packet_option(fd, PACKET_AUXDATA, 1);
	if (r < 0)
		return r;
	(void)packet_option(fd, PACKET_IGNORE_OUTGOING, 1); /* from Linux 4.20; nobody else sends there */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	r = to.sll_ifindex = vs_device_index(fd, far_name);
	if (r < 0)
		return r;
	return bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ joining and leaving */

static int room_locked(struct vs_keeper *k)
{
	struct vs_room *room = k->room == NULL ? calloc(1, sizeof(*room)) : NULL;

	if (k->room != NULL)
		return 0;
	int r = room == NULL ? -ENOMEM : vs_far_ns_make(&room->far);
	if (r < 0)
		free(room);
	else
		k->room = room;
	return r;
}

static void leave_locked(struct vs_keeper *k)
{
	if (k->room == NULL || k->room->ports > 0)
		return;
	vs_far_ns_close(&k->room->far);
	free(vs_steal_ptr(k->room));
}

/* Both ends, the far one with its socket and up. *step: of a failure. */
static int make_locked(struct vs_room *room, const struct vs_wire_iface *want, int netlink, int ifindex, const char *far_name,
		       unsigned allowed, const char **step)
{
	struct making making = { .number = room->last_port, .fd = -1 };

	*step = "no packet socket";
	int r = vs_far_ns_run(&room->far, make_socket, &making);
	VS_AUTO_CLOSE fd = making.fd;
	if (r == 0)
		r = -making.err;
	if (r < 0)
		return r;
	*step = "no veth pair";
	r = vs_veth_make(netlink, want, ifindex, far_name, room->last_port, &room->far);
	if (r < 0)
		return r;
	*step = "its offloads cannot be set";
	r = set_features(netlink, want->name, allowed);
	if (r == 0) {
		*step = "the packet socket cannot be set up";
		r = bind_socket(fd, far_name);
	}
	if (r == 0) {
		vs_far_silence(&room->far, far_name);
		r = vs_rtnl_talk(room->far.netlink, vs_far_message(far_name, true));
	}
	if (r == 0)
		return vs_steal_fd(&fd);
	(void)vs_device_delete(room->far.netlink, far_name);
	return r;
}

/* Devices have had it since Linux 5.11, packet sockets since 6.2, and nothing but a datagram of that kind tells. */
static bool knows_uso(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 2));
}

/* The step that failed, and why; with a tun device it could have been done without. */
static int refuse(const struct vs_keeper *k, const char *name, const char *step, const char *cause, int err)
{
	int tun = tun_error(k);

	if (tun == 0)
		return vs_fail(err, "cannot make interface %s: %s (%s); unset VDESTACK_PORT", name, step, cause);
	return vs_fail(err, "cannot make interface %s, neither without a tun device: %s (%s), nor with one: %s", name, step, cause,
		       vs_cause_text(vs_diagnose_tun(tun, ""), tun));
}

int vs_port_open(struct vs_iface *iface, const struct vs_wire_iface *want, int netlink, int ifindex, unsigned *offloads)
{
	unsigned allowed = vs_offload_sensible(vs_offload_allowed() & ~want->no_offload);
	const char *step = "no veth pair", *cause = NULL;
	char far_name[IF_NAMESIZE];

	struct vs_keeper *k = iface->keeper;
	if (!knows_uso())
		allowed &= ~(unsigned)VS_OFFLOAD_USO;
	atomic_store(&iface->by_packet, true);
	pthread_mutex_lock(&room_lock);
	/* Whoever gives it up says so before he takes away what is there. */
	bool wanted = !atomic_load(&iface->failed) && !atomic_load(&iface->stopping);
	int r = wanted ? room_locked(k) : -ECANCELED;
	if (!wanted) {
		step = "it is not wanted any more";
	} else if (r < 0) {
		step = "no namespace for its other end";
		cause = vs_cause_text(vs_diagnose_netns(-r, ""), -r);
	} else {
		(void)snprintf(far_name, sizeof(far_name), "f%u", ++k->room->last_port);
		r = make_locked(k->room, want, netlink, ifindex, far_name, allowed, &step);
	}
	if (r >= 0) {
		memcpy(iface->port, far_name, sizeof(far_name));
		iface->in_room = true;
		k->room->ports++;
		*offloads = allowed;
	}
	leave_locked(k);
	pthread_mutex_unlock(&room_lock);
	if (r >= 0)
		return r;
	if (cause == NULL)
		cause = r == -EOPNOTSUPP && strcmp(step, "no veth pair") == 0 ? "the kernel has no veth driver; modprobe veth" : vs_cause_text(vs_diagnose_limit(-r), -r);
	return refuse(k, want->name, step, cause, -r);
}

int vs_port_carrier(struct vs_iface *iface, bool on)
{
	int r = 0;

	pthread_mutex_lock(&room_lock);
	if (iface->in_room)
		r = vs_rtnl_talk(iface->keeper->room->far.netlink, vs_far_message(iface->port, on));
	pthread_mutex_unlock(&room_lock);
	return r;
}

int vs_port_leave(struct vs_iface *iface)
{
	int r = 0;

	if (!atomic_load(&iface->by_packet))
		return 0; /* without a wait for others' */
	pthread_mutex_lock(&room_lock);
	if (iface->in_room) {
		iface->in_room = false;
		r = vs_device_delete(iface->keeper->room->far.netlink, iface->port); /* takes the stack's end with it */
		iface->keeper->room->ports--;
		leave_locked(iface->keeper);
	}
	pthread_mutex_unlock(&room_lock);
	return r == -ENODEV ? 0 : r;
}

unsigned long vs_port_lost(const struct vs_iface *iface)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	if (!iface->by_packet || getsockopt(iface->tap, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0)
		return 0;
	return stats.tp_drops;
}
