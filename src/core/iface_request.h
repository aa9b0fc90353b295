/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_IFACE_REQUEST_H
#define VS_CORE_IFACE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "handle.h"
#include "long_call.h"
#include "options.h"

/* True if the interface is plugged into the stream of a command, which has to be started. */
bool vs_iface_request_has_command(const struct vs_conf_iface *iface);

/* Whether the locator, or any, may depend on the caller's root and working directory. */
bool vs_iface_request_needs_directories(const struct vs_conf_iface *iface);
bool vs_iface_request_any_needs_directories(const struct vs_config *config);

/* Fills in what a request (VS_OP_CREATE, VS_OP_ADD) says about an interface; the call borrows iface->vnl. */
void vs_iface_request_fill(const struct vs_conf_iface *iface, const struct vs_create_opts *opts,
		      uint64_t addition, struct vs_long_call *call);

/*
 * Removes an interface and waits for that. As vs_long_call_run(). addition: only if this creation or
 * addition has made it (-ENODEV otherwise); 0: any interface of that name.
 */
int vs_iface_request_remove(struct vs_slot *slot, const char *ifname, uint64_t addition);
/*
 * Removes those of the first n of config that this addition has made; the last message of this thread
 * stays.
 */
void vs_iface_request_remove_first(struct vs_slot *slot, const struct vs_config *config, size_t n,
		      uint64_t addition);

#endif
