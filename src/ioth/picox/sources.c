/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One timer serves all sources. It stands at the earliest deadline of a machine, or at the next look at
 * lwIP's duplicate address detection, which tells nobody of its results.
 *
 *     frame --> tap --> machine --> ops --> lwIP's addresses and routes (settings.c), frames and datagrams
 *
 * A source is PX_WAITING until its interface has what it needs: it is up, and for IPv6 the link-local address
 * can be used. Then it is PX_RUNNING until it is stopped. All of it belongs to the loop's thread, with lwIP's
 * lock.
 */

#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "auto/dhcp4.h"
#include "auto/dhcp6.h"
#include "auto/ra.h"
#include "base/cleanup.h"
#include "config/config.h"
#include "events.h"
#include "settings.h"
#include "sources_inside.h"

#define LOOK_MS 200

static struct px_source *all;
static struct px_watch timer = { .fd = -1 };
vs_auto_ms px_source_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (vs_auto_ms)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct px_source *px_source_first(void)
{
	return all;
}

struct px_source *px_source_find(const struct px_iface *iface, enum vs_auto_source source)
{
	for (struct px_source *s = all; s != NULL; s = s->next)
		if (s->iface == iface && s->kind->source == source)
			return s;
	return NULL;
}

/* ------------------------------------------------------------------ the timer */

