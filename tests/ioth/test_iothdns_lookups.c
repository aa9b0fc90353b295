/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lookups: a resolver asks name servers of the test, which may be silent, broken or lie. */

#include <arpa/nameser.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "iothdns_ground.h"

#define FALSE_ADDR 0x06060606u

static struct name_server server;

/* ------------------------------------------------------------------ a name server of the test */

static const uint8_t v6_a[16] = { 0xfd, [15] = 7 }, v6_b[16] = { 0xfd, [15] = 8 };

static void put_mx(struct dns_message *m, const char *owner, unsigned preference, const char *host)
{
	struct dns_message data = { .n = 0 };

	dns_put16(&data, preference);
	dns_put_name(&data, host);
	dns_record(m, 1, owner, ns_t_mx, 60, data.bytes, data.n);
}

static void put_addresses(const struct question *q, struct dns_message *m, unsigned n4, unsigned n6)
{
	for (unsigned i = 0; q->type == ns_t_a && i < n4; i++)
		dns_a(m, q->name, 60, 0x0a090007 + i);
	for (unsigned i = 0; q->type == ns_t_aaaa && i < n6; i++)
		dns_record(m, 1, q->name, ns_t_aaaa, 60, i == 0 ? v6_a : v6_b, 16);
}

/* A zone. Names outside of it do not exist. */
static bool answer(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (strcmp(q->name, "both.example") == 0) {
		put_addresses(q, m, 1, 2);
	} else if (strcmp(q->name, "www.in.example") == 0 || strcmp(q->name, "four.example") == 0 ||
		   q->name[0] == 'n') {
		put_addresses(q, m, 1, 0);
	} else if (strcmp(q->name, "bare") == 0) {
		put_addresses(q, m, 2, 0);
	} else if (strcmp(q->name, "many.example") == 0) { /* 60 addresses are more than 512 bytes */
		if (!q->tcp)
			m->bytes[2] |= 2; /* TC */
		put_addresses(q, m, q->tcp ? 60 : 30, 0);
	} else if (strcmp(q->name, "mail.example") == 0 && q->type == ns_t_mx) {
		put_mx(m, q->name, 10, "mx.example");
		put_mx(m, q->name, 20, "far.away");
		dns_record(m, 3, "mx.example", ns_t_a, 60, "\x0a\x09\0\x07", 4);
	} else if (strcmp(q->name, "text.example") == 0 && q->type == ns_t_txt) {
		dns_record(m, 1, q->name, ns_t_txt, 60, "\5hello\0\3a\0b", 11);
		dns_record(m, 1, q->name, ns_t_txt, 60, "\5world", 6);
	} else if (strcmp(q->name, "void.example") == 0 && q->type == ns_t_null) {
		dns_record(m, 1, q->name, ns_t_null, 60, "", 0);
	} else if (strcmp(q->name, "alias.example") == 0 && q->type == ns_t_a) {
		dns_cname(m, q->name, 60, "both.example");
		dns_a(m, "both.example", 60, 0x0a090007);
	} else if (strcmp(q->name, "empty.example") != 0) {
		m->bytes[3] |= ns_r_nxdomain;
	}
	if (m->bytes[7] == 0)
		dns_soa(m, "example", 60, 60);
	return true;
}

static struct iothdns *begin_with(answer_fn *fn, const char *config)
{
	ground_begin();
	name_server_start(&server, far, fn);
	return ground_dns(config);
}

static void end(struct iothdns *dns)
{
	iothdns_fini(dns);
	name_server_stop(&server);
	ground_end();
}

/* ------------------------------------------------------------------ addresses */

