/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who could have put a file where it is, and who could replace it.
 *
 * The path is walked by descriptors, one component at a time. So what is checked is what the next step
 * starts from. Symbolic links are followed by this code: their target is put in front of the rest of the
 * path. Every directory on the way is trusted, so no untrusted process can change the path between this
 * check and a later use of the path.
 */

#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LINKS_MAX 40 /* as the kernel's */

struct walk {
	char rest[PATH_MAX]; /* what is still to be walked */
	char done[PATH_MAX]; /* what has been walked, for the message */
	char target[PATH_MAX], joined[PATH_MAX]; /* of a link */
	int at;
	int links;
	bool loose; /* `at` is a sticky directory that others may write to */
	struct stat st; /* of what was checked last */
	char *text;
	size_t size;
};

static int distrust(struct walk *w, const char *what)
{
	(void)snprintf(w->text, w->size, "%.200s %s (owner %u, mode %04o)",
		       w->done[0] == '\0' ? "/" : w->done, what, (unsigned)w->st.st_uid,
		       (unsigned)w->st.st_mode & 07777);
	return -EPERM;
}

/*
 * The program's own user is trusted only if the program has no more rights than that user. With file or
 * ambient capabilities, or in a set-group-ID program, a file that the user plants would have more rights
 * than the user.
 */
static bool is_own(uid_t uid)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return uid == geteuid() && getauxval(AT_SECURE) == 0 && syscall(SYS_capget, &head, data) == 0 &&
	       (data[0].permitted | data[1].permitted) == 0;
}

/* Checks what was opened. */
static int judge(struct walk *w, int fd)
{
	const struct stat *st = &w->st;

	if (fstat(fd, &w->st) < 0)
		return -errno;
	bool others_write = !S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
	bool was_loose = w->loose;

	w->loose = S_ISDIR(st->st_mode) && others_write && (st->st_mode & S_ISVTX) != 0;
	if (st->st_uid != 0 && !is_own(st->st_uid))
		return distrust(w, "belongs to another user");
	if (others_write && !w->loose)
		return distrust(w, "can be written by others");
	if (was_loose && !S_ISDIR(st->st_mode))
		return distrust(w, "is in a directory that every user can write to");
	return 0;
}

/* Cuts the next component off the rest: false at the end. */
static bool next_name(struct walk *w, char name[NAME_MAX + 2])
{
	char *from = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(from, "/");

	if (len == 0)
		return false;
	/* the kernel refuses a name that is too long */
	(void)snprintf(name, NAME_MAX + 2, "%.*s", (int)len, from);
	memmove(w->rest, from + len, strlen(from + len) + 1);
	return true;
}

static int open_root(struct walk *w)
{
	vs_close(w->at);
	w->at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	w->done[0] = '\0';
	w->loose = false;
	return w->at < 0 ? -errno : judge(w, w->at);
}

/* Puts the target of a link in front of the rest. Starts at the root again if it is absolute. */
static int follow(struct walk *w, int link)
{
	ssize_t n = readlinkat(link, "", w->target, sizeof(w->target) - 1);

	if (n < 0)
		return -errno;
	if (n == 0 || ++w->links > LINKS_MAX)
		return -ELOOP;
	w->target[n] = '\0';
	if ((size_t)snprintf(w->joined, sizeof(w->joined), "%s/%s", w->target, w->rest) >= sizeof(w->joined))
		return -ENAMETOOLONG;
	memcpy(w->rest, w->joined, strlen(w->joined) + 1);
	return w->target[0] == '/' ? open_root(w) : 0;
}

/* Adds a component to the path in the message. */
static void note(struct walk *w, const char *name)
{
	size_t len = strlen(w->done);

	(void)snprintf(w->done + len, sizeof(w->done) - len, "/%s", name);
}

static int step(struct walk *w, const char *name)
{
	VS_AUTO_CLOSE next = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	size_t before = strlen(w->done);

	if (next < 0) /* where every user may write, any user may create it */
		return errno == ENOENT && w->loose ? distrust(w, "can be written by others") : -errno;
	note(w, name);
	int r = judge(w, next);
	if (r < 0)
		return r;
	if (S_ISLNK(w->st.st_mode)) {
		w->done[before] = '\0';
		return follow(w, next);
	}
	vs_close(w->at);
	w->at = vs_steal_fd(&next);
	return 0;
}

int vs_trust_open(const char *path, char *text, size_t size)
{
	VS_AUTO_FREE struct walk *w = calloc(1, sizeof(*w)); /* too large for the stack of a small thread */
	char name[NAME_MAX + 2];

	if (w == NULL)
		return -ENOMEM;
	*w = (struct walk){ .at = -1, .text = text, .size = size };
	if (path[0] != '/') {
		(void)snprintf(text, size, "\"%s\" is a relative path", path);
		return -EPERM;
	}
	if (strlen(path) >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, path, strlen(path) + 1);
	int r = open_root(w);
	while (r == 0 && next_name(w, name))
		r = step(w, name);
	if (r == 0 && w->loose)
		r = distrust(w, "can be written by others");
	if (r < 0)
		vs_close(w->at);
	return r < 0 ? r : w->at;
}

int vs_trust_check(const char *path, char *text, size_t size)
{
	int fd = vs_trust_open(path, text, size);

	if (fd >= 0)
		vs_close(fd);
	/* What this process cannot reach, its keeper cannot reach either. */
	return fd >= 0 || fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES || fd == -ELOOP ? 0 : fd;
}
