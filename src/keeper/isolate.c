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
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/fdmsg.h"
#include "start.h"

/* SYS_ADMIN makes and enters namespaces; the others configure them and open raw sockets. */
static const int caps_needed[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, -1 };
/* Without these there is no point in staying in the program's own user namespace. */
static const int caps_privileged[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_RAW, -1 };
/* In the program's own user namespace the links are opened with the program's rights to files. */
static const int caps_files[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_CHOWN, CAP_FOWNER, -1 };

/* What plugins get: they may open what the program may, but neither make nor enter namespaces. */
const int vs_caps_links[] = { CAP_NET_ADMIN,	   CAP_NET_RAW, CAP_NET_BIND_SERVICE, CAP_DAC_OVERRIDE,
			      CAP_DAC_READ_SEARCH, CAP_CHOWN,	CAP_FOWNER,	      -1 };
const int vs_caps_networking[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, -1 };
const int vs_caps_none[] = { -1 };

static void ignore_signal(int sig)
{
	(void)sig;
}

/*
 * The keeper ends when its last user does and for no other reason: what is sent to a whole
 * group or control group on the way to an orderly end must not take the network away
 * before the program is done with it. Handlers, not SIG_IGN, so that nothing is inherited
 * by what a plugin executes; without SA_RESTART, so that a thread stuck in a plugin can be nudged.
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

static bool has_capabilities(const int *caps)
{
	cap_t have = cap_get_proc();
	bool all = have != NULL;

	for (; all && *caps >= 0; caps++) {
		cap_flag_value_t value = CAP_CLEAR;
		all = cap_get_flag(have, *caps, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
	}
	cap_free(have);
	return all;
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
	int r = has_capabilities(caps_privileged) ? vs_can_claim_pid() : 0;

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

static int set_caps(const int *a, const int *b)
{
	cap_t set = cap_init();
	cap_t have = cap_get_proc();
	int r = set == NULL || have == NULL ? -errno : 0;

	for (int list = 0; r == 0 && list < 2; list++) {
		for (const int *cap = list == 0 ? a : b; r == 0 && cap != NULL && *cap >= 0; cap++) {
			cap_flag_value_t value = CAP_CLEAR;
			(void)cap_get_flag(have, *cap, CAP_PERMITTED, &value);
			if (value == CAP_CLEAR)
				continue;
			if (cap_set_flag(set, CAP_PERMITTED, 1, cap, CAP_SET) < 0 ||
			    cap_set_flag(set, CAP_EFFECTIVE, 1, cap, CAP_SET) < 0)
				r = -errno;
		}
	}
	if (r == 0 && cap_set_proc(set) < 0)
		r = -errno;
	cap_free(have);
	cap_free(set);
	return r;
}

static bool listed(const int *caps, int cap)
{
	for (; *caps >= 0; caps++)
		if (*caps == cap)
			return true;
	return false;
}

int vs_isolate_capabilities(bool privileged)
{
	const int *files = privileged ? caps_files : vs_caps_none;
	int r = 0;

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!listed(caps_needed, cap) && !listed(files, cap))
			(void)prctl(PR_CAPBSET_DROP, cap); /* EPERM without SETPCAP: then exec gives nothing anyway */
	(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
					       SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
	r = set_caps(caps_needed, files);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	return r < 0 ? vs_fail(-r, "cannot give up the keeper's privileges: %s", strerror(-r)) : 0;
}

int vs_isolate_thread(const int *keep)
{
	return set_caps(keep, NULL);
}

int vs_isolate_briefly(const int *keep, int (*fn)(void))
{
	cap_t have = cap_get_proc(), less = cap_get_proc();

	for (int cap = 0; less != NULL && prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!listed(keep, cap))
			(void)cap_set_flag(less, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR);
	bool lowered = have != NULL && less != NULL && cap_set_proc(less) == 0;
	int r = fn();
	if (lowered)
		(void)cap_set_proc(have);
	cap_free(have);
	cap_free(less);
	return r;
}
