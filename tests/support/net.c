/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define LIMIT_MS 20000 /* upper bound for what happens at once */

/* ------------------------------------------------------------------ stacks */

struct vdestack *net_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, case_opts());

	if (stack == NULL)
		FAIL("no stack of \"%s\": %s", config, vdestack_last_error());
	return stack;
}

void net_pair(struct vdestack *pair[2])
{
	pair[0] = net_stack("vnl=inproc://pair ip=10.9.0.1/24");
	pair[1] = net_stack("vnl=inproc://pair ip=10.9.0.2/24");
}

static void expect_word(int fd, const char *word)
{
	char got[32] = "";
	size_t n = 0;

	while (n < strlen(word)) {
		if (!wait_readable(fd, LIMIT_MS))
			FAIL("waited in vain for \"%s\", got \"%s\"", word, got);
		n += (size_t)MUST(recv(fd, got + n, strlen(word) - n, 0));
		if (got[0] == '\0')
			FAIL("end of file instead of \"%s\"", word);
	}
	CHECK_STR(got, word);
}

static void talk_at(int listener, const char *addr, int client)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	CHECK_EQ(inet_pton(AF_INET, addr, &at.sin_addr), 1);
	MUST(bind(listener, (struct sockaddr *)&at, sizeof(at)));
	MUST(listen(listener, 4));
	MUST(getsockname(listener, (struct sockaddr *)&at, &len));
	/* No SO_SNDTIMEO: with it SIGSTOP interrupts, see signal(7). The case has its own limit. */
	MUST(connect(client, (struct sockaddr *)&at, sizeof(at)));
	CHECK(wait_readable(listener, LIMIT_MS));
	int peer = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	MUST(send(client, "there", 5, MSG_NOSIGNAL));
	expect_word(peer, "there");
	MUST(send(peer, "back", 4, MSG_NOSIGNAL));
	expect_word(client, "back");
	close(peer);
}

void net_talk_fds(int listener, const char *addr, int client)
{
	talk_at(listener, addr, client);
}

void net_talk(struct vdestack *server, const char *addr, struct vdestack *client)
{
	int l = (int)MUST(vdestack_msocket(server, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int c = (int)MUST(vdestack_msocket(client, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	talk_at(l, addr, c);
	close(c);
	close(l);
}

void net_talk_lo(struct vdestack *stack)
{
	net_talk(stack, "127.0.0.1", stack);
}

unsigned long long net_namespace_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	MUST(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len));
	return cookie;
}

/* ------------------------------------------------------------------ keepers */

/* The wrapper, which is the subreaper of the case; the keepers are its children. */
static pid_t collector;

__attribute__((constructor)) static void find_collector(void)
{
	collector = getppid();
}

int net_keepers(pid_t *pids, int max)
{
	int n = find_children(collector, "vdestack-keeper", pids, max);

	n = n < max || pids == NULL ? n : max;
	/* A program that is a subreaper itself, or whose keepers have holders. */
	pid_t parents[17] = { getpid() };
	int n_parents = 1 + find_children(getpid(), "vdestack-holder", parents + 1, 16);
	for (int i = 0; i < n_parents && i < 17; i++)
		n += find_children(parents[i], "vdestack-keeper", pids != NULL ? pids + n : NULL,
				   pids != NULL ? max - n : 0);
	return n;
}

static bool has_keepers(void *arg)
{
	return net_keepers(NULL, 0) == *(int *)arg;
}

bool net_wait_keepers(int n, int timeout_ms)
{
	return wait_until(has_keepers, &n, timeout_ms);
}

/* The keeper of a stack that was deleted a moment ago may not have ended yet. */
pid_t net_keeper(void)
{
	pid_t pids[4];

	(void)net_wait_keepers(1, 2000);
	int n = net_keepers(pids, 4);
	if (n != 1)
		FAIL("%d keepers instead of one", n);
	return pids[0];
}

/* ------------------------------------------------------------------ vde_switch */

static int switch_connect(const struct net_switch *sw)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	CHECK(strlen(sw->mgmt) < sizeof(at.sun_path));
	strncpy(at.sun_path, sw->mgmt, sizeof(at.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool switch_answers(void *arg)
{
	int fd = switch_connect(arg);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void net_switch_start(struct net_switch *sw, const char *name)
{
	int input[2];

	(void)snprintf(sw->dir, sizeof(sw->dir), "%s", case_path(name));
	(void)snprintf(sw->mgmt, sizeof(sw->mgmt), "%s.m", sw->dir);
	MUST(pipe2(input, O_CLOEXEC));
	sw->pid = (pid_t)MUST(fork());
	if (sw->pid == 0) {
		/*
		 * Its command input, which stays empty. At its end of file the switch ends, so it ends with
		 * us at the latest.
		 */
		MUST(dup2(input[0], 0));
		MUST(dup2(MUST(open("/dev/null", O_WRONLY | O_CLOEXEC)), 1));
		execlp("vde_switch", "vde_switch", "-s", sw->dir, "-M", sw->mgmt, "-n", "64", "-m", "0666",
		       (char *)NULL);
		FAIL("no vde_switch: %s", strerror(errno));
	}
	close(input[0]);
	sw->input = input[1];
	if (!wait_until(switch_answers, sw, LIMIT_MS))
		FAIL("vde_switch does not answer");
}

int net_switch_ports(const struct net_switch *sw)
{
	static const char ask[] = "port/print\n", part[] = "endpoint ID";
	char text[65536];
	size_t n = 0;
	int ports = 0, fd = switch_connect(sw);

	if (fd < 0)
		FAIL("vde_switch does not answer");
	MUST(write(fd, ask, strlen(ask)));
	text[0] = '\0';
	/* The answer ends with a line "1000 Success" or the like. */
	while (n < sizeof(text) - 1 && strstr(text, "\n1000 ") == NULL) {
		if (!wait_readable(fd, LIMIT_MS))
			FAIL("vde_switch does not answer any more, but said \"%s\"", text);
		ssize_t got = MUST(read(fd, text + n, sizeof(text) - 1 - n));
		if (got == 0)
			FAIL("vde_switch hung up after \"%s\"", text);
		n += (size_t)got;
		text[n] = '\0';
	}
	close(fd);
	for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
		ports++;
	return ports;
}

int net_switch_files(const struct net_switch *sw)
{
	DIR *dir = opendir(sw->dir);
	int n = 0;

	CHECK(dir != NULL);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(dir);
	return n;
}

void net_switch_stop(struct net_switch *sw)
{
	MUST(kill(sw->pid, SIGTERM));
	MUST(waitpid(sw->pid, NULL, 0));
	close(sw->input);
}
