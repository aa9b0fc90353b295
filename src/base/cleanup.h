/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_CLEANUP_H
#define VS_BASE_CLEANUP_H

/* Things that live for a scope. Every cleanup keeps errno. vs_steal_...() takes one out of its scope. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static inline void vs_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;
		(void)close(fd); /* on Linux also EINTR has closed it; to repeat could close another one */
		errno = saved;
	}
}

static inline void vs_cleanup_close(int *fd)
{
	vs_close(*fd);
}

static inline void vs_cleanup_free(void *p)
{
	int saved = errno;
	free(*(void **)p);
	errno = saved;
}

#define VS_AUTO_CLOSE __attribute__((cleanup(vs_cleanup_close))) int
#define VS_AUTO_FREE __attribute__((cleanup(vs_cleanup_free)))

static inline int vs_steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define vs_steal_ptr(p)                                                                                      \
	__extension__({                                                                                      \
		__typeof__(p) *vs_from = &(p);                                                               \
		__typeof__(p) vs_taken = *vs_from;                                                           \
		*vs_from = NULL;                                                                             \
		vs_taken;                                                                                    \
	})

static inline int vs_cancel_disable(void)
{
	int state = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static inline void vs_cancel_restore(const int *state)
{
	(void)pthread_setcancelstate(*state, NULL);
}

/*
 * From this declaration to the end of its scope the thread cannot be cancelled: nearly every call here is a
 * cancellation point and would leave descriptors, memory or locks behind.
 */
#define VS_NO_CANCEL \
	__attribute__((cleanup(vs_cancel_restore), unused)) const int vs_cancel_state = vs_cancel_disable()

#define VS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
