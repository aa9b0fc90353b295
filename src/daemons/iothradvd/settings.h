/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RA_SETTINGS_H
#define RA_SETTINGS_H

/* What the command line and the file say. */

#include <iothradvd.h>
#include <stdbool.h>

#include "daemons/common/options.h"

#define RA_MOST 64 /* of each kind; a packet has room for fewer */
#define RA_PERIOD_S 600

struct ra_settings {
	bool daemon, verbose;
	char *pidfile, *stack, *iface;
	bool has_mac;
	uint8_t mac[6];
	unsigned long period_s, min_period_s;
	struct iothradata data;
	unsigned n_prefixes, n_routes, n_rdnss, n_dnssl, n_pref64;
	struct iothraprefix prefixes[RA_MOST];
	struct iothraroute routes[RA_MOST];
	struct iothrardnss rdnss[RA_MOST];
	struct iothradnssl dnssl[RA_MOST];
	struct iothrapref64 pref64[RA_MOST];
	char *captive_portal;
};

struct ra_settings *ra_settings_new(void); /* NULL: no memory */
void ra_settings_free(struct ra_settings *s);

/* The options of struct ra_settings. */
extern const struct dm_option ra_options[];
extern const size_t ra_n_options;

/* A prefix, as the argument of the program. 0, or dm_wrong(). */
int ra_settings_prefix(struct ra_settings *s, const char *value, struct dm_where *where);

/* A stack configuration, not a VNL: it has a '=' and does not begin with SCHEME://. */
bool ra_is_stack(const char *text);

/* Lifetimes that were not given are computed; call it once, when all has been read. */
void ra_settings_finish(struct ra_settings *s);

/* What they are for the library. The lists stay those of s. */
struct iothradvd_opts ra_settings_opts(const struct ra_settings *s);

#endif
