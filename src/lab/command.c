/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands in hosts, which know the names of all hosts. Programs look names up in /etc/hosts, which is the
 * same file in all network namespaces. So a command is started through a small program of this library,
 * lab-names: it mounts the hosts file of the lab over /etc/hosts in a mount namespace of its own, gives up
 * the capability that this needs, and executes the command.
 *
 *     libvdestack-lab - vdestack_spawn() -> lab-names HOSTS keep|drop COMMAND... - execve() -> COMMAND
 *
 * Where that is not possible (the program was installed without lab-names, or the caller may not mount), the
 * command is started by itself; the environment has the path of the file and the addresses in any case.
 */

#include "command.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "directory.h"
#include "error.h"
#include "state.h"
#include <vdestack/lab.h>

#define CAP_TO_MOUNT VDESTACK_CAP(21) /* CAP_SYS_ADMIN */
#define CAP_TO_DROP VDESTACK_CAP(8)   /* CAP_SETPCAP */
#define OUR_VARIABLE "VDESTACK_LAB_"

extern char **environ;

/* ------------------------------------------------------------------ environment */

struct variables {
	char **list;
	size_t n, own; /* those before `own` belong to the program */
};

static void free_variables(struct variables *v)
{
	for (size_t i = v->own; i < v->n; i++)
		free(v->list[i]);
	free(v->list);
}

static int add_variable(struct variables *v, const char *name, const char *suffix, const char *value)
{
	char *text;

	if (asprintf(&text, OUR_VARIABLE "%s%s=%s", name, suffix, value) < 0)
		return -ENOMEM;
	for (char *c = text; *c != '='; c++)
		*c = (char)(isalnum((unsigned char)*c) ? toupper((unsigned char)*c) : '_');
	v->list[v->n++] = text;
	v->list[v->n] = NULL;
	return 0;
}

/* The program's environment without variables of another lab's command, and those of this one. */
static int make_variables(struct vdestack_lab *lab, size_t host, const char *hosts, struct variables *v)
{
	size_t count = 0;
	int r;

	while (environ != NULL && environ[count] != NULL)
		count++;
	v->list = calloc(count + lab->t->n_hosts + 3, sizeof(*v->list));
	if (v->list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], OUR_VARIABLE, strlen(OUR_VARIABLE)) != 0)
			v->list[v->n++] = environ[i];
	v->own = v->n;
	r = add_variable(v, "HOSTS", "", hosts);
	if (r == 0)
		r = add_variable(v, "HOST", "", lab->t->hosts[host].name);
	for (size_t i = 0; r == 0 && i < lab->t->n_hosts; i++) {
		char addr[INET6_ADDRSTRLEN];
		if (vdestack_lab_addr(lab, lab->t->hosts[i].name, 0, addr, sizeof(addr)) > 0)
			r = add_variable(v, "ADDR_", lab->t->hosts[i].name, addr);
	}
	return r;
}

/* ------------------------------------------------------------------ programs */

/* Where lab-names is: beside the file of this library. */
static bool find_names_program(char *path, size_t size)
{
	const char *slash;
	Dl_info info;
	int n;

	if (dladdr((const void *)vs_lab_spawn, &info) == 0 || info.dli_fname == NULL)
		return false;
	slash = strrchr(info.dli_fname, '/');
	if (slash == NULL)
		return false;
	n = snprintf(path, size, "%.*s/vdestack/lab-names", (int)(slash - info.dli_fname), info.dli_fname);
	return n > 0 && (size_t)n < size && access(path, X_OK) == 0;
}

