/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Static items that cannot be set, that others have set, and that two threads set: what is there afterwards,
 * and what ioth_confinfo() says of it.
 */

#include "../system/traffic.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ioth_stacks.h"

#define ROUNDS 12

/* All that is known of an interface, as a text. */
static void check_info(struct ioth *s, const char *words, const char *expected)
{
	char *text = ioth_confinfo(s, words);

	CHECK_STR(text, expected);
	free(text);
}

/* Words whose static items cannot be set: the bit is missing, and the message has this. */
static void check_missing(struct ioth *s, const char *words, const char *why)
{
	CHECK_EQ(config(s, words), 0);
	CHECK_EQ(errno, 0);
	CHECK_CONTAINS(ioth_last_error(), why);
}

/* A network of its own for the process, with this interface, which is up. */
static void own_bridge(const char *name)
{
	own_namespaces(CLONE_NEWNET);
	MUST(ioth_iplink_add(NULL, name, 0, "bridge", NULL, 0));
	MUST(ioth_linksetupdown(NULL, (unsigned)MUST(ioth_if_nametoindex(NULL, name)), 1));
}

/* A stack whose kind takes no words. It is the network of the process. */
static struct ioth *new_without_configure(void)
{
	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	return new_ioth("stack=sockets");
}

/* ------------------------------------------------------------------ a replacement that fails */

CASE(after_a_duplicate_address_all_earlier_items_are_there)
{
	static const char before[] = "static: ip=10.0.0.1/24\nstatic: ip=fc00::1/64\nstatic: gw=10.0.0.254\n"
				     "static: dns=10.0.0.53\nstatic: dns=10.0.0.54\nstatic: domain=a.test\n"
				     "search a.test\nnameserver 10.0.0.53\nnameserver 10.0.0.54\n";
	struct ioth *other = new_ioth("stack=vdestack,vnl=inproc://lan,eth,ip=fc00::9/64");
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");

	CHECK_EQ(config(s, "eth,ip=10.0.0.1/24,ip=fc00::1/64,gw=10.0.0.254,dns=10.0.0.53,dns=10.0.0.54,"
			   "domain=a.test"),
		 IOTHCONF_ETH | IOTHCONF_STATIC);
	check_info(s, NULL, before);
	check_missing(s,
		      "ip=10.0.0.2/24,ip=fc00::9/64,gw=10.0.0.253,dns=10.0.0.54,dns=10.0.0.55,domain=b.test",
		      "fc00::9");
	CHECK(has_addr(s, "vde0", "10.0.0.1", false) && has_addr(s, "vde0", "fc00::1", false));
	CHECK(!has_addr(s, "vde0", "10.0.0.2", false) && !has_addr(s, "vde0", "fc00::9", false));
	CHECK(has_default_route(s, "vde0", AF_INET));
	check_bind(s, "fc00::1");
	check_info(s, NULL, before);
	CHECK_EQ(config(s, "-static"), 0);
	CHECK(!has_addr(s, "vde0", "10.0.0.1", false) && !has_default_route(s, "vde0", AF_INET));
	check_info(s, NULL, "");
	MUST(ioth_delstack(s));
	MUST(ioth_delstack(other));
}

/* By netlink. The words begin with iface=. */
static void fail_by_netlink(struct ioth *s, const char *iface)
{
	char words[128];

	(void)snprintf(words, sizeof(words), "iface=%s,ip=10.9.9.1/32,dns=10.9.9.53", iface);
	CHECK_EQ(config(s, words), IOTHCONF_STATIC);
	(void)snprintf(words, sizeof(words), "iface=%s,ip=10.9.9.2/32,gw=203.0.113.1,dns=10.9.9.54", iface);
	check_missing(s, words, "gw=203.0.113.1");
	CHECK(has_addr(s, iface, "10.9.9.1", false) && !has_addr(s, iface, "10.9.9.2", false));
	(void)snprintf(words, sizeof(words), "iface=%s", iface);
	check_info(s, words, "static: ip=10.9.9.1/32\nstatic: dns=10.9.9.53\nnameserver 10.9.9.53\n");
}

CASE(on_lo_a_failed_replacement_leaves_what_was_there)
{
	struct ioth *s = new_ioth("stack=vdestack,iface=lo,eth");

	fail_by_netlink(s, "lo");
	MUST(ioth_delstack(s));
}

