/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the keeper becomes independent of the program.
 *
 * It starts with the credentials, limits, directory and environment of the program, and with no descriptors
 * but its own. Then it gets, in stages:
 *
 *  1. a name, a session and a directory of its own;
 *  2. a user namespace of its own, unless it has the needed capabilities where it is; or, for local://
 *     segments, the one that the programs of its user share (local.c);
 *  3. no capabilities but those that making stacks takes.
 *
 * The kernel makes the namespace of the first stack meanwhile. The networking thread of that stack starts
 * after the second stage, so it has to give up its capabilities itself. It does so before it can get a
 * request.
 *
 * Afterwards it cannot gain capabilities: by no_new_privs, and by a bounding set that has only its own. No
 * other process of the same user may trace it.
 *
 * The user namespace maps one user and one group, each to the same number. That is what an unprivileged
 * process may do, and owners of files and sockets have the same numbers on both sides. Only the user "nobody"
 * has another number inside.
 */

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "base/caps.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "wire/fdmsg.h"
#include "wire/roles.h"

/* SYS_ADMIN makes and enters namespaces; the others configure them and open raw sockets. */
#define CAPS_NEEDED                                                                                          \
	(VS_CAP(CAP_SYS_ADMIN) | VS_CAP(CAP_NET_ADMIN) | VS_CAP(CAP_NET_RAW) |                               \
	 VS_CAP(CAP_NET_BIND_SERVICE) | VS_CAP(CAP_SYS_CHROOT))
/* Without these the keeper cannot work in the program's own user namespace. */
#define CAPS_PRIVILEGED (VS_CAP(CAP_SYS_ADMIN) | VS_CAP(CAP_NET_ADMIN) | VS_CAP(CAP_NET_RAW))

static void ignore_signal(int sig)
{
	(void)sig;
}

/*
 * The keeper ends when its last user has ended, and for no other reason. Signals to a whole process group or
 * control group, as at an orderly shutdown, must not end the network while the program still uses it. There
 * are handlers instead of SIG_IGN, because a process that a plugin executes would inherit SIG_IGN. They are
 * without SA_RESTART, so a thread that waits in a plugin can be interrupted.
 */
static void settle_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,  SIGABRT, SIGSYS, SIGTRAP,
				     SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGURG, SIGWINCH };
	struct sigaction action = { .sa_handler = ignore_signal };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &action, NULL); /* EINVAL for those that cannot be handled */
	action.sa_handler = SIG_DFL;
	for (size_t i = 0; i < VS_COUNT(fatal); i++)
		(void)sigaction(fatal[i], &action, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Descriptors 0 to 2 must be something harmless, because plugins write to them. */
static void fill_standard_descriptors(void)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			fd = open("/", O_PATH | O_DIRECTORY); /* no /dev here */
		if (fd < 0 || fd > 2) {
			vs_close(fd);
			return;
		}
	}
}

int vs_isolate_process(void)
{
	(void)prctl(PR_SET_NAME, VS_KEEPER_NAME);
	(void)!chdir("/"); /* the program's directory must not stay in use; requests that need it carry it */
	fill_standard_descriptors();
	settle_signals();
	return 0;
}

/* 1: it has all of them, 0: not; else -errno. */
static int has_capabilities(uint64_t caps)
{
	uint64_t effective = 0;
	int r = vs_caps_effective(&effective);

	return r < 0 ? r : (effective & caps) == caps;
}

static int write_file(const char *path, const char *text)
{
	VS_AUTO_CLOSE fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n;

	do {
		n = write(fd, text, strlen(text));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/*
 * Maps the id to itself, but the overflow id to 1. Mapped to itself, it could not be distinguished from the
 * ids that are not mapped.
 */
static int write_map(const char *path, unsigned id, bool group)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "%u %u 1\n", vs_auth_is_overflow(id, group) ? 1 : id, id);
	return write_file(path, line);
}

static int new_user_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER) < 0) {
		int err = errno;
		return vs_fail(err, "cannot make a user namespace: %s",
			       vs_cause_text(vs_diagnose_userns(err, ""), err));
	}
	/*
	 * If /proc cannot be written, nothing is mapped. Nor is it for uid 0 without CAP_SETFCAP (EPERM), see
	 * user_namespaces(7). Then the keeper works as "nobody", which makes no difference for sockets and
	 * files.
	 */
	int r = write_file("/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_map("/proc/self/uid_map", uid, false);
	if (r == 0)
		r = write_map("/proc/self/gid_map", gid, true);
	if (r == 0 || r == -ENOENT || r == -EROFS || (r == -EPERM && uid == 0))
		return 0;
	return vs_fail(-r, "cannot map the user into its namespace: %s; check that /proc is the real one",
		       strerror(-r));
}

static int join_user_namespace(int adopt)
{
	struct stat mine, its;

	VS_AUTO_CLOSE user = ioctl(adopt, NS_GET_USERNS);
	if (user < 0)
		return vs_fail(errno,
			       "cannot adopt the network namespace: its owner is out of reach (%s); only "
			       "namespaces of this program's user can be adopted",
			       strerror(errno));
	if (stat("/proc/self/ns/user", &mine) == 0 && fstat(user, &its) == 0 && mine.st_ino == its.st_ino &&
	    mine.st_dev == its.st_dev)
		return 0;
	if (setns(user, CLONE_NEWUSER) < 0)
		return vs_fail(errno,
			       "cannot adopt the network namespace: entering its user namespace failed (%s); "
			       "only namespaces of this program's user can be adopted",
			       strerror(errno));
	return 0;
}

int vs_isolate_user(int adopt, bool *privileged)
{
	/*
	 * The capabilities are of use only if senders of requests can prove that they have them, see auth.c.
	 */
	int r = has_capabilities(CAPS_PRIVILEGED);

	if (r > 0)
		r = vs_can_claim_pid();
	if (r < 0)
		return vs_fail(-r, "cannot start the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	*privileged = r > 0;
	if (adopt >= 0) {
		if (*privileged)
			return 0;
		return join_user_namespace(adopt);
	}
	return *privileged ? 0 : new_user_namespace();
}

int vs_isolate_thread(bool privileged)
{
	/* In the program's own user namespace the links are opened with the program's rights to files. */
	uint64_t keep = CAPS_NEEDED | (privileged ? VS_CAPS_FILES : 0);

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	vs_caps_bound(keep);
	(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
					       SECBIT_NO_CAP_AMBIENT_RAISE |
					       SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
	int r = vs_caps_only(keep);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	return r < 0 ? vs_fail(-r, "cannot give up the keeper's privileges: %s", strerror(-r)) : 0;
}

int vs_isolate_capabilities(bool privileged)
{
	int r = vs_isolate_thread(privileged);

	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = vs_fail(errno, "cannot give up the keeper's privileges: %s", strerror(errno));
	return r;
}
