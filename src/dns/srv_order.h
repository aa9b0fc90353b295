/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_SRV_ORDER_H
#define VS_DNS_SRV_ORDER_H

/* The order of RFC 2782 for the places of a service. Pure: random numbers come from the caller. */

#include <stdint.h>

struct vdestack_dns_srv;

/* Returns a number from 0 to `most`, each as likely as the others. */
typedef uint32_t vs_srv_random(void *arg, uint32_t most);

/* Sorts by priority, and by chance according to the weights among equal priorities. Returns the new head. */
struct vdestack_dns_srv *vs_srv_order(struct vdestack_dns_srv *list, vs_srv_random *random, void *arg);

#endif
