/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cost of stacks and their sockets, with the five calls of libvdestack 0.1, so the same
 * program measures each libvdestack.so.0 it is run with.
 *
 *     sockets create VNL N        first stack, N more stacks, deletion (each with its first socket)
 *     sockets msocket VNL N       tight loop, 2 ms apart, 16 threads; socket(2) beside it
 *     sockets load VNL_A VNL_B N  msocket on a stack that sends TCP as fast as it can
 *     sockets idle VNL N          descriptors, threads, memory, wake-ups of N stacks
 *
 * Prints "name value unit" lines; times are in microseconds. Environment: BENCH_RESIDENT_MIB
 * makes the program that large first.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct vdestack;
struct vdestack *vde_addstack(char *vdenet, char *ifname);
void vde_delstack(struct vdestack *stack);
int vde_stackcmd(struct vdestack *stack, char *stackcmd);
int vde_msocket(struct vdestack *stack, int domain, int type, int protocol);

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void show(const char *name, double *samples, size_t n)
{
	if (n == 0)
		return;
	qsort(samples, n, sizeof(*samples), by_value);
	printf("%s.median %.2f us\n%s.p99 %.2f us\n%s.max %.2f us\n", name, samples[n / 2], name,
	       samples[n * 99 / 100], name, samples[n - 1]);
	fflush(stdout);
}

