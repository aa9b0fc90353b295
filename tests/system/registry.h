/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_REGISTRY_H
#define VDESTACK_TESTS_REGISTRY_H

/* Programs and those who look at them: what the cases about the registry share. */

#include <sys/un.h>

#include "attack.h"
#include "closed.h"
#include <vdestack/registry.h>

#define LIST_MAX 64

static struct vdestack_registered listed[LIST_MAX];

/* The stacks that are listed for that program. */
__attribute__((unused)) static int list_of(pid_t pid, struct vdestack_registered *out)
{
	int n = (int)MUST(vdestack_registry_list(listed, LIST_MAX)), found = 0;

	for (int i = 0; i < n && i < LIST_MAX; i++)
		if (listed[i].pid == pid)
			out[found++] = listed[i];
	return found;
}

struct wanted {
	pid_t pid;
	int n;
};

__attribute__((unused)) static bool so_many(void *arg)
{
	const struct wanted *w = arg;
	struct vdestack_registered found[LIST_MAX];

	return list_of(w->pid, found) == w->n;
}

/* A keeper is registered a moment after its first stack has begun. */
__attribute__((unused)) static void await_listed(pid_t pid, int n)
{
	struct wanted w = { pid, n };

	if (!wait_until(so_many, &w, SOON_MS))
		FAIL("process %d has not %d stacks in the list", (int)pid, n);
}

/* The program sends its keeper the name when the stack is made, and does not wait. */
__attribute__((unused)) static bool is_named(void *name)
{
	int n = (int)MUST(vdestack_registry_list(listed, LIST_MAX));

	for (int i = 0; i < n && i < LIST_MAX; i++)
		if (strcmp(listed[i].name, name) == 0)
			return true;
	return false;
}

/* Entries of the directory of this case. */
__attribute__((unused)) static int files_in(const char *path, char first[256])
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	int n = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && n++ == 0 && first != NULL)
			(void)snprintf(first, 256, "%s", e->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

__attribute__((unused)) static bool no_files(void *path)
{
	return files_in(path, NULL) == 0;
}

#define DIRECTORY case_path("vdestack")

/* Binds a datagram socket of ours in the directory. */
__attribute__((unused)) static int bind_there(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK(snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", DIRECTORY, name) <
	      (int)sizeof(address.sun_path));
	MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

/* The address of the only keeper's socket. */
__attribute__((unused)) static struct sockaddr_un the_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[256];

	CHECK_EQ(files_in(DIRECTORY, name), 1);
	CHECK(snprintf(address.sun_path, sizeof(address.sun_path), "%s/%.60s", DIRECTORY, name) <
	      (int)sizeof(address.sun_path));
	return address;
}

#endif
