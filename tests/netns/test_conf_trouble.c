/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hard times: signals, changes meanwhile, strangers, no descriptors, no privileges. */

#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/stack.h"
#include "fixture.h"
#include "rtnl/nl.h"
#include "rtnl/rtnl.h"

static atomic_int storm_count;

static void on_alarm(int signo)
{
	(void)signo;
	atomic_fetch_add(&storm_count, 1);
}

/* 4 kHz of signals that interrupt system calls; hz 0 ends them. */
static void storm(int hz)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval timer = { .it_interval = { .tv_usec = hz != 0 ? 1000000 / hz : 0 },
					 .it_value = { .tv_usec = hz != 0 ? 1 : 0 } };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void signals_do_not_disturb(void **state)
{
	struct vdestack_addr list[256];
	struct ifaddrs *ifaddrs;
	make_plugged("d0");

	(void)state;
	add_many("d0");
	make_veth();
	assert_works(vdestack_wait_ready(stack, 10000));
	storm(4000);
	/* On a loaded machine several expirations of the timer are one signal. */
	for (int64_t end = vs_now_ms() + 1500; vs_now_ms() < end || atomic_load(&storm_count) <= 1000;) {
		int n = vdestack_addr_list(stack, "d0", list, VS_COUNT(list), sizeof(struct vdestack_addr));
		assert_true(n >= 200 && has_many(list, n));
		assert_works(vdestack_getifaddrs(stack, &ifaddrs));
		vdestack_freeifaddrs(ifaddrs);
		assert_works(vdestack_link_set_mtu(stack, "v0", 1400));
		assert_fails(ENODEV, vdestack_if_nametoindex(stack, "nosuch0"));
	}
	assert_works(vdestack_link_set_up(stack, "v0", 1));
	int before = atomic_load(&storm_count);
	int64_t start = vs_now_ms();
	assert_fails(ETIMEDOUT, vdestack_wait_ready(stack, 300)); /* no carrier: waits through the storm */
	int64_t took = vs_now_ms() - start;
	storm(0);
	assert_true(took >= 290 && took < 3000);
	assert_true(atomic_load(&storm_count) > before);
}

static atomic_bool changing;

static void *keep_changing(void *arg)
{
	while (atomic_load(&changing)) {
		(void)vdestack_addr_add(stack, arg, "10.200.0.1", 32);
		(void)vdestack_addr_del(stack, arg, "10.200.0.1", 32);
		(void)usleep(100);
	}
	return NULL;
}

static struct {
	int begun, n;
	bool changed;
} reading;

static void note_begin(void *arg)
{
	(void)arg;
	reading.begun++;
	reading.n = 0;
}

static void change_at_first(void *arg, const void *record)
{
	(void)arg;
	(void)record;
	reading.n++;
	if (!reading.changed)
		assert_int_equal(vdestack_addr_add(stack, "d0", "10.201.0.1", 32), 0);
	reading.changed = true;
}

/* It is so long that the kernel sends it in several parts. */
static void a_list_that_changes_while_it_is_read_is_read_again(void **state)
{
	enum { LONG = 1500 };
	const struct vs_nl_reader reader = { note_begin, change_at_first, NULL };
	VS_AUTO_NL nl = { 0 };
	char addr[32];

	(void)state;
	make_plugged("d0");
	for (int i = 0; i < LONG; i++) {
		(void)snprintf(addr, sizeof(addr), "10.202.%d.%d", i / 250, i % 250 + 1);
		assert_works(vdestack_addr_add(stack, "d0", addr, 32));
	}
	assert_int_equal(vs_stack_nl_open(stack, &nl), 0);
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(reading.begun >= 2);
	assert_true(reading.n >= LONG + 1);
}

