/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The resolver of a stack: names and addresses are asked for in the stack's network, and only there.
 */

#include <arpa/nameser.h>

#include "dns_world.h"
#include <vdestack/conf.h>
#include <vdestack/dns.h>
#include <vdestack/sources.h>

/* ------------------------------------------------------------------ getaddrinfo */

CASE_BOTH(names_become_addresses_of_the_stacks_network)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_STR(lookup("one.example", AF_UNSPEC, 0), "10.9.0.7");
	/* RFC 6724: the label of fd00::/8 has a smaller precedence than that of IPv4. */
	CHECK_STR(lookup("two.example", AF_UNSPEC, 0), "10.9.0.8 fd00:9::8");
	CHECK_STR(lookup("two.example", AF_INET6, 0), "fd00:9::8");
	CHECK_STR(lookup("ALIAS.Example.", AF_INET, 0), "10.9.0.8");
	/* Without a gateway there is no way to 192.0.2.1. */
	CHECK_STR(lookup("far.example", AF_UNSPEC, 0), "10.9.0.8 192.0.2.1");
	CHECK_STR(lookup("six.example", AF_INET, 0), "NODATA");
	CHECK_STR(lookup("none.example", AF_UNSPEC, 0), "NONAME");
	end();
}

/* "fe80::...%vde0" */
static const char *link_local_of(struct vdestack *stack)
{
	static char text[80];
	struct vdestack_addr list[8];
	int n = (int)MUST(vdestack_addr_list(stack, "vde0", list, 8, sizeof(list[0])));

	for (int i = 0; i < n; i++) {
		if (strncmp(list[i].addr, "fe80:", 5) != 0)
			continue;
		snprintf(text, sizeof(text), "%s%%vde0", list[i].addr);
		return text;
	}
	FAIL("no link-local address");
}

CASE(name_servers_are_asked_by_ipv6_and_with_a_scope)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .servers = "fd00:9::2" });
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	MUST(vdestack_wait_ready(home, SOON_MS)); /* the link-local addresses that the kernel has added */
	MUST(vdestack_wait_ready(far, SOON_MS));
	use((struct vdestack_dns_opts){ .servers = link_local_of(far) });
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	end();
}

CASE(the_search_list_is_tried_in_the_order_of_ndots)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "sub.example example" });
	CHECK_STR(lookup("one", AF_INET, 0), "10.9.0.7");
	CHECK_STR(lookup("host", AF_INET, 0), "10.9.0.9");
	CHECK_STR(lookup("host.sub", AF_INET, 0), "10.9.0.9");
	CHECK_STR(lookup("one.", AF_INET, 0), "NONAME");
	int asked = atomic_load(&server.questions);
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7"); /* as it is first; kept already */
	CHECK_EQ(atomic_load(&server.questions), asked);
	use((struct vdestack_dns_opts){ .search = "example", .flags = VDESTACK_DNS_NO_SEARCH });
	CHECK_STR(lookup("one", AF_INET, 0), "NONAME");
	end();
}

static bool has_ipv4_only(void *arg)
{
	(void)arg;
	return strcmp(lookup("two.example", AF_UNSPEC, AI_ADDRCONFIG), "10.9.0.8") == 0;
}

CASE(mapped_addresses_and_families_follow_the_hints)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_STR(lookup("one.example", AF_INET6, AI_V4MAPPED), "::ffff:10.9.0.7");
	CHECK_STR(lookup("two.example", AF_INET6, AI_V4MAPPED), "fd00:9::8");
	CHECK_STR(lookup("two.example", AF_INET6, AI_V4MAPPED | AI_ALL), "::ffff:10.9.0.8 fd00:9::8");
	CHECK_STR(lookup("10.1", AF_INET6, AI_V4MAPPED), "::ffff:10.0.0.1");
	MUST(vdestack_addr_del(home, "vde0", "fd00:9::1", 64));
	MUST(vdestack_sysctl_set(home, "ipv6.conf.vde0.disable_ipv6", "1"));
	/* The resolver learns it from an event of the stack, a moment later. */
	CHECK(wait_until(has_ipv4_only, NULL, SOON_MS));
	CHECK_STR(lookup("two.example", AF_INET6, AI_ADDRCONFIG), "NONAME");
	end();
}

