/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lookups of several threads and processes, and lookups that do not wait. */

#include "dns_world.h"

/* ------------------------------------------------------------------ threads and forks */

static void *look_up_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
		struct addrinfo *res;
		CHECK_EQ(vdestack_getaddrinfo(home, i % 2 ? "one.example" : "two.example", NULL, &hints,
					      &res),
			 0);
		CHECK_EQ(((uint8_t *)&((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr)[3],
			 i % 2 ? 7 : 8);
		vdestack_freeaddrinfo(res);
		if (i % 10 == 0)
			vdestack_dns_flush(vdestack_dns_of(home));
	}
	return NULL;
}

CASE_FLAGS(many_threads_look_up_at_the_same_time, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	pthread_t threads[8];

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, look_up_often, NULL), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	end();
}

static int run_child(void (*work)(void))
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		work();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	return status;
}

static void child_looks_up(void)
{
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	CHECK_STR(lookup("two.example", AF_INET, 0), "10.9.0.8");
	CHECK_STR(lookup("two.example", AF_INET, 0), "10.9.0.8");
}

CASE(forked_children_have_a_cache_of_their_own)
{
	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	CHECK_EQ(run_child(child_looks_up), 0);
	CHECK_EQ(atomic_load(&server.questions), 3);
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	CHECK_EQ(atomic_load(&server.questions), 3);
	CHECK_EQ(run_child(child_looks_up), 0); /* also after one that ended */
	end();
}

static atomic_bool stop_threads;

static void *look_up_until_stopped(void *arg)
{
	while (!atomic_load(&stop_threads))
		look_up_often(arg);
	return NULL;
}

/*
 * Not with a sanitizer. Another thread may be in malloc() at the fork. Then the allocator of the sanitizer
 * stays locked in the child, and its own malloc() waits for ever (seen with clang 14).
 */
CASE_FLAGS(forks_during_lookups_of_other_threads_leave_nothing_locked,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	pthread_t threads[3];

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, look_up_until_stopped, NULL), 0);
	for (int i = 0; i < 30; i++)
		CHECK_EQ(run_child(child_looks_up), 0);
	atomic_store(&stop_threads, true);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	end();
}

/* ------------------------------------------------------------------ without waiting */

static int finish(struct vdestack_dns_lookup *l, struct addrinfo **res)
{
	int r;

	while ((r = vdestack_dns_finish(l, res)) == 0)
		CHECK(wait_readable(vdestack_dns_fd(l), SOON_MS));
	return r;
}

CASE(lookups_go_on_without_waiting)
{
	struct vdestack_dns_lookup *lookups[20];
	struct addrinfo *res;
	int before, during;

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	struct vdestack_dns *dns = vdestack_dns_of(home);
	CHECK_STR(lookup("one.example", AF_INET, 0), "10.9.0.7");
	vdestack_dns_flush(dns);
	before = count_fds();
	for (int i = 0; i < 20; i++) {
		const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
		lookups[i] = vdestack_dns_start(dns, i % 2 ? "one.example" : "two.example", NULL, &hints);
		CHECK(lookups[i] != NULL);
		CHECK(fcntl(vdestack_dns_fd(lookups[i]), F_GETFD) == FD_CLOEXEC);
	}
	during = count_fds();
	CHECK(during > before);
	for (int i = 0; i < 20; i += 2)
		vdestack_dns_cancel(lookups[i]);
	for (int i = 1; i < 20; i += 2) {
		CHECK_EQ(finish(lookups[i], &res), 1);
		CHECK_EQ(((uint8_t *)&((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr)[3], 7);
		vdestack_freeaddrinfo(res);
	}
	CHECK(count_fds() <= before);
	/* Done at once: an address, a kept answer, a failure. */
	CHECK_EQ(finish(vdestack_dns_start(dns, "10.0.0.1", NULL, NULL), &res), 1);
	vdestack_freeaddrinfo(res);
	CHECK_EQ(finish(vdestack_dns_start(dns, "one.example", NULL, NULL), &res), 1);
	vdestack_freeaddrinfo(res);
	CHECK_EQ(finish(vdestack_dns_start(dns, "none.example", NULL, NULL), &res), EAI_NONAME);
	CHECK_CONTAINS(vdestack_dns_last_error(), "none.example");
	CHECK_EQ(finish(vdestack_dns_start(dns, "a..b", NULL, NULL), &res), EAI_NONAME);
	vdestack_dns_cancel(NULL);
	CHECK(count_fds() <= before);
	end();
}

CASE(records_are_looked_up_without_waiting)
{
	const struct vdestack_dns_answer *answer;
	struct addrinfo *res;
	int r;

	begin(answer_world);
	use((struct vdestack_dns_opts){ .search = "" });
	struct vdestack_dns_lookup *l = vdestack_dns_start_type(vdestack_dns_of(home), "one.example", ns_t_a);
	CHECK(l != NULL);
	CHECK_EQ(vdestack_dns_finish(l, &res), EAI_SYSTEM); /* the wrong kind; it goes on */
	while ((r = vdestack_dns_finish_type(l, &answer)) == 0)
		CHECK(wait_readable(vdestack_dns_fd(l), SOON_MS));
	CHECK_EQ(r, 1);
	CHECK_EQ(answer->records[0].size, 4);
	vdestack_dns_free_answer(answer);
	end();
}

static atomic_bool hold_answers;

static bool answer_when_let(const struct question *q, struct dns_message *m)
{
	while (atomic_load(&hold_answers))
		sleep_ms(1);
	return answer_world(q, m);
}

static struct vdestack_dns_lookup *shared_lookup;

static void child_gives_up(void)
{
	struct addrinfo *res;

	CHECK_EQ(vdestack_dns_finish(shared_lookup, &res), EAI_CANCELED);
}

static void child_cancels(void)
{
	vdestack_dns_cancel(shared_lookup);
}

CASE(a_lookup_belongs_to_the_process_that_began_it)
{
	struct addrinfo *res;

	begin(answer_when_let);
	use((struct vdestack_dns_opts){ .search = "" });
	atomic_store(&hold_answers, true);
	shared_lookup = vdestack_dns_start(vdestack_dns_of(home), "one.example", NULL, NULL);
	CHECK_EQ(run_child(child_gives_up), 0);
	CHECK_EQ(run_child(child_cancels), 0);
	atomic_store(&hold_answers, false);
	CHECK_EQ(finish(shared_lookup, &res), 1);
	vdestack_freeaddrinfo(res);
	end();
}
