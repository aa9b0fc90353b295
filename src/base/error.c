/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The last failure of a thread, its message, and the log callback.
 *
 * The socket path may run in a signal handler, which can interrupt the same thread while it composes a
 * message. So a failure there only stores two words, in thread-local storage that needs no allocation to
 * be reached (initial-exec), and the message is composed on demand.
 */

#include "error.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vdestack.h>

static __thread struct {
	const char *text; /* static text of a failure on the socket path; NULL: the message below counts */
	int err;
} pending VS_EARLY_TLS;

static __thread char message[VS_MESSAGE_MAX];
static __thread int unlogged; /* the log callback has not been called with it */

/*
 * The log callback and its argument. One pointer leads to a complete pair, so a forked child inherits
 * nothing that is locked or half written. A caller may still be using a pair that has been replaced.
 * So pairs are never freed; one that is set again is found and used again.
 */
struct log_target {
	vdestack_log_fn *callback;
	void *arg;
	struct log_target *next;
};

static _Atomic(struct log_target *) log_targets; /* all pairs that were ever set */
static _Atomic(struct log_target *) log_target;  /* the current one; NULL: none */

static struct log_target *find_target(vdestack_log_fn *callback, void *arg)
{
	for (struct log_target *t = atomic_load(&log_targets); t != NULL; t = t->next)
		if (t->callback == callback && t->arg == arg)
			return t;
	struct log_target *t = malloc(sizeof(*t));
	if (t == NULL)
		return NULL;
	*t = (struct log_target){ .callback = callback, .arg = arg, .next = atomic_load(&log_targets) };
	while (!atomic_compare_exchange_weak(&log_targets, &t->next, t))
		;
	return t;
}

void vdestack_set_log(vdestack_log_fn *callback, void *arg)
{
	atomic_store(&log_target, callback != NULL ? find_target(callback, arg) : NULL);
}

static void log_text(int level, const char *text)
{
	const struct log_target *target = atomic_load(&log_target);

	if (target != NULL)
		target->callback(target->arg, level, text);
}

void vs_log(int level, const char *fmt, ...)
{
	char text[VS_MESSAGE_MAX];
	va_list ap;

	if (atomic_load(&log_target) == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_text(level, text);
}

int vs_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	pending.text = NULL;
	unlogged = 1;
	return -err;
}

int vs_fail_text(int err, const char *text)
{
	return vs_fail(err, "%s", text[0] != '\0' ? text : strerror(err));
}

int vs_fail_step(int err, const char *step, ...)
{
	char text[VS_MESSAGE_MAX], below[VS_MESSAGE_MAX];
	va_list ap;

	(void)snprintf(below, sizeof(below), "%s", vs_message());
	va_start(ap, step);
	(void)vsnprintf(text, sizeof(text), step, ap);
	va_end(ap);
	return vs_fail(err, "%s: %s", text, below);
}

struct vs_error vs_error_save(void)
{
	struct vs_error saved = { .pending = pending.text, .pending_err = pending.err, .unlogged = unlogged };

	memcpy(saved.message, message, sizeof(saved.message));
	return saved;
}

void vs_error_restore(const struct vs_error *saved)
{
	memcpy(message, saved->message, sizeof(message));
	pending.err = saved->pending_err;
	pending.text = saved->pending;
	unlogged = saved->unlogged;
}

int vs_fail_static(int err, const char *text)
{
	pending.err = err;
	pending.text = text;
	return -err;
}

/*
 * At the edge no lock is held and no signal blocked, so the callback may do anything. A failure on the
 * socket path is not logged: it may be in a signal handler.
 */
static void log_failure(void)
{
	if (pending.text != NULL || !unlogged)
		return;
	unlogged = 0;
	log_text(3, message);
}

int vs_edge(int result)
{
	if (result >= 0)
		return result;
	log_failure();
	errno = -result;
	return -1;
}

void *vs_edge_null(int result)
{
	log_failure();
	errno = -result;
	return NULL;
}

const char *vs_message(void)
{
	if (pending.text != NULL) {
		const char *text = pending.text;
		(void)snprintf(message, sizeof(message), "%s: %s", text, strerror(pending.err));
		pending.text = NULL;
	}
	return message;
}

const char *vdestack_last_error(void)
{
	int saved = errno;
	const char *text = vs_message();
	errno = saved;
	return text;
}
