/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks of each kind and programs of others, on one network, by IPv4 and IPv6.
 *
 *     ioth_peer on a stack of a kind ── hub ── stack of libvdestack, in which the other program runs
 *     10.0.0.1, fd00::1                        10.0.0.9, fd00::9
 *
 * For the kind kernel, ioth_peer itself runs in a stack of libvdestack, which then is the network of its
 * process.
 *
 * picox_in_docker is picox under the restrictions of a container (../support/docker_seccomp.c).
 *
 * The table has the kinds and the services: each pair of them is a case. tests/build/ioth_programs.sh fails
 * if a plugin is installed that is not in the table.
 */

#define _GNU_SOURCE
#include "../system/traffic.h"

#define INTEROP (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
#define LIMIT_S 120
#define FILE_BYTES 300007 /* of the page of ioth_peer */

static struct vdestack *other; /* the stack of the other program */
static char hub_path[256];

/* ------------------------------------------------------------------ ioth_peer */

struct peer {
	struct tool tool;       /* kind kernel: only output and input are used */
	struct vdestack *stack; /* kind kernel: in which it runs */
	int status_fd, pidfd;
};

/* Starts ioth_peer on a stack of that kind. */
static void peer_start(struct peer *peer, const char *kind, const char *const *role)
{
	const char *argv[16] = { PEER_FILE, kind, hub_path, "10.0.0.1/24 fd00::1/64" };
	size_t n = 4;

#ifdef DOCKER_FILE
	if (strcmp(kind, "picox_in_docker") == 0) {
		memmove(argv + 1, argv, n++ * sizeof(argv[0]));
		argv[0] = DOCKER_FILE;
		argv[2] = "picox";
	}
#endif
	for (size_t i = 0; role[i] != NULL; i++)
		argv[n++] = role[i];
	peer->status_fd = peer->pidfd = -1;
	peer->stack = NULL;
	if (strcmp(kind, "kernel") != 0) {
		tool_start(&peer->tool, argv);
		return;
	}
	peer->stack = stack_of("vnl=%s ip=10.0.0.1/24 ip=fd00::1/64", hub_path);
	int in[2];
	MUST(pipe2(in, O_CLOEXEC));
	(void)snprintf(peer->tool.output, sizeof(peer->tool.output), "%s", case_path("peer"));
	int out = (int)MUST(open(peer->tool.output, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600));
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .in = in[0], .out = out, .err = out };
	argv[2] = argv[3] = "";
	peer->pidfd = (int)MUST(vdestack_spawn(peer->stack, (char *const *)argv, &opts, &peer->status_fd));
	peer->tool.input = in[1];
	close(in[0]);
	close(out);
}

static bool peer_is_ready(void *arg)
{
	struct peer *peer = arg;

	return strstr(tool_output(&peer->tool), "ready\n") != NULL;
}

static void peer_serves(struct peer *peer, const char *kind, const char *role, const char *port)
{
	peer_start(peer, kind, WORDS(role, port));
	if (!wait_until(peer_is_ready, peer, SOON_MS))
		FAIL("%s on %s is not ready: \"%s\"", role, kind, tool_output(&peer->tool));
}

/* Waits for its end; a server has been asked to end. It must have succeeded. */
static void peer_end(struct peer *peer, const char *kind)
{
	int status = -1;

	if (peer->status_fd >= 0) {
		if (peer->tool.input >= 0)
			close(peer->tool.input);
		MUST(vdestack_cmd_wait(peer->status_fd, &status, 2 * SOON_MS));
		close(peer->status_fd);
		close(peer->pidfd);
		MUST(vdestack_delete(peer->stack));
	} else {
		status = tool_wait(&peer->tool, 2 * SOON_MS);
	}
	if (status != 0)
		FAIL("ioth_peer on %s: status 0x%x, \"%s\"", kind, (unsigned)status,
		     tool_output(&peer->tool));
}

static void server_end(struct peer *peer, const char *kind)
{
	close(peer->tool.input);
	peer->tool.input = -1;
	peer_end(peer, kind);
}

/* ------------------------------------------------------------------ the other program */

