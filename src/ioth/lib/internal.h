/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_INTERNAL_H
#define VS_IOTH_INTERNAL_H

/*
 * What libioth exports for the libraries above it and for its own plugins. Not installed, and no program
 * may use it: it may change with each version, and the libraries of one version belong together.
 */

#include <ioth.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The functions of a stack, and in *stackdata what its newstack() has returned. NULL stack: the default
 * stack, which is the network of the process if none is set. NULL with errno EINVAL: the stack has been
 * deleted. Members that the plugin does not have are NULL, apart from the socket calls. The caller keeps
 * the stack from being deleted while it uses the result.
 */
const struct ioth_functions *ioth_functions_of(struct ioth *stack, void **stackdata);

/*
 * The same, and the stack is kept: ioth_delstack() fails with EBUSY until the same thread calls
 * ioth_internal_leave(). Such calls are nested: the last one that entered leaves first. NULL with errno
 * ELOOP: the thread is inside too many calls; ENOMEM.
 */
struct ioth_inside {
	void *words[3]; /* of libioth */
};
const struct ioth_functions *ioth_internal_enter(struct ioth_inside *inside, struct ioth *stack,
						 void **stackdata);
void ioth_internal_leave(const struct ioth_inside *inside);

/*
 * A number that no other stack of this process has or will have: a later stack may have the same address. 0:
 * the stack has been deleted. NULL stack: as above; the network of the process has 1.
 */
uint64_t ioth_serial_of(struct ioth *stack);

/* Records the message of ioth_last_error(), sets errno, returns -1. */
int ioth_internal_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * All objects of a stack that this request of rtnetlink(7) asks for: each() is called with every answer. A
 * negative result of it, -errno, ends the reading. 0 or -1 with errno.
 */
struct nlmsghdr;
int ioth_internal_dump(struct ioth *stack, int type, int (*each)(void *arg, struct nlmsghdr *hdr), void *arg);

#ifdef __cplusplus
}
#endif
#endif
