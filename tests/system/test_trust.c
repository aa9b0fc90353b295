/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an attacker can change, read or end through a keeper after taking over a process that has the keeper's
 * doors and key. Each case is an attack. See SECURITY.md.
 */

#define _GNU_SOURCE
#include <sched.h>

#include "attack.h"

/* ------------------------------------------------------------------ fewer ids than the keeper */

static void dropped_to_other(void *prize)
{
	become(OTHER, OTHER);
	check_powerless_everyhow(prize);
}

CASE_FLAGS(a_child_that_gave_up_its_uid_cannot_change_anything, CASE_F_ROOT | CASE_F_INPROCESS)
{
	struct prize p = new_prize(case_opts());

	in_child(dropped_to_other, &p);
	if (!case_is_inprocess() ||
	    strcmp(case_sanitizer(), "address") != 0) /* which refuses plugins there */
		check_mighty(&p, case_opts());
}

static void dropped_uid_only(void *prize)
{
	MUST(setresuid(OTHER, OTHER, OTHER));
	check_powerless_everyhow(prize);
}

static void dropped_gid_only(void *prize)
{
	MUST(setresgid(OTHER, OTHER, OTHER));
	set_caps(get_caps() & ~BIT(CAP_SETGID)); /* for ever */
	check_powerless_everyhow(prize);
}

CASE_FLAGS(a_child_that_gave_up_its_gid_cannot_change_anything, CASE_F_ROOT | CASE_F_INPROCESS)
{
	struct prize p = new_prize(case_opts());

	in_child(dropped_gid_only, &p);
}

/* It may mount, but may not claim to be uid 0. */
static void dropped_uid_but_not_sys_admin(void *prize)
{
	struct ucred claim = seen.claim;

	CHECK(claim.pid != getpid()); /* it shows the capability */
	MUST(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	MUST(setresuid(OTHER, OTHER, OTHER));
	set_caps(BIT(CAP_SYS_ADMIN));
	claim.uid = OTHER;
	check_powerless(prize, &claim);
}

static void dropped_gid_but_not_sys_admin(void *prize)
{
	struct ucred claim = seen.claim;

	MUST(setresgid(OTHER, OTHER, OTHER));
	set_caps(BIT(CAP_SYS_ADMIN));
	claim.gid = OTHER;
	check_powerless(prize, &claim);
}

CASE_ROOT(a_child_that_kept_nothing_but_sys_admin_cannot_change_anything)
{
	struct prize p = new_prize(NULL);

	in_child(dropped_uid_but_not_sys_admin, &p);
	in_child(dropped_gid_but_not_sys_admin, &p);
	check_mighty(&p, NULL);
}

/* uid 0 without the capability to map uid 0: all ids look the same to the keeper. */
CASE_FLAGS(where_no_uid_is_mapped_a_child_of_another_uid_cannot_change_anything, CASE_F_ROOT | CASE_F_USERNS)
{
	lose_caps(BIT(CAP_SYS_ADMIN) | BIT(CAP_SETFCAP));
	struct prize p = new_prize(NULL);
	in_child(dropped_to_other, &p);
	in_child(dropped_uid_only, &p);
	in_child(dropped_gid_only, &p);
	check_mighty(&p, NULL);
}

CASE_FLAGS(uid_0_without_any_capability_makes_stacks, CASE_F_ROOT | CASE_F_USERNS)
{
	lose_caps(~UINT64_C(0));
	struct prize p = new_prize(NULL);
	check_mighty(&p, NULL);
	close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_RAW, IPPROTO_ICMP)));
}

/* Dropped, but still in the bounding set: exec would restore them, for the keeper only. */
CASE_FLAGS(uid_0_that_has_dropped_its_capabilities_makes_stacks, CASE_F_ROOT | CASE_F_USERNS)
{
	set_caps(0);
	struct prize p = new_prize(NULL);
	check_mighty(&p, NULL);
}

CASE_FLAGS(uid_0_whose_capabilities_are_not_in_effect_makes_stacks, CASE_F_ROOT | CASE_F_USERNS)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &head, data));
	data[0].effective = data[1].effective = 0;
	MUST(syscall(SYS_capset, &head, data));
	struct prize p = new_prize(NULL);
	check_mighty(&p, NULL);
}

