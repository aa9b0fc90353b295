/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The handles of the stacks of a run, and socket(2).
 *
 * A handle costs two requests to the supervisor's one for a socket. So the first sockets of a process come
 * from the supervisor, and a process that makes more gets a handle. A program that makes one connection,
 * and a shell script of a hundred programs, pay nothing for handles that they do not need. A forked child has
 * its parent's handles, but must register a reply channel of its own with the keeper before it can use them.
 * That costs more than two sockets from the supervisor. So it counts its first sockets again.
 *
 * A child of vfork(2) shares its parent's memory and not its descriptors. It may use the parent's handles,
 * because it has copies of the descriptors. It must not make one: the parent would find a handle whose door
 * it does not have. A process number that fork(2) renews and vfork(2) does not tells the difference.
 *
 * To make a handle takes locks and memory, which a signal handler must not. In a handler the signal is
 * blocked, unless it was installed with SA_NODEFER. So socket(2) makes a handle only if no signals are
 * blocked but those that were when the program started. A thread that blocks others gets its sockets from
 * the supervisor, or by a handle that another thread has made.
 */

#include <dlfcn.h>
#include <errno.h>
#include <gnu/lib-names.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ask.h"
#include "shim.h"
#include <vdestack.h>

#define STACKS_MAX 64 /* those behind use the supervisor for every socket */
#define SLOW_FIRST 2  /* sockets of a process before it uses a handle */

static _Atomic(struct vdestack *) handles[STACKS_MAX];
static atomic_uint made;        /* sockets so far, up to SLOW_FIRST */
static atomic_int this_process; /* 0: not known, no handle is made */

static sigset_t mask_at_start; /* constant after the constructor */

/* The signals that are blocked; unused bits are 0. */
static sigset_t blocked_now(void)
{
	sigset_t mask;

	memset(&mask, 0, sizeof(mask));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return mask;
}

/* No signal handler, as far as the mask shows. */
static bool may_allocate(void)
{
	static const sigset_t none;
	sigset_t mask = blocked_now();

	return memcmp(&mask, &none, sizeof(mask)) == 0 || memcmp(&mask, &mask_at_start, sizeof(mask)) == 0;
}

static void note_process(void)
{
	atomic_store(&this_process, getpid());
	atomic_store(&made, 0);
}

static void watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, note_process) == 0)
		note_process();
}

struct vdestack *vs_shim_stack_if_made(unsigned index)
{
	return index < STACKS_MAX ? atomic_load_explicit(&handles[index], memory_order_acquire) : NULL;
}

bool vs_shim_own_process(void)
{
	return getpid() == atomic_load(&this_process);
}

int vs_shim_door(unsigned index)
{
	return vs_shim_own_process() ? vs_ask(VS_ASK_DOOR, (long)index, 0, 0, 0) : -1;
}

static struct vdestack *request_handle(unsigned index)
{
	int fd = vs_shim_door(index);
	if (fd < 0)
		return NULL;
	struct vdestack *stack = vdestack_receive(fd);
	(void)close(fd);
	return stack;
}

/* If another thread was faster, its handle. */
static struct vdestack *make_handle(unsigned index)
{
	VS_SHIM_INSIDE;
	struct vdestack *stack, *there = NULL;
	int saved = errno;

	if (index >= STACKS_MAX || vs_shim_state() != VS_SHIM_IN_RUN || index >= vs_shim_run.n_stacks)
		return NULL;
	stack = request_handle(index);
	if (stack != NULL && !atomic_compare_exchange_strong(&handles[index], &there, stack)) {
		(void)vdestack_delete(stack);
		stack = there;
	}
	errno = saved;
	return stack;
}

struct vdestack *vs_shim_stack(unsigned index)
{
	struct vdestack *stack = vs_shim_stack_if_made(index);

	return stack != NULL ? stack : make_handle(index);
}

/*
 * The old handle is deleted first. Its door and the new one are the same socket. If the new one got the old
 * one's number, a deletion afterwards would close it.
 */
struct vdestack *vs_shim_renew(unsigned index, struct vdestack *old)
{
	VS_SHIM_INSIDE;
	struct vdestack *there = old;
	int saved = errno;

	if (atomic_compare_exchange_strong(&handles[index], &there, NULL))
		(void)vdestack_delete(old);
	errno = saved;
	return vs_shim_stack(index);
}

/* ------------------------------------------------------------------ socket(2) */

bool vs_shim_redirected(int domain, int protocol)
{
	return domain == AF_INET || domain == AF_INET6 || domain == AF_PACKET ||
	       (domain == AF_NETLINK && protocol == NETLINK_ROUTE);
}