CASE(addresses_as_text_and_localhost_ask_no_server)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_STR(lookup("10.9.0.77", AF_UNSPEC, 0), "10.9.0.77");
	CHECK_STR(lookup("0x0a.9.77", AF_UNSPEC, 0), "10.9.0.77");
	CHECK_STR(lookup("fe80::5%vde0", AF_UNSPEC, AI_NUMERICHOST), "fe80::5%vde0");
	CHECK_STR(lookup("fe80::5%eth9", AF_UNSPEC, 0), "NONAME");
	CHECK_STR(lookup("one.example", AF_UNSPEC, AI_NUMERICHOST), "NONAME");
	CHECK_STR(lookup("localhost", AF_UNSPEC, 0), "::1 127.0.0.1");
	CHECK_STR(lookup("a.LOCALHOST.", AF_INET, 0), "127.0.0.1");
	CHECK_STR(lookup("x.invalid", AF_INET, 0), "NONAME");
	CHECK_STR(lookup("x.onion", AF_INET, 0), "NONAME");
	CHECK_STR(lookup(NULL, AF_UNSPEC, 0), "::1 127.0.0.1");
	CHECK_STR(lookup(NULL, AF_UNSPEC, AI_PASSIVE), "0.0.0.0 ::");
	CHECK_STR(lookup("a..b", AF_UNSPEC, 0), "NONAME");
	CHECK_EQ(atomic_load(&server.questions), 0);
	end();
}

static int code_of(const char *node, const char *service, struct addrinfo hints)
{
	struct addrinfo *res = (void *)1;
	int code = vdestack_getaddrinfo(home, node, service, &hints, &res);

	if (code == 0)
		vdestack_freeaddrinfo(res);
	else
		CHECK(res == (void *)1);
	return code;
}

CASE(hints_that_do_not_fit_together_are_refused)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_EQ(code_of(NULL, NULL, (struct addrinfo){ 0 }), EAI_NONAME);
	CHECK_EQ(code_of(NULL, "80", (struct addrinfo){ .ai_flags = AI_CANONNAME }), EAI_BADFLAGS);
	CHECK_EQ(code_of("10.0.0.1", "80", (struct addrinfo){ .ai_flags = 0x40000000 }), EAI_BADFLAGS);
	CHECK_EQ(code_of("10.0.0.1", "80", (struct addrinfo){ .ai_family = AF_PACKET }), EAI_FAMILY);
	CHECK_EQ(code_of("10.0.0.1", "80", (struct addrinfo){ .ai_family = AF_INET6 }), EAI_ADDRFAMILY);
	CHECK_EQ(code_of("10.0.0.1", "80", (struct addrinfo){ .ai_socktype = 77 }), EAI_SOCKTYPE);
	CHECK_EQ(code_of("10.0.0.1", "80",
			 (struct addrinfo){ .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_UDP }),
		 EAI_SOCKTYPE);
	CHECK_EQ(code_of("10.0.0.1", "no-such", (struct addrinfo){ 0 }), EAI_SERVICE);
	CHECK_EQ(code_of("10.0.0.1", "http", (struct addrinfo){ .ai_socktype = SOCK_RAW }), EAI_SERVICE);
	CHECK_EQ(code_of("10.0.0.1", "70000", (struct addrinfo){ 0 }), EAI_SERVICE);
	CHECK_EQ(code_of("10.0.0.1", "http", (struct addrinfo){ .ai_flags = AI_NUMERICSERV }), EAI_NONAME);
	CHECK_EQ(code_of("10.0.0.1", "http", (struct addrinfo){ .ai_protocol = IPPROTO_TCP }), 0);
	end();
}

