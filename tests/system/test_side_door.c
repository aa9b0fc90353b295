/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Attacks on the side door of a keeper: by strangers, who find its name, and by processes of the program,
 * which know its secret. test_closed.c shows what the side door is for.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/un.h>

#include "attack.h"
#include "closed.h"

static struct sockaddr_un side;
static socklen_t side_len;

/* Takes precedence over libc's: where the library connects to. */
int connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)sa;

	if (sa->sa_family == AF_UNIX && len <= sizeof(side) && un->sun_path[0] == 0) {
		memcpy(&side, sa, len);
		side_len = len;
	}
	return (int)syscall(SYS_connect, fd, sa, len);
}

/* A stack whose side door has been used, so that its name and secret are known. */
static struct vdestack *new_target(void)
{
	struct vdestack *s = new_stack("iface=mine " LAN);

	MUST(vdestack_set_default(s));
	close_all();
	CHECK(in_stack("10.9.0.1"));
	CHECK(side_len > 0 && seen.secret != NULL);
	return s;
}

static int at_side_door(void)
{
	int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(connect(fd, (struct sockaddr *)&side, side_len));
	return fd;
}

static const struct vs_wanted_door front_door;

/* What the keeper does with a request for its front door that has this key. */
static int knock(const struct vs_key *key, size_t text_len)
{
	struct raw_request r = { .req = { .op = VS_OP_REGAIN, .key = *key }, .text = &front_door,
				 .text_len = text_len, .no_key = true };
	int fd = at_side_door();
	int result = raw_call(fd, &r, NULL);

	close(fd);
	return result;
}

static void check_stranger(void)
{
	struct vs_key wrong = *seen.secret, none = { { 0 } };

	wrong.half[1] ^= 1;
	CHECK_EQ(knock(&wrong, sizeof(front_door)), -EPIPE);
	CHECK_EQ(knock(&none, sizeof(front_door)), -EPIPE);
}

CASE(a_stranger_without_the_secret_gets_nothing)
{
	struct vdestack *s = new_target();

	check_stranger();
	CHECK_EQ(knock(seen.secret, sizeof(front_door)), 0); /* it is the secret that counts */
	CHECK(in_stack("10.9.0.1"));
	MUST(vdestack_delete(s));
}

static void be_another_user(void *unused)
{
	(void)unused;
	become(OTHER, OTHER);
	check_stranger();
}

CASE_ROOT(another_user_without_the_secret_gets_nothing)
{
	(void)new_target();
	in_child(be_another_user, NULL);
	CHECK(in_stack("10.9.0.1"));
}

CASE(messages_of_a_wrong_form_get_nothing)
{
	char bytes[600] = { 0 };
	struct raw_request r = { .req = { .op = VS_OP_MSOCKET, .channel = 1 } };
	struct vdestack *s = new_target();
	int fd = at_side_door();

	CHECK_EQ(knock(seen.secret, 0), -EPIPE);
	CHECK_EQ(knock(seen.secret, 3), -EPIPE);
	for (size_t len = 0; len < sizeof(bytes); len += 37)
		CHECK_EQ(send(fd, bytes, len, 0), (ssize_t)len);
	r.req.key = *seen.secret;
	r.no_key = true;
	for (uint32_t op = 0; op < 20; op++) {
		r.req.op = op;
		r.n_fds = op % 3;
		r.fds[0] = r.fds[1] = fd;
		CHECK_EQ(raw_send(fd, &r), 0);
	}
	close_all();
	CHECK(in_stack("10.9.0.1"));
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS)); /* nothing is left in it */
}

/* Sends as fast as it can until it is killed. Writes a byte to `begun` when a thousand messages are sent. */
static pid_t start_flood(int begun)
{
	pid_t pid = (pid_t)MUST(fork());
	char bytes[400] = { 0 };

	if (pid > 0)
		return pid;
	int fd = at_side_door();
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	CHECK_EQ(write(begun, "x", 1), 1);
	for (;;)
		(void)send(fd, bytes, sizeof(bytes), 0);
}

