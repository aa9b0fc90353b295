/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* otip_rproxy: the bytes of one direction, between TCP sockets of the loopback interface. */

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ioth.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemons/otip_rproxy/relay.h"

#define SOON_MS 10000
#define MANY 65536

/* The sender writes to sender[0], the relay moves from sender[1] to receiver[1], receiver[0] is read. */
static int sender[2], receiver[2];
static struct rp_relays all;
static struct rp_relay relay;

static void connect_pair(int pair[2])
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int listener = ioth_msocket(NULL, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioth_bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(ioth_listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair[0], (struct sockaddr *)&sa, sizeof(sa)), 0);
	pair[1] = ioth_accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(pair[1] >= 0);
	(void)ioth_close(listener);
}

static void begin(void)
{
	connect_pair(sender);
	connect_pair(receiver);
	assert_int_equal(rp_relays_init(&all), 0);
	relay = (struct rp_relay){ .way = RP_RELAY_SPLICE };
}

static void end(void)
{
	rp_relay_drop(&relay, &all);
	rp_relays_fini(&all);
	for (int i = 0; i < 2; i++) {
		(void)(i == 0 ? close(sender[i]) : ioth_close(sender[i]));
		(void)(i == 0 ? close(receiver[i]) : ioth_close(receiver[i]));
	}
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, SOON_MS), 1);
}

/* What the event loop does for both descriptors of the relay, until the receiver has n bytes or the end. */
static size_t move(char *to, size_t n)
{
	int64_t until_ms = vs_now_ms() + SOON_MS;
	size_t got = 0;

	while (got < n) {
		assert_true(vs_now_ms() < until_ms);
		struct pollfd p[] = { { .fd = sender[1], .events = POLLIN },
				      { .fd = receiver[1], .events = POLLOUT },
				      { .fd = receiver[0], .events = POLLIN } };
		p[0].fd = relay.ended || rp_relay_waits(&relay) ? -1 : p[0].fd;
		p[1].fd = rp_relay_waits(&relay) ? p[1].fd : -1;
		assert_true(poll(p, 3, SOON_MS) > 0);
		if ((p[0].revents & POLLIN) != 0)
			assert_int_equal(rp_relay_receive(&relay, &all, sender[1], receiver[1]), 0);
		if ((p[1].revents & POLLOUT) != 0)
			assert_int_equal(rp_relay_send(&relay, &all, receiver[1]), 0);
		if ((p[2].revents & POLLIN) == 0)
			continue;
		ssize_t k = recv(receiver[0], to + got, n - got, 0);
		assert_true(k >= 0);
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return got;
}

/* splice(2) says EAGAIN at an urgent byte, and the descriptor stays readable. */
static void what_follows_an_urgent_byte_is_passed_on(void **state)
{
	char got[16];

	(void)state;
	begin();
	assert_int_equal(send(sender[0], "U", 1, MSG_OOB), 1);
	assert_int_equal(send(sender[0], "0123456789", 10, 0), 10);
	wait_for(sender[1], POLLIN);
	assert_int_equal(rp_relay_receive(&relay, &all, sender[1], receiver[1]), 0);
	assert_int_equal(move(got, 10), 10);
	assert_memory_equal(got, "0123456789", 10);
	assert_false(relay.ended);
	end();
}

/* splice(2) says that this is the end. */
static void an_urgent_byte_is_not_the_end(void **state)
{
	char got[16];

	(void)state;
	begin();
	assert_int_equal(send(sender[0], "U", 1, MSG_OOB), 1);
	assert_int_equal(send(sender[0], "0123456789", 10, 0), 10);
	assert_int_equal(shutdown(sender[0], SHUT_WR), 0);
	wait_for(sender[1], POLLRDHUP);
	assert_int_equal(move(got, sizeof(got)), 10);
	assert_memory_equal(got, "0123456789", 10);
	assert_true(relay.ended && relay.closed);
	end();
}

/* Sends until the relay cannot pass on more. Returns how many bytes. */
static size_t fill(void)
{
	static char bytes[MANY];
	size_t sent = 0;

	while (!rp_relay_waits(&relay)) {
		ssize_t n = send(sender[0], bytes, sizeof(bytes), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		wait_for(sender[1], POLLIN);
		assert_int_equal(rp_relay_receive(&relay, &all, sender[1], receiver[1]), 0);
	}
	return sent;
}

static void bytes_in_a_pipe_come_before_the_end(void **state)
{
	static char got[MANY];
	size_t left, n;

	(void)state;
	begin();
	left = fill();
	assert_int_equal(shutdown(sender[0], SHUT_WR), 0);
	while ((n = move(got, sizeof(got))) > 0) {
		assert_true(n <= left);
		left -= n;
	}
	assert_int_equal(left, 0);
	assert_true(relay.ended && relay.closed && relay.pipe == NULL);
	end();
}

/* The pipe of a connection that is reset is not used again: bytes are in it. */
static void a_reset_drops_what_waits(void **state)
{
	struct linger now = { .l_onoff = 1 };

	(void)state;
	begin();
	(void)fill();
	assert_int_equal(setsockopt(receiver[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(receiver[0]);
	wait_for(receiver[1], POLLERR);
	int r = rp_relay_send(&relay, &all, receiver[1]);
	assert_true(r == -ECONNRESET || r == -EPIPE);
	rp_relay_drop(&relay, &all);
	assert_int_equal(all.pipes.n, all.pipes.n_idle);
	receiver[0] = -1;
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_follows_an_urgent_byte_is_passed_on),
	cmocka_unit_test(an_urgent_byte_is_not_the_end),
	cmocka_unit_test(bytes_in_a_pipe_come_before_the_end),
	cmocka_unit_test(a_reset_drops_what_waits),
};

int main(int argc, char **argv)
{
	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
