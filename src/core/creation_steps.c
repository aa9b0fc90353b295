/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The steps of a creation, one function for each state. creation.c describes how they fit together.
 *
 * 0: on with the next state at once; VS_NOT_YET: the same function is due again when what it waits for is
 * there; -errno with a message: the creation has failed.
 */

#include "creation_steps.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "channels.h"
#include "command.h"
#include "configuration.h"
#include "handle.h"
#include "iface_request.h"
#include "keepers.h"
#include "names.h"
#include "numbers.h"
#include "regain.h"
#include "rtnl/apply.h"
#include "sources.h"
#include "wire/fdmsg.h"

#define KEEPERS_TRIED 2 /* one may end between being found and being asked */

/* ------------------------------------------------------------------ requests */

/*
 * Opens the current root and working directory of this process, on which the meaning of a locator depends.
 * Done once, at the first request that needs them.
 */
static int open_directories(struct vs_creation *c)
{
	if (c->dirs[0] >= 0 || c->config == NULL || !vs_iface_request_any_needs_directories(c->config))
		return 0;
	c->dirs[0] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->dirs[1] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->dirs[1] < 0 && c->dirs[0] >= 0)
		c->dirs[1] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* a directory that is gone */
	int err = errno;
	/* The program runs between the steps of an asynchronous creation, and has numbers of its own. */
	for (int i = 0; i < 2 && !c->may_wait && c->dirs[0] >= 0 && c->dirs[1] >= 0; i++) {
		int r = vs_fd_raise(&c->dirs[i], vs_numbers_floor());
		err = r < 0 ? -r : err;
	}
	if (c->dirs[0] >= 0 && c->dirs[1] >= 0)
		return 0;
	return vs_fail(err, "cannot add interfaces: %s", vs_cause_text(vs_diagnose_limit(err), err));
}

void vs_creation_close_directories(struct vs_creation *c)
{
	vs_close(vs_steal_fd(&c->dirs[0]));
	vs_close(vs_steal_fd(&c->dirs[1]));
}

/* A keeper gives no door to processes that are more confined than the program was (keeper/listed.c). */
static uint8_t confinement(void)
{
	return (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) > 0 ? VS_CONFINED_PRIVILEGES : 0) |
	       (prctl(PR_GET_SECCOMP) > 0 ? VS_CONFINED_SECCOMP : 0);
}

void vs_creation_give_up_channel(struct vs_creation *c)
{
	c->call.register_as = NULL;
	if (c->reserved != NULL)
		vs_channel_give_up(vs_steal_ptr(c->reserved));
}

/* The keeper registers the channel of this request, unless this process has one with it. */
static void bring_channel(struct vs_creation *c)
{
	vs_creation_give_up_channel(c); /* of a request to another keeper */
	c->reserved = vs_channel_reserve(c->slot->keeper->id, &c->has_channel);
	c->call.register_as = c->reserved != NULL ? &c->reserved->number : NULL;
}

/* It is registered now. */
static void take_channel(struct vs_creation *c)
{
	if (c->reserved == NULL)
		return;
	c->has_channel = vs_channel_keep(vs_steal_ptr(c->reserved), c->slot->keeper->id, &c->call.channel);
	c->call.register_as = NULL;
	if (!c->has_channel)
		vs_long_call_close(&c->call);
	c->call.channel = (struct vs_sock)VS_NO_SOCK;
}

static int begin_request(struct vs_creation *c, struct vs_sock door, enum vs_op op,
			 const struct vs_conf_iface *iface)
{
	struct vs_long_call *call = &c->call;
	int limit = c->opts.step_timeout_ms;

	vs_creation_prepare(c, door, op);
	call->req.timeout_ms = limit < 0 ? VS_WIRE_NO_LIMIT : (uint32_t)limit;
	if (call->timeout_ms >= 0 && iface != NULL)
		call->timeout_ms += VS_CREATION_REPLY_GRACE_MS;
	if (iface != NULL)
		vs_iface_request_fill(iface, &c->opts, c->addition, call);
	else if (c->opts.adopt >= 0)
		call->fds[call->n_fds++] = c->opts.adopt;
	call->req.iface.unregistered = (c->opts.flags & VDESTACK_UNREGISTERED) != 0;
	call->req.iface.confined = op == VS_OP_CREATE ? confinement() : 0;
	if (op == VS_OP_CREATE)
		bring_channel(c);
	for (int i = 0; i < 2 && iface != NULL && vs_iface_request_needs_directories(iface); i++)
		call->fds[call->n_fds++] = c->dirs[i];
	if (c->stream >= 0)
		call->fds[call->n_fds++] = c->stream;
	return vs_creation_send(c);
}

/* ------------------------------------------------------------------ keeper and namespace */

static bool has_kind(const struct vs_config *config, enum vs_locator_kind kind)
{
	for (size_t i = 0; config != NULL && i < config->n_ifaces; i++)
		if (config->ifaces[i].vnl != NULL && config->ifaces[i].locator.kind == kind)
			return true;
	return false;
}

