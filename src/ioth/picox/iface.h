/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_IFACE_H
#define PX_IFACE_H

/* The interfaces: lo, and one for each network. The index of an interface is netif_get_index(). */

#include <lwip/netif.h>
#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

#define PX_IFNAME 16 /* IFNAMSIZ */
#define PX_TX_QUEUE 512
#define PX_RX_BATCH 32

struct vs_link;
struct px_sender;

enum px_iface_state {
	PX_CONNECTED,
	PX_LOST,    /* the network has gone; it is tried again at due_ms */
	PX_REOPENS, /* an attempt goes on */
	PX_REMOVED  /* it is freed at the end of the turn: events of this turn may still name it */
};

struct px_frame {
	const void *data;
	size_t len;
	struct pbuf *p; /* kept until it is sent */
};

struct px_iface {
	struct px_watch watch; /* first. The data descriptor of the network; fd -1: lo */
	struct px_watch control;
	struct netif netif;
	char name[PX_IFNAME];
	char *vnl;                /* NULL: lo */
	struct vs_link *link;     /* NULL: lo, or the network has gone */
	struct px_sender *sender; /* of a link that may wait, which it owns; or NULL */
	enum px_iface_state state;
	uint64_t serial;   /* never that of another one */
	unsigned attempts; /* to open the network again, since it has carried a frame */
	int64_t due_ms;    /* of the next one; vs_now_ms() */
	struct px_later flush;
	struct px_frame tx[PX_TX_QUEUE]; /* not sent yet; in order */
	unsigned n_tx;
	struct pbuf *rx[PX_RX_BATCH]; /* empty, for the next frames; NULL: to be allocated */
	unsigned buffer;              /* bytes of the longest frame that is received */
	bool waits_for_room;
	uint16_t mtu_set, mtu_own; /* what a DHCPv4 server has set, 0: nothing; what it was before */
	unsigned long long rx_frames, rx_bytes, tx_frames, tx_bytes, rx_dropped, tx_dropped;
	struct px_iface *next;
};

/* Makes lo. */
int px_iface_start(void);

/* In the loop: the opening of an interface has ended. result: its index, or -errno. */
typedef void px_iface_done(void *arg, int result);
/*
 * Opens a network and makes an interface on it. libvdeplug may take as long as it likes, so a thread opens
 * it. done() is called once, later, if 0 is returned. name "": vdeN, the first that is free. -EEXIST,
 * -EINVAL, -ENOMEM, -EAGAIN.
 */
int px_iface_open(const char *name, const char *vnl, px_iface_done *done, void *arg);
/* The network is open again: 0, and the link is the interface's; or -errno, and the link is closed. */
int px_iface_connect(struct px_iface *iface, struct vs_link *link);
/* Takes it from lwIP. Its network is closed at the end of the turn. lo cannot be removed: -EPERM. */
int px_iface_remove(struct px_iface *iface);

struct px_iface *px_iface_first(void); /* a list by ->next, lo first */
struct px_iface *px_iface_by_index(int index);
struct px_iface *px_iface_by_name(const char *name);
struct px_iface *px_iface_of(const struct netif *netif);

#endif
