/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Jobs: what may take long, each on a thread of its own that ends with it.
 *
 * Opening a link runs a plugin that may wait for ever (a full vde_switch never answers). The
 * call is answered at its deadline whatever the plugin does; from then on the main thread
 * nudges the job with a signal, which makes the plugin's system call fail, until the job ends.
 * In the program itself no signal is ours to use. There the socket that the job waits on, which
 * /proc tells, is shut down, so that the plugin fails and cleans up; a job that goes on waiting for anything
 * else is cancelled after a while, and what its plugin holds then stays until the keeper ends.
 *
 * A job's answer is given exactly once: by the job or, at the deadline, by the main thread;
 * an exchange on one flag decides. A job that has opened a link takes the answer before it
 * starts the pump, and without it starts none: what was told to have failed must not come to life.
 * An interface that failed has no device any more when its call is answered. The kernel takes its time to
 * take a device away, so the main thread does that without the keeper's lock, which sockets wait for too; it
 * marks the job as held meanwhile, and a job without the answer waits until it is not.
 *
 * The job of a stack's first interface starts together with the stack's networking thread: the link is
 * opened while the kernel makes namespace and tap, which takes as long. They meet before the answer,
 * which carries the stack's door then. Where there are no taps the job needs the namespace first: it
 * waits for it, and makes the device itself. Without a device the networking thread answers, since its
 * error is the earlier step's; the job, whatever has become of it, stays until the other has come.
 *
 * The caller's root and working directory of now come with the call, and the job enters them
 * on a file-system context of its own: a locator means to the keeper what it means to the
 * caller, also after the caller has moved into a chroot.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "config/locator.h"
#include "carrier.h"
#include "filter.h"
#include "iface.h"
#include "indirect.h"
#include "packet_device.h"
#include "pump/link.h"
#include "reconnect.h"
#include "rtnl/netdev.h"

#define NUDGE_SIGNAL SIGUSR1
#define NUDGE_EVERY_MS 50
#define NUDGES_BEFORE_CANCEL 20 /* a second: it may only have been on its way to the call that waits */

struct vs_job *vs_job_new(struct vs_keeper *k, enum vs_job_kind kind, struct vs_iface *iface, struct vs_call *call)
{
	struct vs_job *job = calloc(1, sizeof(*job));
	unsigned limit = call->req.timeout_ms != 0 ? call->req.timeout_ms : 5000;

	if (job == NULL)
		return NULL;
	*job = (struct vs_job){ .keeper = k, .kind = kind, .iface = iface, .netlink = -1, .door = -1 };
	job->deadline_ms = vs_now_ms() + limit;
	job->call = call;
	vs_locator_parse(call->text, &job->locator);
	vs_iface_ref(iface);
	return job;
}

void vs_job_free(struct vs_job *job)
{
	if (job == NULL)
		return;
	vs_close(job->netlink);
	vs_close(job->door);
	vs_iface_unref(job->iface);
	free(job);
}

static bool take_answer(struct vs_job *job)
{
	return !atomic_exchange(&job->answered, true);
}

static void reply(struct vs_job *job, int result)
{
	if (job->kind == VS_JOB_REOPEN_LINK)
		return; /* nobody has asked */
	vs_call_reply(job->keeper, job->call, result, result < 0 ? vs_sentence() : NULL, &job->door,
		      result >= 0 && job->door >= 0 ? 1 : 0);
}

/* For the one who has taken the answer: the device goes, and its name is free. Takes the keeper's lock. */
static void abandon(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;
	struct vs_iface *iface = job->iface;

	if (job->kind == VS_JOB_REMOVE || job->kind == VS_JOB_REOPEN_LINK)
		return;
	atomic_store(&iface->failed, true);
	(void)iface->kind->leave(iface); /* after that: none is made any more */
	pthread_mutex_lock(&k->lock);
	int tap = job->pumping ? -1 : vs_steal_fd(&iface->pump.device.fd);
	int door = vs_steal_fd(&job->door); /* and with it the stack that this call was to make */
	pthread_mutex_unlock(&k->lock);
	if (job->pumping) /* a pump thread may use the number; the device goes now, not when the list is next looked through */
		vs_pump_drop_device(&iface->pump);
	vs_close(tap);
	vs_close(door);
}

/*
 * The main thread may be about to take things away, and to say whether the interface goes on without a
 * network.
 */
