/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An interface: a netif of lwIP on a link of libvdeplug.
 *
 * Received frames are read into buffers of lwIP, a batch in each turn, and handed to lwIP in the loop's
 * thread. Frames that lwIP sends wait until the end of the turn, then leave in batches. A frame is kept by
 * a reference meanwhile, with its place and length as they were: lwIP moves the headers of a segment only
 * when nobody else refers to it.
 *
 * What is full drops: a network that takes nothing for long is a cable with losses. Where sending may wait,
 * a thread does it.
 *
 * A network that has gone takes the carrier away. Its link is closed at the end of the turn, as events of
 * the turn may still name it; then the network is tried again (regain.c).
 */

#include "iface.h"

#include <errno.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/igmp.h>
#include <lwip/ip.h>
#include <lwip/mld6.h>
#include <lwip/pbuf.h>
#include <netif/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "acks.h"
#include "base/cleanup.h"
#include "opener.h"
#include "packet.h"
#include "pump/link.h"
#include "regain.h"
#include "sender.h"
#include "settings.h"
#include "sources.h"

#define MTU 1500
#define BATCH 64
#define HEADERS (14 + 4)
#define WATCHED (EPOLLIN | EPOLLRDHUP)
#define COPY_BELOW 512 /* a short frame must not occupy the memory of a long one */

static struct px_iface *interfaces;

/* ------------------------------------------------------------------ lookups */

struct px_iface *px_iface_first(void)
{
	return interfaces;
}

struct px_iface *px_iface_by_index(int index)
{
	struct px_iface *i = interfaces;

	while (i != NULL && netif_get_index(&i->netif) != index)
		i = i->next;
	return i;
}

struct px_iface *px_iface_by_name(const char *name)
{
	struct px_iface *i = interfaces;

	while (i != NULL && strcmp(i->name, name) != 0)
		i = i->next;
	return i;
}

struct px_iface *px_iface_of(const struct netif *netif)
{
	return netif->state;
}

static void append(struct px_iface *iface)
{
	struct px_iface **at = &interfaces;

	while (*at != NULL)
		at = &(*at)->next;
	*at = iface;
}

/* ------------------------------------------------------------------ sending */

static void drop_sent(struct px_iface *iface, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pbuf_free(iface->tx[i].p);
	memmove(iface->tx, iface->tx + n, (iface->n_tx - n) * sizeof(iface->tx[0]));
	iface->n_tx -= n;
}

static struct px_iface *of_later(struct px_later *later)
{
	return (struct px_iface *)((char *)later - offsetof(struct px_iface, flush));
}

static void lost(struct px_iface *iface);

/* Puts all frames where they do not hold up the stack. */
static void hand_over(struct px_iface *iface)
{
	unsigned taken = px_sender_put(iface->sender, iface->tx, iface->n_tx);

	iface->tx_dropped += iface->n_tx - taken + px_sender_lost(iface->sender);
	drop_sent(iface, iface->n_tx);
}

/* Returns how many frames the network has taken, or -errno: it has gone. */
static int send_batch(struct px_iface *iface, unsigned n)
{
	struct vs_frame frames[BATCH];
	size_t not_sent = 0;

	for (unsigned i = 0; i < n; i++)
		frames[i] = (struct vs_frame){ .iov = { { (void *)iface->tx[i].data, iface->tx[i].len } },
					       .n_iov = 1 };
	int sent = iface->link->ops->send(iface->link, frames, n, &not_sent);
	iface->tx_dropped += not_sent;
	if (sent > 0)
		drop_sent(iface, (unsigned)sent);
	return sent;
}

