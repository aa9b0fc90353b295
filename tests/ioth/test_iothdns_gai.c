/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* getaddrinfo and getnameinfo of libiothdns: files, flags of both families, names of addresses. */

#include <arpa/nameser.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "iothdns_ground.h"

#include "../../src/ioth/lib/internal.h"

static struct name_server server;

static bool answer(const struct question *q, struct dns_message *m)
{
	static const uint8_t v6[16] = { 0xfd, [15] = 7 };
	struct dns_message name = { .n = 0 };

	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (strcmp(q->name, "four.example") == 0 && q->type == ns_t_a) {
		dns_a(m, q->name, 60, 0x0a090007);
	} else if (strcmp(q->name, "both.example") == 0 && q->type == ns_t_a) {
		dns_a(m, q->name, 60, 0x0a090007);
	} else if (strcmp(q->name, "both.example") == 0 && q->type == ns_t_aaaa) {
		dns_record(m, 1, q->name, ns_t_aaaa, 60, v6, 16);
	} else if (strcmp(q->name, "alias.example") == 0 && q->type == ns_t_a) {
		dns_cname(m, q->name, 60, "four.example");
		dns_a(m, "four.example", 60, 0x0a090007);
	} else if (strcmp(q->name, "7.0.9.10.in-addr.arpa") == 0 && q->type == ns_t_ptr) {
		dns_put_name(&name, "four.example");
		dns_record(m, 1, q->name, ns_t_ptr, 60, name.bytes, name.n);
	} else if (strstr(q->name, ".example") == NULL || strcmp(q->name, "absent.example") == 0) {
		m->bytes[3] |= ns_r_nxdomain;
	}
	if (m->bytes[7] == 0)
		dns_soa(m, "example", 60, 60);
	return true;
}

static struct iothdns *begin(void)
{
	ground_begin();
	name_server_start(&server, far, answer);
	return ground_dns("10.9.0.2");
}

static void end(struct iothdns *dns)
{
	iothdns_fini(dns);
	name_server_stop(&server);
	ground_end();
}

static const char *list_text(const struct addrinfo *at)
{
	static char text[1000];
	size_t n = 0;

	for (; at != NULL; at = at->ai_next) {
		char host[NI_MAXHOST], port[NI_MAXSERV];
		CHECK_EQ(getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof(host), port, sizeof(port),
				     NI_NUMERICHOST | NI_NUMERICSERV),
			 0);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s", n > 0 ? ", " : "", host, port);
	}
	return text;
}

/* What a call gives, or the name of the error. *res stays as it was then. */
static const char *gai(struct iothdns *dns, const char *node, const char *service, int family, int flags)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	struct addrinfo untouched, *res = &untouched;
	int code = iothdns_getaddrinfo(dns, node, service, &hints, &res);

	CHECK(code == 0 ? res != NULL : res == &untouched);
	if (code != 0)
		return iothdns_gai_strerror(code);
	const char *text = list_text(res);
	iothdns_freeaddrinfo(res);
	return text;
}

static const char *gni(struct iothdns *dns, const char *addr, int port, int flags)
{
	static char text[NI_MAXHOST + NI_MAXSERV + 1];
	char host[NI_MAXHOST], serv[NI_MAXSERV];
	struct sockaddr_in a = address(addr, port);
	int code = iothdns_getnameinfo(dns, (struct sockaddr *)&a, sizeof(a), host, sizeof(host), serv,
				       sizeof(serv), flags);

	if (code != 0)
		return iothdns_gai_strerror(code);
	(void)snprintf(text, sizeof(text), "%s %s", host, serv);
	return text;
}

/* ------------------------------------------------------------------ flags */

