/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of stacks, and the list of them. */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define ROUNDS 100

static void check_name(struct vdestack *stack, const char *expected)
{
	char name[64];

	CHECK_EQ(vdestack_name(stack, name, sizeof(name)), (int)strlen(expected));
	CHECK_STR(name, expected);
}

CASE_BOTH(a_stack_is_found_by_its_name)
{
	struct vdestack *web = net_stack("name=web vnl=inproc://lan ip=10.0.0.1/24"), *other = net_stack(""),
			*list[3] = { NULL };
	char small[3];

	CHECK(vdestack_by_name("web") == web);
	check_name(web, "web");
	check_name(other, "");
	CHECK_ERRNO(vdestack_name(web, small, sizeof(small)), ERANGE);
	CHECK_ERRNO(vdestack_name(web, NULL, 64), EINVAL);
	CHECK_ERRNO(vdestack_name(web, NULL, 0), ERANGE);
	CHECK_ERRNO(vdestack_by_name("we"), ENOENT);
	CHECK_ERRNO(vdestack_by_name(""), ENOENT);
	CHECK_ERRNO(vdestack_by_name(NULL), ENOENT);
	CHECK_EQ(vdestack_list(list, 1), 2);
	CHECK(list[0] != NULL && list[1] == NULL);
	CHECK_EQ(vdestack_list(list, 3), 2);
	CHECK((list[0] == web && list[1] == other) || (list[0] == other && list[1] == web));
	MUST(vdestack_delete(web));
	CHECK_ERRNO(vdestack_by_name("web"), ENOENT);
	CHECK_ERRNO(vdestack_name(web, small, sizeof(small)), EINVAL);
	CHECK_EQ(vdestack_list(list, 3), 1);
	CHECK(list[0] == other);
}

CASE_FLAGS(a_name_is_taken_from_the_beginning_of_a_creation_to_the_deletion,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack_creation *c = vdestack_new_start("name=web vnl=null:// ip=fc00::1/64", case_opts());

	CHECK(c != NULL);
	CHECK_ERRNO(vdestack_by_name("web"), ENOENT);
	CHECK_EQ(vdestack_list(NULL, 0), 0);
	CHECK_ERRNO(vdestack_new("name=web", case_opts()), EEXIST);
	CHECK_CONTAINS(vdestack_last_error(), "web");
	vdestack_new_cancel(c);
	struct vdestack *web = net_stack("name=web");
	CHECK_ERRNO(vdestack_new("name=web", case_opts()), EEXIST);
	CHECK_ERRNO(vdestack_new_start("name=web", case_opts()), EEXIST);
	MUST(vdestack_delete(web));
	CHECK_ERRNO(vdestack_new("name=web vnl=inproc://a ip=10.0.0.1/24 gw=10.9.9.9", case_opts()),
		    ENETUNREACH);
	CHECK(net_stack("name=web") != NULL);
}

CASE(names_that_make_no_sense_are_refused)
{
	char longest[] = "name=123456789012345678901234567890123456789012345678901234567890123", longer[100];

	(void)snprintf(longer, sizeof(longer), "%s4", longest);
	check_name(net_stack(longest), longest + 5);
	CHECK_ERRNO(vdestack_new(longer, case_opts()), EINVAL);
	CHECK_ERRNO(vdestack_new("name=", case_opts()), EINVAL);
	CHECK_ERRNO(vdestack_new("name=a/b", case_opts()), EINVAL);
	CHECK_ERRNO(vdestack_new("name=a name=b", case_opts()), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "position 8");
	check_name(net_stack("vnl=inproc://lan name=A.b_c-9 ip=10.0.0.1/24"), "A.b_c-9");
	struct vdestack *stack = net_stack("");
	CHECK_ERRNO(vdestack_iface_add(stack, "name=web vnl=inproc://lan", case_opts()), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "name=web");
}

CASE(a_forked_child_finds_its_copies)
{
	struct vdestack *web = net_stack("name=web");
	int status;

	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		CHECK(vdestack_by_name("web") == web);
		CHECK_ERRNO(vdestack_new("name=web", case_opts()), EEXIST);
		MUST(vdestack_delete(web));
		CHECK_ERRNO(vdestack_by_name("web"), ENOENT);
		CHECK(net_stack("name=web") != NULL);
		CHECK_EQ(vdestack_list(NULL, 0), 1);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	CHECK(vdestack_by_name("web") == web);
	net_talk_lo(web);
}

static void *find_it(void *arg)
{
	int *found = arg;

	while (__atomic_load_n(&found[1], __ATOMIC_SEQ_CST) == 0) {
		char name[64];
		struct vdestack *stack = vdestack_by_name("web"), *list[4];
		(void)vdestack_list(list, 4);
		if (stack == NULL)
			continue;
		int len = vdestack_name(stack, name, sizeof(name));
		CHECK(len == 3 ? strcmp(name, "web") == 0 : len == 0 || errno == EINVAL);
		found[0]++;
	}
	return NULL;
}

CASE_TIMED(a_stack_may_be_deleted_while_others_look_for_it,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN, 120)
{
	int found[2] = { 0 };
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, find_it, found), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct vdestack *web = net_stack("name=web");
		CHECK(vdestack_by_name("web") == web);
		MUST(vdestack_delete(web));
	}
	__atomic_store_n(&found[1], 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(found[0] > 0);
}
