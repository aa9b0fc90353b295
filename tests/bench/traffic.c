/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What passes between two network stacks, by the five calls of libvdestack 0.1, so that the
 * same program measures whichever libvdestack.so.0 it is run with, and the kernel alone.
 *
 *     traffic [-1] [-i] [-n STACKS] [-m MTU] [-t SECONDS] [-P FLOWS] [-s BYTES] [-b BURST]
 *             [-c ADDRESS] [-C CONTROL] [-w FILE | -x FILE] [-S BYTES] TEST A B
 *
 * TEST: tcp (throughput), rr (round trip), udp (frames per second of -s bytes), burst (loss of
 * bursts of -b datagrams of 1000 bytes every 10 ms). A sends, B receives. Each of them is a VNL,
 * or ns:PATH, a network namespace that is there, addresses 10.0.0.1 and 10.0.0.2 included, or
 * host, the network this program is in (then -c ADDRESS is where A finds B). Both ends are
 * processes of their own, with -1 threads of one. -n: A has that many further stacks, idle. -C: the
 * congestion control of A's TCP sockets. With newer libraries only: -i: both interfaces have been impaired,
 * and are no more; -w: A's interface is captured to that file, -S: so many bytes of each frame; -x: by a
 * tcpdump that runs in A's stack.
 *
 * Prints "name value unit" lines, and before them "proof" lines: the library file, and for
 * each end's device its kind, its MTU and the offloads in force, as the kernel reports them.
 * CPU time is that of the whole machine: kernel threads,
 * switches, keepers, and all other processes.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "beside.h"

#define PORT 5001
#define FLOWS_MAX 64

static const char *test, *peer = "10.0.0.2", *control;
static int mtu = 1500, flows = 1, burst = 32, idle_stacks;
static double seconds = 3;
static size_t size = 64;
static bool one_process, was_impaired;
static struct watcher watcher;

/* Between the two ends, in whichever processes they are. */
static struct shared {
	atomic_int ready, done;
	atomic_ullong bytes, datagrams;
} *shared;

struct end {
	const char *where;
	const char *address;
	struct vdestack *stack;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* Seconds of CPU that the machine has spent on anything but idling. */
static double cpu_seconds(void)
{
	unsigned long long user, nice, sys, idle, wait, irq, softirq;
	FILE *f = fopen("/proc/stat", "r");

	if (f == NULL || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &sys, &idle, &wait,
				&irq, &softirq) != 7)
		die("/proc/stat");
	fclose(f);
	return (double)(user + nice + sys + irq + softirq) / (double)sysconf(_SC_CLK_TCK);
}

/* ------------------------------------------------------------------ ends */

static void join(struct end *e)
{
	char cmd[512];

	if (strcmp(e->where, "host") == 0)
		return;
	if (strncmp(e->where, "ns:", 3) == 0) {
		int fd = open(e->where + 3, O_RDONLY);
		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
			die(e->where);
		close(fd);
		return;
	}
	e->stack = vde_addstack((char *)e->where, NULL);
	if (e->stack == NULL)
		die("vde_addstack");
	bool slirp = strncmp(e->where, "slirp:", 6) == 0;
	snprintf(cmd, sizeof(cmd),
		 "/sbin/ip link set vde0 mtu %d;/sbin/ip addr add %s/24 dev vde0;/sbin/ip link set vde0 up%s",
		 mtu, slirp ? "10.0.2.15" : e->address,
		 slirp ? ";/sbin/ip route add default via 10.0.2.2" : "");
	if (vde_stackcmd(e->stack, cmd) != 0)
		die(cmd);
	if (was_impaired)
		impair_and_end(e->stack);
}

static int open_socket(const struct end *e, int type)
{
	int fd = e->stack != NULL ? vde_msocket(e->stack, AF_INET, type, 0) : socket(AF_INET, type, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static unsigned ethtool_value(int fd, struct ifreq *ifr, unsigned command)
{
	struct ethtool_value value = { .cmd = command };

	ifr->ifr_data = (void *)&value;
	return ioctl(fd, SIOCETHTOOL, ifr) == 0 ? value.data : 0;
}

/* What is being measured, as the kernel reports it. */
static void prove(const struct end *e)
{
	static const char *const names[] = { "vde0", "tap0", "lo" };
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { 0 };
	Dl_info library;
	int fd = open_socket(e, SOCK_DGRAM);

	for (int i = 0; i < 3; i++) {
		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", names[i]);
		if (ioctl(fd, SIOCGIFMTU, &ifr) == 0)
			break;
	}
	int device_mtu = ifr.ifr_mtu;
	ifr.ifr_data = (void *)&driver;
	(void)ioctl(fd, SIOCETHTOOL, &ifr);
	printf("proof %s: %s %s mtu %d", e->where, driver.driver, ifr.ifr_name, device_mtu);
	printf(" csum %u tso %u", ethtool_value(fd, &ifr, ETHTOOL_GTXCSUM),
	       ethtool_value(fd, &ifr, ETHTOOL_GTSO));
	printf(" library %s\n",
	       e->stack != NULL && dladdr((void *)vde_msocket, &library) != 0 ? library.dli_fname : "none");
	fflush(stdout);
	close(fd);
}

static struct sockaddr_in address(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, text, &a.sin_addr);
	return a;
}

static int connect_to_peer(const struct end *e, int type)
{
	struct sockaddr_in to = address(peer);

	for (int attempt = 0; attempt < 100; attempt++) {
		int on = 1, fd = open_socket(e, type);
		if (control != NULL &&
		    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, strlen(control)) < 0)
			die(control);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			return fd;
		}
		close(fd);
		usleep(50000);
	}
	die("connect");
	return -1;
}

