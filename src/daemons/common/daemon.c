/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "notify.h"
#include "pidfile.h"
#include "report.h"

char *dm_path(const char *path)
{
	char cwd[PATH_MAX], *absolute = NULL;

	if (*path == '/')
		return strdup(path);
	if (getcwd(cwd, sizeof(cwd)) == NULL || asprintf(&absolute, "%s/%s", cwd, path) < 0)
		return NULL;
	return absolute;
}

int dm_keep_rcfile(const char **rcfile, char **memory)
{
	*memory = NULL;
	if (*rcfile == NULL || strcmp(*rcfile, "-") == 0)
		return 0;
	*memory = dm_path(*rcfile);
	if (*memory == NULL) {
		dm_report(DM_ERROR, "cannot find the directory of %s: %s", *rcfile, strerror(errno));
		return -1;
	}
	*rcfile = *memory;
	return 0;
}

static int lock_pidfile(struct dm_daemon *d)
{
	pid_t running = 0;

	if (d->pidfile == NULL)
		return 0;
	d->path = dm_path(d->pidfile);
	int r = d->path == NULL ? -ENOMEM : dm_pidfile_open(d->path, &running);
	if (r >= 0) {
		d->lock = r;
		return 0;
	}
	if (r == -EALREADY)
		dm_report(DM_ERROR, "the process %ld runs already, and has the pidfile %s", (long)running,
			  d->pidfile);
	else
		dm_report(DM_ERROR, "cannot open the pidfile %s: %s", d->pidfile,
			  r == -EINVAL   ? "it is no regular file"
			  : r == -EEXIST ? "it has something else than the number of a process"
					 : strerror(-r));
	return -1;
}

/*
 * Until the program is ready SIGTERM and SIGINT end it as usual: nothing reads the descriptor yet, and a step
 * of the start may wait for ever. SIGHUP waits for the program.
 */
static int prepare_signals(struct dm_daemon *d)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals < 0)
		dm_report(DM_ERROR, "cannot receive signals: %s", strerror(errno));
	return d->signals < 0 ? -1 : 0;
}

static pid_t serving; /* the thread that reads the descriptor; written before the handler is there */

/*
 * A thread that a library has made before may not block the signal: it passes the signal on. In a process
 * that was forked there is no such thread, and the signal ends it as usual.
 */
static void pass_on(int number)
{
	int saved = errno;

	if (syscall(SYS_tgkill, getpid(), serving, number) < 0) {
		(void)signal(number, SIG_DFL);
		(void)raise(number);
	}
	errno = saved;
}

static void take_signals(void)
{
	struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	serving = gettid();
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
}

/* The command that started the daemon: returns what becomes of it. A signal that ends it is status 1. */
static void wait_for_ready(int from, pid_t child)
{
	char c;
	int status;
	ssize_t n;

	do {
		n = read(from, &c, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(1);
}

static int go_to_background(struct dm_daemon *d)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		dm_report(DM_ERROR, "cannot go into the background: %s", strerror(errno));
		return -1;
	}
	pid_t child = fork();
	if (child < 0) {
		dm_report(DM_ERROR, "cannot go into the background: %s", strerror(errno));
		vs_close(ends[0]);
		vs_close(ends[1]);
		return -1;
	}
	if (child > 0) {
		vs_close(ends[1]);
		vs_close(d->signals);
		sigset_t none;
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL); /* the user may give up waiting */
		wait_for_ready(ends[0], child);
	}
	vs_close(ends[0]);
	d->launcher = ends[1];
	(void)setsid();
	return 0;
}

/* A descriptor of ours must not get a number that is replaced later, or that messages are written to. */
static int occupy_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR); /* programs that are started have these too */
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		dm_report(DM_ERROR, "cannot open /dev/null: %s", strerror(errno));
	vs_close(fd);
	return fd < 0 ? -1 : 0;
}

int dm_daemon_begin(struct dm_daemon *d)
{
	d->lock = d->signals = d->launcher = -1;
	d->path = NULL;
	if (occupy_standard() == 0 && lock_pidfile(d) == 0 && prepare_signals(d) == 0 &&
	    (!d->background || go_to_background(d) == 0))
		return 0;
	dm_daemon_end(d);
	return -1;
}

static void leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dm_report_to_syslog();
	if (chdir("/") < 0)
		dm_report(DM_NOTICE, "cannot go to the directory /: %s", strerror(errno));
	for (int i = 0; i < 3; i++)
		(void)dup2(fd, i);
	if (fd > 2)
		vs_close(fd);
}

int dm_daemon_ready(struct dm_daemon *d)
{
	char text[64];

	take_signals(); /* first: a reader of the pidfile may send one */
	int r = d->lock < 0 ? 0 : dm_pidfile_write(d->lock);
	if (r < 0) {
		dm_report(DM_ERROR, "cannot write the pidfile %s: %s", d->path, strerror(-r));
		return -1;
	}
	(void)snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld", (long)getpid());
	r = dm_notify(text);
	if (r < 0)
		dm_report(DM_NOTICE, "cannot reach the service manager of NOTIFY_SOCKET: %s", strerror(-r));
	if (d->launcher >= 0) {
		leave_terminal();
		(void)!write(d->launcher, "", 1); /* fails if the user has given up waiting */
		vs_close(vs_steal_fd(&d->launcher));
	}
	return 0;
}

int dm_daemon_signals(const struct dm_daemon *d)
{
	return d->signals;
}

enum dm_signal dm_daemon_signal(struct dm_daemon *d)
{
	struct signalfd_siginfo info;

	if (read(d->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return DM_NONE;
	return info.ssi_signo == SIGHUP ? DM_RELOAD : DM_STOP;
}

void dm_daemon_end(struct dm_daemon *d)
{
	if (d->lock >= 0 && d->path != NULL)
		dm_pidfile_remove(vs_steal_fd(&d->lock), d->path);
	vs_close(vs_steal_fd(&d->signals));
	vs_close(vs_steal_fd(&d->launcher));
	free(vs_steal_ptr(d->path));
}
