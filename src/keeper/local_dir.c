/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "local_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "auth.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "wire/registry_dir.h"

#define LOCK_AGAIN_MS 2

/* ------------------------------------------------------------------ the directory */

static int fail_no_meeting(int err, const char *why)
{
	return vs_fail(err, "cannot use local:// segments: %s", why);
}

int vs_local_dir_open(struct vs_local *l, bool privileged)
{
	struct stat user;

	if (l->dir >= 0)
		return 0;
	if (l->off)
		return fail_no_meeting(ENOTSUP, "VDESTACK_REGISTRY=off keeps programs from finding each "
						"other; leave it out");
	/* Where no owner of a file can be compared, every directory would look like ours. */
	if (vs_auth_is_overflow(geteuid(), false))
		return fail_no_meeting(ENOTSUP, "the user is not mapped in this user namespace");
	if (stat("/proc/self/ns/user", &user) < 0)
		return fail_no_meeting(errno, "/proc/self/ns/user cannot be read; mount /proc");
	int dir = -ENOENT;
	for (int i = 0; i < VS_REGISTRY_DIRS && dir < 0; i++)
		dir = vs_registry_dir_open(i, true);
	if (dir < 0)
		return fail_no_meeting(-dir, "there is no directory in which programs of this user can meet; "
					     "let XDG_RUNTIME_DIR name one that nobody else may write to");
	if (getrandom(&l->tag, sizeof(l->tag), 0) != sizeof(l->tag)) {
		vs_close(dir);
		return fail_no_meeting(EIO, "there are no random numbers");
	}
	(void)snprintf(l->prefix, sizeof(l->prefix), "local-%c-%llu", privileged ? 'p' : 'u',
		       (unsigned long long)user.st_ino);
	(void)snprintf(l->name, sizeof(l->name), "%s-%d-%08x", l->prefix, (int)getpid(), l->tag);
	l->dir = dir;
	return 0;
}

void vs_local_dir_close(struct vs_local *l)
{
	vs_close(vs_steal_fd(&l->dir));
}

int vs_local_dir_enter(const struct vs_local *l)
{
	if (unshare(CLONE_FS) < 0 || fchdir(l->dir) < 0)
		return -errno;
	(void)umask(S_IRWXG | S_IRWXO);
	return 0;
}

void vs_local_dir_leave(void)
{
	(void)!chdir("/");
}

/* ------------------------------------------------------------------ the lock */

