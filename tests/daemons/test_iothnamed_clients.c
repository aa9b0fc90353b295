/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed and programs of others: clients, a server that it asks, and a secondary of its zone. */

#include "named_ground.h"

#define RECORDS                                                                                              \
	"auth axfr local zone.test\nauth static all .zone.test\nauth static all zone.test\n"                 \
	"auth hash all .hash.test fc09::\n"                                                                  \
	"static SOA zone.test ns.zone.test root.zone.test 7 3600 600 86400 60\n"                             \
	"static NS zone.test ns.zone.test\nstatic A ns.zone.test 10.9.0.53\n"                                \
	"static A one.zone.test 10.9.0.7\nstatic AAAA one.zone.test fd00::7\n"                               \
	"static TXT one.zone.test 'hello, world' second\nstatic CNAME www.zone.test one.zone.test\n"         \
	"static MX zone.test 10 one.zone.test\nstatic SRV _s._tcp.zone.test 1 2 53 one.zone.test\n"          \
	"static CAA zone.test 0 issue \"ca.test\"\nstatic PTR 10.9.0.7 one.zone.test\n"                      \
	"auth static all 10.9.0.0/24\n"

/* The output of a command in a stack, in a static buffer. Without the status 0 the case fails. */
static const char *output_in(struct vdestack *stack, const char *command)
{
	char line[2000];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp() };

	(void)snprintf(line, sizeof(line), "{ %s; } >out 2>&1", command);
	int status = (int)MUST(vdestack_run(stack, argv, &opts));
	if (status != 0)
		FAIL("%s: 0x%x: %s", command, (unsigned)status, text_of(case_path("out")));
	return text_of(case_path("out"));
}

static void need(const char *program)
{
	char path[64];

	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "/usr/%s/%s", i == 0 ? "bin" : "sbin", program);
		if (access(path, X_OK) == 0)
			return;
	}
	SKIP("there is no %s: see cmake/packages.sh", program);
}

CASE(kdig_is_answered)
{
	need("kdig");
	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS);
	CHECK_CONTAINS(output_in(client, "kdig @10.9.0.53 +cookie +edns +dnssec one.zone.test A"),
		       "10.9.0.7");
	CHECK_CONTAINS(text_of(case_path("out")), "flags: do;"); /* it comes back */
	CHECK(strstr(text_of(case_path("out")), "WARNING") == NULL);
	CHECK_CONTAINS(output_in(client, "kdig @fd00::53 +tcp +short zone.test MX"), "10 one.zone.test.");
	CHECK_CONTAINS(output_in(client, "kdig @10.9.0.53 +short _s._tcp.zone.test SRV"),
		       "1 2 53 one.zone.test.");
	CHECK_CONTAINS(output_in(client, "kdig @10.9.0.53 no.zone.test AAAA"), "NXDOMAIN");
	CHECK_CONTAINS(output_in(client, "kdig @10.9.0.53 +keepopen +tcp one.zone.test A www.zone.test A"),
		       "CNAME");
	CHECK_CONTAINS(output_in(client, "kdig @10.9.0.53 zone.test AXFR"), "ca.test");
	named_end();
}

CASE(drill_is_answered)
{
	need("drill");
	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS);
	CHECK_CONTAINS(output_in(client, "drill @10.9.0.53 one.zone.test AAAA"), "fd00::7");
	CHECK_CONTAINS(output_in(client, "drill -t @10.9.0.53 zone.test CAA"), "ca.test");
	CHECK_CONTAINS(output_in(client, "drill -x @10.9.0.53 10.9.0.7"), "one.zone.test.");
	CHECK_CONTAINS(output_in(client, "drill @10.9.0.53 x.hash.test AAAA"), "fc09::");
	named_end();
}

CASE(host_and_delv_are_answered)
{
	need("host");
	need("delv");
	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS);
	CHECK_CONTAINS(output_in(client, "host www.zone.test 10.9.0.53"),
		       "one.zone.test has IPv6 address fd00::7");
	CHECK_CONTAINS(text_of(case_path("out")), "alias for one.zone.test.");
	CHECK_CONTAINS(output_in(client, "host -T 10.9.0.7 10.9.0.53"), "pointer one.zone.test.");
	CHECK_CONTAINS(output_in(client, "host -l zone.test 10.9.0.53"),
		       "ns.zone.test has address 10.9.0.53");
	CHECK_CONTAINS(output_in(client, "delv -i @10.9.0.53 one.zone.test TXT"),
		       "\"hello, world\" \"second\"");
	named_end();
}

