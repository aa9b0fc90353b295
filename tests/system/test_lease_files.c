/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directories of leases: what is kept, damaged files, directories that do not answer, stacks of one name. */

#define _GNU_SOURCE
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "leases.h"

static int new_directory(const char *name)
{
	const char *path = case_path(name);

	MUST(mkdir(path, 0700));
	return (int)MUST(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static const char *awaited; /* a file of the case */

static bool file_contains(void *text)
{
	struct stat st;

	return stat(case_path(awaited), &st) == 0 && S_ISREG(st.st_mode) &&
	       strstr(text_of(case_path(awaited)), text) != NULL;
}

/* A lease is stored after it is used. */
static void wait_for_file(const char *name, const char *text)
{
	awaited = name;
	if (!wait_until(file_contains, (void *)text, SOON_MS))
		FAIL("%s lacks \"%s\"", name, text);
}

CASE_BOTH(a_stack_of_the_same_name_gets_its_address_back)
{
	char addr[INET6_ADDRSTRLEN];

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)snprintf(addr, sizeof(addr), "%s", get_lease("one", dir));
	wait_for_file("kept/one-vde0.dhcp4", addr);
	CHECK_EQ(strncmp(text_of(case_path("kept/duid")), "vdestack duid 1\nduid 0004", 25), 0);
	MUST(vdestack_delete(client));
	int log = (int)MUST(open(case_path("server.log"), O_RDONLY | O_CLOEXEC));
	off_t before = MUST(lseek(log, 0, SEEK_END));
	client = new_stack("vnl=inproc://lan eth mac=02:00:00:00:00:77");
	CHECK_STR(get_lease("one", dir), addr);
	char text[8192] = "";
	(void)MUST(pread(log, text, sizeof(text) - 1, before));
	CHECK_CONTAINS(text, "DHCPREQUEST(vde0)"); /* at once: INIT-REBOOT */
	CHECK(strstr(text, "DHCPDISCOVER") == NULL);
	CHECK(strstr(text, "DHCPRELEASE") == NULL);
	close(log);
	close(dir);
}

static struct vs_wire_learned first_source(struct vdestack *stack)
{
	static struct learned l;

	read_learned(stack, &l);
	return *find_source(&l, VDESTACK_SOURCE_DHCP4 - 1);
}

/*
 * What make() puts there is reported. There is a lease nevertheless. It is stored, or that cannot be done
 * with that error.
 */
static void check_not_used(void (*make)(const char *path), int error)
{
	struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	make(case_path("kept/one-vde0.dhcp4"));
	int events = (int)MUST(vdestack_events(client));
	start_sources(client, &want, dir);
	struct vdestack_event e = wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE);
	CHECK_EQ(e.source, VDESTACK_SOURCE_DHCP4);
	CHECK_EQ(e.error, EBADMSG);
	wait_for_sources(client);
	read_learned(client, &l);
	CHECK(find_learned(&l, VS_LEARNED_ADDRESS) != NULL);
	CHECK(strcmp(address_text(&find_learned(&l, VS_LEARNED_ADDRESS)->addr), "10.7.0.99") != 0);
	if (error == 0) {
		wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	} else {
		CHECK_EQ(wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE).error, error);
		CHECK_CONTAINS(first_source(client).text, strerror(error));
	}
	close(events);
	close(dir);
}

static void write_to(const char *path, const char *text, size_t n)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	CHECK_EQ(MUST(write(fd, text, n)), (long)n);
	close(fd);
}

#define LEASE_TEXT 512

/* A lease that would be used. */
static size_t good_lease(char text[LEASE_TEXT])
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	int n = snprintf(text, LEASE_TEXT,
			 "vdestack lease 1\nsource dhcp4\nobtained %lld000\n"
			 "address 10.7.0.99/24 4294967295 4294967295\nserver 0a070001\n",
			 (long long)time(NULL));

	for (int i = 0; i < n; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	n += snprintf(text + n, LEASE_TEXT - (size_t)n, "sum %016llx\n", (unsigned long long)sum);
	return (size_t)n;
}

static void make_good(const char *path)
{
	char text[LEASE_TEXT];

	write_to(path, text, good_lease(text));
}

/* That the other cases would notice a file that is used. */
CASE_BOTH(a_lease_file_that_is_in_order_is_used)
{
	new_network();
	close(start_dnsmasq(server, (const char *const[]){ "--dhcp-range=10.7.0.50,10.7.0.100,3600", NULL }));
	int dir = new_directory("kept");
	make_good(case_path("kept/one-vde0.dhcp4"));
	CHECK_STR(get_lease("one", dir), "10.7.0.99");
	close(dir);
}

static void make_damaged(const char *path)
{
	char text[LEASE_TEXT];
	size_t n = good_lease(text);

	text[n - 3] ^= 1; /* in the checksum */
	write_to(path, text, n);
}

static void make_truncated(const char *path)
{
	char text[LEASE_TEXT];

	write_to(path, text, good_lease(text) / 2);
}

static void make_huge(const char *path)
{
	make_good(path);
	MUST(truncate(path, (off_t)1 << 40));
}

static void make_empty(const char *path)
{
	write_to(path, "", 0);
}

static void make_link(const char *path)
{
	make_good(case_path("elsewhere"));
	MUST(symlink(case_path("elsewhere"), path));
}

static void make_directory(const char *path)
{
	MUST(mkdir(path, 0700));
}

static void make_fifo(const char *path)
{
	MUST(mkfifo(path, 0600));
}

