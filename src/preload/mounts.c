/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The private mounts of programs that do not know the library.
 *
 *     tmpfs "resolv"    resolv.conf               held open by the process that serves the stack
 *     tmpfs "names"     hosts nsswitch.conf nscd/ held by nothing but its mounts
 *
 * Each file is mounted over that of the host. A mount has the inode of a file, so an update writes into the
 * file: a renamed one would not be seen.
 *
 * A file system can be made only with a place to be mounted on, and only a mounted file can be mounted again.
 * So both are mounted over /etc for a moment, where only this process sees them. The files of the host are
 * opened before.
 *
 * The second tmpfs has another use: the kernel ends it when its last mount goes. Its mounts belong to the
 * mount namespace and to copies of that, so this is when the last task in them has ended. An inotify watch
 * does not keep a file system, and gets IN_UNMOUNT. That costs the program nothing: no descriptor
 * that it could close, no filter that each of its system calls passes. tests/kernel/mounts.c proves it. The
 * watch also fires when tasks that are left have unmounted the files, as container managers do.
 *
 * /sys shows the interfaces of the network namespace in which it was mounted. So it is mounted anew, where
 * the kernel allows it, and what was mounted below it is moved over. The kernel refuses it where the old one
 * was not visible as a whole, as in most containers. Then it stays as it is.
 */

#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOST_FILE_MAX (1 << 20) /* bytes of a file of the host that is read */
#define BELOW_SYS_MAX 64

struct work {
	char *message;
	size_t size;
};