/* Both families at the same time, on one socket, with letters as they are. */
CASE(getaddrinfo_of_glibc_finds_both_families)
{
	/* To mount, root needs one more capability, and a user a user namespace of its own. */
	char *argv[] = {
		(char[]){ "unshare" },
		case_is_root() ? (char[]){ "-m" } : (char[]){ "-Urm" },
		(char[]){ "sh" },
		(char[]){ "-c" },
		(char[]){ "mount --bind resolv /etc/resolv.conf && "
			  "mount --bind nsswitch /etc/nsswitch.conf && "
			  "(getent ahosts www.zone.test; getent ahosts host.hash.test; "
			  "getent hosts 10.9.0.7; getent ahosts no.zone.test || echo none) >out 2>&1" },
		NULL
	};
	uint64_t caps = VDESTACK_CAPS_NETWORK | (case_is_root() ? VDESTACK_CAP(21 /* CAP_SYS_ADMIN */) : 0);
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp(), .caps = caps };
	static const char *const files[][2] = { { "resolv", "nameserver 10.9.0.53\noptions timeout:3\n" },
						{ "nsswitch", "hosts: dns\n" } };

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(case_path(files[i][0]), "we");
		CHECK(f != NULL && fputs(files[i][1], f) >= 0 && fclose(f) == 0);
	}
	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS);
	int status = (int)MUST(vdestack_run(client, argv, &opts));
	const char *out = text_of(case_path("out"));
	if (status != 0)
		FAIL("0x%x: %s", (unsigned)status, out);
	CHECK_CONTAINS(out, "10.9.0.7");
	CHECK_CONTAINS(out, "fd00::7");
	CHECK_CONTAINS(out, "one.zone.test");
	CHECK_CONTAINS(out, "fc09::");
	CHECK_CONTAINS(out, "none");
	named_end();
}

/* ------------------------------------------------------------------ named of BIND */

/* Starts named(8) in the stack of the servers, with these lines in its configuration. */
static void start_bind(const char *lines)
{
	char line[400];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp() };
	FILE *f = fopen(case_path("bind.conf"), "we");

	need("named");
	CHECK(f != NULL);
	(void)fprintf(
		f,
		"options { directory \"%s\"; pid-file none; session-keyfile none; listen-on { 10.9.0.2; };\n"
		"listen-on-v6 { none; }; recursion no; dnssec-validation no; allow-query { any; };\n"
		"managed-keys-directory \"%s\"; };\ncontrols { };\n%s",
		case_tmp(), case_tmp(), lines);
	CHECK(fclose(f) == 0);
	(void)snprintf(line, sizeof(line), "exec named -g -n 1 -c bind.conf >log 2>&1");
	close((int)MUST(vdestack_spawn(up, argv, &opts, NULL)));
}

static bool has_forwarded(void *arg)
{
	(void)arg;
	return named_ask("one.example", 1, false)->records == 1;
}

CASE(named_of_bind_is_asked)
{
	FILE *f = fopen(case_path("example.zone"), "we");

	CHECK(f != NULL);
	(void)fputs("$TTL 60\n@ SOA ns root 1 3600 600 86400 30\n@ NS ns\nns A 10.9.0.2\none A 10.9.0.7\n"
		    "text TXT hello world\nalias CNAME one\n",
		    f);
	for (int i = 0; i < 100; i++)
		(void)fprintf(f, "many A 10.8.0.%d\n", i);
	CHECK(fclose(f) == 0);
	named_begin(NAMED_VDESTACK, NAMED_NETS NAMED_FORWARDS);
	start_bind("zone \"example\" { type primary; file \"example.zone\"; };\n");
	if (!wait_until(has_forwarded, NULL, 2 * SOON_MS))
		FAIL("no answer: %s", text_of(case_path("log")));
	for (int i = 0; i < 2; i++) { /* asked for, and kept */
		CHECK_CONTAINS(named_dig("@10.9.0.53 alias.example A"), "10.9.0.7");
		CHECK_CONTAINS(named_dig("@fd00::53 text.example TXT"), "\"hello\" \"world\"");
		CHECK_CONTAINS(named_dig("@10.9.0.53 +comments no.such.example"), "NXDOMAIN");
		CHECK_CONTAINS(named_dig("@10.9.0.53 +tcp +comments many.example"), "ANSWER: 100");
	}
	named_end();
}

static bool has_zone(void *serial)
{
	const char *soa = output_in(client, "dig +tries=1 +time=2 +short @10.9.0.2 zone.test SOA || true");

	return strstr(soa, serial) != NULL;
}

/* The zone is longer than a message. When its serial number has changed, it comes again. */
CASE(named_of_bind_is_a_secondary)
{
	static char text[1 << 18];
	char *at = text + sprintf(text, "%s", NAMED_NETS RECORDS);

	for (int i = 0; i < 500; i++)
		at += sprintf(at, "static TXT n%d.zone.test %0250d\n", i, i);
	named_begin(NAMED_VDESTACK, text);
	start_bind("zone \"zone.test\" { type secondary; primaries { 10.9.0.53; }; file \"copy.zone\";\n"
		   "min-refresh-time 1; max-refresh-time 2; min-retry-time 1; max-retry-time 1; };\n");
	if (!wait_until(has_zone, (void *)(uintptr_t) " 7 ", 2 * SOON_MS))
		FAIL("no zone: %s", text_of(case_path("log")));
	CHECK_CONTAINS(output_in(client, "dig +short @10.9.0.2 n499.zone.test TXT"), "499");
	CHECK_CONTAINS(output_in(client, "dig +short @10.9.0.2 _s._tcp.zone.test SRV"), "1 2 53");
	CHECK_CONTAINS(output_in(client, "dig +short @10.9.0.2 zone.test CAA"), "ca.test");
	char *serial = strstr(text, " 7 3600");
	serial[1] = '8';
	named_config(named_text(NAMED_VDESTACK, text));
	MUST(kill(named.pid, SIGHUP));
	if (!wait_until(has_zone, (void *)(uintptr_t) " 8 ", 2 * SOON_MS))
		FAIL("no new zone: %s", text_of(case_path("log")));
	named_end();
}
