/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pidfiles: left over, locked, removed meanwhile, and files that are none. Messages to a service manager. */

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemons/common/notify.h"
#include "daemons/common/pidfile.h"

static char directory[64], path[128];

static int make_directory(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/daemons-pidfile-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/pid", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static const char *content(void)
{
	static char text[64];
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

static void one_that_is_left_over_is_used_again(void **state)
{
	static const char *const left[] = { "", "123\n", "123" };
	char expected[32];
	pid_t running = 0;

	(void)state;
	(void)snprintf(expected, sizeof(expected), "%ld\n", (long)getpid());
	for (int i = 0; i < 3; i++) {
		write_file(left[i]);
		int fd = dm_pidfile_open(path, &running);
		assert_true(fd >= 0);
		assert_string_equal(content(), left[i]); /* it is written when the program is ready */
		assert_int_equal(dm_pidfile_write(fd), 0);
		assert_string_equal(content(), expected);
		dm_pidfile_remove(fd, path);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void the_lock_ends_with_the_process(void **state)
{
	int to[2], from[2];
	pid_t running = 0;
	char c;

	(void)state;
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(to[1]);
		int fd = dm_pidfile_open(path, &running);
		(void)!write(from[1], fd >= 0 && dm_pidfile_write(fd) == 0 ? "y" : "n", 1);
		(void)!read(to[0], &c, 1);
		_exit(0); /* as in a crash: the file stays */
	}
	assert_int_equal(read(from[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(dm_pidfile_open(path, &running), -EALREADY);
	assert_int_equal(running, child);
	close(to[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	int fd = dm_pidfile_open(path, &running);
	assert_true(fd >= 0);
	dm_pidfile_remove(fd, path);
}

static void files_that_are_none_stay_as_they_are(void **state)
{
	static const char *const texts[] = { "root:x:0:0::/root:/bin/sh\n", "12\n34\n", " 12\n", "-1\n",
					     "00000000000000000000000000000012\n" };
	pid_t running = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(texts[i]);
		assert_int_equal(dm_pidfile_open(path, &running), -EEXIST);
		assert_string_equal(content(), texts[i]);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(dm_pidfile_open("/dev/null", &running), -EINVAL);
	assert_int_equal(access("/dev/null", F_OK), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(dm_pidfile_open(path, &running), -EINVAL);
	assert_int_equal(dm_pidfile_open(directory, &running), -EISDIR);
	assert_int_equal(dm_pidfile_open("/no/such/directory/pid", &running), -ENOENT);
}

static void one_that_others_have_replaced_is_not_removed(void **state)
{
	pid_t running = 0;

	(void)state;
	int fd = dm_pidfile_open(path, &running);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	write_file("77\n");
	dm_pidfile_remove(fd, path);
	assert_string_equal(content(), "77\n");
}

static void messages_reach_the_service_manager(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[32] = "", long_path[200];

	(void)state;
	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(dm_notify("READY=1"), 0); /* there is none */
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", path);
	assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(dm_notify("READY=1"), 0);
	assert_int_equal(recv(s, text, sizeof(text), MSG_DONTWAIT), 7);
	assert_string_equal(text, "READY=1");
	close(s);
	assert_int_equal(dm_notify("READY=1"), -ECONNREFUSED);
	(void)setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(dm_notify("READY=1"), -EINVAL);
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	(void)setenv("NOTIFY_SOCKET", long_path, 1);
	assert_int_equal(dm_notify("READY=1"), -EINVAL);
}

#define IN_DIRECTORY(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

static const struct CMUnitTest tests[] = {
	IN_DIRECTORY(one_that_is_left_over_is_used_again),
	IN_DIRECTORY(the_lock_ends_with_the_process),
	IN_DIRECTORY(files_that_are_none_stay_as_they_are),
	IN_DIRECTORY(one_that_others_have_replaced_is_not_removed),
	IN_DIRECTORY(messages_reach_the_service_manager),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
