/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CHANNEL_H
#define VS_KEEPER_CHANNEL_H

/* The reply channels that processes have registered, and the lives of commands; see channel.c. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vs_fdmsg;
struct vs_keeper;
struct vs_net;

/*
 * Registers a reply channel. Takes fd if it succeeds. pid: of the process that registers it. 0 or -errno:
 * -EEXIST, -EMFILE (more than a process needs), -ENOMEM.
 */
int vs_registry_add(struct vs_keeper *k, uint64_t number, pid_t pid, int fd);
/* Sends on a registered channel. 0 or -errno; -ENOENT: there is no such channel. */
int vs_registry_send(struct vs_keeper *k, uint64_t number, const struct vs_fdmsg *msg);
/*
 * Keeps a socket (taken) until its other end hangs up or the stack ends. So the process at its other end
 * notices the end of the stack. guest: it enters the namespace (guests.h). 0 or
 * -errno.
 */
int vs_registry_add_life(struct vs_keeper *k, struct vs_net *net, bool guest, pid_t pid, int fd);
/* Closes the lives of the stack. */
void vs_registry_end_lives(struct vs_keeper *k, const struct vs_net *net);
/* The other end of a channel has hung up. */
void vs_registry_hangup(struct vs_keeper *k, uint64_t number);
/* Drops all of them. */
void vs_registry_drop(struct vs_keeper *k);

#endif
