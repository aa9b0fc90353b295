/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vdestack_configure() beside address sources: what one word removes takes nothing else along, options take
 * effect, and a failure leaves the sources as they were.
 */

#include <pthread.h>
#include <sys/file.h>

#include "sources.h"

static const char *const range[] = { "--dhcp-range=10.7.0.50,10.7.0.60,3600", NULL };

static struct vdestack *server;

static void new_server(void)
{
	server = new_stack("vnl=inproc://lan nodad ip=10.7.0.1/24 ip=fc00:7::1/64");
	close(start_dnsmasq(server, range));
}

static const char *leased(struct vdestack *s)
{
	static struct vdestack_learned_item list[32];
	int n = (int)MUST(vdestack_learned(s, NULL, list, 32));

	for (int i = 0; i < n && i < 32; i++)
		if (list[i].type == VDESTACK_LEARNED_ADDRESS && list[i].source == VDESTACK_SOURCE_DHCP4)
			return list[i].addr;
	return "";
}

static const char *gateway(struct vdestack *s)
{
	static struct vdestack_route list[32];
	int n = (int)MUST(vdestack_route_list(s, "vde0", list, 32, sizeof(*list)));

	for (int i = 0; i < n && i < 32; i++)
		if (list[i].family == AF_INET && list[i].prefix_len == 0)
			return list[i].gw;
	return "";
}

static struct vdestack_opts soon(void)
{
	struct vdestack_opts opts = *case_opts();

	opts.step_timeout_ms = 300;
	return opts;
}

/* ------------------------------------------------------------------ removals */

CASE_BOTH(an_address_that_is_removed_takes_no_other_along)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.7.0.2/24 ip=10.7.0.3/24 gw=10.7.0.1");

	MUST(vdestack_configure(s, "-ip=10.7.0.2", NULL));
	CHECK(!has_address(s, "10.7.0.2"));
	CHECK(has_address(s, "10.7.0.3"));
	CHECK_STR(gateway(s), "10.7.0.1");
	MUST(vdestack_configure(s, "-ip ip=10.7.0.4/24", NULL));
	CHECK(!has_address(s, "10.7.0.3"));
	CHECK_STR(gateway(s), "10.7.0.1"); /* it is reached through the new address */
	MUST(vdestack_configure(s, "-ip ip=10.8.0.4/24", NULL));
	CHECK_STR(gateway(s), "");
}

CASE_BOTH(static_and_leased_addresses_of_one_network_go_one_by_one)
{
	char addr[INET6_ADDRSTRLEN];

	new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.7.0.2/24 dhcp");
	MUST(vdestack_configure(s, "-ip=10.7.0.2", NULL));
	CHECK(has_address(s, leased(s)));
	MUST(vdestack_configure(s, "ip=10.7.0.3/24", NULL));
	(void)snprintf(addr, sizeof(addr), "%s", leased(s));
	MUST(vdestack_configure(s, "-dhcp ip=10.8.0.1/24", NULL)); /* waits until it is gone */
	CHECK(!has_address(s, addr));
	CHECK(has_address(s, "10.7.0.3"));
}

CASE_BOTH(a_failure_takes_no_leased_address_along)
{
	char words[128], addr[INET6_ADDRSTRLEN];

	new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan dhcp");
	(void)snprintf(addr, sizeof(addr), "%s", leased(s));
	(void)snprintf(words, sizeof(words), "ip=%s/24 gw=99.0.0.1", addr);
	CHECK_ERRNO(vdestack_configure(s, words, NULL), ENETUNREACH);
	CHECK(has_address(s, addr));
}

/* ------------------------------------------------------------------ waiting */

static void *wait_for_stack(void *stack)
{
	return vdestack_wait_ready(stack, SOON_MS) == 0 ? stack : NULL;
}

