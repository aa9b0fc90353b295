/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Namespaces, their devices and their sockets: namespaces(7), user_namespaces(7), veth(4), tun.txt. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "namespace.h"
#include "netlink.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

/* All rights over network namespaces: as root, or as an ordinary user in a user namespace. */
static void become_able(void)
{
	if (case_is_root())
		return;
	MUST(unshare(CLONE_NEWUSER));
}

static ino_t netns_here(void)
{
	struct stat st;

	MUST(stat("/proc/thread-self/ns/net", &st));
	return st.st_ino;
}

static ino_t netns_of_socket(int fd)
{
	struct stat st;
	int ns = (int)MUST(ioctl(fd, SIOCGSKNS));

	MUST(fstat(ns, &st));
	close(ns);
	return st.st_ino;
}

static int control_socket(void)
{
	return (int)MUST(syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static bool device_exists(const char *name)
{
	struct ifreq ifr = { 0 };
	int s = control_socket();

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	bool there = ioctl(s, SIOCGIFINDEX, &ifr) == 0;
	close(s);
	return there;
}

static void device_up(const char *name)
{
	struct ifreq ifr = { 0 };
	int s = control_socket();

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	MUST(ioctl(s, SIOCGIFFLAGS, &ifr));
	ifr.ifr_flags |= IFF_UP;
	MUST(ioctl(s, SIOCSIFFLAGS, &ifr));
	close(s);
}

/* ------------------------------------------------------------------ threads and user namespaces */

static pthread_barrier_t meet;

static void *idle(void *arg)
{
	(void)pthread_barrier_wait(&meet);
	return arg;
}

static bool can_make_user_namespace(void *arg)
{
	(void)arg;
	return unshare(CLONE_NEWUSER) == 0;
}

CASE_FLAGS(a_process_with_threads_cannot_make_a_user_namespace, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	pthread_t thread;

	CHECK_EQ(pthread_barrier_init(&meet, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, idle, NULL), 0);
	CHECK_ERRNO(unshare(CLONE_NEWUSER), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, NULL, NULL,
			    NULL, NULL),
		    EINVAL);
	(void)pthread_barrier_wait(&meet);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* without other threads it can, once the thread has ended */
	CHECK(wait_until(can_make_user_namespace, NULL, 5000));
}

static ino_t made;

static void *make_netns(void *arg)
{
	MUST(unshare(CLONE_NEWNET));
	made = netns_here();
	return arg;
}

CASE(a_thread_can_have_a_network_namespace_of_its_own)
{
	pthread_t thread;

	become_able();
	ino_t mine = netns_here();
	CHECK_EQ(pthread_create(&thread, NULL, make_netns, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(made != mine);
	CHECK_EQ(netns_here(), mine);
}

CASE_USER(an_ordinary_user_cannot_make_a_network_namespace_alone)
{
	CHECK_ERRNO(unshare(CLONE_NEWNET), EPERM);
}

/* uid_map may contain only the writer's own id, unless that is uid 0 without CAP_SETFCAP. */
CASE_USER(an_ordinary_user_can_map_itself_to_itself)
{
	char line[64];
	unsigned uid = geteuid();

	MUST(unshare(CLONE_NEWUSER));
	CHECK(geteuid() != uid);
	(void)snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	write_text("/proc/self/uid_map", line);
	CHECK_EQ(geteuid(), uid);
}

/* ------------------------------------------------------------------ sockets */

static int handed_out[2];

static void *make_sockets(void *arg)
{
	MUST(unshare(CLONE_NEWNET));
	device_up("lo");
	made = netns_here();
	for (int i = 0; i < 2; i++)
		handed_out[i] = (int)MUST(syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	return arg;
}

CASE(a_socket_belongs_to_the_namespace_it_was_made_in_and_outlives_its_last_thread)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	pthread_t thread;
	char buf[8];

	become_able();
	CHECK_EQ(pthread_create(&thread, NULL, make_sockets, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* the thread has ended: no task is in that namespace */
	CHECK_EQ(netns_of_socket(handed_out[0]), made);
	CHECK(netns_here() != made);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(handed_out[0], (struct sockaddr *)&sin, sizeof(sin)));
	MUST(getsockname(handed_out[0], (struct sockaddr *)&sin, &len));
	CHECK_EQ(sendto(handed_out[1], "hello", 5, 0, (struct sockaddr *)&sin, sizeof(sin)), 5);
	CHECK(wait_readable(handed_out[0], 5000));
	CHECK_EQ(recv(handed_out[0], buf, sizeof(buf), 0), 5);
}

static int netlink_inside;

static void *make_netlink(void *arg)
{
	MUST(unshare(CLONE_NEWNET));
	netlink_inside = (int)MUST(syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	return arg;
}

/* Sends a request about a link. Returns the kernel's answer, 0 or -errno. */
static int ask_link(int netlink, struct nlmsghdr *request)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char more[1024];
	} reply;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	MUST(send(netlink, request, request->nlmsg_len, 0));
	CHECK(wait_readable(netlink, 5000));
	CHECK(MUST(recv(netlink, &reply, sizeof(reply), 0)) >=
	      (ssize_t)(sizeof(reply.head) + sizeof(reply.err)));
	CHECK_EQ(reply.head.nlmsg_type, NLMSG_ERROR);
	return reply.err.error;
}

struct link_request {
	struct nlmsghdr head;
	struct ifinfomsg info;
	char attributes[512];
};

/* Sets lo up by a netlink socket of a namespace, from a thread in another one. */
/* A process in a user and a network namespace of its own, which has sent a socket of it and waits. */
static pid_t start_keeper(int *socket_of_it)
{
	char map[64], byte = 0;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(unshare(CLONE_NEWUSER | CLONE_NEWNET));
		(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		write_text("/proc/self/uid_map", map);
		write_text("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		write_text("/proc/self/gid_map", map);
		int fd = control_socket();
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		MUST(sendmsg(ends[1], &h, 0));
		for (;;)
			pause();
	}
	CHECK_EQ(MUST(recvmsg(ends[0], &h, MSG_CMSG_CLOEXEC)), 1);
	memcpy(socket_of_it, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(*socket_of_it));
	close(ends[0]);
	close(ends[1]);
	return pid;
}

/* What `vdestack run` does for an ordinary user: src/tools/run_names.c. */
CASE_USER(the_owner_of_a_user_namespace_finds_and_enters_it_by_a_socket_and_reads_who_is_in_it)
{
	int fd, ready[2];
	char byte, there = 'x', here = 0;
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(80) };
	uid_t uid = geteuid();
	pid_t keeper = start_keeper(&fd);
	int netns = (int)MUST(ioctl(fd, SIOCGSKNS)), userns = (int)MUST(ioctl(netns, NS_GET_USERNS));

	MUST(pipe2(ready, O_CLOEXEC));
	pid_t inside = (pid_t)MUST(fork());
	if (inside == 0) {
		MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		MUST(setns(userns, CLONE_NEWUSER));
		MUST(unshare(CLONE_NEWNS));
		CHECK_EQ(geteuid(), uid);
		/* The right to the port comes from a capability there, and from being the owner here. */
		MUST(bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
		MUST(write(ready[1], "r", 1));
		for (;;)
			pause();
	}
	CHECK_EQ(MUST(read(ready[0], &byte, 1)), 1);
	struct iovec local = { &here, 1 }, remote = { &there, 1 };
	CHECK_EQ(MUST(process_vm_readv(inside, &local, 1, &remote, 1, 0)), 1);
	CHECK_EQ(here, 'x');
	int pidfd = (int)MUST(syscall(SYS_pidfd_open, inside, 0));
	close((int)MUST(syscall(SYS_pidfd_getfd, pidfd, fd, 0)));
	MUST(kill(inside, SIGKILL));
	MUST(kill(keeper, SIGKILL));
	MUST(waitpid(inside, NULL, 0));
	MUST(waitpid(keeper, NULL, 0));
	close(pidfd);
	close(userns);
	close(netns);
	close(fd);
}

CASE(a_netlink_socket_made_inside_can_be_driven_from_outside)
{
	struct link_request r = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.info)),
					    .nlmsg_type = RTM_NEWLINK },
				  .info = { .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP } };
	pthread_t thread;

	become_able();
	CHECK_EQ(pthread_create(&thread, NULL, make_netlink, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(ask_link(netlink_inside, &r.head), 0);
}

/* ------------------------------------------------------------------ devices */

static int tun_fd;
static bool inside;

static void *open_tun_inside(void *arg)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	MUST(unshare(CLONE_NEWNET));
	if (tun_fd < 0)
		tun_fd = (int)MUST(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "probe0");
	MUST(ioctl(tun_fd, TUNSETIFF, &ifr));
	inside = device_exists("probe0");
	return arg;
}

/* The namespace of the open counts, not that of the ioctl. */
CASE(a_tap_appears_in_the_namespace_of_the_task_that_opened_the_device)
{
	pthread_t thread;

	case_need_tun();
	become_able();
	MUST(unshare(CLONE_NEWNET));
	tun_fd = (int)MUST(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
	CHECK_EQ(pthread_create(&thread, NULL, open_tun_inside, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(!inside);
	CHECK(device_exists("probe0"));
	close(tun_fd);

	tun_fd = -1;
	CHECK_EQ(pthread_create(&thread, NULL, open_tun_inside, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(inside);
	CHECK(!device_exists("probe0"));
}

static int make_veth(int netlink, unsigned flags)
{
	struct link_request r = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.info)),
					    .nlmsg_type = RTM_NEWLINK,
					    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL } };
	struct ifinfomsg peer = { .ifi_flags = flags, .ifi_change = flags };

	(void)put(&r.head, IFLA_IFNAME, "one", 4);
	struct rtattr *kind = put(&r.head, IFLA_LINKINFO, NULL, 0);
	(void)put(&r.head, IFLA_INFO_KIND, "veth", 4);
	struct rtattr *data = put(&r.head, IFLA_INFO_DATA, NULL, 0);
	struct rtattr *far = put(&r.head, VETH_INFO_PEER, &peer, sizeof(peer));
	(void)put(&r.head, IFLA_IFNAME, "two", 4);
	end_nest(&r.head, far);
	end_nest(&r.head, data);
	end_nest(&r.head, kind);
	return ask_link(netlink, &r.head);
}

CASE(a_veth_cannot_be_created_up_before_it_has_both_ends)
{
	become_able();
	MUST(unshare(CLONE_NEWNET));
	int netlink = (int)MUST(syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	CHECK_EQ(make_veth(netlink, IFF_UP), -ENOTCONN);
	CHECK(!device_exists("one"));
	CHECK_EQ(make_veth(netlink, 0), 0);
	device_up("two"); /* afterwards it can */
	device_up("one");
}

CASE(deleting_one_end_of_a_veth_deletes_both)
{
	struct link_request r = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.info)),
					    .nlmsg_type = RTM_DELLINK } };

	become_able();
	MUST(unshare(CLONE_NEWNET));
	int netlink = (int)MUST(syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	CHECK_EQ(make_veth(netlink, 0), 0);
	(void)put(&r.head, IFLA_IFNAME, "two", 4);
	CHECK_EQ(ask_link(netlink, &r.head), 0);
	CHECK(!device_exists("one"));
}
