/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * iothnamed when much is asked of it, or something is taken from it: full load, thousands of clients,
 * descriptors, its life, the time of day.
 *
 * VDESTACK_TEST_SECONDS: how long the load lasts, 3 if not set.
 */

#include <dirent.h>
#include <sys/resource.h>

#include "named_ground.h"

#define NAMES 50
#define WINDOW 32 /* questions without an answer */

static struct name_server server;

static bool said(void *piece)
{
	return strstr(tool_output(&named), piece) != NULL;
}

/* A number of /proc/PID/status. */
static long status_of_named(const char *key)
{
	char path[64], *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)named.pid);
	at = strstr(text_of(path), key);
	CHECK(at != NULL);
	return strtol(at + strlen(key), NULL, 10);
}

static int count_descriptors(void)
{
	char path[64];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)named.pid);
	DIR *dir = opendir(path);
	CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* ------------------------------------------------------------------ load */

static bool answer_for_a_second(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, 1, 1);
	return true;
}

static void send_question(int fd, unsigned number)
{
	static struct dns_message m;
	char name[32];

	(void)snprintf(name, sizeof(name), "n%u.example", number % NAMES);
	dns_begin(&m, number, 0x0100, name, 1);
	CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
}

/* Asks for all names again and again. Returns how many answers there were. */
static unsigned load(int fd, int seconds)
{
	static struct named_answer a;
	long long end = now_us() + seconds * 1000000LL;
	unsigned sent = 0, got = 0;

	while (now_us() < end || got < sent) {
		while (now_us() < end && sent < got + WINDOW)
			send_question(fd, sent++);
		CHECK(named_receive(fd, false, &a, SOON_MS));
		CHECK(a.rcode == 0 && a.records == 1 && a.ttl <= 1);
		got++;
	}
	return got;
}

/*
 * No answer is older than its second, though the program is never idle. Nothing grows, and no descriptor
 * stays open.
 */
CASE_FLAGS(answers_expire_under_full_load, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	const char *text = getenv("VDESTACK_TEST_SECONDS");
	int seconds = text != NULL ? atoi(text) : 3;

	named_begin(NAMED_VDESTACK, NAMED_NETS NAMED_FORWARDS);
	name_server_start(&server, up, answer_for_a_second);
	int fd = named_socket(SOCK_DGRAM);
	(void)load(fd, 1);
	long memory = status_of_named("VmRSS:");
	int descriptors = count_descriptors(), before = atomic_load(&server.questions);
	unsigned answers = load(fd, seconds);
	int questions = atomic_load(&server.questions) - before;
	CHECK(questions >= NAMES * (seconds - 1)); /* each name each second */
	CHECK(questions <= NAMES * (2 * seconds + 2));
	CHECK(answers > (unsigned)questions);
	CHECK(status_of_named("VmRSS:") < memory + 4096);
	CHECK(count_descriptors() <= descriptors + 2);
	close(fd);
	name_server_stop(&server);
	named_end();
}

static bool answer_all(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, 60, 1);
	return true;
}

/* Each reply takes a second on its way. All questions wait at the same time, and others do not wait. */
CASE(a_slow_server_delays_its_own_answers_only)
{
	static struct named_answer a;
	struct vdestack *far;

	named_begin(NAMED_VDESTACK, NAMED_NETS "dns 10.9.0.3\nauth static all .test\n"
					       "static A a.test 10.0.0.1\nauth fwd all .\n");
	far = new_stack("vnl=%s nodad ip=10.9.0.3/24 tx.delay=1s", lan);
	name_server_start(&server, far, answer_all);
	int fd = named_socket(SOCK_DGRAM);
	long long start = now_us();
	for (unsigned i = 0; i < NAMES; i++)
		send_question(fd, i);
	CHECK_EQ(named_ask("a.test", 1, false)->addr[0], 10);
	CHECK_EQ(named_ask("a.test", 1, true)->addr[0], 10);
	CHECK(now_us() - start < 1000000 || !wait_readable(fd, 0));
	for (unsigned i = 0; i < NAMES; i++) {
		CHECK(named_receive(fd, false, &a, SOON_MS));
		CHECK_EQ(a.rcode, 0);
		CHECK_EQ(a.records, 1);
	}
	CHECK(now_us() - start < 10000000);
	close(fd);
	name_server_stop(&server);
	MUST(vdestack_delete(far));
	named_end();
}

