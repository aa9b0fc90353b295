/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "decide.h"

#include <stdio.h>
#include <string.h>

#include "proto/be.h"

#define LEASE_LEAST_S 60 /* as --lease */

bool n4_is_host(uint32_t addr)
{
	return addr >> 24 != 0 && addr >> 24 != 127 && addr >> 29 != 7;
}

static bool is_near(uint32_t addr, const struct n4_place *place)
{
	uint32_t mask = place->prefix_len == 0 ? 0 : UINT32_MAX << (32 - place->prefix_len);

	return place->addr != 0 && ((addr ^ place->addr) & mask) == 0;
}

bool n4_is_of_all(uint32_t addr, const struct n4_place *place)
{
	uint32_t host = place->prefix_len == 0 ? UINT32_MAX : ~(UINT32_MAX << (32 - place->prefix_len));

	return place->prefix_len < 31 && is_near(addr, place) &&
	       ((addr & host) == 0 || (addr & host) == host);
}

/* An Ethernet address of many stations. */
static bool is_group(const struct vs_dhcp4_query *q)
{
	return q->htype == VS_DHCP4_ETHERNET && q->hlen == 6 && (q->chaddr[0] & 1) != 0;
}

/*
 * A message may name addresses of others: then their owners would get answers that they did not ask for. One
 * from afar, through a router, could also send them to any station of this network. A relay is free to send
 * from another address than that it names.
 */
bool n4_is_honest(const struct vs_dhcp4_query *q, bool routed, uint32_t src, const struct n4_place *place,
		  const char **why)
{
	if (is_group(q))
		*why = "its Ethernet address is a group";
	else if (q->giaddr != 0 && !n4_is_host(q->giaddr))
		*why = "its relay has no address of a host";
	else if (q->ciaddr != 0 && !n4_is_host(q->ciaddr))
		*why = "it has no address of a host";
	else if (q->giaddr == 0 && q->ciaddr != 0 && src != 0 && src != q->ciaddr)
		*why = "it comes from another address than it says";
	else if (q->giaddr == 0 && q->ciaddr == 0 && routed && src != 0 && !is_near(src, place))
		*why = "it comes from another network, and from no relay";
	else
		return true;
	return false;
}

struct dh_client n4_client(const struct vs_dhcp4_query *q, const uint8_t mac[6], uint32_t src,
			   const struct n4_place *place)
{
	struct dh_client client = { .station = { 0 } };

	memcpy(client.station, mac, 6);
	if (q->giaddr != 0) {
		vs_be_put32(client.relay, q->giaddr);
		memcpy(client.behind, q->chaddr, sizeof(client.behind));
	} else if (src != 0 && !is_near(src, place)) {
		vs_be_put32(client.behind, src);
	}
	return client;
}

/* RFC 2131 section 4.3.2. Some clients name the server in a renewal, too. */
static enum n4_aim aim_of_request(const struct vs_dhcp4_query *q, bool unicast, const char **why)
{
	if (q->requested != 0)
		return q->server != 0 ? N4_SELECTING : N4_REBOOT;
	if (q->ciaddr != 0)
		return unicast || q->server != 0 ? N4_RENEWING : N4_REBINDING;
	*why = "it asks for no address";
	return N4_IGNORED;
}

enum n4_aim n4_aim(const struct vs_dhcp4_query *q, bool unicast, uint32_t serverid, const char **why)
{
	if (q->server != 0 && q->server != serverid) {
		*why = "it is for another server";
		return N4_IGNORED;
	}
	switch (q->type) {
	case VS_DHCP4_DISCOVER:
		return N4_DISCOVER;
	case VS_DHCP4_REQUEST:
		return aim_of_request(q, unicast, why);
	case VS_DHCP4_RELEASE:
		return N4_RELEASE;
	case VS_DHCP4_DECLINE:
		return N4_DECLINE;
	default:
		break;
	}
	if (q->ciaddr != 0)
		return N4_INFORM;
	*why = "an INFORM has no address";
	return N4_IGNORED;
}

