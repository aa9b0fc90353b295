/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_DHCP6_MACHINE_H
#define VS_AUTO_DHCP6_MACHINE_H

/* The inside of the DHCPv6 client, for its files. dhcp6.c has the picture. */

#include "auto.h"
#include "lifetime.h"
#include "proto/dhcp6.h"

/* The RFC's second is for the power cut of a building. The stacks of one program are some hundreds. */
#define VS_DHCP6_FIRST_DELAY_MS 50
#define VS_DHCP6_TOKENS_MAX 20 /* messages that may be sent at once, see dhcp6_exchange.c */

enum vs_dhcp6_state {
	VS_DHCP6_S_STOPPED,
	VS_DHCP6_S_SOLICIT,
	VS_DHCP6_S_REQUEST,
	VS_DHCP6_S_BOUND,
	VS_DHCP6_S_RENEW,
	VS_DHCP6_S_REBIND,
	VS_DHCP6_S_CONFIRM,
	VS_DHCP6_S_DECLINE,
	VS_DHCP6_S_RELEASE,
	VS_DHCP6_S_INFORM,
	VS_DHCP6_S_INFORMED,
	VS_DHCP6_S_N,
};

/* An address, or the delegated prefix. */
struct vs_dhcp6_held {
	uint8_t ip[16];
	uint8_t prefix_len; /* of the prefix; 0: there is none */
	uint32_t valid_s, preferred_s; /* from `obtained` */
	vs_auto_ms obtained;
	bool set;      /* ops->addr_set has been called; of the prefix: it is in the facts */
	bool declined; /* another host uses it: kept for Decline messages only */
};

/* What the best Advertise contains, or what a server without a binding is asked for. */
struct vs_dhcp6_offer {
	uint32_t rank; /* 0: there is no offer */
	uint8_t server[VS_DHCP6_DUID_MAX];
	uint8_t server_len;
	uint8_t n_addrs;
	uint8_t addrs[VS_DHCP6_ADDRS_MAX][16];
	uint8_t prefix_len;
	uint8_t prefix[16];
};

struct vs_dhcp6_client {
	const struct vs_auto_config *config;
	const struct vs_auto_ops *ops;
	void *arg;
	uint8_t duid[VS_DHCP6_DUID_MAX];
	uint8_t duid_len;
	uint32_t iaid;

	enum vs_dhcp6_state state;
	vs_auto_ms since;
	bool down; /* no carrier: nothing is sent */

	/* The message that waits for its answer. */
	uint32_t xid;
	uint32_t tries;   /* how often it was sent */
	uint32_t rt_ms;   /* the last time between two */
	vs_auto_ms began; /* when it was sent first */
	vs_auto_ms asked; /* when it was sent last */
	vs_auto_ms next;  /* when it is sent again */

	/* The rate limit of RFC 8415 section 14.1: a message takes a token, and each second adds one. */
	uint8_t tokens;
	vs_auto_ms tokens_at;

	uint32_t sol_max_rt_s, inf_max_rt_s;
	uint8_t failures;     /* searches in a row that came to nothing */
	bool silence_said, refusal_said; /* in this search */
	struct vs_dhcp6_offer offer;
	vs_auto_ms collected; /* end of the time for more Advertise messages */
	uint8_t silent[VS_DHCP6_DUID_MAX]; /* the server that has not answered the last Requests */
	uint8_t silent_len;

	uint8_t server[VS_DHCP6_DUID_MAX];
	uint8_t server_len;
	struct vs_auto_ip server_ip;
	uint8_t n;
	struct vs_dhcp6_held addrs[VS_DHCP6_ADDRS_MAX];
	struct vs_dhcp6_held prefix;
	bool has_hint; /* an address that it had, for Solicit messages */
	uint8_t hint[16];
	vs_auto_ms updated; /* the last Reply with a lease */
	vs_auto_ms t1, t2;
	vs_auto_ms refresh; /* when information is requested again */
	struct vs_auto_facts facts;

	uint32_t sent, received, ignored[VS_IGNORED_N];
	const char *problem; /* NULL: none */
};

/* dhcp6_exchange.c */

/* The name of a state. */
const char *vs_dhcp6_state_name(enum vs_dhcp6_state state);
/* A random number below n. */
uint32_t vs_dhcp6_random(struct vs_dhcp6_client *c, uint32_t n);
/* Enters a state. Its first message, if it has one, is sent delay_ms later: 0 means by this call. */
void vs_dhcp6_enter(struct vs_dhcp6_client *c, vs_auto_ms now, enum vs_dhcp6_state state, uint32_t delay_ms);
/* Sends the message of the state, or sends it later because of the rate limit. */
void vs_dhcp6_transmit(struct vs_dhcp6_client *c, vs_auto_ms now);
/* Whether the last message has been sent as often as it may be, and was not answered in time. */
bool vs_dhcp6_exhausted(const struct vs_dhcp6_client *c, vs_auto_ms now);
/* The end of an exchange that is limited in time, or VS_AUTO_NEVER. */
vs_auto_ms vs_dhcp6_exchange_end(const struct vs_dhcp6_client *c);

/* dhcp6_times.c */

