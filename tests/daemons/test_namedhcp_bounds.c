/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one client of namedhcp can take from others, and what namedhcp waits for. */

#include "dhcp6_ground.h"

static struct message *solicit(const char *name)
{
	struct message *m = message(SOLICIT);

	fqdn(m, 1, name);
	ia(m, IA_NA, 7, NULL);
	return m;
}

static void check_served(const char *name)
{
	CHECK(*given(ask(solicit(name), ADVERTISE), IA_NA, 0) != '\0');
}

/* A name server that is there, and never answers. */
static int silent_name_server(struct vdestack *stack)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	int fd = socket_in(stack, AF_INET6, SOCK_DGRAM);

	MUST(bind(fd, (struct sockaddr *)&any, sizeof(any)));
	return fd;
}

/* The stack `up` has that name server, and a client that asks for such names: each is of another domain. */
static void ask_slow_names(int fd, int n)
{
	char name[64];

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "host.d%d.slow.test", i);
		dhcp_send(fd, solicit(name), NULL);
	}
}

CASE(a_client_leaves_lookups_to_others_whatever_it_asks)
{
	dhcp_begin(NULL);
	int silent = silent_name_server(up), fd = dhcp_socket(up, 546);
	ask_slow_names(fd, 600);
	long long begin = now_us();
	check_served("one.static.test");
	check_served("host.hash.test");
	CHECK(now_us() - begin < 3000000);
	dhcp_says("too many lookups were under way");
	close(fd);
	close(silent);
	dhcp_end();
}

/* Its lookups stand in front of the one that another client needs. */
CASE(a_client_does_not_stop_another_by_asking_for_its_name)
{
	dhcp_begin(NULL);
	int silent = silent_name_server(up), fd = dhcp_socket(up, 546);
	ask_slow_names(fd, 15);
	dhcp_send(fd, solicit("host.hash.test"), NULL);
	long long begin = now_us();
	check_served("host.hash.test");
	CHECK(now_us() - begin < 3000000);
	close(fd);
	close(silent);
	dhcp_end();
}

/* A record with names of dead servers costs a few rounds of lookups. What was found in the first is kept. */
CASE_TIMED(a_request_with_many_slow_names_is_answered, CASE_F_ROOT | CASE_F_USER, 60)
{
	static char text[4096];

	(void)snprintf(text, sizeof(text), "%sstatic TXT one.static.test \"dns='fd00::5301", RECORDS);
	for (int i = 0; i < 5; i++)
		(void)sprintf(text + strlen(text), ",h.d%d.slow.test", i);
	(void)strcat(text, "'\"\n");
	named_begin(NAMED_VDESTACK, text);
	dhcp_start(NULL);
	int silent = silent_name_server(up), fd = dhcp_socket(client, 546);
	static struct answer a;
	struct message *m = solicit("one.static.test");
	WANTS(m, DNS);
	dhcp_send(fd, m, NULL);
	if (!dhcp_receive_to(fd, m, &a, 20000))
		FAIL("no answer: %s", tool_output(&dhcp));
	close(fd);
	close(silent);
	dhcp_end();
}

/* iothnamed computes addresses from names with their case. */
CASE(a_name_with_other_letters_does_not_give_its_address_to_another_client)
{
	char first[100];

	dhcp_begin(NULL);
	(void)snprintf(first, sizeof(first), "%s",
		       given(ask(solicit("HOST.hash.test"), ADVERTISE), IA_NA, 0));
	CHECK(strcmp(given(ask(solicit("host.hash.test"), ADVERTISE), IA_NA, 0), first) != 0);
	CHECK(strcmp(given(ask(solicit("Host.hash.test"), ADVERTISE), IA_NA, 0), first) != 0);
	dhcp_end();
}

