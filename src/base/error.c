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
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <vdestack.h>

static __thread struct {
	const char *text; /* static text of a failure on the socket path; NULL: the sentence counts */
	int err;
} pending __attribute__((tls_model("initial-exec")));

static __thread char sentence[VS_SENTENCE_MAX];

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the pair below */
static vdestack_log_fn *log_callback;
static void *log_arg;
static atomic_bool log_wanted; /* spares everybody the lock while nobody listens */

void vdestack_set_log(vdestack_log_fn *callback, void *arg)
{
	pthread_mutex_lock(&log_lock);
	log_callback = callback;
	log_arg = arg;
	atomic_store(&log_wanted, callback != NULL);
	pthread_mutex_unlock(&log_lock);
}

static void log_text(int level, const char *text)
{
	if (!atomic_load(&log_wanted))
		return;
	pthread_mutex_lock(&log_lock);
	vdestack_log_fn *callback = log_callback;
	void *arg = log_arg;
	pthread_mutex_unlock(&log_lock);
	if (callback != NULL)
		callback(arg, level, text);
}

void vs_log(int level, const char *fmt, ...)
{
	char text[VS_SENTENCE_MAX];
	va_list ap;

	if (!atomic_load(&log_wanted))
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
	log_text(3, sentence);
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

int vs_edge(int result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

void *vs_edge_null(int result)
{
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
