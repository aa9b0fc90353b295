/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts a server with listening sockets of a stack, by the two common conventions for inherited sockets. The
 * server is not changed, and everything else of it is in the host network: connections to other servers, names.
 *
 *     activate CONFIG ADDRESS... -- COMMAND...
 *
 *     activate 'vnl=vde:///tmp/net ip=10.0.0.1/24' 10.0.0.1:80 -- nginx -c /etc/web.conf
 *
 * The sockets are the descriptors from 3 up, in the order of the ADDRESSes.
 *  - LISTEN_FDS and LISTEN_PID, for servers that systemd may start by socket activation (sd_listen_fds(3)).
 *  - NGINX, which nginx gives to its next version: a "listen" of exactly the same address uses the inherited
 *    socket. nginx makes a socket of its own for each other "listen", and for each worker with "reuseport".
 *    With NGINX it stays in the foreground.
 *
 * This process keeps the stack until the server ends, so the server must not make itself a daemon.
 *
 * Needs libvdestack-dns.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */
#define MOST 16

/* Numbers above those that the server will get, so that none is in the way of another. */
static int listen_at(struct vdestack *stack, const char *address)
{
	int fd = vdestack_listen(stack, "tcp", address);

	if (fd < 0) {
		fprintf(stderr, "activate: %s\n", vdestack_dns_last_error());
		exit(1);
	}
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST + MOST);
	close(fd);
	return moved;
}

static void become(char **command, const int *listeners, int n)
{
	char text[32], names[MOST * 8] = "";

	for (int i = 0; i < n; i++) {
		if (dup2(listeners[i], FIRST + i) < 0) /* the copy is not close-on-exec */
			return;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%d;", FIRST + i);
	}
	setenv("NGINX", names, 1);
	snprintf(text, sizeof(text), "%d", n);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* the stack ends with its program */
	execvp(command[0], command);
}

int main(int argc, char **argv)
{
	int listeners[MOST], n = 0, status;

	while (n < MOST && n + 2 < argc && strcmp(argv[n + 2], "--") != 0)
		n++;
	if (n == 0 || n + 3 >= argc || strcmp(argv[n + 2], "--") != 0) {
		fprintf(stderr, "usage: activate CONFIG ADDRESS... -- COMMAND...\n");
		return 2;
	}
	struct vdestack *stack = vdestack_new(argv[1], NULL);
	if (stack == NULL) {
		fprintf(stderr, "activate: %s\n", vdestack_last_error());
		return 1;
	}
	for (int i = 0; i < n; i++)
		listeners[i] = listen_at(stack, argv[i + 2]);

	pid_t pid = fork();
	if (pid == 0) {
		become(argv + n + 3, listeners, n);
		fprintf(stderr, "activate: %s: %s\n", argv[n + 3], strerror(errno));
		_exit(127);
	}
	signal(SIGINT, SIG_IGN); /* the terminal sends it to the server, too */
	for (int i = 0; i < n; i++)
		close(listeners[i]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	vdestack_delete(stack);
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
