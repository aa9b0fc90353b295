/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_DHCP6_CASE_H
#define VS_TESTS_DHCP6_CASE_H

/* The network of a case (dhcp6_net.h), which is made anew for each. */

#include "dhcp6_net.h"

static struct net net;

static inline int setup(void **state)
{
	(void)state;
	net_init(&net);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	net_free(&net);
	return 0;
}

static inline void bind_client(void)
{
	net_start(&net, NULL);
	net_run_to(&net, "BOUND", 5000);
	net_assert_addr(&net, net.servers[0].addr);
}

/* A client that starts with what another one had. */
static inline struct vs_auto_lease remembered(void)
{
	struct vs_auto_lease lease;

	bind_client();
	assert_true(vs_dhcp6_kind.lease(net.client, &lease));
	vs_dhcp6_kind.stop(net.client, net.now);
	net_free(&net);
	struct vs_auto_config config = net.config;
	net_init(&net);
	net.config = config;
	net.now += 600 * 1000;
	/* made when its time was 1000000 */
	return lease;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
