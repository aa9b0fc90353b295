/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an attacker who has a door, and no rights, can do to its keeper. Each case is an attack. See
 * SECURITY.md.
 */

#define _GNU_SOURCE
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <sys/un.h>
#include <time.h>

#include "attack.h"
#include "wire/capture.h"
#include <vdestack/events.h>

/* ------------------------------------------------------------------ where replies go */

static int ask_by(int reply)
{
	struct raw_request r = {
		.req = { .op = VS_OP_SYSCTL_GET, .seq = 20U | (uint64_t)XFRM_MSG_FLUSHPOLICY << 32 |
							(uint64_t)(NLM_F_REQUEST | NLM_F_ACK) << 48 },
		.text = "ipv4/tcp_dsack",
		.text_len = 14,
		.fds = { reply },
		.n_fds = 1,
	};

	return raw_send(seen.door, &r);
}

/* When the keeper has served a later request, it has sent all it was going to send. */
static void check_silent(int fd)
{
	char byte;

	CHECK_EQ(get_sysctl(), 0);
	CHECK_ERRNO(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
}

CASE_BOTH(a_netlink_socket_is_sent_no_reply)
{
	struct prize p = new_prize(case_opts());
	int fd = (int)MUST(vdestack_msocket(p.stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM));

	CHECK_EQ(ask_by(fd), 0);
	check_silent(fd);
}

CASE_BOTH(a_connection_to_a_server_is_sent_no_reply)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct prize p = new_prize(case_opts());
	int l = (int)MUST(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)),
	    c = (int)MUST(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", case_path("server"));
	MUST(bind(l, (struct sockaddr *)&name, sizeof(name)));
	MUST(listen(l, 1));
	MUST(connect(c, (struct sockaddr *)&name, sizeof(name)));
	int server = (int)MUST(accept(l, NULL, NULL));
	CHECK_EQ(ask_by(c), 0);
	check_silent(server);
	CHECK_EQ(ask_by(server), 0); /* nor the other way round */
	check_silent(c);
	CHECK(p.stack != NULL);
}

