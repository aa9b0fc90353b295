/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ioth_config() on stacks in user space, against the servers of others: events, refusals, conflicts. */

#include <fcntl.h>
#include <ioth.h>
#include <servers.h>
#include <unistd.h>
#include <vdestack.h>

#include "../../src/ioth/lib/internal.h"
#include "ioth_stacks.h"

#define SOON_MS 30000

static struct server_plan plan = {
	.subnet = "10.7.0.0/24",
	.first = "10.7.0.100",
	.last = "10.7.0.101",
	.lease_s = 600,
	.router = "10.7.0.1",
	.dns = "10.7.0.53",
};

/* The stack that makes the network, which lasts longest. */
static struct vdestack *server_stack(const char *words)
{
	char config[600];

	(void)snprintf(config, sizeof(config), "vnl=hub://%s nodad %s", case_path("net"), words);
	struct vdestack *s = vdestack_new(config, case_opts());
	if (s == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	return s;
}

static struct ioth *picox(void)
{
	char vnl[400];

	(void)snprintf(vnl, sizeof(vnl), "vde://%s", case_path("net"));
	struct ioth *s = ioth_newstack("picox", vnl);
	if (s == NULL)
		FAIL("no stack: %s", ioth_last_error());
	return s;
}

static int events_of(struct ioth *s)
{
	void *data;
	const struct ioth_functions *f = ioth_functions_of(s, &data);

	CHECK(f != NULL && f->events != NULL);
	return f->events(data);
}

/* Returns whether the stack lives: else there is the end of file. */
static bool drain(int fd)
{
	char bytes[512];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n > 0);
	CHECK(n == 0 || errno == EAGAIN);
	return n < 0;
}

static bool has_ended(void *events)
{
	return !drain(*(int *)events);
}

