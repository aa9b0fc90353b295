/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vdestack enter`: a program and all its descendants live in a stack.
 *
 * The process of the tool enters the namespaces and executes the program, so nothing stands between the
 * program and the process that has started it. The stack belongs to another process, the owner (owner.c).
 *
 * An ordinary user enters the user namespace of the keeper. It has only this user and group, with the same
 * numbers, so the program cannot change its user. Root needs no user namespace: daemons drop their privileges
 * as everywhere.
 */

#include "enter.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "inside.h"
#include "owner.h"
#include "preload/mounts.h"
#include <vdestack.h>

static const char help[] =
	"Usage: vdestack enter [OPTION...] CONFIG... [-- [PROGRAM [ARG...]]]\n"
	"Executes PROGRAM, by default the shell, in a network stack that CONFIG describes: "
	"vdestack_config(7).\n"
	"  -a, --allow-absent     a network may be absent at first\n"
	"  -H, --hostname NAME    another name of the host\n"
	"  -r, --resolvconf FILE  FILE is /etc/resolv.conf\n"
	"  -s, --sysadm           with CAP_SYS_ADMIN, to mount file systems and make namespaces\n"
	"  -h, --help\n"
	"Exit status: that of PROGRAM; 125 without a stack, 126 PROGRAM cannot be executed, 127 it is not "
	"found.\n";

static int complain(const struct vs_enter *e, const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s%s%s\n", e->tool, what, *why != '\0' ? ": " : "", why);
	return VS_ENTER_FAILED;
}

/* The arguments, joined by blanks. To be freed; NULL: no memory. */
static char *join(char *const words[], int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; i < n && out != NULL; i++)
		(void)fprintf(out, "%s%s", i > 0 ? " " : "", words[i]);
	if (out == NULL || fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The text of the host's resolv.conf, or "". */
static void host_resolvconf(char *text, size_t size)
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	size_t n = f == NULL ? 0 : fread(text, 1, size - 1, f);

	text[n] = '\0';
	if (f != NULL)
		(void)fclose(f);
}

/* Mounts what names need, and hands over to the owner. 0 or an exit status. */
static int settle(const struct vs_enter *e, struct vs_stack_owner *owner)
{
	char message[512];
	bool follow = e->resolv_text == NULL && e->resolv_file == NULL;
	struct vs_mounts_opts opts = { .resolv = e->resolv_text != NULL ? e->resolv_text : owner->text,
				       .resolv_file = e->resolv_file,
				       .hostname = e->hostname,
				       .sysfs = true };
	struct vs_mounts mounts;

	if (follow && e->keep_resolv && strstr(owner->text, "nameserver") == NULL)
		host_resolvconf(owner->text, sizeof(owner->text));
	if (e->hostname != NULL && sethostname(e->hostname, strlen(e->hostname)) < 0)
		return complain(e, "cannot set the name of the host",
				errno == EINVAL ? "it has more than 64 characters" : strerror(errno));
	if (vs_mounts_make(&opts, &mounts, message, sizeof(message)) < 0)
		return complain(e, message, "");
	if (mounts.resolv < 0 && e->resolv_file == NULL && *opts.resolv != '\0')
		(void)complain(e, "warning: there is no /etc/resolv.conf, so none can be mounted over it",
			       "");
	int r = vs_owner_hand_over(owner, mounts.resolv, mounts.watch, follow);
	if (mounts.resolv >= 0)
		(void)close(mounts.resolv);
	if (mounts.watch >= 0)
		(void)close(mounts.watch);
	return r < 0 ? complain(e, "the process that holds the stack has ended", "") : 0;
}

static int execute(const struct vs_enter *e)
{
	char *shell = getenv("SHELL");
	char *shell_argv[] = { shell != NULL && *shell != '\0' ? shell : (char *)(uintptr_t) "/bin/sh",
			       NULL };
	char *const *argv = *e->argv != NULL ? e->argv : shell_argv;

	(void)execvp(argv[0], argv);
	int status = errno == ENOENT ? VS_ENTER_NOT_FOUND : VS_ENTER_CANNOT_EXECUTE;
	(void)complain(e, argv[0], strerror(errno));
	return status;
}

int vs_enter(const struct vs_enter *e)
{
	struct vs_stack_owner owner;

	if (vs_owner_start(e->config, e->allow_absent, &owner) < 0)
		return complain(e, owner.text, "");
	int r = vs_inside_enter(owner.netns);
	if (r < 0)
		return complain(e, "cannot enter the stack", strerror(-r));
	int status = settle(e, &owner);
	if (status != 0)
		return status;
	vs_inside_grant(e->sysadm);
	return execute(e);
}

/* The index of "--", or argc. */
static int find_dashes(int argc, char *argv[], int from)
{
	while (from < argc && strcmp(argv[from], "--") != 0)
		from++;
	return from;
}

int vs_enter_main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "allow-absent", no_argument, NULL, 'a' },
		{ "hostname", required_argument, NULL, 'H' },
		{ "resolvconf", required_argument, NULL, 'r' },
		{ "sysadm", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct vs_enter e = { .tool = "vdestack enter" };
	int c;

	argv[0] = (char *)(uintptr_t)e.tool; /* for the messages of getopt(3) */
	while ((c = getopt_long(argc, argv, "+aH:r:sh", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			e.allow_absent = true;
			break;
		case 'H':
			e.hostname = optarg;
			break;
		case 'r':
			e.resolv_file = optarg;
			break;
		case 's':
			e.sysadm = true;
			break;
		case 'h':
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		default:
			return VS_ENTER_FAILED; /* getopt(3) has written a message */
		}
	}
	/* getopt(3) takes a "--" that is the first word after the options: then there is no CONFIG. */
	int first = optind,
	    dashes = strcmp(argv[optind - 1], "--") == 0 ? optind - 1 : find_dashes(argc, argv, optind);
	if (dashes <= first && argc == first && dashes == argc)
		return complain(&e, "CONFIG is missing", "see vdestack enter --help");
	char *config = join(argv + first, dashes > first ? dashes - first : 0);
	if (config == NULL)
		return complain(&e, "no memory", "");
	e.config = config;
	e.argv = argv + (dashes < argc ? dashes + 1 : argc);
	int status = vs_enter(&e);
	free(config);
	return status;
}
