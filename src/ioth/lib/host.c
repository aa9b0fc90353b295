/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The network of the process. To configure it is the work of the plugin kernel. Each handle makes a stack of
 * that kind of its own, at its first call that configures, and ends it with itself: what was started by a
 * handle ends with it. A program that never configures needs no plugin.
 *
 * States of that stack: none, then there, until the handle ends. Two threads may make one at the same time:
 * the second is deleted. The handle of NULL never ends.
 */

#include "host.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "internal.h"
#include "system_calls.h"

struct vs_host {
	_Atomic(struct ioth *) kernel; /* NULL: nothing has been configured */
};

static const struct ioth_functions *get_kernel(struct vs_host *host, void **data)
{
	struct ioth *stack = atomic_load(&host->kernel);

	if (stack == NULL) {
		struct ioth *made = ioth_newstack("kernel", NULL);
		if (made == NULL)
			return NULL;
		if (atomic_compare_exchange_strong(&host->kernel, &stack, made))
			stack = made;
		else
			(void)ioth_delstack(made);
	}
	return ioth_functions_of(stack, data);
}

static int configure(void *stackdata, const char *words, unsigned flags, int timeout_ms)
{
	void *data;
	const struct ioth_functions *f = get_kernel(stackdata, &data);

	if (f == NULL)
		return -1;
	if (f->configure == NULL)
		return vs_ioth_fail(ENOSYS, "this plugin kernel cannot configure");
	return f->configure(data, words, flags, timeout_ms);
}

static int sources(void *stackdata, const char *ifname, struct vdestack_source *list, size_t n)
{
	void *data;
	const struct ioth_functions *f = get_kernel(stackdata, &data);

	if (f == NULL)
		return -1;
	if (f->sources == NULL)
		return vs_ioth_fail(ENOSYS, "this plugin kernel has no address sources");
	return f->sources(data, ifname, list, n);
}

static int resolvconf(void *stackdata, const char *ifname, char *buf, size_t size)
{
	void *data;
	const struct ioth_functions *f = get_kernel(stackdata, &data);

	if (f == NULL)
		return -1;
	if (f->resolvconf == NULL)
		return vs_ioth_fail(ENOSYS, "this plugin kernel knows no name servers");
	return f->resolvconf(data, ifname, buf, size);
}

static int events(void *stackdata)
{
	void *data;
	const struct ioth_functions *f = get_kernel(stackdata, &data);

	if (f == NULL)
		return -1;
	if (f->events == NULL)
		return vs_ioth_fail(ENOSYS, "this plugin kernel has no events");
	return f->events(data);
}

static int list_interfaces(void *stackdata, struct ifaddrs **list)
{
	(void)stackdata;
	return getifaddrs(list);
}

static int end(void *stackdata)
{
	struct vs_host *host = stackdata;
	struct ioth *stack = atomic_load(&host->kernel);

	if (stack != NULL && ioth_delstack(stack) < 0)
		return -1;
	free(host);
	return 0;
}

void *vs_host_new(void)
{
	return calloc(1, sizeof(struct vs_host));
}

void *vs_host_forever(void)
{
	static struct vs_host host;

	return &host;
}

void vs_host_functions(struct ioth_functions *f)
{
	memset(f, 0, sizeof(*f));
	f->socket = vs_ioth_host_socket;
	vs_ioth_system_calls(f);
	f->getifaddrs = list_interfaces;
	f->freeifaddrs = freeifaddrs;
	f->delstack = end;
	f->configure = configure;
	f->sources = sources;
	f->resolvconf = resolvconf;
	f->events = events;
}

#define SAME(member) (f->member == libc.member)

bool vs_host_is_plain(const struct ioth_functions *f)
{
	struct ioth_functions libc = { 0 };

	vs_ioth_system_calls(&libc);
	return SAME(bind) && SAME(connect) && SAME(listen) && SAME(accept) && SAME(accept4) &&
	       SAME(getsockname) && SAME(getpeername) && SAME(setsockopt) && SAME(getsockopt) &&
	       SAME(shutdown) && SAME(read) && SAME(readv) && SAME(recv) && SAME(recvfrom) && SAME(recvmsg) &&
	       SAME(recvmmsg) && SAME(write) && SAME(writev) && SAME(send) && SAME(sendto) && SAME(sendmsg) &&
	       SAME(sendmmsg);
}
