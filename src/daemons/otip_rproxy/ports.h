/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_PORTS_H
#define RP_PORTS_H

/* The values of --tcp, --udp, --extaddr and --extgw. */

#include "daemons/common/report.h"
#include "settings.h"

/* EXTPORT,INTADDR,INTPORT[,NAME]. 0 and another port in the settings, or -1 after dm_wrong(). */
int rp_ports_add(struct rp_settings *s, int type, const char *value, struct dm_where *where);

/*
 * ADDR[/LEN], of IPv4 or IPv6; with_length false: ADDR. 0 and *addr, or -1 after dm_wrong(), whose message
 * names the option.
 */
int rp_ports_addr(const char *option, const char *value, bool with_length, struct rp_addr *addr,
		  struct dm_where *where);

/* Finds the name of each port, and makes the list of names. 0, or -1 after dm_wrong() for all mistakes. */
int rp_ports_names(struct rp_settings *s, struct dm_where *where);

#endif
