/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_GROUND_H
#define VDESTACK_TESTS_GROUND_H

/*
 * The ground of a run, for tests of the shim: a program with a filter, and a supervisor that counts what it
 * is asked. It is smaller than the one of `vdestack run`, and does less if a case wants that.
 */

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/ask.h"
#include "stacks.h"

struct ground {
	struct vdestack *stacks[4];
	size_t n_stacks;
	const char *rules; /* NULL: none */
	unsigned flags;    /* VS_ASK_DEBUG... */
	bool no_doors;     /* VS_ASK_DOOR fails */
	bool addresses;    /* bind(2), connect(2) and sendmsg(2) without the numbers fail, and are counted */
	int sockets, doors, runs, stray; /* what was asked; stray: calls without the numbers */
	const char *shim;                /* what is preloaded; NULL: the shim of the build */
	const char *out;                 /* file for the program's standard output; NULL: the case's */
};

#define GROUND_PASS0 0x1a2b3c4d5e6f7081u
#define GROUND_PASS1 0x1928374655647382u

#define GROUND_ARG(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#define GROUND_LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(at))
#define GROUND_IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), yes, no)
#define GROUND_RET(value) BPF_STMT(BPF_RET | BPF_K, value)

/* Installs the filter; returns the listener. */
static int ground_filter(bool addresses)
{
	struct sock_filter code[] = {
		GROUND_LOAD(offsetof(struct seccomp_data, nr)),
		GROUND_IF(SYS_socket, 4, 0),
		GROUND_IF(addresses ? SYS_bind : SYS_socket, 11, 0),
		GROUND_IF(addresses ? SYS_connect : SYS_socket, 10, 0),
		GROUND_IF(addresses ? SYS_sendmsg : SYS_socket, 9, 0),
		GROUND_RET(SECCOMP_RET_ALLOW),
		GROUND_LOAD(GROUND_ARG(0)), /* socket */
		GROUND_IF(AF_INET, 6, 0),
		GROUND_IF(AF_INET6, 5, 0),
		GROUND_IF(AF_PACKET, 4, 0),
		GROUND_IF(VS_ASK_FAMILY, 3, 0),
		GROUND_IF(AF_NETLINK, 0, 1),
		GROUND_LOAD(GROUND_ARG(2)),
		GROUND_IF(NETLINK_ROUTE, 0,
			  5), /* after AF_NETLINK: the protocol; else a family above 30 or AF_UNIX */
		GROUND_LOAD(GROUND_ARG(4)),
		GROUND_IF((uint32_t)GROUND_PASS0, 0, 2),
		GROUND_LOAD(GROUND_ARG(5)),
		GROUND_IF((uint32_t)GROUND_PASS1, 1, 0),
		GROUND_RET(SECCOMP_RET_USER_NOTIF),
		GROUND_RET(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return (int)MUST(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog));
}

static int ground_file(const struct ground *g)
{
	struct vs_ask_run head = { .version = VS_ASK_VERSION,
				   .flags = g->flags,
				   .pass = { GROUND_PASS0, GROUND_PASS1 },
				   .rules_len = g->rules != NULL ? (uint32_t)strlen(g->rules) : 0 };
	int fd = (int)MUST(memfd_create("run", MFD_CLOEXEC));

	CHECK_EQ(write(fd, &head, sizeof(head)), sizeof(head));
	CHECK_EQ(write(fd, g->rules, head.rules_len), head.rules_len);
	return fd;
}

/* What the supervisor gives for a call: a descriptor, or -errno. */
static int ground_answer(struct ground *g, const struct seccomp_data *data)
{
	const __u64 *a = data->args;
	int r = -EINVAL;

	if (data->nr != SYS_socket) {
		g->stray++;
		return -EPERM;
	}
	if ((int)a[0] != VS_ASK_FAMILY) {
		g->sockets++;
		r = vdestack_msocket(g->stacks[0], (int)a[0], (int)a[1], (int)a[2]);
	} else if (a[1] == VS_ASK_RUN) {
		g->runs++;
		return ground_file(g);
	} else if (a[1] == VS_ASK_DOOR && a[2] < g->n_stacks) {
		g->doors++;
		r = g->no_doors ? -1 : vdestack_pass(g->stacks[a[2]], 0);
		errno = g->no_doors ? ENOTSUP : errno;
	} else if (a[1] == VS_ASK_SOCKET && a[2] < g->n_stacks) {
		r = vdestack_msocket(g->stacks[a[2]], (int)a[3], (int)a[4], (int)a[5]);
	}
	return r < 0 ? -errno : r;
}

static void ground_serve_one(struct ground *g, int listener)
{
	struct seccomp_notif req = { 0 };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return; /* its caller was interrupted */
	int fd = ground_answer(g, &req.data);
	bool cloexec = (int)req.data.args[0] == VS_ASK_FAMILY || (req.data.args[1] & SOCK_CLOEXEC) != 0;
	struct seccomp_notif_addfd add = { .id = req.id,
					   .srcfd = (unsigned)fd,
					   .flags = SECCOMP_ADDFD_FLAG_SEND,
					   .newfd_flags = cloexec ? O_CLOEXEC : 0 };
	struct seccomp_notif_resp resp = { .id = req.id, .error = fd < 0 ? fd : 0 };
	if (fd >= 0 && ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0) {
		resp.error = -errno;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	} else if (fd < 0) {
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
	if (fd >= 0)
		close(fd);
}

static void ground_start_program(const struct ground *g, int control, char *const argv[])
{
	int listener = ground_filter(g->addresses);

	if (g->out != NULL) {
		int fd = (int)MUST(open(g->out, O_WRONLY | O_CREAT | O_TRUNC, 0600));
		MUST(dup2(fd, 1));
	}
	CHECK_EQ(write(control, &listener, sizeof(listener)), sizeof(listener));
	char c;
	CHECK_EQ(read(control, &c, 1), 1); /* the other side has it */
	close(listener);
	close(control);
	MUST(setenv("LD_PRELOAD", g->shim != NULL ? g->shim : SHIM_FILE, 1));
	(void)execvp(argv[0], argv);
	FAIL("%s: %s", argv[0], strerror(errno));
}

/* Runs the program until no process with the filter is left. Returns its wait status. */
__attribute__((unused)) static int ground_run(struct ground *g, char *const argv[])
{
	int pair[2], number, status;

	while (g->n_stacks < 4 && g->stacks[g->n_stacks] != NULL)
		g->n_stacks++;
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(pair[0]);
		ground_start_program(g, pair[1], argv);
	}
	close(pair[1]);
	CHECK_EQ(read(pair[0], &number, sizeof(number)), sizeof(number));
	int pidfd = (int)MUST(syscall(SYS_pidfd_open, pid, 0));
	int listener = (int)MUST(syscall(SYS_pidfd_getfd, pidfd, number, 0));
	close(pidfd);
	CHECK_EQ(write(pair[0], "x", 1), 1);
	close(pair[0]);
	for (;;) {
		struct pollfd p = { .fd = listener, .events = POLLIN };
		MUST(poll(&p, 1, -1));
		if (p.revents & POLLIN)
			ground_serve_one(g, listener);
		else if (p.revents & (POLLHUP | POLLERR))
			break;
	}
	close(listener);
	MUST(waitpid(pid, &status, 0));
	return status;
}

#endif