/* Waits until n strangers have written to the pipe, and closes it. */
static void await_strangers(const int begun[2], int n)
{
	char byte;

	close(begun[1]);
	for (int i = 0; i < n; i++)
		CHECK_EQ(read(begun[0], &byte, 1), 1);
	close(begun[0]);
}

static void end_flood(pid_t pid)
{
	int status;

	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status)); /* it has gone on until now */
}

CASE(a_flood_of_messages_neither_stalls_the_keeper_nor_takes_its_descriptors)
{
	struct vdestack *s = new_target();
	pid_t floods[3];
	int begun[2];

	MUST(pipe2(begun, O_CLOEXEC));
	for (int i = 0; i < 3; i++)
		floods[i] = start_flood(begun[1]);
	await_strangers(begun, 3);
	for (int i = 0; i < 20; i++) {
		close_all();
		CHECK(in_stack("10.9.0.1"));
		struct vdestack *t = new_stack(LAN2);
		MUST(vdestack_delete(t));
	}
	for (int i = 0; i < 3; i++)
		end_flood(floods[i]);
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

/* A door of the stack that was wanted last, but with another id. 0, or -errno. */
static int knock_for(uint64_t id)
{
	struct vs_wanted_door wanted = seen.wanted;
	struct raw_request r = { .req = { .op = VS_OP_REGAIN, .key = *seen.secret }, .text = &wanted,
				 .text_len = sizeof(wanted), .no_key = true };
	int fd = at_side_door();

	wanted.stack = id;
	int result = raw_call(fd, &r, NULL);
	close(fd);
	return result;
}

/* The ids of stacks are small numbers, and near each other. */
CASE(a_child_gets_no_door_of_a_stack_that_was_made_after_it)
{
	int go[2], status;
	uint64_t id;

	(void)new_target();
	MUST(pipe2(go, O_CLOEXEC));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		CHECK_EQ(vdestack_seal(), 0);
		CHECK_EQ(read(go[0], &id, sizeof(id)), sizeof(id));
		CHECK_EQ(knock_for(id), -ENETDOWN);
		CHECK_EQ(knock_for(seen.wanted.stack), 0);
		_exit(0);
	}
	struct vdestack *later = new_stack(LAN2);
	MUST(vdestack_set_default(later));
	MUST(dup2(go[1], 3));
	MUST(syscall(SYS_close_range, 4u, ~0u, 0));
	CHECK(in_stack("10.9.0.2"));
	id = seen.wanted.stack;
	CHECK_EQ(write(3, &id, sizeof(id)), sizeof(id));
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
}

/* A socket of which close(2) waits, because it has data that nobody receives. */
static int slow_to_close(int listener, const struct sockaddr_in *at)
{
	static const char bytes[65536];
	const struct linger wait = { .l_onoff = 1, .l_linger = 600 };
	int fd = (int)MUST(syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(syscall(SYS_connect, fd, at, sizeof(*at)));
	MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)));
	return fd;
}

