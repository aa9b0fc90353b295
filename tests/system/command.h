/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_COMMAND_H
#define VDESTACK_TESTS_COMMAND_H

/* Commands of a case. For files that have defined _GNU_SOURCE. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include <vdestack.h>

#define SLEEPER "exec sleep 1000"
#define SOON_MS 20000 /* upper bound for what happens at once */

static struct vdestack *new_stack(void)
{
	struct vdestack *stack = vdestack_new("", case_opts());

	if (stack == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	/* With a directory in PATH that may not be searched, a command that is not found is EACCES. */
	MUST(setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1));
	return stack;
}

static int run_argv(struct vdestack *stack, const struct vdestack_cmd_opts *opts, const char *const *argv)
{
	return vdestack_run(stack, (char *const *)argv, opts);
}

#define RUN(stack, opts, ...) run_argv(stack, opts, (const char *const[]){__VA_ARGS__, NULL})

static int run_shell(struct vdestack *stack, const char *script)
{
	return RUN(stack, NULL, "sh", "-c", script);
}

static int spawn_shell(struct vdestack *stack, const char *script, int *status_fd)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};

	return (int)MUST(vdestack_spawn(stack, argv, NULL, status_fd));
}

/* The numbers that a script has written to a file of the case. Waits for all `n`. */
struct numbers {
	const char *path;
	int n;
	int value[4];
};

static bool has_numbers(void *arg)
{
	struct numbers *want = arg;
	FILE *f = fopen(want->path, "re");
	int n = 0;

	while (f != NULL && n < want->n && fscanf(f, "%d", &want->value[n]) == 1)
		n++;
	if (f != NULL)
		fclose(f);
	return n == want->n;
}

static volatile sig_atomic_t interrupted;

static void note_signal(int sig)
{
	(void)sig;
	interrupted++;
}

#endif
