/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that knows nothing of the library, for the tests of the shim (system/test_shim.c). It links
 * libc alone.
 *
 *     shim_probe CASE COOKIE...      0: all was as it must be; the cookies are those of networks
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static uint64_t cookies[4]; /* of the command line */

#define REQUIRE(cond)                                                                                        \
	do {                                                                                                 \
		if (!(cond)) {                                                                               \
			(void)dprintf(2, "%s:%d: not true: %s (errno %d)\n", __FILE__, __LINE__, #cond,      \
				      errno);                                                                \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	REQUIRE(fd >= 0);
	REQUIRE(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0);
	return cookie;
}

static uint64_t place_of(int fd)
{
	uint64_t cookie = cookie_of(fd);

	(void)close(fd);
	return cookie;
}

static void require_stack(int n)
{
	for (int i = 0; i < n; i++)
		REQUIRE(place_of(socket(AF_INET, SOCK_STREAM, 0)) == cookies[0]);
}

/* ------------------------------------------------------------------ sockets */

static void case_families(void)
{
	require_stack(5);
	REQUIRE(place_of(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)) == cookies[0]);
	REQUIRE(place_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)) == cookies[0]);
	REQUIRE(place_of(socket(AF_UNIX, SOCK_STREAM, 0)) == cookies[1]);
	REQUIRE(place_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)) == cookies[1]);
}

static void case_flags(void)
{
	for (int i = 0; i < 6; i++) {
		int plain = socket(AF_INET, SOCK_STREAM, 0);
		int both = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
		REQUIRE((fcntl(plain, F_GETFD) & FD_CLOEXEC) == 0);
		REQUIRE((fcntl(plain, F_GETFL) & O_NONBLOCK) == 0);
		REQUIRE((fcntl(both, F_GETFD) & FD_CLOEXEC) != 0);
		REQUIRE((fcntl(both, F_GETFL) & O_NONBLOCK) != 0);
		REQUIRE(close(plain) == 0 && close(both) == 0);
	}
}

static void case_errno(void)
{
	for (int i = 0; i < 6; i++) {
		errno = 77;
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		REQUIRE(fd >= 0 && errno == 77);
		REQUIRE(close(fd) == 0);
		REQUIRE(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) == -1 && errno == EPROTONOSUPPORT);
		REQUIRE(socket(AF_INET, 99, 0) == -1 && errno == EINVAL);
	}
}

static void case_closes_all(void)
{
	for (int i = 0; i < 3; i++) {
		require_stack(6);
		REQUIRE(syscall(SYS_close_range, 3, ~0u, 0) == 0);
	}
	require_stack(6);
	struct ifaddrs *list;
	REQUIRE(syscall(SYS_close_range, 3, ~0u, 0) == 0);
	REQUIRE(getifaddrs(&list) == 0);
	freeifaddrs(list);
}

static void wait_for(pid_t pid)
{
	int status;

	REQUIRE(waitpid(pid, &status, 0) == pid);
	REQUIRE(status == 0);
}

static void case_forks(void)
{
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();
		REQUIRE(pid >= 0);
		if (pid == 0) {
			require_stack(6);
			_exit(0);
		}
		wait_for(pid);
		require_stack(2);
	}
}

/* Children of a process that has a handle, with two sockets each. */
static void case_short_children(void)
{
	require_stack(6);
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();
		REQUIRE(pid >= 0);
		if (pid == 0) {
			require_stack(2);
			_exit(0);
		}
		wait_for(pid);
	}
	require_stack(2);
}

/* The child of vfork(2) makes more sockets than it takes to get a handle; so does the parent afterwards. */
static void case_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		for (int i = 0; i < 6; i++) {
			int fd = socket(AF_INET, SOCK_STREAM, 0);
			if (fd < 0 || cookie_of(fd) != cookies[0])
				_exit(1);
			(void)close(fd);
		}
		_exit(0);
	}
	REQUIRE(pid > 0);
	wait_for(pid);
	require_stack(6);
}

static void case_execs(void)
{
	char text[2][32];

	(void)snprintf(text[0], sizeof(text[0]), "%llu", (unsigned long long)cookies[0]);
	(void)snprintf(text[1], sizeof(text[1]), "%llu", (unsigned long long)cookies[1]);
	require_stack(4);
	(void)execl("/proc/self/exe", "shim_probe", "families", text[0], text[1], (char *)NULL);
	REQUIRE(0);
}