CASE(addresses_are_counted_and_as_many_as_fit_are_written)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	struct in_addr a[2] = { { 1 }, { 1 } };
	struct in6_addr aaaa[4];

	CHECK_EQ(iothdns_lookup_a(dns, "both.example", a, 2), 1);
	CHECK_EQ(a[0].s_addr, htonl(0x0a090007));
	CHECK_EQ(a[1].s_addr, 1); /* as before */
	CHECK_EQ(iothdns_lookup_a(dns, "both.example", NULL, 0), 1);
	memset(aaaa, 1, sizeof(aaaa));
	CHECK_EQ(iothdns_lookup_aaaa(dns, "both.example", aaaa, 1), 2);
	CHECK_EQ(aaaa[1].s6_addr[0], 1);
	CHECK_EQ(iothdns_lookup_aaaa(dns, "four.example", aaaa, 1), 0);
	CHECK_EQ(iothdns_lookup_a(dns, "empty.example", a, 2), 0);
	CHECK_ERRNO(iothdns_lookup_a(dns, "absent.example", a, 2), ENOENT);
	CHECK_ERRNO(iothdns_lookup_aaaa(dns, "absent.example", aaaa, 1), ENOENT);
	end(dns);
}

CASE(both_families_in_one_list_are_ipv6_first)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	struct in6_addr list[4], mapped;

	CHECK_EQ(inet_pton(AF_INET6, "::ffff:10.9.0.7", &mapped), 1);
	memset(list, 1, sizeof(list));
	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "both.example", list, 4), 3);
	CHECK(IN6_ARE_ADDR_EQUAL(&list[2], &mapped));
	CHECK_EQ(list[0].s6_addr[0], 0xfd);
	CHECK_EQ(list[3].s6_addr[0], 1);
	memset(list, 1, sizeof(list));
	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "both.example", list, 2), 3);
	CHECK_EQ(list[2].s6_addr[0], 1);
	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "bare.", list, 2), 2);
	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "four.example", list, 1), 1);
	CHECK(IN6_ARE_ADDR_EQUAL(&list[0], &mapped));
	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "empty.example", list, 1), 0);
	CHECK_ERRNO(iothdns_lookup_aaaa_compat(dns, "absent.example", list, 1), ENOENT);
	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "192.0.2.1", list, 1), 1);
	CHECK_EQ(list[0].s6_addr[12], 192);
	end(dns);
}

CASE(addresses_as_text_are_converted_and_no_server_is_asked)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	struct in_addr a;
	struct in6_addr aaaa;

	CHECK_EQ(iothdns_lookup_a(dns, "192.0.2.1", &a, 1), 1);
	CHECK_EQ(a.s_addr, htonl(0xc0000201));
	CHECK_EQ(iothdns_lookup_aaaa(dns, "fc00::1", &aaaa, 1), 1);
	CHECK_EQ(iothdns_lookup_a(dns, "fc00::1", &a, 1), 0);
	CHECK_EQ(iothdns_lookup_aaaa(dns, "192.0.2.1", &aaaa, 1), 0);
	CHECK_EQ(server.questions, 0);
	end(dns);
}

CASE(what_is_no_question_is_refused)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	struct in_addr a;
	char long_name[400];

	memset(long_name, 'a', sizeof(long_name));
	long_name[399] = '\0';
	CHECK_ERRNO(iothdns_lookup_a(NULL, "both.example", &a, 1), EINVAL);
	CHECK_ERRNO(iothdns_lookup_a(dns, NULL, &a, 1), EINVAL);
	CHECK_ERRNO(iothdns_lookup_a(dns, "both.example", &a, -1), EINVAL);
	CHECK_ERRNO(iothdns_lookup_a(dns, "both.example", NULL, 1), EINVAL);
	CHECK_ERRNO(iothdns_lookup_a(dns, long_name, &a, 1), ENOENT);
	CHECK_ERRNO(iothdns_lookup_a(dns, "a..b", &a, 1), ENOENT);
	CHECK_ERRNO(iothdns_lookup_cb(dns, "both.example", ns_t_a, NULL, NULL), EINVAL);
	CHECK_EQ(server.questions, 0);
	iothdns_fini(NULL);
	end(dns);
}

