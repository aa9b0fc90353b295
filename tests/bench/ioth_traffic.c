/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Traffic between two ends, of which one or both are stacks of libioth. Used by tests/bench/run.
 *
 *     ioth_traffic [-t SECONDS] [-A ADDR] [-c PEER] [-a] tcp|rr|urr A B
 *
 * A sends to B. Each end is a process of its own, and is
 *
 *     PLUGIN,VNL   a stack of libioth with the address 10.0.0.1 or ADDR (A), or 10.0.0.2 (B)
 *     ns:FILE      a network namespace that is configured already
 *     host         this one
 *
 * tcp: bytes in one direction. rr, urr: one byte there and back, by TCP and UDP. -a: only A, the other end
 * is another program at PEER. Prints lines "name value unit". CPU time is that of the processes that were
 * started with the same variable BENCH_MARK.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ioth.h>

#define PORT 5001
#define DEADLINE_S 10

struct end {
	const char *where, *address;
	struct ioth *stack; /* NULL: the sockets of the process */
};

static struct {
	volatile unsigned long long bytes; /* the receiver writes, the sender reads */
	volatile int ready;
} * shared;

static const char *test, *peer = "10.0.0.2";
static double seconds = 4;

static void die(const char *what)
{
	fprintf(stderr, "ioth_traffic: %s: %s\n", what, errno != 0 ? strerror(errno) : ioth_last_error());
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The words of the environment that a process was started with contain the mark. */
static bool is_marked(const char *pid, const char *mark)
{
	static char environment[1 << 16];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/environ", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, environment, sizeof(environment));
	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(environment, (size_t)n, mark, strlen(mark)) != NULL;
}

static double cpu_of(const char *pid)
{
	char path[64], line[1024];
	unsigned long long user, sys;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return 0;
	const char *rest = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	fclose(f);
	if (rest == NULL ||
	    sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &sys) != 2)
		return 0;
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* Of all processes that were started with the same BENCH_MARK: other work on the machine does not count. */
static double cpu_seconds(void)
{
	const char *mark = getenv("BENCH_MARK");
	DIR *dir = opendir("/proc");
	double sum = 0;

	if (mark == NULL || dir == NULL)
		die("BENCH_MARK");
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_marked(entry->d_name, mark))
			sum += cpu_of(entry->d_name);
	closedir(dir);
	return sum;
}

/* ------------------------------------------------------------------ ends */

static void enter(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(file);
	close(fd);
}

static void join(struct end *e)
{
	char plugin[64];
	struct in_addr address;
	const char *comma = strchr(e->where, ',');

	if (strncmp(e->where, "ns:", 3) == 0)
		enter(e->where + 3);
	if (comma == NULL)
		return;
	snprintf(plugin, sizeof(plugin), "%.*s", (int)(comma - e->where), e->where);
	e->stack = ioth_newstack(plugin, comma + 1);
	if (e->stack == NULL)
		die(ioth_last_error());
	int index = ioth_if_nametoindex(e->stack, "vde0");
	inet_pton(AF_INET, e->address, &address);
	if (index <= 0 || ioth_linksetupdown(e->stack, (unsigned)index, 1) < 0 ||
	    ioth_ipaddr_add(e->stack, AF_INET, &address, 24, index) < 0)
		die("configuration");
	printf("proof %s\n", e->where);
	fflush(stdout);
}

