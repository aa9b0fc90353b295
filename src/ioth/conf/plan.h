/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_PLAN_H
#define VS_IOTHCONF_PLAN_H

/*
 * What a configuration string asks for. Pure: no stack, no message recorded.
 *
 * The words are split, and the values read, by the parser of vdestack_config(7) (src/config): here is only
 * what is the family's own, the tags and what they mean together.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "items.h"

/* Parts of a configuration, bits. */
#define VS_PLAN_ETH 0x01u
#define VS_PLAN_DHCP 0x02u
#define VS_PLAN_DHCP6 0x04u
#define VS_PLAN_RD 0x08u
#define VS_PLAN_SLAAC 0x10u /* never wanted without VS_PLAN_RD */
#define VS_PLAN_STATIC 0x20u
#define VS_PLAN_SOURCES (VS_PLAN_DHCP | VS_PLAN_DHCP6 | VS_PLAN_RD | VS_PLAN_SLAAC)

/* For sources, without timeout=. A client of the family's earlier library sends three times, 2 s apart. */
#define VS_PLAN_TIMEOUT_MS 6000

/* The calls that read a string; each takes other words. Bits. */
enum vs_plan_call {
	VS_CALL_CONFIG = 1,
	VS_CALL_NEWSTACK = 2,
	VS_CALL_RESOLVCONF = 4,
};

struct vs_plan {
	char ifname[IF_NAMESIZE]; /* "": not given */
	unsigned ifindex;         /* 0: not given */
	unsigned want, undo;      /* VS_PLAN_ETH... */
	bool has_mac;             /* by mac= or fqdn= */
	unsigned char mac[6];
	char fqdn[VS_CONF_FQDN_MAX];
	int timeout_ms;
	struct vs_items add;    /* static items */
	struct vs_items remove; /* of -ip=... -domain=; an address may be without its length */
	/* Of VS_CALL_NEWSTACK only: */
	char *stack; /* NULL: not given */
	char **vnlv; /* NULL: none; ends with NULL */
	size_t n_vnl;
};

/*
 * Reads text (NULL: ""). 0 and *plan, which the caller releases with vs_plan_free(); or, with *error filled
 * and *plan empty, -EINVAL, -E2BIG or -ENOMEM (then error->text may be "").
 */
int vs_plan_read(const char *text, enum vs_plan_call call, struct vs_config_error *error,
		 struct vs_plan *plan);

/* Whether it is about an interface. */
bool vs_plan_needs_iface(const struct vs_plan *plan);

/* An empty one is allowed. */
void vs_plan_free(struct vs_plan *plan);

#endif
