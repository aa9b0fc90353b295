/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_MOUNT_CALLS_H
#define VS_KEEPER_MOUNT_CALLS_H

/*
 * The calls that make a file system, of Linux 5.2, for sysctl_dir.c and the filter. The headers of the C
 * library may not have them. New calls have the same number on all architectures.
 */

#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__ILP32__)
#define VS_NR(number) (0x40000000 + (number))
#else
#define VS_NR(number) (number)
#endif
#ifndef __NR_open_tree
#define __NR_open_tree VS_NR(428)
#define __NR_move_mount VS_NR(429)
#define __NR_fsopen VS_NR(430)
#define __NR_fsconfig VS_NR(431)
#define __NR_fsmount VS_NR(432)
#define __NR_fspick VS_NR(433)
#endif

/* The arguments that the keeper uses, and its filter allows. The values are those of <linux/mount.h>. */
enum {
	VS_FSOPEN_CLOEXEC = 1,
	VS_FSCONFIG_CMD_CREATE = 6, /* makes the file system */
	VS_FSMOUNT_CLOEXEC = 1,
	VS_MOUNT_ATTRS = 0x2 | 0x4 | 0x8, /* no set-uid files, no devices, no programs */
};

#endif
