/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The standard streams of a command.
 *
 * The program opens what the command gets, so everything has the meaning and the rights of the program: its
 * descriptors, its /dev/null, pipes of its own. The runner gets descriptors and does not know what they are.
 */

#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "wire/fdmsg.h"

static const char *const names[3] = { "in", "out", "err" };

void vs_streams_init(struct vs_streams *streams)
{
	streams->replaced = 0;
	for (int i = 0; i < 3; i++) {
		streams->theirs[i] = streams->ours[i] = -1;
		streams->made[i] = false;
	}
}

/* The descriptor is the caller's, and stays open here. */
static int take(struct vs_streams *streams, int i, int fd)
{
	if (fcntl(fd, F_GETFD) < 0)
		return vs_fail(errno,
			       "cannot start a command: vdestack_cmd_opts.%s is %d, which is not an open "
			       "descriptor",
			       names[i], fd);
	streams->theirs[i] = fd;
	return 0;
}

static int fail_to_open(int i, int err, const char *what)
{
	return vs_fail(err, "cannot start a command: no %s for vdestack_cmd_opts.%s: %s", what, names[i],
		       strerror(err));
}

static int open_null(struct vs_streams *streams, int i)
{
	int fd = open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);

	if (fd < 0)
		return fail_to_open(i, errno, "/dev/null");
	streams->theirs[i] = fd;
	streams->made[i] = true;
	return 0;
}

/* The program's end is moved if it has the number of a standard stream that the program does not have. */
static int open_pipe(struct vs_streams *streams, int i)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_to_open(i, errno, "pipe");
	streams->theirs[i] = ends[i == 0 ? 0 : 1];
	streams->made[i] = true;
	streams->ours[i] = ends[i == 0 ? 1 : 0];
	int r = streams->ours[i] > 2 ? 0 : vs_fd_raise(&streams->ours[i], 3);
	return r < 0 ? fail_to_open(i, -r, "pipe") : 0;
}

/* out is open already. If it is the program's, that is its descriptor 1. */
static int copy_out(struct vs_streams *streams, int i)
{
	if (i == 2)
		return take(streams, i, streams->theirs[1] >= 0 ? streams->theirs[1] : 1);
	return vs_fail(EINVAL,
		       "cannot start a command: vdestack_cmd_opts.%s is VDESTACK_AS_OUT, which is for err "
		       "only",
		       names[i]);
}

static int open_one(struct vs_streams *streams, int i, int want)
{
	switch (want) {
	case VDESTACK_INHERIT:
		return 0;
	case VDESTACK_PIPE:
		return open_pipe(streams, i);
	case VDESTACK_NULL:
		return open_null(streams, i);
	case VDESTACK_AS_OUT:
		return copy_out(streams, i);
	case -1:
		return vs_fail(EINVAL,
			       "cannot start a command: vdestack_cmd_opts.%s is -1; did the call fail that "
			       "opens it?",
			       names[i]);
	default:
		if (want > 0)
			return take(streams, i, want);
		return vs_fail(EINVAL,
			       "cannot start a command: vdestack_cmd_opts.%s is %d; give a descriptor, "
			       "VDESTACK_PIPE, VDESTACK_NULL, or 0 for the program's own",
			       names[i], want);
	}
}

int vs_streams_open(struct vs_streams *streams, const struct vdestack_cmd_opts *opts)
{
	const int want[3] = { opts->in, opts->out, opts->err };
	int r = 0;

	vs_streams_init(streams);
	for (int i = 0; r == 0 && i < 3; i++) {
		if (want[i] == VDESTACK_PIPE && opts->pipe_fds == NULL)
			r = vs_fail(EINVAL,
				    "cannot start a command: vdestack_cmd_opts.%s is VDESTACK_PIPE, but "
				    "pipe_fds is NULL; give an array of three int",
				    names[i]);
		else
			r = open_one(streams, i, want[i]);
		if (streams->theirs[i] >= 0)
			streams->replaced |= 1u << i;
	}
	if (r < 0)
		vs_streams_close(streams);
	return r;
}

size_t vs_streams_list(const struct vs_streams *streams, int fds[3])
{
	size_t n = 0;

	for (int i = 0; i < 3; i++)
		if ((streams->replaced & 1u << i) != 0)
			fds[n++] = streams->theirs[i];
	return n;
}

void vs_streams_close_theirs(struct vs_streams *streams)
{
	for (int i = 0; i < 3; i++) {
		if (streams->made[i])
			vs_close(streams->theirs[i]);
		streams->made[i] = false;
		streams->theirs[i] = -1;
	}
}

void vs_streams_close(struct vs_streams *streams)
{
	vs_streams_close_theirs(streams);
	for (int i = 0; i < 3; i++)
		vs_close(vs_steal_fd(&streams->ours[i]));
}
