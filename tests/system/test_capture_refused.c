/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Captures that are refused or attacked, and captures whose file cannot be written. */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "capture_net.h"
#include <vdestack/registry.h>

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
	check_refused(p.a,
		      (struct vdestack_capture_opts){ .path = case_path("old"),
						      .files = 2,
						      .file_bytes = 9999,
						      .flags = VDESTACK_CAPTURE_NEW },
		      EEXIST);
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
			*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS,
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
