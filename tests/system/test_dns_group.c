/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many lookups of one group: one descriptor, few sockets, and no result of another lookup. */

#include <arpa/nameser.h>
#include <stdint.h>

#include "name_server.h"
#include "stacks.h"
#include <vdestack/dns.h>

#define MANY 200
/* Of a lookup that joins a lane before the lane has enough. */
#define PER_PORT 33

static struct name_server server;
static struct vdestack *home, *far;
static struct vdestack_dns *dns;
static struct vdestack_dns_group *group;

static atomic_bool hold_answers;
static _Atomic in_port_t ports[4096];
static struct question late;
static struct sockaddr_in6 late_from;

/*
 * nN.example has the address 10.9.1.N; bad.example is a SERVFAIL; silent.example has no answer; late.example
 * has one when the test sends it.
 */
static bool answer(const struct question *q, struct dns_message *m)
{
	int n = 0;

	while (atomic_load(&hold_answers))
		sleep_ms(1);
	if (q->number <= 4096)
		ports[q->number - 1] = ((const struct sockaddr_in6 *)(const void *)q->from)->sin6_port;
	if (strcmp(q->name, "silent.example") == 0)
		return false;
	if (strcmp(q->name, "late.example") == 0) {
		late = *q;
		memcpy(&late_from, q->from, sizeof(late_from));
		return false;
	}
	dns_begin(m, q->id, strcmp(q->name, "bad.example") == 0 ? 0x8182 : 0x8180, q->name, q->type);
	if (sscanf(q->name, "n%d.example", &n) == 1)
		dns_a(m, q->name, 300, 0x0a090100u + (unsigned)n % 256);
	return true;
}

static void begin(struct vdestack_dns_opts opts)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24");
	name_server_start(&server, far, answer);
	opts.size = sizeof(opts);
	opts.servers = "10.9.0.2";
	opts.search = "";
	dns = vdestack_dns_new(home, &opts);
	CHECK(dns != NULL);
	group = vdestack_dns_group_new(dns);
	CHECK(group != NULL);
}

static void end(void)
{
	vdestack_dns_group_delete(group);
	vdestack_dns_delete(dns);
	name_server_stop(&server);
	MUST(vdestack_delete(home));
	MUST(vdestack_delete(far));
}

static struct vdestack_dns_lookup *start(const char *name, int n)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct vdestack_dns_lookup *l =
		vdestack_dns_group_start(group, name, NULL, &hints, (void *)(intptr_t)n);

	CHECK(l != NULL);
	return l;
}

static struct vdestack_dns_lookup *start_number(int n)
{
	char name[32];

	snprintf(name, sizeof(name), "n%d.example", n);
	return start(name, n);
}

static struct vdestack_dns_lookup *next(int *n)
{
	struct vdestack_dns_lookup *l;
	void *data = NULL;

	while ((l = vdestack_dns_group_next(group, &data)) == NULL) {
		CHECK_EQ(errno, EAGAIN);
		CHECK(wait_readable(vdestack_dns_group_fd(group), SOON_MS));
	}
	*n = (int)(intptr_t)data;
	return l;
}

