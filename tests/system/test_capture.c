/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Captures: what is in the file, when they end, and what happens if the file cannot be written. A program in
 * Python reads the files, independently of the library.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "net.h"
#include "stacks.h"
#include <vdestack/capture.h>
#include <vdestack/events.h>
#include <vdestack/impair.h>
#include <vdestack/registry.h>

/* ptp:// is libvdeplug's, too. */
#define KINDS (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_TUN | CASE_F_VDE)

/* ------------------------------------------------------------------ helpers */

static char output[4 << 20];

/* What the reader in Python says of the files; it fails the case if a file is not as the format says. */
static const char *read_files(const char *names)
{
	char command[2048];

	(void)snprintf(command, sizeof(command), "exec python3 -B %s %s 2>&1", PCAPNG_READER, names);
	FILE *p = popen(command, "re");
	CHECK(p != NULL);
	size_t n = fread(output, 1, sizeof(output) - 1, p);
	output[n] = '\0';
	if (pclose(p) != 0)
		FAIL("the file is not valid: %s", output);
	return output;
}

/* How many lines begin with that text. */
static int count_lines(const char *text, const char *begin)
{
	int n = 0;

	for (const char *at = text; at != NULL; at = strchr(at, '\n') != NULL ? strchr(at, '\n') + 1 : NULL)
		n += strncmp(at, begin, strlen(begin)) == 0;
	return n;
}

static int capture(struct vdestack *stack, struct vdestack_capture_opts opts)
{
	opts.size = sizeof(opts);
	int fd = vdestack_capture_start(stack, "vde0", &opts);

	if (fd < 0)
		FAIL("no capture: %s", vdestack_last_error());
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return fd;
}

static struct vdestack_capture_stats stats_of(int fd)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	MUST(vdestack_capture_get_stats(fd, &s));
	return s;
}

static struct vdestack_capture_stats stop(int fd)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	MUST(vdestack_capture_stop(fd, &s));
	CHECK_EQ(s.ended, 1);
	return s;
}

static struct pair pair_on(const char *locator)
{
	return (struct pair){ new_stack("name=left vnl=%s ip=10.9.0.1/24", locator),
			      new_stack("name=right vnl=%s ip=10.9.0.2/24", locator) };
}

/* Datagrams of so many bytes of payload, to a port where nobody listens to the reader. */
static void send_many(struct vdestack *from, const char *to, int n, size_t bytes)
{
	static char payload[65000];
	struct sockaddr_in sa = address(to, 9);
	int s = (int)MUST(vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	for (int i = 0; i < n; i++) /* ECONNREFUSED: an answer to one before */
		CHECK(sendto(s, payload, bytes, 0, (struct sockaddr *)&sa, sizeof(sa)) >= 0 ||
		      errno == ECONNREFUSED);
	close(s);
}

struct expected {
	int fd;
	uint64_t seen;
};

static bool has_seen(void *arg)
{
	const struct expected *e = arg;

	return stats_of(e->fd).seen >= e->seen;
}

static void await_seen(int fd, uint64_t n)
{
	struct expected e = { fd, n };

	if (!wait_until(has_seen, &e, SOON_MS))
		FAIL("%llu frames have been seen", (unsigned long long)stats_of(fd).seen);
}

static bool is_complete(void *arg)
{
	char command[512];

	(void)snprintf(command, sizeof(command), "python3 -B %s %s 2>&1 | grep -q complete=1", PCAPNG_READER,
		       (const char *)arg);
	return system(command) == 0;
}

/* ------------------------------------------------------------------ what is in the file */

static void check_ping_in_file(const char *locator)
{
	struct pair p = pair_on(locator);
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file"),
							      .comment = "a test" });

	check_ping(p.a, "10.9.0.2");
	await_seen(fd, 4);
	struct vdestack_capture_stats s = stop(fd);
	CHECK(s.written >= 4 && s.written == s.seen);
	CHECK_EQ(s.dropped + s.os_dropped, 0);
	const char *text = read_files(case_path("file"));
	CHECK_CONTAINS(text, "comment=['a test']");
	CHECK_CONTAINS(text, "interface vde0 snaplen=262144 description=['stack left, ");
	CHECK_CONTAINS(text, locator);
	CHECK(count_lines(text, "frame tx 42 held=42 type=0806") >= 1); /* ARP */
	CHECK(count_lines(text, "frame rx 42 held=42 type=0806") >= 1);
	CHECK(count_lines(text, "frame tx 42 held=42 type=0800") >= 1); /* echo request, 8 bytes */
	CHECK(count_lines(text, "frame rx 42 held=42 type=0800") >= 1);
	CHECK_EQ(count_lines(text, "frame "), s.written);
	CHECK_EQ(count_lines(text, "statistics "), 1);
	CHECK_CONTAINS(text, "complete=1");
}

