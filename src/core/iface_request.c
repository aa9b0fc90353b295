/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces in requests to the keeper: what is said about one, and their removal. */

#include "iface_request.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "regain.h"

#define REMOVE_MS 7000

bool vs_iface_request_has_command(const struct vs_conf_iface *iface)
{
	return iface->locator.kind == VS_KIND_COMMAND;
}

bool vs_iface_request_needs_directories(const struct vs_conf_iface *iface)
{
	return !vs_locator_is_segment(iface->locator.kind);
}

bool vs_iface_request_any_needs_directories(const struct vs_config *config)
{
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (vs_iface_request_needs_directories(&config->ifaces[i]))
			return true;
	return false;
}

void vs_iface_request_fill(const struct vs_conf_iface *iface, const struct vs_create_opts *opts,
		      uint64_t addition, struct vs_long_call *call)
{
	struct vs_wire_iface *wire = &call->req.iface;

	memset(wire, 0, sizeof(*wire));
	memcpy(wire->name, iface->name, sizeof(wire->name));
	memcpy(wire->mac, iface->mac, sizeof(wire->mac));
	wire->has_mac = iface->has_mac;
	wire->mtu = iface->mtu;
	wire->force_mtu = (opts->flags & VDESTACK_FORCE_MTU) != 0;
	wire->allow_absent = (opts->flags & VDESTACK_ALLOW_ABSENT) != 0;
	wire->no_reconnect = (opts->flags & VDESTACK_NO_RECONNECT) != 0;
	wire->no_offload = opts->no_offload;
	wire->addition = addition;
	call->text = iface->vnl;
	call->text_len = strlen(iface->vnl);
}

int vs_iface_request_remove(struct vs_slot *slot, const char *ifname, uint64_t addition)
{
	struct vs_long_call call = {
		.door = vs_regain_door(slot),
		.kept = vs_slot_kept(slot),
		.keeper = slot->keeper,
		.req = { .op = VS_OP_REMOVE, .iface.addition = addition },
		.timeout_ms = REMOVE_MS,
	};

	memcpy(call.req.iface.name, ifname, strnlen(ifname, sizeof(call.req.iface.name) - 1));
	return vs_long_call_run(&call);
}

void vs_iface_request_remove_first(struct vs_slot *slot, const struct vs_config *config, size_t n,
		      uint64_t addition)
{
	VS_ERROR_KEEP;

	while (n-- > 0)
		(void)vs_iface_request_remove(slot, config->ifaces[n].name, addition);
}
