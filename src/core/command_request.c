/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The request to a runner: options, capabilities and strings of the caller are checked and measured. */

#include "command_request.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/opts.h"
#include "environment.h"
#include <vdestack.h>

static int read_options(const struct vdestack_cmd_opts *from, struct vdestack_cmd_opts *to)
{
	int r = vs_opts_read(from, sizeof(from->size), to, sizeof(*to));

	if (r < 0)
		return vs_opts_fail(r, "start a command", "vdestack_cmd_opts");
	if (!vs_timeout_valid(to->timeout_ms))
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.timeout_ms is %d; -1 and 0 "
				       "mean no limit", to->timeout_ms);
	if (to->reserved != 0)
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.reserved is %d; it must be "
				       "0", to->reserved);
	if (to->flags == 0)
		return 0;
	return vs_fail(EINVAL, "cannot start a command: unknown bits in vdestack_cmd_opts.flags: 0x%x; none "
			       "are defined yet", to->flags);
}

static int read_caps(uint64_t caps, struct vs_command_start *start)
{
	const uint64_t known = (UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1;

	if (caps == VDESTACK_CAPS_ALL) {
		start->caps = ~UINT64_C(0); /* of which it gets those that there are */
		return 0;
	}
	start->caps_explicit = caps != 0 && caps != VDESTACK_CAPS_NONE;
	start->caps = caps == 0 ? VDESTACK_CAPS_NETWORK : caps & ~VDESTACK_CAPS_NONE;
	if ((caps & VDESTACK_CAPS_ALL) != 0)
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.caps has "
				       "VDESTACK_CAPS_ALL together with others");
	if ((start->caps & ~known) != 0)
		return vs_fail(EINVAL, "cannot start a command: unknown bits in vdestack_cmd_opts.caps: "
				       "0x%llx", (unsigned long long)(start->caps & ~known));
	if ((caps & VDESTACK_CAPS_NONE) != 0 && start->caps != 0)
		return vs_fail(EINVAL, "cannot start a command: vdestack_cmd_opts.caps has "
				       "VDESTACK_CAPS_NONE together with others");
	return 0;
}

static int measure_args(char *const argv[], struct vs_command_start *start)
{
	size_t bytes = 0, n = 0;

	if (argv == NULL || argv[0] == NULL)
		return vs_fail(EINVAL, "cannot start a command: argv is empty; argv[0] names the command");
	for (; argv[n] != NULL && bytes <= VS_COMMAND_ARGS_BYTES_MAX; n++)
		bytes += strlen(argv[n]) + 1;
	if (bytes > VS_COMMAND_ARGS_BYTES_MAX)
		return vs_fail(E2BIG, "cannot start \"%.*s\": its arguments are longer than any system takes",
			       VS_COMMAND_NAME_SHOWN, argv[0]);
	start->argc = (uint32_t)n;
	start->args_bytes = (uint32_t)bytes;
	return 0;
}

/*
 * The runner's environment may lack some variables (environment.c). The command gets the program's, as with
 * any exec.
 */
static int measure_environment(const struct vdestack_cmd_opts *options, struct vs_command_start *start,
			       struct vs_command_parts *parts)
{
	size_t bytes = start->args_bytes, n = 0;

	if (options->envp != NULL)
		parts->envp = options->envp;
	start->own_env = options->envp == NULL && !vs_environment_differs();
	if (start->own_env)
		return 0;
	for (; parts->envp[n] != NULL && bytes <= VS_COMMAND_ARGS_BYTES_MAX; n++)
		bytes += strlen(parts->envp[n]) + 1;
	if (bytes > VS_COMMAND_ARGS_BYTES_MAX)
		return vs_fail(E2BIG, "cannot start \"%.*s\": its arguments and environment are longer than "
				      "any system takes", VS_COMMAND_NAME_SHOWN, parts->argv[0]);
	start->envc = (uint32_t)n;
	start->args_bytes = (uint32_t)bytes;
	return 0;
}

static int measure_directory(const struct vdestack_cmd_opts *options, struct vs_command_start *start,
			     struct vs_command_parts *parts)
{
	size_t bytes = options->cwd != NULL ? strlen(options->cwd) + 1 : 0;

	parts->cwd = options->cwd;
	start->has_cwd = options->cwd != NULL;
	if (bytes > VS_COMMAND_ARGS_BYTES_MAX - start->args_bytes)
		return vs_fail(ENAMETOOLONG, "cannot start \"%.*s\": the name of its directory is too long",
			       VS_COMMAND_NAME_SHOWN, parts->argv[0]);
	start->args_bytes += (uint32_t)bytes;
	return 0;
}

static int measure(const struct vdestack_cmd_opts *options, char *const argv[],
		   struct vs_command_start *start, struct vs_command_parts *parts)
{
	int r = measure_args(argv, start);

	parts->argv = argv;
	if (r == 0)
		r = measure_environment(options, start, parts);
	return r == 0 ? measure_directory(options, start, parts) : r;
}

int vs_command_request_fill(struct vs_command_start *start, struct vs_command_parts *parts,
			    char *const argv[], const struct vdestack_cmd_opts *opts)
{
	struct vdestack_cmd_opts options;
	int r;

	memset(start, 0, sizeof(*start));
	start->version = VS_COMMAND_VERSION;
	if ((r = read_options(opts, &options)) < 0 || (r = read_caps(options.caps, start)) < 0 ||
	    (r = measure(&options, argv, start, parts)) < 0)
		return r;
	start->timeout_ms = options.timeout_ms > 0 ? (uint32_t)options.timeout_ms : 0;
	if ((r = vs_caps_permitted(&start->caller_caps)) < 0)
		return vs_fail(-r, "cannot start \"%.*s\": this thread's capabilities cannot be read: %s",
			       VS_COMMAND_NAME_SHOWN, argv[0], strerror(-r));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &start->mask); /* cannot fail */
	r = vs_streams_open(&parts->streams, &options);
	start->streams = parts->streams.replaced;
	return r;
}

/* Returns the end of the copy; NULL: it does not fit. */
static char *append(char *at, const char *end, const char *text)
{
	return at != NULL ? memccpy(at, text, '\0', (size_t)(end - at)) : NULL;
}

char *vs_command_request_join(const struct vs_command_parts *parts, const struct vs_command_start *start)
{
	char *all = calloc(start->args_bytes, 1), *at = all;

	if (all == NULL)
		return NULL;
	const char *end = all + start->args_bytes;
	for (uint32_t i = 0; i < start->argc; i++)
		at = append(at, end, parts->argv[i]);
	for (uint32_t i = 0; i < start->envc; i++)
		at = append(at, end, parts->envp[i]);
	if (start->has_cwd)
		(void)append(at, end, parts->cwd);
	return all;
}
