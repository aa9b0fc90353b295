/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_ATTACK_H
#define VDESTACK_TESTS_ATTACK_H

/*
 * What an attacker tries who has the doors and the key of a keeper, and how a process becomes one that must
 * not gain by them.
 */

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "raw.h"

#define NUMBERS UINT64_C(0x100000000000) /* of channels */
#define OTHER 1234 /* an unused uid and gid */
#define GROUP 4321

/* ------------------------------------------------------------------ becoming another user */

__attribute__((unused)) static void become(uid_t uid, gid_t gid)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(gid, gid, gid));
	MUST(setresuid(uid, uid, uid));
}

__attribute__((unused)) static void set_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (uint32_t)(caps >> (32 * i));
	MUST(syscall(SYS_capset, &head, data));
}

__attribute__((unused)) static uint64_t get_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &head, data));
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

#define BIT(cap) (UINT64_C(1) << (cap))

/* As in a container: removed from the bounding set, so no exec restores them. */
__attribute__((unused)) static void lose_caps(uint64_t caps)
{
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (caps & BIT(cap))
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	set_caps(get_caps() & ~caps);
}

/* ------------------------------------------------------------------ what is attempted */

/* An interface that makes a file where only the keeper's owner may. */
__attribute__((unused)) static int add_ptp(const char *path, const char *name, const struct ucred *claim)
{
	char vnl[256];
	struct raw_request r = { .req = { .op = VS_OP_ADD, .timeout_ms = 3000 }, .text = vnl,
				 .claim = claim };

	r.text_len = (size_t)snprintf(vnl, sizeof(vnl), "ptp://%s", path);
	(void)snprintf(r.req.iface.name, sizeof(r.req.iface.name), "%s", name);
	return raw_call(seen.door, &r, NULL);
}

__attribute__((unused)) static int set_sysctl(const struct ucred *claim)
{
	static const char text[] = "ipv4/ip_forward\0001";
	struct raw_request r = {
		.req = { .op = VS_OP_SYSCTL_SET }, .text = text, .text_len = sizeof(text), .claim = claim
	};

	return raw_call(seen.door, &r, NULL);
}

__attribute__((unused)) static int create(const struct ucred *claim)
{
	struct raw_request r = { .req = { .op = VS_OP_CREATE, .timeout_ms = 3000 }, .claim = claim };

	return raw_call(seen.front, &r, NULL);
}

__attribute__((unused)) static int get_sysctl(void)
{
	struct raw_request r = { .req = { .op = VS_OP_SYSCTL_GET }, .text = "ipv4/tcp_dsack",
				 .text_len = 14 };

	return raw_call(seen.door, &r, NULL);
}

__attribute__((unused)) static int carrier(const char *name, const struct ucred *claim)
{
	struct raw_request r = { .req = { .op = VS_OP_CARRIER }, .claim = claim };

	(void)snprintf(r.req.iface.name, sizeof(r.req.iface.name), "%s", name);
	return raw_call(seen.door, &r, NULL);
}

struct prize {
	struct vdestack *stack;
	char path[200]; /* in a directory that only the owner may use */
};

__attribute__((unused)) static struct prize new_prize(const struct vdestack_opts *opts)
{
	struct prize p;

	(void)snprintf(p.path, sizeof(p.path), "%s", case_path("private"));
	MUST(mkdir(p.path, 0700));
	strcat(p.path, "/net");
	p.stack = vdestack_new("iface=mine vnl=inproc://lan", opts);
	if (p.stack == NULL)
		FAIL("%s", vdestack_last_error());
	MUST(vdestack_sysctl_set(p.stack, "ipv4/ip_forward", "0")); /* key and doors are known after this */
	CHECK(seen.front >= 0 && seen.door >= 0 && seen.key->half[0] != 0);
	return p;
}

/* No change succeeds, by raw requests or through the library. What a door allows still works. */
__attribute__((unused)) static void check_powerless(const struct prize *p, const struct ucred *claim)
{
	CHECK_EQ(add_ptp(p->path, "evil0", claim), -EPERM);
	CHECK_EQ(set_sysctl(claim), -EPERM);
	CHECK_EQ(carrier("mine", claim), -EPERM);
	CHECK_EQ(create(claim), -EPERM);
	CHECK_EQ(get_sysctl(), 0);
}

__attribute__((unused)) static void check_powerless_everyhow(const struct prize *p)
{
	struct ucred self = { getpid(), geteuid(), getegid() };

	check_powerless(p, NULL);
	check_powerless(p, &self);
	CHECK_ERRNO(vdestack_iface_add(p->stack, "vnl=inproc://lan", NULL), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "privileges");
	CHECK_ERRNO(vdestack_sysctl_set(p->stack, "ipv4/ip_forward", "1"), EPERM);
	close((int)MUST(vdestack_msocket(p->stack, AF_INET, SOCK_DGRAM, 0)));
}

__attribute__((unused)) static void check_mighty(const struct prize *p, const struct vdestack_opts *opts)
{
	char config[300];

	(void)snprintf(config, sizeof(config), "iface=late vnl=ptp://%s", p->path);
	CHECK_ERRNO(access(p->path, F_OK), ENOENT);
	MUST(vdestack_iface_add(p->stack, config, opts));
	MUST(access(p->path, F_OK));
	MUST(vdestack_sysctl_set(p->stack, "ipv4/ip_forward", "1"));
	CHECK(vdestack_new("", opts) != NULL);
}

/*
 * How long the main thread of a process has run or has waited for a processor, in ms. On a machine with much
 * to do, one that spins runs little, but waits.
 */
__attribute__((unused)) static long long runnable_ms(pid_t pid)
{
	char path[64];
	long long runs, waits;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)pid);
	if (sscanf(text_of(path), "%lld %lld", &runs, &waits) == 2)
		return (runs + waits) / 1000000;
	return cpu_ticks(pid) * 10; /* a kernel without these numbers */
}

/* A keeper that spins is runnable all of this time. */
__attribute__((unused)) static void check_idle(pid_t keeper)
{
	struct pollfd nothing = { .fd = -1 };
	long long before = runnable_ms(keeper);

	(void)poll(&nothing, 1, 500);
	if (runnable_ms(keeper) - before > 250)
		FAIL("in 500 ms the keeper was runnable for %lld ms", runnable_ms(keeper) - before);
}

__attribute__((unused)) static void register_channel(int door, uint64_t number, int fd)
{
	struct raw_request r = { .req = { .op = VS_OP_CHANNEL, .channel = number }, .fds = { fd },
				 .n_fds = 1 };

	CHECK_EQ(raw_send(door, &r), 0);
}

#endif
