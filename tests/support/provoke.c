/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A plugin of libvdeplug for tests: "provoke://CALL" makes that system call while the link is opened. If the
 * call returns an error, opening fails with that errno. If it succeeds, the result is a link on which no
 * frame arrives.
 */

#include <errno.h>
#include <fcntl.h>
#include <libvdeplug.h>
#include <libvdeplug_mod.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL(name, ...)                                                                                      \
	static long do_##name(void)                                                                          \
	{                                                                                                    \
		return syscall(SYS_##name, __VA_ARGS__);                                                     \
	}

static char *const no_words[] = { NULL };

CALL(execve, "/bin/true", no_words, no_words)
CALL(execveat, AT_FDCWD, "/bin/true", no_words, no_words, 0)
CALL(ptrace, 0x4206 /* PTRACE_SEIZE */, getppid(), 0, 0)
CALL(process_vm_readv, getpid(), NULL, 0, NULL, 0, 0)
CALL(process_vm_writev, getpid(), NULL, 0, NULL, 0, 0)
CALL(process_madvise, -1, NULL, 0, 0, 0)
CALL(kcmp, getpid(), getpid(), 0, 0, 0)
CALL(pidfd_getfd, -1, 0, 0)
CALL(mount, "none", "/tmp", "tmpfs", 0, NULL)
CALL(umount2, "/nowhere", 0)
CALL(pivot_root, "/", "/")
CALL(move_mount, -1, "", -1, "", 0)
CALL(open_tree, -1, "", 0)
CALL(fsopen, "tmpfs", 0)
CALL(fsconfig, -1, 0, NULL, NULL, 0)
CALL(fsmount, -1, 0, 0)
CALL(fspick, -1, "/", 0)
CALL(mount_setattr, -1, "", 0, NULL, 0)
CALL(open_by_handle_at, -1, NULL, 0)
CALL(init_module, "", 0, "")
CALL(finit_module, -1, "", 0)
CALL(delete_module, "nothing", 0)
CALL(kexec_load, 0, 0, NULL, 0)
CALL(bpf, 0, NULL, 0)
CALL(perf_event_open, NULL, 0, -1, -1, 0)
CALL(keyctl, KEYCTL_GET_KEYRING_ID, -3, 0)
CALL(add_key, "user", "a", "b", 1, -3)
CALL(request_key, "user", "a", NULL, -3)
CALL(userfaultfd, 1 /* UFFD_USER_MODE_ONLY */)
CALL(io_uring_setup, 1, NULL)
CALL(io_uring_enter, -1, 0, 0, 0, NULL, 0)
CALL(io_uring_register, -1, 0, NULL, 0)
CALL(reboot, 0, 0, 0, NULL)
CALL(swapon, "/nowhere", 0)
CALL(swapoff, "/nowhere")
CALL(acct, "/nowhere")
CALL(quotactl, 0, NULL, 0, NULL)
CALL(sethostname, "x", 1)
CALL(setdomainname, "x", 1)
CALL(vhangup, 0)
CALL(personality, READ_IMPLIES_EXEC)
CALL(settimeofday, NULL, NULL)
CALL(clock_settime, CLOCK_REALTIME, NULL)
CALL(clone3, NULL, 0)
#ifdef SYS_iopl
CALL(iopl, 3)
CALL(ioperm, 0x80, 1, 1)
#endif
#ifdef SYS_lookup_dcookie
CALL(lookup_dcookie, 0, NULL, 0)
#endif

/* ------------------------------------------------------------------ with arguments of their own */

static long unshares(int flags)
{
	return syscall(SYS_unshare, (long)flags);
}

static long do_unshare_user(void)
{
	return unshares(CLONE_NEWUSER);
}

static long do_unshare_mounts(void)
{
	return unshares(CLONE_NEWNET | CLONE_NEWNS);
}

static long do_unshare_pids(void)
{
	return unshares(CLONE_NEWPID);
}

static long do_unshare_tables(void)
{
	return unshares(CLONE_FS | CLONE_FILES);
}

static long enters(const char *file, int type)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	long r = syscall(SYS_setns, fd, type);

	close(fd);
	return r;
}

static long do_setns_user(void)
{
	return enters("/proc/self/ns/user", CLONE_NEWUSER);
}

static long do_setns_any(void)
{
	return enters("/proc/self/ns/net", 0);
}

static long do_setns_net(void)
{
	return enters("/proc/self/ns/net", CLONE_NEWNET);
}

/*
 * In the order of arguments that most architectures have. The flags are first on all architectures that the
 * tests run on.
 */
static long clones(unsigned long flags)
{
#ifdef __s390x__
	long pid = syscall(SYS_clone, NULL, flags, NULL, NULL, 0UL);
#else
	long pid = syscall(SYS_clone, flags, NULL, NULL, 0UL, NULL);
#endif

	if (pid == 0)
		_exit(0);
	return pid > 0 ? waitpid((pid_t)pid, NULL, __WALL) : pid;
}

static long do_clone_mounts(void)
{
	return clones(CLONE_NEWNS | SIGCHLD);
}