CASE_FLAGS(a_capture_on_ptp_has_both_directions, KINDS)
{
	char locator[256];

	(void)snprintf(locator, sizeof(locator), "ptp://%s", case_path("net"));
	check_ping_in_file(locator);
}

CASE_FLAGS(a_capture_on_a_switch_has_both_directions, KINDS)
{
	char locator[256];
	struct net_switch sw;

	net_switch_start(&sw, "switch");
	(void)snprintf(locator, sizeof(locator), "vde://%s", case_path("switch"));
	check_ping_in_file(locator);
	net_switch_stop(&sw);
}

CASE_BOTH(a_capture_on_a_segment_has_both_directions)
{
	check_ping_in_file("inproc://lan");
}

/* TCP with super-frames of the stack. */
static void check_segmented(const char *locator)
{
	static char bytes[512 * 1024];
	struct pair p = pair_on(locator);
	struct sockaddr_in sa = address("10.9.0.2", 7000);
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") });
	int l = (int)MUST(vdestack_msocket(p.b, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int c = (int)MUST(vdestack_msocket(p.a, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(bind(l, (struct sockaddr *)&sa, sizeof(sa)));
	MUST(listen(l, 1));
	MUST(connect(c, (struct sockaddr *)&sa, sizeof(sa)));
	int s = (int)MUST(accept(l, NULL, NULL));
	size_t sent = 0, got = 0;
	while (got < sizeof(bytes)) {
		ssize_t n = sent < sizeof(bytes) ? send(c, bytes, sizeof(bytes) - sent, MSG_DONTWAIT) : 0;
		sent += n > 0 ? (size_t)n : 0;
		CHECK(wait_readable(s, SOON_MS));
		got += (size_t)MUST(recv(s, bytes, sizeof(bytes), 0));
	}
	struct vdestack_capture_stats stats = stop(fd);
	CHECK_EQ(stats.dropped + stats.os_dropped, 0);
	const char *text = read_files(case_path("file"));
	CHECK(count_lines(text, "frame tx 1514 ") >= 300);
	for (const char *at = text; (at = strstr(at, "\nframe ")) != NULL; at++)
		CHECK(atoi(at + 10) <= 1514);
	if (access("/usr/bin/tshark", X_OK) == 0) { /* Wireshark reads the file; all checksums are right */
		char command[512];
		(void)snprintf(command, sizeof(command),
			       "tshark -r %s -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "
			       "'tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.malformed' "
			       "2>/dev/null",
			       case_path("file"));
		FILE *out = popen(command, "re");
		char first[200] = "";
		(void)!fgets(first, sizeof(first), out);
		CHECK_EQ(pclose(out), 0);
		CHECK_STR(first, "");
	}
}

CASE_TIMED(super_frames_are_cut_as_on_the_wire, KINDS | CASE_F_TSAN, 30)
{
	char locator[256];

	(void)snprintf(locator, sizeof(locator), "ptp://%s", case_path("net"));
	check_segmented(locator);
}

CASE_TIMED(super_frames_of_a_segment_are_cut_with_right_checksums, CASE_F_ROOT | CASE_F_USER, 30)
{
	check_segmented("inproc://lan");
}

static void *pour(void *fd)
{
	static char bytes[65536];

	while (send(*(int *)fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void *drain(void *fd)
{
	static char bytes[65536];

	while (recv(*(int *)fd, bytes, sizeof(bytes), 0) > 0)
		;
	return NULL;
}

/* A stream at the kernel's speed, whose super-frames the capture has to cut. */
CASE_TIMED(a_capture_of_a_fast_stream_answers_and_can_be_stopped, CASE_F_ROOT | CASE_F_USER, 60)
{
	struct pair p = pair_on("inproc://lan");
	struct sockaddr_in sa = address("10.9.0.2", 7000);
	int null = (int)MUST(open("/dev/null", O_WRONLY | O_CLOEXEC));
	int l = (int)MUST(vdestack_msocket(p.b, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int c = (int)MUST(vdestack_msocket(p.a, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	pthread_t threads[2];

	MUST(bind(l, (struct sockaddr *)&sa, sizeof(sa)));
	MUST(listen(l, 1));
	MUST(connect(c, (struct sockaddr *)&sa, sizeof(sa)));
	int s = (int)MUST(accept(l, NULL, NULL));
	CHECK_EQ(pthread_create(&threads[0], NULL, pour, &c), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, drain, &s), 0);
	int fd = capture(p.a, (struct vdestack_capture_opts){ .fd = null });
	await_seen(fd, 100000);
	(void)stop(fd);
	MUST(shutdown(c, SHUT_RDWR));
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	close(null);
}

CASE(wireshark_and_capinfos_read_the_file)
{
	struct pair p = new_pair();
	char command[600], line[200];
	bool has_comment = false;

	if (access("/usr/bin/capinfos", X_OK) != 0)
		SKIP("capinfos is not there; install the Debian package tshark");
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("f"),
							      .comment = "two words" });
	check_ping(p.a, "10.9.0.2");
	await_seen(fd, 4);
	struct vdestack_capture_stats s = stop(fd);
	(void)snprintf(command, sizeof(command),
		       "capinfos -M %s && tshark -r %s -T fields -e frame.interface_name",
		       case_path("f"), case_path("f"));
	FILE *out = popen(command, "re");
	int packets = 0, named = 0;
	while (fgets(line, sizeof(line), out) != NULL) {
		(void)sscanf(line, "Number of packets: %d", &packets);
		has_comment = has_comment || strstr(line, "two words") != NULL;
		named += strcmp(line, "vde0\n") == 0;
	}
	CHECK_EQ(pclose(out), 0);
	CHECK_EQ(packets, s.written);
	CHECK_EQ(named, s.written);
	CHECK(has_comment);
}

CASE_BOTH(frames_are_cut_to_the_snap_length_and_their_length_is_told)
{
	struct pair p = new_pair();
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file"), .snaplen = 60 });

	send_many(p.a, "10.9.0.2", 10, 1000);
	await_seen(fd, 10);
	(void)stop(fd);
	CHECK(count_lines(read_files(case_path("file")), "frame tx 1042 held=60 ") >= 1);
}

static bool has_events(void *arg)
{
	struct vdestack_event event;

	return vdestack_event_read(*(int *)arg, &event, 0) > 0 &&
	       event.type == VDESTACK_EVENT_CARRIER_RESTORED;
}

CASE_BOTH(events_stand_in_the_file_as_comments)
{
	struct pair p = new_pair();
	int events = (int)MUST(vdestack_events(p.a));
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") });

	MUST(vdestack_link_set_carrier(p.a, "vde0", 0));
	MUST(vdestack_impair_words(p.a, "vde0", "delay=1ms"));
	MUST(vdestack_link_set_carrier(p.a, "vde0", 1));
	CHECK(wait_until(has_events, &events, SOON_MS));
	check_ping(p.a, "10.9.0.2");
	await_seen(fd, 2);
	(void)stop(fd);
	const char *text = read_files(case_path("file"));
	CHECK_CONTAINS(text, "vde0: carrier cut");
	CHECK_CONTAINS(text, "vde0: carrier restored");
	CHECK_CONTAINS(text, "vde0: impaired: tx.delay=1ms");
	close(events);
}

CASE_FLAGS(several_captures_of_an_interface_do_not_disturb_each_other,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	struct pair p = new_pair();
	int fds[16];
	char last[256];
	struct vdestack_capture_opts o = { .size = sizeof(o), .path = last };

	(void)snprintf(last, sizeof(last), "%s", case_path("last"));

	for (int i = 0; i < 16; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "f%d", i);
		fds[i] = capture(p.a, (struct vdestack_capture_opts){ .path = case_path(name) });
	}
	CHECK_ERRNO(vdestack_capture_start(p.a, "vde0", &o), EBUSY);
	check_ping(p.a, "10.9.0.2");
	for (int i = 0; i < 16; i++)
		await_seen(fds[i], 4);
	(void)stop(fds[3]);
	(void)stop(capture(p.a, o));
	for (int i = 0; i < 16; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "f%d", i);
		if (i != 3)
			CHECK(stop(fds[i]).written >= 4);
		CHECK(count_lines(read_files(case_path(name)), "frame ") >= 4);
	}
}

CASE_BOTH(the_word_captures_from_the_first_frame)
{
	char file[256];

	(void)snprintf(file, sizeof(file), "%s", case_path("file"));
	struct vdestack *a = new_stack("vnl=inproc://lan capture=%s ip=10.9.0.1/24 ip=2001:db8::1/64", file);
	MUST(vdestack_delete(a));
	CHECK(wait_until(is_complete, file, SOON_MS));
	CHECK(count_lines(read_files(file), "frame tx ") >= 2); /* as duplicate address detection */
	CHECK_CONTAINS(output, "type=86dd");
}

CASE_BOTH(a_word_whose_file_cannot_be_opened_fails_the_creation)
{
	char config[512];

	(void)snprintf(config, sizeof(config), "vnl=inproc://lan capture=%s/no/file", case_tmp());
	CHECK_ERRNO(vdestack_new(config, case_opts()), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "no/file");
	CHECK_ERRNO(vdestack_new("vnl=inproc://lan capture=a capture=b", case_opts()), EINVAL);
	CHECK_ERRNO(vdestack_new("vnl=inproc://lan capture=", case_opts()), EINVAL);
	CHECK_ERRNO(vdestack_new("capture=x", case_opts()), EINVAL);
}

/* ------------------------------------------------------------------ rings of files */

CASE_BOTH(a_ring_of_files_keeps_the_last_frames_and_each_file_is_complete)
{
	struct pair p = new_pair();
	int fd = capture(p.a, (struct vdestack_capture_opts){
				      .path = case_path("ring.pcapng"), .files = 3, .file_bytes = 20000 });
	char names[600];

	send_many(p.a, "10.9.0.2", 200, 1000);
	await_seen(fd, 200);
	struct vdestack_capture_stats s = stop(fd);
	CHECK(s.turns >= 10);
	(void)snprintf(names, sizeof(names), "%s %s %s", case_path("ring.00.pcapng"),
		       case_path("ring.01.pcapng"), case_path("ring.02.pcapng"));
	const char *text = read_files(names);
	CHECK_EQ(count_lines(text, "section "), 3);
	CHECK_EQ(count_lines(text, "statistics "), 3);
	for (int i = 0; i < 3; i++) {
		struct stat st;
		char name[32];
		(void)snprintf(name, sizeof(name), "ring.%02d.pcapng", i);
		MUST(stat(case_path(name), &st));
		CHECK(st.st_size > 1000 && st.st_size <= 20000 + 200);
		CHECK_EQ(st.st_mode & 0777, 0600);
	}
}

CASE(a_ring_that_was_never_filled_has_complete_files)
{
	struct pair p = new_pair();
	char names[300];

	(void)stop(capture(p.a, (struct vdestack_capture_opts){
					.path = case_path("ring"), .files = 2, .file_bytes = 1 << 20 }));
	(void)snprintf(names, sizeof(names), "%s %s", case_path("ring.00"), case_path("ring.01"));
	CHECK_EQ(count_lines(read_files(names), "section "), 2);
}

/* ------------------------------------------------------------------ when it ends */

static bool has_ended(void *arg)
{
	return stats_of(*(int *)arg).ended != 0;
}

CASE_BOTH(it_ends_by_itself_after_so_many_frames)
{
	struct pair p = new_pair();
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file"), .frames = 5 });

	send_many(p.a, "10.9.0.2", 50, 100);
	CHECK(wait_readable(fd, SOON_MS));
	CHECK(wait_until(has_ended, &fd, SOON_MS));
	CHECK_EQ(stop(fd).written, 5);
	CHECK_CONTAINS(read_files(case_path("file")), "file frames=5 ");
}

CASE(it_ends_when_the_only_file_is_full)
{
	struct pair p = new_pair();
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file"),
							      .file_bytes = 8192 });
	struct stat st;

	send_many(p.a, "10.9.0.2", 50, 1000);
	CHECK(wait_until(has_ended, &fd, SOON_MS));
	CHECK_EQ(stop(fd).error, 0);
	MUST(stat(case_path("file"), &st));
	CHECK(st.st_size > 7000 && st.st_size < 8192 + 200);
	CHECK_CONTAINS(read_files(case_path("file")), "complete=1");
}

static void check_end_of_interface(const char *locator, bool whole_stack)
{
	struct pair p = pair_on(locator);
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") });

	check_ping(p.a, "10.9.0.2");
	await_seen(fd, 4);
	if (whole_stack)
		MUST(vdestack_delete(p.a));
	else
		MUST(vdestack_iface_del(p.a, "vde0"));
	CHECK(wait_readable(fd, SOON_MS));
	CHECK(wait_until(has_ended, &fd, SOON_MS));
	CHECK(stop(fd).written >= 4);
	CHECK_CONTAINS(read_files(case_path("file")), "complete=1");
}

CASE_FLAGS(it_ends_with_its_interface, KINDS | CASE_F_TSAN)
{
	char locator[256];

	(void)snprintf(locator, sizeof(locator), "ptp://%s", case_path("net"));
	check_end_of_interface(locator, false);
}

CASE_BOTH(it_ends_with_its_interface_on_a_segment)
{
	check_end_of_interface("inproc://lan", false);
}

CASE_BOTH(it_ends_with_its_stack)
{
	check_end_of_interface("inproc://lan", true);
}

CASE_BOTH(closing_its_descriptor_ends_it)
{
	struct pair p = new_pair();
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") });

	check_ping(p.a, "10.9.0.2");
	close(fd);
	CHECK(wait_until(is_complete, (void *)(uintptr_t)case_path("file"), SOON_MS));
}

CASE_BOTH(a_capture_that_is_kept_goes_on_until_the_interface_ends)
{
	struct pair p = new_pair();
	const char *file = case_path("file");
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = file, .flags = VDESTACK_CAPTURE_KEPT });

	close(fd);
	check_ping(p.a, "10.9.0.2");
	MUST(vdestack_delete(p.a));
	CHECK(wait_until(is_complete, (void *)(uintptr_t)file, SOON_MS));
	CHECK(count_lines(read_files(file), "frame ") >= 4);
}

static void end_with_a_capture(void *arg)
{
	struct pair p = new_pair();

	(void)capture(p.a, (struct vdestack_capture_opts){ .path = arg });
	check_ping(p.a, "10.9.0.2");
	_exit(0);
}

CASE(the_file_is_complete_when_the_program_ends)
{
	char file[256];

	(void)snprintf(file, sizeof(file), "%s", case_path("file"));
	in_child(end_with_a_capture, file);
	CHECK(wait_until(is_complete, file, SOON_MS));
	CHECK(count_lines(read_files(file), "frame ") >= 4);
}

CASE_FLAGS(captures_leave_nothing_behind, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	struct pair p = new_pair();
	pid_t keeper = the_keeper();

	for (int i = 0; i < 3; i++)
		(void)stop(capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") }));
	await_rest(keeper);
	int mine = count_fds(), its = count_fds_of(keeper);
	for (int i = 0; i < 50; i++)
		(void)stop(capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") }));
	CHECK_EQ(count_fds(), mine);
	await_rest(keeper); /* a thread closes its descriptors a moment after its last answer */
	CHECK(count_fds_of(keeper) <= its);
}

/* ------------------------------------------------------------------ files that cannot be written */

CASE_BOTH(a_full_disk_ends_the_capture_and_nothing_else)
{
	struct pair p = new_pair();
	int full = (int)MUST(open("/dev/full", O_WRONLY | O_CLOEXEC));
	int fd = capture(p.a, (struct vdestack_capture_opts){ .fd = full });
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	check_ping(p.a, "10.9.0.2");
	CHECK(wait_until(has_ended, &fd, SOON_MS));
	CHECK_EQ(stats_of(fd).error, ENOSPC);
	CHECK_ERRNO(vdestack_capture_stop(fd, &s), ENOSPC);
	CHECK_EQ(s.error, ENOSPC);
	check_ping(p.a, "10.9.0.2");
}

static void limit_files(void *arg)
{
	struct rlimit limit = { 10000, 10000 };
	const char *file = arg;

	(void)signal(SIGXFSZ, SIG_DFL);
	MUST(setrlimit(RLIMIT_FSIZE, &limit)); /* the keeper inherits it */
	struct pair p = new_pair();
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = file });
	send_many(p.a, "10.9.0.2", 100, 1000);
	CHECK(wait_until(has_ended, &fd, SOON_MS));
	CHECK_EQ(stats_of(fd).error, EFBIG);
	check_ping(p.a, "10.9.0.2");
}

CASE(a_limit_of_file_size_ends_the_capture_behind_a_whole_block)
{
	char file[256];
	struct stat st;

	(void)snprintf(file, sizeof(file), "%s", case_path("file"));
	in_child(limit_files, file);
	MUST(stat(file, &st));
	CHECK(st.st_size > 8000 && st.st_size <= 10000);
	CHECK_CONTAINS(read_files(file), "complete=0");
}

CASE_BOTH(a_pipe_whose_reader_has_stopped_costs_frames_and_they_are_counted)
{
	struct pair p = new_pair();
	int pipe_fds[2];
	char *all = malloc(8 << 20);

	MUST(pipe2(pipe_fds, O_CLOEXEC));
	int fd = capture(p.a, (struct vdestack_capture_opts){ .fd = pipe_fds[1], .buffer_bytes = 65536 });
	close(pipe_fds[1]);
	send_many(p.a, "10.9.0.2", 5000, 1400);
	for (int i = 0; stats_of(fd).dropped + stats_of(fd).os_dropped == 0; i++) {
		CHECK(i < 100);
		send_many(p.a, "10.9.0.2", 200, 1400);
	}
	check_udp(p.a, p.b, "10.9.0.2"); /* the stack goes on */
	FILE *out = fopen(case_path("file"), "we");
	pid_t reader = (pid_t)MUST(fork());
	if (reader == 0) {
		ssize_t n;
		while ((n = read(pipe_fds[0], all, 8 << 20)) > 0)
			CHECK_EQ(fwrite(all, 1, (size_t)n, out), n);
		_exit(fclose(out));
	}
	close(pipe_fds[0]);
	struct vdestack_capture_stats s = stop(fd);
	int status;
	MUST(waitpid(reader, &status, 0));
	CHECK_EQ(status, 0);
	char expected[100];
	(void)snprintf(expected, sizeof(expected), "dropped=%llu os=%llu", (unsigned long long)s.dropped,
		       (unsigned long long)s.os_dropped);
	CHECK(s.dropped + s.os_dropped > 0);
	CHECK_EQ(s.seen, s.written + s.dropped); /* none is missing without being counted */
	CHECK_CONTAINS(read_files(case_path("file")), expected);
	free(all);
}

/* Takes every byte of room there is, so the pipe is full again between any two calls of another writer. */
static void fill_pipe(int fd, const bool *over)
{
	static char bytes[4096];

	MUST(fcntl(fd, F_SETFL, O_NONBLOCK)); /* of this open file alone */
	while (!*(const volatile bool *)over)
		(void)write(fd, bytes, sizeof(bytes));
	_exit(0);
}

CASE_BOTH(another_writer_of_the_pipe_does_not_hold_up_the_capture)
{
	struct pair p = new_pair();
	static char bytes[4096];
	char path[64];
	int pipe_fds[2];
	bool *over = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(over != MAP_FAILED);
	MUST(pipe2(pipe_fds, O_CLOEXEC));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe_fds[1]);
	int other = (int)MUST(open(path, O_WRONLY | O_CLOEXEC)), status;
	pid_t filler = (pid_t)MUST(fork());
	if (filler == 0)
		fill_pipe(other, over);
	int fd = capture(p.a, (struct vdestack_capture_opts){ .fd = pipe_fds[1] });
	for (int i = 0; i < 300; i++) {
		send_many(p.a, "10.9.0.2", 20, 1400);
		for (int k = 0; k < 16; k++)
			CHECK(read(pipe_fds[0], bytes, sizeof(bytes)) > 0);
	}
	*over = true;
	MUST(waitpid(filler, &status, 0));
	struct vdestack_capture_stats s = { .size = sizeof(s) };
	CHECK(vdestack_capture_stop(fd, &s) == 0 || errno != ETIMEDOUT);
	(void)munmap(over, 4096);
}

CASE_BOTH(a_reader_that_goes_ends_the_capture)
{
	struct pair p = new_pair();
	int pipe_fds[2];
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	MUST(pipe2(pipe_fds, O_CLOEXEC));
	int fd = capture(p.a, (struct vdestack_capture_opts){ .fd = pipe_fds[1] });
	close(pipe_fds[1]);
	close(pipe_fds[0]);
	check_ping(p.a, "10.9.0.2");
	CHECK(wait_until(has_ended, &fd, SOON_MS));
	CHECK_ERRNO(vdestack_capture_stop(fd, &s), EPIPE);
	check_ping(p.a, "10.9.0.2");
}

/* ------------------------------------------------------------------ bad input */

static void check_refused(struct vdestack *stack, struct vdestack_capture_opts opts, int err)
{
	opts.size = sizeof(opts);
	CHECK_ERRNO(vdestack_capture_start(stack, "vde0", &opts), err);
	CHECK(vdestack_last_error()[0] != '\0');
}

CASE_BOTH(values_out_of_their_range_are_refused)
{
	struct pair p = new_pair();
	const char *f = case_path("file");
	static char longest[600];
	struct vdestack_capture_opts o = { .size = sizeof(o), .path = f };

	memset(longest, 'x', sizeof(longest) - 1);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .snaplen = 262145 }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .files = 65, .file_bytes = 9999 },
		      EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .files = 2 }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .fd = 1, .files = 2, .file_bytes = 9999 }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .file_bytes = 4095 }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .buffer_bytes = 65535 }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .buffer_bytes = 1 << 30 }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .flags = 4 }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = f, .comment = longest }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = "" }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .fd = -1 }, EBADF);
	CHECK_ERRNO(access(f, F_OK), ENOENT); /* nothing was made */
	CHECK_ERRNO(vdestack_capture_start(p.a, "vde7", &o), ENODEV);
	CHECK_ERRNO(vdestack_capture_start(p.a, "", &o), EINVAL);
	o.size = 0;
	CHECK_ERRNO(vdestack_capture_start(p.a, "vde0", &o), EINVAL);
}