CASE(without_configure_a_failed_replacement_leaves_what_was_there)
{
	own_bridge("br0");
	struct ioth *s = new_without_configure();

	fail_by_netlink(s, "br0");
	MUST(ioth_delstack(s));
}

/* The kernel removes the route with the address. It is set again. */
CASE(without_configure_routes_come_back_with_their_addresses)
{
	own_bridge("br0");
	struct ioth *s = new_without_configure();

	CHECK_EQ(config(s, "iface=br0,ip=10.0.0.1/24,ip=10.0.0.3/24,gw=10.0.0.254"), IOTHCONF_STATIC);
	check_missing(s, "iface=br0,ip=10.0.1.1/24,gw=203.0.113.1", "gw=203.0.113.1");
	CHECK(has_addr(s, "br0", "10.0.0.1", false) && has_addr(s, "br0", "10.0.0.3", false));
	CHECK(!has_addr(s, "br0", "10.0.1.1", false));
	CHECK(has_default_route(s, "br0", AF_INET));
	CHECK_EQ(config(s, "iface=br0,-ip=10.0.0.1/24"), 0); /* the second one and the route stay */
	CHECK(!has_addr(s, "br0", "10.0.0.1", false) && has_addr(s, "br0", "10.0.0.3", false));
	CHECK(has_default_route(s, "br0", AF_INET));
	MUST(ioth_delstack(s));
}

/* ------------------------------------------------------------------ names of lo */

CASE(name_servers_of_lo_are_in_each_text)
{
	static const char text[] = "search lo.test\nnameserver 127.0.0.53\n";
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");

	CHECK_EQ(config(s, "iface=lo,eth,dns=127.0.0.53,domain=lo.test"), IOTHCONF_ETH | IOTHCONF_STATIC);
	check_resolvconf(s, "iface=lo", text);
	check_resolvconf(s, "iface=lo", NULL);
	check_resolvconf(s, "", text);
	check_resolvconf(s, "iface=vde0", NULL); /* of this one nothing is known */
	check_info(s, "iface=lo",
		   "static: dns=127.0.0.53\nstatic: domain=lo.test\nsearch lo.test\nnameserver 127.0.0.53\n");
	CHECK_EQ(config(s, "eth,dns=10.0.0.53,dns=127.0.0.53,domain=lan.test"),
		 IOTHCONF_ETH | IOTHCONF_STATIC);
	check_resolvconf(s, "", "search lo.test lan.test\nnameserver 127.0.0.53\nnameserver 10.0.0.53\n");
	check_resolvconf(s, "iface=lo", NULL);
	CHECK_EQ(config(s, "iface=lo,-static"), 0);
	check_resolvconf(s, "iface=lo", "");
	check_resolvconf(s, "", "search lan.test\nnameserver 10.0.0.53\nnameserver 127.0.0.53\n");
	MUST(ioth_delstack(s));
}

/* ------------------------------------------------------------------ rights */

/* Programs that this process starts do not get more. */
static void keep_only(int capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (c != capability)
			MUST(prctl(PR_CAPBSET_DROP, c, 0, 0, 0));
	data[0].effective = data[0].permitted = 1u << capability;
	MUST(syscall(SYS_capset, &head, data));
}

static void check_without_sys_admin(struct ioth *s)
{
	CHECK_EQ(config(s, "iface=br0,eth,ip=10.0.0.1/24,gw=10.0.0.254,dns=10.0.0.53"),
		 IOTHCONF_ETH | IOTHCONF_STATIC);
	CHECK(has_addr(s, "br0", "10.0.0.1", false) && has_default_route(s, "br0", AF_INET));
	check_resolvconf(s, NULL, "nameserver 10.0.0.53\n");
	CHECK_EQ(config(s, "iface=br0,ip=10.0.0.2/24,dns=10.0.0.54"), IOTHCONF_STATIC);
	CHECK(has_addr(s, "br0", "10.0.0.2", false) && !has_addr(s, "br0", "10.0.0.1", false));
	check_info(s, NULL, "static: ip=10.0.0.2/24\nstatic: dns=10.0.0.54\nnameserver 10.0.0.54\n");
	CHECK_EQ(config(s, "iface=br0,eth,dhcp,timeout=1"), IOTHCONF_ETH);
	CHECK_CONTAINS(ioth_last_error(), "CAP_SYS_ADMIN");
	CHECK_EQ(config(s, "iface=br0,-static,-eth"), 0);
	CHECK(!has_addr(s, "br0", "10.0.0.2", false));
	check_resolvconf(s, NULL, "");
}

