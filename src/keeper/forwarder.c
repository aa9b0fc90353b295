/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Forwarders: what stands between an impaired port and the bridge of its segment.
 *
 *     stack                        peer namespace of the segment
 *     vde0 ═ veth ═ p1 ◀─ packet socket ─▶ pump ◀─ packet socket ─▶ q7 ═ veth ═ r7 ── bridge
 *
 * Without one the kernel moves the frames: p1 itself is the bridge's port. With one, r7 is.
 *
 * Order of steps, so that there is never a loop, and no frame passes twice:
 *
 *  - On: devices and sockets are made, and settings are put in force, while the port works as before. Then
 *    the port leaves the bridge; its socket is bound; r7 enters the bridge; the pump starts. The two ways to
 *    the bridge never exist at the same time. Frames that come in between are lost.
 *  - Off: r7 leaves the bridge, the port enters it. The pump may still read what the port receives; that ends
 *    at r7, which leads nowhere. Then the pump is stopped. What waits in it is lost. The pair is deleted.
 *
 * Each step that fails is followed by the earlier ones in reverse, and that step itself, since a request may
 * have been carried out although its answer was lost. If even that fails (the kernel has no memory
 * twice), the port is not in the bridge: the stack is cut off until the next change.
 *
 * Who owns what: this object has a pump of its own. The pump of the interface never runs. Settings pass to
 * the pump by its own calls. All else belongs to the caller, who serialises. There are two users: the caller,
 * and the pump from its start until it has ended. The last one closes sockets and frees. No thread is waited
 * for. The pump's threads need no privileges: sockets are bound before they start.
 *
 * r7 sends complete frames with checksums, as its offloads are off. The stack's end may send only those
 * super-frames that the pump knows; its owner sets that.
 */

#include "forwarder.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "errand.h"
#include "keeper.h"
#include "packet_socket.h"
#include "pump/link.h"
#include "pump/pump.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"
#include "variant.h"
#include "veth.h"

struct vs_forwarder {
	struct vs_pump pump; /* its device: a socket on the port; its link: one on `near` */
	atomic_uint users;
	char name[IF_NAMESIZE]; /* of the interface, for messages */
	char near[IF_NAMESIZE], far[IF_NAMESIZE]; /* the pair; the bridge's port is `far` */
};

static void unref(struct vs_forwarder *f)
{
	/* The last one must see what the other wrote: acquire-release on the count. */
	if (atomic_fetch_sub(&f->users, 1) != 1)
		return;
	vs_pump_free(&f->pump);
	free(f);
}

/* ------------------------------------------------------------------ the pump */

static struct vs_forwarder *owner(struct vs_pump *pump)
{
	return (struct vs_forwarder *)(void *)((char *)pump - offsetof(struct vs_forwarder, pump));
}

/* The pair has been deleted, or a thread could not be started. The caller does what is needed. */
static void link_died(struct vs_pump *pump, int err)
{
	(void)pump;
	(void)err;
}

/* The stack's end has been deleted. The segment notices that by itself. */
static void device_gone(struct vs_pump *pump)
{
	vs_pump_stop(pump);
}

static void pump_ended(struct vs_pump *pump)
{
	unref(owner(pump));
}

static const struct vs_pump_callbacks callbacks = { .died = link_died,
						    .device_gone = device_gone,
						    .ended = pump_ended };

/* ------------------------------------------------------------------ making it */

struct making {
	struct vs_keeper *keeper;
	struct vs_forwarder *f;
	unsigned number;
	const char *step;
	int result;
};

/*
 * Both get the order of frames that the namespace sets for its next devices. Nobody else may make a device
 * there meanwhile: the ports of the segment stay as they are, and another forwarder chooses for itself.
 */
static int make_pair(int netlink, const struct making *m)
{
	VS_AUTO_CLOSE ns = vs_netdev_ns(netlink);

	struct vs_netdev near = { .name = m->f->near, .mtu = VS_VETH_PEER_MTU };
	struct vs_netdev far = { .name = m->f->far, .mtu = VS_VETH_PEER_MTU };

	if (ns < 0)
		return ns;
	pthread_mutex_lock(&m->keeper->segments_lock);
	vs_packet_order(m->number);
	int r = vs_netdev_make_veth(netlink, &near, &far, ns);
	vs_packet_any_order();
	pthread_mutex_unlock(&m->keeper->segments_lock);
	return r;
}

static int set_up(int netlink, const char *name)
{
	(void)vs_netdev_no_autoaddress(netlink, name); /* fails where there is no IPv6 */
	return vs_netdev_set(netlink, &(struct vs_netdev){ .name = name, .state = VS_NETDEV_UP });
}

static int prepare_pair(int netlink, struct making *m)
{
	m->step = "the offloads of its port cannot be set";
	int r = vs_packet_features(netlink, m->f->far, 0, NULL);
	if (r >= 0) {
		m->step = "a packet socket cannot be set up";
		r = vs_packet_bind(m->f->pump.link->data_fd, m->f->near, VS_PACKET_FRAME);
	}
	if (r >= 0)
		r = set_up(netlink, m->f->near);
	if (r >= 0)
		r = set_up(netlink, m->f->far);
	if (r < 0)
		return r;
	vs_packet_settle(netlink, m->f->near);
	vs_packet_settle(netlink, m->f->far);
	return 0;
}

