/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Packet sockets on ends of veth pairs: what packet devices and the forwarders of segment ports share.
 *
 *  - A socket must be made by a thread in the namespace of its device. It receives nothing until it is bound.
 *  - Offloads are ethtool features of the end that sends. Super-frames that the receiver does not know are
 *    switched off there, so the kernel segments them.
 *  - Frames reach the other end of a pair by one queue for each processor, see vs_packet_order().
 */

#include "packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/own_socket.h"
#include "pump/offload.h"
#include "rtnl/netdev.h"

/* Of super-frames that the pump has not read; without privileges the system's limit is less. */
#define RECEIVE_BYTES (8 << 20)
#define FEATURES_MAX (32 * VS_PACKET_BLOCKS)

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

unsigned vs_packet_offloads(unsigned no_offload)
{
	unsigned allowed = vs_offload_sensible(vs_offload_allowed() & ~no_offload);

	return knows_uso() ? allowed : allowed & ~(unsigned)VS_OFFLOAD_USO;
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

/* What those features are now. */
static int note_features(int netlink, const char *name, const struct ethtool_sfeatures *set,
			 struct vs_packet_before *before)
{
	_Alignas(struct ethtool_gfeatures) unsigned char
		space[sizeof(struct ethtool_gfeatures) +
		      VS_PACKET_BLOCKS * sizeof(struct ethtool_get_features_block)] = { 0 };
	struct ethtool_gfeatures *now = (void *)space;

	now->cmd = ETHTOOL_GFEATURES;
	now->size = set->size;
	int r = ethtool(netlink, name, now);
	if (r < 0)
		return r;
	before->n = set->size;
	for (uint32_t i = 0; i < set->size; i++) {
		before->which[i] = set->features[i].valid;
		before->on[i] = now->features[i].requested & set->features[i].valid;
	}
	return 0;
}

int vs_packet_features(int netlink, const char *name, unsigned allowed, struct vs_packet_before *before)
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
		r = before != NULL ? note_features(netlink, name, set, before) : 0;
	}
	if (r == 0)
		r = ethtool(netlink, name, set); /* > 0: some could not be changed */
	free(names);
	free(set);
	return r;
}

int vs_packet_features_back(int netlink, const char *name, const struct vs_packet_before *before)
{
	_Alignas(struct ethtool_sfeatures) unsigned char
		space[sizeof(struct ethtool_sfeatures) +
		      VS_PACKET_BLOCKS * sizeof(struct ethtool_set_features_block)] = { 0 };
	struct ethtool_sfeatures *set = (void *)space;

	if (before->n == 0)
		return 0;
	set->cmd = ETHTOOL_SFEATURES;
	set->size = before->n;
	for (uint32_t i = 0; i < before->n; i++)
		set->features[i] = (struct ethtool_set_features_block){ .valid = before->which[i],
									 .requested = before->on[i] };
	return ethtool(netlink, name, set);
}

void vs_packet_settle(int netlink, const char *name)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };

	(void)ethtool(netlink, name, &link);
}

/* ------------------------------------------------------------------ the socket */

static void set_mask(const char *mask, size_t len)
{
	VS_AUTO_CLOSE fd = open("/proc/sys/net/core/rps_default_mask", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, mask, len);
}

/*
 * Frames reach a peer by a queue of the processor that they were sent on. Two frames that were sent on
 * different processors may change places. Receive packet steering (the kernel's scaling.rst) makes all
 * frames of a device take the queue of one processor. The default mask, set here, is for devices that are
 * made next. Before Linux 6.3, and without /proc, the order is not guaranteed.
 */
void vs_packet_order(unsigned number)
{
	cpu_set_t cpus;
	char mask[CPU_SETSIZE / 32 * 9 + 9];

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return;
	unsigned skip = number % (unsigned)CPU_COUNT(&cpus), cpu = 0;
	while (!CPU_ISSET(cpu, &cpus) || skip-- > 0)
		cpu++;
	int len = snprintf(mask, sizeof(mask), "%x", 1u << (cpu % 32));
	for (unsigned group = 0; group < cpu / 32; group++)
		len += snprintf(mask + len, sizeof(mask) - (size_t)len, ",00000000");
	set_mask(mask, (size_t)len);
}

void vs_packet_any_order(void)
{
	set_mask("0", 1);
}

int vs_packet_socket(void)
{
	int fd = vs_own_socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static int packet_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Protocol 0 until here: an unbound socket receives nothing. */
int vs_packet_bind(int fd, const char *device, enum vs_packet_form form)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size = RECEIVE_BYTES;

	int r = form == VS_PACKET_SUPER ? packet_option(fd, PACKET_VNET_HDR, 1) : 0;
	if (r == 0)
		r = packet_option(fd, PACKET_AUXDATA, 1);
	if (r < 0)
		return r;
	(void)packet_option(fd, PACKET_IGNORE_OUTGOING, 1); /* from Linux 4.20; no other socket sends there */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	r = to.sll_ifindex = vs_netdev_index(fd, device);
	if (r < 0)
		return r;
	return bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}
