/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of libiothconf one after the other, from threads, and after fork(2). */

#include "../system/stacks.h"

#include <pthread.h>
#include <servers.h>
#include <sys/mman.h>

#include "../../src/ioth/lib/internal.h"
#include "ioth_stacks.h"
#include <vdestack/events.h>
#include <vdestack/sources.h>

#define N_THREADS 4
#define ROUNDS 6

static struct server_plan plan = {
	.subnet = "10.7.0.0/24",
	.first = "10.7.0.100",
	.last = "10.7.0.109",
	.lease_s = 600,
	.router = "10.7.0.1",
	.dns = "10.7.0.53",
};
static struct server_plan plan6 = { .subnet = "fd07::/64",
				    .first = "fd07::1:100",
				    .last = "fd07::1:1ff",
				    .lease_s = 600,
				    .dns = "fd07::53" };
static struct server server4 = { .kind = SERVER_UDHCPD, .plan = &plan };
static struct server server6 = { .kind = SERVER_DNSMASQ6, .plan = &plan6 };

static void start_servers(bool v4, bool v6)
{
	server4.stack = server6.stack = new_stack("vnl=inproc://lan nodad ip=10.7.0.1/24 ip=fd07::1/64");
	if (v4)
		server_start(&server4);
	if (v6)
		server_start(&server6);
}

/* What a person sees of the stack, without the times. */
static void check_info(struct ioth *s, const char *there, const char *gone)
{
	char *text = ioth_confinfo(s, NULL);

	CHECK(text != NULL);
	if (there != NULL)
		CHECK_CONTAINS(text, there);
	if (gone != NULL && strstr(text, gone) != NULL)
		FAIL("\"%s\" is still in \"%s\"", gone, text);
	free(text);
}

/* ------------------------------------------------------------------ while another thread configures */

static void *configure_in_vain(void *stack)
{
	/* Nobody answers. ioth_delstack() waits 5 s. */
	return (void *)(long)ioth_config(stack, "eth,dhcp,timeout=9");
}

static bool has_source(void *stack)
{
	char *text = ioth_confinfo(stack, NULL);
	bool found = text != NULL && strstr(text, "dhcp") != NULL;

	free(text);
	return found;
}

CASE(a_stack_that_is_being_configured_is_not_deleted)
{
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");
	pthread_t thread;
	void *result;

	CHECK_EQ(pthread_create(&thread, NULL, configure_in_vain, s), 0);
	CHECK(wait_until(has_source, s, 10000));
	CHECK_ERRNO(ioth_delstack(s), EBUSY);
	CHECK_CONTAINS(ioth_last_error(), "another thread");
	CHECK_EQ(pthread_join(thread, &result), 0);
	MUST(ioth_delstack(s));
	CHECK_ERRNO(ioth_config(s, "eth"), EBADF);
}

/* ------------------------------------------------------------------ one after the other */

CASE(a_person_changes_a_stack_line_by_line)
{
	start_servers(true, false);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");

	check_resolvconf(s, NULL, NULL);
	CHECK_EQ(config(s, ""), 0);
	CHECK_EQ(config(s, "  # nothing"), 0);
	CHECK_EQ(config(s, "eth"), IOTHCONF_ETH);
	CHECK_EQ(config(s, "eth"), IOTHCONF_ETH); /* again */
	CHECK_EQ(config(s, "ip=10.7.0.5/24 dns=10.7.0.54"), IOTHCONF_STATIC);
	check_resolvconf(s, NULL, "nameserver 10.7.0.54\n");
	CHECK_EQ(config(s, "dhcp timeout=60"), IOTHCONF_DHCP);
	CHECK(has_addr(s, "vde0", "10.7.0.5", false) && has_addr(s, "vde0", "10.7.0.1", true));
	check_resolvconf(s, NULL, "nameserver 10.7.0.54\nnameserver 10.7.0.53\n");
	CHECK_EQ(config(s, "-ip=10.7.0.5"), 0);
	CHECK_EQ(config(s, "-ip=10.7.0.5"), 0); /* what is not there is no error */
	CHECK(!has_addr(s, "vde0", "10.7.0.5", false));
	CHECK_EQ(config(s, "-dhcp"), 0);
	check_resolvconf(s, NULL, "nameserver 10.7.0.54\n");
	CHECK_EQ(config(s, "-dhcp"), 0);
	CHECK_EQ(config(s, "dhcp timeout=60"), IOTHCONF_DHCP);
	CHECK_EQ(config(s, "-dhcp dhcp timeout=60"), IOTHCONF_DHCP);
	CHECK_EQ(config(s, "-all"), 0);
	CHECK(!has_addr(s, "vde0", "10.7.0.1", true));
	check_resolvconf(s, NULL, NULL); /* static items stay */
	CHECK_EQ(config(s, "-static"), 0);
	check_resolvconf(s, NULL, "");
	CHECK_EQ(config(s, "auto4 timeout=60"), IOTHCONF_ETH | IOTHCONF_DHCP);
	MUST(ioth_delstack(s));
	server_stop(&server4);
}

