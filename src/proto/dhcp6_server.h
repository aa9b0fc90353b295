/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_DHCP6_SERVER_H
#define VS_PROTO_DHCP6_SERVER_H

/*
 * DHCPv6 messages as a server has them (RFC 8415): what clients and relays ask, from bytes, and its answer,
 * to bytes.
 *
 * A request points into the bytes of the message, which must live as long as it does.
 */

#include "dhcp6.h"

#define VS_DHCP6_IAS_MAX 16 /* of one message; more are not answered */
#define VS_DHCP6_HOPS_MAX 8 /* RFC 8415 section 7.6: HOP_COUNT_LIMIT */
#define VS_DHCP6_RELAYS_MAX (VS_DHCP6_HOPS_MAX + 1)
#define VS_DHCP6_FQDN_FLAGS 0x07

/* A relay on the way. */
struct vs_dhcp6_relay {
	uint8_t hops;
	uint8_t link[16], peer[16];
	struct vs_dhcp6_bytes interface_id, remote_id; /* go back to it */
};

/* An IA of a client: NA, TA or PD. */
struct vs_dhcp6_asked {
	enum vs_dhcp6_option code;
	uint32_t iaid;
	uint8_t n; /* addresses of it; those of a PD are not read */
	uint8_t addrs[VS_DHCP6_ADDRS_MAX][16];
};

struct vs_dhcp6_request {
	enum vs_dhcp6_type type;
	uint32_t xid;
	uint8_t n_relays;
	struct vs_dhcp6_relay relays[VS_DHCP6_RELAYS_MAX]; /* the last one, next to the server, first */
	struct vs_dhcp6_bytes client, server, wanted, fqdn;
	bool rapid;
	uint8_t n_ias;
	struct vs_dhcp6_asked ias[VS_DHCP6_IAS_MAX]; /* as they stand in the message */
	uint8_t skipped; /* malformed options that are not essential, and what is too much */
};

/*
 * Reads a message of a client, or of a relay with one inside. VS_DHCP6_TYPE: it is none of these.
 * *out is written only if the result is VS_DHCP6_OK.
 */
enum vs_dhcp6_result vs_dhcp6_request_parse(const uint8_t *bytes, size_t n, struct vs_dhcp6_request *out);

/* Whether the option request contains that option. */
bool vs_dhcp6_request_wants(const struct vs_dhcp6_request *request, enum vs_dhcp6_option option);

/* A status; text NULL: no such option. */
struct vs_dhcp6_said {
	enum vs_dhcp6_status status;
	const char *text;
};

struct vs_dhcp6_given_addr {
	uint8_t ip[16];
	uint32_t lifetime_s; /* preferred and valid; 0: the client must not use it any more */
};

struct vs_dhcp6_given {
	enum vs_dhcp6_option code;
	uint32_t iaid, t1_s, t2_s; /* a TA has no times */
	struct vs_dhcp6_said said;
	uint8_t n;
	struct vs_dhcp6_given_addr addrs[VS_DHCP6_ADDRS_MAX + 1]; /* those of the client, and a new one */
};

struct vs_dhcp6_answer {
	enum vs_dhcp6_type type;
	const struct vs_dhcp6_request *to; /* transaction, client and relays */
	const uint8_t *server;             /* DUID */
	uint16_t server_len;
	bool rapid;
	struct vs_dhcp6_said said;
	uint8_t n_ias;
	struct vs_dhcp6_given ias[VS_DHCP6_IAS_MAX];
	uint8_t n_dns, n_sntp, n_ntp;                                         /* 0: no such option */
	uint8_t dns[VS_DHCP6_SERVERS_MAX][16], ntp[VS_DHCP6_SERVERS_MAX][16]; /* SNTP has those of ntp */
	const uint8_t *search; /* names without compression; NULL: no such option */
	uint16_t search_len;
	const uint8_t *fqdn; /* labels; NULL: no such option */
	uint16_t fqdn_len;
	uint8_t fqdn_flags;
};

/*
 * Writes the answer, inside of messages for the relays of the request. Returns how many bytes were written, 0
 * if there is no room. room is less than 65536.
 */
size_t vs_dhcp6_answer_build(const struct vs_dhcp6_answer *answer, uint8_t *bytes, size_t room);

#endif
