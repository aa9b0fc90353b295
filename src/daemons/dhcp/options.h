/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_OPTIONS_H
#define DH_OPTIONS_H

/* The options that both DHCP servers have, as rows for the table of each. */

#include <stdint.h>

#include "daemons/common/daemon.h"
#include "daemons/common/options.h"

#define DH_INFINITE UINT32_MAX /* a lease without end, as messages have it */

/*
 * The first member of a program's settings: the rows below write into it. All zero at first. Strings are NULL
 * if they were not given; they are the struct's, and end with dh_settings_clear().
 */
struct dh_settings {
	struct dm_daemon daemon;
	char *pidfile;
	char *stack, *dnsstack;
	char *iface;                   /* vde0 behind dh_settings_complete() */
	char *resolvconf, *nameserver; /* a path without a leading '/' has become absolute; addresses */
	char *macaddr;                 /* a valid one */
	char *dns, *dnssearch, *ntp;   /* lists for dh_word() */
	char *domain;                  /* of names without a dot; no dot at either end */
	uint32_t lease_s;              /* 0 was not given, and becomes DH_INFINITE */
	bool verbose;
};

int dh_set_stack(void *to, const char *value, struct dm_where *where);
int dh_set_dnsstack(void *to, const char *value, struct dm_where *where);
int dh_set_iface(void *to, const char *value, struct dm_where *where);
int dh_set_resolvconf(void *to, const char *value, struct dm_where *where);
int dh_set_nameserver(void *to, const char *value, struct dm_where *where);
int dh_set_macaddr(void *to, const char *value, struct dm_where *where);
int dh_set_dns(void *to, const char *value, struct dm_where *where);
int dh_set_dnssearch(void *to, const char *value, struct dm_where *where);
int dh_set_ntp(void *to, const char *value, struct dm_where *where);
int dh_set_domain(void *to, const char *value, struct dm_where *where);
int dh_set_lease(void *to, const char *value, struct dm_where *where);
int dh_set_daemon(void *to, const char *value, struct dm_where *where);
int dh_set_pidfile(void *to, const char *value, struct dm_where *where);
int dh_set_verbose(void *to, const char *value, struct dm_where *where);

/* clang-format off */
#define DH_OPTION_ROWS \
	{ "stack", 's', "STACK", \
	  "where it serves: a VDE network, or a stack of ioth_newstackc(3) (the host's)", 0, dh_set_stack }, \
	{ "iface", 'i', "NAME", "the interface where it serves (vde0)", 0, dh_set_iface }, \
	{ "macaddr", 'm', "MAC", "the MAC address it has on a VDE network (random)", 0, dh_set_macaddr }, \
	{ "dnsstack", 'R', "STACK", \
	  "where names are looked up (the stack of --stack, else the host's)", 0, dh_set_dnsstack }, \
	{ "nameserver", 'n', "ADDR,...", \
	  "the name servers that are asked (those of that stack)", 0, dh_set_nameserver }, \
	{ "resolvconf", 'r', "FILE", \
	  "the same, if that stack knows none (/etc/resolv.conf)", 0, dh_set_resolvconf }, \
	{ "domain", '\0', "NAME", "appended to names without a dot (nothing)", 0, dh_set_domain }, \
	{ "lease", '\0', "SECONDS", \
	  "how long addresses are valid, or infinite (infinite)", 0, dh_set_lease }, \
	{ "dns", 'D', "ADDR,...", \
	  "name servers for clients: addresses, or names that have some", 0, dh_set_dns }, \
	{ "dnssearch", 'S', "NAME,...", "domains for the search list of clients", 0, dh_set_dnssearch }, \
	{ "ntp", 'N', "ADDR,...", "time servers for clients, as --dns", 0, dh_set_ntp }, \
	{ "daemon", 'd', NULL, "serves in the background", 0, dh_set_daemon }, \
	{ "pidfile", 'p', "FILE", "writes its process number there", 0, dh_set_pidfile }, \
	{ "verbose", 'v', NULL, "reports each message", 0, dh_set_verbose }
/* clang-format on */

/* After the options have been read: what was not given gets its default. 0, or -1 after a report. */
int dh_settings_complete(struct dh_settings *settings);

void dh_settings_clear(struct dh_settings *settings);

#endif
