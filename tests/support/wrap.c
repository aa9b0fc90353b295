/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * wrap: runs one test case in an environment of its own.
 *
 *     wrap [--as root|user|self] [--timeout SECONDS] [--reach DIR]... [--userns] [--fixed-addresses]
 *          PROGRAM ARG...
 *     wrap --bare [--fixed-addresses] PROGRAM ARG...
 *
 * What the case gets:
 *  - if this was started by root, a private mount namespace with a /dev/net/tun of its own,
 *    mode 0666, which the case may remove or change;
 *  - with VDESTACK_TEST_NO_TUN, no /dev/net/tun. If it cannot be removed, VDESTACK_PORT=packet,
 *    which makes the library use packet devices;
 *  - an empty directory of its own: HOME, TMPDIR, VDESTACK_TEST_TMP and the current directory;
 *  - default signal dispositions, no blocked signals, a session of its own, /dev/null as input,
 *    no descriptor above 2; in PATH the system's directories come first, because a user may have wrappers
 *    before them (one around python3 took eight times the time of python3 itself);
 *  - as "user": an ordinary user without capabilities or supplementary groups, whose number no other
 *    process has. The machine's list of users is not changed;
 *  - as "user" and as "root", which some cases give up: the directories of --reach are readable for every
 *    user. This is done in the private namespace only: below a directory that the user may
 *    not enter (a checkout in /root), and in a checkout that others cannot read (made with umask 077).
 *
 * With --userns, a case is skipped where its user cannot make user namespaces (in a chroot, for example). The
 * reason is printed.
 *
 * With VDESTACK_TEST_COSTS=FILE, one line is appended to FILE: wall and processor time of the case and all
 * its descendants in ms, its exit status, its identity, the program and its arguments.
 *
 * What the case must do: two seconds after its end, all processes that it started have ended.
 * This program is a subreaper, so orphans become its children, and "no child is left" proves it.
 * Processes that are left are named and killed, and the case has failed. It also fails if its directory
 * cannot be removed. All processes are also killed at the time limit and when a signal asks this program
 * to end.
 *
 * Exit status: that of the case; 128+n if signal n ended it; 77 (skipped) if the environment cannot
 * be made. VDESTACK_TESTS_MUST_RUN=1 turns 77 into 1.
 *
 * Limit: SIGKILL to this program ends the case, but not its descendants.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define USER_NAME "vdestack-test"
#define USER_FIRST 30000 /* up to 59999, where useradd(8) puts no system user and rarely a person */
#define USER_COUNT 30000
#define USER_SHARED 64789     /* where the others are not mapped */
#define ORPHANS_MS 15000 /* a stack in user space that has ended may send for 12 s */
#define MAX_REACH 8

enum { EXIT_SKIPPED = 77 };

enum identity { AS_SELF, AS_ROOT, AS_USER };

struct options {
	enum identity as;
	bool bare;
	bool fixed_addresses;
	bool userns;
	int timeout_s;
	const char *reach[MAX_REACH];
	int n_reach;
	char **command;
};

static char tmp_dir[] = "/tmp/vst.XXXXXX";

/* ------------------------------------------------------------------ complaints */

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fputs("wrap: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

__attribute__((noreturn)) static void skip(const char *why)
{
	bool must = getenv("VDESTACK_TESTS_MUST_RUN") != NULL &&
		    strcmp(getenv("VDESTACK_TESTS_MUST_RUN"), "1") == 0;

	say(must ? "could not run here, and had to: %s" : "could not run here: %s", why);
	exit(must ? 1 : EXIT_SKIPPED);
}

__attribute__((noreturn)) static void die(const char *what)
{
	say("%s: %s", what, strerror(errno));
	exit(1);
}

/* ------------------------------------------------------------------ the ordinary user */

static bool is_mapped(uid_t uid)
{
	unsigned first, outside, n;
	bool found = false;
	FILE *f = fopen("/proc/self/uid_map", "re");

	while (f != NULL && !found && fscanf(f, "%u %u %u", &first, &outside, &n) == 3)
		found = uid >= first && uid - first < n;
	if (f != NULL)
		fclose(f);
	return found;
}

/*
 * A user that nobody else is. The kernel counts for each user: processes, descriptors in messages, inotify
 * watches, pending signals. Two cases of one user that run at the same time would see each other's limits.
 * The numbers are above those that distributions and containers give out. A user namespace that does not map
 * them has one user for all cases.
 */
static void find_user(uid_t *uid, gid_t *gid)
{
	*uid = USER_FIRST + (uid_t)getpid() % USER_COUNT;
	if (geteuid() == 0 && !is_mapped(*uid))
		*uid = USER_SHARED;
	*gid = *uid;
}

static void become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		die("cannot become the test user");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		die("cannot clear the ambient capabilities");
	setenv("USER", USER_NAME, 1);
	setenv("LOGNAME", USER_NAME, 1);
}