CASE_BOTH(files_that_cannot_be_written_are_refused)
{
	struct pair p = new_pair();
	int fds[2], null = (int)MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
	int dir = (int)MUST(open(case_tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int path = (int)MUST(open(case_tmp(), O_PATH | O_CLOEXEC));

	MUST(pipe2(fds, O_CLOEXEC));
	MUST(symlink("/etc/passwd", case_path("link")));
	MUST(mkfifo(case_path("fifo"), 0600));
	check_refused(p.a, (struct vdestack_capture_opts){ .fd = null }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .fd = dir }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .fd = path }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .fd = fds[0] }, EINVAL);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = case_path("link") }, ELOOP);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = case_path("fifo") }, ENXIO);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = case_path("no/file") }, ENOENT);
	check_refused(p.a, (struct vdestack_capture_opts){ .path = case_tmp() }, EISDIR);
	MUST(mknod(case_path("old.01"), S_IFREG | 0600, 0));
	check_refused(p.a, (struct vdestack_capture_opts){ .path = case_path("old"), .files = 2,
							   .file_bytes = 9999,
							   .flags = VDESTACK_CAPTURE_NEW }, EEXIST);
}

/* poll(2) says that it can be written, and write(2) waits all the same. */
CASE_BOTH(a_descriptor_on_which_writing_waits_is_refused)
{
	struct pair p = new_pair();
	uint64_t nearly_full = UINT64_MAX - 2;
	int fd = (int)MUST(eventfd(0, EFD_CLOEXEC));

	CHECK_EQ(write(fd, &nearly_full, sizeof(nearly_full)), sizeof(nearly_full));
	check_refused(p.a, (struct vdestack_capture_opts){ .fd = fd }, EINVAL);
}

