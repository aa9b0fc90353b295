/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A resolver of a network that the caller gives as functions: every socket is made and used through them, and
 * what they return is what the resolver sees. The functions of these cases count, and use a stack.
 */

#include <arpa/nameser.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdint.h>

#include "name_server.h"
#include "stacks.h"
#include <vdestack/conf.h>
#include <vdestack/dns.h>

#define THREADS 8
#define ROUNDS 20

static struct name_server server;
static struct vdestack *home, *far; /* the resolver's stack, the server's */

/* What the functions did. socket: made and not closed, at last. */
static struct {
	atomic_int made, closed, connects, getsocknames, receives, sends, names, lists, freed, texts;
	atomic_int refuse;        /* the errno of socket(); 0: none */
	atomic_bool short_buffer; /* resolvconf says ERANGE once */
	const char *_Atomic text; /* of resolvconf; NULL: EIO */
	atomic_bool no_addresses; /* getifaddrs fails */
	atomic_bool empty;        /* it returns none */
} net;

static int net_socket(void *arg, int domain, int type, int protocol)
{
	CHECK(arg == &net);
	CHECK(type & SOCK_CLOEXEC);
	if (net.refuse != 0) {
		errno = net.refuse;
		return -1;
	}
	int fd = vdestack_msocket(home, domain, type, protocol);
	net.made += fd >= 0;
	return fd;
}

static int net_close(void *arg, int fd)
{
	CHECK(arg == &net);
	net.closed++;
	return close(fd);
}

static int net_connect(void *arg, int fd, const struct sockaddr *addr, socklen_t len)
{
	CHECK(arg == &net);
	net.connects++;
	return connect(fd, addr, len);
}

static int net_getsockname(void *arg, int fd, struct sockaddr *addr, socklen_t *len)
{
	CHECK(arg == &net);
	net.getsocknames++;
	return getsockname(fd, addr, len);
}

static ssize_t net_recvfrom(void *arg, int fd, void *buf, size_t size, int flags, struct sockaddr *from,
			    socklen_t *from_len)
{
	CHECK(arg == &net);
	net.receives++;
	return recvfrom(fd, buf, size, flags, from, from_len);
}

static ssize_t net_sendmsg(void *arg, int fd, const struct msghdr *message, int flags)
{
	CHECK(arg == &net);
	CHECK(flags & MSG_NOSIGNAL);
	net.sends++;
	return sendmsg(fd, message, flags);
}

static unsigned net_index(void *arg, const char *ifname)
{
	CHECK(arg == &net);
	net.names++;
	return strcmp(ifname, "here0") == 0 ? 7 : 0;
}

static char *net_name(void *arg, unsigned index, char *ifname)
{
	CHECK(arg == &net);
	net.names++;
	return index == 7 ? strcpy(ifname, "here0") : NULL;
}

static int net_getifaddrs(void *arg, struct ifaddrs **list)
{
	CHECK(arg == &net);
	if (net.no_addresses) {
		errno = ENETDOWN;
		return -1;
	}
	net.lists++;
	if (net.empty) {
		*list = NULL;
		return 0;
	}
	return vdestack_getifaddrs(home, list);
}

static void net_freeifaddrs(void *arg, struct ifaddrs *list)
{
	CHECK(arg == &net);
	net.freed++;
	vdestack_freeifaddrs(list);
}

static int net_resolvconf(void *arg, char *buf, size_t size)
{
	const char *text = net.text;

	CHECK(arg == &net);
	net.texts++;
	if (text == NULL || net.short_buffer) {
		errno = text == NULL ? EIO : ERANGE;
		net.short_buffer = false;
		return -1;
	}
	return snprintf(buf, size, "%s", text);
}

static const struct vdestack_dns_net calls = {
	.size = sizeof(calls),
	.arg = &net,
	.socket = net_socket,
	.close = net_close,
	.connect = net_connect,
	.getsockname = net_getsockname,
	.recvfrom = net_recvfrom,
	.sendmsg = net_sendmsg,
	.if_nametoindex = net_index,
	.if_indextoname = net_name,
	.getifaddrs = net_getifaddrs,
	.freeifaddrs = net_freeifaddrs,
	.resolvconf = net_resolvconf,
};

