/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_DNS_SERVERS_H
#define VDESTACK_TESTS_DNS_SERVERS_H

/*
 * Real name servers of Debian in a stack of the test, all with one zone:
 *
 *     10.9.0.1  named (bind9)  answers for lab.example itself; broken.example cannot be loaded: SERVFAIL
 *     10.9.0.2  unbound        a resolver that has a copy of lab.example; asks named for broken.example
 *     10.9.0.3  dnsmasq        passes all questions on to named
 *
 * They end with the stack.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>
#include <vdestack/dns.h>

#define SERVERS_LIMIT_MS 30000 /* upper bound for the start of a server */
#define SERVERS_CONFIG "vnl=inproc://names ip=10.9.0.1/24 ip=10.9.0.2/24 ip=10.9.0.3/24 ip=fc00::1/64"

static FILE *servers_file(const char *name)
{
	FILE *file = fopen(case_path(name), "w");

	CHECK(file != NULL);
	return file;
}

/* The zone: what the cases ask for. */
static void servers_write_zone(void)
{
	static const char *const order4[] = { "10.9.0.200", "192.0.2.1", "127.0.0.5", "169.254.1.1",
					      "10.200.0.1" };
	static const char *const order6[] = { "fc00::200", "2001:db8::1", "fe80::1",    "::1",
					      "2002:a09:1::1", "fec0::1",  "2001:0:1::1" };
	FILE *zone = servers_file("lab.zone");

	fputs("$ORIGIN lab.example.\n$TTL 60\n@ SOA ns root 1 3600 600 86400 30\n@ NS ns\nns A 10.9.0.1\n"
	      "one A 10.9.0.7\nsix AAAA fc00::7\nboth A 10.9.0.7\nboth AAAA fc00::7\n"
	      "www.sub A 10.9.0.8\nwww.sub AAAA fc00::8\n"
	      "text TXT \"hello\" \"world\" \"\"\nbrief 1 A 10.9.0.7\n"
	      "_ldap._tcp SRV 10 60 389 one\n_ldap._tcp SRV 10 20 390 both\n_ldap._tcp SRV 5 0 391 six\n"
	      "_none._tcp SRV 0 0 0 .\n",
	      zone);
	for (size_t i = 0; i < sizeof(order4) / sizeof(order4[0]); i++)
		fprintf(zone, "order A %s\n", order4[i]);
	for (size_t i = 0; i < sizeof(order6) / sizeof(order6[0]); i++)
		fprintf(zone, "order AAAA %s\n", order6[i]);
	for (int i = 1; i <= 20; i++)
		fprintf(zone, "many A 10.9.1.%d\nmany AAAA fc00::1:%x\n", i, (unsigned)i);
	for (int i = 0; i < 250; i++)
		fprintf(zone, "big A 10.8.%d.%d\n", i / 200, i % 200 + 1);
	for (int i = 0; i < 6; i++)
		fprintf(zone, "chain%d CNAME chain%d\n", i, i + 1);
	fputs("chain6 CNAME both\nround0 CNAME round1\nround1 CNAME round0\n", zone);
	for (int i = 0; i < 20; i++)
		fprintf(zone, "texts TXT \"%02d%0238d\"\n", i, 0);
	CHECK(fclose(zone) == 0);
}

static void servers_write_configurations(void)
{
	FILE *file = servers_file("named.conf");

	fprintf(file,
		"options { directory \"%s\"; managed-keys-directory \"%s\"; pid-file none;\n"
		" session-keyfile none;\n"
		" listen-on { 10.9.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no;\n"
		" rrset-order { order none; }; notify no; max-records-per-type 0; };\n"
		"controls { };\n"
		"zone \"lab.example\" { type primary; file \"lab.zone\"; };\n"
		"zone \"broken.example\" { type primary; file \"none.zone\"; };\n",
		case_tmp(), case_tmp());
	CHECK(fclose(file) == 0);
	file = servers_file("unbound.conf");
	fprintf(file,
		"server:\n interface: 10.9.0.2\n username: \"\"\n chroot: \"\"\n directory: \"%s\"\n"
		" pidfile: \"\"\n use-syslog: no\n do-daemonize: no\n access-control: 10.0.0.0/8 allow\n"
		" module-config: \"iterator\"\n num-threads: 1\n rrset-roundrobin: no\n"
		" do-not-query-localhost: no\n"
		"remote-control:\n control-enable: no\n"
		"auth-zone:\n name: \"lab.example\"\n zonefile: \"%s/lab.zone\"\n for-downstream: yes\n"
		" for-upstream: yes\n"
		"stub-zone:\n name: \"broken.example\"\n stub-addr: 10.9.0.1\n",
		case_tmp(), case_tmp());
	CHECK(fclose(file) == 0);
}

/* Starts a program of the shell in the stack; its output goes to a file of the case. */
static void servers_spawn(struct vdestack *stack, const char *command, const char *log)
{
	char line[1024];
	char *argv[] = { "sh", "-c", line, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp() };

	(void)snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; exec %s >%s 2>&1", command, log);
	close((int)MUST(vdestack_spawn(stack, argv, &opts, NULL)));
}

/* Asks once whether one.lab.example is known. */
static bool servers_answers(void *dns)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list = NULL;

	if (vdestack_dns_getaddrinfo(dns, "one.lab.example.", NULL, &hints, &list) != 0)
		return false;
	vdestack_freeaddrinfo(list);
	return true;
}

static void servers_wait(struct vdestack *client, const char *address)
{
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .flags = VDESTACK_DNS_NO_CACHE,
					  .servers = address, .timeout_ms = 300, .tries = 1 };
	struct vdestack_dns *dns = vdestack_dns_new(client, &opts);

	CHECK(dns != NULL);
	if (!wait_until(servers_answers, dns, SERVERS_LIMIT_MS))
		FAIL("the name server %s has not started: %s", address, vdestack_dns_last_error());
	vdestack_dns_delete(dns);
}

static void servers_need(const char *path, const char *package)
{
	if (access(path, X_OK) != 0)
		SKIP("there is no %s: install %s", path, package);
}

/* What is needed before a server is started. */
static void servers_prepare(void)
{
	servers_need("/usr/sbin/named", "bind9");
	servers_need("/usr/sbin/unbound", "unbound");
	servers_need("/usr/sbin/dnsmasq", "dnsmasq-base");
	servers_write_zone();
	servers_write_configurations();
}

static const struct {
	const char *address, *command, *log;
} servers_all[] = {
	{ "10.9.0.1", "named -g -n 1 -c named.conf", "named.log" },
	{ "10.9.0.2", "unbound -d -c unbound.conf", "unbound.log" },
	{ "10.9.0.3",
	  "dnsmasq -k -C /dev/null --no-resolv --no-hosts --server=10.9.0.1 --bind-interfaces"
	  " --listen-address=10.9.0.3 --pid-file= --no-round-robin --user= --group= --log-facility=-",
	  "dnsmasq.log" },
};
#define SERVERS (sizeof(servers_all) / sizeof(servers_all[0]))

/* Starts the server with this address, and waits until it answers. */
static void servers_start(struct vdestack *stack, struct vdestack *client, const char *address)
{
	for (size_t i = 0; i < SERVERS; i++)
		if (strcmp(servers_all[i].address, address) == 0)
			servers_spawn(stack, servers_all[i].command, servers_all[i].log);
	servers_wait(client, address);
}

#endif
