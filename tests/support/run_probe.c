/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 *     run_probe CASE [ARGUMENT...]
 *
 * A program that knows nothing of stacks, to be started by `vdestack run`. It is built dynamic and static. It
 * exits with 0 if all is as CASE says, with 1 and a message if not.
 *
 * Whether a socket is in a stack: the cookie of its network namespace is not that of a unix socket, which
 * stays in the host's network.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

#define ASK_FAMILY 0x7644

#define CHECK(cond)                                                                                          \
	do {                                                                                                 \
		if (!(cond)) {                                                                               \
			int saved_ = errno;                                                                  \
			(void)dprintf(2, "run_probe:%d: not true: %s (%s)\n", __LINE__, #cond,               \
				      strerror(saved_));                                                     \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

static char **words; /* behind the case */

static uint64_t cookie(int fd)
{
	uint64_t value = 0;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &value, &len) == 0);
	return value;
}

static bool in_stack(int fd)
{
	int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(host >= 0);
	bool differs = cookie(fd) != cookie(host);
	close(host);
	return differs;
}

static int make(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	CHECK(fd >= 0);
	CHECK(in_stack(fd));
	return fd;
}

static void one_socket(void)
{
	close(make(AF_INET, SOCK_STREAM, 0));
}

static void end_child(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

/* A connection to the listener, words in both directions. */
static void talk(int listener)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char c = 0;

	CHECK(getsockname(listener, (struct sockaddr *)&sin, &len) == 0);
	int client = make(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&sin, len) == 0);
	int server = accept(listener, NULL, NULL);
	CHECK(server >= 0);
	CHECK(write(client, "a", 1) == 1 && read(server, &c, 1) == 1 && c == 'a');
	CHECK(write(server, "b", 1) == 1 && read(client, &c, 1) == 1 && c == 'b');
	close(client);
	close(server);
}

static int listen_on(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = make(AF_INET, SOCK_STREAM, 0);

	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && listen(fd, 10) == 0);
	return fd;
}

/* ------------------------------------------------------------------ sockets */

static void families(void)
{
	int pair[2];

	close(make(AF_INET, SOCK_STREAM, 0));
	close(make(AF_INET6, SOCK_DGRAM, 0));
	close(make(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	int fd = socket(AF_PACKET, SOCK_RAW, 0); /* the stack's owner has the rights there */
	CHECK(fd >= 0 && in_stack(fd));
	close(fd);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
	CHECK(fd >= 0 && !in_stack(fd));
	close(fd);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && !in_stack(pair[0]));
	close(pair[0]);
	close(pair[1]);
	CHECK(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) < 0 && errno == EPROTONOSUPPORT);
	CHECK(socket(AF_INET, 77, 0) < 0 && errno == EINVAL);
}

static void flags(void)
{
	int lowest = dup(0);

	close(lowest);
	int fd = make(AF_INET, SOCK_STREAM, 0);
	CHECK(fd == lowest);
	CHECK(fcntl(fd, F_GETFD) == 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	int other = make(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(other == lowest + 1);
	CHECK(fcntl(other, F_GETFD) == FD_CLOEXEC && (fcntl(other, F_GETFL) & O_NONBLOCK) != 0);
}

/* With a port that only the owner of the network may bind. */
static void connections(void)
{
	talk(listen_on(80));
}

static void few_descriptors(void)
{
	struct rlimit few = { 20, 20 };
	int n = 0;

	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	while (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		n++;
	CHECK(errno == EMFILE);
	CHECK(n > 10 && n < 20);
	close(19);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) == 19);
}

static void *hundred_sockets(void *arg)
{
	(void)arg;
	for (int i = 0; i < 125; i++)
		close(make(i % 2 == 0 ? AF_INET : AF_INET6, SOCK_DGRAM, 0));
	return NULL;
}

static void threads(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, hundred_sockets, NULL) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static pthread_barrier_t together;

static void *one_at_once(void *arg)
{
	(void)pthread_barrier_wait(&together);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0 && in_stack(fd));
	close(fd);
	return arg;
}