/* Where local:// is out of reach, the keeper says so. */
static int choose_variant(const struct vs_creation *c, enum vs_variant *out)
{
	const struct vs_create_opts *opts = &c->opts;
	bool local = has_kind(c->config, VS_KIND_LOCAL), chosen = false;
	int r = 0;

	*out = opts->flags & VDESTACK_INPROCESS ? VS_VARIANT_INPROCESS : VS_VARIANT_PROCESS;
	if (*out == VS_VARIANT_INPROCESS)
		return 0;
	if (opts->adopt < 0 && !local) {
		r = vs_keepers_variant(false, false, out);
		chosen = r < 0 || *out == VS_VARIANT_PROCESS; /* whatever the privileges are */
	}
	if (chosen)
		return r;
	if (vs_privileged() && vs_can_claim_pid() != 0)
		*out = VS_VARIANT_PROCESS;
	else if (opts->adopt >= 0)
		*out = VS_VARIANT_ADOPT;
	else
		r = vs_keepers_variant(local, has_kind(c->config, VS_KIND_SEGMENT), out);
	return r;
}

/*
 * The first interface, if it can be made together with the namespace. A command is started on behalf of a
 * stack that is there.
 */
static const struct vs_conf_iface *first_at_once(const struct vs_creation *c)
{
	const struct vs_conf_iface *first = c->config->n_ifaces > 0 ? &c->config->ifaces[0] : NULL;

	return c->opts.adopt < 0 && first != NULL && !vs_iface_request_has_command(first) ? first : NULL;
}

static int make_slot(struct vs_creation *c)
{
	int r = c->config != NULL ? vs_configuration_check_locators(c->config) : 0;

	if (r == 0)
		r = vs_creation_open_leases(c);
	if (r < 0)
		return r;
	c->slot = vs_slot_new();
	if (c->slot == NULL)
		return vs_fail(errno, "cannot make a stack: %s",
			       vs_cause_text(vs_diagnose_limit(errno), errno));
	return c->config != NULL ? vs_name_take(c->slot, c->config->name) : 0;
}

/*
 * A keeper has ended, or cannot see what this process may do, as it is in another PID namespace: then another
 * is tried.
 */
static int retry(struct vs_creation *c, int r)
{
	struct vs_keeper_link *keeper = c->slot->keeper;

	if (r == -ENETDOWN)
		vs_keepers_died(keeper);
	bool other = r == -ENETDOWN || (r == -EPERM && atomic_load(&keeper->elsewhere));
	if (!other || ++c->attempts == KEEPERS_TRIED)
		return r;
	c->state = VS_CREATION_KEEPER;
	return 0;
}

static int64_t step_ends_ms(const struct vs_creation *c)
{
	int64_t ms = vs_deadline_ms(c->opts.step_timeout_ms);

	return ms < c->deadline_ms ? ms : c->deadline_ms;
}

static int step_keeper(struct vs_creation *c)
{
	enum vs_variant variant = VS_VARIANT_PROCESS;
	struct vs_keeper_link *keeper;
	int r = c->slot == NULL ? make_slot(c) : 0;

	if (r == 0)
		r = choose_variant(c, &variant);
	if (r == 0)
		r = vs_keepers_hold(variant, variant == VS_VARIANT_ADOPT ? c->opts.adopt : -1,
				   step_ends_ms(c), &keeper);
	if (r < 0)
		return r;
	c->slot->keeper = keeper;
	vs_keepers_unhold(); /* the slot shows that it is used */
	r = open_directories(c);
	if (r < 0)
		return r;
	r = begin_request(c, vs_sock_load(&keeper->front), VS_OP_CREATE,
			  c->opts.adopt < 0 ? first_at_once(c) : NULL);
	return r < 0 ? retry(c, r) : vs_creation_now_await(c, VS_CREATION_NAMESPACE);
}