static void flush(struct px_later *later)
{
	struct px_iface *iface = of_later(later);

	if (iface->sender != NULL)
		hand_over(iface);
	while (iface->n_tx > 0) {
		unsigned n = iface->n_tx < BATCH ? iface->n_tx : BATCH;
		int sent = send_batch(iface, n);
		if (sent < 0) {
			lost(iface);
			return;
		}
		if ((unsigned)sent < n)
			break;
	}
	bool wait = iface->n_tx > 0;
	if (wait != iface->waits_for_room) {
		iface->waits_for_room = wait;
		(void)px_loop_change(&iface->watch, wait ? WATCHED | EPOLLOUT : WATCHED);
	}
}

/* The frame before this one is taken back if this one says the same and more. */
static void thin_acks(struct px_iface *iface, const struct pbuf *p)
{
	const struct px_frame *last = iface->n_tx > 0 ? &iface->tx[iface->n_tx - 1] : NULL;

	if (last == NULL || !px_acks_replace(last->data, last->len, p->payload, p->len))
		return;
	iface->n_tx--;
	iface->tx_frames--;
	iface->tx_bytes -= last->len;
	pbuf_free(last->p);
}

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	struct px_iface *iface = px_iface_of(netif);
	struct pbuf *whole = p;

	if (iface->state != PX_CONNECTED) {
		iface->tx_dropped++;
		return ERR_IF;
	}
	if (p->next == NULL)
		thin_acks(iface, p);

	if (iface->n_tx == PX_TX_QUEUE) {
		iface->tx_dropped++;
		return ERR_BUF;
	}
	if (p->next != NULL) {
		whole = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
		if (whole == NULL)
			return ERR_MEM;
	} else {
		pbuf_ref(p);
	}
	iface->tx[iface->n_tx++] = (struct px_frame){ whole->payload, whole->len, whole };
	px_packet_frame(iface, whole->payload, whole->len, true);
	iface->tx_frames++;
	iface->tx_bytes += whole->len;
	px_later(&iface->flush, flush);
	return ERR_OK;
}

/* ------------------------------------------------------------------ receiving */

/* The frame as lwIP keeps it. A buffer that lwIP takes is replaced when frames are read again. */
static struct pbuf *taken(struct pbuf **buffer, size_t len)
{
	struct pbuf *p = *buffer;

	if (len >= COPY_BELOW) {
		*buffer = NULL;
		pbuf_realloc(p, (u16_t)len);
		return p;
	}
	p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
	if (p != NULL)
		memcpy(p->payload, (*buffer)->payload, len);
	return p;
}

/* Gives a frame to lwIP. */
static void input(struct px_iface *iface, struct pbuf **buffer, size_t len)
{
	if (len >= iface->buffer || len < 14) { /* longer than the MTU allows */
		iface->rx_dropped++;
		return;
	}
	iface->attempts = 0; /* a network that only opens, and dies at once, is opened less and less often */
	iface->rx_frames++;
	iface->rx_bytes += len;
	struct pbuf *p = taken(buffer, len);
	if (p != NULL && netif_is_up(&iface->netif))
		px_packet_frame(iface, p->payload, len, false);
	if (p == NULL || !netif_is_up(&iface->netif) || !px_sources_frame(iface, p->payload, len) ||
	    iface->netif.input(p, &iface->netif) != ERR_OK) {
		iface->rx_dropped++;
		if (p != NULL)
			pbuf_free(p);
	}
}

/* Buffers that were not filled are kept for the next turn, unless the MTU has changed. Returns how many. */
static size_t fill_buffers(struct px_iface *iface, struct iovec *frames)
{
	size_t n = 0;

	for (; n < PX_RX_BATCH; n++) {
		struct pbuf **p = &iface->rx[n];
		if (*p != NULL && (*p)->len != iface->buffer) {
			pbuf_free(*p);
			*p = NULL;
		}
		if (*p == NULL)
			*p = pbuf_alloc(PBUF_RAW, (u16_t)iface->buffer, PBUF_RAM);
		if (*p == NULL)
			break;
		frames[n] = (struct iovec){ (*p)->payload, iface->buffer };
	}
	return n;
}

