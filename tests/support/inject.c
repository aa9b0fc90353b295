/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The layer of inject.h. For each wrapped function there is one that counts and then either fails or calls
 * the real function. Functions that only release something (close, free, munmap, unlock) are not wrapped: no
 * caller can act on their result.
 *
 * Arguments of variadic functions are passed on as six words, as the ABIs of 64-bit
 * machines do.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"

struct inject_control *inject_control;
static enum inject_side own_side = INJECT_PROGRAM;

/* Constructors get main's arguments. */
__attribute__((constructor)) static void find_control(int argc, char **argv)
{
	const char *role = argc > 0 ? argv[0] : "";
	const char *path = getenv(INJECT_ENV);

	if (strcmp(role, "vdestack-keeper") == 0)
		own_side = INJECT_KEEPER;
	else if (strcmp(role, "vdestack-runner") == 0)
		own_side = INJECT_RUNNER;
	if (own_side == INJECT_PROGRAM || path == NULL)
		return;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	void *map = mmap(NULL, sizeof(*inject_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		inject_control = map;
}

/* 0, or the errno with which this call has to fail. hard 0: it has no failure that is plausible. */
static int hit(const char *what, int hard, bool interruptible)
{
	struct inject_control *c = inject_control;

	if (c == NULL || atomic_load(&c->side) != (int)own_side)
		return 0;
	int mode = atomic_load(&c->mode);
	if ((mode == INJECT_INTR && !interruptible) || (mode == INJECT_HARD && hard == 0) ||
	    atomic_fetch_add(&c->count, 1) + 1 != atomic_load(&c->target))
		return 0;
	size_t len = strlen(what);
	memcpy(c->what, what, len < sizeof(c->what) ? len + 1 : sizeof(c->what) - 1);
	atomic_store(&c->injected, mode == INJECT_INTR ? EINTR : hard);
	atomic_store(&c->fired, 1);
	if (mode == INJECT_KILL)
		syscall(SYS_kill, (long)getpid(), (long)SIGKILL);
	return mode == INJECT_INTR ? EINTR : hard;
}

/* A function with a prototype: its failing value, errno, whether a signal may interrupt it. */
#define WRAP(type, name, failed, err, intr, params, args)                                                    \
	type __real_##name params;                                                                           \
	type __wrap_##name params;                                                                           \
	type __wrap_##name params                                                                            \
	{                                                                                                    \
		int e = hit(#name, (err), (intr));                                                           \
		if (e == 0)                                                                                  \
			return __real_##name args;                                                           \
		errno = e;                                                                                   \
		return (failed);                                                                             \
	}

/* A function that returns the error number. */
#define WRAP_NUMBER(name, err, params, args)                                                                 \
	int __real_##name params;                                                                            \
	int __wrap_##name params;                                                                            \
	int __wrap_##name params                                                                             \
	{                                                                                                    \
		int e = hit(#name, (err), false);                                                            \
		return e == 0 ? __real_##name args : e;                                                      \
	}

/* A variadic function with one named parameter. */
#define WRAP_VARIADIC(type, name, first, err)                                                                \
	type __real_##name(first, ...);                                                                      \
	type __wrap_##name(first, ...);                                                                      \
	type __wrap_##name(first a, ...)                                                                     \
	{                                                                                                    \
		va_list ap;                                                                                  \
		long w[6];                                                                                   \
		int saved = errno;                                                                           \
		va_start(ap, a);                                                                             \
		for (int i = 0; i < 6; i++)                                                                  \
			w[i] = va_arg(ap, long);                                                             \
		va_end(ap);                                                                                  \
		int e = hit(#name, (err), false);                                                            \
		errno = e == 0 ? saved : e;                                                                  \
		return e == 0 ? __real_##name(a, w[0], w[1], w[2], w[3], w[4], w[5]) : (type)-1;             \
	}

/* memory */
WRAP(void *, malloc, NULL, ENOMEM, false, (size_t n), (n))
WRAP(void *, calloc, NULL, ENOMEM, false, (size_t n, size_t m), (n, m))
WRAP(void *, realloc, NULL, ENOMEM, false, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, NULL, ENOMEM, false, (void *p, size_t n, size_t m), (p, n, m))
WRAP(char *, strdup, NULL, ENOMEM, false, (const char *s), (s))
WRAP(void *, mmap, MAP_FAILED, ENOMEM, false, (void *p, size_t n, int prot, int flags, int fd, off_t at),
     (p, n, prot, flags, fd, at))
WRAP(int, madvise, -1, EINVAL, false, (void *p, size_t n, int advice), (p, n, advice))

/* tasks */
WRAP_NUMBER(pthread_create, EAGAIN, (pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg),
	    (t, a, fn, arg))
WRAP_NUMBER(pthread_attr_init, ENOMEM, (pthread_attr_t *a), (a))
WRAP_NUMBER(pthread_attr_setstacksize, EINVAL, (pthread_attr_t *a, size_t n), (a, n))
WRAP(pid_t, fork, -1, EAGAIN, false, (void), ())
/* For any child it fails only if there is none, and then the library has forgotten one. */
WRAP(pid_t, waitpid, -1, pid > 0 ? ECHILD : 0, true, (pid_t pid, int *status, int flags),
     (pid, status, flags))
WRAP(int, execvp, -1, ENOMEM, false, (const char *file, char *const argv[]), (file, argv))
WRAP(int, unshare, -1, ENOSPC, false, (int flags), (flags))
WRAP(int, setns, -1, EPERM, false, (int fd, int type), (fd, type))
WRAP(int, pidfd_open, -1, EMFILE, false, (pid_t pid, unsigned flags), (pid, flags))

/* descriptors */
WRAP_VARIADIC(int, open, const char *, EMFILE)
WRAP_VARIADIC(int, openat, int, EMFILE)
WRAP_VARIADIC(int, fcntl, int, EMFILE)
WRAP_VARIADIC(int, ioctl, int, ENOMEM)
WRAP_VARIADIC(int, prctl, int, EINVAL)
WRAP_VARIADIC(long, syscall, long, EMFILE)
WRAP(FILE *, open_memstream, NULL, ENOMEM, false, (char **text, size_t *size), (text, size))
WRAP(FILE *, fopen, NULL, EMFILE, false, (const char *path, const char *mode), (path, mode))
WRAP(int, dup2, -1, EMFILE, false, (int a, int b), (a, b))
WRAP(int, dup3, -1, EMFILE, false, (int a, int b, int flags), (a, b, flags))
WRAP(int, pipe2, -1, EMFILE, false, (int fds[2], int flags), (fds, flags))
WRAP(int, eventfd, -1, EMFILE, false, (unsigned n, int flags), (n, flags))
WRAP(int, signalfd, -1, EMFILE, false, (int fd, const sigset_t *set, int flags), (fd, set, flags))
WRAP(int, epoll_create1, -1, EMFILE, false, (int flags), (flags))
WRAP(int, epoll_ctl, -1, ENOMEM, false, (int ep, int op, int fd, struct epoll_event *event),
     (ep, op, fd, event))
WRAP(int, epoll_wait, -1, EINTR, true, (int ep, struct epoll_event *event, int n, int ms), (ep, event, n, ms))
WRAP(int, poll, -1, ENOMEM, true, (struct pollfd *p, nfds_t n, int ms), (p, n, ms))
WRAP(ssize_t, read, -1, EIO, true, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, write, -1, ENOMEM, true, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, writev, -1, ENOMEM, true, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(int, stat, -1, ENOMEM, false, (const char *path, struct stat *st), (path, st))
WRAP(int, fstat, -1, ENOMEM, false, (int fd, struct stat *st), (fd, st))
WRAP(int, fsync, -1, EIO, false, (int fd), (fd))
WRAP(int, flock, -1, ENOLCK, false, (int fd, int op), (fd, op))
WRAP(int, renameat, -1, ENOSPC, false, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, linkat, -1, ENOSPC, false, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags))
WRAP(ssize_t, pwrite, -1, ENOSPC, false, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(int, memfd_create, -1, EMFILE, false, (const char *name, unsigned flags), (name, flags))
WRAP(int, timerfd_create, -1, EMFILE, false, (int clock, int flags), (clock, flags))
WRAP(int, chdir, -1, ENOMEM, false, (const char *path), (path))
WRAP(int, chroot, -1, EPERM, false, (const char *path), (path))

/* sockets */
WRAP(int, socketpair, -1, EMFILE, false, (int d, int t, int p, int fds[2]), (d, t, p, fds))
WRAP(int, bind, -1, ENOMEM, false, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, setsockopt, -1, ENOMEM, false, (int fd, int l, int o, const void *p, socklen_t n), (fd, l, o, p, n))
int __real_getsockopt(int fd, int l, int o, void *p, socklen_t *n);
int __wrap_getsockopt(int fd, int l, int o, void *p, socklen_t *n);
/*
 * SO_COOKIE cannot fail on a socket. To the library a failure means that the number is another descriptor by
 * now, which it must not close. So an injected failure would make it leak the socket.
 * Nor can the other options here fail on a socket of AF_UNIX.
 */
int __wrap_getsockopt(int fd, int l, int o, void *p, socklen_t *n)
{
	bool sure = l == SOL_SOCKET && (o == SO_COOKIE || o == SO_PEERCRED || o == SO_DOMAIN || o == SO_TYPE);
	int e = sure ? 0 : hit("getsockopt", ENOBUFS, false);

	if (e == 0)
		return __real_getsockopt(fd, l, o, p, n);
	errno = e;
	return -1;
}
WRAP(ssize_t, send, -1, ENOBUFS, true, (int fd, const void *p, size_t n, int f), (fd, p, n, f))
WRAP(ssize_t, recv, -1, ENOMEM, true, (int fd, void *p, size_t n, int f), (fd, p, n, f))
WRAP(ssize_t, sendto, -1, ENOBUFS, true,
     (int fd, const void *p, size_t n, int f, const struct sockaddr *a, socklen_t len), (fd, p, n, f, a, len))
WRAP(ssize_t, recvfrom, -1, ENOMEM, true,
     (int fd, void *p, size_t n, int f, struct sockaddr *a, socklen_t *len), (fd, p, n, f, a, len))
WRAP(ssize_t, sendmsg, -1, ENOBUFS, true, (int fd, const struct msghdr *m, int f), (fd, m, f))
WRAP(ssize_t, recvmsg, -1, ENOMEM, true, (int fd, struct msghdr *m, int f), (fd, m, f))

/* other libraries */
struct nl_sock;
struct nl_msg;
struct nl_cb;
struct vde_open_args;
typedef struct vdeconn VDECONN;
WRAP(int, capget, -1, EPERM, false, (cap_user_header_t head, cap_user_data_t data), (head, data))
WRAP(int, capset, -1, EPERM, false, (cap_user_header_t head, const cap_user_data_t data), (head, data))
WRAP(struct nl_sock *, nl_socket_alloc_cb, NULL, ENOMEM, false, (struct nl_cb *cb), (cb))
WRAP(struct nl_cb *, nl_cb_alloc, NULL, ENOMEM, false, (int kind), (kind))
WRAP(struct nl_msg *, nlmsg_alloc_simple, NULL, ENOMEM, false, (int type, int flags), (type, flags))
WRAP(VDECONN *, vde_open_real, NULL, ENOMEM, false,
     (const char *url, char *descr, int version, struct vde_open_args *args), (url, descr, version, args))

#ifdef INJECT_IOTH
/* Calls of libioth: those of libiothdns. */
struct ioth;
WRAP(int, ioth_msocket, -1, EMFILE, false, (struct ioth * s, int d, int t, int p), (s, d, t, p))
WRAP(int, ioth_connect, -1, ENETUNREACH, false, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, ioth_setsockopt, -1, ENOMEM, false, (int fd, int l, int o, const void *p, socklen_t n),
     (fd, l, o, p, n))
WRAP(int, ioth_getsockname, -1, ENOBUFS, false, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
WRAP(ssize_t, ioth_sendmsg, -1, ENOBUFS, true, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, ioth_recvmsg, -1, ENOMEM, true, (int fd, struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, ioth_recvfrom, -1, ENOMEM, true,
     (int fd, void *p, size_t size, int flags, struct sockaddr *a, socklen_t *n), (fd, p, size, flags, a, n))
WRAP(ssize_t, ioth_recv, -1, ENOMEM, true, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(ssize_t, ioth_send, -1, ENOMEM, true, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
/* Those of otip_rproxy. */
WRAP(int, ioth_bind, -1, ENOMEM, false, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, ioth_listen, -1, ENOMEM, false, (int fd, int n), (fd, n))
WRAP(int, ioth_accept4, -1, EMFILE, true, (int fd, struct sockaddr *a, socklen_t *n, int flags),
     (fd, a, n, flags))
WRAP(ssize_t, ioth_sendto, -1, ENOBUFS, true,
     (int fd, const void *p, size_t size, int flags, const struct sockaddr *a, socklen_t n),
     (fd, p, size, flags, a, n))
WRAP(int, ioth_nldialog, -1, ENOBUFS, false, (struct ioth * s, void *message), (s, message))
WRAP(int, ioth_ipaddr_del, -1, ENOBUFS, false, (struct ioth * s, int f, void *a, int len, int i),
     (s, f, a, len, i))
WRAP(ssize_t, splice, -1, ENOMEM, true,
     (int from, off_t *a, int to, off_t *b, size_t n, unsigned flags), (from, a, to, b, n, flags))
#endif
