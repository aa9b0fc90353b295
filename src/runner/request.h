/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RUNNER_REQUEST_H
#define VS_RUNNER_REQUEST_H

/* The request to a runner, as it comes from the program (wire/command.h). */

#include "wire/command.h"

struct vs_runner_request {
	struct vs_command_start start;
	char *strings;
	char **argv;
	char **envp;     /* the command's environment; NULL: this process's */
	const char *cwd; /* the command's directory; NULL: this process's */
	int streams[3];  /* the command's standard streams; -1: this process's. Above 2 */
};

/*
 * Receives a request. All of it is checked, because the library's file may have been replaced since the
 * program loaded it. 0, or -errno with a message. Call vs_request_end() after both.
 */
int vs_request_receive(int control, struct vs_runner_request *request);

/* Closes the descriptors, which are of no more use when the command has its own. */
void vs_request_close_streams(struct vs_runner_request *request);
void vs_request_end(struct vs_runner_request *request);

#endif
