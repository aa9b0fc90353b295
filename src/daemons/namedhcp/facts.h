/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_FACTS_H
#define ND_FACTS_H

/*
 * What is known of the name of a client: its addresses, and the settings of its TXT record; and of the names
 * in settings. A TXT record is a list of tags:
 *
 *     dns='fc00::53,ns.example.org',domname=example.org,ntp=fc00::7b
 *
 * What the record does not have comes from the options. Tags of DHCPv4 and IPv4 addresses are skipped.
 */

#include "daemons/dhcp/names.h"
#include "proto/dns_name.h"
#include "settings.h"

/* How names are looked up: as dh_names_get(). */
struct nd_lookup {
	enum dh_got (*get)(void *arg, const char *name, enum dh_kind kind, const struct dh_answer **answer,
			   uint64_t *ticket);
	void *arg;
};

struct nd_facts {
	char name[VS_DNS_NAME_TEXT]; /* "": the client has none */
	bool failed;                 /* a lookup that the answer needs has no answer of a name server */
	uint8_t n_addrs, n_dns, n_ntp;
	uint8_t addrs[DH_ADDRS_MAX][16];
	uint8_t dns[VS_DHCP6_SERVERS_MAX][16], ntp[VS_DHCP6_SERVERS_MAX][16];
	struct nd_search search;
};

/* The name that the client says, with the domain if it has no dot. False: it says no host name. */
bool nd_facts_name(const struct vs_dhcp6_request *request, const char *domain, char name[VS_DNS_NAME_TEXT]);

/*
 * Fills in all that an answer to this request needs; facts->name is there. addresses: those are needed, too.
 * DH_WAIT: *ticket is that of a lookup, after which this is called again. DH_BUSY: drop the request.
 */
enum dh_got nd_facts_find(struct nd_facts *facts, const struct vs_dhcp6_request *request, bool addresses,
			  const struct nd_settings *settings, const struct nd_lookup *lookup,
			  uint64_t *ticket);

#endif
