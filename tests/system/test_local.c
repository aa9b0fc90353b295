/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* local://NAME: programs of one user on one Ethernet. test_local_attacks.c has the rest. */

#define _GNU_SOURCE
#include <net/if.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "local.h"
#include <vdestack/events.h>

#define EVERYHOW (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS)

/* ------------------------------------------------------------------ meeting */

CASE_FLAGS(two_programs_meet, EVERYHOW | CASE_F_NO_TUN)
{
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack(LOCAL(2));

	CHECK(pings(s, "10.9.0.1", 100));
	check_member_pings(&m, "10.9.0.2");
	MUST(vdestack_delete(s));
	end_member(&m);
}

CASE_FLAGS(stacks_of_one_program_meet, EVERYHOW | CASE_F_TSAN)
{
	struct vdestack *a = new_stack(LOCAL(1)), *b = new_stack(LOCAL(2));

	check_tcp(a, b, "10.9.0.2", 0);
	check_udp(b, a, "10.9.0.1");
}

static void *join_and_leave(void *number)
{
	char config[100];
	int n = *(int *)number;

	(void)snprintf(config, sizeof(config), "vnl=local://lan%d ip=10.9.0.%d/24", n % 2, n + 1);
	for (int i = 0; i < 3; i++)
		MUST(vdestack_delete(new_stack("%s", config)));
	return new_stack("%s", config);
}

/* Jobs of one keeper look for the same segment, make it, and end it, while others do. */
CASE_FLAGS(stacks_of_one_program_join_and_leave_at_the_same_time, EVERYHOW | CASE_F_TSAN)
{
	pthread_t threads[6];
	int numbers[6];
	void *stacks[6];

	for (int i = 0; i < 6; i++) {
		numbers[i] = i;
		CHECK_EQ(pthread_create(&threads[i], NULL, join_and_leave, &numbers[i]), 0);
	}
	for (int i = 0; i < 6; i++)
		CHECK_EQ(pthread_join(threads[i], &stacks[i]), 0);
	check_ping(stacks[0], "10.9.0.3");
	check_ping(stacks[5], "10.9.0.2");
	for (int i = 0; i < 6; i++)
		MUST(vdestack_delete(stacks[i]));
}

CASE_FLAGS(segments_of_other_names_are_separate, EVERYHOW)
{
	struct member m = new_member("vnl=local://other ip=10.9.0.1/24");
	struct vdestack *s = new_stack(LOCAL(2));
	struct vdestack *inside = new_stack("vnl=inproc://other ip=10.9.0.3/24");

	CHECK(!pings(s, "10.9.0.1", 3));
	CHECK(!pings(inside, "10.9.0.1", 3));
	CHECK(vdestack_delete(s) == 0 && vdestack_delete(inside) == 0);
	end_member(&m);
}

CASE_FLAGS(a_stack_has_several_segments, EVERYHOW)
{
	struct member a = new_member("vnl=local://a ip=10.9.1.1/24");
	struct member b = new_member("vnl=local://b ip=10.9.2.1/24");
	struct vdestack *s = new_stack("vnl=local://a ip=10.9.1.2/24 vnl=local://b ip=10.9.2.2/24 "
				       "vnl=inproc://a ip=10.9.3.2/24");
	struct vdestack *t = new_stack("vnl=inproc://a ip=10.9.3.1/24");

	CHECK(pings(s, "10.9.1.1", 100) && pings(s, "10.9.2.1", 100) && pings(t, "10.9.3.2", 100));
	MUST(vdestack_iface_add(t, "vnl=local://b ip=10.9.2.3/24", case_opts()));
	CHECK(pings(t, "10.9.2.1", 100));
	end_member(&a);
	end_member(&b);
}

