/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Error messages and log: who gets them, and who does not. */

#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "stacks.h"

/* ------------------------------------------------------------------ helpers */

struct heard {
	int count;
	int level;
	char text[1024];
};

static void hear(void *arg, int level, const char *message)
{
	struct heard *h = arg;

	h->count++;
	h->level = level;
	(void)snprintf(h->text, sizeof(h->text), "%s", message);
}

static void fail_once(void)
{
	CHECK_ERRNO(vdestack_new("colour=blue", case_opts()), EINVAL);
}

/* ------------------------------------------------------------------ silence */

static void do_everything(void)
{
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");

	(void)!vdestack_new("vnl=nosuchscheme://x", case_opts());
	(void)!vdestack_new("vnl=/nowhere/at/all", case_opts());
	(void)!vdestack_new("vnl='=no-such-command'", case_opts());
	(void)!vdestack_new("ip=1.2.3.4", case_opts());
	(void)!vdestack_new("dhcp", case_opts());
	(void)vdestack_iface_add(s, "iface=vde0 vnl=inproc://lan", case_opts());
	(void)vdestack_iface_del(s, "nothing");
	(void)!vdestack_adopt_path("/dev/null", "", case_opts());
	(void)!vdestack_msocket(NULL, AF_INET, SOCK_STREAM, 0);
	(void)!vdestack_msocket(s, 9999, SOCK_STREAM, 0);
	(void)vdestack_sysctl_set(s, "no/such", "1");
	(void)!vdestack_run(s, (char *[]){ (char *)"/no/such/command", NULL }, NULL);
	(void)!vdestack_run(s, (char *[]){ (char *)"true", NULL }, NULL);
	(void)vdestack_delete(NULL);
	vde_delstack(NULL);
	MUST(vdestack_delete(s));
}

CASE_FLAGS(nothing_is_ever_written_to_the_standard_streams,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	int out[2], status;
	char text[1024] = "";

	MUST(pipe2(out, O_CLOEXEC));
	(void)fflush(NULL);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		int saved = (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 10));
		MUST(dup2(out[1], 1));
		MUST(dup2(out[1], 2));
		MUST(setvbuf(stdout, NULL, _IONBF, 0));
		do_everything();
		MUST(dup2(saved, 2));
		_exit(0);
	}
	close(out[1]);
	/*
	 * To end of file: any other process that has the pipe, a keeper for example, has closed it by then.
	 */
	CHECK(wait_readable(out[0], SOON_MS));
	ssize_t n = read(out[0], text, sizeof(text) - 1);
	if (n != 0)
		FAIL("%zd bytes have been written: \"%s\"", n, text);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_FLAGS(nothing_is_logged_without_a_failure, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct heard h = { 0 };

	vdestack_set_log(hear, &h);
	struct vdestack *s =
		new_stack("vnl=hub://%s ip=10.9.0.1/24 ip=fc00::1/64 gw=10.9.0.2", case_path("net"));
	MUST(vdestack_iface_add(s, "vnl=inproc://lan ip=10.8.0.1/24", case_opts()));
	MUST(vdestack_wait_ready(s, SOON_MS));
	MUST(vdestack_iface_del(s, "vde1"));
	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_STREAM, 0)));
	close((int)MUST(vdestack_netns(s)));
	CHECK_EQ(vdestack_run(s, (char *[]){ (char *)"true", NULL }, NULL), 0);
	MUST(vdestack_delete(s));
	if (h.count != 0 && h.level <= 4)
		FAIL("heard %d times, last \"%s\"", h.count, h.text);
	vdestack_set_log(NULL, NULL);
}

/* ------------------------------------------------------------------ hearing */

CASE_FLAGS(failures_are_logged_with_the_message_of_the_last_error,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct heard h = { 0 }, other = { 0 };
	struct vdestack *s = new_stack("%s", "");

	vdestack_set_log(hear, &h);
	fail_once();
	CHECK_EQ(h.count, 1);
	CHECK_EQ(h.level, 3);
	CHECK_STR(h.text, vdestack_last_error());
	CHECK_CONTAINS(h.text, "colour");
	CHECK(vdestack_iface_add(s, "vnl=nosuchscheme://x", case_opts()) < 0);
	CHECK(h.count >= 2);
	CHECK_STR(h.text, vdestack_last_error());
	int before = h.count;
	CHECK_ERRNO(vdestack_msocket(NULL, AF_INET, SOCK_STREAM, 0), EINVAL);
	CHECK(strlen(vdestack_last_error()) > 0);
	CHECK_EQ(h.count, before); /* never from there */
	vdestack_set_log(hear, &other);
	fail_once();
	CHECK_EQ(h.count, before);
	CHECK_EQ(other.count, 1);
	vdestack_set_log(NULL, &other);
	fail_once();
	CHECK_EQ(other.count, 1);
	CHECK_STR(vdestack_last_error(), other.text);
}

