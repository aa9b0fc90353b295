/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call of libc that an operation makes, in the program, in the keeper and in a
 * command's runner, fails once. The keeper is also killed once before each of its calls.
 * sweep.h describes what must hold then.
 */

#include "exceptions.h"
#include "ops.h"

/* The layer in each process maps the file that the environment names. */
static void faults_begin(void)
{
	const char *path = case_path("faults");
	int fd = (int)MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	MUST(ftruncate(fd, sizeof(*inject_control)));
	void *map = mmap(NULL, sizeof(*inject_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	close(fd);
	MUST(setenv(INJECT_ENV, path, 1));
	inject_control = map;
}

#define SWEEP(op)                                                                                            \
	CASE(each_call_of_the_program_fails_in_##op)                                                         \
	{                                                                                                    \
		sweep(&op_##op, INJECT_PROGRAM, INJECT_HARD);                                                \
	}                                                                                                    \
	CASE(each_call_of_the_keeper_fails_in_##op)                                                          \
	{                                                                                                    \
		sweep(&op_##op, INJECT_KEEPER, INJECT_HARD);                                                 \
	}                                                                                                    \
	CASE(calls_are_interrupted_in_##op)                                                                  \
	{                                                                                                    \
		sweep(&op_##op, INJECT_PROGRAM, INJECT_INTR);                                                \
	}                                                                                                    \
	CASE(calls_of_the_keeper_are_interrupted_in_##op)                                                    \
	{                                                                                                    \
		sweep(&op_##op, INJECT_KEEPER, INJECT_INTR);                                                 \
	}                                                                                                    \
	CASE(the_keeper_is_killed_in_##op)                                                                   \
	{                                                                                                    \
		sweep(&op_##op, INJECT_KEEPER, INJECT_KILL);                                                 \
	}

SWEEP(first)
SWEEP(further)
SWEEP(tap)
SWEEP(inproc)
SWEEP(config)
SWEEP(sources)
SWEEP(started)
SWEEP(cancelled)
SWEEP(add)
SWEEP(configure)
SWEEP(remove)
SWEEP(impaired)
SWEEP(from_the_start)
SWEEP(misbehave)
SWEEP(capture)
SWEEP(capture_segment)
SWEEP(taps)
SWEEP(taps_segment)
SWEEP(local_first)
SWEEP(local)
SWEEP(msocket)
SWEEP(forked)
SWEEP(delete)
SWEEP(netns)
SWEEP(command)
SWEEP(piped)
SWEEP(legacy)
SWEEP(packet_device)
SWEEP(packet_device_add)
SWEEP(packet_device_remove)
SWEEP(hub)

CASE(each_call_of_the_runner_fails)
{
	sweep(&op_command, INJECT_RUNNER, INJECT_HARD);
}

CASE(each_call_of_the_runner_fails_with_pipes)
{
	sweep(&op_piped, INJECT_RUNNER, INJECT_HARD);
}
