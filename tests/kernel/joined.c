/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What segments between programs rely on (src/keeper/local.c): user_namespaces(7), ioctl_ns(2), veth(4),
 * unix(7), flock(2).
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "netlink.h"

/* ------------------------------------------------------------------ a process with namespaces */

static void send_two(int line, int a, int b)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { "x", 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	int fds[2] = { a, b };

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	MUST(sendmsg(line, &h, 0));
}

static void receive_two(int line, int fds[2])
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };

	CHECK_EQ(MUST(recvmsg(line, &h, MSG_CMSG_CLOEXEC)), 1);
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&h)), 2 * sizeof(int));
}

static int open_ns(const char *path)
{
	return (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
}

/* Makes both namespaces, and hands out descriptors. It cannot be traced, like a keeper. */
static pid_t start_first(int fds[2])
{
	int line[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(unshare(CLONE_NEWUSER | CLONE_NEWNET));
		MUST(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
		send_two(line[1], open_ns("/proc/self/ns/user"), open_ns("/proc/self/ns/net"));
		for (;;)
			pause();
	}
	receive_two(line[0], fds);
	close(line[0]);
	close(line[1]);
	return pid;
}

/* ------------------------------------------------------------------ veth across */

struct request {
	struct nlmsghdr head;
	struct ifinfomsg info;
	char space[256];
};

static int make_veth(int peer_ns)
{
	struct request r = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				       .nlmsg_type = RTM_NEWLINK,
				       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE |
						      NLM_F_EXCL } };
	struct ifinfomsg peer = { 0 };
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	int fd = (int)MUST(syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

	(void)put(&r.head, IFLA_IFNAME, "one", 4);
	struct rtattr *kind = put(&r.head, IFLA_LINKINFO, NULL, 0);
	(void)put(&r.head, IFLA_INFO_KIND, "veth", 4);
	struct rtattr *data = put(&r.head, IFLA_INFO_DATA, NULL, 0);
	struct rtattr *far = put(&r.head, VETH_INFO_PEER, &peer, sizeof(peer));
	(void)put(&r.head, IFLA_IFNAME, "two", 4);
	(void)put(&r.head, IFLA_NET_NS_FD, &peer_ns, sizeof(peer_ns));
	end_nest(&r.head, far);
	end_nest(&r.head, data);
	end_nest(&r.head, kind);
	MUST(send(fd, &r, r.head.nlmsg_len, 0));
	MUST(recv(fd, &answer, sizeof(answer), 0));
	close(fd);
	return answer.error.error;
}

static bool has_device(int ns, const char *name)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(setns(ns, CLONE_NEWNET));
		_exit(if_nametoindex(name) != 0 ? 0 : 1);
	}
	MUST(waitpid(pid, &status, 0));
	return status == 0;
}

/* The second process: in the user namespace of the first one, with a network namespace of its own. */
static void join_first(const int fds[2], int done)
{
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(setns(fds[0], CLONE_NEWUSER));
	MUST(unshare(CLONE_NEWNET));
	CHECK_EQ(make_veth(fds[1]), 0);
	CHECK(if_nametoindex("one") != 0);
	CHECK(has_device(fds[1], "two"));
	MUST(write(done, "x", 1));
	for (;;)
		pause();
}

static bool device_is_gone(void *arg)
{
	const int *fds = arg;
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(setns(fds[0], CLONE_NEWUSER));
		MUST(setns(fds[1], CLONE_NEWNET));
		_exit(if_nametoindex("two") != 0 ? 1 : 0);
	}
	MUST(waitpid(pid, &status, 0));
	return status == 0;
}

