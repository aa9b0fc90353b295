/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Attacks on local:// segments: by other users, by what stands in the directory, by programs that are stopped
 * or answer nonsense, and by floods.
 */

#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "local.h"
#include "send_fds.h"

#define TIME_MS 8000 /* more than any refusal takes */

static void check_refused(const char *config, int err, const char *part)
{
	long long begin = now_us();

	CHECK_ERRNO(vdestack_new(config, case_opts()), err);
	CHECK_CONTAINS(vdestack_last_error(), part);
	CHECK(now_us() - begin < TIME_MS * 1000);
}

/* ------------------------------------------------------------------ other users */

static void be_another_user(void *unused)
{
	struct stat st;

	(void)unused;
	become(OTHER, OTHER);
	/* a directory of its own, with the same names in it */
	MUST(setenv("XDG_RUNTIME_DIR", "/nowhere", 1));
	CHECK_ERRNO(stat(case_path("vdestack/x"), &st), EACCES);
	struct vdestack *s = new_stack(LOCAL(2));
	CHECK(!pings(s, "10.9.0.1", 3));
	struct vdestack *same = new_stack(LOCAL(3));
	CHECK(pings(s, "10.9.0.3", 100));
	MUST(vdestack_delete(s));
	MUST(vdestack_delete(same));
}

CASE_ROOT(names_are_for_each_user)
{
	struct vdestack *s = new_stack(LOCAL(1));

	in_child(be_another_user, NULL);
	CHECK(!pings(s, "10.9.0.2", 1));
	(void)rmdir("/tmp/vdestack-1234"); /* if it is not used by others */
}

/* The socket of the only keeper, and one that is connected to it. */
static int connected = -1;

static void connect_to_keeper(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	pid_t keeper[2];
	DIR *dir = opendir(DIRECTORY);
	const struct dirent *e;
	size_t len = strlen(local_prefix());

	CHECK_EQ(local_keepers(keeper, 2), 1);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, local_prefix(), len) != 0 || e->d_name[len] != '-')
			continue;
		CHECK(snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%.60s", DIRECTORY, e->d_name) <
		      (int)sizeof(sa.sun_path));
		struct stat st;
		if (stat(sa.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
			break;
	}
	closedir(dir);
	connected = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(connect(connected, (struct sockaddr *)&sa, sizeof(sa)));
}

static int ask(enum vs_op op, const char *segment, int proof)
{
	struct raw_request r = { .req = { .op = op }, .no_key = true, .text = segment,
				 .text_len = segment != NULL ? strlen(segment) : 0 };

	if (proof >= 0)
		r.fds[r.n_fds++] = proof;
	return raw_call(connected, &r, NULL);
}

static void ask_as_another_user(void *unused)
{
	int ns = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	(void)unused;
	become(OTHER, OTHER);
	CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, "lan", ns), -EPIPE);
	CHECK_EQ(ask(VS_OP_LOCAL_USER, NULL, -1), -EPIPE);
}

CASE_ROOT(another_user_with_a_connected_socket_gets_nothing)
{
	int ns = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	(void)new_stack(LOCAL(1));
	connect_to_keeper();
	CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, "lan", ns), 0);
	in_child(ask_as_another_user, NULL);
}

CASE(only_processes_of_the_same_user_namespace_get_a_segment)
{
	struct vdestack *s = new_stack(LOCAL(1));
	int inside = (int)MUST(vdestack_netns(s)), file = (int)MUST(memfd_create("x", MFD_CLOEXEC));
	int host = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	connect_to_keeper();
	CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, "lan", inside), 0);
	CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, "other", inside), -ENOENT);
	CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, "lan", -1), -EPERM);
	CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, "lan", file), -EPERM);
	CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, NULL, inside), -EINVAL);
	if (!case_is_root())
		CHECK_EQ(ask(VS_OP_LOCAL_SEGMENT, "lan", host), -EPERM);
	CHECK_EQ(ask(VS_OP_LOCAL_USER, NULL, -1), case_is_root() ? -EPERM : 0);
	CHECK_EQ(ask(VS_OP_CREATE, NULL, -1), -EINVAL);
	CHECK_EQ(ask(VS_OP_ATTACH, "12345678", -1), -EINVAL);
}

static void install_filter(void)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, all };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void be_confined(void *unused)
{
	(void)unused;
	install_filter();
	check_refused(LOCAL(2), EPERM, "confined");
}

CASE_USER(a_confined_program_does_not_enter_the_user_namespace_of_others)
{
	if (prctl(PR_GET_SECCOMP) > 0)
		SKIP("this process is confined from the start");
	struct member m = new_member(LOCAL(1));

	in_child(be_confined, NULL);
	end_member(&m);
}