CASE_BOTH(sockets_of_other_kinds_are_sent_no_reply)
{
	struct prize p = new_prize(case_opts());
	int pair[2], pipes[2];

	MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
	CHECK_EQ(ask_by(pair[1]), 0);
	check_silent(pair[0]);
	MUST(pipe2(pipes, O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(ask_by(pipes[1]), 0);
	CHECK_EQ(get_sysctl(), 0);
	char byte;
	CHECK_ERRNO(read(pipes[0], &byte, 1), EAGAIN);
	CHECK(p.stack != NULL);
}

static int inherited_pair[2];

static void ask_by_a_pair_of_the_parent(void *prize)
{
	(void)prize;
	become(OTHER, OTHER);
	CHECK_EQ(ask_by(inherited_pair[1]), 0);
	CHECK_EQ(get_sysctl(), 0);
}

/* The reader may trust the sender credentials from the kernel. */
CASE_BOTH_ROOT(a_pair_that_another_process_made_is_sent_no_reply)
{
	struct prize p = new_prize(case_opts());
	char byte;

	raw_pair(inherited_pair);
	in_child(ask_by_a_pair_of_the_parent, &p);
	CHECK_ERRNO(recv(inherited_pair[0], &byte, 1, MSG_DONTWAIT), EAGAIN);
}

static void reply_to_doors(void *prize)
{
	struct raw_request r = { .req = { .op = VS_OP_REMOVE,
					  .seq = (uint64_t)VS_OP_CREATE << 32 | VS_WIRE_VERSION },
				 .n_fds = 1 };

	if (prize != NULL)
		become(OTHER, OTHER);
	for (int i = 0; i < 2; i++) {
		r.fds[0] = i == 0 ? seen.front : seen.door;
		CHECK_EQ(raw_send(seen.door, &r), 0);
	}
	CHECK_EQ(get_sysctl(), 0);
}

/* A reply sent there would carry the credentials of the keeper. */
CASE_BOTH_ROOT(a_door_is_sent_no_reply)
{
	struct prize p = new_prize(case_opts());
	pid_t keeper = case_is_inprocess() ? 0 : the_keeper();

	in_child(reply_to_doors, &p);
	reply_to_doors(NULL);
	MUST(vdestack_iface_add(p.stack, "iface=more vnl=inproc://lan", case_opts())); /* it still works */
	if (keeper != 0)
		CHECK_EQ(the_keeper(), keeper);
}

/* ------------------------------------------------------------------ what takes long to close */

static struct sockaddr_in deaf; /* a server that does not even accept */

static void start_deaf_server(struct vdestack *stack)
{
	socklen_t len = sizeof(deaf);
	int l = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	deaf = address("127.0.0.1", 0);
	MUST(bind(l, (struct sockaddr *)&deaf, sizeof(deaf)));
	MUST(listen(l, 1000));
	MUST(getsockname(l, (struct sockaddr *)&deaf, &len));
}

/* A connection on which close(2) blocks for an hour, because the other end does not read. */
static int lingering(struct vdestack *stack)
{
	static char block[65536];
	struct linger hour = { 1, 3600 };
	int c = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(connect(c, (struct sockaddr *)&deaf, sizeof(deaf)));
	while (send(c, block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	MUST(setsockopt(c, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour)));
	return c;
}

/* Keeps the keeper's threads busy, so later messages are received after their sender has ended. */
static void keep_busy(void)
{
	struct raw_request sockets = { .req = { .op = VS_OP_MSOCKET, .channel = NUMBERS,
						.arg = { AF_INET, SOCK_STREAM }, .count = 32 } };
	struct raw_request refused = { .req = { .op = VS_OP_CREATE }, .text = "x", .text_len = 1 };

	for (int i = 0; i < 300; i++) { /* more than fit into the queues */
		CHECK_EQ(raw_send(seen.front, &refused), 0);
		CHECK_EQ(raw_send(seen.door, &sockets), 0);
	}
}

/* In the queue of a socket pair; it is closed only when the pair is. */
static int lingering_within_a_pair(struct vdestack *stack)
{
	struct raw_request r = { .fds = { lingering(stack) }, .n_fds = 1, .no_key = true };
	int pair[2];

	raw_pair(pair);
	CHECK_EQ(raw_send(pair[0], &r), 0);
	return pair[1];
}

/*
 * Sends 24 of them, as the reply's descriptor and as others. This process ends at once, so closing its own
 * copies does not block it.
 */
static void send_lingering(struct vdestack *stack, int (*make)(struct vdestack *))
{
	static const size_t many[] = { 1, 3, 20 };
	struct raw_request r[6];

	for (int i = 0; i < 6; i++) {
		r[i] = (struct raw_request){ .req = { .op = VS_OP_SYSCTL_GET }, .text = "ipv4/tcp_dsack",
					     .text_len = 14, .n_fds = many[i / 2] };
		for (size_t j = 0; j < r[i].n_fds; j++)
			r[i].fds[j] = make(stack);
	}
	keep_busy();
	for (int i = 0; i < 6; i++)
		CHECK_EQ(raw_send(i % 2 ? seen.front : seen.door, &r[i]), 0);
}

static void send_what_lingers(void *prize)
{
	struct prize *p = prize;

	become(OTHER, OTHER);
	send_lingering(p->stack, lingering);
}

static void send_what_lingers_within(void *prize)
{
	struct prize *p = prize;

	become(OTHER, OTHER);
	for (unsigned i = 0; i < 4; i++)
		register_channel(seen.door, NUMBERS + 900 + i, lingering_within_a_pair(p->stack));
	send_lingering(p->stack, lingering_within_a_pair);
}

CASE_BOTH_ROOT(descriptors_that_take_long_to_close_delay_no_request)
{
	struct prize p = new_prize(case_opts());

	start_deaf_server(p.stack);
	in_child(send_what_lingers, &p);
	in_child(send_what_lingers_within, &p);
	for (int i = 0; i < 40; i++)
		close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_DGRAM, 0)));
	MUST(vdestack_iface_add(p.stack, "iface=more vnl=inproc://lan", case_opts()));
	CHECK(vdestack_new("", case_opts()) != NULL);
}

/* ------------------------------------------------------------------ channels */

static bool hung_up(void *fd)
{
	struct pollfd p = { .fd = *(int *)fd };

	return poll(&p, 1, 0) > 0;
}

/* The numbers that the main loop uses, or could use, for its other events. */
static void register_numbers(void *prize)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 3, 20, UINT64_C(1) << 32, UINT64_C(1) << 62, UINT64_C(1) << 63
	};

	(void)prize;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int pair[2];
		raw_pair(pair);
		register_channel(seen.door, numbers[i], pair[1]);
		close(pair[1]);
		close(pair[0]); /* it hangs up at once, which is an event of the main loop */
	}
}

