/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_DHCP6_H
#define VS_PROTO_DHCP6_H

/*
 * DHCPv6 messages between client and server (RFC 8415) as bytes and as a struct: UDP payloads. The parser
 * reads all messages of clients and servers, those of relays excepted. The builder makes those of a client.
 *
 * Domain names (RFC 3646, RFC 4704) and NTP servers (RFC 5908) are parts of the message's bytes: the struct
 * points into them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_DHCP6_DUID_MIN 3     /* RFC 8415 section 11.1: a type of two bytes, and 1 to 128 bytes */
#define VS_DHCP6_DUID_MAX 130
#define VS_DHCP6_ADDRS_MAX 4    /* of one IA; more are skipped */
#define VS_DHCP6_SERVERS_MAX 8  /* name servers, NTP servers */
#define VS_DHCP6_BYTES_MAX 1024 /* of a message that is built */
#define VS_DHCP6_INFINITY UINT32_MAX

enum vs_dhcp6_type {
	VS_DHCP6_SOLICIT = 1,
	VS_DHCP6_ADVERTISE,
	VS_DHCP6_REQUEST,
	VS_DHCP6_CONFIRM,
	VS_DHCP6_RENEW,
	VS_DHCP6_REBIND,
	VS_DHCP6_REPLY,
	VS_DHCP6_RELEASE,
	VS_DHCP6_DECLINE,
	VS_DHCP6_RECONFIGURE,
	VS_DHCP6_INFORMATION_REQUEST,
	VS_DHCP6_RELAY_FORW,
	VS_DHCP6_RELAY_REPL,
};

enum vs_dhcp6_option {
	VS_DHCP6_CLIENT_ID = 1,
	VS_DHCP6_SERVER_ID = 2,
	VS_DHCP6_IA_NA = 3,
	VS_DHCP6_IA_TA = 4,
	VS_DHCP6_IAADDR = 5,
	VS_DHCP6_ORO = 6,
	VS_DHCP6_PREFERENCE = 7,
	VS_DHCP6_ELAPSED = 8,
	VS_DHCP6_RELAY_MSG = 9,
	VS_DHCP6_STATUS = 13,
	VS_DHCP6_RAPID_COMMIT = 14,
	VS_DHCP6_INTERFACE_ID = 18,
	VS_DHCP6_DNS = 23,
	VS_DHCP6_SEARCH = 24,
	VS_DHCP6_IA_PD = 25,
	VS_DHCP6_IAPREFIX = 26,
	VS_DHCP6_SNTP = 31,
	VS_DHCP6_REFRESH = 32,
	VS_DHCP6_REMOTE_ID = 37,
	VS_DHCP6_FQDN = 39,
	VS_DHCP6_NTP = 56,
	VS_DHCP6_SOL_MAX_RT = 82,
	VS_DHCP6_INF_MAX_RT = 83,
};

/* Status codes. A missing status option means success. */
enum vs_dhcp6_status {
	VS_DHCP6_SUCCESS,
	VS_DHCP6_UNSPEC_FAIL,
	VS_DHCP6_NO_ADDRS_AVAIL,
	VS_DHCP6_NO_BINDING,
	VS_DHCP6_NOT_ON_LINK,
	VS_DHCP6_USE_MULTICAST,
	VS_DHCP6_NO_PREFIX_AVAIL,
};

/* Why bytes are no message. */
enum vs_dhcp6_result {
	VS_DHCP6_OK,
	VS_DHCP6_SHORT,  /* no room for the header */
	VS_DHCP6_TYPE,   /* of a relay, or unknown */
	VS_DHCP6_OPTION, /* an option that ends behind its container */
	VS_DHCP6_LENGTH, /* an identifier, IA, address, prefix or status with an impossible length */
	VS_DHCP6_RELAYS, /* a server's: too many relays, or a relay without a message */
};

/* A part of the message. */
struct vs_dhcp6_bytes {
	const uint8_t *bytes; /* NULL: there is no such option */
	uint16_t n;
};

/* An address, or a prefix. */
struct vs_dhcp6_lease {
	uint8_t ip[16];     /* bits behind the prefix are zero */
	uint8_t prefix_len; /* of an address: 128 */
	uint32_t preferred_s, valid_s;
	uint16_t status;
};

struct vs_dhcp6_ia {
	bool present;
	uint32_t iaid, t1_s, t2_s;
	uint16_t status;
	uint8_t n;
	struct vs_dhcp6_lease leases[VS_DHCP6_ADDRS_MAX];
};

struct vs_dhcp6 {
	enum vs_dhcp6_type type;
	uint32_t xid; /* 24 bits */
	struct vs_dhcp6_bytes client, server;
	uint16_t status;
	uint8_t preference; /* 0: also if there is none */
	bool rapid;
	bool has_elapsed;
	uint16_t elapsed_cs; /* hundredths of a second */
	struct vs_dhcp6_ia na, pd;
	uint8_t n_dns, n_ntp;
	uint8_t dns[VS_DHCP6_SERVERS_MAX][16], ntp[VS_DHCP6_SERVERS_MAX][16];
	struct vs_dhcp6_bytes search; /* names without compression */
	struct vs_dhcp6_bytes fqdn;   /* flags, and a name */
	struct vs_dhcp6_bytes wanted; /* the option request */
	uint32_t refresh_s, sol_max_rt_s, inf_max_rt_s; /* 0: no such option */
	uint8_t skipped; /* malformed options that are not essential, and repeated ones */
};

/*
 * The message in n bytes. Of several IAs of a kind it takes the first with that IAID. Of a repeated option it
 * takes the first. An address or prefix whose preferred lifetime is longer than its valid lifetime is left
 * out, and so is an IA with T1 > T2 > 0 (RFC 8415 sections 21.4, 21.6, 21.21, 21.22). *out is written only if
 * the result is VS_DHCP6_OK.
 */
enum vs_dhcp6_result vs_dhcp6_parse(const uint8_t *bytes, size_t n, uint32_t iaid, struct vs_dhcp6 *out);

/* Whether the option request contains that option. */
bool vs_dhcp6_wants(const struct vs_dhcp6 *message, enum vs_dhcp6_option option);

/* A message to be built. */
struct vs_dhcp6_plan {
	enum vs_dhcp6_type type;
	uint32_t xid;
	const uint8_t *client, *server; /* DUIDs; server NULL: none */
	uint16_t client_len, server_len;
	uint16_t elapsed_cs;
	bool rapid;
	bool na, pd; /* which IAs; both have the same IAID */
	uint32_t iaid;
	uint8_t n_addrs;
	uint8_t addrs[VS_DHCP6_ADDRS_MAX][16];
	uint8_t prefix_len; /* of pd; 0: no prefix option in it */
	uint8_t prefix[16]; /* all zero: prefix_len is a hint */
	uint8_t n_wanted;
	uint16_t wanted[8];     /* the option request; none: no such option */
	const uint8_t *fqdn;    /* labels; NULL: no such option */
	uint16_t fqdn_len;
};

/* Times in IAs, addresses and prefixes are 0. Returns how many bytes were written, 0 if there is no room. */
size_t vs_dhcp6_build(const struct vs_dhcp6_plan *plan, uint8_t *bytes, size_t room);

#endif
