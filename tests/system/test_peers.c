/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks with software of others: stock switches, and programs that do not use this
 * library (iperf3, ping, nc) in a namespace that stock tools have connected to the same network.
 *
 *     stack 10.0.0.1 ── vde_switch ── vde_plug tap ── namespace of the peer 10.0.0.9
 */

#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "traffic.h"

#define BOTH_VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)

/*
 * The peer: a namespace made and connected by stock tools, where a shell script runs. It has a PID
 * namespace, so all its processes end when it is killed.
 */
static void peer_start(struct tool *peer, const char *network, const char *script)
{
	char text[4096];

	case_need_tun();
	(void)snprintf(text, sizeof(text),
		       "set -e\n"
		       "ip link set lo up\n"
		       "vde_plug tap://peer0 %s &\n"
		       "n=0; until ip link show peer0 >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 1000 ]; "
		       "sleep 0.01; done\n"
		       "ip addr add 10.0.0.9/24 dev peer0\n"
		       "ip link set peer0 up\n"
		       "%s\n",
		       network, script);
	if (case_is_root())
		tool_start(peer,
			   WORDS("unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", text));
	else
		tool_start(peer, WORDS("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork",
				       "--kill-child", "sh", "-c", text));
}

struct target {
	struct vdestack *stack;
	const char *addr;
	int port;
};

static bool accepts(void *arg)
{
	struct target *t = arg;
	struct sockaddr_storage ss;
	socklen_t len = address_of(t->addr, t->port, &ss);
	int fd = socket_in(t->stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err = 0;
	socklen_t err_len = sizeof(err);

	if (connect(fd, (struct sockaddr *)&ss, len) != 0 && (errno != EINPROGRESS || poll(&p, 1, 500) <= 0))
		err = EAGAIN;
	if (err == 0)
		MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len));
	close(fd);
	return err == 0;
}

static bool echoes(void *arg)
{
	struct target *t = arg;
	struct icmphdr echo = { .type = ICMP_ECHO }, reply = { 0 };
	struct sockaddr_storage ss;
	socklen_t len = address_of(t->addr, 0, &ss);
	int fd = (int)MUST(vdestack_msocket(t->stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
	bool came =
		sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&ss, len) > 0 && wait_readable(fd, 200);

	if (came) {
		CHECK_EQ(recv(fd, &reply, sizeof(reply), 0), sizeof(reply));
		came = reply.type == ICMP_ECHOREPLY;
	}
	close(fd);
	return came;
}

static void await_target(bool (*cond)(void *), struct target *t, const struct tool *peer)
{
	if (!wait_until(cond, t, SOON_MS))
		FAIL("no answer from %s; the peer said \"%s\"", t->addr, tool_output(peer));
}

/* ------------------------------------------------------------------ the closing scenario */

static void two_stacks_on(const char *network)
{
	struct vdestack *server = stack_of("vnl=%s ip=10.0.0.1/24", network);
	struct vdestack *client = stack_of("vnl=%s ip=10.0.0.2/24", network);
	int port = 80;
	int listener = bound_in(server, "10.0.0.1", SOCK_STREAM, &port);

	for (int i = 0; i < 5; i++) {
		int a = connected_in(client, "10.0.0.1", SOCK_STREAM, port);
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);
		char text[INET_ADDRSTRLEN];
		int b = (int)MUST(accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC));
		CHECK_STR(inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text)), "10.0.0.2");
		exchange(a, b);
		close(a);
		close(b);
	}
	close(listener);
	MUST(vdestack_delete(client));
	MUST(vdestack_delete(server));
}

CASE_FLAGS(one_stack_serves_another_of_the_same_program_through_a_stock_switch, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	two_stacks_on(path);
}

CASE_FLAGS(one_stack_serves_another_of_the_same_program_through_vde_plug, BOTH_VDE)
{
	const char *path = case_path("sw");
	char node[300];
	struct tool sw;

	(void)snprintf(node, sizeof(node), "switch://%s", path);
	node_start(&sw, node);
	two_stacks_on(path);
}

/* ------------------------------------------------------------------ unmodified peers */

CASE_FLAGS(a_peer_and_a_stack_ping_each_other, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct tool sw, peer;

	switch_start(&sw, path, "32");
	struct vdestack *s = stack_of("vnl=%s ip=10.0.0.1/24", path);
	peer_start(&peer, path, "ping -c 3 -i 0.2 -W 5 10.0.0.1 && sleep 1000");
	struct target target = { s, "10.0.0.9", 0 };
	await_target(echoes, &target, &peer);
	struct tool *p = &peer;
	long long end = now_us() + SOON_MS * 1000LL;
	while (strstr(tool_output(p), "3 received") == NULL) {
		if (now_us() > end)
			FAIL("ping said \"%s\"", tool_output(p));
		sleep_ms(20);
	}
	/* in the other direction, with the stock program in the stack */
	char *argv[] = { (char *)"ping", (char *)"-q", (char *)"-c", (char *)"2", (char *)"-i", (char *)"0.2",
			 (char *)"10.0.0.9", NULL };
	CHECK_EQ(vdestack_run(s, argv, NULL), 0);
	tool_end(&peer, SIGKILL);
}