/* Many requests wait at the same time. */
static void flood(void)
{
	enum { N = 400, PROCESSES = 5 };
	pthread_attr_t small;

	for (int p = 0; p < PROCESSES; p++) {
		if (fork() != 0)
			continue;
		static pthread_t t[N];
		CHECK(pthread_barrier_init(&together, NULL, N) == 0);
		CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 65536) == 0);
		for (int i = 0; i < N; i++)
			CHECK(pthread_create(&t[i], &small, one_at_once, NULL) == 0);
		for (int i = 0; i < N; i++)
			CHECK(pthread_join(t[i], NULL) == 0);
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		int status = -1;
		CHECK(wait(&status) > 0 && status == 0);
	}
	one_socket();
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static int count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	CHECK(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* A timer of 1 ms. Without SA_RESTART the call may fail with EINTR, but never leaves a descriptor. */
static void interrupted(int sa_flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = sa_flags };
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };

	for (int i = 0; i < 4; i++)
		one_socket(); /* what an engine opens for the first sockets stays open */
	int before = count_descriptors();
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0 && setitimer(ITIMER_REAL, &every, NULL) == 0);
	for (int i = 0; i < 1000 || alarms < 50; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		CHECK(fd >= 0 || (errno == EINTR && (sa_flags & SA_RESTART) == 0));
		if (fd >= 0)
			close(fd);
	}
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	CHECK(count_descriptors() == before);
	one_socket();
}

static void signals(void)
{
	interrupted(SA_RESTART);
	interrupted(0);
}

/* Processes that are killed while they wait for an answer. */
static void killed_callers(void)
{
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		while (pid == 0)
			close(socket(AF_INET, SOCK_STREAM, 0));
		usleep((unsigned)(i * 7 % 1000));
		CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	}
	one_socket();
}

/* ------------------------------------------------------------------ rules */

static struct sockaddr_in address(const char *ip, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	CHECK(inet_pton(AF_INET, ip, &sin.sin_addr) == 1);
	return sin;
}

/* 10.1.0.1 is in stack a, 10.2.0.1 in stack b; a socket is in the stack `main` at first. */
static int bound(const char *ip, int port, int type)
{
	struct sockaddr_in sin = address(ip, port);
	int fd = make(AF_INET, type, 0);

	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	CHECK(in_stack(fd));
	return fd;
}

static void rules_for_bind(void)
{
	int plain = make(AF_INET, SOCK_STREAM, 0), a = bound("10.1.0.1", 80, SOCK_STREAM),
	    b = bound("10.2.0.1", 80, SOCK_STREAM), other = bound("127.0.0.1", 80, SOCK_STREAM);

	CHECK(cookie(a) != cookie(b) && cookie(a) != cookie(plain) && cookie(b) != cookie(plain));
	CHECK(cookie(other) == cookie(plain));
	struct sockaddr_in denied = address("127.0.0.9", 0);
	CHECK(bind(plain, (struct sockaddr *)&denied, sizeof(denied)) < 0 && errno == EACCES);
	struct sockaddr_in host = address("127.0.0.8", 0);
	CHECK(bind(plain, (struct sockaddr *)&host, sizeof(host)) == 0 && !in_stack(plain));
}