static void set_timer(void)
{
	vs_auto_ms next = VS_AUTO_NEVER, now = px_source_now();
	struct itimerspec at = { 0 };

	for (struct px_source *s = all; s != NULL; s = s->next) {
		vs_auto_ms due = s->phase == PX_RUNNING ? s->kind->deadline(s->machine) : now + LOOK_MS;
		next = due < next ? due : next;
		next = next > now + LOOK_MS ? now + LOOK_MS : next; /* detection is looked at */
	}
	if (next != VS_AUTO_NEVER) {
		next = next > 0 ? next : 1;
		at.it_value.tv_sec = next / 1000;
		at.it_value.tv_nsec = next % 1000 * 1000000 + 1;
	}
	(void)timerfd_settime(timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static bool usable(const struct px_source *s)
{
	return netif_is_up(&s->iface->netif) && netif_is_link_up(&s->iface->netif);
}

static void begin(struct px_source *s)
{
	if (!usable(s) || (s->kind->source == VS_SOURCE_DHCP6 &&
			   !ip6_addr_isvalid(netif_ip6_addr_state(&s->iface->netif, 0))))
		return;
	memcpy(s->config.mac, s->iface->netif.hwaddr, 6);
	s->kind->init(s->machine, &s->config, &px_source_ops, s);
	s->phase = PX_RUNNING;
	s->up = true;
	s->kind->start(s->machine, px_source_now(), NULL);
}

static void look_at_link(struct px_source *s)
{
	if (usable(s) == s->up)
		return;
	s->up = !s->up;
	s->kind->link(s->machine, px_source_now(), s->up);
}

/* At once: a link that is down for a moment may be in another network afterwards. */
void px_sources_link(const struct px_iface *iface)
{
	for (struct px_source *s = all; s != NULL; s = s->next)
		if (s->iface == iface && s->phase == PX_RUNNING)
			look_at_link(s);
	if (all != NULL)
		set_timer();
}

/* What lwIP has found about the addresses under detection. */
static void look_at_addresses(struct px_source *s)
{
	struct vs_pxnl_addr addr;

	for (size_t i = 0; i < s->n_detecting; i++) {
		struct vs_auto_ip ip = s->detecting[i];
		bool tentative = false, found = false;
		for (size_t k = 0; px_settings_ops.addr_at(NULL, k, &addr) && !found; k++)
			if (addr.ifindex == netif_get_index(&s->iface->netif) && addr.family == AF_INET6 &&
			    memcmp(addr.bytes, ip.bytes, 16) == 0) {
				found = true;
				tentative =
					(addr.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == IFA_F_TENTATIVE;
				if (tentative)
					break;
				s->detecting[i--] = s->detecting[--s->n_detecting];
				if (s->kind->detected != NULL)
					s->kind->detected(s->machine, px_source_now(), &ip,
							  (addr.flags & IFA_F_DADFAILED) != 0);
				return; /* the machine may have changed the list */
			}
		if (!found)
			s->detecting[i--] = s->detecting[--s->n_detecting];
	}
}

static int start(struct px_iface *iface, enum vs_auto_source source, const struct vs_auto_config *config,
		 const char *fqdn);

/* A source that asked for information only asks for addresses, too: a router says that there are some. */
static void begin_anew(struct px_source *s)
{
	if (s->phase == PX_RUNNING)
		s->kind->stop(s->machine, px_source_now());
	memset(s->machine, 0, s->kind->size);
	s->config.information = false;
	s->phase = PX_WAITING;
	begin(s);
}

/* A flag of a router advertisement: DHCPv6 for addresses, or for information only. */
static void obey_flag(struct px_source *s)
{
	struct px_source *running = px_source_find(s->iface, VS_SOURCE_DHCP6);
	struct vs_auto_config config = s->config;

	if (s->flag == 0)
		return;
	config.information = s->flag == VS_NEWS_OTHER;
	s->flag = 0;
	if (running != NULL && running->config.information && !config.information)
		begin_anew(running);
	if (running == NULL && start(s->iface, VS_SOURCE_DHCP6, &config, s->fqdn) == 0)
		px_source_find(s->iface, VS_SOURCE_DHCP6)->by_router = true;
}

static void tick(struct px_watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	(void)!read(watch->fd, &count, sizeof(count));
	for (struct px_source *s = all, *next; s != NULL; s = next) {
		next = s->next;
		if (s->phase == PX_WAITING) {
			begin(s);
			continue;
		}
		look_at_link(s);
		look_at_addresses(s);
		s->kind->timer(s->machine, px_source_now());
		obey_flag(s);
	}
	px_events_look();
	set_timer();
}

void px_source_give(struct px_source *s, const struct vs_auto_packet *p)
{
	if (s == NULL || s->phase != PX_RUNNING)
		return;
	s->kind->input(s->machine, px_source_now(), p);
	obey_flag(s);
	px_events_look();
	set_timer();
}

/* ------------------------------------------------------------------ life */

static int prepare(void)
{
	int r = px_source_sockets();

	if (r < 0 || timer.fd >= 0)
		return r;
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	timer = (struct px_watch){ fd, tick };
	r = px_loop_add(&timer, EPOLLIN);
	if (r < 0) {
		vs_close(fd);
		timer.fd = -1;
	}
	return r;
}

static int start(struct px_iface *iface, enum vs_auto_source source, const struct vs_auto_config *config,
		 const char *fqdn)
{
	static const struct vs_auto_kind *const kinds[VS_SOURCE_N] = { [VS_SOURCE_DHCP4] = &vs_dhcp4_kind,
								       [VS_SOURCE_RA] = &vs_ra_kind,
								       [VS_SOURCE_DHCP6] = &vs_dhcp6_kind };
	struct px_source *s = calloc(1, sizeof(*s) + kinds[source]->size);

	if (s == NULL)
		return -ENOMEM;
	s->kind = kinds[source];
	s->iface = iface;
	s->config = *config;
	(void)snprintf(s->fqdn, sizeof(s->fqdn), "%s", fqdn);
	s->config.fqdn = s->fqdn[0] != '\0' ? s->fqdn : NULL;
	s->next = all;
	all = s;
	begin(s);
	set_timer();
	return 0;
}

static void end(struct px_source *s, bool tell)
{
	s->config.release = s->config.release && tell;
	if (s->phase == PX_RUNNING && tell)
		s->kind->stop(s->machine, px_source_now());
	for (struct px_source **at = &all; *at != NULL; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	if (tell)
		px_source_mtu(s->iface);
	free(s);
	if (all == NULL)
		px_source_sockets_close();
	set_timer();
}

void px_sources_drop(const struct px_iface *iface)
{
	for (struct px_source *s = all, *next; s != NULL; s = next) {
		next = s->next;
		if (s->iface == iface)
			end(s, false);
	}
}

static struct vs_auto_config configure(const struct px_iface *iface, const struct vs_conf_iface *words)
{
	const struct vs_conf_sources *c = words->sources;
	struct vs_auto_config out = { .ifindex = netif_get_index(&iface->netif),
				      .nodad = words->nodad,
				      .rapid = (c->options & VS_CONF_RAPID) != 0,
				      .ipv6_only = (c->options & VS_CONF_IPV6_ONLY) != 0,
				      .release = (c->options & VS_CONF_NO_RELEASE) == 0,
				      .pd_len = (uint8_t)c->pd_len };

	(void)snprintf(out.ifname, sizeof(out.ifname), "%s", iface->name);
	px_source_ops.random(NULL, out.secret, sizeof(out.secret));
	out.iid = (c->start & VS_CONF_SLAAC) == 0      ? VS_IID_NONE
		  : c->fqdn[0] != '\0'                 ? VS_IID_HASH
		  : (c->options & VS_CONF_STABLE) != 0 ? VS_IID_STABLE
						       : VS_IID_EUI64;
	return out;
}

static const struct {
	unsigned bit;
	enum vs_auto_source source;
} sources[] = { { VS_CONF_DHCP4, VS_SOURCE_DHCP4 },
		{ VS_CONF_RA, VS_SOURCE_RA },
		{ VS_CONF_DHCP6, VS_SOURCE_DHCP6 } };

int px_sources_change(struct px_iface *iface, const struct vs_conf_iface *words, const char **why)
{
	const struct vs_conf_sources *c = words->sources;
	int r = 0;

	if (c == NULL)
		return 0;
	if (iface->vnl == NULL) {
		*why = "lo has no address sources";
		return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < VS_COUNT(sources); i++) {
		struct px_source *s = px_source_find(iface, sources[i].source);
		if (s != NULL && ((c->stop | c->start) & sources[i].bit) != 0)
			end(s, true);
	}
	if (c->start != 0)
		r = prepare();
	for (size_t i = 0; i < VS_COUNT(sources) && r == 0; i++) {
		struct vs_auto_config config = configure(iface, words);
		if ((c->start & sources[i].bit) == 0)
			continue;
		r = start(iface, sources[i].source, &config, c->fqdn);
		if (r == 0)
			px_source_find(iface, sources[i].source)->required =
				(c->required & sources[i].bit) != 0;
	}
	/* What a router has started ends with router discovery. */
	struct px_source *six = px_source_find(iface, VS_SOURCE_DHCP6);
	if (six != NULL && six->by_router && px_source_find(iface, VS_SOURCE_RA) == NULL)
		end(six, true);
	if (r == -EADDRINUSE)
		*why = "a socket of the program has the port of a DHCP client";
	return r;
}
