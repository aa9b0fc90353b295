/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZER "address"
#elif defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define SANITIZER "thread"
#else
#define SANITIZER ""
#endif

static struct case_entry *first_case, **last_case = &first_case;

void case_register(struct case_entry *entry)
{
	*last_case = entry;
	last_case = &entry->next;
}

/* ------------------------------------------------------------------ results */

/*
 * One write, so the lines of several processes do not mix; _exit, so no child runs the parent's atexit
 * handlers.
 */
__attribute__((format(printf, 1, 0))) static void tell(const char *fmt, va_list ap, const char *prefix)
{
	char text[2048];
	int n = snprintf(text, sizeof(text), "%s", prefix);
	int m = vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, ap);

	n += m < (int)sizeof(text) - n - 2 ? m : (int)sizeof(text) - n - 2;
	text[n++] = '\n';
	(void)fflush(stdout);
	if (write(2, text, (size_t)n) < 0)
		abort();
}

void case_fail(const char *file, int line, const char *fmt, ...)
{
	char prefix[512];
	va_list ap;

	(void)snprintf(prefix, sizeof(prefix), "%s:%d: ", file, line);
	va_start(ap, fmt);
	tell(fmt, ap, prefix);
	va_end(ap);
	_exit(1);
}

void case_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(fmt, ap, "skipped: ");
	va_end(ap);
	_exit(77);
}

void case_check_errno(const char *file, int line, const char *call, int failed, int err, int expected)
{
	if (!failed)
		case_fail(file, line, "did not fail: %s; expected %s", call, strerrorname_np(expected));
	if (err != expected)
		case_fail(file, line, "%s: %s (%s), expected %s; \"%s\"", call, strerrorname_np(err),
			  strerror(err), strerrorname_np(expected), vdestack_last_error());
}

void case_check_eq(const char *file, int line, const char *a, const char *b, long long va, long long vb)
{
	if (va != vb)
		case_fail(file, line, "%s is %lld, %s is %lld", a, va, b, vb);
}

void case_check_str(const char *file, int line, const char *a, const char *b, const char *va, const char *vb)
{
	if (va == NULL || vb == NULL || strcmp(va, vb) != 0)
		case_fail(file, line, "%s is \"%s\", %s is \"%s\"", a, va != NULL ? va : "(null)", b,
			  vb != NULL ? vb : "(null)");
}

void case_check_contains(const char *file, int line, const char *text, const char *vtext, const char *part)
{
	if (vtext == NULL || strstr(vtext, part) == NULL)
		case_fail(file, line, "%s is \"%s\", which does not contain \"%s\"", text,
			  vtext != NULL ? vtext : "(null)", part);
}

long case_must(const char *file, int line, const char *call, long value)
{
	if (value < 0)
		case_fail(file, line, "%s failed: %s; \"%s\"", call, strerror(errno), vdestack_last_error());
	return value;
}

/* ------------------------------------------------------------------ surroundings */

const char *case_tmp(void)
{
	const char *dir = getenv("VDESTACK_TEST_TMP");

	if (dir == NULL)
		case_skip("VDESTACK_TEST_TMP is not set; run this under tests/support/wrap, as ctest does");
	return dir;
}

const char *case_path(const char *name)
{
	static char ring[8][256];
	static unsigned next;
	char *path = ring[next++ % 8];

	(void)snprintf(path, sizeof(ring[0]), "%s/%s", case_tmp(), name);
	return path;
}

void case_need_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		case_skip("this user cannot open /dev/net/tun: %s", strerror(errno));
	close(fd);
}

bool case_is_root(void)
{
	return geteuid() == 0;
}

bool case_is_inprocess(void)
{
	const char *value = getenv("VDESTACK_TEST_INPROCESS");

	return value != NULL && strcmp(value, "1") == 0;
}

unsigned case_opts_flags(void)
{
	return case_is_inprocess() ? VDESTACK_INPROCESS : 0;
}

const struct vdestack_opts *case_opts(void)
{
	static struct vdestack_opts keeper = { .size = sizeof(keeper) };
	static struct vdestack_opts inprocess = { .size = sizeof(inprocess), .flags = VDESTACK_INPROCESS };

	return case_is_inprocess() ? &inprocess : &keeper;
}

const char *case_sanitizer(void)
{
	return SANITIZER;
}

/* ------------------------------------------------------------------ waiting and counting */

void sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}

long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

bool wait_until(bool (*cond)(void *arg), void *arg, int timeout_ms)
{
	long long end = now_us() + timeout_ms * 1000LL;

	for (int pause_ms = 1; !cond(arg); pause_ms = pause_ms < 32 ? pause_ms * 2 : pause_ms) {
		if (now_us() >= end)
			return cond(arg);
		sleep_ms(pause_ms);
	}
	return true;
}