CASE(a_dot_at_the_end_and_the_search_list_are_followed)
{
	struct iothdns *dns = begin_with(answer, "nameserver 10.9.0.2\nsearch not.example in.example\n");

	CHECK_STR(ground_a(dns, "four.example."), "10.9.0.7");
	CHECK_STR(ground_a(dns, "FOUR.example"), "10.9.0.7");
	CHECK_STR(ground_a(dns, "www"), "10.9.0.7"); /* www.in.example */
	CHECK_STR(ground_a(dns, "www."), "ENOENT");  /* as it is */
	/* In no domain, so as it is. The order is that of RFC 6724: 10.9.0.8 is nearer to 10.9.0.9. */
	CHECK_STR(ground_a(dns, "bare"), "10.9.0.8 10.9.0.7");
	end(dns);
}

CASE(more_than_fits_a_datagram_is_asked_for_by_tcp)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	struct in_addr a[100];
	int fds = count_fds();

	CHECK_EQ(iothdns_lookup_a(dns, "many.example", a, 100), 60);
	CHECK_EQ(server.tcp_questions, 1);
	for (int i = 0; i < 60; i++) /* each address once */
		for (int j = 0; j < i; j++)
			CHECK(a[i].s_addr != a[j].s_addr);
	CHECK_EQ(count_fds(), fds);
	end(dns);
}

/* ------------------------------------------------------------------ settings */

CASE(a_list_of_name_servers_may_stand_in_memory_that_is_only_read)
{
	static const char list[] = "10.9.0.2,10.9.0.66"; /* the older library wrote into it */
	struct iothdns *dns = begin_with(answer, list);

	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7");
	MUST(iothdns_update_strcfg(dns, (char *)(uintptr_t) "nameserver 10.9.0.2\nsearch in.example"));
	CHECK_STR(ground_a(dns, "www"), "10.9.0.7");
	MUST(iothdns_update_strcfg(dns, (char *)(uintptr_t) ""));
	CHECK_STR(ground_a(dns, "n.example"), "EAGAIN"); /* nobody to ask */
	MUST(iothdns_update_strcfg(dns, (char *)(uintptr_t) ",fc00::66,,10.9.0.2,"));
	CHECK_STR(ground_a(dns, "n.example"), "10.9.0.7");
	end(dns);
}

CASE(three_name_servers_can_be_added)
{
	static const char *const added[] = { "10.9.0.66", "10.9.0.67", "10.9.0.2", "10.9.0.68", "10.9.0.2" };
	struct iothdns *dns = begin_with(answer, "");
	struct in6_addr v6 = IN6ADDR_LOOPBACK_INIT;

	for (int i = 0; i < 5; i++) {
		struct in_addr a;
		CHECK_EQ(inet_pton(AF_INET, added[i], &a), 1);
		if (i < 3)
			MUST(iothdns_add_nameserver(dns, AF_INET, &a));
		else
			CHECK_ERRNO(iothdns_add_nameserver(dns, AF_INET, &a), ENOSPC);
	}
	CHECK_ERRNO(iothdns_add_nameserver(dns, AF_INET6, &v6), ENOSPC);
	CHECK_ERRNO(iothdns_add_nameserver(dns, AF_UNIX, &v6), EAFNOSUPPORT);
	CHECK_ERRNO(iothdns_add_nameserver(dns, AF_INET6, NULL), EINVAL);
	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7"); /* by the third */
	CHECK(server.questions >= 1);
	end(dns);
}

CASE(a_name_server_that_is_added_to_a_file_is_asked)
{
	struct in_addr addr = { htonl(0x0a090002) };

	ground_begin();
	name_server_start(&server, far, answer);
	ground_write(case_path("conf"), "; of this network\nsearch in.example\noptions attempts:1 # one");
	struct iothdns *dns = iothdns_init(home, (char *)(uintptr_t)case_path("conf"));
	CHECK(dns != NULL);
	CHECK_STR(ground_a(dns, "www"), "EAGAIN");
	MUST(iothdns_add_nameserver(dns, AF_INET, &addr));
	CHECK_STR(ground_a(dns, "www"), "10.9.0.7");
	end(dns);
}

