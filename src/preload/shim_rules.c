/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rules that look at addresses: bind(2), connect(2), sendto(2), sendmsg(2), sendmmsg(2).
 *
 * Without such rules each of these functions is one jump to libc's. With them a socket that is not settled
 * yet goes through these steps:
 *
 *     is it an inet socket without a port,
 *     or of TCP and only bound?               no: it is settled, nothing moves it any more
 *     what do the rules say of this address?  deny: EACCES
 *     where is the socket?                    its network namespace has a cookie (SO_NETNS_COOKIE)
 *     elsewhere?                              it is moved (move.h)
 *     the call itself                         with the run's two numbers, so that nothing is decided twice
 *
 * A socket gets its port by bind(2), connect(2), or the first datagram. So the port and the state of TCP
 * tell, and no table of descriptors is needed, which a program could outdate by dup(2), close(2) and
 * SCM_RIGHTS.
 *
 * All this may run in a signal handler. The calls that are cancellation points in libc are so here.
 */

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ask.h"
#include "shim.h"
#include "unsettled.h"

#define STACKS_MAX 64

/* ------------------------------------------------------------------ decisions */

struct vs_rules_decision vs_shim_decide(struct vs_rules_call *call)
{
	char thread[17] = "";

	if (vs_shim_run.rules == NULL)
		return (struct vs_rules_decision){ .verdict = VS_RULES_STACK };
	if ((vs_shim_run.needs & VS_RULES_NEED_THREAD) && prctl(PR_GET_NAME, thread) == 0)
		call->thread = thread;
	struct vs_rules_decision decision = vs_rules_decide(vs_shim_run.rules, call);
	call->thread = NULL;
	return decision;
}

/* ------------------------------------------------------------------ where a socket is */

static _Atomic uint64_t cookies[STACKS_MAX], host_cookie; /* 0: not known yet */

