/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a stack's networking thread begins and ends.
 *
 * It makes the stack's namespace, or enters the one to be adopted, and stays in it. Then it serves requests,
 * and sleeps between them in recvmsg(2) on the stack's door. End of file there means that no process holds
 * the stack any more, or that the program has closed the descriptors of the library (regain.c).
 *
 * To make the namespace takes most of the time, and needs no information about the stack. So for a program
 * that makes stacks one after the other, threads are kept in reserve that have a namespace already. The
 * longer the row, the more there are: a program that makes several stacks at the same time wants one for
 * each.
 *
 *     begun ──namespace made──▶ waiting ──it gets a call──▶ serving ──end of file──▶ ended
 *       │                          └──────dismissed────────────────────────────────────▲
 *       └──it gets a call before: serves it as soon as the namespace is made───────────┘
 *
 * A keeper process begins with one in reserve, for the stack that it was started for. The kernel makes its
 * namespace while the process gives up its rights, reports to the program, and gets the request. So this
 * thread, too, gives up its rights. It does so before it can get a call. It gets the filter of system calls
 * from the main thread. Without the filter it is dismissed.
 *
 * It is on the list k->reserve until it gets a call or is dismissed. The thread that takes it from there,
 * under the keeper's lock, decides which, writes it down, and posts the semaphore that the networking thread
 * waits for. With a condition all threads in reserve would wake up, and wait for the keeper's lock. It counts
 * as a stack until it has ended. A keeper on threads of the program has none.
 *
 * The sysctls of a new stack are set before its thread serves a request, since only requests lead to the
 * namespace. For a thread in reserve that is ahead. Else they would delay the reply, so they are set after
 * this thread's part in it.
 *
 * A first interface comes with the request for the stack. A job opens its link or makes its segment at the
 * same time; job.c says how the two meet.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/own_socket.h"
#include "base/thread.h"
#include "call.h"
#include "channel.h"
#include "config/locator.h"
#include "events.h"
#include "guests.h"
#include "iface.h"
#include "isolate.h"
#include "job.h"
#include "keeper.h"
#include "net_ifaces.h"
#include "regain.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"
#include "segment.h"
#include "sources.h"
#include "sysctl_dir.h"
#include "variant.h"
#include "veth.h"
#include "wire/fdmsg.h"

#define STREAK_MS 1000  /* stacks made within this time of each other are made one after the other */
#define RESERVE_MS 2000 /* how long the reserve waits */
#define RESERVE_MOST 4

/* ------------------------------------------------------------------ the namespace */

/*
 * A server that has given up its uid can still bind port 80 and ping. IPv6 addresses are announced when they
 * become usable.
 */
static void relax_limits(struct vs_net *n)
{
	const struct vs_keeper *k = n->keeper;
	VS_AUTO_CLOSE dir = vs_steal_fd(&n->sysctl_dir);
	char range[64] = "0 2147483647";

	/* In the keeper's own user namespace there is only one group. */
	if (!k->privileged && !k->variant->same_credentials)
		(void)snprintf(range, sizeof(range), "%u %u", getegid(), getegid());
	vs_sysctl_write(dir, "ipv4/ip_unprivileged_port_start", "0");
	vs_sysctl_write(dir, "ipv4/ping_group_range", range);
	vs_sysctl_write(dir, "ipv6/conf/all/ndisc_notify", "1"); /* see vs_link_announce() */
}

static int bring_up(const char *name)
{
	VS_AUTO_CLOSE netlink = vs_talk_socket();

	return netlink < 0
		       ? netlink
		       : vs_netdev_set(netlink, &(struct vs_netdev){ .name = name, .state = VS_NETDEV_UP });
}

