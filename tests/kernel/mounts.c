/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private mounts, and how their end is noticed: mount_namespaces(7), inotify(7), open_tree(2). */

#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "namespace.h"

/* A mount namespace of this process, with all rights in it. */
static void make_mount_namespace(void)
{
	char map[64];

	if (case_is_root()) {
		MUST(unshare(CLONE_NEWNS));
		MUST(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
		return;
	}
	uid_t uid = geteuid();
	gid_t gid = getegid();
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	write_text("/proc/self/uid_map", map);
	write_text("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	write_text("/proc/self/gid_map", map);
}

static int copy_mount(const char *path)
{
	return (int)MUST(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static void put_mount(int copy, const char *path)
{
	MUST(syscall(SYS_move_mount, copy, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH));
	close(copy);
}

/*
 * Mounts a file of a new tmpfs on the file "over", and nothing else of it. Returns an inotify descriptor that
 * watches the file.
 */
static int mount_watched_file(void)
{
	const char *dir = case_path("dir"), *file = case_path("dir/file"), *over = case_path("over");

	MUST(mount("test", dir, "tmpfs", 0, NULL));
	close((int)MUST(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)));
	int copy = copy_mount(file), watch = (int)MUST(inotify_init1(IN_CLOEXEC));
	MUST(inotify_add_watch(watch, file, IN_UNMOUNT | IN_DELETE_SELF));
	MUST(umount2(dir, MNT_DETACH));
	put_mount(copy, over);
	return watch;
}

static void make_places(void)
{
	MUST(mkdir(case_path("dir"), 0755));
	close((int)MUST(open(case_path("over"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)));
}

/* What a child has sent: an inotify descriptor. */
static int receive_watch(int from)
{
	char buf[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf)
	};
	int fd;

	CHECK_EQ(MUST(recvmsg(from, &msg, MSG_CMSG_CLOEXEC)), 1);
	CHECK(CMSG_FIRSTHDR(&msg) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void send_watch(int to, int fd)
{
	char buf[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK_EQ(MUST(sendmsg(to, &msg, 0)), 1);
}

/* A process in a mount namespace of its own, which has sent its watch and waits to be killed. */
static pid_t start_mounter(int *watch, bool copy_namespace)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		make_mount_namespace();
		int fd = mount_watched_file();
		if (copy_namespace && MUST(fork()) == 0) {
			MUST(unshare(CLONE_NEWNS));
			send_watch(pair[1], fd);
			close(fd);
			for (;;)
				pause();
		}
		if (!copy_namespace)
			send_watch(pair[1], fd);
		close(fd);
		for (;;)
			pause();
	}
	close(pair[1]);
	*watch = receive_watch(pair[0]);
	close(pair[0]);
	return pid;
}

static void end_process(pid_t pid)
{
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
}

/* The watch of `vdestack enter`: src/preload/mounts.c. */
CASE(a_watch_reports_that_the_last_mount_of_a_file_system_has_ended_with_its_namespace)
{
	int watch;
	struct inotify_event event = { 0 };

	make_places();
	pid_t pid = start_mounter(&watch, false);
	CHECK(!wait_readable(watch, 100));
	end_process(pid);
	CHECK(wait_readable(watch, 10000));
	CHECK_EQ(MUST(read(watch, &event, sizeof(event))), sizeof(event));
	CHECK((event.mask & (IN_UNMOUNT | IN_DELETE_SELF)) != 0);
	close(watch);
}

CASE(a_copy_of_the_mount_namespace_keeps_the_file_system)
{
	int watch;
	pid_t inner[2];

	make_places();
	pid_t pid = start_mounter(&watch, true);
	CHECK_EQ(find_children(pid, NULL, inner, 2), 1);
	end_process(pid);
	CHECK(!wait_readable(watch, 300));
	MUST(kill(inner[0], SIGKILL));
	CHECK(wait_readable(watch, 10000));
	close(watch);
}

CASE(a_file_that_was_copied_out_of_a_mount_can_be_written_through_a_descriptor_opened_before)
{
	char text[16] = "";

	make_places();
	make_mount_namespace();
	MUST(mount("test", case_path("dir"), "tmpfs", 0, NULL));
	int fd = (int)MUST(open(case_path("dir/file"), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	int copy = copy_mount(case_path("dir/file"));
	MUST(umount2(case_path("dir"), MNT_DETACH));
	put_mount(copy, case_path("over"));
	CHECK_EQ(MUST(pwrite(fd, "new", 3, 0)), 3);
	int seen = (int)MUST(open(case_path("over"), O_RDONLY | O_CLOEXEC));
	CHECK_EQ(MUST(read(seen, text, sizeof(text) - 1)), 3);
	CHECK_STR(text, "new");
	close(seen);
	close(fd);
}
