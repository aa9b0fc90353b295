/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <iothaddr.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "base/cleanup.h"
#include "daemons/common/report.h"
#include "netlink.h"

#define LINGER_MS 30000
#define LENGTH 64 /* of the prefix */

static const char *text_of(const struct rp_address *a)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(AF_INET6, &a->addr, text, sizeof(text));
}

static void unused(struct rp_hold *h)
{
	struct rp_address *a = RP_OF(h, struct rp_address, hold);

	if (a->state == RP_RETIRED)
		a->place->unused(a->place);
}

struct rp_address *rp_address_new(struct rp_place *place, const struct rp_name *name, int64_t slot)
{
	const struct rp_settings *s = place->settings;
	struct rp_address *a = calloc(1, sizeof(*a) + s->n_ports * sizeof(a->services[0]));

	if (a == NULL)
		return NULL;
	a->place = place;
	a->name = name;
	a->slot = slot;
	a->addr = name->base;
	a->hold.unused = unused;
	rp_list_init(&a->link);
	iothaddr_hash(&a->addr, name->text, s->password, (uint32_t)slot);
	return a;
}

static void close_ports(struct rp_address *a, int type)
{
	const struct rp_settings *s = a->place->settings;

	for (size_t i = 0; i < s->n_ports; i++) {
		if (s->ports[i].type != type)
			continue;
		if (type == SOCK_STREAM)
			rp_accept_close(vs_steal_ptr(a->services[i].tcp));
		else
			rp_udp_close(a->services[i].udp);
	}
}

void rp_address_remove(struct rp_address *a)
{
	struct rp_place *place = a->place;

	close_ports(a, SOCK_STREAM);
	close_ports(a, SOCK_DGRAM);
	rp_tcp_reset(place->tcp, &a->hold);
	if (a->added && ioth_ipaddr_del(place->outside, AF_INET6, &a->addr, LENGTH, place->ifindex) < 0 &&
	    errno != ENETDOWN && errno != EADDRNOTAVAIL)
		dm_report(DM_NOTICE, "cannot take the address %s back: %s", text_of(a), strerror(errno));
	dm_report(DM_DEBUG, "%s is gone", text_of(a));
	rp_list_remove(&a->link);
	free(a);
}

void rp_address_retire(struct rp_address *a, bool retired)
{
	const struct rp_settings *s = a->place->settings;

	a->state = retired ? RP_RETIRED : RP_LIVE;
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].type == SOCK_DGRAM)
			rp_udp_retire(a->services[i].udp, retired);
	if (retired) {
		close_ports(a, SOCK_STREAM);
		dm_report(DM_DEBUG, "%s is retired", text_of(a));
	}
}

int64_t rp_address_end(const struct rp_address *a)
{
	if (a->hold.users > 0)
		return RP_NEVER;
	return a->hold.sent_ms == 0 ? 0 : a->hold.sent_ms + LINGER_MS;
}

/* ------------------------------------------------------------------ making it work */

int rp_address_add(struct rp_address *a)
{
	struct rp_place *place = a->place;
	int r = rp_netlink_add(place->outside, place->ifindex, &a->addr, LENGTH);

	if (r < 0)
		return r;
	if (!a->added)
		dm_report(DM_DEBUG, "%s lives", text_of(a));
	else if (r > 0)
		dm_report(DM_NOTICE, "%s had been removed by others, and is there again", text_of(a));
	a->added = true;
	return 0;
}

/* A bound socket, or -errno. */
static int bound(const struct rp_address *a, const struct rp_port *port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
				   .sin6_addr = a->addr,
				   .sin6_port = htons(port->number) };
	int one = 1,
	    fd = ioth_msocket(a->place->outside, AF_INET6, port->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (port->type == SOCK_STREAM) /* connections of before may be in TIME_WAIT */
		(void)ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ioth_bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	int err = errno;
	(void)ioth_close(fd);
	return -err;
}

static int open_port(struct rp_address *a, const struct rp_port *port, union rp_service *to)
{
	int fd = bound(a, port);

	if (fd < 0)
		return fd;
	return port->type == SOCK_STREAM ? rp_accept_open(a->place->tcp, fd, port, &a->hold, &to->tcp)
					 : rp_udp_open(a->place->udp, fd, port, &a->hold, &to->udp);
}

/* What to do about it, behind the message. number: as below. */
static const char *remedy(int err, unsigned number)
{
	if (err == -ENOSPC)
		return "; the stack has room for fewer addresses than live at the same time: a longer "
		       "--otip_period, or shorter --otip_preactive and --otip_postactive";
	if (err == -EACCES && number != 0)
		return "; ports below 1024 need CAP_NET_BIND_SERVICE";
	if (err == -EACCES)
		return "; IPv6 is disabled there: the sysctl disable_ipv6 of the interface has to be 0";
	return err == -EPERM ? "; the network of the host needs CAP_NET_ADMIN" : "";
}

int rp_address_failed(struct rp_address *a, const char *what, unsigned number, int err)
{
	if (!a->reported && number == 0)
		dm_report(DM_ERROR, "cannot %s %s: %s%s", what, text_of(a), strerror(-err),
			  remedy(err, number));
	else if (!a->reported)
		dm_report(DM_ERROR, "cannot %s %u of %s: %s%s", what, number, text_of(a), strerror(-err),
			  remedy(err, number));
	a->reported = true;
	if (err == -ENETDOWN)
		rp_loop_fail(a->place->loop, "the stack outside has failed");
	return err;
}

int rp_address_open(struct rp_address *a)
{
	const struct rp_settings *s = a->place->settings;
	int result = 0;

	for (size_t i = 0; i < s->n_ports; i++) {
		const struct rp_port *port = &s->ports[i];
		bool tcp = port->type == SOCK_STREAM;
		if (&s->names[port->name_index] != a->name ||
		    (tcp ? a->services[i].tcp != NULL : a->services[i].udp != NULL))
			continue;
		int r = open_port(a, port, &a->services[i]);
		if (r < 0)
			result = rp_address_failed(a, tcp ? "open the TCP port" : "open the UDP port",
						   port->number, r);
	}
	if (result == 0)
		a->reported = false;
	return result;
}
