/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The creation of a stack: a transaction, as a state machine.
 *
 *     KEEPER --request--> NAMESPACE --door--> CONFIG -> NEXT --request--> IFACE --reply-+
 *       ^                   | the keeper has gone        | ^                            |
 *       +-------once--------+                            | +----------------------------+
 *                                                        v no more
 *                                     DONE <- TRIAL <- APPLY -> READY -> TRIAL
 *                                               ^        v sources  ^ v sources, ^ their addresses
 *             failed <-- LATE <-- LEARNED <--> LEARNING <---- SOURCES <--> STARTED
 *                             time         one interface               one interface
 *
 *  KEEPER     nothing is there; a keeper is found or started, and asked for the namespace
 *  NAMESPACE  waits for the stack's door; where possible the first interface is in the same request, which
 *             takes half the time
 *  CONFIG     reads a configuration that had to wait for the namespace: only that tells which names are free
 *  NEXT       asks for the next interface, after the start of its command if it has one
 *  IFACE      waits until the keeper has plugged the interface into its network
 *  IMPAIR     on the way to PREPARE: asks for the impairment of the next interface with words about that
 *  IMPAIRED   waits until the keeper has set it
 *  PREPARE    on the way to APPLY: the sysctls of the next interface with address sources of IPv6, as it is
 *             down yet
 *  PREPARED   waits until the keeper has written them
 *  CAPTURE    on the way to APPLY: asks for a capture of the next interface with the word for it
 *  CAPTURING  waits until the keeper has made it, opens the file and starts it
 *  CAPTURED   waits until it has begun
 *  APPLY      addresses and routes, by rtnetlink
 *  SOURCES    asks for the address sources of the next interface
 *  STARTED    waits until the keeper has started them
 *  READY      waits for duplicate address detection and carriers, for notifications; after LEARNING once
 *             more, for the IPv6 addresses of sources
 *  LEARNING   asks for a reply that comes when the sources of the next interface are ready
 *  LEARNED    waits for that, which may take long: servers of the network have to answer
 *  LATE       when the time for that is over: waits for the keeper's records, which say what is missing
 *  TRIAL      one socket, so that later ones cannot fail because the library itself lacks something. It is
 *             left out where the process has a reply channel with the keeper: the channel of the first
 *             request stays for that, and the networking thread has made a socket on trial before its reply
 *
 * An addition of interfaces begins in CONFIG, with a stack that is there, and ends before TRIAL.
 *
 * What each state waits for is one descriptor and one time: the reply channel of the request (or the door,
 * while it has no room), the rtnetlink socket, and the end of the step or of the whole, whichever is sooner.
 * A step does what can be done and says what it waits for next. The caller of the machine waits: in a loop
 * with poll(2) (vs_creation_run()), or the program with an event loop of its own (async.c). What a step takes
 * besides is bounded: the start of a keeper or of a command, answers of the kernel, and one of the networking
 * thread, which never waits for a network.
 *
 * Who owns what: the creation owns the request under way, the descriptors it sends, and the rtnetlink socket.
 * What has been made belongs to its slot. Nothing else uses the slot until there is a door. Then it has a
 * handle, since the other calls of the library take one. But it is not complete: it is not found by name or
 * in the list, and the handle is not returned before the creation is done.
 *
 * What always holds:
 *  - At most one request is under way.
 *  - Whatever the state, the end of the creation leaves nothing behind, unless it is done: a stack is
 *    deleted, with all that was made. The end of a request closes its channel. The keeper sees that, and
 *    drops what it has not done yet, a link stuck in a plugin too; a reply that is on its way is lost with
 *    the door in it, and with its door a stack ends. Of an addition only its interfaces go. Calls that may
 *    wait remove the interfaces first, and wait for that.
 *  - A forked child has no part in its parent's creation: its copies of the channel and of the door are
 *    closed at the fork (fork.c), and it cannot go on with it. A copy that is not known yet, as another
 *    thread was about to store its number, does no harm: a cancelled creation is shut down, not only closed.
 *  - No step is a cancellation point: the callers of the steps disable cancellation.
 */

#include "creation.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "creation_steps.h"
#include "deletion.h"
#include "handle.h"
#include "iface_request.h"
#include "keepers.h"
#include "names.h"
#include "process.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

/* What a creation was waiting for when its time was over. */
static void describe_state(struct vs_creation *c, char *text, size_t size)
{
	bool with_first = c->state == VS_CREATION_NAMESPACE && c->call.text != NULL;

	if (with_first || c->state == VS_CREATION_IFACE)
		(void)snprintf(text, size, "interface %s is not plugged into \"%.200s\" yet",
			       c->config->ifaces[c->n_made].name, c->config->ifaces[c->n_made].vnl);
	else if (c->state == VS_CREATION_READY)
		(void)snprintf(text, size, "%s", vs_ready_missing(&c->ready));
	else if (c->state == VS_CREATION_IMPAIRED)
		(void)snprintf(text, size, "the keeper has not impaired interface %s yet",
			       c->config->ifaces[c->n_impaired].name);
	else if (c->state >= VS_CREATION_CAPTURE && c->state <= VS_CREATION_CAPTURED)
		(void)snprintf(text, size, "the keeper has not started a capture yet");
	else if (c->state >= VS_CREATION_PREPARE && c->state <= VS_CREATION_STARTED)
		(void)snprintf(text, size, "the keeper has not started the address sources yet");
	else
		(void)snprintf(text, size, "the keeper has not made the network namespace yet");
}

static int fail_late(struct vs_creation *c)
{
	char text[VS_MESSAGE_MAX / 2];

	describe_state(c, text, sizeof(text));
	return vs_fail(ETIMEDOUT, "cannot %s within %d ms: %s; raise timeout_ms",
		       c->adding ? "add interfaces" : "make a stack", c->opts.timeout_ms, text);
}

