/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_STREAMS_H
#define VS_CORE_STREAMS_H

/*
 * The standard streams of a command, as the options say. The descriptors for the command go to its runner in
 * the message that begins the request (wire/command.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdestack.h>

struct vs_streams {
	uint32_t replaced; /* bit i: standard stream i is not that of the program */
	int theirs[3];     /* the command's descriptor for it, else -1 */
	bool made[3];      /* it was opened here */
	int ours[3];       /* the program's end of a pipe, else -1 */
};

/* No stream is replaced, nothing is open. */
void vs_streams_init(struct vs_streams *streams);

/* Opens pipes and /dev/null. 0, or -errno with a message; then nothing is open. */
int vs_streams_open(struct vs_streams *streams, const struct vdestack_cmd_opts *opts);

/* Writes the descriptors of the streams that are replaced, in their order. Returns how many. */
size_t vs_streams_list(const struct vs_streams *streams, int fds[3]);

/* Closes what is for the command: its copies are with the runner, or are not needed. */
void vs_streams_close_theirs(struct vs_streams *streams);
/* Closes everything. */
void vs_streams_close(struct vs_streams *streams);

#endif