CASE(dhcp_is_ready_and_events_tell_of_it)
{
	struct server server = { .kind = SERVER_DNSMASQ4, .plan = &plan };

	server.stack = server_stack("ip=10.7.0.1/24");
	server_start(&server);
	struct ioth *s = picox();
	int events = (int)MUST(events_of(s)), before = count_fds();
	CHECK((fcntl(events, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK_EQ(config(s, "eth dhcp timeout=60"), IOTHCONF_ETH | IOTHCONF_DHCP);
	CHECK_EQ(count_fds(), before);
	CHECK(wait_readable(events, SOON_MS));
	CHECK(has_addr(s, "vde0", "10.7.0.10", true));
	check_resolvconf(s, NULL, "nameserver 10.7.0.53\n");
	CHECK(drain(events));
	CHECK_EQ(config(s, "-dhcp"), 0);
	CHECK(!has_addr(s, "vde0", "10.7.0.10", true));
	CHECK(wait_readable(events, SOON_MS));
	MUST(ioth_delstack(s));
	CHECK(wait_until(has_ended, &events, SOON_MS));
	close(events);
	server_stop(&server);
}

CASE(a_router_gives_an_address_and_a_route)
{
	static const struct server_plan ra = { .subnet = "fd07::/64", .lease_s = 600 };
	struct server server = { .kind = SERVER_RADVD, .plan = &ra };

	server.stack = server_stack("ip=fd07::1/64");
	server_start(&server);
	struct ioth *s = picox();
	CHECK_EQ(config(s, "eth rd slaac timeout=60") & IOTHCONF_RD, IOTHCONF_RD);
	CHECK(has_addr(s, "vde0", "fd07::", true));
	CHECK(has_default_route(s, "vde0", AF_INET6));
	CHECK_EQ(config(s, "-rd"), 0);
	CHECK(!has_addr(s, "vde0", "fd07::", true));
	MUST(ioth_delstack(s));
	server_stop(&server);
}

/* Whether a connection to fd07::9 is made. Its host has no route back but that of its address. */
static bool reaches(struct ioth *s, int listener)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	struct timeval limit = { .tv_sec = 10 };
	int fd = (int)MUST(ioth_msocket(s, AF_INET6, SOCK_STREAM, 0));

	CHECK_EQ(inet_pton(AF_INET6, "fd07::9", &to.sin6_addr), 1);
	MUST(ioth_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	bool done = ioth_connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (done)
		close((int)MUST(accept(listener, NULL, NULL)));
	MUST(ioth_close(fd));
	return done;
}

/* The router does not forward: what goes to a neighbour must not go to the router. */
CASE(the_hosts_of_a_prefix_on_the_link_are_reached_without_the_router)
{
	static const struct server_plan ra = { .subnet = "fd07::/64", .lease_s = 600 };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	struct server server = { .kind = SERVER_RADVD, .plan = &ra };
	struct in6_addr address;

	server.stack = server_stack("ip=fd07::1/64");
	server_start(&server);
	char beside[400];
	(void)snprintf(beside, sizeof(beside), "vnl=vde://%s nodad ip=fd07::9/64", case_path("net"));
	struct vdestack *other = vdestack_new(beside, case_opts());
	CHECK(other != NULL);
	int listener = (int)MUST(vdestack_msocket(other, AF_INET6, SOCK_STREAM, 0));
	MUST(bind(listener, (struct sockaddr *)&any, sizeof(any)));
	MUST(listen(listener, 5));
	struct ioth *s = picox();
	int index = (int)MUST(ioth_if_nametoindex(s, "vde0"));
	CHECK_EQ(config(s, "eth slaac timeout=60") & IOTHCONF_RD, IOTHCONF_RD);
	CHECK(reaches(s, listener));

	/* An address that comes and goes does not take the prefix with it. */
	CHECK_EQ(inet_pton(AF_INET6, "fd07::77", &address), 1);
	MUST(ioth_ipaddr_add(s, AF_INET6, &address, 64, index));
	MUST(ioth_ipaddr_del(s, AF_INET6, &address, 64, index));
	CHECK(reaches(s, listener));

	/* The end of the router's prefix does not take that of an address with it. */
	MUST(ioth_ipaddr_add(s, AF_INET6, &address, 64, index));
	CHECK_EQ(config(s, "-rd"), 0);
	CHECK(reaches(s, listener));
	MUST(ioth_ipaddr_del(s, AF_INET6, &address, 64, index));
	MUST(ioth_delstack(s));
	close(listener);
	server_stop(&server);
	MUST(vdestack_delete(other));
}

/* lwIP reports the end of detection to nobody. */
CASE(events_tell_of_duplicate_address_detection)
{
	struct vdestack *other = server_stack("ip=fd08::1/64");
	struct ioth *s = picox();
	struct in6_addr address;
	unsigned index = (unsigned)MUST(ioth_if_nametoindex(s, "vde0"));

	CHECK_EQ(inet_pton(AF_INET6, "fd08::2", &address), 1);
	MUST(ioth_linksetupdown(s, index, 1));
	MUST(ioth_ipaddr_add(s, AF_INET6, &address, 64, (int)index));
	int events = (int)MUST(events_of(s)); /* the address is tentative */
	CHECK(wait_readable(events, SOON_MS));
	CHECK(drain(events));
	MUST(ioth_linksetupdown(s, index, 0));
	CHECK(wait_readable(events, SOON_MS));
	close(events);
	MUST(ioth_delstack(s));
	MUST(vdestack_delete(other));
}

CASE(descriptors_of_events_are_limited_and_given_back)
{
	static int fds[300];
	struct ioth *s = ioth_newstack("picox", NULL);

	CHECK(s != NULL);
	for (int round = 0; round < 2; round++) {
		int n = 0;
		while (n < 300 && (fds[n] = events_of(s)) >= 0)
			n++;
		CHECK(n > 16 && n < 300 && errno == ENFILE);
		CHECK_CONTAINS(ioth_last_error(), "cannot follow a stack");
		while (n > 0)
			close(fds[--n]);
		(void)MUST(
			ioth_if_nametoindex(s, "lo")); /* a request later than the ends of the descriptors */
	}
	MUST(ioth_delstack(s));
}

/* The server does not know that another host has the first address of its pool. */
CASE(an_address_that_another_host_has_is_declined)
{
	struct server server = { .kind = SERVER_KEA4, .plan = &plan };

	server.stack = server_stack("ip=10.7.0.1/24 ip=10.7.0.100/24");
	server_start(&server);
	struct ioth *s = picox();
	CHECK_EQ(config(s, "eth dhcp timeout=60"), IOTHCONF_ETH | IOTHCONF_DHCP);
	CHECK(has_addr(s, "vde0", "10.7.0.101", false));
	MUST(ioth_delstack(s));
	server_stop(&server);
}

static bool has_new_address(void *s)
{
	return has_addr(s, "vde0", "10.8.0.110", false);
}

/* The link is in another network when it comes back: a NAK to the request for the old address. */
CASE(a_nak_takes_the_address_away_and_another_is_asked_for)
{
	struct server server = { .kind = SERVER_DHCPD4, .plan = &plan };

	server.stack = server_stack("ip=10.7.0.1/24");
	server_start(&server);
	struct ioth *s = picox();
	unsigned index = (unsigned)MUST(ioth_if_nametoindex(s, "vde0"));
	CHECK_EQ(config(s, "eth dhcp timeout=60"), IOTHCONF_ETH | IOTHCONF_DHCP);
	CHECK(has_addr(s, "vde0", "10.7.0.10", true));
	MUST(ioth_linksetupdown(s, index, 0));
	server_stop(&server);
	MUST(vdestack_delete(server.stack));
	plan.subnet = "10.8.0.0/24";
	plan.first = plan.last = "10.8.0.110";
	plan.router = "10.8.0.1";
	server_forget(&server);
	server.stack = server_stack("ip=10.8.0.1/24");
	server_start(&server);
	MUST(ioth_linksetupdown(s, index, 1));
	CHECK(wait_until(has_new_address, s, 2 * SOON_MS));
	CHECK(!has_addr(s, "vde0", "10.7.0.100", false));
	MUST(ioth_delstack(s));
	server_stop(&server);
}