struct attempt {
	const char *script;
	char output[256];
	int status;
};

/* A client may come before its own address is there, or lose a datagram: it may try again. */
static bool script_succeeds(void *arg)
{
	struct attempt *a = arg;
	int out = (int)MUST(open(a->output, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600));
	struct vdestack_cmd_opts opts = {
		.size = sizeof(opts), .timeout_ms = SOON_MS, .out = out, .err = out
	};
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)a->script, NULL };

	a->status = vdestack_run(other, argv, &opts);
	close(out);
	return a->status == 0;
}

/* Runs a shell script in the other stack, until it succeeds. */
__attribute__((format(printf, 1, 2))) static void other_does(const char *fmt, ...)
{
	char script[1024];
	struct attempt a = { .script = script };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(script, sizeof(script), fmt, ap);
	va_end(ap);
	(void)snprintf(a.output, sizeof(a.output), "%s", case_path("other"));
	if (!wait_until(script_succeeds, &a, 2 * SOON_MS)) {
		struct tool t = { .name = "sh" };
		(void)snprintf(t.output, sizeof(t.output), "%s", a.output);
		FAIL("%s: status 0x%x, \"%s\"", script, (unsigned)a.status, tool_output(&t));
	}
}

/* Starts one in the other stack that serves until the end of the case. */
__attribute__((format(printf, 1, 2))) static void other_serves(const char *fmt, ...)
{
	char script[1024];
	va_list ap;
	int status_fd;

	va_start(ap, fmt);
	(void)vsnprintf(script, sizeof(script), fmt, ap);
	va_end(ap);
	char *argv[] = { (char *)"sh", (char *)"-c", script, NULL };
	MUST(vdestack_spawn(other, argv, NULL, &status_fd));
}

/* A file of the page that ioth_peer has. */
static const char *page_file(void)
{
	static unsigned char page[FILE_BYTES];
	const char *path = case_path("page");
	int fd = (int)MUST(open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600));

	for (size_t i = 0; i < FILE_BYTES; i++)
		page[i] = byte_at(i, 0);
	CHECK_EQ(write(fd, page, FILE_BYTES), FILE_BYTES);
	close(fd);
	return path;
}

/* ------------------------------------------------------------------ the services */

static const char *const addresses[] = { "10.0.0.1", "fd00::1" };
static const char *const others[] = { "10.0.0.9", "fd00::9" };

static void nc_gets_back_all_bytes_from_an_echo_server(const char *kind)
{
	const char *page = page_file();
	struct peer peer;

	peer_serves(&peer, kind, "echo-tcp", "7");
	for (int i = 0; i < 2; i++)
		other_does("nc -N -w 20 %s 7 <%s >%s.got && cmp %s %s.got", addresses[i], page, page, page,
			   page);
	server_end(&peer, kind);
}

static void nc_gets_back_datagrams_from_an_echo_server(const char *kind)
{
	struct peer peer;

	peer_serves(&peer, kind, "echo-udp", "7");
	for (int i = 0; i < 2; i++)
		other_does("[ \"$(echo question | nc -u -W 1 -w 2 %s 7)\" = question ]", addresses[i]);
	server_end(&peer, kind);
}

static void curl_gets_a_page(const char *kind)
{
	const char *page = page_file();
	struct peer peer;

	peer_serves(&peer, kind, "http", "80");
	other_does("curl -sS --max-time 20 -o %s.got http://10.0.0.1/ && cmp %s %s.got", page, page, page);
	other_does("curl -sS --max-time 20 -g -o %s.got 'http://[fd00::1]/' && cmp %s %s.got", page, page,
		   page);
	server_end(&peer, kind);
}

static void dig_and_nslookup_get_an_address(const char *kind)
{
	struct peer peer;

	peer_serves(&peer, kind, "dns", "53");
	for (int i = 0; i < 2; i++) {
		other_does("dig +short +tries=1 +time=10 @%s name.test | grep -qxF 192.0.2.53", addresses[i]);
		other_does("timeout 15 busybox nslookup name.test %s | grep -q '192\\.0\\.2\\.53'",
			   addresses[i]);
	}
	server_end(&peer, kind);
}

