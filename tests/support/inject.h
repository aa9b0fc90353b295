/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_INJECT_H
#define VDESTACK_TESTS_INJECT_H

/*
 * Fault injection, in a build of the library for this purpose only (tests/faults).
 *
 * The linker directs that build's calls of libc and of the libraries it uses to a layer
 * that counts them. The test, its forked children, the keeper and the runners share one memory, a file.
 * The test writes there which call of which process must fail. The layer writes there what happened:
 *
 *     test: side, target, mode ──▶ memory ◀── count, fired, what: the layer in each process
 *
 * The program's copy of the layer uses inject_control, set by the test. A keeper and a runner
 * map the file that the environment names. Calls are counted across threads, so which call is the
 * N-th may differ from run to run. The name of the failed call is recorded.
 *
 * The layer does not see system calls between clone and exec, which are made without libc, or calls inside
 * libc and other libraries. tests/faults/test_syscalls.c sees them, by ptrace, and uses the same memory.
 */

#include <stdatomic.h>

#define INJECT_ENV "VDESTACK_TEST_FAULTS"

enum inject_side { INJECT_NONE, INJECT_PROGRAM, INJECT_KEEPER, INJECT_RUNNER };

enum inject_mode {
	INJECT_HARD, /* the call fails with an error that is plausible for it */
	INJECT_INTR, /* calls fail with EINTR; those that a signal cannot interrupt are not counted */
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