CASE(static_items_of_the_process_take_cap_net_admin_alone)
{
	own_bridge("br0");
	keep_only(CAP_NET_ADMIN);
	struct ioth *s = new_ioth("stack=kernel");

	check_without_sys_admin(s);
	check_without_sys_admin(NULL);
	MUST(ioth_delstack(s));
}

/* ------------------------------------------------------------------ two threads, one interface */

static struct ioth *shared;
static const char *shared_iface;
static pthread_barrier_t begin;

static void *sets_one_of_two(void *arg)
{
	int n = *(const int *)arg;
	char words[64];

	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(words, sizeof(words), "iface=%s,ip=10.%d.0.%d/24", shared_iface, n, i + 1);
		(void)pthread_barrier_wait(&begin);
		CHECK_EQ(config(shared, words), IOTHCONF_STATIC);
		(void)pthread_barrier_wait(&begin);
	}
	return NULL;
}

/* After each round exactly one of both is there, and it is the one that is remembered. */
static void race_for(struct ioth *s, const char *iface)
{
	static int numbers[2] = { 1, 2 };
	pthread_t threads[2];
	char words[32], addr[2][32], info[64];

	shared = s;
	shared_iface = iface;
	(void)snprintf(words, sizeof(words), "iface=%s", iface);
	CHECK_EQ(pthread_barrier_init(&begin, NULL, 3), 0);
	for (int t = 0; t < 2; t++)
		CHECK_EQ(pthread_create(&threads[t], NULL, sets_one_of_two, &numbers[t]), 0);
	for (int i = 0; i < ROUNDS; i++) {
		(void)pthread_barrier_wait(&begin);
		(void)pthread_barrier_wait(&begin);
		for (int t = 0; t < 2; t++)
			(void)snprintf(addr[t], sizeof(addr[t]), "10.%d.0.%d", t + 1, i + 1);
		bool second = has_addr(s, iface, addr[1], false);
		CHECK_EQ(has_addr(s, iface, addr[0], false), !second);
		(void)snprintf(info, sizeof(info), "static: ip=%s/24\n", addr[second]);
		check_info(s, words, info);
	}
	for (int t = 0; t < 2; t++)
		CHECK_EQ(pthread_join(threads[t], NULL), 0);
	CHECK_EQ(pthread_barrier_destroy(&begin), 0);
}

CASE_FLAGS(of_two_threads_one_wins_by_words, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan,eth");

	race_for(s, "vde0");
	race_for(s, "lo");
	MUST(ioth_delstack(s));
}

CASE(of_two_threads_one_wins_by_netlink)
{
	own_bridge("br0");
	struct ioth *s = new_without_configure();

	race_for(s, "br0");
	MUST(ioth_delstack(s));
}

/* ------------------------------------------------------------------ default routes of others */

CASE(a_default_route_of_others_is_not_taken_for_the_one_asked_for)
{
	static const unsigned char others[] = { 10, 0, 0, 253 };

	own_bridge("br0");
	struct ioth *s = new_without_configure();
	int ifindex = (int)MUST(ioth_if_nametoindex(s, "br0"));
	CHECK_EQ(config(s, "iface=br0,ip=10.0.0.1/24"), IOTHCONF_STATIC);
	MUST(ioth_iproute_add(s, AF_INET, NULL, 0, others, ifindex));
	check_missing(
		s, "iface=br0,ip=10.0.0.1/24,gw=10.0.0.254",
		"cannot set gw=10.0.0.254 on interface br0: there is a default route by another gateway; "
		"remove that first");
	CHECK(has_default_route(s, "br0", AF_INET));
	check_info(s, "iface=br0", "static: ip=10.0.0.1/24\n");
	CHECK_EQ(config(s, "iface=br0,ip=10.0.0.1/24,gw=10.0.0.253"), IOTHCONF_STATIC); /* the same one */
	CHECK_EQ(config(s, "iface=br0,-gw=10.0.0.253"), 0);
	CHECK(!has_default_route(s, "br0", AF_INET));
	CHECK_EQ(config(s, "iface=br0,ip=10.0.0.1/24,gw=10.0.0.254"), IOTHCONF_STATIC);
	MUST(ioth_delstack(s));
}