CASE(families_and_flags_are_those_of_getaddrinfo)
{
	struct iothdns *dns = begin();

	CHECK_STR(gai(dns, "four.example", "80", AF_UNSPEC, 0), "10.9.0.7 80");
	CHECK_STR(gai(dns, "both.example", "80", AF_INET6, 0), "fd00::7 80");
	CHECK_STR(gai(dns, "four.example", "80", AF_INET6, 0), gai_strerror(EAI_NODATA));
	CHECK_STR(gai(dns, "four.example", "80", AF_INET6, AI_V4MAPPED), "::ffff:10.9.0.7 80");
	CHECK_STR(gai(dns, "both.example", "80", AF_INET6, AI_V4MAPPED), "fd00::7 80");
	CHECK_CONTAINS(gai(dns, "both.example", "80", AF_INET6, AI_V4MAPPED | AI_ALL), "::ffff:10.9.0.7 80");
	CHECK_CONTAINS(gai(dns, "both.example", "80", AF_INET6, AI_V4MAPPED | AI_ALL), "fd00::7 80");
	/* The older library found nothing. */
	CHECK_STR(gai(dns, "four.example", "80", AF_INET, AI_V4MAPPED), "10.9.0.7 80");
	/* The older library returned 0 and no list. */
	CHECK_STR(gai(dns, "absent.example", "80", AF_UNSPEC, 0), gai_strerror(EAI_NONAME));
	CHECK_STR(gai(dns, "empty.example", "80", AF_UNSPEC, 0), gai_strerror(EAI_NODATA));
	CHECK_STR(gai(dns, "four.example", "80", AF_UNSPEC, AI_NUMERICHOST), gai_strerror(EAI_NONAME));
	CHECK_STR(gai(dns, "192.0.2.1", "http", AF_UNSPEC, AI_NUMERICSERV), gai_strerror(EAI_NONAME));
	CHECK_STR(gai(dns, NULL, NULL, AF_UNSPEC, 0), gai_strerror(EAI_NONAME));
	CHECK_STR(gai(dns, NULL, "80", AF_INET, 0), "127.0.0.1 80");
	CHECK_STR(gai(dns, NULL, "80", AF_INET, AI_PASSIVE), "0.0.0.0 80");
	CHECK_STR(gai(dns, NULL, "80", AF_INET6, AI_PASSIVE), ":: 80");
	CHECK_STR(gai(dns, "four.example", "80", AF_UNIX, 0), gai_strerror(EAI_FAMILY));
	CHECK_STR(gai(NULL, "four.example", "80", AF_INET, 0), gai_strerror(EAI_SYSTEM));
	CHECK_EQ(errno, EINVAL);
	iothdns_freeaddrinfo(NULL);
	end(dns);
}

CASE(each_address_has_each_kind_of_socket_and_the_flags_of_the_hints)
{
	static const int kinds[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW };
	struct iothdns *dns = begin();
	struct addrinfo hints = { .ai_family = AF_INET, .ai_flags = AI_CANONNAME }, *res;
	int n = 0;

	CHECK_EQ(iothdns_getaddrinfo(dns, "four.example", NULL, &hints, &res), 0);
	for (const struct addrinfo *at = res; at != NULL; at = at->ai_next, n++) {
		CHECK(n < 3);
		CHECK_EQ(at->ai_socktype, kinds[n]);
		CHECK_EQ(at->ai_flags, AI_CANONNAME);
	}
	CHECK_EQ(n, 3);
	CHECK_STR(res->ai_canonname, "four.example"); /* also without an alias */
	iothdns_freeaddrinfo(res);
	CHECK_EQ(iothdns_getaddrinfo(dns, "alias.example", NULL, &hints, &res), 0);
	CHECK_STR(res->ai_canonname, "four.example");
	iothdns_freeaddrinfo(res);
	end(dns);
}

CASE(only_families_that_the_stack_has_are_asked_for_with_addrconfig)
{
	struct iothdns *dns = begin();
	struct ioth *empty = ioth_newstack("vdestack", NULL);

	CHECK(empty != NULL);
	/* home has addresses of both families: every interface has a link-local one. */
	CHECK_CONTAINS(gai(dns, "both.example", "80", AF_UNSPEC, AI_ADDRCONFIG), "10.9.0.7 80");
	struct iothdns *alone = iothdns_init_strcfg(empty, (char *)(uintptr_t) "10.9.0.2");
	CHECK(alone != NULL);
	CHECK_STR(gai(alone, "both.example", "80", AF_INET, AI_ADDRCONFIG), gai_strerror(EAI_NONAME));
	iothdns_fini(alone);
	MUST(ioth_delstack(empty));
	end(dns);
}

/* ------------------------------------------------------------------ names of addresses */