CASE_FLAGS(two_thousand_idle_clients_cost_a_buffer_each, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	enum { CLIENTS = 2000 };
	static int fds[CLIENTS];
	static struct dns_message m;
	static struct named_answer a;
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max < 2 * CLIENTS + 200)
		SKIP("the hard limit of descriptors is %ld", (long)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	named_begin(NAMED_VDESTACK, NAMED_NETS "auth static all .\nstatic A a.test 10.0.0.1\n"
					       "option tcpclients 3000\noption tcpperclient 3000\n"
					       "option tcplistenbacklog 1000\n");
	CHECK_EQ(named_ask("a.test", 1, true)->records, 1);
	long memory = status_of_named("VmRSS:");
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = named_socket(SOCK_STREAM);
	CHECK_EQ(named_ask("a.test", 1, true)->records, 1); /* those before it have been accepted */
	CHECK(status_of_named("VmRSS:") - memory < CLIENTS * 8L);
	CHECK_EQ(named_ask("a.test", 1, false)->records, 1);
	dns_begin(&m, 1, 0x0100, "a.test", 1);
	named_send_tcp(fds[0], &m);
	CHECK(named_receive(fds[0], true, &a, SOON_MS));
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	CHECK_EQ(named_ask("a.test", 1, true)->records, 1);
	named_end();
}

/* ------------------------------------------------------------------ what is taken away */

static bool answers_forwarded(void *arg)
{
	static unsigned n;
	char name[32];

	(void)arg;
	(void)snprintf(name, sizeof(name), "f%u.example", n++);
	return named_ask(name, 1, false)->records == 1;
}

/* It answers what needs no descriptor, says SERVFAIL to the rest, and goes on when there are some again. */
CASE(without_descriptors_it_answers_what_it_can)
{
	struct rlimit was, none = { 3, 0 };

	named_begin(NAMED_VDESTACK,
		    NAMED_NETS "auth static all .test\nstatic A a.test 10.0.0.1\n" NAMED_FORWARDS);
	name_server_start(&server, up, answer_all);
	CHECK(answers_forwarded(NULL));
	MUST(prlimit(named.pid, RLIMIT_NOFILE, NULL, &was));
	none.rlim_max = was.rlim_max;
	MUST(prlimit(named.pid, RLIMIT_NOFILE, &none, NULL));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(named_ask("a.test", 1, false)->records, 1);
		CHECK_EQ(named_ask("other.example", 1, false)->rcode, 2);
	}
	int fd = named_socket(SOCK_STREAM); /* it waits in the queue of the stack */
	MUST(prlimit(named.pid, RLIMIT_NOFILE, &was, NULL));
	CHECK(wait_until(answers_forwarded, NULL, SOON_MS));
	CHECK_EQ(named_ask("a.test", 1, true)->records, 1);
	close(fd);
	name_server_stop(&server);
	named_end();
}

/* The number behind a key of a file in /proc; 0: there is none. */
static long number_of(const char *pid, const char *key)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "/proc/%s/status", pid);
	const char *at = strstr(text_of(path), key);
	return at != NULL ? strtol(at + strlen(key), NULL, 10) : 0;
}

static bool is_stack(const char *pid)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	const char *name = text_of(path);
	return strncmp(name, "vdestack-keeper", 15) == 0 || strncmp(name, "vdestack-picox", 14) == 0;
}

/* The processes of stacks below this case: those that a program leaves behind are given to it. */
static size_t list_stacks(pid_t *pids, size_t most)
{
	struct dirent *e;
	size_t n = 0;
	DIR *dir = opendir("/proc");

	CHECK(dir != NULL);
	while ((e = readdir(dir)) != NULL && n < most) {
		pid_t parent = (pid_t)number_of(e->d_name, "PPid:");
		if ((parent == getpid() || parent == getppid() || parent == named.pid) && parent > 0 &&
		    is_stack(e->d_name))
			pids[n++] = (pid_t)strtol(e->d_name, NULL, 10);
	}
	closedir(dir);
	return n;
}

static bool has_pid(const pid_t *pids, size_t n, pid_t pid)
{
	while (n > 0 && pids[n - 1] != pid)
		n--;
	return n > 0;
}

