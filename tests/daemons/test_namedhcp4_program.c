/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp4 as a program: its life, signals, files and reports, and what happens to its interface. */

#include <sys/resource.h>

#include "dhcp4_ground.h"

/* ------------------------------------------------------------------ life */

/* The family's earlier server copied as many bytes as the string said to have. */
CASE(a_string_that_is_longer_than_its_record_is_no_harm)
{
	zone_set(21, (struct zone_line){ "evil.test", { 0x0a09003a }, { "mask=24" } });
	dhcp_begin(DHCP_VDESTACK, "");
	ask_one("evil.test", 0x0a09003a); /* as without a record */
	ask_one("one.test", 0x0a090032);
	dhcp_end();
}

/* With 40 descriptors it serves; with too few for its start it says so. */
/* Descriptors on their way count for the user. A process whose limit is lower than that can send none. */
CASE_FLAGS(few_descriptors_are_enough, CASE_F_ROOT | CASE_F_USER | CASE_F_ALONE)
{
	struct rlimit limit = { 40, 40 };
	char name[32];

	dhcp_network(DHCP_VDESTACK);
	struct rlimit before;
	MUST(getrlimit(RLIMIT_NOFILE, &before));
	limit.rlim_max = before.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit)); /* of the server, which inherits it */
	dhcp_start(DHCP_VDESTACK, "");
	MUST(setrlimit(RLIMIT_NOFILE, &before));
	dhcp_reach();
	int other = open_wire(up);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "dead%d.gone", i);
		struct dhcp_message m = dhcp_message(1, name);
		dhcp_send_by(other, 0, 68, UINT32_MAX, &m);
	}
	struct dhcp_message good = dhcp_message(1, "ready.test"); /* its name may be forgotten already */
	CHECK_EQ(dhcp_ask(&good)->reply.yiaddr, 0x0a0900f0);
	close(other);
	dhcp_end();
}

CASE(a_server_that_was_killed_goes_on)
{
	dhcp_begin(DHCP_VDESTACK, "");
	ask_one("one.test", 0x0a090032);
	tool_end(&daemon4, SIGKILL);
	dhcp_start(DHCP_VDESTACK, "");
	dhcp_reach();
	struct dhcp_message m = renewal("one.test", 0x0a090032);
	dhcp_send_from(0x0a090032, 68, SERVER_ID, &m);
	CHECK_EQ(dhcp_await(&m)->reply.type, VS_DHCP4_ACK);
	dhcp_end();
}

CASE(a_pidfile_and_a_daemon_end_with_sigterm)
{
	char text[300], path[256];

	(void)snprintf(path, sizeof(path), "%s", case_path("pid"));
	(void)snprintf(text, sizeof(text), "pidfile %s\n", path);
	dhcp_begin(DHCP_VDESTACK, text);
	CHECK_EQ(atoi(text_of(path)), daemon4.pid);
	MUST(kill(daemon4.pid, SIGHUP));
	ask_one("one.test", 0x0a090032);
	int fds = count_fds_of(daemon4.pid);
	CHECK(fds > 0 && fds < 40);
	dhcp_end();
	CHECK(access(path, F_OK) < 0);
}

static bool has_said(void *text)
{
	return strstr(dhcp_said(), text) != NULL;
}

/* SIGHUP, when the file has this text. */
static void reload_with(const char *text, char *answer)
{
	dhcp_config(DHCP_VDESTACK, text);
	MUST(kill(daemon4.pid, SIGHUP));
	if (!wait_until(has_said, answer, SOON_MS))
		FAIL("not \"%s\": %s", answer, dhcp_said());
}

static uint32_t lease_of(const char *name)
{
	struct dhcp_message m = dhcp_message(1, name);

	return dhcp_ask(&m)->reply.lease_s;
}

