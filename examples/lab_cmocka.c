/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A test with CMocka: a client reaches a server through a router, and notices when the cable is pulled. Each test
 * has a laboratory of its own. If an expectation is wrong, what is known of the networks is in a directory below
 * $VDESTACK_LAB_ARTEFACTS.
 *
 * pkg-config: cmocka
 */

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <vdestack/lab.h>

static const char text[] = "network lan 10.0.0.0/24\n"
			   "network dmz 10.0.1.0/24\n"
			   "router r on lan on dmz\n"
			   "host client on lan\n"
			   "host server on dmz 10.0.1.80\n";

static int set_up(void **state)
{
	struct vdestack_lab *lab = vdestack_lab_new(text, NULL);

	if (lab == NULL || vdestack_lab_start(lab) < 0) {
		fprintf(stderr, "%s\n", vdestack_lab_last_error());
		vdestack_lab_delete(lab);
		return -1;
	}
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	vdestack_lab_delete(*state);
	return 0;
}

static int udp(struct vdestack_lab *lab, const char *host)
{
	return vdestack_msocket(vdestack_lab_host(lab, host), AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* Whether a datagram arrives. */
static int arrives(struct vdestack_lab *lab, int timeout_ms)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(7) };
	struct pollfd p = { .fd = udp(lab, "server"), .events = POLLIN };
	int client = udp(lab, "client");
	char where[INET_ADDRSTRLEN];

	assert_true(vdestack_lab_addr(lab, "server", AF_INET, where, sizeof(where)) > 0);
	assert_int_equal(inet_pton(AF_INET, where, &addr.sin_addr), 1);
	assert_int_equal(bind(p.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(sendto(client, "hello", 5, 0, (struct sockaddr *)&addr, sizeof(addr)), 5);
	int n = poll(&p, 1, timeout_ms);
	close(client);
	close(p.fd);
	return n == 1;
}

static void expect(struct vdestack_lab *lab, int is_so, const char *what)
{
	if (!is_so)
		vdestack_lab_fail(lab, what);
	assert_true(is_so);
}

static void the_client_reaches_the_server(void **state)
{
	expect(*state, arrives(*state, 5000), "a datagram arrives");
}

static void nothing_arrives_without_a_cable(void **state)
{
	assert_int_equal(vdestack_lab_cut(*state, "server:dmz"), 0);
	expect(*state, !arrives(*state, 100), "nothing arrives without a cable");
	assert_int_equal(vdestack_lab_restore(*state, "server:dmz"), 0);
	expect(*state, arrives(*state, 5000), "a datagram arrives when the cable is back");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_client_reaches_the_server, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_arrives_without_a_cable, set_up, tear_down),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	printf("%d tests failed\n", failed);
	return failed != 0;
}
