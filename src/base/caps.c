/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Capability sets as masks.
 *
 * How a command keeps some capabilities over exec and can never have others:
 *
 *  - The ambient set keeps them over the exec of any file. A capability must be inheritable to be ambient.
 *  - With no_new_privs, an exec adds nothing: no set-id, no file capabilities, nothing for uid 0. To set it
 *    takes no privileges.
 *  - The bounding set and the locked securebits have the same effect a second time. Tools show them. To set
 *    them takes CAP_SETPCAP. Without CAP_SETPCAP, no_new_privs alone has the effect.
 *
 * A consequence: uid 0 in the stack is a number like any other. Such a command opens files by ownership and
 * mode. It has CAP_DAC_OVERRIDE, as root has elsewhere, only if that was requested.
 */

#include "caps.h"

#include <errno.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

struct sets {
	uint64_t effective, permitted, inheritable;
};

static int get_sets(struct sets *sets)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } }; /* valgrind does not see the write to both */

	if (capget(&head, data) < 0)
		return -errno;
	sets->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	sets->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	sets->inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
	return 0;
}

static int put_sets(const struct sets *sets)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(sets->effective >> (32 * i));
		data[i].permitted = (uint32_t)(sets->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(sets->inheritable >> (32 * i));
	}
	return capset(&head, data) < 0 ? -errno : 0;
}

static bool has(uint64_t caps, int cap)
{
	return (caps >> cap & 1) != 0;
}

/* The first number that this kernel does not know. */
static int caps_end(void)
{
	int cap = 0;

	while (cap < 64 && prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0, 0) >= 0)
		cap++;
	return cap;
}

int vs_caps_permitted(uint64_t *permitted)
{
	struct sets sets = { 0 };
	int r = get_sets(&sets);

	if (r == 0)
		*permitted = sets.permitted;
	return r;
}

int vs_caps_effective(uint64_t *effective)
{
	struct sets sets = { 0 };
	int r = get_sets(&sets);

	if (r == 0)
		*effective = sets.effective;
	return r;
}

int vs_caps_inheritable(uint64_t *caps)
{
	struct sets sets = { 0 };
	int r = get_sets(&sets);

	if (r < 0)
		return r;
	*caps = 0;
	for (int cap = 0; cap < 64; cap++)
		if (has(sets.inheritable, cap) || prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0, 0) == 1)
			*caps |= UINT64_C(1) << cap;
	*caps &= sets.permitted;
	return 0;
}

static int lower(uint64_t keep, uint64_t inheritable)
{
	struct sets sets = { 0 };
	int r = get_sets(&sets);

	if (r < 0)
		return r;
	sets.permitted &= keep;
	sets.effective = sets.permitted;
	sets.inheritable &= sets.permitted & inheritable;
	return put_sets(&sets); /* the kernel lowers the ambient set, too */
}

int vs_caps_keep(uint64_t keep)
{
	return lower(keep, keep);
}

int vs_caps_only(uint64_t keep)
{
	return lower(keep, 0);
}

int vs_caps_briefly(uint64_t keep, int (*fn)(void))
{
	struct sets all = { 0 };
	bool lowered = get_sets(&all) == 0;

	if (lowered) {
		struct sets less = all;
		less.effective &= keep;
		lowered = put_sets(&less) == 0;
	}
	int r = fn();
	if (lowered)
		(void)put_sets(&all);
	return r;
}

void vs_caps_bound(uint64_t keep)
{
	/* The first failure is the last: EPERM, it takes CAP_SETPCAP, or EINVAL, the kernel knows no more. */
	for (int cap = 0; cap < 64; cap++)
		if (!has(keep, cap) && prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0, 0, 0) < 0)
			return;
}

/*
 * Like vs_caps_bound(). Two things stay allowed. Raising ambient capabilities adds nothing to the permitted
 * set, and tools that start others with fewer capabilities need it. Keeping capabilities over a change of the
 * user is needed by ping.
 */
static void lock_securebits(void)
{
	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	if (bits < 0)
		return;
	bits &= ~SECBIT_KEEP_CAPS;
	bits |= SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
		SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	(void)prctl(PR_SET_SECUREBITS, (unsigned long)bits, 0, 0, 0);
}

static int raise_ambient(uint64_t caps, int end)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (int cap = 0; cap < end; cap++)
		if (has(caps, cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)cap, 0, 0) < 0)
			return -errno;
	return 0;
}

int vs_caps_confine(uint64_t caps)
{
	struct sets sets = { 0 };
	int end = caps_end();
	int r = get_sets(&sets);

	if (r == 0 && (caps & ~sets.permitted) != 0)
		r = -EPERM;
	if (r < 0)
		return r;
	sets.effective = sets.permitted; /* what follows takes an effective CAP_SETPCAP */
	sets.inheritable = caps;
	if ((r = put_sets(&sets)) < 0 || (r = raise_ambient(caps, end)) < 0)
		return r;
	vs_caps_bound(caps);
	lock_securebits();
	sets.effective = sets.permitted = caps;
	if ((r = put_sets(&sets)) < 0)
		return r;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/*
 * By number, as in linux/capability.h. Not those of libcap: the library is also the file of the keeper, and
 * each library that the keeper's start has to load makes the first stack of a program slower.
 */
static const char *const cap_names[] = {
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill",
	"cap_setgid", "cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service",
	"cap_net_broadcast", "cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner",
	"cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct",
	"cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource", "cap_sys_time",
	"cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write", "cap_audit_control",
	"cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm",
	"cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
};

void vs_caps_names(uint64_t caps, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t cap = 0; cap < 64 && used < size; cap++) {
		if (!has(caps, (int)cap))
			continue;
		const char *between = used > 0 ? ", " : "";
		bool known = cap < sizeof(cap_names) / sizeof(cap_names[0]);
		int n = known ? snprintf(buf + used, size - used, "%s%s", between, cap_names[cap])
			      : snprintf(buf + used, size - used, "%s%zu", between, cap);
		used += n > 0 ? (size_t)n : 0;
	}
}
