/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_LAUNCH_H
#define VS_CORE_LAUNCH_H

/* Starts the library's own file as a process that no wait() of the program sees. */

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum vs_launch_role {
	VS_LAUNCH_KEEPER, /* own session, no descriptor of the program's, signals all blocked */
	VS_LAUNCH_LOCAL_KEEPER, /* the same, one for local:// */
	VS_LAUNCH_RUNNER, /* stays in the session and process group, descriptors 0-2 as they are */
};

/*
 * Starts the role's main (keeper_main or runner_main, see src/wire/roles.h) in a new process. fds[i]
 * becomes descriptor 3+i there. Every other descriptor above 2 is closed, for the keeper 0-2 as well. All
 * signals are blocked in the new process. Its environment is the part of the program's that environment.c
 * lets through. The program cannot see it as a child. When it has ended, vs_launch_ended() must be called
 * with its pid, which *made gets (0: it is not known, under a checker).
 *
 * Returns 0, or -errno if the process could not be made, with a text "cause; remedy" in why. EINVAL:
 * children of this thread go to another PID namespace, so nothing is started. EPERM: the file may not be
 * executed, see origin.h. A failed exec is reported on fds[0], which must be a SOCK_SEQPACKET socket: an
 * int32_t, negative errno, alone in a message. The function blocks all signals itself.
 */
int vs_launch(enum vs_launch_role role, const int *fds, size_t n_fds, pid_t *made,
	      char why[VS_MESSAGE_MAX]);

/*
 * Process `pid` of vs_launch() has ended or is about to end. If it has a holder (held.h), that is reaped.
 * This takes at most timeout_ms; if it takes longer, the holder is reaped at the next launch or at exit.
 * Keeps errno.
 */
void vs_launch_ended(pid_t pid, int timeout_ms);

#endif
