/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_PEERS_H
#define VS_PUMP_PEERS_H

/*
 * Who takes containers: the stations that this pump sends to, found out by probes. Pure: the caller passes
 * times and nonces, and sends the probes that are due. See peers.c for the states. All zero at first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_PEERS 32
#define VS_PEERS_PROBES 4 /* without an answer, then silence */
#define VS_PEERS_S INT64_C(1000000000)
#define VS_PEERS_REFRESH_NS (VS_PEERS_S / 2)  /* between probes to one that answers */
#define VS_PEERS_VALID_NS (2 * VS_PEERS_S)    /* from the probe that was answered */
#define VS_PEERS_SILENCE_NS (600 * VS_PEERS_S)
#define VS_PEERS_HEARD_NS (10 * VS_PEERS_S)   /* silence is not ended earlier after a probe */
#define VS_PEERS_ANSWERS 50 /* a second, and at once */
#define VS_PEERS_FIRST 32   /* first probes at once; one more each second */

struct vs_peer {
	uint64_t mac;         /* 0: unused */
	uint64_t nonce;       /* of the outstanding probe */
	int64_t used_ns;      /* when something was last sent to it */
	int64_t asked_ns;     /* the last probe */
	int64_t next_ns;      /* the next probe is not sent before; 0: none has been sent */
	int64_t valid_ns;     /* it takes containers until then */
	unsigned unanswered;  /* probes in a row */
	bool outstanding;
	uint16_t limit, takes; /* as it has answered */
};

/* So many at once, then at a rate. */
struct vs_peers_bucket {
	bool filled;
	unsigned left;
	int64_t last_ns;
};

struct vs_peers {
	struct vs_peer peer[VS_PEERS];
	struct vs_peers_bucket answers, known, first; /* known: to stations of the table */
};

/* The station that a frame is sent to. Only this adds one; the one that was used longest ago goes. */
struct vs_peer *vs_peers_use(struct vs_peers *peers, const uint8_t mac[6], int64_t now_ns);

/* It takes containers now, of up to ->limit bytes, and super-frames as ->takes says. */
static inline bool vs_peer_valid(const struct vs_peer *peer, int64_t now_ns)
{
	return now_ns < peer->valid_ns;
}

/* A probe is to be sent to it now. If so, the caller sends one and calls vs_peer_asked(). */
bool vs_peers_due(struct vs_peers *peers, const struct vs_peer *peer, int64_t now_ns);
void vs_peer_asked(struct vs_peer *peer, uint64_t nonce, int64_t now_ns);

/* An answer came. False: nobody has asked for it. */
bool vs_peers_answered(struct vs_peers *peers, const uint8_t mac[6], uint64_t nonce, uint16_t limit,
		       uint16_t takes, int64_t now_ns);

/* A probe came from it: it knows containers. Returns whether it may be answered. */
bool vs_peers_may_answer(struct vs_peers *peers, const uint8_t mac[6], int64_t now_ns);

#endif
