/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A creation that the program drives from its own event loop.
 *
 * The machine of creation.c says after each step what it waits for: one descriptor, which changes from step
 * to step, and a time. The program gets one descriptor that stays the same, an epoll descriptor with the
 * other one and a timer in it:
 *
 *     the program's poll ──▶ epoll ──┬── reply channel, door or rtnetlink socket
 *                                    └── timerfd
 *
 * It is readable when one of them is, which is when the next step has something to do. What is waited for is
 * taken out before a step, which may close it, and what the step waits for is put in after it: a closed
 * socket of which another process has a copy would stay in the set.
 *
 * A creation belongs to the process that has started it. In a forked child it can only be released.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "config/config.h"
#include "configuration.h"
#include "creation.h"
#include "numbers.h"
#include "process.h"
#include "wire/fdmsg.h"
#include <vdestack.h>

struct vdestack_creation {
	struct vs_creation machine;
	struct vs_config *config;
	uint64_t process; /* that has started it: its token */
	int epoll;
	int timer;
	int watched;      /* what is in the set beside the timer; -1: nothing */
};

static int fail_to_watch(int err)
{
	return vs_fail(err, "cannot wait for the stack: %s", vs_cause_text(vs_diagnose_limit(err), err));
}

static int watch(struct vdestack_creation *c, int fd, short events)
{
	struct epoll_event event = { .events = (uint32_t)events };

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? fail_to_watch(errno) : 0;
}

static void unwatch(struct vdestack_creation *c)
{
	if (c->watched >= 0)
		(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->watched, NULL);
	c->watched = -1;
}

static int set_timer(const struct vdestack_creation *c, int64_t due_ms)
{
	struct itimerspec when = { 0 }; /* never */

	if (due_ms < INT64_MAX) {
		when.it_value.tv_sec = due_ms / 1000;
		when.it_value.tv_nsec = due_ms % 1000 * 1000000;
	}
	return timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &when, NULL) < 0 ? fail_to_watch(errno) : 0;
}

/* After a step that waits. */
static int watch_wanted(struct vdestack_creation *c)
{
	const struct pollfd *wanted = &c->machine.wanted;
	int r = wanted->fd >= 0 ? watch(c, wanted->fd, wanted->events) : 0;

	if (r == 0)
		c->watched = wanted->fd;
	return r < 0 ? r : set_timer(c, c->machine.due_ms);
}

/* VS_NOT_YET: it waits again, and the set is as it has to be. */
static int step(struct vdestack_creation *c)
{
	unwatch(c);
	int r = vs_creation_step(&c->machine);
	int watched = r == VS_NOT_YET ? watch_wanted(c) : 0;

	return watched < 0 ? watched : r;
}

static int make_set(struct vdestack_creation *c)
{
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = c->epoll >= 0 ? timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK) : -1;
	if (c->timer < 0)
		return fail_to_watch(errno);
	(void)vs_fd_raise(&c->epoll, vs_numbers_floor());
	(void)vs_fd_raise(&c->timer, vs_numbers_floor());
	return watch(c, c->timer, EPOLLIN);
}

static bool is_ours(const struct vdestack_creation *c)
{
	struct vs_process *p = vs_process();

	return p != NULL && vs_process_token(p) == c->process;
}

/*
 * NULL is allowed. In a forked child the set is the parent's, and only the descriptors of it are the child's.
 */
static void drop(struct vdestack_creation *c)
{
	if (c == NULL)
		return;
	c->machine.inherited = !is_ours(c);
	if (!c->machine.inherited)
		unwatch(c);
	vs_close(c->epoll);
	vs_close(c->timer);
	vs_creation_end(&c->machine);
	vs_config_free(c->config);
	free(c);
}

static int prepare(struct vdestack_creation *c, const char *text, const struct vdestack_opts *opts)
{
	struct vs_create_opts read;
	struct vs_process *p = vs_process();
	int r = vs_create_opts_read(opts, "make a stack", &read);

	if (r == 0)
		r = vs_configuration_read(text, read.flags, NULL, NULL, &c->config);
	if (r == 0 && p == NULL)
		r = vs_fail(ENOMEM, "cannot make a stack: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	if (r < 0)
		return r;
	c->process = vs_process_token(p);
	vs_creation_begin(&c->machine, &read, c->config);
	return make_set(c);
}

static int start(const char *text, const struct vdestack_opts *opts, struct vdestack_creation **out)
{
	VS_NO_CANCEL;
	static const struct vs_create_opts no_opts = { .timeout_ms = -1, .adopt = -1 };
	struct vdestack_creation *c = malloc(sizeof(*c));

	if (c == NULL)
		return vs_fail(ENOMEM, "cannot make a stack: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	c->config = NULL;
	c->process = 0;
	c->epoll = c->timer = c->watched = -1;
	vs_creation_begin(&c->machine, &no_opts, NULL);
	int r = prepare(c, text, opts);
	if (r == 0)
		r = step(c);
	if (r < 0 && r != VS_NOT_YET)
		drop(c);
	else
		*out = c;
	return r == VS_NOT_YET ? 0 : r;
}

struct vdestack_creation *vdestack_new_start(const char *config, const struct vdestack_opts *opts)
{
	struct vdestack_creation *c = NULL;
	int r = start(config, opts, &c);

	return r < 0 ? vs_edge_null(r) : c;
}

int vdestack_new_fd(const struct vdestack_creation *creation)
{
	if (creation == NULL)
		return vs_edge(vs_fail(EINVAL, "cannot wait for a creation: there is none"));
	return creation->epoll;
}

static int finish(struct vdestack_creation *c, struct vdestack **out)
{
	VS_NO_CANCEL;
	int r;

	if (c == NULL || out == NULL)
		return vs_fail(EINVAL, "cannot finish a creation: %s is NULL",
			       c == NULL ? "it" : "the result");
	if (is_ours(c))
		r = step(c);
	else
		r = vs_fail(ECANCELED, "cannot finish the creation of a stack: another process has started "
				       "it; start another one here");
	if (r == VS_NOT_YET)
		return r;
	if (r == 0)
		*out = c->machine.stack;
	drop(c);
	return r;
}

int vdestack_new_finish(struct vdestack_creation *creation, struct vdestack **stack)
{
	int r = finish(creation, stack);

	return r == VS_NOT_YET ? 0 : r < 0 ? vs_edge(r) : 1;
}

void vdestack_new_cancel(struct vdestack_creation *creation)
{
	VS_NO_CANCEL;
	int saved = errno;

	drop(creation);
	errno = saved;
}
