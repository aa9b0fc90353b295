/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages and ARP packets of the DHCPv4 client. */

#include <string.h>

#include "dhcp4_machine.h"
#include "proto/be.h"
#include "proto/udp4.h"

#define BROADCAST 0xffffffffu
#define ID_TYPE_DUID 255 /* RFC 4361 section 6.1 */
#define ID_TYPE_ETHERNET 1

static const uint8_t broadcast_mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

uint8_t vs_dhcp4_client_id(const struct vs_auto_config *config, uint8_t *id)
{
	if (config->duid_len == 0) {
		id[0] = ID_TYPE_ETHERNET;
		memcpy(id + 1, config->mac, sizeof(config->mac));
		return 1 + sizeof(config->mac);
	}
	id[0] = ID_TYPE_DUID;
	vs_be_put32(id + 1, config->iaid);
	memcpy(id + 5, config->duid, config->duid_len);
	return (uint8_t)(5 + config->duid_len);
}

/* The fields that all messages have. `id` has room for VS_DHCP4_CLIENT_ID_MAX bytes. */
static struct vs_dhcp4_request new_request(const struct vs_dhcp4 *m, enum vs_dhcp4_type type, uint8_t *id)
{
	struct vs_dhcp4_request r = {
		.type = type,
		.xid = m->xid,
		.fqdn = m->config->fqdn,
		.rapid = type == VS_DHCP4_DISCOVER && vs_dhcp4_wants_rapid(m->config),
		.ipv6_only = m->config->ipv6_only,
		.client_id = id,
		.client_id_len = vs_dhcp4_client_id(m->config, id),
	};

	memcpy(r.mac, m->config->mac, sizeof(r.mac));
	return r;
}

/* Without the FQDN if that cannot be encoded: the address matters more. */
static size_t encode(struct vs_dhcp4_request *r, uint8_t *out, size_t room)
{
	size_t n = vs_dhcp4_encode(r, out, room);

	if (n != 0 || r->fqdn == NULL)
		return n;
	r->fqdn = NULL;
	return vs_dhcp4_encode(r, out, room);
}

static void send_bytes(struct vs_dhcp4 *m, struct vs_auto_packet *packet)
{
	if (packet->n == 0)
		return;
	m->sent++;
	m->ops->send(m->arg, packet);
}

/* By the packet socket: no address, no route and no neighbour entry is needed. */
static void send_raw(struct vs_dhcp4 *m, struct vs_dhcp4_request *r, uint32_t src, uint32_t dst,
		     const uint8_t *mac)
{
	uint8_t message[VS_DHCP4_REQUEST_MAX], bytes[VS_DHCP4_REQUEST_MAX + VS_UDP4_HEADERS];
	const struct vs_udp4 udp = {
		.src = src,
		.dst = dst,
		.src_port = VS_DHCP4_CLIENT_PORT,
		.dst_port = VS_DHCP4_SERVER_PORT,
		.payload = message,
		.n = encode(r, message, sizeof(message)),
	};
	struct vs_auto_packet packet = {
		.way = VS_WAY_IP4,
		.bytes = bytes,
		.n = udp.n == 0 ? 0 : vs_udp4_wrap(&udp, bytes, sizeof(bytes)),
	};

	memcpy(packet.mac, mac, sizeof(packet.mac));
	send_bytes(m, &packet);
}

static void send_udp(struct vs_dhcp4 *m, struct vs_dhcp4_request *r, uint32_t dst)
{
	uint8_t message[VS_DHCP4_REQUEST_MAX];
	struct vs_auto_packet packet = {
		.way = VS_WAY_UDP4,
		.bytes = message,
		.n = encode(r, message, sizeof(message)),
		.peer = { .family = AF_INET },
	};

	vs_be_put32(packet.peer.bytes, dst);
	send_bytes(m, &packet);
}