static void await_release(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	while (job->held)
		pthread_cond_wait(&k->met, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

/* ------------------------------------------------------------------ meeting the device */

void vs_job_device(struct vs_job *job, int r, int device, unsigned offloads, int door)
{
	struct vs_keeper *k = job->keeper;

	if (r < 0 && take_answer(job))
		reply(job, r);
	pthread_mutex_lock(&k->lock);
	if (r == 0 && !atomic_load(&job->iface->failed)) {
		if (job->iface->kind->made_by_job) {
			job->netlink = vs_steal_fd(&device);
		} else {
			job->iface->pump.device.fd = vs_steal_fd(&device);
			job->iface->pump.offloads = offloads;
		}
		job->door = vs_steal_fd(&door);
	}
	job->device = r == 0 ? VS_DEVICE_THERE : VS_DEVICE_FAILED;
	pthread_cond_broadcast(&k->met);
	pthread_mutex_unlock(&k->lock);
	vs_close(device);
	vs_close(door);
}

/* The networking thread waits for nobody but the kernel, so this ends. */
static bool await_device(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	while (job->device == VS_DEVICE_PENDING)
		pthread_cond_wait(&k->met, &k->lock);
	bool there = job->device == VS_DEVICE_THERE;
	pthread_mutex_unlock(&k->lock);
	return there;
}

/* ------------------------------------------------------------------ the jobs */

/*
 * Into the caller's root and working directory, for this thread and what it starts. In another root
 * than the keeper's all files may be the caller's, or another user's, and what is loaded from there
 * would run with the keeper's rights: plugins within plugins, modules of the C library that look up
 * users and hosts. So nothing is.
 */
static int enter_directories(int root, int cwd)
{
	struct stat here, there;

	if (root < 0 && cwd < 0)
		return 0;
	if (unshare(CLONE_FS) < 0)
		return -errno;
	if (root >= 0) {
		if (stat("/", &here) < 0 || fstat(root, &there) < 0)
			return -errno;
		bool foreign = here.st_ino != there.st_ino || here.st_dev != there.st_dev;
		int r = foreign ? vs_filter_no_new_code() : 0;
		if (r < 0)
			return r;
		if (foreign && (fchdir(root) < 0 || chroot(".") < 0))
			return -errno;
	}
	return cwd >= 0 && fchdir(cwd) < 0 && errno != EACCES ? -errno : 0; /* EACCES: only a relative locator would mind */
}

static int canceled(const struct vs_iface *iface)
{
	return vs_fail(ECANCELED, "cannot plug interface %s: the stack has been deleted meanwhile", iface->name);
}

/* Makes the packet device. It is not kept if the call has been answered meanwhile. */
static int make_device(struct vs_job *job)
{
	struct vs_iface *iface = job->iface;
	struct vs_keeper *k = job->keeper;
	unsigned offloads = 0;

	if (!await_device(job))
		return -ECANCELED; /* nobody hears it */
	VS_AUTO_CLOSE fd = vs_packet_device_open(iface, &job->call->req.iface, job->netlink, job->ifindex, &offloads);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&k->lock);
	bool given_up = atomic_load(&iface->failed);
	if (!given_up) {
		iface->pump.device.fd = vs_steal_fd(&fd);
		iface->pump.offloads = offloads;
	}
	pthread_mutex_unlock(&k->lock);
	if (given_up)
		(void)iface->kind->leave(iface);
	else
		vs_carrier_refresh(iface);
	return given_up ? -ECANCELED : 0;
}

/* What it takes to open the link again, before the thread has gone anywhere. */
static int remember(struct vs_job *job, int root, int cwd)
{
	struct vs_iface *iface = job->iface;
	struct stat here, there;

	if (job->kind == VS_JOB_REOPEN_LINK || job->call->req.iface.no_reconnect)
		return 0;
	iface->want = job->call->req.iface;
	iface->vnl = strdup(job->call->text);
	if (iface->vnl == NULL)
		return vs_fail(ENOMEM, "cannot plug interface %s: %s", iface->name, vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	bool elsewhere = root >= 0 && stat("/", &here) == 0 && fstat(root, &there) == 0 &&
			 (here.st_ino != there.st_ino || here.st_dev != there.st_dev);
	if (elsewhere)
		iface->root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if ((elsewhere || job->locator.needs_directory) && cwd >= 0)
		iface->cwd = fcntl(cwd, F_DUPFD_CLOEXEC, 3);
	iface->reconnects = true;
	return 0;
}

/*
 * What came as a command's stream. Whoever sent it may have sent anything: a door of ours, a socket
 * that listens.
 */
static int check_stream(const struct vs_iface *iface, int fd)
{
	int domain = 0, type = 0, listens = 1;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
		return 0;
	return vs_fail(EINVAL, "cannot plug interface %s: the stream is no stream socket of the Unix family", iface->name);
}

static int open_stream(struct vs_iface *iface, int stream)
{
	int r = check_stream(iface, stream);

	if (r == 0)
		return vs_link_stream(stream, &iface->pump.link);
	vs_close(stream);
	return r;
}

/*
 * The plugin for serial lines opens a terminal so that it becomes that of a session whose leader has none. On
 * threads of the program that would be the program's session: its end would be the program's.
 */
static int check_terminal(const struct vs_job *job)
{
	if (!job->keeper->in_process || !job->locator.opens_terminal || getsid(0) != getpid())
		return 0;
	VS_AUTO_CLOSE tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (tty >= 0)
		return 0;
	return vs_fail(ENOTSUP, "cannot plug interface %s into \"%.200s\": the terminal would become that of this "
				"program, which leads a session without one; leave VDESTACK_INPROCESS out",
		       job->iface->name, job->call->text);
}

/* 0 if the verdict is that the keeper may open the locator; else -errno with a message. */
static int refuse(const struct vs_iface *iface, const char *vnl, enum vs_locator_verdict verdict)
{
	struct vs_config_error error;

	return vs_locator_refuse(iface->name, vnl, verdict, &error) < 0 ? vs_fail_text(error.err, error.text) : 0;
}

/* By a plugin, from the caller's directories. */
static int open_by_plugin(struct vs_job *job, int root, int cwd)
{
	struct vs_iface *iface = job->iface;
	const char *vnl = job->call->text;
	int r = refuse(iface, vnl, job->locator.verdict);

	if (r == 0)
		r = check_terminal(job);
	if (r < 0)
		return r;
	vs_link_vde_load(vnl);
	r = remember(job, root, cwd);
	if (r < 0)
		return r;
	r = enter_directories(root, cwd);
	if (r < 0)
		return vs_fail(-r, "cannot plug interface %s: entering the caller's directories failed (%s)",
			       iface->name, strerror(-r));
	if (!job->keeper->in_process && (r = vs_caps_only(VS_CAPS_LINKS)) < 0)
		return vs_fail(-r, "cannot plug interface %s: giving up privileges failed (%s)", iface->name,
			       strerror(-r));
	r = refuse(iface, vnl, vs_indirect_judge(vnl));
	if (r == 0)
		r = vs_link_vde(vnl, &iface->pump.link);
	if (r == VS_LINK_FOREIGN)
		r = refuse(iface, vnl, VS_LOCATOR_DESCRIPTOR);
	/*
	 * The pump threads inherit the context. Some plugins use the path later; else do not pin the
	 * directory.
	 */
	if (!job->locator.needs_directory)
		(void)chdir("/");
	return r;
}

static int open_link(struct vs_job *job)
{
	struct vs_iface *iface = job->iface;
	VS_AUTO_CLOSE root = vs_call_take_fd(job->call, 1);
	VS_AUTO_CLOSE cwd = vs_call_take_fd(job->call, 2);
	int stream = vs_call_take_fd(job->call, 3);
	int r = 0;

	if (iface->kind->made_by_job && job->kind == VS_JOB_OPEN_LINK) {
		/* Under a lock, and with a thread that is waited for: not to be cancelled. */
		(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		r = make_device(job);
		(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	}
	if (r < 0) {
		vs_close(stream);
		return r;
	}
	r = stream >= 0 ? open_stream(iface, stream) : open_by_plugin(job, root, cwd);
	if (r == 0 && job->call->req.iface.mtu > iface->pump.link->mtu_max && !job->call->req.iface.force_mtu)
		r = vs_fail(EMSGSIZE, "cannot plug interface %s: this network drops packets longer than %u bytes (a vde_switch of "
				      "vde2 does, and tells nobody); use mtu=%u, or VDESTACK_FORCE_MTU if you know better",
			    iface->name, iface->pump.link->mtu_max, iface->pump.link->mtu_max);
	if (r == 0 && job->call->req.iface.force_mtu)
		iface->pump.link->frame_max = VS_FRAME_MAX; /* the caller knows better */
	return r;
}

#define ABSENT 1 /* what is answered when a network may be, and is, absent */

static bool may_be_absent(const struct vs_job *job, int err)
{
	return job->kind == VS_JOB_OPEN_LINK && job->call->req.iface.allow_absent && job->iface->reconnects &&
	       vs_reconnect_may_heal(err) && !vs_iface_is_stopping(job->iface);
}

/* With link and device the interface comes to life, if the answer is still to be given. */
static int come_to_life(struct vs_job *job, int r)
{
	bool there = await_device(job);

	if (r == 0 && vs_iface_is_stopping(job->iface))
		r = canceled(job->iface);
	if (r == 0 && job->door >= 0)
		r = vs_keeper_spare(VS_SPARE_GO_ON);
	job->mine = take_answer(job);
	if (!job->mine || !there)
		return r < 0 ? r : -ECANCELED; /* nobody hears it */
	if (r < 0 && may_be_absent(job, -r)) {
		vs_carrier_network(job->iface, false);
		job->absent = true;
		return ABSENT;
	}
	job->pumping = r == 0;
	/* Told before there is a pump, which may find the network gone again at once. */
	if (r == 0 && job->kind == VS_JOB_REOPEN_LINK)
		vs_reconnect_done(job->iface);
	if (r < 0)
		return r;
	vs_iface_ref(job->iface); /* the pump's, until it has ended */
	return vs_pump_start(&job->iface->pump);
}

/* By its other end where it has one: a moment later there may be another device of that name. */
static int remove_iface(struct vs_job *job)
{
	struct vs_iface *iface = job->iface;
	int r = iface->kind->leave(iface);

	if (r < 0 && job->netlink >= 0 && !vs_iface_device_gone(iface))
		(void)vs_netdev_delete(job->netlink, iface->name); /* gone before the pump lets go of the tap */
	return 0;
}

static int join_segment(struct vs_job *job)
{
	int r = job->door >= 0 ? vs_keeper_spare(VS_SPARE_GO_ON) : 0;

	if (r == 0)
		r = vs_segment_join(job->iface, job->locator.rest, &job->call->req.iface, job->netlink,
				    job->ifindex);
	if (r == 0 && vs_iface_is_stopping(job->iface))
		(void)job->iface->kind->leave(job->iface);
	return r;
}

static void unlist(void *arg)
{
	struct vs_job *job = arg;
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	*job->prev = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	bool again = (job->kind == VS_JOB_REOPEN_LINK || job->absent) && !job->pumping;
	vs_keeper_wake(k); /* while it is held: the keeper of a program's threads may end otherwise */
	pthread_mutex_unlock(&k->lock);
	if (again)
		vs_reconnect_later(job->iface, job->result < 0 ? -job->result : ETIMEDOUT);
	/* Cancelled in a plugin: the call has been answered. */
	vs_call_drop(job->call);
	free(job->call);
	vs_job_free(job);
}

static void *job_main(void *arg)
{
	static int (*const work[])(struct vs_job *) = {
		[VS_JOB_OPEN_LINK] = open_link,
		[VS_JOB_REOPEN_LINK] = open_link,
		[VS_JOB_JOIN_SEGMENT] = join_segment,
		[VS_JOB_REMOVE] = remove_iface,
	};
	struct vs_job *job = arg;
	sigset_t nudge;

	(void)prctl(PR_SET_NAME, "vdestack-job");
	atomic_store(&job->tid, (int)syscall(SYS_gettid));
	pthread_cleanup_push(unlist, job);
	if (!job->keeper->in_process) {
		sigemptyset(&nudge);
		sigaddset(&nudge, NUDGE_SIGNAL);
		(void)pthread_sigmask(SIG_UNBLOCK, &nudge, NULL);
	}
	int r = job->result = work[job->kind](job);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	if (job->kind == VS_JOB_OPEN_LINK || job->kind == VS_JOB_REOPEN_LINK)
		r = come_to_life(job, r);
	else
		job->mine = take_answer(job);
	if (!job->mine)
		await_release(job);
	if (r < 0 && job->kind != VS_JOB_REOPEN_LINK && !job->absent)
		vs_iface_stop(job->iface);
	if (r < 0 && job->mine)
		abandon(job);
	if (job->mine)
		reply(job, r);
	pthread_cleanup_pop(1);
	return NULL;
}

/* ------------------------------------------------------------------ the main thread's part */

int vs_job_submit(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;

	pthread_mutex_lock(&k->lock);
	job->next = k->submitted;
	k->submitted = job;
	pthread_mutex_unlock(&k->lock);
	vs_keeper_wake(k);
	return 0;
}

static void enlist_locked(struct vs_keeper *k, struct vs_job *job)
{
	job->next = k->jobs;
	job->prev = &k->jobs;
	if (k->jobs != NULL)
		k->jobs->prev = &job->next;
	k->jobs = job;
}

void vs_jobs_start(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	while (k->submitted != NULL) {
		struct vs_job *job = k->submitted;
		k->submitted = job->next;
		enlist_locked(k, job);
		int r = vs_thread_start(job_main, job, &job->thread); /* it waits for the lock before it can end */
		if (r < 0) {
			pthread_mutex_unlock(&k->lock); /* without a thread it is ours alone */
			bool mine = take_answer(job);
			abandon(job);
			if (mine && job->kind == VS_JOB_REMOVE)
				reply(job, remove_iface(job)); /* which waits for nobody but the kernel */
			else if (mine)
				reply(job, vs_fail(-r, "cannot start a thread for interface %s: %s", job->iface->name,
						   vs_cause_text(vs_diagnose_limit(-r), -r)));
			(void)await_device(job);
			unlist(job);
			pthread_mutex_lock(&k->lock);
		}
	}
	pthread_mutex_unlock(&k->lock);
}

/*
 * Shuts down the socket that the job's system call waits on. False: it is not waiting on one.
 * Should it have gone on in between, the number may be another socket's of its plugin, which is
 * told to fail anyway.
 */
static bool shut_down_wait(const struct vs_job *job)
{
	char path[64], text[64] = "";
	long number;
	unsigned long fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", atomic_load(&job->tid));
	VS_AUTO_CLOSE file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, text, sizeof(text) - 1) <= 0 || sscanf(text, "%ld %lx", &number, &fd) != 2)
		return false;
	if (number != SYS_recvfrom && number != SYS_recvmsg && number != SYS_read && number != SYS_connect)
		return false;
	return shutdown((int)fd, SHUT_RDWR) == 0;
}

static void nudge_locked(struct vs_job *job)
{
	if (!job->late || job->device == VS_DEVICE_PENDING)
		return; /* it is past the plugin, or somebody still holds it */
	if (job->keeper->in_process) {
		if (!shut_down_wait(job) && ++job->nudges > NUDGES_BEFORE_CANCEL)
			(void)pthread_cancel(job->thread);
	} else {
		(void)pthread_kill(job->thread, NUDGE_SIGNAL);
	}
}

/* In place of a job that does not come to an end. The keeper's lock is free. */
static void answer_for(struct vs_job *job)
{
	struct vs_keeper *k = job->keeper;
	struct vs_iface *iface = job->iface;

	pthread_mutex_lock(&k->lock);
	bool has_device = iface->pump.device.fd >= 0;
	pthread_mutex_unlock(&k->lock);
	if (may_be_absent(job, ETIMEDOUT) && has_device) {
		vs_carrier_network(iface, false);
		job->absent = true;
		reply(job, ABSENT);
		return;
	}
	bool deleted = vs_iface_is_stopping(iface); /* later it may be because of what goes now */
	abandon(job);
	reply(job, deleted
			   ? canceled(iface)
			   : vs_fail(ETIMEDOUT, "cannot plug interface %s into \"%.200s\": %s, else raise step_timeout_ms", iface->name,
				     job->call->text, vs_cause_text(VS_CAUSE_NETWORK_SILENT, 0)));
}

static bool may_wait_for_ever(const struct vs_job *job)
{
	return job->kind == VS_JOB_OPEN_LINK || job->kind == VS_JOB_REOPEN_LINK; /* the others wait for nobody but the kernel */
}

int vs_jobs_check(struct vs_keeper *k)
{
	struct vs_job *held = NULL;
	int next = -1;

	pthread_mutex_lock(&k->lock);
	for (struct vs_job *job = k->jobs; job != NULL; job = job->next) {
		if (!may_wait_for_ever(job))
			continue;
		int left = vs_left_ms(job->deadline_ms);
		if (left == 0 || vs_iface_is_stopping(job->iface)) {
			nudge_locked(job);
			left = NUDGE_EVERY_MS;
			if (take_answer(job)) {
				job->held = true;
				job->next_held = held;
				held = job;
			}
		}
		if (next < 0 || left < next)
			next = left;
	}
	pthread_mutex_unlock(&k->lock);
	while (held != NULL) {
		struct vs_job *job = held;
		held = job->next_held;
		answer_for(job);
		pthread_mutex_lock(&k->lock);
		job->late = true;
		nudge_locked(job);
		job->held = false;
		pthread_cond_broadcast(&k->met);
		pthread_mutex_unlock(&k->lock);
	}
	return next;
}
