/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_DHCP4_MACHINE_H
#define VS_AUTO_DHCP4_MACHINE_H

/* The DHCPv4 client's memory, and the parts of its work that do not depend on its state. */

#include "auto.h"
#include "dhcp4_terms.h"
#include "lifetime.h"
#include "proto/arp.h"
#include "proto/dhcp4.h"

#define VS_DHCP4_LONG_AGO (-VS_AUTO_NEVER)

/* The states of RFC 2131 section 4.4, PROBING and DECLINED of RFC 5227, V6ONLY_WAIT of RFC 8925. */
enum vs_dhcp4_state {
	VS_DHCP4_STOPPED,
	VS_DHCP4_INIT,
	VS_DHCP4_SELECTING,
	VS_DHCP4_REQUESTING,
	VS_DHCP4_REBOOTING,
	VS_DHCP4_PROBING,
	VS_DHCP4_BOUND,
	VS_DHCP4_RENEWING,
	VS_DHCP4_REBINDING,
	VS_DHCP4_DECLINED,
	VS_DHCP4_V6ONLY_WAIT,
};

struct vs_dhcp4_offer {
	uint32_t addr, server; /* 0: none */
};

struct vs_dhcp4 {
	const struct vs_auto_config *config;
	const struct vs_auto_ops *ops;
	void *arg;

	enum vs_dhcp4_state state;
	vs_auto_ms since;
	bool link_up;

	/* The exchange of messages under way. */
	vs_auto_ms next;     /* when the state sends again, or ends */
	vs_auto_ms began;    /* for the field secs */
	vs_auto_ms sent_at;  /* the request from whose time the lease will count */
	uint32_t xid;
	uint16_t secs;
	uint8_t tries;       /* messages sent in this state; probes in PROBING */
	uint32_t hint;       /* the address that DISCOVER asks for; 0: none */
	struct vs_dhcp4_offer offer;  /* what is requested */
	struct vs_dhcp4_offer second; /* what is requested if that server does not answer */

	/* The lease: granted, and set on the interface or not. */
	bool granted, set;
	vs_auto_ms obtained, t1, t2, expiry;
	struct vs_dhcp4_terms terms;
	uint8_t server_mac[6]; /* of the frame with the last ACK; all 0: not known */

	vs_auto_ms announce_at; /* the next announcement; VS_AUTO_NEVER: none */
	vs_auto_ms conflict_at; /* the last conflict; VS_DHCP4_LONG_AGO: none */
	uint8_t conflicts, naks; /* in a row */
	bool silence_reported;

	uint32_t sent, received;
	uint32_t ignored[VS_IGNORED_N];
	char problem[96];
};

/* dhcp4_states.c */

void vs_dhcp4_enter(struct vs_dhcp4 *m, vs_auto_ms now, enum vs_dhcp4_state state);
/* Starts anew after a pause; at once, in SELECTING, if that is 0 and there is a link. */
void vs_dhcp4_begin_init(struct vs_dhcp4 *m, vs_auto_ms now, vs_auto_ms pause);
void vs_dhcp4_begin_requesting(struct vs_dhcp4 *m, vs_auto_ms now);
void vs_dhcp4_begin_rebooting(struct vs_dhcp4 *m, vs_auto_ms now);
/* BOUND, RENEWING or REBINDING: the state of a machine with an address, by the time. */
void vs_dhcp4_enter_bound(struct vs_dhcp4 *m, vs_auto_ms now);
vs_auto_ms vs_dhcp4_deadline(const struct vs_dhcp4 *m);
void vs_dhcp4_timer(struct vs_dhcp4 *m, vs_auto_ms now);
/* The server has granted these terms. */
void vs_dhcp4_granted(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_terms *terms);
/* Ends the lease, set or not. */
void vs_dhcp4_drop_lease(struct vs_dhcp4 *m, vs_auto_ms now, const char *why);
/* Says what has happened to the machine's address. */
void vs_dhcp4_tell(struct vs_dhcp4 *m, vs_auto_ms now, enum vs_auto_news what, const char *why);
/* The pause behind message number `tries` without an answer, 1 at first. */
vs_auto_ms vs_dhcp4_back_off(struct vs_dhcp4 *m, unsigned tries);

/* dhcp4_input.c */

void vs_dhcp4_input_message(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_auto_packet *packet);
void vs_dhcp4_input_arp(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_auto_packet *packet);

/* dhcp4_send.c */

/* Writes the client id, VS_DHCP4_CLIENT_ID_MAX bytes at most. Returns its length. */
uint8_t vs_dhcp4_client_id(const struct vs_auto_config *config, uint8_t *id);
/* Whether a lease without an OFFER is asked for, RFC 4039. The option of RFC 8925 is for offers. */
static inline bool vs_dhcp4_wants_rapid(const struct vs_auto_config *config)
{
	return config->rapid && !config->ipv6_only;
}
void vs_dhcp4_send_discover(struct vs_dhcp4 *m);
/* The REQUEST that fits the state: REQUESTING, REBOOTING, RENEWING or REBINDING. */
void vs_dhcp4_send_request(struct vs_dhcp4 *m);
void vs_dhcp4_send_decline(struct vs_dhcp4 *m);
void vs_dhcp4_send_release(struct vs_dhcp4 *m);
void vs_dhcp4_send_probe(struct vs_dhcp4 *m);
void vs_dhcp4_send_announcement(struct vs_dhcp4 *m);

/* dhcp4_apply.c */

/* The address as the driver sets it. */
struct vs_auto_addr vs_dhcp4_addr(const struct vs_dhcp4 *m, vs_auto_ms now);
/* Sets what the machine's terms say. */
void vs_dhcp4_install(struct vs_dhcp4 *m, vs_auto_ms now);
/* Takes it back. */
void vs_dhcp4_withdraw(struct vs_dhcp4 *m, vs_auto_ms now);
/* New terms for the address that is set; true: they say other things than the old ones. */
bool vs_dhcp4_replace(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_terms *terms);

#endif
