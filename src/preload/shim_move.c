/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Moves a socket of this process to another network: what move.h and watches.h do, in the order that they
 * need.
 *
 * The number of the socket is never free in between, so no other thread gets it. A failure before the new
 * socket is in place changes nothing. After it the old one is put back.
 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "move.h"
#include "shim.h"
#include "watches.h"

/* dup3(2) with the flag that the number has now. */
static int put(int from, int number)
{
	int flags = fcntl(number, F_GETFD);

	if (flags < 0)
		return -errno;
	return dup3(from, number, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0 ? -errno : 0;
}

/* `old` is a second descriptor of what `fd` is. */
static int replace(int fd, int old, int fresh, const struct vs_watches *watches)
{
	int r = vs_watches_leave(watches, fd);

	if (r < 0)
		return r;
	r = put(fresh, fd);
	if (r < 0) {
		(void)vs_watches_enter(watches, fd, fd);
		return r;
	}
	r = vs_watches_enter(watches, old, fd);
	if (r < 0 && put(old, fd) == 0)
		(void)vs_watches_enter(watches, fd, fd);
	return r;
}

int vs_shim_move(int fd, int reference, int fresh)
{
	VS_SHIM_INSIDE; /* the new socket is bound by bind(2), which is not to be decided again */
	struct vs_watches watches;
	const char *what;
	int old = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int r = old < 0 ? -errno : vs_move_socket(old, reference, fresh, &what);

	if (r == 0)
		r = vs_watches_find(0, -1, fd, fd, &watches);
	if (r == 0) {
		r = replace(fd, old, fresh, &watches);
		vs_watches_close(&watches);
	}
	if (old >= 0)
		(void)close(old);
	return r;
}
