/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_SOURCES_H
#define VDESTACK_TESTS_SOURCES_H

/*
 * Requests about address sources, sent by the case itself, and servers from Debian in stacks of the case.
 *
 *     stack "client": vde0 ── inproc://lan ── vde0: stack "server" with a DHCP server
 */

#include <sys/mman.h>
#include <unistd.h>

#include "attack.h"
#include "wire/sources.h"
#include <vdestack/events.h>
#include <vdestack/sources.h>

/* The door of a stack. */
__attribute__((unused)) static int door_of(struct vdestack *stack)
{
	char value[16];

	(void)vdestack_sysctl_get(stack, "ipv4/tcp_dsack", value, sizeof(value)); /* a request passes */
	MUST(vdestack_sysctl_set(stack, "ipv4/tcp_dsack", "1"));
	return seen.door;
}

__attribute__((unused)) static struct vs_wire_sources sources_of(const char *ifname, uint32_t start)
{
	struct vs_wire_sources want = { .start = start, .required = start };

	(void)snprintf(want.ifname, sizeof(want.ifname), "%s", ifname);
	return want;
}

/* Sends VS_OP_SOURCES. dir: the directory of leases, -1: none. Returns the result. */
__attribute__((unused)) static int change_sources(struct vdestack *stack, const struct vs_wire_sources *want,
						  int dir, char *answer)
{
	struct raw_request r = { .req = { .op = VS_OP_SOURCES }, .text = want, .text_len = sizeof(*want),
				 .claim = &seen.claim };
	int door = door_of(stack);

	if (seen.claim.pid == 0)
		r.claim = NULL;
	if (dir >= 0) {
		r.fds[0] = dir;
		r.n_fds = 1;
	}
	return raw_call(door, &r, answer);
}

/* Starts sources, or fails the case. */
__attribute__((unused)) static void start_sources(struct vdestack *stack, const struct vs_wire_sources *want,
						  int dir)
{
	static char answer[VS_TEXT_MAX + 1];
	int r = change_sources(stack, want, dir, answer);

	if (r != 0)
		FAIL("sources were not started: %d %s", r, answer);
}

/* Sends VS_OP_SOURCES_WAIT. Returns the channel of the reply. */
__attribute__((unused)) static int begin_wait(struct vdestack *stack)
{
	struct raw_request r = { .req = { .op = VS_OP_SOURCES_WAIT }, .n_fds = 1 };
	int pair[2], door = door_of(stack);

	raw_pair(pair);
	r.fds[0] = pair[1];
	CHECK_EQ(raw_send(door, &r), 0);
	close(pair[1]);
	return pair[0];
}

__attribute__((unused)) static void wait_for_sources(struct vdestack *stack)
{
	int channel = begin_wait(stack);

	CHECK_EQ(raw_reply(channel, NULL), 0);
	close(channel);
}

/* What was learned. */
struct learned {
	struct vs_wire_learned_head head;
	struct vs_wire_learned records[64];
};

__attribute__((unused)) static void read_learned(struct vdestack *stack, struct learned *out)
{
	struct raw_request r = { .req = { .op = VS_OP_LEARNED }, .n_fds = 1 };
	struct vs_reply reply;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { &reply, sizeof(reply) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control) };
	int pair[2], fd, door = door_of(stack);

	raw_pair(pair);
	r.fds[0] = pair[1];
	CHECK_EQ(raw_send(door, &r), 0);
	close(pair[1]);
	CHECK_EQ(MUST(recvmsg(pair[0], &h, MSG_CMSG_CLOEXEC)), (long)sizeof(reply));
	CHECK_EQ(reply.result, 0);
	CHECK(h.msg_controllen >= CMSG_LEN(sizeof(int)));
	memcpy(&fd, CMSG_DATA(&control.align), sizeof(fd));
	CHECK_EQ(MUST(fcntl(fd, F_GET_SEALS)), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	memset(out, 0, sizeof(*out));
	ssize_t n = MUST(pread(fd, out, sizeof(*out), 0));
	CHECK_EQ(n, (ssize_t)(sizeof(out->head) + out->head.n * sizeof(out->records[0])));
	CHECK_EQ(out->head.version, VS_WIRE_VERSION);
	close(fd);
	close(pair[0]);
}

/* The first record of a kind, or NULL. */
__attribute__((unused)) static const struct vs_wire_learned *find_learned(const struct learned *l,
									  uint32_t kind)
{
	for (uint32_t i = 0; i < l->head.n; i++)
		if (l->records[i].kind == kind)
			return &l->records[i];
	return NULL;
}