static long do_clone_user(void)
{
	return clones(CLONE_NEWUSER | SIGCHLD);
}

static long do_clone_process(void)
{
	return clones(SIGCHLD);
}

static long do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 ? waitpid(pid, NULL, 0) : pid;
}

static long do_system(void)
{
	return system("true") == 0 ? 0 : -1; /* NOLINT: this is what the test tries */
}

/* Succeeds if nothing in the keeper, uid 0 included, gets capabilities by an exec. */
static long do_securebits(void)
{
	const int wanted = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	errno = bits < 0 ? errno : EPERM;
	return (bits & wanted) == wanted ? 0 : -1;
}

static void *nothing(void *arg)
{
	return arg;
}

static long do_thread(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, nothing, NULL);

	if (err == 0)
		err = pthread_join(thread, NULL);
	errno = err;
	return err == 0 ? 0 : -1;
}

static long do_personality_ask(void)
{
	return syscall(SYS_personality, 0xffffffffUL);
}

#ifdef __x86_64__
/* getpid in the ways that 32-bit programs call it. */
static long do_i386(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "0"(20L) : "memory", "r8", "r9", "r10", "r11");
	errno = result < 0 ? (int)-result : 0;
	return result < 0 ? -1 : 0;
}

static long do_x32(void)
{
	return syscall(0x40000000L + SYS_getpid);
}
#endif

/* ------------------------------------------------------------------ the plugin */

#define KNOWN(name) { #name, do_##name }

static const struct {
	const char *name;
	long (*call)(void);
} known[] = {
	KNOWN(execve), KNOWN(execveat), KNOWN(ptrace), KNOWN(process_vm_readv), KNOWN(process_vm_writev),
	KNOWN(process_madvise), KNOWN(kcmp), KNOWN(pidfd_getfd), KNOWN(mount), KNOWN(umount2),
	KNOWN(pivot_root), KNOWN(move_mount), KNOWN(open_tree), KNOWN(fsopen), KNOWN(fsconfig),
	KNOWN(fsmount), KNOWN(fspick), KNOWN(mount_setattr), KNOWN(open_by_handle_at), KNOWN(init_module),
	KNOWN(finit_module), KNOWN(delete_module), KNOWN(kexec_load), KNOWN(bpf), KNOWN(perf_event_open),
	KNOWN(keyctl), KNOWN(add_key), KNOWN(request_key), KNOWN(userfaultfd), KNOWN(io_uring_setup),
	KNOWN(io_uring_enter), KNOWN(io_uring_register), KNOWN(reboot), KNOWN(swapon), KNOWN(swapoff),
	KNOWN(acct), KNOWN(quotactl), KNOWN(sethostname), KNOWN(setdomainname), KNOWN(vhangup),
	KNOWN(personality), KNOWN(settimeofday), KNOWN(clock_settime), KNOWN(clone3), KNOWN(unshare_user),
	KNOWN(unshare_mounts), KNOWN(unshare_pids), KNOWN(unshare_tables), KNOWN(setns_user),
	KNOWN(setns_any), KNOWN(setns_net), KNOWN(clone_mounts), KNOWN(clone_user), KNOWN(clone_process),
	KNOWN(fork), KNOWN(system), KNOWN(thread),
	KNOWN(personality_ask), KNOWN(securebits),
#ifdef SYS_iopl
	KNOWN(iopl), KNOWN(ioperm),
#endif
#ifdef SYS_lookup_dcookie
	KNOWN(lookup_dcookie),
#endif
#ifdef __x86_64__
	KNOWN(i386), KNOWN(x32),
#endif
};

struct silent {
	void *handle;
	struct vdeplug_module *module;
	int ends[2];
};

static VDECONN *silent_open(char *url, char *descr, int version, struct vde_open_args *args)
{
	struct silent *s;

	(void)descr, (void)version, (void)args;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(url, known[i].name) != 0)
			continue;
		if (known[i].call() < 0)
			return NULL;
		s = calloc(1, sizeof(*s));
		if (s == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->ends) < 0)
			return NULL;
		return (VDECONN *)s;
	}
	errno = ENXIO;
	return NULL;
}

static ssize_t silent_recv(VDECONN *conn, void *buf, size_t len, int flags)
{
	(void)flags;
	return read(((struct silent *)conn)->ends[0], buf, len);
}

static ssize_t silent_send(VDECONN *conn, const void *buf, size_t len, int flags)
{
	(void)conn, (void)buf, (void)flags;
	return (ssize_t)len;
}

static int silent_fd(VDECONN *conn)
{
	return ((struct silent *)conn)->ends[0];
}

static int silent_close(VDECONN *conn)
{
	struct silent *s = (struct silent *)conn;

	close(s->ends[0]);
	close(s->ends[1]);
	free(s);
	return 0;
}

struct vdeplug_module vdeplug_ops = {
	.vde_open_real = silent_open,
	.vde_recv = silent_recv,
	.vde_send = silent_send,
	.vde_datafd = silent_fd,
	.vde_ctlfd = silent_fd,
	.vde_close = silent_close,
};
