/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sockets in stacks, the default stacks, and the program's socket(2).
 *
 * Everything here may run in a signal handler.
 */

#include <errno.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "default.h"
#include "handle.h"
#include "process.h"
#include "request.h"

static _Atomic(struct vdestack *) process_default;
static __thread struct vdestack *thread_default __attribute__((tls_model("initial-exec")));

static const char gone[] = "not a stack, or one that has been deleted";

/* *deleted: the stack was deleted before the call or under it, and that may be all that is wrong. */
static int msocket(struct vdestack *stack, int domain, int type, int protocol, bool *deleted)
{
	VS_NO_CANCEL; /* like socket(2), which is no cancellation point */
	struct vs_slot *slot;
	sigset_t saved;
	int fd = -1, err = errno, r;

	vs_signals_block(&saved);
	slot = vs_slot_acquire(stack);
	*deleted = slot == NULL;
	if (slot == NULL) {
		r = vs_fail_static(EINVAL, gone);
	} else {
		r = vs_call_socket(slot, domain, type, protocol, &fd);
		*deleted = r < 0 && vs_slot_retired(slot);
		vs_slot_release(slot);
	}
	vs_signals_restore(&saved);
	if (r < 0)
		return r;
	errno = err; /* a success says nothing there */
	return fd;
}

int vdestack_msocket(struct vdestack *stack, int domain, int type, int protocol)
{
	bool deleted;

	return vs_edge(msocket(stack, domain, type, protocol, &deleted));
}

int vde_msocket(struct vdestack *stack, int domain, int type, int protocol)
{
	bool deleted;

	return vs_edge(msocket(stack, domain, type, protocol, &deleted));
}

/* ------------------------------------------------------------------ default stacks */

static bool is_stack(struct vdestack *stack)
{
	sigset_t saved;

	vs_signals_block(&saved);
	struct vs_slot *slot = vs_slot_acquire(stack);
	if (slot != NULL)
		vs_slot_release(slot);
	vs_signals_restore(&saved);
	return slot != NULL;
}

static int check_handle(struct vdestack *stack)
{
	if (stack == NULL || is_stack(stack))
		return 0;
	return vs_fail_static(EINVAL, "cannot be the default: not a stack, or one that has been deleted");
}

int vdestack_set_default(struct vdestack *stack)
{
	int r = check_handle(stack);

	if (r < 0)
		return vs_edge(r);
	atomic_store(&process_default, stack);
	/* Its deletion may have looked at the default between the check and the store. */
	if (stack != NULL && !is_stack(stack))
		vs_default_forget(stack);
	return 0;
}

struct vdestack *vdestack_get_default(void)
{
	return atomic_load(&process_default);
}

int vdestack_set_thread_default(struct vdestack *stack)
{
	int r = check_handle(stack);

	if (r == 0)
		thread_default = stack;
	return vs_edge(r);
}

struct vdestack *vdestack_get_thread_default(void)
{
	return thread_default;
}

void vs_default_forget(struct vdestack *stack)
{
	(void)atomic_compare_exchange_strong(&process_default, &stack, NULL);
}

void vde_default_stack(struct vdestack *stack)
{
	int saved = errno;

	(void)vdestack_set_default(stack);
	errno = saved;
}

/* ------------------------------------------------------------------ socket(2) */

/*
 * Abstract names of AF_UNIX and the other families belong to the host: a program would lose its
 * session bus.
 */
static int redirected(int domain, int protocol)
{
	return domain == AF_INET || domain == AF_INET6 || domain == AF_PACKET ||
	       (domain == AF_NETLINK && protocol == NETLINK_ROUTE);
}

/*
 * In the default stack of the process. It may be deleted or replaced between being read and being used.
 * Then what is the default now gets the call. The one who deletes it forgets it a moment later than the
 * handle is dead; so it is forgotten here, too, and each further attempt sees another default.
 *
 * That is for deleted stacks only. When the keeper has died the call fails, and never goes to the host.
 */
static int process_socket(int domain, int type, int protocol)
{
	struct vdestack *stack;
	bool deleted;
	int err = errno;

	while ((stack = atomic_load_explicit(&process_default, memory_order_acquire)) != NULL) {
		int r = msocket(stack, domain, type, protocol, &deleted);
		if (r >= 0 || !deleted)
			return r < 0 ? vs_edge(r) : r;
		vs_default_forget(stack);
		errno = err;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

/* A thread keeps a default that was deleted, and is refused: it was meant to talk there and nowhere else. */
static int thread_socket(struct vdestack *stack, int domain, int type, int protocol)
{
	bool deleted;
	int r = msocket(stack, domain, type, protocol, &deleted);

	return vs_edge(r < 0 && deleted ? vs_fail_static(EINVAL, gone) : r);
}

/* The program's socket(2). Without a default stack it is the system call and nothing else. */
__attribute__((visibility("default"))) int socket(int domain, int type, int protocol)
{
	struct vdestack *stack = thread_default;

	if (!redirected(domain, protocol))
		return (int)syscall(SYS_socket, domain, type, protocol);
	return stack != NULL ? thread_socket(stack, domain, type, protocol) : process_socket(domain, type, protocol);
}