static void hear_and_act(void *arg, int level, const char *message)
{
	struct vdestack *s;

	vdestack_set_log(NULL, NULL); /* otherwise this would not end */
	fail_once();
	s = new_stack("%s", "");
	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM, 0)));
	MUST(vdestack_delete(s));
	vdestack_set_log(hear_and_act, arg);
	++*(int *)arg;
	(void)level;
	(void)message;
}

CASE_BOTH(the_callback_may_use_the_library)
{
	int count = 0;

	vdestack_set_log(hear_and_act, &count);
	fail_once();
	fail_once();
	CHECK_EQ(count, 2);
	vdestack_set_log(NULL, NULL);
}

static void *look_at_last_error(void *arg)
{
	CHECK_STR(vdestack_last_error(), "");
	CHECK_ERRNO(vdestack_iface_del(arg, "nothing"), ENODEV);
	CHECK_CONTAINS(vdestack_last_error(), "nothing");
	return NULL;
}

CASE_BOTH(the_last_error_is_that_of_the_thread)
{
	struct vdestack *s = new_stack("%s", "");
	pthread_t thread;

	CHECK_STR(vdestack_last_error(), "");
	fail_once();
	CHECK_EQ(pthread_create(&thread, NULL, look_at_last_error, s), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_CONTAINS(vdestack_last_error(), "colour");
	errno = 4711;
	(void)vdestack_last_error();
	CHECK_EQ(errno, 4711);
}

/* ------------------------------------------------------------------ at the same time */

static atomic_bool enough;
static atomic_uint heard_a, heard_b;
static char arg_a, arg_b;

static void hear_a(void *arg, int level, const char *message)
{
	(void)level;
	if (arg != &arg_a || strstr(message, "colour") == NULL)
		FAIL("callback a was given something else: %p \"%s\"", arg, message);
	atomic_fetch_add(&heard_a, 1);
}

static void hear_b(void *arg, int level, const char *message)
{
	(void)level;
	if (arg != &arg_b || strstr(message, "colour") == NULL)
		FAIL("callback b was given something else: %p \"%s\"", arg, message);
	atomic_fetch_add(&heard_b, 1);
}

static void *switch_over(void *unused)
{
	while (!atomic_load(&enough)) {
		vdestack_set_log(hear_a, &arg_a);
		vdestack_set_log(hear_b, &arg_b);
		vdestack_set_log(NULL, NULL);
	}
	return unused;
}

static void *fail_on_and_on(void *unused)
{
	while (!atomic_load(&enough))
		fail_once();
	return unused;
}

static bool both_heard(void *unused)
{
	(void)unused;
	return atomic_load(&heard_a) > 100 && atomic_load(&heard_b) > 100;
}

static void start_threads(pthread_t *threads)
{
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, i < 2 ? switch_over : fail_on_and_on, NULL), 0);
}

static void end_threads(const pthread_t *threads)
{
	atomic_store(&enough, true);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	vdestack_set_log(NULL, NULL);
}

CASE_FLAGS(callback_and_argument_always_belong_together, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	pthread_t threads[4];

	start_threads(threads);
	CHECK(wait_until(both_heard, NULL, SOON_MS));
	end_threads(threads);
}

/* Whatever other threads were doing with the log at that moment. (Sanitizers' malloc may stay locked.) */
CASE_FLAGS(a_forked_child_can_log, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	pthread_t threads[4];
	int status;

	start_threads(threads);
	for (int i = 0; i < 100; i++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			struct heard h = { 0 };
			alarm(20);
			vdestack_set_log(hear, &h);
			fail_once();
			_exit(h.count == 1 ? 0 : 9);
		}
		MUST(waitpid(pid, &status, 0));
		if (status != 0)
			FAIL("child %d ended with wait status 0x%x", i, (unsigned)status);
	}
	end_threads(threads);
}

CASE_FLAGS(setting_the_log_repeatedly_takes_no_memory, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	vdestack_set_log(hear_a, &arg_a);
	vdestack_set_log(hear_b, &arg_b);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < 100000; i++) {
		vdestack_set_log(hear_a, &arg_a);
		vdestack_set_log(hear_b, &arg_b);
		vdestack_set_log(NULL, NULL);
	}
	CHECK_EQ(mallinfo2().uordblks, before);
}
