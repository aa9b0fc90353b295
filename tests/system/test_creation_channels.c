/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Channels that come with the request for a stack, and stay. Who may request stacks tries to have the keeper
 * keep what is none, or what is another's. See SECURITY.md.
 */

#define _GNU_SOURCE
#include "attack.h"

static int inherited_pair[2];

/* The reply goes to fds[0] of the request, which is to stay a channel. */
static int ask_for_stack(uint64_t number, const int *fd)
{
	struct raw_request r = { .req = { .op = VS_OP_CREATE, .seq = 1, .timeout_ms = 3000,
					  .register_as = number },
				 .fds = { fd != NULL ? *fd : -1 },
				 .n_fds = fd != NULL ? 1 : 0,
				 .claim = &seen.claim };

	return raw_send(seen.front, &r);
}

/* A socket of a stack that was there before. */
static void ask_for_socket(uint64_t number)
{
	struct raw_request r = { .req = { .op = VS_OP_MSOCKET, .channel = number, .seq = 2,
					  .arg = { AF_INET, SOCK_DGRAM, 0 }, .count = 1 },
				 .no_key = true };

	CHECK_EQ(raw_send(seen.door, &r), 0);
}

CASE_BOTH(the_channel_of_a_creation_serves_the_other_stacks_of_the_keeper)
{
	struct prize p = new_prize(case_opts());
	int pair[2];

	raw_pair(pair);
	CHECK_EQ(ask_for_stack(NUMBERS, &pair[1]), 0);
	CHECK_EQ(raw_reply(pair[0], NULL), 0);
	ask_for_socket(NUMBERS);
	CHECK_EQ(raw_reply(pair[0], NULL), 0);
	ask_for_socket(NUMBERS);
	CHECK_EQ(raw_reply(pair[0], NULL), 0);
	CHECK(p.stack != NULL);
}

CASE_BOTH(a_channel_that_is_not_to_stay_serves_one_call)
{
	struct prize p = new_prize(case_opts());
	int pair[2];

	raw_pair(pair);
	CHECK_EQ(ask_for_stack(0, &pair[1]), 0);
	close(pair[1]);
	CHECK_EQ(raw_reply(pair[0], NULL), 0);
	ask_for_socket(0);
	CHECK_EQ(raw_reply(pair[0], NULL), -EPIPE);
	CHECK(p.stack != NULL);
}

/* A pipe, a server, a datagram socket, a door, and nothing. */
CASE_BOTH(what_is_no_channel_does_not_stay_after_a_creation)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct prize p = new_prize(case_opts());
	int pipes[2], datagrams[2], server = (int)MUST(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	char byte;

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", case_path("server"));
	MUST(bind(server, (struct sockaddr *)&name, sizeof(name)));
	MUST(listen(server, 1));
	MUST(pipe2(pipes, O_CLOEXEC | O_NONBLOCK));
	MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, datagrams));
	/* The door of a keeper on threads of this process has been made by this process. */
	const int *door = case_is_inprocess() ? NULL : &seen.door;
	const int *wrong[] = { &pipes[1], &server, &datagrams[1], door, NULL };
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK_EQ(ask_for_stack(NUMBERS + i, wrong[i]), 0);
		ask_for_socket(NUMBERS + i);
	}
	CHECK(vdestack_new("", case_opts()) != NULL); /* the keeper has served all of them before */
	CHECK_EQ(get_sysctl(), 0);
	CHECK_ERRNO(read(pipes[0], &byte, 1), EAGAIN);
	CHECK_ERRNO(recv(datagrams[0], &byte, 1, MSG_DONTWAIT), EAGAIN);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) { /* no number is taken */
		int pair[2];
		raw_pair(pair);
		register_channel(seen.door, NUMBERS + i, pair[1]);
		ask_for_socket(NUMBERS + i);
		CHECK_EQ(raw_reply(pair[0], NULL), 0);
	}
	CHECK(p.stack != NULL);
}