CASE(each_word_undoes_its_sources_and_no_other)
{
	const int all = IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_DHCPV6 | IOTHCONF_RD;

	start_servers(true, true);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");
	CHECK_EQ(config(s, "auto slaac timeout=90"), all);
	CHECK_EQ(config(s, "-dhcp6"), 0);
	check_info(s, "vde0 rd: ", "vde0 dhcp6: ");
	CHECK(!has_addr(s, "vde0", "fd07::1:1", true));
	CHECK(has_addr(s, "vde0", "fd07::", true));
	CHECK_EQ(config(s, "-slaac"), 0);
	CHECK(!has_addr(s, "vde0", "fd07::", true));
	CHECK_EQ(config(s, "auto slaac timeout=90"), all);
	CHECK_EQ(config(s, "-auto4"), 0);
	check_info(s, "vde0 dhcp6: ", "vde0 dhcp: ");
	CHECK(!has_addr(s, "vde0", "10.7.0.1", true));
	CHECK_EQ(config(s, "auto slaac timeout=90"), all);
	CHECK_EQ(config(s, "-auto6"), 0);
	check_info(s, "vde0 dhcp: ", "vde0 dhcp6: ");
	check_info(s, NULL, "vde0 rd: ");
	CHECK(!has_addr(s, "vde0", "fd07::", true));
	MUST(ioth_delstack(s));
	server_stop(&server6);
	server_stop(&server4);
}

/* Words that would undo and do a lot, with one that is refused at their end. */
CASE(a_refused_word_changes_nothing_that_runs)
{
	static const char *const wrong[] = {
		"foo",  "ip=10.0.0.1/99",        "gw=x", "timeout=0", "fqdn=a..b",
		"-ip=", "iface=vde0 iface=vde0", "'"
	};
	char text[200];

	start_servers(true, false);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan,eth,ip=10.9.0.1/24,dns=10.9.0.53");
	CHECK_EQ(config(s, "dhcp timeout=60"), IOTHCONF_DHCP);
	check_resolvconf(s, NULL, "nameserver 10.9.0.53\nnameserver 10.7.0.53\n");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "-all -static -eth dns=10.9.0.54 %s", wrong[i]);
		CHECK_ERRNO(ioth_config(s, text), EINVAL);
		CHECK(ioth_last_error()[0] != '\0');
	}
	CHECK(has_addr(s, "vde0", "10.7.0.1", true) && has_addr(s, "vde0", "10.9.0.1", false));
	check_info(s, "vde0 dhcp: BOUND", NULL);
	check_resolvconf(s, NULL, NULL);
	MUST(ioth_delstack(s));
	server_stop(&server4);
}

CASE(a_stack_that_is_gone_is_refused)
{
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan,eth");

	MUST(ioth_delstack(s));
	CHECK_ERRNO(ioth_config(s, "eth"), EBADF);
	CHECK(ioth_resolvconf(s, NULL) == NULL && errno == EBADF);
	CHECK(ioth_confinfo(s, NULL) == NULL && errno == EBADF);
}

/* ------------------------------------------------------------------ waiting */

/* The default time, in a network without IPv6: as long as the family's clients wait, and not more. */
CASE(auto_without_ipv6_returns_after_six_seconds)
{
	start_servers(true, false);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");

	CHECK_EQ(config(s, "auto4 timeout=60"), IOTHCONF_ETH | IOTHCONF_DHCP);
	long long start_us = now_us();
	CHECK_EQ(config(s, "auto"), IOTHCONF_ETH | IOTHCONF_DHCP);
	long long us = now_us() - start_us;
	CHECK(us > 5900000 && us < 6000000 + SOON_MS * 1000LL);
	CHECK_CONTAINS(ioth_last_error(), " on interface vde0 is not ready in time");
	MUST(ioth_delstack(s));
	server_stop(&server4);
}

/* Words, their result, and the time that they may take. */
static void check_in_time(struct ioth *s, const char *words, int bits, long long most_ms)
{
	long long start_us = now_us();

	CHECK_EQ(config(s, words), bits);
	long long ms = (now_us() - start_us) / 1000;
	if (ms > most_ms)
		FAIL("\"%s\" took %lld ms", words, ms);
}

