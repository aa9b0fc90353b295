/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The resolver with real name servers. Its results stand beside those of glibc's own getaddrinfo(3), which
 * runs as a command in the same stack with a resolv.conf of its own: the same addresses in the same order,
 * the same canonical name, the same error.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <linux/capability.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "case.h"
#include "dns_servers.h"
#include "net.h"
#include <vdestack.h>
#include <vdestack/conf.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>

/* localhost stands apart: glibc's copies of 127.0.0.1 are those of its hosts file. */
static const char *const names[] = {
	"one", "one.lab.example", "one.lab.example.", "ONE.Lab.Example", "six", "both", "many", "big",
	"chain0", "order", "missing", "missing.lab.example", "missing.lab.example.",
	"text.lab.example", "www.sub",
	"x.broken.example.",
	"10.9.0.1", "127.1", "0x7f.1", "fc00::1", "::ffff:10.9.0.1", "fe80::1%lo",
};
#define NAMES (sizeof(names) / sizeof(names[0]))
#define NO_LITERALS 6 /* at the end */

static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };

#define LINE_MAX_BYTES 8192

static struct vdestack *server, *client;

static void make_stacks(const char *client_config, const char *address)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags() | VDESTACK_NODAD };
	struct vdestack_dns_opts dns = { .size = sizeof(dns), .servers = address, .search = "lab.example" };

	server = vdestack_new(SERVERS_CONFIG, &opts);
	client = vdestack_new(client_config, &opts);
	if (server == NULL || client == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	servers_prepare();
	servers_start(server, client, "10.9.0.1"); /* the others ask it */
	if (strcmp(address, "10.9.0.1") != 0)
		servers_start(server, client, address);
	MUST(vdestack_dns_set(client, &dns));
}

/* ------------------------------------------------------------------ glibc's results */

/* The table of RFC 6724: glibc's own is that of RFC 3484, which prefers fc00::/7 to IPv4. */
static const char gai[] = "label ::1/128 0\nlabel ::/0 1\nlabel ::ffff:0:0/96 4\nlabel 2002::/16 2\n"
			  "label 2001::/32 5\nlabel fc00::/7 13\nlabel ::/96 3\nlabel fec0::/10 11\n"
			  "label 3ffe::/16 12\nprecedence ::1/128 50\nprecedence ::/0 40\n"
			  "precedence ::ffff:0:0/96 35\nprecedence 2002::/16 30\nprecedence 2001::/32 5\n"
			  "precedence fc00::/7 3\nprecedence ::/96 1\nprecedence fec0::/10 1\n"
			  "precedence 3ffe::/16 1\n";

static const char script[] =
	"import socket, sys\n"
	"for name in sys.argv[1:]:\n"
	"  for family in (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6):\n"
	"    try:\n"
	"      found = socket.getaddrinfo(name, 80, family, socket.SOCK_STREAM,\n"
	"                                 flags=socket.AI_CANONNAME | socket.AI_ADDRCONFIG)\n"
	"      print(0, found[0][3], *(f[4][0].split('%')[0] for f in found))\n"
	"    except socket.gaierror as error:\n"
	"      print(error.errno)\n";

static void write_file(const char *name, const char *text)
{
	FILE *file = servers_file(name);

	CHECK(fputs(text, file) >= 0 && fclose(file) == 0);
}

/* A line for each name and family goes to the file "glibc". */
static void ask_glibc(const char *address, size_t n_names)
{
	char line[4096], resolv[128];
	/* To mount, root needs one more capability, and a user a user namespace of its own. */
	char *argv[] = { "unshare", case_is_root() ? "-m" : "-Urm", "sh", "-c", line, NULL };
	uint64_t caps = VDESTACK_CAPS_NETWORK | (case_is_root() ? VDESTACK_CAP(CAP_SYS_ADMIN) : 0);
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp(), .caps = caps };
	int n = snprintf(line, sizeof(line), "mount --bind resolv /etc/resolv.conf && "
					     "mount --bind nsswitch /etc/nsswitch.conf && "
					     "mount --bind hosts /etc/hosts && "
					     "mount --bind gai /etc/gai.conf && exec python3 script >glibc");

	(void)snprintf(resolv, sizeof(resolv), "nameserver %s\nsearch lab.example\noptions timeout:3\n",
		       address);
	write_file("resolv", resolv);
	write_file("nsswitch", "hosts: files dns\n");
	write_file("hosts", "127.0.0.1 localhost\n::1 localhost\n");
	write_file("gai", gai);
	write_file("script", script);
	for (size_t i = 0; i < n_names; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " '%s'", names[i]);
	CHECK(n < (int)sizeof(line));
	CHECK_EQ(MUST(vdestack_run(client, argv, &opts)), 0);
}

