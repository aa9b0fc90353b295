/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_HELD_H
#define VS_CORE_HELD_H

/* Holders: tasks that reap a keeper or a runner where no other process does. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Makes a holder, which runs make(arg) in a copy of this process's memory, on the stack of `size` bytes that
 * ends at top. make() starts a process as its child, stores the child's pid in *made as soon as there is one,
 * and returns the pid or -errno. It makes system calls only. The holder then closes its descriptors, gives
 * back its memory and waits for the child. alone: the holder has a session of its own.
 *
 * The caller has blocked all signals. False: there is no holder, for lack of memory or processes, and make()
 * has not run. Otherwise *result is the pid or -errno, -ECHILD if the holder was killed.
 */
bool vs_held_start(char *top, size_t size, bool alone, long (*make)(void *arg, pid_t *made), void *arg,
		   long *result);

/*
 * Reaps the holder of process `pid`, which has ended or is about to end. Waits for that at most timeout_ms.
 * True: it is reaped, or there is none.
 */
bool vs_held_reap(pid_t pid, int timeout_ms);

/* Reaps the holders that have ended. */
void vs_held_sweep(void);

/* Waits for the end of all holders of this process until deadline_ms, a time of vs_now_ms(). */
void vs_held_reap_all(int64_t deadline_ms);

/* True if this process has made holders that it has not reaped. */
bool vs_held_any(void);

#endif
