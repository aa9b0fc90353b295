/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the library does when its program calls exit(3), or unloads the library.
 *
 * Keepers and commands end by themselves. But a holder that ends after the program becomes a zombie of a
 * process that does not reap (held.c). So a program that has holders ends keepers and commands first, and
 * waits a moment for them. A program without holders does nothing.
 *
 * The keepers of default stacks would wait for the end of this process's memory. So the claim page is given
 * up first.
 *
 * This runs after the program's own handlers, but other threads may still run. Default stacks and handles
 * stay as they are, and calls fail with ENETDOWN. So no socket of these threads is made in the host network.
 * A forked child has no holders. A child of vfork(2) has another process id.
 */

#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "claim.h"
#include "handle.h"
#include "held.h"
#include "keepers.h"
#include "process.h"
#include "wire/fdmsg.h"

#define WAIT_MS 300

static int dead_end = -1; /* a socket without a peer, while stacks are cut off */

/* Closes that socket for this process. The number stays in use, for calls of other threads. */
static void cut(const struct vs_sock *sock)
{
	if (vs_sock_valid(sock))
		(void)dup3(dead_end, sock->fd, O_CLOEXEC);
}

static void cut_stack(struct vs_slot *slot)
{
	cut(&slot->door);
	cut(&slot->pending);
	for (int i = 0; i < 2 && slot->leash_process != 0; i++)
		cut(&slot->leash[i]);
}

static void cut_front(struct vs_keeper_link *keeper)
{
	cut(&keeper->front);
}

__attribute__((destructor)) static void end_helpers(void)
{
	int pair[2];

	if (!vs_held_any())
		return;
	VS_NO_CANCEL;
	if (vs_socketpair(pair) == 0) {
		vs_close(pair[1]);
		dead_end = pair[0];
		vs_keepers_each(vs_claim_end);
		vs_slots_each(cut_stack);
		vs_keepers_each(cut_front);
		vs_close(pair[0]);
	}
	vs_held_reap_all(vs_now_ms() + WAIT_MS);
}