static bool answer(const struct question *q, struct dns_message *m)
{
	static const uint8_t v6[16] = { 0xfd, [15] = 8 };

	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (strcmp(q->name, "big.example") == 0) {
		if (!q->tcp)
			m->bytes[2] |= 2; /* TC */
		for (unsigned i = 0; q->tcp && i < 100 && q->type == ns_t_a; i++)
			dns_a(m, q->name, 60, 0x0a090100 + i);
	} else if (strcmp(q->name, "two.example") == 0) {
		if (q->type == ns_t_a) {
			dns_a(m, q->name, 60, 0xc0000201);
			dns_a(m, q->name, 60, 0x0a090008);
		} else if (q->type == ns_t_aaaa) {
			dns_record(m, 1, q->name, ns_t_aaaa, 60, v6, 16);
		}
	} else if (strcmp(q->name, "www.in.example") == 0 || strncmp(q->name, "n", 1) == 0) {
		if (q->type == ns_t_a)
			dns_a(m, q->name, 60, 0x0a090007);
	} else {
		m->bytes[3] |= ns_r_nxdomain;
	}
	if (m->bytes[7] == 0)
		dns_soa(m, "example", 60, 60);
	return true;
}

static void begin(void)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24 nodad");
	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24 nodad");
	name_server_start(&server, far, answer);
	net.text = "nameserver 10.9.0.2\nsearch in.example\n";
}

static void end(struct vdestack_dns *dns)
{
	vdestack_dns_delete(dns);
	CHECK_EQ(net.made, net.closed);
	CHECK_EQ(net.lists, net.freed);
	name_server_stop(&server);
	MUST(vdestack_delete(home));
	MUST(vdestack_delete(far));
}

static struct vdestack_dns *new_net(unsigned flags)
{
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .flags = flags | VDESTACK_DNS_NO_CACHE };
	struct vdestack_dns *dns = vdestack_dns_new_net(&calls, &opts);

	CHECK(dns != NULL);
	return dns;
}

static const char *lookup(struct vdestack_dns *dns, const char *node, int family, int flags)
{
	static _Thread_local char text[4096];
	const struct addrinfo hints = { .ai_family = family, .ai_flags = flags, .ai_socktype = SOCK_STREAM };
	struct addrinfo *res;
	size_t n = 0;
	int code = vdestack_dns_getaddrinfo(dns, node, "80", &hints, &res);

	if (code != 0)
		return gai_strerror(code);
	for (struct addrinfo *at = res; at != NULL; at = at->ai_next) {
		char addr[NI_MAXHOST];
		CHECK_EQ(vdestack_dns_getnameinfo(dns, at->ai_addr, at->ai_addrlen, addr, sizeof(addr), NULL,
						  0, NI_NUMERICHOST),
			 0);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "", addr);
	}
	vdestack_freeaddrinfo(res);
	return text;
}

/* ------------------------------------------------------------------ every socket */

CASE(names_are_asked_for_through_the_functions)
{
	begin();
	struct vdestack_dns *dns = new_net(0);

	CHECK_STR(lookup(dns, "www", AF_INET, 0), "10.9.0.7");
	CHECK_EQ(net.made, 1);
	CHECK_EQ(net.closed, 1); /* nothing stays open between lookups */
	CHECK_EQ(net.connects, 1);
	CHECK(net.sends >= 1 && net.receives >= 1);
	CHECK_EQ(server.questions, 1);
	CHECK_STR(lookup(dns, "absent.example.", AF_INET, 0), gai_strerror(EAI_NONAME));
	end(dns);
}

CASE(addresses_are_ordered_by_the_sources_that_the_functions_tell)
{
	begin();
	struct vdestack_dns *dns = new_net(0);

	/* 192.0.2.1 and fd00::8 cannot be reached. */
	CHECK_STR(lookup(dns, "two.example.", AF_INET, 0), "10.9.0.8 192.0.2.1");
	CHECK(net.getsocknames >= 1);
	CHECK_EQ(net.made, net.closed);
	CHECK_STR(lookup(dns, "two.example.", AF_INET, AI_ADDRCONFIG), "10.9.0.8 192.0.2.1");
	CHECK(net.lists >= 1);
	CHECK_EQ(net.lists, net.freed);
	net.empty = true;
	vdestack_dns_flush(dns);
	CHECK_STR(lookup(dns, "two.example.", AF_INET, AI_ADDRCONFIG), gai_strerror(EAI_NONAME));
	end(dns);
}

