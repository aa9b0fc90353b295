/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lookups for programs with an event loop. The descriptor is an epoll with the sockets of the lane and a
 * timer. A lookup that is done, for which no server was asked, has a timer that has expired.
 *
 * A forked child has copies of the descriptors, but the epoll and the timer behind them are the parent's. So
 * the child closes its copies and changes nothing in them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "answer.h"
#include "error.h"
#include "lane.h"
#include "lookup.h"
#include "resolver.h"
#include <vdestack/dns.h>

static void arm(struct vdestack_dns_lookup *l)
{
	struct itimerspec when = { .it_value = { .tv_nsec = 1 } };
	int due_ms = l->done ? 0 : vs_lookup_due_ms(l);

	if (due_ms > 0)
		when.it_value = (struct timespec){ due_ms / 1000, due_ms % 1000 * 1000000L };
	else if (due_ms < 0)
		when.it_value = (struct timespec){ 0 };
	(void)timerfd_settime(l->timer_fd, 0, &when, NULL); /* cannot fail with these values */
}

static void release(struct vdestack_dns_lookup *l)
{
	struct vdestack_dns *dns = l->dns;
	bool ours = vs_resolver_process(dns) == l->process;

	if (!ours && l->lane != NULL)
		vs_lane_disown(l->lane);
	vs_lookup_end(l);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	free(l);
	if (ours)
		vs_resolver_put(dns);
}

/* Makes the descriptors. Returns the epoll, or -errno. */
static int open_descriptors(struct vdestack_dns_lookup *l)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer_fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, l->timer_fd, &event) < 0) {
		int err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

/* What both kinds of start have in common; the lookup has begun. */
static struct vdestack_dns_lookup *start(struct vdestack_dns_lookup *l)
{
	int fd = open_descriptors(l);

	l->process = vs_resolver_process(l->dns);
	if (fd < 0 || !vs_resolver_hold(l->dns)) {
		vs_dns_error_set("no descriptor for the lookup: %s", strerrordesc_np(fd < 0 ? -fd : ENOMEM));
		vs_lookup_end(l);
		if (l->timer_fd >= 0)
			close(l->timer_fd);
		if (fd >= 0)
			close(fd);
		free(l);
		errno = fd < 0 ? -fd : ENOMEM;
		return NULL;
	}
	l->epoll_fd = fd;
	if (!l->done)
		vs_lookup_ask(l, fd);
	arm(l);
	return l;
}

static struct vdestack_dns_lookup *allocate(const struct vdestack_dns *dns)
{
	struct vdestack_dns_lookup *l = dns != NULL ? malloc(sizeof(*l)) : NULL;

	if (dns == NULL)
		errno = EINVAL;
	if (l == NULL)
		vs_dns_error_set(dns == NULL ? "no resolver" : "out of memory");
	return l;
}

struct vdestack_dns_lookup *vdestack_dns_start(struct vdestack_dns *dns, const char *node,
					       const char *service, const struct addrinfo *hints)
{
	struct vdestack_dns_lookup *l = allocate(dns);

	if (l == NULL)
		return NULL;
	vs_lookup_begin(l, dns, node, service, hints);
	return start(l);
}

struct vdestack_dns_lookup *vdestack_dns_start_type(struct vdestack_dns *dns, const char *name, int type)
{
	struct vdestack_dns_lookup *l = allocate(name != NULL ? dns : NULL);

	if (l == NULL)
		return NULL;
	vs_lookup_begin_type(l, dns, name, type);
	return start(l);
}

int vdestack_dns_fd(const struct vdestack_dns_lookup *lookup)
{
	if (lookup != NULL)
		return lookup->epoll_fd;
	vs_dns_error_set("no lookup");
	errno = EINVAL;
	return -1;
}

/* 0: it goes on. 1: it is done, and its code is to be reported. Negative: it is another process's. */
static int work(struct vdestack_dns_lookup *l)
{
	if (vs_resolver_process(l->dns) != l->process)
		return vs_dns_fail(EAI_CANCELED, "this lookup was begun by another process");
	if (!l->done) {
		vs_lane_work(l->lane);
		vs_lookup_step(l);
	}
	if (l->done)
		return 1;
	arm(l);
	return 0;
}

int vdestack_dns_finish(struct vdestack_dns_lookup *lookup, struct addrinfo **res)
{
	if (lookup == NULL || res == NULL || lookup->of_type)
		return vs_dns_fail_errno(EINVAL, "no lookup of addresses, or no place for the result");
	int r = work(lookup);
	if (r == 0)
		return 0;
	if (r > 0)
		r = vs_lookup_report(lookup);
	if (r == 0) {
		*res = lookup->res;
		lookup->res = NULL;
		r = 1;
	}
	int err = errno;
	release(lookup);
	errno = err;
	return r;
}

int vdestack_dns_finish_type(struct vdestack_dns_lookup *lookup, const struct vdestack_dns_answer **answer)
{
	if (lookup == NULL || answer == NULL || !lookup->of_type)
		return vs_dns_fail_errno(EINVAL, "no lookup of records, or no place for the answer");
	int r = work(lookup);
	if (r == 0)
		return 0;
	if (r > 0)
		r = vs_lookup_report(lookup);
	if (r == 0) {
		*answer = &lookup->answer->face;
		lookup->answer = NULL;
		r = 1;
	}
	int err = errno;
	release(lookup);
	errno = err;
	return r;
}

void vdestack_dns_cancel(struct vdestack_dns_lookup *lookup)
{
	if (lookup != NULL)
		release(lookup);
}
