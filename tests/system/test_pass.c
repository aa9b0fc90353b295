/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stacks that are passed to other processes, and what those can and cannot do with them. */

#define _GNU_SOURCE
#include <sys/mman.h>

#include "attack.h"
#include "closed.h"
#include <vdestack/events.h>

#define NAME "ipv6.bindv6only"

/* ------------------------------------------------------------------ another process */

/* A process that was forked before there was a stack, and does fn with a descriptor that it is sent. */
struct other {
	pid_t pid;
	int channel;
};

static int receive_fd(int channel)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	int fd;

	CHECK_EQ(recvmsg(channel, &h, MSG_CMSG_CLOEXEC), 1);
	CHECK(CMSG_FIRSTHDR(&h) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fd));
	return fd;
}

static void send_fd(int channel, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { "f", 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };

	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(channel, &h, MSG_NOSIGNAL), 1);
}

static struct other start_other(void (*fn)(int channel))
{
	struct other o;
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	o.pid = (pid_t)MUST(fork());
	if (o.pid == 0) {
		close(pair[0]);
		fn(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	o.channel = pair[0];
	return o;
}

static void await_other(const struct other *o)
{
	int status;

	MUST(waitpid(o->pid, &status, 0));
	CHECK_EQ(status, 0);
	close(o->channel);
}

/* Passes it to the other process, and keeps no descriptor of it. */
static void pass_to(const struct other *o, struct vdestack *stack, unsigned flags)
{
	int fd = (int)MUST(vdestack_pass(stack, flags));

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	send_fd(o->channel, fd);
	close(fd);
}

static struct vdestack *receive_stack(int channel)
{
	int fd = receive_fd(channel);
	struct vdestack *stack = vdestack_receive(fd);

	if (stack == NULL)
		FAIL("nothing received: %s", vdestack_last_error());
	close(fd);
	return stack;
}

static bool has_address(struct vdestack *stack, const char *addr)
{
	struct sockaddr_in sa = address(addr, 0);
	int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	bool has = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	close(fd);
	return has;
}

static void tell(int channel)
{
	CHECK_EQ(send(channel, "t", 1, MSG_NOSIGNAL), 1);
}

static void hear(int channel)
{
	char byte;

	CHECK_EQ(recv(channel, &byte, 1, 0), 1);
}

/* ------------------------------------------------------------------ what it can do */

static void use_stack(int channel)
{
	struct vdestack *stack = receive_stack(channel);
	char name[64];

	CHECK(has_address(stack, "10.9.0.1"));
	MUST(vdestack_set_default(stack));
	CHECK(in_stack("10.9.0.1"));
	CHECK_EQ(vdestack_name(stack, name, sizeof(name)), 0);
	close((int)MUST(vdestack_events(stack)));
	tell(channel);
	hear(channel); /* the maker has deleted it */
	CHECK(has_address(stack, "10.9.0.1"));
	MUST(vdestack_delete(stack));
	CHECK(!in_stack("10.9.0.1"));
}

static void check_use(unsigned flags)
{
	struct other o = start_other(use_stack);
	struct vdestack *stack = new_stack(LAN);

	pass_to(&o, stack, flags);
	hear(o.channel);
	MUST(vdestack_delete(stack));
	tell(o.channel);
	await_other(&o);
	CHECK(case_is_inprocess() || wait_until(no_keeper, NULL, SOON_MS));
}

CASE_BOTH(a_process_uses_a_stack_that_it_was_sent_and_the_stack_lives_as_long)
{
	check_use(0);
}

CASE_BOTH(a_process_uses_a_stack_that_it_was_sent_apart)
{
	check_use(VDESTACK_PASS_APART);
}

CASE(a_locator_is_not_told_to_a_process_that_the_stack_was_passed_to_apart)
{
	struct vdestack *stack = new_stack(LAN);
	char name[16] = "unchanged";

	for (unsigned flags = 0; flags <= VDESTACK_PASS_APART; flags++) {
		int fd = (int)MUST(vdestack_pass(stack, flags));
		struct vdestack *other = vdestack_receive(fd);
		CHECK(other != NULL);
		CHECK_EQ(MUST(vdestack_link_get_locator(stack, "vde0", name, sizeof(name))), 12);
		CHECK_STR(name, "inproc://lan");
		(void)snprintf(name, sizeof(name), "unchanged");
		if (flags == VDESTACK_PASS_APART)
			CHECK_ERRNO(vdestack_link_get_locator(other, "vde0", name, sizeof(name)), EPERM);
		else
			CHECK_ERRNO(vdestack_link_get_locator(other, "vde0", name, 12), ERANGE);
		CHECK_STR(name, "unchanged");
		MUST(vdestack_delete(other));
		close(fd);
	}
}

CASE(a_descriptor_alone_keeps_the_stack)
{
	struct vdestack *stack = new_stack(LAN);
	int fd = (int)MUST(vdestack_pass(stack, 0));

	MUST(vdestack_delete(stack));
	stack = vdestack_receive(fd);
	CHECK(stack != NULL && has_address(stack, "10.9.0.1"));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC); /* it stays the caller's */
	MUST(vdestack_delete(stack));
	CHECK_EQ(find_children(reaper, "vdestack-keeper", NULL, 0), 1);
	close(fd);
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE_BOTH(two_handles_of_one_stack_in_a_process_are_deleted_separately)
{
	struct vdestack *first = new_stack(LAN);
	int fd = (int)MUST(vdestack_pass(first, 0));
	struct vdestack *second = vdestack_receive(fd), *third = vdestack_receive(fd);

	CHECK(second != NULL && third != NULL && second != first && third != second);
	close(fd);
	MUST(vdestack_delete(second));
	CHECK_ERRNO(vdestack_msocket(second, AF_INET, SOCK_DGRAM, 0), EINVAL);
	CHECK(has_address(first, "10.9.0.1") && has_address(third, "10.9.0.1"));
	MUST(vdestack_delete(first));
	CHECK(has_address(third, "10.9.0.1"));
	MUST(vdestack_delete(third));
}

static void pass_on(int channel)
{
	struct vdestack *stack = receive_stack(channel);
	int fd = (int)MUST(vdestack_pass(stack, VDESTACK_PASS_APART));

	MUST(vdestack_delete(stack));
	stack = vdestack_receive(fd);
	CHECK(stack != NULL && has_address(stack, "10.9.0.1"));
}

CASE(a_stack_is_passed_on)
{
	struct other o = start_other(pass_on);
	struct vdestack *stack = new_stack(LAN);

	pass_to(&o, stack, VDESTACK_PASS_APART);
	await_other(&o);
	MUST(vdestack_delete(stack));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

static int v6only(struct vdestack *stack)
{
	int fd = (int)MUST(vdestack_msocket(stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)), value = -1;
	socklen_t len = sizeof(value);

	MUST(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &len));
	close(fd);
	return value;
}

static void see_sysctls(int channel)
{
	struct vdestack *stack = receive_stack(channel);

	for (int i = 0; i < 70; i++) /* sockets are made ahead after a few */
		CHECK_EQ(v6only(stack), 0);
	tell(channel);
	hear(channel);
	CHECK_EQ(v6only(stack), 1);
}

CASE_BOTH(a_sysctl_of_the_maker_reaches_the_next_socket_of_the_receiver)
{
	struct other o = start_other(see_sysctls);
	struct vdestack *stack = new_stack("vnl=inproc://other");

	pass_to(&o, stack, 0);
	hear(o.channel);
	MUST(vdestack_sysctl_set(stack, NAME, "1"));
	tell(o.channel);
	await_other(&o);
}

static void *empty_root;

static void be_nobody_nowhere(int channel)
{
	int fd = receive_fd(channel);

	MUST(chroot(empty_root));
	MUST(chdir("/"));
	become(OTHER, OTHER);
	struct vdestack *stack = vdestack_receive(fd);
	CHECK(stack != NULL && has_address(stack, "10.9.0.1"));
	CHECK_ERRNO(vdestack_sysctl_set(stack, NAME, "1"), EPERM);
}

CASE_ROOT(a_process_of_another_user_in_another_root_receives_a_stack)
{
	empty_root = strdup(case_path("empty"));
	MUST(mkdir(empty_root, 0755));
	struct other o = start_other(be_nobody_nowhere);
	struct vdestack *stack = new_stack(LAN);

	pass_to(&o, stack, 0);
	await_other(&o);
	MUST(vdestack_delete(stack));
}

static void close_and_receive_again(int channel)
{
	struct vdestack *stack = receive_stack(channel);

	CHECK(has_address(stack, "10.9.0.1"));
	int kept = (int)MUST(dup2(channel, 3));
	MUST(syscall(SYS_close_range, 4u, ~0u, 0));
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), ENETDOWN);
	CHECK_CONTAINS(vdestack_last_error(), "closed the descriptors");
	tell(kept);
	struct vdestack *again = receive_stack(kept);
	CHECK(has_address(again, "10.9.0.1"));
	MUST(vdestack_delete(stack));
	CHECK(has_address(again, "10.9.0.1"));
}

