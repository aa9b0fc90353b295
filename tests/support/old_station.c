/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A stack of Debian's libvdestack 0.1, as a station of a network, whose sockets another process uses:
 *
 *     old_station NETWORK SOCKET COMMANDS
 *
 * makes the stack with an interface vde0, runs the COMMANDS in it, and connects to SOCKET. Each request
 * there is three ints: domain, type and protocol. The reply is an int, 0 with the socket as descriptor, or an
 * errno. It ends with that connection. Exit status 77: that library is not installed.
 *
 * It is a program of its own, because the old library and the new one have functions of the same names.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "send_fds.h"

struct vdestack;

static struct {
	struct vdestack *(*add)(char *vnl, char *name);
	void (*del)(struct vdestack *stack);
	int (*command)(struct vdestack *stack, char *commands);
	int (*msocket)(struct vdestack *stack, int domain, int type, int protocol);
} old;

/* By the name of the file: the one that programs link has the same name in this library. */
static void *load(void)
{
	char name[] = "libvdestack.so.0.1.0";
	void *library = NULL;

	for (char *digit = strrchr(name, '0'); library == NULL && *digit <= '9'; (*digit)++)
		library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	return library;
}

static int find_calls(void *library)
{
	*(void **)&old.add = dlsym(library, "vde_addstack");
	*(void **)&old.del = dlsym(library, "vde_delstack");
	*(void **)&old.command = dlsym(library, "vde_stackcmd");
	*(void **)&old.msocket = dlsym(library, "vde_msocket");
	return old.add != NULL && old.del != NULL && old.command != NULL && old.msocket != NULL ? 0 : -1;
}

static int connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	return fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? fd : -1;
}

static void serve(struct vdestack *stack, int requests)
{
	int wanted[3];

	while (recv(requests, wanted, sizeof(wanted), 0) == sizeof(wanted)) {
		errno = 0;
		int fd = old.msocket(stack, wanted[0], wanted[1], wanted[2]);
		int reply = fd >= 0 ? 0 : errno != 0 ? errno : EIO;
		(void)send_fds(requests, &reply, sizeof(reply), fd, fd >= 0);
		if (fd >= 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	char name[] = "vde0";
	void *library = load();

	if (argc != 4)
		return 2;
	if (library == NULL || find_calls(library) < 0) {
		fprintf(stderr, "Debian's libvdestack 0.1 is not installed: %s\n", dlerror());
		return 77;
	}
	struct vdestack *stack = old.add(argv[1], name);
	if (stack == NULL || old.command(stack, argv[3]) != 0) {
		fprintf(stderr, "no stack of libvdestack 0.1 on %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	int requests = connect_to(argv[2]);
	if (requests < 0) {
		perror(argv[2]);
		return 1;
	}
	serve(stack, requests);
	old.del(stack);
	return 0;
}
