/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The events of a stack: which are reported, to whom, and when a subscription ends. */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */

#include "links.h"

CASE_BOTH(addresses_are_reported)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan");
	int events = (int)MUST(vdestack_events(s));
	struct vdestack_event e;

	MUST(vdestack_addr_add(s, "vde0", "10.0.0.9", 24));
	do {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
	} while (e.family != AF_INET); /* the interface's own link-local address may come first */
	CHECK_EQ(e.type, VDESTACK_EVENT_ADDR_READY);
	CHECK_STR(e.ifname, "vde0");
	CHECK_EQ(e.prefix_len, 24);
	CHECK_STR(e.addr, "10.0.0.9");
	MUST(vdestack_addr_add(s, "vde0", "fc00::9", 64)); /* reported when detection has passed */
	do {
		CHECK_EQ(vdestack_event_read(events, &e, -1), 1);
	} while (strcmp(e.addr, "fc00::9") != 0);
	CHECK_EQ(e.type, VDESTACK_EVENT_ADDR_READY);
	struct sockaddr_in6 ours = { .sin6_family = AF_INET6 };
	CHECK_EQ(inet_pton(AF_INET6, "fc00::9", &ours.sin6_addr), 1);
	int user = (int)MUST(vdestack_msocket(s, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(bind(user, (struct sockaddr *)&ours, sizeof(ours))); /* before that: EADDRNOTAVAIL */
	close(user);
	MUST(vdestack_addr_del(s, "vde0", "10.0.0.9", 24));
	do {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
	} while (e.family != AF_INET);
	CHECK_EQ(e.type, VDESTACK_EVENT_ADDR_LOST);
}

CASE_BOTH(a_full_event_queue_is_reported_with_the_number_of_lost_events)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan");
	int events = (int)MUST(vdestack_events(s)), reported = 0;
	struct vdestack_event e = { 0 };

	for (int i = 0; i < 500; i++)
		MUST(vdestack_link_set_carrier(s, "vde0", i % 2));
	while (e.type != VDESTACK_EVENT_OVERRUN) {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
		reported += e.type == VDESTACK_EVENT_CARRIER_CUT || e.type == VDESTACK_EVENT_CARRIER_RESTORED;
	}
	CHECK(reported < 499);
	CHECK_EQ(vdestack_event_read(events, &e, 0), 0);
	CHECK_ERRNO(vdestack_event_read(events, &e, -2), EINVAL);
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	do {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
	} while (e.lost == 0);
	CHECK(e.lost >= 500u - (unsigned)reported - 2);
	MUST(vdestack_link_set_carrier(s, "vde0", 1)); /* which is reported after the lost ones have been */
	do {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
		CHECK_EQ(e.lost, 0);
	} while (e.type != VDESTACK_EVENT_CARRIER_RESTORED);
}

CASE_BOTH(every_subscriber_gets_the_events)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan");
	int events[9];

	for (int i = 0; i < 8; i++)
		events[i] = (int)MUST(vdestack_events(s));
	CHECK_ERRNO(vdestack_events(s), EMFILE);
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	for (int i = 0; i < 8; i++) {
		CHECK(fcntl(events[i], F_GETFD) & FD_CLOEXEC);
		struct pollfd p = { .fd = events[i], .events = POLLIN };
		CHECK_EQ(poll(&p, 1, SOON_MS), 1);
		(void)next_event(events[i], VDESTACK_EVENT_CARRIER_CUT);
		close(events[i]);
	}
	MUST(vdestack_link_set_carrier(s, "vde0", 1)); /* notices that they have gone */
	close((int)MUST(vdestack_events(s)));
}

/* Nothing happens in the stack, so no event is sent that would show it. */
CASE_BOTH(a_closed_subscription_frees_its_place)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan ip=10.0.0.1/24");

	for (int i = 0; i < 1000; i++)
		close((int)MUST(vdestack_events(s)));
	int events = (int)MUST(vdestack_events(s));
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	(void)next_event(events, VDESTACK_EVENT_CARRIER_CUT);
}

static int keeper_fds(void)
{
	return count_fds_of(the_keeper());
}

static bool has_no_more_than(void *arg)
{
	return keeper_fds() <= *(int *)arg;
}

CASE_ROOT(the_keeper_closes_its_end_when_a_subscription_is_closed)
{
	struct vdestack *s = stack_of("%s", ""); /* nothing happens in it, not even an address */
	int first = (int)MUST(vdestack_events(s)); /* has brought the route socket */
	int events[7];

	for (int i = 0; i < 7; i++)
		events[i] = (int)MUST(vdestack_events(s));
	await_rest(the_keeper()); /* it opens the registry's socket after its first stack */
	int most = keeper_fds() - 5;
	for (int i = 0; i < 7; i++)
		close(events[i]);
	CHECK(wait_until(has_no_more_than, &most, SOON_MS));
	close(first);
}

static bool can_subscribe(void *stack)
{
	int fd = vdestack_events(stack);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

CASE_BOTH(a_subscription_lasts_while_a_child_has_a_copy)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan ip=10.0.0.1/24");
	pid_t children[8];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 8; i++) {
			int fd = (int)MUST(vdestack_events(s));
			children[i] = (pid_t)MUST(fork());
			if (children[i] == 0) {
				(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
				for (;;)
					pause();
			}
			close(fd);
		}
		CHECK_ERRNO(vdestack_events(s), EMFILE);
		CHECK_CONTAINS(vdestack_last_error(), "eight");
		for (int i = 0; i < 8; i++) {
			MUST(kill(children[i], SIGKILL));
			MUST(waitpid(children[i], NULL, 0));
		}
		CHECK(wait_until(can_subscribe, s, SOON_MS));
	}
}

CASE_BOTH(the_end_of_a_stack_is_reported)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan"), *t = stack_of("%s", "");
	int events = (int)MUST(vdestack_events(s));
	struct vdestack_event e;

	MUST(vdestack_delete(s));
	(void)next_event(events, VDESTACK_EVENT_STACK_ENDED);
	CHECK_ERRNO(vdestack_event_read(events, &e, SOON_MS), EPIPE);
	CHECK_ERRNO(vdestack_event_read(-1, &e, 0), EBADF);
	CHECK_ERRNO(vdestack_event_read(events, NULL, 0), EINVAL);
	MUST(vdestack_delete(t));
}

CASE(the_death_of_the_keeper_is_reported)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan");
	int events = (int)MUST(vdestack_events(s));
	struct vdestack_event e;
	pid_t keeper;

	CHECK_EQ(find_keepers(&keeper, 1), 1);
	MUST(kill(keeper, SIGKILL));
	(void)next_event(events, VDESTACK_EVENT_KEEPER_LOST);
	CHECK_ERRNO(vdestack_event_read(events, &e, SOON_MS), EPIPE);
	MUST(vdestack_delete(s));
}

CASE_BOTH(a_child_shares_its_parents_events)
{
	struct vdestack *s = stack_of("%s", "vnl=inproc://lan");
	int events = (int)MUST(vdestack_events(s)), status;

	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		(void)next_event(events, VDESTACK_EVENT_CARRIER_CUT);
		_exit(0);
	}
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}
