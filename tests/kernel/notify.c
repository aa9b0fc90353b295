/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notifications of seccomp filters, as `vdestack run` uses them: seccomp_unotify(2). */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define LIMIT_MS 10000
#define FAMILY 0x7644 /* one that no kernel has */
#define PASS 0x80001234

/* Notifies socket(2) with FAMILY, unless the fifth argument is PASS. Returns the listener. */
static int install(unsigned long flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PASS, 3, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FAMILY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags,
			    &program);
}

/* A child with the filter, which runs `body` and exits with 0. *listener is here alone. */
static pid_t child(unsigned long flags, void (*body)(void), int *listener)
{
	int ends[2];
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		int fd = (int)MUST(install(flags));
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		MUST(sendmsg(ends[1], &h, 0));
		close(fd);
		close(ends[0]);
		close(ends[1]);
		body();
		_exit(0);
	}
	close(ends[1]);
	CHECK_EQ(MUST(recvmsg(ends[0], &h, MSG_CMSG_CLOEXEC)), 1);
	CHECK(CMSG_FIRSTHDR(&h) != NULL);
	memcpy(listener, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(*listener));
	close(ends[0]);
	return pid;
}

static void end(pid_t pid)
{
	int status = -1;

	CHECK_EQ(MUST(waitpid(pid, &status, 0)), pid);
	CHECK_EQ(status, 0);
}

static struct seccomp_notif receive(int listener)
{
	struct seccomp_notif n = { 0 };

	CHECK(wait_readable(listener, LIMIT_MS));
	MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n));
	return n;
}

static int give(int listener, uint64_t id, int fd)
{
	struct seccomp_notif_addfd add = { .id = id,
					   .flags = SECCOMP_ADDFD_FLAG_SEND,
					   .srcfd = (uint32_t)fd };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
}