CASE(truncated_replies_are_asked_for_again_by_tcp_through_the_functions)
{
	begin();
	struct vdestack_dns *dns = new_net(0);
	const struct vdestack_dns_answer *a;

	CHECK_EQ(vdestack_dns_query(dns, "big.example", ns_t_a, &a), 0);
	CHECK_EQ(a->n, 100);
	vdestack_dns_free_answer(a);
	CHECK_EQ(server.tcp_questions, 1);
	CHECK_EQ(net.made, 2);
	CHECK_EQ(net.closed, 2);
	end(dns);
}

static void *ask_often(void *dns)
{
	for (int i = 0; i < ROUNDS; i++) {
		char name[64];
		snprintf(name, sizeof(name), "n%d.%p.example.", i, (void *)name);
		CHECK_STR(lookup(dns, name, AF_INET, 0), "10.9.0.7");
	}
	return NULL;
}

CASE_FLAGS(threads_ask_at_the_same_time, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	pthread_t threads[THREADS];

	begin();
	struct vdestack_dns *dns = new_net(0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask_often, dns), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK(net.made >= THREADS * ROUNDS); /* each question has a socket, and a port, of its own */
	CHECK_EQ(net.made, net.closed);
	end(dns);
}

CASE(lookups_without_waiting_use_the_functions_too)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *res = NULL;
	int code = 0;

	begin();
	struct vdestack_dns *dns = new_net(0);
	struct vdestack_dns_lookup *l = vdestack_dns_start(dns, "www", NULL, &hints);
	CHECK(l != NULL);
	while (code == 0 && res == NULL) {
		struct pollfd p = { .fd = vdestack_dns_fd(l), .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 20000), 1);
		code = vdestack_dns_finish(l, &res);
	}
	CHECK_EQ(code, 1);
	vdestack_freeaddrinfo(res);
	l = vdestack_dns_start(dns, "www", NULL, &hints);
	CHECK(l != NULL);
	vdestack_dns_cancel(l);
	CHECK(net.made >= 1);
	end(dns);
}

/* ------------------------------------------------------------------ settings and interfaces */

CASE(the_text_of_the_network_is_read_again_when_the_resolver_is_flushed)
{
	begin();
	struct vdestack_dns *dns = new_net(0);

	net.short_buffer = true;
	CHECK_STR(lookup(dns, "www", AF_INET, 0), "10.9.0.7");
	CHECK_EQ(net.texts, 2); /* the second with a larger buffer */
	net.text = "nameserver 10.9.0.2\nsearch other.example\n";
	vdestack_dns_flush(dns);
	CHECK_STR(lookup(dns, "www", AF_INET, 0), gai_strerror(EAI_NONAME));
	net.text = NULL;
	vdestack_dns_flush(dns);
	CHECK_STR(lookup(dns, "www", AF_INET, 0), gai_strerror(EAI_SYSTEM));
	CHECK_CONTAINS(vdestack_dns_last_error(), strerror(EIO));
	end(dns);
}

