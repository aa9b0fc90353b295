/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_THREAD_H
#define VS_BASE_THREAD_H

/* Threads of the keeper: with a small stack and every signal blocked. */

#include <pthread.h>

/* Stack of the keeper's threads: the program's default may be anything. */
#define VS_THREAD_STACK_BYTES (128 * 1024)
/*
 * The negative of what pthread_create() gave; tells want of memory for the stack, also EAGAIN there,
 * as -ENOMEM.
 */
int vs_thread_error(int err);
/* A thread with a small stack and every signal blocked. 0 or -errno. Detached. */
int vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);

#endif
