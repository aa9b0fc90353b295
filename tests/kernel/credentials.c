/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which credentials a message carries, and which a sender may claim: unix(7), user_namespaces(7), prlimit(2).
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

#define OTHER 1234

union creds_control {
	char bytes[CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

/* Sends a byte with these credentials. Returns 0 or errno. */
static int send_as(int fd, pid_t pid, uid_t uid, gid_t gid)
{
	struct ucred claim = { pid, uid, gid };
	union creds_control control = { { 0 } };
	struct iovec iov = { (void *)"x", 1 };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(claim)), .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_CREDENTIALS };
	memcpy(CMSG_DATA(&control.align), &claim, sizeof(claim));
	return sendmsg(fd, &h, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static struct ucred received(int fd)
{
	struct ucred creds = { 0 };
	union creds_control control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	MUST(recvmsg(fd, &h, 0));
	CHECK(CMSG_FIRSTHDR(&h) != NULL && control.align.cmsg_type == SCM_CREDENTIALS);
	memcpy(&creds, CMSG_DATA(&control.align), sizeof(creds));
	return creds;
}

static void new_pair(int pair[2])
{
	int on = 1;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	MUST(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
}

static void in_child(void (*fn)(const int *pair), const int *pair)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		fn(pair);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

static void become(uid_t uid)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(uid, uid, uid));
	MUST(setresuid(uid, uid, uid));
}

static void drop_cap(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &head, data));
	data[cap / 32].effective &= ~(1U << (cap % 32));
	data[cap / 32].permitted &= ~(1U << (cap % 32));
	MUST(syscall(SYS_capset, &head, data));
}

/* ------------------------------------------------------------------ claims */

static pid_t thread_id;
static pthread_barrier_t barrier;

static void *tell_id(void *arg)
{
	(void)arg;
	thread_id = (pid_t)syscall(SYS_gettid);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

/* The keeper's proof of capabilities, also on threads of the program itself. */
CASE_ROOT(claiming_the_id_of_a_thread_needs_cap_sys_admin_even_in_its_process)
{
	pthread_t thread;
	int pair[2];

	new_pair(pair);
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, tell_id, NULL), 0);
	(void)pthread_barrier_wait(&barrier);
	CHECK(thread_id != getpid());
	CHECK_EQ(send_as(pair[1], thread_id, 0, 0), 0);
	CHECK_EQ(received(pair[0]).pid, thread_id);
	drop_cap(CAP_SYS_ADMIN);
	CHECK_EQ(send_as(pair[1], thread_id, 0, 0), EPERM);
	CHECK_EQ(send_as(pair[1], getpid(), 0, 0), 0);
	(void)pthread_barrier_wait(&barrier);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void claim_other_ids(const int *pair)
{
	become(OTHER);
	CHECK_EQ(send_as(pair[1], getpid(), 0, OTHER), EPERM);
	CHECK_EQ(send_as(pair[1], getpid(), OTHER, 0), EPERM);
	CHECK_EQ(send_as(pair[1], getpid(), OTHER, OTHER), 0);
}

CASE_ROOT(only_own_ids_can_be_claimed_without_capabilities)
{
	int pair[2];

	new_pair(pair);
	in_child(claim_other_ids, pair);
	CHECK_EQ(received(pair[0]).uid, OTHER);
}

static void claim_in_new_pid_ns(const int *pair)
{
	CHECK_EQ(getpid(), 1);
	CHECK_EQ(send_as(pair[1], 1, 0, 0), 0);          /* itself */
	CHECK_EQ(send_as(pair[1], 30000, 0, 0), ESRCH); /* an id that is not mapped there */
}

/* The leak sanitizer starts a task at the end, which goes to the new namespace. */
CASE_FLAGS(in_a_new_pid_namespace_processes_outside_cannot_be_claimed, CASE_F_ROOT | CASE_F_NO_SANITIZER)
{
	int pair[2];

	new_pair(pair);
	MUST(unshare(CLONE_NEWPID));
	in_child(claim_in_new_pid_ns, pair);
	CHECK(received(pair[0]).pid > 1); /* translated */
}