CASE(the_fourth_name_server_of_a_text_does_not_count)
{
	struct iothdns *dns = begin_with(answer, "nameserver 10.9.0.66\n  nameserver 10.9.0.67\n"
						 "\tnameserver\t10.9.0.68\n nameserver 10.9.0.2\n");

	CHECK_STR(ground_a(dns, "four.example"), "EAGAIN");
	CHECK_EQ(server.questions, 0);
	end(dns);
}

CASE(settings_that_cannot_be_read_change_nothing)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	char *fifo = strdup(case_path("fifo")), *absent = strdup(case_path("absent"));
	int fds = count_fds();

	MUST(mkfifo(fifo, 0644));
	CHECK_ERRNO(iothdns_update(dns, absent), ENOENT);
	CHECK_ERRNO(iothdns_update(dns, fifo), EINVAL);
	CHECK_ERRNO(iothdns_update(dns, (char *)(uintptr_t)case_tmp()), EISDIR);
	CHECK_ERRNO(iothdns_update(NULL, absent), EINVAL);
	CHECK_ERRNO(iothdns_update_strcfg(NULL, absent), EINVAL);
	CHECK_ERRNO(iothdns_init(home, absent), ENOENT);
	CHECK_ERRNO(iothdns_init(home, fifo), EINVAL);
	char *large = calloc(1, 70000);
	CHECK(large != NULL);
	memset(large, '#', 69999);
	CHECK_ERRNO(iothdns_update_strcfg(dns, large), EINVAL);
	ground_write(case_path("large"), large);
	CHECK_ERRNO(iothdns_update(dns, (char *)(uintptr_t)case_path("large")), EINVAL);
	CHECK_EQ(count_fds(), fds);
	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7");
	free(large);
	free(fifo);
	free(absent);
	end(dns);
}

/* ------------------------------------------------------------------ records */

struct seen {
	int n, stop_after;
	char text[1000];
};

__attribute__((format(printf, 2, 3))) static void say(struct seen *s, const char *fmt, ...)
{
	size_t at = strlen(s->text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s->text + at, sizeof(s->text) - at, fmt, ap);
	va_end(ap);
}

static int see(int section, struct iothdns_rr *rr, struct iothdns_pkt *pkt, void *arg)
{
	char name[IOTHDNS_MAXNAME], string[IOTHDNS_MAXSTRING];
	struct seen *s = arg;
	uint8_t addr[4] = { 0 };

	say(s, "%d %s %d", section, rr->name, rr->type);
	if (rr->type == IOTHDNS_TYPE_MX)
		say(s, " %d", iothdns_get_int16(pkt));
	if (rr->type == IOTHDNS_TYPE_MX || rr->type == IOTHDNS_TYPE_CNAME)
		say(s, " %s", iothdns_get_name(pkt, name));
	else if (rr->type == IOTHDNS_TYPE_TXT)
		while (iothdns_get_string(pkt, string) != NULL)
			say(s, " \"%s\"", string);
	else if (iothdns_get_a(pkt, addr) != NULL)
		say(s, " %d.%d.%d.%d", addr[0], addr[1], addr[2], addr[3]);
	else
		say(s, " %d bytes", rr->rdlength);
	say(s, "\n");
	return ++s->n == s->stop_after;
}

static const char *records(struct iothdns *dns, const char *name, int type, bool tcp, int stop_after)
{
	static struct seen s;

	s = (struct seen){ .stop_after = stop_after };
	int r = (tcp ? iothdns_lookup_cb_tcp : iothdns_lookup_cb)(dns, name, type, see, &s);
	return r < 0 ? strerrorname_np(errno) : s.text;
}

