/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_MOVE_H
#define VS_PRELOAD_MOVE_H

/*
 * Moves a socket that a program has made to another network: a new socket gets what the program has set on
 * the old one. The caller has made it with the same family, type and protocol, and puts it over the old
 * one's number.
 *
 * What is moved: the options of the tables in move.c, a filter of classic BPF, the address and port if
 * bound, the status flags, owner and signal of O_ASYNC, and registrations with epoll (watches.h).
 *
 * What is not: received datagrams, pending errors, memberships in multicast groups, keys of TCP-MD5 and
 * programs of SO_ATTACH_REUSEPORT_CBPF, because the kernel does not list them. A filter that is eBPF, and
 * a lock on a filter that forbids another one, make the move fail. Other descriptors that refer to the
 * same socket (by dup(2), fork(2)) still refer to the old one.
 *
 * Nothing here allocates memory or takes a lock, so all may be called in a signal handler.
 */

#include <stdbool.h>

/*
 * Gives `fresh` what has been set on `old`. `reference` is another new socket of the same kind, in the
 * network of `old`: an option of `old` is one that the program has set if it is not as there. -1: compares
 * with `fresh`, and so takes other defaults of another network for settings of the program.
 *
 * 0; or -EISCONN for a socket that is connected or listens; or -Exxx. If the result is negative, *what is
 * the name of what could not be set ("SO_BINDTODEVICE", "bind"), and `fresh` is of no use.
 */
int vs_move_socket(int old, int reference, int fresh, const char **what);

/*
 * Sets O_ASYNC on `fd` if `old` has it. The number of `fd` must be the one that the program knows, because
 * signals carry it; so this is a step of its own, see vs_watches_enter(). 0 or -Exxx.
 */
int vs_move_async(int old, int fd);

#endif
