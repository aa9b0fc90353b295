/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_CONTAINERS_H
#define VS_PUMP_CONTAINERS_H

/*
 * Containers of a pump: what its tx and rx directions share.
 *
 *     tx ──frames──▶ pack.c ──containers, probes──▶ link        link ──containers──▶ unpack.c ──frames──▶ rx
 *                      │                                                                 │
 *                      └───────────────▶ table of peers ◀── answers, probes ─────────────┘
 *
 * One lock guards the table; each direction may have a thread. It is never held during a system call.
 * Everything else is set before the threads start.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container.h"
#include "peers.h"

struct vs_pump;

struct vs_containers {
	size_t max;     /* bytes of the longest container that the link carries */
	uint16_t takes; /* what this side takes, VS_TAKES_... */
	pthread_mutex_t lock;
	struct vs_peers peers;

	/* Of the rx thread: */
	uint8_t mac[6];    /* of the device, as it was at looked_ns; 0: never */
	bool has_mac;
	int64_t looked_ns;
};

/*
 * Before the threads of the pump start: forgets what was known of the network, and finds out whether
 * containers may be used with this device and this link. If there is no memory, they are not.
 */
void vs_containers_renew(struct vs_pump *pump);

/* Without threads. */
void vs_containers_free(struct vs_pump *pump);

/* What may be put into containers to a station. */
struct vs_containers_allowed {
	size_t limit;   /* bytes of a container; 0: none now */
	uint16_t takes; /* VS_TAKES_... */
	bool probe;     /* send it a probe with this nonce */
	uint64_t nonce;
};

/*
 * For something that a container would make cheaper. A probe that is returned counts as sent. Of the tx
 * thread.
 */
struct vs_containers_allowed vs_containers_ask(struct vs_containers *c, const uint8_t mac[6], bool may_probe);

/* A probe or an answer that came from the network to this pump. */
void vs_containers_heard(struct vs_pump *pump, const uint8_t *frame, int kind,
			 const struct vs_container_ask *ask);

#endif