static void make_foreign(const char *path)
{
	make_good(path);
	MUST(chown(path, 12345, 12345));
}

CASE_BOTH(a_damaged_lease_file_is_reported_and_not_used)
{
	check_not_used(make_damaged, 0);
}

CASE_BOTH(a_truncated_lease_file_is_reported_and_not_used)
{
	check_not_used(make_truncated, 0);
}

CASE_BOTH(a_lease_file_that_is_too_long_is_reported_and_not_used)
{
	check_not_used(make_huge, 0);
}

CASE_BOTH(an_empty_lease_file_is_reported_and_not_used)
{
	check_not_used(make_empty, 0);
}

CASE_BOTH(a_lease_file_that_is_a_symbolic_link_is_not_followed)
{
	check_not_used(make_link, 0);
	CHECK_CONTAINS(text_of(case_path("elsewhere")), "10.7.0.99"); /* nor written to */
}

CASE_BOTH(a_directory_in_the_place_of_a_lease_file_is_reported)
{
	check_not_used(make_directory, EISDIR);
}

CASE_BOTH(a_pipe_in_the_place_of_a_lease_file_is_reported)
{
	check_not_used(make_fifo, 0);
}

CASE_FLAGS(a_lease_file_of_another_user_is_reported_and_not_used, CASE_F_ROOT | CASE_F_INPROCESS)
{
	check_not_used(make_foreign, 0);
}

/* The keeper's worker has no capability, so this holds for root as well. */
CASE(a_directory_that_cannot_be_written_is_reported_with_the_cause)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	MUST(fchmod(dir, 0500));
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	int events = (int)MUST(vdestack_events(client));
	start_sources(client, &want, dir);
	CHECK_EQ(wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE).error, EACCES);
	wait_for_sources(client);
	CHECK_STR(first_source(client).text, "the lease files cannot be written: Permission denied");
	close(events);
	close(dir);
}

/* The two stacks have one worker: the lease of the first one is written before the second one is ready. */
CASE_BOTH(a_lease_that_is_written_does_not_hide_a_damaged_duid)
{
	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)new_file("kept/duid", "damaged\n");
	(void)get_lease("one", dir);
	struct vdestack *first = client;
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	client = new_stack("vnl=inproc://lan eth");
	(void)get_lease("two", dir);
	CHECK_CONTAINS(first_source(first).text, "the file of the DUID is damaged");
	close(dir);
}

/* ------------------------------------------------------------------ slow directories */

/* Who opens a file of the directory waits until the descriptor that this returns is closed. */
static int stop_directory(const char *path)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (fd < 0 && (errno == EPERM || errno == ENOSYS))
		SKIP("fanotify: %s", strerrorname_np(errno));
	MUST(fd);
	MUST(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, path));
	return fd;
}

CASE_FLAGS(a_directory_that_does_not_answer_delays_no_other_stack, CASE_F_ROOT | CASE_F_INPROCESS)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	int stop = stop_directory(case_path("kept"));
	struct vdestack *slow = client;
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	start_sources(slow, &want, dir);
	client = new_stack("vnl=inproc://lan eth");
	(void)get_lease("", -1);
	struct vs_wire_learned source = first_source(slow);
	CHECK(!source.ready);
	CHECK_CONTAINS(source.text, "has not answered");
	MUST(vdestack_delete(client));
	wait_for_log("DHCPRELEASE(vde0)");
	close(stop);
	wait_for_sources(slow);
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	close(dir);
}

CASE_FLAGS(the_end_does_not_wait_long_for_a_directory_that_does_not_answer, CASE_F_ROOT)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	start_sources(client, &want, dir);
	wait_for_sources(client);
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	int stop = stop_directory(case_path("kept"));
	/* the file of the lease that is got after this is opened, and that waits */
	want.stop = VS_SOURCES_DHCP4;
	start_sources(client, &want, dir);
	MUST(vdestack_delete(client));
	if (!wait_until(thread_is_gone, NULL, SOON_MS))
		FAIL("the thread of the sources goes on without a stack");
	close(stop);
	close(dir);
}

CASE_BOTH(two_stacks_of_one_name_do_not_use_one_lease_file)
{
	struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)get_lease("one", dir);
	struct vdestack *other = new_stack("vnl=inproc://lan eth");
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	int events = (int)MUST(vdestack_events(other));
	start_sources(other, &want, dir);
	CHECK_EQ(wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE).error, EBUSY);
	wait_for_sources(other);
	read_learned(other, &l);
	CHECK_STR(find_learned(&l, VS_LEARNED_SOURCE)->text, "the lease files are in use by another stack");
	close(events);
	close(dir);
}

/* The lock is released as soon as the file is opened. */
CASE_BOTH(a_lock_that_is_released_soon_is_waited_for)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	int lock = (int)MUST(open(new_file("kept/one-vde0.lock", ""), O_RDWR | O_CLOEXEC));
	MUST(flock(lock, LOCK_EX | LOCK_NB));
	int opened = (int)MUST(inotify_init1(IN_CLOEXEC));
	MUST(inotify_add_watch(opened, case_path("kept/one-vde0.lock"), IN_OPEN));
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	start_sources(client, &want, dir);
	CHECK(wait_readable(opened, SOON_MS));
	MUST(flock(lock, LOCK_UN));
	wait_for_sources(client);
	CHECK_STR(first_source(client).text, "");
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	close(opened);
	close(lock);
	close(dir);
}