/* A handler that interrupts malloc(3) again and again, and makes sockets. */
static volatile sig_atomic_t handled;

static void on_alarm(int signal)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)signal;
	if (fd < 0 || cookie_of(fd) != cookies[0])
		_exit(1);
	(void)close(fd);
	handled++;
}

static void case_signals(void)
{
	struct itimerspec often = { { 0, 200000 }, { 0, 200000 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	timer_t timer;

	REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
	REQUIRE(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
	REQUIRE(timer_settime(timer, 0, &often, NULL) == 0);
	for (unsigned i = 0; handled < 500; i++) {
		char *volatile block = malloc(i % 5000 + 1);
		free(block);
	}
	REQUIRE(timer_delete(timer) == 0);
	require_stack(6);
}

static void *make_some(void *arg)
{
	(void)arg;
	require_stack(50);
	return NULL;
}

static void case_threads(void)
{
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++)
		REQUIRE(pthread_create(&threads[i], NULL, make_some, NULL) == 0);
	for (size_t i = 0; i < 8; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
}

/* ------------------------------------------------------------------ interfaces */

static bool is_address(const struct ifaddrs *ifa, const char *text)
{
	char its[INET6_ADDRSTRLEN] = "";

	if (ifa->ifa_addr != NULL && ifa->ifa_addr->sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)ifa->ifa_addr)->sin_addr, its,
				sizeof(its));
	return strcmp(its, text) == 0;
}

static void case_interfaces(void)
{
	struct ifaddrs *list;
	struct ifconf conf = { .ifc_len = 0 };
	struct ifreq req = { .ifr_name = "planet0" };
	char name[IF_NAMESIZE];
	bool found = false;

	REQUIRE(getifaddrs(&list) == 0);
	for (const struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next)
		found = found || (strcmp(ifa->ifa_name, "planet0") == 0 && is_address(ifa, "10.9.0.1"));
	freeifaddrs(list);
	REQUIRE(found);

	unsigned index = if_nametoindex("planet0");
	REQUIRE(index > 0);
	REQUIRE(if_indextoname(index, name) == name && strcmp(name, "planet0") == 0);
	REQUIRE(if_nametoindex("nosuch") == 0 && errno == ENODEV);
	REQUIRE(if_indextoname(9999, name) == NULL && errno == ENXIO);

	struct if_nameindex *names = if_nameindex();
	REQUIRE(names != NULL);
	found = false;
	for (const struct if_nameindex *at = names; at->if_name != NULL; at++)
		found = found || (at->if_index == index && strcmp(at->if_name, "planet0") == 0);
	if_freenameindex(names);
	REQUIRE(found);

	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	REQUIRE(ioctl(fd, SIOCGIFADDR, &req) == 0);
	REQUIRE(((struct sockaddr_in *)(void *)&req.ifr_addr)->sin_addr.s_addr == inet_addr("10.9.0.1"));
	REQUIRE(ioctl(fd, SIOCGIFINDEX, &req) == 0 && (unsigned)req.ifr_ifindex == index);
	REQUIRE(ioctl(fd, SIOCGIFCONF, &conf) == 0 && conf.ifc_len > 0);
	REQUIRE(ioctl(fd, FIONREAD, &conf.ifc_len) == 0 && conf.ifc_len == 0);
	(void)close(fd);
}

/* ------------------------------------------------------------------ names */

static void print_list(const char *what, char **list, int family)
{
	char text[INET6_ADDRSTRLEN];

	for (; *list != NULL; list++)
		(void)printf(" %s=%s", what,
			     family == 0 ? *list : inet_ntop(family, *list, text, sizeof(text)));
}

static void print_host(const char *call, int r, const struct hostent *host, int code)
{
	(void)printf("%s: %d", call, r);
	if (host == NULL) {
		(void)printf(" h_errno=%d\n", code);
		return;
	}
	(void)printf(" %s length=%d", host->h_name, host->h_length);
	print_list("alias", host->h_aliases, 0);
	print_list("addr", host->h_addr_list, host->h_addrtype);
	(void)printf("\n");
}

/* Returns whether there is a result. */
static bool print_by_name(const char *name, int family, size_t size)
{
	struct hostent host, *result = &host;
	char *buf = malloc(size + 1);
	int code = -1;

	int r = gethostbyname2_r(name, family, &host, buf, size, &result, &code);
	(void)printf("%s %d in %zu bytes ", name, family, size);
	print_host("gethostbyname2_r", r, result, code);
	free(buf);
	return result != NULL;
}

static void print_by_addr(const char *text, int family)
{
	struct hostent host, *result = &host;
	char buf[4096], addr[16];
	int code = -1;

	(void)inet_pton(family, text, addr);
	int r = gethostbyaddr_r(addr, family == AF_INET ? 4 : 16, family, &host, buf, sizeof(buf), &result,
				&code);
	(void)printf("%s ", text);
	print_host("gethostbyaddr_r", r, result, code);
}

static void print_info(const char *node, const char *service, int family, int flags)
{
	struct addrinfo hints = { .ai_family = family, .ai_flags = flags, .ai_socktype = SOCK_STREAM },
			*list = NULL;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	(void)printf("getaddrinfo %s %s %d %#x: ", node != NULL ? node : "-", service != NULL ? service : "-",
		     family, (unsigned)flags);
	int code = getaddrinfo(node, service, &hints, &list);
	(void)printf("%d", code);
	if (code == 0)
		(void)printf(" %s", list->ai_canonname != NULL ? list->ai_canonname : "-");
	for (const struct addrinfo *ai = list; code == 0 && ai != NULL; ai = ai->ai_next) {
		REQUIRE(getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), port, sizeof(port),
				    NI_NUMERICHOST | NI_NUMERICSERV) == 0);
		(void)printf(" %d/%d/[%s]:%s", ai->ai_socktype, ai->ai_protocol, host, port);
	}
	(void)printf("\n");
	if (code == 0)
		freeaddrinfo(list);
}

