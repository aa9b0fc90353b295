/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "own_socket.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ask.h"

/* The filter lets a call with these numbers through. 0: no run. Written at the keeper's start. */
static _Atomic unsigned long pass[2];

int vs_own_socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, (long)domain, (long)type, (long)protocol, 0L,
			    atomic_load_explicit(&pass[0], memory_order_relaxed),
			    atomic_load_explicit(&pass[1], memory_order_relaxed));
}

void vs_own_socket_start(void)
{
	struct vs_ask_run run;
	int fd = vs_ask(VS_ASK_RUN, 0, 0, 0, 0);

	if (fd < 0)
		return;
	if (pread(fd, &run, sizeof(run), 0) == sizeof(run) && run.version == VS_ASK_VERSION)
		for (int i = 0; i < 2; i++)
			atomic_store(&pass[i], (unsigned long)run.pass[i]);
	(void)close(fd);
}
