/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_SYSTEM_CALLS_H
#define VS_IOTH_SYSTEM_CALLS_H

/*
 * The calls of a stack whose sockets are the kernel's: libc's own functions. libioth recognizes them by
 * their address and calls them without further work.
 */

#include <fcntl.h>
#include <ioth.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Not the program's socket(): libvdestack may have replaced it, and makes sockets of another network then.
 */
static inline int vs_ioth_host_socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, domain, type, protocol);
}

/* ioctl(2) and fcntl(2) have a variable argument. */
static inline int vs_ioth_host_ioctl(int fd, unsigned long cmd, void *argp)
{
	return ioctl(fd, cmd, argp);
}

static inline int vs_ioth_host_fcntl(int fd, int cmd, long val)
{
	return fcntl(fd, cmd, val);
}

/*
 * All members from close on, apart from those for libiothconf. The casts: glibc's socket calls take a
 * transparent union.
 */
static inline void vs_ioth_system_calls(struct ioth_functions *f)
{
	f->close = close;
	f->bind = (int (*)(int, const struct sockaddr *, socklen_t))(void *)bind;
	f->connect = (int (*)(int, const struct sockaddr *, socklen_t))(void *)connect;
	f->listen = listen;
	f->accept = (int (*)(int, struct sockaddr *, socklen_t *))(void *)accept;
	f->getsockname = (int (*)(int, struct sockaddr *, socklen_t *))(void *)getsockname;
	f->getpeername = (int (*)(int, struct sockaddr *, socklen_t *))(void *)getpeername;
	f->setsockopt = setsockopt;
	f->getsockopt = getsockopt;
	f->shutdown = shutdown;
	f->ioctl = vs_ioth_host_ioctl;
	f->fcntl = vs_ioth_host_fcntl;
	f->read = read;
	f->readv = readv;
	f->recv = recv;
	f->recvfrom = (ssize_t(*)(int, void *, size_t, int, struct sockaddr *, socklen_t *))(void *)recvfrom;
	f->recvmsg = recvmsg;
	f->write = write;
	f->writev = writev;
	f->send = send;
	f->sendto = (ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))(
		void *)sendto;
	f->sendmsg = sendmsg;
	f->accept4 = (int (*)(int, struct sockaddr *, socklen_t *, int))(void *)accept4;
	f->recvmmsg = (int (*)(int, struct mmsghdr *, unsigned, int, struct timespec *))(void *)recvmmsg;
	f->sendmmsg = sendmmsg;
	f->socketpair = socketpair;
}

#endif
