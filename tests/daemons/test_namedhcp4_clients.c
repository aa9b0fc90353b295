/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp4 and the clients and relays of others, as packaged; and the library's own client. */

#include "../ioth/ioth_stacks.h"

#include "dhcp4_ground.h"

#define PROGRAM(name) "/usr/sbin/" name

static void need(const char *program)
{
	if (access(program, X_OK) < 0)
		SKIP("there is no %s", program);
}

/* A shell in a stack. Returns its wait status; its output is in the file "out" of the case. */
static int shell(struct vdestack *stack, const char *line)
{
	char whole[4096];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, whole, NULL };

	(void)snprintf(whole, sizeof(whole), "exec >%s 2>&1; cd %s; %s", case_path("out"), case_tmp(), line);
	return (int)MUST(vdestack_run(stack, argv,
				      &(struct vdestack_cmd_opts){ .size = sizeof(struct vdestack_cmd_opts),
								   .caps = VDESTACK_CAPS_ALL }));
}

static void must_shell(struct vdestack *stack, const char *line)
{
	int status = shell(stack, line);

	if (status != 0)
		FAIL("%s: 0x%x: %s\nnamedhcp4 said: %s", line, (unsigned)status, text_of(case_path("out")),
		     dhcp_said());
}

/* A script for clients that writes what it gets into the file "got" when there is an address. */
static void write_file(const char *name, const char *text, unsigned mode)
{
	int fd = (int)MUST(open(case_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* ------------------------------------------------------------------ clients */

CASE(udhcpc_gets_all_it_needs)
{
	need("/bin/busybox");
	dhcp_begin(DHCP_VDESTACK, "");
	write_file("script", "#!/bin/sh\n[ \"$1\" != bound ] || env >got\n", 0755);
	must_shell(client, "timeout 20 busybox udhcpc -f -n -q -i vde0 -F one.test -s ./script");
	const char *got = text_of(case_path("got"));
	CHECK_CONTAINS(got, "ip=10.9.0.50\n");
	CHECK_CONTAINS(got, "subnet=255.255.255.0\n");
	CHECK_CONTAINS(got, "router=10.9.0.1\n");
	CHECK_CONTAINS(got, "dns=10.9.0.2 10.9.0.3\n");
	CHECK_CONTAINS(got, "serverid=10.9.0.1\n");
	dhcp_end();
}

/* A name without a TXT record: the family's earlier server sent no mask, and udhcpc failed. */
CASE(udhcpc_gets_a_mask_without_a_record)
{
	need("/bin/busybox");
	dhcp_begin(DHCP_VDESTACK, "");
	write_file("script", "#!/bin/sh\n[ \"$1\" != bound ] || env >got\n", 0755);
	must_shell(client, "timeout 20 busybox udhcpc -f -n -q -i vde0 -F bare.test -s ./script");
	CHECK_CONTAINS(text_of(case_path("got")), "subnet=255.255.255.0\n");
	dhcp_end();
}

/* A copy: the AppArmor profile of the program belongs to its path. */
CASE(dhclient_gets_an_address_and_renews_it)
{
	need(PROGRAM("dhclient"));
	zone_set(22,
		 (struct zone_line){ "renew.test", { 0x0a090039 }, { "mask=24,router=10.9.0.1,lease=8" } });
	dhcp_begin(DHCP_VDESTACK, "");
	write_file("conf",
		   "send fqdn.fqdn \"renew.test.\";\nsend fqdn.encoded on;\nsend fqdn.server-update off;\n"
		   "request subnet-mask, routers;\nrequire fqdn.fqdn;\nalso request fqdn.fqdn;\n",
		   0644);
	write_file(
		"script",
		"#!/bin/sh\necho $reason $new_ip_address $new_subnet_mask $new_routers $new_fqdn_fqdn >>got\n"
		"[ $reason != BOUND ] || ip addr add $new_ip_address/24 dev vde0\n",
		0755);
	must_shell(
		client,
		"cp /usr/sbin/dhclient . && touch leases && (timeout 30 ./dhclient -4 -d -cf conf -lf leases "
		"-pf pid -sf $PWD/script vde0 & client=$!; n=0; "
		"until grep -q '^RENEW' got || [ $n = 200 ]; do sleep 0.1; n=$((n+1)); done; kill $client; "
		"wait; true)");
	const char *got = text_of(case_path("got"));
	CHECK_CONTAINS(got, "BOUND 10.9.0.57 255.255.255.0 10.9.0.1 renew.test");
	CHECK_CONTAINS(got, "RENEW 10.9.0.57");
	dhcp_end();
}

CASE(dhcpcd_gets_an_address)
{
	need(PROGRAM("dhcpcd"));
	dhcp_begin(DHCP_VDESTACK, "");
	write_file("conf",
		   "hostname one.test\nfqdn both\noption subnet_mask, routers, "
		   "domain_name_servers\nnoipv6rs\nnoarp\n"
		   "noipv4ll\nrequire dhcp_server_identifier\n",
		   0644);
	write_file("script", "#!/bin/sh\nenv >>$0.got\n", 0755);
	must_shell(client, "cp /usr/sbin/dhcpcd . && unshare -m sh -c 'mount -t tmpfs none /run && mkdir -p "
			   "/run/dhcpcd && "
			   "mount -t tmpfs none /var/lib/dhcpcd && timeout 20 ./dhcpcd -4 -1 -d -f $PWD/conf "
			   "-c $PWD/script vde0'");
	CHECK_CONTAINS(text_of(case_path("script.got")), "new_ip_address=10.9.0.50\n");
	dhcp_end();
}

static void check_library(enum dhcp_kind kind, const char *text)
{
	char words[400];

	zone_set(22, (struct zone_line){ "renew.test",
					 { 0x0a090039 },
					 { "mask=24,router=10.9.0.1,lease=8", "dns=10.9.0.2" } });
	dhcp_begin(kind, text);
	(void)snprintf(words, sizeof(words), "stack=vdestack vnl=%s eth dhcp fqdn=renew.test timeout=30",
		       lan);
	struct ioth *s = new_ioth(words);
	CHECK(has_addr(s, "vde0", "10.9.0.57", false));
	check_resolvconf(s, NULL, "nameserver 10.9.0.2\n");
	MUST(has_default_route(s, "vde0", AF_INET) ? 0 : -1);
	/* A renewal by unicast, to the server's address. */
	for (long long until = now_us() + SOON_MS * 1000LL;
	     strstr(dhcp_said(), "REQUEST") == NULL ||
	     strstr(strstr(dhcp_said(), "ACK 10.9.0.57") + 5, "ACK 10.9.0.57") == NULL;) {
		if (now_us() > until)
			FAIL("no renewal: %s", dhcp_said());
		sleep_ms(50);
	}
	MUST(ioth_delstack(s));
	dhcp_end();
}

CASE(the_client_of_the_library_renews)
{
	check_library(DHCP_VDESTACK, "");
}

CASE_FLAGS(the_client_of_the_library_renews_with_a_station_of_a_network,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_library(DHCP_NETWORK, "serverid 10.9.0.1\n");
}

/* ------------------------------------------------------------------ load, and relays */

/* It is a relay for many clients; all have one name. */
CASE(perfdhcp_loses_nothing)
{
	need(PROGRAM("perfdhcp"));
	dhcp_begin(DHCP_VDESTACK, "");
	struct vdestack *load = new_stack("vnl=%s ip=10.9.0.8/24", lan);
	must_shell(load, "timeout 30 perfdhcp -4 -r 50 -n 100 -R 20 -W 2000000 -l vde0 -o "
			 "81,0000006f6e652e74657374 10.9.0.1");
	const char *out = text_of(case_path("out"));
	CHECK_CONTAINS(out,
		       "***Statistics for: DISCOVER-OFFER***\nsent packets: 100\nreceived packets: 100\n");
	CHECK_CONTAINS(out, "***Statistics for: REQUEST-ACK***\nsent packets: 100\nreceived packets: 100\n");
	MUST(vdestack_delete(load));
	dhcp_end();
}

/*
 *     client: vde0 --- local://far --- vde1: 10.8.0.1, relay, vde0: 10.9.0.7 --- local://lan --- namedhcp4
 */
CASE(dhcrelay_passes_messages_on)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[600]){ "" }, NULL };
	int status;

	need(PROGRAM("dhcrelay"));
	need("/bin/busybox");
	zone_set(23, (struct zone_line){ "far.test", { 0x0a080032 }, { "mask=24,router=10.8.0.1" } });
	dhcp_begin(DHCP_VDESTACK, "");
	struct vdestack *relay = new_stack("vnl=%s ip=10.9.0.7/24 vnl=local://far ip=10.8.0.1/24", lan);
	struct vdestack *far = new_stack("vnl=local://far");
	(void)snprintf(
		argv[2], 600,
		"cd %s; cp /usr/sbin/dhcrelay . && exec ./dhcrelay -4 -d -a -id vde1 -iu vde0 10.9.0.1 "
		">relay 2>&1",
		case_tmp());
	MUST(vdestack_spawn(relay, argv, NULL, &status));
	write_file("script", "#!/bin/sh\n[ \"$1\" != bound ] || env >got\n", 0755);
	must_shell(far, "timeout 20 busybox udhcpc -f -n -q -t 20 -T 1 -i vde0 -F far.test -s ./script");
	CHECK_CONTAINS(text_of(case_path("got")), "ip=10.8.0.50\n");
	CHECK_CONTAINS(text_of(case_path("got")), "router=10.8.0.1\n");
	MUST(vdestack_delete(far));
	MUST(vdestack_delete(relay));
	close(status);
	dhcp_end();
}