/* What libc and the shim must print alike. */
static void case_names(void)
{
	static const char *const names[] = { "one.example",  "two.example", "alias.example",
					     "none.example", "10.9.0.5",    "::1",
					     "1.2.3",        "ONE.example", "" };
	static const int families[] = { AF_INET, AF_INET6 };

	/* In small buffers only what is found: glibc needs the buffer to look. */
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (size_t f = 0; f < 2; f++)
			if (print_by_name(names[n], families[f], 4096)) {
				(void)print_by_name(names[n], families[f], 8);
				(void)print_by_name(names[n], families[f], 40);
			}
	print_by_addr("10.9.0.7", AF_INET);
	print_by_addr("10.9.0.77", AF_INET);
	print_by_addr("fd00:9::8", AF_INET6);
	print_info("one.example", "http", AF_UNSPEC, AI_CANONNAME);
	print_info("alias.example", "80", AF_UNSPEC, AI_CANONNAME);
	print_info("one.example", NULL, AF_INET6, AI_V4MAPPED);
	print_info("none.example", NULL, AF_UNSPEC, 0);
	print_info(NULL, "domain", AF_UNSPEC, AI_PASSIVE);
	print_info("one.example", "nosuch", AF_UNSPEC, 0);
	print_info("one.example", NULL, AF_UNSPEC, AI_IDN | AI_CANONIDN);
	print_info("fe80::1%lo", "1", AF_UNSPEC, AI_NUMERICHOST);
	(void)fflush(stdout);
}

static void case_static_names(void)
{
	struct hostent *first = gethostbyname("one.example");

	REQUIRE(first != NULL && strcmp(first->h_name, "one.example") == 0);
	for (int i = 0; i < 20; i++) {
		struct hostent *host = gethostbyname2(i % 2 ? "two.example" : "one.example", AF_INET);
		REQUIRE(host != NULL && host->h_addr_list[0] != NULL);
		REQUIRE(host->h_addr_list[0][3] == (i % 2 ? 8 : 7));
	}
	REQUIRE(gethostbyname("none.example") == NULL && h_errno == HOST_NOT_FOUND);
	in_addr_t addr = inet_addr("10.9.0.7");
	struct hostent *host = gethostbyaddr(&addr, 4, AF_INET);
	REQUIRE(host != NULL && strcmp(host->h_name, "one.example") == 0);
}

/* ------------------------------------------------------------------ rules: stacks a and b */

static struct sockaddr_in to(const char *text, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	REQUIRE(inet_pton(AF_INET, text, &a.sin_addr) == 1);
	return a;
}

