/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Links of stacks in user space: deleted, slow, lost and regained; and what goes with them. */

#include <arpa/inet.h>
#include <ioth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "../system/bulk.h"

#define LIMIT_MS 30000
#define NEEDS (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)

static const char *network(const char *scheme, const char *name)
{
	static char text[4][300];
	static int n;
	char *s = text[n++ % 4];

	(void)snprintf(s, sizeof(text[0]), "%s://%s", scheme, case_path(name));
	return s;
}

static struct ioth *picox(const char *one, const char *two)
{
	const char *vnlv[] = { one, two, NULL };
	struct ioth *s = ioth_newstackv("picox", vnlv);

	if (s == NULL)
		FAIL("no stack: %s", ioth_last_error());
	return s;
}

static unsigned up(struct ioth *s, const char *name)
{
	unsigned index = (unsigned)MUST(ioth_if_nametoindex(s, name));

	MUST(ioth_linksetupdown(s, index, 1));
	return index;
}

static int add4(struct ioth *s, const char *text, unsigned index)
{
	struct in_addr a;

	CHECK_EQ(inet_pton(AF_INET, text, &a), 1);
	return ioth_ipaddr_add(s, AF_INET, &a, 24, (int)index);
}

static int add6(struct ioth *s, const char *text, unsigned index)
{
	struct in6_addr a;

	CHECK_EQ(inet_pton(AF_INET6, text, &a), 1);
	return ioth_ipaddr_add(s, AF_INET6, &a, 64, (int)index);
}

static struct sockaddr_in at4(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(4000) };

	CHECK_EQ(inet_pton(AF_INET, text, &in.sin_addr), 1);
	return in;
}

/* Sends datagrams of this size to everybody on a network. */
struct noise {
	struct ioth *stack;
	const char *to;
	size_t size;
	int most; /* so many, 0: until it is stopped */
	atomic_bool stop;
};

