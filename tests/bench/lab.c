/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a laboratory of two hosts costs, made and ended again and again.
 *
 *     lab SIDE N [PAUSE_MS]     lab: libvdestack-lab; stacks: two stacks on a segment, one after the other;
 *                               ip: two namespaces with a veth pair, by four runs of ip(8), which end by two
 *     lab leaks SIDE N          what N of them leave behind: descriptors, threads, memory of both processes
 *
 * Prints "name value unit" lines. Times are in ms: of the start, of the end, and of both ("whole"), with the
 * quartiles. "cpu" is the processor time of program, children and keeper for one lab; what the kernel does
 * later, in threads of its own, is not in it. With PAUSE_MS the kernel has time for that between two labs.
 */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/lab.h>
#include <vdestack/registry.h>

static const char text[] = "network lan 10.0.0.0/24\nhost a on lan\nhost b on lan\n";

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "lab: %s: %s\n", what, why);
	exit(1);
}

/* ------------------------------------------------------------------ the sides */

static struct vdestack_lab *lab;
static struct vdestack *stacks[2];

static void lab_start(void)
{
	lab = vdestack_lab_new(text, NULL);
	if (lab == NULL || vdestack_lab_start(lab) < 0)
		die("lab", vdestack_lab_last_error());
}

static void lab_end(void)
{
	vdestack_lab_delete(lab);
}

static void stacks_start(void)
{
	static unsigned count;
	char config[100];

	count++;
	for (int i = 0; i < 2; i++) {
		snprintf(config, sizeof(config), "vnl=inproc://lan%u ip=10.0.0.%d/24", count, i + 1);
		stacks[i] = vdestack_new(config, NULL);
		if (stacks[i] == NULL)
			die("vdestack_new", vdestack_last_error());
	}
}

static void stacks_end(void)
{
	for (int i = 0; i < 2; i++)
		vdestack_delete(stacks[i]);
}

/* Without a shell. */
static void run(const char *words)
{
	char copy[400], *argv[40], *at = copy;
	int n = 0, status;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((argv[n] = strsep(&at, " ")) != NULL)
		n++;
	pid_t child = vfork();
	if (child == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0 || status != 0)
		die(words, "failed");
}

static char batches[2][64];

static void write_batches(void)
{
	for (int i = 0; i < 2; i++) {
		snprintf(batches[i], sizeof(batches[i]), "/tmp/vdestack-bench-%d-%d", getpid(), i);
		FILE *f = fopen(batches[i], "we");
		if (f == NULL)
			die(batches[i], strerror(errno));
		if (i == 0)
			fprintf(f, "link add vde0 type veth peer name vde0 netns vslb-%d\n", getpid());
		fprintf(f, "addr add 10.0.0.%d/24 dev vde0\nlink set vde0 up\nlink set lo up\n", i + 1);
		fclose(f);
	}
}

static void ip_start(void)
{
	char line[200];

	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "ip netns add vsl%c-%d", 'a' + i, getpid());
		run(line);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "ip -n vsl%c-%d -batch %s", 'a' + i, getpid(), batches[i]);
		run(line);
	}
}

static void ip_end(void)
{
	char line[200];

	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "ip netns del vsl%c-%d", 'a' + i, getpid());
		run(line);
	}
}

static const struct side {
	const char *name;
	void (*start)(void), (*end)(void);
} sides[] = { { "lab", lab_start, lab_end },
	      { "stacks", stacks_start, stacks_end },
	      { "ip", ip_start, ip_end } };

static const struct side *find_side(const char *name)
{
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
		if (strcmp(sides[i].name, name) == 0)
			return &sides[i];
	die(name, "lab, stacks or ip");
	return NULL;
}

/* ------------------------------------------------------------------ the keeper, and processor time */

/* While a stack lives. It can be found a moment after its start. 0: there is none. */
static pid_t find_keeper(void)
{
	struct vdestack_registered list[64];

	for (int tries = 0; tries < 100; tries++, usleep(20000)) {
		int n = vdestack_registry_list(list, 64);
		for (int i = 0; i < n && i < 64; i++)
			if (list[i].pid == getpid())
				return list[i].keeper;
	}
	return 0;
}