CASE_ROOT(a_keeper_has_no_capability_that_its_program_has_dropped)
{
	char path[64];

	set_caps(get_caps() & ~BIT(CAP_DAC_OVERRIDE));
	(void)new_stack("%s", "");
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)the_keeper());
	const char *permitted = strstr(text_of(path), "CapPrm:");
	CHECK(permitted != NULL);
	uint64_t caps = strtoull(permitted + 7, NULL, 16);
	CHECK((caps & BIT(CAP_SYS_ADMIN)) != 0); /* it is in the program's user namespace */
	CHECK_EQ(caps & BIT(CAP_DAC_OVERRIDE), 0);
}

/* The keeper of "nobody", whose uid is the overflow id. */
struct handed {
	int front, door;
	struct vs_key key;
	char path[200];
};

static void nobody(int channel)
{
	struct handed h;

	MUST(chown(case_tmp(), 65534, 65534));
	become(65534, 65534);
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	struct prize p = new_prize(NULL);
	h = (struct handed){ .key = *seen.key };
	memcpy(h.path, p.path, sizeof(h.path));
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.align), (int[]){ seen.front, seen.door }, 2 * sizeof(int));
	MUST(syscall(SYS_sendmsg, channel, &m, 0));
	char c;
	CHECK_EQ(recv(channel, &c, 1, 0), 0); /* the other one is done */
	check_mighty(&p, NULL);
	_exit(0);
}

CASE_FLAGS(the_doors_of_nobody_are_of_no_use_to_another_uid, CASE_F_ROOT | CASE_F_USERNS)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct handed h;
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int pair[2], status;

	raw_pair(pair);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(pair[0]);
		nobody(pair[1]);
	}
	close(pair[1]);
	CHECK_EQ(recvmsg(pair[0], &m, 0), (ssize_t)sizeof(h));
	memcpy(&seen.front, CMSG_DATA(&control.align), sizeof(int));
	memcpy(&seen.door, (char *)CMSG_DATA(&control.align) + sizeof(int), sizeof(int));
	seen.key = &h.key;
	become(OTHER, OTHER);
	CHECK_EQ(add_ptp(h.path, "evil0", NULL), -EPERM);
	CHECK_EQ(set_sysctl(NULL), -EPERM);
	CHECK_EQ(create(NULL), -EPERM);
	CHECK_EQ(get_sysctl(), 0);
	close(pair[0]);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

/* As a set-group-ID program does: the group is real and effective, the user's own one is saved. */
CASE_FLAGS(a_program_that_gave_up_a_group_cannot_use_it_through_the_keeper, CASE_F_ROOT | CASE_F_USERNS)
{
	MUST(chown(case_tmp(), OTHER, OTHER));
	MUST(setgroups(0, NULL));
	MUST(setresgid(GROUP, GROUP, OTHER));
	MUST(setresuid(OTHER, OTHER, OTHER));
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	struct prize p = new_prize(NULL);
	MUST(setresgid(OTHER, OTHER, OTHER));
	check_powerless_everyhow(&p);
}

/* ------------------------------------------------------------------ what only root may read */

static void read_secrets(void *prize)
{
	static const char *const secret[] = { "ipv4/tcp_fastopen_key", "ipv6/conf/lo/stable_secret" };
	struct ucred self;

	(void)prize;
	become(OTHER, OTHER);
	self = (struct ucred){ getpid(), OTHER, OTHER };
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		struct raw_request r = { .req = { .op = VS_OP_SYSCTL_GET }, .text = secret[i],
					 .text_len = strlen(secret[i]), .claim = &self };
		CHECK_EQ(raw_call(seen.door, &r, NULL), -EPERM);
	}
	CHECK_EQ(get_sysctl(), 0);
}

CASE_BOTH_ROOT(settings_that_hold_secrets_are_not_read_for_a_program_that_gave_up_root)
{
	struct prize p = new_prize(case_opts());
	char key[64];

	in_child(read_secrets, &p);
	MUST(vdestack_sysctl_get(p.stack, "ipv4/tcp_fastopen_key", key, sizeof(key)));
}