CASE_FLAGS(names_are_any_printable_text, EVERYHOW)
{
	static const char *const names[] = {
		"a b", "..", "-", "%41:{}=;,*?[]", "~!@$^&()+|<>",
		"0123456789012345678901234567890123456789012345678901234567890123",
	};
	char config[200];

	prepare_members(sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(config, sizeof(config), "vnl='local://%s' ip=10.9.0.1/24", names[i]);
		struct member m = new_member(config);
		struct vdestack *s = new_stack("vnl='local://%s' ip=10.9.0.2/24", names[i]);
		CHECK(pings(s, "10.9.0.1", 100));
		MUST(vdestack_delete(s));
		end_member(&m);
	}
	CHECK_ERRNO(vdestack_new("vnl=local://a/b", case_opts()), EINVAL);
	CHECK_ERRNO(vdestack_new("vnl=local://", case_opts()), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "write local://");
}

/* ------------------------------------------------------------------ members come and go */

static void killed_first(bool keeper)
{
	prepare_members(3);
	struct member first = new_member(LOCAL(1));
	pid_t its = case_is_inprocess() ? 0 : the_local_keeper();
	struct member second = new_member(LOCAL(2));
	struct vdestack *s = new_stack(LOCAL(3));

	CHECK(pings(s, "10.9.0.1", 100));
	if (keeper)
		MUST(kill(its, SIGKILL));
	kill_member(&first);
	CHECK(pings(s, "10.9.0.2", 100));
	check_member_pings(&second, "10.9.0.3");
	struct member late = new_member(LOCAL(1));
	CHECK(pings(s, "10.9.0.1", 100));
	check_member_pings(&late, "10.9.0.2");
	end_member(&second);
	end_member(&late);
}

CASE_FLAGS(a_segment_lives_on_when_its_first_program_is_killed, EVERYHOW)
{
	killed_first(false);
}

CASE(a_segment_lives_on_when_its_first_keeper_is_killed)
{
	killed_first(true);
}

/* The kernel ends namespaces a moment after their last user. */
static bool has_no_answer(void *stack)
{
	return !pings(stack, "10.9.0.2", 1);
}

CASE_FLAGS(programs_that_are_killed_come_back, EVERYHOW)
{
	prepare_members(10);
	struct vdestack *s = new_stack(LOCAL(1));

	for (int i = 0; i < 10; i++) {
		struct member m = new_member(LOCAL(2));
		check_member_pings(&m, "10.9.0.1");
		kill_member(&m);
	}
	CHECK(wait_until(has_no_answer, s, SOON_MS));
}

/* The program goes on, and a socket of it keeps the namespace of the stack. */
CASE(what_a_killed_keeper_leaves_on_the_segment_is_removed)
{
	prepare_members(1);
	struct vdestack *s = new_stack(LOCAL(1));
	pid_t its = the_local_keeper();
	int socket = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct member m = new_member(LOCAL(2));

	check_member_pings(&m, "10.9.0.1");
	MUST(kill(its, SIGKILL));
	struct vdestack *again = new_stack(LOCAL(3));
	CHECK(pings(again, "10.9.0.2", 100));
	CHECK(!pings(again, "10.9.0.1", 3));
	close(socket);
	end_member(&m);
}

CASE(a_forked_child_goes_on_after_its_parent)
{
	struct member m = new_member(LOCAL(1));
	int go[2];

	MUST(pipe2(go, O_CLOEXEC));
	pid_t middle = (pid_t)MUST(fork());
	if (middle == 0) {
		struct vdestack *its = new_stack(LOCAL(2));
		pid_t child = (pid_t)MUST(fork());
		if (child == 0) {
			char c;
			close(go[1]);
			(void)!read(go[0], &c, 1); /* until this case has closed it */
			_exit(pings(its, "10.9.0.1", 100) ? 0 : 1);
		}
		_exit(pings(its, "10.9.0.1", 100) ? 0 : 1);
	}
	int status;
	MUST(waitpid(middle, &status, 0));
	CHECK_EQ(status, 0);
	struct vdestack *s = new_stack(LOCAL(3));
	CHECK(pings(s, "10.9.0.2", 100));
	close(go[1]);
	CHECK(wait_until(has_no_answer, s, SOON_MS)); /* the stack ends with its last process */
	end_member(&m);
}

