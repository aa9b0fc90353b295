/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "Ready" means usable: carrier, addresses past duplicate address detection. */

#define _GNU_SOURCE
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <pthread.h>

#include "stacks.h"
#include <vdestack/events.h>

/* In use by both ends of a segment, which the kernel finds out after about a second. */
#define TWICE "fc00:9::1"

static int bind6(struct vdestack *s, const char *addr)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	int fd = (int)MUST(vdestack_msocket(s, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));

	CHECK_EQ(inet_pton(AF_INET6, addr, &sa.sin6_addr), 1);
	int r = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	int err = errno;
	close(fd);
	errno = err;
	return r;
}

static unsigned flags_of(struct vdestack *s, const char *text)
{
	struct vdestack_addr addrs[32];
	int n = (int)MUST(vdestack_addr_list(s, NULL, addrs, 32, sizeof(struct vdestack_addr)));

	for (int i = 0; i < n && i < 32; i++)
		if (strcmp(addrs[i].addr, text) == 0)
			return addrs[i].flags;
	FAIL("the stack has no address %s", text);
}

CASE_BOTH(an_ipv6_address_is_usable_when_creation_returns)
{
	struct vdestack *s = new_stack(
		"vnl=inproc://lan ip=fc00:9::1/64 ip=fc00:9::2/64 vnl=inproc://other ip=fc00:8::1/64");

	MUST(bind6(s, "fc00:9::1"));
	MUST(bind6(s, "fc00:9::2"));
	MUST(bind6(s, "fc00:8::1"));
	MUST(vdestack_wait_ready(s, SOON_MS));
	MUST(vdestack_wait_ready(s, 0));
}

CASE_FLAGS(an_ipv6_address_on_a_vde_link_is_usable_when_creation_returns,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack *s = new_stack("vnl=hub://%s ip=fc00:9::1/64", case_path("net"));

	MUST(bind6(s, "fc00:9::1"));
	MUST(vdestack_wait_ready(s, SOON_MS));
}

CASE_BOTH(an_added_ipv6_address_is_usable_when_the_call_returns)
{
	struct vdestack *s = new_stack("%s", "");

	MUST(vdestack_iface_add(s, "vnl=inproc://lan ip=fc00:9::1/64", case_opts()));
	MUST(bind6(s, "fc00:9::1"));
}

CASE_BOTH(creation_does_not_wait_when_asked_not_to)
{
	struct vdestack_opts opts = *case_opts();

	opts.flags |= VDESTACK_NO_WAIT;
	struct vdestack *s = vdestack_new("vnl=inproc://lan ip=fc00:9::1/64", &opts);
	CHECK(s != NULL);
	/* Detection takes a second at least; this comes long before, or the call has waited. */
	CHECK(flags_of(s, "fc00:9::1") & IFA_F_TENTATIVE);
	CHECK_ERRNO(bind6(s, "fc00:9::1"), EADDRNOTAVAIL);
	CHECK_ERRNO(vdestack_wait_ready(s, 0), ETIMEDOUT);
	CHECK(strlen(vdestack_last_error()) > 0);
	CHECK_ERRNO(vdestack_wait_ready(s, 1), ETIMEDOUT);
	MUST(vdestack_wait_ready(s, SOON_MS));
	MUST(bind6(s, "fc00:9::1"));
	CHECK_EQ(flags_of(s, "fc00:9::1") & IFA_F_TENTATIVE, 0);
}

static struct vdestack *new_with_flags(const char *config, unsigned flags)
{
	struct vdestack_opts opts = *case_opts();

	opts.flags |= flags;
	struct vdestack *s = vdestack_new(config, &opts);
	if (s == NULL)
		FAIL("no stack \"%s\": %s", config, vdestack_last_error());
	return s;
}

static bool some_address_is_tentative(struct vdestack *s)
{
	struct vdestack_addr addrs[32];
	int n = (int)MUST(vdestack_addr_list(s, NULL, addrs, 32, sizeof(struct vdestack_addr)));

	for (int i = 0; i < n && i < 32; i++)
		if (addrs[i].flags & IFA_F_TENTATIVE)
			return true;
	return false;
}

/* Has no detection of its configured address, and uses it as soon as the creation returns. */
static void check_without_detection(struct vdestack *s, const char *addr)
{
	unsigned flags = flags_of(s, addr);

	CHECK(flags & IFA_F_NODAD);
	CHECK_EQ(flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC), 0);
	MUST(bind6(s, addr));
}

