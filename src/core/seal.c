/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sealing a process.
 *
 * A program that sandboxes itself (seccomp, Landlock, no_new_privs) still has a keeper outside
 * the sandbox. Every request that changes something needs the keeper's key, which lies in the
 * memory of the program. To seal a process is to forget the key, for good: whoever takes the
 * process over later does not find it, nor do children that are made from now on have it. Nothing changes for
 * relatives, and the keeper need not know.
 *
 * The keys lie in the records of keepers, and for the length of one system call in a request.
 */

#include "base/error.h"
#include "keepers.h"
#include <vdestack.h>

int vdestack_seal(void)
{
	return vs_edge(vs_keepers_seal());
}