/* Whether execvp() would find a command. lab-names could not report that it does not. */
static bool is_there(const char *command)
{
	const char *path = getenv("PATH"), *end;
	char file[4096];

	if (strchr(command, '/') != NULL)
		return true; /* relative to a directory that may be another one */
	for (path = path != NULL ? path : "/bin:/usr/bin"; *path != '\0';
	     path = *end == ':' ? end + 1 : end) {
		end = strchrnul(path, ':');
		int n = snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path, command);
		if (n > 0 && (size_t)n < sizeof(file) && access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* The command behind lab-names, for free(3). */
static char **behind_names(char *program, char *hosts, bool keep, char *const argv[])
{
	static char drop_word[] = "drop", keep_word[] = "keep";
	size_t n = 0;

	while (argv[n] != NULL)
		n++;
	char **all = calloc(n + 4, sizeof(*all));
	if (all == NULL)
		return NULL;
	all[0] = program;
	all[1] = hosts;
	all[2] = keep ? keep_word : drop_word;
	memcpy(all + 3, argv, n * sizeof(*argv));
	return all;
}

/* Through lab-names. -EPERM: this program may not mount. */
static int spawn_with_names(struct vdestack *stack, char *hosts, char *const argv[],
			    struct vdestack_cmd_opts opts, int *status_fd)
{
	bool keep = (opts.caps & (VDESTACK_CAPS_ALL | CAP_TO_MOUNT)) != 0;
	char program[4096];
	int pidfd;

	if (opts.caps == VDESTACK_CAPS_NONE || !find_names_program(program, sizeof(program)))
		return -EPERM;
	if (opts.caps == 0)
		opts.caps = VDESTACK_CAPS_NETWORK;
	if (opts.caps != VDESTACK_CAPS_ALL)
		opts.caps |= keep ? CAP_TO_MOUNT : CAP_TO_MOUNT | CAP_TO_DROP;
	char **all = behind_names(program, hosts, keep, argv);
	if (all == NULL)
		return -ENOMEM;
	pidfd = vdestack_spawn(stack, all, &opts, status_fd);
	int err = errno;
	free(all);
	return pidfd >= 0 ? pidfd : -err;
}

/* ------------------------------------------------------------------ starting */

static int read_opts(const struct vdestack_cmd_opts *given, struct vdestack_cmd_opts *opts)
{
	*opts = (struct vdestack_cmd_opts){ .size = sizeof(*opts) };
	if (given == NULL)
		return 0;
	if (given->size < sizeof(given->size) || given->size > sizeof(*opts))
		return vs_lab_error(EINVAL,
				    "options of another size; set it to sizeof(struct vdestack_cmd_opts)");
	memcpy(opts, given, given->size);
	opts->size = sizeof(*opts);
	return 0;
}

static int spawn(struct vdestack_lab *lab, size_t host, char *const argv[], struct vdestack_cmd_opts *opts,
		 char *hosts, int *pidfd, int *status_fd)
{
	struct vdestack *stack = lab->members[host].stack;
	struct variables v = { 0 };
	int r = 0;

	if (opts->envp == NULL) {
		if (!is_there(argv[0]))
			return vs_lab_error(ENOENT,
					    "host %s: there is no program %s; install it, or write its path",
					    lab->t->hosts[host].name, argv[0]);
		r = make_variables(lab, host, hosts, &v);
		opts->envp = v.list;
	}
	if (r == 0) {
		r = spawn_with_names(stack, hosts, argv, *opts, status_fd);
		if (r == -EPERM) {
			r = vdestack_spawn(stack, argv, opts, status_fd);
			r = r < 0 ? -errno : r;
		}
		if (r < 0 && r != -ENOMEM) {
			errno = -r;
			(void)vs_lab_error_below("host %s: %s", lab->t->hosts[host].name, argv[0]);
		}
	}
	free_variables(&v);
	if (r == -ENOMEM)
		return vs_lab_error(ENOMEM, "out of memory for a command");
	if (r < 0)
		return r;
	*pidfd = r;
	return 0;
}

int vs_lab_spawn(struct vdestack_lab *lab, size_t host, char *const argv[],
		 const struct vdestack_cmd_opts *given, int *pidfd, int *status_fd)
{
	struct vdestack_cmd_opts opts;
	int r = read_opts(given, &opts);

	if (r == 0 && (argv == NULL || argv[0] == NULL))
		r = vs_lab_error(EINVAL, "there is no command");
	if (r == 0)
		r = vs_lab_directory_make(lab);
	if (r < 0)
		return r;
	char *hosts = vs_lab_directory_path(lab, "hosts");
	r = hosts != NULL ? spawn(lab, host, argv, &opts, hosts, pidfd, status_fd)
			  : vs_lab_error(ENOMEM, "out of memory for a command");
	free(hosts);
	return r;
}

int vdestack_lab_spawn(struct vdestack_lab *lab, const char *host, char *const argv[],
		       const struct vdestack_cmd_opts *opts, int *status_fd)
{
	size_t index;
	int pidfd = -1, r = vs_lab_look_up_host(lab, host, true, &index);

	if (r == 0)
		r = vs_lab_spawn(lab, index, argv, opts, &pidfd, status_fd);
	return r < 0 ? vs_lab_edge(r) : pidfd;
}

/* The limit of the options is kept by the runner; the wait ends with it. */
static int run(struct vdestack_lab *lab, size_t host, char *const argv[],
	       const struct vdestack_cmd_opts *opts)
{
	int pidfd = -1, done = -1, status, r;
	bool limited = opts != NULL && opts->size >= offsetof(struct vdestack_cmd_opts, caps) &&
		       opts->timeout_ms > 0;
	int64_t deadline = vs_lab_deadline(limited ? opts->timeout_ms : -1);

	if (opts != NULL && opts->size >= sizeof(*opts) &&
	    (opts->in == VDESTACK_PIPE || opts->out == VDESTACK_PIPE || opts->err == VDESTACK_PIPE))
		return vs_lab_error(EINVAL, "a pipe would have no reader; use vdestack_lab_spawn()");
	r = vs_lab_spawn(lab, host, argv, opts, &pidfd, &done);
	if (r < 0)
		return r;
	r = vdestack_cmd_wait(done, &status, limited ? opts->timeout_ms + 5000 : -1);
	if (r < 0)
		r = vs_lab_error_below("host %s: %s", lab->t->hosts[host].name, argv[0]);
	else if (limited && vs_lab_left_ms(deadline) == 0 && status == SIGKILL)
		r = vs_lab_error(ETIMEDOUT, "host %s: %s was killed after %d ms", lab->t->hosts[host].name,
				 argv[0], opts->timeout_ms);
	(void)close(done);
	(void)close(pidfd);
	return r < 0 ? r : status;
}

int vdestack_lab_run(struct vdestack_lab *lab, const char *host, char *const argv[],
		     const struct vdestack_cmd_opts *opts)
{
	size_t index;
	int r = vs_lab_look_up_host(lab, host, true, &index);

	return vs_lab_edge(r == 0 ? run(lab, index, argv, opts) : r);
}