CASE_BOTH(with_nodad_an_ipv6_address_is_usable_without_a_detection)
{
	struct vdestack *a = new_stack("vnl=inproc://lan nodad ip=fc00:9::1/64 ip=10.9.0.1/24");
	struct vdestack *b = new_with_flags("vnl=inproc://lan ip=fc00:9::2/64", VDESTACK_NODAD);

	CHECK(some_address_is_tentative(b)); /* that of the kernel's own, so the call has not waited */
	check_without_detection(a, "fc00:9::1");
	check_without_detection(b, "fc00:9::2");
	CHECK_EQ(flags_of(a, "10.9.0.1") & IFA_F_NODAD, 0);
	MUST(vdestack_iface_add(b, "vnl=inproc://other ip=fc00:8::2/64 nodad vnl=inproc://third nodad",
				case_opts()));
	check_without_detection(b, "fc00:8::2");
	/* The same address twice: the default refuses it, nodad does not look. */
	struct vdestack *twice = new_stack("vnl=inproc://lan nodad ip=fc00:9::1/64");
	check_without_detection(twice, "fc00:9::1");
	CHECK_ERRNO(vdestack_new("vnl=inproc://lan ip=fc00:9::1/64", case_opts()), EADDRNOTAVAIL);
}

CASE_BOTH(nodad_of_one_interface_leaves_the_detection_of_the_others)
{
	struct vdestack *s = new_with_flags(
		"vnl=inproc://lan nodad ip=fc00:9::1/64 vnl=inproc://other ip=fc00:8::1/64",
		VDESTACK_NO_WAIT);

	check_without_detection(s, "fc00:9::1");
	CHECK(flags_of(s, "fc00:8::1") & IFA_F_TENTATIVE);
	CHECK_EQ(flags_of(s, "fc00:8::1") & IFA_F_NODAD, 0);
	s = new_stack("vnl=inproc://lan nodad ip=fc00:9::3/64 vnl=inproc://other ip=fc00:8::3/64");
	MUST(bind6(s, "fc00:8::3"));
}