static int tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	REQUIRE(fd >= 0);
	return fd;
}

/* The case has the rules: 10.8.0.0/16 and local port 8080 b, 10.7.0.0/16 deny, 10.6.0.0/16 host, else a. */
static void case_rules(void)
{
	struct sockaddr_in a = to("10.9.0.9", 7), b = to("10.8.0.9", 7), denied = to("10.7.0.1", 7),
			   host = to("10.6.0.1", 7), port = to("0.0.0.0", 8080), other = to("0.0.0.0", 8081);
	int fd = tcp(), on = 1;
	socklen_t len = sizeof(on);

	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0);
	REQUIRE(cookie_of(fd) == cookies[0]);
	REQUIRE(connect(fd, (struct sockaddr *)&b, sizeof(b)) == -1 && errno == EINPROGRESS);
	REQUIRE(cookie_of(fd) == cookies[2]);
	REQUIRE(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len) == 0 && on == 1);
	REQUIRE((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0);
	(void)close(fd);

	fd = tcp();
	REQUIRE(connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1 && errno == EINPROGRESS);
	REQUIRE(place_of(fd) == cookies[0]);

	fd = tcp();
	REQUIRE(connect(fd, (struct sockaddr *)&denied, sizeof(denied)) == -1 && errno == EACCES);
	(void)close(fd);

	fd = tcp();
	(void)connect(fd, (struct sockaddr *)&host, sizeof(host));
	REQUIRE(place_of(fd) == cookies[1]);

	fd = tcp();
	REQUIRE(bind(fd, (struct sockaddr *)&port, sizeof(port)) == 0);
	REQUIRE(listen(fd, 1) == 0);
	REQUIRE(place_of(fd) == cookies[2]);
	fd = tcp();
	REQUIRE(bind(fd, (struct sockaddr *)&other, sizeof(other)) == 0);
	REQUIRE(place_of(fd) == cookies[0]);

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&b, sizeof(b)) == 1);
	REQUIRE(cookie_of(fd) == cookies[2]);
	/* It has a port now: nothing moves it any more. */
	(void)sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof(a));
	REQUIRE(place_of(fd) == cookies[2]);

	struct iovec iov = { "x", 1 };
	struct mmsghdr many[2] = { { .msg_hdr = { &b, sizeof(b), &iov, 1, NULL, 0, 0 } },
				   { .msg_hdr = { &b, sizeof(b), &iov, 1, NULL, 0, 0 } } };
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(sendmmsg(fd, many, 2, MSG_DONTWAIT) == 2 && many[1].msg_len == 1);
	REQUIRE(place_of(fd) == cookies[2]);

	int poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = 4711 };
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	REQUIRE(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0);
	REQUIRE(connect(fd, (struct sockaddr *)&b, sizeof(b)) == 0 && cookie_of(fd) == cookies[2]);
	memset(&event, 0, sizeof(event));
	REQUIRE(epoll_wait(poller, &event, 1, 2000) == 1 && event.data.u64 == 4711);
	(void)close(fd);
	(void)close(poller);
}

/* name=two.example use b, default a: 10.9.0.8 goes to b only after a lookup of that name. */
static void case_rule_of_name(void)
{
	struct sockaddr_in two = to("10.9.0.8", 7);
	struct addrinfo *list;
	int fd = tcp();

	(void)connect(fd, (struct sockaddr *)&two, sizeof(two));
	REQUIRE(place_of(fd) == cookies[0]);
	REQUIRE(getaddrinfo("two.example", "7", NULL, &list) == 0);
	freeaddrinfo(list);
	fd = tcp();
	(void)connect(fd, (struct sockaddr *)&two, sizeof(two));
	REQUIRE(place_of(fd) == cookies[2]);
}