/* In the namespace of the segment. */
static int make_there(struct making *m)
{
	m->step = "no rtnetlink socket";
	VS_AUTO_CLOSE netlink = vs_talk_socket();
	if (netlink < 0)
		return netlink;
	m->step = "no packet socket";
	int device = m->f->pump.device.fd = vs_packet_socket();
	int link = device < 0 ? device : vs_packet_socket();
	int r = link < 0 ? link : vs_link_packet(link, &m->f->pump.link);
	if (r < 0)
		return r;
	m->step = "no veth pair";
	r = make_pair(netlink, m);
	if (r == 0)
		r = prepare_pair(netlink, m);
	if (r < 0) /* it may exist even if the kernel's answer was lost */
		(void)vs_netdev_delete(netlink, m->f->near);
	return r < 0 ? r : 0;
}

static void make_by_errand(void *arg)
{
	struct making *m = arg;

	m->result = make_there(m);
}

static int new_forwarder(struct vs_keeper *k, const char *name, const struct vs_forwarder_place *place,
			 unsigned no_offload, struct vs_forwarder **out)
{
	struct vs_forwarder *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	atomic_init(&f->users, 1);
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	memcpy(f->near, place->near, sizeof(f->near));
	memcpy(f->far, place->far, sizeof(f->far));
	int r = vs_pump_init(&f->pump, &callbacks, f->name);
	if (r < 0) {
		free(f);
		return r;
	}
	f->pump.device.ops = &vs_device_packet;
	f->pump.keeps_capabilities = k->variant->same_credentials;
	/* No shared threads: a networking thread starts this pump, so its threads are in that namespace. */
	f->pump.offloads = vs_packet_offloads(no_offload);
	*out = f;
	return 0;
}

static int refuse(const char *name, int r, const char *step)
{
	return vs_fail(-r, "cannot impair interface %s: %s (%s)", name, step,
		       vs_cause_text(vs_diagnose_limit(-r), -r));
}

int vs_forwarder_make(struct vs_keeper *k, const char *name, const struct vs_forwarder_place *place,
		      unsigned no_offload, struct vs_forwarder **out)
{
	struct vs_forwarder *f;
	int r = new_forwarder(k, name, place, no_offload, &f);

	if (r < 0)
		return refuse(name, r, "no pump");
	struct making m = { .keeper = k, .f = f, .number = place->number, .step = "no thread" };
	r = vs_errand_run(k, place->ns, make_by_errand, &m);
	if (r == 0)
		r = m.result;
	if (r < 0) {
		unref(f);
		return refuse(name, r, m.step);
	}
	*out = f;
	return 0;
}

int vs_forwarder_impair(struct vs_forwarder *f, const struct vdestack_impairment *tx,
			const struct vdestack_impairment *rx)
{
	return vs_pump_impair(&f->pump, tx, rx);
}

void vs_forwarder_impaired(struct vs_forwarder *f, struct vdestack_impairment *tx,
			   struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			   struct vdestack_impair_stats *rx_stats)
{
	vs_pump_impaired(&f->pump, tx, rx, tx_stats, rx_stats);
}

unsigned vs_forwarder_offloads(const struct vs_forwarder *f)
{
	return f->pump.offloads;
}

const char *vs_forwarder_port(const struct vs_forwarder *f)
{
	return f->far;
}

/* ------------------------------------------------------------------ switching */

static int enter(const struct vs_peer_ns *peers, const char *name, int bridge)
{
	return vs_netdev_set(peers->netlink, &(struct vs_netdev){ .name = name, .bridge = bridge });
}

static int leave(const struct vs_peer_ns *peers, const char *name)
{
	return enter(peers, name, VS_NETDEV_NO_BRIDGE);
}

/* The pump's use lasts until it has ended, also if it does not start. */
static int start(struct vs_forwarder *f)
{
	atomic_fetch_add(&f->users, 1);
	return vs_pump_start(&f->pump);
}

int vs_forwarder_on(struct vs_forwarder *f, const struct vs_peer_ns *peers, const char *port, int bridge,
		    vs_forwarder_moves_fn *moves, void *arg)
{
	const char *step = "its port cannot leave the bridge";
	int r = leave(peers, port);

	if (r == 0) {
		step = "the packet socket cannot be set up";
		r = vs_packet_bind(f->pump.device.fd, port, VS_PACKET_SUPER);
	}
	if (r == 0) {
		moves(arg, f->far);
		step = "its new port cannot enter the bridge";
		r = enter(peers, f->far, bridge);
	}
	if (r == 0) {
		step = "its pump cannot be started";
		r = start(f);
	}
	if (r == 0)
		return 0;
	(void)leave(peers, f->far);
	moves(arg, port);
	(void)enter(peers, port, bridge);
	return refuse(f->name, r, step);
}

int vs_forwarder_off(struct vs_forwarder *f, const struct vs_peer_ns *peers, const char *port, int bridge,
		     vs_forwarder_moves_fn *moves, void *arg)
{
	int r = leave(peers, f->far);

	/* Late frames of the pump for the stack pass the port, and may be shown there once more. */
	moves(arg, port);
	if (r == 0)
		r = enter(peers, port, bridge);
	if (r == 0) {
		vs_pump_stop(&f->pump);
		return 0;
	}
	(void)leave(peers, port);
	moves(arg, f->far);
	(void)enter(peers, f->far, bridge);
	return refuse(f->name, r, "its port cannot enter the bridge");
}

int vs_forwarder_end(struct vs_forwarder *f, int netlink)
{
	if (f == NULL)
		return 0;
	vs_pump_stop(&f->pump);
	int r = vs_netdev_delete(netlink, f->near); /* the other end, too */
	unref(f);
	return r == -ENODEV ? 0 : r;
}
