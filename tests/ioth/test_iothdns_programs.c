/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libiothdns in stacks of several kinds asks name servers of Debian, which have the same names:
 *
 *     home: a stack of libioth, 10.9.0.9, fd00::9 -- hub -- far: 10.9.0.2, fd00::2: dnsmasq or unbound
 */

#define _GNU_SOURCE
#include <arpa/nameser.h>

#include "../system/traffic.h"
#include "iothdns_ground.h"

#define ADDRESSES_BIG 250   /* by TCP: more than any datagram of these servers has */
#define ADDRESSES_MEDIUM 60 /* by EDNS: more than 512 bytes */

/* ------------------------------------------------------------------ servers */

static FILE *new_file(const char *name)
{
	FILE *f = fopen(case_path(name), "we");

	CHECK(f != NULL);
	return f;
}

/* A line for each address of a name. */
static void many(FILE *f, int number, const char *before, const char *behind)
{
	for (int i = 0; i < number; i++)
		(void)fprintf(f, "%s10.8.%d.%d%s\n", before, i / 200, i % 200 + 1, behind);
}

static void write_dnsmasq(void)
{
	FILE *f = new_file("dnsmasq.conf");

	(void)fprintf(f,
		      "no-resolv\nno-hosts\naddn-hosts=%s\nbind-interfaces\nlisten-address=10.9.0.2,fd00::2\n"
		      "pid-file=\nuser=\ngroup=\nlog-facility=-\nlocal=/example/\nlocal=/10.in-addr.arpa/\n"
		      "txt-record=text.example,hello,world\nmx-host=mail.example,one.example,10\n"
		      "srv-host=_ldap._tcp.example,one.example,389,5,7\nhost-record=both.example,10.9.0.8,"
		      "fd00::8\n",
		      case_path("hosts"));
	CHECK(fclose(f) == 0);
	f = new_file("hosts");
	(void)fputs("10.9.0.7 one.example\nfd00::7 six.example\n", f);
	many(f, ADDRESSES_MEDIUM, "", " medium.example");
	many(f, ADDRESSES_BIG, "", " big.example");
	CHECK(fclose(f) == 0);
}

static void write_unbound(void)
{
	FILE *f = new_file("unbound.conf");

	(void)fprintf(
		f,
		"server:\n interface: 10.9.0.2\n interface: fd00::2\n username: \"\"\n chroot: \"\"\n"
		" directory: \"%s\"\n pidfile: \"\"\n use-syslog: no\n do-daemonize: no\n"
		" access-control: 0.0.0.0/0 allow\n access-control: ::0/0 allow\n"
		" module-config: \"iterator\"\n num-threads: 1\n local-zone: 10.in-addr.arpa. nodefault\n"
		"remote-control:\n control-enable: no\n"
		"auth-zone:\n name: example.\n zonefile: names.zone\n for-upstream: no\n"
		"auth-zone:\n name: 10.in-addr.arpa.\n zonefile: addresses.zone\n for-upstream: no\n",
		case_tmp());
	CHECK(fclose(f) == 0);
	f = new_file("names.zone");
	(void)fputs("$ORIGIN example.\n$TTL 60\n@ SOA ns root 1 3600 600 86400 30\n@ NS ns\nns A 10.9.0.2\n"
		    "one A 10.9.0.7\nsix AAAA fd00::7\nboth A 10.9.0.8\nboth AAAA fd00::8\n"
		    "text TXT hello world\nmail MX 10 one\n_ldap._tcp SRV 5 7 389 one\n",
		    f);
	many(f, ADDRESSES_MEDIUM, "medium A ", "");
	many(f, ADDRESSES_BIG, "big A ", "");
	CHECK(fclose(f) == 0);
	f = new_file("addresses.zone");
	(void)fputs("$ORIGIN 10.in-addr.arpa.\n$TTL 60\n@ SOA ns.example. root.example. 1 3600 600 86400 30\n"
		    "@ NS ns.example.\n7.0.9 PTR one.example.\n",
		    f);
	CHECK(fclose(f) == 0);
}

