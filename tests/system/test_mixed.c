/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything at once: eight threads, two stacks each that come and go, sockets, traffic, interfaces, settings
 * and commands, children forked in the middle, and one stack that all of them share. Every result must be
 * right, and afterwards nothing may be left.
 *
 * VDESTACK_TEST_SECONDS: how long, 3 if not set.
 */

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "stacks.h"
#include <vdestack/events.h>

#define THREADS 8
#define STACKS 2 /* of each thread: sixteen in all */

static struct vdestack *shared;
static long long end_us;

struct worker {
	pthread_t thread;
	unsigned number, random;
	struct vdestack *stacks[STACKS];
	long done[8];
};

static unsigned pick(struct worker *w, unsigned n)
{
	w->random = w->random * 1664525u + 1013904223u;
	return (w->random >> 16) % n;
}

static struct vdestack *make(const struct worker *w, int which)
{
	/* The same MAC again, so the neighbour need not learn a new one. */
	return new_stack("vnl=inproc://lan%u mac=02:00:00:00:%02x:%02x ip=10.9.0.%d/24", w->number, w->number,
			 which, which + 1);
}

static void a_socket(struct worker *w)
{
	int type = pick(w, 2) ? SOCK_STREAM : SOCK_DGRAM;

	close((int)MUST(vdestack_msocket(w->stacks[pick(w, STACKS)], AF_INET, type | SOCK_CLOEXEC, 0)));
	close((int)MUST(vdestack_msocket(shared, AF_INET6, type | SOCK_CLOEXEC, 0)));
}

static void traffic(struct worker *w)
{
	/* A port of its own: children of other threads have copies of sockets until they end. */
	check_tcp(w->stacks[0], w->stacks[1], "10.9.0.2", 2000 + (int)(w->done[1] % 60000));
}

/*
 * Children of other threads hold the old stack until they end. Meanwhile there would be two stations with one
 * address, and the old one would refuse connections to the new one.
 */
static void delete_and_await_end(struct vdestack *stack)
{
	struct vdestack_event e = { .type = 0 };
	int fd = (int)MUST(vdestack_events(stack));

	MUST(vdestack_delete(stack));
	while (e.type != VDESTACK_EVENT_STACK_ENDED)
		CHECK(MUST(vdestack_event_read(fd, &e, SOON_MS)) > 0);
	close(fd);
}

static void another_stack(struct worker *w)
{
	int which = (int)pick(w, STACKS);

	delete_and_await_end(w->stacks[which]);
	w->stacks[which] = make(w, which);
	check_udp(w->stacks[1 - which], w->stacks[which], which == 0 ? "10.9.0.1" : "10.9.0.2");
}

static void an_interface(struct worker *w)
{
	struct vdestack *s = w->stacks[pick(w, STACKS)];

	MUST(vdestack_iface_add(s, "iface=more vnl=inproc://more ip=10.8.0.1/24", case_opts()));
	MUST(vdestack_link_set_carrier(s, "more", 0));
	MUST(vdestack_iface_del(s, "more"));
}

static void settings(struct worker *w)
{
	struct vdestack *s = w->stacks[pick(w, STACKS)];
	char value[16];

	MUST(vdestack_sysctl_set(s, "ipv4.ip_default_ttl", "33"));
	MUST(vdestack_sysctl_get(s, "ipv4.ip_default_ttl", value, sizeof(value)));
	CHECK_STR(value, "33");
	CHECK(MUST(vdestack_if_nametoindex(s, "vde0")) > 0);
}

static void a_child(struct worker *w)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) { /* the fork happened during calls of other threads; sockets must still work */
		alarm(60);
		for (int i = 0; i < 3; i++) {
			int fd = vdestack_msocket(i == 2 ? shared : w->stacks[i], AF_INET,
						  SOCK_DGRAM | SOCK_CLOEXEC, 0);
			if (fd < 0)
				_exit(10 + i);
			close(fd);
		}
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	if (status != 0)
		FAIL("a child ended with status 0x%x", (unsigned)status);
}

static void a_command(struct worker *w)
{
	CHECK_EQ(MUST(vdestack_run(w->stacks[pick(w, STACKS)], (char *[]){ (char *)"true", NULL }, NULL)), 0);
}

static void events(struct worker *w)
{
	struct vdestack_event e;
	int fd = (int)MUST(vdestack_events(w->stacks[pick(w, STACKS)]));

	while (vdestack_event_read(fd, &e, 0) > 0)
		;
	close(fd);
}

static void (*const operations[])(struct worker *) = {
	a_socket, traffic, another_stack, an_interface, settings, a_child, a_command, events,
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < STACKS; i++)
		w->stacks[i] = make(w, i);
	do {
		/* each as often as others, in an order of its own */
		for (unsigned i = 0; i < OPERATIONS; i++) {
			unsigned what = pick(w, OPERATIONS);
			operations[what](w);
			w->done[what]++;
		}
	} while (now_us() < end_us);
	for (int i = 0; i < STACKS; i++)
		MUST(vdestack_delete(w->stacks[i]));
	return NULL;
}

static bool as_few_descriptors(void *arg)
{
	return count_fds() <= *(int *)arg;
}

static bool no_keeper(void *arg)
{
	(void)arg;
	return find_children(getppid(), "vdestack-keeper", NULL, 0) == 0;
}

CASE_TIMED(eight_threads_that_make_all_calls_at_once_leave_nothing,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN, 600)
{
	const char *text = getenv("VDESTACK_TEST_SECONDS");
	int seconds = text != NULL ? atoi(text) : 3, fds = count_fds();
	struct worker workers[THREADS] = { 0 };
	long done[OPERATIONS] = { 0 };

	end_us = now_us() + (seconds > 0 ? seconds : 1) * 1000000ll;
	shared = new_stack("vnl=inproc://all ip=10.7.0.1/24");
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].number = i;
		workers[i].random = 12345 + i * 7919;
		CHECK_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(workers[i].thread, NULL), 0);
		for (unsigned j = 0; j < OPERATIONS; j++)
			done[j] += workers[i].done[j];
	}
	MUST(vdestack_delete(shared));
	printf("%ld sockets, %ld connections, %ld stacks, %ld interfaces, %ld settings, %ld children, %ld "
	       "commands, %ld events\n",
	       done[0], done[1], done[2], done[3], done[4], done[5], done[6], done[7]);
	for (unsigned j = 0; j < OPERATIONS; j++)
		CHECK(done[j] > 0);
	if (!case_is_inprocess())
		CHECK(wait_until(no_keeper, NULL, SOON_MS));
	if (!wait_until(as_few_descriptors, &fds, SOON_MS))
		FAIL("%d descriptors, were %d", count_fds(), fds);
}
