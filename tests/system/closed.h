/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CLOSED_H
#define VDESTACK_TESTS_CLOSED_H

/* Programs that close all descriptors and go on: what the cases about them share. */

#include <sys/syscall.h>

#include "stacks.h"

#define LAN "vnl=inproc://lan ip=10.9.0.1/24"
#define LAN2 "vnl=inproc://lan ip=10.9.0.2/24"

static pid_t reaper;

__attribute__((constructor)) static void note_reaper(void)
{
	reaper = getppid();
}

__attribute__((unused)) static bool no_keeper(void *unused)
{
	(void)unused;
	return find_children(reaper, "vdestack-keeper", NULL, 0) == 0;
}

__attribute__((unused)) static void close_all(void)
{
	MUST(syscall(SYS_close_range, 3u, ~0u, 0));
}

/* True if a socket() of this process has the address. */
__attribute__((unused)) static bool in_stack(const char *addr)
{
	struct sockaddr_in sa = address(addr, 0);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	bool is = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	close(fd);
	return is;
}

#endif
