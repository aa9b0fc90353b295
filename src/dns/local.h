/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_LOCAL_H
#define VS_DNS_LOCAL_H

/*
 * What a lookup answers without name servers. Each function says whether it has ended the lookup,
 * successfully or not.
 */

#include <stdbool.h>

struct vdestack_dns_lookup;

/*
 * AI_ADDRCONFIG: families that the stack has no address of are not asked for. False: the lookup has ended,
 * because none is left.
 */
bool vs_local_addrconfig(struct vdestack_dns_lookup *l);
/* No node: any address, or the loopback addresses. Always ends it. */
void vs_local_no_node(struct vdestack_dns_lookup *l);
/* An address as text. */
bool vs_local_literal(struct vdestack_dns_lookup *l);
/* The hosts file. If it has no address of the wanted family, a name server may know one. */
bool vs_local_hosts(struct vdestack_dns_lookup *l);
/* Names that never go to a name server: RFC 6761 section 6.3 and 6.4, RFC 7686. */
bool vs_local_special(struct vdestack_dns_lookup *l);
/* Those of them that do not exist. */
bool vs_local_absent(struct vdestack_dns_lookup *l);

#endif