CASE(each_record_of_a_reply_is_shown_with_its_data)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	const char *mail = "1 mail.example 15 10 mx.example\n1 mail.example 15 20 far.away\n"
			   "3 mx.example 1 10.9.0.7\n";

	CHECK_STR(records(dns, "mail.example", IOTHDNS_TYPE_MX, false, 0), mail);
	CHECK_STR(records(dns, "mail.example.", IOTHDNS_TYPE_MX, false, 1),
		  "1 mail.example 15 10 mx.example\n");
	CHECK_STR(records(dns, "text.example", IOTHDNS_TYPE_TXT, false, 0),
		  "1 text.example 16 \"hello\" \"\" \"a\"\n1 text.example 16 \"world\"\n");
	CHECK_STR(records(dns, "void.example", IOTHDNS_TYPE_NULL, false, 0), "1 void.example 10 0 bytes\n");
	CHECK_STR(records(dns, "alias.example", IOTHDNS_TYPE_A, false, 0),
		  "1 alias.example 5 both.example\n1 both.example 1 10.9.0.7\n");
	CHECK_EQ(server.tcp_questions, 0);
	CHECK_STR(records(dns, "mail.example", IOTHDNS_TYPE_MX, true, 0), mail);
	CHECK_EQ(server.tcp_questions, 1);
	end(dns);
}

CASE(without_records_nothing_is_shown)
{
	struct iothdns *dns = begin_with(answer, "nameserver 10.9.0.2\nsearch in.example\n");

	CHECK_STR(records(dns, "empty.example", IOTHDNS_TYPE_MX, false, 0), "");
	CHECK_STR(records(dns, "empty.example", IOTHDNS_TYPE_MX, true, 0), "");
	CHECK_STR(records(dns, "absent.example", IOTHDNS_TYPE_MX, false, 0), "ENOENT");
	CHECK_STR(records(dns, "absent.example", IOTHDNS_TYPE_MX, true, 0), "ENOENT");
	CHECK_STR(records(dns, "www", IOTHDNS_TYPE_A, false, 0), "ENOENT"); /* no search list */
	end(dns);
}

/* Records of several types; a failure for AAAA; a second record that is cut. */
static bool answer_more(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (q->type == ns_t_aaaa)
		m->bytes[3] |= ns_r_servfail;
	else
		dns_a(m, q->name, 60, 0x0a090007);
	if (q->type == ns_t_any)
		put_mx(m, q->name, 10, "mx.example");
	if (strcmp(q->name, "cut.example") == 0)
		m->bytes[11] = 1;
	return true;
}

CASE(records_of_all_types_are_asked_for_by_tcp)
{
	struct iothdns *dns = begin_with(answer_more, "10.9.0.2");
	const char *all = "1 all.example 1 10.9.0.7\n1 all.example 15 10 mx.example\n";

	CHECK_STR(records(dns, "all.example", IOTHDNS_TYPE_ANY, true, 0), all);
	CHECK_STR(records(dns, "all.example", IOTHDNS_TYPE_ANY, false, 0), all);
	CHECK_EQ(server.questions, server.tcp_questions);
	CHECK_ERRNO(iothdns_lookup_cb(dns, "all.example", 252, see, NULL), ENOENT); /* AXFR */
	end(dns);
}

CASE(a_reply_that_breaks_off_is_an_error)
{
	struct iothdns *dns = begin_with(answer_more, "10.9.0.2");

	CHECK_STR(records(dns, "cut.example", IOTHDNS_TYPE_A, false, 0), "EBADMSG");
	CHECK_STR(records(dns, "cut.example", IOTHDNS_TYPE_A, false, 1), "1 cut.example 1 10.9.0.7\n");
	end(dns);
}

