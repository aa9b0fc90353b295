/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Messages are read from and written to a packet socket of the stack, from the IP header on:
 *
 *  - a client without an address is reached by its Ethernet address, which a UDP socket does not take;
 *  - an interface without an address, or with a strict filter of sources, receives and sends all the same;
 *  - what comes from a client, a relay or a router goes back to that station, whatever routes the stack has.
 *
 * With a packet socket alone the kernel would answer a renewal with "port unreachable", as no socket has port
 * 67. So a UDP socket keeps it on this interface, and drops all it gets. It also keeps a second server away.
 *
 * The filter of the socket is for the sake of speed: all is checked again here, and a stack without filters
 * (picox) works, too.
 */

#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"
#include "proto/dhcp4.h"
#include "proto/udp4.h"

static int attach(int fd, struct sock_filter *code, unsigned short n)
{
	struct sock_fprog program = { .len = n, .filter = code };

	return ioth_setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* UDP to port 67, not a fragment. The socket's bytes begin with the IP header. */
static void filter_requests(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VS_DHCP4_SERVER_PORT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 65535),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	(void)attach(fd, code, VS_COUNT(code)); /* a stack without filters delivers more */
}

/* The stations of a tun device, for one, have no Ethernet addresses: no message could be answered. */
static int check_ethernet(const struct n4_frames *f, const struct dh_link *link)
{
	struct sockaddr_ll at = { .sll_hatype = 0 };
	socklen_t len = sizeof(at);

	if (ioth_getsockname(f->packets, (struct sockaddr *)&at, &len) < 0 || at.sll_hatype == 0 ||
	    at.sll_hatype == ARPHRD_ETHER || at.sll_hatype == ARPHRD_LOOPBACK)
		return 0; /* a stack in user space may not know it */
	dm_report(DM_ERROR, "the interface %s is no Ethernet; --iface names another one", link->ifname);
	return -1;
}

static int open_packets(struct n4_frames *f, const struct dh_link *link)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)link->ifindex };
	const int on = 1;

	/* With protocol 0 it receives nothing until it is bound. */
	f->packets = ioth_msocket(link->stack, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->packets < 0) {
		dm_report(DM_ERROR, "cannot make a packet socket: %s%s", strerror(errno),
			  errno == EPERM ? "; in the network of the host it takes CAP_NET_RAW" : "");
		return -1;
	}
	filter_requests(f->packets);
	(void)ioth_setsockopt(f->packets, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
	if (ioth_bind(f->packets, (struct sockaddr *)&at, sizeof(at)) == 0)
		return check_ethernet(f, link);
	dm_report(DM_ERROR, "cannot receive packets of %s: %s", link->ifname, strerror(errno));
	return -1;
}

static const char *remedy(int error)
{
	return error == EADDRINUSE ? "; another DHCP server has it"
	       : error == EACCES   ? "; in the network of the host it takes CAP_NET_BIND_SERVICE"
				   : "";
}

static int keep_port(struct n4_frames *f, const struct dh_link *link)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(VS_DHCP4_SERVER_PORT) };

	f->port = ioth_msocket(link->stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->port < 0) {
		dm_report(DM_ERROR, "cannot make a UDP socket: %s", strerror(errno));
		return -1;
	}
	(void)attach(f->port, nothing, 1);
	(void)ioth_setsockopt(f->port, SOL_SOCKET, SO_BINDTODEVICE, link->ifname,
			      (socklen_t)strlen(link->ifname) + 1);
	if (ioth_bind(f->port, (struct sockaddr *)&at, sizeof(at)) == 0)
		return 0;
	int error = errno;
	dm_report(DM_ERROR, "cannot have UDP port 67 of %s: %s%s", link->ifname, strerror(error),
		  remedy(error));
	return -1;
}

int n4_frames_open(struct n4_frames *f, const struct dh_link *link)
{
	*f = (struct n4_frames){ .packets = -1, .port = -1, .ifindex = link->ifindex };
	return keep_port(f, link) == 0 && open_packets(f, link) == 0 ? 0 : -1;
}

void n4_frames_close(struct n4_frames *f)
{
	if (f->packets >= 0)
		(void)ioth_close(vs_steal_fd(&f->packets));
	if (f->port >= 0)
		(void)ioth_close(vs_steal_fd(&f->port));
}

/* The sender is on this machine, and its kernel leaves the checksum to the hardware. */
static bool is_unfinished(struct msghdr *h)
{
	struct tpacket_auxdata aux;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		return (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
	}
	return false;
}

/* A packet of the socket's, and its sender. -errno; 0: it is longer than messages are. */
static ssize_t receive(int fd, uint8_t *packet, struct sockaddr_ll *from, bool *unfinished)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = { packet, N4_PACKET_MAX };
	struct msghdr h = { .msg_name = from,
			    .msg_namelen = sizeof(*from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	*from = (struct sockaddr_ll){ .sll_family = 0 };
	ssize_t n = ioth_recvmsg(fd, &h, MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*unfinished = is_unfinished(&h);
	return (h.msg_flags & MSG_TRUNC) != 0 ? 0 : n;
}

ssize_t n4_frames_receive(const struct n4_frames *f, uint8_t packet[N4_PACKET_MAX], const uint8_t **message,
			  struct n4_origin *origin)
{
	struct sockaddr_ll from;
	struct vs_udp4 udp;
	bool unfinished = false;

	ssize_t n = receive(f->packets, packet, &from, &unfinished);
	if (n <= 0)
		return n;
	if (from.sll_pkttype == PACKET_OUTGOING || from.sll_pkttype == PACKET_OTHERHOST ||
	    from.sll_halen != 6 || vs_udp4_unwrap(packet, (size_t)n, unfinished, &udp) != VS_UDP4_OK ||
	    udp.dst_port != VS_DHCP4_SERVER_PORT)
		return 0;
	*origin = (struct n4_origin){ .src = udp.src, .dst = udp.dst };
	origin->unicast = from.sll_pkttype == PACKET_HOST && udp.dst != UINT32_MAX;
	memcpy(origin->mac, from.sll_addr, sizeof(origin->mac));
	*message = udp.payload;
	return (ssize_t)udp.n;
}

int n4_frames_send(const struct n4_frames *f, const struct n4_target *to, uint32_t from,
		   const uint8_t *message, size_t n)
{
	const struct vs_udp4 udp = { .src = from,
				     .dst = to->ip,
				     .src_port = VS_DHCP4_SERVER_PORT,
				     .dst_port = to->port,
				     .payload = message,
				     .n = n };
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)f->ifindex,
				  .sll_halen = 6 };
	uint8_t packet[N4_REPLY_MAX + VS_UDP4_HEADERS];

	memcpy(ll.sll_addr, to->mac, sizeof(to->mac));
	size_t len = vs_udp4_wrap(&udp, packet, sizeof(packet));
	if (len == 0)
		return -EMSGSIZE;
	return ioth_sendto(f->packets, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&ll,
			   sizeof(ll)) < 0
		       ? -errno
		       : 0;
}