CASE(addresses_have_names_unless_numbers_are_asked_for)
{
	struct iothdns *dns = begin();

	CHECK_STR(gni(dns, "10.9.0.7", 80, 0), "four.example http");
	/* With any flag the older library looked up nothing. */
	CHECK_STR(gni(dns, "10.9.0.7", 80, NI_NUMERICSERV), "four.example 80");
	CHECK_STR(gni(dns, "10.9.0.7", 80, NI_NUMERICHOST), "10.9.0.7 http");
	CHECK_STR(gni(dns, "10.9.0.8", 80, NI_NUMERICSERV), "10.9.0.8 80");
	CHECK_STR(gni(dns, "10.9.0.8", 80, NI_NAMEREQD), gai_strerror(EAI_NONAME));
	end(dns);
}

/* ------------------------------------------------------------------ files */

static void set(struct iothdns *dns, enum iothdns_pathtag tag, const char *path)
{
	iothdns_setpath(dns, tag, (char *)(uintptr_t)path);
}

CASE(a_hosts_file_is_read_in_any_case_and_with_lines_that_have_no_name)
{
	struct iothdns *dns = begin();

	ground_write(case_path("hosts"), "10.1.1.1\tOne.Example one # a comment\n10.9.9.9\n\n"
					 "10.1.1.2 3com.example\nfd00::1 one.example\nnonsense x.example\n"
					 "10.1.1.4 four.example");
	set(dns, IOTHDNS_HOSTS, case_path("hosts"));
	CHECK_STR(gai(dns, "one.EXAMPLE", "80", AF_INET, 0), "10.1.1.1 80");
	CHECK_STR(gai(dns, "ONE", "80", AF_INET, 0), "10.1.1.1 80");
	CHECK_STR(gai(dns, "one.example", "80", AF_INET6, 0), "fd00::1 80");
	CHECK_STR(gai(dns, "3com.example", "80", AF_INET, 0), "10.1.1.2 80"); /* begins with a digit */
	CHECK_STR(gai(dns, "four.example", "80", AF_INET, 0), "10.1.1.4 80"); /* the last line has no end */
	CHECK_EQ(server.questions, 0);
	CHECK_STR(gai(dns, "x.example", "80", AF_INET, 0), gai_strerror(EAI_NODATA));
	CHECK_STR(gni(dns, "10.1.1.1", 80, NI_NUMERICSERV), "One.Example 80");
	CHECK_STR(gni(dns, "10.9.9.9", 80, NI_NUMERICSERV), "10.9.9.9 80"); /* crashed the older library */
	/* Lookups do not read it. */
	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7");
	end(dns);
}

CASE(a_services_file_names_ports)
{
	struct iothdns *dns = begin();

	ground_write(case_path("services"), "# ours\nmine 7777/tcp my\nmine 7778/udp\nlast 9/tcp");
	set(dns, IOTHDNS_SERVICES, case_path("services"));
	CHECK_STR(gai(dns, "192.0.2.1", "mine", AF_INET, 0), "192.0.2.1 7777");
	CHECK_STR(gai(dns, "192.0.2.1", "my", AF_INET, 0), "192.0.2.1 7777");
	CHECK_STR(gai(dns, "192.0.2.1", "last", AF_INET, 0), "192.0.2.1 9");
	CHECK_STR(gai(dns, "192.0.2.1", "http", AF_INET, 0), gai_strerror(EAI_SERVICE));
	CHECK_STR(gni(dns, "192.0.2.1", 7777, NI_NUMERICHOST), "192.0.2.1 mine");
	CHECK_STR(gni(dns, "192.0.2.1", 7778, NI_NUMERICHOST | NI_DGRAM), "192.0.2.1 mine");
	end(dns);
}