void vs_dhcp4_send_discover(struct vs_dhcp4 *m)
{
	uint8_t id[VS_DHCP4_CLIENT_ID_MAX];
	struct vs_dhcp4_request r = new_request(m, VS_DHCP4_DISCOVER, id);

	r.secs = m->secs;
	r.requested = m->hint;
	send_raw(m, &r, 0, BROADCAST, broadcast_mac);
}

/* RFC 2131 table 5 and section 4.3.2: which of ciaddr, option 50 and option 54 says the address. */
void vs_dhcp4_send_request(struct vs_dhcp4 *m)
{
	uint8_t id[VS_DHCP4_CLIENT_ID_MAX];
	struct vs_dhcp4_request r = new_request(m, VS_DHCP4_REQUEST, id);

	r.secs = m->secs;
	switch (m->state) {
	case VS_DHCP4_RENEWING:
		r.ciaddr = m->terms.addr;
		send_udp(m, &r, m->terms.server);
		return;
	case VS_DHCP4_REBINDING:
		r.ciaddr = m->terms.addr;
		send_raw(m, &r, m->terms.addr, BROADCAST, broadcast_mac);
		return;
	case VS_DHCP4_REBOOTING:
		r.requested = m->terms.addr;
		break;
	default:
		r.requested = m->offer.addr;
		r.server = m->offer.server;
		break;
	}
	send_raw(m, &r, 0, BROADCAST, broadcast_mac);
}

static uint32_t random_xid(struct vs_dhcp4 *m)
{
	uint32_t xid;

	m->ops->random(m->arg, &xid, sizeof(xid));
	return xid;
}

void vs_dhcp4_send_decline(struct vs_dhcp4 *m)
{
	uint8_t id[VS_DHCP4_CLIENT_ID_MAX];

	m->xid = random_xid(m);
	struct vs_dhcp4_request r = new_request(m, VS_DHCP4_DECLINE, id);
	r.requested = m->terms.addr;
	r.server = m->terms.server;
	r.text = "another host uses this address";
	send_raw(m, &r, 0, BROADCAST, broadcast_mac);
}

/*
 * To the Ethernet address from which the last ACK came, if that is known. So the message leaves at once: the
 * interface may be gone before the kernel had resolved an address.
 */
void vs_dhcp4_send_release(struct vs_dhcp4 *m)
{
	static const uint8_t none[6];
	uint8_t id[VS_DHCP4_CLIENT_ID_MAX];

	m->xid = random_xid(m);
	struct vs_dhcp4_request r = new_request(m, VS_DHCP4_RELEASE, id);
	r.ciaddr = m->terms.addr;
	r.server = m->terms.server;
	if (memcmp(m->server_mac, none, sizeof(none)) != 0)
		send_raw(m, &r, m->terms.addr, m->terms.server, m->server_mac);
	else
		send_udp(m, &r, m->terms.server);
}

static void send_arp(struct vs_dhcp4 *m, uint32_t sender_ip)
{
	struct vs_arp arp = { .op = VS_ARP_REQUEST, .sender_ip = sender_ip, .target_ip = m->terms.addr };
	uint8_t bytes[VS_ARP_BYTES];
	struct vs_auto_packet packet = { .way = VS_WAY_ARP, .bytes = bytes, .n = sizeof(bytes) };

	memcpy(arp.sender_mac, m->config->mac, sizeof(arp.sender_mac));
	memcpy(packet.mac, broadcast_mac, sizeof(packet.mac));
	vs_arp_encode(&arp, bytes);
	send_bytes(m, &packet);
}

/* RFC 5227 section 2.1.1: the sender's address is 0, so that no cache is changed. */
void vs_dhcp4_send_probe(struct vs_dhcp4 *m)
{
	send_arp(m, 0);
}

/* RFC 5227 section 2.3 */
void vs_dhcp4_send_announcement(struct vs_dhcp4 *m)
{
	send_arp(m, m->terms.addr);
}