CASE(ipv4_is_found_although_the_question_for_ipv6_fails)
{
	struct iothdns *dns = begin_with(answer_more, "10.9.0.2");
	struct in6_addr list[1];

	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "four.example", list, 1), 1);
	CHECK_EQ(list[0].s6_addr[15], 7);
	CHECK_ERRNO(iothdns_lookup_aaaa(dns, "four.example", list, 1), EAGAIN);
	end(dns);
}

/* Questions for IPv6 are lost. */
static bool answer_v4_only(const struct question *q, struct dns_message *m)
{
	return q->type != ns_t_aaaa && answer(q, m);
}

CASE(ipv4_is_found_although_nobody_answers_the_question_for_ipv6)
{
	struct iothdns *dns = begin_with(answer_v4_only, "nameserver 10.9.0.2\noptions attempts:1");
	struct in6_addr list[1];

	CHECK_EQ(iothdns_lookup_aaaa_compat(dns, "both.example", list, 1), 1);
	CHECK(IN6_IS_ADDR_V4MAPPED(&list[0]) && list[0].s6_addr[15] == 7);
	CHECK_ERRNO(iothdns_lookup_aaaa(dns, "both.example", list, 1), EAGAIN);
	end(dns);
}

struct kept {
	uint32_t ttl_s;
	uint16_t id, flags;
};

/* Notes what it sees, and spoils its copy. */
static int spoil(int section, struct iothdns_rr *rr, struct iothdns_pkt *pkt, void *arg)
{
	struct kept *k = arg;

	(void)section;
	k->ttl_s = rr->ttl;
	iothdns_retrieve_header(pkt, &k->id, &k->flags);
	iothdns_rewrite_header(pkt, (uint16_t)~k->id, 0);
	return 1;
}

static bool has_aged(void *dns)
{
	struct kept k;

	MUST(iothdns_lookup_cb(dns, "four.example", IOTHDNS_TYPE_A, spoil, &k));
	return k.ttl_s < 60;
}

CASE(a_kept_reply_ages_and_is_not_changed_by_who_sees_it)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	struct kept first, second;

	MUST(iothdns_lookup_cb(dns, "four.example", IOTHDNS_TYPE_A, spoil, &first));
	MUST(iothdns_lookup_cb(dns, "four.example", IOTHDNS_TYPE_A, spoil, &second));
	CHECK_EQ(first.id, second.id);
	CHECK_EQ(first.flags, second.flags);
	CHECK(wait_until(has_aged, dns, SOON_MS));
	end(dns);
}

CASE(the_time_limit_of_the_settings_counts)
{
	struct iothdns *dns = begin_with(answer, "nameserver 10.9.0.66\noptions timeout:3 attempts:1\n");
	long long start = now_us();

	CHECK_STR(ground_a(dns, "four.example"), "EAGAIN");
	CHECK(now_us() - start > 2500000);
	end(dns);
}

/* ------------------------------------------------------------------ servers that are broken or lie */

static bool answer_servfail(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180 | ns_r_servfail, q->name, q->type);
	return true;
}

CASE(after_a_failure_the_next_server_is_asked)
{
	struct iothdns *dns =
		begin_with(answer, "nameserver 10.9.0.3\nnameserver 10.9.0.2\noptions timeout:9");
	struct vdestack *other = new_stack("vnl=inproc://names nodad ip=10.9.0.3/24");
	static struct name_server failing;

	name_server_start(&failing, other, answer_servfail);
	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7");
	CHECK_EQ(failing.questions, 1);
	CHECK_EQ(server.questions, 1);
	name_server_stop(&failing);
	MUST(vdestack_delete(other));
	end(dns);
}

CASE(a_dead_server_delays_a_lookup_and_does_not_fail_it)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.66,10.9.0.2");

	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7");
	end(dns);
}

