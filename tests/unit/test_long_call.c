/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Long calls, with a keeper that is simulated: its answers, and what it does not answer. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/keepers.h"
#include "core/long_call.h"
#include "unit.h"

static int door[2]; /* the program's end, the keeper's */
static struct vs_keeper_link keeper;
static struct vs_long_call call;

static int make_door(void **state)
{
	(void)state;
	if (vs_socketpair(door) < 0)
		return -1;
	keeper = (struct vs_keeper_link){ .uid = geteuid(), .gid = getegid(), .front = vs_sock_of(door[0]) };
	call = (struct vs_long_call){ .door = vs_sock_of(door[0]), .keeper = &keeper, .timeout_ms = 20000,
				      .req = { .op = VS_OP_STATS }, .text = "words", .text_len = 5 };
	return 0;
}

static int close_door(void **state)
{
	(void)state;
	vs_close(door[0]);
	vs_close(door[1]);
	return 0;
}

/* Receives the request, as the keeper does. Returns the channel for the reply. */
static int take_request(void)
{
	struct vs_request req;
	char text[64];
	struct vs_fdmsg msg = { .iov = { { &req, sizeof(req) }, { text, sizeof(text) } }, .n_iov = 2 };

	assert_int_equal(vs_fdmsg_recv(door[1], &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT), sizeof(req) + 5);
	assert_int_equal(req.version, VS_WIRE_VERSION);
	assert_int_equal(req.op, VS_OP_STATS);
	assert_int_equal(req.channel, 0);
	assert_memory_equal(text, "words", 5);
	assert_int_equal(msg.n_fds, 1);
	return msg.fds[0];
}

static void answer(int channel, uint32_t type, int result, const char *text, size_t n_fds)
{
	struct vs_reply reply = { .type = type, .seq = call.req.seq, .result = result };
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) }, { (void *)text, strlen(text) } },
				.n_iov = 2,
				.n_fds = n_fds };

	for (size_t i = 0; i < n_fds; i++)
		msg.fds[i] = channel;
	assert_int_equal(vs_fdmsg_send(channel, &msg, MSG_DONTWAIT), 0);
	close(channel);
}

static void begin(void)
{
	assert_int_equal(vs_long_call_begin(&call), 0);
	assert_int_equal(vs_long_call_wanted(&call).events, POLLIN); /* it has been sent */
	assert_int_equal(vs_long_call_step(&call), VS_NOT_YET);
}

static void a_reply_has_result_text_and_descriptors(void **state)
{
	int before = vs_unit_count_fds();

	(void)state;
	begin();
	answer(take_request(), VS_REPLY_TYPE, 7, "text", 2);
	assert_int_equal(vs_long_call_step(&call), 7);
	assert_string_equal(call.answer, "text");
	assert_int_equal(call.n_got, 2);
	assert_int_equal(fcntl(call.got[0], F_GETFD), FD_CLOEXEC);
	close(call.got[0]);
	close(call.got[1]);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_failure_has_the_message_of_the_keeper(void **state)
{
	int before = vs_unit_count_fds();

	(void)state;
	begin();
	answer(take_request(), VS_REPLY_TYPE, -ENODEV, "there is no such interface", 0);
	assert_int_equal(vs_long_call_step(&call), -ENODEV);
	assert_string_equal(vs_message(), "there is no such interface");
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_reply_that_lacks_descriptors_is_emfile(void **state)
{
	int before = vs_unit_count_fds();
	struct rlimit was, limit;

	(void)state;
	begin();
	answer(take_request(), VS_REPLY_TYPE, 0, "", 3);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	int first = fcntl(0, F_DUPFD_CLOEXEC, 0);
	close(first);
	limit = (struct rlimit){ .rlim_cur = (rlim_t)first + 1, .rlim_max = was.rlim_max }; /* one is free */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int r = vs_long_call_step(&call);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(r, -EMFILE);
	assert_non_null(strstr(vs_message(), "RLIMIT_NOFILE"));
	assert_int_equal(vs_unit_count_fds(), before);
}

static void what_is_no_reply_ends_the_call(void **state)
{
	int before = vs_unit_count_fds();

	(void)state;
	begin();
	answer(take_request(), VS_REPLY_TYPE + 1, 0, "", 2);
	assert_int_equal(vs_long_call_step(&call), -ENETDOWN);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_channel_that_the_keeper_closes_is_enetdown(void **state)
{
	int before = vs_unit_count_fds();

	(void)state;
	begin();
	close(take_request());
	assert_int_equal(vs_long_call_step(&call), -ENETDOWN);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_door_that_the_program_has_closed_is_enetdown(void **state)
{
	int before = vs_unit_count_fds(), other[2];

	(void)state;
	assert_int_equal(vs_socketpair(other), 0);
	/* its number is that of another socket now */
	assert_int_equal(dup3(other[0], door[0], O_CLOEXEC), door[0]);
	assert_int_equal(vs_long_call_begin(&call), -ENETDOWN);
	assert_int_equal(recv(other[1], &before, 1, MSG_DONTWAIT), -1);
	close(other[0]);
	close(other[1]);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_keeper_that_does_not_answer_sees_the_end_of_the_call(void **state)
{
	int before = vs_unit_count_fds();
	char byte;

	(void)state;
	call.timeout_ms = 1;
	assert_int_equal(vs_long_call_run(&call), -ETIMEDOUT);
	int channel = take_request();
	assert_int_equal(recv(channel, &byte, 1, MSG_DONTWAIT), 0);
	close(channel);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_cancelled_call_ends_whatever_copies_of_its_channel_there_are(void **state)
{
	int before = vs_unit_count_fds();
	char byte;

	(void)state;
	begin();
	int copy = fcntl(call.channel.fd, F_DUPFD_CLOEXEC, 0); /* as a forked child has one */
	int channel = take_request();
	vs_long_call_end(&call);
	assert_int_equal(recv(channel, &byte, 1, MSG_DONTWAIT), 0);
	close(channel);
	close(copy);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_reply_that_comes_too_late_leaves_no_descriptor(void **state)
{
	int before = vs_unit_count_fds();
	char byte;

	(void)state;
	begin();
	int copy = fcntl(call.channel.fd, F_DUPFD_CLOEXEC, 0); /* as a forked child has one */
	answer(take_request(), VS_REPLY_TYPE, 0, "", 2);
	vs_long_call_end(&call);
	assert_true(recv(copy, &byte, 1, MSG_DONTWAIT) <= 0); /* it has been taken out */
	close(copy);
	assert_int_equal(vs_unit_count_fds(), before);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_door, close_door)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_reply_has_result_text_and_descriptors),
		CASE(a_failure_has_the_message_of_the_keeper),
		CASE(a_reply_that_lacks_descriptors_is_emfile),
		CASE(what_is_no_reply_ends_the_call),
		CASE(a_channel_that_the_keeper_closes_is_enetdown),
		CASE(a_door_that_the_program_has_closed_is_enetdown),
		CASE(a_keeper_that_does_not_answer_sees_the_end_of_the_call),
		CASE(a_cancelled_call_ends_whatever_copies_of_its_channel_there_are),
		CASE(a_reply_that_comes_too_late_leaves_no_descriptor),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
