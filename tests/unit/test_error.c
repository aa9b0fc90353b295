/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The message of a failure: who writes it, what keeps it, when the log gets it. */

#include <errno.h>

#include "base/error.h"
#include "unit.h"
#include <vdestack.h>

static int calls;
static char logged[VS_MESSAGE_MAX];

static void note(void *arg, int level, const char *text)
{
	(void)arg;
	(void)level;
	calls++;
	(void)snprintf(logged, sizeof(logged), "%s", text);
}

static void a_failure_has_its_message_until_the_next_one(void **state)
{
	(void)state;
	assert_string_equal(vdestack_last_error(), "");
	assert_int_equal(vs_fail(ENOENT, "cannot do %d: because", 1), -ENOENT);
	assert_string_equal(vdestack_last_error(), "cannot do 1: because");
	assert_string_equal(vdestack_last_error(), "cannot do 1: because");
	assert_int_equal(vs_fail_text(EIO, "from elsewhere, 100%"), -EIO);
	assert_string_equal(vdestack_last_error(), "from elsewhere, 100%");
	assert_int_equal(vs_fail_text(ENOMEM, ""), -ENOMEM);
	assert_string_equal(vdestack_last_error(), strerror(ENOMEM));
}

static void a_static_failure_is_composed_on_demand(void **state)
{
	(void)state;
	(void)vs_fail(EIO, "older");
	assert_int_equal(vs_fail_static(EMFILE, "cannot make a socket"), -EMFILE);
	errno = EXDEV;
	assert_non_null(strstr(vdestack_last_error(), "cannot make a socket: "));
	assert_non_null(strstr(vdestack_last_error(), strerror(EMFILE)));
	assert_int_equal(errno, EXDEV);
	(void)vs_fail_static(EMFILE, "cannot make a socket");
	(void)vs_fail(EIO, "newer");
	assert_string_equal(vdestack_last_error(), "newer");
}

static void a_step_is_put_in_front_of_the_message(void **state)
{
	char longest[2 * VS_MESSAGE_MAX];

	(void)state;
	(void)vs_fail(ENODEV, "no such interface; make one");
	assert_int_equal(vs_fail_step(ENODEV, "cannot count %s", "vde0"), -ENODEV);
	assert_string_equal(vdestack_last_error(), "cannot count vde0: no such interface; make one");
	(void)vs_fail_static(EMFILE, "no room");
	(void)vs_fail_step(EMFILE, "cannot begin");
	assert_non_null(strstr(vdestack_last_error(), "cannot begin: no room: "));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	(void)vs_fail_text(EIO, longest);
	(void)vs_fail_step(EIO, "cannot %s", longest);
	assert_int_equal(strlen(vdestack_last_error()), VS_MESSAGE_MAX - 1);
}

static void undo_more(void)
{
	VS_ERROR_KEEP;
	(void)vs_fail(EPERM, "cannot undo more");
}

static int undo(void)
{
	VS_ERROR_KEEP;
	(void)vs_fail(EPERM, "cannot undo");
	(void)vs_fail_static(EMFILE, "cannot undo");
	undo_more();
	assert_non_null(strstr(vs_message(), "cannot undo: "));
	return vs_edge(vs_fail(EIO, "and this is logged"));
}

static void undoing_keeps_the_message(void **state)
{
	(void)state;
	(void)vs_fail(ENOENT, "the reason");
	assert_int_equal(undo(), -1);
	assert_string_equal(vdestack_last_error(), "the reason");
	/* a failure of the socket path is kept as well */
	(void)vs_fail_static(ENETDOWN, "the other reason");
	assert_int_equal(undo(), -1);
	assert_non_null(strstr(vdestack_last_error(), "the other reason: "));
	assert_non_null(strstr(vdestack_last_error(), strerror(ENETDOWN)));
}

static void the_edge_logs_a_failure_once_and_sets_errno(void **state)
{
	(void)state;
	vdestack_set_log(note, NULL);
	assert_int_equal(vs_edge(7), 7);
	assert_int_equal(calls, 0);
	int r = vs_fail(ENOENT, "the reason");
	assert_int_equal(undo(), -1);
	assert_int_equal(calls, 1);
	assert_int_equal(vs_edge(r), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(calls, 2); /* what undoing logged has not made it logged */
	assert_string_equal(logged, "the reason");
	assert_null(vs_edge_null(-EXDEV));
	assert_int_equal(errno, EXDEV);
	assert_int_equal(calls, 2); /* no new message */
	assert_int_equal(vs_edge(vs_fail_static(EMFILE, "in a handler")), -1);
	assert_int_equal(calls, 2);
	vdestack_set_log(NULL, NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_failure_has_its_message_until_the_next_one),
	cmocka_unit_test(a_static_failure_is_composed_on_demand),
	cmocka_unit_test(a_step_is_put_in_front_of_the_message),
	cmocka_unit_test(undoing_keeps_the_message),
	cmocka_unit_test(the_edge_logs_a_failure_once_and_sets_errno),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