/* The rules are those of case_rules(). */
static void case_bad_addresses(void)
{
	struct sockaddr *none = (struct sockaddr *)16, *half;
	char *pages = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sockaddr_in a = to("10.9.0.9", 7), b = to("10.8.0.9", 7);
	struct msghdr bad = { .msg_name = none, .msg_namelen = sizeof(a) };
	int fd = tcp(), udp = socket(AF_INET, SOCK_DGRAM, 0);

	REQUIRE(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
	half = (struct sockaddr *)(pages + 4096 - 8);
	memcpy(half, &b, 8);
	REQUIRE(connect(fd, none, sizeof(a)) == -1 && errno == EFAULT);
	REQUIRE(connect(fd, half, sizeof(a)) == -1 && errno == EFAULT);
	REQUIRE(bind(fd, none, sizeof(a)) == -1 && errno == EFAULT);
	REQUIRE(bind(fd, half, sizeof(struct sockaddr_in6)) == -1 && errno == EFAULT);
	REQUIRE(connect(fd, NULL, sizeof(a)) == -1 && errno == EFAULT);
	REQUIRE(sendto(udp, "x", 1, 0, none, sizeof(a)) == -1 && errno == EFAULT);
	REQUIRE(sendmsg(udp, &bad, 0) == -1 && errno == EFAULT);
	REQUIRE(sendmsg(udp, (struct msghdr *)16, 0) == -1 && errno == EFAULT);
	REQUIRE(sendmmsg(udp, (struct mmsghdr *)16, 1, 0) == -1 && errno == EFAULT);
	/* The last bytes before memory that is not there. */
	memcpy(pages + 4096 - sizeof(b), &b, sizeof(b));
	REQUIRE(connect(fd, (struct sockaddr *)(pages + 4096 - sizeof(b)), sizeof(b)) == -1 &&
		errno == EINPROGRESS);
	REQUIRE(place_of(fd) == cookies[2]);
	REQUIRE(place_of(udp) == cookies[0]);
}

/* Standard error becomes another file: the log must not be written there. */
static void case_log_stays(void)
{
	int ends[2];

	require_stack(2);
	REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
	int before = dup(2);
	REQUIRE(dup2(ends[1], 2) == 2);
	require_stack(6);
	char byte;
	ssize_t n = read(ends[0], &byte, 1);
	REQUIRE(dup2(before, 2) == 2);
	REQUIRE(n == -1 && errno == EAGAIN);
}

/* ------------------------------------------------------------------ names, in other processes and threads */

static void require_name(const char *name, unsigned char last)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list = NULL;

	int code = getaddrinfo(name, NULL, &hints, &list);
	if (code != 0)
		(void)dprintf(2, "%s: %s\n", name, gai_strerror(code));
	REQUIRE(code == 0);
	const struct sockaddr_in *sin = (const void *)list->ai_addr;
	REQUIRE((ntohl(sin->sin_addr.s_addr) & 0xff) == last);
	freeaddrinfo(list);
}

static void *look_up_by_old_functions(void *arg)
{
	bool first = *(int *)arg % 2 == 0;

	for (int i = 0; i < 30; i++) {
		struct hostent *host = gethostbyname(first ? "one.example" : "two.example");
		REQUIRE(host != NULL);
		for (int j = 0; j < 5; j++) {
			REQUIRE(strcmp(host->h_name, first ? "one.example" : "two.example") == 0);
			REQUIRE(host->h_addr_list[0][3] == (first ? 7 : 8));
			(void)sched_yield();
		}
	}
	return NULL;
}