/* ------------------------------------------------------------------ who made a pair */

static void look_at_maker(const int *pair)
{
	struct ucred maker;
	socklen_t len = sizeof(maker);

	for (int i = 0; i < 2; i++) {
		MUST(getsockopt(pair[i], SOL_SOCKET, SO_PEERCRED, &maker, &len));
		CHECK_EQ(maker.pid, getppid());
	}
}

CASE(both_ends_of_a_socket_pair_report_the_process_that_made_it)
{
	int pair[2];

	new_pair(pair);
	in_child(look_at_maker, pair);
}

/* ------------------------------------------------------------------ ids without a number */

static bool can_see_limits(pid_t pid)
{
	struct rlimit limit;

	return prlimit(pid, RLIMIT_CORE, NULL, &limit) == 0;
}

/* A process with these ids that lives until the socket is closed. */
static pid_t stand_in(uid_t ruid, uid_t euid, gid_t rgid, gid_t egid, int *until)
{
	int pair[2];
	char byte;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(pair[0]);
		MUST(setgroups(0, NULL));
		MUST(setresgid(rgid, egid, egid));
		MUST(setresuid(ruid, euid, euid));
		MUST(send(pair[1], "x", 1, 0));
		(void)!recv(pair[1], &byte, 1, 0);
		_exit(0);
	}
	close(pair[1]);
	CHECK_EQ(recv(pair[0], &byte, 1, 0), 1);
	*until = pair[0];
	return pid;
}

/* How the keeper compares ids that its user namespace does not map. */
CASE_FLAGS(prlimit_compares_all_ids_across_a_user_namespace_without_maps, CASE_F_ROOT | CASE_F_USERNS)
{
	int until[5];
	pid_t same = stand_in(0, 0, 0, 0, &until[0]), uid = stand_in(OTHER, OTHER, 0, 0, &until[1]),
	      gid = stand_in(0, 0, OTHER, OTHER, &until[2]), set_uid = stand_in(OTHER, 0, 0, 0, &until[3]),
	      set_gid = stand_in(0, 0, OTHER, 0, &until[4]);

	MUST(unshare(CLONE_NEWUSER));
	CHECK_EQ(getuid(), 65534);
	CHECK(can_see_limits(same));
	CHECK(!can_see_limits(uid));
	CHECK(!can_see_limits(gid));
	CHECK(!can_see_limits(set_uid)); /* as the ids of a set-user-ID program are when it starts */
	CHECK(!can_see_limits(set_gid));
}

CASE_FLAGS(ids_that_are_not_mapped_look_alike, CASE_F_ROOT | CASE_F_USERNS)
{
	int pair[2];
	struct ucred creds;

	new_pair(pair);
	in_child(claim_other_ids, pair);
	MUST(unshare(CLONE_NEWUSER));
	creds = received(pair[0]);
	CHECK_EQ(creds.uid, 65534);
	CHECK_EQ(geteuid(), 65534);
}

/* ------------------------------------------------------------------ exec and capabilities */

static void exec_with_few(bool no_new_privs)
{
	char line[64];
	int pipes[2], status;

	MUST(pipe2(pipes, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		drop_cap(CAP_DAC_OVERRIDE);
		if (no_new_privs)
			MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		MUST(dup2(pipes[1], 1));
		execlp("grep", "grep", "CapPrm", "/proc/self/status", (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	ssize_t n = read(pipes[0], line, sizeof(line) - 1);
	close(pipes[0]);
	MUST(waitpid(pid, &status, 0));
	CHECK(n > 8 && status == 0);
	line[n] = '\0';
	CHECK_EQ(strtoull(line + 8, NULL, 16) >> CAP_DAC_OVERRIDE & 1, no_new_privs ? 0 : 1);
}

/* So a keeper is executed with no_new_privs: it must not have more rights than the program that starts it. */
CASE_ROOT(exec_restores_the_capabilities_of_uid_0_unless_no_new_privs_is_set)
{
	exec_with_few(false);
	exec_with_few(true);
}
