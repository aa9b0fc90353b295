/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The namespace of a stack as a descriptor, and what else a command in it needs: its leash. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "handle.h"
#include "keepers.h"
#include "long_call.h"
#include "numbers.h"
#include "process.h"
#include "stack.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

/* Both ends stay with the slot: [0] is shut down to end the commands, copies of [1] go to their runners. */
static int leash_make_locked(struct vs_slot *slot, struct vs_process *p)
{
	if (slot->leash_process == vs_process_token(p) && vs_sock_valid(&slot->leash[1]))
		return 0;
	for (int i = 0; i < 2; i++) /* inherited from the parent: its commands are not ours */
		if (slot->leash_process != 0)
			vs_sock_close(&slot->leash[i]);
	slot->leash_process = 0;
	int pair[2];
	int r = vs_socketpair(pair);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		(void)vs_fd_raise(&pair[i], vs_numbers_floor());
		slot->leash[i] = vs_sock_of(pair[i]);
	}
	slot->leash_process = vs_process_token(p);
	return 0;
}

static int leash_copy(struct vdestack *stack, int *copy)
{
	struct vs_process *p = vs_process();
	struct vs_slot *slot = vs_slot_acquire(stack);
	sigset_t saved;

	if (slot == NULL || p == NULL)
		return vs_fail(EINVAL, "not a stack, or one that has been deleted");
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	/* A leash that is made after the deletion would never be cut. */
	int r = vs_slot_retired(slot) ? -ENETDOWN : leash_make_locked(slot, p);
	if (r == 0) {
		*copy = fcntl(slot->leash[1].fd, F_DUPFD_CLOEXEC, 3);
		r = *copy < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	vs_slot_release(slot);
	if (r == 0)
		return 0;
	return vs_fail(-r, "cannot watch over commands: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
}

/* For VS_ENTRY_NAMESPACE life may be NULL, for VS_ENTRY_LIFE netns. */
static int entry(struct vdestack *stack, enum vs_entry what, int *netns, int *life)
{
	struct vs_long_call call = { .req = { .op = VS_OP_ENTRY, .arg = { what } } };
	int r = vs_keepers_sealed("cannot enter the stack");

	if (r == 0)
		r = vs_stack_ask(stack, &call);
	if (r < 0)
		return r;
	if (call.n_got != (what == VS_ENTRY_COMMAND ? 2 : 1)) {
		for (size_t i = 0; i < call.n_got; i++)
			vs_close(call.got[i]);
		return vs_fail(EPROTO, "cannot enter the stack: the keeper's reply has no namespace");
	}
	if (what != VS_ENTRY_LIFE)
		*netns = call.got[0];
	if (what != VS_ENTRY_NAMESPACE)
		*life = call.got[call.n_got - 1];
	return 0;
}

int vs_stack_entry(struct vdestack *stack, bool host, struct vs_stack_entry *out)
{
	VS_AUTO_CLOSE netns = -1;
	VS_AUTO_CLOSE life = -1;
	int leash = -1;
	int r = entry(stack, host ? VS_ENTRY_LIFE : VS_ENTRY_COMMAND, &netns, &life);

	if (r == 0)
		r = leash_copy(stack, &leash);
	if (r < 0)
		return r;
	r = host ? 0 : vs_fd_raise(&netns, 3);
	if (r == 0)
		r = vs_fd_raise(&life, 3);
	if (r < 0) {
		vs_close(leash);
		return vs_fail(-r, "cannot enter the stack: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	out->netns = vs_steal_fd(&netns);
	out->life = vs_steal_fd(&life);
	out->leash = leash;
	return 0;
}

static int open_netns(struct vdestack *stack)
{
	VS_NO_CANCEL;
	int netns = -1;
	int r = entry(stack, VS_ENTRY_NAMESPACE, &netns, NULL);

	if (r == 0 && netns < 3)
		r = vs_fd_raise(&netns, 3);
	return r < 0 ? r : netns;
}

int vdestack_netns(struct vdestack *stack)
{
	return vs_edge(open_netns(stack));
}