/* It ends with the stack. */
static void spawn(const char *path, const char *command)
{
	char line[300];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp() };

	if (access(path, X_OK) != 0)
		SKIP("there is no %s: see cmake/packages.sh", path);
	(void)snprintf(line, sizeof(line), "exec %s %s >log 2>&1", path, command);
	close((int)MUST(vdestack_spawn(far, argv, &opts, NULL)));
}

static void dnsmasq(void)
{
	write_dnsmasq();
	spawn("/usr/sbin/dnsmasq", "-k -C dnsmasq.conf");
}

static void unbound(void)
{
	write_unbound();
	spawn("/usr/sbin/unbound", "-d -c unbound.conf");
}

/* ------------------------------------------------------------------ questions */

static int see(int section, struct iothdns_rr *rr, struct iothdns_pkt *pkt, void *arg)
{
	char name[IOTHDNS_MAXNAME], *text = arg;
	size_t n = strlen(text), left = 1000 - n;
	uint8_t addr[4];

	if (section != IOTHDNS_SEC_ANSWER)
		return 0;
	n += (size_t)snprintf(text + n, left, "%s %d", rr->name, rr->type);
	for (int i = 0; i < (rr->type == ns_t_mx ? 1 : rr->type == ns_t_srv ? 3 : 0); i++)
		n += (size_t)snprintf(text + n, 1000 - n, " %d", iothdns_get_int16(pkt));
	if (rr->type == ns_t_mx || rr->type == ns_t_srv || rr->type == ns_t_ptr)
		n += (size_t)snprintf(text + n, 1000 - n, " %s", iothdns_get_name(pkt, name));
	else if (rr->type == ns_t_a && iothdns_get_a(pkt, addr) != NULL)
		n += (size_t)snprintf(text + n, 1000 - n, " %d.%d.%d.%d", addr[0], addr[1], addr[2], addr[3]);
	while (rr->type == ns_t_txt && iothdns_get_string(pkt, name) != NULL)
		n += (size_t)snprintf(text + n, 1000 - n, " \"%s\"", name);
	(void)snprintf(text + n, 1000 - n, "\n");
	return 0;
}

/* The answers, or the name of the error. */
static const char *records(struct iothdns *dns, const char *name, int type)
{
	static char text[1000];

	text[0] = '\0';
	return iothdns_lookup_cb(dns, name, type, see, text) < 0 ? strerrorname_np(errno) : text;
}

/* How many connections by TCP the server's stack has accepted. */
static long connections(void)
{
	char line[300];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };

	(void)snprintf(line, sizeof(line), "awk '/^Tcp: [0-9]/ { print $7 }' /proc/net/snmp >%s",
		       case_path("opens"));
	CHECK_EQ(MUST(vdestack_run(far, argv, NULL)), 0);
	return strtol(text_of(case_path("opens")), NULL, 10);
}

static bool answers(void *dns)
{
	return strcmp(ground_a(dns, "one.example"), "10.9.0.7") == 0;
}

/* The server may still start, and an address of IPv6 may not be ready. */
static void wait_for_server(const char *addr)
{
	char config[100];

	(void)snprintf(config, sizeof(config), "nameserver %s\noptions timeout:1 attempts:1", addr);
	struct iothdns *dns = ground_dns(config);
	if (!wait_until(answers, dns, 2 * SOON_MS))
		FAIL("no answer from %s: \"%s\"", addr, text_of(case_path("log")));
	iothdns_fini(dns);
}

static void check_addresses(struct iothdns *dns)
{
	struct in6_addr aaaa[2], six;
	struct in_addr a[1];

	CHECK_EQ(inet_pton(AF_INET6, "fd00::7", &six), 1);
	CHECK_EQ(iothdns_lookup_aaaa(dns, "six.example", aaaa, 2), 1);
	CHECK(IN6_ARE_ADDR_EQUAL(&aaaa[0], &six));
	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "both.example", aaaa, 2), 2);
	CHECK_EQ(aaaa[0].s6_addr[0], 0xfd);
	CHECK(IN6_IS_ADDR_V4MAPPED(&aaaa[1]));
	CHECK_EQ(iothdns_lookup_aaaa(dns, "one.example", aaaa, 2), 0);
	CHECK_STR(ground_a(dns, "ONE.example."), "10.9.0.7");
	CHECK_ERRNO(iothdns_lookup_a(dns, "missing.example", a, 1), ENOENT);
	CHECK_ERRNO(iothdns_lookup_aaaa(dns, "missing.example", aaaa, 2), ENOENT);
}

