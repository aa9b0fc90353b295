/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_DIAGNOSE_H
#define VS_BASE_DIAGNOSE_H

/*
 * From an errno to its cause and remedy, by reading the settings that lead to it. The library's messages and
 * the tools use the same table. root is "" for the real /proc and /dev, or a directory with a copy of them.
 */

#include <stddef.h>

enum vs_cause {
	VS_CAUSE_UNKNOWN,
	VS_CAUSE_USERNS_OFF,      /* user.max_user_namespaces is 0 */
	VS_CAUSE_USERNS_LIMIT,    /* ... or reached */
	VS_CAUSE_USERNS_DEBIAN,   /* kernel.unprivileged_userns_clone is 0 */
	VS_CAUSE_USERNS_APPARMOR, /* kernel.apparmor_restrict_unprivileged_userns is 1 */
	VS_CAUSE_USERNS_SECCOMP,  /* the program runs under a seccomp filter */
	VS_CAUSE_USERNS_CHROOT,   /* unprivileged in a chroot: the kernel refuses */
	VS_CAUSE_USERNS_NOT_BUILT,
	VS_CAUSE_NETNS_OFF,
	VS_CAUSE_NETNS_LIMIT,
	VS_CAUSE_TUN_ABSENT,
	VS_CAUSE_TUN_PERMISSION,
	VS_CAUSE_TUN_MODULE,
	VS_CAUSE_TUN_OTHER, /* another device, or a file */
	VS_CAUSE_TUN_CGROUP,
	VS_CAUSE_DESCRIPTORS,
	VS_CAUSE_MEMORY,
	VS_CAUSE_PROCESSES,
	VS_CAUSE_NETWORK_SCHEME,
	VS_CAUSE_NETWORK_ABSENT,
	VS_CAUSE_NETWORK_DEAD,
	VS_CAUSE_NETWORK_PERMISSION,
	VS_CAUSE_NETWORK_LONG,
	VS_CAUSE_NETWORK_SILENT,
	VS_CAUSE_NETWORK_BUSY,
	VS_CAUSE_NETWORK_OTHER,
};

enum vs_cause vs_diagnose_userns(int err, const char *root);
enum vs_cause vs_diagnose_netns(int err, const char *root);
enum vs_cause vs_diagnose_tun(int err, const char *root);
/* Limits only: EMFILE, ENFILE, ENOMEM, EAGAIN. */
enum vs_cause vs_diagnose_limit(int err);

/* For a network that libvdeplug could not open; VS_CAUSE_NETWORK_OTHER when no other cause fits. */
enum vs_cause vs_diagnose_network(int err);

/* "cause; remedy" for a message. VS_CAUSE_UNKNOWN: strerror(err). */
const char *vs_cause_text(enum vs_cause cause, int err);

#endif
