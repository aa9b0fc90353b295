/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_COMMAND_REQUEST_H
#define VS_CORE_COMMAND_REQUEST_H

/* What the program sends to a runner. */

#include "streams.h"
#include "wire/command.h"

#define VS_COMMAND_NAME_SHOWN 100 /* bytes of the command's name in a message */

/* What a request has besides its fixed part. */
struct vs_command_parts {
	char *const *argv;
	char *const *envp; /* if start.own_env is 0 */
	const char *cwd;   /* if start.has_cwd is 1 */
	struct vs_streams streams;
};

/*
 * Fills in the request, except the strings themselves. Takes the caller's signal mask. On success the
 * descriptors in parts->streams are open. parts->envp is the environment, if the
 * options have none. 0 or -errno, message recorded.
 */
int vs_command_request_fill(struct vs_command_start *start, struct vs_command_parts *parts,
			    char *const argv[], const struct vdestack_cmd_opts *opts);

/*
 * All strings of a request, one after the other; for free(3). NULL: no memory. If a string has changed since
 * it was measured, the runner refuses the result.
 */
char *vs_command_request_join(const struct vs_command_parts *parts, const struct vs_command_start *start);

#endif
