/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "registry_ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

int vs_registry_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	VS_AUTO_CLOSE fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : vs_steal_fd(&fd);
}

int vs_registry_ask(const char *path, struct vs_fdmsg *msg, int *channel)
{
	VS_AUTO_CLOSE fd = vs_registry_connect(path);
	int pair[2], on = 1;

	if (fd < 0)
		return fd;
	int r = vs_socketpair(pair);
	if (r < 0)
		return r;
	msg->fds[0] = pair[1];
	r = setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0
		    ? -errno
		    : vs_fdmsg_send(fd, msg, MSG_DONTWAIT);
	vs_close(pair[1]);
	if (r < 0)
		vs_close(pair[0]);
	else
		*channel = pair[0];
	return r;
}

bool vs_registry_is_reply(const struct vs_reply *reply, ssize_t len, const struct vs_fdmsg *msg)
{
	return len >= (ssize_t)sizeof(*reply) && reply->type == VS_REPLY_TYPE && msg->creds.uid == geteuid();
}
