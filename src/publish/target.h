/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_TARGET_H
#define VS_PUBLISH_TARGET_H

/* The stack's own addresses: one of them is where a published port leads to. */

#include <stdint.h>

#include "endpoint.h"

#define VS_TARGET_MAX 64

struct vdestack;

struct vs_target {
	struct vdestack *stack;
	long long read_ms; /* when the list was read; 0: never */
	size_t n;
	union vs_endpoint addrs[VS_TARGET_MAX];
};

/*
 * An address of the stack with this port: of that family if there is one, else of the other, else of lo.
 * The list is at most a second old.
 */
void vs_target_pick(struct vs_target *target, int family, uint16_t port, long long now_ms,
		    union vs_endpoint *e);

/* Whether this is an address of the stack. */
bool vs_target_owns(struct vs_target *target, const union vs_endpoint *e, long long now_ms);

#endif