vs_auto_ms vs_dhcp6_expiry(const struct vs_dhcp6_held *held);
/* What is left of a lifetime that began in the past. */
uint32_t vs_dhcp6_left_s(uint32_t lifetime_s, vs_auto_ms obtained, vs_auto_ms now);
/* T1 and T2 from those of the server, 0: none, which count from `from`. */
void vs_dhcp6_choose_times(struct vs_dhcp6_client *c, vs_auto_ms from, uint32_t t1_s, uint32_t t2_s);

/* dhcp6_lease.c */

/* Whether it has an address that is not declined, or a prefix. */
bool vs_dhcp6_has_lease(const struct vs_dhcp6_client *c);
/* Whether the stack has an address or a prefix from it now. */
bool vs_dhcp6_has_set(const struct vs_dhcp6_client *c);
void vs_dhcp6_as_addr(const struct vs_dhcp6_client *c, const struct vs_dhcp6_held *held, vs_auto_ms now,
		      struct vs_auto_addr *out);
/* Copies a remembered lease. What has expired is left out; its first address becomes the hint. */
void vs_dhcp6_remember(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_auto_lease *lease);
/* Sets the addresses that are not set yet, and says the prefix. */
void vs_dhcp6_set_all(struct vs_dhcp6_client *c, vs_auto_ms now);
/* Takes addresses and prefix back, and says no facts. They stay in the machine's memory. */
void vs_dhcp6_unset_all(struct vs_dhcp6_client *c, vs_auto_ms now);
/* Removes addresses and prefix. Says no facts and reports the loss, if any was set. */
void vs_dhcp6_forget(struct vs_dhcp6_client *c, vs_auto_ms now, const char *why);
/* Removes what has expired. Returns whether that was all that there was. */
bool vs_dhcp6_expire(struct vs_dhcp6_client *c, vs_auto_ms now);
/* Marks an address as a duplicate. Returns false if there is no such address that is set. */
bool vs_dhcp6_mark_declined(struct vs_dhcp6_client *c, vs_auto_ms now, const uint8_t *ip);
void vs_dhcp6_drop_declined(struct vs_dhcp6_client *c);
/* The address; NULL: it is not held. */
struct vs_dhcp6_held *vs_dhcp6_find(struct vs_dhcp6_client *c, const uint8_t *ip);
void vs_dhcp6_set_address(struct vs_dhcp6_client *c, struct vs_dhcp6_held *held, vs_auto_ms now);
void vs_dhcp6_remove_at(struct vs_dhcp6_client *c, uint8_t i, vs_auto_ms now);
/* Says facts, with the prefix that is held now. Returns whether they are others than before. */
bool vs_dhcp6_say_with_prefix(struct vs_dhcp6_client *c, vs_auto_ms now, struct vs_auto_facts *facts);
/* Says no facts, and that all is lost. */
void vs_dhcp6_report_loss(struct vs_dhcp6_client *c, const char *why);

/* dhcp6_accept.c */

/* Whether a Reply has an address or prefix for this client, one with a lifetime of 0 included. */
bool vs_dhcp6_mentions_lease(const struct vs_dhcp6_client *c, const struct vs_dhcp6 *m);
/* Whether this address may be used on an interface. */
bool vs_dhcp6_lease_usable(const struct vs_dhcp6_lease *lease);
/*
 * Takes over a Reply: addresses, prefix, server, times and facts; reports what is new. all: what the Reply
 * does not contain is removed. Returns false if nothing is left.
 */
bool vs_dhcp6_accept(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_dhcp6 *m,
		     const struct vs_auto_ip *server_ip, bool all);

/* dhcp6_facts.c */

/* What a Reply says, without prefix and lifetimes. */
void vs_dhcp6_read_facts(const struct vs_dhcp6 *m, struct vs_auto_facts *facts);
/* Says the facts. Returns whether they differ from those said before in more than lifetimes. */
bool vs_dhcp6_say_facts(struct vs_dhcp6_client *c, const struct vs_auto_facts *facts);

/* dhcp6_moves.c */

/* Looks for a server. */
void vs_dhcp6_start_search(struct vs_dhcp6_client *c, vs_auto_ms now);
/* The same, after one that came to nothing. It waits the longer, the more searches have failed. */
void vs_dhcp6_search(struct vs_dhcp6_client *c, vs_auto_ms now);
/* Requests what the best Advertise offered. */
void vs_dhcp6_take_offer(struct vs_dhcp6_client *c, vs_auto_ms now);
/* The remembered addresses are used. */
void vs_dhcp6_resume(struct vs_dhcp6_client *c, vs_auto_ms now);
/* The duplicate addresses have been declined. */
void vs_dhcp6_declined(struct vs_dhcp6_client *c, vs_auto_ms now);
/* The lease has been given back. */
void vs_dhcp6_released(struct vs_dhcp6_client *c, vs_auto_ms now);
/* Reports a refusal, once per search. */
void vs_dhcp6_refused(struct vs_dhcp6_client *c, uint16_t status);

/* dhcp6_reply.c */
void vs_dhcp6_input(struct vs_dhcp6_client *c, vs_auto_ms now, const struct vs_auto_packet *packet);

#endif
