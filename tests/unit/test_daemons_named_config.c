/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The configuration file of iothnamed: each word, and what is said of mistakes. */

#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/iothnamed/config.h"

static mode_t mode = 0600; /* of the file */

/* A configuration from a text. What it reports goes to `said`. */
static struct nm_config *read_text(const char *text, char *said, size_t size)
{
	char file[] = "/tmp/named-XXXXXX", errors[] = "/tmp/named-XXXXXX";
	int fd = mkstemp(file), err = mkstemp(errors), saved = dup(2);

	assert_true(fd >= 0 && err >= 0 && saved >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)fflush(stderr);
	assert_int_equal(dup2(err, 2), 2);
	struct nm_config *c = nm_config_read(file);
	(void)fflush(stderr);
	assert_int_equal(dup2(saved, 2), 2);
	ssize_t n = pread(err, said, size - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(saved);
	close(fd);
	close(err);
	unlink(file);
	unlink(errors);
	return c;
}

static struct nm_config *good(const char *text)
{
	char said[4096];
	struct nm_config *c = read_text(text, said, sizeof(said));

	if (c == NULL)
		fail_msg("%s: %s", text, said);
	assert_string_equal(said, "");
	return c;
}

/* One message, which has this piece and this line. */
static void bad(const char *text, unsigned line, const char *piece)
{
	char said[4096], where[32];

	(void)snprintf(where, sizeof(where), ":%u: ", line);
	if (read_text(text, said, sizeof(said)) != NULL)
		fail_msg("accepted: %s", text);
	if (strstr(said, piece) == NULL || (line > 0 && strstr(said, where) == NULL) ||
	    strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("%s: %s, without %s and %s", text, said, where, piece);
}

static void all_words_are_read(void **state)
{
	(void)state;
	struct nm_config *c = good("# a comment\r\n"
				   "RSTACK stack=vdestack,vnl=inproc://a\n"
				   "  rstack eth ip=10.0.0.1/24\n"
				   "fstack stack=kernel\n"
				   "dns 10.0.0.9\n"
				   "dns fc00::9   # the second\n"
				   "net all ::/0\n"
				   "net local 10.0.0.0/8\n"
				   "net local fc00::/7\n"
				   "auth accept all\n"
				   "auth Error local .bad.test\n"
				   "auth static all,local .\n"
				   "auth otip local .otip.test fc01:: pass\n"
				   "auth hash local .hash.test base.test\n"
				   "auth cache local .\n"
				   "auth hrev local host.test/64\n"
				   "auth fwd local .\n"
				   "auth axfr local zone.test\n"
				   "option hrevmode SAME\n"
				   "option hashttl 7\n"
				   "option tcplistenbacklog 9\n"
				   "option tcptimeout 3\n");
	static const enum nm_kind kinds[] = { NM_ACCEPT, NM_ERROR, NM_STATIC, NM_OTIP, NM_HASH,
					      NM_CACHE,  NM_HREV,  NM_FWD,    NM_AXFR };
	assert_int_equal(c->stacks[NM_SERVICE].n, 2);
	assert_string_equal(c->stacks[NM_SERVICE].lines[1], "eth ip=10.0.0.1/24");
	assert_string_equal(c->stacks[NM_FORWARD].lines[0], "stack=kernel");
	assert_false(c->one_stack);
	assert_int_equal(c->n_dns, 2);
	assert_true(IN6_IS_ADDR_V4MAPPED(&c->dns[0]));
	assert_int_equal(c->nets.n, 2);
	assert_int_equal(c->nets.nets[1].n, 2);
	assert_int_equal(c->rules.n, 9);
	for (size_t i = 0; i < VS_COUNT(kinds); i++)
		assert_int_equal(c->rules.rules[i].kind, kinds[i]);
	assert_int_equal(c->rules.rules[2].n_nets, 2);
	assert_string_equal(c->rules.rules[3].password, "pass");
	assert_string_equal(c->rules.rules[4].base_text, "base.test");
	assert_string_equal(c->rules.rules[6].host, "host.test");
	assert_int_equal(c->options.hrevmode, NM_HREV_SAME);
	assert_int_equal(c->options.hashttl, 7);
	assert_int_equal(c->options.tcplistenbacklog, 9);
	assert_int_equal(c->options.tcptimeout, 3);
	nm_config_free(c);
}

static void options_have_defaults(void **state)
{
	(void)state;
	struct nm_config *c = good("");
	assert_int_equal(c->options.hrevmode, NM_HREV_ALWAYS);
	assert_int_equal(c->options.hashttl, 600);
	assert_int_equal(c->options.tcplistenbacklog, 5);
	assert_int_equal(c->options.tcptimeout, 60);
	assert_int_equal(c->options.staticttl, 2147483647);
	nm_config_free(c);
}

static void mistakes_are_reported_with_their_lines(void **state)
{
	(void)state;
	bad("\nnonsense x\n", 2, "nonsense");
	bad("stacks x\n", 1, "stacks");
	bad("stack\n", 1, "stack");
	bad("stack a\nrstack b\n", 2, "rstack");
	bad("fstack a\nstack b\n", 2, "stack");
	bad("dns one\n", 1, "one");
	bad("dns ::1\ndns ::2\ndns ::3\ndns ::4\n", 4, "more than 3");
	bad("net a\n", 1, "net");
	bad("net a 10.0.0.0/33\n", 1, "10.0.0.0/33");
	bad("net a 10.0.0/8\n", 1, "10.0.0/8");
	bad("net a fc00::/129\n", 1, "fc00::/129");
	bad("net a fc00::/\n", 1, "fc00::/");
	bad("net a,b fc00::/8\n", 1, "net");
	bad("net a ::/0\nauth\n", 2, "auth");
	bad("net a ::/0\nauth maybe a .\n", 2, "maybe");
	bad("net a ::/0\nauth static b .\n", 2, "b");
	bad("net a ::/0\nauth static a, .\n", 2, "net");
	bad("net a ::/0\nauth static a\n", 2, "auth static");
	bad("net a ::/0\nauth accept a .\n", 2, "auth accept");
	bad("net a ::/0\nauth hash a .x.test\n", 2, "auth hash");
	bad("net a ::/0\nauth hash a .x.test fc00:::\n", 2, "fc00:::");
	bad("net a ::/0\nauth hash a .x.test fc00:: pw\n", 2, "auth hash");
	bad("net a ::/0\nauth otip a .x.test fc00::\n", 2, "auth otip");
	bad("net a ::/0\nauth static a a..b\n", 2, "a..b");
	bad("net a ::/0\nauth hrev a host/x\n", 2, "host/x");
	bad("net a ::/0\nauth hrev a host/129\n", 2, "host/129");
	bad("net a ::/0\nauth fwd a .\n", 0, "dns");
	bad("static\n", 1, "static");
	bad("static HINFO a.test x y\n", 1, "HINFO");
	bad("static A a.test\n", 1, "static A");
	bad("static A a.test 10.0.0.256\n", 1, "10.0.0.256");
	bad("static A a.test fc00::\n", 1, "fc00::");
	bad("static AAAA a.test 10.0.0.1\n", 1, "10.0.0.1");
	bad("static MX a.test b.test\n", 1, "MX");
	bad("static A a..test 10.0.0.1\n", 1, "a..test");
	bad("static TXT a.test \"open\n", 1, "quote");
	bad("option\n", 1, "option");
	bad("option color red\n", 1, "color");
	bad("option hashttl\n", 1, "hashttl");
	bad("option hashttl 1 2\n", 1, "hashttl");
	bad("option hashttl -1\n", 1, "hashttl");
	bad("option tcptimeout 0\n", 1, "tcptimeout");
	bad("option hrevmode sometimes\n", 1, "always net same never");
}

static void a_password_can_be_in_a_file(void **state)
{
	static const char rule[] = "net a ::/0\nauth otip a .x.test fc00::";
	char file[] = "/tmp/named-XXXXXX", text[200];
	int fd = mkstemp(file);

	(void)state;
	assert_int_equal(write(fd, "my password\nmore\n", 17), 17);
	(void)snprintf(text, sizeof(text), "%s PasswdFile %s\n", rule, file);
	struct nm_config *c = good(text);
	assert_string_equal(c->rules.rules[0].password, "my password");
	nm_config_free(c);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	(void)snprintf(text, sizeof(text), "%s passwdfile fd:%d\n", rule, fd);
	c = good(text);
	assert_string_equal(c->rules.rules[0].password, "my password");
	nm_config_free(c);
	(void)snprintf(text, sizeof(text), "%s passwdfile\n", rule); /* a password, as before */
	c = good(text);
	assert_string_equal(c->rules.rules[0].password, "passwdfile");
	nm_config_free(c);
	assert_int_equal(ftruncate(fd, 0), 0);
	(void)snprintf(text, sizeof(text), "%s passwdfile %s\n", rule, file);
	bad(text, 2, "first line is empty");
	(void)snprintf(text, sizeof(text), "%s passwdfile relative\n", rule);
	bad(text, 2, "absolute path");
	(void)snprintf(text, sizeof(text), "%s passwdfile /dev/zero\n", rule);
	bad(text, 2, "regular file");
	(void)snprintf(text, sizeof(text), "%s passwdfile /nowhere/file\n", rule);
	bad(text, 2, "No such file");
	(void)snprintf(text, sizeof(text), "%s otherfile %s\n", rule, file);
	bad(text, 2, "passwdfile FILE");
	close(fd);
	unlink(file);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	(void)snprintf(text, sizeof(text), "%s passwdfile fd:%d\n", rule, ends[0]);
	bad(text, 2, "timed out"); /* nothing has been written */
	close(ends[0]);
	close(ends[1]);
}

static void a_password_that_all_users_can_read_is_noticed(void **state)
{
	static const char text[] = "net a ::/0\nauth otip a .x.test fc00:: pw\n";
	char said[4096];

	(void)state;
	mode = 0644;
	nm_config_free(read_text(text, said, sizeof(said)));
	assert_non_null(strstr(said, ":2: all users can read this password"));
	mode = 0640;
	nm_config_free(good(text));
	mode = 0644;
	nm_config_free(good("net a ::/0\nauth hash a .x.test fc00::\n"));
}

/* A message has room for a record of 65000 bytes. */
static void records_that_fit_in_no_message_are_refused(void **state)
{
	static char text[70000] = "static TXT a.test";

	(void)state;
	for (int i = 0; i < 32600; i++)
		(void)strcpy(text + 17 + 2L * i, " x");
	bad(text, 1, "longer than");
	text[17 + 2 * 32400] = '\0';
	nm_config_free(good(text));
}

static void all_mistakes_are_reported_at_once(void **state)
{
	char said[4096];

	(void)state;
	assert_null(read_text("dns x\nnet\nfoo\noption hashttl x\n", said, sizeof(said)));
	for (char line[8] = ":1: "; line[1] <= '4'; line[1]++)
		assert_non_null(strstr(said, line));
}

static void networks_have_no_limit_and_may_come_later(void **state)
{
	(void)state;
	char text[16384] = "auth static n99,n1 .\n";
	for (int i = 0; i < 100; i++)
		(void)sprintf(text + strlen(text), "net n%d 10.0.%d.0/24\n", i, i);
	struct nm_config *c = good(text);
	struct nm_name name;
	struct in6_addr in, out;
	size_t at = 0;
	assert_true(nm_name_read(&name, "any.test"));
	assert_true(nm_addr_read(&in, "10.0.99.7", NULL) && nm_addr_read(&out, "10.0.98.7", NULL));
	assert_ptr_equal(nm_rules_next(&c->rules, &c->nets, &in, &name, &at), &c->rules.rules[0]);
	at = 0;
	assert_null(nm_rules_next(&c->rules, &c->nets, &out, &name, &at));
	nm_config_free(c);
}

static struct nm_answer ask(const struct nm_config *c, const char *text, ldns_rr_type type)
{
	struct nm_answer a = { .rcode = -1 };
	struct nm_name name, end;

	assert_true(nm_name_read(&name, text));
	assert_int_equal(nm_zone_answer(&c->zone, &name, (uint16_t)type, &a, &end), 0);
	return a;
}

static void check(const struct nm_config *c, const char *text, ldns_rr_type type, int rcode, size_t n)
{
	struct nm_answer a = ask(c, text, type);

	assert_int_equal(a.rcode, rcode);
	assert_int_equal(a.answer != NULL ? ldns_rr_list_rr_count(a.answer) : 0, n);
	nm_answer_clear(&a);
}

static void static_records_answer(void **state)
{
	(void)state;
	struct nm_config *c = good("static A One.Test 10.0.0.1\nstatic A one.test 10.0.0.2\n"
				   "static AAAA one.test fc00::1\nstatic CNAME www.test one.test\n"
				   "static CNAME loop.test loop.test\nstatic MX mail.test 10 one.test\n"
				   "static TXT deep.below.test 'a b' \"c\" ''\nstatic PTR 10.0.0.1 one.test\n"
				   "static PTR fc00::1 one.test\nstatic NS test ns.test\n"
				   "static SRV _s._tcp.test 0 0 53 one.test\nstatic CAA test 0 issue \"x\"\n"
				   "static SOA test a.test b.test 1 2 3 4 5\n");
	check(c, "ONE.test", LDNS_RR_TYPE_A, LDNS_RCODE_NOERROR, 2);
	check(c, "one.test.", LDNS_RR_TYPE_AAAA, LDNS_RCODE_NOERROR, 1);
	check(c, "one.test", LDNS_RR_TYPE_ANY, LDNS_RCODE_NOERROR, 3);
	check(c, "one.test", LDNS_RR_TYPE_MX, LDNS_RCODE_NOERROR, 0);
	check(c, "www.test", LDNS_RR_TYPE_A, LDNS_RCODE_NOERROR, 3);
	check(c, "www.test", LDNS_RR_TYPE_CNAME, LDNS_RCODE_NOERROR, 1);
	check(c, "below.test", LDNS_RR_TYPE_A, LDNS_RCODE_NOERROR, 0); /* there are names below it */
	check(c, "ow.test", LDNS_RR_TYPE_A, LDNS_RCODE_NXDOMAIN, 0);
	check(c, "two.test", LDNS_RR_TYPE_A, LDNS_RCODE_NXDOMAIN, 0);
	check(c, "1.0.0.10.in-addr.arpa", LDNS_RR_TYPE_PTR, LDNS_RCODE_NOERROR, 1);
	check(c, "_s._tcp.test", LDNS_RR_TYPE_SRV, LDNS_RCODE_NOERROR, 1);
	struct nm_answer a = ask(c, "loop.test", LDNS_RR_TYPE_A); /* it ends */
	nm_answer_clear(&a);
	a = ask(c, "deep.below.test", LDNS_RR_TYPE_TXT);
	char *text = ldns_rr2str(ldns_rr_list_rr(a.answer, 0));
	assert_string_equal(text, "deep.below.test.\t2147483647\tIN\tTXT\t\"a b\" \"c\" \"\"\n");
	free(text);
	nm_answer_clear(&a);
	struct nm_name name;
	assert_true(nm_name_read(&name, "no.such.test"));
	const ldns_rr *soa = nm_zone_soa(&c->zone, &name);
	assert_non_null(soa);
	text = ldns_rr2str(soa);
	assert_string_equal(text, "test.\t2147483647\tIN\tSOA\ta.test. b.test. 1 2 3 4 5\n");
	free(text);
	nm_config_free(c);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_words_are_read),
	cmocka_unit_test(options_have_defaults),
	cmocka_unit_test(mistakes_are_reported_with_their_lines),
	cmocka_unit_test(a_password_can_be_in_a_file),
	cmocka_unit_test(a_password_that_all_users_can_read_is_noticed),
	cmocka_unit_test(records_that_fit_in_no_message_are_refused),
	cmocka_unit_test(all_mistakes_are_reported_at_once),
	cmocka_unit_test(networks_have_no_limit_and_may_come_later),
	cmocka_unit_test(static_records_answer),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
