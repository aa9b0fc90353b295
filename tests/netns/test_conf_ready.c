/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting until a stack is ready. */

#include <linux/if_addr.h>
#include <net/if.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"
#include "rtnl/nl.h"

static void an_empty_stack_is_ready(void **state)
{
	(void)state;
	assert_works(vdestack_wait_ready(stack, 0));
	ip("link set lo up");
	assert_works(vdestack_wait_ready(stack, 1000));
	assert_works(vdestack_wait_ready(stack, -1));
	assert_fails(EINVAL, vdestack_wait_ready(stack, -2));
}

static void waiting_without_carrier_times_out(void **state)
{
	(void)state;
	make_veth();
	ip("link set v0 up");
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 0));
	int64_t start = vs_now_ms();
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 200));
	assert_true(vs_now_ms() - start >= 190);
	assert_non_null(strstr(vdestack_last_error(), "v0"));
}

static void waiting_ends_with_the_detection_of_duplicates(void **state)
{
	struct vdestack_addr list[8];

	(void)state;
	make_veth();
	ip("link set v0 up");
	ip("link set v1 up");
	assert_works(vdestack_addr_add(stack, "v0", "fc00::1", 64));
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 0));
	assert_works(vdestack_wait_ready(stack, 10000));
	int n = vdestack_addr_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_addr));
	assert_int_equal(n, 3);
	for (int i = 0; i < n; i++)
		assert_false(list[i].flags & IFA_F_TENTATIVE);
}

static void a_duplicate_address_is_eaddrnotavail(void **state)
{
	(void)state;
	make_veth();
	ip("link set v0 up");
	ip("link set v1 up");
	assert_works(vdestack_wait_ready(stack, 10000));
	ip("addr add fc00::1/64 dev v0 nodad");
	ip("addr add fc00::1/64 dev v1");
	assert_fails(EADDRNOTAVAIL, vdestack_wait_ready(stack, 10000));
	assert_non_null(strstr(vdestack_last_error(), "fc00::1"));
}

static void *bring_up_v1(void *arg)
{
	(void)usleep(100000); /* the case holds for either order */
	(void)vdestack_link_set_up(stack, arg, 1);
	return NULL;
}

static void waiting_ends_when_another_thread_brings_the_carrier(void **state)
{
	pthread_t thread;

	(void)state;
	make_veth();
	ip("link set v0 up");
	assert_int_equal(pthread_create(&thread, NULL, bring_up_v1, "v1"), 0);
	assert_works(vdestack_wait_ready(stack, 10000));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(vdestack_link_get_flags(stack, "v1") & IFF_RUNNING);
}

static void *flood_and_bring_up(void *arg)
{
	struct vdestack large = { 0 }; /* answers need room */

	for (int i = 0; i < 2000; i++) {
		(void)vdestack_addr_add(&large, "lo", "fc05::5", 128);
		(void)vdestack_addr_del(&large, "lo", "fc05::5", 128);
	}
	(void)vdestack_link_set_up(&large, arg, 1);
	return NULL;
}

static void lost_notifications_do_no_harm(void **state)
{
	pthread_t thread;

	(void)state;
	make_veth();
	ip("link set v0 up");
	ip("link set lo up");
	fake.receive_buffer = 1; /* the kernel makes it the smallest there is: one message fills it */
	assert_int_equal(pthread_create(&thread, NULL, flood_and_bring_up, "v1"), 0);
	assert_works(vdestack_wait_ready(stack, 20000));
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static bool always_changing;

int __real_vs_nl_drain(struct vs_nl *nl);
int __wrap_vs_nl_drain(struct vs_nl *nl);

int __wrap_vs_nl_drain(struct vs_nl *nl)
{
	int r = __real_vs_nl_drain(nl);

	nl->noticed = nl->noticed || always_changing;
	return r;
}

/* After each read there has been a change, so the next one is due at once. */
static void waiting_ends_in_time_while_the_stack_changes_all_the_time(void **state)
{
	(void)state;
	make_veth();
	ip("link set v0 up"); /* it has no carrier */
	always_changing = true;
	(void)alarm(20); /* ends the case if the wait does not end */
	int64_t start = vs_now_ms();
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 300));
	int64_t took = vs_now_ms() - start;
	always_changing = false;
	(void)alarm(0);
	assert_true(took >= 290 && took < 10000);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(an_empty_stack_is_ready),
		CASE(waiting_without_carrier_times_out),
		CASE(waiting_ends_with_the_detection_of_duplicates),
		CASE(a_duplicate_address_is_eaddrnotavail),
		CASE(waiting_ends_when_another_thread_brings_the_carrier),
		CASE(lost_notifications_do_no_harm),
		CASE(waiting_ends_in_time_while_the_stack_changes_all_the_time),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
