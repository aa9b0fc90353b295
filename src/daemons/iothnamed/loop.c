/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

int nm_loop_new(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int control(int loop, int what, struct nm_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .ptr = source } };

	return epoll_ctl(loop, what, source->fd, &event) < 0 ? -errno : 0;
}

int nm_loop_add(int loop, struct nm_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int nm_loop_change(int loop, struct nm_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, source, events);
}

void nm_loop_remove(int loop, struct nm_source *source)
{
	if (source->fd >= 0)
		(void)control(loop, EPOLL_CTL_DEL, source, 0);
}

int nm_loop_once(int loop, int timeout_ms)
{
	struct epoll_event event;
	int n = epoll_wait(loop, &event, 1, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 1) {
		struct nm_source *source = event.data.ptr;
		source->ready(source, event.events);
	}
	return 0;
}