static void lists_are_whole_while_another_thread_changes(void **state)
{
	struct vdestack_addr list[256];
	pthread_t thread;
	make_plugged("d0");

	(void)state;
	make_plugged("d1");
	add_many("d0");
	atomic_store(&changing, true);
	assert_int_equal(pthread_create(&thread, NULL, keep_changing, "d1"), 0);
	for (int i = 0; i < 500; i++) {
		int n = vdestack_addr_list(stack, NULL, list, VS_COUNT(list), sizeof(struct vdestack_addr));
		if (n < 0)
			fail_msg("%s", vdestack_last_error());
		assert_true(has_many(list, n));
	}
	atomic_store(&changing, false);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void count_record(void *arg, const void *record)
{
	(void)record;
	++*(int *)arg;
}

static void begin_count(void *arg)
{
	*(int *)arg = 0;
}

/* A command in the stack with CAP_NET_ADMIN can send messages to our socket. */
static void messages_of_another_process_are_no_answer(void **state)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(name);
	struct {
		struct nlmsghdr head;
		int result;
	} done = { .head = { .nlmsg_len = sizeof(done),
			     .nlmsg_type = NLMSG_DONE,
			     .nlmsg_flags = NLM_F_MULTI } };
	int n = 0;
	const struct vs_nl_reader reader = { begin_count, count_record, &n };
	VS_AUTO_NL nl = { 0 };

	(void)state;
	make_plugged("d0");
	add_many("d0");
	assert_int_equal(vs_stack_nl_open(stack, &nl), 0);
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(n >= 200);
	assert_int_equal(getsockname(vs_nl_fd(&nl), (struct sockaddr *)&name, &len), 0);
	int other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_true(other >= 0);
	done.head.nlmsg_pid = name.nl_pid;
	for (done.head.nlmsg_seq = nl.seq; done.head.nlmsg_seq < nl.seq + 4; done.head.nlmsg_seq++)
		assert_int_equal(sendto(other, &done, sizeof(done), 0, (struct sockaddr *)&name, len),
				 (ssize_t)sizeof(done));
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(n >= 200);
	(void)close(other);
}

/* As after a request that has timed out. */
static void the_answer_to_an_earlier_request_is_no_answer(void **state)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} earlier = { .head = { .nlmsg_len = sizeof(earlier), .nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1 },
		      .info = { .ifi_index = 1 } };
	int n = 0;
	const struct vs_nl_reader reader = { begin_count, count_record, &n };
	VS_AUTO_NL nl = { 0 };

	(void)state;
	make_plugged("d0");
	add_many("d0");
	assert_int_equal(vs_stack_nl_open(stack, &nl), 0);
	assert_int_equal(sendto(vs_nl_fd(&nl), &earlier, sizeof(earlier), 0, (const struct sockaddr *)&kernel,
				sizeof(kernel)), (ssize_t)sizeof(earlier));
	assert_int_equal(vs_rtnl_addr_list(&nl, &reader), 0);
	assert_true(n >= 200);
}

static void calls_without_a_free_descriptor_are_emfile(void **state)
{
	struct rlimit before;
	struct ifaddrs *list;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int result = vdestack_if_nametoindex(stack, "lo");
	int err = errno;
	int result2 = vdestack_getifaddrs(stack, &list);
	int err2 = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(result, -1);
	assert_int_equal(err, EMFILE);
	assert_int_equal(result2, -1);
	assert_int_equal(err2, EMFILE);
}

static void no_call_leaks_a_descriptor(void **state)
{
	struct ifaddrs *list;
	make_plugged("d0");
	int before = count_descriptors();

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)vdestack_addr_add(stack, "d0", "10.0.0.1", 24);
		(void)vdestack_if_nametoindex(stack, "nosuch0");
		(void)vdestack_wait_ready(stack, 0);
		assert_works(vdestack_getifaddrs(stack, &list));
		vdestack_freeifaddrs(list);
	}
	assert_int_equal(count_descriptors(), before);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void refused_without_capabilities(void)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 1 };
	const struct vdestack_route route = {
		.size = sizeof(route), .dst = "10.0.0.0", .prefix_len = 8, .ifname = "lo"
	};

	drop_capabilities();
	assert_fails(EPERM, vdestack_link_set_up(stack, "lo", 1));
	assert_fails(EPERM, vdestack_link_set_mtu(stack, "lo", 1500));
	assert_fails(EPERM, vdestack_addr_add(stack, "lo", "10.0.0.1", 24));
	assert_fails(EPERM, vdestack_addr_del(stack, "lo", "10.0.0.1", 24));
	assert_fails(EPERM, vdestack_route_add(stack, &route));
	assert_fails(EPERM, vdestack_neigh_add(stack, "lo", "10.0.0.1", mac));
	assert_non_null(strstr(vdestack_last_error(), "privileges"));
	/* Reading needs no privilege. */
	assert_works(vdestack_addr_list(stack, NULL, NULL, 0, sizeof(struct vdestack_addr)));
}

/* In a child: the next case needs what is dropped. */
static void changes_without_capabilities_are_eperm(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		refused_without_capabilities();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(signals_do_not_disturb),
		CASE(a_list_that_changes_while_it_is_read_is_read_again),
		CASE(lists_are_whole_while_another_thread_changes),
		CASE(messages_of_another_process_are_no_answer),
		CASE(the_answer_to_an_earlier_request_is_no_answer),
		CASE(calls_without_a_free_descriptor_are_emfile),
		CASE(no_call_leaks_a_descriptor),
		CASE(changes_without_capabilities_are_eperm),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
