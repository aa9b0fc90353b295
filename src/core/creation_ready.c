/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of a creation that wait for addresses: of the configuration, then those that sources have set. */

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "creation_steps.h"
#include "keepers.h"
#include "rtnl/apply.h"
#include "sources.h"

/* LEARNING if there are sources to wait for, else TRIAL. */
static enum vs_creation_state after_ready(const struct vs_creation *c)
{
	bool wait = !(c->opts.flags & VDESTACK_NO_WAIT) && !c->absent && !c->learned &&
		    vs_sources_any(c->config);

	return wait ? VS_CREATION_LEARNING : VS_CREATION_TRIAL;
}

int vs_creation_go_ready(struct vs_creation *c)
{
	int r = c->wait_ready && c->nl.sock == NULL ? vs_creation_open_netlink(c) : 0;

	c->state = c->wait_ready ? VS_CREATION_READY : after_ready(c);
	c->step_deadline_ms = vs_deadline_ms(c->opts.step_timeout_ms);
	return r == 0 && c->wait_ready ? vs_ready_begin(&c->ready, &c->nl, c->config) : r;
}

int vs_creation_go_learned(struct vs_creation *c)
{
	c->learned = true;
	if (!vs_conf_learns_addrs(c->config)) {
		c->state = VS_CREATION_TRIAL;
		return 0;
	}
	vs_ready_end(&c->ready);
	vs_creation_close_netlink(c);
	int r = vs_creation_open_netlink(c);
	c->state = VS_CREATION_READY;
	c->step_deadline_ms = vs_deadline_ms(c->opts.step_timeout_ms);
	return r == 0 ? vs_ready_begin_learned(&c->ready, &c->nl, c->config) : r;
}

int vs_creation_step_ready(struct vs_creation *c)
{
	if (!vs_sock_valid(&c->nl_sock))
		return vs_fail(ENETDOWN, "%s", vs_keepers_gone);
	int r = vs_ready_step(&c->ready);
	if (r == VS_NOT_YET && vs_left_ms(c->step_deadline_ms) == 0)
		r = vs_ready_late(&c->ready);
	if (r == VS_NOT_YET && c->ready.at_once)
		return vs_creation_wait_for(c, (struct pollfd){ .fd = -1 }, vs_now_ms());
	if (r == VS_NOT_YET)
		return vs_creation_wait_for(c, (struct pollfd){ .fd = c->nl_sock.fd, .events = POLLIN },
				c->step_deadline_ms);
	if (r == 0 && !c->learned)
		vs_conf_announce(&c->nl, c->config, true);
	c->state = after_ready(c);
	return r;
}