CASE(a_process_that_closes_all_descriptors_receives_the_stack_again)
{
	struct other o = start_other(close_and_receive_again);
	struct vdestack *stack = new_stack(LAN);

	pass_to(&o, stack, 0);
	hear(o.channel);
	pass_to(&o, stack, 0);
	await_other(&o);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(passing_and_receiving_leaks_nothing)
{
	struct vdestack *stack = new_stack(LAN);
	pid_t keeper = case_is_inprocess() ? 0 : the_keeper();
	int before = 0, of_keeper = 0;

	for (int i = 0; i < 40; i++) {
		int fd = (int)MUST(vdestack_pass(stack, i % 2 == 0 ? 0 : VDESTACK_PASS_APART));
		struct vdestack *other = vdestack_receive(fd);
		CHECK(other != NULL && has_address(other, "10.9.0.1"));
		close(fd);
		MUST(vdestack_delete(other));
		CHECK(has_address(stack, "10.9.0.1"));
		if (i == 10) {
			before = count_fds();
			if (keeper != 0)
				await_rest(keeper);
			of_keeper = keeper != 0 ? count_fds_of(keeper) : 0;
		}
	}
	CHECK(count_fds() <= before);
	if (keeper != 0)
		await_rest(keeper);
	CHECK(keeper == 0 || count_fds_of(keeper) <= of_keeper);
}

/* ------------------------------------------------------------------ what it cannot do */

static void change_stack(struct vdestack *stack)
{
	char *argv[] = { "true", NULL };

	CHECK_ERRNO(vdestack_iface_add(stack, "vnl=inproc://lan", NULL), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "stack");
	CHECK_ERRNO(vdestack_sysctl_set(stack, NAME, "1"), EPERM);
	CHECK_ERRNO(vdestack_netns(stack), EPERM);
	CHECK_ERRNO(vdestack_run(stack, argv, NULL), EPERM);
	CHECK_ERRNO(vdestack_link_set_carrier(stack, "mine", 0), EPERM);
}

static void try_to_change(int channel)
{
	struct vdestack *stack = receive_stack(channel);

	change_stack(stack);
	CHECK(has_address(stack, "10.9.0.1"));
}

static void check_unchanged(unsigned flags)
{
	struct other o = start_other(try_to_change);
	struct vdestack *stack = new_stack("iface=mine " LAN);

	pass_to(&o, stack, flags);
	await_other(&o);
	CHECK_EQ(v6only(stack), 0);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(a_receiver_of_the_same_user_cannot_change_the_stack)
{
	check_unchanged(0);
	check_unchanged(VDESTACK_PASS_APART);
}

static void attack_apart(int channel)
{
	int fd = receive_fd(channel);
	struct vdestack *stack = vdestack_receive(fd);

	CHECK(stack != NULL);
	CHECK_ERRNO(vdestack_iface_del(stack, "mine"), EPERM);
	MUST(shutdown(fd, SHUT_RDWR));
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), ENETDOWN);
}