CASE_ROOT(numbers_of_the_main_loop_are_refused_as_channels)
{
	struct prize p = new_prize(NULL);

	in_child(register_numbers, &p);
	check_idle(the_keeper());
	MUST(vdestack_iface_add(p.stack, "iface=more vnl=inproc://lan", NULL));
}

/* This process keeps a copy of the keeper's end. */
CASE_ROOT(the_keeper_closes_a_channel_although_its_sender_keeps_a_copy)
{
	struct prize p = new_prize(NULL);
	int pairs[4][2];

	for (int i = 0; i < 4; i++) {
		raw_pair(pairs[i]);
		register_channel(seen.door, NUMBERS + 50 + (unsigned)i, pairs[i][1]);
	}
	CHECK_EQ(get_sysctl(), 0);
	for (int i = 0; i < 4; i++)
		close(pairs[i][0]);
	check_idle(the_keeper());
	MUST(vdestack_iface_add(p.stack, "iface=more vnl=inproc://lan", NULL));
}

static void register_doors(void *prize)
{
	if (prize != NULL)
		become(OTHER, OTHER);
	for (uint64_t i = 0; i < 2; i++) {
		register_channel(seen.door, NUMBERS + 7 + i, seen.front);
		register_channel(seen.door, NUMBERS + 17 + i, seen.door);
	}
	CHECK_EQ(get_sysctl(), 0);
}

static bool no_keeper(void *arg)
{
	pid_t pids[4];

	(void)arg;
	return find_keepers(pids, 4) == 0;
}

/* A keeper with a copy of its own doors would never receive their end of file. */
CASE_ROOT(a_door_that_is_sent_as_a_channel_does_not_keep_the_keeper)
{
	struct prize p = new_prize(NULL);

	in_child(register_doors, &p);
	MUST(vdestack_delete(p.stack));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

/* A process that has the number of a channel can make the keeper send unrequested sockets there. */
static void looks_for_number(void *arg)
{
	const uint64_t *masked = arg;

	CHECK_EQ(copies_of(masked, 1, MASK), 0);
}

CASE_FLAGS(a_child_does_not_have_the_number_of_its_parents_channel,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct prize p = new_prize(NULL);

	for (int i = 0; i < 100; i++)
		close((int)MUST(vdestack_msocket(p.stack, AF_INET, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0)));
	CHECK(seen.channel != NULL);
	uint64_t masked = *(volatile const uint64_t *)seen.channel ^ MASK;
	CHECK(copies_of(&masked, 1, MASK) >= 1); /* otherwise the search does not work */
	in_child(looks_for_number, &masked);
	close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_STREAM, 0)));
}

/* How many sockets of this process have a channel's type and can be received from. */
static int receivable(void)
{
	int n = 0;

	for (int fd = 0; fd < 2048; fd++) {
		int type = 0;
		socklen_t len = sizeof(type);
		if (fd == seen.front || fd == seen.door)
			continue;
		n += getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
	}
	return n;
}

static void has_no_channel(void *prize)
{
	(void)prize;
	CHECK_EQ(receivable(), 0);
}

CASE_BOTH(a_forked_child_cannot_take_replies_of_its_parent)
{
	struct prize p = new_prize(case_opts());

	close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_STREAM, 0)));
	CHECK(receivable() > 0);
	in_child(has_no_channel, &p);
	close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_STREAM, 0)));
}

CASE_ROOT(a_process_does_not_fill_the_keeper_with_channels)
{
	struct prize p = new_prize(NULL);
	int pairs[100][2], refused = 0;

	for (int i = 0; i < 100; i++) {
		raw_pair(pairs[i]);
		register_channel(seen.door, NUMBERS + 100 + (unsigned)i, pairs[i][1]);
		close(pairs[i][1]);
	}
	CHECK_EQ(get_sysctl(), 0);
	for (int i = 0; i < 100; i++)
		refused += hung_up(&pairs[i][0]);
	CHECK(refused >= 80 && refused < 95);
	CHECK(p.stack != NULL);
}

/* ------------------------------------------------------------------ whatever comes */

static void send_nothing(void *prize)
{
	struct msghdr nothing = { .msg_iovlen = 0 };

	(void)prize;
	for (int i = 0; i < 10; i++) {
		MUST(syscall(SYS_sendmsg, seen.door, &nothing, MSG_NOSIGNAL));
		MUST(syscall(SYS_sendmsg, seen.front, &nothing, MSG_NOSIGNAL));
	}
	CHECK_EQ(get_sysctl(), 0);
}