static void send_slow_ones(int begun)
{
	struct raw_request r = { .req = { .op = VS_OP_REGAIN }, .no_key = true, .n_fds = 1 };
	struct sockaddr_in at = address("127.0.0.1", 0);
	socklen_t len = sizeof(at);
	int listener = (int)MUST(syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int door = at_side_door();

	MUST(bind(listener, (struct sockaddr *)&at, len));
	MUST(listen(listener, 16));
	MUST(getsockname(listener, (struct sockaddr *)&at, &len));
	for (int i = 0; i < 60; i++) {
		r.fds[0] = slow_to_close(listener, &at);
		CHECK_EQ(raw_send(door, &r), 0);
		if (i == 0)
			CHECK_EQ(write(begun, "x", 1), 1);
		/* only the message has it now; the kernel may wait here, which delays a stranger alone */
		MUST(syscall(SYS_close, r.fds[0]));
	}
}

CASE_ROOT(descriptors_that_strangers_send_are_never_the_keepers)
{
	struct vdestack *s = new_target();
	pid_t keeper = the_keeper();
	int before = count_fds_of(keeper), begun[2];

	MUST(pipe2(begun, O_CLOEXEC));
	pid_t stranger = (pid_t)MUST(fork());
	if (stranger == 0) {
		send_slow_ones(begun[1]);
		_exit(0);
	}
	await_strangers(begun, 1);
	for (int i = 0; i < 100; i++) {
		CHECK(in_stack("10.9.0.1"));
		CHECK(count_fds_of(keeper) < before + 20);
		usleep(5000);
	}
	MUST(kill(stranger, SIGKILL));
	MUST(waitpid(stranger, NULL, 0));
	MUST(vdestack_delete(s));
}

/* With the secret, a process may have some doors of a stack, and not all descriptors of the keeper. */
CASE(the_doors_of_a_stack_are_limited)
{
	struct vdestack *s = new_target();
	int got = 0;

	CHECK(seen.wanted.stack != 0);
	for (int i = 0; i < 100; i++) {
		struct raw_request r = { .req = { .op = VS_OP_REGAIN, .key = *seen.secret },
					 .text = &seen.wanted, .text_len = sizeof(seen.wanted),
					 .no_key = true };
		int fd = at_side_door(), pair[2];
		raw_pair(pair);
		r.fds[r.n_fds++] = pair[1];
		CHECK_EQ(raw_send(fd, &r), 0);
		close(pair[1]);
		struct pollfd p = { .fd = pair[0], .events = POLLIN };
		struct vs_reply reply;
		MUST(poll(&p, 1, SOON_MS));
		CHECK_EQ(recv(pair[0], &reply, sizeof(reply), MSG_DONTWAIT | MSG_PEEK), sizeof(reply));
		if (reply.result == 0)
			got++; /* the door stays in the message, which is not received */
		else
			CHECK_EQ(reply.result, -EBUSY);
	}
	CHECK(got > 0 && got <= 64);
	CHECK(in_stack("10.9.0.1"));
	MUST(vdestack_delete(s));
}

CASE(a_sealed_process_gets_sockets_again_and_cannot_change_anything)
{
	struct vdestack *s = new_stack("iface=mine " LAN);

	MUST(vdestack_set_default(s));
	CHECK_EQ(vdestack_seal(), 0);
	close_all();
	CHECK(in_stack("10.9.0.1"));
	CHECK_ERRNO(vdestack_sysctl_set(s, "ipv4/ip_forward", "1"), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "sealed");
	CHECK_ERRNO(vdestack_new("", case_opts()), EPERM);
	CHECK_ERRNO(vdestack_netns(s), EPERM);
	CHECK_ERRNO(vdestack_iface_add(s, "vnl=inproc://lan", NULL), EPERM);
}

static void lose_and_come_back(void *prize)
{
	become(OTHER, OTHER);
	close_all();
	CHECK(in_stack("10.9.0.1"));
	seen.door = seen.front = -1;
	struct vdestack *s = ((struct prize *)prize)->stack;
	CHECK_ERRNO(vdestack_sysctl_set(s, "ipv4/ip_forward", "1"), EPERM);
	CHECK(seen.door >= 0);
	CHECK_ERRNO(vdestack_iface_add(s, "iface=evil vnl=inproc://lan", NULL), EPERM);
	CHECK_EQ(set_sysctl(NULL), -EPERM);
	CHECK_EQ(carrier("mine", NULL), -EPERM);
	CHECK_EQ(get_sysctl(), 0);
}

CASE_ROOT(a_child_that_has_given_up_privileges_gets_a_door_and_no_rights)
{
	struct prize p = new_prize(case_opts());

	MUST(vdestack_iface_add(p.stack, "iface=lan " LAN, NULL));
	MUST(vdestack_set_default(p.stack));
	in_child(lose_and_come_back, &p);
	CHECK(in_stack("10.9.0.1"));
}
