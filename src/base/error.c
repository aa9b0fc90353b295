/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The last error of a thread, its sentence, and the log callback.
 *
 * The socket path may run in a signal handler, which can interrupt the same thread while it
 * formats a sentence. So a failure there only stores two words, in thread-local storage that
 * needs no allocation to be reached (initial-exec), and the sentence is made on demand.
 */

#include "error.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vdestack.h>

static __thread struct {
	const char *text; /* static text of a failure on the socket path; NULL: the sentence counts */
	int err;
} pending __attribute__((tls_model("initial-exec")));

static __thread char sentence[VS_SENTENCE_MAX];
static __thread int untold; /* the sentence has not been given to the log callback */

/*
 * Who hears of things: one word that always leads to a complete pair, so there is nothing a
 * forked child could inherit locked or half written. A caller may still be using a pair that has
 * been replaced, so pairs are never freed, but found again when they are set again.
 */
struct log_target {
	vdestack_log_fn *callback;
	void *arg;
	struct log_target *next;
};

static _Atomic(struct log_target *) log_targets; /* all there have been */
static _Atomic(struct log_target *) log_target;  /* the one that counts; NULL: nobody listens */

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
	char text[VS_SENTENCE_MAX];
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
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	pending.text = NULL;
	untold = 1;
	return -err;
}

int vs_fail_text(int err, const char *text)
{
	return vs_fail(err, "%s", text[0] != '\0' ? text : strerror(err));
}

int vs_fail_static(int err, const char *text)
{
	pending.err = err;
	pending.text = text;
	return -err;
}

/*
 * At the edge no lock is held and no signal blocked, so the callback may do what it likes. A
 * failure on the socket path, which may be in a signal handler, is not told.
 */
static void tell_failure(void)
{
	if (pending.text != NULL || !untold)
		return;
	untold = 0;
	log_text(3, sentence);
}

int vs_edge(int result)
{
	if (result >= 0)
		return result;
	tell_failure();
	errno = -result;
	return -1;
}

void *vs_edge_null(int result)
{
	tell_failure();
	errno = -result;
	return NULL;
}

const char *vs_sentence(void)
{
	if (pending.text != NULL) {
		const char *text = pending.text;
		(void)snprintf(sentence, sizeof(sentence), "%s: %s", text, strerror(pending.err));
		pending.text = NULL;
	}
	return sentence;
}

const char *vdestack_last_error(void)
{
	int saved = errno;
	const char *text = vs_sentence();
	errno = saved;
	return text;
}