/* Sockets of the process are used by the system calls themselves. */
static int open_socket(const struct end *e, int type)
{
	int fd = e->stack != NULL ? ioth_msocket(e->stack, AF_INET, type, 0) : socket(AF_INET, type, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static ssize_t get(const struct end *e, int fd, void *buf, size_t n)
{
	return e->stack != NULL ? ioth_recv(fd, buf, n, 0) : recv(fd, buf, n, 0);
}

static ssize_t put(const struct end *e, int fd, const void *buf, size_t n)
{
	return e->stack != NULL ? ioth_send(fd, buf, n, MSG_NOSIGNAL) : send(fd, buf, n, MSG_NOSIGNAL);
}

static int connect_to(const struct end *e, int fd, const struct sockaddr_in *to)
{
	const struct sockaddr *a = (const struct sockaddr *)to;

	return e->stack != NULL ? ioth_connect(fd, a, sizeof(*to)) : connect(fd, a, sizeof(*to));
}

static void no_delay(const struct end *e, int fd)
{
	int on = 1;

	if (e->stack != NULL)
		(void)ioth_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int type_of_test(void)
{
	return strcmp(test, "urr") == 0 ? SOCK_DGRAM : SOCK_STREAM;
}

static int connected(const struct end *e)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	double until = now() + DEADLINE_S;

	inet_pton(AF_INET, peer, &to.sin_addr);
	while (now() < until) {
		int fd = open_socket(e, type_of_test());
		if (connect_to(e, fd, &to) == 0) {
			if (type_of_test() == SOCK_STREAM)
				no_delay(e, fd);
			return fd;
		}
		close(fd);
		usleep(50000);
	}
	die("connect");
	return -1;
}

/* ------------------------------------------------------------------ receiving */

static int accepted(const struct end *e)
{
	int one = 1, l = open_socket(e, SOCK_STREAM);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (e->stack != NULL) {
		if (ioth_bind(l, (struct sockaddr *)&at, sizeof(at)) < 0 || ioth_listen(l, 1) < 0)
			die("listen");
	} else {
		setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(l, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(l, 1) < 0)
			die("listen");
	}
	shared->ready = 1;
	int fd = e->stack != NULL ? ioth_accept(l, NULL, NULL) : accept(l, NULL, NULL);
	if (fd < 0)
		die("accept");
	no_delay(e, fd);
	return fd;
}

static void echo_datagrams(const struct end *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr *from = (struct sockaddr *)&at;
	int fd = open_socket(e, SOCK_DGRAM);
	char c;

	if ((e->stack != NULL ? ioth_bind(fd, from, sizeof(at)) : bind(fd, from, sizeof(at))) < 0)
		die("bind");
	shared->ready = 1;
	while (true) {
		socklen_t len = sizeof(at);
		if (e->stack != NULL && ioth_recvfrom(fd, &c, 1, 0, from, &len) == 1)
			(void)ioth_sendto(fd, &c, 1, 0, from, len);
		else if (e->stack == NULL && recvfrom(fd, &c, 1, 0, from, &len) == 1)
			(void)sendto(fd, &c, 1, 0, from, len);
	}
}

static void receiver(struct end *e)
{
	static char buf[1 << 18];
	ssize_t n;

	join(e);
	if (strcmp(test, "urr") == 0)
		echo_datagrams(e);
	int fd = accepted(e);
	bool back = strcmp(test, "rr") == 0;
	while ((n = get(e, fd, buf, sizeof(buf))) > 0) {
		shared->bytes += (unsigned long long)n;
		if (back && put(e, fd, buf, (size_t)n) != n)
			die("send");
	}
}

/* ------------------------------------------------------------------ sending */

struct count {
	double time, cpu;
	unsigned long long bytes;
};

static struct count counted(unsigned long long sent)
{
	return (struct count){ now(), cpu_seconds(), shared->bytes > 0 ? shared->bytes : sent };
}

static void send_tcp(const struct end *e)
{
	static char buf[1 << 17];
	unsigned long long sent = 0;
	double start = now();
	int fd = connected(e);
	struct count before = { 0 };

	for (ssize_t n; now() < start + seconds + 0.5 && (n = put(e, fd, buf, sizeof(buf))) > 0;) {
		sent += (unsigned long long)n;
		if (before.time == 0 && now() > start + 0.5) /* the windows have opened */
			before = counted(sent);
	}
	if (before.time == 0)
		die("send");
	struct count after = counted(sent);
	double gb = (double)(after.bytes - before.bytes) / 1e9;
	close(fd);
	printf("tcp.throughput %.3f Gbit/s\ntcp.cpu_per_gb %.3f s/GB\n", gb * 8 / (after.time - before.time),
	       (after.cpu - before.cpu) / gb);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void send_rr(const struct end *e)
{
	size_t max = 1 << 20, n = 0;
	double *t = calloc(max, sizeof(*t)), start = now();
	int fd = connected(e);
	char c = 'x';

	while (now() < start + seconds && n < max) {
		double sent = now();
		if (put(e, fd, &c, 1) != 1 || get(e, fd, &c, 1) != 1)
			die("round trip");
		t[n++] = (now() - sent) * 1e6;
	}
	qsort(t, n, sizeof(*t), by_value);
	printf("%s.median %.1f us\n%s.p99 %.1f us\n", test, t[n / 2], test, t[n * 99 / 100]);
	close(fd);
}

int main(int argc, char **argv)
{
	struct end a = { .address = "10.0.0.1" }, b = { .address = "10.0.0.2" };
	bool alone = false;
	pid_t pid = -1;
	int c;

	while ((c = getopt(argc, argv, "t:A:c:a")) != -1) {
		if (c == 't')
			seconds = atof(optarg);
		else if (c == 'A')
			a.address = optarg;
		else if (c == 'c')
			peer = optarg;
		else if (c == 'a')
			alone = true;
		else
			return 2;
	}
	if (argc - optind != (alone ? 2 : 3))
		return 2;
	test = argv[optind];
	a.where = argv[optind + 1];
	b.where = argv[optind + 2];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	alarm((unsigned)seconds + 4 * DEADLINE_S);
	if (!alone && (pid = fork()) == 0) {
		alarm((unsigned)seconds + 4 * DEADLINE_S);
		receiver(&b);
		_exit(0);
	}
	while (!alone && !shared->ready && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(1000);
	if (!alone && !shared->ready)
		return 1;
	join(&a);
	if (strcmp(test, "tcp") == 0)
		send_tcp(&a);
	else
		send_rr(&a);
	fflush(stdout);
	if (pid > 0)
		(void)kill(pid, SIGKILL);
	return 0;
}