CASE_BOTH(any_number_of_threads_wait_for_a_stack)
{
	struct vdestack_opts opts = *case_opts();
	pthread_t threads[40];
	void *result;

	struct vdestack *other = new_stack("vnl=inproc://lan");
	opts.flags |= VDESTACK_NO_WAIT;
	struct vdestack *s = vdestack_new("vnl=inproc://lan dhcp", &opts);
	CHECK(s != NULL && other != NULL);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_for_stack, s), 0);
	CHECK_ERRNO(vdestack_wait_ready(s, 200), ETIMEDOUT); /* there is no server; by now all wait */
	CHECK_ERRNO(vdestack_wait_ready(s, 0), ETIMEDOUT);
	new_server();
	for (int i = 0; i < 40; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK(result == s);
	}
}

CASE_BOTH(the_message_has_the_sources_that_are_waited_for_and_no_others)
{
	struct vdestack_opts opts = soon(), no_wait = soon();

	struct vdestack *other = new_stack("vnl=inproc://lan");
	no_wait.flags |= VDESTACK_NO_WAIT;
	struct vdestack *s = vdestack_new("vnl=inproc://lan dhcp dhcp6", &no_wait);
	CHECK(s != NULL && other != NULL);
	CHECK_ERRNO(vdestack_wait_ready(s, 0), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp4 on vde0: ");
	CHECK_CONTAINS(vdestack_last_error(), "dhcp6 on vde0: ");
	CHECK(strstr(vdestack_last_error(), "rd on vde0") == NULL);
	/* Those that were asked for before are waited for, too. */
	CHECK_ERRNO(vdestack_configure(s, "rd", &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp4 on vde0: ");
	CHECK_CONTAINS(vdestack_last_error(), "rd on vde0: ");
}

CASE_BOTH(a_cancelled_creation_leaves_no_source)
{
	struct vdestack *list[4], *made = NULL, *other = new_stack("vnl=inproc://lan");
	struct vdestack_creation *c = vdestack_new_start("vnl=inproc://lan dhcp ip=10.7.0.9/24", case_opts());

	CHECK(c != NULL);
	/* It has come as far as to wait for its source when nothing happens any more. */
	while (wait_readable(vdestack_new_fd(c), 500))
		CHECK_EQ(vdestack_new_finish(c, &made), 0);
	vdestack_new_cancel(c);
	CHECK_EQ(MUST(vdestack_list(list, 4)), 1);
	CHECK(list[0] == other);
	new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan dhcp ip=10.7.0.9/24");
	CHECK(has_address(s, leased(s)));
}

/* ------------------------------------------------------------------ sources */

CASE_BOTH(options_that_have_changed_start_a_source_anew)
{
	struct vdestack_event event;

	new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan dhcp");
	int fd = (int)MUST(vdestack_events(s));
	MUST(vdestack_configure(s, "dhcp fqdn=host.example.org", NULL));
	do
		CHECK_EQ(MUST(vdestack_event_read(fd, &event, SOON_MS)), 1);
	while (event.type != VDESTACK_EVENT_SOURCE_GAINED);
	CHECK(has_address(s, leased(s)));
	/* The name stays, so nothing has changed. */
	MUST(vdestack_configure(s, "dhcp", NULL));
	MUST(vdestack_configure(s, "dhcp dns=10.7.0.1 fqdn=host.example.org", NULL));
	struct pollfd pending = { .fd = fd, .events = POLLIN };
	while (poll(&pending, 1, 0) == 1) {
		CHECK_EQ(MUST(vdestack_event_read(fd, &event, 0)), 1);
		CHECK(event.type != VDESTACK_EVENT_SOURCE_GAINED && event.type != VDESTACK_EVENT_SOURCE_LOST);
	}
	close(fd);
}

/* The port of DHCPv6 goes from one source to the next. */
CASE_BOTH(dhcp6_begins_anew_beside_router_discovery)
{
	const char *const six[] = { "--enable-ra", "--dhcp-range=fc00:7::10,fc00:7::20,64,1h", NULL };

	server = new_stack("vnl=inproc://lan nodad ip=fc00:7::1/64");
	close(start_dnsmasq(server, six));
	struct vdestack *s = new_stack("vnl=inproc://lan rd dhcp6");
	MUST(vdestack_configure(s, "dhcp6 nodad", case_opts()));
	MUST(vdestack_configure(s, "-dhcp6", case_opts()));
	MUST(vdestack_configure(s, "dhcp6", case_opts()));
	MUST(vdestack_configure(s, "-dhcp6 dhcp6", case_opts()));
	CHECK_EQ(MUST(vdestack_sources(s, NULL, NULL, 0)), 2);
}

CASE_BOTH(after_a_failure_the_same_sources_are_waited_for_as_before)
{
	struct vdestack_opts opts = soon();

	new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan auto");
	MUST(vdestack_wait_ready(s, SOON_MS));
	CHECK_ERRNO(vdestack_configure(s, "dhcp6", &opts), ETIMEDOUT);
	CHECK_EQ(MUST(vdestack_sources(s, NULL, NULL, 0)), 3);
	MUST(vdestack_wait_ready(s, SOON_MS));
	MUST(vdestack_configure(s, "-auto6", NULL));
	CHECK_ERRNO(vdestack_configure(s, "rd dhcp6", &opts), ETIMEDOUT);
	CHECK_EQ(MUST(vdestack_sources(s, NULL, NULL, 0)), 1);
	MUST(vdestack_wait_ready(s, SOON_MS));
}

CASE_BOTH(every_name_of_a_stack_is_good_for_sources)
{
	static const char *const names[] = { ".web", "..", "-", "a.b_c-d" };

	new_server();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vdestack *s =
			new_stack("name=%s leases=%s vnl=inproc://lan dhcp", names[i], case_path("kept"));
		struct vdestack_source source;
		CHECK_EQ(MUST(vdestack_sources(s, NULL, &source, 1)), 1);
		CHECK_STR(source.problem, "");
		MUST(vdestack_delete(s));
	}
}

static bool is_there(void *path)
{
	return access(path, F_OK) == 0;
}

static bool is_in(const char *directory, const char *file)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", case_path(directory), file);
	return wait_until(is_there, path, SOON_MS);
}

CASE_BOTH(an_interface_with_sources_keeps_its_directory_of_leases)
{
	char words[512];

	new_server();
	struct vdestack *s = new_stack("name=a leases=%s vnl=inproc://lan dhcp", case_path("one"));
	(void)snprintf(words, sizeof(words), "leases=%s dns=10.7.0.1", case_path("two"));
	MUST(vdestack_configure(s, words, NULL));
	int lock = (int)MUST(open(case_path("one/a-vde0.lock"), O_RDWR | O_CLOEXEC));
	CHECK_ERRNO(flock(lock, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(access(case_path("two/a-vde0.lock"), F_OK) < 0);
	MUST(vdestack_configure(s, "-dhcp", NULL));
	MUST(vdestack_configure(s, "dhcp", NULL));
	CHECK(is_in("two", "a-vde0.lock"));
	CHECK(is_in("two", "a-vde0.dhcp4"));
	MUST(flock(lock, LOCK_EX | LOCK_NB));
	close(lock);
	/* No interface would get it. */
	CHECK_ERRNO(vdestack_configure(s, "leases=/tmp", NULL), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "leases=");
}

CASE_BOTH(a_directory_of_leases_is_for_sources_that_are_started_later)
{
	new_server();
	struct vdestack *s = new_stack("name=a leases=%s vnl=inproc://lan", case_path("kept"));
	MUST(vdestack_configure(s, "dhcp", NULL));
	CHECK(is_in("kept", "a-vde0.dhcp4"));
	MUST(vdestack_iface_add(s, "iface=eth1 vnl=inproc://lan dhcp", NULL));
	CHECK(is_in("kept", "a-eth1.dhcp4"));
}

CASE_BOTH(messages_of_a_change_are_about_a_change)
{
	struct vdestack *s = new_stack("vnl=inproc://lan");
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = 1u << 30 };

	CHECK_ERRNO(vdestack_configure(s, "eth", &opts), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "cannot configure a stack: ");
	CHECK_ERRNO(vdestack_iface_add(s, "vnl=inproc://lan", &opts), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "cannot add interfaces: ");
}
