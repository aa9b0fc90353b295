/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The steps of a creation that are about address sources: one request for each interface before it is set up,
 * one to start them, then one whose reply comes when they are ready. creation.c describes how they fit
 * together.
 *
 * All sources are started before the first one is waited for, so they work at the same time. One time limit
 * is for all of them.
 */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "creation_steps.h"
#include "handle.h"
#include "numbers.h"
#include "regain.h"
#include "sources.h"
#include "wire/fdmsg.h"

#define RECORDS_MS 1000 /* the keeper has them, and does not wait for a network */

int vs_creation_open_leases(struct vs_creation *c)
{
	if (c->config == NULL || c->config->leases == NULL || c->leases >= 0)
		return 0;
	int fd = vs_sources_open_leases(c->config->leases);
	if (fd < 0)
		return fd;
	c->leases = fd;
	/* The program runs between the steps of an asynchronous creation, and has numbers of its own. */
	int r = c->may_wait ? 0 : vs_fd_raise(&c->leases, vs_numbers_floor());
	return r < 0 ? vs_fail(-r, "cannot open the directory of leases: %s",
			       vs_cause_text(vs_diagnose_limit(-r), -r))
		     : 0;
}

/* The next interface from c->n_sources on that `wanted` says yes to. NULL: none. */
static const struct vs_conf_iface *next_iface(struct vs_creation *c,
					      bool (*wanted)(const struct vs_conf_iface *iface))
{
	while (c->n_sources < c->config->n_ifaces) {
		const struct vs_conf_iface *iface = &c->config->ifaces[c->n_sources];
		if (wanted(iface))
			return iface;
		c->n_sources++;
	}
	return NULL;
}

/* One request about the sources of an interface. 0 or -errno. */
static int request(struct vs_creation *c, const struct vs_conf_iface *iface, uint32_t flags)
{
	vs_creation_prepare(c, vs_regain_door(c->slot), VS_OP_SOURCES);
	vs_sources_fill(iface, c->slot->name, c->leases >= 0, &c->sources);
	c->sources.flags |= flags;
	c->call.text = (const char *)&c->sources;
	c->call.text_len = sizeof(c->sources);
	if (c->leases >= 0)
		c->call.fds[c->call.n_fds++] = c->leases;
	return vs_creation_send(c);
}

static bool needs_sysctls(const struct vs_conf_iface *iface)
{
	return iface->sources != NULL && (iface->sources->start & ~VS_CONF_DHCP4) != 0;
}

int vs_creation_step_prepare(struct vs_creation *c)
{
	const struct vs_conf_iface *iface = c->opts.bare ? NULL : next_iface(c, needs_sysctls);

	if (iface == NULL) {
		c->n_sources = 0;
		c->state = c->opts.bare ? VS_CREATION_APPLY : VS_CREATION_CAPTURE;
		return 0;
	}
	int r = request(c, iface, VS_SOURCES_PREPARE);
	return r < 0 ? r : vs_creation_now_await(c, VS_CREATION_PREPARED);
}

int vs_creation_step_prepared(struct vs_creation *c)
{
	int r = vs_creation_await(c);

	if (r < 0)
		return r;
	c->n_sources++;
	c->state = VS_CREATION_PREPARE;
	return 0;
}

static bool has_sources(const struct vs_conf_iface *iface)
{
	return iface->sources != NULL;
}

int vs_creation_step_sources(struct vs_creation *c)
{
	const struct vs_conf_iface *iface = next_iface(c, has_sources);

	if (iface == NULL) {
		vs_close(vs_steal_fd(&c->leases));
		c->n_sources = 0;
		c->sources_deadline_ms = vs_deadline_ms(c->opts.sources_timeout_ms);
		return vs_creation_go_ready(c);
	}
	int r = request(c, iface, 0);
	return r < 0 ? r : vs_creation_now_await(c, VS_CREATION_STARTED);
}

int vs_creation_step_started(struct vs_creation *c)
{
	int r = vs_creation_await(c);

	if (r < 0)
		return r;
	c->n_sources++;
	c->state = VS_CREATION_SOURCES;
	return 0;
}

static int64_t learning_ends_ms(const struct vs_creation *c)
{
	return c->sources_deadline_ms < c->deadline_ms ? c->sources_deadline_ms : c->deadline_ms;
}

int vs_creation_step_learning(struct vs_creation *c)
{
	const struct vs_conf_iface *iface = next_iface(c, vs_sources_has_to_wait);

	if (iface == NULL)
		return vs_creation_go_learned(c);
	vs_creation_prepare(c, vs_regain_door(c->slot), VS_OP_SOURCES_WAIT);
	memcpy(c->call.req.iface.name, iface->name, sizeof(iface->name));
	c->call.timeout_ms = VS_NO_LIMIT_MS;
	int r = vs_creation_send(c);
	c->state = VS_CREATION_LEARNED;
	return r < 0 ? r : vs_creation_wait_for(c, vs_long_call_wanted(&c->call), learning_ends_ms(c));
}

/* Not later than RECORDS_MS, whatever the limits of the creation. */
static int await_records(struct vs_creation *c)
{
	c->wanted = vs_long_call_wanted(&c->call);
	c->due_ms = c->call.deadline_ms;
	return VS_NOT_YET;
}

static int ask_what_is_missing(struct vs_creation *c)
{
	vs_long_call_end(&c->call);
	vs_creation_prepare(c, vs_regain_door(c->slot), VS_OP_LEARNED);
	c->call.timeout_ms = RECORDS_MS;
	int r = vs_creation_send(c);
	c->state = VS_CREATION_LATE;
	return r < 0 ? r : await_records(c);
}

int vs_creation_step_learned(struct vs_creation *c)
{
	int r = vs_creation_await(c);

	if (r == VS_NOT_YET && vs_left_ms(learning_ends_ms(c)) == 0)
		return ask_what_is_missing(c);
	if (r == VS_NOT_YET)
		return vs_creation_wait_for(c, c->wanted, learning_ends_ms(c));
	if (r < 0)
		return r;
	c->n_sources++;
	c->state = VS_CREATION_LEARNING;
	return 0;
}

int vs_creation_step_late(struct vs_creation *c)
{
	char text[VS_MESSAGE_MAX / 2];
	VS_AUTO_LEARNED learned = { 0 };
	int r = vs_long_call_step(&c->call);

	if (r == VS_NOT_YET)
		return await_records(c);
	if (r < 0)
		return r;
	if (c->call.n_got > 0)
		(void)vs_learned_read(c->call.got[0], &learned);
	vs_learned_missing(&learned, c->config, text, sizeof(text));
	bool whole = c->deadline_ms < c->sources_deadline_ms;
	return vs_fail(ETIMEDOUT, "cannot %s within %d ms: %s; raise %s, or do not wait (VDESTACK_NO_WAIT)",
		       c->adding ? "add interfaces" : "make a stack",
		       whole ? c->opts.timeout_ms : c->opts.sources_timeout_ms, text,
		       whole ? "timeout_ms" : "step_timeout_ms");
}
