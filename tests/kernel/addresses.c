/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What address sources rely on: how the kernel reports a duplicate IPv6 address. One with a limited lifetime,
 * as from DHCPv6 and SLAAC, is deleted. Only the flag in the message about that tells the reason.
 */

#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"

#define LIMIT_MS 20000

static void ip(const char *words)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "ip %s", words);
	if (system(command) != 0)
		FAIL("%s has failed", command);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	CHECK(f != NULL);
	(void)fputs(text, f);
	CHECK_EQ(fclose(f), 0);
}

/* A namespace of our own, with root's rights there, for ip(8) too. */
static void enter_namespace(void)
{
	char users[32], groups[32];

	(void)snprintf(users, sizeof(users), "0 %u 1", geteuid());
	(void)snprintf(groups, sizeof(groups), "0 %u 1", getegid());
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNET));
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", users);
	write_file("/proc/self/gid_map", groups);
}

/* A pair of interfaces in the namespace, two ends of one cable. fd07::1 is at the other end. */
static int lay_cable(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV6_IFADDR };

	enter_namespace();
	ip("link add near type veth peer name far");
	ip("link set far up");
	ip("addr add fd07::1/64 dev far nodad");
	int fd = (int)MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	ip("link set near up");
	return fd;
}

/* The flags in a message of this type about fd07::1; 0: another message. */
static uint32_t flags_in(const struct nlmsghdr *h, int type)
{
	static const uint8_t duplicate[16] = { 0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	const struct ifaddrmsg *a = NLMSG_DATA(h);
	uint32_t flags = a->ifa_flags;
	bool about = false;
	int left = (int)IFA_PAYLOAD(h);

	for (const struct rtattr *r = IFA_RTA(a); RTA_OK(r, left); r = RTA_NEXT(r, left)) {
		if (r->rta_type == IFA_FLAGS)
			memcpy(&flags, RTA_DATA(r), sizeof(flags));
		about |= r->rta_type == IFA_ADDRESS && memcmp(RTA_DATA(r), duplicate, 16) == 0;
	}
	return about && h->nlmsg_type == type ? flags : 0;
}

/* Waits for a message of this type about fd07::1 that says why. */
static void wait_failed(int fd, int type)
{
	_Alignas(struct nlmsghdr) char bytes[8192];

	for (;;) {
		if (!wait_readable(fd, LIMIT_MS))
			FAIL("no message of type %d with IFA_F_DADFAILED", type);
		unsigned n = (unsigned)MUST(recv(fd, bytes, sizeof(bytes), 0));
		for (struct nlmsghdr *h = (void *)bytes; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
			if ((flags_in(h, type) & IFA_F_DADFAILED) != 0)
				return;
	}
}

CASE(a_duplicate_address_with_a_lifetime_is_deleted_and_the_message_says_why)
{
	int fd = lay_cable();

	ip("addr add fd07::1/64 dev near valid_lft 100 preferred_lft 100");
	wait_failed(fd, RTM_DELADDR);
	close(fd);
}

CASE(a_duplicate_address_for_ever_stays_with_a_flag)
{
	int fd = lay_cable();

	ip("addr add fd07::1/64 dev near");
	wait_failed(fd, RTM_NEWADDR);
	close(fd);
}