CASE(sighup_reads_the_file_again)
{
	char again[] = "dhcp4.conf has been read again\n", start[] = "again; stack, iface",
	     wrong[] = "the settings stay as they were\n";

	zone_set(20, (struct zone_line){ "far.test", { 0x0b000001 }, { NULL } });
	dhcp_begin(DHCP_VDESTACK, "lease 3600\n");
	CHECK_EQ(lease_of("bare.test"), 3600);
	reload_with("lease 7200\ndomain test\nhostname\nmask 25\ndns 10.9.0.7\n", again);
	CHECK_EQ(lease_of("bare"), 7200);
	struct dhcp_message m = dhcp_message(1, NULL);
	dhcp_option(&m, 12, "far", 3);
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(a->reply.mask == 0xffffff80 && a->reply.dns[0] == 0x0a090007);
	reload_with("lease 1\nntp 10.9.0.8\n", wrong);
	CHECK_EQ(lease_of("bare"), 7200);
	reload_with("lease 600\ndomain test\nserverid 10.9.0.9\n", start);
	CHECK_EQ(lease_of("bare"), 600);
	m = dhcp_message(1, "bare");
	CHECK_EQ(dhcp_ask(&m)->reply.server, SERVER_ID);
	dhcp_end();
}

static bool file_is_gone(void *arg)
{
	return access(arg, F_OK) < 0;
}

CASE(a_server_in_the_background_serves)
{
	char text[300], path[256];

	(void)snprintf(path, sizeof(path), "%s", case_path("pid"));
	(void)snprintf(text, sizeof(text), "daemon\npidfile %s\n", path);
	dhcp_begin(DHCP_VDESTACK, text);
	CHECK_EQ(tool_wait(&daemon4, SOON_MS), 0);
	daemon4.pid = atoi(text_of(path));
	CHECK(daemon4.pid > 1);
	ask_one("one.test", 0x0a090032);
	MUST(kill(daemon4.pid, SIGTERM));
	CHECK(wait_until(file_is_gone, path, SOON_MS));
	server_ended = true;
	dhcp_end();
}

static bool has_identifier(void *arg)
{
	struct dhcp_message m = dhcp_message(1, "one.test");
	struct dhcp_answer a;

	dhcp_send(
		&m); /* the sockets of the resolver have lost their address, too: maybe it is not answered */
	return dhcp_receive(&a, 300) && a.reply.server == *(uint32_t *)arg;
}

/* Its identifier follows, within some seconds; clients of before renew at the new address. */
CASE(a_server_whose_address_changes_goes_on)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			 (char[]){ "ip addr del 10.9.0.1/24 dev vde0; ip addr add 10.9.0.21/24 dev vde0" },
			 NULL };
	uint32_t other = 0x0a090015;

	dhcp_begin(DHCP_KERNEL, "");
	CHECK_EQ(vdestack_run(server_host, argv, NULL), 0);
	if (!wait_until(has_identifier, &other, SOON_MS))
		FAIL("namedhcp4 said: %s", dhcp_said());
	struct dhcp_message m = renewal("one.test", 0x0a090032);
	dhcp_send_from(0x0a090032, 68, other, &m);
	CHECK_EQ(dhcp_await(&m)->reply.type, VS_DHCP4_ACK);
	m = renewal("one.test", 0x0a090032);
	dhcp_no_answer_from(0x0a090032, SERVER_ID, &m);
	dhcp_end();
}

/* The service manager starts it again then. */
CASE(a_server_without_its_interface_ends)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			 (char[]){ "ip link set vde0 down; ip link set vde0 up" }, NULL };
	int status;

	dhcp_begin(DHCP_KERNEL, "");
	CHECK_EQ(vdestack_run(server_host, argv, NULL), 0);
	dhcp_reach(); /* down is not gone */
	MUST(vdestack_iface_del(server_host, "vde0"));
	MUST(vdestack_cmd_wait(server_status, &status, SOON_MS));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_CONTAINS(dhcp_said(), "the interface vde0 is gone\n");
	dhcp_end();
}

