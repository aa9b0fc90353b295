/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_SETTINGS_H
#define N4_SETTINGS_H

/* The options of namedhcp4. */

#include "daemons/dhcp/options.h"

struct n4_settings {
	struct dh_settings shared; /* the first member */
	uint32_t serverid;         /* 0: not given */
	uint32_t mask;             /* 0: not given */
	bool hostname;             /* option 12 is a name, too */
};

/*
 * Settings that were read again come into force: what clients get. *fresh has the old ones then. False: some
 * of the others differ, which are those of the start; they stay.
 */
bool n4_settings_take(struct n4_settings *s, struct n4_settings *fresh);

extern const struct dm_option n4_options[];
extern const size_t n4_n_options;

#endif
