/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_DHCP4_H
#define VS_PROTO_DHCP4_H

/*
 * DHCPv4 messages (RFC 2131, RFC 2132), as a client writes and reads them. IPv4 addresses are numbers in the
 * byte order of the machine; 0: none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_DHCP4_SERVER_PORT 67
#define VS_DHCP4_CLIENT_PORT 68

#define VS_DHCP4_CLIENT_ID_MAX 135  /* bytes: type, IAID and the longest DUID, RFC 4361 */
#define VS_DHCP4_REQUEST_MAX 1024   /* bytes: room for any request, the longest FQDN included */
#define VS_DHCP4_MESSAGE_MAX 1472   /* bytes that we accept, as option 57 tells the server */
#define VS_DHCP4_LIST_MAX 8         /* addresses of a list that are kept */
#define VS_DHCP4_ROUTES_MAX 32      /* routes of option 121 that are kept */
#define VS_DHCP4_SEARCH_MAX 512     /* bytes of the search list as text, with the NUL */
#define VS_DHCP4_TEXT_MAX 64        /* bytes of the server's message, with the NUL */
#define VS_DHCP4_INFINITE UINT32_MAX /* a lease time */

enum vs_dhcp4_type {
	VS_DHCP4_DISCOVER = 1,
	VS_DHCP4_OFFER,
	VS_DHCP4_REQUEST,
	VS_DHCP4_DECLINE,
	VS_DHCP4_ACK,
	VS_DHCP4_NAK,
	VS_DHCP4_RELEASE,
	VS_DHCP4_INFORM,
};

/* A message of the client. What is 0 or NULL is left out. */
struct vs_dhcp4_request {
	enum vs_dhcp4_type type;
	uint32_t xid;
	uint16_t secs;
	uint8_t mac[6];
	uint32_t ciaddr;
	uint32_t requested;       /* option 50 */
	uint32_t server;          /* option 54 */
	const uint8_t *client_id; /* option 61 */
	uint8_t client_id_len;
	const char *fqdn;         /* option 81: the server is asked to update the DNS */
	const char *text;         /* option 56 */
	bool rapid;               /* option 80, RFC 4039 */
	bool ipv6_only;           /* asks for option 108, RFC 8925 */
};

/*
 * Writes a message, without IP and UDP headers. The list of requested options, the FQDN and the maximum size
 * are in DISCOVER, REQUEST and INFORM only. Returns how many bytes; 0: they do not fit into `room`, or the
 * FQDN is no host name.
 */
size_t vs_dhcp4_encode(const struct vs_dhcp4_request *request, uint8_t *out, size_t room);

/* Without holes, so that two of them can be compared as memory. */
struct vs_dhcp4_route {
	uint32_t dst, gw; /* gw 0: on the link */
	uint32_t prefix_len;
};

/* A message of a server. An option that is not in `has` was not there; lists are empty instead. */
struct vs_dhcp4_reply {
	enum vs_dhcp4_type type; /* OFFER, ACK or NAK */
	uint32_t xid;
	uint8_t mac[6];          /* chaddr */
	uint32_t yiaddr;
	uint32_t server;         /* option 54 */
	uint32_t has;            /* VS_DHCP4_HAS_... */
	uint32_t mask;           /* option 1 */
	uint32_t lease_s, t1_s, t2_s;
	uint32_t ipv6_only_s;    /* option 108 */
	uint16_t mtu;            /* option 26 */
	uint8_t client_id_len;
	uint8_t client_id[VS_DHCP4_CLIENT_ID_MAX];
	uint8_t n_routers, n_dns, n_ntp, n_routes;
	uint32_t routers[VS_DHCP4_LIST_MAX];
	uint32_t dns[VS_DHCP4_LIST_MAX];
	uint32_t ntp[VS_DHCP4_LIST_MAX];
	struct vs_dhcp4_route routes[VS_DHCP4_ROUTES_MAX]; /* option 121; host bits are cleared */
	char search[VS_DHCP4_SEARCH_MAX]; /* option 119, or else 15: names with one space between two */
	char text[VS_DHCP4_TEXT_MAX];     /* option 56; what is not printable is '?' */
};

#define VS_DHCP4_HAS_MASK      0x001u
#define VS_DHCP4_HAS_LEASE     0x002u
#define VS_DHCP4_HAS_T1        0x004u
#define VS_DHCP4_HAS_T2        0x008u
#define VS_DHCP4_HAS_IPV6_ONLY 0x010u
#define VS_DHCP4_HAS_MTU       0x020u
#define VS_DHCP4_HAS_RAPID     0x040u
#define VS_DHCP4_HAS_CLIENT_ID 0x080u
#define VS_DHCP4_HAS_SERVER    0x100u
#define VS_DHCP4_HAS_ROUTES    0x200u /* option 121 is there, and valid: option 3 does not count */

/*
 * Reads a message from its first byte on, without IP and UDP headers. False: it is malformed, or it is not of
 * a server for a client with Ethernet; *out is undefined then.
 *
 * Numbers have exactly the length that RFC 2132 says, or the message is malformed. A list or a text that is
 * impossible is skipped as if it were not there: an odd search list does not take the address away. Values
 * are not judged.
 */
bool vs_dhcp4_parse(const uint8_t *bytes, size_t n, struct vs_dhcp4_reply *out);

#endif
