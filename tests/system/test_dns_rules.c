/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rules of RFCs and of POSIX that a resolver has to keep, and that are easily forgotten. What name servers
 * really answer, and what hostile ones send, is in the tests beside this one.
 */

#include <arpa/nameser.h>
#include <pthread.h>

#include "name_server.h"
#include "stacks.h"
#include <vdestack/dns.h>

static struct name_server server, other;
static struct vdestack *home, *far;
static struct vdestack_dns *dns;

static void begin(answer_fn *answer, struct vdestack_dns_opts opts)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24 ip=fd00:9::1/64 nodad");
	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24 ip=10.9.0.3/24 ip=fd00:9::2/64 nodad");
	if (answer != NULL)
		name_server_start(&server, far, answer);
	opts.size = sizeof(opts);
	if (opts.servers == NULL)
		opts.servers = "10.9.0.2";
	dns = vdestack_dns_new(home, &opts);
	CHECK(dns != NULL);
}

static void end(bool served)
{
	vdestack_dns_delete(dns);
	if (served)
		name_server_stop(&server);
}

static int look_up(const char *name)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *res;
	int code = vdestack_dns_getaddrinfo(dns, name, "80", &hints, &res);

	if (code == 0)
		vdestack_freeaddrinfo(res);
	return code;
}

static bool answer_a(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, 300, 0x0a090007);
	return true;
}

/* ------------------------------------------------------------------ threads */

static bool say_nothing(const struct question *q, struct dns_message *m)
{
	(void)q, (void)m;
	return false;
}

static void *look_up_slowly(void *arg)
{
	(void)arg;
	(void)look_up("slow.example");
	pthread_testcancel();
	return NULL;
}

static bool is_asked(void *arg)
{
	(void)arg;
	return atomic_load(&server.questions) > 0;
}

/* The address sanitizer writes to the stack of a cancelled thread after its end. */
CASE_FLAGS(a_cancelled_thread_leaves_no_descriptor_and_no_lock,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	pthread_t thread;
	void *result;

	begin(say_nothing, (struct vdestack_dns_opts){ .deadline_ms = 700 });
	CHECK_EQ(look_up("first.example"), EAI_AGAIN); /* what is opened once is open now */
	int before = count_fds();
	atomic_store(&server.questions, 0);
	CHECK_EQ(pthread_create(&thread, NULL, look_up_slowly, NULL), 0);
	CHECK(wait_until(is_asked, NULL, SOON_MS));
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(count_fds(), before);
	CHECK_EQ(look_up("second.example"), EAI_AGAIN);
	end(true);
}

/* ------------------------------------------------------------------ what is not asked */

CASE(types_that_no_record_has_are_refused)
{
	static const int types[] = { 0, 41 /* OPT */, 128, 249 /* TKEY */, 250 /* TSIG */, 251 /* IXFR */,
				     252 /* AXFR */, 254, 65536 };
	const struct vdestack_dns_answer *answer;

	begin(answer_a, (struct vdestack_dns_opts){ 0 });
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK_EQ(vdestack_dns_query(dns, "one.example", types[i], &answer), EAI_NONAME);
	CHECK(strstr(vdestack_dns_last_error(), "type") != NULL);
	CHECK_EQ(atomic_load(&server.questions), 0);
	CHECK_EQ(vdestack_dns_query(dns, "one.example", 257, &answer), EAI_NODATA);
	end(true);
}

/* An alias beside another record. */
static bool answer_any(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, 60, 0x0a090007);
	dns_cname(m, q->name, 60, "two.example");
	return true;
}

CASE(records_of_all_types_are_asked_for_with_any)
{
	const struct vdestack_dns_answer *answer;

	begin(answer_any, (struct vdestack_dns_opts){ 0 });
	CHECK_EQ(vdestack_dns_query(dns, "one.example", ns_t_any, &answer), 0);
	CHECK_EQ(answer->n, 2);
	CHECK_STR(answer->name, "one.example");
	vdestack_dns_free_answer(answer);
	end(true);
}

