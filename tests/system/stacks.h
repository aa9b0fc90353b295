/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_STACKS_H
#define VDESTACK_TESTS_STACKS_H

/* Stacks and traffic between them, for cases that only check that it works. */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define SOON_MS 20000 /* upper bound for what happens at once */

/* ------------------------------------------------------------------ stacks */

/* A stack of this variant; the case fails without it. */
__attribute__((unused, format(printf, 1, 2))) static struct vdestack *new_stack(const char *fmt, ...)
{
	char config[8192];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(config, sizeof(config), fmt, ap);
	va_end(ap);
	struct vdestack *s = vdestack_new(config, case_opts());
	if (s == NULL)
		FAIL("no stack \"%s\": %s", config, vdestack_last_error());
	return s;
}

/* Two stacks on one segment: 10.9.0.1 and 10.9.0.2. */
struct pair {
	struct vdestack *a, *b;
};

__attribute__((unused)) static struct pair new_pair(void)
{
	return (struct pair){ new_stack("vnl=inproc://lan ip=10.9.0.1/24"),
			      new_stack("vnl=inproc://lan ip=10.9.0.2/24") };
}

/* ------------------------------------------------------------------ traffic */

__attribute__((unused)) static struct sockaddr_in address(const char *text, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	CHECK_EQ(inet_pton(AF_INET, text, &a.sin_addr), 1);
	return a;
}

