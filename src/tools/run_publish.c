/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ports of the host are opened first in the supervisor, before it makes the stacks: a port that is in use is
 * reported before all else. The relay starts when the stacks are ready. It has a thread, so many bytes of
 * published ports do not delay the sockets that the supervisor makes. What the relay has to say at its start
 * is written by the command; later messages go to the log.
 *
 * When the last program has ended, the ports are closed. The supervisor may stay longer, until what the
 * programs have sent has arrived. The same command may be given again as soon as the program has ended, and
 * the supervisor notices that end a moment later. So a port in use is tried again, for half a second.
 */

#include "run_publish.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "preload/run_log.h"
#include "preload/supervisor.h"

#define MAX_WORDS 64
#define MAX_WARNINGS 1000
#define IN_USE_MS 500
#define IN_USE_STEP_MS 20

static struct {
	const char *words[MAX_WORDS];
	enum vs_publish_way ways[MAX_WORDS];
	size_t n;
	struct vs_publish *relay;
	int log, end; /* `end`: an eventfd */
	bool started;
	char warnings[MAX_WARNINGS]; /* of the start */
} all;

int vs_run_publish_add(enum vs_publish_way way, const char *word, char *message, size_t size)
{
	struct vs_word parsed;
	int r = vs_word_parse(way, word, &parsed, message, size);

	if (r == 0 && all.n == MAX_WORDS) {
		(void)snprintf(message, size, "more than %d published ports", MAX_WORDS);
		r = -E2BIG;
	}
	if (r == 0) {
		all.words[all.n] = word;
		all.ways[all.n++] = way;
	}
	return r;
}

static void note(void *arg, int level, const char *message)
{
	size_t n = strlen(all.warnings);

	(void)arg;
	if (!all.started && level <= 4)
		(void)snprintf(all.warnings + n, sizeof(all.warnings) - n, "%s%s", n > 0 ? "; " : "",
			       message);
	vs_run_log_write(all.log, "publish: %s", message);
}

/* One word, until the supervisor of a run before has closed its port. */
static int open_port(size_t i, char *message, size_t size)
{
	const struct timespec pause = { .tv_nsec = IN_USE_STEP_MS * 1000000L };
	int r = -EADDRINUSE;

	for (int ms = 0; r == -EADDRINUSE && ms <= IN_USE_MS; ms += IN_USE_STEP_MS) {
		if (ms > 0)
			(void)nanosleep(&pause, NULL);
		r = vs_publish_add(all.relay, all.ways[i], all.words[i], message, size);
	}
	return r;
}

static int open_ports(int log, char *message, size_t size)
{
	const struct vs_publish_opts opts = { .log = note };
	int r = vs_publish_new(&opts, &all.relay);

	all.log = log;
	if (r < 0)
		(void)snprintf(message, size, "published ports: %s", strerror(-r));
	for (size_t i = 0; i < all.n && r == 0; i++)
		r = open_port(i, message, size);
	return r;
}

static void *relay(void *arg)
{
	(void)vs_publish_run(all.relay, all.end);
	vs_publish_close(all.relay);
	(void)vs_publish_run(all.relay, -1); /* as long as the supervisor */
	return arg;
}

static int start(struct vdestack *stack, char *message, size_t size)
{
	pthread_t thread;
	int r = vs_publish_start(all.relay, stack, message, size);

	all.started = true;
	all.end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* -1: the ports stay open until the end */
	if (r < 0)
		return r;
	r = -pthread_create(&thread, NULL, relay, NULL);
	if (r < 0)
		(void)snprintf(message, size, "no thread for published ports: %s", strerror(-r));
	else
		(void)snprintf(message, size, "%s", all.warnings);
	return r;
}

static void end(void)
{
	const uint64_t one = 1;

	(void)!write(all.end, &one, sizeof(one)); /* it is not full */
}

const struct vs_run_beside *vs_run_publish(void)
{
	static const struct vs_run_beside beside = { .open = open_ports, .start = start, .end = end };

	return all.n > 0 ? &beside : NULL;
}