CASE(the_calls_refuse_other_descriptors)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) }, none = { 0 };
	int file = (int)MUST(open("/dev/null", O_RDWR | O_CLOEXEC));
	struct pair p = new_pair();
	int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") });

	CHECK_ERRNO(vdestack_capture_get_stats(-1, &s), EBADF);
	CHECK_ERRNO(vdestack_capture_get_stats(file, &s), EINVAL);
	CHECK_ERRNO(vdestack_capture_get_stats(fd, &none), EINVAL);
	CHECK_ERRNO(vdestack_capture_stop(file, &s), EINVAL);
	(void)stop(fd);
}

/* ------------------------------------------------------------------ who may */

CASE(a_handle_that_was_passed_on_may_not_capture)
{
	struct pair p = new_pair();
	int passed = (int)MUST(vdestack_pass(p.a, 0));
	struct vdestack *other = vdestack_receive(passed);

	CHECK(other != NULL);
	check_refused(other, (struct vdestack_capture_opts){ .path = case_path("file") }, EPERM);
	CHECK_ERRNO(vdestack_tap_open(other, "vde0", NULL), EPERM);
}

CASE(another_program_of_the_user_captures_and_the_capture_ends_with_it)
{
	struct pair p = new_pair();
	char file[256];
	int up[2], go[2];
	char byte;

	(void)snprintf(file, sizeof(file), "%s", case_path("file"));
	MUST(pipe2(up, O_CLOEXEC));
	MUST(pipe2(go, O_CLOEXEC));
	pid_t program = getpid(), visitor = (pid_t)MUST(fork());
	if (visitor == 0) {
		struct vdestack *there = NULL;
		for (int i = 0; there == NULL && i < 200; i++, sleep_ms(20))
			there = vdestack_attach(program, "0", NULL);
		if (there == NULL)
			FAIL("not attached: %s", vdestack_last_error());
		(void)capture(there, (struct vdestack_capture_opts){ .path = file });
		CHECK_EQ(write(up[1], "u", 1), 1);
		CHECK_EQ(read(go[0], &byte, 1), 1);
		MUST(kill(getpid(), SIGKILL));
	}
	close(up[1]);
	CHECK_EQ(read(up[0], &byte, 1), 1);
	check_ping(p.a, "10.9.0.2");
	CHECK_EQ(write(go[1], "g", 1), 1);
	MUST(waitpid(visitor, NULL, 0));
	CHECK(wait_until(is_complete, file, SOON_MS));
	CHECK(count_lines(read_files(file), "frame ") >= 4);
}

