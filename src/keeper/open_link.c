/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opening the link of an interface: the one job that may wait for ever.
 *
 * The caller's root and working directory come with the call. The job enters them in a file-system context of
 * its own: so a locator means to the keeper what it means to the caller, also after the caller has entered a
 * chroot.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "call.h"
#include "carrier.h"
#include "filter.h"
#include "iface.h"
#include "indirect.h"
#include "job.h"
#include "packet_device.h"
#include "pump/link.h"
#include "variant.h"

/*
 * Enters the caller's root and working directory, for this thread and the threads it starts. In another root
 * than the keeper's the files may belong to any user, and code that is loaded from there would run with the
 * keeper's rights: plugins within plugins, modules of the C library. So no new code can be loaded there.
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
	/* EACCES matters only to a relative locator, which then fails. */
	return cwd >= 0 && fchdir(cwd) < 0 && errno != EACCES ? -errno : 0;
}

/* Makes the packet device. It is not kept if the call has been answered meanwhile. */
static int make_device(struct vs_job *job)
{
	struct vs_iface *iface = job->iface;
	struct vs_keeper *k = job->keeper;
	unsigned offloads = 0;

	if (!vs_job_await_device(job))
		return -ECANCELED; /* the networking thread has answered */
	VS_AUTO_CLOSE fd =
		vs_packet_device_open(iface, &job->call->req.iface, job->netlink, job->ifindex, &offloads);
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

/* In another root than the keeper's. */
static bool is_elsewhere(int root)
{
	struct stat here, there;

	return root >= 0 && stat("/", &here) == 0 && fstat(root, &there) == 0 &&
	       (here.st_ino != there.st_ino || here.st_dev != there.st_dev);
}

/* Stores what it takes to open the link again. Before the thread enters other directories. */
static int remember(struct vs_job *job, int root, int cwd)
{
	struct vs_iface *iface = job->iface;

	/* Threads that pumps share are in no caller's directories. */
	iface->pump.shared =
		is_elsewhere(root) || job->locator.needs_directory ? NULL : job->keeper->pumps;
	if (job->kind == VS_JOB_REOPEN_LINK || job->call->req.iface.no_reconnect)
		return 0;
	iface->want = job->call->req.iface;
	bool elsewhere = is_elsewhere(root);
	if (elsewhere)
		iface->root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if ((elsewhere || job->locator.needs_directory) && cwd >= 0)
		iface->cwd = fcntl(cwd, F_DUPFD_CLOEXEC, 3);
	iface->reconnects = true;
	return 0;
}

/* The stream of a command. The sender may have sent any descriptor: a door of ours, a socket that listens. */
static int check_stream(const struct vs_iface *iface, int fd)
{
	int domain = 0, type = 0, listens = 1;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
		return 0;
	return vs_fail(EINVAL, "cannot plug interface %s: the stream is no stream socket of the Unix family",
		       iface->name);
}

static int open_stream(struct vs_iface *iface, int stream)
{
	int r = check_stream(iface, stream);

	if (r == 0)
		return vs_link_stream(stream, &iface->pump.link);
	vs_close(stream);
	return r;
}

/* 0 if the verdict is that the keeper may open the locator; else -errno with a message. */
static int refuse(const struct vs_iface *iface, const char *vnl, enum vs_locator_verdict verdict)
{
	struct vs_config_error error;

	return vs_locator_refuse(iface->name, vnl, verdict, &error) < 0 ? vs_fail_text(error.err, error.text)
									: 0;
}

/* By a plugin, from the caller's directories. */
static int open_by_plugin(struct vs_job *job, int root, int cwd)
{
	struct vs_iface *iface = job->iface;
	const char *vnl = job->call->text;
	int r = refuse(iface, vnl, job->locator.verdict);

	if (r == 0 && job->locator.opens_terminal)
		r = job->keeper->variant->check_terminal(iface->name, vnl);
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
	if (!job->keeper->variant->same_credentials && (r = vs_caps_only(VS_CAPS_LINKS)) < 0)
		return vs_fail(-r, "cannot plug interface %s: giving up privileges failed (%s)", iface->name,
			       strerror(-r));
	r = refuse(iface, vnl, vs_indirect_judge(vnl));
	if (r == 0)
		r = vs_link_vde(vnl, &iface->pump.link);
	if (r == VS_LINK_FOREIGN)
		r = refuse(iface, vnl, VS_LOCATOR_DESCRIPTOR);
	/*
	 * The pump threads inherit the context. Some plugins use the path later; else do not pin the
	 * directory. If that fails it stays pinned, which is harmless.
	 */
	if (!job->locator.needs_directory)
		(void)!chdir("/");
	return r;
}

int vs_job_open_link(struct vs_job *job)
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
		r = vs_fail(EMSGSIZE,
			    "cannot plug interface %s: this network drops packets longer than %u bytes (a "
			    "vde_switch of vde2 does so silently); use mtu=%u, or VDESTACK_FORCE_MTU if you "
			    "know better",
			    iface->name, iface->pump.link->mtu_max, iface->pump.link->mtu_max);
	if (r == 0 && job->call->req.iface.force_mtu)
		iface->pump.link->frame_max = VS_FRAME_MAX; /* the caller knows better */
	return r;
}
