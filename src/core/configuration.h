/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CONFIGURATION_H
#define VS_CORE_CONFIGURATION_H

/* The configuration as the program's side reads it: the pure parser, with its error as the call's message. */

#include "config/config.h"

/*
 * As vs_config_parse(), with the message recorded. flags are those of vdestack_opts: VDESTACK_NODAD has the
 * effect of the word nodad on every interface. An interface with fqdn= and without mac= gets the MAC that
 * belongs to the name.
 */
int vs_configuration_read(const char *text, unsigned flags, vs_conf_taken_fn *taken, void *arg,
			  struct vs_config **out);

/* As vs_config_parse_change(). */
int vs_configuration_read_change(const char *text, unsigned flags, struct vs_config **out);

/*
 * Refuses locators that the keeper would refuse: 0 or -errno, with the message recorded. The keeper checks
 * as well, but not before the interfaces in front of the refused one are there.
 */
int vs_configuration_check_locators(const struct vs_config *config);

#endif