/* ------------------------------------------------------------------ the private mount namespace */

static void make_directories(const char *path)
{
	char part[4096];

	for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		size_t length = slash != NULL ? (size_t)(slash - path) : strlen(path);
		if (length >= sizeof(part)) {
			errno = ENAMETOOLONG;
			die(path);
		}
		memcpy(part, path, length);
		part[length] = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			die(part);
		if (slash == NULL)
			return;
	}
}

static void mount_empty(const char *path)
{
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID, "mode=0755") != 0)
		die(path);
}

/* Mounts over the first directory of `path` that others may not enter. */
static void uncover(const char *path)
{
	char part[4096];
	struct stat st;

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (stat(part, &st) != 0)
			return;
		if ((st.st_mode & S_IXOTH) == 0) {
			mount_empty(part);
			return;
		}
	}
}

static void copy_file(int from_dir, int to_dir, const char *name, mode_t mode)
{
	int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
	int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) != 0)
		die(name);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);
		if (n <= 0)
			die(name);
		left -= n;
	}
	if (fchmod(to, (mode & S_IXUSR) != 0 ? 0755 : 0644) != 0)
		die(name);
	close(from);
	close(to);
}

/* A build directory inside a checkout, or the history: no test reads it there. */
static bool is_no_source(int dir, const char *name)
{
	char cache[512];

	(void)snprintf(cache, sizeof(cache), "%s/CMakeCache.txt", name);
	return strcmp(name, ".git") == 0 || strncmp(name, "build", 5) == 0 ||
	       faccessat(dir, cache, F_OK, 0) == 0;
}

/* Files and directories, readable for everybody. `depth` is 0 at the top of the checkout. */
static void copy_tree(int from, int to, int depth)
{
	DIR *dir = fdopendir(openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct stat st;

	if (dir == NULL)
		die("cannot read the checkout");
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode))
			copy_file(from, to, e->d_name, st.st_mode);
		if (!S_ISDIR(st.st_mode) || (depth == 0 && is_no_source(from, e->d_name)))
			continue;
		int below = openat(from, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int copy = mkdirat(to, e->d_name, 0755) == 0 ?
				   openat(to, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (below < 0 || copy < 0)
			die(e->d_name);
		copy_tree(below, copy, depth + 1);
		close(below);
		close(copy);
	}
	closedir(dir);
}