CASE(kinds_of_sockets_ports_and_the_canonical_name_are_given)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_family = AF_INET };
	struct addrinfo *res;

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "example" });
	CHECK_EQ(vdestack_getaddrinfo(home, "alias", "domain", &hints, &res), 0);
	CHECK_STR(res->ai_canonname, "two.example");
	CHECK_EQ(res->ai_socktype, SOCK_STREAM);
	CHECK_EQ(res->ai_protocol, IPPROTO_TCP);
	CHECK_EQ(ntohs(((struct sockaddr_in *)(void *)res->ai_addr)->sin_port), 53);
	CHECK_EQ(res->ai_next->ai_socktype, SOCK_DGRAM);
	CHECK(res->ai_next->ai_canonname == NULL);
	CHECK(res->ai_next->ai_next == NULL); /* no raw socket: it has no services */
	vdestack_freeaddrinfo(res);
	end();
}

/* ------------------------------------------------------------------ getnameinfo */

static const char *name_of_address(const char *addr, int flags)
{
	static char host[NI_MAXHOST];
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(443) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(443) };
	int code;

	if (inet_pton(AF_INET, addr, &v4.sin_addr) == 1)
		code = vdestack_getnameinfo(home, (void *)&v4, sizeof(v4), host, sizeof(host), NULL, 0,
					    flags);
	else if (inet_pton(AF_INET6, addr, &v6.sin6_addr) == 1)
		code = vdestack_getnameinfo(home, (void *)&v6, sizeof(v6), host, sizeof(host), NULL, 0,
					    flags);
	else
		FAIL("%s", addr);
	return code == 0 ? host : code == EAI_NONAME ? "NONAME" : gai_strerror(code);
}

CASE(addresses_become_names)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(443) };
	char host[64], service[64];

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "example" });
	CHECK_STR(name_of_address("10.9.0.7", 0), "one.example");
	CHECK_STR(name_of_address("::ffff:10.9.0.7", 0), "one.example");
	CHECK_STR(name_of_address("10.9.0.7", NI_NOFQDN), "one");
	CHECK_STR(name_of_address("fd00:9::9", 0), "six.example");
	CHECK_STR(name_of_address("10.9.0.7", NI_NUMERICHOST), "10.9.0.7");
	CHECK_STR(name_of_address("10.9.0.99", 0), "10.9.0.99");
	CHECK_STR(name_of_address("10.9.0.99", NI_NAMEREQD), "NONAME");
	CHECK_STR(name_of_address("127.0.0.1", 0), "localhost");
	/* A name that is no host name could be anything in a program's log or shell. */
	CHECK_STR(name_of_address("10.9.0.8", NI_NAMEREQD), "NONAME");
	CHECK_EQ(vdestack_getnameinfo(home, (void *)&v4, sizeof(v4), host, 5, NULL, 0, NI_NUMERICHOST),
		 EAI_OVERFLOW);
	CHECK_EQ(vdestack_getnameinfo(home, (void *)&v4, 4, host, sizeof(host), NULL, 0, 0), EAI_FAMILY);
	CHECK_EQ(vdestack_getnameinfo(home, (void *)&v4, sizeof(v4), NULL, 0, service, sizeof(service), 0),
		 0);
	CHECK_STR(service, "https");
	CHECK_EQ(vdestack_getnameinfo(home, (void *)&v4, sizeof(v4), NULL, 0, service, sizeof(service),
				      NI_NUMERICSERV),
		 0);
	CHECK_STR(service, "443");
	end();
}

/* ------------------------------------------------------------------ files of the stack */

static void write_file(const char *path, const char *text)
{
	char other[300];

	snprintf(other, sizeof(other), "%s.new", path);
	FILE *f = fopen(other, "we");
	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
	MUST(rename(other, path));
}

CASE(hosts_and_services_files_are_read_again_when_they_change)
{
	const char *hosts = case_path("hosts"), *services = case_path("services");
	struct addrinfo *res;

	begin(answer_world);
	write_file(hosts, "10.9.0.50 one.example first\nfd00:9::50 one.example\n");
	write_file(services, "web 8080/tcp http\n");
	use((struct vdestack_dns_opts){ .search = "", .hosts = hosts, .services = services });
	CHECK_STR(lookup("one.example", AF_INET6, 0), "fd00:9::50");
	CHECK_STR(name_of_address("10.9.0.50", 0), "one.example");
	CHECK_EQ(atomic_load(&server.questions), 0);
	write_file(hosts, "10.9.0.51 one.example\n");
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.51");
	CHECK_EQ(vdestack_getaddrinfo(home, "10.0.0.1", "http", NULL, &res), 0);
	CHECK_EQ(ntohs(((struct sockaddr_in *)(void *)res->ai_addr)->sin_port), 8080);
	vdestack_freeaddrinfo(res);
	MUST(unlink(hosts));
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	end();
}