static void rules_for_connect(void)
{
	struct sockaddr_in to_a = address("10.1.0.1", 80), to_b = address("10.2.0.1", 53);
	int listener = bound("10.1.0.1", 80, SOCK_STREAM), client = make(AF_INET, SOCK_STREAM, 0);
	char text[3] = "";

	CHECK(listen(listener, 5) == 0);
	CHECK(connect(client, (struct sockaddr *)&to_a, sizeof(to_a)) == 0);
	CHECK(cookie(client) == cookie(listener));
	int receiver = bound("10.2.0.1", 53, SOCK_DGRAM), sender = make(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendto(sender, "ab", 2, 0, (struct sockaddr *)&to_b, sizeof(to_b)) == 2);
	CHECK(cookie(sender) == cookie(receiver));
	CHECK(recv(receiver, text, sizeof(text), 0) == 2);
	struct iovec iov = { (char *)"cd", 2 };
	struct msghdr h = {
		.msg_name = &to_b, .msg_namelen = sizeof(to_b), .msg_iov = &iov, .msg_iovlen = 1
	};
	sender = make(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendmsg(sender, &h, 0) == 2 && cookie(sender) == cookie(receiver));
	CHECK(recv(receiver, text, sizeof(text), 0) == 2 && text[0] == 'c');
	struct mmsghdr many = { .msg_hdr = h };
	sender = make(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendmmsg(sender, &many, 1, 0) == 1 && cookie(sender) == cookie(receiver));
	/* What is no address of the internet, or no address at all, is the kernel's. */
	CHECK(connect(sender, NULL, 16) < 0 && errno == EFAULT);
	CHECK(connect(sender, (struct sockaddr *)1, 16) < 0 && errno == EFAULT);
	CHECK(connect(1000, (struct sockaddr *)&to_a, sizeof(to_a)) < 0 && errno == EBADF);
	CHECK(connect(0, (struct sockaddr *)&to_a, sizeof(to_a)) < 0 && errno == ENOTSOCK);
}

static void a_moved_socket_keeps_its_settings(void)
{
	struct sockaddr_in sin = address("10.1.0.1", 80);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x123456789abc }, got;
	int fd = make(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), epoll = epoll_create1(0),
	    yes = 1, now = 0;
	socklen_t len = sizeof(now);
	uint64_t before = cookie(fd);

	CHECK(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)) == 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	int descriptors = count_descriptors();
	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && listen(fd, 5) == 0);
	CHECK(cookie(fd) != before && count_descriptors() == descriptors);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &now, &len) == 0 && now == 1);
	int client = make(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	CHECK(epoll_wait(epoll, &got, 1, 10000) == 1 && got.data.u64 == event.data.u64);
	close(accept(fd, NULL, NULL));
}

static void rules_for_threads(void)
{
	int main_socket = make(AF_INET, SOCK_STREAM, 0);

	CHECK(prctl(PR_SET_NAME, "worker-1") == 0);
	int b = make(AF_INET, SOCK_STREAM, 0);
	CHECK(cookie(b) != cookie(main_socket) && cookie(b) == cookie(bound("10.2.0.1", 80, SOCK_STREAM)));
	CHECK(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) < 0 && errno == EACCES);
	int host = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK(host >= 0 && !in_stack(host));
}

/* ------------------------------------------------------------------ interfaces */

/* The stack has lo, and planet0 with 10.9.0.1/24. */
static struct ifreq about(const char *name)
{
	struct ifreq ifr = { 0 };

	(void)strcpy(ifr.ifr_name, name);
	return ifr;
}

static void functions_of_interfaces(void)
{
	char name[IF_NAMESIZE];
	unsigned index = if_nametoindex("planet0");
	struct ifaddrs *list, *at;
	struct if_nameindex *names = if_nameindex();

	CHECK(index > 1 && if_indextoname(index, name) != NULL && strcmp(name, "planet0") == 0);
	CHECK(names != NULL && strcmp(names[0].if_name, "lo") == 0 &&
	      strcmp(names[1].if_name, "planet0") == 0 && names[2].if_name == NULL);
	if_freenameindex(names);
	CHECK(getifaddrs(&list) == 0);
	for (at = list; at != NULL; at = at->ifa_next)
		CHECK(strcmp(at->ifa_name, "lo") == 0 || strcmp(at->ifa_name, "planet0") == 0);
	freeifaddrs(list);
}

