/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "configuration.h"

#include <errno.h>

#include "base/diagnose.h"
#include "base/error.h"
#include "proto/hash_addr.h"
#include <vdestack.h>

/* Whether the words ask for nothing that needs the interface to be up. */
static bool may_stay_down(const struct vs_conf_iface *iface)
{
	return iface->updown != VS_CONF_UP && iface->n_addrs == 0 && iface->n_routes == 0 &&
	       (iface->sources == NULL || iface->sources->start == 0);
}

/* What the words and flags imply for all interfaces. */
static void complete(struct vs_config *config, unsigned flags)
{
	for (size_t i = 0; i < config->n_ifaces; i++) {
		struct vs_conf_iface *iface = &config->ifaces[i];
		if ((flags & VDESTACK_NODAD) != 0)
			iface->nodad = true;
		if ((flags & VDESTACK_LINKS_DOWN) != 0 && may_stay_down(iface))
			iface->updown = VS_CONF_DOWN;
		if (iface->sources == NULL || iface->sources->fqdn[0] == '\0' || iface->has_mac)
			continue;
		vs_hash_mac(iface->mac, iface->sources->fqdn, NULL);
		iface->has_mac = true;
	}
}

static int fail_to_read(int result, const struct vs_config_error *error)
{
	if (result == -ENOMEM)
		return vs_fail(ENOMEM, "cannot read the configuration: %s",
			       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	return vs_fail_text(-result, error->text);
}

int vs_configuration_read(const char *text, unsigned flags, vs_conf_taken_fn *taken, void *arg,
			  struct vs_config **out)
{
	struct vs_config_error error;
	int r = vs_config_parse(text, taken, arg, &error, out);

	if (r < 0)
		return fail_to_read(r, &error);
	complete(*out, flags);
	return 0;
}

int vs_configuration_read_change(const char *text, unsigned flags, struct vs_config **out)
{
	struct vs_config_error error;
	int r = vs_config_parse_change(text, &error, out);

	if (r < 0)
		return fail_to_read(r, &error);
	for (size_t i = 0; (flags & VDESTACK_NODAD) != 0 && i < (*out)->n_ifaces; i++)
		(*out)->ifaces[i].nodad = true;
	return 0;
}

int vs_configuration_check_locators(const struct vs_config *config)
{
	struct vs_config_error error;

	for (size_t i = 0; i < config->n_ifaces; i++) {
		const struct vs_locator *locator = &config->ifaces[i].locator;
		if (locator->kind != VS_KIND_COMMAND &&
		    vs_locator_refuse(config->ifaces[i].name, locator->text, locator->verdict, &error) < 0)
			return vs_fail_text(error.err, error.text);
	}
	return 0;
}