CASE(a_resolv_conf_is_followed_and_loopback_servers_in_it_are_refused)
{
	const char *path = case_path("resolv.conf");

	begin(answer_world);
	write_file(path, "nameserver 127.0.0.53\nsearch example\n");
	use((struct vdestack_dns_opts){ .resolv_conf = path });
	CHECK_STR(lookup("one", AF_INET, 0), "AGAIN");
	CHECK_CONTAINS(vdestack_dns_last_error(), "127.0.0.53");
	CHECK_CONTAINS(vdestack_dns_last_error(), "loopback");
	write_file(path, "nameserver 127.0.0.53\nnameserver 10.9.0.2\nsearch example\n");
	CHECK_STR(lookup("one", AF_INET, 0), "10.9.0.7");
	write_file(path, "search example\n");
	CHECK_STR(lookup("one", AF_INET, 0), "AGAIN");
	CHECK_CONTAINS(vdestack_dns_last_error(), path);
	end();
}

static bool found_again(void *arg)
{
	(void)arg;
	return strcmp(lookup("two", AF_INET, 0), "10.9.0.8") == 0;
}

CASE(name_servers_and_search_list_of_the_stack_are_followed)
{
	begin(answer_world);
	MUST(vdestack_configure(home, "dns=10.9.0.2 domain=example", NULL));
	CHECK_STR(lookup("one", AF_INET, 0), "10.9.0.7");
	MUST(vdestack_configure(home, "-dns=10.9.0.2 -domain=example", NULL));
	sleep_ms(1100); /* settings are read again after a second */
	CHECK_STR(lookup("one", AF_INET, 0), "AGAIN");
	CHECK_CONTAINS(vdestack_dns_last_error(), "no name server");
	MUST(vdestack_configure(home, "dns=10.9.0.2 domain=example", NULL));
	CHECK(wait_until(found_again, NULL, SOON_MS));
	end();
}

CASE(a_server_of_the_stack_itself_may_be_a_loopback_address)
{
	begin(answer_world);
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .servers = "127.0.0.1" };
	MUST(vdestack_dns_set(far, &opts));
	CHECK_STR(lookup_of(far, "one.example", AF_INET, 0), "10.9.0.7");
	end();
}

/* ------------------------------------------------------------------ records */

CASE(records_of_any_type_are_returned)
{
	const struct vdestack_dns_answer *answer;
	char name[1025];

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "example" });
	struct vdestack_dns *dns = vdestack_dns_of(home);
	CHECK_EQ(vdestack_dns_query(dns, "7.0.9.10.in-addr.arpa", ns_t_ptr, &answer), 0);
	CHECK_EQ(answer->n, 1);
	CHECK_EQ(answer->ttl_s, 300);
	CHECK_STR(answer->name, "7.0.9.10.in-addr.arpa");
	CHECK_EQ(vdestack_dns_expand(answer, answer->records[0].data, name, sizeof(name)), 13);
	CHECK_STR(name, "one.example");
	CHECK_ERRNO(vdestack_dns_expand(answer, answer->records[0].data, name, 4), ERANGE);
	CHECK_ERRNO(vdestack_dns_expand(answer, answer->message + answer->message_size, name, sizeof(name)),
		    EINVAL);
	vdestack_dns_free_answer(answer);
	CHECK_EQ(vdestack_dns_query(dns, "one", ns_t_a, &answer), EAI_NONAME); /* no search list */
	CHECK_EQ(vdestack_dns_query(dns, "one.example", ns_t_mx, &answer), EAI_NODATA);
	CHECK_EQ(vdestack_dns_query(dns, "one.example", 0, &answer), EAI_NONAME);
	end();
}

/* ------------------------------------------------------------------ options and handles */

