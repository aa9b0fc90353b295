/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ioth_config() on kinds of stacks other than vdestack: the network of the process, which is a namespace of
 * the case here, stacks in user space, and a plugin that knows sockets only.
 */

#include "../system/traffic.h"

#include <servers.h>
#include <vdestack/conf.h>

#include "ioth_stacks.h"

static const struct server_plan plan = {
	.subnet = "10.7.0.0/24",
	.first = "10.7.0.100",
	.last = "10.7.0.109",
	.lease_s = 600,
	.router = "10.7.0.1",
	.dns = "10.7.0.53",
	.domain = "home.test",
};

/* A network of its own for the process, with an interface vde0 that is down. */
static struct vdestack *own_network(void)
{
	char words[300];

	own_namespaces(CLONE_NEWNET);
	(void)snprintf(words, sizeof(words), "iface=vde0 vnl=ptp://%s", case_path("net"));
	struct vdestack *inside = vdestack_adopt_path("/proc/thread-self/ns/net", words, case_opts());
	if (inside == NULL)
		FAIL("not adopted: %s", vdestack_last_error());
	MUST(vdestack_link_set_up(inside, "vde0", 0));
	return inside;
}

static void static_items(struct ioth *s)
{
	CHECK_EQ(config(s, "eth,mac=02:00:00:00:00:0a,ip=10.0.0.1/24,ip=fc00::1,gw=10.0.0.254,dns=10.0.0.53,"
			   "domain=home.test"),
		 IOTHCONF_ETH | IOTHCONF_STATIC);
	CHECK(has_addr(s, "vde0", "10.0.0.1", false) && has_addr(s, "vde0", "fc00::1", false));
	CHECK(has_default_route(s, "vde0", AF_INET));
	check_resolvconf(s, NULL, "search home.test\nnameserver 10.0.0.53\n");
	check_resolvconf(s, NULL, NULL);
	CHECK_EQ(config(s, "ip=10.0.0.2/24"), IOTHCONF_STATIC);
	CHECK(has_addr(s, "vde0", "10.0.0.2", false) && !has_addr(s, "vde0", "10.0.0.1", false));
	CHECK(!has_default_route(s, "vde0", AF_INET));
	check_resolvconf(s, NULL, "");
	CHECK_ERRNO(ioth_config(s, "-static,ip=10.0.0.3/24,foo"), EINVAL);
	CHECK(has_addr(s, "vde0", "10.0.0.2", false));
	CHECK_EQ(config(s, "-static"), 0);
	CHECK(!has_addr(s, "vde0", "10.0.0.2", false));
	CHECK_EQ(config(s, "-eth"), 0);
}

/* ------------------------------------------------------------------ kernel */

CASE(the_network_of_the_process_takes_static_items)
{
	struct vdestack *inside = own_network();
	struct ioth *s = new_ioth("stack=kernel");
	static_items(s);
	MUST(ioth_delstack(s));
	MUST(vdestack_delete(inside));
}

/* No stack at all: the string is for the network of the process. */
CASE(null_is_the_network_of_the_process)
{
	struct vdestack *inside = own_network();
	static_items(NULL);
	MUST(vdestack_delete(inside));
}

CASE(the_network_of_the_process_takes_dhcp)
{
	struct vdestack *inside = own_network();
	struct server server4 = { .kind = SERVER_UDHCPD, .plan = &plan };
	server4.stack = stack_of("vnl=ptp://%s ip=10.7.0.1/24", case_path("net"));
	server_start(&server4);
	struct ioth *s = new_ioth("stack=kernel");
	int bits = config(s, "eth dhcp timeout=15");
	if (bits != (IOTHCONF_ETH | IOTHCONF_DHCP))
		FAIL("0x%x: %s\n%s\n%s", (unsigned)bits, ioth_last_error(), ioth_confinfo(s, NULL),
		     server_log(&server4));
	CHECK(has_addr(s, "vde0", "10.7.0.1", true));
	check_resolvconf(s, NULL, "search home.test\nnameserver 10.7.0.53\n");
	CHECK_EQ(config(s, "-dhcp"), 0);
	CHECK(!has_addr(s, "vde0", "10.7.0.1", true));
	MUST(ioth_delstack(s));
	MUST(vdestack_delete(inside));
	server_stop(&server4);
}

