/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published ports with programs that are not ours: nginx, haproxy, curl, socat, iperf3, dnsmasq. */

#include "published.h"

#include <spawn.h>

/* Skips the case without the program. */
static void need(const char *program)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "PATH=$PATH:/usr/sbin:/sbin command -v %s >/dev/null", program);
	if (system(text) != 0)
		SKIP("there is no %s", program);
	MUST(setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", 1));
}

static const char *write_file(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *write_file(const char *name, const char *fmt, ...)
{
	const char *path = case_path(name);
	FILE *f = fopen(path, "we");
	va_list list;

	CHECK(f != NULL);
	va_start(list, fmt);
	CHECK(vfprintf(f, fmt, list) > 0);
	va_end(list);
	CHECK_EQ(fclose(f), 0);
	return path;
}

/* Starts a server in the stack of the scene. It ends with the stack. */
static void serve(const char *command)
{
	char *argv[] = { "sh", "-c", (char *)command, NULL };
	int fd = (int)MUST(vdestack_spawn(scene.server, argv, NULL, NULL));

	close(fd);
}

/* Runs a client in a stack. Its output is returned, static. */
static const char *client_in(struct vdestack *stack, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static const char *client_in(struct vdestack *stack, const char *fmt, ...)
{
	char command[1024];
	char *argv[] = { "sh", "-c", command, NULL };
	const char *path = case_path("out");
	va_list list;

	va_start(list, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, list);
	va_end(list);
	int out = (int)MUST(open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .timeout_ms = SOON_MS, .out = out };
	int status = (int)MUST(vdestack_run(stack, argv, &opts));
	close(out);
	if (status != 0)
		FAIL("\"%s\" ended with wait status 0x%x: %s", command, (unsigned)status, text_of(path));
	return text_of(path);
}

/* The server takes connections at this port. */
static bool listens(void *arg)
{
	union any at = any_of(SERVER, *(const int *)arg);
	int fd = sock(scene.server, AF_INET, SOCK_STREAM);
	bool is = connect(fd, &at.sa, any_len(&at)) == 0;

	close(fd);
	return is;
}

static void await(int port)
{
	CHECK(wait_until(listens, &port, SOON_MS));
}

#define CURL "curl -s --max-time 15 "

CASE(nginx_logs_the_clients_address_and_understands_the_proxy_header)
{
	const char *tmp = case_tmp();
	char command[512];

	need("nginx");
	need("curl");
	scene_make();
	relay_add(VS_PUBLISH_IN, "8080:80");
	relay_add(VS_PUBLISH_IN, "8081:81,proxy,from=stack");
	relay_start();
	const char *conf =
		write_file("nginx.conf",
			   "user root; daemon off; master_process off; pid %s/pid; error_log stderr;\n"
			   "events {}\n"
			   "http { access_log off; default_type text/plain;\n"
			   " client_body_temp_path %s/1; proxy_temp_path %s/2; fastcgi_temp_path %s/3;\n"
			   " uwsgi_temp_path %s/4; scgi_temp_path %s/5;\n"
			   " server { listen 80; listen [::]:80; location / {\n"
			   "  return 200 \"$remote_addr\\n\"; } }\n"
			   " server { listen 81 proxy_protocol; location / {\n"
			   "  return 200 \"$remote_addr $proxy_protocol_addr\\n\"; } } }\n",
			   tmp, tmp, tmp, tmp, tmp, tmp);
	(void)snprintf(command, sizeof(command), "exec nginx -e stderr -c %s", conf);
	serve(command);
	await(80);
	CHECK_STR(client_in(scene.client, CURL "http://" HOST ":8080/"), CLIENT "\n");
	CHECK_STR(client_in(scene.client, CURL "http://[" HOST6 "]:8080/"), CLIENT6 "\n");
	CHECK_STR(client_in(scene.client, CURL "http://" HOST ":8081/"), SERVER " " CLIENT "\n");
	relay_end(NULL);
}

CASE(haproxy_understands_the_proxy_header)
{
	char command[512];

	need("haproxy");
	need("curl");
	relay_of("8082:82,proxy,from=stack");
	const char *conf = write_file("haproxy.cfg",
				      "defaults\n mode http\n timeout client 20s\n timeout server 20s\n"
				      " timeout connect 5s\n"
				      "frontend plain\n bind 10.0.0.1:84\n http-request return status 200\n"
				      "frontend f\n bind 10.0.0.1:82 accept-proxy\n"
				      " http-request return status 200 content-type text/plain lf-string "
				      "\"%%[src] %%[dst] %%[dst_port]\"\n");
	(void)snprintf(command, sizeof(command), "exec haproxy -f %s -db", conf);
	serve(command);
	await(84);
	CHECK_STR(client_in(scene.client, CURL "http://" HOST ":8082/"), CLIENT " " HOST " 8082");
	relay_end(NULL);
}

/* haproxy relays the same connection: what it writes as a header is what the relay writes. */
CASE(the_header_is_that_of_haproxy)
{
	unsigned char ours[28], theirs[28];
	char command[512];

	need("haproxy");
	relay_of("8080:80,proxy,from=stack");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	const char *conf =
		write_file("haproxy.cfg",
			   "defaults\n mode tcp\n timeout client 20s\n timeout server 20s\n"
			   " timeout connect 5s\n"
			   "listen f\n bind " HOST ":8090\n server s " HOST ":8091 send-proxy-v2\n");
	(void)snprintf(command, sizeof(command), "exec haproxy -f %s -db", conf);
	char *argv[] = { "sh", "-c", command, NULL };
	int far = bound(scene.host, SOCK_STREAM, HOST, 8091), pidfd, c = -1;
	pidfd = (int)MUST(vdestack_spawn(scene.host, argv, NULL, NULL));
	union any from = any_of(CLIENT, 4003), at = any_of(HOST, 8090);
	for (int i = 0; i < 200 && c < 0; i++) {
		int one = 1;
		c = sock(scene.client, AF_INET, SOCK_STREAM);
		MUST(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		MUST(bind(c, &from.sa, any_len(&from)));
		if (connect(c, &at.sa, any_len(&at)) == 0)
			break;
		close(c);
		c = -1;
		sleep_ms(20);
	}
	CHECK(c >= 0);
	int s = accepted(far, NULL);
	CHECK_EQ(MUST(recv(s, theirs, sizeof(theirs), MSG_WAITALL)), sizeof(theirs));
	close_with_reset(c);
	c = sock(scene.client, AF_INET, SOCK_STREAM);
	MUST(bind(c, &from.sa, any_len(&from)));
	at = any_of(HOST, 8080);
	MUST(connect(c, &at.sa, any_len(&at)));
	s = accepted(l, NULL);
	CHECK_EQ(MUST(recv(s, ours, sizeof(ours), MSG_WAITALL)), sizeof(ours));
	theirs[27] = ours[27]; /* the port where the client has connected */
	CHECK_EQ(theirs[26], ours[26]);
	CHECK(memcmp(ours, theirs, sizeof(ours)) == 0);
	close(pidfd);
	relay_end(NULL);
}

/* sort(1) writes nothing before its input ends. */
CASE(socat_and_sort_need_the_half_close)
{
	need("socat");
	relay_of("8083:83");
	serve("exec socat TCP-LISTEN:83,fork,reuseaddr EXEC:sort");
	await(83);
	CHECK_STR(client_in(scene.client, "printf 'b\\nc\\na\\n' | socat -t 15 - TCP:" HOST ":8083"),
		  "a\nb\nc\n");
	relay_end(NULL);
}

static bool has_listener(void *arg)
{
	return client_in(scene.server, "ss -Hltn sport = :%d", *(const int *)arg)[0] != '\0';
}

/* iperf3 serves one client and takes even an empty connection for it. It listens anew for each. */
static void measure(int port, const char *options)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "exec iperf3 -s -1 -p %d >/dev/null", port);
	serve(command);
	CHECK(wait_until(has_listener, &port, SOON_MS));
	const char *out = client_in(scene.client, "iperf3 -c " HOST " -p %d %s", port, options);
	(void)fprintf(stderr, "%s", out);
	CHECK_CONTAINS(out, "iperf Done.");
}

CASE(iperf3_measures_tcp_and_udp_through_published_ports)
{
	need("iperf3");
	scene_make();
	relay_add(VS_PUBLISH_IN, "5201:5201");
	relay_add(VS_PUBLISH_IN, "5202:5202");
	relay_add(VS_PUBLISH_IN, "5203:5203");
	relay_add(VS_PUBLISH_IN, "5203:5203/udp");
	relay_start();
	measure(5201, "-n 64M -P 4");
	measure(5202, "-n 64M -R");
	measure(5203, "-u -n 1M -b 50M");
	relay_end(NULL);
}

CASE(dnsmasq_answers_at_a_published_udp_port)
{
	static const unsigned char question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\4name\4test\0\0\1\0\1";
	static const unsigned char address[] = { 192, 0, 2, 55 };
	unsigned char got[512];

	need("dnsmasq");
	relay_of("5300:53/udp");
	serve("exec dnsmasq -d -C /dev/null --no-resolv --no-hosts --address=/name.test/192.0.2.55 --port=53 "
	      "--listen-address=10.0.0.1 --bind-interfaces --pid-file=");
	await(53);
	int c = connected_to(scene.client, SOCK_DGRAM, HOST, 5300);
	CHECK_EQ(MUST(send(c, question, sizeof(question) - 1, 0)), sizeof(question) - 1);
	ssize_t n = MUST(recv(c, got, sizeof(got), 0));
	CHECK(n > 16 && got[0] == 0x12 && got[1] == 0x34);
	CHECK(memcmp(got + n - 4, address, 4) == 0);
	relay_end(NULL);
}
