/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_LINK_H
#define DH_LINK_H

/*
 * Where messages come and go, and where names are looked up.
 *
 * --stack is a stack for ioth_newstackc(3), or one word SCHEME://...: a VDE network. Then the link is a stack
 * of kind vdestack on it. Its interface is up and has the address fe80::EUI64(MAC). So neighbour discovery,
 * checksums and fragments are the kernel's.
 */

#include <ioth.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct dh_link {
	struct ioth *stack;    /* of messages; NULL: the network of the process */
	struct ioth *dnsstack; /* of lookups; may be the same */
	bool vde;              /* the stack is this program's own, on a VDE network */
	char ifname[IF_NAMESIZE];
	unsigned ifindex;
	uint8_t mac[6]; /* all zero: the interface has none */
};

/*
 * Makes the stacks, and finds the interface. On a VDE network it gets its MAC address and is brought up. 0,
 * or -1 after a report. dh_link_close() is needed in both cases. Call it behind dm_daemon_begin().
 */
int dh_link_open(struct dh_link *link, const struct dh_settings *settings);

/* Ends the stacks. Sockets and resolvers of them are closed before. */
void dh_link_close(struct dh_link *link);

#endif
