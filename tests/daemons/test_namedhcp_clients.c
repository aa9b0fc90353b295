/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp with the programs that hosts have, in stacks of each kind. */

#include <iothconf.h>

#include "dhcp6_ground.h"
#include <vdestack/sources.h>

/* A command of the shell in a stack: its exit status; its output is in the file `out`. */
static int run_in(struct vdestack *stack, const char *command)
{
	char line[4096];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };

	CHECK((size_t)snprintf(line, sizeof(line), "cd %s && { %s; } >out 2>&1", case_tmp(), command) <
	      sizeof(line));
	return (int)MUST(vdestack_run(stack, argv, NULL));
}

static void must_run_in(struct vdestack *stack, const char *command)
{
	int status = run_in(stack, command);

	if (status != 0)
		FAIL("\"%s\": 0x%x: %s\nnamedhcp: %s", command, (unsigned)status, text_of(case_path("out")),
		     tool_output(&dhcp));
}

static void need(const char *program)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "/usr/sbin/%s", program);
	if (access(path, X_OK) != 0)
		SKIP("%s is not installed", path);
}

static void file(const char *name, const char *text, unsigned mode)
{
	FILE *f = fopen(case_path(name), "we");

	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
	MUST(chmod(case_path(name), mode));
}

#define OPTIONS WORDS("--dns", "fd00::5300", "--dnssearch", "a.test", "--ntp", "fd00::123", "--lease", "3600")

/* ------------------------------------------------------------------ clients */

CASE_TIMED(dhclient_configures_itself_and_renews, CASE_F_ROOT | CASE_F_USER, 120)
{
	need("dhclient");
	dhcp_begin(OPTIONS);
	file("dhclient.conf",
	     "send fqdn.fqdn \"one.static.test\";\nsend fqdn.encoded on;\n"
	     "also request dhcp6.fqdn, dhcp6.sntp-servers, dhcp6.name-servers, dhcp6.domain-search;\n",
	     0644);
	file("script",
	     "#!/bin/sh\nenv | grep -E '^(reason|new_)' >>env\n"
	     "case $reason in BOUND6) ip addr add $new_ip6_address/128 dev $interface;; esac\nexit 0\n",
	     0755);
	must_run_in(client,
		    "dhclient -6 -1 -v -cf dhclient.conf -sf $PWD/script -lf $PWD/leases -pf $PWD/pid vde0");
	CHECK_CONTAINS(text_of(case_path("env")), "new_ip6_address=fd00::101");
	CHECK_CONTAINS(text_of(case_path("env")), "new_dhcp6_name_servers=fd00::5301 fd00::5302");
	CHECK_CONTAINS(text_of(case_path("env")), "new_dhcp6_domain_search=lab.test.");
	must_run_in(client, "ip -6 addr show dev vde0 | grep fd00::101/128");
	/* A client that has a lease begins with Confirm or Rebind. */
	must_run_in(client,
		    "kill $(cat pid); while kill -0 $(cat pid); do sleep 0.05; done; "
		    "dhclient -6 -1 -v -cf dhclient.conf -sf $PWD/script -lf $PWD/leases -pf $PWD/pid vde0");
	CHECK(strstr(tool_output(&dhcp), "Confirm of one.static.test: Reply, the addresses are those") !=
		      NULL ||
	      strstr(tool_output(&dhcp), "Rebind of one.static.test: Reply, fd00::101") != NULL);
	must_run_in(client,
		    "dhclient -6 -r -v -cf dhclient.conf -sf $PWD/script -lf $PWD/leases -pf $PWD/pid vde0");
	dhcp_says("Release of one.static.test: Reply");
	dhcp_end();
}

/* dhcpcd writes into directories of root. */
CASE_TIMED(dhcpcd_configures_itself, CASE_F_ROOT, 120)
{
	need("dhcpcd");
	dhcp_begin(OPTIONS);
	file("dhcpcd.conf",
	     "hostname one.static.test\nfqdn both\nduid ll\noption dhcp6_name_servers, dhcp6_domain_search\n"
	     "noipv6rs\nia_na 1\nscript /bin/true\n",
	     0644);
	must_run_in(client, "dhcpcd -f $PWD/dhcpcd.conf -6 -1 -B -d -t 30 vde0");
	CHECK_CONTAINS(text_of(case_path("out")), "fd00::101");
	dhcp_end();
}

CASE(the_client_of_a_stack_gets_its_address_and_name_servers)
{
	char text[512];

	dhcp_begin(OPTIONS);
	struct vdestack *s = new_stack("vnl=%s dhcp6 fqdn=one.static.test", lan);
	MUST(vdestack_resolvconf(s, NULL, text, sizeof(text)));
	CHECK_CONTAINS(text, "nameserver fd00::5301\n");
	CHECK_CONTAINS(text, "search lab.test\n");
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "ip -6 addr | grep fd00::101/128" },
			 NULL };
	CHECK_EQ(vdestack_run(s, argv, NULL), 0);
	MUST(vdestack_delete(s));
	dhcp_says("Release");
	dhcp_end();
}