/* ------------------------------------------------------------------ attacks */

/* What is sent at the descriptor itself, which is the control socket of the capture. */
static void send_garbage(int fd, unsigned seed)
{
	unsigned char bytes[64];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control;
	int fds[3] = { fd, 0, (int)MUST(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) };

	srand(seed);
	for (int i = 0; i < 20; i++) {
		uint32_t question = 0x63617000u + (uint32_t)(rand() % 6);
		size_t len = rand() % 3 == 0 ? (size_t)(rand() % 64) : 4;
		struct iovec iov = { bytes, len };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (unsigned char)rand();
		memcpy(bytes, &question, 4);
		unsigned n = (unsigned)(rand() % 4);
		if (n > 0) {
			m.msg_control = control.bytes;
			m.msg_controllen = CMSG_SPACE(n * sizeof(int));
			struct cmsghdr *c = CMSG_FIRSTHDR(&m);
			*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
					       .cmsg_len = CMSG_LEN(n * sizeof(int)) };
			memcpy(CMSG_DATA(c), fds, n * sizeof(int));
		}
		(void)sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	close(fds[2]);
}

CASE_BOTH(garbage_at_its_descriptor_ends_the_capture_at_most)
{
	struct pair p = new_pair();

	for (unsigned seed = 1; seed <= 60; seed++) {
		int fd = capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file") });
		send_garbage(fd, seed);
		close(fd);
	}
	check_udp(p.a, p.b, "10.9.0.2");
	(void)stop(capture(p.a, (struct vdestack_capture_opts){ .path = case_path("last") }));
}
