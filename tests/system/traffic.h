/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_TRAFFIC_H
#define VDESTACK_TESTS_TRAFFIC_H

/*
 * What the tests of networks share: programs that run beside the case, switches among them,
 * bytes that are checked one by one, and namespaces of the case's own.
 *
 * A function that cannot do its work fails the case.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define SOON_MS 20000 /* upper bound for what happens at once */
#define BULK_BYTES (100 * 1024 + 7)
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ------------------------------------------------------------------ programs beside the case */

struct tool {
	pid_t pid;
	int input;        /* its standard input; closed when the case ends, which ends many tools */
	const char *name; /* for error messages */
	char output[256]; /* the file its standard output and error go to */
};

/* Starts a program; it is killed when the case ends. */
static inline void tool_start(struct tool *tool, const char *const *argv)
{
	static unsigned count;
	char name[32];
	int in[2];
	pid_t self = getpid();

	(void)snprintf(name, sizeof(name), "tool-%u", ++count);
	(void)snprintf(tool->output, sizeof(tool->output), "%s", case_path(name));
	tool->name = argv[0];
	MUST(pipe2(in, O_CLOEXEC));
	tool->pid = (pid_t)MUST(fork());
	if (tool->pid == 0) {
		int out = open(tool->output, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(1);
		(void)dup2(in[0], 0);
		(void)dup2(out, 1);
		(void)dup2(out, 2);
		(void)close_range(3, ~0U, 0);
		(void)execvp(argv[0], (char *const *)argv);
		(void)fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(in[0]);
	tool->input = in[1];
}

/* What it has written so far, in a static buffer. */
static inline const char *tool_output(const struct tool *tool)
{
	static char text[16384];
	int fd = open(tool->output, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

struct tool_end {
	const struct tool *tool;
	int status;
	bool ended;
};

static inline bool tool_has_ended(void *arg)
{
	struct tool_end *end = arg;

	if (!end->ended && waitpid(end->tool->pid, &end->status, WNOHANG) == end->tool->pid)
		end->ended = true;
	return end->ended;
}

/* Waits for its end. Returns the wait status. */
static inline int tool_wait(struct tool *tool, int timeout_ms)
{
	struct tool_end end = { .tool = tool };

	if (!wait_until(tool_has_ended, &end, timeout_ms))
		FAIL("%s has not ended; it said \"%s\"", tool->name, tool_output(tool));
	if (tool->input >= 0)
		close(tool->input);
	tool->input = -1;
	return end.status;
}

/* Ends it with that signal and waits. */
static inline void tool_end(struct tool *tool, int signal)
{
	MUST(kill(tool->pid, signal));
	(void)tool_wait(tool, SOON_MS);
}

/* Runs a program to its end; it must succeed. */
static inline void tool_run(const char *const *argv)
{
	struct tool tool;

	tool_start(&tool, argv);
	int status = tool_wait(&tool, SOON_MS);
	if (status != 0)
		FAIL("%s %s failed (status 0x%x): %s", argv[0], argv[1] != NULL ? argv[1] : "",
		     (unsigned)status, tool_output(&tool));
}

/* ------------------------------------------------------------------ switches */

static inline bool path_exists(void *arg)
{
	return access(arg, F_OK) == 0;
}

/*
 * True when something listens on the switch's control socket, by the kernel's table. A connection would
 * tell as well, but its end disturbs vde_switch 2.3: a client that connects in the same moment can lose its
 * port later.
 */
static inline bool switch_listens(void *arg)
{
	char line[512], control[256];
	bool there = false;
	FILE *table = fopen("/proc/net/unix", "re");

	CHECK(table != NULL);
	(void)snprintf(control, sizeof(control), " %s/ctl\n", (const char *)arg);
	while (!there && fgets(line, sizeof(line), table) != NULL) {
		const char *path = strstr(line, control);
		there = path != NULL && strcmp(path, control) == 0 &&
			strstr(line, " 00010000 0001 01 ") != NULL;
	}
	fclose(table);
	return there;
}

static inline void await_switch(const struct tool *tool, const char *path)
{
	if (!wait_until(switch_listens, (void *)path, SOON_MS))
		FAIL("no switch at %s; %s said \"%s\"", path, tool->name, tool_output(tool));
}

/* A stock vde_switch with that many ports. */
static inline void switch_start(struct tool *tool, const char *path, const char *ports)
{
	tool_start(tool, WORDS("vde_switch", "-s", path, "-n", ports));
	await_switch(tool, path);
}

/* A hub or switch node of vde_plug: locator is "hub://PATH" or "switch://PATH". */
/* The socket of a switch that accepts connections and never answers. */
static inline int silent_switch(const char *path, int backlog)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	(void)mkdir(path, 0700);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/ctl", path);
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	MUST(listen(fd, backlog));
	return fd;
}

static inline void node_start(struct tool *tool, const char *locator)
{
	tool_start(tool, WORDS("vde_plug", "null://", locator));
	await_switch(tool, strstr(locator, "://") + 3);
}

/* ------------------------------------------------------------------ stacks */

__attribute__((format(printf, 1, 2))) static inline struct vdestack *stack_of(const char *fmt, ...)
{
	char config[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(config, sizeof(config), fmt, ap);
	va_end(ap);
	struct vdestack *stack = vdestack_new(config, case_opts());
	if (stack == NULL)
		FAIL("no stack from \"%s\": %s; \"%s\"", config, strerrorname_np(errno),
		     vdestack_last_error());
	return stack;
}

static inline socklen_t address_of(const char *text, int port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (strchr(text, ':') != NULL) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		CHECK_EQ(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	CHECK_EQ(inet_pton(AF_INET, text, &in->sin_addr), 1);
	return sizeof(*in);
}

/* A socket in the stack, or with NULL in the host network. Its calls time out after SOON_MS. */
static inline int socket_in(struct vdestack *stack, int family, int type)
{
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };
	int fd = stack != NULL ? (int)MUST(vdestack_msocket(stack, family, type | SOCK_CLOEXEC, 0))
			       : (int)MUST(socket(family, type | SOCK_CLOEXEC, 0));

	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	MUST(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	return fd;
}

/* A bound socket; a stream socket listens. *port: 0 = any; on return the port. */
static inline int bound_in(struct vdestack *stack, const char *addr, int type, int *port)
{
	struct sockaddr_storage ss;
	socklen_t len = address_of(addr, *port, &ss);
	int fd = socket_in(stack, ss.ss_family, type), on = 1;

	MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	MUST(bind(fd, (struct sockaddr *)&ss, len));
	if (type == SOCK_STREAM)
		MUST(listen(fd, 8));
	len = sizeof(ss);
	MUST(getsockname(fd, (struct sockaddr *)&ss, &len));
	*port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
					       : ((struct sockaddr_in *)&ss)->sin_port);
	return fd;
}

static inline int connected_in(struct vdestack *stack, const char *addr, int type, int port)
{
	struct sockaddr_storage ss;
	socklen_t len = address_of(addr, port, &ss);
	int fd = socket_in(stack, ss.ss_family, type);

	if (connect(fd, (struct sockaddr *)&ss, len) != 0)
		FAIL("connect to %s port %d: %s", addr, port, strerror(errno));
	return fd;
}

/* ------------------------------------------------------------------ bytes */

/* The bytes of a stream: each position has its own value, and the two directions differ. */
static inline unsigned char byte_at(size_t place, unsigned stream)
{
	uint32_t x = (uint32_t)place * 2654435761u + stream * 40503u;

	return (unsigned char)(x >> 24 ^ x >> 11);
}

/*
 * Sends BULK_BYTES in both directions at once between two connected sockets and checks every byte at
 * its position, then end of file in both.
 */
static inline void exchange(int a, int b)
{
	int fds[2] = { a, b };
	size_t sent[2] = { 0, 0 }, got[2] = { 0, 0 };
	bool closed[2] = { false, false };
	unsigned char buf[16384];
	long long end = now_us() + SOON_MS * 1000LL;

	while (!closed[0] || !closed[1]) {
		struct pollfd p[2];
		for (int i = 0; i < 2; i++)
			p[i] = (struct pollfd){ .fd = fds[i], .events = (short)((closed[i] ? 0 : POLLIN) |
								  (sent[i] < BULK_BYTES ? POLLOUT : 0)) };
		if (poll(p, 2, 1000) < 0 || now_us() > end)
			FAIL("the bytes did not arrive in time: %zu and %zu of %d", got[0], got[1],
			     BULK_BYTES);
		for (int i = 0; i < 2; i++) {
			if (sent[i] < BULK_BYTES && (p[i].revents & POLLOUT) != 0) {
				size_t n = BULK_BYTES - sent[i] < sizeof(buf) ? BULK_BYTES - sent[i]
									      : sizeof(buf);
				for (size_t k = 0; k < n; k++)
					buf[k] = byte_at(sent[i] + k, (unsigned)i);
				ssize_t r = send(fds[i], buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
				if (r < 0 && errno != EAGAIN)
					FAIL("send: %s after %zu bytes", strerror(errno), sent[i]);
				sent[i] += r > 0 ? (size_t)r : 0;
				if (sent[i] == BULK_BYTES)
					MUST(shutdown(fds[i], SHUT_WR));
			}
			if (!closed[i] && (p[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
				ssize_t r = recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT);
				if (r < 0 && errno != EAGAIN)
					FAIL("recv: %s after %zu bytes", strerror(errno), got[i]);
				for (ssize_t k = 0; k < r; k++)
					if (buf[k] != byte_at(got[i] + (size_t)k, (unsigned)!i))
						FAIL("byte %zu is %u, should be %u", got[i] + (size_t)k,
						     buf[k], byte_at(got[i] + (size_t)k, (unsigned)!i));
				got[i] += r > 0 ? (size_t)r : 0;
				closed[i] = r == 0;
			}
		}
	}
	CHECK_EQ(got[0], BULK_BYTES);
	CHECK_EQ(got[1], BULK_BYTES);
}

/* A TCP connection from `client` to addr, which is an address of `server`; NULL = the host network. */
static inline void tcp_one_way(struct vdestack *server, const char *addr, struct vdestack *client)
{
	int port = 0;
	int listener = bound_in(server, addr, SOCK_STREAM, &port);
	int a = connected_in(client, addr, SOCK_STREAM, port);
	int b = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));

	exchange(a, b);
	close(a);
	close(b);
	close(listener);
}

/* Each opens a connection to the other. */
static inline void tcp_both_ways(struct vdestack *a, const char *addr_a, struct vdestack *b,
				 const char *addr_b)
{
	tcp_one_way(a, addr_a, b);
	tcp_one_way(b, addr_b, a);
}

/*
 * True if a UDP datagram of `size` bytes from one stack arrives at an address of the other.
 * Waits at most wait_ms. With dont_fragment, EMSGSIZE returns false.
 */
static inline bool datagram_arrives(struct vdestack *from, struct vdestack *to, const char *addr, size_t size,
				    bool dont_fragment, int wait_ms)
{
	static unsigned char out[65536], in[65536];
	int port = 0, mode = IP_PMTUDISC_DO;
	int receiver = bound_in(to, addr, SOCK_DGRAM, &port);
	int sender = connected_in(from, addr, SOCK_DGRAM, port);
	bool arrived = false;

	for (size_t i = 0; i < size; i++)
		out[i] = byte_at(i, 7);
	if (dont_fragment && strchr(addr, ':') == NULL)
		MUST(setsockopt(sender, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode)));
	/* A network may lose a datagram, so one that should arrive is sent again after a second. */
	for (int left = wait_ms; !arrived && (left > 0 || left == wait_ms); left -= 1000) {
		if (send(sender, out, size, 0) != (ssize_t)size)
			break;
		arrived = wait_readable(receiver, left < 1000 ? left : 1000);
	}
	if (arrived) {
		CHECK_EQ(recv(receiver, in, sizeof(in), 0), size);
		CHECK(memcmp(in, out, size) == 0);
	}
	close(sender);
	close(receiver);
	return arrived;
}

/* ------------------------------------------------------------------ namespaces of the case's own */

static inline void write_text(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	if (write(fd, text, strlen(text)) < 0)
		FAIL("%s: %s", path, strerror(errno));
	close(fd);
}

/* Makes a user namespace, and others that belong to it. This process has that uid in it. */
static inline void own_user_namespace(int flags, unsigned uid_inside)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	MUST(unshare(flags | CLONE_NEWUSER));
	write_text("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", uid_inside, uid);
	write_text("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", uid_inside, gid);
	write_text("/proc/self/gid_map", map);
}

/* Makes namespaces for this process; an ordinary user is root in a user namespace then. */
static inline void own_namespaces(int flags)
{
	if (case_is_root())
		MUST(unshare(flags));
	else
		own_user_namespace(flags, 0);
}

/*
 * The same with a PID namespace, which only a child can be in. The case continues in the child,
 * as process 1 of a container, and the parent returns its result.
 */
static inline void own_container(int flags)
{
	int status;

	own_namespaces(flags | CLONE_NEWPID);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		return;
	}
	MUST(waitpid(pid, &status, 0));
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

#endif
