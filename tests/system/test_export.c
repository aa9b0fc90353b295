/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Namespaces that the library exports, and namespaces that it adopts. */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <grp.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "stacks.h"

/* ------------------------------------------------------------------ helpers */

static ino_t inode_of(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st));
	return st.st_ino;
}

/* The namespace of a socket, identified by its devices. */
static bool has_interface(const char *name)
{
	struct ifreq ifr = { 0 };
	int s = (int)MUST(syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	bool has;

	strcpy(ifr.ifr_name, name);
	has = ioctl(s, SIOCGIFINDEX, &ifr) == 0;
	close(s);
	return has;
}

struct holder {
	pid_t pid;
	int hold; /* closing it ends the process */
};

/* A process with a network namespace of its own; for an ordinary user in a user namespace of its own. */
static struct holder new_holder(void)
{
	int hold[2], word[2];
	char byte = 0;

	MUST(pipe2(hold, O_CLOEXEC));
	MUST(pipe2(word, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		uid_t uid = geteuid();
		char line[64];
		close(hold[1]);
		MUST(unshare(CLONE_NEWNET | (uid != 0 ? CLONE_NEWUSER : 0)));
		if (uid != 0) { /* as unshare -r does */
			int fd = (int)MUST(open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC));
			int n = snprintf(line, sizeof(line), "0 %u 1", (unsigned)uid);
			CHECK_EQ(write(fd, line, (size_t)n), n);
			close(fd);
		}
		CHECK_EQ(write(word[1], &byte, 1), 1);
		(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	close(hold[0]);
	close(word[1]);
	CHECK_EQ(read(word[0], &byte, 1), 1);
	close(word[0]);
	return (struct holder){ pid, hold[1] };
}

static const char *path_of(const struct holder *h)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)h->pid);
	return path;
}

static void end_holder(struct holder *h)
{
	int status;

	close(h->hold);
	MUST(waitpid(h->pid, &status, 0));
	CHECK_EQ(status, 0);
}

/* ------------------------------------------------------------------ export */

CASE_BOTH(exported_descriptor_is_close_on_exec_and_always_the_same_namespace)
{
	struct vdestack *a = new_stack("%s", ""), *b = new_stack("%s", "");
	int first = (int)MUST(vdestack_netns(a)), second = (int)MUST(vdestack_netns(a)),
	    other = (int)MUST(vdestack_netns(b));
	int here = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	CHECK(first > 2);
	CHECK_EQ(fcntl(first, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ioctl(first, NS_GET_NSTYPE), CLONE_NEWNET);
	CHECK_EQ(inode_of(first), inode_of(second));
	CHECK(inode_of(first) != inode_of(other));
	CHECK(inode_of(first) != inode_of(here));
	CHECK_ERRNO(vdestack_netns(NULL), EINVAL);
	MUST(vdestack_delete(b));
	CHECK_ERRNO(vdestack_netns(b), EINVAL);
}

static void enter(void *arg)
{
	int ns = *(int *)arg;

	if (geteuid() != 0) {
		int user = (int)MUST(ioctl(ns, NS_GET_USERNS));
		MUST(setns(user, CLONE_NEWUSER));
	}
	MUST(setns(ns, CLONE_NEWNET));
	CHECK(has_interface("exported"));
}

CASE_BOTH(exported_descriptor_can_be_entered_with_setns)
{
	struct vdestack *s = new_stack("iface=exported vnl=inproc://lan");
	int ns = (int)MUST(vdestack_netns(s));

	in_child(enter, &ns);
	CHECK(!has_interface("exported"));
}

static void run_nsenter(void *arg)
{
	char net[64], user[64];
	int ns = *(int *)arg;

	(void)snprintf(net, sizeof(net), "--net=/proc/self/fd/%d", ns);
	(void)snprintf(user, sizeof(user), "--user");
	MUST(fcntl(ns, F_SETFD, 0));
	if (geteuid() != 0) {
		int owner = (int)MUST(ioctl(ns, NS_GET_USERNS));
		MUST(fcntl(owner, F_SETFD, 0));
		(void)snprintf(user, sizeof(user), "--user=/proc/self/fd/%d", owner);
		MUST(execlp("nsenter", "nsenter", "--preserve-credentials", user, net, "sh", "-c",
			    "grep -q exported: /proc/net/dev", (char *)NULL));
	}
	MUST(execlp("nsenter", "nsenter", net, "sh", "-c", "grep -q exported: /proc/net/dev", (char *)NULL));
}

CASE_BOTH(exported_descriptor_can_be_entered_with_nsenter)
{
	struct vdestack *s = new_stack("iface=exported vnl=inproc://lan");
	int ns = (int)MUST(vdestack_netns(s));

	in_child(run_nsenter, &ns);
}

static void look_again(void *arg)
{
	int ns = *(int *)arg;

	if (geteuid() != 0)
		MUST(setns((int)MUST(ioctl(ns, NS_GET_USERNS)), CLONE_NEWUSER));
	MUST(setns(ns, CLONE_NEWNET));
	CHECK(has_interface("lo"));
	CHECK(!has_interface("exported")); /* the library's own was closed with the stack */
}

static bool interface_gone(void *arg)
{
	int status, ns = *(int *)arg;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		if (geteuid() != 0)
			MUST(setns((int)MUST(ioctl(ns, NS_GET_USERNS)), CLONE_NEWUSER));
		MUST(setns(ns, CLONE_NEWNET));
		_exit(has_interface("exported") ? 3 : 0);
	}
	MUST(waitpid(pid, &status, 0));
	return status == 0;
}