/* The next lookup that has ended, which has found its own address. Returns its number. */
static int finish_next(void)
{
	struct addrinfo *res;
	int n;

	CHECK_EQ(vdestack_dns_finish(next(&n), &res), 1);
	CHECK_EQ(((uint8_t *)&((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr)[3], n % 256);
	vdestack_freeaddrinfo(res);
	return n;
}

CASE(many_lookups_share_a_descriptor_and_each_ends_once)
{
	bool ended[MANY] = { false };

	begin((struct vdestack_dns_opts){ 0 });
	int before = count_fds();
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(vdestack_dns_fd(start_number(i)), vdestack_dns_group_fd(group));
	CHECK(count_fds() <= before + MANY / 32 + 2); /* sockets, and the subscription to events */
	for (int i = 0; i < MANY; i++) {
		int n = finish_next();
		CHECK(!ended[n]);
		ended[n] = true;
	}
	CHECK(vdestack_dns_group_next(group, NULL) == NULL);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(atomic_load(&server.questions), MANY);
	CHECK(count_fds() <= before + 1);
	end();
}

static int questions_of(in_port_t port, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += ports[i] == port;
	return count;
}

CASE(a_source_port_is_used_for_few_questions)
{
	const int n = 1000;

	begin((struct vdestack_dns_opts){ .timeout_ms = 60000, .deadline_ms = 60000 });
	/* There is always a question, so c-ares by itself would keep its socket. */
	struct vdestack_dns_lookup *silent = start("silent.example", 0);
	for (int i = 1; i < n; i++) {
		start_number(i);
		if (i > 8)
			finish_next();
	}
	for (int i = 0; i < 8; i++)
		finish_next();
	vdestack_dns_cancel(silent);
	CHECK_EQ(atomic_load(&server.questions), n);
	for (int i = 0; i < n; i++)
		CHECK(questions_of(ports[i], n) <= PER_PORT);
	end();
}

CASE(the_same_question_is_asked_once)
{
	struct vdestack_dns_lookup *first;

	begin((struct vdestack_dns_opts){ 0 });
	atomic_store(&hold_answers, true);
	first = start("n7.example", 7);
	for (int i = 0; i < 9; i++)
		start(i % 2 ? "n7.example" : "N7.Example", 7);
	vdestack_dns_cancel(first); /* the others have its question */
	atomic_store(&hold_answers, false);
	for (int i = 0; i < 9; i++)
		CHECK_EQ(finish_next(), 7);
	CHECK_EQ(atomic_load(&server.questions), 1);
	end();
}

CASE(without_a_cache_each_lookup_of_a_group_asks)
{
	begin((struct vdestack_dns_opts){ .flags = VDESTACK_DNS_NO_CACHE });
	for (int i = 0; i < 10; i++)
		start("n7.example", 7);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(finish_next(), 7);
	CHECK_EQ(atomic_load(&server.questions), 10);
	end();
}

CASE(the_descriptor_is_readable_until_each_end_was_reported)
{
	struct vdestack_dns_lookup *l[3];
	struct addrinfo *res;

	begin((struct vdestack_dns_opts){ 0 });
	CHECK(!wait_readable(vdestack_dns_group_fd(group), 0));
	for (int i = 0; i < 3; i++)
		start("10.0.0.1", 1); /* ends at once */
	for (int i = 0; i < 3; i++) {
		CHECK(wait_readable(vdestack_dns_group_fd(group), 0));
		l[i] = vdestack_dns_group_next(group, NULL);
		CHECK(l[i] != NULL);
	}
	CHECK(!wait_readable(vdestack_dns_group_fd(group), 0));
	CHECK(vdestack_dns_group_next(group, NULL) == NULL);
	/* One that has ended and was not returned is not returned after finish. */
	struct vdestack_dns_lookup *untold = start("10.0.0.1", 1);
	CHECK(wait_readable(vdestack_dns_group_fd(group), 0));
	CHECK_EQ(vdestack_dns_finish(untold, &res), 1);
	vdestack_freeaddrinfo(res);
	CHECK(!wait_readable(vdestack_dns_group_fd(group), 0));
	CHECK_EQ(vdestack_dns_finish(l[0], &res), 1);
	vdestack_freeaddrinfo(res);
	vdestack_dns_cancel(l[1]);
	vdestack_dns_cancel(l[2]);
	end();
}

CASE(lookups_are_cancelled_one_by_one_or_with_their_group)
{
	struct vdestack_dns_lookup *l[40];

	begin((struct vdestack_dns_opts){ 0 });
	int before = count_fds();
	atomic_store(&hold_answers, true);
	for (int i = 0; i < 40; i++)
		l[i] = start_number(i);
	for (int i = 0; i < 40; i += 2)
		vdestack_dns_cancel(l[i]);
	atomic_store(&hold_answers, false);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(finish_next() % 2, 1);
	atomic_store(&hold_answers, true);
	for (int i = 0; i < 40; i++)
		l[i] = start_number(100 + i);
	for (int i = 0; i < 40; i++)
		vdestack_dns_cancel(l[i]);
	CHECK(count_fds() <= before + 1); /* nobody waits: no socket is left */
	for (int i = 0; i < 40; i++)
		start_number(50 + i);
	vdestack_dns_group_delete(group);
	group = NULL;
	CHECK(count_fds() <= before - 1); /* the subscription, and neither epoll nor timer */
	atomic_store(&hold_answers, false);
	end();
}

static void answer_late(void)
{
	struct dns_message m;

	dns_begin(&m, late.id, 0x8180, late.name, late.type);
	dns_a(&m, late.name, 300, 0x0a090101);
	CHECK_EQ(sendto(late.fd, m.bytes, m.n, 0, (struct sockaddr *)&late_from, sizeof(late_from)),
		 (ssize_t)m.n);
}

/* Then the lane goes to other groups, so a reply must not wake this one. */
/* With a sanitizer a lookup that is not freed fails the case. */
CASE(a_lookup_that_was_returned_and_not_finished_ends_with_its_group)
{
	int n;

	begin((struct vdestack_dns_opts){ 0 });
	start("10.0.0.1", 1);
	start("10.0.0.1", 2);
	CHECK(next(&n) != NULL);
	CHECK(next(&n) != NULL);
	end();
}

CASE(a_cancelled_question_ends_with_the_last_lookup_of_its_lane)
{
	const struct vdestack_dns_opts opts = { .size = sizeof(opts), .servers = "10.9.0.2", .search = "" };
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct vdestack_dns_lookup *cancelled;
	struct vdestack_dns *other;
	struct addrinfo *res;

	begin((struct vdestack_dns_opts){ 0 });
	start_number(1);
	finish_next(); /* the subscription to events is open */
	int before = count_fds();
	cancelled = start("late.example", 0);
	start_number(2);
	vdestack_dns_cancel(cancelled);
	CHECK_EQ(finish_next(), 2);
	CHECK_EQ(count_fds(), before); /* no socket is left */
	answer_late();
	/* The server sends this answer after the late one. Another resolver has lanes of its own. */
	other = vdestack_dns_new(home, &opts);
	CHECK_EQ(vdestack_dns_getaddrinfo(other, "n3.example", NULL, &hints, &res), 0);
	vdestack_freeaddrinfo(res);
	CHECK(!wait_readable(vdestack_dns_group_fd(group), 0));
	vdestack_dns_delete(other);
	end();
}

CASE(a_failure_is_reported_for_its_own_lookup_only)
{
	struct addrinfo *res;
	int n;

	begin((struct vdestack_dns_opts){ .deadline_ms = 400, .timeout_ms = 150, .tries = 9 });
	start("bad.example", 2);
	start("silent.example", 1);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vdestack_dns_finish(next(&n), &res), EAI_AGAIN);
		if (n == 2) {
			CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.2: it has failed (SERVFAIL)");
			start_number(3); /* a good one meanwhile */
			CHECK_EQ(finish_next(), 3);
		} else {
			CHECK_CONTAINS(vdestack_dns_last_error(),
				       "silent.example: the time limit has passed; 10.9.0.2: timed out");
		}
	}
	end();
}

