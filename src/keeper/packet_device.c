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
 *  - Frames reach the peer by one queue for each processor, and offloads are ethtool features of the stack's
 *    end: see packet_socket.c.
 *  - When the stack's end is set up, the kernel reports its carrier before it activates the queue of the
 *    peer, both in one turn of a worker. A frame that the pump writes between these is lost, and write(2)
 *    reports no error. (When the peer is set up, its queue is active first.) PACKET_QDISC_BYPASS would avoid
 *    it, but it drops the super-frames that a kernel has to cut for the device. To ask for the carrier
 *    (packet_socket.c) waits for the kernel's lock of all devices, which no pump may do.
 *  - Reading differs in details, see pump/device_packet.c.
 *
 * A lock of the keeper guards the namespace and its count. It is taken last.
 */

#include "packet_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "iface.h"
#include "packet_socket.h"
#include "variant.h"
#include "veth.h"

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

struct making {
	unsigned number; /* of the device */
	int *fd;
};

static void make_socket(void *arg)
{
	const struct making *m = arg;

	vs_packet_order(m->number);
	*m->fd = vs_packet_socket();
}

/* Makes the pair, and the socket of its peer, and sets the peer up. *step: for the message of a failure. */
static int make_locked(struct vs_packet_ns *ns, const struct vs_wire_iface *want, int netlink, int ifindex,
		       const char *peer_name, unsigned allowed, const char **step)
{
	int made = -1;
	struct making making = { .number = ns->last_number, .fd = &made };

	*step = "no packet socket";
	/* Before the pair, whose devices keep the order of frames then. */
	int r = vs_peer_ns_run(&ns->peers, make_socket, &making);
	VS_AUTO_CLOSE fd = made;
	if (r == 0 && fd < 0)
		r = fd;
	if (r < 0)
		return r;
	*step = "no veth pair";
	r = vs_veth_make(netlink, want, ifindex, peer_name, ns->last_number, &ns->peers);
	if (r < 0)
		return r;
	*step = "its offloads cannot be set";
	r = vs_packet_features(netlink, want->name, allowed, NULL);
	if (r > 0)
		r = -EOPNOTSUPP;
	if (r == 0) {
		*step = "the packet socket cannot be set up";
		r = vs_packet_bind(fd, peer_name, VS_PACKET_SUPER);
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
	unsigned allowed = vs_packet_offloads(want->no_offload);
	const char *step = "no veth pair", *cause = NULL;
	char peer_name[IF_NAMESIZE];

	struct vs_keeper *k = iface->keeper;
	pthread_mutex_lock(&k->peers_lock);
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
	pthread_mutex_unlock(&iface->keeper->peers_lock);
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

	pthread_mutex_lock(&iface->keeper->peers_lock);
	if (iface->in_peer_ns)
		r = vs_peer_set_up(&iface->keeper->packet_ns->peers, iface->peer, on);
	pthread_mutex_unlock(&iface->keeper->peers_lock);
	return r;
}

static int packet_leave(struct vs_iface *iface)
{
	int r = 0;

	pthread_mutex_lock(&iface->keeper->peers_lock);
	if (iface->in_peer_ns) {
		iface->in_peer_ns = false;
		r = vs_veth_delete(&iface->keeper->packet_ns->peers, iface->peer);
		iface->keeper->packet_ns->devices--;
		drop_if_empty_locked(iface->keeper);
	}
	pthread_mutex_unlock(&iface->keeper->peers_lock);
	return r;
}

const struct vs_iface_kind vs_iface_packet = {
	.device = &vs_device_packet,
	.made_by_job = true,
	.carrier_by_main = true,
	.carrier = packet_carrier,
	.gone = vs_iface_descriptor_gone,
	.leave = packet_leave,
	.impair = vs_iface_impair_pump,
	.impaired = vs_iface_impaired_pump,
};
