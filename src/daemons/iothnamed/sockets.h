/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_SOCKETS_H
#define NM_SOCKETS_H

/* Stacks, and sockets in them. None of the sockets blocks. */

#include <ioth.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/* The stacks of a configuration; NULL: the network of the process. 0, or -1 after a message. */
int nm_stacks_open(const struct nm_config *config, struct ioth *stacks[NM_N_STACKS]);
void nm_stacks_close(struct ioth *stacks[NM_N_STACKS]);

/*
 * Whether a stack has failed. One in user space says so at its sockets, too; those of the kernel stay as they
 * are, and get nothing more. NULL never fails.
 */
bool nm_stack_failed(struct ioth *stack);

/* A socket for all addresses of a stack, also of IPv4, at a port. A descriptor, or -errno. */
int nm_socket_serve(struct ioth *stack, int type, uint16_t port);

/*
 * A socket that is connected to a server, at a random port of its own by UDP. By TCP the connection may be on
 * its way: then the socket becomes writable. A descriptor, or -errno; -ESTALE: the stack has failed.
 */
int nm_socket_connect(struct ioth *stack, int type, const struct in6_addr *addr, uint16_t port);

/* The address of a client, v4-mapped. */
struct in6_addr nm_socket_address(const struct sockaddr_storage *from);

/* How many descriptors the process may have, 65536 for more. */
size_t nm_descriptors(void);

#endif
