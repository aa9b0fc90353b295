/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp as a program: its settings, signals, and the background. */

#include "dhcp6_ground.h"

static struct message *solicit(const char *name)
{
	struct message *m = message(SOLICIT);

	fqdn(m, 1, name);
	ia(m, IA_NA, 7, NULL);
	return m;
}

/* It ends with status 1, and says all of that. */
static void refuses(const char *const *words, const char *const *said)
{
	struct tool tool;

	tool_start(&tool, words);
	int status = tool_wait(&tool, SOON_MS);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
		FAIL("it ended with 0x%x: %s", (unsigned)status, tool_output(&tool));
	for (; *said != NULL; said++)
		CHECK_CONTAINS(tool_output(&tool), *said);
}

CASE(wrong_settings_are_reported_together)
{
	char path[256];
	FILE *f = fopen(case_path("conf"), "we");

	CHECK(f != NULL && fputs("lease 59\n dns 10.0.0.1\nnothing 1\n", f) >= 0 && fclose(f) == 0);
	(void)snprintf(path, sizeof(path), "%s", case_path("conf"));
	refuses(WORDS(NAMEDHCP_FILE, "-f", path, "-n", "one.test", "-m", "01:00:00:00:00:01", "-S", "a b..c",
		      "-N", "::1::", "--domain", "a..b", "-i", "a/b"),
		WORDS("conf:1: lease: 59 is no number from 60", "conf:2: dns: 10.0.0.1 is an IPv4 address",
		      "conf:3: unknown option nothing", "nameserver: one.test is no address",
		      "macaddr: 01:00:00:00:00:01 is no unicast MAC address", "dnssearch: a b..c is no list",
		      "ntp: ::1:: is no IPv6 address", "domain: a..b is no domain",
		      "iface: a/b is no name of an interface"));
	refuses(WORDS(NAMEDHCP_FILE), WORDS("there is no option"));
	refuses(WORDS(NAMEDHCP_FILE, "-i", "no-such-0"), WORDS("--iface: there is no interface no-such-0"));
	refuses(WORDS(NAMEDHCP_FILE, "-s", "stack=nothing"), WORDS("--stack: cannot make the stack"));
	refuses(WORDS(NAMEDHCP_FILE, "-s", "vde:///nonexistent/switch"),
		WORDS("--stack: cannot join the network"));
}

CASE(two_servers_of_a_stack_are_refused)
{
	char *argv[] = { (char[]){ NAMEDHCP_FILE },
			 (char[]){ "-n" },
			 (char[]){ "fd00::53" },
			 (char[]){ "--duidfile" },
			 NULL,
			 NULL };
	char duid[256];

	dhcp_begin(NULL);
	struct vdestack *host = new_stack("vnl=%s nodad ip=fd00::548/64", lan);
	int fd = dhcp_socket(host, 547);
	(void)snprintf(duid, sizeof(duid), "%s", case_path("duid2"));
	argv[4] = duid;
	int status = (int)MUST(vdestack_run(host, argv, NULL));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	close(fd);
	MUST(vdestack_delete(host));
	dhcp_end();
}

/* Records of iothnamed have a time to live of years. */
CASE(sighup_forgets_answers)
{
	dhcp_begin(NULL);
	CHECK_STR(given(ask(solicit("one.static.test"), ADVERTISE), IA_NA, 0), "fd00::101 4294967295");
	named_config(named_text(NAMED_VDESTACK, NAMED_NETS
				"auth static all .static.test\nstatic AAAA one.static.test fd00::109\n"));
	MUST(kill(named.pid, SIGHUP));
	for (int i = 0;
	     strcmp(given(ask(solicit("one.static.test"), ADVERTISE), IA_NA, 0), "fd00::109 4294967295") != 0;
	     i++) {
		CHECK(i < 100); /* iothnamed reads its file on a thread */
		sleep_ms(100);
		MUST(kill(dhcp.pid, SIGHUP));
	}
	struct message *m = message(REBIND);
	fqdn(m, 0, "one.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	CHECK_STR(given(ask(m, REPLY), IA_NA, 0), "fd00::109 4294967295");
	dhcp_end();
}

CASE(name_servers_of_the_stack_are_used)
{
	nameserver = NULL;
	named_begin(NAMED_VDESTACK, RECORDS);
	dhcp_start_by(NULL, STACK " dns=fd00::53", NULL, true);
	CHECK_STR(given(ask(solicit("one.static.test"), ADVERTISE), IA_NA, 0), "fd00::101 4294967295");
	dhcp_end();
}

static bool is_gone(void *path)
{
	return access(path, F_OK) != 0;
}

CASE(it_serves_in_the_background_until_sigterm)
{
	char pidfile[256], duid[256];
	struct tool tool;

	named_begin(NAMED_VDESTACK, RECORDS);
	(void)snprintf(pidfile, sizeof(pidfile), "%s", case_path("pid"));
	(void)snprintf(duid, sizeof(duid), "%s", case_path("duid"));
	tool_start(&tool, WORDS(NAMEDHCP_FILE, "-d", "-p", pidfile, "-s", STACK, "-n", "fd00::53",
				"--duidfile", duid));
	int status = tool_wait(&tool, SOON_MS);
	if (status != 0)
		FAIL("it ended with 0x%x: %s", (unsigned)status, tool_output(&tool));
	CHECK_STR(given(ask(solicit("one.static.test"), ADVERTISE), IA_NA, 0), "fd00::101 4294967295");
	pid_t pid = (pid_t)strtol(text_of(pidfile), NULL, 10);
	CHECK(pid > 0);
	MUST(kill(pid, SIGTERM));
	CHECK(wait_until(is_gone, pidfile, SOON_MS));
	named_end();
}