/* It may ask, but is refused: its channel is not entered either. */
static void keeps_a_channel_without_rights(void *prize)
{
	struct raw_request r = { .req = { .op = VS_OP_CREATE, .seq = 1, .timeout_ms = 3000,
					  .register_as = NUMBERS },
				 .n_fds = 1 };
	int pair[2];

	(void)prize;
	become(OTHER, OTHER);
	raw_pair(pair);
	r.fds[0] = pair[1];
	CHECK_EQ(raw_send(seen.front, &r), 0);
	CHECK_EQ(raw_reply(pair[0], NULL), -EPERM);
	register_channel(seen.door, NUMBERS, pair[1]);
	ask_for_socket(NUMBERS);
	CHECK_EQ(raw_reply(pair[0], NULL), 0); /* the number was free */
	r.fds[0] = inherited_pair[1];          /* of another process */
	r.req.register_as = NUMBERS + 1;
	CHECK_EQ(raw_send(seen.front, &r), 0);
	ask_for_socket(NUMBERS + 1);
	CHECK_EQ(get_sysctl(), 0);
}

CASE_BOTH_ROOT(a_refused_creation_keeps_no_channel)
{
	struct prize p = new_prize(case_opts());
	char byte;

	raw_pair(inherited_pair);
	in_child(keeps_a_channel_without_rights, &p);
	CHECK_ERRNO(recv(inherited_pair[0], &byte, 1, MSG_DONTWAIT), EAGAIN);
}

/* Else replies for the library would go to the process that uses its number. */
CASE_BOTH(a_creation_does_not_take_the_number_of_a_channel)
{
	struct prize p = new_prize(case_opts());
	char answer[VS_TEXT_MAX + 1];
	int pair[2], again[2];

	raw_pair(pair);
	raw_pair(again);
	CHECK_EQ(ask_for_stack(NUMBERS, &pair[1]), 0);
	CHECK_EQ(raw_reply(pair[0], NULL), 0);
	CHECK_EQ(ask_for_stack(NUMBERS, &again[1]), 0);
	CHECK_EQ(raw_reply(again[0], answer), -EEXIST);
	CHECK(strstr(answer, "cannot make sockets in the stack") != NULL);
	ask_for_socket(NUMBERS);
	CHECK_EQ(raw_reply(pair[0], NULL), 0);
	CHECK_ERRNO(recv(again[0], answer, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(seen.kept != NULL);
	CHECK_EQ(ask_for_stack(*seen.kept, &again[1]), 0);
	CHECK_EQ(raw_reply(again[0], NULL), -EEXIST);
	close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_STREAM, 0)));
}

CASE_BOTH(a_process_keeps_no_more_channels_by_creations_than_by_other_requests)
{
	struct prize p = new_prize(case_opts());
	int pairs[40][2], kept = 0;

	for (unsigned i = 0; i < 40; i++) {
		raw_pair(pairs[i]);
		CHECK_EQ(ask_for_stack(NUMBERS + i, &pairs[i][1]), 0);
		close(pairs[i][1]);
		int r = raw_reply(pairs[i][0], NULL);
		CHECK(r == 0 || r == -EMFILE);
		kept += r == 0;
	}
	CHECK(kept >= 8 && kept < 20);
	CHECK(vdestack_new("", case_opts()) != NULL); /* the library has a channel already */
	for (unsigned i = 0; i < 40; i++)
		close(pairs[i][0]);
	raw_pair(pairs[0]);
	CHECK_EQ(ask_for_stack(NUMBERS + 100, &pairs[0][1]), 0); /* closed ones do not count */
	CHECK_EQ(raw_reply(pairs[0][0], NULL), 0);
	CHECK(p.stack != NULL);
}

/* Those that the main loop uses for its other events. Each pair hangs up at once. */
CASE_ROOT(numbers_of_the_main_loop_are_no_channels_of_creations)
{
	static const uint64_t numbers[] = {
		1, 2, 3, 4, 5, 6, 20, UINT64_C(1) << 32, UINT64_C(1) << 62, UINT64_C(1) << 63
	};
	struct prize p = new_prize(NULL);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int pair[2];
		raw_pair(pair);
		CHECK_EQ(ask_for_stack(numbers[i], &pair[1]), 0);
		close(pair[1]);
		(void)raw_reply(pair[0], NULL);
		close(pair[0]);
	}
	check_idle(the_keeper());
	MUST(vdestack_iface_add(p.stack, "iface=more vnl=inproc://lan", NULL));
}
