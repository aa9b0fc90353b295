/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "apparmor.h"
#include "checks.h"
#include <vdestack.h>

static const char help[] =
	"Usage: vdestack doctor [--json] [LOCATOR...]\n"
	"       vdestack doctor --apparmor PROGRAM\n"
	"Checks what stacks need on this machine, and whether the networks at LOCATOR... can be joined.\n"
	"  --json              a JSON object instead of lines\n"
	"  --apparmor PROGRAM  write an AppArmor profile for PROGRAM\n"
	"  --help, --version\n"
	"Exit status: 0 all fine, 1 warnings, 2 something needed does not work, 64 usage.\n";

/* Runs a check in a child, which is killed at its deadline or with this process. False: there is no child. */
static bool run(const struct vs_check *check, const char *arg, struct vs_finding *f)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		check->run(f, arg);
		/* Small enough to be written in one piece. */
		_exit(write(ends[1], f, sizeof(*f)) == sizeof(*f) ? 0 : 1);
	}
	close(ends[1]);
	struct pollfd p = { .fd = ends[0], .events = POLLIN };
	bool came = pid > 0 && poll(&p, 1, (int)check->deadline_ms) > 0;
	if (pid > 0 && !came)
		(void)kill(pid, SIGKILL);
	struct vs_finding got;
	if (came && read(ends[0], &got, sizeof(got)) == sizeof(got)) {
		*f = got;
	} else {
		f->severity = VS_SEVERITY_FAILURE;
		(void)snprintf(f->text, sizeof(f->text),
			       came ? "the check crashed" : "no result within %u ms", check->deadline_ms);
	}
	close(ends[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return pid > 0;
}

static int profile(const char *program)
{
	char path[PATH_MAX];

	if (realpath(program, path) == NULL) {
		(void)fprintf(stderr, "vdestack doctor: %s: %s\n", program, strerror(errno));
		return EX_USAGE;
	}
	if (vs_apparmor_write(stdout, path) < 0) {
		(void)fprintf(stderr, "vdestack doctor: a profile cannot name this path (quote, @, backslash "
				      "or control character)\n");
		return EX_USAGE;
	}
	return 0;
}

struct session {
	bool json, colour, begun;
	enum vs_severity worst;
};

static bool examine(struct session *s, const struct vs_check *check, const char *arg)
{
	struct vs_finding f = { 0 };

	(void)fflush(stdout); /* else the child would write it again */
	if (!run(check, arg, &f))
		return false;
	if (s->json)
		vs_report_json(stdout, !s->begun, check->name, &f);
	else
		vs_report_line(stdout, s->colour, check->name, &f);
	s->begun = true;
	if (f.severity > s->worst)
		s->worst = f.severity;
	return true;
}

static int check_all(bool json, char *locators[])
{
	const char *no_colour = getenv("NO_COLOR");
	struct session s = { .json = json,
			     .colour = isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0') };
	bool ok = true;

	if (json)
		(void)printf("{\n  \"version\": \"%s\",\n  \"checks\": [", vdestack_version());
	for (const struct vs_check *c = vs_checks; ok && c->name != NULL; c++)
		ok = examine(&s, c, NULL);
	for (; ok && *locators != NULL; locators++)
		ok = examine(&s, &vs_check_switch, *locators);
	int status = ok ? (int)s.worst : EX_OSERR;
	if (json)
		(void)printf("\n  ],\n  \"status\": %d\n}\n", status);
	if (!ok)
		(void)fprintf(stderr, "vdestack doctor: no process for a check: %s\n", strerror(errno));
	return status;
}

int vs_doctor_main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "json", no_argument, NULL, 'j' },
		{ "apparmor", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	const char *program = NULL;
	bool json = false;
	int c, status = 0;

	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		return EX_IOERR; /* before a pipe takes its number */
	(void)signal(SIGPIPE, SIG_IGN);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			(void)fputs(help, stdout);
			goto written;
		case 'V':
			(void)printf("vdestack %s\n", vdestack_version());
			goto written;
		case 'j':
			json = true;
			break;
		case 'a':
			program = optarg;
			break;
		default:
			return EX_USAGE; /* getopt(3) has written a message */
		}
	}
	if (program != NULL && (json || optind < argc)) {
		(void)fprintf(stderr, "vdestack doctor: --apparmor stands alone\n");
		return EX_USAGE;
	}
	status = program != NULL ? profile(program) : check_all(json, argv + optind);
written:
	return fflush(stdout) != 0 || ferror(stdout) ? EX_IOERR : status;
}
