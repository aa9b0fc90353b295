/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 *     lab-names HOSTS keep|drop COMMAND [ARGUMENT...]
 *
 * Executes a command with another /etc/hosts. libvdestack-lab starts it inside a host, with CAP_SYS_ADMIN
 * and CAP_SETPCAP in the user namespace of the host; nothing else does. drop: the command does not get
 * these. If the file cannot be mounted, the command is executed without it: its environment has the
 * addresses, too.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In a mount namespace that the host's mounts reach, and whose own mounts reach nothing. */
static void mount_hosts(const char *hosts)
{
	if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		(void)mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL);
}

/* Takes CAP_SYS_ADMIN, and CAP_SETPCAP, which this needs, from all sets. */
static int drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	__u32 others = ~(UINT32_C(1) << CAP_SYS_ADMIN | UINT32_C(1) << CAP_SETPCAP);

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SYS_ADMIN, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SETPCAP, 0, 0);
	/* what is in no set now must not come back by the capabilities of a file */
	if (prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) < 0 ||
	    prctl(PR_CAPBSET_DROP, CAP_SETPCAP, 0, 0, 0) < 0)
		return -1;
	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	data[0].effective &= others;
	data[0].permitted &= others;
	data[0].inheritable &= others;
	return (int)syscall(SYS_capset, &header, data);
}

int main(int argc, char *argv[])
{
	if (argc < 4) {
		(void)fprintf(stderr, "usage: lab-names HOSTS keep|drop COMMAND [ARGUMENT...]\n");
		return 64;
	}
	mount_hosts(argv[1]);
	if (strcmp(argv[2], "keep") != 0 && drop() < 0) {
		(void)fprintf(stderr, "lab-names: cannot give up CAP_SYS_ADMIN: %s\n", strerror(errno));
		return 126;
	}
	(void)execvp(argv[3], argv + 3);
	(void)fprintf(stderr, "lab-names: %s: %s\n", argv[3], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
