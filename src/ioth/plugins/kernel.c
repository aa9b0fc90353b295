/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plugin kernel: the network of the process. The sockets are libc's. Networks and options are ignored, as
 * the interfaces are there already.
 *
 * To be configured, the network namespace of the calling thread is adopted by libvdestack, at the first such
 * call. That needs the right to administer it. The stack keeps the handle for good: threads that come later
 * use it, too.
 *
 * States of the handle: none, then there, until the stack ends. Two threads may make one at the same time:
 * the second is deleted.
 *
 * The network outlives the handle, and with it what sources have set. So they are stopped first, by the
 * process that has made the stack: one that was forked has the same sources. Static items stay.
 */

#include <errno.h>
#include <ifaddrs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "ioth/lib/system_calls.h"

#define STOPPING_MS 20000 /* for each interface; the release to a server takes two seconds at most */
#define INTERFACES_MAX 64

struct kernel {
	vs_fail_fn *fail;
	pid_t maker;
	_Atomic(struct vdestack *) adopted;
};

VS_PLUGIN extern const char *const ioth_kernel_license;
const char *const ioth_kernel_license = "SPDX-License-Identifier: LGPL-2.1-or-later";

static struct vdestack *adopt(struct kernel *k)
{
	struct vdestack *stack = atomic_load(&k->adopted);

	if (stack != NULL)
		return stack;
	struct vdestack *made = vdestack_adopt_path("/proc/thread-self/ns/net", NULL, NULL);
	if (made == NULL) {
		char text[1024];
		int err = errno;
		(void)snprintf(text, sizeof(text), "cannot configure the network of the process: %.800s%s",
			       vdestack_last_error(),
			       err == EPERM ? "; that takes CAP_NET_ADMIN and CAP_SYS_ADMIN; a stack of kind "
					      "vdestack takes no rights"
					    : "");
		(void)k->fail(err, text);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&k->adopted, &stack, made))
		return made;
	(void)vdestack_delete(made);
	return stack;
}

static int configure(void *stackdata, const char *words, unsigned flags, int timeout_ms)
{
	struct kernel *k = stackdata;
	struct vdestack *stack = adopt(k);

	return stack != NULL ? vs_control_configure(stack, k->fail, words, flags, timeout_ms) : -1;
}

/*
 * What has never been configured has no sources and no name servers: nothing is adopted for the question.
 */
static int sources(void *stackdata, const char *ifname, struct vdestack_source *list, size_t n)
{
	struct kernel *k = stackdata;
	struct vdestack *stack = atomic_load(&k->adopted);

	return stack != NULL ? vs_control_sources(stack, k->fail, ifname, list, n) : 0;
}

static int events(void *stackdata)
{
	struct kernel *k = stackdata;
	struct vdestack *stack = atomic_load(&k->adopted);

	return stack != NULL ? vs_control_events(stack, k->fail)
			     : k->fail(ENODATA, "nothing happens to sources: none has been started");
}

static int resolvconf(void *stackdata, const char *ifname, char *buf, size_t size)
{
	struct kernel *k = stackdata;
	struct vdestack *stack = atomic_load(&k->adopted);

	if (stack != NULL)
		return vs_control_resolvconf(stack, k->fail, ifname, buf, size);
	if (size == 0)
		return k->fail(ERANGE, "cannot write the name servers: 1 byte is needed");
	buf[0] = '\0';
	return 0;
}

static int list_interfaces(void *stackdata, struct ifaddrs **list)
{
	(void)stackdata;
	return getifaddrs(list);
}

/* A name of an interface may have any printable character. */
static void write_stop(const char *ifname, char *words)
{
	words = stpcpy(words, "iface=");
	for (size_t i = 0; i < IF_NAMESIZE && ifname[i] != '\0'; i++) {
		*words++ = '\\';
		*words++ = ifname[i];
	}
	(void)strcpy(words, " -auto");
}

/* All that can be stopped. */
static void stop_sources(struct vdestack *stack)
{
	const struct vdestack_opts opts = { .size = sizeof(opts),
					    .timeout_ms = STOPPING_MS,
					    .step_timeout_ms = STOPPING_MS };
	char words[sizeof("iface= -auto") + 2 * IF_NAMESIZE];
	struct vdestack_source first;

	for (int i = 0; i < INTERFACES_MAX && vdestack_sources(stack, NULL, &first, 1) > 0; i++) {
		write_stop(first.ifname, words);
		if (vdestack_configure(stack, words, &opts) < 0)
			return;
	}
}

VS_PLUGIN int ioth_kernel_delstack(void *stackdata);
VS_PLUGIN void *ioth_kernel_newstack(const char *vnlv[], const char *options,
				     struct ioth_functions *functions);

int ioth_kernel_delstack(void *stackdata)
{
	struct kernel *k = stackdata;

	struct vdestack *stack = atomic_load(&k->adopted);

	if (stack != NULL && k->maker == getpid())
		stop_sources(stack);
	if (stack != NULL)
		(void)vdestack_delete(stack); /* it fails for handles that are none only */
	free(k);
	return 0;
}

void *ioth_kernel_newstack(const char *vnlv[], const char *options, struct ioth_functions *functions)
{
	struct kernel *k = calloc(1, sizeof(*k));

	(void)vnlv;
	(void)options;
	if (k == NULL)
		return NULL;
	k->fail = functions->fail;
	k->maker = getpid();
	functions->socket = vs_ioth_host_socket;
	vs_ioth_system_calls(functions);
	functions->getifaddrs = list_interfaces;
	functions->freeifaddrs = freeifaddrs;
	functions->configure = configure;
	functions->sources = sources;
	functions->events = events;
	functions->resolvconf = resolvconf;
	return k;
}
