/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which file is executed as keeper or runner, and whether it may be executed.
 *
 * It is the library's own. Its path is read when the library is loaded, because a relative one would be
 * wrong after chdir. The identities of the file and of the root are read at the same time. The same file
 * under the same root is what this process runs already. It is opened, and executed by its descriptor, so
 * nothing else can take its place in between. That is the usual case, and costs an open and two stat calls.
 *
 * Otherwise another file may be there. An upgrade replaces the file. And if the program has changed its
 * root to a directory of a user, that user may have put a file there, which would run with the program's
 * rights. Then the file must be trusted: only root and this process's user can have put it there (trust.c).
 * Under another root, all else that the dynamic linker would load must be trusted as well: the linker, each
 * object of this process by its path, the directories that the linker searches, and the files that
 * configure it.
 *
 * The dynamic linker opens what it loads by path. If the linker itself is executed, because the library's
 * file is not executable, it opens the library by path as well. No descriptor can tie a check to these
 * opens. None is needed: either every directory on those paths is trusted, or the root and the file are
 * those of the load, and this process trusted their writers then.
 *
 * No descriptor is kept open for this in programs that never make a stack. Two mounts of one file system
 * look like the same root here, and only root can make such mounts.
 */

#include "origin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "environment.h"
#include "executed.h"
#include "trust.h"

#define DISTRUST_MAX 300 /* bytes of the text about a path; longer ones are cut */
#define EXECUTABLE (S_IXUSR | S_IXGRP | S_IXOTH)

struct identity {
	dev_t device;
	ino_t inode; /* 0: unknown */
};

/* Written when the library is loaded, only read afterwards. */
static char own_path[PATH_MAX];    /* the file to execute, "" if unknown */
static char linker_path[PATH_MAX]; /* the dynamic linker that loaded it, "" if unknown */
static struct identity own_file, own_root;

/* ------------------------------------------------------------------ where the library is */

static struct identity identity_of(const struct stat *st)
{
	return (struct identity){ st->st_dev, st->st_ino };
}

static bool is(const struct identity *known, const struct stat *st)
{
	return known->inode != 0 && known->inode == st->st_ino && known->device == st->st_dev;
}

static int find_linker(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	if (info->dlpi_addr == (ElfW(Addr))(uintptr_t)arg && info->dlpi_name[0] == '/') {
		(void)snprintf(linker_path, sizeof(linker_path), "%s", info->dlpi_name);
		return 1;
	}
	return 0;
}

static void identify(void)
{
	struct stat st;

	if (own_path[0] != '\0' && stat(own_path, &st) == 0)
		own_file = identity_of(&st);
	if (stat("/", &st) == 0)
		own_root = identity_of(&st);
}

__attribute__((constructor)) static void find_own_file(void)
{
	Dl_info info;
	int saved = errno;

	if (vs_executed()) /* keepers and runners start no others */
		return;
	if (dladdr(own_path, &info) == 0 || info.dli_fname == NULL ||
	    realpath(info.dli_fname, own_path) == NULL)
		own_path[0] = '\0';
#ifdef VS_KEEPER_FILE
	char *slash = strrchr(own_path, '/');
	if (slash != NULL)
		(void)snprintf(slash + 1, sizeof(own_path) - (size_t)(slash + 1 - own_path), "%s",
			       VS_KEEPER_FILE);
#endif
	ElfW(Addr) base = (ElfW(Addr))getauxval(AT_BASE);
	const struct r_debug *debug = base == 0 ? dlsym(RTLD_DEFAULT, "_r_debug") : NULL;
	if (debug != NULL) /* the program is an argument of the linker */
		base = debug->r_ldbase;
	(void)dl_iterate_phdr(find_linker, (void *)(uintptr_t)base);
	identify();
	errno = saved;
}

/* ------------------------------------------------------------------ trust under another root */

struct check {
	char *text; /* of DISTRUST_MAX bytes */
	int result;
};

static bool check_path(struct check *c, const char *path)
{
	if (c->result == 0)
		c->result = vs_trust_check(path, c->text, DISTRUST_MAX);
	return c->result == 0;
}

/*
 * Checks an object of this process: its file, and the interpreter that the kernel uses if the object is
 * executed.
 */
