/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lookups of names in a stack, each sent to a name server: no cache takes part.
 *
 *     resolver ours N      libvdestack-dns
 *     resolver cares N     c-ares alone, in a command in the stack, so that its socket(2) is the kernel's
 *     resolver glibc N     getaddrinfo(3), in a command in the stack, with a resolv.conf of its own
 *
 * One after the other:   lookup.median, lookup.p99      microseconds, N lookups
 * 32 at the same time:   flight32.rate                  lookups a second (not glibc, which cannot)
 *                                                       ours: in a group
 *                        single32.rate                  ours, each with a descriptor of its own
 * 16 threads:            threads16.rate                 lookups a second (not c-ares: one thread only)
 *
 * The name server is a thread of this program in another stack. It answers at once. It is the same for all.
 * Prints "name value unit" lines.
 */

#define _GNU_SOURCE
#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/dns.h>

#define FLIGHT 32
#define THREADS 16
#define SERVER "10.0.0.1"

static int n_lookups;
static atomic_int n_questions; /* that the server has answered */

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

__attribute__((noreturn)) static void die(const char *why)
{
	fprintf(stderr, "resolver: %s\n", why);
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void show_times(double *samples, int n)
{
	qsort(samples, (size_t)n, sizeof(*samples), by_value);
	printf("lookup.median %.2f us\nlookup.p99 %.2f us\n", samples[n / 2], samples[n * 99 / 100]);
}

static void show_rate(const char *name, int n, double began)
{
	printf("%s.rate %.0f per_s\n", name, n / ((now_us() - began) / 1e6));
}

/* ------------------------------------------------------------------ the name server */

/* An A record, for the name at offset 12. */
static const unsigned char record[16] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 7 };

static void *answer(void *arg)
{
	unsigned char message[1500];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(*(int *)arg, message, 512, 0, (struct sockaddr *)&from, &len)) >= 12) {
		size_t end = 12;

		while (end < (size_t)n && message[end] != 0)
			end += message[end] + 1u;
		end += 5;
		atomic_fetch_add(&n_questions, 1);
		message[2] = 0x84;
		message[3] = 0x80;
		message[7] = 1;
		message[11] = 0;
		memcpy(message + end, record, sizeof(record));
		(void)!sendto(*(int *)arg, message, end + sizeof(record), 0, (struct sockaddr *)&from, len);
		len = sizeof(from);
	}
	return NULL;
}

static void start_server(struct vdestack *stack)
{
	static int fd;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	int bytes = 4 << 20;
	pthread_t thread;

	fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    pthread_create(&thread, NULL, answer, &fd) != 0)
		die("no name server");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* ------------------------------------------------------------------ ours, and glibc by the same calls */

static struct vdestack_dns *resolver; /* NULL: glibc */

static void look_up(int i)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char name[64];

	(void)snprintf(name, sizeof(name), "n%d.lab.example.", i);
	if (resolver != NULL) {
		if (vdestack_dns_getaddrinfo(resolver, name, NULL, &hints, &list) != 0)
			die(vdestack_dns_last_error());
		vdestack_freeaddrinfo(list);
	} else {
		if (getaddrinfo(name, NULL, &hints, &list) != 0)
			die("glibc has found nothing");
		freeaddrinfo(list);
	}
}

static void one_by_one(void)
{
	double *samples = calloc((size_t)n_lookups, sizeof(*samples));

	for (int i = 0; i < 100; i++)
		look_up(i);
	for (int i = 0; i < n_lookups; i++) {
		double began = now_us();

		look_up(i);
		samples[i] = now_us() - began;
	}
	show_times(samples, n_lookups);
	free(samples);
}

static atomic_int next;

static void *look_up_some(void *arg)
{
	int i;

	while ((i = atomic_fetch_add(&next, 1)) < n_lookups)
		look_up(i);
	return arg;
}

static void by_threads(void)
{
	pthread_t threads[THREADS];
	double began = now_us();

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, look_up_some, NULL) != 0)
			die("no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	show_rate("threads16", n_lookups, began);
}

/* ------------------------------------------------------------------ 32 at the same time */

static void start_one(struct vdestack_dns_group *group, int epoll, int i)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct vdestack_dns_lookup *l;
	char name[64];

	(void)snprintf(name, sizeof(name), "n%d.lab.example.", i);
	l = group != NULL ? vdestack_dns_group_start(group, name, NULL, &hints, NULL)
			  : vdestack_dns_start(resolver, name, NULL, &hints);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = l };
	if (l == NULL || (group == NULL && epoll_ctl(epoll, EPOLL_CTL_ADD, vdestack_dns_fd(l), &event) < 0))
		die(vdestack_dns_last_error());
}

static bool finish_one(struct vdestack_dns_lookup *l)
{
	struct addrinfo *list;
	int r = vdestack_dns_finish(l, &list);

	if (r < 0)
		die(vdestack_dns_last_error());
	if (r > 0)
		vdestack_freeaddrinfo(list);
	return r > 0;
}

/* Each with a descriptor of its own. */
static void in_flight(void)
{
	struct epoll_event events[FLIGHT];
	int epoll = epoll_create1(EPOLL_CLOEXEC), started = 0, done = 0;
	double began = now_us();

	for (; started < FLIGHT; started++)
		start_one(NULL, epoll, started);
	while (done < n_lookups) {
		int n = epoll_wait(epoll, events, FLIGHT, -1);

		for (int i = 0; i < n; i++) {
			if (!finish_one(events[i].data.ptr))
				continue;
			done++;
			if (started < n_lookups)
				start_one(NULL, epoll, started++);
		}
	}
	show_rate("single32", n_lookups, began);
	close(epoll);
}