static void list_of_interfaces(int fd)
{
	struct ifreq all[8];
	struct ifconf c = { .ifc_len = sizeof(all), .ifc_req = all };
	int found = 0;

	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0 && c.ifc_len == 2 * sizeof(all[0]));
	for (int i = 0; i < 2; i++)
		found += strcmp(all[i].ifr_name, "planet0") == 0;
	CHECK(found == 1);
	c = (struct ifconf){ .ifc_len = 0, .ifc_req = NULL };
	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0 && c.ifc_len == 2 * sizeof(all[0]));
	c = (struct ifconf){ .ifc_len = sizeof(all), .ifc_req = (struct ifreq *)1 };
	CHECK(ioctl(fd, SIOCGIFCONF, &c) < 0 && errno == EFAULT);
	c = (struct ifconf){ .ifc_len = -1, .ifc_req = all };
	CHECK(ioctl(fd, SIOCGIFCONF, &c) < 0 || c.ifc_len == 0);
}

static void questions_about_interfaces(int fd)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = about("planet0");
	struct sockaddr_in sin;
	int waiting;

	CHECK(ioctl(fd, SIOCGIFADDR, &ifr) == 0);
	memcpy(&sin, &ifr.ifr_addr, sizeof(sin));
	CHECK(sin.sin_family == AF_INET && sin.sin_addr.s_addr == htonl(0x0a090001));
	CHECK(strcmp(ifr.ifr_name, "planet0") == 0);
	CHECK(ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) != 0);
	CHECK(ioctl(fd, SIOCGIFMTU, &ifr) == 0 && ifr.ifr_mtu >= 1500);
	ifr.ifr_data = (char *)&link;
	CHECK(ioctl(fd, SIOCETHTOOL, &ifr) == 0 && link.data <= 1);
	ifr.ifr_data = (char *)1;
	CHECK(ioctl(fd, SIOCETHTOOL, &ifr) < 0 && errno == EFAULT);
	ifr = about("nowhere0");
	CHECK(ioctl(fd, SIOCGIFINDEX, &ifr) < 0 && errno == ENODEV);
	CHECK(ioctl(fd, SIOCGIFADDR, (void *)1) < 0 && errno == EFAULT);
	CHECK(ioctl(fd, SIOCGIFADDR, (void *)-4096L) < 0 && errno == EFAULT);
	CHECK(ioctl(fd, FIONREAD, &waiting) == 0 || errno == EINVAL); /* as it was */
}

static void interfaces(void)
{
	static const int kinds[] = { AF_UNIX, AF_INET };

	functions_of_interfaces();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = socket(kinds[i], SOCK_DGRAM | SOCK_CLOEXEC, 0), descriptors = count_descriptors();
		CHECK(fd >= 0);
		list_of_interfaces(fd);
		questions_about_interfaces(fd);
		CHECK(count_descriptors() == descriptors);
		close(fd);
	}
	CHECK(ioctl(-1, SIOCGIFCONF, NULL) < 0 && errno == EBADF);
	CHECK(ioctl(0, SIOCGIFNAME, NULL) < 0 && errno != EBADF);
}

/* planet0 is in a stack that rules give no plain socket. */
static void interfaces_of_others(void)
{
	struct ifreq ifr = about("planet0");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(ioctl(fd, SIOCGIFINDEX, &ifr) < 0 && errno == ENODEV);
}

static void *change_list(void *arg)
{
	volatile struct ifconf *c = arg;

	for (;;) {
		c->ifc_len = -1;
		c->ifc_buf = (char *)1;
		c->ifc_len = 0x7fffffff;
	}
	return NULL;
}

/* Callers that are killed while they ask, and arguments that change meanwhile. */
static void attacks_by_questions(void)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
			struct ifreq all[8];
			struct ifconf c = { .ifc_len = sizeof(all), .ifc_req = all };
			pthread_t thread;
			if (i % 2 == 0)
				CHECK(pthread_create(&thread, NULL, change_list, &c) == 0);
			for (;;) {
				c.ifc_req = all;
				(void)ioctl(fd, SIOCGIFCONF, &c);
			}
		}
		usleep((unsigned)(i * 37 % 1000));
		CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	}
	interfaces();
}

