/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resolvers that threads use at the same time, and children; what a resolver leaves. */

#include <arpa/nameser.h>

#include "iothdns_ground.h"

#define THREADS 8

static struct name_server server;

/* Names that begin with n have an address, others do not exist. */
static bool answer(const struct question *q, struct dns_message *m)
{
	bool exists = q->name[0] == 'n';

	dns_begin(m, q->id, exists ? 0x8180 : 0x8180 | ns_r_nxdomain, q->name, q->type);
	if (exists)
		dns_a(m, q->name, 60, 0x0a090007);
	else
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

static struct {
	struct question q[THREADS];
	struct sockaddr_storage from[THREADS];
	atomic_int n; /* the server writes it, the case reads it */
} held;

/* Answers nobody until it has been asked for THREADS names. */
static bool answer_together(const struct question *q, struct dns_message *m)
{
	for (int i = 0; i < held.n; i++)
		if (strcmp(held.q[i].name, q->name) == 0) /* asked again */
			return held.n == THREADS && answer(q, m);
	held.q[held.n] = *q;
	memcpy(&held.from[held.n], q->from, q->from_len);
	held.q[held.n].from = (struct sockaddr *)&held.from[held.n];
	if (++held.n < THREADS)
		return false;
	for (int i = 0; i < THREADS; i++) {
		(void)answer(&held.q[i], m);
		MUST(sendto(q->fd, m->bytes, m->n, 0, held.q[i].from, held.q[i].from_len));
	}
	return false;
}

struct asking {
	struct iothdns *dns;
	int number;
};

static void *ask(void *arg)
{
	const struct asking *a = arg;
	char name[64];

	(void)snprintf(name, sizeof(name), "n%d.example", a->number);
	CHECK_STR(ground_a(a->dns, name), "10.9.0.7");
	return NULL;
}

/* If one waited for another, no lookup would ever be answered. */
CASE_FLAGS(lookups_of_threads_do_not_wait_for_each_other, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	struct iothdns *dns = begin_with(answer_together, "10.9.0.2");
	pthread_t threads[THREADS];
	struct asking asking[THREADS];

	for (int i = 0; i < THREADS; i++) {
		asking[i] = (struct asking){ dns, i };
		CHECK_EQ(pthread_create(&threads[i], NULL, ask, &asking[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(held.n, THREADS);
	end(dns);
}

static atomic_bool stop;

static void *ask_and_change(void *dns)
{
	for (int i = 0; !atomic_load(&stop); i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "n%d.%p.example", i, (void *)name);
		CHECK_STR(ground_a(dns, name), "10.9.0.7");
		MUST(iothdns_update_strcfg(dns,
					   (char *)(uintptr_t)(i % 2 ? "10.9.0.2" : "nameserver 10.9.0.2")));
		iothdns_setpath(dns, IOTHDNS_HOSTS, (char *)(uintptr_t)(i % 2 ? "/nonexistent" : NULL));
	}
	return NULL;
}

static void ask_once(void *dns)
{
	CHECK_STR(ground_a(dns, "nchild.example"), "10.9.0.7");
	MUST(iothdns_update_strcfg(dns, (char *)(uintptr_t) "10.9.0.2"));
	CHECK_STR(ground_a(dns, "nchild2.example"), "10.9.0.7");
}

/* Lookups, changes of the settings and forks at the same time. */
CASE_FLAGS(a_child_has_a_resolver_that_works, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct iothdns *dns = begin_with(answer, "10.9.0.2");
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask_and_change, dns), 0);
	for (int i = 0; i < 20; i++)
		in_child(ask_once, dns);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	end(dns);
}

static int see(int section, struct iothdns_rr *rr, struct iothdns_pkt *pkt, void *arg)
{
	(void)rr;
	(void)pkt;
	CHECK_EQ(section, IOTHDNS_SEC_ANSWER);
	++*(int *)arg;
	return 1;
}

/* The name server closes a connection by TCP after its client has. */
static bool has_fds(void *n)
{
	return count_fds() == *(int *)n;
}

/* Each socket of a resolver is one of its stack, and is closed. */
CASE(resolvers_leave_no_descriptors)
{
	ground_begin();
	name_server_start(&server, far, answer);
	int fds = count_fds(), seen = 0;
	for (int i = 0; i < 10; i++) {
		struct iothdns *dns = ground_dns("10.9.0.2");
		CHECK_STR(ground_a(dns, "absent.example"), "ENOENT");
		MUST(iothdns_lookup_cb_tcp(dns, "nine.example", IOTHDNS_TYPE_A, see, &seen));
		iothdns_fini(dns);
	}
	CHECK_EQ(seen, 10);
	CHECK(wait_until(has_fds, &fds, SOON_MS));
	end(NULL);
}
