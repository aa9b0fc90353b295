/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_ERROR_H
#define VS_BASE_ERROR_H

/*
 * Inside the library a function gives 0 or a useful count, or a negative errno. The last
 * failure of a thread is kept with its sentence: step, cause, remedy. The public edge turns
 * a negative result into -1 or NULL with errno, and nothing else does.
 */

#include <stdarg.h>
#include <stddef.h>

#define VS_SENTENCE_MAX 512

/*
 * Records the sentence of a failure and gives -err. err > 0. Write it as
 * "cannot <step>: <cause>; <remedy>", without a final period or newline.
 * Not for signal handlers.
 */
int vs_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same when the text comes ready made, e.g. from the keeper. "" keeps only strerror(err). */
int vs_fail_text(int err, const char *text);

/*
 * Async-signal-safe form, for the socket path: records err and a static text; the sentence
 * is put together when somebody asks for it. Gives -err.
 */
int vs_fail_static(int err, const char *text);

/* The public edge: negative result -> the log hears the sentence, -1 + errno; anything else is passed on. */
int vs_edge(int result);
/* The same for functions that give a pointer: sets errno and gives NULL. result < 0. */
void *vs_edge_null(int result);

/* This thread's last sentence, "" if none. */
const char *vs_sentence(void);

/* Tells the log callback, if there is one. No lock may be held by the caller. */
void vs_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
