/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many threads at once, invalid handles, and the errno, message and default stack of other threads. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define KEEPER "vdestack-keeper"
#define SOON_MS 20000

/* With a sanitizer programs are many times slower; fewer rounds prove the same. */
static int rounds(int n)
{
	return case_sanitizer()[0] != '\0' ? (n + 3) / 4 : n;
}

static struct vdestack *new_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, case_opts());

	if (stack == NULL)
		FAIL("no stack \"%s\": %s: %s", config, strerrorname_np(errno), vdestack_last_error());
	return stack;
}

static bool no_keeper(void *arg)
{
	(void)arg;
	if (case_is_inprocess()) /* a sanitizer has a thread of its own */
		return count_tasks_of(getpid()) <= 1 + (case_sanitizer()[0] != '\0');
	return find_children(getppid(), KEEPER, NULL, 0) == 0;
}

static uint64_t namespace_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	MUST(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len));
	return cookie;
}

static void start_all(pthread_t *threads, int n, void *(*fn)(void *), void *arg)
{
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, fn, arg), 0);
}

static void join_all(pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/* ------------------------------------------------------------------ errno */

static atomic_bool watch_on;
static atomic_int watchers;

/* Errno, message and default stack of a thread that makes no calls do not change. */
static void *watch_errno(void *arg)
{
	(void)arg;
	errno = ELNRNG;
	atomic_fetch_add(&watchers, 1);
	while (atomic_load(&watch_on)) {
		if (errno != ELNRNG)
			FAIL("another thread's errno became %s", strerrorname_np(errno));
		if (vdestack_last_error()[0] != '\0')
			FAIL("another thread got the message \"%s\"", vdestack_last_error());
		if (vdestack_get_thread_default() != NULL)
			FAIL("another thread got a default stack");
		if (errno != ELNRNG)
			FAIL("looking changed errno to %s", strerrorname_np(errno));
	}
	return NULL;
}

CASE_FLAGS(errno_message_and_default_of_other_threads_are_not_changed,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	char *argv[] = { "/nonexistent/command", NULL };
	pthread_t thread;

	atomic_store(&watch_on, true);
	CHECK_EQ(pthread_create(&thread, NULL, watch_errno, NULL), 0);
	while (atomic_load(&watchers) == 0)
		sleep_ms(1);
	for (int i = 0; i < 5; i++) {
		struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
		MUST(vdestack_set_thread_default(stack));
		CHECK_ERRNO(vdestack_run(stack, argv, NULL), ENOENT);
		CHECK_ERRNO(vdestack_iface_add(stack, "mtu=1 vnl=x", NULL), EINVAL);
		CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
		MUST(vdestack_set_thread_default(NULL));
		MUST(vdestack_delete(stack));
	}
	atomic_store(&watch_on, false);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE_BOTH(msocket_that_succeeds_does_not_change_errno)
{
	struct vdestack *stack = new_stack("");

	for (int i = 0; i < 50; i++) {
		errno = ELNRNG;
		int fd = vdestack_msocket(stack, i % 7 ? AF_INET : AF_NETLINK, i % 7 ? SOCK_STREAM : SOCK_RAW,
					  0);
		CHECK_EQ(errno, ELNRNG);
		MUST(fd);
		close(fd);
	}
	errno = ELNRNG;
	vde_default_stack(stack);
	CHECK_EQ(errno, ELNRNG);
	vde_default_stack(NULL);
	vde_delstack(stack);
	CHECK_EQ(errno, ELNRNG);
}

/* ------------------------------------------------------------------ many threads */

static void *create_and_delete(void *arg)
{
	static atomic_int next;
	int me = atomic_fetch_add(&next, 1);

	(void)arg;
	for (int i = 0; i < rounds(12); i++) {
		char config[100], name[IF_NAMESIZE];
		(void)snprintf(config, sizeof(config), "iface=eth%d vnl=inproc://lan%d ip=10.0.%d.%d/24", me,
			       me % 3, me, i + 1);
		struct vdestack *stack = new_stack(i % 3 ? config : "");
		int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		if (i % 3) { /* it is the default of this thread only */
			(void)snprintf(name, sizeof(name), "eth%d", me);
			MUST(vdestack_if_nametoindex(stack, name));
			CHECK_EQ(vdestack_addr_list(stack, name, NULL, 0, sizeof(struct vdestack_addr)) >= 1,
				 1);
		}
		int other = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		CHECK(namespace_of(fd) == namespace_of(other));
		close(fd);
		close(other);
		MUST(vdestack_delete(stack));
	}
	return NULL;
}

CASE_FLAGS(stacks_are_made_and_deleted_by_8_threads_at_once,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	pthread_t threads[8];

	start_all(threads, 8, create_and_delete, NULL);
	join_all(threads, 8);
	if (!wait_until(no_keeper, NULL, SOON_MS))
		FAIL("all stacks are deleted, but their keeper has not ended");
}

CASE_FLAGS(stacks_are_made_by_8_threads_beside_one_that_stays,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	struct vdestack *stays = new_stack("vnl=inproc://lan0 ip=10.9.0.1/24");
	pthread_t threads[8];

	start_all(threads, 8, create_and_delete, NULL);
	join_all(threads, 8);
	close((int)MUST(vdestack_msocket(stays, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(stays));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

struct share {
	struct vdestack *stacks[4];
	uint64_t namespaces[4];
	int n;
};

static void *ask_all_stacks(void *arg)
{
	static atomic_int next;
	const struct share *share = arg;
	int me = atomic_fetch_add(&next, 1);

	for (int i = 0; i < rounds(800); i++) {
		/* Runs of one kind on one stack, then another: both ways of the library are taken. */
		int which = (me + i / 20) % share->n, kind = (me + i / 7) % 2;
		int fd = vdestack_msocket(share->stacks[which], kind ? AF_INET : AF_INET6,
					  (kind ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
		int domain = 0, type = 0;
		socklen_t len = sizeof(int);
		MUST(fd);
		if (namespace_of(fd) != share->namespaces[which])
			FAIL("a socket of another stack");
		MUST(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len));
		MUST(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
		CHECK_EQ(domain, kind ? AF_INET : AF_INET6);
		CHECK_EQ(type, kind ? SOCK_STREAM : SOCK_DGRAM);
		close(fd);
	}
	return NULL;
}

static void ask_in_parallel(int n)
{
	struct share share = { .n = n };
	pthread_t threads[16];

	for (int i = 0; i < n; i++) {
		share.stacks[i] = new_stack("");
		int fd = (int)MUST(vdestack_msocket(share.stacks[i], AF_INET, SOCK_STREAM, 0));
		share.namespaces[i] = namespace_of(fd);
		close(fd);
		for (int j = 0; j < i; j++)
			CHECK(share.namespaces[j] != share.namespaces[i]);
	}
	int fds = count_fds();
	start_all(threads, 16, ask_all_stacks, &share);
	join_all(threads, 16);
	/* The library may have opened a few channels more, which stay. */
	if (count_fds() > fds + 8)
		FAIL("%d descriptors before, %d after", fds, count_fds());
	for (int i = 0; i < n; i++)
		MUST(vdestack_delete(share.stacks[i]));
}

CASE_FLAGS(sixteen_threads_get_their_sockets_from_one_stack,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	ask_in_parallel(1);
}

CASE_FLAGS(sixteen_threads_get_their_sockets_from_four_stacks,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	ask_in_parallel(4);
}

/* ------------------------------------------------------------------ deletion under callers */

static struct vdestack *victim;
static atomic_int begun;

/* The errors allowed when the stack is deleted: the handle is invalid, or the stack ended meanwhile. */
static bool gone(int result)
{
	if (result >= 0)
		return false;
	if (errno != EINVAL && errno != ENETDOWN && errno != ECANCELED && errno != ENODEV)
		FAIL("%s: %s", strerrorname_np(errno), vdestack_last_error());
	return errno == EINVAL;
}

static void *use_msocket(void *arg)
{
	(void)arg;
	atomic_fetch_add(&begun, 1);
	for (;;) {
		int fd = vdestack_msocket(victim, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (gone(fd))
			return NULL;
		if (fd >= 0)
			close(fd);
	}
}

static void *use_configuration(void *arg)
{
	char value[16];

	(void)arg;
	atomic_fetch_add(&begun, 1);
	for (;;) {
		if (gone(vdestack_addr_list(victim, NULL, NULL, 0, sizeof(struct vdestack_addr))) ||
		    gone(vdestack_sysctl_get(victim, "ipv4.ip_forward", value, sizeof(value))) ||
		    gone(vdestack_if_nametoindex(victim, "lo")))
			return NULL;
	}
}

static void *use_interfaces(void *arg)
{
	(void)arg;
	atomic_fetch_add(&begun, 1);
	while (!gone(vdestack_iface_add(victim, "iface=eth7 vnl=inproc://lan ip=10.0.7.1/24", NULL)) &&
	       !gone(vdestack_iface_del(victim, "eth7")))
		;
	return NULL;
}

static void *use_commands(void *arg)
{
	char *argv[] = { "sleep", "1000", NULL };

	(void)arg;
	atomic_fetch_add(&begun, 1);
	while (!gone(vdestack_run(victim, argv, NULL)))
		;
	return NULL;
}

static void *use_netns(void *arg)
{
	(void)arg;
	atomic_fetch_add(&begun, 1);
	for (;;) {
		int fd = vdestack_netns(victim);
		if (gone(fd))
			return NULL;
		if (fd >= 0)
			close(fd);
	}
}

static bool all_begun(void *n)
{
	return atomic_load(&begun) >= *(int *)n;
}

static void delete_under(void *(*const users[])(void *), int n)
{
	struct vdestack *stays = new_stack("");
	int fds = -1;

	for (int i = 0; i < rounds(16); i++) {
		pthread_t threads[8];
		victim = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
		atomic_store(&begun, 0);
		for (int j = 0; j < n; j++)
			CHECK_EQ(pthread_create(&threads[j], NULL, users[j], NULL), 0);
		CHECK(wait_until(all_begun, &n, SOON_MS));
		sleep_ms(i % 4); /* more or less into their work */
		MUST(vdestack_delete(victim));
		CHECK_ERRNO(vdestack_delete(victim), EINVAL);
		join_all(threads, n);
		CHECK_ERRNO(vdestack_msocket(victim, AF_INET, SOCK_STREAM, 0), EINVAL);
		if (i == rounds(16) / 2)
			fds = count_fds();
	}
	/*
	 * Channels may still have been opened between, one for a thread; anything that a round leaves shows.
	 */
	if (count_fds() > fds + 3)
		FAIL("%d descriptors after half the rounds, %d after all", fds, count_fds());
	close((int)MUST(vdestack_msocket(stays, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(stays));
	if (!wait_until(no_keeper, NULL, SOON_MS))
		FAIL("all stacks are deleted, but their keeper has not ended");
}

CASE_FLAGS(msocket_on_a_stack_that_is_deleted_meanwhile_ends_with_an_error,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	void *(*const users[])(void *) = { use_msocket, use_msocket, use_msocket,
					   use_msocket, use_msocket, use_msocket };

	delete_under(users, 6);
}

CASE_FLAGS(all_calls_on_a_stack_that_is_deleted_meanwhile_end_with_an_error,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	void *(*const users[])(void *) = { use_msocket, use_configuration, use_interfaces, use_commands,
					   use_netns };

	delete_under(users, 5);
}

static void *delete_too(void *won)
{
	atomic_fetch_add(&begun, 1);
	while (atomic_load(&begun) < 4)
		;
	if (vdestack_delete(victim) == 0)
		atomic_fetch_add((atomic_int *)won, 1);
	else
		CHECK_EQ(errno, EINVAL);
	return NULL;
}

CASE_FLAGS(of_several_threads_that_delete_a_stack_one_succeeds,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	for (int i = 0; i < rounds(40); i++) {
		pthread_t threads[4];
		atomic_int won = 0;
		victim = new_stack("");
		atomic_store(&begun, 0);
		start_all(threads, 4, delete_too, &won);
		join_all(threads, 4);
		CHECK_EQ(atomic_load(&won), 1);
	}
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

/* If the last call ends after the deletion, that call must release the keeper. */
CASE_FLAGS(a_keeper_ends_also_when_its_last_stack_was_deleted_during_a_call,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	for (int i = 0; i < rounds(20); i++) {
		pthread_t threads[4];
		victim = new_stack("");
		atomic_store(&begun, 0);
		start_all(threads, 4, use_msocket, NULL);
		int n = 4;
		CHECK(wait_until(all_begun, &n, SOON_MS));
		MUST(vdestack_delete(victim));
		join_all(threads, 4);
		if (!wait_until(no_keeper, NULL, 3000))
			FAIL("round %d: the last stack is deleted, but the keeper has not ended", i);
	}
}

/* ------------------------------------------------------------------ handles that lead nowhere */

static void refuse(struct vdestack *bad)
{
	char *argv[] = { "true", NULL }, value[16], name[IF_NAMESIZE];
	const unsigned char mac[6] = { 2, 0, 0, 0, 0, 1 };
	unsigned char got[6];
	struct vdestack_addr addr;
	struct vdestack_route route = {
		.size = sizeof(route), .dst = "10.5.0.0", .prefix_len = 16, .ifname = "lo"
	};
	struct vdestack_neigh neigh;
	struct ifaddrs *ifaddrs;
	int status_fd;

	CHECK_ERRNO(vdestack_delete(bad), EINVAL);
	CHECK_ERRNO(vdestack_iface_add(bad, "vnl=inproc://lan", NULL), EINVAL);
	CHECK_ERRNO(vdestack_iface_add(bad, "", NULL), EINVAL);
	CHECK_ERRNO(vdestack_iface_del(bad, "vde0"), EINVAL);
	CHECK_ERRNO(vdestack_wait_ready(bad, 0), EINVAL);
	CHECK_ERRNO(vdestack_msocket(bad, AF_INET, SOCK_STREAM, 0), EINVAL);
	CHECK_ERRNO(vde_msocket(bad, AF_INET, SOCK_STREAM, 0), EINVAL);
	CHECK_ERRNO(vdestack_netns(bad), EINVAL);
	CHECK_ERRNO(vdestack_spawn(bad, argv, NULL, &status_fd), EINVAL);
	CHECK_ERRNO(vdestack_run(bad, argv, NULL), EINVAL);
	CHECK_ERRNO(vde_stackcmd(bad, "/bin/true"), EINVAL);
	CHECK_ERRNO(vdestack_if_nametoindex(bad, "lo"), EINVAL);
	CHECK_ERRNO(vdestack_if_indextoname(bad, 1, name), EINVAL);
	CHECK_ERRNO(vdestack_link_set_up(bad, "lo", 1), EINVAL);
	CHECK_ERRNO(vdestack_link_get_flags(bad, "lo"), EINVAL);
	CHECK_ERRNO(vdestack_link_set_mtu(bad, "lo", 1500), EINVAL);
	CHECK_ERRNO(vdestack_link_get_mtu(bad, "lo"), EINVAL);
	CHECK_ERRNO(vdestack_link_set_mac(bad, "lo", mac), EINVAL);
	CHECK_ERRNO(vdestack_link_get_mac(bad, "lo", got), EINVAL);
	CHECK_ERRNO(vdestack_addr_add(bad, "lo", "10.0.0.1", 24), EINVAL);
	CHECK_ERRNO(vdestack_addr_del(bad, "lo", "10.0.0.1", 24), EINVAL);
	CHECK_ERRNO(vdestack_addr_list(bad, NULL, &addr, 1, sizeof(struct vdestack_addr)), EINVAL);
	CHECK_ERRNO(vdestack_route_add(bad, &route), EINVAL);
	CHECK_ERRNO(vdestack_route_del(bad, &route), EINVAL);
	CHECK_ERRNO(vdestack_route_list(bad, NULL, &route, 1, sizeof(struct vdestack_route)), EINVAL);
	CHECK_ERRNO(vdestack_neigh_add(bad, "lo", "10.0.0.1", mac), EINVAL);
	CHECK_ERRNO(vdestack_neigh_del(bad, "lo", "10.0.0.1"), EINVAL);
	CHECK_ERRNO(vdestack_neigh_list(bad, NULL, &neigh, 1, sizeof(struct vdestack_neigh)), EINVAL);
	CHECK_ERRNO(vdestack_getifaddrs(bad, &ifaddrs), EINVAL);
	CHECK_ERRNO(vdestack_sysctl_set(bad, "ipv4.ip_forward", "1"), EINVAL);
	CHECK_ERRNO(vdestack_sysctl_get(bad, "ipv4.ip_forward", value, sizeof(value)), EINVAL);
	CHECK(vdestack_last_error()[0] != '\0');
	vde_delstack(bad);
	if (bad == NULL)
		return; /* means "no default" there */
	CHECK_ERRNO(vdestack_set_default(bad), EINVAL);
	CHECK_ERRNO(vdestack_set_thread_default(bad), EINVAL);
	vde_default_stack(bad);
	CHECK(vdestack_get_default() == NULL);
	CHECK(vdestack_get_thread_default() == NULL);
}

CASE_FLAGS(null_handles_are_EINVAL_for_every_function, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	refuse(NULL); /* before there has been any stack */
	struct vdestack *stack = new_stack("");
	refuse(NULL);
	MUST(vdestack_delete(stack));
	refuse(NULL);
}

CASE_FLAGS(garbage_handles_are_EINVAL_for_every_function, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	int on_stack = 0;
	void *on_heap = malloc(64);
	const uintptr_t garbage[] = { 1, 2, 0x1234, 0xffff, 0x10000, 0x1ffff, 0x20000, (uintptr_t)-1,
				      (uintptr_t)INTPTR_MIN, 0x41414141u, (uintptr_t)&on_stack,
				      (uintptr_t)on_heap, (uintptr_t)refuse };

	for (int with = 0; with < 2; with++) {
		struct vdestack *stack = with ? new_stack("") : NULL;
		for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
			refuse((struct vdestack *)garbage[i]);
		if (with) {
			refuse((struct vdestack *)((uintptr_t)stack + 1));
			refuse((struct vdestack *)((uintptr_t)stack - 1));
			/* of the next stack in this place */
			refuse((struct vdestack *)((uintptr_t)stack + 0x20000));
			close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
			MUST(vdestack_delete(stack));
		}
	}
	free(on_heap);
}

CASE_BOTH(stale_handles_are_EINVAL_for_every_function_also_when_their_slot_is_used_again)
{
	struct vdestack *stale[20];

	for (int i = 0; i < 20; i++) {
		stale[i] = new_stack("");
		MUST(vdestack_delete(stale[i]));
	}
	refuse(stale[0]);
	struct vdestack *stack = new_stack("vnl=inproc://lan");
	for (int i = 0; i < 20; i++) {
		CHECK(stale[i] != stack);
		refuse(stale[i]);
	}
	CHECK(MUST(vdestack_if_nametoindex(stack, "vde0")) > 0);
	MUST(vdestack_delete(stack));
}

/* A thread's default that has been deleted by another is an error, never the host's network. */
CASE_BOTH(a_thread_whose_default_has_been_deleted_gets_errors_from_socket)
{
	struct vdestack *stack = new_stack("");

	MUST(vdestack_set_thread_default(stack));
	close((int)MUST(socket(AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(stack));
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EINVAL);
	close((int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)));
	MUST(vdestack_set_thread_default(NULL));
	close((int)MUST(socket(AF_INET, SOCK_STREAM, 0)));
}

/* ------------------------------------------------------------------ small stacks of threads */

static void *msocket_in_a_small_thread(void *stack)
{
	for (int i = 0; i < 20; i++)
		close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	return NULL;
}

static void *everything_in_a_small_thread(void *unused)
{
	struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24 ip=fc00::1/64 gw=10.0.0.254");
	struct ifaddrs *list;

	(void)unused;
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_getifaddrs(stack, &list));
	vdestack_freeifaddrs(list);
	CHECK_ERRNO(vdestack_iface_add(stack, "vnl=/nonexistent/switch", NULL), ENOENT);
	CHECK_ERRNO(vdestack_iface_add(stack, "nonsense=1", NULL), EINVAL);
	MUST(vdestack_delete(stack));
	return NULL;
}

static void in_a_small_thread(void *(*fn)(void *), void *arg, size_t more)
{
	pthread_attr_t attr;
	pthread_t thread;

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, (size_t)sysconf(_SC_THREAD_STACK_MIN) + more), 0);
	CHECK_EQ(pthread_create(&thread, &attr, fn, arg), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attr);
}

CASE_FLAGS(msocket_needs_no_more_than_the_smallest_stack_a_thread_can_have,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct vdestack *stack = new_stack("");

	in_a_small_thread(msocket_in_a_small_thread, stack, 4096);
	MUST(vdestack_delete(stack));
}

CASE_FLAGS(a_thread_with_a_small_stack_can_make_stacks,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	in_a_small_thread(everything_in_a_small_thread, NULL, 2048);
}
