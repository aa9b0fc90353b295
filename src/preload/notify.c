/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

int vs_notify_check(int listener)
{
	/* No notification has this number: ENOENT from a kernel that knows the flag, EINVAL from others. */
	struct seccomp_notif_addfd add = { .id = 0,
					   .flags = SECCOMP_ADDFD_FLAG_SEND,
					   .srcfd = (uint32_t)listener };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int vs_notify_open(struct vs_notify *n, int listener)
{
	struct seccomp_notif_sizes sizes;

	*n = (struct vs_notify){ .listener = -1 };
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	n->request_size =
		sizes.seccomp_notif > sizeof(*n->request) ? sizes.seccomp_notif : sizeof(*n->request);
	n->response_size = sizes.seccomp_notif_resp > sizeof(*n->response) ? sizes.seccomp_notif_resp
									   : sizeof(*n->response);
	n->request = calloc(1, n->request_size);
	n->response = calloc(1, n->response_size);
	if (n->request == NULL || n->response == NULL) {
		vs_notify_close(n);
		return -ENOMEM;
	}
	n->listener = listener;
	/* The two processes take turns: their wake-ups need no other processor (Linux 6.6). */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	return 0;
}

void vs_notify_close(struct vs_notify *n)
{
	free(n->request);
	free(n->response);
	if (n->listener >= 0)
		(void)close(n->listener);
	*n = (struct vs_notify){ .listener = -1 };
}

int vs_notify_receive(struct vs_notify *n)
{
	memset(n->request, 0, n->request_size); /* the kernel refuses other content */
	if (ioctl(n->listener, SECCOMP_IOCTL_NOTIF_RECV, n->request) == 0)
		return 1;
	return errno == ENOENT || errno == EINTR ? 0 : -errno;
}

bool vs_notify_valid(const struct vs_notify *n)
{
	return ioctl(n->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->request->id) == 0;
}

static int add(struct vs_notify *n, int fd, int number, uint32_t flags, bool cloexec)
{
	struct seccomp_notif_addfd a = { .id = n->request->id,
					 .flags = flags,
					 .srcfd = (uint32_t)fd,
					 .newfd = (uint32_t)number,
					 .newfd_flags = cloexec ? O_CLOEXEC : 0 };
	int r;

	do {
		r = ioctl(n->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int vs_notify_give(struct vs_notify *n, int fd, bool cloexec)
{
	return add(n, fd, 0, SECCOMP_ADDFD_FLAG_SEND, cloexec);
}

int vs_notify_replace(struct vs_notify *n, int fd, int number, bool cloexec)
{
	return add(n, fd, number, SECCOMP_ADDFD_FLAG_SETFD, cloexec);
}

static int respond(struct vs_notify *n, int error, uint32_t flags)
{
	memset(n->response, 0, n->response_size);
	n->response->id = n->request->id;
	n->response->error = error;
	n->response->flags = flags;
	return ioctl(n->listener, SECCOMP_IOCTL_NOTIF_SEND, n->response) < 0 ? -errno : 0;
}

int vs_notify_succeed(struct vs_notify *n)
{
	return respond(n, 0, 0);
}

int vs_notify_fail(struct vs_notify *n, int err)
{
	return respond(n, -err, 0);
}

int vs_notify_continue(struct vs_notify *n)
{
	return respond(n, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}