static void *make_noise(void *arg)
{
	static const char bytes[1400];
	struct noise *n = arg;
	struct sockaddr_in to = at4(n->to);
	int fd = (int)MUST(ioth_msocket(n->stack, AF_INET, SOCK_DGRAM, 0)), on = 1;

	MUST(ioth_setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	for (int i = 0; !atomic_load(&n->stop) && (n->most == 0 || i < n->most); i++)
		(void)ioth_sendto(fd, bytes, n->size, 0, (struct sockaddr *)&to, sizeof(to));
	MUST(ioth_close(fd));
	return NULL;
}

CASE_FLAGS(links_are_deleted_while_frames_come, NEEDS)
{
	struct ioth *hub = picox(network("hub", "net"), NULL), *s = ioth_newstack("picox", NULL);
	struct noise noise = { .stack = hub, .to = "10.4.0.255", .size = 100 };
	const char *vnl = network("vde", "net");
	struct nl_iplink_data data = { IFLA_VDE_VNL, vnl, (int)strlen(vnl) + 1 };
	pthread_t thread;

	CHECK(s != NULL);
	MUST(add4(hub, "10.4.0.1", up(hub, "vde0")));
	CHECK_EQ(pthread_create(&thread, NULL, make_noise, &noise), 0);
	for (int i = 0; i < 40; i++) {
		MUST(ioth_iplink_add(s, "x", (unsigned)-1, "vde", &data, 1));
		MUST(add4(s, "10.4.0.2", up(s, "x")));
		MUST(ioth_iplink_del(s, "x", 0));
	}
	atomic_store(&noise.stop, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(ioth_if_nametoindex(s, "x") <= 0);
	MUST(ioth_if_nametoindex(s, "lo")); /* the process is there */
	MUST(ioth_delstack(s));
	MUST(ioth_delstack(hub));
}

/* The wrapper of the case adopts it when the process of the stack has ended. */
static bool helper_is_ended(void *unused)
{
	pid_t pid;

	(void)unused;
	return find_children(getppid(), "sleep", &pid, 1) == 1 && kill(pid, SIGKILL) == 0;
}

/* The helper of the second network reads nothing. */
CASE_FLAGS(a_network_that_takes_nothing_stops_no_other, NEEDS)
{
	struct ioth *s = picox(network("ptp", "net"), "cmd://sleep 25");
	struct ioth *other = picox(network("ptp", "net"), NULL);
	struct noise noise = { .stack = s, .to = "10.5.0.255", .size = 1400, .most = 3000 };
	struct sockaddr_in to = at4("10.4.0.2"), own = to;
	pthread_t thread;
	char c;

	MUST(add4(s, "10.4.0.1", up(s, "vde0")));
	MUST(add4(s, "10.5.0.1", up(s, "vde1")));
	MUST(add4(other, "10.4.0.2", up(other, "vde0")));
	int rx = (int)MUST(ioth_msocket(other, AF_INET, SOCK_DGRAM, 0));
	MUST(ioth_bind(rx, (struct sockaddr *)&own, sizeof(own)));
	int tx = (int)MUST(ioth_msocket(s, AF_INET, SOCK_DGRAM, 0));
	CHECK_EQ(pthread_create(&thread, NULL, make_noise, &noise), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	long long before = now_us();
	for (int i = 0; i < 20; i++) {
		do
			MUST(ioth_sendto(tx, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
		while (!wait_readable(rx, 2000) && now_us() - before < 20000000);
		CHECK_EQ(ioth_recv(rx, &c, 1, 0), 1);
	}
	CHECK(now_us() - before < 20000000);
	MUST(ioth_close(rx));
	MUST(ioth_close(tx));
	MUST(ioth_delstack(other));
	MUST(ioth_delstack(s));
	CHECK(wait_until(helper_is_ended, NULL, LIMIT_MS));
}

/* ------------------------------------------------------------------ lost and regained */

struct carrier {
	struct ioth *stack;
	bool wanted;
};

static bool has_carrier(void *arg)
{
	const struct carrier *c = arg;
	struct ifreq ifr = { .ifr_name = "vde0" };
	int fd = (int)MUST(ioth_msocket(c->stack, AF_INET, SOCK_DGRAM, 0));

	MUST(ioth_ioctl(fd, SIOCGIFFLAGS, &ifr));
	MUST(ioth_close(fd));
	return ((ifr.ifr_flags & IFF_RUNNING) != 0) == c->wanted;
}

CASE_FLAGS(a_switch_that_comes_back_is_joined_again, NEEDS)
{
	struct carrier gone = { .wanted = false }, back = { .wanted = true };
	struct tool sw;

	switch_start(&sw, case_path("net"), "8");
	gone.stack = back.stack = picox(network("vde", "net"), NULL);
	MUST(add4(back.stack, "10.4.0.1", up(back.stack, "vde0")));
	CHECK(wait_until(has_carrier, &back, LIMIT_MS));
	tool_end(&sw, SIGTERM);
	CHECK(wait_until(has_carrier, &gone, LIMIT_MS));
	switch_start(&sw, case_path("net"), "8");
	CHECK(wait_until(has_carrier, &back, LIMIT_MS));
	struct vdestack *k = new_stack("vnl=%s ip=10.4.0.2/24", network("vde", "net"));
	struct sockaddr_in to = at4("10.4.0.1");
	int fd = (int)MUST(vdestack_msocket(k, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	CHECK_ERRNO(connect(fd, (struct sockaddr *)&to, sizeof(to)), ECONNREFUSED);
	close(fd);
	MUST(vdestack_delete(k));
	MUST(ioth_delstack(back.stack));
	tool_end(&sw, SIGTERM);
}

/* The helper ends: end of file comes with readable. */
CASE_FLAGS(a_network_at_end_of_file_is_lost_and_the_stack_rests, NEEDS)
{
	struct carrier gone = { picox("cmd://sleep 1", NULL), false };

	up(gone.stack, "vde0");
	CHECK(wait_until(has_carrier, &gone, LIMIT_MS));
	MUST(ioth_delstack(gone.stack));
}

/* ------------------------------------------------------------------ what goes with links */

static void gateway(struct ioth *s, const char *text)
{
	struct in_addr a;

	CHECK_EQ(inet_pton(AF_INET, text, &a), 1);
	MUST(ioth_iproute_add(s, AF_INET, NULL, 0, &a, 0));
}

/* Whether there is a route to a host that is far away. */
static bool has_way(struct ioth *s)
{
	struct sockaddr_in to = at4("192.0.2.1");
	struct timeval limit = { .tv_usec = 100000 };
	int fd = (int)MUST(ioth_msocket(s, AF_INET, SOCK_STREAM, 0));

	MUST(ioth_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	CHECK(ioth_connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0);
	bool way = errno == EINPROGRESS;
	MUST(ioth_close(fd));
	return way;
}

CASE_FLAGS(the_default_route_goes_to_another_interface, NEEDS)
{
	struct ioth *s = picox(network("ptp", "one"), network("ptp", "two"));
	struct in_addr first;

	CHECK_EQ(inet_pton(AF_INET, "10.4.0.1", &first), 1);
	unsigned one = up(s, "vde0"), two = up(s, "vde1");
	for (int i = 0; i < 2; i++) { /* the address goes, then the link */
		MUST(add4(s, "10.4.0.1", one));
		gateway(s, "10.4.0.9");
		if (i == 0) {
			MUST(add4(s, "10.5.0.1", two));
			gateway(s, "10.5.0.9");
		}
		CHECK(has_way(s));
		if (i == 0)
			MUST(ioth_ipaddr_del(s, AF_INET, &first, 24, (int)one));
		else
			MUST(ioth_iplink_del(s, "vde0", 0));
		CHECK(has_way(s));
	}
	MUST(ioth_iplink_del(s, "vde1", 0));
	CHECK(!has_way(s));
	MUST(ioth_delstack(s));
}

CASE_FLAGS(a_sixth_prefix_is_refused, NEEDS)
{
	struct ioth *s = picox(network("ptp", "one"), network("ptp", "two"));
	unsigned one = up(s, "vde0"), two = up(s, "vde1");

	MUST(add6(s, "fd01::1", one));
	MUST(add6(s, "fd02::1", one));
	MUST(add6(s, "fd03::1", one));
	MUST(add6(s, "fd04::1", two));
	MUST(add6(s, "fd05::1", two));
	CHECK_ERRNO(add6(s, "fd06::1", two), ENOSPC);
	MUST(add6(s, "fd05::2", two)); /* needs no other prefix */
	MUST(ioth_delstack(s));
}

CASE_FLAGS(a_network_that_cannot_be_opened_is_named, NEEDS)
{
	const char *vnlv[] = { network("hub", "net"), network("vde", "absent"), NULL };

	CHECK_ERRNO(ioth_newstackv("picox", vnlv) == NULL ? -1 : 0, ENOENT);
	CHECK_CONTAINS(ioth_last_error(), "absent");
}