static int check_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct check *c = arg;

	(void)size;
	if (info->dlpi_name[0] == '/')
		(void)check_path(c, info->dlpi_name);
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			(void)check_path(c, (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
	return c->result;
}

/*
 * Checks a list of directories from the environment, which the keeper's linker and libvdeplug search. An
 * empty entry is the working directory, a relative path like any other. An empty list has no entries.
 */
static void check_list(struct check *c, const char *variable)
{
	const char *value = vs_environment_secure() ? NULL : getenv(variable);
	VS_AUTO_FREE char *list = value == NULL ? NULL : strdup(value);
	char *rest = list, *dir;

	if (value != NULL && list == NULL)
		c->result = -ENOMEM;
	if (list != NULL && list[0] == '\0')
		return;
	while ((dir = strsep(&rest, ":;")) != NULL)
		(void)check_path(c, dir);
}

/* Checks all that a keeper would load by a path. 0 or -errno; -EPERM with text. */
static int check_everything(char *text)
{
	static const char *const others[] = {
		"/etc", "/etc/ld.so.cache", "/etc/ld.so.preload", "/lib", "/usr/lib", "/lib64", "/usr/lib64",
	};
	struct check c = { .text = text };

	if (linker_path[0] != '\0')
		(void)check_path(&c, linker_path);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)check_path(&c, others[i]);
	check_list(&c, "LD_LIBRARY_PATH");
	check_list(&c, "VDEPLUGIN_PATH");
	(void)dl_iterate_phdr(check_object, &c);
	return c.result;
}

/* ------------------------------------------------------------------ opening */

__attribute__((format(printf, 3, 4))) static int refuse(char *why, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, VS_MESSAGE_MAX, fmt, ap);
	va_end(ap);
	return r;
}

static int cannot_open(char *why, int r)
{
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return r; /* the errno is the cause */
	return refuse(why, r, "the library's own file %.200s cannot be opened (%s); it must be there where "
			      "the program's root is now", own_path, strerror(-r));
}

/*
 * Opens the library's file when it is another one than at the load, or under another root. A descriptor or
 * -errno.
 */
static int open_trusted(bool same_root, char *why)
{
	char text[DISTRUST_MAX] = "";
	int fd = vs_trust_open(own_path, text, sizeof(text));
	int r = fd < 0 ? fd : same_root ? 0 : check_everything(text);

	if (r == 0)
		return fd;
	if (fd >= 0)
		vs_close(fd);
	if (r != -EPERM)
		return cannot_open(why, r);
	if (same_root)
		return refuse(why, r, "the library's file has been replaced, and %s: it would run with the "
				      "rights of this process; restart the program, or have root own that",
			      text);
	return refuse(why, r, "in the root that the program has changed to, %s: it would run with the rights "
			      "of this process; make the first stack before the root is changed, or have "
			      "root own that", text);
}

static int open_file(char *why)
{
	struct stat st, root;
	VS_AUTO_CLOSE fd = open(own_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || stat("/", &root) < 0)
		return cannot_open(why, -errno);
	bool same_root = is(&own_root, &root);
	return same_root && is(&own_file, &st) ? vs_steal_fd(&fd) : open_trusted(same_root, why);
}

int vs_origin_open(struct vs_origin *origin, char why[VS_MESSAGE_MAX])
{
	struct stat st;

	*origin = (struct vs_origin){ .path = own_path, .file = -1, .linker = -1 };
	if (own_path[0] == '\0')
		return refuse(why, -ENOENT, "the file of this library is not known; load it by a path");
	int fd = open_file(why);
	if (fd < 0)
		return fd;
	origin->file = fd;
	if (linker_path[0] == '\0' || (fstat(fd, &st) == 0 && (st.st_mode & EXECUTABLE) == EXECUTABLE))
		return 0;
	origin->linker_path = linker_path;
	origin->linker = open(linker_path, O_PATH | O_CLOEXEC);
	if (origin->linker >= 0)
		return 0;
	int r = -errno;
	vs_origin_close(origin);
	if (r == -EMFILE || r == -ENFILE)
		return r;
	return refuse(why, r, "the dynamic linker %.200s cannot be opened (%s); make the library's file "
			      "executable", linker_path, strerror(-r));
}

void vs_origin_close(struct vs_origin *origin)
{
	vs_close(origin->file);
	vs_close(origin->linker);
	origin->file = origin->linker = -1;
}