CASE(without_an_answer_a_lookup_ends_in_time)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.66");
	long long start = now_us();

	CHECK_STR(ground_a(dns, "four.example"), "EAGAIN");
	CHECK_STR(records(dns, "four.example", IOTHDNS_TYPE_A, true, 0), "EAGAIN");
	CHECK(now_us() - start < 40 * 1000000LL); /* ten seconds each */
	end(dns);
}

static void send_now(const struct question *q, const struct dns_message *m)
{
	MUST(sendto(q->fd, m->bytes, m->n, 0, q->from, q->from_len));
}

/* Wrong replies first, then the right one, with the question in capitals. */
static bool answer_wrong_first(const struct question *q, struct dns_message *m)
{
	char name[256];

	dns_begin(m, q->id ^ 1, 0x8180, q->name, q->type); /* another identifier */
	dns_a(m, q->name, 60, FALSE_ADDR);
	send_now(q, m);
	dns_begin(m, q->id, 0x8180, "other.example", q->type); /* another name */
	dns_a(m, "other.example", 60, FALSE_ADDR);
	send_now(q, m);
	dns_begin(m, q->id, 0x8180, q->name, ns_t_txt); /* another type */
	dns_a(m, q->name, 60, FALSE_ADDR);
	send_now(q, m);
	dns_begin(m, q->id, 0x0100, q->name, q->type); /* a question */
	send_now(q, m);
	m->n = 11; /* cut */
	send_now(q, m);
	for (size_t i = 0; i <= strlen(q->name); i++)
		name[i] = (char)(q->name[i] >= 'a' && q->name[i] <= 'z' ? q->name[i] - 32 : q->name[i]);
	dns_begin(m, q->id, 0x8180, name, q->type);
	dns_a(m, name, 60, 0x0a090007);
	return true;
}

CASE(wrong_replies_are_passed_over_and_the_right_one_is_taken)
{
	struct iothdns *dns = begin_with(answer_wrong_first, "nameserver 10.9.0.2\noptions timeout:9");

	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7");
	CHECK_EQ(server.questions, 1);
	end(dns);
}

/* An answer to the question, with records of other names and a name that points to itself. */
static bool answer_lies(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (strcmp(q->name, "four.example") == 0) {
		dns_a(m, "victim.example", 60, FALSE_ADDR);
		dns_a(m, q->name, 60, 0x0a090007);
		dns_record(m, 3, "victim.example", ns_t_a, 60, "\6\6\6\6", 4);
	} else if (strcmp(q->name, "loop.example") == 0) {
		m->bytes[7] = 1;
		size_t at = m->n;
		dns_put16(m, 0xc000 | (unsigned)at);
		dns_put16(m, ns_t_a);
		dns_put16(m, 1);
		dns_put32(m, 60);
		dns_put16(m, 0);
	} else if (strcmp(q->name, "round.example") == 0) {
		dns_cname(m, q->name, 60, "round2.example");
		dns_cname(m, "round2.example", 60, q->name);
	} else if (strcmp(q->name, "cut.example") == 0) {
		dns_a(m, q->name, 60, FALSE_ADDR);
		m->n -= 2;
	} else {
		m->bytes[3] |= ns_r_nxdomain;
		dns_soa(m, "example", 60, 60);
	}
	return true;
}

CASE(lies_of_a_server_are_not_believed)
{
	struct iothdns *dns = begin_with(answer_lies, "10.9.0.2");
	struct in_addr a;

	CHECK_STR(ground_a(dns, "four.example"), "10.9.0.7");
	CHECK_STR(ground_a(dns, "victim.example"), "ENOENT"); /* was not kept */
	CHECK_ERRNO(iothdns_lookup_a(dns, "loop.example", &a, 1), EAGAIN);
	CHECK_ERRNO(iothdns_lookup_a(dns, "round.example", &a, 1), EAGAIN);
	CHECK_ERRNO(iothdns_lookup_a(dns, "cut.example", &a, 1), EAGAIN);
	end(dns);
}