static void bind_to(int fd, const char *path)
{
	char from[64];

	(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	if (mount(from, path, NULL, MS_BIND | MS_REC, NULL) != 0)
		die(path);
}

/* The entries of a directory that others may not enter, in an empty one that they may enter. */
static void bind_entries(int fd, const char *path)
{
	DIR *dir = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	char to[4096];

	if (dir == NULL)
		die(path);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		int entry = openat(fd, e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || entry < 0 ||
		    fstat(entry, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			continue;
		(void)snprintf(to, sizeof(to), "%s/%s", path, e->d_name);
		int place = S_ISDIR(st.st_mode) ? mkdir(to, 0755) :
						  open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (place < 0)
			die(to);
		bind_to(entry, to);
		if (!S_ISDIR(st.st_mode))
			close(place);
		close(entry);
	}
	closedir(dir);
}

/* True if others may enter the directory, and read the file in it that stands for all of them. */
static bool others_can_read(int dir, const char *file)
{
	struct stat own, st;

	return fstat(dir, &own) == 0 && (own.st_mode & 05) == 05 &&
	       (fstatat(dir, file, &st, 0) != 0 || (st.st_mode & 04) != 0);
}

static bool is_at(int fd, const char *path)
{
	struct stat want, have;

	return fstat(fd, &want) == 0 && stat(path, &have) == 0 && have.st_dev == want.st_dev &&
	       have.st_ino == want.st_ino;
}

/*
 * Makes the directories reachable for every user. An empty directory is mounted over a private one
 * on the path, and the wanted directory, opened before, is mounted at its old place in it. If it is
 * private itself: a checkout is copied, since all its files may be private. A build tree is large, and its
 * files are readable (./check sees to it), so its entries are mounted.
 */
static void make_reachable(const char *const *paths, int n)
{
	int fds[MAX_REACH];

	for (int i = 0; i < n; i++)
		if ((fds[i] = open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
			die(paths[i]);
	for (int i = 0; i < n; i++)
		uncover(paths[i]);
	for (int i = 0; i < n; i++) {
		bool build = faccessat(fds[i], "CMakeCache.txt", F_OK, 0) == 0;
		bool readable = others_can_read(fds[i], build ? "CTestTestfile.cmake" : "CMakeLists.txt");
		if (readable && is_at(fds[i], paths[i]))
			continue;
		make_directories(paths[i]);
		if (readable) {
			bind_to(fds[i], paths[i]);
			continue;
		}
		mount_empty(paths[i]);
		if (build) {
			bind_entries(fds[i], paths[i]);
			continue;
		}
		int to = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (to < 0)
			die(paths[i]);
		copy_tree(fds[i], to, 0);
		close(to);
	}
}

/*
 * A separate mount, because a case may remove it. Without CAP_MKNOD (in a container) the machine's own
 * /dev/net stays.
 */
static void private_tun(void)
{
	static const char path[] = "/dev/net/tun";

	(void)mkdir("/dev/net", 0755); /* empty and harmless; it cannot be made only in the namespace */
	if (mount("tmpfs", "/dev/net", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755") != 0)
		return;
	if (getenv("VDESTACK_TEST_NO_TUN") != NULL)
		return;
	mode_t mask = umask(0);
	int made = mknod(path, S_IFCHR | 0666, makedev(10, 200));
	(void)umask(mask);
	int fd = made == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		(void)umount2("/dev/net", MNT_DETACH);
	else
		close(fd);
}

/*
 * Programs of root without XDG_RUNTIME_DIR register their stacks in one of these directories, and lists have
 * the stacks of all. The case sees those of its own programs only.
 */
static void private_registry(void)
{
	static const char *const paths[] = { "/run/user/0/vdestack", "/run/vdestack" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		(void)mkdir(paths[i], 0700); /* empty and harmless, as above */
		(void)mount("tmpfs", paths[i], "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=0700");
	}
}

/*
 * A list of users with the user of the case, in the private namespace only: some plugins refuse a user that
 * is not in it.
 */
static void private_passwd(uid_t uid, gid_t gid)
{
	static const char list[] = "/etc/passwd";
	char path[] = "/tmp/vst-passwd.XXXXXX", bytes[4096];
	int from = open(list, O_RDONLY | O_CLOEXEC), to = mkostemp(path, O_CLOEXEC);
	ssize_t n;

	if (from < 0 || to < 0)
		die("cannot copy the list of users");
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)n) != n)
			die(path);
	if (dprintf(to, "%s:x:%u:%u::%s:/bin/sh\n", USER_NAME, uid, gid, tmp_dir) < 0 ||
	    fchmod(to, 0644) != 0)
		die(path);
	close(from);
	close(to);
	int r = mount(path, list, NULL, MS_BIND, NULL);
	(void)unlink(path); /* the mount keeps the file */
	if (r != 0)
		die(list);
}

static void private_mounts(const struct options *opts)
{
	if (unshare(CLONE_NEWNS) != 0)
		skip("root without the right to a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		if (errno == EINVAL)
			skip("the root directory is no mount point (a chroot); mount --bind it first");
		die("cannot make the mounts private");
	}
	if (opts->as != AS_SELF) /* some cases of root change their user */
		make_reachable(opts->reach, opts->n_reach);
	private_tun();
	private_registry();
}

/* ------------------------------------------------------------------ user namespaces */

/* Skips if the user cannot make a user namespace. A child tries it. */
static void need_userns(const struct options *opts, uid_t uid, gid_t gid)
{
	char why[160];
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (opts->as == AS_USER && geteuid() == 0)
			become(uid, gid);
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		die("cannot try a user namespace");
	if (WEXITSTATUS(status) == 0)
		return;
	(void)snprintf(why, sizeof(why), "user namespaces cannot be made: %s%s",
		       strerror(WEXITSTATUS(status)),
		       WEXITSTATUS(status) == EPERM ?
			       " (in a chroot, under a filter, or by a setting of the system)" : "");
	skip(why);
}

/* ------------------------------------------------------------------ the directory of the case */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DNR)
		(void)chmod(path, 0700);
	(void)remove(path);
	return 0;
}

/* What a case has mounted below its directory, in our namespace; the last mount first. */
static void unmount_below(FILE *mounts)
{
	char line[4096], point[1024];
	size_t length = strlen(tmp_dir);

	if (fgets(line, sizeof(line), mounts) == NULL)
		return;
	unmount_below(mounts);
	if (sscanf(line, "%*d %*d %*s %*s %1023s", point) == 1 && strncmp(point, tmp_dir, length) == 0 &&
	    point[length] == '/')
		(void)umount2(point, MNT_DETACH);
}

/* False if something of the directory is left. */
static bool remove_directory(void)
{
	FILE *mounts = geteuid() == 0 ? fopen("/proc/self/mountinfo", "re") : NULL;

	if (mounts != NULL) {
		unmount_below(mounts);
		fclose(mounts);
	}
	(void)nftw(tmp_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (access(tmp_dir, F_OK) != 0)
		return true;
	say("the directory of the case cannot be removed: %s", tmp_dir);
	return false;
}

static void make_directory(uid_t owner, gid_t group)
{
	if (mkdtemp(tmp_dir) == NULL)
		die(tmp_dir);
	if (geteuid() == 0 && chown(tmp_dir, owner, group) != 0)
		die(tmp_dir);
	setenv("HOME", tmp_dir, 1);
	setenv("TMPDIR", tmp_dir, 1);
	setenv("XDG_RUNTIME_DIR", tmp_dir, 1); /* keepers are registered there */
	setenv("VDESTACK_TEST_TMP", tmp_dir, 1);
}

/* ------------------------------------------------------------------ the case */

static void fix_addresses(const struct options *opts)
{
	/* The sanitizers' shadow memory does not work with wide address randomisation. */
	if (opts->fixed_addresses)
		(void)personality((unsigned)personality(0xffffffff) | ADDR_NO_RANDOMIZE);
}

static void plain_signals(void)
{
	static const char dispositions[64]; /* the kernel's struct sigaction: SIG_DFL, no flags, empty mask */
	sigset_t none;

	/* By system call: libc hides the signals it uses itself, and some parents leave them ignored. */
	for (int s = 1; s < NSIG; s++)
		(void)syscall(SYS_rt_sigaction, s, dispositions, NULL, (size_t)(NSIG - 1) / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void plain_descriptors(void)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	if (close_range(3, ~0U, 0) != 0)
		for (int fd = 3; fd < 1024; fd++)
			(void)close(fd);
}

__attribute__((noreturn)) static void run_case(const struct options *opts, pid_t parent, uid_t uid, gid_t gid)
{
	struct rlimit no_core = { 0, 0 };

	(void)setsid();
	(void)setrlimit(RLIMIT_CORE, &no_core);
	plain_descriptors();
	if (opts->as == AS_USER && geteuid() == 0)
		become(uid, gid);
	(void)umask(022);
	if (chdir(tmp_dir) != 0)
		die(tmp_dir);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which would reset it */
	if (getppid() != parent)
		_exit(1);
	fix_addresses(opts);
	plain_signals();
	execvp(opts->command[0], opts->command);
	die(opts->command[0]);
}

/* ------------------------------------------------------------------ its descendants */

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

static pid_t parent_of(pid_t pid, char *name, size_t size)
{
	char path[64], line[512];
	int parent = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return -1;
	char *end = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	fclose(f);
	if (end == NULL || sscanf(end + 1, " %*c %d", &parent) != 1)
		return -1;
	*end = '\0';
	char *start = strchr(line, '(');
	(void)snprintf(name, size, "%s", start != NULL ? start + 1 : "?");
	return parent;
}

/* Kills the direct children. Their children become ours and are killed in the next round. */
static void kill_children(bool tell)
{
	DIR *dir = opendir("/proc");
	char name[256];

	if (dir == NULL)
		return;
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		pid_t pid = atoi(e->d_name);
		if (pid <= 0 || parent_of(pid, name, sizeof(name)) != getpid())
			continue;
		if (tell)
			say("process %d (%s) survived the case", (int)pid, name);
		(void)kill(pid, SIGKILL);
	}
	closedir(dir);
}

/* Reaps the children that have ended. True if no child is left. *status is that of the case, once known. */
static bool reap(pid_t child, int *status, bool *ended)
{
	int s;
	pid_t pid;

	while ((pid = waitpid(-1, &s, WNOHANG | __WALL)) > 0) {
		if (pid == child) {
			*status = s;
			*ended = true;
		}
	}
	return pid < 0 && errno == ECHILD;
}

static void kill_everybody(pid_t child, bool tell)
{
	int status;
	bool ended;

	for (int round = 0; round < 500; round++) {
		kill_children(tell && round == 0);
		(void)poll(NULL, 0, 10);
		if (reap(child, &status, &ended))
			return;
	}
	say("some process cannot be killed");
}

/*
 * Waits for a signal: the end of a child, or a request to end. Returns the signal, or 0 when the
 * time has passed. until_ms < 0: no limit.
 */
static int next_signal(int fd, long until_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct signalfd_siginfo info;
	long left = until_ms < 0 ? -1 : until_ms - now_ms();

	if (until_ms >= 0 && left <= 0)
		return 0;
	if (poll(&pfd, 1, (int)left) <= 0 || read(fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

static int exit_status(int status)
{
	if (WIFSIGNALED(status)) {
		say("ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}

/* Waits until no process of the case is left. Returns the exit status. */
static int watch(const struct options *opts, pid_t child, int signals)
{
	long until = opts->timeout_s > 0 ? now_ms() + opts->timeout_s * 1000L : -1;
	int status = 0;
	bool ended = false;

	while (!ended) {
		int s = next_signal(signals, until);
		(void)reap(child, &status, &ended);
		if (ended)
			break;
		if (s == 0 && (until < 0 || now_ms() < until))
			continue;
		if (s == SIGCHLD)
			continue;
		if (s == 0)
			say("timed out after %d s", opts->timeout_s);
		kill_everybody(child, false);
		return s != 0 ? 128 + s : 1;
	}

	until = now_ms() + ORPHANS_MS;
	while (!reap(child, &status, &ended)) {
		if (next_signal(signals, until) == SIGCHLD)
			continue;
		kill_everybody(child, true);
		return 1;
	}
	return exit_status(status);
}

/* The descendants are this program's children in the end, so their processor time is in its account. */
static void tell_cost(const struct options *opts, long wall_ms, int result)
{
	static const char *const identity[] = { [AS_SELF] = "self", [AS_ROOT] = "root", [AS_USER] = "user" };
	const char *path = getenv("VDESTACK_TEST_COSTS");
	struct rusage used;
	FILE *f;

	if (path == NULL || getrusage(RUSAGE_CHILDREN, &used) != 0 || (f = fopen(path, "ae")) == NULL)
		return;
	long cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000L +
		      (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
	const char *base = strrchr(opts->command[0], '/');
	(void)fprintf(f, "%ld %ld %d %s%s %s", wall_ms, cpu_ms, result, identity[opts->as],
		      getenv("VDESTACK_TEST_INPROCESS") != NULL ? "-inprocess" :
		      getenv("VDESTACK_TEST_NO_TUN") != NULL	? "-notun" :
								  "",
		      base != NULL ? base + 1 : opts->command[0]);
	for (char **word = opts->command + 1; *word != NULL && word < opts->command + 3; word++)
		(void)fprintf(f, " %s", *word);
	(void)fputc('\n', f);
	(void)fclose(f);
}

/* ------------------------------------------------------------------ main */

static int usage(void)
{
	say("usage: wrap [--bare] [--as root|user|self] [--timeout S] [--reach DIR]... [--userns] "
	    "[--fixed-addresses] PROGRAM ARG...");
	return 2;
}

static bool parse(struct options *opts, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		const char *word = argv[i];
		if (strcmp(word, "--bare") == 0) {
			opts->bare = true;
			continue;
		}
		if (strcmp(word, "--fixed-addresses") == 0) {
			opts->fixed_addresses = true;
			continue;
		}
		if (strcmp(word, "--userns") == 0) {
			opts->userns = true;
			continue;
		}
		const char *value = argv[++i];
		if (value == NULL)
			return false;
		if (strcmp(word, "--timeout") == 0)
			opts->timeout_s = atoi(value);
		else if (strcmp(word, "--reach") == 0 && opts->n_reach < MAX_REACH)
			opts->reach[opts->n_reach++] = value;
		else if (strcmp(word, "--as") == 0 && strcmp(value, "root") == 0)
			opts->as = AS_ROOT;
		else if (strcmp(word, "--as") == 0 && strcmp(value, "user") == 0)
			opts->as = AS_USER;
		else if (strcmp(word, "--as") != 0 || strcmp(value, "self") != 0)
			return false;
	}
	opts->command = argv + i;
	return i < argc;
}

static void complete_path(void)
{
	char path[4096];
	const char *old = getenv("PATH");

	(void)snprintf(path, sizeof(path), "/usr/sbin:/usr/bin:/sbin:/bin:%s:/usr/local/sbin",
		       old != NULL ? old : "/usr/local/bin");
	setenv("PATH", path, 1);
	setenv("LC_ALL", "C", 1);
	setenv("VDESTACK_ORPHANS", "reaped", 0); /* by this program, whatever PID 1 is */
}

int main(int argc, char **argv)
{
	struct options opts = { 0 };
	uid_t uid = geteuid();
	gid_t gid = getegid();
	sigset_t watched;

	if (!parse(&opts, argc, argv))
		return usage();
	if (opts.bare) {
		fix_addresses(&opts);
		execvp(opts.command[0], opts.command);
		die(opts.command[0]);
	}
	complete_path();
	(void)umask(022);
	if (opts.as == AS_ROOT && geteuid() != 0)
		skip("this variant needs root");
	if (geteuid() == 0) {
		if (opts.as == AS_USER)
			find_user(&uid, &gid);
		private_mounts(&opts);
	}
	if (opts.userns)
		need_userns(&opts, uid, gid);
	if (getenv("VDESTACK_TEST_NO_TUN") != NULL && access("/dev/net/tun", F_OK) == 0)
		setenv("VDESTACK_PORT", "packet", 1);
	make_directory(uid, gid);
	if (geteuid() == 0 && opts.as == AS_USER)
		private_passwd(uid, gid);

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		die("cannot become the subreaper");
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&watched);
	for (const int *s = (const int[]){ SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, 0 }; *s != 0; s++)
		sigaddset(&watched, *s);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	int signals = signalfd(-1, &watched, SFD_CLOEXEC);
	if (signals < 0)
		die("signalfd");

	long start = now_ms();
	pid_t self = getpid();
	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0)
		run_case(&opts, self, uid, gid);

	int result = watch(&opts, child, signals);
	tell_cost(&opts, now_ms() - start, result);
	if (!remove_directory() && result == 0)
		result = 1;
	if (result == EXIT_SKIPPED)
		skip("the case says why above");
	return result;
}
