/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See containers.h, peers.c and container.c. */

#include "containers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "device.h"
#include "link.h"
#include "offload.h"
#include "pump.h"

#define MAC_KEPT_S 10

static uint16_t takes_of(unsigned offloads)
{
	return (uint16_t)((offloads & VS_OFFLOAD_GRO ? VS_TAKES_TCP4 | VS_TAKES_TCP6 : 0) |
			  (offloads & VS_OFFLOAD_UGRO ? VS_TAKES_UDP : 0));
}

void vs_containers_renew(struct vs_pump *pump)
{
	size_t max = pump->link->container_max < pump->link->frame_max ? pump->link->container_max
								       : pump->link->frame_max;
	bool able = (pump->offloads & VS_OFFLOAD_SUPER) && max > 0 && pump->device.ops->mac != NULL;

	vs_containers_free(pump);
	struct vs_containers *c = able ? calloc(1, sizeof(*c)) : NULL;
	if (c != NULL) {
		c->max = max;
		c->takes = takes_of(pump->offloads);
		(void)pthread_mutex_init(&c->lock, NULL);
	}
	pump->containers = c;
	atomic_store(&pump->has_containers, c != NULL);
}

void vs_containers_free(struct vs_pump *pump)
{
	if (pump->containers == NULL)
		return;
	(void)pthread_mutex_destroy(&pump->containers->lock);
	free(pump->containers);
	pump->containers = NULL;
	atomic_store(&pump->has_containers, false);
}

/* Without random numbers there is no discovery. */
static bool choose_nonce(uint64_t *nonce)
{
	return getrandom(nonce, sizeof(*nonce), GRND_NONBLOCK) == sizeof(*nonce);
}

struct vs_containers_allowed vs_containers_ask(struct vs_containers *c, const uint8_t mac[6], bool may_probe)
{
	struct vs_containers_allowed allowed = { 0 };
	int64_t now = vs_now_ns();

	(void)pthread_mutex_lock(&c->lock);
	struct vs_peer *peer = vs_peers_use(&c->peers, mac, now);
	if (vs_peer_valid(peer, now)) {
		allowed.limit = peer->limit < c->max ? peer->limit : c->max;
		allowed.takes = peer->takes;
	}
	allowed.probe = may_probe && vs_peers_due(&c->peers, peer, now);
	(void)pthread_mutex_unlock(&c->lock);
	if (!allowed.probe)
		return allowed;
	allowed.probe = choose_nonce(&allowed.nonce);
	if (!allowed.probe)
		return allowed;
	(void)pthread_mutex_lock(&c->lock); /* only this thread adds stations: the pointer still holds */
	vs_peer_asked(peer, allowed.nonce, now);
	(void)pthread_mutex_unlock(&c->lock);
	return allowed;
}

/*
 * The probe is for this interface: on a hub it comes to everybody. The kernel takes a lock of the whole
 * system to tell the MAC address. So it is asked only when it may have changed, once a second at most.
 */
static bool is_for_us(struct vs_pump *pump, const uint8_t *frame, int64_t now)
{
	struct vs_containers *c = pump->containers;
	int64_t age = now - c->looked_ns;
	bool same = c->has_mac && memcmp(frame, c->mac, 6) == 0;

	if (c->looked_ns == 0 || age > (same ? MAC_KEPT_S : 1) * VS_PEERS_S) {
		c->has_mac = pump->device.ops->mac(&pump->device, c->mac);
		c->looked_ns = now;
	}
	return c->has_mac && memcmp(frame, c->mac, 6) == 0 && memcmp(frame + 6, c->mac, 6) != 0;
}

static void answer(struct vs_pump *pump, const uint8_t *frame, const struct vs_container_ask *ask)
{
	struct vs_container_ask reply = { .nonce = ask->nonce, .limit = (uint16_t)pump->containers->max,
					  .takes = pump->containers->takes };
	uint8_t bytes[VS_ANSWER_LEN];
	struct vs_frame out = { .iov = { { bytes, 0 } }, .n_iov = 1 };
	size_t lost = 0;

	out.iov[0].iov_len = vs_container_answer(bytes, frame + 6, frame, &reply);
	/* In one piece, so this needs nothing of the tx thread's. What is lost now is asked for again. */
	(void)pump->link->ops->send(pump->link, &out, 1, &lost);
}

void vs_containers_heard(struct vs_pump *pump, const uint8_t *frame, int kind,
			 const struct vs_container_ask *ask)
{
	struct vs_containers *c = pump->containers;
	struct vs_watchers *watchers = vs_watchers_of(&pump->watchers);
	int64_t now = vs_now_ns();

	/* Nothing passes now. */
	if (atomic_load_explicit(&pump->cut, memory_order_relaxed) ||
	    (watchers != NULL && vs_watchers_isolated(watchers)))
		return;
	if (kind == VS_CONTAINER_PROBE) {
		if (!is_for_us(pump, frame, now))
			return;
		(void)pthread_mutex_lock(&c->lock);
		bool may = vs_peers_may_answer(&c->peers, frame + 6, now);
		(void)pthread_mutex_unlock(&c->lock);
		if (may)
			answer(pump, frame, ask);
		return;
	}
	(void)pthread_mutex_lock(&c->lock);
	(void)vs_peers_answered(&c->peers, frame + 6, ask->nonce, ask->limit, ask->takes, now);
	(void)pthread_mutex_unlock(&c->lock);
}
