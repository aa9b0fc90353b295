/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Environments without something that most have: docs/environments.md says what works there. */

#define _GNU_SOURCE
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "net.h"
#include "stacks.h"

#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 1
#endif

#define PLAIN (CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_NO_SANITIZER) /* leak checkers need /proc */

static void own_mounts(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* Segments, a tap and its pump, configuration, commands. */
static void everything_works(void)
{
	struct pair p = new_pair();

	check_udp(p.a, p.b, "10.9.0.2");
	check_tcp(p.b, p.a, "10.9.0.1", 80);
	MUST(vdestack_iface_add(p.a, "iface=tap vnl=null:// ip=10.8.0.1/24", case_opts()));
	CHECK(MUST(vdestack_if_nametoindex(p.a, "tap")) > 0);
	MUST(vdestack_iface_del(p.a, "tap"));
	MUST(vdestack_delete(p.b));
	MUST(vdestack_delete(p.a));
}

static void hide_proc(void)
{
	own_mounts();
	MUST(mount("none", "/proc", "tmpfs", MS_RDONLY, NULL));
	CHECK_ERRNO(open("/proc/self", O_PATH | O_CLOEXEC), ENOENT);
}

CASE_FLAGS(without_procfs_stacks_work, PLAIN | CASE_F_VDE)
{
	hide_proc();
	everything_works();
}

CASE_FLAGS(without_procfs_an_ordinary_user_has_stacks,
	   CASE_F_ROOT | CASE_F_NO_SANITIZER | CASE_F_VDE | CASE_F_USERNS)
{
	hide_proc();
	drop_uid();
	everything_works();
}

static void make_everything_read_only(void)
{
	struct {
		uint64_t set, clear, propagation, userns;
	} attr = { .set = MOUNT_ATTR_RDONLY };

	own_mounts();
	MUST(syscall(SYS_mount_setattr, -1, "/", 0x8000 /* AT_RECURSIVE */, &attr, sizeof(attr)));
	CHECK_ERRNO(open(case_path("x"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600), EROFS);
}

CASE_FLAGS(with_every_file_system_read_only_stacks_work, PLAIN | CASE_F_VDE)
{
	make_everything_read_only();
	everything_works();
}

CASE_FLAGS(with_every_file_system_read_only_an_ordinary_user_has_stacks,
	   CASE_F_ROOT | CASE_F_NO_SANITIZER | CASE_F_VDE | CASE_F_USERNS)
{
	make_everything_read_only();
	drop_uid();
	everything_works();
}

/*
 * There the library cannot use /proc/sys to keep the peers of a stack's devices without addresses. They must
 * not send anything all the same. A device with addresses sends something within a second after it is up.
 */
static void hears_nobody(const char *config)
{
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	char frame[2048];

	struct vdestack *s = new_stack("%s", config);
	int fd = (int)MUST(vdestack_msocket(s, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
	for (long long end = now_us() + 1500000, left; (left = end - now_us()) > 0;) {
		if (!wait_readable(fd, (int)(left / 1000) + 1))
			continue;
		ssize_t n = MUST(recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &len));
		if (from.sll_pkttype != PACKET_OUTGOING && from.sll_hatype != ARPHRD_LOOPBACK)
			FAIL("%s: a frame of %zd bytes, protocol 0x%04x", config, n,
			     ntohs(from.sll_protocol));
	}
	close(fd);
	MUST(vdestack_delete(s));
}

CASE_FLAGS(with_every_file_system_read_only_segments_send_nothing, CASE_F_ROOT | CASE_F_INPROCESS)
{
	make_everything_read_only();
	hears_nobody("vnl=inproc://lan");
}

CASE_FLAGS(with_every_file_system_read_only_packet_devices_send_nothing, CASE_F_ROOT | CASE_F_VDE)
{
	MUST(setenv("VDESTACK_PORT", "packet", 1));
	make_everything_read_only();
	hears_nobody("vnl=null://");
}

/* ------------------------------------------------------------------ before main */

static struct vdestack *early;

__attribute__((constructor)) static void before_main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "a_stack_can_be_made_before_main_begins") == 0)
		early = vdestack_new("vnl=inproc://lan ip=10.9.0.1/24", NULL);
}

CASE(a_stack_can_be_made_before_main_begins)
{
	CHECK(early != NULL);
	struct vdestack *late = new_stack("vnl=inproc://lan ip=10.9.0.2/24");

	check_tcp(early, late, "10.9.0.2", 80);
	MUST(vdestack_delete(early));
	MUST(vdestack_delete(late));
}
