/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_SIDE_DOOR_H
#define VS_WIRE_SIDE_DOOR_H

/*
 * The side door of a keeper: where a process that has lost its doors requests new ones.
 *
 * It is a datagram socket with an abstract name, in the network namespace in which the program started the
 * keeper. The keeper does not receive a message without the secret. The name is random, but it is no
 * secret: every process of that namespace finds it in /proc/net/unix. The secret is in the memory of the
 * program and of its forked children, which have the front door as well.
 *
 * A child that was forked before a stack was made has no door of it. So each stack has another secret, which
 * the keeper tells at the stack's own door. With both secrets a process gets a door, which gives it nothing
 * that it did not have.
 *
 * A process checks who sends the reply: the process id and the uid of the keeper, as the kernel says. After
 * the end of the keeper another process could bind the name.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define VS_SIDE_DOOR_NAME_BYTES 16

struct vs_side_door {
	uint8_t name[VS_SIDE_DOOR_NAME_BYTES];
	uint64_t secret[2]; /* both 0: the keeper has no side door */
};

/* The text of a request there. */
struct vs_wanted_door {
	uint64_t stack;     /* its id; 0: the front door */
	uint64_t secret[2]; /* of the stack; of no use for the front door */
};

/*
 * False, too, if ours has not been drawn. No early exit: the time that it takes must not depend on the
 * secret.
 */
static inline bool vs_side_door_same(const uint64_t ours[2], const uint64_t its[2])
{
	return (ours[0] | ours[1]) != 0 && ((ours[0] ^ its[0]) | (ours[1] ^ its[1])) == 0;
}

/* Writes the address. Returns its length. Async-signal-safe. */
static inline socklen_t vs_side_door_address(const struct vs_side_door *side, struct sockaddr_un *address)
{
	static const char digits[] = "0123456789abcdef", prefix[] = "vdestack-";
	size_t n = 1; /* an abstract name begins with a zero byte */

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	for (const char *p = prefix; *p != '\0'; p++)
		address->sun_path[n++] = *p;
	for (size_t i = 0; i < sizeof(side->name); i++) {
		address->sun_path[n++] = digits[side->name[i] >> 4];
		address->sun_path[n++] = digits[side->name[i] & 15];
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

#endif
