/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_NET_H
#define VDESTACK_TESTS_NET_H

/*
 * What cases about networks share: stacks that communicate, the keepers of a case, a
 * vde_switch. A call that cannot do its work fails the case.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct vdestack;

/* vdestack_new() in the variant of this run, which must succeed. */
struct vdestack *net_stack(const char *config);

/* Two stacks, 10.9.0.1 and 10.9.0.2, on an inproc segment. */
void net_pair(struct vdestack *pair[2]);

/* Opens a TCP connection from `client` to a listener in `server` at `addr`, sends words both ways. */
void net_talk(struct vdestack *server, const char *addr, struct vdestack *client);

/* The same on the stack's own lo. */
void net_talk_lo(struct vdestack *stack);

/* The same with sockets that exist: `listener` (not yet bound) and `client`. Both stay open. */
void net_talk_fds(int listener, const char *addr, int client);

/* The network namespace of a socket, as a number that is different for each namespace. */
unsigned long long net_namespace_of(int fd);

/* The keepers of the case and of its children, zombies included: at most `max` go to `pids`. */
int net_keepers(pid_t *pids, int max);
/* The only one. */
pid_t net_keeper(void);
/* Waits until there are n keepers; false when the time has passed. */
bool net_wait_keepers(int n, int timeout_ms);

/* A vde_switch with a directory of its own below the directory of the case. */
struct net_switch {
	pid_t pid;
	int input;
	char dir[256]; /* "vnl=vde://DIR" */
	char mgmt[260];
};
void net_switch_start(struct net_switch *sw, const char *name);
/* Ports in use. */
int net_switch_ports(const struct net_switch *sw);
/* Entries in its directory: sockets of clients, and its own. */
int net_switch_files(const struct net_switch *sw);
void net_switch_stop(struct net_switch *sw);

#endif