static uint64_t cookie_of_stack(unsigned index)
{
	_Atomic uint64_t *place = index == VS_SHIM_HOST ? &host_cookie : &cookies[index % STACKS_MAX];
	uint64_t cookie = index == VS_SHIM_HOST || index < STACKS_MAX ? atomic_load(place) : 0;

	if (cookie != 0)
		return cookie;
	int fd = vs_shim_socket_in(index, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	cookie = vs_unsettled_network(fd);
	(void)close(fd);
	if (index == VS_SHIM_HOST || index < STACKS_MAX)
		atomic_store(place, cookie);
	return cookie;
}

/*
 * True: a socket of the host's network or of one of the stacks. Others are those of a program's own stacks,
 * or come from another process: the program has chosen their network.
 */
static bool is_of_run(uint64_t cookie)
{
	uint64_t one = cookie_of_stack(VS_SHIM_HOST);

	/* One that cannot be asked may be the one. */
	for (unsigned i = 0; one != 0 && one != cookie && i < vs_shim_run.n_stacks; i++)
		one = cookie_of_stack(i);
	return one == 0 || one == cookie;
}

/* ------------------------------------------------------------------ settling a socket */

/* A new socket in the network that has this cookie, or -1. */
static int make_reference(const struct vs_unsettled *about, uint64_t cookie)
{
	int r = -1;

	for (size_t i = 0; r < 0 && i < vs_shim_run.n_stacks; i++)
		if (cookie_of_stack((unsigned)i) == cookie)
			r = vs_shim_socket_in((unsigned)i, about->family, about->type | SOCK_CLOEXEC,
					      about->protocol);
	if (r < 0 && cookie_of_stack(VS_SHIM_HOST) == cookie)
		r = vs_shim_socket_in(VS_SHIM_HOST, about->family, about->type | SOCK_CLOEXEC,
				      about->protocol);
	return r < 0 ? -1 : r;
}

/* The socket goes to that stack. 0, or -errno. */
static int move(int fd, const struct vs_unsettled *about, unsigned index, uint64_t here)
{
	int fresh = vs_shim_socket_in(index, about->family, about->type | SOCK_CLOEXEC, about->protocol);

	if (fresh < 0)
		return fresh;
	int reference = make_reference(about, here), r = vs_shim_move(fd, reference, fresh);
	(void)close(fresh);
	if (reference >= 0)
		(void)close(reference);
	return r;
}

/*
 * Whether these bytes can be read, 16 or more and less than a page. Without an answer from the kernel a bad
 * pointer of the program would end it here, and not be EFAULT. rt_sigprocmask(2) reads a signal set before it
 * notices that the first argument is none.
 */
static bool is_readable(const void *at, size_t len)
{
	enum { SET = _NSIG / 8 };

	return (syscall(SYS_rt_sigprocmask, -1L, at, NULL, (long)SET) == 0 || errno != EFAULT) &&
	       (syscall(SYS_rt_sigprocmask, -1L, (const char *)at + len - SET, NULL, (long)SET) == 0 ||
		errno != EFAULT);
}

/*
 * Decides where the socket belongs for a call with this address, and moves it there. 0, or -errno. May be
 * called for anything: what is no inet socket, or has a port, stays what it is.
 */
static int settle(const char *name, int fd, enum vs_rules_stage stage, const struct sockaddr *addr,
		  socklen_t len)
{
	char names[VS_SHIM_NAMES_MAX][VS_SHIM_NAME_MAX];
	const char *list[VS_SHIM_NAMES_MAX];
	struct vs_unsettled about;

	if (addr == NULL || len < sizeof(struct sockaddr_in) ||
	    !vs_unsettled_read(fd, stage == VS_RULES_AT_BIND, &about))
		return 0;
	if (!is_readable(addr, len < sizeof(struct sockaddr_in6) ? len : sizeof(struct sockaddr_in6)) ||
	    !vs_unsettled_is_address(addr, len))
		return 0;
	struct vs_rules_call call = {
		.stage = stage, .family = about.family, .type = about.type, .protocol = about.protocol
	};
	call.local = stage == VS_RULES_AT_BIND ? addr : &about.own.any;
	call.remote = stage == VS_RULES_AT_BIND ? NULL : addr;
	if (stage == VS_RULES_AT_CONNECT && (vs_shim_run.needs & VS_RULES_NEED_NAMES)) {
		call.n_names = vs_shim_known_find(addr, names);
		for (size_t i = 0; i < call.n_names; i++)
			list[i] = names[i];
		call.names = list;
	}
	struct vs_rules_decision decision = vs_shim_decide(&call);
	bool denied = decision.verdict == VS_RULES_DENY;
	unsigned index = decision.verdict == VS_RULES_HOST ? VS_SHIM_HOST : decision.stack;
	uint64_t here = vs_unsettled_network(fd), there = denied ? 0 : cookie_of_stack(index);
	if (here != there && !is_of_run(here))
		return 0;
	if (denied) {
		vs_shim_log(name, addr, &decision, NULL);
		return -EACCES;
	}
	bool moves = there == 0 || here != there;
	int r = moves ? move(fd, &about, index, here) : 0;
	vs_shim_log(name, addr, &decision, r < 0 ? "the socket cannot be moved" : moves ? "moved" : NULL);
	return r;
}

/* ------------------------------------------------------------------ the calls, by rules */

/*
 * A system call at which the thread may be cancelled. libc does the same: while the type is asynchronous,
 * nothing but the system call runs.
 */
#define CANCELLABLE(expr)                                                                                    \
	do {                                                                                                 \
		int old_type;                                                                                \
		/* NOLINTNEXTLINE(concurrency-thread-canceltype-asynchronous) */                             \
		(void)pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old_type);                         \
		(expr);                                                                                      \
		(void)pthread_setcanceltype(old_type, NULL);                                                 \
	} while (0)

#define PASS vs_shim_run.pass[0], vs_shim_run.pass[1]

static int failed(int r)
{
	errno = -r;
	return -1;
}

static int bind_by_rules(int fd, const struct sockaddr *addr, socklen_t len)
{
	bool looks = vs_shim_inside == 0 && (vs_shim_run.needs & VS_RULES_NEED_BIND);
	int saved = errno, r = looks ? settle("bind", fd, VS_RULES_AT_BIND, addr, len) : 0;

	if (r < 0)
		return failed(r);
	errno = saved;
	return (int)syscall(SYS_bind, fd, addr, (long)len, 0L, PASS);
}

static int settle_remote(const char *name, int fd, const struct sockaddr *addr, socklen_t len)
{
	return vs_shim_inside != 0 ? 0 : settle(name, fd, VS_RULES_AT_CONNECT, addr, len);
}

static int connect_by_rules(int fd, const struct sockaddr *addr, socklen_t len)
{
	int saved = errno, r = settle_remote("connect", fd, addr, len);

	if (r < 0)
		return failed(r);
	errno = saved;
	CANCELLABLE(r = (int)syscall(SYS_connect, fd, addr, (long)len, 0L, PASS));
	return r;
}

static ssize_t send_message(int fd, const struct msghdr *msg, int flags)
{
	ssize_t n;

	CANCELLABLE(n = syscall(SYS_sendmsg, fd, msg, (long)flags, 0L, PASS));
	return n;
}