static int take_door(struct vs_creation *c)
{
	struct timeval limit = { .tv_sec = 5 };

	if (c->call.n_got < 1)
		return vs_fail(EPROTO, "cannot make a stack: the keeper's reply has no door");
	int r = vs_fd_raise(&c->call.got[0], vs_numbers_floor());
	if (r < 0) {
		vs_close(c->call.got[0]);
		return vs_fail(-r, "cannot make a stack: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	(void)setsockopt(c->call.got[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	c->slot->door = vs_sock_of(c->call.got[0]);
	c->slot->id = c->slot->door.cookie;
	return 0;
}

static int step_namespace(struct vs_creation *c)
{
	int result = vs_creation_await(c);

	if (result == VS_NOT_YET)
		return result;
	if (result < 0)
		return retry(c, result);
	int r = take_door(c);
	if (r < 0)
		return r;
	take_channel(c);
	c->stack = vs_slot_publish(c->slot);
	(void)vs_slot_acquire(c->stack); /* the use that the creation holds */
	c->absent = result > 0;
	c->n_made = c->call.text != NULL;
	c->state = c->text != NULL ? VS_CREATION_CONFIG : VS_CREATION_NEXT;
	return 0;
}

/* ------------------------------------------------------------------ configuration and interfaces */

/* Asked by the parser; a name that is free is no failure, so nothing that would be logged. */
static bool name_taken(void *stack, const char *name)
{
	struct ifreq ifr = { 0 };
	VS_AUTO_CLOSE s = vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, name, strnlen(name, IF_NAMESIZE - 1));
	return s >= 0 && ioctl(s, SIOCGIFINDEX, &ifr) == 0;
}

static int take_stack(struct vs_creation *c)
{
	if (c->config->name[0] != '\0')
		return vs_fail(EINVAL, "cannot add interfaces: name=%s names a stack when it is made; leave "
				       "it out", c->config->name);
	c->slot = vs_slot_acquire(c->stack);
	if (c->slot == NULL)
		return vs_fail(EINVAL, "cannot add interfaces: not a stack, or one that has been deleted");
	return 0;
}

static int step_config(struct vs_creation *c)
{
	int r = vs_configuration_read(c->text, c->opts.flags, name_taken, c->stack, &c->own_config);

	if (r < 0)
		return r;
	c->config = c->own_config;
	r = vs_configuration_check_locators(c->config);
	if (r == 0)
		r = vs_creation_open_leases(c);
	if (r == 0)
		r = c->adding ? take_stack(c) : vs_name_take(c->slot, c->config->name);
	c->state = VS_CREATION_NEXT;
	return r;
}

static int step_next(struct vs_creation *c)
{
	if (c->n_made == c->config->n_ifaces) {
		vs_creation_close_directories(c);
		c->state = VS_CREATION_IMPAIR;
		return 0;
	}
	const struct vs_conf_iface *iface = &c->config->ifaces[c->n_made];
	int r = open_directories(c);
	if (r == 0 && vs_iface_request_has_command(iface))
		r = vs_command_stream(c->stack, iface->locator.rest, &c->stream);
	if (r == 0)
		r = begin_request(c, vs_regain_door(c->slot), VS_OP_ADD, iface);
	return r < 0 ? r : vs_creation_now_await(c, VS_CREATION_IFACE);
}

static int step_iface(struct vs_creation *c)
{
	int r = vs_creation_await(c);

	if (r == VS_NOT_YET)
		return r;
	vs_close(vs_steal_fd(&c->stream));
	if (r < 0)
		return r;
	c->absent = c->absent || r > 0;
	c->n_made++;
	c->state = VS_CREATION_NEXT;
	return 0;
}

/* ------------------------------------------------------------------ addresses, and being ready */

static int step_apply(struct vs_creation *c)
{
	c->wait_ready = !(c->opts.flags & VDESTACK_NO_WAIT) && !c->absent && vs_conf_has_to_wait(c->config);
	c->state = VS_CREATION_TRIAL;
	if (c->opts.bare || c->config->n_ifaces == 0)
		return 0;
	int r = vs_creation_open_netlink(c);
	if (r == 0)
		r = vs_conf_apply(&c->nl, c->config, !c->wait_ready && !c->absent);
	if (r < 0 || !vs_sources_any(c->config))
		return r < 0 ? r : vs_creation_go_ready(c);
	/* A forked child closes one descriptor of a creation: next, that of a request. */
	vs_creation_close_netlink(c);
	c->state = VS_CREATION_SOURCES;
	return 0;
}

static int step_trial(struct vs_creation *c)
{
	bool needed = !c->adding && !c->has_channel;
	int fd = needed ? vdestack_msocket(c->stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (fd < 0 && needed)
		return vs_fail(errno, "cannot make sockets in the stack: %s",
			       vs_cause_text(vs_diagnose_limit(errno), errno));
	vs_close(fd);
	c->state = VS_CREATION_DONE;
	return 0;
}

int (*const vs_creation_steps[VS_CREATION_DONE])(struct vs_creation *c) = {
	[VS_CREATION_KEEPER] = step_keeper,
	[VS_CREATION_NAMESPACE] = step_namespace,
	[VS_CREATION_CONFIG] = step_config,
	[VS_CREATION_NEXT] = step_next,
	[VS_CREATION_IFACE] = step_iface,
	[VS_CREATION_IMPAIR] = vs_creation_step_impair,
	[VS_CREATION_IMPAIRED] = vs_creation_step_impaired,
	[VS_CREATION_PREPARE] = vs_creation_step_prepare,
	[VS_CREATION_PREPARED] = vs_creation_step_prepared,
	[VS_CREATION_CAPTURE] = vs_creation_step_capture,
	[VS_CREATION_CAPTURING] = vs_creation_step_capturing,
	[VS_CREATION_CAPTURED] = vs_creation_step_captured,
	[VS_CREATION_APPLY] = step_apply,
	[VS_CREATION_SOURCES] = vs_creation_step_sources,
	[VS_CREATION_STARTED] = vs_creation_step_started,
	[VS_CREATION_READY] = vs_creation_step_ready,
	[VS_CREATION_LEARNING] = vs_creation_step_learning,
	[VS_CREATION_LEARNED] = vs_creation_step_learned,
	[VS_CREATION_LATE] = vs_creation_step_late,
	[VS_CREATION_TRIAL] = step_trial,
};