/* ------------------------------------------------------------------ ours */

static void add_address(char *line, const struct addrinfo *info)
{
	const struct sockaddr_in *in = (const void *)info->ai_addr;
	const struct sockaddr_in6 *in6 = (const void *)info->ai_addr;
	char text[INET6_ADDRSTRLEN];
	size_t n = strlen(line);

	CHECK_EQ(info->ai_socktype, SOCK_STREAM);
	CHECK_EQ(ntohs(in->sin_port), 80);
	const void *bytes = info->ai_family == AF_INET6 ? (const void *)&in6->sin6_addr : &in->sin_addr;
	CHECK(inet_ntop(info->ai_family, bytes, text, sizeof(text)) != NULL);
	CHECK(snprintf(line + n, LINE_MAX_BYTES - n, " %s", text) < (int)(LINE_MAX_BYTES - n));
}

static void ask_ourselves(const char *name, int family, char *line)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_CANONNAME | AI_ADDRCONFIG };
	struct addrinfo *list = NULL;
	int r = vdestack_getaddrinfo(client, name, "80", &hints, &list);

	if (r == 0)
		(void)snprintf(line, LINE_MAX_BYTES, "0 %s", list->ai_canonname);
	else
		(void)snprintf(line, LINE_MAX_BYTES, "%d", r);
	for (const struct addrinfo *info = list; info != NULL; info = info->ai_next)
		add_address(line, info);
	vdestack_freeaddrinfo(list);
}

/* The first n_names names. DNS does not tell upper case from lower case. */
static void check_beside_glibc(const char *address, size_t n_names)
{
	static char theirs[LINE_MAX_BYTES], ours[LINE_MAX_BYTES];
	int different = 0;

	ask_glibc(address, n_names);
	FILE *file = fopen(case_path("glibc"), "r");
	CHECK(file != NULL);
	for (size_t i = 0; i < 3 * n_names; i++) {
		const char *name = names[i / 3];
		int family = families[i % 3];

		CHECK(fgets(theirs, sizeof(theirs), file) != NULL);
		theirs[strcspn(theirs, "\n")] = '\0';
		ask_ourselves(name, family, ours);
		if (strcasecmp(theirs, ours) == 0)
			continue;
		different++;
		fprintf(stderr, "%s, family %d:\n glibc %.900s\n ours  %.900s\n", name, family, theirs, ours);
	}
	fclose(file);
	CHECK_EQ(different, 0);
}

#define CLIENT "vnl=inproc://names ip=10.9.0.9/24 ip=fc00::9/64"
#define ROUTES " ip=2001:db8::9/64 gw=10.9.0.1 gw=fc00::1"
#define FLAGS (CASE_F_ROOT | CASE_F_USER)

CASE_TIMED(named_gives_what_glibc_gets, FLAGS, 120)
{
	make_stacks(CLIENT, "10.9.0.1");
	check_beside_glibc("10.9.0.1", NAMES);
}

CASE_TIMED(unbound_gives_what_glibc_gets, FLAGS, 120)
{
	make_stacks(CLIENT, "10.9.0.2");
	check_beside_glibc("10.9.0.2", NAMES);
}

CASE_TIMED(dnsmasq_gives_what_glibc_gets, FLAGS, 120)
{
	make_stacks(CLIENT, "10.9.0.3");
	check_beside_glibc("10.9.0.3", NAMES);
}

CASE_TIMED(the_order_is_glibcs_with_default_routes_too, FLAGS, 120)
{
	make_stacks(CLIENT ROUTES, "10.9.0.1");
	check_beside_glibc("10.9.0.1", NAMES);
}

CASE_TIMED(the_order_is_glibcs_in_a_stack_without_ipv6, FLAGS, 120)
{
	make_stacks("vnl=inproc://names ip=10.9.0.9/24", "10.9.0.2");
	MUST(vdestack_sysctl_set(client, "ipv6/conf/vde0/disable_ipv6", "1"));
	/* glibc refuses IPv6 addresses as text there; here they are taken as they are. */
	check_beside_glibc("10.9.0.2", NAMES - NO_LITERALS);
}

/* ------------------------------------------------------------------ services, texts, connections */

