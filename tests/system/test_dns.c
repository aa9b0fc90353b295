/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The resolver of a stack: names and addresses are asked for in the stack's network, and only there.
 */

#include <arpa/nameser.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "name_server.h"
#include "stacks.h"
#include <vdestack/conf.h>
#include <vdestack/dns.h>
#include <vdestack/events.h>
#include <vdestack/sources.h>

static struct name_server server;
static struct vdestack *home, *far; /* the client's stack, the server's */

/* ------------------------------------------------------------------ a small world */

static const struct {
	const char *name;
	unsigned type;
	const char *data;
} world[] = {
	{ "one.example", ns_t_a, "10.9.0.7" },
	{ "two.example", ns_t_a, "10.9.0.8" },
	{ "two.example", ns_t_aaaa, "fd00:9::8" },
	{ "six.example", ns_t_aaaa, "fd00:9::9" },
	{ "alias.example", ns_t_cname, "two.example" },
	{ "far.example", ns_t_a, "192.0.2.1" },
	{ "far.example", ns_t_a, "10.9.0.8" },
	{ "host.sub.example", ns_t_a, "10.9.0.9" },
	{ "7.0.9.10.in-addr.arpa", ns_t_ptr, "one.example" },
	{ "8.0.9.10.in-addr.arpa", ns_t_ptr, "no host name.example" },
	{ "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.0.0.0.0.0.d.f.ip6.arpa", ns_t_ptr,
	  "six.example" },
};
#define N_WORLD (sizeof(world) / sizeof(world[0]))

static void add_record(struct dns_message *m, size_t i)
{
	uint8_t bytes[16];
	struct dns_message name = { .n = 0 };

	if (world[i].type == ns_t_a || world[i].type == ns_t_aaaa) {
		inet_pton(world[i].type == ns_t_a ? AF_INET : AF_INET6, world[i].data, bytes);
		dns_record(m, 1, world[i].name, world[i].type, 300, bytes, world[i].type == ns_t_a ? 4 : 16);
	} else {
		dns_put_name(&name, world[i].data);
		dns_record(m, 1, world[i].name, world[i].type, 300, name.bytes, name.n);
	}
}

static bool answer_world(const struct question *q, struct dns_message *m)
{
	const char *name = q->name;
	bool exists = false;

	dns_begin(m, q->id, 0x8180, q->name, q->type);
	for (int pass = 0; pass < 2; pass++) {
		const char *next = NULL;
		for (size_t i = 0; i < N_WORLD; i++) {
			if (strcmp(world[i].name, name) != 0)
				continue;
			exists = true;
			if (world[i].type == q->type || world[i].type == ns_t_cname)
				add_record(m, i);
			if (world[i].type == ns_t_cname)
				next = world[i].data;
		}
		if (next == NULL)
			break;
		name = next;
	}
	if (!exists)
		m->bytes[3] |= ns_r_nxdomain;
	if (m->bytes[7] == 0)
		dns_soa(m, "example", 300, 300);
	return true;
}

static void begin(answer_fn *answer)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24 ip=fd00:9::1/64 nodad");
	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24 ip=fd00:9::2/64 nodad");
	name_server_start(&server, far, answer);
}

static void use(struct vdestack_dns_opts opts)
{
	opts.size = sizeof(opts);
	if (opts.servers == NULL && opts.resolv_conf == NULL)
		opts.servers = "10.9.0.2";
	if (vdestack_dns_set(home, &opts) < 0)
		FAIL("vdestack_dns_set: %s", vdestack_dns_last_error());
}

static void end(void)
{
	name_server_stop(&server);
	MUST(vdestack_delete(home));
	MUST(vdestack_delete(far));
}

/* "10.9.0.7 10.9.0.8", or the error's name. */
static const char *lookup_of(struct vdestack *stack, const char *node, int family, int flags)
{
	static char text[8192];
	const struct addrinfo hints = { .ai_family = family, .ai_flags = flags, .ai_socktype = SOCK_STREAM };
	struct addrinfo *res;
	int code = vdestack_getaddrinfo(stack, node, "80", &hints, &res);
	size_t n = 0;

	if (code != 0) {
		snprintf(text, sizeof(text), "%s",
			 code == EAI_NONAME   ? "NONAME"
			 : code == EAI_NODATA ? "NODATA"
			 : code == EAI_AGAIN  ? "AGAIN"
					      : gai_strerror(code));
		return text;
	}
	for (struct addrinfo *at = res; at != NULL; at = at->ai_next) {
		char addr[NI_MAXHOST];
		CHECK_EQ(vdestack_getnameinfo(stack, at->ai_addr, at->ai_addrlen, addr, sizeof(addr), NULL, 0,
					      NI_NUMERICHOST), 0);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "", addr);
	}
	vdestack_freeaddrinfo(res);
	return text;
}

