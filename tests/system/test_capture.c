/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Captures: what is in the file, and when they end. A program in Python reads the files, independently of the
 * library.
 */

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "capture_net.h"
#include <vdestack/events.h>
#include <vdestack/impair.h>

/* ------------------------------------------------------------------ what is in the file */

static void check_ping_in_file(const char *locator)
{
	struct pair p = pair_on(locator);
	int fd = capture(p.a,
			 (struct vdestack_capture_opts){ .path = case_path("file"), .comment = "a test" });

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
	int fd = capture(p.a,
			 (struct vdestack_capture_opts){ .path = case_path("f"), .comment = "two words" });
	check_ping(p.a, "10.9.0.2");
	await_seen(fd, 4);
	struct vdestack_capture_stats s = stop(fd);
	(void)snprintf(command, sizeof(command),
		       "capinfos -M %s && tshark -r %s -T fields -e frame.interface_name", case_path("f"),
		       case_path("f"));
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
	int fd =
		capture(p.a, (struct vdestack_capture_opts){ .path = case_path("file"), .file_bytes = 8192 });
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
