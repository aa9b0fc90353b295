/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_NETNS_FIXTURE_H
#define VS_TESTS_NETNS_FIXTURE_H

/*
 * What the cases about the typed configuration calls share. Each has a network namespace of its own, which is
 * that of its simulated stack (fake_core.h). ip(8) makes the interfaces, and results are compared with it.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../unit/unit.h"
#include "base/cleanup.h"
#include "fake_core.h"
#include <vdestack.h>
#include <vdestack/conf.h>

extern struct vdestack fake;
static struct vdestack *const stack = &fake;

#define assert_fails(err, call)                                                                              \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		assert_int_equal((call), -1);                                                                \
		assert_int_equal(errno, (err));                                                              \
		assert_true(vdestack_last_error()[0] != '\0');                                               \
	} while (0)

/* Prints the message if the call should have succeeded. */
#define assert_works(call)                                                                                   \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s: %s", #call, vdestack_last_error());                                    \
	} while (0)

/* ip(8) in the case's namespace. Returns what system(3) returns. */
__attribute__((format(printf, 1, 2))) int ip_command(const char *fmt, ...);

#define ip(...) assert_int_equal(ip_command(__VA_ARGS__), 0)

/* Ends the case: it is skipped, because of errno. */
_Noreturn void could_not_run(const char *why);

/* An interface with carrier whose peer sends nothing. Returns its index. */
int make_plugged(const char *name);

/* v0 and v1, both down. */
void make_veth(void);

int count_descriptors(void);

/* 200 addresses: more than one part of a dump. */
void add_many(const char *ifname);

/* True if the list has what add_many() made, each once. */
bool has_many(const struct vdestack_addr *list, int n);

/* The setup of each case: makes its namespace. */
int enter_namespace(void **state);

#define CASE(name) cmocka_unit_test_setup(name, enter_namespace)

#endif