/* The same client, as a program of the family has it. */
CASE(the_client_of_libiothconf_gets_its_address_and_name_servers)
{
	char text[300];

	dhcp_begin(OPTIONS);
	(void)snprintf(text, sizeof(text), "stack=vdestack vnl=%s", lan);
	struct ioth *stack = ioth_newstackc(text);
	if (stack == NULL)
		FAIL("no stack: %s", ioth_last_error());
	CHECK_EQ(ioth_config(stack, "eth dhcpv6 fqdn=one.static.test timeout=20"),
		 IOTHCONF_ETH | IOTHCONF_DHCPV6);
	char *resolvconf = ioth_resolvconf(stack, NULL);
	CHECK(resolvconf != NULL);
	CHECK_CONTAINS(resolvconf, "nameserver fd00::5301\n");
	free(resolvconf);
	MUST(ioth_delstack(stack));
	dhcp_says("Release of one.static.test");
	dhcp_end();
}

/* The name is option 39: flags, and labels. */
CASE_TIMED(perfdhcp_gets_all_its_leases, CASE_F_ROOT | CASE_F_USER, 120)
{
	need("perfdhcp");
	dhcp_begin(OPTIONS);
	(void)run_in(
		client,
		"perfdhcp -6 -l vde0 -r 100 -R 50 -p 4 -W 1000000 -o 39,01036f6e6506737461746963047465737400 "
		"all; true");
	const char *out = text_of(case_path("out"));
	CHECK_CONTAINS(out, "drops: 0");
	CHECK(strstr(out, "drops ratio: 0 %") != NULL);
	dhcp_end();
}

/* ------------------------------------------------------------------ where it serves */

static const char *named_stack(void)
{
	static char text[300];

	(void)snprintf(text, sizeof(text), "stack=vdestack vnl=%s eth ip=fd00::5/64", lan);
	return text;
}

static void check_lease(void)
{
	struct message *m = message(SOLICIT);

	fqdn(m, 1, "one.static.test");
	ia(m, IA_NA, 7, NULL);
	CHECK_STR(given(ask(m, ADVERTISE), IA_NA, 0), "fd00::101 4294967295");
}

/* A network of VDE has an address that comes from the MAC address, and neighbours find it. */
CASE_FLAGS(it_serves_a_vde_network_with_its_own_address, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	named_network(NAMED_PICOX);
	named_start(NAMED_VDESTACK, RECORDS);
	dhcp_start_by(NULL, lan, WORDS("-m", "02:00:00:00:47:05", "-R", named_stack()), true);
	check_lease();
	must_run_in(client, "ip link set vde0 up; ping -6 -c 1 -w 10 fe80::ff:fe00:4705%vde0");
	dhcp_end();
}

#ifdef HAS_PICOX
CASE_FLAGS(it_serves_in_a_stack_in_user_space, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	char stack[300];

	named_network(NAMED_PICOX);
	named_start(NAMED_VDESTACK, RECORDS);
	(void)snprintf(stack, sizeof(stack), "stack=picox vnl=%s eth ip=fd00::547/64", lan);
	dhcp_start_by(NULL, stack, NULL, true);
	check_lease();
	dhcp_end();
}
#endif

/* The example, in the network of the process. */
CASE(the_example_serves_in_the_network_of_the_process)
{
	char path[] = EXAMPLE_FILE, duid[256];
	char *argv[] = {
		(char[]){ NAMEDHCP_FILE }, (char[]){ "-f" }, path, (char[]){ "--duidfile" }, duid, NULL
	};
	struct answer *a;
	uint8_t dns[16];
	size_t len;

	(void)snprintf(duid, sizeof(duid), "%s", case_path("duid"));
	named_begin(NAMED_VDESTACK, RECORDS);
	struct vdestack *host = new_stack("vnl=%s nodad ip=fd00::547/64", lan);
	close((int)MUST(vdestack_spawn(host, argv, NULL, NULL)));
	struct message *m = message(SOLICIT);
	option(m, FQDN, "\1\3two", 5);
	WANTS(m, DNS);
	ia(m, IA_NA, 7, NULL);
	a = ask(m, ADVERTISE);
	CHECK_STR(given(a, IA_NA, 0), "fd00::201 3600");
	const uint8_t *o = find(a, DNS, 0, &len);
	CHECK_EQ(inet_pton(AF_INET6, "fd00::53", dns), 1);
	CHECK(o != NULL && len == 16 && memcmp(o, dns, 16) == 0);
	MUST(vdestack_delete(host));
	named_end();
}
