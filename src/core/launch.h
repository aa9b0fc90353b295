/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_LAUNCH_H
#define VS_CORE_LAUNCH_H

/*
 * Starts the library's own file as a process of its own that no wait() of the program sees.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum vs_launch_role {
	VS_LAUNCH_KEEPER, /* own session, no descriptor of the program's, signals all blocked */
	VS_LAUNCH_RUNNER, /* stays in the session and process group, descriptors 0-2 as they are */
};

/*
 * Starts role's main (keeper_main or runner_main, see src/wire/roles.h) in a new process. fds[i]
 * becomes descriptor 3+i there; every other descriptor above 2 is closed (for the keeper 0-2 as well).
 * All signals are blocked in the new process; the environment is the program's, as far as
 * environment.c lets it through. The new process is nobody's child as far as the program can see; if
 * the program collects orphans (subreaper, PID 1) it is reported by the process itself, see
 * vs_launch_reap().
 *
 * Gives 0, or -errno when the process could not be made and *why, a text "cause; remedy". EINVAL: children
 * of this thread go to another PID namespace; nothing is started there. EPERM: the file may not be executed,
 * see origin.h. A failing exec is reported on
 * fds[0], which must be a SOCK_SEQPACKET socket: an int32_t, negative errno, alone in a
 * message. Not to be called with signals unblocked by design: it blocks them itself.
 */
int vs_launch(enum vs_launch_role role, const int *fds, size_t n_fds, char why[VS_MESSAGE_MAX]);

/*
 * Collects keeper `pid` if it is an orphan that became this program's child, waiting until it
 * has ended, at most timeout_ms. certain: the number was its own a moment ago; otherwise its name is
 * looked at, because it may be another child's by now. Gives 0 when there is nothing (any more) to
 * collect, -ETIMEDOUT otherwise.
 */
int vs_launch_reap(int pid, bool certain, int timeout_ms);

#endif
