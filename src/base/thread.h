/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_THREAD_H
#define VS_BASE_THREAD_H

/* Threads of the keeper. */

#include <pthread.h>

/* The stack of such a thread. The program's default may have any size. */
#define VS_THREAD_STACK_BYTES (128 * 1024)

/*
 * The result of pthread_create() as 0 or -errno. pthread_create() returns EAGAIN also when there is no memory
 * for the stack. That is -ENOMEM here.
 */
int vs_thread_error(int err);

/* A thread with a small stack and every signal blocked. 0 or -errno. Detached. */
int vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);

#endif
