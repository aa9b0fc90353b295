/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vdestack run: starts a program whose sockets are in a stack.
 *
 * This process starts the supervisor, gives itself the filter, and executes the program. What the program
 * inherits is what this process was started with: all descriptors of its own are close-on-exec, and it
 * changes neither signals nor limits, directory, umask or session. The preload engine changes one variable of
 * the environment, LD_PRELOAD, and with --require sets another, VDESTACK_RUN. With --names=mounts the program
 * has mounts of its own (run_names.c).
 */

#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ask.h"
#include "image.h"
#include "preload/filter.h"
#include "preload/notify.h"
#include "preload/supervisor.h"
#include "rules/rules.h"
#include "run_names.h"
#include "run_plan.h"
#include "run_publish.h"
#include "run_shim.h"
#include <vdestack.h>

/* As env(1) and timeout(1): the program's own status is passed on by execve(2) itself. */
#define STATUS_FAILED 125
#define STATUS_CANNOT_EXECUTE 126
#define STATUS_NOT_FOUND 127

static const char help[] =
	"Usage: vdestack run [OPTION...] CONFIG... -- PROGRAM [ARGUMENT...]\n"
	"Runs PROGRAM with its sockets in a network stack, configured by CONFIG as in vdestack_config(7).\n"
	"  --any                  for every program: the same as --engine=supervise\n"
	"  --engine=preload|supervise  otherwise the program decides\n"
	"  --require              fail if the preload engine cannot be used\n"
	"  --names=mounts|host    resolv.conf and hosts of the stack or of the host; otherwise the engine "
	"decides\n"
	"  --allow-io-uring       io_uring makes sockets of the host's network\n"
	"  --stack NAME=CONFIG    one more stack, for rules\n"
	"  --rule RULE, --rules FILE  which sockets are in which stack\n"
	"  --publish [HOSTADDR:]PORT:[STACKADDR:]PORT[/udp]  a port of the host leads into the stack\n"
	"  --publish-host [STACKADDR:]PORT:[HOSTADDR:]PORT[/udp]  a port of the stack leads to the host\n"
	"  -v, --verbose          write what is done and why\n"
	"  --help, --version\n"
	"Exit status: that of PROGRAM; 125 vdestack failed, 126 PROGRAM cannot be executed, 127 there is "
	"none.\n";

enum engine { ENGINE_CHOOSE, ENGINE_PRELOAD, ENGINE_SUPERVISE };
enum names { NAMES_CHOOSE, NAMES_MOUNTS, NAMES_HOST };

struct options {
	enum engine engine;
	enum names names; /* NAMES_CHOOSE: not asked for */
	bool require, io_uring, verbose;
	struct vs_run_plan plan;
	char **program; /* its arguments */
};

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	char text[3000];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)fprintf(stderr, "vdestack run: %s\n", text);
}

/* ------------------------------------------------------------------ options */