static void case_old_names_in_threads(void)
{
	enum { N = 24 };
	pthread_t threads[N];
	int numbers[N];

	for (int i = 0; i < N; i++) {
		numbers[i] = i;
		REQUIRE(pthread_create(&threads[i], NULL, look_up_by_old_functions, &numbers[i]) == 0);
	}
	for (int i = 0; i < N; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
}

static void *look_up_for_ever(void *arg)
{
	for (;;)
		require_name("two.example", 8);
	return arg;
}

/* Forks while other threads look names up: a child must not find their locks. */
static void case_names_in_children(void)
{
	pthread_t threads[2];
	pid_t pids[24];

	for (int i = 0; i < 2; i++)
		REQUIRE(pthread_create(&threads[i], NULL, look_up_for_ever, NULL) == 0);
	require_name("one.example", 7);
	for (int i = 0; i < 24; i++) {
		pids[i] = fork();
		REQUIRE(pids[i] >= 0);
		if (pids[i] == 0) {
			(void)alarm(20);
			require_name("one.example", 7);
			REQUIRE(gethostbyname("two.example") != NULL);
			_exit(0);
		}
	}
	for (int i = 0; i < 24; i++)
		wait_for(pids[i]);
}

/* As root. */
static void case_names_without_rights(void)
{
	pid_t pid = fork();

	if (pid == 0) { /* all is made after the change */
		REQUIRE(setgid(4321) == 0 && setuid(4321) == 0);
		require_name("one.example", 7);
		require_stack(6);
		_exit(0);
	}
	wait_for(pid);
	require_name("one.example", 7);
	require_stack(6);
	REQUIRE(setgid(4321) == 0 && setuid(4321) == 0);
	require_name("two.example", 8);
	require_stack(6);
}

/* As root, in an empty root directory. */
static void case_names_in_another_root(void)
{
	char path[] = "shim_probe.XXXXXX";
	pid_t pid = fork();

	if (pid == 0) {
		REQUIRE(mkdtemp(path) != NULL && chroot(path) == 0 && chdir("/") == 0);
		require_name("one.example", 7);
		require_stack(6);
		_exit(0);
	}
	wait_for(pid);
	require_name("one.example", 7);
	require_stack(6);
	(void)strcpy(path, "shim_probe.XXXXXX");
	REQUIRE(mkdtemp(path) != NULL && chroot(path) == 0 && chdir("/") == 0);
	require_name("two.example", 8);
	require_stack(6);
	struct ifaddrs *list;
	REQUIRE(getifaddrs(&list) == 0);
	freeifaddrs(list);
}

static bool is_mapped(const char *word)
{
	char line[1024];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");

	REQUIRE(maps != NULL);
	while (!found && fgets(line, sizeof(line), maps) != NULL)
		found = strstr(line, word) != NULL;
	(void)fclose(maps);
	return found;
}

/* Sockets, their calls and children need nothing but the shim; the first lookup loads the rest, once. */
static void case_late(void)
{
	static const char *const late[] = { "libvdestack-preload-lookups", "libcares", "libnl-3" };
	static const char *const never[] = { "libvdeplug", "libcap", "libvdestack-nointerpose",
					     "libvdestack-dns" };

	case_forks();
	require_stack(6);
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		REQUIRE(!is_mapped(late[i]));
	REQUIRE(if_nametoindex("lo") == 1);
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		REQUIRE(is_mapped(late[i]));
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		REQUIRE(!is_mapped(never[i]));
}

/* Tries a lookup that cannot be made, in each of the ways. Nothing of the host answers instead. */
static void require_no_lookups(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct addrinfo *list = NULL;
	struct ifaddrs *interfaces;
	char host[NI_MAXHOST], name[IF_NAMESIZE];

	errno = 0;
	REQUIRE(getaddrinfo("localhost", NULL, NULL, &list) == EAI_SYSTEM);
	REQUIRE(errno == ELIBACC && list == NULL);
	REQUIRE(getnameinfo((struct sockaddr *)&a, sizeof(a), host, sizeof(host), NULL, 0, 0) == EAI_SYSTEM);
	REQUIRE(gethostbyname("localhost") == NULL && h_errno != HOST_NOT_FOUND);
	errno = 0;
	REQUIRE(getifaddrs(&interfaces) == -1 && errno == ELIBACC);
	REQUIRE(if_nameindex() == NULL && errno == ELIBACC);
	REQUIRE(if_nametoindex("lo") == 0 && errno == ELIBACC);
	REQUIRE(if_indextoname(1, name) == NULL && errno == ELIBACC);
	require_stack(6);
}

static void case_no_lookups(void)
{
	require_no_lookups();
}

/*
 * As root. The new root has a file at the path of the library of lookups, which notes that it was loaded:
 * this program must not run what another user may have put there.
 */
static void case_planted(void)
{
	REQUIRE(syscall(SYS_chroot, getenv("SHIM_PROBE_ROOT")) == 0 && chdir("/") == 0);
	require_no_lookups();
}

/* A child of vfork(2) loads nothing into its parent, which can do so afterwards. */
static void case_vfork_lookup(void)
{
	struct addrinfo *list;
	pid_t pid = vfork();

	if (pid == 0)
		_exit(if_nametoindex("lo") == 0 && errno == ELIBACC ? 0 : 1);
	REQUIRE(pid > 0);
	wait_for(pid);
	REQUIRE(!is_mapped("libvdestack-preload-lookups"));
	REQUIRE(if_nametoindex("lo") == 1);
	REQUIRE(is_mapped("libvdestack-preload-lookups"));
	REQUIRE(getaddrinfo("127.0.0.1", NULL, NULL, &list) == 0);
	freeaddrinfo(list);
}

/* The first lookups of threads at the same time load the library once, and all have an answer. */
static pthread_barrier_t together;

static void *first_lookup(void *arg)
{
	(void)pthread_barrier_wait(&together);
	REQUIRE(if_nametoindex("lo") == 1);
	return arg;
}

static void case_first_lookups(void)
{
	pthread_t threads[8];

	REQUIRE(pthread_barrier_init(&together, NULL, 8) == 0);
	for (int i = 0; i < 8; i++)
		REQUIRE(pthread_create(&threads[i], NULL, first_lookup, NULL) == 0);
	for (int i = 0; i < 8; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
}

/* An object that is loaded with RTLD_DEEPBIND calls libc's functions, on results of the shim, too. */
static void case_deepbind(void)
{
	void *object = dlopen(PLUGIN_FILE, RTLD_NOW | RTLD_DEEPBIND);
	struct addrinfo *ours = NULL, *theirs = NULL;
	struct ifaddrs *list;

	REQUIRE(object != NULL);
	int (*make)(int, int, int) = (int (*)(int, int, int))(uintptr_t)dlsym(object, "plugin_socket");
	int (*look_up)(const char *, struct addrinfo **) =
		(int (*)(const char *, struct addrinfo **))(uintptr_t)dlsym(object, "plugin_getaddrinfo");
	void (*free_both)(struct addrinfo *, struct ifaddrs *) =
		(void (*)(struct addrinfo *, struct ifaddrs *))(uintptr_t)dlsym(object, "plugin_free");
	REQUIRE(make != NULL && look_up != NULL && free_both != NULL);
	for (int i = 0; i < 5; i++)
		REQUIRE(place_of(make(AF_INET, SOCK_STREAM, 0)) == cookies[0]);
	REQUIRE(look_up("10.9.0.7", &theirs) == 0);
	freeaddrinfo(theirs);
	REQUIRE(getaddrinfo("two.example", "80", NULL, &ours) == 0 && getifaddrs(&list) == 0);
	free_both(ours, list);
}

/* ------------------------------------------------------------------ without a run */

static void case_plain(void)
{
	struct ifaddrs *list;

	REQUIRE(place_of(socket(AF_INET, SOCK_STREAM, 0)) == place_of(socket(AF_UNIX, SOCK_STREAM, 0)));
	REQUIRE(getifaddrs(&list) == 0);
	freeifaddrs(list);
	REQUIRE(if_nametoindex("lo") == 1);
}

static void case_none(void)
{
	REQUIRE(socket(AF_INET, SOCK_STREAM, 0) == -1);
	REQUIRE(errno == ENETDOWN);
	REQUIRE(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) == -1);
	REQUIRE(close(socket(AF_UNIX, SOCK_STREAM, 0)) == 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "families", case_families },
	{ "flags", case_flags },
	{ "errno", case_errno },
	{ "closes_all", case_closes_all },
	{ "forks", case_forks },
	{ "vfork", case_vfork },
	{ "short_children", case_short_children },
	{ "execs", case_execs },
	{ "signals", case_signals },
	{ "threads", case_threads },
	{ "interfaces", case_interfaces },
	{ "names", case_names },
	{ "static_names", case_static_names },
	{ "rules", case_rules },
	{ "rule_of_name", case_rule_of_name },
	{ "bad_addresses", case_bad_addresses },
	{ "log_stays", case_log_stays },
	{ "old_names_in_threads", case_old_names_in_threads },
	{ "names_in_children", case_names_in_children },
	{ "names_without_rights", case_names_without_rights },
	{ "names_in_another_root", case_names_in_another_root },
	{ "late", case_late },
	{ "no_lookups", case_no_lookups },
	{ "planted", case_planted },
	{ "vfork_lookup", case_vfork_lookup },
	{ "first_lookups", case_first_lookups },
	{ "deepbind", case_deepbind },
	{ "plain", case_plain },
	{ "none", case_none },
};

int main(int argc, char *argv[])
{
	for (int i = 2; i < argc && i < 6; i++)
		cookies[i - 2] = strtoull(argv[i], NULL, 10);
	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].run();
			return 0;
		}
	return 2;
}
