/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How long a DHCPv4 client takes to a usable address, and what many leases cost.
 *
 *     leases time CLIENT   ours, ours-nodad, udhcpc, udhcpc-arp, dhclient, dhcpcd, dhcpcd-noarp
 *     leases many N WORDS  N stacks of one program with these words: "dhcp nodad", or "ip=": no leases
 *
 * dnsmasq is the server, in a stack on the same segment. The time of a client begins when its process, or the
 * call that starts our source, is about to be started. It ends when the kernel tells, by a netlink socket of
 * the stack, that the address has been set; an address that is tentative does not count. Other clients are
 * started by fork, setns and execve, without this library's runner.
 *
 * Prints "name value unit" lines. As root. BENCH_DIR in the environment is a directory for files.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/conf.h>
#include <vdestack/sources.h>

#define ADDRESS_MS 60000
#define IDLE_S 10

static const char *dir;

static double now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

__attribute__((noreturn)) static void die(const char *what)
{
	(void)fprintf(stderr, "leases: %s: %s; %s\n", what, strerror(errno), vdestack_last_error());
	exit(1);
}

static struct vdestack *stack(const char *config)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .timeout_ms = ADDRESS_MS };
	struct vdestack *s = vdestack_new(config, &opts);

	if (s == NULL)
		die(config);
	return s;
}

/* ------------------------------------------------------------------ the server */

static int server_fd, server_status;

