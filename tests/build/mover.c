/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that gets its library from where relocate.sh has put it.
 *
 *     mover STEP...
 *
 * A step is one of
 *     stack         makes a stack and a socket in it, and prints that; or prints the reason and ends with 3
 *     keep          the same, and keeps the stack
 *     cd DIR        changes the directory
 *     chroot DIR    changes the root, and the directory to it
 *     pause         says "waiting" and waits for a line of input
 *     load FILE     (compiled with -DLOADER) loads the library, which it was not linked with
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

static __typeof__(vdestack_new) *new_stack;
static __typeof__(vdestack_msocket) *new_socket;
static __typeof__(vdestack_delete) *end_stack;
static __typeof__(vdestack_last_error) *last_error;

#ifdef LOADER
static void *library;
static char loaded[4096];

static int unload(void)
{
	if (library == NULL || dlclose(library) != 0)
		return 1;
	puts(dlopen(loaded, RTLD_NOW | RTLD_NOLOAD) == NULL ? "gone" : "still there");
	return 0;
}

static int load(const char *file)
{
	library = dlopen(file, RTLD_NOW);
	(void)snprintf(loaded, sizeof(loaded), "%s", file);
	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&new_stack = dlsym(library, "vdestack_new");
	*(void **)&new_socket = dlsym(library, "vdestack_msocket");
	*(void **)&end_stack = dlsym(library, "vdestack_delete");
	*(void **)&last_error = dlsym(library, "vdestack_last_error");
	return 0;
}
#else
static int unload(void)
{
	return 1;
}

static int load(const char *file)
{
	(void)file;
	new_stack = vdestack_new;
	new_socket = vdestack_msocket;
	end_stack = vdestack_delete;
	last_error = vdestack_last_error;
	return 0;
}
#endif

static int stack(int keep, unsigned flags)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = flags };
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.0.0.1/24", &opts);

	if (s == NULL) {
		printf("errno %s: %s\n", strerrorname_np(errno), last_error());
		return 3;
	}
	if (new_socket(s, AF_INET, SOCK_STREAM, 0) < 0 || (!keep && end_stack(s) < 0)) {
		printf("useless stack, errno %s: %s\n", strerrorname_np(errno), last_error());
		return 4;
	}
	puts("stack");
	return 0;
}

static int step(char ***arg)
{
	const char *word = *(*arg)++;

	if (strcmp(word, "stack") == 0 || strcmp(word, "keep") == 0)
		return stack(word[0] == 'k', 0);
	if (strcmp(word, "inprocess") == 0)
		return stack(0, VDESTACK_INPROCESS);
	if (strcmp(word, "unload") == 0)
		return unload();
	if (strcmp(word, "pause") == 0) {
		puts("waiting");
		return getchar() == EOF;
	}
	if (**arg == NULL)
		return 2;
	const char *value = *(*arg)++;
	if (strcmp(word, "cd") == 0 ? chdir(value) < 0
				    : strcmp(word, "chroot") == 0 && (chroot(value) < 0 || chdir("/") < 0)) {
		perror(value);
		return 1;
	}
	return strcmp(word, "load") == 0 ? load(value) : 0;
}

int main(int argc, char **argv)
{
	int r = 0;

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 0);
#ifndef LOADER
	load(NULL);
#endif
	for (char **arg = argv + 1; r == 0 && *arg != NULL;)
		r = step(&arg);
	return r;
}
