/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a forked child closes at once: its copies of the parent's reply channels, of the leashes of the
 * parent's commands, and of the doors of stacks that the parent is still making.
 *
 * A child may give up its privileges next, and an attacker may take it over after that. By then it can
 * neither receive replies that the parent waits for nor end the commands of the parent. And a stack whose
 * creation the parent cancels ends, whatever children there are. The child keeps the doors of stacks that
 * are made, and may use them.
 *
 * This is the only handler of this library that runs at fork(2). It makes system calls that signal handlers
 * may make, takes no lock, and changes no memory. After a raw clone(2) no handlers run. Then the same is
 * done when the child first opens a channel or makes a leash in the same place.
 */

#include <pthread.h>

#include "channels.h"
#include "handle.h"
#include "wire/fdmsg.h"

static void let_go_of(struct vs_slot *slot)
{
	for (int i = 0; i < 2 && slot->leash_process != 0; i++)
		vs_sock_close(&slot->leash[i]);
	if (!vs_slot_complete(slot)) {
		vs_sock_close(&slot->pending);
		vs_sock_close(&slot->door);
	}
}

static void let_go(void)
{
	vs_channels_close_inherited();
	vs_slots_each(let_go_of);
}

__attribute__((constructor)) static void watch_forks(void)
{
	(void)pthread_atfork(NULL, NULL, let_go); /* without memory for it: as after a raw clone(2) */
}
