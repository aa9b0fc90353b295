/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The default stack: which calls of socket(2) it serves, and which not. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/un.h>

#include "stacks.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* ------------------------------------------------------------------ helpers */

/* A number for the network namespace of a socket. */
static uint64_t place_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	MUST(fd);
	MUST(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len));
	close(fd);
	return cookie;
}

static uint64_t place_of_stack(struct vdestack *s)
{
	return place_of(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static uint64_t here(void)
{
	return place_of(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static uint64_t host; /* filled in before there is any default */

static struct vdestack *new_default(void)
{
	host = here();
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	MUST(vdestack_set_default(s));
	return s;
}

/* ------------------------------------------------------------------ what is redirected */

CASE_BOTH(sockets_of_the_internet_families_go_to_the_default_stack)
{
	struct vdestack *s = new_default();
	uint64_t there = place_of_stack(s);

	CHECK(there != host);
	CHECK_EQ(place_of(socket(AF_INET, SOCK_STREAM, 0)), there);
	CHECK_EQ(place_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP)), there);
	CHECK_EQ(place_of(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)), there);
	CHECK_EQ(place_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)), there);
	CHECK_EQ(place_of(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))), there);
	CHECK_EQ(place_of(socket(AF_PACKET, SOCK_DGRAM, 0)), there);
	CHECK_EQ(place_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), there);
	CHECK_EQ(place_of(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_ROUTE)), there);
	MUST(vdestack_set_default(NULL));
	CHECK_EQ(here(), host);
}

CASE_BOTH(sockets_of_other_families_stay_in_the_host_network)
{
	(void)new_default();
	int pair[2];

	CHECK_EQ(place_of(socket(AF_UNIX, SOCK_STREAM, 0)), host);
	CHECK_EQ(place_of(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), host);
	CHECK_EQ(place_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)), host);
	CHECK_EQ(place_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)), host);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK_EQ(place_of(pair[0]), host);
	close(pair[1]);
}

/* As session buses have them: such a name belongs to one network namespace. */
CASE_BOTH(an_abstract_name_of_the_host_can_still_be_reached)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa.sun_family);
	int l = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(bind(l, (struct sockaddr *)&sa, len)); /* the kernel chooses an abstract name */
	len = sizeof(sa);
	MUST(getsockname(l, (struct sockaddr *)&sa, &len));
	MUST(listen(l, 1));
	(void)new_default();
	int c = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(c, (struct sockaddr *)&sa, len));
	close((int)MUST(accept4(l, NULL, NULL, SOCK_CLOEXEC)));
}