CASE_BOTH(a_receiver_apart_can_end_nothing_for_others)
{
	struct other o = start_other(attack_apart);
	struct vdestack *stack = new_stack("iface=mine " LAN);

	pass_to(&o, stack, VDESTACK_PASS_APART);
	await_other(&o);
	CHECK(has_address(stack, "10.9.0.1"));
	MUST(vdestack_iface_del(stack, "mine")); /* it was still there */
	MUST(vdestack_delete(stack));
}

/* Even with the key, which a receiver does not have. */
CASE_BOTH(requests_that_change_are_refused_at_a_door_apart)
{
	static const uint32_t refused[] = { VS_OP_CREATE, VS_OP_CLAIM,   VS_OP_ENTRY,   VS_OP_SYSCTL_SET,
					    VS_OP_ADD,    VS_OP_REMOVE,  VS_OP_CARRIER, VS_OP_SECRET,
					    VS_OP_SOURCES, VS_OP_REGAIN, VS_OP_NAME,    VS_OP_LIST,
					    VS_OP_ATTACH, VS_OP_IMPAIR,  VS_OP_FLAP,    VS_OP_KEEPER_STATS,
					    1000 };
	struct vdestack *stack = new_stack("iface=mine " LAN);

	MUST(vdestack_sysctl_set(stack, NAME, "0")); /* the key is known after this */
	int fd = (int)MUST(vdestack_pass(stack, VDESTACK_PASS_APART));
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct raw_request r = { .req = { .op = refused[i], .iface.name = "mine" } };
		int result = raw_call(fd, &r, NULL);
		if (result != -EPERM)
			FAIL("request %u: %d", refused[i], result);
	}
	close(fd);
	CHECK(has_address(stack, "10.9.0.1"));
	MUST(vdestack_delete(stack));
}

