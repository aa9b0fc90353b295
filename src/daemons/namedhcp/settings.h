/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_SETTINGS_H
#define ND_SETTINGS_H

/* The options of namedhcp, and what is made of them once. */

#include <stdbool.h>

#include "daemons/dhcp/options.h"
#include "proto/dhcp6_server.h"

#define ND_SEARCH_MAX 1024 /* bytes of a search list as messages have it */

struct nd_search {
	uint16_t n; /* bytes; 0: none */
	uint8_t wire[ND_SEARCH_MAX];
};

struct nd_settings {
	struct dh_settings dh; /* first: the common options write there */
	char *duidfile;        /* NULL: the default one */
	struct nd_search search;
};

/* Reads the command line and the file. Anything but DM_RUN: the exit status is due. */
enum dm_parsed nd_settings_read(struct nd_settings *settings, int argc, char **argv);

void nd_settings_clear(struct nd_settings *settings);

/* Adds the domains of a list to search. False: one is no domain, or there is no room; it is left out then. */
bool nd_search_add(struct nd_search *search, const char *list);

#endif
