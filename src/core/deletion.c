/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The end of a stack in this process: its handle leads nowhere, its name is free, its commands are killed,
 * and its door is closed. The keeper decides whether the stack itself ends then: other processes may have
 * the door, too.
 *
 * Nothing here waits, except for the end of a keeper that has a holder (held.h).
 * Calls of other threads that are under way fail.
 */

#include "deletion.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "claim.h"
#include "default.h"
#include "handle.h"
#include "keepers.h"
#include "names.h"
#include "process.h"
#include "quick_call.h"
#include "wire/fdmsg.h"

/*
 * Calls of other threads may be using the door's number. A socket without a peer takes its place: the calls
 * fail, the number stays in use until they are done, and the stack ends now.
 */
static void cut_door(struct vs_slot *slot)
{
	struct vs_sock door = vs_sock_load(&slot->door);
	int pair[2];

	if (!vs_sock_valid(&door) || vs_socketpair(pair) < 0)
		return; /* then it ends with the last call */
	vs_close(pair[1]);
	if (dup3(pair[0], door.fd, O_CLOEXEC) >= 0)
		vs_sock_refresh(&slot->door);
	vs_close(pair[0]);
}

/* Ends the commands of this process. A copy of the parent's leash is only closed. */
static void drop_leash(struct vs_slot *slot)
{
	struct vs_process *p = vs_process();

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	if (slot->leash_process != 0 && slot->leash_process == vs_process_token(p) &&
	    vs_sock_valid(&slot->leash[0]))
		(void)shutdown(slot->leash[0].fd, SHUT_RDWR);
	for (int i = 0; i < 2 && slot->leash_process != 0; i++)
		vs_sock_close(&slot->leash[i]);
	slot->leash_process = 0;
	pthread_mutex_unlock(&p->lock);
}

void vs_slot_empty(struct vs_slot *slot)
{
	vs_claim_drop(slot);
	explicit_bzero(slot->secret, sizeof(slot->secret)); /* no new door for a process that gives this up */
	vs_sock_close(&slot->door);
	/* In a child that was forked in the middle of a deletion these are copies, and are only closed. */
	for (int i = 0; i < 2 && slot->leash_process != 0; i++)
		vs_sock_close(&slot->leash[i]);
	slot->leash_process = 0;
	vs_name_drop(slot); /* in such a child */
	vs_slot_discard(slot);
}

int vs_delete(struct vdestack *stack)
{
	VS_NO_CANCEL;
	struct vs_slot *slot;
	sigset_t saved;
	bool busy;

	vs_signals_block(&saved);
	bool retired = vs_slot_retire(stack, &slot, &busy);
	if (retired) {
		vs_name_drop(slot);
		vs_default_forget(stack);
		vs_claim_drop(slot);
		vs_quick_call_forget_stack(slot->id);
		drop_leash(slot);
		if (busy)
			cut_door(slot);
		vs_slot_release_retired(slot);
	}
	vs_signals_restore(&saved);
	if (retired)
		vs_keepers_tidy();
	return retired ? 0 : vs_fail(EINVAL, "cannot delete: not a stack, or one that has been deleted");
}

int vdestack_delete(struct vdestack *stack)
{
	return vs_edge(vs_delete(stack));
}