/* It is received with length 0, as the end of file is. */
CASE_BOTH(an_empty_message_is_not_the_end_of_a_stack)
{
	struct prize p = new_prize(case_opts());

	in_child(send_nothing, &p);
	MUST(vdestack_iface_add(p.stack, "iface=more vnl=inproc://lan", case_opts()));
	CHECK(vdestack_new("", case_opts()) != NULL);
}

#define REQUESTS 20000

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
	random_state ^= random_state << 13; /* xorshift64 */
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

struct pool {
	int fds[16];
	size_t n;
};

static void fill_pool(struct pool *p)
{
	int pair[2];

	p->n = 0;
	p->fds[p->n++] = (int)MUST(open("/dev/null", O_RDWR | O_CLOEXEC));
	p->fds[p->n++] = (int)MUST(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	p->fds[p->n++] = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	p->fds[p->n++] = (int)MUST(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
	p->fds[p->n++] = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	p->fds[p->n++] = seen.front;
	p->fds[p->n++] = seen.door;
	for (int i = 0; i < 3; i++) {
		MUST(i == 0 ? pipe2(pair, O_CLOEXEC)
			    : socketpair(AF_UNIX, (i == 1 ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC, 0,
					 pair));
		p->fds[p->n++] = pair[0];
		p->fds[p->n++] = pair[1];
	}
}

static const char *random_text(size_t *len)
{
	static const char *const texts[] = { "", "ipv4/tcp_dsack", "ipv4/ip_forward\0001",
					     "../../../etc/shadow", "inproc://lan", "ptp:///tmp/x",
					     "cmd://id", "seqpacket://4", "=id", "{{{{", "vlan://1{}", "x" };
	static char bytes[VS_TEXT_MAX + 500];

	if (draw(3) == 0) {
		*len = draw(sizeof(bytes));
		for (size_t i = 0; i < *len; i += sizeof(uint64_t))
			memcpy(bytes + i, &random_state, *len - i < 8 ? *len - i : 8);
		return bytes;
	}
	const char *text = texts[draw(sizeof(texts) / sizeof(texts[0]))];
	*len = strlen(text) + draw(3);
	memcpy(bytes, text, strlen(text) + 1);
	bytes[strlen(text) + 1] = '1';
	return bytes;
}

static void send_random(const struct pool *pool)
{
	static const uint64_t channels[] = { 0, 0, 1, 2, 19, UINT64_C(1) << 32, UINT64_MAX };
	struct raw_request r = {
		.req = { .op = (uint32_t)draw(14), .seq = random_state, .timeout_ms = (uint32_t)draw(64) }
	};
	struct ucred claim = { getpid(), OTHER, OTHER };

	r.req.channel = draw(4) == 0 ? random_state : draw(8) == 0 ? *seen.channel
											  : channels[draw(7)];
	for (int i = 0; i < 3; i++)
		r.req.arg[i] = draw(2) == 0 ? (int32_t)draw(32) : (int32_t)random_state;
	if (draw(2) == 0)
		memset(r.req.iface.name, 'a' + (int)draw(26), sizeof(r.req.iface.name)); /* without an end */
	r.text = random_text(&r.text_len);
	r.n_fds = draw(6);
	for (size_t i = 0; i < r.n_fds; i++)
		r.fds[i] = pool->fds[draw(pool->n)];
	r.claim = draw(2) == 0 ? &claim : NULL;
	r.no_key = draw(8) == 0;
	(void)raw_send(draw(3) == 0 ? seen.front : seen.door, &r);
}

static void flood(void *prize)
{
	struct pool pool;

	(void)prize;
	become(OTHER, OTHER);
	for (int i = 0; i < REQUESTS; i++) {
		if (i % 100 == 0)
			fill_pool(&pool);
		send_random(&pool);
		for (size_t j = 0; i % 100 == 99 && j < pool.n; j++)
			if (pool.fds[j] != seen.front && pool.fds[j] != seen.door)
				close(pool.fds[j]);
	}
}

struct level {
	pid_t keeper;
	int most;
};

static bool low_again(void *arg)
{
	struct level *l = arg;

	return count_fds_of(l->keeper) <= l->most;
}

CASE_BOTH(a_request_of_another_version_or_too_short_is_dropped)
{
	struct prize p = new_prize(case_opts());
	struct raw_request newer = { .req = { .op = VS_OP_SYSCTL_GET }, .text = "core/somaxconn",
				     .text_len = 14, .version = VS_WIRE_VERSION + 1 };
	struct raw_request cut = { .req = { .op = VS_OP_STATS, .iface = { .name = "mine" } }, .cut = 1 };

	CHECK_EQ(raw_call(seen.door, &newer, NULL), -EPIPE);
	CHECK_EQ(raw_call(seen.door, &cut, NULL), -EPIPE);
	cut = (struct raw_request){ .req = { .op = VS_OP_STATS } };
	cut.cut = sizeof(cut.req) - 4;
	CHECK_EQ(raw_call(seen.door, &cut, NULL), -EPIPE);
	CHECK_EQ(get_sysctl(), 0);
	CHECK(p.stack != NULL);
}

/* A capture that nobody starts ends when its reply channel, and so its control socket, is closed. */
CASE_BOTH(captures_and_wire_taps_that_make_no_sense_are_refused)
{
	struct prize p = new_prize(case_opts());
	struct vs_wire_capture good = { .buffer_bytes = 1 << 20, .snaplen = 100 }, want;
	struct raw_request r = { .req = { .op = VS_OP_CAPTURE, .iface = { .name = "mine" } },
				 .text = (const char *)&want, .text_len = sizeof(want),
				 .claim = seen.claim.pid != 0 ? &seen.claim : NULL };

	want = good;
	CHECK_EQ(raw_call(seen.door, &r, NULL), 0);
	struct raw_request no_key = r;
	no_key.no_key = true;
	memset(&no_key.req.key, 0, sizeof(no_key.req.key));
	CHECK_EQ(raw_call(seen.door, &no_key, NULL), -EPERM);
	for (size_t len = 0; len < sizeof(want); len += 37) {
		r.text_len = len;
		CHECK_EQ(raw_call(seen.door, &r, NULL), -EINVAL);
	}
	r.text_len = sizeof(want);
	srand(1);
	for (int i = 0; i < 300; i++) {
		for (size_t j = 0; j < sizeof(want); j++) /* the comment has no end */
			((unsigned char *)&want)[j] = (unsigned char)(1 + rand() % 255);
		CHECK_EQ(raw_call(seen.door, &r, NULL), -EINVAL);
	}
	want = good, want.snaplen = 0;
	CHECK_EQ(raw_call(seen.door, &r, NULL), -EINVAL);
	want = good, want.buffer_bytes = UINT64_MAX;
	CHECK_EQ(raw_call(seen.door, &r, NULL), -EINVAL);
	want = good, want.flags = 2;
	CHECK_EQ(raw_call(seen.door, &r, NULL), -EINVAL);
	memset(r.req.iface.name, 'x', sizeof(r.req.iface.name));
	CHECK_EQ(raw_call(seen.door, &r, NULL), -ENODEV);
	struct raw_request tap = { .req = { .op = VS_OP_WIRETAP, .iface = { .name = "mine" } },
				   .claim = r.claim };
	static const int flags[] = { -1, 16, VS_WIRETAP_ALONE | VS_WIRETAP_TO_NETWORK, INT32_MIN };
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		tap.req.arg[0] = flags[i];
		CHECK_EQ(raw_call(seen.door, &tap, NULL), -EINVAL);
	}
	CHECK_EQ(get_sysctl(), 0);
	CHECK(p.stack != NULL);
}

/* The keeper makes them one after the other, and serves no other request of the stack meanwhile. */
CASE_BOTH(a_request_gets_no_more_than_32_sockets)
{
	struct prize p = new_prize(case_opts());
	struct raw_request r = {
		.req = { .op = VS_OP_MSOCKET, .arg = { AF_INET, SOCK_DGRAM, 0 }, .count = 1000 }, .n_fds = 1
	};
	struct vs_reply reply;
	int pair[2], n = 0;

	raw_pair(pair);
	r.fds[0] = pair[1];
	CHECK_EQ(raw_send(seen.door, &r), 0);
	CHECK_EQ(get_sysctl(), 0); /* served after that one */
	while (recv(pair[0], &reply, sizeof(reply), MSG_DONTWAIT) == (ssize_t)sizeof(reply))
		n++;
	CHECK_EQ(n, VS_SOCKETS_MAX);
	CHECK(p.stack != NULL);
}

static char value_of_sysctl[VS_TEXT_MAX + 1];

/* The library refuses such names before it sends them. */
CASE_BOTH(a_sysctl_outside_of_the_network_cannot_be_reached_without_the_library)
{
	static const char *const names[] = { "../kernel/hostname", "core/../../kernel/hostname", "core/..",
					     "/core/somaxconn", "/../kernel/hostname", "..", "" };
	struct prize p = new_prize(case_opts());
	struct raw_request r;
	char name[600], value[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r = (struct raw_request){ .req = { .op = VS_OP_SYSCTL_GET }, .text = names[i],
					  .text_len = strlen(names[i]) };
		int result = raw_call(seen.door, &r, value_of_sysctl);
		if (result >= 0)
			FAIL("sysctl \"%s\" is \"%s\"", names[i], value_of_sysctl);
		CHECK(result == -EINVAL || (names[i][0] == '\0' && result == -EISDIR));
		size_t len = (size_t)snprintf(name, sizeof(name), "%s", names[i]) + 1;
		memcpy(name + len, "1", 1);
		r = (struct raw_request){ .req = { .op = VS_OP_SYSCTL_SET }, .text = name,
					  .text_len = len + 1 };
		CHECK(raw_call(seen.door, &r, NULL) < 0);
	}
	/* A name that would be a valid one if it were cut after 511 bytes of the path. */
	size_t at = (size_t)snprintf(name, sizeof(name), "%s", "core");
	while (at < 511 - strlen("/proc/sys/net/") - strlen("/somaxconn"))
		name[at++] = '/';
	(void)snprintf(name + at, sizeof(name) - at, "/somaxconn%s", "and more");
	r = (struct raw_request){ .req = { .op = VS_OP_SYSCTL_GET }, .text = name, .text_len = strlen(name) };
	CHECK_EQ(raw_call(seen.door, &r, NULL), -EINVAL);
	MUST(vdestack_sysctl_get(p.stack, "core/somaxconn", value, sizeof(value)));
}

static void register_both_ends(void *prize)
{
	(void)prize;
	become(OTHER, OTHER);
	for (unsigned i = 0; i < 16; i++) {
		int pair[2];
		raw_pair(pair);
		register_channel(seen.door, NUMBERS + 2 * i + 64 * (uint64_t)getpid(), pair[0]);
		register_channel(seen.door, NUMBERS + 2 * i + 1 + 64 * (uint64_t)getpid(), pair[1]);
		close(pair[0]);
		close(pair[1]);
	}
	CHECK_EQ(get_sysctl(), 0);
}

/* Such a pair hangs up at neither end. */
CASE_ROOT(channels_of_processes_that_have_ended_are_closed)
{
	struct prize p = new_prize(NULL);
	struct level l = { the_keeper(), count_fds_of(the_keeper()) + 200 };

	for (int i = 0; i < 50; i++)
		in_child(register_both_ends, &p);
	CHECK(low_again(&l));
}

/*
 * Requests of all kinds, from a process with doors and key but without rights. The keeper continues, keeps
 * nothing, changes nothing.
 */
CASE_TIMED(no_message_of_a_child_without_rights_changes_anything, CASE_F_ROOT, 120)
{
	struct prize p = new_prize(NULL);
	char value[16];

	close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_STREAM, 0)));
	/* after the first subscription the stack's addresses are watched */
	close((int)MUST(vdestack_events(p.stack)));
	CHECK_EQ(get_sysctl(), 0);
	struct level l = { the_keeper(), count_fds_of(the_keeper()) + 100 };
	random_state = (uint64_t)getpid() << 32 | (uint64_t)time(NULL) | 1;
	printf("seed %llu\n", (unsigned long long)random_state);
	in_child(flood, &p);
	CHECK_EQ(the_keeper(), l.keeper);
	MUST(vdestack_sysctl_get(p.stack, "ipv4/ip_forward", value, sizeof(value)));
	CHECK_STR(value, "0");
	close((int)MUST(vdestack_msocket(p.stack, AF_INET, SOCK_STREAM, 0)));
	for (int i = 0; i < 100 && !low_again(&l); i++)
		/* the keeper frees what ended processes have left when other processes send requests */
		in_child(register_both_ends, &p);
	if (!wait_until(low_again, &l, SOON_MS))
		FAIL("the keeper has %d descriptors", count_fds_of(l.keeper));
	MUST(vdestack_if_nametoindex(p.stack, "mine"));
	check_mighty(&p, NULL);
}