static double keeper_cpu_ms(pid_t keeper)
{
	char path[64], line[1000];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", keeper);
	FILE *f = keeper > 0 ? fopen(path, "re") : NULL;
	if (f == NULL)
		return 0;
	const char *at = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	fclose(f);
	if (at == NULL ||
	    sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		return 0;
	return (double)(user + system) * 1e3 / (double)sysconf(_SC_CLK_TCK);
}

static double own_cpu_ms(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* ------------------------------------------------------------------ time */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void show(const char *name, double *samples, int n)
{
	qsort(samples, (size_t)n, sizeof(*samples), by_value);
	printf("lab.%s.median %.3f ms\nlab.%s.best %.3f ms\n", name, samples[n / 2], name, samples[0]);
	printf("lab.%s.quarter %.3f ms\nlab.%s.three_quarters %.3f ms\n", name, samples[n / 4], name,
	       samples[n * 3 / 4]);
}

static void measure(const struct side *side, int n, int pause_ms)
{
	double *start = calloc((size_t)n, sizeof(double)), *end = calloc((size_t)n, sizeof(double)),
	       *whole = calloc((size_t)n, sizeof(double));
	double t = now_ms();

	side->start();
	printf("lab.first.start %.3f ms\n", now_ms() - t); /* with the start of the keeper */
	pid_t keeper = side->start == ip_start ? 0 : find_keeper();
	side->end();
	double cpu = own_cpu_ms(RUSAGE_SELF) + own_cpu_ms(RUSAGE_CHILDREN) + keeper_cpu_ms(keeper);
	for (int i = 0; i < n; i++) {
		if (pause_ms > 0)
			usleep((useconds_t)pause_ms * 1000);
		t = now_ms();
		side->start();
		start[i] = now_ms() - t;
		t = now_ms();
		side->end();
		end[i] = now_ms() - t;
		whole[i] = start[i] + end[i];
	}
	cpu = own_cpu_ms(RUSAGE_SELF) + own_cpu_ms(RUSAGE_CHILDREN) + keeper_cpu_ms(keeper) - cpu;
	show("start", start, n);
	show("end", end, n);
	show("whole", whole, n);
	printf("lab.cpu %.3f ms\n", cpu / n);
}

/* ------------------------------------------------------------------ leaks */

static long count_entries(pid_t pid, const char *what)
{
	char path[64];
	long n = -2; /* "." and ".." */

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	DIR *d = opendir(path);
	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

static long resident_kib(pid_t pid)
{
	char path[64], line[200];
	long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib;
}

static void show_state(const char *when, pid_t keeper)
{
	printf("lab.%s.fds_program %ld 1\nlab.%s.fds_keeper %ld 1\nlab.%s.threads_keeper %ld 1\n", when,
	       count_entries(getpid(), "fd"), when, count_entries(keeper, "fd"), when,
	       count_entries(keeper, "task"));
	printf("lab.%s.rss_program %ld KiB\nlab.%s.rss_keeper %ld KiB\n", when, resident_kib(getpid()), when,
	       resident_kib(keeper));
}

static void leaks(const struct side *side, int n)
{
	pid_t keeper = 0;

	for (int i = 0; i < n; i++) {
		side->start();
		if (i == 0 && side->start != ip_start)
			keeper = find_keeper();
		side->end();
		if (i == 19 || i == n - 1) {
			usleep(3000000); /* what is kept for the next one has gone then */
			show_state(i == 19 ? "before" : "after", keeper);
		}
	}
}

int main(int argc, char *argv[])
{
	bool leaking = argc == 4 && strcmp(argv[1], "leaks") == 0;

	if (argc < 3) {
		fputs("usage: lab SIDE N [PAUSE_MS] | lab leaks SIDE N\n", stderr);
		return 64;
	}
	write_batches();
	if (leaking)
		leaks(find_side(argv[2]), atoi(argv[3]));
	else
		measure(find_side(argv[1]), atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 0);
	for (int i = 0; i < 2; i++)
		unlink(batches[i]);
	return 0;
}