/* ------------------------------------------------------------------ receiving */

static void *drain(void *arg)
{
	char *buf = malloc(1 << 18);
	int fd = (int)(long)arg;
	ssize_t n;

	while ((n = read(fd, buf, 1 << 18)) > 0)
		shared->bytes += (unsigned long long)n;
	free(buf);
	return NULL;
}

static void receive_tcp(int l)
{
	pthread_t t[FLOWS_MAX];

	for (int i = 0; i < flows; i++)
		pthread_create(&t[i], NULL, drain, (void *)(long)accept(l, NULL, NULL));
	for (int i = 0; i < flows; i++)
		pthread_join(t[i], NULL);
}

static void echo(int l)
{
	int on = 1, fd = accept(l, NULL, NULL);
	char c;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
		;
}

static void receive_udp(int fd)
{
	static char buf[64][2048];
	struct mmsghdr m[64];
	struct iovec iov[64];

	for (int i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while (!shared->done) {
		int n = recvmmsg(fd, m, 64, MSG_WAITFORONE, NULL);
		if (n > 0)
			shared->datagrams += (unsigned)n;
	}
}

static void *receiver(void *arg)
{
	struct end *e = arg;
	struct timeval tick = { .tv_usec = 100000 };
	int room = 4 << 20, on = 1;

	join(e);
	prove(e);
	bool tcp = strcmp(test, "tcp") == 0 || strcmp(test, "rr") == 0;
	int l = open_socket(e, tcp ? SOCK_STREAM : SOCK_DGRAM);
	struct sockaddr_in at = address("0.0.0.0");
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!tcp) {
		setsockopt(l, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	}
	if (bind(l, (struct sockaddr *)&at, sizeof(at)) < 0 || (tcp && listen(l, FLOWS_MAX) < 0))
		die("bind");
	shared->ready = 1;
	if (strcmp(test, "tcp") == 0)
		receive_tcp(l);
	else if (strcmp(test, "rr") == 0)
		echo(l);
	else
		receive_udp(l);
	return NULL;
}

/* ------------------------------------------------------------------ sending */

struct flow {
	pthread_t thread;
	int fd;
	double until;
};

static void *pour(void *arg)
{
	static char buf[1 << 17];
	struct flow *f = arg;

	while (now() < f->until && send(f->fd, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void send_tcp(const struct end *e)
{
	struct flow f[FLOWS_MAX];

	for (int i = 0; i < flows; i++)
		f[i].fd = connect_to_peer(e, SOCK_STREAM);
	double start = now();
	for (int i = 0; i < flows; i++) {
		f[i].until = start + seconds + 0.5;
		pthread_create(&f[i].thread, NULL, pour, &f[i]);
	}
	usleep(500000); /* the windows open */
	unsigned long long before = shared->bytes;
	double cpu = cpu_seconds();
	start = now();
	usleep((useconds_t)(seconds * 1e6) - 100000);
	double took = now() - start, gb = (double)(shared->bytes - before) / 1e9;
	cpu = cpu_seconds() - cpu;
	for (int i = 0; i < flows; i++) {
		pthread_join(f[i].thread, NULL);
		close(f[i].fd);
	}
	printf("tcp.throughput %.3f Gbit/s\ntcp.cpu_per_gb %.3f s/GB\n", gb * 8 / took, cpu / gb);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void send_rr(const struct end *e)
{
	size_t n = (size_t)(seconds * 4000);
	double *t = calloc(n, sizeof(*t));
	int fd = connect_to_peer(e, SOCK_STREAM);
	char c = 'x';

	for (size_t i = 0; i < n; i++) {
		double start = now();
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			die("round trip");
		t[i] = (now() - start) * 1e6;
	}
	close(fd);
	qsort(t, n, sizeof(*t), by_value);
	printf("rr.median %.1f us\nrr.p99 %.1f us\n", t[n / 2], t[n * 99 / 100]);
}

static void send_udp(const struct end *e)
{
	static char buf[2048];
	size_t payload = size > 42 ? size - 42 : 1; /* of a frame of `size` bytes, without its checksum */
	struct mmsghdr m[32];
	struct iovec iov = { buf, payload };
	int fd = connect_to_peer(e, SOCK_DGRAM);
	unsigned long long sent = 0;

	for (int i = 0; i < 32; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	double start = now(), cpu = cpu_seconds();
	while (now() - start < seconds) {
		int n = sendmmsg(fd, m, 32, 0);
		sent += n > 0 ? (unsigned)n : 0;
	}
	double took = now() - start;
	unsigned long long got = shared->datagrams;
	cpu = cpu_seconds() - cpu;
	printf("udp.received %.0f 1/s\nudp.sent %.0f 1/s\nudp.cpu_per_million %.3f s\n", (double)got / took,
	       (double)sent / took, cpu / ((double)got / 1e6));
}

static void send_burst(const struct end *e)
{
	static char buf[1000];
	int fd = connect_to_peer(e, SOCK_DGRAM), rounds = (int)(seconds * 100);
	unsigned long long sent = 0;

	for (int i = 0; i < 3; i++) { /* neighbour discovery is finished before the measurement */
		(void)!send(fd, buf, sizeof(buf), 0);
		usleep(100000);
	}
	usleep(200000);
	unsigned long long before = shared->datagrams;
	for (int i = 0; i < rounds; i++) {
		for (int j = 0; j < burst; j++)
			sent += send(fd, buf, sizeof(buf), 0) == (ssize_t)sizeof(buf);
		usleep(10000);
	}
	usleep(500000);
	unsigned long long got = shared->datagrams - before;
	printf("burst%d.loss %.3f %%\n", burst, 100.0 * (double)(sent - got) / (double)sent);
}

static void *sender(void *arg)
{
	struct end *e = arg;

	for (int i = 0; i < idle_stacks; i++)
		if (vde_addstack("null://", NULL) == NULL)
			die("an idle stack");
	join(e);
	prove(e);
	watcher_start(&watcher, e->stack);
	if (strcmp(test, "tcp") == 0)
		send_tcp(e);
	else if (strcmp(test, "rr") == 0)
		send_rr(e);
	else if (strcmp(test, "udp") == 0)
		send_udp(e);
	else
		send_burst(e);
	watcher_end(&watcher);
	fflush(stdout);
	shared->done = 1;
	return NULL;
}

/* ------------------------------------------------------------------ main */

static void run_as_threads(struct end *a, struct end *b)
{
	pthread_t t[2];

	pthread_create(&t[1], NULL, receiver, b);
	while (!shared->ready)
		usleep(1000);
	pthread_create(&t[0], NULL, sender, a);
	pthread_join(t[0], NULL);
}

static void run_as_processes(struct end *a, struct end *b)
{
	pid_t pid = fork();

	if (pid == 0) {
		receiver(b);
		while (!shared->done)
			usleep(10000);
		_exit(0);
	}
	while (!shared->ready && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(1000);
	if (shared->ready)
		sender(a);
	shared->done = 1;
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	struct end ends[2] = { { .address = "10.0.0.1" }, { .address = "10.0.0.2" } };
	int c;

	while ((c = getopt(argc, argv, "1in:m:t:P:s:b:c:C:w:x:S:")) != -1) {
		switch (c) {
		case '1': one_process = true; break;
		case 'n': idle_stacks = atoi(optarg); break;
		case 'm': mtu = atoi(optarg); break;
		case 't': seconds = atof(optarg); break;
		case 'P': flows = atoi(optarg) < FLOWS_MAX ? atoi(optarg) : FLOWS_MAX; break;
		case 's': size = (size_t)atol(optarg); break;
		case 'b': burst = atoi(optarg); break;
		case 'c': peer = optarg; break;
		case 'C': control = optarg; break;
		case 'i': was_impaired = true; break;
		case 'x': watcher.tcpdump = true; /* fallthrough */
		case 'w': watcher.file = optarg; break;
		case 'S': watcher.snaplen = (unsigned)atoi(optarg); break;
		default: return 2;
		}
	}
	if (argc - optind != 3) {
		fprintf(stderr, "usage: traffic [-1] [-i] [-n STACKS] [-m MTU] [-t SECONDS] [-P FLOWS] "
				"[-s BYTES] [-b BURST] [-c PEER] [-C CONTROL] [-w FILE | -x FILE] "
				"[-S BYTES] tcp|rr|udp|burst A B\n");
		return 2;
	}
	test = argv[optind];
	ends[0].where = argv[optind + 1];
	ends[1].where = argv[optind + 2];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (one_process)
		run_as_threads(&ends[0], &ends[1]);
	else
		run_as_processes(&ends[0], &ends[1]);
	return 0;
}
