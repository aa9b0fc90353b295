/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A file with the name of a libvdeplug plugin. When it is loaded it makes a file beside it, with its name and
 * .mark
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void leave_mark(void)
{
	static char self[1];
	char mark[4096];
	Dl_info info;

	if (dladdr(self, &info) == 0)
		return;
	(void)snprintf(mark, sizeof(mark), "%s.mark", info.dli_fname);
	int fd = open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	if (fd >= 0)
		close(fd);
}