CASE_BOTH(exported_namespace_lives_as_long_as_its_descriptor)
{
	struct vdestack *s = new_stack("iface=exported vnl=inproc://lan");
	int ns = (int)MUST(vdestack_netns(s));

	MUST(vdestack_delete(s));
	CHECK(wait_until(interface_gone, &ns, SOON_MS));
	in_child(look_again, &ns);
	/* and can be given back */
	s = vdestack_adopt_fd(ns, "iface=again vnl=inproc://lan ip=10.9.0.7/24", case_opts());
	if (s == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	struct vdestack *peer = new_stack("vnl=inproc://lan ip=10.9.0.8/24");
	check_tcp(s, s, "10.9.0.7", 0);
	MUST(vdestack_delete(peer));
	MUST(vdestack_delete(s));
}

/* ------------------------------------------------------------------ adoption */

/* The library does not set up interfaces that it has not made. */
static void bring_lo_up(struct vdestack *s)
{
	MUST(vdestack_link_set_up(s, "lo", 1));
}

static void use_adopted(struct vdestack *s)
{
	bring_lo_up(s);
	check_tcp(s, s, "127.0.0.1", 0);
	MUST(vdestack_iface_add(s, "vnl=inproc://lan ip=10.9.0.1/24", case_opts()));
	CHECK(vdestack_if_nametoindex(s, "vde0") > 0);
	MUST(vdestack_iface_del(s, "vde0"));
	CHECK_ERRNO(vdestack_if_nametoindex(s, "vde0"), ENODEV);
	CHECK_ERRNO(vdestack_iface_del(s, "lo"), EINVAL);
}

CASE_BOTH(namespace_of_another_process_is_adopted_by_path)
{
	struct holder h = new_holder();
	struct vdestack *s = vdestack_adopt_path(path_of(&h), "", case_opts());

	if (s == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	use_adopted(s);
	int in = (int)MUST(vdestack_netns(s)), its = (int)MUST(open(path_of(&h), O_RDONLY | O_CLOEXEC));
	CHECK_EQ(inode_of(in), inode_of(its));
	MUST(vdestack_delete(s));
	end_holder(&h);
}

CASE_BOTH(namespace_of_another_process_is_adopted_by_descriptor_and_outlives_it)
{
	struct holder h = new_holder();
	int ns = (int)MUST(open(path_of(&h), O_RDONLY | O_CLOEXEC));
	struct vdestack *s = vdestack_adopt_fd(ns, "vnl=inproc://lan ip=10.9.0.1/24", case_opts());

	if (s == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	CHECK_EQ(fcntl(ns, F_GETFD), FD_CLOEXEC); /* not consumed */
	close(ns);
	end_holder(&h);
	bring_lo_up(s);
	check_tcp(s, s, "10.9.0.1", 0);
	MUST(vdestack_delete(s));
}

CASE_FLAGS(adopted_namespace_can_have_vde_links, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct holder h = new_holder();
	char config[256];

	(void)snprintf(config, sizeof(config), "vnl=ptp://%s ip=10.9.0.1/24", case_path("net"));
	struct vdestack *s = vdestack_adopt_path(path_of(&h), config, case_opts());
	if (s == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	struct vdestack *peer = new_stack("vnl=ptp://%s ip=10.9.0.2/24", case_path("net"));
	check_udp(s, peer, "10.9.0.2");
	check_udp(peer, s, "10.9.0.1");
	MUST(vdestack_delete(s));
	end_holder(&h);
}

/* As "ip netns add" does it: a file that is a namespace. */
CASE_BOTH_ROOT(namespace_with_a_name_is_adopted_and_keeps_its_own_interfaces)
{
	const char *name = case_path("netns");
	struct holder h = new_holder();
	char config[256];

	close((int)MUST(open(name, O_CREAT | O_RDONLY | O_CLOEXEC, 0644)));
	MUST(mount(path_of(&h), name, NULL, MS_BIND, NULL));
	end_holder(&h);
	(void)snprintf(config, sizeof(config), "nsenter --net=%s ip link add vde0 type veth peer name peer",
		       name);
	CHECK_EQ(system(config), 0);
	for (int i = 0; i < 2; i++) {
		struct vdestack *s =
			vdestack_adopt_path(name, "vnl=inproc://lan ip=10.9.0.1/24", case_opts());
		if (s == NULL)
			FAIL("not adopted: %s", vdestack_last_error());
		/* vde0 was taken */
		MUST(vdestack_if_nametoindex(s, "vde0"));
		MUST(vdestack_if_nametoindex(s, "vde1"));
		CHECK_ERRNO(vdestack_iface_del(s, "vde0"), ENODEV);
		CHECK_ERRNO(vdestack_iface_add(s, "iface=vde0 vnl=inproc://lan", case_opts()), EEXIST);
		CHECK_CONTAINS(vdestack_last_error(), "vde0");
		bring_lo_up(s);
		check_tcp(s, s, "10.9.0.1", 0);
		MUST(vdestack_delete(s));
		/* Deletion does not wait for the interfaces. */
		(void)snprintf(config, sizeof(config),
			       "nsenter --net=%s sh -c 'while ip link show vde1 >/dev/null 2>&1; do "
			       "sleep 0.02; done'",
			       name);
		CHECK_EQ(system(config), 0);
	}
	struct vdestack *s = vdestack_adopt_path(name, NULL, case_opts());
	CHECK(s != NULL);
	MUST(vdestack_if_nametoindex(s, "vde0"));
	MUST(vdestack_delete(s));
	(void)snprintf(config, sizeof(config), "nsenter --net=%s ip link show vde0 >/dev/null", name);
	CHECK_EQ(system(config), 0);
	MUST(umount(name));
}

/* More in a row than a keeper has namespaces in reserve for. The first request of each reads them. */
CASE_FLAGS(new_namespaces_have_the_sysctls_of_the_library,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	static const char *const configs[] = { "", "vnl=null://", "vnl=inproc://lan" };
	static const char *const names[] = { "ipv4/ip_unprivileged_port_start",
					     "ipv6/conf/all/ndisc_notify" };
	static const char *const values[] = { "0", "1" };
	char value[64];

	for (int i = 0; i < 12; i++) {
		struct vdestack *s = new_stack("%s", configs[i % 3]);
		MUST(vdestack_sysctl_get(s, names[i / 3 % 2], value, sizeof(value)));
		CHECK_STR(value, values[i / 3 % 2]);
		MUST(vdestack_sysctl_get(s, "ipv4/ping_group_range", value, sizeof(value)));
		CHECK(strcmp(value, "1\t0") != 0); /* the kernel's: nobody */
	}
}

/* The library sets sysctls only in new namespaces, not in adopted ones. */
CASE_BOTH(adoption_changes_nothing_in_the_namespace)
{
	struct holder h = new_holder();
	struct vdestack *s = vdestack_adopt_path(path_of(&h), NULL, case_opts());
	char value[64];

	CHECK(s != NULL);
	MUST(vdestack_sysctl_get(s, "ipv4/ip_unprivileged_port_start", value, sizeof(value)));
	CHECK_STR(value, "1024");
	CHECK_EQ(vdestack_link_get_flags(s, "lo") & IFF_UP, 0);
	MUST(vdestack_delete(s));
	end_holder(&h);
}

CASE_BOTH(exported_namespace_of_one_stack_is_adopted_as_another)
{
	struct vdestack *s = new_stack("iface=first vnl=inproc://lan ip=10.9.0.1/24");
	int ns = (int)MUST(vdestack_netns(s));
	struct vdestack *t =
		vdestack_adopt_fd(ns, "iface=second vnl=inproc://other ip=10.9.1.1/24", case_opts());

	if (t == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	close(ns);
	check_tcp(s, t, "10.9.0.1", 0);
	check_tcp(s, t, "10.9.1.1", 0);
	CHECK_ERRNO(vdestack_iface_del(t, "first"), ENODEV);
	MUST(vdestack_delete(t));
	check_tcp(s, s, "10.9.0.1", 0);
	MUST(vdestack_delete(s));
}

CASE_BOTH(adopted_stacks_run_commands)
{
	struct holder h = new_holder();
	struct vdestack *s = vdestack_adopt_path(path_of(&h), "iface=mine vnl=inproc://lan", case_opts());

	if (s == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	CHECK_EQ(vdestack_run(s,
			      (char *[]){ (char *)"grep", (char *)"-q",
					  (char *)"mine:", (char *)"/proc/net/dev", NULL },
			      NULL),
		 0);
	MUST(vdestack_delete(s));
	end_holder(&h);
}

/* ------------------------------------------------------------------ refusals */

static void refuse_fd(int fd, int err)
{
	int fds = count_fds();

	CHECK_ERRNO(vdestack_adopt_fd(fd, NULL, case_opts()), err);
	CHECK_CONTAINS(vdestack_last_error(), "cannot adopt");
	CHECK_EQ(count_fds(), fds);
}

CASE_BOTH(descriptor_of_no_network_namespace_is_refused)
{
	static const char *const kinds[] = { "uts", "mnt", "user", "pid", "ipc" };
	char path[64];

	refuse_fd(-1, EBADF);
	refuse_fd(999, EBADF);
	refuse_fd((int)MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), EINVAL);
	refuse_fd((int)MUST(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), EINVAL);
	refuse_fd((int)MUST(open("/proc/self/ns/net", O_PATH | O_NOFOLLOW | O_CLOEXEC)), EINVAL);
	refuse_fd((int)MUST(syscall(SYS_pidfd_open, getpid(), 0)), EINVAL);
	refuse_fd((int)MUST(syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), EINVAL);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		refuse_fd((int)MUST(open(path, O_RDONLY | O_CLOEXEC)), EINVAL);
		CHECK_ERRNO(vdestack_adopt_path(path, NULL, case_opts()), EINVAL);
		CHECK_CONTAINS(vdestack_last_error(), "no network namespace");
	}
	CHECK_EQ(find_keepers(NULL, 0), 0);
}

CASE_BOTH(path_that_names_no_namespace_is_refused)
{
	CHECK_ERRNO(vdestack_adopt_path(NULL, NULL, case_opts()), EINVAL);
	CHECK_ERRNO(vdestack_adopt_path("", NULL, case_opts()), ENOENT);
	CHECK_ERRNO(vdestack_adopt_path("nowhere", NULL, case_opts()), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "nowhere");
	CHECK_ERRNO(vdestack_adopt_path("/proc/2147483647/ns/net", NULL, case_opts()), ENOENT);
	CHECK_ERRNO(vdestack_adopt_path("/dev/null", NULL, case_opts()), EINVAL);
	MUST(mkfifo("fifo", 0600));
	/* and does not wait for a writer */
	CHECK_ERRNO(vdestack_adopt_path("fifo", NULL, case_opts()), EINVAL);
}

CASE_FLAGS(bad_configuration_of_an_adopted_namespace_leaves_nothing,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct holder h = new_holder();
	int fds = count_fds();

	CHECK_ERRNO(vdestack_adopt_path(path_of(&h), "vnl=inproc://lan ip=10.0.0.1/99", case_opts()), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "ip=10.0.0.1/99");
	CHECK_ERRNO(vdestack_adopt_path(path_of(&h),
					"iface=one vnl=inproc://lan iface=two vnl=nosuchscheme://x",
					case_opts()),
		    EPROTONOSUPPORT);
	CHECK_EQ(count_fds(), fds);
	struct vdestack *s = vdestack_adopt_path(path_of(&h), NULL, case_opts());
	CHECK(s != NULL);
	CHECK_ERRNO(vdestack_if_nametoindex(s, "one"), ENODEV);
	MUST(vdestack_delete(s));
	end_holder(&h);
}

CASE_USER(namespace_of_another_user_is_refused)
{
	int host = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	CHECK_ERRNO(vdestack_adopt_fd(host, "", NULL), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "only namespaces of this program's user");
	CHECK_ERRNO(vdestack_adopt_path("/proc/self/ns/net", "", NULL), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "only namespaces of this program's user");
	/* also while there is a keeper */
	(void)new_stack("%s", "");
	CHECK_ERRNO(vdestack_adopt_fd(host, "", NULL), EPERM);
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = VDESTACK_INPROCESS };
	CHECK_ERRNO(vdestack_adopt_fd(host, "", &opts), EPERM);
}

static void adopt_after_drop(void *arg)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(ORDINARY, ORDINARY, ORDINARY));
	MUST(setresuid(ORDINARY, ORDINARY, ORDINARY));
	CHECK_ERRNO(vdestack_adopt_fd(*(int *)arg, "", NULL), EPERM);
	CHECK(strlen(vdestack_last_error()) > 0);
}

CASE_ROOT(program_that_gave_up_its_uid_cannot_adopt_a_namespace_of_root)
{
	struct holder h = new_holder();
	struct vdestack *s = new_stack("%s", "");
	int mine = (int)MUST(vdestack_netns(s)), its = (int)MUST(open(path_of(&h), O_RDONLY | O_CLOEXEC));

	in_child(adopt_after_drop, &mine);
	in_child(adopt_after_drop, &its);
	end_holder(&h);
}

/* Root may enter what an ordinary user has made, and the user's interfaces stay. */
CASE_FLAGS(root_adopts_the_namespace_of_a_user, CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_USERNS)
{
	int pair[2], status, ns;
	char control[CMSG_SPACE(sizeof(int))], byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(setgroups(0, NULL));
		MUST(setresgid(ORDINARY, ORDINARY, ORDINARY));
		MUST(setresuid(ORDINARY, ORDINARY, ORDINARY));
		struct vdestack *s = vdestack_new("iface=users vnl=inproc://lan", NULL);
		if (s == NULL)
			FAIL("no stack: %s", vdestack_last_error());
		ns = (int)MUST(vdestack_netns(s));
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &ns, sizeof(int));
		MUST(sendmsg(pair[1], &h, 0));
		close(pair[0]);
		_exit(recv(pair[1], &byte, 1, 0) == 1 && vdestack_if_nametoindex(s, "users") > 0 ? 0 : 9);
	}
	close(pair[1]);
	CHECK_EQ(recvmsg(pair[0], &h, MSG_CMSG_CLOEXEC), 1);
	memcpy(&ns, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(int));
	struct vdestack *s =
		vdestack_adopt_fd(ns, "iface=roots vnl=inproc://other ip=10.9.0.1/24", case_opts());
	if (s == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	MUST(vdestack_if_nametoindex(s, "users"));
	bring_lo_up(s);
	check_tcp(s, s, "10.9.0.1", 0);
	MUST(vdestack_delete(s));
	MUST(send(pair[0], &byte, 1, 0));
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}
