/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Other sizes of queues and buffers than the library's, to compare them with its choice. Preloaded into the
 * program, and through it into the keeper (the program runs as root, so the keeper gets the environment):
 *
 *     BENCH_SOCKET_BUFFER=BYTES   of the sockets of links
 *     BENCH_TAP_QUEUE=FRAMES      of taps
 *     BENCH_TAP_BUFFER=BYTES      TUNSETSNDBUF, which the library leaves alone
 *     BENCH_TUNE_LOG=FILE         gets the values that the kernel reports as in force
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int wish(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? atoi(text) : 0;
}

static void tell(const char *what, int value)
{
	const char *path = getenv("BENCH_TUNE_LOG");
	int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	(void)dprintf(fd, "%s %d\n", what, value);
	close(fd);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	int size = wish("BENCH_SOCKET_BUFFER"), now = 0;
	int buffer = level == SOL_SOCKET && (option == SO_SNDBUF || option == SO_RCVBUF);
	socklen_t now_len = sizeof(now);

	if (buffer && size > 0) /* a measurement may exceed the system's limit */
		option = option == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
	long r = syscall(SYS_setsockopt, fd, level, option, buffer && size > 0 ? (const void *)&size : value,
			 len);
	if (buffer && getsockopt(fd, SOL_SOCKET,
				 option == SO_SNDBUF || option == SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF,
				 &now, &now_len) == 0)
		tell("socket buffer", now);
	return (int)r;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	int now;

	va_start(ap, request);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	if (request == SIOCSIFTXQLEN) {
		struct ifreq *ifr = arg;
		if (wish("BENCH_TAP_QUEUE") > 0)
			ifr->ifr_qlen = wish("BENCH_TAP_QUEUE");
		tell("tap queue", ifr->ifr_qlen);
	}
	long r = syscall(SYS_ioctl, fd, request, arg);
	if (r == 0 && request == TUNSETIFF) {
		int size = wish("BENCH_TAP_BUFFER");
		if (size > 0)
			(void)syscall(SYS_ioctl, fd, TUNSETSNDBUF, &size);
		if (syscall(SYS_ioctl, fd, TUNGETSNDBUF, &now) == 0)
			tell("tap buffer", now);
	}
	return (int)r;
}