/* ------------------------------------------------------------------ servers of names */

static void check_names(const char *command)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[1000]){ "" }, NULL };
	struct vdestack *other;
	int status;

	dhcp_network(DHCP_VDESTACK);
	other = new_stack("vnl=%s ip=10.9.0.5/24", lan);
	(void)snprintf(argv[2], 1000, "cd %s; exec >names 2>&1; %s", case_tmp(), command);
	MUST(vdestack_spawn(other, argv, NULL, &status));
	dhcp_start(DHCP_VDESTACK, "dns gw.test\n"); /* by the option, gw.test comes from the same server */
	write_file("script", "#!/bin/sh\n[ \"$1\" != bound ] || env >got\n", 0755);
	must_shell(client, "timeout 30 busybox udhcpc -f -n -q -t 20 -T 1 -i vde0 -F box.lab -s ./script");
	CHECK_CONTAINS(text_of(case_path("got")), "ip=10.9.0.60\n");
	CHECK_CONTAINS(text_of(case_path("got")), "router=10.9.0.1\n");
	CHECK_CONTAINS(text_of(case_path("got")), "ntpsrv=10.9.0.4 10.9.0.5\n");
	MUST(vdestack_delete(other));
	close(status);
	dhcp_end();
}

CASE(the_names_are_those_of_dnsmasq)
{
	need(PROGRAM("dnsmasq"));
	need("/bin/busybox");
	dhcp_names = "10.9.0.5";
	check_names("cp /usr/sbin/dnsmasq . && exec ./dnsmasq -k --no-resolv --no-hosts --user= --group= -C "
		    "/dev/null "
		    "--host-record=box.lab,10.9.0.60 --host-record=gw.test,10.9.0.2 "
		    "--txt-record=box.lab,mask=24,router=10.9.0.1,\"ntp='10.9.0.4,10.9.0.5'\"");
}

CASE(the_names_are_those_of_iothnamed)
{
	need("/bin/busybox");
	write_file("named.conf",
		   "net all ::/0\nauth accept all\nauth static all .\nstatic A box.lab 10.9.0.60\n"
		   "static A gw.test 10.9.0.2\n"
		   "static TXT box.lab 'mask=255.255.255.0,router=10.9.0.1' \"ntp='10.9.0.4,10.9.0.5'\"\n",
		   0644);
	dhcp_names = "10.9.0.5";
	check_names("exec " NAMED_FILE " named.conf");
}