/* "hello" from a socket of one stack to an address of the other, repeated until it has arrived. */
__attribute__((unused)) static void check_udp(struct vdestack *from, struct vdestack *to, const char *addr)
{
	struct sockaddr_in sa = address(addr, 0);
	socklen_t len = sizeof(sa);
	char got[16] = "";
	int rx = (int)MUST(vdestack_msocket(to, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int tx = (int)MUST(vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(bind(rx, (struct sockaddr *)&sa, sizeof(sa)));
	MUST(getsockname(rx, (struct sockaddr *)&sa, &len));
	for (int i = 0; i < 100; i++) {
		MUST(sendto(tx, "hello", 5, MSG_NOSIGNAL, (struct sockaddr *)&sa, sizeof(sa)));
		struct pollfd p = { .fd = rx, .events = POLLIN };
		if (poll(&p, 1, 100) > 0)
			break;
	}
	CHECK_EQ(recv(rx, got, sizeof(got) - 1, MSG_DONTWAIT), 5);
	CHECK_STR(got, "hello");
	close(rx);
	close(tx);
}

/* A server of one stack on a TCP port, a client of the other, and a line in each direction. */
__attribute__((unused)) static void check_tcp(struct vdestack *client, struct vdestack *server,
					      const char *addr, int port)
{
	struct sockaddr_in sa = address(addr, port);
	socklen_t len = sizeof(sa);
	char got[16] = "";
	int one = 1;
	int l = (int)MUST(vdestack_msocket(server, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int c = (int)MUST(vdestack_msocket(client, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };

	MUST(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	for (int i = 0; i < 2; i++) {
		MUST(setsockopt(i ? l : c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
		MUST(setsockopt(i ? l : c, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	}
	MUST(bind(l, (struct sockaddr *)&sa, sizeof(sa)));
	MUST(getsockname(l, (struct sockaddr *)&sa, &len));
	MUST(listen(l, 1));
	MUST(connect(c, (struct sockaddr *)&sa, sizeof(sa)));
	int s = (int)MUST(accept(l, NULL, NULL));
	MUST(send(c, "ask", 3, MSG_NOSIGNAL));
	CHECK_EQ(recv(s, got, 3, MSG_WAITALL), 3);
	CHECK_STR(got, "ask");
	MUST(send(s, "say", 3, MSG_NOSIGNAL));
	MUST(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	CHECK_EQ(recv(c, got, 3, MSG_WAITALL), 3);
	CHECK_STR(got, "say");
	close(s);
	close(c);
	close(l);
}

/* An echo request by a ping socket, and its reply. */
__attribute__((unused)) static void check_ping(struct vdestack *from, const char *addr)
{
	struct sockaddr_in sa = address(addr, 0);
	struct icmphdr echo = { .type = ICMP_ECHO }, reply = { 0 };
	int s = (int)MUST(vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
	bool came = false;

	for (int i = 0; i < 100 && !came; i++) {
		MUST(sendto(s, &echo, sizeof(echo), 0, (struct sockaddr *)&sa, sizeof(sa)));
		struct pollfd p = { .fd = s, .events = POLLIN };
		came = poll(&p, 1, 100) > 0;
	}
	CHECK(came);
	CHECK_EQ(recv(s, &reply, sizeof(reply), MSG_DONTWAIT), sizeof(reply));
	CHECK_EQ(reply.type, ICMP_ECHOREPLY);
	close(s);
}

/* ------------------------------------------------------------------ processes */

/* Runs a function in a child. A failure there is a failure of the case. */
__attribute__((unused)) static void in_child(void (*fn)(void *), void *arg)
{
	int status;

	(void)fflush(stdout);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		FAIL("the child ended with wait status 0x%x", (unsigned)status);
}

/* The keeper processes of this case: orphans become children of the wrapper. Or they have holders. */
__attribute__((unused)) static int find_keepers(pid_t *pids, int max)
{
	pid_t holders[16];
	int n = find_children(getppid(), "vdestack-keeper", pids, max);
	int n_holders = find_children(getpid(), "vdestack-holder", holders, 16);

	for (int i = 0; i < n_holders && i < 16; i++)
		n += find_children(holders[i], "vdestack-keeper", pids != NULL && n < max ? pids + n : NULL,
				   n < max ? max - n : 0);
	return n;
}

__attribute__((unused)) static pid_t the_keeper(void)
{
	pid_t pid = 0;

	CHECK_EQ(find_keepers(&pid, 1), 1);
	return pid;
}

/* A whole file into a static buffer; "" when it cannot be read. */
__attribute__((unused)) static const char *text_of(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 0;

	while (fd >= 0 && n < sizeof(text) - 1 && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

/*
 * What the threads of a process have done, except the calling thread. The sum of their switches grows when
 * one of them runs.
 */
struct activity {
	unsigned long long tasks, switches;
	bool asleep; /* all of them, and none has work that ends soon */
};

__attribute__((unused)) static void add_task(struct activity *a, const char *status)
{
	static const char *const brief[] = { "vdestack-reg\n", "vdestack-close\n", "vdestack-errand\n" };
	const char *name = strstr(status, "Name:\t"), *state = strstr(status, "State:\t");
	const char *switches = strstr(status, "\nvoluntary_ctxt_switches:");
	const char *preemptions = strstr(status, "\nnonvoluntary_ctxt_switches:");

	if (name == NULL || state == NULL || switches == NULL || preemptions == NULL) {
		a->asleep = false; /* it has ended */
		return;
	}
	a->asleep = a->asleep && state[7] == 'S';
	for (size_t i = 0; i < sizeof(brief) / sizeof(brief[0]); i++)
		a->asleep = a->asleep && strncmp(name + 6, brief[i], strlen(brief[i])) != 0;
	a->switches += strtoull(strchr(switches, ':') + 1, NULL, 10) +
		       strtoull(strchr(preemptions, ':') + 1, NULL, 10);
}

__attribute__((unused)) static struct activity activity_of(pid_t pid)
{
	struct activity a = { .asleep = true };
	char path[300];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *d = opendir(path);
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		if (tid == 0 || tid == gettid())
			continue;
		a.tasks += (unsigned long long)tid;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
		add_task(&a, text_of(path));
	}
	closedir(d);
	return a;
}

/* Between the two looks there was a moment at which no thread ran. */
__attribute__((unused)) static bool has_no_work(void *pid)
{
	struct activity a = activity_of(*(pid_t *)pid), b = activity_of(*(pid_t *)pid);

	return a.asleep && b.asleep && a.tasks == b.tasks && a.switches == b.switches;
}

/*
 * Waits until a keeper has done what it does after an answer: it opens the socket of the registry after its
 * first stack, makes a namespace for the next stack, and closes descriptors. To be called before its
 * descriptors, threads or capabilities are compared.
 */
__attribute__((unused)) static void await_rest(pid_t keeper)
{
	if (!wait_until(has_no_work, &keeper, SOON_MS))
		FAIL("process %d has always something to do", (int)keeper);
}

/* The uid of an ordinary user, for cases of root that give up their privileges. */
#define ORDINARY 64788

/* The program runs as that user from now on. */
__attribute__((unused)) static void drop_uid(void)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(ORDINARY, ORDINARY, ORDINARY));
	MUST(setresuid(ORDINARY, ORDINARY, ORDINARY));
}

#endif