/* ------------------------------------------------------------------ processes */

/* ARGUMENT: a file that becomes "ok" when the daemon has done its work. */
static void daemonizes(void)
{
	if (fork() != 0)
		_exit(0);
	CHECK(setsid() >= 0);
	if (fork() != 0)
		_exit(0);
	CHECK(chdir("/") == 0);
	CHECK(syscall(SYS_close_range, 0, ~0U, 0) == 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok = fd == 0 && in_stack(fd);
	close(fd);
	int listener = listen_on(80);
	talk(listener);
	fd = open(words[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)!write(fd, ok ? "ok" : "no", 2);
	_exit(0);
}

static void prefork(void)
{
	int listener = listen_on(80);
	pid_t pids[8];

	for (int i = 0; i < 8; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i] == 0) {
			for (int j = 0; j < 20; j++)
				one_socket();
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++)
		end_child(pids[i]);
	talk(listener);
}

static void drops_user(void)
{
	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	one_socket();
	talk(listen_on(8080));
}

/* Rules give 127.0.0.8 to the host. A socket there has the rights of this process, not of its supervisor. */
static void drops_user_and_moves(void)
{
	struct sockaddr_in low = { .sin_family = AF_INET, .sin_port = htons(81) };
	struct sockaddr_in host = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct stat st;

	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	CHECK(inet_pton(AF_INET, "127.0.0.8", &host.sin_addr) == 1);
	int fd = make(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(fd, (struct sockaddr *)&low, sizeof(low)) == 0); /* in the stack everybody may */
	CHECK(connect(fd, (struct sockaddr *)&host, sizeof(host)) < 0 && errno == EACCES);
	CHECK(in_stack(fd));
	close(fd);
	fd = make(AF_INET, SOCK_DGRAM, 0);
	CHECK(connect(fd, (struct sockaddr *)&host, sizeof(host)) == 0 && !in_stack(fd));
	CHECK(fstat(fd, &st) == 0 && st.st_uid == 65534);
	one_socket(); /* the supervisor has its own rights again */
}

/* ARGUMENT: a directory. */
static void changes_root(void)
{
	CHECK(chroot(words[0]) == 0 && chdir("/") == 0);
	one_socket();
}

/* Executes itself with an empty environment and a listener that is inherited. */
static void executes_itself(void)
{
	char number[16];
	char *const empty[] = { NULL };

	(void)snprintf(number, sizeof(number), "%d", listen_on(80));
	char *const argv[] = { (char *)"run_probe", (char *)"inherited", number, NULL };
	CHECK(execve("/proc/self/exe", argv, empty) == 0);
}

static void inherited(void)
{
	one_socket();
	talk(atoi(words[0]));
}

static void executes_with_clean_environment(void)
{
	char *const empty[] = { NULL }, *const argv[] = { (char *)"run_probe", (char *)"families", NULL };
	pid_t pid = fork();

	if (pid == 0)
		CHECK(execve("/proc/self/exe", argv, empty) == 0);
	end_child(pid);
}

/* ARGUMENT: exit status */
static void exits(void)
{
	_exit(atoi(words[0]));
}

static void kills_itself(void)
{
	(void)kill(getpid(), SIGKILL);
}

static void no_child(void)
{
	CHECK(waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD);
}

/* What a program inherits, as text. */
static void surroundings(void)
{
	static const char *const lines[] = { "SigPnd", "ShdPnd", "SigBlk", "SigIgn",  "SigCgt", "Umask",
					     "Uid",    "Gid",    "Groups", "CapInh",  "CapPrm", "CapEff",
					     "CapBnd", "CapAmb", "PPid",   "Threads", "Name" };
	extern char **environ;
	char line[256], path[64], target[512];
	FILE *out = fopen(words[0], "we"), *status = fopen("/proc/self/status", "re");

	CHECK(out != NULL && status != NULL);
	while (fgets(line, sizeof(line), status) != NULL)
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			if (strncmp(line, lines[i], strlen(lines[i])) == 0)
				(void)fputs(line, out);
	(void)fclose(status);
	for (int fd = 0; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n > 0 && fd != fileno(out))
			(void)fprintf(out, "%d %.*s %d %d\n", fd, (int)n, target, fcntl(fd, F_GETFD),
				      fcntl(fd, F_GETFL));
	}
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit r;
		CHECK(getrlimit((__rlimit_resource_t)i, &r) == 0);
		(void)fprintf(out, "limit %d %llu %llu\n", i, (unsigned long long)r.rlim_cur,
			      (unsigned long long)r.rlim_max);
	}
	for (char **e = environ; *e != NULL; e++)
		(void)fprintf(out, "%s\n", *e);
	CHECK(getcwd(target, sizeof(target)) != NULL);
	(void)fprintf(out, "%s\nsession %d group %d\n", target, (int)getsid(0), (int)getpgid(0));
	CHECK(fclose(out) == 0);
}

