/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_FILTER_CALLS_H
#define VS_KEEPER_FILTER_CALLS_H

/*
 * The system calls that the keeper gives up, for filter.c alone. docs/keeper-filter.md has the reason for
 * each group.
 *
 * Numbers differ between architectures. A call that has no number on this one is left out.
 */

#include <sys/syscall.h>

#include "mount_calls.h"

enum vs_filter_action {
	VS_FILTER_ALLOW,
	VS_FILTER_KILL,        /* the process ends by SIGSYS */
	VS_FILTER_EPERM,
	VS_FILTER_ENOSYS,
	VS_FILTER_CLONE,       /* by its flags: threads are allowed; processes and namespaces are not */
	VS_FILTER_UNSHARE,     /* by its flags: allowed for network namespaces and the tables of a thread */
	VS_FILTER_SETNS,       /* by the type: allowed for network namespaces */
	VS_FILTER_PERSONALITY, /* allowed to read it, not to change it */
	VS_FILTER_FSCONFIG,    /* by the command: allowed to make what was opened before the filter */
	VS_FILTER_FSMOUNT,     /* by both flags: allowed as sysctl_dir.c uses it */
};

struct vs_filter_rule {
	unsigned number;
	enum vs_filter_action action;
};

/* New calls have the same number on all architectures. The headers of the C library may not have them. */
#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup VS_NR(425)
#define __NR_io_uring_enter VS_NR(426)
#define __NR_io_uring_register VS_NR(427)
#endif
#ifndef __NR_clone3
#define __NR_clone3 VS_NR(435)
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd VS_NR(438)
#endif
#ifndef __NR_process_madvise
#define __NR_process_madvise VS_NR(440)
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr VS_NR(442)
#endif
#ifndef __NR_quotactl_fd
#define __NR_quotactl_fd VS_NR(443)
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr VS_NR(467)
#endif

#define KILL(call) { __NR_##call, VS_FILTER_KILL }
#define EPERM_FOR(call) { __NR_##call, VS_FILTER_EPERM }

static const struct vs_filter_rule vs_filter_rules[] = {
	/* other programs */
	KILL(execve), KILL(execveat),
#ifdef __NR_uselib
	KILL(uselib),
#endif

	/* other processes */
	KILL(ptrace), KILL(process_vm_readv), KILL(process_vm_writev), KILL(process_madvise), KILL(kcmp),
	KILL(pidfd_getfd),

	/* new processes, foreign namespaces */
	{ __NR_clone, VS_FILTER_CLONE }, { __NR_clone3, VS_FILTER_ENOSYS },
	{ __NR_unshare, VS_FILTER_UNSHARE }, { __NR_setns, VS_FILTER_SETNS },
#ifdef __NR_fork
	EPERM_FOR(fork),
#endif
#ifdef __NR_vfork
	EPERM_FOR(vfork),
#endif

	/* mounts and file handles */
	KILL(mount), KILL(umount2), KILL(pivot_root), KILL(move_mount), KILL(open_tree), KILL(open_tree_attr),
	KILL(fsopen), { __NR_fsconfig, VS_FILTER_FSCONFIG }, { __NR_fsmount, VS_FILTER_FSMOUNT },
	KILL(fspick), KILL(mount_setattr),
	KILL(open_by_handle_at),
#ifdef __NR_umount
	KILL(umount),
#endif

	/* code for the kernel */
	KILL(init_module), KILL(finit_module), KILL(delete_module), KILL(kexec_load), KILL(bpf),
#ifdef __NR_kexec_file_load
	KILL(kexec_file_load),
#endif
#ifdef __NR_create_module
	KILL(create_module), KILL(query_module), KILL(get_kernel_syms),
#endif

	/* large or rarely used parts of the kernel */
	KILL(perf_event_open), KILL(keyctl), KILL(add_key), KILL(request_key), KILL(userfaultfd),
	KILL(io_uring_setup), KILL(io_uring_enter), KILL(io_uring_register),
#ifdef __NR_lookup_dcookie
	KILL(lookup_dcookie),
#endif

	/* hardware */
#ifdef __NR_iopl
	KILL(iopl),
#endif
#ifdef __NR_ioperm
	KILL(ioperm),
#endif
#ifdef __NR_vm86
	KILL(vm86),
#endif
#ifdef __NR_vm86old
	KILL(vm86old),
#endif
#ifdef __NR_pciconfig_write
	KILL(pciconfig_read), KILL(pciconfig_write), KILL(pciconfig_iobase),
#endif
#ifdef __NR_s390_pci_mmio_write
	KILL(s390_pci_mmio_read), KILL(s390_pci_mmio_write),
#endif

	/* the host as a whole */
	KILL(reboot), KILL(swapon), KILL(swapoff), KILL(acct), KILL(quotactl), KILL(quotactl_fd),
	KILL(sethostname), KILL(setdomainname), KILL(vhangup), { __NR_personality, VS_FILTER_PERSONALITY },
#ifdef __NR_nfsservctl
	KILL(nfsservctl),
#endif
#ifdef __NR__sysctl
	KILL(_sysctl),
#endif

	/* the clock */
#ifdef __NR_settimeofday
	KILL(settimeofday),
#endif
#ifdef __NR_stime
	KILL(stime),
#endif
#ifdef __NR_clock_settime
	KILL(clock_settime),
#endif
#ifdef __NR_clock_settime64
	KILL(clock_settime64),
#endif
#ifdef __NR_adjtimex
	EPERM_FOR(adjtimex),
#endif
#ifdef __NR_clock_adjtime
	EPERM_FOR(clock_adjtime),
#endif
#ifdef __NR_clock_adjtime64
	EPERM_FOR(clock_adjtime64),
#endif
};

#undef KILL
#undef EPERM_FOR

#endif
