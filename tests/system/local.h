/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_LOCAL_H
#define VDESTACK_TESTS_LOCAL_H

/* Programs that meet on a local:// segment: what the cases about them share. */

#include <signal.h>
#include <sys/stat.h>

#include "registry.h"
#include <vdestack/impair.h>

#define LOCAL(n) "vnl=local://lan ip=10.9.0." #n "/24"

/* ------------------------------------------------------------------ other programs */

/* A program of its own with one stack; a child that has had no stack before. */
struct member {
	pid_t pid;
	int line; /* a socket pair: requests there, answers back */
};

struct answer {
	int err; /* 0: it is so */
	char text[400];
};

static bool pings(struct vdestack *from, const char *addr, int tries)
{
	struct sockaddr_in sa = address(addr, 0);
	struct icmphdr echo = { .type = ICMP_ECHO };
	int s = (int)MUST(vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
	bool came = false;

	for (int i = 0; i < tries && !came; i++) {
		(void)sendto(s, &echo, sizeof(echo), 0, (struct sockaddr *)&sa, sizeof(sa));
		struct pollfd p = { .fd = s, .events = POLLIN };
		/* an error in the queue says that nobody has the address */
		came = poll(&p, 1, 100) > 0 && (p.revents & POLLERR) == 0 &&
		       recv(s, &echo, sizeof(echo), MSG_DONTWAIT) > 0;
		echo = (struct icmphdr){ .type = ICMP_ECHO };
	}
	close(s);
	return came;
}

#define CONFIG_MAX 256

static int serve_member(struct vdestack *stack, const char *request)
{
	if (strncmp(request, "words ", 6) == 0)
		return vdestack_impair_words(stack, "vde0", request + 6) < 0 ? errno : 0;
	if (strncmp(request, "no ", 3) == 0)
		return pings(stack, request + 3, 3) ? EEXIST : 0;
	return pings(stack, request, 100) ? 0 : EHOSTUNREACH;
}

/*
 * The configuration comes first. Requests: an address to ping; "no ADDRESS" that must not answer; "words
 * WORDS" about impairment; or "" to delete the stack and end.
 */
static void member_main(int line)
{
	char request[64], config[CONFIG_MAX];
	struct answer a = { 0 };

	if (recv(line, config, sizeof(config), 0) != sizeof(config))
		_exit(0);
	struct vdestack *stack = vdestack_new(config, case_opts());

	if (stack == NULL) {
		a.err = errno;
		(void)snprintf(a.text, sizeof(a.text), "%s", vdestack_last_error());
	}
	(void)send(line, &a, sizeof(a), MSG_NOSIGNAL);
	while (stack != NULL && recv(line, request, sizeof(request), 0) == sizeof(request)) {
		if (request[0] == '\0')
			break;
		a.err = serve_member(stack, request);
		(void)send(line, &a, sizeof(a), MSG_NOSIGNAL);
	}
	if (stack != NULL)
		(void)vdestack_delete(stack);
	_exit(0);
}

#define PREPARED_MAX 32

static struct member prepared[PREPARED_MAX];
static int n_prepared, n_begun;

static struct member fork_member(void)
{
	struct member m;
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	(void)fflush(stdout);
	m.pid = (pid_t)MUST(fork());
	if (m.pid == 0) {
		close(pair[0]);
		for (int i = 0; i < n_prepared; i++)
			close(prepared[i].line);
		member_main(pair[1]);
	}
	close(pair[1]);
	m.line = pair[0];
	return m;
}

/*
 * A child of a program with stacks shares its keeper. So members that begin later are forked before. All of
 * them must be begun.
 */
__attribute__((unused)) static void prepare_members(int n)
{
	while (n-- > 0) {
		struct member m = fork_member();
		CHECK(n_prepared < PREPARED_MAX);
		prepared[n_prepared++] = m;
	}
}

__attribute__((unused)) static struct member begin_member(const char *config)
{
	char text[CONFIG_MAX] = "";

	(void)snprintf(text, sizeof(text), "%s", config);
	struct member m = n_begun < n_prepared ? prepared[n_begun++] : fork_member();
	MUST(send(m.line, text, sizeof(text), MSG_NOSIGNAL));
	return m;
}

__attribute__((unused)) static struct answer hear_member(const struct member *m)
{
	struct answer a = { .err = -1 };

	CHECK(wait_readable(m->line, SOON_MS));
	CHECK_EQ(recv(m->line, &a, sizeof(a), 0), sizeof(a));
	return a;
}

__attribute__((unused)) static struct member new_member(const char *config)
{
	struct member m = begin_member(config);
	struct answer a = hear_member(&m);

	if (a.err != 0)
		FAIL("a member has no stack: %s", a.text);
	return m;
}

__attribute__((unused)) static void ask_member(const struct member *m, const char *addr)
{
	char request[64] = "";

	(void)snprintf(request, sizeof(request), "%s", addr);
	MUST(send(m->line, request, sizeof(request), MSG_NOSIGNAL));
}

__attribute__((unused)) static void check_member_pings(const struct member *m, const char *addr)
{
	ask_member(m, addr);
	CHECK_EQ(hear_member(m).err, 0);
}

/* "no ADDRESS", "words WORDS". */
__attribute__((unused)) static void member_does(const struct member *m, const char *request)
{
	check_member_pings(m, request);
}

__attribute__((unused)) static void kill_member(struct member *m)
{
	MUST(kill(m->pid, SIGKILL));
	MUST(waitpid(m->pid, NULL, 0));
	close(m->line);
}

__attribute__((unused)) static void end_member(struct member *m)
{
	int status;

	ask_member(m, "");
	MUST(waitpid(m->pid, &status, 0));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(m->line);
}

/* ------------------------------------------------------------------ keepers and their files */

/* The process ids in the names of the sockets of local://; how many there are. */
__attribute__((unused)) static int local_keepers(pid_t *pids, int max)
{
	DIR *dir = opendir(DIRECTORY);
	const struct dirent *e;
	char kind;
	unsigned long long domain;
	unsigned tag;
	int n = 0, pid, end;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		end = -1;
		if (sscanf(e->d_name, "local-%c-%llu-%d-%8x%n", &kind, &domain, &pid, &tag, &end) == 4 &&
		    end >= 0 && e->d_name[end] == '\0' && n < max)
			pids[n++] = pid;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

__attribute__((unused)) static pid_t the_local_keeper(void)
{
	pid_t pids[4];

	CHECK_EQ(local_keepers(pids, 4), 1);
	return pids[0];
}

/* No keeper, no file. */
__attribute__((unused)) static bool nothing_remains(void *unused)
{
	(void)unused;
	return no_keeper(NULL) && files_in(DIRECTORY, NULL) == 0;
}

/* The beginning of the names of files that programs like this one look at. */
__attribute__((unused)) static const char *local_prefix(void)
{
	static char text[64];
	struct stat st;

	MUST(stat("/proc/self/ns/user", &st));
	(void)snprintf(text, sizeof(text), "local-%c-%llu", case_is_root() ? 'p' : 'u',
		       (unsigned long long)st.st_ino);
	return text;
}

#endif