static void die(const char *what)
{
	fprintf(stderr, "sockets: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct vdestack *add(const char *vnl)
{
	struct vdestack *s = vde_addstack(vnl[0] != '\0' ? (char *)vnl : NULL, NULL);

	if (s == NULL)
		die("vde_addstack");
	return s;
}

static void touch(struct vdestack *s)
{
	int fd = vde_msocket(s, AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("vde_msocket");
	close(fd);
}

/* ------------------------------------------------------------------ create */

static int bench_create(const char *vnl, size_t n)
{
	double *first = calloc(n, sizeof(double)), *more = calloc(n, sizeof(double)),
	       *gone = calloc(n, sizeof(double));

	for (size_t i = 0; i < n; i++) { /* no other stack lives in the program */
		double t = now_us();
		struct vdestack *s = add(vnl);
		touch(s);
		first[i] = now_us() - t;
		vde_delstack(s);
		/* work that deletion leaves to the kernel must not slow down the next sample */
		usleep(50000);
	}
	struct vdestack *base = add(vnl);
	touch(base);
	for (size_t i = 0; i < n; i++) {
		double t = now_us();
		struct vdestack *s = add(vnl);
		touch(s);
		more[i] = now_us() - t;
		t = now_us();
		vde_delstack(s);
		gone[i] = now_us() - t;
		usleep(50000);
	}
	vde_delstack(base);
	show("create.first", first, n);
	show("create.more", more, n);
	show("delete", gone, n);
	return 0;
}

/* ------------------------------------------------------------------ msocket */

static void loop(struct vdestack *s, double *samples, size_t n, unsigned apart_us)
{
	for (size_t i = 0; i < n; i++) {
		if (apart_us > 0)
			usleep(apart_us);
		double t = now_us();
		int fd = s != NULL ? vde_msocket(s, AF_INET, SOCK_STREAM, 0)
				   : (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
		samples[i] = now_us() - t;
		if (fd < 0)
			die("socket");
		close(fd);
	}
}

struct worker {
	pthread_t thread;
	struct vdestack *stack;
	double *samples;
	size_t n;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	loop(w->stack, w->samples, w->n, 0);
	return NULL;
}

static int bench_msocket(const char *vnl, size_t n)
{
	double *samples = calloc(n * 16, sizeof(double));
	struct worker workers[16];
	struct vdestack *s = add(vnl);

	loop(s, samples, n / 10 + 1, 0);
	loop(NULL, samples, n, 0);
	show("socket.tight", samples, n);
	loop(s, samples, n, 0);
	show("msocket.tight", samples, n);
	size_t apart = n / 20 + 20;
	loop(NULL, samples, apart, 2000);
	show("socket.apart", samples, apart);
	loop(s, samples, apart, 2000);
	show("msocket.apart", samples, apart);
	for (int i = 0; i < 16; i++) {
		workers[i] =
			(struct worker){ .stack = s, .samples = samples + (size_t)i * (n / 16), .n = n / 16 };
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int i = 0; i < 16; i++)
		pthread_join(workers[i].thread, NULL);
	show("msocket.threads16", samples, n / 16 * 16);
	vde_delstack(s);
	return 0;
}

/* ------------------------------------------------------------------ under load */

static atomic_ullong received;

static void *sink(void *arg)
{
	static char buf[1 << 17];
	int l = *(int *)arg, fd = accept(l, NULL, NULL);
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		received += (unsigned long long)n;
	return NULL;
}

static void *source(void *arg)
{
	static char buf[1 << 17];
	int fd = *(int *)arg;

	while (send(fd, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static int bench_load(const char *vnl_a, const char *vnl_b, size_t n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5000),
				  .sin_addr.s_addr = htonl(0x0a000002) };
	struct vdestack *a = add(vnl_a), *b = add(vnl_b);
	double *samples = calloc(n, sizeof(double));
	pthread_t t[2];

	if (vde_stackcmd(a, "/sbin/ip addr add 10.0.0.1/24 dev vde0;/sbin/ip link set vde0 up") != 0 ||
	    vde_stackcmd(b, "/sbin/ip addr add 10.0.0.2/24 dev vde0;/sbin/ip link set vde0 up") != 0)
		die("ip");
	int l = vde_msocket(b, AF_INET, SOCK_STREAM, 0), c = vde_msocket(a, AF_INET, SOCK_STREAM, 0);
	if (bind(l, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(l, 1) < 0)
		die("listen");
	pthread_create(&t[0], NULL, sink, &l);
	if (connect(c, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	pthread_create(&t[1], NULL, source, &c);
	usleep(300000);
	double start = now_us();
	unsigned long long before = received;
	loop(a, samples, n, 500);
	double gbit = (double)(received - before) * 8e-3 / (now_us() - start);
	show("msocket.load", samples, n);
	printf("load.throughput %.3f Gbit/s\n", gbit);
	_exit(fflush(stdout));
}

/* ------------------------------------------------------------------ idle */

static int count_dir(const char *fmt, int pid)
{
	char path[64];
	int n = 0;

	snprintf(path, sizeof(path), fmt, pid);
	DIR *d = opendir(path);
	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n > 2 ? n - 2 : 0;
}

/* A number behind "key:" in a status file; 0 when it is not there. */
static long status(const char *path, const char *key)
{
	char line[256];
	long value = 0;
	FILE *f = fopen(path, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return value;
}

/* Sums over this process and its children: all that serves the stacks, in either library. */
struct sums {
	long tasks, fds_here, fds_there, rss_here_kib, rss_there_kib, switches;
};

static void add_process(int pid, struct sums *sum)
{
	char path[300];

	sum->tasks += count_dir("/proc/%d/task", pid);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	*(pid == getpid() ? &sum->rss_here_kib : &sum->rss_there_kib) += status(path, "VmRSS");
	*(pid == getpid() ? &sum->fds_here : &sum->fds_there) += count_dir("/proc/%d/fd", pid);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, e->d_name);
		if (e->d_name[0] != '.')
			sum->switches += status(path, "voluntary_ctxt_switches") +
					 status(path, "nonvoluntary_ctxt_switches");
	}
	if (d != NULL)
		closedir(d);
}

static struct sums take(void)
{
	struct sums sum = { 0 };
	char path[300];
	DIR *d = opendir("/proc");

	add_process(getpid(), &sum);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "/proc/%s/status", e->d_name);
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && status(path, "PPid") == getpid())
			add_process(atoi(e->d_name), &sum);
	}
	if (d != NULL)
		closedir(d);
	return sum;
}

static int bench_idle(const char *vnl, size_t n)
{
	struct rlimit limit;
	double t;

	prctl(PR_SET_CHILD_SUBREAPER, 1); /* so the processes that serve the stacks are children */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	touch(add(vnl));
	struct sums one = take();
	t = now_us();
	for (size_t i = 1; i < n; i++)
		touch(add(vnl));
	double each = n > 1 ? (now_us() - t) / (double)(n - 1) : 0;
	/* wait until the kernel has finished work for new interfaces (neighbour discovery) */
	usleep(3000000);
	struct sums all = take();
	usleep(5000000);
	struct sums later = take();
	double more = n > 1 ? (double)(n - 1) : 1;
	printf("idle.stacks %zu 1\nidle.create_each %.1f us\n", n, each);
	printf("idle.fds_program %ld 1\nidle.fds_keeper %ld 1\nidle.tasks %ld 1\n", all.fds_here,
	       all.fds_there, all.tasks);
	printf("idle.rss_program %ld KiB\nidle.rss_keeper %ld KiB\n", all.rss_here_kib, all.rss_there_kib);
	if (n > 1)
		printf("idle.fds_per_stack %.2f 1\nidle.tasks_per_stack %.2f 1\nidle.rss_per_stack %.1f "
		       "KiB\n",
		       (double)(all.fds_here - one.fds_here) / more, (double)(all.tasks - one.tasks) / more,
		       (double)(all.rss_here_kib + all.rss_there_kib - one.rss_here_kib - one.rss_there_kib) /
			       more);
	/* This process itself wakes once from its sleep, and reads /proc. */
	printf("idle.wakeups %.2f 1/s\n", (double)(later.switches - all.switches - 1) / 5.0);
	_exit(fflush(stdout));
}

int main(int argc, char **argv)
{
	const char *mib = getenv("BENCH_RESIDENT_MIB");

	if (mib != NULL) {
		size_t size = (size_t)atol(mib) << 20;
		memset(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, size);
	}
	if (argc == 4 && strcmp(argv[1], "create") == 0)
		return bench_create(argv[2], (size_t)atol(argv[3]));
	if (argc == 4 && strcmp(argv[1], "msocket") == 0)
		return bench_msocket(argv[2], (size_t)atol(argv[3]));
	if (argc == 5 && strcmp(argv[1], "load") == 0)
		return bench_load(argv[2], argv[3], (size_t)atol(argv[4]));
	if (argc == 4 && strcmp(argv[1], "idle") == 0)
		return bench_idle(argv[2], (size_t)atol(argv[3]));
	fprintf(stderr, "usage: sockets create VNL N | msocket VNL N | load VNL_A VNL_B N | idle VNL N\n");
	return 2;
}