CASE_BOTH(flags_and_errors_are_those_of_the_system_call)
{
	static const int wrong[][3] = { { AF_INET, 77, 0 }, { AF_INET, SOCK_STREAM, IPPROTO_UDP },
					{ AF_INET6, SOCK_STREAM, 9999 }, { 9999, SOCK_STREAM, 0 },
					{ AF_INET, 0, 0 },
					{ AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE } };
	int expected[6];

	for (int i = 0; i < 6; i++) {
		CHECK(socket(wrong[i][0], wrong[i][1], wrong[i][2]) < 0);
		expected[i] = errno;
	}
	(void)new_default();
	for (int i = 0; i < 6; i++)
		CHECK_ERRNO(socket(wrong[i][0], wrong[i][1], wrong[i][2]), expected[i]);
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

CASE_BOTH(an_unchanged_server_and_client_work_on_a_default_stack)
{
	struct vdestack *s = new_default();
	struct sockaddr_in sa = address("10.9.0.1", 80), from;
	socklen_t len = sizeof(from);
	int one = 1;
	int l = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
	    c = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(l, (struct sockaddr *)&sa, sizeof(sa)));
	MUST(listen(l, 1));
	MUST(connect(c, (struct sockaddr *)&sa, sizeof(sa)));
	int a = (int)MUST(accept4(l, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK));
	CHECK_EQ(from.sin_addr.s_addr, sa.sin_addr.s_addr);
	CHECK(fcntl(a, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(place_of(a), place_of_stack(s));
}

/* libc looks up names in the host network, to which its configuration files belong. */
CASE_BOTH(lookups_of_libc_work_as_before)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list;

	(void)new_default();
	CHECK_EQ(getaddrinfo("127.0.0.1", "80", &hints, &list), 0);
	freeaddrinfo(list);
	CHECK_EQ(getaddrinfo("localhost", NULL, &hints, &list), 0);
	freeaddrinfo(list);
	CHECK(if_nametoindex("lo") > 0);
	CHECK_EQ(if_nametoindex("vde0"), 0);
}

/* ------------------------------------------------------------------ who has which */

static void *in_thread(void *other)
{
	uint64_t *seen = malloc(3 * sizeof(*seen));

	CHECK(vdestack_get_thread_default() == NULL);
	seen[0] = here();
	MUST(vdestack_set_thread_default(other));
	seen[1] = here();
	MUST(vdestack_set_thread_default(NULL));
	seen[2] = here();
	return seen;
}

CASE_BOTH(the_default_of_a_thread_comes_before_that_of_the_process)
{
	struct vdestack *s = new_default(), *t = new_stack("%s", "");
	uint64_t s_place = place_of_stack(s), t_place = place_of_stack(t), *seen;
	pthread_t thread;

	CHECK(vdestack_get_default() == s);
	CHECK(vdestack_get_thread_default() == NULL);
	CHECK_EQ(here(), s_place);
	MUST(vdestack_set_thread_default(t));
	CHECK(vdestack_get_thread_default() == t);
	CHECK(vdestack_get_default() == s);
	CHECK_EQ(here(), t_place);
	CHECK_EQ(pthread_create(&thread, NULL, in_thread, t), 0);
	CHECK_EQ(pthread_join(thread, (void **)&seen), 0);
	CHECK_EQ(seen[0], s_place);
	CHECK_EQ(seen[1], t_place);
	CHECK_EQ(seen[2], s_place);
	free(seen);
	CHECK_EQ(here(), t_place);
	MUST(vdestack_set_default(NULL));
	CHECK_EQ(here(), t_place);
	MUST(vdestack_set_thread_default(NULL));
	CHECK_EQ(here(), host);
}

CASE_BOTH(swapping_the_default_of_a_thread_returns_the_one_before)
{
	struct vdestack *a = new_stack("%s", ""), *b = new_stack("%s", ""), *old = a;

	host = here();
	MUST(vdestack_swap_thread_default(a, &old));
	CHECK(old == NULL);
	CHECK_EQ(here(), place_of_stack(a));
	MUST(vdestack_swap_thread_default(b, &old));
	CHECK(old == a);
	CHECK_EQ(here(), place_of_stack(b));
	MUST(vdestack_swap_thread_default(old, &old));
	CHECK(old == b);
	CHECK_EQ(here(), place_of_stack(a));
	CHECK_ERRNO(vdestack_swap_thread_default((struct vdestack *)&host, &old), EINVAL);
	CHECK(vdestack_get_thread_default() == a); /* a failure changes nothing */
	CHECK(old == b);
	MUST(vdestack_swap_thread_default(NULL, &old));
	CHECK(old == a);
	CHECK_EQ(here(), host);
}

/* A function sets a default of its own for a while; meanwhile another thread deletes its caller's. */
CASE_BOTH(a_default_that_was_deleted_meanwhile_is_restored_and_refused)
{
	struct vdestack *callers = new_stack("%s", ""), *own = new_stack("%s", ""), *old;

	MUST(vdestack_set_thread_default(callers));
	MUST(vdestack_swap_thread_default(own, &old));
	CHECK(old == callers);
	MUST(vdestack_delete(callers));
	MUST(vdestack_swap_thread_default(old, &old));
	CHECK(old == own);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EINVAL); /* in no other network */
	MUST(vdestack_set_thread_default(NULL));
}

CASE_BOTH(a_handle_that_is_no_stack_cannot_be_a_default)
{
	struct vdestack *s = new_default(), *gone = new_stack("%s", "");

	MUST(vdestack_delete(gone));
	CHECK_ERRNO(vdestack_set_default(gone), EINVAL);
	CHECK(strlen(vdestack_last_error()) > 0);
	CHECK_ERRNO(vdestack_set_thread_default(gone), EINVAL);
	CHECK_ERRNO(vdestack_set_default((struct vdestack *)(uintptr_t)12345678), EINVAL);
	CHECK(vdestack_get_default() == s);
	CHECK(vdestack_get_thread_default() == NULL);
	errno = 4711;
	vde_default_stack(gone); /* cannot report an error, and changes neither */
	CHECK_EQ(errno, 4711);
	CHECK(vdestack_get_default() == s);
	vde_default_stack(NULL);
	CHECK(vdestack_get_default() == NULL);
	vde_default_stack(s);
	CHECK_EQ(here(), place_of_stack(s));
}

CASE_BOTH(deletion_undoes_the_default_of_the_process)
{
	struct vdestack *s = new_default(), *t = new_stack("%s", "");

	MUST(vdestack_delete(t)); /* another one */
	CHECK(vdestack_get_default() == s);
	MUST(vdestack_delete(s));
	CHECK(vdestack_get_default() == NULL);
	CHECK_EQ(here(), host);
	t = new_stack("%s", ""); /* in the place of the old one */
	CHECK(vdestack_get_default() == NULL);
	CHECK_EQ(here(), host);
}

/* A thread with a default stack does not use the host network by accident. */
CASE_BOTH(a_deleted_default_of_a_thread_is_refused_and_never_another_network)
{
	struct vdestack *s = new_default();

	MUST(vdestack_set_thread_default(s));
	MUST(vdestack_delete(s));
	(void)new_stack("%s", "");
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EINVAL);
	CHECK_EQ(place_of(socket(AF_UNIX, SOCK_STREAM, 0)), host);
	MUST(vdestack_set_thread_default(NULL));
	CHECK_EQ(here(), host);
}

struct pair_of_places {
	uint64_t first, second;
	struct vdestack *other;
};

static void child_uses_defaults(void *arg)
{
	struct pair_of_places *p = arg;

	CHECK_EQ(here(), p->first);
	MUST(vdestack_set_default(p->other));
	CHECK_EQ(here(), p->second);
	MUST(vdestack_delete(p->other));
	CHECK_EQ(here(), host);
}