/* It ends, and does not go on without a network or in a circle. */
static void check_failed_stack(enum named_kind kind)
{
	pid_t before[32], after[32];
	int killed = 0;

	named_network(kind);
	size_t n = list_stacks(before, 32);
	named_start(kind, NAMED_NETS "auth static all .\nstatic A a.test 10.0.0.1\n");
	CHECK_EQ(named_ask("a.test", 1, false)->records, 1);
	for (size_t i = list_stacks(after, 32); i > 0; i--)
		if (!has_pid(before, n, after[i - 1]))
			killed += kill(after[i - 1], SIGKILL) == 0;
	CHECK(killed > 0);
	CHECK_EQ(WEXITSTATUS(tool_wait(&named, SOON_MS)), 1);
	CHECK_CONTAINS(tool_output(&named), "the stack that serves has failed");
}

CASE(a_stack_that_fails_ends_the_program)
{
	check_failed_stack(NAMED_VDESTACK);
}

#ifdef HAS_PICOX
CASE_FLAGS(a_stack_in_user_space_that_fails_ends_the_program, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_failed_stack(NAMED_PICOX);
}
#endif

static bool is_dead(void *arg)
{
	(void)arg;
	return waitpid(named.pid, NULL, WNOHANG) == named.pid;
}

/* Connections of the killed one are there still, at the side of their clients. */
static void check_restart(enum named_kind kind)
{
	static const char text[] = NAMED_NETS "auth static all .\nstatic A a.test 10.0.0.1\n";
	int fds[5];

	named_begin(kind, text);
	for (int i = 0; i < 5; i++)
		fds[i] = named_socket(SOCK_STREAM);
	CHECK_EQ(named_ask("a.test", 1, true)->records, 1);
	MUST(kill(named.pid, SIGKILL));
	CHECK(wait_until(is_dead, NULL, SOON_MS));
	named_start(kind, text);
	CHECK_EQ(named_ask("a.test", 1, true)->records, 1);
	CHECK_EQ(named_ask("a.test", 1, false)->records, 1);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	named_end();
}

CASE(a_killed_one_is_replaced)
{
	check_restart(NAMED_VDESTACK);
}

#ifdef HAS_PICOX
CASE_FLAGS(a_killed_one_is_replaced_in_user_space, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_restart(NAMED_PICOX);
}
#endif

/* ------------------------------------------------------------------ the time of day */

static void set_clock(const char *seconds)
{
	FILE *f = fopen(case_path("jump"), "we");

	CHECK(f != NULL && fputs(seconds, f) >= 0 && fclose(f) == 0);
}

/* What is kept does not see the time of day; one-time addresses are those of it. */
CASE_FLAGS(the_clock_may_be_set, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	uint8_t otip[16];

	set_clock("0");
	MUST(setenv("CLOCK_JUMP_FILE", case_path("jump"), 1));
	MUST(setenv("LD_PRELOAD", CLOCK_JUMP, 1));
	named_begin(NAMED_VDESTACK,
		    NAMED_NETS "auth otip all .otip.test fc09:: pw\nauth static all .test\n" NAMED_FORWARDS);
	MUST(unsetenv("LD_PRELOAD"));
	name_server_start(&server, up, answer_all);
	CHECK_EQ(named_ask("one.example", 1, false)->records, 1);
	memcpy(otip, named_ask("a.otip.test", 28, false)->addr, 16);
	static const char *const jumps[] = { "-100000000", "100000000", "2000000000", "-3600", "3600" };
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		set_clock(jumps[i]);
		struct named_answer *a = named_ask("one.example", 1, true);
		CHECK(a->records == 1 && a->ttl > 30 && a->ttl <= 60);
		a = named_ask("a.otip.test", 28, false);
		CHECK(a->records == 1 && memcmp(a->addr, otip, 16) != 0);
		char name[32];
		(void)snprintf(name, sizeof(name), "n%zu.example", i);
		CHECK_EQ(named_ask(name, 1, false)->records, 1);
	}
	CHECK_EQ(atomic_load(&server.questions), 6); /* nothing has expired */
	name_server_stop(&server);
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "the new configuration is in use", SOON_MS));
	named_end();
}
