/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What otip_rproxy relies on: a TCP connection needs its local IPv6 address. When that is removed, nothing
 * that the peer sends arrives. When it is there again, the connection goes on. A closed listener ends none.
 */

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "namespace.h"

#define LIMIT_MS 20000

static const struct sockaddr_in6 *server_address(void)
{
	static struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	a.sin6_port = htons(80);
	CHECK_EQ(inet_pton(AF_INET6, "fd07::9", &a.sin6_addr), 1);
	return &a;
}

static void await_byte(int fd)
{
	char c;

	CHECK(wait_readable(fd, LIMIT_MS));
	CHECK_EQ(read(fd, &c, 1), 1);
}

/* In a namespace of its own: connects, and sends a byte for each byte that comes from the pipe. */
static void be_client(int orders, int reports)
{
	char c;

	MUST(unshare(CLONE_NEWNET));
	MUST(write(reports, "n", 1));
	await_byte(orders);
	int fd = (int)MUST(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(fd, (const struct sockaddr *)server_address(), sizeof(struct sockaddr_in6)));
	while (read(orders, &c, 1) == 1) {
		MUST(write(fd, &c, 1));
		MUST(write(reports, "s", 1));
	}
	_exit(0);
}

static void in_namespace_of(pid_t pid, const char *words)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "nsenter -t %d -n ip %s", pid, words);
	shell(command);
}

CASE(a_connection_waits_while_its_local_address_is_away)
{
	int orders[2], reports[2];
	char command[128];

	become_root();
	MUST(unshare(CLONE_NEWNET));
	MUST(pipe(orders));
	MUST(pipe(reports));
	pid_t client = (pid_t)MUST(fork());
	if (client == 0) {
		close(orders[1]);
		be_client(orders[0], reports[1]);
	}
	await_byte(reports[0]);
	(void)snprintf(command, sizeof(command), "ip link add near type veth peer name far netns %d", client);
	shell(command);
	shell("ip addr add fd07::1/64 dev near nodad && ip addr add fd07::9/64 dev near nodad && ip link set "
	      "near up");
	in_namespace_of(client, "addr add fd07::2/64 dev far nodad");
	in_namespace_of(client, "link set far up");
	int listener = (int)MUST(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(bind(listener, (const struct sockaddr *)server_address(), sizeof(struct sockaddr_in6)));
	MUST(listen(listener, 1));
	MUST(write(orders[1], "c", 1));
	int fd = (int)MUST(accept(listener, NULL, NULL));
	close(listener);

	MUST(write(orders[1], "1", 1));
	await_byte(fd);
	shell("ip addr del fd07::9/64 dev near");
	MUST(write(orders[1], "2", 1));
	await_byte(reports[0]);
	await_byte(reports[0]); /* the second byte has been sent */
	CHECK(!wait_readable(fd, 1000));
	shell("ip addr add fd07::9/64 dev near nodad");
	await_byte(fd);
	close(orders[1]);
	CHECK_EQ(waitpid(client, NULL, 0), client);
}