/* That dhcp gets nothing must not delay the others, nor what comes at the end of the call. */
CASE(without_dhcp_the_other_sources_are_in_time)
{
	const int v6 = IOTHCONF_DHCPV6 | IOTHCONF_RD;

	start_servers(false, true);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");
	CHECK_EQ(config(s, "eth dhcp timeout=1"), IOTHCONF_ETH);
	CHECK_EQ(config(s, "auto6 slaac timeout=90"), IOTHCONF_ETH | v6);
	check_in_time(s, "dhcp6 slaac timeout=60", v6, 4500); /* they are ready */
	check_in_time(s, "rd timeout=60", IOTHCONF_RD, 4500);
	check_in_time(s, "auto slaac timeout=1", IOTHCONF_ETH | v6, 5500);
	CHECK_CONTAINS(ioth_last_error(), "dhcp on interface vde0 is not ready in time");
	MUST(ioth_delstack(s));
	server_stop(&server6);
}

/* The descriptors that tell of events are limited. With all of them taken it works, too. */
CASE(events_are_told_and_not_needed)
{
	int fds[16], n = 0, before;
	void *data;

	start_servers(true, false);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");
	const struct ioth_functions *f = ioth_functions_of(s, &data);
	CHECK(f != NULL && f->events != NULL);
	fds[n++] = (int)MUST(f->events(data));
	CHECK((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	before = count_fds();
	CHECK_EQ(config(s, "eth dhcp timeout=60"), IOTHCONF_ETH | IOTHCONF_DHCP);
	CHECK_EQ(count_fds(), before);
	CHECK(wait_readable(fds[0], SOON_MS));
	while (n < 16 && (fds[n] = f->events(data)) >= 0)
		n++;
	CHECK(n < 16 && errno == EMFILE);
	CHECK_EQ(config(s, "-dhcp dhcp timeout=60"), IOTHCONF_DHCP);
	CHECK_STR(ioth_last_error(), "");
	while (n > 0)
		close(fds[--n]);
	MUST(ioth_delstack(s));
	server_stop(&server4);
}

/* In place of the calls of a stack: sources that are ready when the case says so, and its own events. */
static _Atomic int looks, is_ready;
static _Atomic long long last_us, between_us; /* the last look, and how long after the one before */
static int event_pipe[2];

static int look_at_sources(void *data, const char *ifname, struct vdestack_source *list, size_t n)
{
	(void)data;
	CHECK(n > 0);
	memset(list, 0, sizeof(*list));
	(void)snprintf(list->ifname, sizeof(list->ifname), "%s", ifname);
	list->source = VDESTACK_SOURCE_DHCP4;
	list->ready = is_ready != 0;
	between_us = now_us() - last_us;
	last_us = now_us();
	looks++;
	return 1;
}

static int own_events(void *data)
{
	(void)data;
	return (int)MUST(fcntl(event_pipe[0], F_DUPFD_CLOEXEC, 0));
}

static bool has_looked(void *than)
{
	return looks > *(const int *)than;
}

static void look_again(bool by_event)
{
	int before = looks;

	if (by_event)
		CHECK_EQ(write(event_pipe[1], "x", 1), 1);
	CHECK(wait_until(has_looked, &before, SOON_MS));
}

static void *waits_for_dhcp(void *stack)
{
	return (void *)(long)ioth_config(stack, "dhcp timeout=60");
}

static void start_waiting(struct ioth *s, pthread_t *thread)
{
	void *data;
	struct ioth_functions *f = (struct ioth_functions *)(uintptr_t)ioth_functions_of(s, &data);

	f->sources = look_at_sources;
	f->events = own_events;
	MUST(pipe2(event_pipe, O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(pthread_create(thread, NULL, waits_for_dhcp, s), 0);
	look_again(false);
}

/* There is a look for each event, and else one a second. */
CASE(waiting_is_by_events)
{
	enum { EVENTS = 30 };
	struct ioth *s = new_ioth("stack=vdestack,vnl=null://,eth");
	long long start_us = now_us();
	pthread_t thread;
	void *bits;

	start_waiting(s, &thread);
	for (int i = 0; i < EVENTS; i++)
		look_again(true);
	look_again(false); /* may be by the last event */
	look_again(false);
	CHECK(between_us > 900000);
	is_ready = 1;
	look_again(true);
	CHECK_EQ(pthread_join(thread, &bits), 0);
	CHECK_EQ((long)bits, IOTHCONF_DHCP);
	long long us = now_us() - start_us;
	if (looks > EVENTS + 4 + us / 1000000)
		FAIL("%d looks for %d events in %lld ms", looks, EVENTS, us / 1000);
	if (us > EVENTS * 900000LL)
		FAIL("%lld ms: the events did not wake it", us / 1000);
	MUST(ioth_delstack(s));
}

/* The descriptor tells nothing any more: the time alone counts, and no processor is used up. */
CASE(waiting_goes_on_after_the_end_of_the_events)
{
	struct ioth *s = new_ioth("stack=vdestack,vnl=null://,eth");
	long long start_us = now_us();
	pthread_t thread;
	void *bits;

	start_waiting(s, &thread);
	MUST(close(event_pipe[1]));
	for (int i = 0; i < 20; i++)
		look_again(false);
	if (looks > 22 + (now_us() - start_us) / 5000)
		FAIL("%d looks in %lld ms", looks, (now_us() - start_us) / 1000);
	is_ready = 1;
	CHECK_EQ(pthread_join(thread, &bits), 0);
	CHECK_EQ((long)bits, IOTHCONF_DHCP);
	MUST(ioth_delstack(s));
}

/* ------------------------------------------------------------------ threads and children */

static struct ioth *shared;

static void *uses_its_own(void *arg)
{
	const char *vnl = arg;
	char text[128];

	(void)snprintf(text, sizeof(text), "stack=vdestack,vnl=inproc://%s,eth,ip=10.0.0.1/24,dns=10.0.0.53",
		       vnl);
	for (int i = 0; i < ROUNDS; i++) {
		struct ioth *s = new_ioth(text);
		CHECK(has_addr(s, "vde0", "10.0.0.1", false));
		check_resolvconf(s, NULL, "nameserver 10.0.0.53\n");
		CHECK_EQ(config(s, "-static"), 0);
		check_resolvconf(s, NULL, "");
		MUST(ioth_delstack(s));
	}
	return NULL;
}

/* Each thread has an interface of the same stack. */
static void *uses_the_shared(void *arg)
{
	int n = *(const int *)arg;
	char text[128], name[16], addr[32];

	(void)snprintf(name, sizeof(name), "vde%d", n);
	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(addr, sizeof(addr), "10.%d.0.%d", n, i + 1);
		(void)snprintf(text, sizeof(text), "iface=%s eth ip=%s/24 dns=%s", name, addr, addr);
		CHECK_EQ(config(shared, text), IOTHCONF_ETH | IOTHCONF_STATIC);
		CHECK(has_addr(shared, name, addr, false));
		(void)snprintf(text, sizeof(text), "nameserver %s\n", addr);
		char only[32];
		(void)snprintf(only, sizeof(only), "iface=%s", name);
		check_resolvconf(shared, only, text);
		free(ioth_resolvconf(shared, NULL));
	}
	return NULL;
}

CASE_FLAGS(threads_configure_stacks_at_the_same_time, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	static const char *const nets[N_THREADS] = { "a", "b", "c", "d" };
	static int numbers[N_THREADS] = { 0, 1, 2, 3 };
	pthread_t threads[2 * N_THREADS];

	shared = new_ioth("stack=vdestack,vnl=inproc://e,vnl=inproc://f,vnl=inproc://g,vnl=inproc://h");
	for (int i = 0; i < N_THREADS; i++) {
		CHECK_EQ(pthread_create(&threads[2 * i], NULL, uses_its_own, (void *)(size_t)nets[i]), 0);
		CHECK_EQ(pthread_create(&threads[2 * i + 1], NULL, uses_the_shared, &numbers[i]), 0);
	}
	for (int i = 0; i < 2 * N_THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	MUST(ioth_delstack(shared));
}

static _Atomic int stop;

/* Holds the lock of the library as often as it can. */
static void *asks(void *arg)
{
	(void)arg;
	while (!stop)
		free(ioth_resolvconf(shared, NULL));
	return NULL;
}

CASE_FLAGS(a_child_of_a_busy_program_can_configure, CASE_F_ROOT | CASE_F_USER)
{
	pthread_t thread;

	shared = new_ioth("stack=vdestack,vnl=inproc://lan,eth,dns=10.0.0.53");
	CHECK_EQ(pthread_create(&thread, NULL, asks, NULL), 0);
	for (int i = 0; i < 20; i++) {
		int status = -1;
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			(void)alarm(60);
			free(ioth_resolvconf(shared, "iface=vde0"));
			char text[64];
			(void)snprintf(text, sizeof(text), "ip=10.0.0.%d/24", i + 1);
			_exit(ioth_config(shared, text) == IOTHCONF_STATIC ? 0 : 1);
		}
		MUST(waitpid(pid, &status, 0));
		CHECK_EQ(status, 0);
	}
	stop = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(ioth_delstack(shared));
}