/* ------------------------------------------------------------------ threads */

#define THREADS 8
#define ROUNDS 60

/* Threads also open channels to the keeper, so all descriptors are too many to count. */
static int count_udp(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		int domain = 0, type = 0;
		socklen_t len = sizeof(int);
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
		    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
			n += (domain == AF_INET || domain == AF_INET6) && type == SOCK_DGRAM;
	}
	return n;
}

static void *look_up_alone(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

	for (int i = 0; i < ROUNDS; i++) {
		struct addrinfo *res;
		CHECK_EQ(vdestack_dns_getaddrinfo(dns, i % 2 ? "n1.example" : "n2.example", NULL, &hints,
						  &res), 0);
		CHECK_EQ(((uint8_t *)&((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr)[3],
			 i % 2 ? 1 : 2);
		vdestack_freeaddrinfo(res);
	}
	return arg;
}

static void run_threads(void *(*work)(void *))
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/* Threads pass sockets on to each other, and none is left. */
CASE_FLAGS(each_question_of_threads_has_a_port_of_its_own, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	const int n = THREADS * ROUNDS;

	begin((struct vdestack_dns_opts){ .flags = VDESTACK_DNS_NO_CACHE });
	int before = count_udp();
	run_threads(look_up_alone);
	CHECK_EQ(count_udp(), before);
	CHECK_EQ(atomic_load(&server.questions), n);
	for (int i = 0; i < n; i++)
		CHECK(questions_of(ports[i], n) <= 4); /* by chance: of some 28000 ports */
	end();
}

static void *look_up_in_a_group(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct vdestack_dns_group *mine = vdestack_dns_group_new(dns);
	struct vdestack_dns_lookup *l;
	struct addrinfo *res;

	for (int i = 0; i < ROUNDS; i++)
		CHECK(vdestack_dns_group_start(mine, i % 2 ? "n1.example" : "n2.example", NULL, &hints,
					       NULL) != NULL);
	for (int i = 0; i < ROUNDS; i++) {
		while ((l = vdestack_dns_group_next(mine, NULL)) == NULL)
			CHECK(wait_readable(vdestack_dns_group_fd(mine), SOON_MS));
		CHECK_EQ(vdestack_dns_finish(l, &res), 1);
		vdestack_freeaddrinfo(res);
	}
	vdestack_dns_group_delete(mine);
	return arg;
}

CASE_FLAGS(threads_have_groups_of_their_own, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	begin((struct vdestack_dns_opts){ .flags = VDESTACK_DNS_NO_CACHE });
	int before = count_udp();
	run_threads(look_up_in_a_group);
	CHECK_EQ(count_udp(), before);
	end();
}

/* ------------------------------------------------------------------ processes, mistakes */

static void child_ends_its_copy(void)
{
	CHECK(vdestack_dns_group_next(group, NULL) == NULL);
	CHECK_EQ(errno, ECANCELED);
	CHECK(vdestack_dns_group_start(group, "n1.example", NULL, NULL, NULL) == NULL);
	CHECK_EQ(errno, ECANCELED);
	vdestack_dns_group_delete(group);
}

CASE(a_group_belongs_to_the_process_that_made_it)
{
	int status;

	begin((struct vdestack_dns_opts){ 0 });
	atomic_store(&hold_answers, true);
	for (int i = 0; i < 40; i++)
		start_number(i);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		child_ends_its_copy();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	atomic_store(&hold_answers, false);
	for (int i = 0; i < 40; i++)
		finish_next();
	end();
}

CASE(records_are_looked_up_in_a_group)
{
	const struct vdestack_dns_answer *found;
	struct addrinfo *res;
	int n, r;

	begin((struct vdestack_dns_opts){ 0 });
	struct vdestack_dns_lookup *l = vdestack_dns_group_start_type(group, "n9.example", ns_t_a, NULL);
	CHECK(l != NULL);
	start_number(9); /* the same question */
	CHECK_EQ(vdestack_dns_finish(l, &res), EAI_SYSTEM); /* the wrong kind; it goes on */
	while ((r = vdestack_dns_finish_type(l, &found)) == 0)
		CHECK(wait_readable(vdestack_dns_fd(l), SOON_MS));
	CHECK_EQ(r, 1);
	CHECK_EQ(found->n, 1);
	vdestack_dns_free_answer(found);
	CHECK_EQ(vdestack_dns_finish(next(&n), &res), 1);
	vdestack_freeaddrinfo(res);
	CHECK_EQ(atomic_load(&server.questions), 1);
	end();
}

CASE(a_group_without_a_resolver_is_refused)
{
	CHECK(vdestack_dns_group_new(NULL) == NULL);
	CHECK_EQ(errno, EINVAL);
	CHECK(vdestack_dns_group_start(NULL, "n1.example", NULL, NULL, NULL) == NULL);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(vdestack_dns_group_fd(NULL), -1);
	CHECK(vdestack_dns_group_next(NULL, NULL) == NULL);
	CHECK_EQ(errno, EINVAL);
	vdestack_dns_group_delete(NULL);
}