/* Each handle ends what it has started, and nothing of another one. A child ends nothing. */
static void sources_end_with_handle(const char *kind)
{
	struct vdestack *inside = own_network();
	struct server server4 = { .kind = SERVER_UDHCPD, .plan = &plan };
	server4.stack = stack_of("vnl=ptp://%s ip=10.7.0.1/24", case_path("net"));
	server_start(&server4);
	struct ioth *other = new_ioth("eth,ip=10.0.0.1/24,dns=10.0.0.53");
	int fds = count_fds(), status = -1;
	struct ioth *s = new_ioth(kind);

	CHECK_EQ(config(s, "dhcp timeout=60"), IOTHCONF_DHCP);
	CHECK(has_addr(NULL, "vde0", "10.7.0.1", true));
	check_resolvconf(s, NULL, "search home.test\nnameserver 10.7.0.53\n");
	check_resolvconf(other, NULL, "nameserver 10.0.0.53\n");
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0)
		_exit(ioth_delstack(s) == 0 ? 0 : 1);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	CHECK(has_addr(NULL, "vde0", "10.7.0.1", true));
	MUST(ioth_delstack(s));
	CHECK(!has_addr(NULL, "vde0", "10.7.0.1", true));
	CHECK(count_fds() <= fds); /* that of a keeper that has ended may be gone only now */
	CHECK(has_addr(NULL, "vde0", "10.0.0.1", false));
	CHECK_EQ(config(other, "-static"), 0);
	CHECK(!has_addr(NULL, "vde0", "10.0.0.1", false));
	MUST(ioth_delstack(other));
	MUST(vdestack_delete(inside));
	server_stop(&server4);
}

CASE(sources_of_the_process_end_with_their_handle)
{
	sources_end_with_handle("eth");
}

CASE(sources_of_the_process_end_with_their_stack)
{
	sources_end_with_handle("stack=kernel,eth");
}

CASE_USER(without_rights_every_bit_is_missing)
{
	struct ioth *s = new_ioth("stack=kernel");

	CHECK_EQ(config(s, "iface=lo eth ip=10.66.0.1/32"), 0);
	CHECK(ioth_last_error()[0] != '\0');
	CHECK(!has_addr(s, "lo", "10.66.0.1", false));
	MUST(ioth_delstack(s));
}

/* ------------------------------------------------------------------ plugins that know sockets only */

CASE(a_plugin_without_configure_has_static_items_and_no_sources)
{
	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	struct vdestack *inside = own_network();
	struct ioth *s = new_ioth("stack=sockets");
	static_items(s);
	CHECK_EQ(config(s, "eth dhcp rd ip=10.0.0.1/24"), IOTHCONF_ETH | IOTHCONF_STATIC);
	CHECK_CONTAINS(ioth_last_error(), "this kind of stack has no address sources");
	CHECK(has_addr(s, "vde0", "10.0.0.1", false));
	CHECK_EQ(config(s, "-dhcp -rd -static"), 0);
	MUST(ioth_delstack(s));
	MUST(vdestack_delete(inside));
}

/* ------------------------------------------------------------------ lo */

CASE(lo_takes_static_items)
{
	struct ioth *s = new_ioth("stack=vdestack,iface=lo,eth,ip=10.66.0.1/32,ip=fc00:66::1/128");

	CHECK(has_addr(s, "lo", "10.66.0.1", false));
	check_bind(s, "fc00:66::1");
	CHECK_EQ(config(s, "iface=lo,ip=10.66.0.2/32,dns=10.66.0.53"), IOTHCONF_STATIC);
	CHECK(has_addr(s, "lo", "10.66.0.2", false) && !has_addr(s, "lo", "10.66.0.1", false));
	CHECK_EQ(config(s, "iface=lo,dhcp,timeout=1"), 0);
	CHECK_CONTAINS(ioth_last_error(), "lo cannot have dhcp");
	CHECK_EQ(config(s, "iface=lo,-static"), 0);
	CHECK(!has_addr(s, "lo", "10.66.0.2", false));
	CHECK(has_addr(s, "lo", "127.0.0.1", false));
	MUST(ioth_delstack(s));
}

/* ------------------------------------------------------------------ picox */

#ifdef HAS_PICOX
CASE_FLAGS(a_stack_in_user_space_takes_static_items, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "stack=picox,vnl=hub://%s", case_path("hub"));
	struct ioth *s = new_ioth(text);
	CHECK_EQ(config(s, "eth,ip=10.0.0.1/24,gw=10.0.0.254"), IOTHCONF_ETH | IOTHCONF_STATIC);
	CHECK(has_addr(s, "vde0", "10.0.0.1", false));
	CHECK(has_default_route(s, "vde0", AF_INET));
	CHECK_EQ(config(s, "ip=10.0.0.2/24"), IOTHCONF_STATIC);
	CHECK(has_addr(s, "vde0", "10.0.0.2", false) && !has_addr(s, "vde0", "10.0.0.1", false));
	CHECK_ERRNO(ioth_config(s, "-static,foo"), EINVAL);
	CHECK_EQ(config(s, "-static -eth"), 0);
	CHECK(!has_addr(s, "vde0", "10.0.0.2", false));
	MUST(ioth_delstack(s));
}
#endif
