/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the keeper has done and what it uses. The kernel says the latter, by /proc of this thread: in the
 * in-process variant the keeper's threads have a descriptor table of their own. Where /proc is not mounted,
 * or is that of another PID namespace, these numbers are 0.
 */

#include "keeper_stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "call.h"
#include "keeper.h"
#include "net.h"
#include "variant.h"
#include <vdestack/conf.h>

/* A number of /proc/thread-self/status; 0: it is not there. */
static uint64_t status_of(const char *text, const char *field)
{
	const char *at = strstr(text, field);

	return at != NULL ? strtoull(at + strlen(field), NULL, 10) : 0;
}

static void read_status(struct vdestack_keeper_stats *s)
{
	VS_AUTO_CLOSE fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (n <= 0)
		return;
	text[n] = '\0';
	s->threads = (uint32_t)status_of(text, "\nThreads:");
	s->memory_bytes = status_of(text, "\nVmRSS:") * 1024;
}

static uint64_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/thread-self/fd");
	const struct dirent *entry;
	uint64_t n = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n > 0 ? n - 1 : 0; /* that of the directory */
}

static void count_what_there_is(struct vs_keeper *k, struct vdestack_keeper_stats *s)
{
	unsigned interfaces = atomic_load(&k->counts.interfaces);

	pthread_mutex_lock(&k->lock);
	/* Captures and wire taps count as interfaces there, as the keeper's end waits for them, too. */
	s->captures = k->n_ifaces > interfaces ? k->n_ifaces - interfaces : 0;
	pthread_mutex_unlock(&k->lock);
	s->interfaces = interfaces;
	s->stacks = atomic_load(&k->counts.stacks);
}

void vs_keeper_stats_request(struct vs_net *n)
{
	struct vs_keeper *k = n->keeper;
	struct vdestack_keeper_stats s = {
		.size = sizeof(s),
		.pid = getpid(),
		.in_process = k->variant->same_process,
		.uptime_ms = (uint64_t)(vs_now_ms() - k->begun_ms),
		.requests = atomic_load(&k->counts.requests),
		.refused = atomic_load(&k->counts.refused),
		.sockets = atomic_load(&k->counts.sockets),
		.lookups = atomic_load(&k->counts.lookups),
		.lookups_refused = atomic_load(&k->counts.lookups_refused),
	};

	count_what_there_is(k, &s);
	read_status(&s);
	s.descriptors = count_descriptors();
	vs_call_reply_bytes(k, n->call, 0, &s, sizeof(s));
}
