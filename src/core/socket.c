/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sockets in stacks, the default stacks, and the program's socket(2).
 *
 * Everything here may run in a signal handler.
 */

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "claim.h"
#include "default.h"
#include "executed.h"
#include "handle.h"
#include "interpose.h"
#include "process.h"
#include "quick_call.h"

static _Atomic(struct vdestack *) process_default;
static __thread struct vdestack *thread_default VS_EARLY_TLS;

static const char gone[] = "not a stack, or one that has been deleted";

/* *deleted: the stack was deleted before or during the call, which may be the only cause of the error. */
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
		r = vs_quick_call_socket(slot, domain, type, protocol, &fd);
		*deleted = r < 0 && vs_slot_retired(slot);
		vs_slot_release(slot);
	}
	vs_signals_restore(&saved);
	if (r < 0)
		return r;
	errno = err; /* success does not change errno */
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

/*
 * Whether the program's socket(2) is that of this library. It is not if libc comes before this library in
 * the program's lookup order (dlopen(3), a plugin or another library that links this one), nor in the
 * variant of the library that has no socket(2). Then a default would have no effect, and the program would
 * use the host network. Another library may stand in front and call ours, so the address alone does not
 * tell. So socket(2) is called with a family that does not exist.
 */
#define PROBE_FAMILY (-0x7673)

static __thread bool probing VS_EARLY_TLS;
static __typeof__(socket) *program_socket; /* constant after the constructor */
static char loaded_late[PATH_MAX + 300];   /* likewise; the message of the variant with a socket(2) */
static const char left_alone[] = "a default stack has no effect: libvdestack-nointerpose leaves socket() "
				 "alone; use vdestack_msocket(), or link the program with libvdestack";

static bool is_probe(int domain)
{
	if (domain != PROBE_FAMILY || !probing)
		return false;
	probing = false;
	return true;
}

static bool interposes(void)
{
	static atomic_bool certain;
	int saved = errno;

	if (!vs_has_socket)
		return false;
	if (atomic_load(&certain) || program_socket == NULL)
		return true;
	probing = true;
	(void)program_socket(PROBE_FAMILY, 0, 0);
	if (!probing)
		atomic_store(&certain, true);
	probing = false;
	errno = saved;
	return atomic_load(&certain);
}

/*
 * A default may be set in a signal handler, which may not call dlsym(3) and dladdr(3). dladdr(3) reads a
 * whole symbol table, so the variant that needs none of this does not pay for it at each start of a program.
 */
__attribute__((constructor)) static void look_up_socket(void)
{
	Dl_info own;

	if (!vs_has_socket || vs_executed())
		return;
	bool named = dladdr(loaded_late, &own) != 0 && own.dli_fname != NULL;
	program_socket = (__typeof__(socket) *)dlsym(RTLD_DEFAULT, "socket");
	(void)snprintf(loaded_late, sizeof(loaded_late),
		       "a default stack has no effect: the program's socket() is not the one of this "
		       "library, which was loaded after libc; start the program with LD_PRELOAD=%s, "
		       "or use vdestack_msocket()", named ? own.dli_fname : "libvdestack.so.0");
}

static const char *no_effect(void)
{
	return vs_has_socket ? loaded_late : left_alone;
}

static int check_handle(struct vdestack *stack)
{
	if (stack == NULL)
		return 0;
	if (!is_stack(stack))
		return vs_fail_static(EINVAL, "cannot be the default: not a stack, or one that has been "
					      "deleted");
	return interposes() ? 0 : vs_fail_static(ENOTSUP, no_effect());
}

static int set_default(struct vdestack *stack)
{
	int r = check_handle(stack);

	if (r < 0)
		return r;
	vs_claim(stack);
	atomic_store(&process_default, stack);
	/* The stack may have been deleted between the check and the store. */
	if (stack != NULL && !is_stack(stack))
		vs_default_forget(stack);
	return 0;
}

int vdestack_set_default(struct vdestack *stack)
{
	return vs_edge(set_default(stack));
}

struct vdestack *vdestack_get_default(void)
{
	return atomic_load(&process_default);
}

int vdestack_set_thread_default(struct vdestack *stack)
{
	int r = check_handle(stack);

	if (r == 0) {
		vs_claim(stack);
		thread_default = stack;
	}
	return vs_edge(r);
}

/*
 * Also accepts the handle of a stack that has been deleted. A function that restores its caller's default
 * must not leave the thread in its own stack if another thread has deleted that default: socket(2) then
 * fails, as it would have without the function.
 */
int vdestack_swap_thread_default(struct vdestack *stack, struct vdestack **old)
{
	int r;

	if (old == NULL)
		r = vs_fail_static(EINVAL, "cannot swap the default: no room for the one before");
	else if (vs_slot_was_handle(stack))
		r = interposes() ? 0 : vs_fail_static(ENOTSUP, no_effect());
	else
		r = check_handle(stack);
	if (r == 0) {
		vs_claim(stack);
		*old = thread_default;
		thread_default = stack;
	}
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

	(void)vs_edge(set_default(stack));
	errno = saved;
}

/* ------------------------------------------------------------------ socket(2) */

/*
 * AF_UNIX, whose abstract names belong to a network namespace, and the other families stay in the host
 * network. Otherwise a program would lose its session bus.
 */
static int redirected(int domain, int protocol)
{
	return domain == AF_INET || domain == AF_INET6 || domain == AF_PACKET ||
	       (domain == AF_NETLINK && protocol == NETLINK_ROUTE);
}

/*
 * Makes a socket in the default stack of the process. The stack may be deleted or replaced between the read
 * and the use of the default. Then the call goes to what is the default now. A deletion clears the default
 * a moment after the handle becomes invalid. So the default is cleared here as well, and each further
 * attempt reads another one.
 *
 * This is for deleted stacks only. If the keeper has died the call fails, and never goes to the host
 * network.
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

/* A thread keeps a default that was deleted, and the call fails: it must not reach another network. */
static int thread_socket(struct vdestack *stack, int domain, int type, int protocol)
{
	bool deleted;
	int r = msocket(stack, domain, type, protocol, &deleted);

	return vs_edge(r < 0 && deleted ? vs_fail_static(EINVAL, gone) : r);
}

/* The program's socket(2), see interpose.c. Without a default stack it makes only the system call. */
int vs_default_socket(int domain, int type, int protocol)
{
	struct vdestack *stack = thread_default;

	if (!redirected(domain, protocol))
		return is_probe(domain) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
	return stack != NULL ? thread_socket(stack, domain, type, protocol)
			     : process_socket(domain, type, protocol);
}