static void ping_is_answered(const char *kind)
{
	struct peer peer;

	peer_serves(&peer, kind, "echo-udp", "7");
	for (int i = 0; i < 2; i++) {
		other_does("ping -c 3 -i 0.2 -W 5 %s | grep -q ' 3 received'", addresses[i]);
		other_does("ping -c 1 -s 4000 -W 5 %s | grep -q ' 1 received'", addresses[i]); /* fragments */
	}
	server_end(&peer, kind);
}

/* A client on a stack of the kind, once for each address of the other. */
static void asks(const char *kind, const char *role, const char *port, const char *word)
{
	for (int i = 0; i < 2; i++) {
		struct peer peer;
		peer_start(&peer, kind, WORDS(role, others[i], port, word));
		peer_end(&peer, kind);
	}
}

static void socat_returns_all_bytes(const char *kind)
{
	other_serves("exec socat TCP6-LISTEN:7,fork,reuseaddr,ipv6only=0 PIPE");
	asks(kind, "ask-tcp", "7", "200003");
}

static void socat_returns_datagrams(const char *kind)
{
	other_serves("exec socat UDP6-RECVFROM:7,fork,ipv6only=0 PIPE");
	asks(kind, "ask-udp", "7", "20");
}

static void httpd_of_busybox_sends_a_page(const char *kind)
{
	other_does("mkdir -p www && head -c 200000 /dev/zero | tr '\\0' x >www/page");
	other_serves("exec busybox httpd -f -p 80 -h www");
	asks(kind, "get", "80", "200000");
}

static void dnsmasq_resolves_a_name(const char *kind)
{
	other_serves("exec dnsmasq -k -C /dev/null --no-resolv --no-hosts --address=/name.test/192.0.2.7 "
		     "--pid-file= "
		     "--user= --group= --log-facility=-");
	for (int i = 0; i < 2; i++) {
		struct peer peer;
		peer_start(&peer, kind, WORDS("resolve", others[i], "53", "name.test"));
		peer_end(&peer, kind);
		CHECK_STR(tool_output(&peer.tool), "192.0.2.7\n");
	}
}

static void iperf3_measures_a_client(const char *kind)
{
	other_serves("exec iperf3 -s");
	asks(kind, "iperf3", "5201", "2000000");
}

/* ------------------------------------------------------------------ the table */

#define SERVICES(X, kind)                                                                                    \
	X(kind, nc_gets_back_all_bytes_from_an_echo_server)                                                  \
	X(kind, nc_gets_back_datagrams_from_an_echo_server)                                                  \
	X(kind, curl_gets_a_page)                                                                            \
	X(kind, dig_and_nslookup_get_an_address)                                                             \
	X(kind, ping_is_answered)                                                                            \
	X(kind, socat_returns_all_bytes)                                                                     \
	X(kind, socat_returns_datagrams)                                                                     \
	X(kind, httpd_of_busybox_sends_a_page)                                                               \
	X(kind, dnsmasq_resolves_a_name)                                                                     \
	X(kind, iperf3_measures_a_client)

static void network(void)
{
	static struct tool hub;
	char node[300];

	(void)snprintf(hub_path, sizeof(hub_path), "vde://%s", case_path("hub"));
	(void)snprintf(node, sizeof(node), "hub://%s", case_path("hub"));
	node_start(&hub, node);
	other = stack_of("vnl=%s ip=10.0.0.9/24 ip=fd00::9/64", hub_path);
}

#define INTEROP_CASE(kind, service)                                                                          \
	CASE_TIMED(kind##_##service, INTEROP, LIMIT_S)                                                       \
	{                                                                                                    \
		network();                                                                                   \
		service(#kind);                                                                              \
	}

SERVICES(INTEROP_CASE, kernel)
SERVICES(INTEROP_CASE, vdestack)
#ifdef HAS_PICOX
SERVICES(INTEROP_CASE, picox)
#ifdef DOCKER_FILE
SERVICES(INTEROP_CASE, picox_in_docker)
#endif
#endif
