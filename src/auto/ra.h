/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_RA_H
#define VS_AUTO_RA_H

/* Router discovery and SLAAC: see ra.c. */

#include "auto.h"

extern const struct vs_auto_kind vs_ra_kind;

/*
 * The sysctls in /proc/sys/net/ipv6/conf/IFNAME/ that the machine relies on, in the order in which they must
 * be written, before the interface is set up. A name without a file is skipped: the kernel lacks the feature.
 */
struct vs_ra_sysctl {
	const char *name;  /* NULL ends the list */
	const char *value; /* NULL: config->secret, written as an IPv6 address */
	unsigned iids;     /* for which enum vs_auto_iid: bits 1 << iid */
};

extern const struct vs_ra_sysctl vs_ra_sysctls[];

/*
 * Makes the secret of one interface of one stack out of the one that all share: the kernel's link-local
 * address depends on nothing else, and two stacks must not have the same.
 */
void vs_ra_derive_secret(uint8_t secret[16], const char *stack, const char *ifname);

#endif
