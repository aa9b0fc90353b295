/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_OWN_SOCKET_H
#define VS_BASE_OWN_SOCKET_H

/*
 * socket(2) for the library itself: the socket is always of the calling thread's network namespace.
 *
 * A program of `vdestack run` has a seccomp filter that sends its socket(2) to a supervisor, which answers
 * with sockets of the run's stack. The filter is inherited by the keeper of a stack that such a program
 * makes. The keeper must get sockets of its own namespaces: otherwise it would configure the stack of the
 * run.
 */

/* As socket(2): a descriptor, or -1 and errno. Never an interposed function of the program. */
int vs_own_socket(int domain, int type, int protocol);

/* Finds out whether the process is in a run. Call it in the keeper before it makes sockets. */
void vs_own_socket_start(void);

#endif
