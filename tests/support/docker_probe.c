/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * docker_probe calls|stack|inprocess
 *
 * Run by docker_seccomp. Prints one line for each thing that it tries: its name and the result ("ok" or the
 * name of the errno), for a stack also the message and, if there is one, that two sockets of it reach each
 * other.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vdestack.h>

static void tell(const char *name, long result)
{
	(void)printf("%s %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno));
	(void)fflush(stdout);
}

/* In a child: the call may change the process. */
#define TRY(name, call)                                                                                      \
	do {                                                                                                 \
		pid_t child_ = fork();                                                                       \
		if (child_ == 0) {                                                                           \
			tell(name, (long)(call));                                                            \
			_exit(0);                                                                            \
		}                                                                                            \
		(void)waitpid(child_, NULL, 0);                                                              \
	} while (0)

static void *nothing(void *arg)
{
	return arg;
}

static long thread(void)
{
	pthread_t t;
	int err = pthread_create(&t, NULL, nothing, NULL);

	errno = err;
	return err != 0 ? -1 : pthread_join(t, NULL);
}

/* clone(2) as fork(2), with flags of namespaces. */
static long clone_with(unsigned flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

/* Not access(2), which asks for the rights of the user first. */
static long writable(const char *path)
{
	struct statvfs fs;
	bool is_readonly = statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;

	errno = EROFS;
	return is_readonly ? -1 : 0;
}

static void calls(void)
{
	struct perf_event_attr event = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(event) };

	TRY("unshare-user", unshare(CLONE_NEWUSER));
	TRY("unshare-net", unshare(CLONE_NEWNET));
	TRY("unshare-files", unshare(CLONE_FILES));
	TRY("clone-user", clone_with(CLONE_NEWUSER));
	TRY("clone-net", clone_with(CLONE_NEWNET));
	TRY("clone", clone_with(0));
	TRY("clone3", syscall(SYS_clone3, NULL, 0));
	TRY("setns", setns(-1, 0));
	TRY("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	TRY("umount", umount2("/proc/sys", MNT_DETACH));
	TRY("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	TRY("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0));
	TRY("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
	TRY("userfaultfd", syscall(SYS_userfaultfd, 1));
	TRY("io_uring_setup", syscall(SYS_io_uring_setup, 0, NULL));
	TRY("pidfd_getfd", syscall(SYS_pidfd_getfd, -1, 0, 0));
	TRY("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	TRY("socket-vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
	TRY("socket-inet", socket(AF_INET, SOCK_STREAM, 0));
	TRY("socket-packet", socket(AF_PACKET, SOCK_RAW, 0));
	TRY("tun", access("/dev/net/tun", F_OK));
	TRY("sysctl", writable("/proc/sys"));
	TRY("thread", thread());
}

/* A datagram from the stack's lo to itself. */
static long reach(struct vdestack *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	char c = 'x';
	int a = vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int b = vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (a < 0 || b < 0 || bind(a, (struct sockaddr *)&at, len) < 0 ||
	    getsockname(a, (struct sockaddr *)&at, &len) < 0 ||
	    sendto(b, &c, 1, 0, (struct sockaddr *)&at, len) != 1)
		return -1;
	return recv(a, &c, 1, 0);
}

static int stack(unsigned flags)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = flags };
	struct vdestack *s = vdestack_new("vnl=null:// ip=10.0.0.1/24", &opts);

	tell("stack", s != NULL ? 0 : -1);
	if (s == NULL) {
		(void)printf("message %s\n", vdestack_last_error());
		return 1;
	}
	tell("reach", reach(s));
	return vdestack_delete(s) < 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (strcmp(what, "stack") == 0)
		return stack(0);
	if (strcmp(what, "inprocess") == 0)
		return stack(VDESTACK_INPROCESS);
	if (strcmp(what, "calls") != 0)
		return 2;
	calls();
	return 0;
}
