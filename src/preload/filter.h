/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_FILTER_H
#define VS_PRELOAD_FILTER_H

/* The seccomp filter of the processes of a run. */

#include <stdbool.h>
#include <stdint.h>

/* The calls that are notified. */
enum vs_call {
	VS_CALL_OTHER,
	VS_CALL_SOCKET,
	VS_CALL_BIND,
	VS_CALL_CONNECT,
	VS_CALL_SENDTO,
	VS_CALL_SENDMSG,
	VS_CALL_SENDMMSG,
	VS_CALL_IOCTL,
};

struct vs_filter_opts {
	bool addresses;       /* notify bind(2), connect(2), sendto(2), sendmsg(2), sendmmsg(2) too */
	bool interfaces;      /* notify the requests of ioctl(2) in questions.h */
	bool io_uring;        /* allow io_uring_setup(2) */
	const uint64_t *pass; /* two numbers, see ask.h; NULL: none */
};

/*
 * Installs the filter in this process, which has one thread, for ever. Without CAP_SYS_ADMIN the process
 * gets no_new_privs; *no_new_privs says whether. Returns the listener, close-on-exec. -EBUSY: a filter with a
 * listener is installed already. -EINVAL: the kernel knows no listeners. -ENOSYS, -EACCES: filters are
 * refused. -ENOTSUP: not known for this architecture.
 */
int vs_filter_install(const struct vs_filter_opts *opts, bool *no_new_privs);

/* Which call a notification is about: arch and nr of struct seccomp_data. */
enum vs_call vs_filter_call(uint32_t arch, int nr);

/* Whether pointers of the programs of this architecture have 32 bits. */
bool vs_filter_is_narrow(uint32_t arch);

#endif
