/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_REGISTRY_H
#define VDESTACK_REGISTRY_H

/*
 * Stacks of other programs of the same user: which there are, and handles of them. vdestack_registry_list(3)
 * describes who can see what.
 */

#include <stddef.h>
#include <sys/types.h>

#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of vdestack_registered.flags. */
/* The program's keeper did not answer in time. There is no stack in this entry. */
#define VDESTACK_REGISTERED_SILENT 0x1u

/* One stack of a program. */
struct vdestack_registered {
	pid_t pid;       /* of the program */
	pid_t keeper;    /* of the process that holds its stacks */
	unsigned flags;  /* VDESTACK_REGISTERED_... */
	int index;       /* of the stack in its program, from 0, in the order in which they were made */
	int n_stacks;    /* of the program: so many entries */
	char comm[16];   /* the program's name, as ps(1) shows it; "": it has ended, or is hidden */
	char name[64];   /* of the stack: the word name=; "": it has none */
};

/*
 * Lists the stacks of the programs of this user that are registered: those of one program stand together.
 * Stores up to n of them in list, which may be NULL if n is 0, and returns how many there are. Waits at most
 * one second for keepers that do not answer. Files that ended keepers have left behind are removed. errno:
 * EMFILE, ENOMEM.
 */
int vdestack_registry_list(struct vdestack_registered *list, size_t n);

/* Options; zero means default everywhere. Set size to sizeof(struct vdestack_attach_opts). */
struct vdestack_attach_opts {
	size_t size;
	unsigned flags; /* none yet, 0 */
	int timeout_ms; /* how long the keeper may take to answer; 0 = 5000, -1 = no limit */
};

/*
 * Makes a handle of a stack of another program. pid is that of the program, or of its keeper. stack is the
 * name of the stack, or its index in digits; NULL: the program's first one. opts may be NULL.
 *
 * The handle does not keep the stack alive: when its program deletes it or ends, calls on the handle fail
 * with ENETDOWN. It can be used for what reads, for sockets, for vdestack_netns(), for captures, wire taps
 * and impairments (<vdestack/capture.h>, <vdestack/impair.h>), and for commands (vdestack_spawn(),
 * vdestack_run()), which are killed when the stack ends. What changes the stack otherwise fails with EPERM.
 * vdestack_delete() ends the handle and its commands, and not the stack. errno: ESRCH (no registered
 * program of this user has that pid), ENOENT (it has no such stack), EPERM (the keeper refuses this process,
 * or it has been sealed), ETIMEDOUT (the keeper is stopped), ENETDOWN, EBUSY (too many handles), EMFILE,
 * ENOMEM.
 */
struct vdestack *vdestack_attach(pid_t pid, const char *stack, const struct vdestack_attach_opts *opts)
	VDESTACK_NODISCARD;

#ifdef __cplusplus
}
#endif
#endif