static void start_server(void)
{
	char conf[256], text[4096] = "";
	struct vdestack *s = stack("vnl=inproc://lan ip=10.7.0.1/16 nodad");
	char log_name[256];

	(void)snprintf(conf, sizeof(conf), "%s/dnsmasq.conf", dir);
	(void)snprintf(log_name, sizeof(log_name), "%s/dnsmasq.log", dir);
	FILE *f = fopen(conf, "we");
	if (f == NULL)
		die(conf);
	(void)fprintf(
		f,
		"port=0\ninterface=vde0\nbind-interfaces\nno-ping\nno-resolv\nno-hosts\nuser=\ngroup=\n"
		"dhcp-authoritative\ndhcp-lease-max=4000\ndhcp-range=10.7.1.0,10.7.20.0,255.255.0.0,1h\n"
		"dhcp-option=option:router,10.7.0.1\ndhcp-option=option:dns-server,10.7.0.1\n"
		"dhcp-leasefile=%s/leases\npid-file=%s/pid\n",
		dir, dir);
	(void)fclose(f);
	int log = open(log_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *argv[] = { "/usr/sbin/dnsmasq", "--keep-in-foreground", "--log-facility=-", "-C", conf, NULL };
	struct vdestack_cmd_opts opts = {
		.size = sizeof(opts),
		.caps = VDESTACK_CAPS_ALL,
		.in = VDESTACK_NULL,
		.out = log,
		.err = VDESTACK_AS_OUT,
	};
	server_fd = vdestack_spawn(s, argv, &opts, &server_status);
	if (server_fd < 0)
		die("dnsmasq");
	for (int i = 0; i < 500 && strstr(text, "sockets bound") == NULL; i++) {
		sleep_ms(10);
		if (pread(log, text, sizeof(text) - 1, 0) < 0)
			die("the log of dnsmasq");
	}
	if (strstr(text, "sockets bound") == NULL)
		die("dnsmasq does not start");
	close(log);
}

/* ------------------------------------------------------------------ clients */

static const char *script(void)
{
	static char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/script", dir);
	f = fopen(path, "we");
	if (f == NULL)
		die(path);
	/* udhcpc gives its event as $1 and the address as $ip; dhclient as $reason and $new_ip_address. */
	(void)fputs("#!/bin/sh\n"
		    "case $1$reason in\n"
		    "bound) exec ip addr add $ip/16 dev vde0 ;;\n"
		    "BOUND) exec ip addr add $new_ip_address/16 dev vde0 ;;\n"
		    "esac\n",
		    f);
	(void)fchmod(fileno(f), 0700);
	(void)fclose(f);
	return path;
}

static const struct client {
	const char *name;
	const char *argv[20]; /* $S: the script; $L: a file for leases; $P: one for the process id */
} clients[] = {
	{ "udhcpc", { "udhcpc", "-f", "-n", "-q", "-i", "vde0", "-s", "$S" } },
	{ "udhcpc-arp", { "udhcpc", "-f", "-n", "-q", "-a", "-i", "vde0", "-s", "$S" } },
	{ "dhclient",
	  { "dhclient", "-4", "-d", "-1", "-cf", "/dev/null", "-sf", "$S", "-lf", "$L", "-pf", "$P",
	    "vde0" } },
	{ "dhcpcd", { "dhcpcd", "-4", "-B", "-f", "/dev/null", "-c", "/bin/true", "vde0" } },
	{ "dhcpcd-noarp", { "dhcpcd", "-4", "-B", "-A", "-f", "/dev/null", "-c", "/bin/true", "vde0" } },
};

static const char *replaced(const char *word)
{
	static char ring[4][256];
	static unsigned next;

	if (word == NULL || word[0] != '$')
		return word;
	if (word[1] == 'S')
		return script();
	(void)snprintf(ring[next % 4], sizeof(ring[0]), "%s/client-%c", dir, word[1]);
	(void)close(open(ring[next % 4], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	return ring[next++ % 4];
}

static pid_t start_client(const struct client *c, int netns)
{
	const char *argv[20] = { 0 };
	char log[256];

	for (int i = 0; c->argv[i] != NULL; i++)
		argv[i] = replaced(c->argv[i]);
	(void)snprintf(log, sizeof(log), "%s/client.log", dir);
	int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	pid_t pid = fork();
	if (pid == 0) {
		(void)setpgid(0, 0);
		(void)dup2(out, 1);
		(void)dup2(out, 2);
		if (setns(netns, CLONE_NEWNET) != 0)
			_exit(126);
		(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(out);
	return pid;
}

/* ------------------------------------------------------------------ the time */

/* A socket that tells new addresses of the stack. */
static int watch(struct vdestack *s)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR };
	int fd = vdestack_msocket(s, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die("a netlink socket");
	return fd;
}

static bool is_new_address(int fd)
{
	union {
		struct nlmsghdr head;
		char bytes[8192];
	} m;
	ssize_t n = recv(fd, &m, sizeof(m), 0);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct ifaddrmsg)) || m.head.nlmsg_type != RTM_NEWADDR)
		return false;
	const struct ifaddrmsg *a = NLMSG_DATA(&m.head);
	return a->ifa_family == AF_INET && (a->ifa_flags & IFA_F_TENTATIVE) == 0;
}

static void wait_address(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	do
		if (poll(&p, 1, ADDRESS_MS) != 1)
			die("no address in time");
	while (!is_new_address(fd));
}

static void time_of(const char *name)
{
	start_server();
	struct vdestack *s = stack("vnl=inproc://lan");
	int fd = watch(s), netns = vdestack_netns(s);
	pid_t pid = 0;
	double began = 0, ended;

	if (strncmp(name, "ours", 4) == 0) {
		bool nodad = strcmp(name, "ours-nodad") == 0;
		struct vdestack_opts opts = { .size = sizeof(opts), .flags = VDESTACK_NO_WAIT };
		began = now_us();
		if (vdestack_configure(s, nodad ? "dhcp nodad" : "dhcp", &opts) != 0)
			die("vdestack_configure");
	}
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (strcmp(name, clients[i].name) == 0) {
			(void)script();
			began = now_us();
			pid = start_client(&clients[i], netns);
		}
	if (began == 0) {
		(void)fprintf(stderr, "leases: no client %s\n", name);
		exit(2);
	}
	wait_address(fd);
	ended = now_us();
	printf("address.time %.3f ms\n", (ended - began) / 1e3);
	if (pid > 0) {
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
}

/* ------------------------------------------------------------------ many */

/* A process of our mount namespace: tests/bench/run makes one for us. */
static bool is_ours(pid_t pid)
{
	char path[64];
	struct stat own, its;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return stat(path, &its) == 0 && stat("/proc/self/ns/mnt", &own) == 0 && its.st_ino == own.st_ino;
}

static pid_t find_keeper(void)
{
	DIR *proc = opendir("/proc");
	pid_t found = 0;
	char path[64], name[32];

	for (struct dirent *e; proc != NULL && (e = readdir(proc)) != NULL;) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		FILE *f = pid > 0 && is_ours(pid) ? fopen(path, "re") : NULL;
		if (f == NULL)
			continue;
		if (fgets(name, sizeof(name), f) != NULL && strcmp(name, "vdestack-keeper\n") == 0)
			found = pid;
		(void)fclose(f);
	}
	if (proc != NULL)
		closedir(proc);
	if (found == 0) {
		(void)fprintf(stderr, "leases: no keeper\n");
		exit(1);
	}
	return found;
}

/* The sum of the numbers behind `key` in a file of /proc. */
static double number_in(const char *path, const char *key)
{
	char line[256];
	double sum = 0;
	FILE *f = fopen(path, "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			sum += strtod(line + strlen(key), NULL);
	if (f != NULL)
		(void)fclose(f);
	return sum;
}

/* Wake-ups so far of all threads of a process. */
static double wakeups(pid_t pid)
{
	char path[64], status[400];
	double sum = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	for (struct dirent *e; tasks != NULL && (e = readdir(tasks)) != NULL;) {
		(void)snprintf(status, sizeof(status), "%s/%s/status", path, e->d_name);
		sum += number_in(status, "voluntary_ctxt_switches:");
	}
	if (tasks != NULL)
		closedir(tasks);
	return sum;
}

static void many(int n, const char *words)
{
	char config[256], path[64];
	bool plain = strncmp(words, "ip=", 3) == 0;

	start_server();
	double began = now_us();
	for (int i = 0; i < n; i++) {
		(void)snprintf(config, sizeof(config), "vnl=inproc://lan %s", words);
		if (plain)
			(void)snprintf(config, sizeof(config), "vnl=inproc://lan nodad ip=10.7.%d.%d/16",
				       100 + i / 250, 1 + i % 250);
		(void)stack(config);
	}
	double made = now_us();
	sleep_ms(3000); /* what the creation has begun comes to rest: IPv6 addresses, threads in reserve */
	pid_t keeper = find_keeper();
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)keeper);
	printf("leases.memory %.0f KiB\n", number_in(path, "Private_Dirty:"));
	double before = wakeups(keeper), ticks = now_us();
	sleep_ms(IDLE_S * 1000L);
	printf("leases.wakeups %.2f 1/s\n", (wakeups(keeper) - before) / ((now_us() - ticks) / 1e6));
	printf("leases.create_each %.0f us\n", (made - began) / n);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)keeper);
	int fds = 0;
	DIR *d = opendir(path);
	while (d != NULL && readdir(d) != NULL)
		fds++;
	if (d != NULL)
		closedir(d);
	printf("leases.descriptors %d 1\n", fds - 2);
}

int main(int argc, char **argv)
{
	dir = getenv("BENCH_DIR");
	if (dir == NULL || argc < 3) {
		(void)fprintf(stderr, "usage: BENCH_DIR=DIR leases time CLIENT | many N WORDS\n");
		return 2;
	}
	if (strcmp(argv[1], "time") == 0)
		time_of(argv[2]);
	else
		many((int)strtol(argv[2], NULL, 10), argc > 3 ? argv[3] : "dhcp nodad");
	return 0;
}
