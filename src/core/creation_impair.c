/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The steps of a creation that are about impairment: a request for each interface with such words. Its
 * interface is plugged in but down, so no frame of the stack passes unimpaired.
 */

#include <string.h>

#include "base/error.h"
#include "creation_steps.h"
#include "impairment.h"
#include "regain.h"

int vs_creation_step_impair(struct vs_creation *c)
{
	while (c->n_impaired < c->config->n_ifaces && c->config->ifaces[c->n_impaired].impair == NULL)
		c->n_impaired++;
	if (c->n_impaired == c->config->n_ifaces) {
		c->state = VS_CREATION_PREPARE;
		return 0;
	}
	const struct vs_conf_iface *iface = &c->config->ifaces[c->n_impaired];
	vs_creation_prepare(c, vs_regain_door(c->slot), VS_OP_IMPAIR);
	vs_impairment_fill(iface->impair, &c->impair);
	memcpy(c->call.req.iface.name, iface->name, sizeof(iface->name));
	c->call.text = (const char *)&c->impair;
	c->call.text_len = sizeof(c->impair);
	int r = vs_creation_send(c);
	return r < 0 ? r : vs_creation_now_await(c, VS_CREATION_IMPAIRED);
}

int vs_creation_step_impaired(struct vs_creation *c)
{
	int r = vs_creation_await(c);

	if (r == VS_NOT_YET)
		return r;
	if (r < 0)
		return vs_fail_step(-r, "cannot impair interface %s",
				    c->config->ifaces[c->n_impaired].name);
	c->n_impaired++;
	c->state = VS_CREATION_IMPAIR;
	return 0;
}
