/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ports of the host are opened first in the supervisor, before it makes the stacks: a port that is in use is
 * reported at once. The relay starts when the stacks are ready. It has a thread, so many bytes of published
 * ports do not delay the sockets that the supervisor makes. What the relay has to say at its start is written
 * by the command; later messages go to the log.
 */

#include "run_publish.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "preload/run_log.h"
#include "preload/supervisor.h"

#define MAX_WORDS 64
#define MAX_WARNINGS 1000

static struct {
	const char *words[MAX_WORDS];
	enum vs_publish_way ways[MAX_WORDS];
	size_t n;
	struct vs_publish *relay;
	int log;
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

static int open_ports(int log, char *message, size_t size)
{
	const struct vs_publish_opts opts = { .log = note };
	int r = vs_publish_new(&opts, &all.relay);

	all.log = log;
	if (r < 0)
		(void)snprintf(message, size, "published ports: %s", strerror(-r));
	for (size_t i = 0; i < all.n && r == 0; i++)
		r = vs_publish_add(all.relay, all.ways[i], all.words[i], message, size);
	return r;
}

static void *relay(void *arg)
{
	(void)vs_publish_run(all.relay, -1); /* as long as the supervisor */
	return arg;
}

static int start(struct vdestack *stack, char *message, size_t size)
{
	pthread_t thread;
	int r = vs_publish_start(all.relay, stack, message, size);

	all.started = true;
	if (r < 0)
		return r;
	r = -pthread_create(&thread, NULL, relay, NULL);
	if (r < 0)
		(void)snprintf(message, size, "no thread for published ports: %s", strerror(-r));
	else
		(void)snprintf(message, size, "%s", all.warnings);
	return r;
}

const struct vs_run_beside *vs_run_publish(void)
{
	static const struct vs_run_beside beside = { .open = open_ports, .start = start };

	return all.n > 0 ? &beside : NULL;
}
