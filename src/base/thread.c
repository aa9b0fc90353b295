/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>

#define BESIDE_BYTES 65536 /* what a thread needs besides its stack, and more */

int vs_thread_error(int err)
{
	void *p = err == EAGAIN ? mmap(NULL, VS_THREAD_STACK_BYTES + BESIDE_BYTES, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0) : NULL;

	if (p == MAP_FAILED)
		return -ENOMEM;
	if (p != NULL)
		(void)munmap(p, VS_THREAD_STACK_BYTES + BESIDE_BYTES);
	return -err;
}

int vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id)
{
	pthread_attr_t attr;
	pthread_t ignored;
	sigset_t all, saved;
	int err = pthread_attr_init(&attr);

	if (err != 0)
		return -err;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, VS_THREAD_STACK_BYTES);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &saved);
	err = pthread_create(id != NULL ? id : &ignored, &attr, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
	(void)pthread_attr_destroy(&attr);
	return vs_thread_error(err);
}