CASE_FLAGS(processes_of_one_user_join_their_namespaces_by_veth_in_the_user_namespace_of_one_of_them,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	int fds[2], done[2];
	char byte;
	pid_t first = start_first(fds);

	MUST(pipe2(done, O_CLOEXEC));
	pid_t second = (pid_t)MUST(fork());
	if (second == 0)
		join_first(fds, done[1]);
	CHECK_EQ(MUST(read(done[0], &byte, 1)), 1);
	CHECK(!device_is_gone(fds));
	MUST(kill(first, SIGKILL)); /* descriptors keep the namespaces */
	MUST(waitpid(first, NULL, 0));
	CHECK(!device_is_gone(fds));
	MUST(kill(second, SIGKILL)); /* with its namespace both ends of the pair go */
	MUST(waitpid(second, NULL, 0));
	CHECK(wait_until(device_is_gone, fds, 20000));
}

CASE_FLAGS(a_user_namespace_says_who_made_it_where, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	int fds[2];
	pid_t first = start_first(fds);
	struct stat a, b;
	uid_t owner = (uid_t)-1;
	int parent = (int)MUST(ioctl(fds[0], NS_GET_PARENT));
	int of_net = (int)MUST(ioctl(fds[1], NS_GET_USERNS));

	MUST(ioctl(fds[0], NS_GET_OWNER_UID, &owner));
	CHECK_EQ(owner, geteuid());
	MUST(fstat(parent, &a));
	MUST(stat("/proc/self/ns/user", &b));
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	MUST(fstat(of_net, &a));
	MUST(fstat(fds[0], &b));
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	MUST(kill(first, SIGKILL));
	MUST(waitpid(first, NULL, 0));
}

CASE(a_process_of_another_user_namespace_cannot_enter_a_sibling)
{
	int fds[2], status;
	pid_t first = start_first(fds);
	pid_t other = (pid_t)MUST(fork());

	if (other == 0) {
		MUST(unshare(CLONE_NEWUSER));
		CHECK_ERRNO(setns(fds[0], CLONE_NEWUSER), EPERM);
		CHECK_ERRNO(setns(fds[1], CLONE_NEWNET), EPERM);
		_exit(0);
	}
	MUST(waitpid(other, &status, 0));
	CHECK_EQ(status, 0);
	MUST(kill(first, SIGKILL));
	MUST(waitpid(first, NULL, 0));
}

/* ------------------------------------------------------------------ names, sockets, locks */

static void check_link(int fd, const char *begin, bool is)
{
	char path[64], text[100] = "";

	(void)snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	MUST(readlink(path, text, sizeof(text) - 1));
	CHECK_EQ(strncmp(text, begin, strlen(begin)) == 0, is);
}

CASE(the_kind_of_a_namespace_is_in_its_link_and_no_other_file_looks_like_it)
{
	int file = (int)MUST(memfd_create("net:[1]", MFD_CLOEXEC)), two[2];
	int named = (int)MUST(open(case_path("net:[1]"), O_CREAT | O_RDWR | O_CLOEXEC, 0600));

	MUST(pipe2(two, O_CLOEXEC));
	check_link(open_ns("/proc/self/ns/net"), "net:[", true);
	check_link(open_ns("/proc/self/ns/user"), "user:[", true);
	check_link(file, "net:[", false);
	check_link(named, "net:[", false);
	check_link(two[0], "net:[", false);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	int r = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

CASE(a_killed_process_leaves_a_socket_that_refuses_and_no_lock)
{
	const char *path = case_path("socket"), *lock = case_path("lock");
	int ready[2], mine = (int)MUST(open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	char byte;

	MUST(pipe2(ready, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
		MUST(bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
		MUST(flock((int)MUST(open(lock, O_RDWR | O_CLOEXEC)), LOCK_EX));
		MUST(write(ready[1], "x", 1));
		for (;;)
			pause();
	}
	CHECK_EQ(MUST(read(ready[0], &byte, 1)), 1);
	CHECK_EQ(connect_to(path), 0);
	CHECK_ERRNO(flock(mine, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
	CHECK_EQ(connect_to(path), -ECONNREFUSED);
	MUST(flock(mine, LOCK_EX | LOCK_NB));
	/* another open file of this process is another owner */
	CHECK_ERRNO(flock((int)MUST(open(lock, O_RDWR | O_CLOEXEC)), LOCK_EX | LOCK_NB), EWOULDBLOCK);
}
