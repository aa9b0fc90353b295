/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_BENCH_BESIDE_H
#define VDESTACK_BENCH_BESIDE_H

/*
 * What happens at the interface of traffic.c while or before the traffic flows: a capture of the library, a
 * tcpdump in the stack, an impairment that has ended. These calls are newer than libvdestack 0.1, so they are
 * weak: NULL with that library.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/capture.h>
#include <vdestack/impair.h>

#pragma weak vdestack_capture_start
#pragma weak vdestack_capture_stop
#pragma weak vdestack_impair_words
#pragma weak vdestack_last_error
#pragma weak vdestack_spawn
#pragma weak vdestack_cmd_wait

static void beside_die(const char *what)
{
	const char *why = vdestack_last_error != NULL ? vdestack_last_error() : "not with this library";

	fprintf(stderr, "traffic: %s: %s\n", what, why);
	_exit(1);
}

/* ------------------------------------------------------------------ a former impairment */

/* Of each stack, before the traffic. Frames that follow find nothing to do. */
static void impair_and_end(struct vdestack *stack)
{
	if (vdestack_impair_words == NULL || vdestack_impair_words(stack, "vde0", "delay=1us") < 0 ||
	    vdestack_impair_words(stack, "vde0", "unimpaired") < 0)
		beside_die("impairment");
}

/* ------------------------------------------------------------------ captures */

/* By the library, or by a tcpdump that runs in the stack. */
struct watcher {
	bool tcpdump;
	const char *file;
	unsigned snaplen; /* 0: whole frames */
	int fd;           /* of the capture; of the process */
	int status, errors;
};

static void start_tcpdump(struct watcher *w, struct vdestack *stack)
{
	static char snaplen[16], file[512];
	char *argv[] = { "tcpdump", "-i",   "vde0", "-p",    "-n", "-Z", "root",
			 "-B",      "8192", "-s",   snaplen, "-w", file, NULL };
	int pipes[3];
	struct vdestack_cmd_opts opts = {
		.size = sizeof(opts),
		.in = VDESTACK_NULL,
		.out = VDESTACK_NULL,
		.err = VDESTACK_PIPE,
		.pipe_fds = pipes,
		.caps = VDESTACK_CAPS_ALL,
	};
	char text[256] = "";
	size_t used = 0;
	ssize_t n;

	(void)snprintf(snaplen, sizeof(snaplen), "%u", w->snaplen);
	(void)snprintf(file, sizeof(file), "%s", w->file);
	w->fd = vdestack_spawn != NULL ? vdestack_spawn(stack, argv, &opts, &w->status) : -1;
	if (w->fd < 0)
		beside_die("tcpdump");
	w->errors = pipes[2];
	/* It says that it listens when its socket is there. */
	while (used < sizeof(text) - 1 && strstr(text, "listening") == NULL) {
		n = read(w->errors, text + used, sizeof(text) - 1 - used);
		if (n <= 0) {
			fprintf(stderr, "traffic: %s\n", text);
			_exit(1);
		}
		used += (size_t)n;
		text[used] = '\0';
	}
}

static void watcher_start(struct watcher *w, struct vdestack *stack)
{
	struct vdestack_capture_opts opts = { .size = sizeof(opts), .path = w->file, .snaplen = w->snaplen };

	if (w->file == NULL)
		return;
	if (w->tcpdump) {
		start_tcpdump(w, stack);
		return;
	}
	w->fd = vdestack_capture_start != NULL ? vdestack_capture_start(stack, "vde0", &opts) : -1;
	if (w->fd < 0)
		beside_die("capture");
}

/* Prints how many frames are missing in the file. */
static void watcher_end(struct watcher *w)
{
	struct vdestack_capture_stats stats = { .size = sizeof(stats) };
	char text[2048];
	size_t used = 0;
	ssize_t n;
	int status;

	if (w->file == NULL)
		return;
	if (!w->tcpdump) {
		if (vdestack_capture_stop(w->fd, &stats) < 0)
			beside_die("end of the capture");
		printf("watch.seen %llu frames\nwatch.lost %llu frames\n", (unsigned long long)stats.seen,
		       (unsigned long long)(stats.dropped + stats.os_dropped));
		return;
	}
	(void)syscall(SYS_pidfd_send_signal, w->fd, SIGINT, NULL, 0);
	while (used < sizeof(text) - 1 && (n = read(w->errors, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	if (vdestack_cmd_wait(w->status, &status, 10000) < 0 || status != 0)
		beside_die("end of tcpdump");
	const char *seen = strstr(text, " packets captured"),
		   *lost = strstr(text, " packets dropped by kernel");
	while (seen != NULL && seen > text && seen[-1] >= '0' && seen[-1] <= '9')
		seen--;
	while (lost != NULL && lost > text && lost[-1] >= '0' && lost[-1] <= '9')
		lost--;
	if (seen != NULL && lost != NULL)
		printf("watch.seen %ld frames\nwatch.lost %ld frames\n", atol(seen) + atol(lost), atol(lost));
}

#endif
