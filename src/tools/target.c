/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "target.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "escape.h"
#include <vdestack.h>
#include <vdestack/registry.h>

void vs_target_say(const char *tool, const char *text)
{
	(void)fprintf(stderr, "%s: ", tool);
	vs_escape_plain(stderr, text);
	(void)fputc('\n', stderr);
}

/* Why no program of this user has been found with that number. */
static void explain_absence(const char *tool, pid_t pid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) < 0)
		(void)fprintf(stderr,
			      "%s: there is no process %d; vdestack list shows programs with stacks\n", tool,
			      (int)pid);
	else if (st.st_uid != geteuid())
		(void)fprintf(stderr, "%s: process %d is of the user %u; only that user finds its stacks\n",
			      tool, (int)pid, (unsigned)st.st_uid);
	else
		(void)fprintf(
			stderr,
			"%s: process %d has no stacks that others may find; vdestack list shows programs "
			"that have\n",
			tool, (int)pid);
}

/* Writes the stacks of the program, to choose from. Returns how many there are. */
static int show_choice(FILE *out, const struct vdestack_registered *list, int n, pid_t pid)
{
	int found = 0;

	for (int i = 0; i < n; i++) {
		if ((list[i].pid != pid && list[i].keeper != pid) || list[i].index < 0)
			continue;
		if (out != NULL) {
			(void)fprintf(out, "%s%d:", found > 0 ? ", " : "", (int)pid);
			if (list[i].name[0] != '\0')
				vs_escape_plain(out, list[i].name);
			else
				(void)fprintf(out, "%d", list[i].index);
		}
		found++;
	}
	return found;
}

/* -1: the program has several stacks, and the word names none. */
static int check_choice(const char *tool, pid_t pid)
{
	struct vdestack_registered list[256];
	int n = vdestack_registry_list(list, VS_COUNT(list));

	n = n > (int)VS_COUNT(list) ? (int)VS_COUNT(list) : n;
	if (n < 0 || show_choice(NULL, list, n, pid) < 2)
		return 0;
	(void)fprintf(stderr, "%s: process %d has several stacks; choose one: ", tool, (int)pid);
	(void)show_choice(stderr, list, n, pid);
	(void)fputc('\n', stderr);
	return -1;
}

bool vs_target_read(const char *tool, const char *word, pid_t *pid, const char **stack)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(word, &end, 10);
	if (errno != 0 || end == word || number <= 0 || number > INT32_MAX || (*end != '\0' && *end != ':') ||
	    (*end == ':' && end[1] == '\0')) {
		(void)fprintf(stderr, "%s: the stack is given as PID or PID:STACK\n", tool);
		return false;
	}
	*pid = (pid_t)number;
	*stack = *end == ':' ? end + 1 : NULL;
	return true;
}

struct vdestack *vs_target_attach(const char *tool, const char *word)
{
	const char *name;
	pid_t pid;

	if (!vs_target_read(tool, word, &pid, &name) || (name == NULL && check_choice(tool, pid) < 0))
		return NULL;
	struct vdestack *stack = vdestack_attach(pid, name, NULL);
	if (stack == NULL && errno == ESRCH)
		explain_absence(tool, pid);
	else if (stack == NULL)
		vs_target_say(tool, vdestack_last_error());
	return stack;
}

const char *vs_target_interface(char *word)
{
	char *first = strchr(word, ':'), *last = strrchr(word, ':');

	if (first == last)
		return NULL;
	*last = '\0';
	if (first + 1 == last)
		*first = '\0';
	return last + 1;
}