static const char *lookup(const char *node, int family, int flags)
{
	return lookup_of(home, node, family, flags);
}

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

/* ------------------------------------------------------------------ cache */

static bool answer_for_a_second(const struct question *q, struct dns_message *m)
{
	if (strcmp(q->name, "gone.example") == 0) {
		dns_begin(m, q->id, 0x8183, q->name, q->type);
		dns_soa(m, "example", 300, 300);
		return true;
	}
	if (strcmp(q->name, "nosoa.example") == 0) {
		dns_begin(m, q->id, 0x8183, q->name, q->type);
		return true;
	}
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, strcmp(q->name, "short.example") == 0 ? 1 : 300, 0x0a090000u + (unsigned)q->number);
	return true;
}

static bool has_changed(void *arg)
{
	return strcmp(lookup("short.example", AF_INET, 0), arg) != 0;
}

CASE(answers_are_kept_for_their_ttl)
{
	char first[64];

	begin(answer_for_a_second);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.1");
	CHECK_STR(lookup("LONG.example.", AF_INET, 0), "10.9.0.1");
	CHECK_STR(lookup("gone.example", AF_INET, 0), "NONAME");
	CHECK_STR(lookup("gone.example", AF_INET, 0), "NONAME");
	CHECK_EQ(atomic_load(&server.questions), 2);
	CHECK_STR(lookup("nosoa.example", AF_INET, 0), "NONAME");
	CHECK_STR(lookup("nosoa.example", AF_INET, 0), "NONAME");
	CHECK_EQ(atomic_load(&server.questions), 4);
	snprintf(first, sizeof(first), "%s", lookup("short.example", AF_INET, 0));
	CHECK(wait_until(has_changed, first, SOON_MS));
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.1");
	vdestack_dns_flush(vdestack_dns_of(home));
	CHECK(strcmp(lookup("long.example", AF_INET, 0), "10.9.0.1") != 0);
	end();
}

static bool forgotten(void *before)
{
	return strcmp(lookup("long.example", AF_INET, 0), before) != 0;
}

static void cut(void)
{
	MUST(vdestack_link_set_carrier(home, "vde0", 0));
}

static void add_address(void)
{
	MUST(vdestack_addr_add(home, "vde0", "10.9.0.200", 24));
}

static void remove_address(void)
{
	MUST(vdestack_addr_del(home, "vde0", "10.9.0.200", 24));
}

/* The last one: without carrier no server answers. */
static void (*const changes[])(void) = { add_address, remove_address, cut };

CASE(a_change_of_the_network_empties_the_cache)
{
	char before[64];

	begin(answer_for_a_second);
	use((struct vdestack_dns_opts){ .search = "", .timeout_ms = 500, .tries = 1 });
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		snprintf(before, sizeof(before), "%s", lookup("long.example", AF_INET, 0));
		CHECK_STR(lookup("long.example", AF_INET, 0), before);
		changes[i]();
		CHECK(wait_until(forgotten, before, SOON_MS));
	}
	CHECK_STR(lookup("long.example", AF_INET, 0), "AGAIN");
	MUST(vdestack_link_set_carrier(home, "vde0", 1));
	CHECK(wait_until(forgotten, "AGAIN", SOON_MS));
	end();
}

CASE(without_a_cache_every_lookup_asks)
{
	begin(answer_for_a_second);
	use((struct vdestack_dns_opts){ .search = "", .flags = VDESTACK_DNS_NO_CACHE });
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.1");
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.2");
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

/* ------------------------------------------------------------------ threads and forks */

static void *look_up_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
		struct addrinfo *res;
		CHECK_EQ(vdestack_getaddrinfo(home, i % 2 ? "one.example" : "two.example", NULL, &hints,
					      &res),
			 0);
		CHECK_EQ(((uint8_t *)&((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr)[3],
			 i % 2 ? 7 : 8);
		vdestack_freeaddrinfo(res);
		if (i % 10 == 0)
			vdestack_dns_flush(vdestack_dns_of(home));
	}
	return NULL;
}

CASE_FLAGS(many_threads_look_up_at_the_same_time, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	pthread_t threads[8];

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, look_up_often, NULL), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	end();
}

static int run_child(void (*work)(void))
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		work();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	return status;
}

static void child_looks_up(void)
{
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	CHECK_STR(lookup("two.example", AF_INET, 0), "10.9.0.8");
	CHECK_STR(lookup("two.example", AF_INET, 0), "10.9.0.8");
}

CASE(forked_children_have_a_cache_of_their_own)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	CHECK_EQ(run_child(child_looks_up), 0);
	CHECK_EQ(atomic_load(&server.questions), 3);
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	CHECK_EQ(atomic_load(&server.questions), 3);
	CHECK_EQ(run_child(child_looks_up), 0); /* also after one that ended */
	end();
}

static atomic_bool stop_threads;

