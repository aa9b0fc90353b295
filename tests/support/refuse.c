/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* refuse PROGRAM ARG...: runs it under a seccomp filter that refuses user namespaces. */

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refuse.h"

int main(int argc, char **argv)
{
	if (argc < 2 || refuse_call(SYS_unshare, CLONE_NEWUSER, EPERM) < 0 ||
	    refuse_call(SYS_clone, CLONE_NEWUSER, EPERM) < 0 ||
	    refuse_call(SYS_clone3, 0, ENOSYS) < 0) { /* a filter cannot see its flags */
		perror("refuse");
		return 1;
	}
	(void)execv(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