static void in_a_group(void)
{
	struct vdestack_dns_group *group = vdestack_dns_group_new(resolver);
	struct pollfd wait = { .fd = vdestack_dns_group_fd(group), .events = POLLIN };
	int started = 0, done = 0;
	double began = now_us();

	for (; started < FLIGHT; started++)
		start_one(group, -1, started);
	while (done < n_lookups) {
		struct vdestack_dns_lookup *l = vdestack_dns_group_next(group, NULL);

		if (l == NULL) {
			(void)poll(&wait, 1, -1);
			continue;
		}
		done += finish_one(l);
		if (started < n_lookups)
			start_one(group, -1, started++);
	}
	show_rate("flight32", n_lookups, began);
	vdestack_dns_group_delete(group);
}

/* ------------------------------------------------------------------ c-ares alone */

static int found_count;

static void found(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	(void)arg;
	(void)timeouts;
	if (status != ARES_SUCCESS)
		die(ares_strerror(status));
	ares_freeaddrinfo(info);
	found_count++;
}

static void cares_start(ares_channel channel, int i)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	char name[64];

	(void)snprintf(name, sizeof(name), "n%d.lab.example.", i);
	ares_getaddrinfo(channel, name, NULL, &hints, found, NULL);
}

static void cares_wait(ares_channel channel)
{
	struct timeval limit = { .tv_sec = 5 }, tv;
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	int n = ares_fds(channel, &in, &out);
	(void)select(n, &in, &out, NULL, ares_timeout(channel, &limit, &tv));
	ares_process(channel, &in, &out);
}

static void measure_cares(void)
{
	struct ares_options options = { .flags = ARES_FLAG_EDNS | ARES_FLAG_NOALIASES };
	double *samples = calloc((size_t)n_lookups, sizeof(*samples));
	ares_channel channel;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&channel, &options, ARES_OPT_FLAGS) != ARES_SUCCESS ||
	    ares_set_servers_csv(channel, SERVER) != ARES_SUCCESS)
		die("no channel");
	for (int i = 0; i < n_lookups; i++) {
		double began = now_us();

		found_count = 0;
		cares_start(channel, i);
		while (found_count == 0)
			cares_wait(channel);
		samples[i] = now_us() - began;
	}
	show_times(samples, n_lookups);
	free(samples);
	double began = now_us();
	int started = 0;
	for (found_count = 0; found_count < n_lookups; cares_wait(channel))
		for (; started < n_lookups && started - found_count < FLIGHT; started++)
			cares_start(channel, started);
	show_rate("flight32", n_lookups, began);
	ares_destroy(channel);
}

/* ------------------------------------------------------------------ */

/* This program again, as a command in the stack. */
static int run_inside(struct vdestack *stack, const char *side, const char *n)
{
	char line[1024];
	/* To mount, root needs one more capability, and a user a user namespace of its own. */
	char *argv[] = { "unshare", geteuid() == 0 ? "-m" : "-Urm", "sh", "-c", line, NULL };
	struct vdestack_cmd_opts opts = {
		.size = sizeof(opts),
		.caps = VDESTACK_CAPS_NETWORK | (geteuid() == 0 ? VDESTACK_CAP(CAP_SYS_ADMIN) : 0),
	};
	char self[512];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char directory[] = "/tmp/resolver-XXXXXX";

	if (length < 0 || mkdtemp(directory) == NULL)
		die("no directory");
	self[length] = '\0';
	(void)snprintf(line, sizeof(line),
		       "cd %s && echo nameserver " SERVER " >resolv && echo hosts: dns >nsswitch &&"
		       " mount --bind resolv /etc/resolv.conf && mount --bind nsswitch /etc/nsswitch.conf &&"
		       " exec %s inside-%s %s", directory, self, side, n);
	int status = vdestack_run(stack, argv, &opts);
	(void)snprintf(line, sizeof(line), "rm -rf %s", directory);
	return system(line) != 0 || status != 0;
}

static void measure_ours(struct vdestack *stack)
{
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .flags = VDESTACK_DNS_NO_CACHE,
					  .servers = SERVER, .search = "" };

	resolver = vdestack_dns_new(stack, &opts);
	if (resolver == NULL)
		die(vdestack_dns_last_error());
	one_by_one();
	in_a_group();
	in_flight();
	by_threads();
	vdestack_dns_delete(resolver);
}

int main(int argc, char **argv)
{
	if (argc != 3 || (n_lookups = atoi(argv[2])) < FLIGHT)
		die("usage: resolver ours|cares|glibc N");
	if (strcmp(argv[1], "inside-cares") == 0) {
		measure_cares();
		return 0;
	}
	if (strcmp(argv[1], "inside-glibc") == 0) {
		one_by_one();
		by_threads();
		return 0;
	}
	struct vdestack *there = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	struct vdestack *here = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	if (there == NULL || here == NULL)
		die(vdestack_last_error());
	start_server(there);
	if (strcmp(argv[1], "ours") != 0)
		return run_inside(here, argv[1], argv[2]);
	measure_ours(here);
	/* Each lookup has been a question, or the figures are those of a cache. */
	if (n_questions < 4 * n_lookups)
		die("the server has been asked less often than names were looked up");
	return 0;
}