CASE_BOTH(with_nodad_stacks_talk_at_once)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	struct vdestack *a = new_stack("vnl=inproc://lan nodad ip=fc00:9::1/64");
	struct vdestack *b = new_stack("vnl=inproc://lan nodad ip=fc00:9::2/64");
	int l = (int)MUST(vdestack_msocket(a, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int c = (int)MUST(vdestack_msocket(b, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
	struct timeval limit = { .tv_sec = SOON_MS / 1000 };

	CHECK_EQ(inet_pton(AF_INET6, "fc00:9::1", &to.sin6_addr), 1);
	MUST(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	MUST(bind(l, (struct sockaddr *)&to, sizeof(to)));
	MUST(listen(l, 1));
	MUST(connect(c, (struct sockaddr *)&to, sizeof(to)));
}

/* Whether the stack has joined the group in which neighbours ask for ...:last (RFC 4291 section 2.7.1). */
static bool is_asked(struct vdestack *s, unsigned char last)
{
	const struct {
		struct nlmsghdr hdr;
		struct ifaddrmsg info;
	} request = { { sizeof(request), RTM_GETMULTICAST, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		      { .ifa_family = AF_INET6 } };
	const unsigned char group[16] = { 0xff, 2, [11] = 1, [12] = 0xff, [15] = last };
	unsigned char answer[8192];
	int fd = (int)MUST(vdestack_msocket(s, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

	CHECK_EQ(send(fd, &request, sizeof(request), 0), (ssize_t)sizeof(request));
	ssize_t n = MUST(recv(fd, answer, sizeof(answer), 0));
	close(fd);
	return memmem(answer, (size_t)n, group, sizeof(group)) != NULL;
}

/* The kernel joins the group in a work item, a little after the address is there. */
CASE_BOTH(with_nodad_neighbours_can_ask_as_soon_as_the_creation_returns)
{
	for (unsigned i = 1; i <= 30; i++) {
		struct vdestack *s = new_stack("vnl=inproc://lan nodad ip=fc00:9::%x/64", i);
		CHECK(is_asked(s, (unsigned char)i));
		MUST(vdestack_delete(s));
	}
}

CASE_BOTH(a_duplicate_address_is_refused)
{
	struct vdestack *first = new_stack("vnl=inproc://lan ip=" TWICE "/64");
	int fds = count_fds();

	CHECK_ERRNO(vdestack_new("vnl=inproc://lan ip=" TWICE "/64", case_opts()), EADDRNOTAVAIL);
	CHECK_CONTAINS(vdestack_last_error(), TWICE);
	CHECK_CONTAINS(vdestack_last_error(), "in use");
	CHECK_EQ(count_fds(), fds);
	MUST(bind6(first, TWICE)); /* the owner has kept it */
}

CASE_BOTH(an_added_interface_with_a_duplicate_address_is_removed)
{
	struct vdestack *first = new_stack("vnl=inproc://lan ip=" TWICE "/64"), *s = new_stack("%s", "");

	CHECK_ERRNO(vdestack_iface_add(s, "vnl=inproc://lan ip=" TWICE "/64", case_opts()), EADDRNOTAVAIL);
	CHECK_CONTAINS(vdestack_last_error(), TWICE);
	CHECK_ERRNO(vdestack_if_nametoindex(s, "vde0"), ENODEV);
	MUST(bind6(first, TWICE));
	MUST(vdestack_iface_add(s, "vnl=inproc://lan ip=fc00:9::2/64", case_opts()));
	MUST(bind6(s, "fc00:9::2"));
}

CASE_BOTH(waiting_reports_a_duplicate_address)
{
	struct vdestack *first = new_stack("vnl=inproc://lan ip=" TWICE "/64");
	struct vdestack_opts opts = *case_opts();

	opts.flags |= VDESTACK_NO_WAIT;
	struct vdestack *s = vdestack_new("vnl=inproc://lan ip=" TWICE "/64", &opts);
	CHECK(s != NULL);
	CHECK_ERRNO(vdestack_wait_ready(s, SOON_MS), EADDRNOTAVAIL);
	CHECK_CONTAINS(vdestack_last_error(), TWICE);
	MUST(vdestack_wait_ready(first, SOON_MS));
}

CASE_BOTH(waiting_succeeds_with_an_interface_that_is_down_and_one_that_is_set_up_again)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");

	MUST(vdestack_link_set_up(s, "vde0", 0));
	MUST(vdestack_wait_ready(s, SOON_MS)); /* an interface that was set down is not waited for */
	MUST(vdestack_link_set_up(s, "vde0", 1));
	MUST(vdestack_wait_ready(s, SOON_MS));
	CHECK(vdestack_link_get_flags(s, "vde0") & IFF_RUNNING);
}

static bool carrier_missed(void *stack)
{
	return vdestack_wait_ready(stack, 0) < 0 && strstr(vdestack_last_error(), "carrier") != NULL;
}

CASE_FLAGS(waiting_reports_a_link_without_carrier, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	/* a stream whose other end closes at once */
	struct vdestack *s = new_stack("vnl='=true' ip=10.9.0.1/24");

	CHECK(wait_until(carrier_missed, s, SOON_MS));
	CHECK_ERRNO(vdestack_wait_ready(s, 10), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "vde0");
	CHECK_CONTAINS(vdestack_last_error(), "carrier");
}

CASE_BOTH(a_stack_without_interfaces_is_ready)
{
	struct vdestack *s = new_stack("%s", "");

	MUST(vdestack_wait_ready(s, 0));
	MUST(vdestack_wait_ready(s, -1));
	CHECK_ERRNO(vdestack_wait_ready(s, -2), EINVAL);
	CHECK_ERRNO(vdestack_wait_ready(NULL, 0), EINVAL);
	MUST(vdestack_delete(s));
	CHECK_ERRNO(vdestack_wait_ready(s, 0), EINVAL);
}

CASE_BOTH(waiting_for_ever_ends_with_the_detection_of_duplicates)
{
	struct vdestack_opts opts = *case_opts();

	opts.flags |= VDESTACK_NO_WAIT;
	struct vdestack *s = vdestack_new("vnl=inproc://lan ip=fc00:9::1/64", &opts);
	CHECK(s != NULL);
	MUST(vdestack_wait_ready(s, -1));
	CHECK_EQ(bind6(s, "fc00:9::1"), 0);
}

static void *wait_for_ever(void *stack)
{
	(void)vdestack_wait_ready(stack, -1);
	return NULL;
}

CASE_BOTH(a_thread_that_waits_for_ever_can_be_cancelled)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	pthread_t thread;
	void *result;

	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	CHECK(wait_until(carrier_missed, s, SOON_MS));
	int fds = count_fds();
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_ever, s), 0);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(count_fds(), fds);
}

CASE_BOTH(steps_without_a_time_limit_and_those_of_a_wrong_one)
{
	struct vdestack_opts opts = *case_opts();

	opts.step_timeout_ms = -1;
	struct vdestack *s = vdestack_new("vnl=inproc://lan ip=fc00:9::1/64", &opts);
	CHECK(s != NULL);
	MUST(vdestack_iface_add(s, "vnl=inproc://lan", &opts));
	opts.step_timeout_ms = -2;
	CHECK_ERRNO(vdestack_iface_add(s, "vnl=inproc://lan", &opts), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "step_timeout_ms");
	CHECK_ERRNO(vdestack_new("", &opts), EINVAL);
}

CASE_BOTH(creation_gives_up_when_detection_takes_longer_than_allowed)
{
	struct vdestack_opts opts = *case_opts();
	int fds = count_fds();

	opts.step_timeout_ms = 300;
	CHECK_ERRNO(vdestack_new("vnl=inproc://lan ip=fc00:9::1/64", &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "fc00:9::1");
	CHECK_EQ(count_fds(), fds);
}
