/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watches.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "move.h"

#define PATH_BYTES 64
#define LINE_BYTES 160 /* of a line of fdinfo */

/* ------------------------------------------------------------------ /proc/PID/fdinfo */

/* Lines of a file, without stdio, which allocates memory. */
struct lines {
	int fd;
	size_t n, at; /* bytes in the buffer, bytes used */
	char buffer[2048];
};

/* The next line, without its newline, cut to the size of `line`. 1; 0: the end; -Exxx. */
static int next_line(struct lines *l, char line[LINE_BYTES])
{
	size_t n = 0;

	for (;;) {
		if (l->at == l->n) {
			ssize_t got = read(l->fd, l->buffer, sizeof(l->buffer));
			if (got <= 0) {
				line[n] = '\0';
				return got < 0 ? -errno : n > 0;
			}
			l->n = (size_t)got;
			l->at = 0;
		}
		char c = l->buffer[l->at++];
		if (c == '\n') {
			line[n] = '\0';
			return 1;
		}
		if (n < LINE_BYTES - 1)
			line[n++] = c;
	}
}

/* What follows a word in a line, or NULL. */
static const char *behind(const char *line, const char *word)
{
	const char *p = strstr(line, word);

	return p != NULL ? p + strlen(word) : NULL;
}

/* "tfd: 5 events: 1 data: 2a pos:0 ino:1f sdev:8". False: not the registration of this number and file. */
static bool read_watch(const char *line, int number, ino_t ino, struct vs_watch *out)
{
	const char *tfd = behind(line, "tfd:"), *events = behind(line, "events:");
	const char *data = behind(line, "data:"), *inode = behind(line, "ino:");

	if (tfd == NULL || events == NULL || data == NULL || strtol(tfd, NULL, 10) != number)
		return false;
	if (inode != NULL && strtoull(inode, NULL, 16) != ino)
		return false;
	out->events = (uint32_t)strtoul(events, NULL, 16);
	out->data = strtoull(data, NULL, 16);
	return true;
}

/* "/proc/TASK/DIR" */
static void make_path(char path[PATH_BYTES], pid_t task, const char *dir)
{
	if (task == 0)
		(void)snprintf(path, PATH_BYTES, "/proc/thread-self/%s", dir);
	else
		(void)snprintf(path, PATH_BYTES, "/proc/%d/%s", (int)task, dir);
}

/* Reads decimal digits. -1: something else. */
static int number_of(const char *name)
{
	int n = 0;

	if (*name == '\0')
		return -1;
	for (; *name >= '0' && *name <= '9' && n < 100000000; name++)
		n = n * 10 + (*name - '0');
	return *name == '\0' ? n : -1;
}

static bool is_epoll(int dir, const char *name)
{
	static const char text[] = "anon_inode:[eventpoll]";
	char link[sizeof(text)];
	ssize_t n = readlinkat(dir, name, link, sizeof(link));

	return n == (ssize_t)sizeof(text) - 1 && memcmp(link, text, sizeof(text) - 1) == 0;
}

/* One search. */
struct search {
	int pidfd, fds, infos; /* descriptors of the directories fd and fdinfo */
	ino_t ino;
	struct vs_watches found;
};

/* Adds the descriptor of epoll to what was found. Two numbers of one epoll have one registration. */
static int add_watch(struct search *s, int epoll, struct vs_watch watch)
{
	struct vs_watches *w = &s->found;

	if (w->n == VS_WATCHES_MAX)
		return -E2BIG;
	watch.epoll = epoll;
	if (w->foreign)
		watch.epoll = (int)syscall(SYS_pidfd_getfd, s->pidfd, epoll, 0);
	if (watch.epoll < 0)
		return errno == EBADF ? 0 : -errno; /* EBADF: it has been closed meanwhile */
	w->list[w->n++] = watch;
	return 0;
}

static int search_epoll(struct search *s, const char *name)
{
	char line[LINE_BYTES];
	struct lines lines = { .fd = openat(s->infos, name, O_RDONLY | O_CLOEXEC) };
	struct vs_watch watch = { 0 };
	int r = 0, more;

	if (lines.fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (more = next_line(&lines, line)) > 0)
		if (read_watch(line, s->found.number, s->ino, &watch)) {
			r = add_watch(s, number_of(name), watch);
			break; /* a number and file are registered once with an epoll */
		}
	(void)close(lines.fd);
	return r;
}

