/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose socket(2) a program has, and what the default stack does then.
 *
 *     interpose redirected            the default takes socket(2) into the stack
 *     interpose alone TEXT            ENOTSUP, and the message has TEXT in it
 *
 * Built with -DLOAD="path" it loads the library by dlopen(3); with -DPART it is a library that makes stacks
 * on behalf of a program (MAIN).
 */

#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

#ifdef LOAD
#define CALL(name) ((__typeof__(name) *)dlsym(library, #name))
static void *library;
#else
#define CALL(name) name
#endif

#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "line %d: %s: %s (%s)\n", __LINE__, #condition,                      \
				CALL(vdestack_last_error)(), strerror(errno));                               \
			exit(1);                                                                             \
		}                                                                                            \
	} while (0)

/* Only the stack has an interface of that name. */
static int in_stack(int s)
{
	struct ifreq ifr = { .ifr_name = "only-here" };

	return s >= 0 && ioctl(s, SIOCGIFINDEX, &ifr) == 0;
}

int examine(const char *mode, const char *text);

int examine(const char *mode, const char *text)
{
#ifdef LOAD
	library = dlopen(LOAD, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
#endif
	struct vdestack *stack = CALL(vdestack_new)("iface=only-here vnl=inproc://lan", NULL);
	CHECK(stack != NULL);
	int s = CALL(vdestack_msocket)(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(in_stack(s));
	CHECK(CALL(vdestack_set_default)(NULL) == 0);
	if (strcmp(mode, "redirected") == 0) {
		CHECK(CALL(vdestack_set_default)(stack) == 0);
		CHECK(in_stack(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
		CHECK(CALL(vdestack_set_default)(NULL) == 0);
		CHECK(CALL(vdestack_set_thread_default)(stack) == 0);
		CHECK(in_stack(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
		CHECK(CALL(vdestack_set_thread_default)(NULL) == 0);
	} else {
		CHECK(CALL(vdestack_set_default)(stack) == -1 && errno == ENOTSUP);
		CHECK(strstr(CALL(vdestack_last_error)(), text) != NULL);
		CHECK(CALL(vdestack_get_default)() == NULL);
		CHECK(CALL(vdestack_set_thread_default)(stack) == -1 && errno == ENOTSUP);
		CHECK(CALL(vdestack_get_thread_default)() == NULL);
	}
	CHECK(!in_stack(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
	CHECK(CALL(vdestack_delete)(stack) == 0);
	return 0;
}

#ifndef PART
int main(int argc, char **argv)
{
	return argc > 1 ? examine(argv[1], argc > 2 ? argv[2] : "") : 2;
}
#endif