static ssize_t sendmsg_by_rules(int fd, const struct msghdr *msg, int flags)
{
	int saved = errno;
	int r = is_readable(msg, sizeof(*msg)) ? settle_remote("sendmsg", fd, msg->msg_name, msg->msg_namelen)
					       : 0;

	if (r < 0)
		return failed(r);
	errno = saved;
	return send_message(fd, msg, flags);
}

static ssize_t sendto_by_rules(int fd, const void *data, size_t size, int flags, const struct sockaddr *addr,
			       socklen_t len)
{
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)addr, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1
	};
	int saved = errno, r = settle_remote("sendto", fd, addr, len);

	if (r < 0)
		return failed(r);
	errno = saved;
	return send_message(fd, &msg, flags);
}

/* Message by message: the call of the kernel has no argument that is free. */
static int sendmmsg_by_rules(int fd, struct mmsghdr *list, unsigned n, int flags)
{
	unsigned i = 0;

	for (; i < n && i < IOV_MAX; i++) {
		ssize_t sent = sendmsg_by_rules(fd, &list[i].msg_hdr, flags);
		if (sent < 0)
			return i > 0 ? (int)i : -1;
		list[i].msg_len = (unsigned)sent;
	}
	return (int)i;
}

/* ------------------------------------------------------------------ the functions */

/* Before the constructor: the system calls. The supervisor decides. */
static int bind_raw(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)syscall(SYS_bind, fd, addr, (long)len, 0L, 0L, 0L);
}

static int connect_raw(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)syscall(SYS_connect, fd, addr, (long)len, 0L, 0L, 0L);
}

static ssize_t sendto_raw(int fd, const void *data, size_t size, int flags, const struct sockaddr *addr,
			  socklen_t len)
{
	return syscall(SYS_sendto, fd, data, size, (long)flags, addr, (long)len);
}

static ssize_t sendmsg_raw(int fd, const struct msghdr *msg, int flags)
{
	return syscall(SYS_sendmsg, fd, msg, (long)flags, 0L, 0L, 0L);
}

static int sendmmsg_raw(int fd, struct mmsghdr *list, unsigned n, int flags)
{
	return (int)syscall(SYS_sendmmsg, fd, list, (long)n, (long)flags, 0L, 0L);
}

/* Written by the thread that asks about the run, read by all. */
static _Atomic(__typeof__(&bind_raw)) bind_now = bind_raw;
static _Atomic(__typeof__(&connect_raw)) connect_now = connect_raw;
static _Atomic(__typeof__(&sendto_raw)) sendto_now = sendto_raw;
static _Atomic(__typeof__(&sendmsg_raw)) sendmsg_now = sendmsg_raw;
static _Atomic(__typeof__(&sendmmsg_raw)) sendmmsg_now = sendmmsg_raw;

/* libc's, where rules do not look. */
#define TO_LIBC(name)                                                                                        \
	do {                                                                                                 \
		void *next = vs_shim_next(#name);                                                            \
		if (next != NULL)                                                                            \
			atomic_store(&name##_now, (__typeof__(&name##_raw))(uintptr_t)next);                 \
	} while (0)

/* With rules about addresses the supervisor is asked about all five, unless they come with the numbers. */
void vs_shim_rules_start(unsigned needs)
{
	if (needs & (VS_RULES_NEED_BIND | VS_RULES_NEED_CONNECT | VS_RULES_NEED_NAMES)) {
		atomic_store(&bind_now, bind_by_rules);
		atomic_store(&connect_now, connect_by_rules);
		atomic_store(&sendto_now, sendto_by_rules);
		atomic_store(&sendmsg_now, sendmsg_by_rules);
		atomic_store(&sendmmsg_now, sendmmsg_by_rules);
	} else {
		TO_LIBC(bind);
		TO_LIBC(connect);
		TO_LIBC(sendto);
		TO_LIBC(sendmsg);
		TO_LIBC(sendmmsg);
	}
}

#define NOW(name) atomic_load_explicit(&name##_now, memory_order_relaxed)

VS_SHIM_EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return NOW(bind)(fd, addr, len);
}

VS_SHIM_EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return NOW(connect)(fd, addr, len);
}

VS_SHIM_EXPORT ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *addr,
			      socklen_t len)
{
	return NOW(sendto)(fd, data, size, flags, addr, len);
}

VS_SHIM_EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return NOW(sendmsg)(fd, msg, flags);
}

VS_SHIM_EXPORT int sendmmsg(int fd, struct mmsghdr *list, unsigned n, int flags)
{
	return NOW(sendmmsg)(fd, list, n, flags);
}