/* Stores the message and returns -errno. */
__attribute__((format(printf, 2, 3))) static int failed(struct work *w, const char *fmt, ...)
{
	int err = errno;
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(w->message, w->size, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < w->size)
		(void)snprintf(w->message + n, w->size - (size_t)n, ": %s", strerror(err));
	return -err;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* A detached copy of what is mounted at `path`, or of the file there; -1 with errno. */
static int copy_mount(const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

/* Mounts the copy on the file or directory `target`. */
static int put_mount(int copy, int target)
{
	return (int)syscall(SYS_move_mount, copy, "", target, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* The text of a file, "" if it cannot be read; to be freed. NULL: no memory. */
static char *read_text(const char *path)
{
	char *text = calloc(1, HOST_FILE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	ssize_t n = 1;

	while (text != NULL && fd >= 0 && n > 0 && len < HOST_FILE_MAX - 1) {
		n = read(fd, text + len, HOST_FILE_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close_fd(fd);
	return text;
}

static int write_text(int fd, const char *text)
{
	size_t len = strlen(text);

	/* First the new text, so that a reader never finds an empty file. */
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, text + done, len - done, (off_t)done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return ftruncate(fd, (off_t)len);
}

int vs_mounts_update(int resolv, const char *text)
{
	return write_text(resolv, text) < 0 ? -errno : 0;
}

/* Makes a file with this text; its descriptor, or -1 with errno. */
static int make_file(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd >= 0 && (fchmod(fd, 0644) < 0 || write_text(fd, text) < 0)) { /* whatever the umask */
		close_fd(fd);
		return -1;
	}
	return fd;
}

static int cover_etc(void)
{
	return mount("vdestack", "/etc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=4m");
}

/* What is mounted over what. */
enum { RESOLV, HOSTS, NSSWITCH, NSCD, N_COVERS };
static const char *const places[N_COVERS] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
					      "/run/nscd" };

struct covers {
	int target[N_COVERS]; /* of the host, -1: there is none */
	int copy[N_COVERS];   /* what will be mounted on it */
};

/* The tmpfs "resolv", and the file that is mounted. */
static int make_resolv(struct work *w, struct covers *c, const struct vs_mounts_opts *opts, int *resolv)
{
	if (cover_etc() < 0)
		return failed(w, "cannot mount a tmpfs for /etc/resolv.conf");
	*resolv = make_file(places[RESOLV], opts->resolv);
	c->copy[RESOLV] = *resolv < 0 ? -1 : copy_mount(places[RESOLV], 0);
	int r = c->copy[RESOLV] < 0 ? failed(w, "cannot make /etc/resolv.conf") : 0;
	(void)umount2("/etc", MNT_DETACH);
	return r;
}

/* Files of the tmpfs "names", which covers /etc. */
static int make_names_files(struct covers *c, const char *hosts, const char *nsswitch)
{
	int fd[] = { make_file(places[HOSTS], hosts), make_file(places[NSSWITCH], nsswitch) };
	bool ok = fd[0] >= 0 && fd[1] >= 0 && mkdir("/etc/nscd", 0755) == 0;

	close_fd(fd[0]);
	close_fd(fd[1]);
	if (!ok)
		return -1;
	c->copy[HOSTS] = copy_mount(places[HOSTS], 0);
	c->copy[NSSWITCH] = copy_mount(places[NSSWITCH], 0);
	c->copy[NSCD] = copy_mount("/etc/nscd", 0);
	return c->copy[HOSTS] < 0 || c->copy[NSSWITCH] < 0 || c->copy[NSCD] < 0 ? -1 : 0;
}

static int make_names(struct work *w, struct covers *c, const struct vs_mounts_opts *opts, int *watch)
{
	char *host_hosts = read_text(places[HOSTS]), *host_nsswitch = read_text(places[NSSWITCH]);
	char *hosts = host_hosts == NULL ? NULL : vs_mounts_hosts(host_hosts, opts->hostname);
	char *nsswitch = host_nsswitch == NULL ? NULL : vs_mounts_nsswitch(host_nsswitch);
	int r = 0;

	if (hosts == NULL || nsswitch == NULL) {
		errno = ENOMEM;
		r = failed(w, "cannot make /etc/hosts");
	} else if (cover_etc() < 0) {
		r = failed(w, "cannot mount a tmpfs for /etc/hosts");
	} else {
		if (make_names_files(c, hosts, nsswitch) < 0)
			r = failed(w, "cannot make /etc/hosts");
		*watch = r < 0 ? -1 : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (*watch >= 0 &&
		    inotify_add_watch(*watch, places[HOSTS], IN_UNMOUNT | IN_DELETE_SELF) < 0) {
			close_fd(*watch);
			*watch = -1; /* a limit is reached: there is no watch */
		}
		(void)umount2("/etc", MNT_DETACH);
	}
	free(host_hosts);
	free(host_nsswitch);
	free(hosts);
	free(nsswitch);
	return r;
}

/* Whether a line of mountinfo(5) is a mount below /sys; its place, in a buffer of PATH_MAX bytes. */
static bool below_sys(const char *line, char *place)
{
	return sscanf(line, "%*d %*d %*s %*s %4095s", place) == 1 && strncmp(place, "/sys/", 5) == 0;
}

struct moved {
	char *place;
	int copy;
};

/* Copies of what is mounted below /sys, each with all below it. How many, or -1: it cannot be done. */
static int copy_below_sys(struct moved *list)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, place[PATH_MAX];
	size_t size = 0;
	int n = f == NULL ? -1 : 0;

	while (n >= 0 && getline(&line, &size, f) > 0) {
		if (!below_sys(line, place))
			continue;
		bool inside = false;
		for (int i = 0; i < n; i++) {
			size_t len = strlen(list[i].place);
			inside |= strncmp(place, list[i].place, len) == 0 && strchr("/", place[len]) != NULL;
		}
		if (inside)
			continue;
		int copy = n < BELOW_SYS_MAX ? copy_mount(place, AT_RECURSIVE) : -1;
		char *name = copy < 0 ? NULL : strdup(place);
		if (name == NULL) {
			close_fd(copy);
			for (; n > 0; n--) {
				close_fd(list[n - 1].copy);
				free(list[n - 1].place);
			}
			n = -1;
			break;
		}
		list[n++] = (struct moved){ .place = name, .copy = copy };
	}
	free(line);
	if (f != NULL)
		(void)fclose(f);
	return n;
}

/* The /sys of this network namespace, or that of the host stays. */
static void renew_sys(void)
{
	struct moved list[BELOW_SYS_MAX];
	struct statvfs fs;
	int n = statvfs("/sys", &fs) < 0 ? -1 : copy_below_sys(list);

	if (n < 0)
		return;
	unsigned long flags =
		MS_NOSUID | MS_NODEV | MS_NOEXEC | ((fs.f_flag & ST_RDONLY) != 0 ? MS_RDONLY : 0);
	bool ok = mount("sysfs", "/sys", "sysfs", flags, NULL) == 0;
	bool mounted = ok;
	for (int i = 0; i < n; i++) {
		int target = ok ? open(list[i].place, O_PATH | O_CLOEXEC) : -1;
		ok = target >= 0 && put_mount(list[i].copy, target) == 0;
		close_fd(target);
		close_fd(list[i].copy);
		free(list[i].place);
	}
	if (mounted && !ok)
		(void)umount2("/sys", MNT_DETACH);
}

static int cover(struct work *w, struct covers *c)
{
	for (int i = 0; i < N_COVERS; i++)
		if (c->target[i] >= 0 && c->copy[i] >= 0 && put_mount(c->copy[i], c->target[i]) < 0)
			return failed(w, "cannot mount over %s", places[i]);
	return 0;
}

static int prepare(struct work *w, struct covers *c, const struct vs_mounts_opts *opts, struct vs_mounts *out)
{
	if (unshare(CLONE_NEWNS) < 0)
		return failed(w, "cannot make a mount namespace");
	/* Mounts of the host go on to appear here, ours do not appear there. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return failed(w, "cannot make mounts private");
	for (int i = 0; i < N_COVERS; i++)
		c->target[i] = open(places[i], O_PATH | O_CLOEXEC);
	int r = make_names(w, c, opts, &out->watch);
	if (r < 0)
		return r;
	if (opts->resolv_file == NULL)
		return c->target[RESOLV] < 0 ? 0 : make_resolv(w, c, opts, &out->resolv);
	c->copy[RESOLV] = copy_mount(opts->resolv_file, 0);
	if (c->copy[RESOLV] < 0)
		return failed(w, "cannot mount %s", opts->resolv_file);
	return 0;
}

int vs_mounts_make(const struct vs_mounts_opts *opts, struct vs_mounts *out, char *message, size_t size)
{
	struct work w = { .message = message, .size = size };
	struct covers c;
	struct vs_mounts made = { .resolv = -1, .watch = -1 };

	for (int i = 0; i < N_COVERS; i++)
		c.target[i] = c.copy[i] = -1;
	int r = prepare(&w, &c, opts, &made);
	if (r == 0)
		r = cover(&w, &c);
	if (r == 0 && opts->sysfs)
		renew_sys();
	/* Without a mount the file system has ended already. */
	if (r == 0 && c.target[HOSTS] < 0 && c.target[NSSWITCH] < 0 && c.target[NSCD] < 0) {
		close_fd(made.watch);
		made.watch = -1;
	}
	for (int i = 0; i < N_COVERS; i++) {
		close_fd(c.target[i]);
		close_fd(c.copy[i]);
	}
	if (r == 0) {
		*out = made;
		return 0;
	}
	close_fd(made.resolv);
	close_fd(made.watch);
	return r;
}