CASE_BOTH(a_child_has_the_default_of_its_parent_and_changes_its_own)
{
	struct vdestack *s = new_default();
	struct pair_of_places p = { place_of_stack(s), 0, new_stack("%s", "") };

	p.second = place_of_stack(p.other);
	in_child(child_uses_defaults, &p);
	CHECK(vdestack_get_default() == s);
	CHECK_EQ(here(), p.first);
	CHECK_EQ(place_of_stack(p.other), p.second);
}

CASE_BOTH(a_program_that_is_executed_has_no_default)
{
	(void)new_default();
	CHECK_EQ(system("grep -q vde0: /proc/net/dev"), 1 << 8);
}

/* ------------------------------------------------------------------ deleted in the middle of calls */

#define CALLERS 3
#define DELETIONS 48
#define CALLS_EACH 20 /* by each caller, while a stack is the default */

static struct {
	uint64_t places[DELETIONS];
	atomic_uint calls[CALLERS];
	atomic_bool stop;
} race;

static bool is_known_place(uint64_t place)
{
	for (int i = 0; i < DELETIONS; i++)
		if (race.places[i] == place)
			return true;
	return place == host;
}

static void *calls_socket(void *arg)
{
	atomic_uint *calls = arg;

	while (!atomic_load(&race.stop)) {
		CHECK(is_known_place(place_of(socket(
			AF_INET, (atomic_load(calls) & 1 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0))));
		atomic_fetch_add(calls, 1);
	}
	return NULL;
}

static bool all_have_called(void *since)
{
	const unsigned *before = since;

	for (int i = 0; i < CALLERS; i++)
		if (atomic_load(&race.calls[i]) - before[i] < CALLS_EACH)
			return false;
	return true;
}

static void await_calls(void)
{
	unsigned before[CALLERS];

	for (int i = 0; i < CALLERS; i++)
		before[i] = atomic_load(&race.calls[i]);
	CHECK(wait_until(all_have_called, before, 20000));
}

CASE_TIMED(a_call_that_overlaps_the_deletion_of_the_default_returns_a_socket,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN, 120)
{
	struct vdestack *stacks[DELETIONS];
	pthread_t callers[CALLERS];

	host = here();
	for (int i = 0; i < DELETIONS; i++) {
		stacks[i] = new_stack("%s", "");
		race.places[i] = place_of_stack(stacks[i]);
	}
	for (int i = 0; i < CALLERS; i++)
		CHECK_EQ(pthread_create(&callers[i], NULL, calls_socket, &race.calls[i]), 0);
	for (int i = 0; i < DELETIONS; i++) {
		MUST(vdestack_set_default(stacks[i]));
		await_calls();
		if (i % 3 == 1) /* is replaced before it is deleted; calls still use it */
			MUST(vdestack_set_default(stacks[i + 1]));
		MUST(vdestack_delete(stacks[i]));
	}
	atomic_store(&race.stop, true);
	for (int i = 0; i < CALLERS; i++)
		CHECK_EQ(pthread_join(callers[i], NULL), 0);
	CHECK(vdestack_get_default() == NULL);
	CHECK_EQ(here(), host);
}

/* ------------------------------------------------------------------ ways to the call */

typedef int socket_fn(int, int, int);

CASE_BOTH(socket_is_redirected_however_it_is_found)
{
	struct vdestack *s = new_default();
	uint64_t there = place_of_stack(s);
	socket_fn *volatile pointer = socket;
	socket_fn *fn;

	CHECK_EQ(place_of(pointer(AF_INET, SOCK_STREAM, 0)), there);
	*(void **)&fn = dlsym(RTLD_NEXT, "socket");
	CHECK(fn != NULL);
	CHECK_EQ(place_of(fn(AF_INET, SOCK_STREAM, 0)), there);
	*(void **)&fn = dlsym(RTLD_DEFAULT, "socket");
	CHECK(fn != NULL);
	CHECK_EQ(place_of(fn(AF_INET, SOCK_STREAM, 0)), there);
}

CASE_BOTH(nothing_changes_for_a_program_without_a_default)
{
	host = here();
	struct vdestack *s = new_stack("%s", "");

	CHECK(vdestack_get_default() == NULL);
	CHECK(vdestack_get_thread_default() == NULL);
	CHECK_EQ(here(), host);
	CHECK(place_of_stack(s) != host);
}

/* While a default is set, stacks and commands are still made from the host network. */
CASE_FLAGS(the_library_itself_does_not_use_the_default,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack *s = new_default();

	MUST(vdestack_set_thread_default(s));
	struct vdestack *t = new_stack("vnl=hub://%s ip=10.8.0.1/24", case_path("net"));
	CHECK(place_of_stack(t) != place_of_stack(s));
	CHECK(vdestack_if_nametoindex(t, "vde0") > 0);
	MUST(vdestack_iface_add(t, "vnl=inproc://lan ip=10.9.0.3/24", case_opts()));
	check_udp(s, t, "10.9.0.3");
	MUST(vdestack_delete(t));
}