/* ------------------------------------------------------------------ the supervisor dies, attacks */

/* Writes a byte to descriptor 1 when it is ready; reads one from 0 when the supervisor is dead. */
static void meet_the_other_again(void)
{
	char c;

	CHECK(write(1, "x", 1) == 1);
	CHECK(read(0, &c, 1) == 1);
}

static void meet_the_other(void)
{
	one_socket();
	meet_the_other_again();
}

static void without_supervisor(void)
{
	meet_the_other();
	for (int i = 0; i < 10; i++)
		CHECK(socket(i % 2 == 0 ? AF_INET : AF_INET6, SOCK_STREAM, 0) < 0 && errno == ENOSYS);
	CHECK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0 && errno == ENOSYS);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static void still_served(void)
{
	meet_the_other();
	one_socket();
}

static void without_keeper(void)
{
	meet_the_other();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	/* A socket that the dying stack still made would be in the stack. */
	for (int i = 0; fd >= 0 && i < 1000; i++) {
		CHECK(in_stack(fd));
		close(fd);
		usleep(1000);
		fd = socket(AF_INET, SOCK_STREAM, 0);
	}
	CHECK(fd < 0 && errno == ENETDOWN);
}

static void *one_that_may_be_late(void *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0 ? in_stack(fd) : errno == ETIMEDOUT);
	return arg;
}

/* Each of them alone would wait for five seconds. */
static void with_a_stopped_keeper(void)
{
	struct timespec before, after;
	pthread_t t[8];

	meet_the_other();
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, one_that_may_be_late, NULL) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK(after.tv_sec - before.tv_sec < 20);
	meet_the_other_again(); /* it goes on */
	int fd = -1;
	for (int i = 0; fd < 0 && i < 1000; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		CHECK(fd >= 0 || errno == ETIMEDOUT);
		usleep(10000);
	}
	CHECK(fd >= 0 && in_stack(fd));
}

static long ask(long request, long a, long b, long c, long d)
{
	return syscall(SYS_socket, ASK_FAMILY, request, a, b, c, d);
}

static void refused(long request, long a, long b, long c, long d, int err)
{
	CHECK(ask(request, a, b, c, d) < 0);
	CHECK(errno == err);
}