CASE(doors_apart_are_limited_and_come_back)
{
	struct vdestack *stack = new_stack(LAN);
	int fds[80], n = 0;

	while (n < 80 && (fds[n] = vdestack_pass(stack, VDESTACK_PASS_APART)) >= 0)
		n++;
	CHECK(n > 40 && n < 64);
	CHECK_EQ(errno, EBUSY);
	struct vdestack *last = vdestack_receive(fds[n - 1]);
	CHECK(last != NULL && has_address(last, "10.9.0.1"));
	MUST(vdestack_delete(last));
	while (n > 0)
		close(fds[--n]);
	CHECK(has_address(stack, "10.9.0.1"));
	int fd = vdestack_pass(stack, VDESTACK_PASS_APART);
	for (int i = 0; i < 100 && fd < 0; i++) { /* until the keeper has noticed */
		sleep_ms(20);
		fd = vdestack_pass(stack, VDESTACK_PASS_APART);
	}
	MUST(fd);
	close(fd);
	MUST(vdestack_delete(stack));
}

/* ------------------------------------------------------------------ what stands for no stack */

static void check_nothing(int fd, int err)
{
	int before = count_fds();

	CHECK_ERRNO(vdestack_receive(fd), err);
	CHECK_EQ(count_fds(), before);
	CHECK_EQ(vdestack_list(NULL, 0), 0);
}

