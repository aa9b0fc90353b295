/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects that are preloaded into a program (LD_PRELOAD), and what of that keeper, runner and command get. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stacks.h"

#define NO_SANITIZER CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER

/* Executes a program with these objects preloaded. Returns its wait status. */
static int run_with(const char *objects, const char *program)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(setenv("LD_PRELOAD", objects, 1));
		(void)execlp(program, program, (char *)NULL);
		_exit(127);
	}
	MUST(waitpid(pid, &status, 0));
	return status;
}

CASE_FLAGS(a_preloaded_constructor_makes_a_stack_and_sets_its_addresses_with_commands, NO_SANITIZER)
{
	CHECK_EQ(run_with(CONSTRUCTOR_FILE, "true"), 0);
	CHECK_EQ(run_with(LIBRARY_FILE " " CONSTRUCTOR_FILE, "true"), 0);
}

static bool has_loaded(pid_t pid, const char *file)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	const char *maps = text_of(path);
	CHECK_CONTAINS(maps, "vdestack"); /* it can be read */
	return strstr(maps, file) != NULL;
}

/* The variables are in the environment of the program, not in the program. */
static struct vdestack *stack_with_preload(const char *objects)
{
	MUST(setenv("LD_PRELOAD", objects, 1));
	MUST(setenv("LD_TRACE_LOADED_OBJECTS", "", 1)); /* a program that has this prints a list and ends */
	return new_stack("%s", "");
}

CASE_FLAGS(keeper_and_runner_load_nothing_of_the_program, NO_SANITIZER)
{
	struct vdestack *s = stack_with_preload(LINKING_FILE);
	char *argv[] = { "sh", "-c", "echo", NULL };

	if (case_is_root()) /* they cannot be looked at without privileges */
		CHECK(!has_loaded(the_keeper(), LINKING_FILE));
	CHECK_EQ(MUST(vdestack_run(s, argv, NULL)), 0);
	MUST(vdestack_delete(s));
}

CASE_FLAGS(a_command_gets_the_preloaded_objects_of_the_program_but_those_that_link_the_library, NO_SANITIZER)
{
	char *argv[] = { "sh", "-c", "test \"$LD_PRELOAD\" = '/does/not/exist /nor/this '", NULL };
	char *nothing[] = { "sh", "-c", "test -z \"${LD_PRELOAD+x}\"", NULL };

	CHECK(dlopen(LINKING_FILE, RTLD_NOW) != NULL);
	MUST(setenv("LD_PRELOAD", "/does/not/exist:" LINKING_FILE " /nor/this", 1));
	struct vdestack *s = new_stack("%s", "");
	CHECK_EQ(MUST(vdestack_run(s, argv, NULL)), 0);
	MUST(setenv("LD_PRELOAD", LINKING_FILE, 1));
	CHECK_EQ(MUST(vdestack_run(s, nothing, NULL)), 0);
	MUST(vdestack_delete(s));
}