CASE(options_and_handles_that_are_wrong_are_refused)
{
	struct vdestack_dns_opts o = { .size = sizeof(o) };
	struct addrinfo *res;

	begin(answer_world);
	CHECK_ERRNO(vdestack_dns_new(NULL, NULL), EINVAL);
	o.servers = "ns.example";
	CHECK_ERRNO(vdestack_dns_new(home, &o), EINVAL);
	CHECK_CONTAINS(vdestack_dns_last_error(), "ns.example");
	o.servers = NULL;
	o.search = "a..b";
	CHECK_ERRNO(vdestack_dns_new(home, &o), EINVAL);
	o.search = NULL;
	o.flags = 0x100;
	CHECK_ERRNO(vdestack_dns_new(home, &o), EINVAL);
	o.flags = 0;
	o.timeout_ms = -1;
	CHECK_ERRNO(vdestack_dns_set(home, &o), EINVAL);
	o.timeout_ms = 0;
	o.size = 0;
	CHECK_ERRNO(vdestack_dns_new(home, &o), EINVAL);
	struct {
		struct vdestack_dns_opts o;
		char more[8];
	} longer = { .o = { .size = sizeof(longer) } };
	struct vdestack_dns *dns = vdestack_dns_new(home, &longer.o);
	CHECK(dns != NULL);
	longer.more[3] = 1;
	CHECK_ERRNO(vdestack_dns_new(home, &longer.o), E2BIG);
	CHECK_EQ(vdestack_dns_getaddrinfo(dns, "one.example", NULL, NULL, &res), EAI_AGAIN);
	CHECK_CONTAINS(vdestack_dns_last_error(), "no name server");
	vdestack_dns_delete(dns);
	vdestack_dns_delete(NULL);
	end();
	CHECK_EQ(vdestack_getaddrinfo(home, "localhost", NULL, NULL, &res), EAI_SYSTEM);
	CHECK_EQ(errno, EINVAL);
}

static bool no_more_than(void *arg)
{
	return count_fds() <= *(int *)arg;
}

CASE(resolvers_end_with_their_stacks)
{
	int fds = 0;

	for (int i = 0; i < 30; i++) {
		begin(answer_world);
		use((struct vdestack_dns_opts){ .search = "" });
		CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
		end();
		if (i == 1)
			fds = count_fds();
	}
	CHECK(wait_until(no_more_than, &fds, SOON_MS));
}

/* ------------------------------------------------------------------ dnsmasq */

static bool dnsmasq_answers(void *arg)
{
	return strcmp(lookup(arg, AF_UNSPEC, 0), "10.9.0.7 fd00:9::7") == 0;
}

CASE(dnsmasq_answers_in_the_stack)
{
	char *argv[] = { "dnsmasq",
			 "--keep-in-foreground",
			 "--conf-file=/dev/null",
			 "--no-resolv",
			 "--no-hosts",
			 "--pid-file=",
			 "--local=/example/",
			 "--host-record=one.example,10.9.0.7,fd00:9::7",
			 "--cname=alias.example,one.example",
			 "--log-facility=/dev/null",
			 case_is_root() ? "--user=root" : NULL,
			 NULL };
	int fd;

	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24 ip=fd00:9::1/64 nodad");
	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24 ip=fd00:9::2/64 nodad");
	use((struct vdestack_dns_opts){ .search = "example", .timeout_ms = 200, .tries = 1 });
	const struct vdestack_cmd_opts all = { .size = sizeof(all), .caps = VDESTACK_CAPS_ALL };
	int pidfd = vdestack_spawn(far, argv, case_is_root() ? &all : NULL, &fd);
	if (pidfd < 0 && errno == ENOENT)
		SKIP("dnsmasq is not installed");
	MUST(pidfd);
	CHECK(wait_until(dnsmasq_answers, (void *)"one", SOON_MS));
	CHECK_STR(lookup("alias", AF_INET, 0), "10.9.0.7");
	CHECK_STR(lookup("none.example", AF_INET, 0), "NONAME");
	CHECK_STR(name_of_address("10.9.0.7", 0), "one.example");
	close(pidfd);
	close(fd);
	MUST(vdestack_delete(home));
	MUST(vdestack_delete(far));
}
