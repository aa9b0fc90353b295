/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_WATCHES_H
#define VS_PRELOAD_WATCHES_H

/*
 * The registrations of a socket with epoll, which move with it. /proc/PID/fdinfo lists them.
 *
 * The kernel knows a registration by the open file and the number with which epoll_ctl(2) was called. So
 * the task that calls it must have the socket under the number that the program uses. In the program
 * itself it has:
 *
 *     vs_watches_find()                      the descriptors of epoll with this socket, what they wait for
 *     vs_watches_leave()                     removes the registrations of the old socket
 *     dup3(fresh, number)                    the new socket is there
 *     vs_watches_enter()                     registers the new one
 *
 * In another process these steps are on a thread that has a table of descriptors of its own. That thread
 * ends with the step, and takes the copies of all descriptors with it.
 *
 * Events, data, EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE are kept. Between the steps no event is reported,
 * and none is lost, because a registration reports what is true when it is made. A registration with
 * EPOLLONESHOT that has reported its event can report one EPOLLHUP more.
 *
 * In this process nothing allocates memory or takes a lock. For another process the number must be below
 * RLIMIT_NOFILE of this one: otherwise the steps fail with -EBADF.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VS_WATCHES_MAX 32

struct vs_watch {
	int epoll; /* the descriptor, in this process */
	uint32_t events;
	uint64_t data;
};

struct vs_watches {
	size_t n;
	int number;  /* of the socket in its process */
	int foreign; /* the descriptors are copies that belong to this struct */
	struct vs_watch list[VS_WATCHES_MAX];
};

/*
 * Finds the registrations of `socket`, which has this number in the process. task: 0 for this process;
 * otherwise a thread of the process that pidfd stands for, and `socket` is a copy of its socket. 0; or
 * -E2BIG: more than VS_WATCHES_MAX; or -ENOENT: there is no /proc; or -Exxx. *out is written only with 0,
 * and is to be closed.
 */
int vs_watches_find(pid_t task, int pidfd, int number, int socket, struct vs_watches *out);

/* Removes the registrations of `old`. If the result is negative, it has restored what it had removed. */
int vs_watches_leave(const struct vs_watches *w, int old);

/* Registers `fresh`, and sets O_ASYNC on it if `old` has it. Also undoes vs_watches_leave(): fresh = old. */
int vs_watches_enter(const struct vs_watches *w, int old, int fresh);

/* Takes NULL, too. */
void vs_watches_close(struct vs_watches *w);

#endif