static pid_t read_holder(int lock)
{
	char text[16] = "";

	return pread(lock, text, sizeof(text) - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* 1: taken; 0: another has it, or the file has been removed meanwhile; -errno. */
static int try_lock(int lock)
{
	char text[16];
	struct stat st;

	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
	if (fstat(lock, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_nlink == 0)
		return 0;
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	(void)!ftruncate(lock, 0);
	(void)!pwrite(lock, text, (size_t)n, 0); /* for messages only */
	return 1;
}

/* first: who had the lock at the beginning; now: who has it. */
static int fail_to_lock(pid_t first, pid_t now)
{
	if (first == now)
		return vs_fail(ETIMEDOUT,
			       "cannot use local:// segments: process %d, which has the lock of this user's "
			       "segments, does not go on; is it stopped? Let it go on, or kill it", (int)now);
	return vs_fail(ETIMEDOUT,
		       "cannot use local:// segments: too many programs of this user wait for their turn, "
		       "process %d has it; is a keeper stopped that they ask? Let it go on, or kill it",
		       (int)now);
}

int vs_local_lock(const struct vs_local *l, int64_t deadline_ms)
{
	const struct timespec pause = { .tv_nsec = LOCK_AGAIN_MS * 1000000L };
	pid_t first = 0;

	for (;;) {
		VS_AUTO_CLOSE lock = openat(l->dir, l->prefix,
					    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		int r = lock < 0 ? -errno : try_lock(lock);
		if (r > 0)
			return vs_steal_fd(&lock);
		if (r < 0)
			return vs_fail(-r, "cannot use local:// segments: the lock file %s in the directory "
					   "of this user cannot be locked: %s", l->prefix, strerror(-r));
		if (first == 0)
			first = read_holder(lock);
		if (vs_left_ms(deadline_ms) == 0)
			return fail_to_lock(first, read_holder(lock));
		(void)nanosleep(&pause, NULL);
	}
}

void vs_local_unlock(const struct vs_local *l, int lock, bool last)
{
	if (last)
		(void)unlinkat(l->dir, l->prefix, 0);
	vs_close(lock);
}

/* ------------------------------------------------------------------ names in it */

int vs_local_bind(const struct vs_local *l)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int on = 1;
	VS_AUTO_CLOSE fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", l->name);
	/* Credentials are added to messages when they are sent. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return vs_steal_fd(&fd);
}

/* At most two hexadecimal digits for each of 64 bytes. */
static void write_hex(const char *segment, char *to, size_t size)
{
	for (size_t i = 0; segment[i] != '\0' && 2 * i + 3 <= size; i++)
		(void)snprintf(to + 2 * i, 3, "%02x", (unsigned char)segment[i]);
}

int vs_local_dir_mark(const struct vs_local *l, const char *segment, bool there)
{
	char name[2 * VS_LOCAL_NAME_MAX], hex[160] = "";

	write_hex(segment, hex, sizeof(hex));
	(void)snprintf(name, sizeof(name), "%s-%s", l->name, hex);
	if (!there)
		return unlinkat(l->dir, name, 0) < 0 ? -errno : 0;
	VS_AUTO_CLOSE fd = openat(l->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : 0;
}

/* A socket or, with a segment, a mark for it, of another keeper. */
static bool read_name(const struct vs_local *l, const char *file, const char *hex, struct vs_local_peer *peer)
{
	size_t len = strlen(l->prefix);
	int pid = 0, n = -1;

	if (strlen(file) >= VS_LOCAL_NAME_MAX || strncmp(file, l->prefix, len) != 0 ||
	    sscanf(file + len, "-%d-%8x%n", &pid, &peer->tag, &n) != 2 || n < 0)
		return false;
	const char *rest = file + len + n;
	bool wanted = hex == NULL ? rest[0] == '\0' : rest[0] == '-' && strcmp(rest + 1, hex) == 0;
	if (!wanted || peer->tag == l->tag)
		return false;
	peer->pid = pid;
	peer->channel = -1;
	(void)snprintf(peer->mark, sizeof(peer->mark), "%s", hex != NULL ? file : "");
	(void)snprintf(peer->socket, sizeof(peer->socket), "%.*s", (int)(len + (size_t)n), file);
	return true;
}

int vs_local_list(const struct vs_local *l, const char *segment, struct vs_local_peer **out, size_t *n)
{
	int fd = openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	char hex[160] = "";
	const struct dirent *e;

	*out = NULL;
	*n = 0;
	if (entries == NULL) {
		r = -errno;
		vs_close(fd);
		return r;
	}
	if (segment != NULL)
		write_hex(segment, hex, sizeof(hex));
	while (r == 0 && *n < VS_LOCAL_PEERS_MOST && (e = readdir(entries)) != NULL) {
		struct vs_local_peer peer = { .pid = 0 };
		if (!read_name(l, e->d_name, segment != NULL ? hex : NULL, &peer))
			continue;
		struct vs_local_peer *more = reallocarray(*out, *n + 1, sizeof(**out));
		r = more == NULL ? -ENOMEM : 0;
		if (more != NULL) {
			*out = more;
			(*out)[(*n)++] = peer;
		}
	}
	(void)closedir(entries);
	return r;
}

/* Names are not used twice. */
void vs_local_forget(const struct vs_local *l, const struct vs_local_peer *peer)
{
	int fd = openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	size_t len = strlen(peer->socket);
	const struct dirent *e;

	if (entries == NULL) {
		vs_close(fd);
		return;
	}
	while ((e = readdir(entries)) != NULL)
		if (strncmp(e->d_name, peer->socket, len) == 0 &&
		    (e->d_name[len] == '-' || e->d_name[len] == '\0'))
			(void)unlinkat(l->dir, e->d_name, 0);
	(void)closedir(entries);
}

/* ------------------------------------------------------------------ namespaces */

/*
 * The kernel makes the text, without asking the file: another process may have sent a descriptor of a file
 * system that never answers.
 */
bool vs_local_is_namespace(int fd, const char *kind)
{
	char path[64], text[64]; /* the path: keepers on threads of a program have descriptors of their own */
	size_t len = strlen(kind);

	(void)snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	ssize_t n = readlink(path, text, sizeof(text));
	return n > (ssize_t)len + 1 && memcmp(text, kind, len) == 0 && memcmp(text + len, ":[", 2) == 0;
}

bool vs_local_is_ours(const struct vs_local *l, int ns)
{
	struct stat its, ours;
	VS_AUTO_CLOSE user = vs_local_is_namespace(ns, "net") ? ioctl(ns, NS_GET_USERNS) : -1;

	return user >= 0 && fstat(user, &its) == 0 && fstat(l->user, &ours) == 0 &&
	       its.st_ino == ours.st_ino && its.st_dev == ours.st_dev;
}
