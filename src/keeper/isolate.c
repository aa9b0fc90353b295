/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the keeper leaves the program behind.
 *
 * It starts as a copy of the program's identity: credentials, limits, directory, environment,
 * no descriptor but its own. Then, stage by stage: a name, a session and a directory of its own; a user
 * namespace of its own unless it may already make network namespaces; every capability given
 * up that making stacks does not take. Afterwards it cannot gain any: no_new_privs, an empty
 * bounding set beyond its own, and no other process of the same user may trace it.
 *
 * The user namespace maps one user and one group, to themselves. That is what an
 * unprivileged process may do, and it lets files and sockets look the same from both sides. Only
 * "nobody" has another number inside.
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
	(VS_CAP(CAP_SYS_ADMIN) | VS_CAP(CAP_NET_ADMIN) | VS_CAP(CAP_NET_RAW) | VS_CAP(CAP_NET_BIND_SERVICE) |  \
	 VS_CAP(CAP_SYS_CHROOT))
/* Without these there is no point in staying in the program's own user namespace. */
#define CAPS_PRIVILEGED (VS_CAP(CAP_SYS_ADMIN) | VS_CAP(CAP_NET_ADMIN) | VS_CAP(CAP_NET_RAW))

static void ignore_signal(int sig)
{
	(void)sig;
}

/*
 * The keeper ends when its last user does and for no other reason: what is sent to a whole
 * group or control group on the way to an orderly end must not take the network away
 * before the program is done with it. Handlers, not SIG_IGN, so that nothing is inherited
 * by what a plugin executes; without SA_RESTART, so that a thread stuck in a plugin can be interrupted.
 */
static void settle_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGCHLD, SIGTSTP,
				     SIGTTIN, SIGTTOU, SIGCONT, SIGURG, SIGWINCH };
	struct sigaction action = { .sa_handler = ignore_signal };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &action, NULL); /* EINVAL for those nobody can handle */
	action.sa_handler = SIG_DFL;
	for (size_t i = 0; i < VS_COUNT(fatal); i++)
		(void)sigaction(fatal[i], &action, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Descriptors 0-2 must be taken by something harmless: plugins write to them. */
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
	(void)!chdir("/"); /* do not pin the program's directory; a call that needs it brings it along */
	fill_standard_descriptors();
	settle_signals();
	return 0;
}

static bool has_capabilities(uint64_t caps)
{
	uint64_t effective = 0;

	return vs_caps_effective(&effective) == 0 && (effective & caps) == caps;
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
 * To itself, but the overflow id to 1: as itself it could not be told from all ids that are not mapped.
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
		return vs_fail(err, "cannot make a user namespace: %s", vs_cause_text(vs_diagnose_userns(err, ""), err));
	}
	/*
	 * There is no map without a /proc that can be written, nor (EPERM) for uid 0 without CAP_SETFCAP, see
	 * user_namespaces(7): the keeper works as "nobody" then, which sockets and files do not mind.
	 */
	int r = write_file("/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_map("/proc/self/uid_map", uid, false);
	if (r == 0)
		r = write_map("/proc/self/gid_map", gid, true);
	if (r == 0 || r == -ENOENT || r == -EROFS || (r == -EPERM && uid == 0))
		return 0;
	return vs_fail(-r, "cannot map the user into its namespace: %s; check that /proc is the real one", strerror(-r));
}

static int join_user_namespace(int adopt)
{
	struct stat mine, its;

	VS_AUTO_CLOSE user = ioctl(adopt, NS_GET_USERNS);
	if (user < 0)
		return vs_fail(errno, "cannot adopt the network namespace: its owner is out of reach (%s); "
				      "only namespaces of this program's user can be adopted", strerror(errno));
	if (stat("/proc/self/ns/user", &mine) == 0 && fstat(user, &its) == 0 && mine.st_ino == its.st_ino &&
	    mine.st_dev == its.st_dev)
		return 0;
	if (setns(user, CLONE_NEWUSER) < 0)
		return vs_fail(errno, "cannot adopt the network namespace: entering its user namespace failed (%s); "
				      "only namespaces of this program's user can be adopted", strerror(errno));
	return 0;
}

int vs_isolate_user(int adopt, bool *privileged)
{
	/* Privileges that nobody could prove to have are worth nothing here: see auth.c. */
	int r = has_capabilities(CAPS_PRIVILEGED) ? vs_can_claim_pid() : 0;

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

int vs_isolate_capabilities(bool privileged)
{
	/* In the program's own user namespace the links are opened with the program's rights to files. */
	uint64_t keep = CAPS_NEEDED | (privileged ? VS_CAPS_FILES : 0);

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	vs_caps_bound(keep);
	(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
					       SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
	int r = vs_caps_only(keep);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	return r < 0 ? vs_fail(-r, "cannot give up the keeper's privileges: %s", strerror(-r)) : 0;
}