static int answer(int listener, uint64_t id, int error, long value)
{
	struct seccomp_notif_resp r = { .id = id, .val = value, .error = error };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ answers */

static void gets_null_device(void)
{
	int lowest = dup(0);

	close(lowest);
	int fd = socket(FAMILY, 0, 0);
	CHECK_EQ(fd, lowest);
	CHECK_EQ(write(fd, "x", 1), 1);
}

CASE(a_call_is_answered_with_a_descriptor_in_one_step)
{
	int listener, null = (int)MUST(open("/dev/null", O_WRONLY | O_CLOEXEC));
	pid_t pid = child(0, gets_null_device, &listener);
	struct seccomp_notif n = receive(listener);

	CHECK_EQ(give(listener, n.id, null), 0);
	CHECK_EQ(answer(listener, n.id, -EPERM, 0), -ENOENT); /* it has been answered */
	end(pid);
}

CASE(a_notification_that_does_not_exist_is_reported_as_enoent)
{
	int listener;
	pid_t pid = child(0, gets_null_device, &listener);
	struct seccomp_notif n = receive(listener);

	CHECK_EQ(give(listener, n.id + 1000, listener), -ENOENT);
	CHECK_EQ(give(listener, n.id, (int)MUST(open("/dev/null", O_WRONLY | O_CLOEXEC))), 0);
	end(pid);
}

static void has_a_full_table(void)
{
	struct rlimit none = { 0, 0 };

	MUST(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_ERRNO(socket(FAMILY, 0, 0), EMFILE);
}

CASE(a_call_whose_table_is_full_can_be_answered_with_an_error)
{
	int listener;
	pid_t pid = child(0, has_a_full_table, &listener);
	struct seccomp_notif n = receive(listener);

	CHECK_EQ(give(listener, n.id, listener), -EMFILE);
	CHECK_EQ(answer(listener, n.id, -EMFILE, 0), 0);
	end(pid);
}

static void gets_enosys(void)
{
	CHECK_ERRNO(socket(FAMILY, 0, 0), ENOSYS);
	CHECK_ERRNO(socket(FAMILY, 0, 0), ENOSYS);
}

CASE(without_its_listener_a_call_fails_with_enosys)
{
	int listener;
	pid_t pid = child(0, gets_enosys, &listener);

	(void)receive(listener); /* one waits, the other comes later */
	close(listener);
	end(pid);
}

static void passes_by(void)
{
	CHECK_EQ(syscall(SYS_socket, FAMILY, 0, 0, 0, PASS, 0), -1);
	CHECK_EQ(errno, EAFNOSUPPORT);
	int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, PASS, 0);
	CHECK(fd >= 0);
}

CASE(arguments_that_a_call_does_not_have_reach_the_filter_and_not_the_call)
{
	int listener;
	pid_t pid = child(0, passes_by, &listener);

	end(pid);
}

/* ------------------------------------------------------------------ life */

static void leaves_a_child(void)
{
	if (MUST(fork()) == 0)
		(void)socket(FAMILY, 0, 0);
}

CASE(a_listener_hangs_up_when_the_last_process_with_the_filter_has_ended)
{
	int listener;
	pid_t pid = child(0, leaves_a_child, &listener);
	struct seccomp_notif n = receive(listener); /* of the grandchild */
	struct pollfd p = { .fd = listener, .events = POLLIN };

	end(pid);
	CHECK_EQ(poll(&p, 1, 100), 0); /* it still waits, so no hang-up */
	CHECK_EQ(answer(listener, n.id, 0, 0), 0);
	CHECK_EQ(MUST(poll(&p, 1, LIMIT_MS)), 1);
	CHECK_EQ(p.revents, POLLHUP);
}

static void executes(void)
{
	execl("/proc/self/exe", "kernel_notify", "the_filter_stays_across_exec", NULL);
}

CASE(the_filter_stays_across_exec)
{
	int listener, null = (int)MUST(open("/dev/null", O_WRONLY | O_CLOEXEC));

	if (getenv("NOTIFY_AGAIN") != NULL) {
		gets_null_device();
		return;
	}
	MUST(setenv("NOTIFY_AGAIN", "1", 1));
	pid_t pid = child(0, executes, &listener);
	struct seccomp_notif n = receive(listener);
	CHECK_EQ(give(listener, n.id, null), 0);
	end(pid);
}

static char *shared_buffer; /* at the same address in the child, and private to it */

static void asks_with_memory(void)
{
	(void)strcpy(shared_buffer, "question");
	CHECK_EQ(syscall(SYS_socket, FAMILY, shared_buffer, 0, 0, 0, 0), 0);
	CHECK_STR(shared_buffer, "answer");
}

/* src/preload/interfaces.c */
CASE(the_memory_of_a_caller_is_reached_by_proc_as_long_as_it_lives)
{
	char path[64], text[16] = "";
	int listener;

	shared_buffer = calloc(1, 16);
	pid_t pid = child(0, asks_with_memory, &listener);
	struct seccomp_notif n = receive(listener);
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int mem = (int)MUST(open(path, O_RDWR | O_CLOEXEC));
	CHECK_EQ(MUST(pread(mem, text, 9, (off_t)n.data.args[1])), 9);
	CHECK_STR(text, "question");
	CHECK_EQ(MUST(pwrite(mem, "answer", 7, (off_t)n.data.args[1])), 7);
	CHECK(pread(mem, text, 1, 1) < 0);
	MUST(answer(listener, n.id, 0, 0));
	end(pid);
	/* The descriptor stands for the memory, not for the number of the process. */
	CHECK(pwrite(mem, "answer", 7, (off_t)n.data.args[1]) <= 0);
	close(mem);
	close(listener);
	free(shared_buffer);
}

CASE(a_second_listener_is_refused)
{
	MUST(install(0));
	CHECK_ERRNO(install(0), EBUSY);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void is_interrupted_all_the_time(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } };

	MUST(sigaction(SIGALRM, &sa, NULL));
	MUST(setitimer(ITIMER_REAL, &every, NULL));
	int fd;
	while ((fd = socket(FAMILY, 0, 0)) < 0)
		CHECK_EQ(errno, EINTR); /* before it was received */
	CHECK_EQ(write(fd, "x", 1), 1);
}

CASE(a_call_that_was_received_is_not_interrupted_by_signals)
{
	int listener, null = (int)MUST(open("/dev/null", O_WRONLY | O_CLOEXEC));
	pid_t pid = child(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, is_interrupted_all_the_time, &listener);
	struct seccomp_notif n = { 0 };

	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
		CHECK_EQ(errno, ENOENT);
	sleep_ms(50); /* many signals come */
	CHECK_EQ(give(listener, n.id, null), 0);
	end(pid);
}

CASE(a_killed_caller_takes_no_descriptor)
{
	int listener;
	pid_t pid = child(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, gets_enosys, &listener);
	struct seccomp_notif n = receive(listener);

	MUST(kill(pid, SIGKILL));
	CHECK_EQ(MUST(waitpid(pid, NULL, 0)), pid);
	CHECK_EQ(give(listener, n.id, listener), -ENOENT);
}