bool n4_name(const struct vs_dhcp4_query *q, const struct n4_settings *s, char *name)
{
	const char *own = q->has_fqdn ? q->fqdn : s->hostname ? q->host : "";
	const char *domain = s->shared.domain;
	bool whole = strchr(own, '.') != NULL || domain == NULL;

	if (*own == '\0')
		return false;
	int n = snprintf(name, VS_DNS_NAME_TEXT, "%s%s%s", own, whole ? "" : ".", whole ? "" : domain);
	return n > 0 && n < VS_DNS_NAME_TEXT;
}

static bool is_known(const struct n4_known *known, uint32_t addr)
{
	for (unsigned i = 0; i < known->n; i++)
		if (known->addrs[i] == addr)
			return true;
	return false;
}

/* Of several addresses: the one the client wants, else the lowest of the interface's network, or of all. */
static uint32_t choose(const struct vs_dhcp4_query *q, const struct n4_known *known,
		       const struct n4_place *place)
{
	uint32_t best = known->addrs[0];

	if (is_known(known, q->requested))
		return q->requested;
	for (unsigned i = 1; i < known->n; i++) {
		uint32_t addr = known->addrs[i];
		bool near = is_near(addr, place), best_near = is_near(best, place);
		if (near == best_near ? addr < best : near)
			best = addr;
	}
	return best;
}

/*
 * A REQUEST. A client that this server has served gets a NAK at once when the address is not its own any
 * more. One that asks all servers may have its name and address from another one: as long as nothing is known
 * of the name, this server is silent (RFC 2131 section 4.3.2).
 */
static struct n4_verdict decide_request(const struct vs_dhcp4_query *q, enum n4_aim aim,
					const struct n4_known *known)
{
	uint32_t addr = q->requested != 0 ? q->requested : q->ciaddr;

	if (is_known(known, addr))
		return (struct n4_verdict){ .what = N4_ACK, .addr = addr };
	if (known->n > 0)
		return (struct n4_verdict){ .what = N4_NAK, .why = "the name has another address" };
	if (aim == N4_SELECTING || aim == N4_RENEWING)
		return (struct n4_verdict){ .what = N4_NAK, .why = "the name has no address" };
	return (struct n4_verdict){ .what = N4_SILENT, .why = "the name has no address" };
}

struct n4_verdict n4_decide(const struct vs_dhcp4_query *q, enum n4_aim aim, const struct n4_known *known,
			    const struct n4_place *place)
{
	if (known->failed)
		return (struct n4_verdict){ .what = N4_SILENT, .why = "no name server answers" };
	if (aim != N4_DISCOVER && aim != N4_INFORM)
		return decide_request(q, aim, known);
	if (known->n == 0)
		return (struct n4_verdict){ .what = N4_SILENT, .why = "the name has no address" };
	if (aim == N4_INFORM)
		return (struct n4_verdict){ .what = N4_ACK };
	return (struct n4_verdict){ .what = q->rapid ? N4_ACK : N4_OFFER,
				    .addr = choose(q, known, place),
				    .rapid = q->rapid };
}

/* RFC 2131 section 4.3.1. One that is very short would make the client ask all the time. */
uint32_t n4_lease(uint32_t wanted_s, uint32_t most_s)
{
	uint32_t least_s = most_s < LEASE_LEAST_S ? most_s : LEASE_LEAST_S;

	if (wanted_s == 0 || wanted_s > most_s)
		return most_s;
	return wanted_s < least_s ? least_s : wanted_s;
}

uint32_t n4_mask(uint32_t addr, uint32_t of_record, const struct n4_place *place, const struct n4_settings *s)
{
	if (of_record != 0)
		return of_record;
	if (is_near(addr, place) && place->prefix_len > 0 && place->prefix_len < 32)
		return UINT32_MAX << (32 - place->prefix_len);
	if (s->mask != 0)
		return s->mask;
	return addr >> 31 == 0 ? 0xff000000 : addr >> 30 == 2 ? 0xffff0000 : 0xffffff00;
}