/* Such a socket is enough to configure IPsec. This kernel may not have the family. */
CASE_BOTH(there_are_no_sockets_of_pf_key_in_stacks)
{
	struct prize p = new_prize(case_opts());

	CHECK_ERRNO(vdestack_msocket(p.stack, AF_KEY, SOCK_RAW, 2), EAFNOSUPPORT);
}

/* ------------------------------------------------------------------ commands of others */

static int own_status_fd = -1;

/*
 * Finds the leashes of the parent's commands among the inherited descriptors. Shutting one down would end the
 * commands.
 */
static void shut_down_all(void *prize)
{
	(void)prize;
	become(OTHER, OTHER);
	for (int fd = 3; fd < 2048; fd++)
		if (fd != seen.front && fd != seen.door && fd != own_status_fd)
			(void)shutdown(fd, SHUT_RDWR);
}

CASE_BOTH_ROOT(a_child_cannot_end_commands_with_inherited_descriptors)
{
	struct prize p = new_prize(case_opts());
	int status_fd, status;

	close((int)MUST(vdestack_spawn(p.stack, (char *[]){ (char *)"sleep", (char *)"1000", NULL }, NULL,
				       &status_fd)));
	own_status_fd = status_fd; /* this descriptor belongs to the program, which may pass it on */
	in_child(shut_down_all, &p);
	CHECK_EQ(vdestack_run(p.stack, (char *[]){ (char *)"true", NULL }, NULL), 0);
	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, 0), ETIMEDOUT);
	MUST(vdestack_delete(p.stack));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK(WIFSIGNALED(status));
}

static void shut_down_lives(void *prize)
{
	struct raw_request r = { .req = { .op = VS_OP_ENTRY, .arg = { 1 } }, .n_fds = 1 };
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct vs_reply reply;
	struct iovec iov = { &reply, sizeof(reply) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int pair[2], life;

	(void)prize;
	become(OTHER, OTHER);
	raw_pair(pair);
	r.fds[0] = pair[1];
	CHECK_EQ(raw_send(seen.door, &r), 0);
	CHECK(recvmsg(pair[0], &m, 0) >= (ssize_t)sizeof(reply));
	CHECK_EQ(reply.result, 0);
	CHECK_EQ(control.align.cmsg_len, CMSG_LEN(2 * sizeof(int)));
	memcpy(&life, (char *)CMSG_DATA(&control.align) + sizeof(int), sizeof(int));
	MUST(shutdown(life, SHUT_RDWR));
}

CASE_BOTH_ROOT(a_child_cannot_end_the_commands_of_its_parent)
{
	struct prize p = new_prize(case_opts());
	int status_fd, status;
	int pidfd = (int)MUST(vdestack_spawn(p.stack, (char *[]){ (char *)"sleep", (char *)"1000", NULL },
					     NULL, &status_fd));

	close(pidfd);
	in_child(shut_down_lives, &p);
	CHECK_EQ(vdestack_run(p.stack, (char *[]){ (char *)"true", NULL }, NULL), 0);
	CHECK_ERRNO(vdestack_cmd_wait(status_fd, &status, 0), ETIMEDOUT); /* it still runs */
	MUST(vdestack_delete(p.stack)); /* which ends it */
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK(WIFSIGNALED(status));
}

/* ------------------------------------------------------------------ other PID namespaces */

/* The leak sanitizer starts a task at the end, which goes to the new namespace. */
CASE_FLAGS(in_a_new_pid_namespace_changes_fail_with_the_reason_and_new_stacks_can_be_made,
	   CASE_F_ROOT | CASE_F_NO_SANITIZER)
{
	struct prize p = new_prize(NULL);
	int status;

	MUST(unshare(CLONE_NEWPID));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		CHECK_EQ(getpid(), 1);
		CHECK_ERRNO(vdestack_iface_add(p.stack, "vnl=inproc://lan", NULL), EPERM);
		CHECK_CONTAINS(vdestack_last_error(), "PID namespace");
		close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_DGRAM, 0)));
		struct vdestack *own = vdestack_new("vnl=inproc://lan", NULL);
		if (own == NULL)
			FAIL("%s", vdestack_last_error());
		MUST(vdestack_sysctl_set(own, "ipv4/ip_forward", "1"));
		MUST(vdestack_iface_add(own, "vnl=inproc://lan", NULL));
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}
