/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SKIP 77

struct vdestack fake;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text)); /* a failure shows in what depends on it */
		(void)close(fd);
	}
}

_Noreturn void could_not_run(const char *why)
{
	fprintf(stderr, "skipped: %s: %s\n", why, strerror(errno));
	exit(SKIP);
}

/* An ordinary user gets a user namespace with it. */
int enter_namespace(void **state)
{
	char map[32];
	unsigned uid = geteuid();

	(void)state;
	fake = (struct vdestack){ 0 };
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		could_not_run("cannot make a network namespace");
	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	return 0;
}

int ip_command(const char *fmt, ...)
{
	char command[512] = "PATH=$PATH:/sbin:/usr/sbin ip ";
	size_t used = strlen(command);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command + used, sizeof(command) - used, fmt, ap);
	va_end(ap);
	return system(command);
}

/* Not a dummy device: not every kernel has them. */
int make_plugged(const char *name)
{
	if (ip_command("link add %s type veth peer name %s-far", name, name) != 0)
		could_not_run("cannot make a veth pair");
	ip("link set %s-far addrgenmode none up", name);
	ip("link set %s up", name);
	int ifindex = vdestack_if_nametoindex(stack, name);
	assert_true(ifindex > 0);
	return ifindex;
}

void make_veth(void)
{
	if (ip_command("link add v0 type veth peer name v1") != 0)
		could_not_run("cannot make a veth pair");
}

int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

void add_many(const char *ifname)
{
	char text[32];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(text, sizeof(text), "10.9.0.%d", i + 1);
		assert_works(vdestack_addr_add(stack, ifname, text, 16));
		(void)snprintf(text, sizeof(text), "fc09::%x", i + 1);
		assert_works(vdestack_addr_add(stack, ifname, text, 64));
	}
}

bool has_many(const struct vdestack_addr *list, int n)
{
	bool seen[2][101] = { { false } };
	int count = 0;

	for (int i = 0; i < n; i++) {
		bool four = list[i].family == AF_INET;
		const char *start = four ? "10.9.0." : "fc09::";
		if (strncmp(list[i].addr, start, strlen(start)) != 0)
			continue;
		long number = strtol(list[i].addr + strlen(start), NULL, four ? 10 : 16);
		assert_true(number >= 1 && number <= 100);
		if (seen[four][number])
			return false;
		seen[four][number] = true;
		count++;
	}
	return count == 200;
}
