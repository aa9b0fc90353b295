/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_REGISTRY_DIR_H
#define VS_WIRE_REGISTRY_DIR_H

/*
 * The directory in which keepers bind the sockets at which other programs of the same user find them.
 *
 *     $XDG_RUNTIME_DIR/vdestack        if the variable is an absolute path
 *     /run/user/UID/vdestack
 *     /tmp/vdestack-UID                for the user root: /run/vdestack
 *
 * A keeper uses the first one that is there or can be made. Who looks for keepers looks at all of them,
 * because its environment may be another one.
 *
 * A directory is used only if it belongs to this user and nobody else may do anything in it. It is opened by
 * descriptor, and no symbolic link is followed to it. So another user who has made it before, or a link in
 * its place, can only keep programs from being found.
 *
 * A socket has the name "stacks-PID-KEEPER-RANDOM". Its messages are those of messages.h, VS_OP_LIST and
 * VS_OP_ATTACH. It is a datagram socket: there are no connections, so nobody can keep one open or half done.
 */

#include <stdbool.h>
#include <sys/types.h>

#define VS_REGISTRY_DIRS 3

/* Opens directory i (O_PATH). make: makes it if it is not there. A descriptor, or -errno. */
int vs_registry_dir_open(int i, bool make);

#define VS_REGISTRY_NAME_MAX 64

struct vs_registry_name {
	char text[VS_REGISTRY_NAME_MAX];
};

struct vs_registry_name vs_registry_name(pid_t pid, pid_t keeper, unsigned random);
/* False: it is no name of such a socket. */
bool vs_registry_name_parse(const char *text, pid_t *pid, pid_t *keeper);

#endif