CASE_FLAGS(nc_of_a_peer_gets_every_byte_of_a_stack, BOTH_VDE)
{
	const char *path = case_path("sw"), *got = case_path("got");
	static unsigned char out[BULK_BYTES], in[BULK_BYTES + 1];
	char script[512];
	struct tool sw, peer;

	switch_start(&sw, path, "32");
	struct vdestack *s = stack_of("vnl=%s ip=10.0.0.1/24", path);
	(void)snprintf(script, sizeof(script), "nc -l -N 5001 </dev/null >%s; echo received; sleep 1000",
		       got);
	peer_start(&peer, path, script);
	struct target target = { s, "10.0.0.9", 0 };
	await_target(echoes, &target, &peer);
	struct sockaddr_storage ss;
	socklen_t len = address_of("10.0.0.9", 5001, &ss);
	long long end = now_us() + SOON_MS * 1000LL;
	int fd;
	for (;;) { /* nc accepts one connection, so there must be no connection before */
		fd = socket_in(s, AF_INET, SOCK_STREAM);
		if (connect(fd, (struct sockaddr *)&ss, len) == 0)
			break;
		if (errno != ECONNREFUSED || now_us() > end)
			FAIL("connect: %s; the peer said \"%s\"", strerror(errno), tool_output(&peer));
		close(fd);
		sleep_ms(10);
	}
	for (size_t i = 0; i < BULK_BYTES; i++)
		out[i] = byte_at(i, 1);
	for (size_t done = 0; done < BULK_BYTES;)
		done += (size_t)MUST(send(fd, out + done, BULK_BYTES - done, MSG_NOSIGNAL));
	MUST(shutdown(fd, SHUT_WR));
	while (strstr(tool_output(&peer), "received") == NULL) {
		if (now_us() > end)
			FAIL("the peer said \"%s\"", tool_output(&peer));
		sleep_ms(10);
	}
	int file = (int)MUST(open(got, O_RDONLY | O_CLOEXEC));
	size_t n = 0;
	for (ssize_t r; n < sizeof(in) && (r = MUST(read(file, in + n, sizeof(in) - n))) > 0;)
		n += (size_t)r;
	CHECK_EQ(n, BULK_BYTES);
	CHECK(memcmp(in, out, BULK_BYTES) == 0);
	close(file);
	close(fd);
	tool_end(&peer, SIGKILL);
}

CASE_FLAGS(nc_of_a_peer_talks_to_a_server_of_a_stack, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct tool sw, peer;
	int port = 80;
	char buf[64] = "";

	switch_start(&sw, path, "32");
	struct vdestack *s = stack_of("vnl=%s ip=10.0.0.1/24", path);
	int listener = bound_in(s, "0.0.0.0", SOCK_STREAM, &port);
	peer_start(&peer, path, "echo question | nc -w 10 10.0.0.1 80");
	CHECK(wait_readable(listener, SOON_MS));
	int fd = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	CHECK_EQ(recv(fd, buf, 9, MSG_WAITALL), 9);
	CHECK_STR(buf, "question\n");
	MUST(send(fd, "answer\n", 7, MSG_NOSIGNAL));
	close(fd);
	(void)tool_wait(&peer, SOON_MS); /* its vde_plug is killed with it, so the status has no meaning */
	CHECK_CONTAINS(tool_output(&peer), "answer");
}

CASE_FLAGS(iperf3_of_a_peer_measures_a_stack_both_ways, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct tool sw, peer;

	switch_start(&sw, path, "32");
	struct vdestack *s = stack_of("vnl=%s ip=10.0.0.1/24", path);
	peer_start(&peer, path, "iperf3 -s -p 5201");
	struct target target = { s, "10.0.0.9", 5201 };
	await_target(accepts, &target, &peer);
	static const char *const ways[] = { "-4", "-R" };
	for (int i = 0; i < 2; i++) {
		char *argv[] = { (char *)"iperf3", (char *)"-c", (char *)"10.0.0.9", (char *)"-p",
				 (char *)"5201", (char *)"-n", (char *)"2M", (char *)"--connect-timeout",
				 (char *)"5000", (char *)ways[i], NULL };
		struct vdestack_cmd_opts opts = { .size = sizeof(opts), .timeout_ms = SOON_MS };
		int status = -1;
		/* a server that is still busy with the probe reports that; then the client tries again */
		for (int attempt = 0; attempt < 20 && status != 0; attempt++) {
			status = vdestack_run(s, argv, &opts);
			if (status != 0)
				sleep_ms(50);
		}
		if (status != 0)
			FAIL("iperf3 %s: status 0x%x, \"%s\"; the peer said \"%s\"", ways[i],
			     (unsigned)status, vdestack_last_error(), tool_output(&peer));
	}
	tool_end(&peer, SIGKILL);
}

/* The program serves an unmodified client: much TCP in both directions. */
CASE_FLAGS(iperf3_in_one_stack_serves_iperf3_in_another, BOTH_VDE)
{
	const char *path = case_path("hub");
	char node[300];
	struct tool hub;
	int pidfd, status_fd, status = -1;

	(void)snprintf(node, sizeof(node), "hub://%s", path);
	node_start(&hub, node);
	struct vdestack *server = stack_of("vnl=%s ip=10.0.0.1/24", path);
	struct vdestack *client = stack_of("vnl=%s ip=10.0.0.2/24", path);
	char *serve[] = { (char *)"iperf3", (char *)"-s", NULL };
	pidfd = (int)MUST(vdestack_spawn(server, serve, NULL, &status_fd));
	struct target target = { client, "10.0.0.1", 5201 };
	CHECK(wait_until(accepts, &target, SOON_MS));
	char *ask[] = {
		(char *)"iperf3", (char *)"-c", (char *)"10.0.0.1", (char *)"-n", (char *)"2M", NULL
	};
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .timeout_ms = SOON_MS };
	for (int attempt = 0; attempt < 20 && status != 0; attempt++)
		if ((status = vdestack_run(client, ask, &opts)) != 0)
			sleep_ms(50);
	CHECK_EQ(status, 0);
	MUST(vdestack_delete(server));
	CHECK(wait_readable(pidfd, SOON_MS)); /* and the server is gone with its stack */
	close(pidfd);
	close(status_fd);
}