/* With this file a lookup takes ten seconds. */
CASE(sigterm_does_not_wait_for_name_servers)
{
	char path[256], question[512];
	FILE *f = fopen(case_path("resolv.conf"), "we");

	CHECK(f != NULL && fputs("nameserver fd00::2\noptions timeout:9\n", f) >= 0 && fclose(f) == 0);
	(void)snprintf(path, sizeof(path), "%s", case_path("resolv.conf"));
	nameserver = NULL;
	named_begin(NAMED_VDESTACK, RECORDS);
	dhcp_start(WORDS("--resolvconf", path, "--pidfile", case_path("pid")));
	int silent = silent_name_server(up), fd = dhcp_socket(client, 546);
	dhcp_send(fd, solicit("host.hash.test"), NULL);
	CHECK(wait_readable(silent, SOON_MS) && recv(silent, question, sizeof(question), 0) > 0);
	long long begin = now_us();
	MUST(kill(dhcp.pid, SIGTERM));
	CHECK_EQ(tool_wait(&dhcp, SOON_MS), 0);
	CHECK(now_us() - begin < 4000000);
	CHECK(access(case_path("pid"), F_OK) < 0);
	close(fd);
	close(silent);
	named_end();
}

CASE(the_file_of_name_servers_is_used)
{
	char path[256];
	FILE *f = fopen(case_path("resolv.conf"), "we");

	CHECK(f != NULL && fputs("nameserver fd00::53\n", f) >= 0 && fclose(f) == 0);
	(void)snprintf(path, sizeof(path), "%s", case_path("resolv.conf"));
	nameserver = NULL;
	named_begin(NAMED_VDESTACK, RECORDS);
	dhcp_start(WORDS("-r", path));
	check_served("one.static.test");
	dhcp_end();
}

/* ------------------------------------------------------------------ its interface */

static struct vdestack *host, *other;
static int status_fd = -1;

/*
 * namedhcp in the network of a process, which has two interfaces: vde0 is in the Ethernet of all, with the
 * name server. It serves vde1, where `other` is.
 */
static void serve_second_interface(void)
{
	char words[1000];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, words, NULL };

	named_begin(NAMED_VDESTACK, RECORDS);
	host = new_stack("vnl=%s nodad ip=fd00::547/64 iface=vde1 vnl=local://other nodad ip=fd01::547/64",
			 lan);
	other = new_stack("vnl=local://other nodad ip=fd01::9/64");
	(void)snprintf(words, sizeof(words), "exec %s -v -i vde1 -n fd00::53 --duidfile %s >%s 2>&1",
		       NAMEDHCP_FILE, case_path("duid"), case_path("said"));
	close((int)MUST(vdestack_spawn(host, argv, NULL, &status_fd)));
	struct vdestack *lan_client = client;
	client = other;
	check_served("one.static.test");
	client = lan_client;
}

static void end_second_interface(void)
{
	close(status_fd);
	MUST(vdestack_delete(host));
	MUST(vdestack_delete(other));
	named_end();
}

CASE(it_serves_its_interface_only)
{
	static struct answer a;

	serve_second_interface();
	int fd = dhcp_socket(client, 546), out = dhcp_socket(other, 546);
	dhcp_send(fd, solicit("one.static.test"), NULL);
	dhcp_send(fd, solicit("one.static.test"), "fd00::547");
	struct message *m = solicit("two.static.test");
	dhcp_send(out, m, NULL);
	CHECK(dhcp_receive_to(out, m, &a, SOON_MS));
	CHECK(!wait_readable(fd, 0));
	close(fd);
	close(out);
	end_second_interface();
}

/* The service manager starts it again then. */
CASE(without_its_interface_it_ends)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			 (char[]){ "ip link set vde1 down; ip link set vde1 up" }, NULL };
	int status;

	serve_second_interface();
	CHECK_EQ(vdestack_run(host, argv, NULL), 0);
	MUST(vdestack_iface_del(host, "vde0"));
	CHECK_EQ(vdestack_cmd_wait(status_fd, &status, 300), -1); /* down, and another one, are not gone */
	MUST(vdestack_iface_del(host, "vde1"));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_CONTAINS(text_of(case_path("said")), "the interface vde1 is gone\n");
	end_second_interface();
}