static void forged_requests(void)
{
	static const long bad[] = { 1, 2, 100, 0xffff, 0x10000, -1, 0x7fffffffffffffff, -0x7fffffffffffffff };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refused(3, bad[i], AF_INET, SOCK_STREAM, 0, EINVAL);
		refused(2, bad[i], 0, 0, 0, EINVAL);
		refused(4 + labs(bad[i]) % 1000, 0, 0, 0, 0, EINVAL);
	}
	refused(0, 0, 0, 0, 0, EINVAL);
	refused(-1, 0, 0, 0, 0, EINVAL);
	refused(3, 0, AF_UNIX, SOCK_STREAM, 0, EINVAL); /* not from the supervisor's own network */
	refused(3, 0, ASK_FAMILY, SOCK_STREAM, 0, EINVAL);
	refused(3, 0, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, EINVAL);
	refused(3, 0, AF_INET, 99, 0, EINVAL);
	long fd = ask(3, 0, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && in_stack((int)fd) && fcntl((int)fd, F_GETFD) == FD_CLOEXEC);
	close((int)fd);
	fd = ask(2, 0, 0, 0, 0); /* a door, which all processes share */
	CHECK(fd >= 0 && fcntl((int)fd, F_GETFD) == FD_CLOEXEC);
	one_socket();
}

static void sealed_description(void)
{
	uint32_t head[8];
	int fd = (int)ask(1, 0, 0, 0, 0);

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(pread(fd, head, sizeof(head), 0) == sizeof(head) && head[0] == 1);
	char text[200] = "";
	CHECK(head[6] < sizeof(text) && pread(fd, text, sizeof(text), sizeof(head)) == (ssize_t)head[6]);
	CHECK(strncmp(text, "stack main ", 11) == 0);
	CHECK(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM);
	CHECK(ftruncate(fd, 0) < 0 && errno == EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
}

static void io_uring_is_absent(void)
{
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS);
}

static void io_uring_is_there(void)
{
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno != ENOSYS);
}

/* The 32-bit calls of the same kernel. */
static void other_architecture(void)
{
#ifdef __x86_64__
	long fd, r;

	__asm__ volatile("int $0x80"
			 : "=a"(fd)
			 : "a"(359), "b"(AF_INET), "c"(SOCK_STREAM), "d"(0)
			 : "memory");
	CHECK(fd == -ENOSYS || (fd >= 0 && in_stack((int)fd)));
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(102), "b"(1), "c"(0), "d"(0) : "memory");
	CHECK(r == -ENOSYS);
	r = syscall(0x40000000 + SYS_socket, AF_INET, SOCK_STREAM, 0); /* x32 */
	CHECK(r < 0 ? errno == ENOSYS : in_stack((int)r));
#endif
}

/* How long socket(2) and close(2) take. */
static void speed(void)
{
	enum { N = 20000 };
	struct timespec a, b;

	one_socket();
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < N; i++)
		close(socket(AF_INET, SOCK_STREAM, 0));
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.2f us\n",
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / N / 1000);
}

#define CASE(name)                                                                                           \
	{                                                                                                    \
#name, name                                                                                  \
	}
static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	CASE(families),
	CASE(flags),
	CASE(connections),
	CASE(few_descriptors),
	CASE(threads),
	CASE(flood),
	CASE(signals),
	CASE(killed_callers),
	CASE(daemonizes),
	CASE(prefork),
	CASE(drops_user),
	CASE(drops_user_and_moves),
	CASE(changes_root),
	CASE(executes_itself),
	CASE(inherited),
	CASE(executes_with_clean_environment),
	CASE(exits),
	CASE(kills_itself),
	CASE(no_child),
	CASE(surroundings),
	CASE(without_supervisor),
	CASE(without_keeper),
	CASE(still_served),
	CASE(with_a_stopped_keeper),
	CASE(forged_requests),
	CASE(sealed_description),
	CASE(io_uring_is_absent),
	CASE(io_uring_is_there),
	CASE(other_architecture),
	CASE(speed),
	CASE(rules_for_bind),
	CASE(rules_for_connect),
	CASE(a_moved_socket_keeps_its_settings),
	CASE(rules_for_threads),
	CASE(interfaces),
	CASE(interfaces_of_others),
	CASE(attacks_by_questions),
};

int main(int argc, char *argv[])
{
	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, argv[1]) == 0) {
			words = argv + 2;
			cases[i].run();
			return 0;
		}
	}
	(void)fprintf(stderr, "run_probe: no such case\n");
	return 2;
}
