/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_RUN_LOG_H
#define VS_PRELOAD_RUN_LOG_H

/* The log of a run. The process that reads it may be stopped. */

/*
 * Writes one line, in one step, so that lines of several processes do not mix. fd -1: nothing. It never
 * waits: a line for which there is no room is lost, and the next one says how many were. Any thread; changes
 * errno.
 */
void vs_run_log_write(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
