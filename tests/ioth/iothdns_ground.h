/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_IOTHDNS_GROUND_H
#define VDESTACK_TESTS_IOTHDNS_GROUND_H

/*
 * What tests of libiothdns stand on:
 *
 *     home: stack of libioth, kind vdestack, 10.9.0.9 -- inproc://names -- far: 10.9.0.2, with name servers
 *
 * 10.9.0.66 to 10.9.0.68 are nobody's addresses.
 */

#include "../system/stacks.h"
#include "name_server.h"

#include <iothdns.h>

static struct ioth *home;
static struct vdestack *far;

/* An interface with an address, up. */
__attribute__((unused)) static void ground_address(struct ioth *stack, const char *text)
{
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	uint8_t addr[16];
	unsigned ifindex = (unsigned)MUST(ioth_if_nametoindex(stack, "vde0"));

	CHECK_EQ(inet_pton(family, text, addr), 1);
	MUST(ioth_linksetupdown(stack, ifindex, 1));
	MUST(ioth_ipaddr_add(stack, family, addr, family == AF_INET ? 24 : 64, (int)ifindex));
}

__attribute__((unused)) static struct ioth *ground_stack(const char *addr)
{
	struct ioth *stack = ioth_newstack("vdestack", "inproc://names");

	if (stack == NULL)
		FAIL("no stack: %s", ioth_last_error());
	ground_address(stack, addr);
	return stack;
}

__attribute__((unused)) static void ground_begin(void)
{
	home = ground_stack("10.9.0.9");
	far = new_stack("vnl=inproc://names nodad ip=10.9.0.2/24");
}

/* EBUSY would tell of a descriptor that is still open. */
__attribute__((unused)) static void ground_end(void)
{
	MUST(ioth_delstack(home));
	MUST(vdestack_delete(far));
}

__attribute__((unused)) static struct iothdns *ground_dns(const char *config)
{
	struct iothdns *dns = iothdns_init_strcfg(home, (char *)(uintptr_t)config);

	if (dns == NULL)
		FAIL("no resolver \"%s\": %s", config, strerror(errno));
	return dns;
}

/* The addresses of a name as text, or the name of the error; in a static buffer. */
__attribute__((unused)) static const char *ground_a(struct iothdns *dns, const char *name)
{
	static _Thread_local char text[4096];
	struct in_addr list[100];
	size_t at = 0;
	int n = iothdns_lookup_a(dns, name, list, 100);

	text[0] = '\0';
	if (n < 0)
		return strerrorname_np(errno);
	for (int i = 0; i < n && i < 100; i++) {
		char addr[INET_ADDRSTRLEN];
		CHECK(inet_ntop(AF_INET, &list[i], addr, sizeof(addr)) != NULL);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? " " : "", addr);
	}
	return text;
}

__attribute__((unused)) static void ground_write(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

#endif