bool wait_readable(int fd, int timeout_ms)
{
	long long end = now_us() + timeout_ms * 1000LL;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		long long left = end - now_us();
		int n = poll(&pfd, 1, left > 0 ? (int)((left + 999) / 1000) : 0);
		if (n >= 0 || errno != EINTR)
			return n > 0;
	}
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (dir == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

int count_fds(void)
{
	return count_entries("/proc/self/fd") - 1; /* the one that counts */
}

int count_fds_of(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	return count_entries(path);
}

int count_tasks_of(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return count_entries(path);
}

long cpu_ticks(pid_t pid)
{
	char path[64], line[1024];
	unsigned long user = 0, sys = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = MUST(read(fd, line, sizeof(line) - 1));
	close(fd);
	line[n] = '\0';
	char *end = strrchr(line, ')');
	CHECK(end != NULL);
	CHECK_EQ(sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys), 2);
	return (long)(user + sys);
}

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

long rss_kib_of(pid_t pid)
{
	FILE *f = open_proc(pid, "statm");
	long pages = -1;

	if (f == NULL)
		return -1;
	if (fscanf(f, "%*d %ld", &pages) != 1)
		pages = -1;
	fclose(f);
	return pages < 0 ? -1 : pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int count_maps_of(pid_t pid)
{
	FILE *f = open_proc(pid, "maps");
	int n = 0;

	if (f == NULL)
		return -1;
	for (int c; (c = getc(f)) != EOF;)
		n += c == '\n';
	fclose(f);
	return n;
}

const char *name_of(pid_t pid)
{
	static char name[64];
	FILE *f = open_proc(pid, "comm");

	name[0] = '\0';
	if (f == NULL)
		return name;
	if (fgets(name, sizeof(name), f) != NULL)
		name[strcspn(name, "\n")] = '\0';
	fclose(f);
	return name;
}

static pid_t parent_of(pid_t pid)
{
	FILE *f = open_proc(pid, "stat");
	char line[512];
	int parent = -1;

	if (f == NULL)
		return -1;
	char *end = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	fclose(f);
	if (end == NULL || sscanf(end + 1, " %*c %d", &parent) != 1)
		return -1;
	return parent;
}

int find_children(pid_t parent, const char *name, pid_t *pids, int max)
{
	DIR *dir = opendir("/proc");
	int n = 0;

	if (dir == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		pid_t pid = atoi(e->d_name);
		if (pid <= 0 || parent_of(pid) != parent || (name != NULL && strcmp(name_of(pid), name) != 0))
			continue;
		if (pids != NULL && n < max)
			pids[n] = pid;
		n++;
	}
	closedir(dir);
	return n;
}

/* ------------------------------------------------------------------ main */

static void list_case(const struct case_entry *c)
{
	bool sanitized = SANITIZER[0] != '\0';
	bool inprocess = (c->flags & CASE_F_INPROCESS) != 0;

	if (sanitized && (c->flags & CASE_F_NO_SANITIZER) != 0)
		return;
	if ((c->flags & CASE_F_VDE) != 0 && strcmp(SANITIZER, "address") == 0)
		inprocess = false;
	/*
	 * The thread sanitizer assumes one descriptor table in a process. The keeper's threads have a table
	 * of their own, and the sanitizer's helper opens its descriptors in either.
	 */
	if (strcmp(SANITIZER, "thread") == 0)
		inprocess = false;
	if ((c->flags & CASE_F_ONLY_INPROCESS) != 0 && !inprocess)
		return;
	printf("%s", c->name);
	if ((c->flags & CASE_F_ONLY_INPROCESS) == 0)
		printf("%s%s", (c->flags & CASE_F_ROOT) != 0 ? " root" : "",
		       (c->flags & CASE_F_USER) != 0 ? " user" : "");
	printf("%s%s%s", inprocess ? " inprocess" : "", (c->flags & CASE_F_NO_TUN) != 0 ? " notun" : "",
	       (c->flags & CASE_F_TSAN) != 0 ? " tsan" : "");
	printf("%s%s", (c->flags & CASE_F_VDE) != 0 ? " vde" : "",
	       (c->flags & CASE_F_ALONE) != 0 ? " alone" : "");
	printf("%s%s%s", (c->flags & CASE_F_USERNS) != 0 ? " userns" : "",
	       (c->flags & CASE_F_SLOW) != 0 ? " slow" : "",
	       (c->flags & CASE_F_NO_SANITIZER) != 0 ? " unsanitized" : "");
	if (c->limit_s > 0)
		printf(" timeout=%d", c->limit_s);
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s --list | CASE\n", argv[0]);
		return 2;
	}
	for (const struct case_entry *c = first_case; c != NULL; c = c->next) {
		if (strcmp(argv[1], "--list") == 0) {
			list_case(c);
		} else if (strcmp(argv[1], c->name) == 0) {
			c->body();
			return 0;
		}
	}
	if (strcmp(argv[1], "--list") == 0)
		return 0;
	fprintf(stderr, "%s: no such case: %s\n", argv[0], argv[1]);
	return 2;
}
