/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Discovery, on demand. A station is asked when there is something to send to it that a container would make
 * cheaper. Each station has a state:
 *
 *	              probe                    answer
 *	  new ────────────────▶ asked ────────────────────────▶ valid ──┐ a probe each half second,
 *	                        │   ▲ again after 1, 2, 4 s      │  ▲    │ while it is in use
 *	        no answer to 4  │   │                            │  └────┘
 *	                        ▼   └────────────────────────────┘
 *	                      silent, for ten minutes       2 s after the probe that was answered last
 *
 * Only `valid` gets containers. In all other states it gets ordinary frames, which are always right. So a
 * station that ignores containers receives four probes, and no more for ten minutes.
 *
 * A probe is as long as the longest container. A network that drops such frames drops the probe: no answer,
 * no containers. The state ends by itself, because the station may be replaced at any time by one that does
 * not know containers, with the same MAC address. Meanwhile containers to it are lost. Single frames, like
 * what TCP sends again, are not in containers and arrive.
 *
 * Trust: every station of a hub can read probes and can claim any MAC address, as with ARP. But an answer
 * counts only with the nonce of the probe that is outstanding to that station. So one who is off the path
 * cannot answer. What is received never adds a station. Answers are limited and shorter than the probe.
 *
 * There are no timers: a probe is only sent beside a frame.
 */

#include "peers.h"

#include <string.h>

static uint64_t number_of(const uint8_t mac[6])
{
	uint64_t n = 1; /* never 0 */

	for (int i = 0; i < 6; i++)
		n = n << 8 | mac[i];
	return n;
}

static struct vs_peer *find(struct vs_peers *peers, uint64_t mac)
{
	for (size_t i = 0; i < VS_PEERS; i++)
		if (peers->peer[i].mac == mac)
			return &peers->peer[i];
	return NULL;
}

struct vs_peer *vs_peers_use(struct vs_peers *peers, const uint8_t mac[6], int64_t now_ns)
{
	uint64_t number = number_of(mac);
	struct vs_peer *peer = find(peers, number);

	if (peer == NULL) {
		peer = &peers->peer[0];
		for (size_t i = 1; i < VS_PEERS && peer->mac != 0; i++)
			if (peers->peer[i].mac == 0 || peers->peer[i].used_ns < peer->used_ns)
				peer = &peers->peer[i];
		*peer = (struct vs_peer){ .mac = number };
	}
	peer->used_ns = now_ns;
	return peer;
}

static bool take_token(struct vs_peers_bucket *b, unsigned most, unsigned per_s, int64_t now_ns)
{
	int64_t each = VS_PEERS_S / per_s;

	if (!b->filled)
		*b = (struct vs_peers_bucket){ .filled = true, .left = most, .last_ns = now_ns };
	int64_t more = (now_ns - b->last_ns) / each;
	if (more > 0) {
		b->left = more < (int64_t)(most - b->left) ? b->left + (unsigned)more : most;
		b->last_ns += more * each;
	}
	if (b->left == 0)
		return false;
	b->left--;
	return true;
}

bool vs_peers_due(struct vs_peers *peers, const struct vs_peer *peer, int64_t now_ns)
{
	if (now_ns < peer->next_ns)
		return false;
	/* A table that is too small for the network must not make up for it by probes. */
	return peer->next_ns != 0 || take_token(&peers->first, VS_PEERS_FIRST, 1, now_ns);
}

void vs_peer_asked(struct vs_peer *peer, uint64_t nonce, int64_t now_ns)
{
	int64_t pause = VS_PEERS_S << peer->unanswered;

	peer->nonce = nonce;
	peer->outstanding = true;
	peer->asked_ns = now_ns;
	if (++peer->unanswered >= VS_PEERS_PROBES) {
		pause = VS_PEERS_SILENCE_NS;
		peer->unanswered = 0;
	}
	peer->next_ns = now_ns + pause;
}

bool vs_peers_answered(struct vs_peers *peers, const uint8_t mac[6], uint64_t nonce, uint16_t limit,
		       uint16_t takes, int64_t now_ns)
{
	struct vs_peer *peer = find(peers, number_of(mac));

	if (peer == NULL || !peer->outstanding || peer->nonce != nonce)
		return false;
	peer->outstanding = false;
	peer->unanswered = 0;
	peer->limit = limit;
	peer->takes = takes;
	peer->valid_ns = peer->asked_ns + VS_PEERS_VALID_NS;
	peer->next_ns = peer->asked_ns + VS_PEERS_REFRESH_NS;
	return now_ns < peer->valid_ns;
}

bool vs_peers_may_answer(struct vs_peers *peers, const uint8_t mac[6], int64_t now_ns)
{
	struct vs_peer *peer = find(peers, number_of(mac));

	/* Stations that are made up must not take the answers of those that we send to. */
	if (!take_token(peer != NULL ? &peers->known : &peers->answers, VS_PEERS_ANSWERS, VS_PEERS_ANSWERS,
			now_ns))
		return false;
	/*
	 * It is not one that ignores containers: the silence ends. Any station may claim its MAC address, so
	 * not at once: short probes must not make many long ones.
	 */
	if (peer != NULL && peer->next_ns - now_ns > VS_PEERS_HEARD_NS &&
	    now_ns - peer->asked_ns > VS_PEERS_HEARD_NS)
		peer->next_ns = now_ns;
	return true;
}