static void check_services(void)
{
	struct vdestack_dns *dns = vdestack_dns_of(client);
	struct vdestack_dns_srv *list;
	int ldap = 0;

	for (int i = 0; i < 200; i++) {
		CHECK_EQ(vdestack_dns_lookup_srv(dns, "_ldap._tcp.lab.example", &list), 0);
		CHECK_STR(list->target, "six.lab.example");
		CHECK_EQ(list->port, 391);
		CHECK_EQ(list->priority, 5);
		CHECK_EQ(list->next->priority, 10);
		CHECK_EQ(list->next->port + list->next->next->port, 389 + 390);
		CHECK(list->next->next->next == NULL);
		CHECK(list->ttl_s <= 60);
		ldap += list->next->port == 389;
		vdestack_dns_free_srv(list);
	}
	CHECK(ldap > 100 && ldap < 200); /* 3 of 4 are expected; 100 or 200 are 8 standard deviations off */
	CHECK_EQ(vdestack_dns_lookup_srv(dns, "_none._tcp.lab.example", &list), EAI_SERVICE);
	CHECK_EQ(vdestack_dns_lookup_srv(dns, "_missing._tcp.lab.example", &list), EAI_NONAME);
	CHECK_EQ(vdestack_dns_lookup_srv(dns, "x.broken.example", &list), EAI_AGAIN);
}

static void check_texts(void)
{
	struct vdestack_dns *dns = vdestack_dns_of(client);
	struct vdestack_dns_txt *list;
	int n = 0;

	CHECK_EQ(vdestack_dns_lookup_txt(dns, "text.lab.example", &list), 0);
	CHECK(list->next == NULL);
	CHECK_EQ(list->n, 3);
	CHECK_STR(list->strings[0].text, "hello");
	CHECK_EQ(list->strings[0].size, 5);
	CHECK_STR(list->strings[1].text, "world");
	CHECK_STR(list->strings[2].text, "");
	CHECK_STR(list->text, "helloworld");
	CHECK_EQ(list->size, 10);
	vdestack_dns_free_txt(list);
	/* More than any datagram carries here: by TCP. */
	CHECK_EQ(vdestack_dns_lookup_txt(dns, "texts.lab.example", &list), 0);
	for (const struct vdestack_dns_txt *txt = list; txt != NULL; txt = txt->next, n++)
		CHECK_EQ(txt->size, 240);
	CHECK_EQ(n, 20);
	vdestack_dns_free_txt(list);
	CHECK_EQ(vdestack_dns_lookup_txt(dns, "one.lab.example", &list), EAI_NODATA);
}

CASE_TIMED(services_and_texts_are_found_by_all_servers, CASE_F_ROOT | CASE_F_USER, 120)
{
	make_stacks(CLIENT, "10.9.0.1");
	for (size_t i = 0; i < SERVERS; i++) {
		struct vdestack_dns_opts dns = { .size = sizeof(dns), .servers = servers_all[i].address };

		if (i > 0)
			servers_start(server, client, servers_all[i].address);
		MUST(vdestack_dns_set(client, &dns));
		check_services();
		check_texts();
	}
}

static int family_of_dial(const char *address)
{
	int fd = vdestack_dial(client, "tcp", address, SERVERS_LIMIT_MS);
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		FAIL("%s", vdestack_dns_last_error());
	MUST(getpeername(fd, (struct sockaddr *)&peer, &len));
	close(fd);
	return peer.ss_family;
}

CASE_TIMED(a_dial_uses_the_name_servers_of_the_stack, CASE_F_ROOT | CASE_F_USER, 120)
{
	make_stacks(CLIENT " ip=fc00::7/64 ip=10.9.0.7/24", "10.9.0.2");
	int listener = (int)MUST(vdestack_listen(client, "tcp", ":80"));

	CHECK_EQ(family_of_dial("one:http"), AF_INET);
	CHECK_EQ(family_of_dial("six:http"), AF_INET6);
	(void)family_of_dial("chain0:http"); /* the family whose answer comes first */
	for (int i = 0; i < 3; i++)
		CHECK(close((int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC))) == 0);
	CHECK_ERRNO(vdestack_dial(client, "tcp", "missing.lab.example:80", SERVERS_LIMIT_MS), ENOENT);
	CHECK_CONTAINS(vdestack_dns_last_error(), "missing.lab.example");
	CHECK_ERRNO(vdestack_dial(client, "tcp", "x.broken.example.:80", SERVERS_LIMIT_MS), EAGAIN);
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.2");
}