CASE(other_descriptors_stand_for_no_stack)
{
	int pipes[2], pair[2];

	check_nothing(-1, EBADF);
	check_nothing(1000, EBADF);
	MUST(pipe2(pipes, O_CLOEXEC));
	check_nothing(pipes[0], EINVAL);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	check_nothing(pair[0], EINVAL);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	close(pair[1]);
	check_nothing(pair[0], ENETDOWN);
	int lone = (int)MUST(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	check_nothing(lone, ENETDOWN);
	CHECK_ERRNO(vdestack_pass(NULL, 0), EINVAL);
	struct vdestack *stack = new_stack("vnl=inproc://other");
	CHECK_ERRNO(vdestack_pass(stack, 0x80), EINVAL);
	MUST(vdestack_delete(stack));
	CHECK_ERRNO(vdestack_pass(stack, 0), EINVAL);
}

static const char *forged; /* the text of the answer; NULL: none at all */

/* A process that pretends to be a keeper. */
static void pretend(int channel)
{
	struct vs_request req;
	struct vs_reply reply = { .type = VS_REPLY_TYPE, .seq = 1 };
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec in = { &req, sizeof(req) };
	struct msghdr h = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	int answer, memory = (int)MUST(memfd_create("short", MFD_CLOEXEC));

	MUST(recvmsg(channel, &h, 0));
	memcpy(&answer, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(answer));
	if (forged == NULL) {
		hear(channel);
		return;
	}
	struct iovec out[] = { { &reply, sizeof(reply) }, { (void *)forged, strlen(forged) } };
	h = (struct msghdr){ .msg_iov = out, .msg_iovlen = 2, .msg_control = control.bytes,
			     .msg_controllen = CMSG_SPACE(sizeof(int)) };
	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.align), &memory, sizeof(memory));
	MUST(sendmsg(answer, &h, MSG_NOSIGNAL));
}

static void check_forged(const char *text, int err)
{
	forged = text;
	struct other o = start_other(pretend);
	check_nothing(o.channel, err);
	if (text == NULL)
		tell(o.channel);
	await_other(&o);
}

CASE(a_forged_answer_makes_no_handle)
{
	check_forged("", EPROTO);
	check_forged("1 2", EPROTO);
	check_forged("1 2 7", EPROTO);
	check_forged("one two three", EPROTO);
}

CASE(a_forged_page_is_not_used)
{
	forged = "1 2 0";
	struct other o = start_other(pretend);
	struct vdestack *stack = vdestack_receive(o.channel);

	CHECK(stack != NULL); /* who sends a door decides what it leads to */
	await_other(&o);
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), ENETDOWN);
	MUST(vdestack_delete(stack));
}

/* It claims the id of another keeper, and takes all requests with their descriptors until it hears a t. */
static void impersonate(int channel)
{
	union {
		char bytes[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte = '\0';

	pretend(channel);
	while (byte != 't') {
		struct iovec in = { &byte, 1 };
		struct msghdr h = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = control.bytes,
				    .msg_controllen = sizeof(control.bytes) };
		MUST(recvmsg(channel, &h, 0));
	}
}

CASE(a_door_that_claims_the_id_of_another_keeper_gets_none_of_its_calls)
{
	static char claim[64];
	unsigned long long id, keeper;
	int form;
	struct vdestack *stack = new_stack("vnl=inproc://own ip=10.9.0.1/24 nodad");
	int door = (int)MUST(vdestack_pass(stack, 0));
	struct raw_request r = { .req = { .op = VS_OP_RECEIVE } };
	static char answer[VS_TEXT_MAX + 1];

	CHECK_EQ(raw_call(door, &r, answer), 0);
	CHECK_EQ(sscanf(answer, "%llu %llu %d", &id, &keeper, &form), 3);
	(void)snprintf(claim, sizeof(claim), "1 %llu 0", keeper);
	forged = claim;
	struct other o = start_other(impersonate);
	struct vdestack *hostile = vdestack_receive(o.channel);
	CHECK(hostile != NULL);
	/* If the keepers shared an entry, they would share the reply channel that this opens. */
	CHECK_ERRNO(vdestack_msocket(hostile, AF_INET, SOCK_DGRAM, 0), ETIMEDOUT);
	struct vdestack *real = vdestack_receive(door);
	CHECK(real != NULL);
	CHECK(has_address(real, "10.9.0.1"));
	MUST(vdestack_delete(hostile));
	tell(o.channel);
	await_other(&o);
	close(door);
}

CASE(a_door_that_does_not_answer_costs_seconds_and_no_more)
{
	long long begin = now_us();

	check_forged(NULL, ETIMEDOUT);
	CHECK(now_us() - begin < 30LL * 1000 * 1000);
}
