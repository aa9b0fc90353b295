/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A network is opened by a thread of its own, because libvdeplug may wait for its other side. The thread
 * touches nothing of the stack: it hands its job over through a pipe, and the loop does the rest. When the
 * process ends, a thread that still waits ends with it.
 */

#include "opener.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "iface.h"
#include "pump/link.h"
#include "regain.h"

#define OPENING_MAX 64

struct job {
	uint64_t serial; /* of the interface that has lost this network; 0: it is a new one */
	char name[PX_IFNAME];
	char *vnl;
	px_iface_done *done;
	void *arg;
	struct vs_link *link; /* the thread's, then the loop's */
	int result;
};

static struct px_watch finished = { .fd = -1 };
static int finished_in = -1;
static unsigned opening;

static void free_job(struct job *job)
{
	free(job->vnl);
	free(job);
}

static void *open_network(void *arg)
{
	struct job *job = arg;

	job->result = vs_link_vde(job->vnl, &job->link);
	if (job->result == VS_LINK_FOREIGN)
		job->result = -EPERM;
	(void)!write(finished_in, &job, sizeof(void *)); /* shorter than PIPE_BUF, and OPENING_MAX fit */
	return NULL;
}

static void end_job(struct job *job)
{
	int r = job->result;

	if (job->serial != 0) {
		px_regain_opened(job->serial, r, job->link);
		return;
	}
	if (r >= 0)
		r = px_iface_attach(job->name, job->vnl, job->link);
	job->done(job->arg, r);
}

static void finish(struct px_watch *watch, uint32_t events)
{
	struct job *job;

	(void)events;
	while (read(watch->fd, &job, sizeof(void *)) == (ssize_t)sizeof(void *)) {
		opening--;
		end_job(job);
		free_job(job);
	}
}

int px_opener_start(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	finished = (struct px_watch){ ends[0], finish };
	finished_in = ends[1];
	return px_loop_add(&finished, EPOLLIN);
}

static bool good_name(const char *name)
{
	return strlen(name) < PX_IFNAME && strpbrk(name, "/: \t\n") == NULL && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int start_thread(struct job *job)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int r = -pthread_create(&thread, &attr, open_network, job);
	(void)pthread_attr_destroy(&attr);
	return r;
}

/* Starts it; a copy of the job is kept. */
static int start(const struct job *plan, const char *vnl)
{
	if (opening >= OPENING_MAX)
		return -EAGAIN;
	struct job *job = malloc(sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	*job = *plan;
	job->vnl = strdup(vnl);
	int r = job->vnl != NULL ? start_thread(job) : -ENOMEM;
	if (r < 0)
		free_job(job);
	else
		opening++;
	return r;
}

int px_iface_open(const char *name, const char *vnl, px_iface_done *done, void *arg)
{
	struct job job = { .done = done, .arg = arg };

	if (!good_name(name))
		return -EINVAL;
	if (name[0] != '\0' && px_iface_by_name(name) != NULL)
		return -EEXIST;
	(void)snprintf(job.name, sizeof(job.name), "%s", name);
	return start(&job, vnl);
}

int px_opener_again(const char *vnl, uint64_t serial)
{
	return start(&(struct job){ .serial = serial }, vnl);
}