static void free_buffers(struct px_iface *iface)
{
	for (size_t i = 0; i < PX_RX_BATCH; i++)
		if (iface->rx[i] != NULL)
			(void)pbuf_free(iface->rx[i]);
}

/* Returns how many frames have come, or -errno: the network has gone. */
static int receive(struct px_iface *iface)
{
	struct iovec frames[PX_RX_BATCH];
	size_t n = fill_buffers(iface, frames);

	if (n == 0)
		return 1; /* no memory now */
	int got = iface->link->ops->recv(iface->link, frames, n);
	for (int i = 0; i < got; i++)
		input(iface, &iface->rx[i], frames[i].iov_len);
	return got;
}

static void close_link(struct px_iface *iface)
{
	drop_sent(iface, iface->n_tx);
	if (iface->sender != NULL)
		px_sender_end(iface->sender);
	else
		vs_link_close(iface->link);
	iface->sender = NULL;
	iface->link = NULL;
}

static void unwatch(struct px_iface *iface)
{
	px_loop_remove(&iface->watch);
	if (iface->control.fd >= 0)
		px_loop_remove(&iface->control);
	iface->control.fd = -1;
	iface->waits_for_room = false;
}

static void let_go(struct px_later *later)
{
	struct px_iface *iface = of_later(later);

	close_link(iface);
	px_regain(iface);
}

/* The network has gone: the interface loses its carrier and stays. */
static void lost(struct px_iface *iface)
{
	iface->state = PX_LOST;
	iface->due_ms = INT64_MAX; /* not before the link is closed */
	unwatch(iface);
	netif_set_link_down(&iface->netif);
	px_later(&iface->flush, let_go);
	px_settings_carrier(iface);
}

/* An error that passes: a peer that is not there now. */
static bool takes_error(int fd)
{
	int err;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0;
}

static void data_ready(struct px_watch *watch, uint32_t events)
{
	struct px_iface *iface = (struct px_iface *)watch;

	if (iface->state != PX_CONNECTED)
		return;
	if ((events & EPOLLOUT) != 0)
		px_later(&iface->flush, flush);
	int got = (events & EPOLLIN) != 0 ? receive(iface) : 0;
	if (got < 0 || (got == 0 && (events & (EPOLLHUP | EPOLLRDHUP)) != 0) ||
	    (events == EPOLLERR && !takes_error(watch->fd)))
		lost(iface);
}

static void control_ready(struct px_watch *watch, uint32_t events)
{
	struct px_iface *iface = (struct px_iface *)((char *)watch - offsetof(struct px_iface, control));

	(void)events; /* it is read by nobody: only its end counts */
	if (iface->state == PX_CONNECTED)
		lost(iface);
}

/* ------------------------------------------------------------------ making */

static err_t up_to_date(struct netif *netif)
{
	struct px_iface *iface = px_iface_of(netif);

	netif->name[0] = 'v';
	netif->name[1] = 'd';
	netif->mtu = MTU;
	netif->hwaddr_len = 6;
	if (getrandom(netif->hwaddr, 6, 0) != 6)
		return ERR_IF;
	netif->hwaddr[0] = (u8_t)((netif->hwaddr[0] & 0xfc) | 0x02);
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP |
		       NETIF_FLAG_MLD6 | NETIF_FLAG_LINK_UP;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = link_output;
	iface->buffer = MTU + HEADERS + 1;
	return ERR_OK;
}

static void free_name(char name[PX_IFNAME])
{
	int n = 0;

	do {
		(void)snprintf(name, PX_IFNAME, "vde%d", n++);
	} while (px_iface_by_name(name) != NULL);
}

static void destroy(struct px_iface *iface)
{
	px_later_cancel(&iface->flush);
	close_link(iface);
	free_buffers(iface);
	free(iface->vnl);
	free(iface);
}

static void destroy_later(struct px_later *later)
{
	destroy(of_later(later));
}