static void *look_up_until_stopped(void *arg)
{
	while (!atomic_load(&stop_threads))
		look_up_often(arg);
	return NULL;
}

/*
 * Not with a sanitizer. Another thread may be in malloc() at the fork. Then the allocator of the sanitizer
 * stays locked in the child, and its own malloc() waits for ever (seen with clang 14).
 */
CASE_FLAGS(forks_during_lookups_of_other_threads_leave_nothing_locked,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	pthread_t threads[3];

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, look_up_until_stopped, NULL), 0);
	for (int i = 0; i < 30; i++)
		CHECK_EQ(run_child(child_looks_up), 0);
	atomic_store(&stop_threads, true);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	end();
}

/* ------------------------------------------------------------------ without waiting */

static int finish(struct vdestack_dns_lookup *l, struct addrinfo **res)
{
	int r;

	while ((r = vdestack_dns_finish(l, res)) == 0)
		CHECK(wait_readable(vdestack_dns_fd(l), SOON_MS));
	return r;
}

CASE(lookups_go_on_without_waiting)
{
	struct vdestack_dns_lookup *lookups[20];
	struct addrinfo *res;
	int before, during;

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	struct vdestack_dns *dns = vdestack_dns_of(home);
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	vdestack_dns_flush(dns);
	before = count_fds();
	for (int i = 0; i < 20; i++) {
		const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
		lookups[i] = vdestack_dns_start(dns, i % 2 ? "one.example" : "two.example", NULL, &hints);
		CHECK(lookups[i] != NULL);
		CHECK(fcntl(vdestack_dns_fd(lookups[i]), F_GETFD) == FD_CLOEXEC);
	}
	during = count_fds();
	CHECK(during > before);
	for (int i = 0; i < 20; i += 2)
		vdestack_dns_cancel(lookups[i]);
	for (int i = 1; i < 20; i += 2) {
		CHECK_EQ(finish(lookups[i], &res), 1);
		CHECK_EQ(((uint8_t *)&((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr)[3], 7);
		vdestack_freeaddrinfo(res);
	}
	CHECK(count_fds() <= before);
	/* Done at once: an address, a kept answer, a failure. */
	CHECK_EQ(finish(vdestack_dns_start(dns, "10.0.0.1", NULL, NULL), &res), 1);
	vdestack_freeaddrinfo(res);
	CHECK_EQ(finish(vdestack_dns_start(dns, "one.example", NULL, NULL), &res), 1);
	vdestack_freeaddrinfo(res);
	CHECK_EQ(finish(vdestack_dns_start(dns, "none.example", NULL, NULL), &res), EAI_NONAME);
	CHECK_CONTAINS(vdestack_dns_last_error(), "none.example");
	CHECK_EQ(finish(vdestack_dns_start(dns, "a..b", NULL, NULL), &res), EAI_NONAME);
	vdestack_dns_cancel(NULL);
	CHECK(count_fds() <= before);
	end();
}

CASE(records_are_looked_up_without_waiting)
{
	const struct vdestack_dns_answer *answer;
	struct addrinfo *res;
	int r;

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	struct vdestack_dns_lookup *l = vdestack_dns_start_type(vdestack_dns_of(home), "one.example", ns_t_a);
	CHECK(l != NULL);
	CHECK_EQ(vdestack_dns_finish(l, &res), EAI_SYSTEM); /* the wrong kind; it goes on */
	while ((r = vdestack_dns_finish_type(l, &answer)) == 0)
		CHECK(wait_readable(vdestack_dns_fd(l), SOON_MS));
	CHECK_EQ(r, 1);
	CHECK_EQ(answer->records[0].size, 4);
	vdestack_dns_free_answer(answer);
	end();
}

static atomic_bool hold_answers;

static bool answer_when_let(const struct question *q, struct dns_message *m)
{
	while (atomic_load(&hold_answers))
		sleep_ms(1);
	return answer_world(q, m);
}

static struct vdestack_dns_lookup *shared_lookup;

static void child_gives_up(void)
{
	struct addrinfo *res;

	CHECK_EQ(vdestack_dns_finish(shared_lookup, &res), EAI_CANCELED);
}

static void child_cancels(void)
{
	vdestack_dns_cancel(shared_lookup);
}

CASE(a_lookup_belongs_to_the_process_that_began_it)
{
	struct addrinfo *res;

	begin(answer_when_let);
	use((struct vdestack_dns_opts){ .search = "" });
	atomic_store(&hold_answers, true);
	shared_lookup = vdestack_dns_start(vdestack_dns_of(home), "one.example", NULL, NULL);
	CHECK_EQ(run_child(child_gives_up), 0);
	CHECK_EQ(run_child(child_cancels), 0);
	atomic_store(&hold_answers, false);
	CHECK_EQ(finish(shared_lookup, &res), 1);
	vdestack_freeaddrinfo(res);
	end();
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