static int unshare_network(void *arg)
{
	(void)arg;
	return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

static int make_namespace(struct vs_keeper *k)
{
	int r = unshare_network(NULL);

	/* Segments that wait for the next program to use them do not count as used (max_net_namespaces). */
	if (r == -ENOSPC && vs_segments_drop_spare(k))
		r = vs_peer_ns_retry(unshare_network, NULL);
	if (r < 0)
		return vs_fail(-r, "cannot make a network namespace: %s",
			       vs_cause_text(vs_diagnose_netns(-r, ""), -r));
	r = bring_up("lo");
	if (r < 0)
		return vs_fail(-r, "cannot bring lo up: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	return 0;
}

/*
 * Whether the sysctls are written before the reply. Nobody waits for a thread in reserve, but for the stack
 * that is made first. A thread of the program may lose its rights after the reply, by setuid(2).
 */
static bool has_time(const struct vs_net *n)
{
	return (n->in_reserve && !n->early) || n->keeper->variant->same_credentials;
}

/* Before the thread gives up its rights: it may have to make the directory. */
static void begin_sysctls(struct vs_net *n)
{
	if (!n->early) /* the first thread runs beside the one that prepares them */
		n->sysctl_dir = vs_sysctl_dir(&n->keeper->sysctl_dirs);
	if (has_time(n))
		relax_limits(n);
}

static int enter_namespace(int fd)
{
	if (setns(fd, CLONE_NEWNET) == 0)
		return 0;
	int err = errno;
	return vs_fail(err, "cannot adopt the network namespace: %s; %s", strerror(err),
		       err == EINVAL ? "the descriptor or path is no network namespace"
				     : "only namespaces of this program's user can be adopted");
}

/* ------------------------------------------------------------------ life */

/*
 * A program that waits for the event STACK_ENDED may make a stack with the same addresses next, on the same
 * segments. So the old interfaces are deleted before the event. Without a subscriber no program waits for
 * that.
 */
static void leave_before_event(struct vs_net *n)
{
	if (!vs_events_has_subscribers(n->events))
		return;
	for (struct vs_iface *iface = n->ifaces; iface != NULL; iface = iface->next) {
		vs_iface_stop(iface);
		(void)iface->kind->leave(iface);
	}
}

static void end_stack(struct vs_net *n)
{
	vs_close(n->sysctl_dir);
	vs_regain_end(n);
	vs_close(n->programs_end);
	vs_registry_end_lives(n->keeper, n);
	vs_guests_end(n);
	vs_sources_end(n);
	leave_before_event(n);
	vs_events_end(n->events); /* before the keeper may end: the event must come first */
	vs_events_unref(vs_steal_ptr(n->events));
	atomic_fetch_sub(&n->keeper->counts.stacks, 1);
	/* From here on a keeper process may end, and this thread with it. */
	vs_keeper_count(n->keeper, -1, 0);
	while (n->ifaces != NULL) {
		struct vs_iface *iface = n->ifaces;
		n->ifaces = iface->next;
		vs_iface_stop(iface);
		(void)iface->kind->leave(iface);
		vs_iface_unref(iface);
	}
	vs_call_drop(n->call);
	free(n->call);
	free(n);
}

static int open_door(struct vs_net *n)
{
	int pair[2];
	int r = vs_socketpair(pair);

	if (r == 0 && (r = vs_auth_watch(n->keeper, pair[0])) < 0) {
		vs_close(pair[0]);
		vs_close(pair[1]);
	}
	if (r < 0)
		return vs_fail(-r, "cannot make the stack's door: %s",
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	n->doors[0] = (struct vs_net_door){ pair[0], VS_DOOR_FULL };
	n->n_doors = n->n_keeping = 1;
	n->programs_end = pair[1];
	n->id = vs_sock_of(pair[1]).cookie;
	vs_guests_begin(n, n->id);
	vs_regain_begin(n);
	return 0;
}

/* A socket on trial, so that later ones cannot fail because the library itself lacks something. */
static int try_socket(void)
{
	VS_AUTO_CLOSE fd = vs_own_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 ? 0
		       : vs_fail(errno, "cannot make sockets in the stack: %s",
				 vs_cause_text(vs_diagnose_limit(errno), errno));
}

/* Makes or enters the namespace, in which the thread stays. */
static int settle(struct vs_net *n, int adopt)
{
	int r = adopt >= 0 ? enter_namespace(adopt) : make_namespace(n->keeper);

	if (r == 0 && adopt < 0)
		begin_sysctls(n);
	if (r == 0 && n->early)
		r = vs_isolate_thread(n->keeper->privileged);
	if (r < 0)
		return r;
	/*
	 * On threads of the program each must keep the program's credentials, because setuid() changes all
	 * threads together.
	 */
	r = n->keeper->variant->same_credentials ? 0 : vs_caps_only(VS_CAPS_NETWORKING);
	return r < 0 ? vs_fail(-r, "cannot give up the privileges of a networking thread: %s", strerror(-r))
		     : try_socket();
}

/* With the first interface. Its job opens the link meanwhile, gets the device here, and answers. */
static int begin_with_link(struct vs_net *n, int r)
{
	struct vs_job *job = n->birth;
	unsigned offloads = 0;
	int device = -1;

	if (r == 0)
		r = open_door(n);
	if (r == 0)
		r = device = job->iface->kind->made_by_job
				     ? vs_net_rtnetlink(n, &job->call->req.iface, &job->ifindex)
				     : vs_tap_open(&job->call->req.iface, &offloads);
	n->birth = NULL;
	vs_job_device(job, r < 0 ? r : 0, device, offloads, vs_steal_fd(&n->programs_end));
	return r < 0 ? r : 0;
}

/* Without an interface. */
static int begin_alone(struct vs_net *n, int r)
{
	if (r == 0)
		r = open_door(n);
	if (r == 0)
		r = vs_keeper_spare(VS_SPARE_GO_ON);
	if (r == 0)
		r = vs_call_keep_channel(n->keeper, n->call);
	if (r < 0)
		vs_call_fail(n->keeper, n->call, r);
	else
		vs_call_reply(n->keeper, n->call, 0, NULL, &n->programs_end, 1);
	vs_close(vs_steal_fd(&n->programs_end));
	return r;
}

/* Takes a thread off the list of those in reserve. */
static void unlist_locked(struct vs_keeper *k, const struct vs_net *n)
{
	struct vs_net **at = &k->reserve;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	k->n_reserve--;
}

static void dismiss_one(struct vs_net *n)
{
	n->dismissed = true;
	(void)sem_post(&n->decided); /* n may be gone from here on */
}

/*
 * Waits until a thread in reserve gets a call. False: it is dismissed, or has no namespace (r < 0) and no
 * call.
 */
static bool await_call(struct vs_net *n, int r)
{
	struct vs_keeper *k = n->keeper;

	if (r < 0) {
		pthread_mutex_lock(&k->lock);
		if (n->call == NULL && !n->dismissed) {
			unlist_locked(k, n);
			dismiss_one(n);
			/* The row ends. Else the main loop, which this wakes, would try again and again. */
			atomic_store(&k->in_a_row, 0);
		}
		pthread_mutex_unlock(&k->lock);
	}
	while (sem_wait(&n->decided) < 0)
		;
	return n->call != NULL;
}

static void *dismissed(struct vs_net *n)
{
	struct vs_keeper *k = n->keeper;

	vs_close(n->sysctl_dir);
	vs_events_unref(n->events);
	free(n);
	vs_keeper_count(k, -1, 0);
	return NULL;
}

static void *net_main(void *arg)
{
	struct vs_net *n = arg;

	(void)prctl(PR_SET_NAME, "vdestack-net");
	bool adopted = n->adopt >= 0;
	n->guests = adopted ? 1 : 0; /* the processes that have the namespace already */
	int r = settle(n, n->adopt);
	vs_close(vs_steal_fd(&n->adopt));
	if (n->in_reserve && !await_call(n, r))
		return dismissed(n);
	atomic_fetch_add(&n->keeper->counts.stacks, 1);
	r = n->birth != NULL ? begin_with_link(n, r) : begin_alone(n, r);
	vs_call_drop(n->call);
	if (r == 0 && !adopted && !has_time(n))
		relax_limits(n); /* before the first request */
	while (r == 0) {
		r = vs_regain_recv(n);
		if (r > 0)
			vs_net_serve(n);
		r = r > 0 || r == -EPROTO ? 0 : -1;
	}
	end_stack(n);
	return NULL;
}

static struct vs_net *net_new(struct vs_keeper *k)
{
	struct vs_net *n = calloc(1, sizeof(*n));

	if (n != NULL)
		*n = (struct vs_net){ .events = vs_events_new(k),
				      .keeper = k,
				      .adopt = -1,
				      .programs_end = -1,
				      .sysctl_dir = -1 };
	return n;
}

static void net_free(struct vs_net *n)
{
	vs_events_unref(n->events);
	free(n);
}

/* 0: the thread has taken n. */
static int net_run(struct vs_net *n)
{
	struct vs_keeper *k = n->keeper;

	vs_keeper_count(k, 1, 0);
	int r = vs_thread_start(net_main, n, NULL);
	if (r < 0)
		vs_keeper_count(k, -1, 0);
	return r;
}

/* What a thread needs to begin a stack. It is prepared before it is known which thread that is. */
struct beginning {
	struct vs_call *call; /* the networking thread's */
	struct vs_iface *iface;
	struct vs_job *birth;
	int adopt;
	bool unregistered;
};

static void beginning_drop(struct beginning *o, const struct vs_call *call)
{
	vs_job_free(o->birth);
	vs_iface_unref(o->iface);
	vs_close(o->adopt);
	if (o->call != call)
		free(o->call);
}

/* The first interface's link is opened, or its segment is joined, by a job that has the call. */
static int begin_link_job(struct vs_keeper *k, struct vs_call *call, enum vs_locator_kind kind,
			  struct beginning *o)
{
	bool segment = vs_locator_is_segment(kind);
	int r = vs_keeper_spare(VS_SPARE_MAKE);

	if (r < 0)
		return r;
	o->call = vs_call_new();
	o->iface = vs_iface_new(k, &call->req.iface, call->text, vs_iface_kind_for(k, kind));
	if (o->iface == NULL)
		return -errno;
	o->birth = vs_job_new(k, segment ? VS_JOB_JOIN_SEGMENT : VS_JOB_OPEN_LINK, o->iface, call);
	if (o->call == NULL || o->birth == NULL)
		return -ENOMEM;
	o->birth->device = VS_DEVICE_PENDING;
	return 0;
}

static void give_locked(struct vs_net *n, const struct beginning *o)
{
	n->call = o->call;
	n->ifaces = o->iface;
	if (o->iface != NULL)
		o->iface->events = vs_events_ref(n->events);
	n->birth = o->birth;
	n->unregistered = o->unregistered;
}

/* Hands it to a thread in reserve, if there is one and it fits: the one that has been there longest. */
static bool give_to_reserve(struct vs_keeper *k, const struct beginning *o)
{
	pthread_mutex_lock(&k->lock);
	struct vs_net *n = o->adopt < 0 ? k->reserve : NULL;
	while (n != NULL && n->next != NULL)
		n = n->next;
	if (n != NULL) {
		unlist_locked(k, n);
		n->next = NULL;
		give_locked(n, o);
		(void)sem_post(&n->decided);
	}
	pthread_mutex_unlock(&k->lock);
	return n != NULL;
}

static int give_to_new(struct vs_keeper *k, const struct beginning *o)
{
	struct vs_net *n = net_new(k);

	if (n == NULL)
		return -ENOMEM;
	give_locked(n, o); /* no other thread uses it yet */
	n->adopt = o->adopt;
	int r = net_run(n);
	if (r < 0)
		net_free(n);
	return r;
}

int vs_net_start(struct vs_keeper *k, struct vs_call *call)
{
	struct beginning o = { .call = call, .adopt = -1,
			       .unregistered = call->req.iface.unregistered != 0 };
	struct vs_locator locator;
	int64_t now = vs_now_ms();
	int r = 0;

	vs_listed_note(k, &call->req.iface);
	vs_locator_parse(call->text, &locator);
	call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	if (call->req.iface.name[0] == '\0')
		o.adopt = vs_call_take_fd(call, 1);
	else
		r = begin_link_job(k, call, locator.kind, &o);
	if (r == 0 && !give_to_reserve(k, &o))
		r = give_to_new(k, &o);
	if (r < 0) {
		beginning_drop(&o, call);
		return vs_fail(-r, "cannot make a stack: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	atomic_store(&k->in_a_row, now - k->made_ms < STREAK_MS ? atomic_load(&k->in_a_row) + 1 : 1);
	k->made_ms = now;
	k->expects_first = false;
	return o.birth != NULL ? vs_job_submit(o.birth) : 0;
}

/* ------------------------------------------------------------------ the reserve */

static void dismiss(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	while (k->reserve != NULL) {
		struct vs_net *n = k->reserve;
		unlist_locked(k, n);
		dismiss_one(n);
	}
	pthread_mutex_unlock(&k->lock);
}

bool vs_net_end_reserve(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	bool any = k->reserve != NULL;
	pthread_mutex_unlock(&k->lock);
	if (any) {
		atomic_store(&k->in_a_row, 0);
		vs_keeper_wake(k);
	}
	return any;
}

/* How many threads wait for the next stacks of a row of that length. */
static unsigned reserve_size(unsigned in_a_row)
{
	unsigned size = in_a_row / VS_STREAK_BEGIN;

	return size < RESERVE_MOST ? size : RESERVE_MOST;
}

/* One more. False: it cannot be started. */
static bool add_to_reserve(struct vs_keeper *k, bool early)
{
	struct vs_net *n = net_new(k);

	if (n == NULL)
		return false;
	n->in_reserve = true;
	n->early = early;
	(void)sem_init(&n->decided, 0, 0);
	pthread_mutex_lock(&k->lock);
	n->next = k->reserve;
	k->reserve = n;
	k->n_reserve++;
	pthread_mutex_unlock(&k->lock);
	if (net_run(n) == 0)
		return true;
	pthread_mutex_lock(&k->lock);
	unlist_locked(k, n); /* no other thread has used it: only this one gives out calls */
	pthread_mutex_unlock(&k->lock);
	net_free(n);
	return false;
}

void vs_net_reserve_first(struct vs_keeper *k)
{
	k->made_ms = vs_now_ms();
	k->expects_first = add_to_reserve(k, true); /* without it, the request makes another one */
}

void vs_net_dismiss_first(struct vs_keeper *k)
{
	k->expects_first = false;
	dismiss(k);
}

int vs_net_reserve(struct vs_keeper *k)
{
	unsigned in_a_row = atomic_load(&k->in_a_row);

	if (k->expects_first && k->front >= 0 && vs_left_ms(k->made_ms + RESERVE_MS) > 0)
		return vs_left_ms(k->made_ms + RESERVE_MS);
	k->expects_first = false;
	int left = in_a_row >= VS_STREAK_BEGIN && k->front >= 0 ? vs_left_ms(k->made_ms + RESERVE_MS) : 0;

	if (left == 0) {
		if (in_a_row >= VS_STREAK_BEGIN)
			atomic_store(&k->in_a_row, 0); /* before: no segment is kept from here on */
		dismiss(k); /* first: a thread that waits for it may have the lock of the segments */
		(void)vs_segments_drop_spare(k);
		return -1;
	}
	pthread_mutex_lock(&k->lock);
	/* Not while a stack is made: that would have to wait for the kernel's locks. */
	bool wanted = k->jobs == NULL && k->submitted == NULL && !k->variant->same_process;
	unsigned n = k->n_reserve; /* others only take from it */
	pthread_mutex_unlock(&k->lock);
	for (; wanted && n < reserve_size(in_a_row); n++)
		wanted = add_to_reserve(k, false);
	return left;
}