CASE_TIMED(twenty_programs_that_start_at_once_all_meet, EVERYHOW, 120)
{
	enum { MANY = 20 };
	struct member m[MANY];
	char config[64], addr[32];

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(config, sizeof(config), "vnl=local://lan ip=10.9.0.%d/24", i + 1);
		m[i] = begin_member(config);
	}
	for (int i = 0; i < MANY; i++) {
		struct answer a = hear_member(&m[i]);
		if (a.err != 0)
			FAIL("program %d: %s", i, a.text);
	}
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(addr, sizeof(addr), "10.9.0.%d", i + 1);
		for (int j = 0; j < MANY; j++)
			ask_member(&m[j], addr);
		for (int j = 0; j < MANY; j++)
			CHECK_EQ(hear_member(&m[j]).err, 0);
	}
	for (int i = 0; i < MANY; i++)
		end_member(&m[i]);
	/* A program that ends with its keeper on its threads leaves files, which the next one removes. */
	if (!case_is_inprocess())
		CHECK(wait_until(nothing_remains, NULL, SOON_MS));
}

CASE_FLAGS(nothing_remains_after_the_last_program, EVERYHOW)
{
	prepare_members(5);
	for (int i = 0; i < 5; i++) {
		struct member m = new_member(LOCAL(1));
		struct vdestack *s = new_stack(LOCAL(2));
		CHECK(pings(s, "10.9.0.1", 100));
		end_member(&m);
		MUST(vdestack_delete(s));
		CHECK(wait_until(nothing_remains, NULL, SOON_MS));
	}
}

CASE(what_killed_keepers_leave_in_the_directory_is_removed)
{
	prepare_members(1);
	struct member m = new_member(LOCAL(1));

	MUST(kill(the_local_keeper(), SIGKILL));
	kill_member(&m);
	CHECK(files_in(DIRECTORY, NULL) >= 3); /* lock, socket, mark */
	struct vdestack *s = new_stack(LOCAL(2));
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	/* the socket of the registry is removed by who lists stacks */
	CHECK_EQ(vdestack_registry_list(NULL, 0), 0);
	CHECK(wait_until(nothing_remains, NULL, SOON_MS));
}

/* ------------------------------------------------------------------ like inproc:// */

CASE_FLAGS(a_segment_carries_the_largest_mtu, EVERYHOW)
{
	struct member m = new_member(LOCAL(1) " mtu=65535");
	struct vdestack *s = new_stack(LOCAL(2) " mtu=65535");
	struct sockaddr_in sa = address("10.9.0.1", 0);
	static char echo[60000];
	int fd = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));

	((struct icmphdr *)echo)->type = ICMP_ECHO;
	CHECK(pings(s, "10.9.0.1", 100));
	int whole = IP_PMTUDISC_DO, space = 1 << 20;
	MUST(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof(whole)));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &space, sizeof(space));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &space, sizeof(space));
	MUST(sendto(fd, echo, sizeof(echo), 0, (struct sockaddr *)&sa, sizeof(sa)));
	CHECK(wait_readable(fd, SOON_MS));
	CHECK_EQ(recv(fd, echo, sizeof(echo), 0), sizeof(echo));
	end_member(&m);
}

CASE_FLAGS(a_cable_is_cut_and_restored, EVERYHOW)
{
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack(LOCAL(2));
	int events = (int)MUST(vdestack_events(s));
	struct vdestack_event e;

	CHECK(pings(s, "10.9.0.1", 100));
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	do {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
	} while (e.type != VDESTACK_EVENT_CARRIER_CUT);
	CHECK(!pings(s, "10.9.0.1", 2));
	MUST(vdestack_link_set_carrier(s, "vde0", 1));
	CHECK(pings(s, "10.9.0.1", 100));
	close(events);
	end_member(&m);
}

