/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Questions about interfaces on unix sockets, for programs without the preloaded library.
 *
 * The libraries of C that are linked into a program ask a unix socket for the index of an interface, and
 * some programs ask it for addresses and flags. A unix socket is in the host's network. So the supervisor
 * sends the request to a socket of the stack, and writes the answer to the memory of the caller. On other
 * sockets the kernel executes the call.
 *
 * The memory is reached by /proc/PID/mem. The descriptor stands for the memory of that process alone, and it
 * is opened before the question whether the caller still waits. So nothing is written to another process that
 * got the number later.
 *
 * A caller whose memory or descriptors cannot be read is not stopped here: its own socket answers. That
 * concerns programs that have made themselves unreadable.
 */

#define _GNU_SOURCE
#include "interfaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "answer_socket.h"
#include "caller.h"
#include "supervisor.h"
#include <vdestack.h>

#define LIST_MAX 65536 /* bytes of SIOCGIFCONF: 1638 interfaces */

/* A question: where it is asked, the caller's memory, the place of the argument there. */
struct asked {
	int fd, mem;
	uint64_t at;
};

static int get(const struct asked *q, uint64_t at, void *to, size_t size)
{
	return pread(q->mem, to, size, (off_t)at) == (ssize_t)size ? 0 : -EFAULT;
}

static int put(const struct asked *q, uint64_t at, const void *from, size_t size)
{
	return pwrite(q->mem, from, size, (off_t)at) == (ssize_t)size ? 0 : -EFAULT;
}

static int ask(const struct asked *q, unsigned long request, void *arg)
{
	return ioctl(q->fd, request, arg) < 0 ? -errno : 0;
}

static int ask_plain(const struct asked *q, unsigned long request)
{
	struct ifreq ifr;
	int r = get(q, q->at, &ifr, sizeof(ifr));

	if (r == 0)
		r = ask(q, request, &ifr);
	return r == 0 ? put(q, q->at, &ifr, sizeof(ifr)) : r;
}

static int ask_list(const struct asked *q)
{
	struct ifconf theirs, ours;
	int r = get(q, q->at, &theirs, sizeof(theirs));

	if (r < 0)
		return r;
	bool counts = theirs.ifc_buf == NULL; /* only the size is asked for */
	ours.ifc_len = theirs.ifc_len < 0 ? 0 : theirs.ifc_len > LIST_MAX ? LIST_MAX : theirs.ifc_len;
	ours.ifc_buf = counts ? NULL : calloc(1, LIST_MAX);
	if (!counts && ours.ifc_buf == NULL)
		return -ENOMEM;
	r = ask(q, SIOCGIFCONF, &ours);
	if (r == 0 && !counts)
		r = put(q, (uint64_t)(uintptr_t)theirs.ifc_buf, ours.ifc_buf, (size_t)ours.ifc_len);
	theirs.ifc_len = ours.ifc_len;
	free(ours.ifc_buf);
	return r == 0 ? put(q, q->at, &theirs, sizeof(theirs)) : r;
}

/* How much a command of ethtool reads and writes. 0: it is not answered. */
static size_t ethtool_size(uint32_t command)
{
	switch (command) {
	case ETHTOOL_GSET:
		return sizeof(struct ethtool_cmd);
	case ETHTOOL_GDRVINFO:
		return sizeof(struct ethtool_drvinfo);
	case ETHTOOL_GLINK:
	case ETHTOOL_GMSGLVL:
		return sizeof(struct ethtool_value);
	default:
		return 0;
	}
}

static int ask_ethtool(const struct asked *q)
{
	union {
		uint32_t command;
		struct ethtool_cmd set;
		struct ethtool_drvinfo driver;
		struct ethtool_value value;
	} data;
	struct ifreq ifr;
	uint32_t command = 0;
	int r = get(q, q->at, &ifr, sizeof(ifr));
	uint64_t at = r == 0 ? (uint64_t)(uintptr_t)ifr.ifr_data : 0;

	if (r == 0)
		r = get(q, at, &command, sizeof(command));
	size_t size = ethtool_size(command);
	if (r == 0 && size == 0)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = get(q, at, &data, size);
	if (r < 0)
		return r;
	data.command = command; /* the program may have changed it meanwhile */
	ifr.ifr_data = (void *)&data;
	r = ask(q, SIOCETHTOOL, &ifr);
	return r == 0 ? put(q, at, &data, size) : r;
}

/* True: the caller's socket is a unix socket. */
static bool is_unix(pid_t caller, int number)
{
	int domain = 0, pidfd = vs_caller_open(caller);
	socklen_t len = sizeof(domain);
	int fd = pidfd >= 0 ? (int)syscall(SYS_pidfd_getfd, pidfd, number, 0) : -1;

	if (fd >= 0) {
		(void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
		(void)close(fd);
	}
	if (pidfd >= 0)
		(void)close(pidfd);
	return domain == AF_UNIX;
}

/* 0, or -errno for the caller. */
static int answer(struct vs_answer *a, int mem, uint32_t request, uint64_t at)
{
	struct asked q = { .mem = mem, .at = at };

	q.fd = vs_answer_socket_make(a, a->run->resolver, AF_INET, SOCK_DGRAM, 0);
	if (q.fd < 0)
		return q.fd;
	int r = request == SIOCGIFCONF   ? ask_list(&q)
		: request == SIOCETHTOOL ? ask_ethtool(&q)
					 : ask_plain(&q, request);
	(void)close(q.fd);
	return r;
}

void vs_interfaces(struct vs_answer *a)
{
	const struct seccomp_data *data = &a->notify.request->data;
	pid_t caller = (pid_t)a->notify.request->pid;
	char path[64];
	int mem = -1;

	if (a->run->resolver < a->run->n_stacks && is_unix(caller, (int)data->args[0])) {
		(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)caller);
		mem = open(path, O_RDWR | O_CLOEXEC);
	}
	if (mem < 0 || !vs_notify_valid(&a->notify)) {
		(void)vs_notify_continue(&a->notify);
	} else {
		int r = answer(a, mem, (uint32_t)data->args[1], data->args[2]);
		(void)(r < 0 ? vs_notify_fail(&a->notify, -r) : vs_notify_succeed(&a->notify));
	}
	if (mem >= 0)
		(void)close(mem);
}