CASE_USER(confined_programs_meet)
{
	install_filter();
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack(LOCAL(2));

	CHECK(pings(s, "10.9.0.1", 100));
	end_member(&m);
}

/* ------------------------------------------------------------------ who is stopped */

CASE(a_program_that_is_stopped_delays_no_others)
{
	prepare_members(3);
	struct member m = new_member(LOCAL(1));
	pid_t its = the_local_keeper();
	struct vdestack *s = new_stack(LOCAL(2));

	CHECK(pings(s, "10.9.0.1", 100));
	MUST(kill(its, SIGSTOP));
	long long begin = now_us();
	struct member third = new_member(LOCAL(3)), other = new_member("vnl=local://other");
	CHECK(now_us() - begin < 2 * 1000 * 1000);
	CHECK(pings(s, "10.9.0.3", 100));
	MUST(kill(its, SIGCONT));
	CHECK(pings(s, "10.9.0.1", 100));
	end_member(&m);
	end_member(&third);
	end_member(&other);
}

CASE(a_segment_whose_only_program_is_stopped_is_refused_in_time)
{
	char part[32];
	struct member m = new_member(LOCAL(1));
	pid_t its = the_local_keeper();

	(void)snprintf(part, sizeof(part), "keeper %d", (int)its);
	MUST(kill(its, SIGSTOP));
	check_refused(LOCAL(2), ETIMEDOUT, part);
	MUST(kill(its, SIGCONT));
	struct vdestack *s = new_stack(LOCAL(2));
	CHECK(pings(s, "10.9.0.1", 100));
	end_member(&m);
}