enum {
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_ANY,
	OPT_ENGINE,
	OPT_REQUIRE,
	OPT_NAMES,
	OPT_IO_URING,
	OPT_STACK,
	OPT_RULE,
	OPT_RULES,
	OPT_PUBLISH,
	OPT_PUBLISH_HOST
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "any", no_argument, NULL, OPT_ANY },
	{ "engine", required_argument, NULL, OPT_ENGINE },
	{ "require", no_argument, NULL, OPT_REQUIRE },
	{ "names", required_argument, NULL, OPT_NAMES },
	{ "allow-io-uring", no_argument, NULL, OPT_IO_URING },
	{ "stack", required_argument, NULL, OPT_STACK },
	{ "rule", required_argument, NULL, OPT_RULE },
	{ "rules", required_argument, NULL, OPT_RULES },
	{ "publish", required_argument, NULL, OPT_PUBLISH },
	{ "publish-host", required_argument, NULL, OPT_PUBLISH_HOST },
	{ "verbose", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

/* The status to exit with, or -1 to go on. */
static int show(const char *name, const char *text)
{
	return printf("%s%s\n", name, text) < 0 || fflush(stdout) != 0 ? STATUS_FAILED : 0;
}

static bool set_engine(struct options *o, const char *name)
{
	if (strcmp(name, "preload") == 0)
		o->engine = ENGINE_PRELOAD;
	else if (strcmp(name, "supervise") == 0)
		o->engine = ENGINE_SUPERVISE;
	else
		complain("--engine=%s: the engines are preload and supervise", name);
	return o->engine != ENGINE_CHOOSE;
}

static bool set_names(struct options *o, const char *word)
{
	if (strcmp(word, "mounts") == 0)
		o->names = NAMES_MOUNTS;
	else if (strcmp(word, "host") == 0)
		o->names = NAMES_HOST;
	else
		complain("--names=%s: names are those of mounts or host", word);
	return o->names != NAMES_CHOOSE;
}

static int take_option(struct options *o, int c)
{
	int r = 0;

	switch (c) {
	case OPT_HELP:
		return show("", help);
	case OPT_VERSION:
		return show("vdestack ", vdestack_version());
	case OPT_ANY:
		o->engine = ENGINE_SUPERVISE;
		return -1;
	case OPT_ENGINE:
		return set_engine(o, optarg) ? -1 : STATUS_FAILED;
	case OPT_NAMES:
		return set_names(o, optarg) ? -1 : STATUS_FAILED;
	case OPT_REQUIRE:
		o->require = true;
		return -1;
	case OPT_IO_URING:
		o->io_uring = true;
		return -1;
	case 'v':
		o->verbose = true;
		return -1;
	case OPT_PUBLISH:
	case OPT_PUBLISH_HOST:
		r = vs_run_publish_add(c == OPT_PUBLISH ? VS_PUBLISH_IN : VS_PUBLISH_OUT, optarg,
				       o->plan.message, sizeof(o->plan.message));
		break;
	case OPT_STACK:
		r = vs_run_plan_stack(&o->plan, optarg);
		break;
	case OPT_RULE:
		r = vs_run_plan_rule(&o->plan, optarg);
		break;
	case OPT_RULES:
		r = vs_run_plan_file(&o->plan, optarg);
		break;
	default:
		return STATUS_FAILED; /* getopt(3) has written a message */
	}
	if (r < 0)
		complain("%s", o->plan.message);
	return r < 0 ? STATUS_FAILED : -1;
}

/* What stands before "--" is for this command, the rest is the program. */
static int parse(struct options *o, int argc, char *argv[])
{
	int own = 1, c, status = -1;

	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;
	o->program = own < argc ? argv + own + 1 : argv + argc;
	argv[0] = (char *)"vdestack run"; /* for the messages of getopt(3) */
	while (status < 0 && (c = getopt_long(own, argv, "v", long_options, NULL)) != -1)
		status = take_option(o, c);
	if (status >= 0)
		return status;
	if (o->program[0] == NULL) {
		complain("there is no program: vdestack run CONFIG -- PROGRAM ARGUMENT...");
		return STATUS_FAILED;
	}
	for (int i = optind; i < own; i++)
		if (vs_run_plan_config(&o->plan, argv[i]) < 0)
			return STATUS_FAILED;
	return -1;
}

/* ------------------------------------------------------------------ the engine */

static const enum engine engine_of[VS_IMAGE_KINDS] = {
	[VS_IMAGE_GLIBC] = ENGINE_PRELOAD,        [VS_IMAGE_STATIC] = ENGINE_SUPERVISE,
	[VS_IMAGE_OTHER_LIBC] = ENGINE_SUPERVISE, [VS_IMAGE_GO] = ENGINE_SUPERVISE,
	[VS_IMAGE_PRIVILEGED] = ENGINE_SUPERVISE, [VS_IMAGE_OTHER_MACHINE] = ENGINE_SUPERVISE,
	[VS_IMAGE_UNREADABLE] = ENGINE_PRELOAD, /* its supervisor answers if that is wrong */
	[VS_IMAGE_UNKNOWN] = ENGINE_PRELOAD,    /* execvp(3) gives it to the shell */
};

/* False: the engine that is required cannot be used. */
static bool choose_engine(struct options *o, const char *path, const char *shim)
{
	const char *reason = "to be run so";

	if (o->engine == ENGINE_CHOOSE) {
		enum vs_image kind = vs_image_look(path);
		o->engine = engine_of[kind];
		reason = vs_image_text(kind);
	}
	if (o->engine == ENGINE_PRELOAD && shim == NULL) {
		if (o->require) {
			complain("%s cannot be preloaded: it is not where this command expects it, or its "
				 "path has a "
				 "blank or a colon; install it, or use --any",
				 VS_SHIM_NAME);
			return false;
		}
		o->engine = ENGINE_SUPERVISE;
		reason = "dynamic, but there is no " VS_SHIM_NAME;
		complain("warning: there is no %s, so the supervisor makes every socket, which takes longer",
			 VS_SHIM_NAME);
	}
	if (o->verbose)
		complain("engine %s: %s is %s", o->engine == ENGINE_PRELOAD ? "preload" : "supervise", path,
			 reason);
	return true;
}

/* With --require the library gives a child that has left the run no socket. */
static int set_environment(const struct options *o, const char *shim)
{
	const char *before = getenv("LD_PRELOAD");
	char *value = NULL;

	if (o->require && setenv("VDESTACK_RUN", "require", 1) < 0)
		return -1;
	if (before == NULL || before[0] == '\0')
		return setenv("LD_PRELOAD", shim, 1);
	if (asprintf(&value, "%s:%s", shim, before) < 0)
		return -1;
	int r = setenv("LD_PRELOAD", value, 1);
	free(value);
	return r;
}

/* ------------------------------------------------------------------ the supervisor and the filter */

/* Causes and remedies of the errors of vs_filter_install() and vs_notify_check(). */
static const char *why_no_filter(int err)
{
	switch (err) {
	case EBUSY:
		return "this process has a supervisor already; `vdestack run` cannot run in another "
		       "`vdestack run`, nor "
		       "in a container whose manager supervises system calls";
	case EINVAL:
		return "the kernel cannot answer system calls with descriptors; Linux 5.14 or later is "
		       "needed";
	case ENOSYS:
	case EPERM:
	case EACCES:
		return "seccomp filters are refused here; allow seccomp(2) and prctl(2) in the profile of "
		       "the container, or "
		       "use a kernel with CONFIG_SECCOMP_FILTER";
	case ENOTSUP:
		return "the system calls of this architecture are not known to it";
	default:
		return strerror(err);
	}
}

/* The mounts of the program. False: they are required, and cannot be made. */
static bool make_names(const struct options *o, const struct vs_run_ready *ready, int *resolv)
{
	char message[512];
	bool entered = false, required = o->names == NAMES_MOUNTS || o->require;
	int r = vs_run_names_make(ready->userns, ready->resolv, resolv, &entered, message, sizeof(message));

	if (r < 0)
		complain("%s/etc/resolv.conf and /etc/hosts %s: %s", required ? "" : "warning: ",
			 required ? "cannot be those of the stack; --names=host takes the host's"
				  : "are those of the host",
			 message);
	else if (o->verbose)
		complain("/etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf are those of the stack; mounts "
			 "of the program are not seen outside");
	if (entered && o->verbose)
		complain("the program is in the user namespace of the stack: files of other users belong to "
			 "nobody, other groups are shown as nogroup, and it cannot be traced together with "
			 "processes outside; --names=host avoids this");
	return r == 0 || !required;
}

/* What names and interfaces are, besides the preloaded library. */
static void report_names(const struct options *o, const struct vs_run *run, const struct vs_run_ready *ready)
{
	if (!run->resolvconf)
		complain("/etc/resolv.conf and /etc/hosts are those of the host");
	if (!ready->interfaces && run->resolver < run->n_stacks && o->engine == ENGINE_SUPERVISE)
		complain("unix sockets show the interfaces of the host, because the supervisor may not read "
			 "the program; set sysctl kernel.yama.ptrace_scope=0");
}

static bool install(const struct options *o, const struct vs_run *run, const struct vs_run_ready *ready)
{
	struct vs_filter_opts filter = { .addresses = run->addresses,
					 .interfaces = ready->interfaces,
					 .io_uring = o->io_uring,
					 .pass = run->pass };
	bool no_new_privs = false;
	int listener = vs_filter_install(&filter, &no_new_privs);
	int r = listener < 0 ? listener : vs_notify_check(listener), resolv = -1;

	if (r == 0 && run->resolvconf && !make_names(o, ready, &resolv))
		return false;
	if (r == 0)
		r = vs_supervisor_hand_over(run, ready, listener, resolv);
	if (r < 0) {
		complain("the program cannot be supervised: %s", why_no_filter(-r));
		return false;
	}
	if (o->verbose && no_new_privs)
		complain("the program and its children can gain no privileges by set-user-ID programs, "
			 "because this "
			 "process has no CAP_SYS_ADMIN");
	return true;
}

/* VDESTACK_DEBUG: 1 is standard error, other texts are the name of a file. -1: there is no log. */
static int open_log(void)
{
	const char *where = getenv("VDESTACK_DEBUG");

	if (where == NULL || where[0] == '\0' || strcmp(where, "0") == 0)
		return -1;
	int fd = strcmp(where, "1") == 0
			 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
			 : open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		complain("warning: no log: VDESTACK_DEBUG=%s: %s", where, strerror(errno));
	return fd;
}

/* Here the inner supervisor and its keeper would get the sockets of the outer run's stack. */
static bool is_in_run(void)
{
	int fd = vs_ask(VS_ASK_RUN, 0, 0, 0, 0);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* What rules need and this run does not have. */
static bool check_rules(const struct options *o, const struct vs_run *run)
{
	bool by_name = run->rules != NULL && (vs_rules_needs(run->rules) & VS_RULES_NEED_NAMES) != 0;

	if (by_name && o->engine == ENGINE_SUPERVISE) {
		complain("rules with name= need the engine preload: only the preloaded library sees which "
			 "name gave an address; use remote= instead");
		return false;
	}
	if (by_name && o->verbose)
		complain("rules with name= do not hold in children that cannot have the preloaded library, "
			 "such as static programs");
	return true;
}

/* The stack of a socket of which the rules know nothing else answers for names and interfaces. */
static size_t choose_resolver(const struct vs_run *run)
{
	const struct vs_rules_call call = { .stage = VS_RULES_AT_CONNECT,
					    .family = AF_INET,
					    .type = SOCK_STREAM };

	if (run->rules == NULL)
		return 0;
	struct vs_rules_decision d = vs_rules_decide(run->rules, &call);
	return d.verdict == VS_RULES_STACK ? d.stack : run->n_stacks;
}

static bool prepare(struct options *o)
{
	static struct vs_run run; /* its stacks and rules are valid as long as the process */
	static struct vs_run_ready ready;

	run.log = open_log();
	run.beside = vs_run_publish();
	if (vs_run_plan_finish(&o->plan, &run) < 0) {
		complain("%s", o->plan.message);
		return false;
	}
	if (run.n_stacks == 0 && run.beside != NULL) {
		complain("a published port needs a stack; add one: --stack NAME=CONFIG");
		return false;
	}
	if (!check_rules(o, &run))
		return false;
	run.resolver = choose_resolver(&run);
	run.resolvconf =
		run.resolver < run.n_stacks &&
		(o->names == NAMES_MOUNTS || (o->names == NAMES_CHOOSE && o->engine == ENGINE_SUPERVISE));
	run.flags = (run.log >= 0 ? VS_ASK_DEBUG : 0u) | (o->require ? VS_ASK_REQUIRE : 0u);
	if (is_in_run()) {
		complain("the program cannot be supervised: %s", why_no_filter(EBUSY));
		return false;
	}
	int r = vs_supervisor_choose_pass(run.pass);
	if (r < 0) {
		complain("no random numbers: %s", strerror(-r));
		return false;
	}
	if (vs_supervisor_start(&run, &ready) < 0) {
		complain("%s", ready.message);
		return false;
	}
	if (ready.message[0] != '\0')
		complain("warning: %s", ready.message);
	if (o->verbose)
		report_names(o, &run, &ready);
	return install(o, &run, &ready);
}

/* ------------------------------------------------------------------ the command */

/* A descriptor of ours must not take the place of a standard stream that is closed. */
static void occupy_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

static int failed_program(const char *name, int err)
{
	complain("%s: %s", name, strerror(err));
	return err == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE;
}

/* Returns only if it fails. */
static int execute(struct options *o, const char *path, const char *shim)
{
	if (!choose_engine(o, path, shim) || !prepare(o))
		return STATUS_FAILED;
	if (o->engine == ENGINE_PRELOAD && set_environment(o, shim) < 0) {
		complain("no memory for the environment");
		return STATUS_FAILED;
	}
	(void)execvp(o->program[0], o->program);
	if (errno == ENOENT) { /* the file is there: it has been found */
		complain("%s: its interpreter or its dynamic loader is missing", o->program[0]);
		return STATUS_CANNOT_EXECUTE;
	}
	return failed_program(o->program[0], errno);
}

int vs_run_main(int argc, char *argv[])
{
	static struct options o;
	char *path = NULL;

	occupy_streams();
	int status = parse(&o, argc, argv);
	if (status >= 0)
		return status;
	int r = vs_image_find(o.program[0], &path);
	if (r < 0)
		return failed_program(o.program[0], -r);
	char *shim = vs_shim_find();
	status = execute(&o, path, shim);
	free(shim);
	free(path);
	return status;
}