struct entry { /* struct linux_dirent64 */
	uint64_t ino, off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/* getdents64(2), because opendir(3) allocates memory. */
static int search_all(struct search *s)
{
	_Alignas(struct entry) char buffer[2048];
	int r = 0;

	while (r == 0) {
		long n = syscall(SYS_getdents64, s->fds, buffer, sizeof(buffer));
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (long at = 0; r == 0 && at < n;) {
			const struct entry *e = (const struct entry *)(const void *)(buffer + at);
			if (number_of(e->name) >= 0 && is_epoll(s->fds, e->name))
				r = search_epoll(s, e->name);
			at += e->reclen;
		}
	}
	return r;
}

int vs_watches_find(pid_t task, int pidfd, int number, int socket, struct vs_watches *out)
{
	struct search s = { .pidfd = pidfd, .found = { .number = number, .foreign = task != 0 } };
	char path[PATH_BYTES];
	struct stat st;

	if (fstat(socket, &st) < 0)
		return -errno;
	s.ino = st.st_ino;
	make_path(path, task, "fd");
	s.fds = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.fds < 0)
		return -errno;
	make_path(path, task, "fdinfo");
	s.infos = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = s.infos < 0 ? -errno : search_all(&s);
	if (s.infos >= 0)
		(void)close(s.infos);
	(void)close(s.fds);
	if (r < 0)
		vs_watches_close(&s.found);
	else
		*out = s.found;
	return r;
}

void vs_watches_close(struct vs_watches *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; w->foreign && i < w->n; i++)
		(void)close(w->list[i].epoll);
	w->n = 0;
}

/* ------------------------------------------------------------------ epoll_ctl(2) */

/* A step: what is to be done while `socket` has the number. */
struct step {
	const struct vs_watches *watches;
	int socket, old;
	bool enter;
	int result;
};

static int set_watch(const struct vs_watch *watch, int number, int operation)
{
	struct epoll_event event = { .events = watch->events, .data.u64 = watch->data };
	int r = epoll_ctl(watch->epoll, operation, number, &event) < 0 ? -errno : 0;

	/* two descriptors of one epoll, or a program that has closed one meanwhile */
	if ((operation == EPOLL_CTL_DEL && r == -ENOENT) || (operation == EPOLL_CTL_ADD && r == -EEXIST))
		return 0;
	return r;
}

static int set_all(const struct step *s)
{
	const struct vs_watches *w = s->watches;
	int operation = s->enter ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		r = set_watch(&w->list[i], w->number, operation);
		for (size_t j = i; r < 0 && !s->enter && j > 0; j--)
			(void)set_watch(&w->list[j - 1], w->number, EPOLL_CTL_ADD);
	}
	if (r == 0 && s->enter)
		r = vs_move_async(s->old, w->number);
	return r;
}

/*
 * Moves a descriptor of the step out of the way of the number, in the table of the thread. Its own copy at
 * the old number is overwritten then.
 */
static int clear_number(struct step *s, struct vs_watches *w)
{
	int *const fds[] = { &s->socket, &s->old };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] == w->number && (*fds[i] = fcntl(w->number, F_DUPFD_CLOEXEC, 0)) < 0)
			return -errno;
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].epoll == w->number &&
		    (w->list[i].epoll = fcntl(w->number, F_DUPFD_CLOEXEC, 0)) < 0)
			return -errno;
	return 0;
}

static void *run_step(void *arg)
{
	struct step *s = arg;
	struct vs_watches own = *s->watches;

	s->watches = &own;
	if (unshare(CLONE_FILES) < 0)
		s->result = -errno;
	else if ((s->result = clear_number(s, &own)) == 0)
		s->result = dup3(s->socket, own.number, O_CLOEXEC) < 0 ? -errno : set_all(s);
	return NULL;
}

/* On a thread with a table of its own. */
static int run_foreign(struct step *s)
{
	pthread_t thread;
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&thread, NULL, run_step, s);

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0)
		return -err;
	(void)pthread_join(thread, NULL);
	return s->result;
}

static int run(struct step *s)
{
	const struct vs_watches *w = s->watches;

	if (!w->foreign)
		return set_all(s);
	int flags = fcntl(s->old, F_GETFL);
	if (w->n == 0 && (!s->enter || flags < 0 || (flags & O_ASYNC) == 0))
		return 0; /* nothing needs the number */
	return run_foreign(s);
}

int vs_watches_leave(const struct vs_watches *w, int old)
{
	struct step s = { .watches = w, .socket = old, .old = old };

	return run(&s);
}

int vs_watches_enter(const struct vs_watches *w, int old, int fresh)
{
	struct step s = { .watches = w, .socket = fresh, .old = old, .enter = true };

	return run(&s);
}