/* The supervisor's. */
static int socket_raw(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, domain, type, protocol, 0L, 0L, 0L);
}

/* The kernel's, without the supervisor: of the host's network. */
static int socket_of_host(int domain, int type, int protocol)
{
	const long *pass = vs_shim_run.pass;

	return (int)syscall(SYS_socket, domain, type, protocol, 0L, pass[0], pass[1]);
}

/* By a handle. -1: not possible, for whatever reason. */
static int socket_by_handle(unsigned index, int domain, int type, int protocol)
{
	struct vdestack *stack;

	if (atomic_load_explicit(&made, memory_order_relaxed) < SLOW_FIRST) {
		atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
		return -1;
	}
	stack = vs_shim_stack_if_made(index);
	if (stack == NULL)
		stack = may_allocate() ? vs_shim_stack(index) : NULL;
	int fd = stack != NULL ? vdestack_msocket(stack, domain, type, protocol) : -1;
	if (fd >= 0 || stack == NULL || errno != ENETDOWN || !may_allocate())
		return fd;
	/* The program has closed the door. */
	stack = vs_shim_renew(index, stack);
	return stack != NULL ? vdestack_msocket(stack, domain, type, protocol) : -1;
}

int vs_shim_socket_in(unsigned index, int domain, int type, int protocol)
{
	int fd;

	if (index == VS_SHIM_HOST) {
		fd = socket_of_host(domain, type, protocol);
		return fd < 0 ? -errno : fd;
	}
	struct vdestack *stack = vs_shim_stack_if_made(index);
	fd = stack != NULL ? vdestack_msocket(stack, domain, type, protocol) : -1;
	if (fd < 0)
		fd = vs_ask(VS_ASK_SOCKET, (long)index, domain, type, protocol);
	return fd < 0 ? -errno : fd;
}

static int denied(int err)
{
	errno = err;
	return -1;
}

static int socket_in_run(int domain, int type, int protocol)
{
	struct vs_rules_call call = {
		.stage = VS_RULES_AT_SOCKET, .family = domain, .type = type, .protocol = protocol
	};
	struct vs_rules_decision decision = vs_shim_decide(&call);
	int saved = errno, fd = -1;

	vs_shim_log("socket", NULL, &decision, NULL);
	if (decision.verdict == VS_RULES_DENY)
		return denied(EACCES);
	if (decision.verdict == VS_RULES_HOST)
		return socket_of_host(domain, type, protocol);
	fd = socket_by_handle(decision.stack, domain, type, protocol);
	errno = saved; /* success does not change errno, and a failure has the one of the next call */
	return fd >= 0 ? fd : socket_raw(domain, type, protocol);
}

/*
 * A program may link libvdestack itself. Its socket(2) stands behind the shim's, knows the program's default
 * stacks, and makes the system call where there is none. So it is called, as by the program. The same holds
 * for other preloaded libraries. `behind` is NULL if what stands behind is libc's, which is the system
 * call.
 *
 * dladdr(3), which tells the library of any address, reads libc's whole symbol table. That took a tenth of
 * a program's start. So libc's function is compared first.
 */
static int (*behind)(int domain, int type, int protocol);

static bool is_of_libc(void *next)
{
	void *libc = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);
	bool same = libc != NULL && dlsym(libc, "socket") == next;

	if (libc != NULL)
		(void)dlclose(libc);
	return same;
}

static void look_behind(void)
{
	void *next = vs_shim_next("socket"), *libc = vs_shim_next("gnu_get_libc_version");
	Dl_info its, libcs;

	if (next == NULL || is_of_libc(next))
		return;
	if (libc != NULL && dladdr(next, &its) != 0 && dladdr(libc, &libcs) != 0 &&
	    its.dli_fbase != libcs.dli_fbase)
		behind = (int (*)(int, int, int))(uintptr_t)next;
}

void vs_shim_socket_start(void)
{
	mask_at_start = blocked_now();
	watch_forks();
	if (vs_shim_state() != VS_SHIM_CLOSED)
		look_behind();
}

VS_SHIM_EXPORT int socket(int domain, int type, int protocol)
{
	enum vs_shim_state state;

	if (behind != NULL)
		return behind(domain, type, protocol);
	if (!vs_shim_redirected(domain, protocol))
		return socket_raw(domain, type, protocol);
	state = vs_shim_state();
	if (state == VS_SHIM_IN_RUN)
		return socket_in_run(domain, type, protocol);
	return state == VS_SHIM_CLOSED ? denied(ENETDOWN) : socket_raw(domain, type, protocol);
}
