/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files below /proc/sys/net of many network namespaces: fsopen(2), fsmount(2), proc(5). Another instance of
 * procfs shows the same values, and its names are looked up among those of fewer namespaces.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "namespace.h"
#include "version.h"

#ifdef SYS_fsopen
#define FSOPEN SYS_fsopen
#define FSCONFIG SYS_fsconfig
#define FSMOUNT SYS_fsmount
#else /* the same on all architectures */
#define FSOPEN 430
#define FSCONFIG 431
#define FSMOUNT 432
#endif
/* From <linux/mount.h>. */
#define CLOEXEC 1
#define CMD_CREATE 6
#define ATTRS (2 | 4 | 8) /* no set-uid files, no devices, no programs */

#define NAMESPACES 600
#define EACH 50 /* namespaces that share an instance */
#define PORT "ipv4/ip_unprivileged_port_start"

static void need_instances(void)
{
	if (kernel_is_before(5, 8))
		SKIP("Linux before 5.8 has one procfs for each PID namespace");
	int fd = (int)syscall(FSOPEN, "proc", CLOEXEC);
	if (fd < 0)
		SKIP("fsopen: %s", strerror(errno));
	close(fd);
}

static int make(int fs)
{
	MUST(syscall(FSCONFIG, fs, CMD_CREATE, NULL, NULL, 0));
	int root = (int)MUST(syscall(FSMOUNT, fs, CLOEXEC, ATTRS));
	int dir = (int)MUST(openat(root, "sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC));
	close(root);
	close(fs);
	return dir;
}

static int open_instance(void)
{
	return make((int)MUST(syscall(FSOPEN, "proc", CLOEXEC)));
}

static void set(int dir, const char *value)
{
	int fd = (int)MUST(openat(dir, PORT, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, value, strlen(value)));
	close(fd);
}

static int get(int dir)
{
	char text[16] = "";
	int fd = (int)MUST(openat(dir, PORT, O_RDONLY | O_CLOEXEC));

	MUST(read(fd, text, sizeof(text) - 1));
	close(fd);
	return atoi(text);
}

CASE_FLAGS(an_instance_that_was_opened_before_shows_the_values_of_the_callers_namespace, CASE_F_ROOT)
{
	need_instances();
	int fs = (int)MUST(syscall(FSOPEN, "proc", CLOEXEC));
	int usual = (int)MUST(open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC)), host = get(usual);
	int before = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	MUST(unshare(CLONE_NEWNET));
	int dir = make(fs);
	set(dir, "7");
	CHECK_EQ(get(usual), 7);
	MUST(unshare(CLONE_NEWNET));
	CHECK_EQ(get(dir), 1024);
	set(dir, "9");
	CHECK_EQ(get(usual), 9);
	MUST(setns(before, CLONE_NEWNET));
	CHECK_EQ(get(dir), host);
	CHECK_EQ(get(usual), host);
}

static long long cpu_ns(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t));
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * Processor time of a first write in a namespace, the median of the last ones of many. each: so many share an
 * instance; 0: all use /proc.
 */
static long long last_writes_ns(int each)
{
	long long took[EACH];
	int dir = -1;

	for (int i = 0; i < NAMESPACES; i++) {
		MUST(unshare(CLONE_NEWNET));
		MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)); /* it stays */
		if (each > 0 && i % each == 0) {
			if (dir >= 0)
				close(dir);
			dir = open_instance();
		} else if (dir < 0) {
			dir = (int)MUST(open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC));
		}
		long long began = cpu_ns();
		set(dir, "0");
		took[i % EACH] = cpu_ns() - began;
	}
	close(dir);
	qsort(took, EACH, sizeof(took[0]), by_size);
	return took[EACH / 2];
}

CASE_TIMED(a_first_write_takes_longer_the_more_namespaces_share_the_instance, CASE_F_ROOT, 120)
{
	struct rlimit limit;

	need_instances();
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max < 2 * NAMESPACES + 100)
		SKIP("RLIMIT_NOFILE allows no %d namespaces", 2 * NAMESPACES);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	long long few = last_writes_ns(EACH), many = last_writes_ns(0);
	printf("%lld ns among %d namespaces, %lld ns among %d and more\n", few, EACH, many, NAMESPACES);
	CHECK(many > 2 * few);
}