int vs_creation_step(struct vs_creation *c)
{
	int r = 0;

	while (r == 0 && c->state != VS_CREATION_DONE)
		r = vs_creation_steps[c->state](c);
	/* LATE has a limit of its own, and a better message. */
	bool late = r == VS_NOT_YET && c->state != VS_CREATION_LATE && vs_left_ms(c->deadline_ms) == 0;
	return late ? fail_late(c) : r;
}

static void begin(struct vs_creation *c, const struct vs_create_opts *opts)
{
	*c = (struct vs_creation){
		.opts = *opts,
		.deadline_ms = vs_deadline_ms(opts->timeout_ms),
		.addition = vs_random(),
		.call = { .channel = VS_NO_SOCK, .their_end = -1 },
		.dirs = { -1, -1 },
		.stream = -1,
		.leases = -1,
		.control = -1,
	};
}

void vs_creation_begin(struct vs_creation *c, const struct vs_create_opts *opts,
		       const struct vs_config *config)
{
	begin(c, opts);
	c->config = config;
}

void vs_creation_begin_adoption(struct vs_creation *c, const struct vs_create_opts *opts, const char *text)
{
	begin(c, opts);
	c->text = text != NULL ? text : "";
}

void vs_creation_begin_addition(struct vs_creation *c, const struct vs_create_opts *opts,
				struct vdestack *stack, const char *text)
{
	vs_creation_begin_adoption(c, opts, text);
	c->adding = true;
	c->stack = stack;
	c->state = VS_CREATION_CONFIG;
}

int vs_creation_run(struct vs_creation *c)
{
	int r;

	c->may_wait = true;
	while ((r = vs_creation_step(c)) == VS_NOT_YET)
		(void)poll(&c->wanted, 1, vs_left_ms(c->due_ms));
	return r;
}

/*
 * Those that were made, and one whose reply has not been heard. Another call may have made an interface of
 * that name, so the request says which addition it belongs to. When the call returns, an adopted namespace
 * and the segments are as before; what a deletion takes along goes a moment later.
 */
static void remove_ifaces(struct vs_creation *c)
{
	bool unknown = c->state == VS_CREATION_IFACE && c->call.reply.type != VS_REPLY_TYPE;

	vs_iface_request_remove_first(c->slot, c->config, c->n_made + unknown, c->addition);
}

/*
 * The stack has no other user. A child that was forked in the meantime may have a copy of its door: the stack
 * ends all the same.
 */
static void end_stack(struct vs_creation *c)
{
	if (!c->inherited && vs_sock_valid(&c->slot->door))
		(void)shutdown(c->slot->door.fd, SHUT_RDWR);
}

static void undo(struct vs_creation *c)
{
	VS_ERROR_KEEP;

	if (c->slot == NULL)
		return;
	if (c->may_wait && c->config != NULL)
		remove_ifaces(c);
	if (c->adding)
		return;
	if (c->stack != NULL) {
		end_stack(c);
		vs_slot_release(vs_steal_ptr(c->slot)); /* before it can become another stack's */
		(void)vs_delete(c->stack);
	} else {
		vs_name_drop(c->slot);
		vs_slot_discard(c->slot);
		vs_keepers_tidy();
	}
}

/* For other programs that look at this one. It is no failure if there is no room in the door. */
static void tell_name(struct vs_slot *slot)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_NAME };
	struct vs_sock door = vs_sock_load(&slot->door);
	struct vs_fdmsg msg = {
		.iov = { { &req, offsetof(struct vs_request, key) },
			 { &slot->keeper->key, sizeof(slot->keeper->key) },
			 { slot->name, strlen(slot->name) } },
		.n_iov = 3,
	};

	if (slot->name[0] != '\0' && vs_sock_valid(&door))
		(void)vs_fdmsg_send(door.fd, &msg, MSG_DONTWAIT);
}

void vs_creation_end(struct vs_creation *c)
{
	bool made = c->state == VS_CREATION_DONE && !c->adding;
	size_t n_ifaces = c->n_made;
	char warning[VS_MESSAGE_MAX] = "";

	if (c->inherited)
		vs_long_call_close(&c->call);
	else
		vs_long_call_end(&c->call);
	if (!c->inherited) /* the reserved one is the parent's */
		vs_creation_give_up_channel(c);
	vs_close(vs_steal_fd(&c->stream));
	vs_close(vs_steal_fd(&c->leases));
	vs_close(vs_steal_fd(&c->control));
	vs_creation_close_directories(c);
	vs_ready_end(&c->ready);
	vs_creation_close_netlink(c);
	if (made) {
		vs_keepers_take_warning(c->slot->keeper, warning);
		vs_slot_set_complete(c->slot);
		tell_name(c->slot);
	} else if (c->state != VS_CREATION_DONE) {
		undo(c);
	}
	if (c->slot != NULL && c->stack != NULL)
		vs_slot_release(c->slot);
	vs_config_free(vs_steal_ptr(c->own_config));
	/* Last, as a callback may do anything. */
	if (warning[0] != '\0')
		vs_log(4, "%s", warning);
	if (made)
		vs_log(7, "stack made, %zu interfaces", n_ifaces);
}

int vs_create(const struct vs_config *config, const struct vs_create_opts *opts, struct vdestack **out)
{
	VS_NO_CANCEL;
	VS_AUTO_FREE struct vs_creation *c = malloc(sizeof(*c)); /* threads may have small stacks */

	if (c == NULL)
		return vs_fail(ENOMEM, "cannot make a stack: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_creation_begin(c, opts, config);
	int r = vs_creation_run(c);
	if (r == 0)
		*out = c->stack;
	vs_creation_end(c);
	return r;
}