CASE_FLAGS(an_interface_is_removed_and_added_again, EVERYHOW)
{
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack("vnl=local://elsewhere");

	for (int i = 0; i < 10; i++) {
		MUST(vdestack_iface_add(s, "iface=eth1 " LOCAL(2), case_opts()));
		CHECK(pings(s, "10.9.0.1", 100));
		MUST(vdestack_iface_del(s, "eth1"));
	}
	end_member(&m);
}

/* ------------------------------------------------------------------ which keeper */

static void check_ordinary_refuses(struct vdestack *ordinary)
{
	CHECK_ERRNO(vdestack_iface_add(ordinary, LOCAL(9), NULL), ENOTSUP);
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_LOCAL=1");
	CHECK_ERRNO(vdestack_new("vnl=inproc://a " LOCAL(9), NULL), ENOTSUP);
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_LOCAL=1");
}

CASE_USER(a_program_with_an_ordinary_keeper_gets_a_second_one)
{
	struct vdestack *ordinary = new_stack("vnl=inproc://a ip=10.8.0.1/24");
	struct member m = new_member(LOCAL(1));
	pid_t keepers[8];

	check_ordinary_refuses(ordinary);
	struct vdestack *s = new_stack(LOCAL(2));
	CHECK(pings(s, "10.9.0.1", 100));
	struct vdestack *other = new_stack("vnl=inproc://a ip=10.8.0.2/24");
	CHECK(pings(other, "10.8.0.1", 100));
	check_ordinary_refuses(other);
	CHECK_EQ(find_keepers(keepers, 8), 3);
	MUST(vdestack_iface_add(s, "iface=eth1 vnl=local://b", NULL));
	MUST(vdestack_delete(s));
	MUST(vdestack_delete(ordinary));
	MUST(vdestack_delete(other));
	end_member(&m);
}

CASE_USER(a_program_that_begins_with_local_has_one_keeper)
{
	struct vdestack *s = new_stack(LOCAL(1));
	struct vdestack *t = new_stack("vnl=inproc://a ip=10.8.0.1/24 " LOCAL(2));
	struct vdestack *u = new_stack("vnl=inproc://a ip=10.8.0.2/24");

	CHECK(pings(s, "10.9.0.2", 100) && pings(t, "10.8.0.2", 100));
	MUST(vdestack_iface_add(u, "iface=eth1 " LOCAL(3), NULL));
	CHECK(pings(u, "10.9.0.1", 100));
	CHECK_EQ(the_keeper(), the_local_keeper());
}

CASE_USER(the_environment_can_ask_for_that_keeper)
{
	MUST(setenv("VDESTACK_LOCAL", "1", 1));
	struct vdestack *s = new_stack("vnl=inproc://a ip=10.8.0.1/24");

	MUST(vdestack_iface_add(s, "iface=eth1 " LOCAL(1), NULL));
	struct vdestack *t = new_stack("vnl=inproc://a ip=10.8.0.2/24 " LOCAL(2));
	CHECK(pings(t, "10.8.0.1", 100) && pings(t, "10.9.0.1", 100));
	CHECK_EQ(the_keeper(), the_local_keeper());
}

CASE(a_program_that_must_not_be_found_has_no_local_segments)
{
	MUST(setenv("VDESTACK_REGISTRY", "off", 1));
	CHECK_ERRNO(vdestack_new(LOCAL(1), NULL), ENOTSUP);
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_REGISTRY");
	(void)new_stack("vnl=inproc://a");
	CHECK(access(DIRECTORY, F_OK) < 0);
}

CASE(a_stack_that_is_not_listed_has_local_segments)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = VDESTACK_UNREGISTERED };
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = vdestack_new(LOCAL(2), &opts);

	CHECK(s != NULL);
	CHECK(pings(s, "10.9.0.1", 100));
	await_listed(m.pid, 1);
	CHECK_EQ(vdestack_registry_list(NULL, 0), 1);
	end_member(&m);
}