/* Listens to a network that is open. */
static int watch_link(struct px_iface *iface, struct vs_link *link)
{
	int r = link->never_waits ? 0 : px_sender_new(link, &iface->sender);

	if (r < 0) {
		vs_link_close(link);
		return r;
	}
	iface->link = link;
	iface->watch = (struct px_watch){ link->data_fd, data_ready };
	iface->control = (struct px_watch){ link->control_fd, control_ready };
	r = px_loop_add(&iface->watch, WATCHED);
	if (r < 0) {
		close_link(iface);
		return r;
	}
	if (iface->control.fd >= 0 && px_loop_add(&iface->control, EPOLLRDHUP) < 0)
		iface->control.fd = -1;
	iface->state = PX_CONNECTED;
	return 0;
}

static int attach(struct px_iface *iface, struct vs_link *link)
{
	int r = 0;

	if (iface->name[0] == '\0')
		free_name(iface->name);
	if (px_iface_by_name(iface->name) != NULL)
		r = -EEXIST;
	else if (netif_add_noaddr(&iface->netif, iface, up_to_date, ethernet_input) == NULL)
		r = -ENOMEM;
	if (r < 0) {
		vs_link_close(link);
		return r;
	}
	r = watch_link(iface, link);
	if (r < 0) {
		netif_remove(&iface->netif);
		return r;
	}
	append(iface);
	px_settings_adopt(iface);
	return netif_get_index(&iface->netif);
}

int px_iface_attach(const char *name, const char *vnl, struct vs_link *link)
{
	static uint64_t last_serial;
	struct px_iface *iface = calloc(1, sizeof(*iface));

	if (iface == NULL || (iface->vnl = strdup(vnl)) == NULL) {
		free(iface);
		vs_link_close(link);
		return -ENOMEM;
	}
	(void)snprintf(iface->name, sizeof(iface->name), "%s", name);
	iface->serial = ++last_serial;
	int r = attach(iface, link);
	if (r < 0)
		destroy(iface);
	return r;
}

int px_iface_connect(struct px_iface *iface, struct vs_link *link)
{
	int r = watch_link(iface, link);

	if (r == 0) {
		netif_set_link_up(&iface->netif);
		px_settings_carrier(iface);
	}
	return r;
}

int px_iface_remove(struct px_iface *iface)
{
	struct px_iface **at = &interfaces;

	if (iface->vnl == NULL)
		return -EPERM;
	while (*at != iface)
		at = &(*at)->next;
	*at = iface->next;
	if (iface->state == PX_CONNECTED)
		unwatch(iface);
	iface->state = PX_REMOVED;
	netif_remove(&iface->netif);
	px_later(&iface->flush, destroy_later);
	return 0;
}

/* ------------------------------------------------------------------ lo */

static err_t lo_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	(void)to;
	return netif_loop_output(netif, p);
}

static err_t lo_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	(void)to;
	return netif_loop_output(netif, p);
}

static err_t lo_init(struct netif *netif)
{
	netif->name[0] = 'l';
	netif->name[1] = 'o';
	netif->mtu = 0; /* lwIP: no limit */
	netif->output = lo_output4;
	netif->output_ip6 = lo_output6;
	netif->flags = NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

int px_iface_start(void)
{
	static struct px_iface lo = { .watch = { .fd = -1 }, .control = { .fd = -1 }, .name = "lo" };
	ip4_addr_t addr, mask, none = { 0 };

	IP4_ADDR(&addr, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	if (netif_add(&lo.netif, &addr, &mask, &none, &lo, lo_init, ip_input) == NULL)
		return -ENOMEM;
	IP_ADDR6_HOST(&lo.netif.ip6_addr[0], 0, 0, 0, 1);
	lo.netif.ip6_addr_state[0] = IP6_ADDR_PREFERRED;
	netif_set_up(&lo.netif);
	append(&lo);
	return 0;
}
