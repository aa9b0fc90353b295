/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_INJECT_H
#define VDESTACK_TESTS_INJECT_H

/*
 * Faults on order, in a build of the library for this purpose only (tests/faults).
 *
 * The linker sends that build's calls of libc and of the libraries it uses through a layer
 * that counts them. One memory, a file, is shared by the test, its forked children, the keeper and the
 * runners; it says which call of which of them is to fail, and is told what happened:
 *
 *     test: side, target, mode ──▶ memory ◀── count, fired, what: the layer in each process
 *
 * The program's copy of the layer uses inject_control, set by the test; a keeper and a runner
 * map the file that the environment names. Calls are counted across threads, so which one is the
 * N-th may differ by a few from run to run; what is fired is told by name.
 *
 * Not seen by it: what is called between clone and exec, which is done without libc, and what
 * libc and libraries do inside. tests/faults/test_syscalls.c sees that, by ptrace, and uses the same memory.
 */

#include <stdatomic.h>

#define INJECT_ENV "VDESTACK_TEST_FAULTS"

enum inject_side { INJECT_NONE, INJECT_PROGRAM, INJECT_KEEPER, INJECT_RUNNER };

enum inject_mode {
	INJECT_HARD, /* the call fails with an error that is plausible for it */
	INJECT_INTR, /* calls that a signal may interrupt are, others are not counted */
	INJECT_KILL, /* the process is killed before the call */
};

struct inject_control {
	_Atomic int side; /* INJECT_NONE: nothing is counted */
	_Atomic int mode;
	_Atomic int target; /* from 1 */
	_Atomic int count;
	_Atomic int fired;
	_Atomic int injected; /* the errno */
	char what[32];	      /* valid when fired is set */
};

/* In the library for tests; NULL: nothing is injected in this process. */
extern struct inject_control *inject_control;

#endif
