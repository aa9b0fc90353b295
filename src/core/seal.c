/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sealing a process.
 *
 * A program that sandboxes itself (seccomp, Landlock, no_new_privs) still has a keeper outside the sandbox.
 * Every request that changes something needs the keeper's key, which is in the memory of the program.
 * Sealing a process erases the key for ever. An attacker who takes over the process later does not find it,
 * and children that are made from now on do not have it. Nothing changes for other processes of the
 * program, and the keeper is not informed.
 *
 * The keys are in the records of keepers, and in a request for the length of one system call.
 */

#include "base/error.h"
#include "keepers.h"
#include <vdestack.h>

int vdestack_seal(void)
{
	return vs_edge(vs_keepers_seal());
}
