/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_ERROR_H
#define VS_BASE_ERROR_H

/*
 * Errors and their messages.
 *
 * Inside the library a function returns 0 or a useful count, or a negative errno. The last failure of a
 * thread is kept with its message. Only the public edge turns a negative result into -1 or NULL with errno,
 * and calls the log callback.
 *
 * A failing call writes its message once:
 *   - The function that knows what failed and why records it with vs_fail(). Its callers return the result.
 *   - A caller that knows better what the program asked for puts its step in front: vs_fail_step().
 *   - What is undone after a failure runs below VS_ERROR_KEEP, and cannot replace the message.
 *   - Pure code (config/, proto/) records nothing. It returns -errno, or fills a struct.
 */

#include <stdarg.h>
#include <stddef.h>

/*
 * Thread-local storage that needs no memory to be reached, so that signal handlers can. A process has little
 * room of that kind for libraries that it loads late. Ours that is loaded late runs in no signal handler.
 */
#ifdef VS_LOADED_LATE
#define VS_EARLY_TLS
#else
#define VS_EARLY_TLS __attribute__((tls_model("initial-exec")))
#endif

#define VS_MESSAGE_MAX 512 /* bytes of a message, with the final NUL */

/* The result of a step that would have to wait. It is no errno: EAGAIN is one, of a limit that is reached. */
#define VS_NOT_YET (-4096)

/*
 * Records the message of a failure and returns -err. err > 0. Write it as
 * "cannot <step>: <cause>; <remedy>", without a final period or newline.
 * Not for signal handlers.
 */
int vs_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same when the text is complete, e.g. from the keeper. "": strerror(err) is the message. */
int vs_fail_text(int err, const char *text);

/*
 * For a failure that a function below has recorded: "<step>: " is put in front of its message. Returns -err.
 * Only directly after that function: otherwise the message of an older failure would be shown.
 */
int vs_fail_step(int err, const char *step, ...) __attribute__((format(printf, 2, 3)));

/*
 * Async-signal-safe, for the socket path: records err and a static text. The message is composed when
 * the program reads it. Returns -err.
 */
int vs_fail_static(int err, const char *text);

/* The public edge. result < 0: the log gets the message, errno is set, -1 is returned. Otherwise result. */
int vs_edge(int result);
/* The same for functions that return a pointer: sets errno and returns NULL. result < 0. */
void *vs_edge_null(int result);

/* This thread's last message, "" if none. */
const char *vs_message(void);

/* The last failure of a thread: what VS_ERROR_KEEP saves. */
struct vs_error {
	const char *pending; /* static text of a failure on the socket path; NULL: message counts */
	int pending_err;
	int unlogged; /* the log callback has not been called with it */
	char message[VS_MESSAGE_MAX];
};

struct vs_error vs_error_save(void);
void vs_error_restore(const struct vs_error *saved);

/*
 * From this declaration to the end of its scope failures are not recorded: the last failure is then what it
 * was here. For steps that undo: their own failure must not hide why they run.
 */
#define VS_ERROR_KEEP \
	__attribute__((cleanup(vs_error_restore), unused)) \
	const struct vs_error vs_error_kept = vs_error_save()

/* Calls the log callback, if there is one. The caller holds no lock. */
void vs_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