static int lock_file(const char *text)
{
	char path[300];

	(void)mkdir(DIRECTORY, 0700);
	(void)snprintf(path, sizeof(path), "%s/%s", DIRECTORY, local_prefix());
	int fd = (int)MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	MUST(flock(fd, LOCK_EX));
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

CASE(a_stopped_holder_of_the_lock_is_named_in_time)
{
	int lock = lock_file("4711\n");

	check_refused(LOCAL(1), ETIMEDOUT, "process 4711");
	close(lock);
	(void)new_stack(LOCAL(1));
}

CASE(a_lock_file_that_is_replaced_is_noticed)
{
	char path[300];
	int lock = lock_file("1\n");

	(void)snprintf(path, sizeof(path), "%s/%s", DIRECTORY, local_prefix());
	struct member a = begin_member(LOCAL(1));
	sleep_ms(50); /* it waits for the lock now, or will find the other file: both must work */
	MUST(unlink(path));
	close(lock);
	CHECK_EQ(hear_member(&a).err, 0);
	struct vdestack *s = new_stack(LOCAL(2));
	CHECK(pings(s, "10.9.0.1", 100));
	end_member(&a);
}

CASE(a_lock_file_that_is_none_is_refused)
{
	char path[300];

	MUST(mkdir(DIRECTORY, 0700));
	(void)snprintf(path, sizeof(path), "%s/%s", DIRECTORY, local_prefix());
	MUST(mkfifo(path, 0600));
	check_refused(LOCAL(1), EINVAL, "lock file");
	MUST(unlink(path));
	MUST(symlink("/dev/null", path));
	check_refused(LOCAL(1), ELOOP, "lock file");
	MUST(unlink(path));
	(void)new_stack(LOCAL(1));
}

/* ------------------------------------------------------------------ forged keepers */

enum forgery {
	SILENCE, HANG_UP, NO_DESCRIPTOR, WRONG_FILE, TWO, FOREIGN_NET, FOREIGN_USER, NO_REPLY, ABSENT
};

static int forged_descriptor(enum forgery how)
{
	if (how == FOREIGN_NET)
		return (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	if (how == FOREIGN_USER)
		return (int)MUST(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
	return (int)MUST(memfd_create("net:[1]", MFD_CLOEXEC));
}

/* A network namespace, of a user namespace that no keeper lives in. */
static void leave_namespaces(void)
{
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNET));
}

static void answer(int fd, enum forgery how)
{
	struct vs_reply reply = { .type = how == NO_REPLY ? 1 : VS_REPLY_TYPE, .seq = 1,
				  .result = how == ABSENT ? -ENOENT : 0 };
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct vs_request req;
	struct iovec in = { &req, sizeof(req) };
	struct msghdr h = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	int channel;

	MUST(recvmsg(fd, &h, 0));
	memcpy(&channel, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(channel));
	if (how == SILENCE)
		(void)pause();
	if (how != HANG_UP)
		(void)send_fds(channel, &reply, sizeof(reply), forged_descriptor(how),
			       how == NO_DESCRIPTOR || how == ABSENT ? 0 : how == TWO ? 2 : 1);
	close(channel);
}

static void with_forged(enum forgery how, int err, const char *part)
{
	char name[64], path[400];
	pid_t pid;

	(void)snprintf(name, sizeof(name), "%s-77-0000004d", local_prefix());
	int fd = bind_there(name);
	(void)snprintf(path, sizeof(path), "%s/%s-6c616e", DIRECTORY, name); /* lan */
	close((int)MUST(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	pid = (pid_t)MUST(fork());
	if (pid == 0) {
		if (how == FOREIGN_NET)
			leave_namespaces();
		for (;;)
			answer(fd, how);
	}
	close(fd);
	if (err != 0)
		check_refused(LOCAL(1), err, part);
	else
		MUST(vdestack_delete(new_stack(LOCAL(1))));
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
	struct vdestack *s = new_stack(LOCAL(1));
	MUST(vdestack_delete(s));
	CHECK(wait_until(nothing_remains, NULL, SOON_MS));
}

CASE_TIMED(forged_answers_are_refused, CASE_F_ROOT | CASE_F_USER, 120)
{
	MUST(mkdir(DIRECTORY, 0700));
	with_forged(NO_DESCRIPTOR, EPROTO, "keeper 77");
	with_forged(WRONG_FILE, EPROTO, "keeper 77");
	with_forged(TWO, EPROTO, "keeper 77");
	with_forged(FOREIGN_NET, EPROTO, "keeper 77");
	with_forged(FOREIGN_USER, EPROTO, "keeper 77");
	with_forged(NO_REPLY, EPROTO, "keeper 77");
	with_forged(HANG_UP, EPERM, "keeper 77");
	with_forged(ABSENT, 0, NULL);
	with_forged(SILENCE, ETIMEDOUT, "keeper 77");
}

CASE(an_honest_program_is_found_beside_forged_ones)
{
	char name[64], path[400];
	struct member m = new_member(LOCAL(1));
	int fds[5];

	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "%s-%d-000000%02x", local_prefix(), 77 + i, 1 + i);
		fds[i] = bind_there(name);
		(void)snprintf(path, sizeof(path), "%s/%s-6c616e", DIRECTORY, name);
		close((int)MUST(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	}
	struct vdestack *s = new_stack(LOCAL(2));
	CHECK(pings(s, "10.9.0.1", 100));
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	end_member(&m);
}

static void flood(void *unused)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_LOCAL_SEGMENT };
	int fd[2];

	(void)unused;
	raw_pair(fd);
	for (;;)
		(void)send_fds(connected, &req, sizeof(req), fd[1], 1);
}

CASE(a_flood_keeps_nobody_out)
{
	struct member m = new_member(LOCAL(1));
	pid_t pid;

	connect_to_keeper();
	pid = (pid_t)MUST(fork());
	if (pid == 0)
		flood(NULL);
	struct vdestack *s = new_stack(LOCAL(2));
	CHECK(pings(s, "10.9.0.1", 100));
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
	end_member(&m);
}

/* ------------------------------------------------------------------ directories and containers */

CASE_USER(a_directory_that_others_may_use_is_not_used)
{
	MUST(mkdir(DIRECTORY, 0700));
	MUST(chmod(DIRECTORY, 0711));
	struct vdestack *s = new_stack(LOCAL(1));
	CHECK_EQ(files_in(DIRECTORY, NULL), 0);
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

static void write_to(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* As in a container that shares the directory. */
static void in_a_container(void *unused)
{
	char uid[64], gid[64];

	(void)unused;
	(void)snprintf(uid, sizeof(uid), "%u %u 1\n", geteuid(), geteuid());
	(void)snprintf(gid, sizeof(gid), "%u %u 1\n", getegid(), getegid());
	MUST(unshare(CLONE_NEWUSER));
	write_to("/proc/self/setgroups", "deny");
	write_to("/proc/self/uid_map", uid);
	write_to("/proc/self/gid_map", gid);
	struct vdestack *s = new_stack(LOCAL(2));
	CHECK(!pings(s, "10.9.0.1", 3));
	struct member m = new_member(LOCAL(3));
	CHECK(pings(s, "10.9.0.3", 100));
	end_member(&m);
	MUST(vdestack_delete(s));
}

CASE_FLAGS(another_user_namespace_has_segments_of_its_own, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	struct member m = new_member(LOCAL(1));

	in_child(in_a_container, NULL);
	end_member(&m);
}