CASE(a_loopback_name_server_of_the_network_is_asked)
{
	const struct sockaddr_in here = { .sin_family = AF_INET,
					  .sin_port = htons(53),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char byte;

	begin();
	int fd = (int)MUST(vdestack_msocket(home, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(bind(fd, (const struct sockaddr *)&here, sizeof(here)));
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .timeout_ms = 50, .tries = 1 };
	struct vdestack_dns *dns = vdestack_dns_new_net(&calls, &opts);
	CHECK(dns != NULL);
	net.text = "nameserver 127.0.0.1\n";
	CHECK_STR(lookup(dns, "n.example.", AF_INET, 0), gai_strerror(EAI_AGAIN));
	CHECK(wait_readable(fd, 10000));
	CHECK_EQ(recv(fd, &byte, 1, MSG_TRUNC) > 12, 1);
	close(fd);
	end(dns);
}

CASE(scopes_are_the_interfaces_that_the_functions_name)
{
	begin();
	struct vdestack_dns *dns = new_net(0);

	CHECK_STR(lookup(dns, "fe80::1%here0", AF_UNSPEC, AI_NUMERICHOST), "fe80::1%here0");
	CHECK_STR(lookup(dns, "fe80::1%9", AF_UNSPEC, AI_NUMERICHOST), "fe80::1%9");
	CHECK_STR(lookup(dns, "fe80::1%vde0", AF_UNSPEC, AI_NUMERICHOST), gai_strerror(EAI_NONAME));
	CHECK(net.names >= 3);
	end(dns);
}

CASE(without_more_than_a_socket_function_the_system_calls_are_used)
{
	const struct vdestack_dns_net least = { .size = sizeof(least), .arg = &net, .socket = net_socket };
	struct vdestack_dns_opts opts = { .size = sizeof(opts),
					  .servers = "10.9.0.2",
					  .search = "in.example" };

	begin();
	int fds = count_fds();
	struct vdestack_dns *dns = vdestack_dns_new_net(&least, &opts);
	CHECK(dns != NULL);
	CHECK_STR(lookup(dns, "www", AF_UNSPEC, AI_ADDRCONFIG), "10.9.0.7");
	CHECK_STR(lookup(dns, "fe80::1%vde0", AF_UNSPEC, AI_NUMERICHOST), gai_strerror(EAI_NONAME));
	CHECK_EQ(count_fds(), fds);
	CHECK(net.made > 0);
	net.closed = (int)net.made; /* by close(2) */
	CHECK_EQ(net.connects + net.sends + net.receives, 0);
	end(dns);
}

/* ------------------------------------------------------------------ failures */

CASE(a_socket_that_is_refused_is_the_error_of_the_lookup)
{
	begin();
	struct vdestack_dns *dns = new_net(0);

	net.refuse = EPERM;
	CHECK_STR(lookup(dns, "www", AF_INET, 0), gai_strerror(EAI_SYSTEM));
	CHECK_EQ(errno, EPERM);
	net.refuse = 0;
	CHECK_STR(lookup(dns, "www", AF_INET, 0), "10.9.0.7");
	end(dns);
}

CASE(addresses_that_cannot_be_read_are_the_error_of_the_lookup)
{
	begin();
	struct vdestack_dns *dns = new_net(0);

	net.no_addresses = true;
	CHECK_STR(lookup(dns, "two.example.", AF_UNSPEC, AI_ADDRCONFIG), gai_strerror(EAI_SYSTEM));
	CHECK_EQ(errno, ENETDOWN);
	CHECK_CONTAINS(vdestack_dns_last_error(), strerror(ENETDOWN));
	end(dns);
}

CASE(functions_that_make_no_network_are_refused)
{
	struct {
		struct vdestack_dns_net net;
		void *more;
	} longer = { .net = calls };
	struct vdestack_dns_net one = calls;
	const struct vdestack_dns_opts wrong = { .size = sizeof(wrong), .servers = "nobody" };

	one.size = 0;
	CHECK_ERRNO(vdestack_dns_new_net(&one, NULL), EINVAL);
	one.size = offsetof(struct vdestack_dns_net, close) - 1;
	CHECK_ERRNO(vdestack_dns_new_net(&one, NULL), EINVAL);
	one = calls;
	one.socket = NULL;
	CHECK_ERRNO(vdestack_dns_new_net(&one, NULL), EINVAL);
	CHECK_CONTAINS(vdestack_dns_last_error(), "makes sockets");
	one = calls;
	one.freeifaddrs = NULL;
	CHECK_ERRNO(vdestack_dns_new_net(&one, NULL), EINVAL);
	longer.net.size = sizeof(longer);
	struct vdestack_dns *dns = vdestack_dns_new_net(&longer.net, NULL);
	CHECK(dns != NULL); /* members that are zero ask for nothing */
	vdestack_dns_delete(dns);
	longer.more = &longer;
	CHECK_ERRNO(vdestack_dns_new_net(&longer.net, NULL), E2BIG);
	CHECK_ERRNO(vdestack_dns_new_net(&calls, &wrong), EINVAL);
	one = (struct vdestack_dns_net){ .size = offsetof(struct vdestack_dns_net, close),
					 .socket = net_socket };
	dns = vdestack_dns_new_net(&one, NULL);
	CHECK(dns != NULL);
	vdestack_dns_delete(dns);
}
