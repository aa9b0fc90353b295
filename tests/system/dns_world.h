/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_DNS_WORLD_H
#define VDESTACK_TESTS_DNS_WORLD_H

/* A stack whose name server is in another one, and the names that it knows. */

#include <arpa/nameser.h>
#include <netdb.h>

#include "name_server.h"
#include "stacks.h"
#include <vdestack/dns.h>

static struct name_server server;
static struct vdestack *home, *far; /* the client's stack, the server's */

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

__attribute__((unused)) static bool answer_world(const struct question *q, struct dns_message *m)
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

__attribute__((unused)) static void begin(answer_fn *answer)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24 ip=fd00:9::1/64 nodad");
	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24 ip=fd00:9::2/64 nodad");
	name_server_start(&server, far, answer);
}

__attribute__((unused)) static void use(struct vdestack_dns_opts opts)
{
	opts.size = sizeof(opts);
	if (opts.servers == NULL && opts.resolv_conf == NULL)
		opts.servers = "10.9.0.2";
	if (vdestack_dns_set(home, &opts) < 0)
		FAIL("vdestack_dns_set: %s", vdestack_dns_last_error());
}

__attribute__((unused)) static void end(void)
{
	name_server_stop(&server);
	MUST(vdestack_delete(home));
	MUST(vdestack_delete(far));
}

/* "10.9.0.7 10.9.0.8", or the error's name. */
__attribute__((unused)) static const char *lookup_of(struct vdestack *stack, const char *node, int family,
						     int flags)
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
					      NI_NUMERICHOST),
			 0);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "", addr);
	}
	vdestack_freeaddrinfo(res);
	return text;
}

__attribute__((unused)) static const char *lookup(const char *node, int family, int flags)
{
	return lookup_of(home, node, family, flags);
}

#endif
