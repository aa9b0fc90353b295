/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run_probe: what programs do in their lives: fork, daemonize, change user and root, execute. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_probe.h"

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

const struct probe_case probe_life[] = {
	PROBE_CASE(daemonizes),
	PROBE_CASE(prefork),
	PROBE_CASE(drops_user),
	PROBE_CASE(drops_user_and_moves),
	PROBE_CASE(changes_root),
	PROBE_CASE(executes_itself),
	PROBE_CASE(inherited),
	PROBE_CASE(executes_with_clean_environment),
	PROBE_CASE(exits),
	PROBE_CASE(kills_itself),
	PROBE_CASE(no_child),
	PROBE_CASE(surroundings),
	{ NULL, NULL },
};