CASE(paths_of_files_are_told_and_changed)
{
	struct iothdns *dns = begin();
	char buf[64];

	CHECK_EQ(iothdns_getpath(dns, IOTHDNS_HOSTS, buf, sizeof(buf)), strlen("/etc/hosts"));
	CHECK_STR(buf, "/etc/hosts");
	CHECK_EQ(iothdns_getpath(dns, IOTHDNS_SERVICES, buf, sizeof(buf)), strlen("/etc/services"));
	CHECK_STR(buf, "/etc/services");
	set(dns, IOTHDNS_SERVICES, "/some/file");
	set(dns, IOTHDNS_HOSTS, "/another/file");
	CHECK_EQ(iothdns_getpath(dns, IOTHDNS_SERVICES, buf, 5), strlen("/some/file"));
	CHECK_STR(buf, "/som");
	CHECK_EQ(iothdns_getpath(dns, IOTHDNS_SERVICES, NULL, 0), strlen("/some/file"));
	CHECK_STR(gai(dns, "four.example", "80", AF_INET, 0), "10.9.0.7 80"); /* an absent file is empty */
	set(dns, IOTHDNS_HOSTS, NULL);
	CHECK_EQ(iothdns_getpath(dns, IOTHDNS_HOSTS, buf, sizeof(buf)), strlen("/etc/hosts"));
	CHECK_ERRNO(iothdns_getpath(dns, IOTHDNS_PATH_SIZE, buf, sizeof(buf)), EINVAL);
	CHECK_ERRNO(iothdns_getpath(NULL, IOTHDNS_HOSTS, buf, sizeof(buf)), EINVAL);
	errno = 0;
	set(dns, IOTHDNS_PATH_SIZE, "/x");
	CHECK_EQ(errno, EINVAL);
	end(dns);
}

/* ------------------------------------------------------------------ by the stack's own name servers */

static const char *stack_gai(struct ioth *stack, const char *node)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *res;
	int code = ioth_getaddrinfo(stack, node, "80", &hints, &res);

	if (code != 0)
		return gai_strerror(code);
	const char *text = list_text(res);
	ioth_freeaddrinfo(res);
	return text;
}

CASE(a_stack_looks_up_by_the_name_servers_that_it_has)
{
	struct sockaddr_in a = address("10.9.0.7", 80);
	char host[NI_MAXHOST], serv[NI_MAXSERV];
	void *data;

	ground_begin();
	name_server_start(&server, far, answer);
	const struct ioth_functions *f = ioth_functions_of(home, &data);
	CHECK(f != NULL);
	CHECK_STR(stack_gai(home, "four.example"), gai_strerror(EAI_AGAIN)); /* it has none */
	CHECK_STR(stack_gai(home, "192.0.2.1"), "192.0.2.1 80");
	MUST(f->configure(data, "dns=10.9.0.2 domain=example", 0, 5000));
	int fds = count_fds();
	CHECK_STR(stack_gai(home, "four.example"), "10.9.0.7 80");
	CHECK_STR(stack_gai(home, "four"), "10.9.0.7 80");
	CHECK_STR(stack_gai(home, "absent.example."), gai_strerror(EAI_NONAME));
	CHECK_EQ(ioth_getnameinfo(home, (struct sockaddr *)&a, sizeof(a), host, sizeof(host), serv,
				  sizeof(serv), NI_NUMERICSERV),
		 0);
	CHECK_STR(host, "four.example");
	ioth_set_defstack(home);
	CHECK_STR(stack_gai(NULL, "both.example"), "10.9.0.7 80");
	ioth_set_defstack(NULL);
	CHECK_STR(stack_gai(NULL, "localhost"), "127.0.0.1 80"); /* of the process */
	CHECK_EQ(count_fds(), fds);
	end(NULL);
}

/* In a child: its own view of the files, in which /etc is an empty directory. */
static void without_etc(void *path)
{
	struct sockaddr_in a = address("192.0.2.1", 80);
	char host[NI_MAXHOST];

	MUST(unshare(case_is_root() ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount(path, "/etc", NULL, MS_BIND, NULL));
	CHECK_ERRNO(access("/etc/resolv.conf", F_OK), ENOENT);
	CHECK_ERRNO(iothdns_init(NULL, NULL), ENOENT);
	CHECK_STR(stack_gai(NULL, "192.0.2.1"), "192.0.2.1 80");
	CHECK_STR(stack_gai(NULL, "localhost"), "127.0.0.1 80");
	CHECK_STR(stack_gai(NULL, "four.example"), gai_strerror(EAI_AGAIN)); /* there is no server to ask */
	CHECK_EQ(ioth_getnameinfo(NULL, (struct sockaddr *)&a, sizeof(a), host, sizeof(host), NULL, 0,
				  NI_NUMERICHOST),
		 0);
	CHECK_STR(host, "192.0.2.1");
}

CASE(addresses_as_text_need_no_files)
{
	const char *path = case_path("empty");

	MUST(mkdir(path, 0755));
	in_child(without_etc, (void *)(uintptr_t)path);
}