static unsigned ttl_in_message(const struct vdestack_dns_answer *answer)
{
	const unsigned char *at = answer->records[0].data - 6;

	return (unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
}

static bool has_aged(void *arg)
{
	const struct vdestack_dns_answer *answer;

	CHECK_EQ(vdestack_dns_query(dns, "one.example", ns_t_a, &answer), 0);
	unsigned ttl_s = answer->records[0].ttl_s;
	CHECK_EQ(ttl_in_message(answer), ttl_s);
	vdestack_dns_free_answer(answer);
	return ttl_s < *(unsigned *)arg;
}

CASE(the_message_of_a_kept_answer_has_the_ttls_that_are_left)
{
	unsigned ttl_s = 300;

	begin(answer_a, (struct vdestack_dns_opts){ 0 });
	CHECK(wait_until(has_aged, &ttl_s, SOON_MS));
	CHECK_EQ(atomic_load(&server.questions), 1);
	end(true);
}

/* RFC 7686 section 2, RFC 6761 section 6.4 */
CASE(names_outside_the_dns_are_not_asked_for_either_by_type)
{
	const struct vdestack_dns_answer *answer;

	begin(answer_a, (struct vdestack_dns_opts){ .search = "invalid" });
	CHECK_EQ(vdestack_dns_query(dns, "secret.Onion", ns_t_a, &answer), EAI_NONAME);
	CHECK_EQ(vdestack_dns_query(dns, "secret.onion.", ns_t_txt, &answer), EAI_NONAME);
	CHECK_EQ(vdestack_dns_query(dns, "x.invalid", ns_t_a, &answer), EAI_NONAME);
	CHECK_EQ(atomic_load(&server.questions), 0);
	CHECK_EQ(vdestack_dns_query(dns, "onion.example", ns_t_a, &answer), 0);
	vdestack_dns_free_answer(answer);
	end(true);
}

/* ------------------------------------------------------------------ servers that do not serve */

/* A reply that neither answers nor has authority nor recursion: a referral, RFC 2308 section 2.2. */
static bool refer(const struct question *q, struct dns_message *m)
{
	struct dns_message ns = { .n = 0 };

	dns_put_name(&ns, "ns.example");
	dns_begin(m, q->id, 0x8100, q->name, q->type);
	dns_record(m, 2, "example", ns_t_ns, 300, ns.bytes, ns.n);
	return true;
}

CASE(a_referral_is_no_answer)
{
	begin(refer, (struct vdestack_dns_opts){ .search = "" });
	CHECK_EQ(look_up("one.example"), EAI_AGAIN);
	CHECK(strstr(vdestack_dns_last_error(), "refer") != NULL);
	end(true);
}

CASE(after_a_referral_the_next_server_is_asked)
{
	struct vdestack *third = new_stack("vnl=inproc://lan ip=10.9.0.4/24 nodad");

	begin(refer, (struct vdestack_dns_opts){ .servers = "10.9.0.2 10.9.0.4" });
	name_server_start(&other, third, answer_a);
	CHECK_EQ(look_up("one.example"), 0);
	name_server_stop(&other);
	end(true);
}

static bool fail(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180 | ns_r_servfail, q->name, q->type);
	return true;
}

CASE(a_failure_told_by_tcp_is_no_time_out)
{
	begin(fail, (struct vdestack_dns_opts){ .flags = VDESTACK_DNS_TCP });
	CHECK_EQ(look_up("one.example"), EAI_AGAIN);
	CHECK_STR(vdestack_dns_last_error(), "one.example: 10.9.0.2: it has failed (SERVFAIL)");
	end(true);
}

/* By UDP the reply is truncated. */
static bool answer_udp_only(const struct question *q, struct dns_message *m)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };

	dns_begin(m, q->id, 0x8380, q->name, q->type);
	if (q->tcp)
		(void)poll(&p, 1, SOON_MS); /* until the client hangs up */
	return !q->tcp;
}

CASE(silence_by_tcp_after_a_truncated_reply_is_told)
{
	begin(answer_udp_only, (struct vdestack_dns_opts){ .timeout_ms = 200, .tries = 2 });
	CHECK_EQ(look_up("one.example"), EAI_AGAIN);
	CHECK_STR(vdestack_dns_last_error(),
		  "one.example: 10.9.0.2: its answer by UDP is truncated, and by TCP it timed out");
	end(true);
}

/* ------------------------------------------------------------------ zones */

/* Routers of two networks may well have the same link-local address. */
CASE(servers_with_the_same_address_in_two_networks_are_two_servers)
{
	struct vdestack *third;
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .timeout_ms = 300,
					  .servers = "fe80::ff:fe00:53%vde0 fe80::ff:fe00:53%vde1" };

	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24 nodad, vnl=inproc://wan ip=10.8.0.1/24 nodad");
	far = new_stack("vnl=inproc://lan mac=02:00:00:00:00:53 ip=10.9.0.2/24 nodad");
	third = new_stack("vnl=inproc://wan mac=02:00:00:00:00:53 ip=10.8.0.2/24 nodad");
	/* The link-local addresses, which the kernel makes of the MAC addresses. */
	MUST(vdestack_wait_ready(home, SOON_MS));
	MUST(vdestack_wait_ready(far, SOON_MS));
	MUST(vdestack_wait_ready(third, SOON_MS));
	name_server_start(&server, far, say_nothing);
	name_server_start(&other, third, answer_a);
	dns = vdestack_dns_new(home, &opts);
	CHECK(dns != NULL);
	if (look_up("one.example") != 0)
		FAIL("%s", vdestack_dns_last_error());
	CHECK(atomic_load(&server.questions) > 0);
	CHECK(atomic_load(&other.questions) > 0);
	name_server_stop(&other);
	end(true);
}