__attribute__((unused)) static const char *address_text(const struct vs_wire_ip *ip)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(ip->family, ip->bytes, text, sizeof(text)) != NULL ? text : "";
}

/* A file of the case with a text. Returns its path. */
__attribute__((unused)) static const char *new_file(const char *name, const char *text)
{
	const char *path = case_path(name);
	int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	CHECK_EQ(MUST(write(fd, text, strlen(text))), (long)strlen(text));
	close(fd);
	return path;
}

/* Starts a server. Skips the case if the program is not there. */
__attribute__((unused)) static int start_server(struct vdestack *stack, const char *const *argv)
{
	int log = (int)MUST(open(case_path("server.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .out = log, .err = log };

	(void)setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	int pidfd = vdestack_spawn(stack, (char *const *)argv, &opts, NULL);
	close(log);
	if (pidfd < 0 && errno == ENOENT)
		SKIP("there is no %s here", argv[0]);
	return (int)MUST(pidfd);
}

/* busybox's DHCP server on vde0 of the stack, with leases of so many seconds. */
__attribute__((unused)) static int start_udhcpd(struct vdestack *stack, int lease_s)
{
	static char text[1024], conf[256];
	const char *argv[] = { "udhcpd", "-f", conf, NULL };

	(void)snprintf(text, sizeof(text),
		       "start 10.7.0.50\nend 10.7.0.60\ninterface vde0\nmin_lease 10\nlease_file %s\n"
		       "pidfile %s\nopt dns 10.7.0.1 10.7.0.2\nopt router 10.7.0.1\n"
		       "opt subnet 255.255.255.0\nopt domain example.org\nopt lease %d\n",
		       case_path("leases"), case_path("pid"), lease_s);
	(void)new_file("leases", "");
	(void)snprintf(conf, sizeof(conf), "%s", new_file("udhcpd.conf", text));
	return start_server(stack, argv);
}

/* dnsmasq on vde0 of the stack: DHCP with leases of an hour, and what `more` says, up to a NULL. */
__attribute__((unused)) static int start_dnsmasq(struct vdestack *stack, const char *const *more)
{
	static char leases[256];
	const char *argv[24] = { "dnsmasq", "--no-daemon", "--conf-file=/dev/null",
				 "--port=0", "--interface=vde0", "--log-dhcp",
				 "--no-ping", "--dhcp-authoritative", leases };
	size_t n = 9;

	(void)snprintf(leases, sizeof(leases), "--dhcp-leasefile=%s", case_path("dnsmasq.leases"));
	while (n < 23 && *more != NULL)
		argv[n++] = *more++;
	return start_server(stack, argv);
}

static bool log_contains(void *text)
{
	return strstr(text_of(case_path("server.log")), text) != NULL;
}

/* Waits until the server has written that. */
__attribute__((unused)) static void wait_for_log(const char *text)
{
	if (!wait_until(log_contains, (void *)text, SOON_MS))
		FAIL("the server's log lacks \"%s\":\n%s", text, text_of(case_path("server.log")));
}

/* Reads events until one has that type. */
__attribute__((unused)) static struct vdestack_event wait_for_event(int fd, uint32_t type)
{
	struct vdestack_event e;

	do {
		if (vdestack_event_read(fd, &e, SOON_MS) != 1)
			FAIL("no event of type %u came", type);
	} while (e.type != type);
	return e;
}

/* Whether the stack has that address on an interface. */
__attribute__((unused)) static bool has_address(struct vdestack *stack, const char *addr)
{
	int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct sockaddr_in sa = address(addr, 0);
	bool there = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	close(fd);
	return there;
}

/*
 * The thread of the sources in the keeper or in this process: its voluntary context switches. -1: no thread.
 */
__attribute__((unused)) static long wakeups_of_sources(void)
{
	char path[64], line[256];
	pid_t pid = case_is_inprocess() ? getpid() : the_keeper();
	long n = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	CHECK(tasks != NULL);
	for (struct dirent *d; n < 0 && (d = readdir(tasks)) != NULL;) {
		bool mine = false;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)pid, d->d_name);
		FILE *f = fopen(path, "re");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			mine = mine || strcmp(line, "Name:\tvdestack-auto\n") == 0;
			if (mine && strncmp(line, "voluntary", 9) == 0)
				n = strtol(strchr(line, ':') + 1, NULL, 10);
		}
		if (f != NULL)
			(void)fclose(f);
	}
	closedir(tasks);
	return n;
}

#endif