static void check_sizes(struct iothdns *dns)
{
	struct in_addr a[1];
	long before = connections();

	CHECK_EQ(iothdns_lookup_a(dns, "medium.example", a, 1), ADDRESSES_MEDIUM);
	CHECK_EQ(connections(), before);
	CHECK_EQ(iothdns_lookup_a(dns, "big.example", a, 1), ADDRESSES_BIG);
	CHECK(connections() > before);
}

static void check_records(struct iothdns *dns)
{
	CHECK_STR(records(dns, "text.example", ns_t_txt), "text.example 16 \"hello\" \"world\"\n");
	CHECK_STR(records(dns, "mail.example", ns_t_mx), "mail.example 15 10 one.example\n");
	CHECK_STR(records(dns, "_ldap._tcp.example", ns_t_srv),
		  "_ldap._tcp.example 33 5 7 389 one.example\n");
	CHECK_STR(records(dns, "7.0.9.10.in-addr.arpa", ns_t_ptr), "7.0.9.10.in-addr.arpa 12 one.example\n");
	CHECK_CONTAINS(records(dns, "both.example", ns_t_any), "both.example 1 10.9.0.8\n");
	CHECK_STR(records(dns, "one.example", ns_t_txt), "");
	CHECK_STR(records(dns, "missing.example", ns_t_txt), "ENOENT");
}

static void check_names_of_addresses(struct iothdns *dns)
{
	struct sockaddr_in a = address("10.9.0.7", 80), none = address("10.9.0.77", 80);
	char host[NI_MAXHOST];

	CHECK_EQ(iothdns_getnameinfo(dns, (struct sockaddr *)&a, sizeof(a), host, sizeof(host), NULL, 0,
				     NI_NAMEREQD),
		 0);
	CHECK_STR(host, "one.example");
	CHECK_EQ(iothdns_getnameinfo(dns, (struct sockaddr *)&none, sizeof(none), host, sizeof(host), NULL, 0,
				     NI_NAMEREQD),
		 EAI_NONAME);
}

/* ------------------------------------------------------------------ cases */

static void begin(const char *kind, void (*server)(void))
{
	static struct tool hub;
	char path[256], node[300];

	(void)snprintf(path, sizeof(path), "vde://%s", case_path("hub"));
	(void)snprintf(node, sizeof(node), "hub://%s", case_path("hub"));
	node_start(&hub, node);
	far = new_stack("vnl=%s nodad ip=10.9.0.2/24 ip=fd00::2/64", path);
	home = ioth_newstack(kind, path);
	if (home == NULL)
		FAIL("no stack of the kind %s: %s", kind, ioth_last_error());
	ground_address(home, "10.9.0.9");
	ground_address(home, "fd00::9");
	server();
}

static void check_server(const char *addr)
{
	char config[100];

	wait_for_server(addr);
	(void)snprintf(config, sizeof(config), "nameserver %s\noptions timeout:9", addr);
	struct iothdns *dns = ground_dns(config);
	check_addresses(dns);
	check_sizes(dns);
	check_records(dns);
	check_names_of_addresses(dns);
	iothdns_fini(dns);
}

static void run(const char *kind, void (*server)(void))
{
	begin(kind, server);
	check_server("10.9.0.2");
	check_server("fd00::2");
	ground_end();
}

#define PROGRAM_CASE(kind, server)                                                                           \
	CASE_TIMED(kind##_gets_the_answers_of_##server, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE, 120)         \
	{                                                                                                    \
		run(#kind, server);                                                                          \
	}

PROGRAM_CASE(vdestack, dnsmasq)
PROGRAM_CASE(vdestack, unbound)
#ifdef HAS_PICOX
PROGRAM_CASE(picox, dnsmasq)
PROGRAM_CASE(picox, unbound)
#endif
