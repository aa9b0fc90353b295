/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_LEASES_H
#define VDESTACK_TESTS_LEASES_H

/* Two stacks on a segment, one of them with a server: what the cases about leases begin with. */

#include "sources.h"

static struct vdestack *client, *server;

static void new_network(void)
{
	server = new_stack("vnl=inproc://lan ip=10.7.0.1/24");
	client = new_stack("vnl=inproc://lan eth");
}

__attribute__((unused)) static const char *const four[] = { "--dhcp-range=10.7.0.50,10.7.0.60,3600", NULL };

/* Starts DHCPv4 with a server that grants leases of an hour. Returns the address. */
__attribute__((unused)) static const char *get_lease(const char *name, int dir)
{
	static char text[INET6_ADDRSTRLEN];
	static struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	(void)snprintf(want.name, sizeof(want.name), "%s", name);
	want.has_leases = dir >= 0;
	start_sources(client, &want, dir);
	wait_for_sources(client);
	read_learned(client, &l);
	const struct vs_wire_learned *addr = find_learned(&l, VS_LEARNED_ADDRESS);
	CHECK(addr != NULL);
	(void)snprintf(text, sizeof(text), "%s", address_text(&addr->addr));
	return text;
}

/* The record of a source. */
__attribute__((unused)) static const struct vs_wire_learned *find_source(const struct learned *l,
									    uint32_t source)
{
	for (uint32_t i = 0; i < l->head.n; i++)
		if (l->records[i].kind == VS_LEARNED_SOURCE && l->records[i].source == source)
			return &l->records[i];
	FAIL("there is no source %u", source);
	return NULL;
}

/* That of the sources. */
__attribute__((unused)) static bool thread_is_gone(void *arg)
{
	(void)arg;
	return wakeups_of_sources() < 0;
}

#endif