CASE(a_second_server_is_refused)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[512]){ "" }, NULL };

	dhcp_begin(DHCP_KERNEL, "");
	(void)snprintf(argv[2], 512, "exec %s -n 10.9.0.2 >%s 2>&1", DHCP4_FILE, case_path("second"));
	int status = (int)MUST(vdestack_run(server_host, argv, NULL));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_CONTAINS(text_of(case_path("second")),
		       "cannot have UDP port 67 of vde0: Address already in use; another");
	dhcp_end();
}

/* vde0 has another server, which is no hindrance. */
CASE(another_interface_can_be_served)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[512]){ "" }, NULL };
	struct dhcp_message m;
	struct dhcp_answer a;
	int status;

	dhcp_begin(DHCP_KERNEL, "");
	MUST(vdestack_iface_add(server_host, "vnl=local://lan ip=10.9.0.11/24", case_opts()));
	(void)snprintf(argv[2], 512, "exec %s -n 10.9.0.2 -i vde1 >%s 2>&1", DHCP4_FILE, case_path("second"));
	int pidfd = (int)MUST(vdestack_spawn(server_host, argv, NULL, &status));
	bool first = false, second = false;
	for (long long until = now_us() + SOON_MS * 1000LL; !first || !second;) {
		if (now_us() > until)
			FAIL("%s is silent: %s", first ? "vde1" : "vde0", text_of(case_path("second")));
		m = dhcp_message(1, "one.test");
		dhcp_send(&m);
		while (dhcp_receive(&a, 100)) {
			first = first || a.reply.server == SERVER_ID;
			second = second || a.reply.server == 0x0a09000b;
		}
	}
	close(pidfd);
	close(status);
	dhcp_end();
}

CASE(without_verbose_only_what_matters_is_reported)
{
	dhcp_begin(DHCP_VDESTACK, "# all of the file\nnameserver 10.9.0.2\n");
	struct dhcp_message m = dhcp_message(4, "one.test");
	dhcp_option32(&m, 50, 0x0a090032);
	dhcp_no_answer(&m);
	CHECK_CONTAINS(dhcp_said(), "DECLINE of");
	CHECK(strstr(dhcp_said(), "OFFER") == NULL);
	dhcp_end();
}

CASE(an_interface_that_is_no_ethernet_is_refused)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[512]){ "" }, NULL };

	server_host = new_stack("vnl=local://lan");
	(void)snprintf(argv[2], 512,
		       "ip tuntap add dev tun7 mode tun && ip link set tun7 up && "
		       "exec timeout 10 %s -n 10.9.0.2 -i tun7 >%s 2>&1",
		       DHCP4_FILE, case_path("said"));
	int status = (int)MUST(vdestack_run(server_host, argv, NULL));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_CONTAINS(dhcp_said(), "the interface tun7 is no Ethernet; --iface");
	MUST(vdestack_delete(server_host));
}

CASE(mistakes_are_reported_with_their_place)
{
	static const char *const words[][2] = { { "--serverid=0.0.0.0", "no address of a host" },
						{ "--serverid=224.0.0.1", "no address of a host" },
						{ "--serverid=127.0.0.1", "no address of a host" },
						{ "--mask=255.0.255.0", "no mask" },
						{ "--iface=none0", "no interface none0" },
						{ "--lease=1", "lease" },
						{ "word", "usage" } };
	struct tool t;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		tool_start(&t, WORDS(DHCP4_FILE, words[i][0]));
		CHECK_EQ(tool_wait(&t, SOON_MS), 1 << 8);
		CHECK_CONTAINS(tool_output(&t), words[i][1]);
	}
	tool_start(&t, WORDS(DHCP4_FILE));
	CHECK_EQ(tool_wait(&t, SOON_MS), 1 << 8);
	CHECK_CONTAINS(tool_output(&t), "namedhcp4: no options; usage");
}
