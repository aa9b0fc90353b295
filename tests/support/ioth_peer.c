/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ioth_peer PLUGIN VNL ADDRESSES ROLE [WORD]...
 *
 * A program with one stack of libioth, for tests with programs of others (../ioth/test_ioth_interop.c). VNL
 * and ADDRESSES ("10.0.0.1/24 fd00::1/64", for vde0) may be "". Then the stack has the network that the
 * process has.
 *
 * As a server it prints "ready", serves one client after the other, and ends with its standard input:
 *   echo-tcp PORT, echo-udp PORT
 *   http PORT             any page: PAGE bytes that byte_at() gives
 *   dns PORT              192.0.2.53 is the address of each name
 * As a client it exits with 0 when all has come as expected:
 *   ask-tcp ADDRESS PORT BYTES       sends them to an echo server and compares what comes back
 *   ask-udp ADDRESS PORT DATAGRAMS   the same with datagrams; a lost one is sent again
 *   get ADDRESS PORT BYTES           a page of that many bytes 'x'
 *   resolve ADDRESS PORT NAME        prints the address
 *   iperf3 ADDRESS PORT BYTES        sends them to a server of iperf3, which must have received them
 * A client waits for its server and its own address: it connects again for WAIT_MS.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <ioth.h>

#define WAIT_MS 20000
#define PAGE 300007

static struct ioth *stack;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, ": %s; \"%s\"\n", strerror(err), ioth_last_error());
	exit(1);
}

static long long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The byte of a stream at a place. */
static unsigned char byte_at(size_t place)
{
	uint32_t x = (uint32_t)place * 2654435761u;

	return (unsigned char)(x >> 24 ^ x >> 11);
}

/* ------------------------------------------------------------------ the stack */

static int family_of(const char *text, void *addr)
{
	if (inet_pton(AF_INET, text, addr) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, addr) == 1 ? AF_INET6 : 0;
}

static socklen_t address(const char *text, int port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
		die("%s", text);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons((uint16_t)port);
	return sizeof(*six);
}

/*
 * Waits until the address can be bound: an IPv6 address is not usable while duplicates of it are looked for.
 * A connection that begins then has another source, and hangs.
 */
static void await_address(const char *text)
{
	struct sockaddr_storage ss;
	socklen_t len = address(text, 0, &ss);
	long long end = now_ms() + WAIT_MS;
	int fd = ioth_msocket(stack, ss.ss_family, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	while (ioth_bind(fd, (struct sockaddr *)&ss, len) < 0) {
		if (errno != EADDRNOTAVAIL || now_ms() > end)
			die("bind to %s", text);
		(void)poll(NULL, 0, 20);
	}
	if (ioth_close(fd) < 0)
		die("close");
}

/* A request of rtnetlink to the stack, which must succeed: a header of `size` bytes, then attributes. */
struct request {
	struct nlmsghdr h;
	char body[128];
};

static void add_attribute(struct request *r, unsigned short type, const void *data, unsigned short size)
{
	struct rtattr *attribute = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), data, size);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static void ask_netlink(struct request *r, const char *what)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char more[512];
	} reply;
	int fd = ioth_msocket(stack, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	r->h.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (fd < 0 || ioth_send(fd, r, r->h.nlmsg_len, 0) < 0 || ioth_recv(fd, &reply, sizeof(reply), 0) <= 0)
		die("netlink: %s", what);
	errno = reply.h.nlmsg_type == NLMSG_ERROR ? -reply.e.error : EPROTO;
	if (errno != 0)
		die("%s", what);
	(void)ioth_close(fd);
}

static void set_up(int index)
{
	struct request r = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				    .nlmsg_type = RTM_NEWLINK } };
	struct ifinfomsg *body = NLMSG_DATA(&r.h);

	*body = (struct ifinfomsg){ .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	ask_netlink(&r, "vde0 up");
}

static void add_address(int index, int family, const void *addr, int length, const char *word)
{
	struct request r = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
				    .nlmsg_type = RTM_NEWADDR,
				    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL } };
	struct ifaddrmsg *body = NLMSG_DATA(&r.h);
	unsigned short size = family == AF_INET ? 4 : 16;

	*body = (struct ifaddrmsg){ .ifa_family = (unsigned char)family,
				    .ifa_prefixlen = (unsigned char)length,
				    .ifa_index = (unsigned)index };
	add_attribute(&r, IFA_LOCAL, addr, size);
	add_attribute(&r, IFA_ADDRESS, addr, size);
	ask_netlink(&r, word);
}

static int index_of_vde0(void)
{
	struct request r = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				    .nlmsg_type = RTM_GETLINK,
				    .nlmsg_flags = NLM_F_REQUEST } };
	char reply[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = (struct nlmsghdr *)reply;
	int fd = ioth_msocket(stack, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	add_attribute(&r, IFLA_IFNAME, "vde0", sizeof("vde0"));
	if (fd < 0 || ioth_send(fd, &r, r.h.nlmsg_len, 0) < 0 || ioth_recv(fd, reply, sizeof(reply), 0) <= 0)
		die("netlink: vde0");
	if (h->nlmsg_type != RTM_NEWLINK)
		die("vde0: message %u", h->nlmsg_type);
	(void)ioth_close(fd);
	return ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
}

static void configure(char *addresses)
{
	unsigned char addr[16];
	char *save = NULL;
	int index = addresses[0] != '\0' ? index_of_vde0() : 0;

	if (index > 0)
		set_up(index);
	for (char *word = strtok_r(addresses, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		char *slash = strchr(word, '/');
		if (slash == NULL)
			die("no length in %s", word);
		*slash = '\0';
		add_address(index, family_of(word, addr), addr, atoi(slash + 1), word);
		await_address(word);
	}
}

/* A server socket of a family on all addresses. */
static int bound(int family, int type, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(family == AF_INET ? "0.0.0.0" : "::", atoi(port), &ss);
	int one = 1, fd = ioth_msocket(stack, family, type, 0);

	if (fd < 0)
		die("socket");
	if (family == AF_INET6 && ioth_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		die("IPV6_V6ONLY");
	if (type == SOCK_STREAM && ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		die("SO_REUSEADDR");
	if (ioth_bind(fd, (struct sockaddr *)&ss, len) < 0 || (type == SOCK_STREAM && ioth_listen(fd, 8) < 0))
		die("bind");
	return fd;
}

/* Waits for something to read; false at the time limit. */
static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* ------------------------------------------------------------------ bytes of a connection */

static void send_all(int fd, const void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = ioth_send(fd, (const char *)buf + done, size - done, MSG_NOSIGNAL);
		if (n <= 0)
			die("send after %zu bytes", done);
		done += (size_t)n;
	}
}

/* Exactly that many bytes. */
static void recv_all(int fd, void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		if (!readable(fd, WAIT_MS))
			die("nothing after %zu of %zu bytes", done, size);
		ssize_t n = ioth_recv(fd, (char *)buf + done, size - done, 0);
		if (n <= 0)
			die("recv after %zu of %zu bytes", done, size);
		done += (size_t)n;
	}
}

/* ------------------------------------------------------------------ servers */

static void echo(int fd)
{
	char buf[8192];
	ssize_t n;

	while (readable(fd, WAIT_MS) && (n = ioth_read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = ioth_send(fd, buf + done, (size_t)(n - done), MSG_NOSIGNAL)) <= 0)
				return;
}

static void http(int fd)
{
	static unsigned char page[PAGE];
	char request[4096] = "", head[128];
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(request) - 1 && strstr(request, "\r\n\r\n") == NULL && readable(fd, WAIT_MS) &&
	       (r = ioth_recv(fd, request + n, sizeof(request) - 1 - n, 0)) > 0)
		n += (size_t)r;
	for (size_t i = 0; i < PAGE; i++)
		page[i] = byte_at(i);
	(void)snprintf(head, sizeof(head), "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", PAGE);
	struct iovec iov[] = { { head, strlen(head) }, { page, 1000 } };
	if (ioth_writev(fd, iov, 2) != (ssize_t)(iov[0].iov_len + iov[1].iov_len))
		die("writev");
	send_all(fd, page + 1000, PAGE - 1000);
	(void)ioth_shutdown(fd, SHUT_WR);
	while (readable(fd, WAIT_MS) && ioth_recv(fd, request, sizeof(request), 0) > 0)
		continue;
}

static void echo_datagram(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char buf[2048];
	ssize_t n = ioth_recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&peer, &len);

	if (n >= 0)
		(void)ioth_sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&peer, len);
}

/* Answers a query with its own question; for type A with an address. */
static void dns(int fd)
{
	static const unsigned char record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 53 };
	struct sockaddr_storage peer;
	unsigned char buf[512 + sizeof(record)];
	struct iovec iov = { buf, 512 };
	struct msghdr msg = {
		.msg_name = &peer, .msg_namelen = sizeof(peer), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n = ioth_recvmsg(fd, &msg, 0);

	if (n < 17)
		return;
	size_t end = 12;
	while (end < (size_t)n && buf[end] != 0)
		end += buf[end] + 1U;
	end += 5;
	if (end > (size_t)n)
		return;
	bool is_a = buf[end - 4] == 0 && buf[end - 3] == 1;
	buf[2] |= 0x84;
	buf[3] = 0x80;
	memset(buf + 6, 0, 6);
	buf[7] = is_a;
	if (is_a)
		memcpy(buf + end, record, sizeof(record));
	iov.iov_len = end + (is_a ? sizeof(record) : 0);
	(void)ioth_sendmsg(fd, &msg, 0);
}

/* Serves until the standard input ends. */
static void serve(const char *port, int type, void (*each)(int))
{
	struct pollfd fds[] = { { 0, POLLIN, 0 },
				{ bound(AF_INET, type, port), POLLIN, 0 },
				{ bound(AF_INET6, type, port), POLLIN, 0 } };

	(void)printf("ready\n");
	(void)fflush(stdout);
	while (poll(fds, 3, -1) > 0 && fds[0].revents == 0)
		for (int i = 1; i < 3; i++) {
			if (fds[i].revents == 0)
				continue;
			int fd = type == SOCK_STREAM ? ioth_accept(fds[i].fd, NULL, NULL) : fds[i].fd;
			if (fd < 0)
				continue;
			each(fd);
			if (type == SOCK_STREAM)
				(void)ioth_close(fd);
		}
	for (int i = 1; i < 3; i++)
		if (ioth_close(fds[i].fd) < 0)
			die("close");
}

static void serve_echo_tcp(char **w)
{
	serve(w[0], SOCK_STREAM, echo);
}
static void serve_echo_udp(char **w)
{
	serve(w[0], SOCK_DGRAM, echo_datagram);
}
static void serve_http(char **w)
{
	serve(w[0], SOCK_STREAM, http);
}
static void serve_dns(char **w)
{
	serve(w[0], SOCK_DGRAM, dns);
}

/* ------------------------------------------------------------------ clients */

static int connected(const char *text, const char *port, int type)
{
	struct sockaddr_storage ss;
	socklen_t len = address(text, atoi(port), &ss);
	long long end = now_ms() + WAIT_MS;

	for (;;) {
		int fd = ioth_msocket(stack, ss.ss_family, type, 0);
		if (fd < 0)
			die("socket");
		if (ioth_connect(fd, (struct sockaddr *)&ss, len) == 0)
			return fd;
		if (now_ms() > end)
			die("connect to %s", text);
		(void)ioth_close(fd);
		(void)poll(NULL, 0, 20);
	}
}

static void ask_tcp(char **w)
{
	int fd = connected(w[0], w[1], SOCK_STREAM);
	unsigned char out[4000], in[4000];
	char c;

	for (size_t done = 0, bytes = strtoul(w[2], NULL, 10); done < bytes;) {
		size_t n = bytes - done < sizeof(out) ? bytes - done : sizeof(out);
		for (size_t i = 0; i < n; i++)
			out[i] = byte_at(done + i);
		send_all(fd, out, n);
		recv_all(fd, in, n);
		if (memcmp(out, in, n) != 0)
			die("other bytes after %zu", done);
		done += n;
	}
	if (ioth_shutdown(fd, SHUT_WR) < 0 || !readable(fd, WAIT_MS) || ioth_recv(fd, &c, 1, 0) != 0)
		die("no end of the connection");
	(void)ioth_close(fd);
}

static void ask_udp(char **w)
{
	int fd = connected(w[0], w[1], SOCK_DGRAM);
	unsigned char out[1200], in[2048];
	long long end = now_ms() + WAIT_MS;

	for (int n = atoi(w[2]), i = 0; i < n; i++) {
		ssize_t got = -1;
		for (size_t k = 0; k < sizeof(out); k++)
			out[k] = byte_at((size_t)i * 1000 + k);
		/* An answer to an earlier copy may come, so it is compared until it fits. */
		while (got != sizeof(out) || memcmp(in, out, sizeof(out)) != 0) {
			if (now_ms() > end)
				die("datagram %d is not returned", i);
			if (!readable(fd, 0))
				(void)ioth_send(fd, out, sizeof(out), 0);
			got = readable(fd, 1000) ? ioth_recv(fd, in, sizeof(in), 0) : -1;
		}
	}
	(void)ioth_close(fd);
}

static void get(char **w)
{
	static const char request[] = "GET /page HTTP/1.0\r\n\r\n";
	int fd = connected(w[0], w[1], SOCK_STREAM);
	static char answer[1 << 20];
	size_t n = 0, bytes = strtoul(w[2], NULL, 10);
	ssize_t r = -1;

	send_all(fd, request, strlen(request));
	while (n < sizeof(answer) - 1 && readable(fd, WAIT_MS) &&
	       (r = ioth_read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
		n += (size_t)r;
	char *body = strstr(answer, "\r\n\r\n");
	if (r != 0 || body == NULL)
		die("no page: %zu bytes", n);
	if (strspn(body + 4, "x") != bytes || body + 4 + bytes != answer + n)
		die("another page, of %zu bytes", n - (size_t)(body + 4 - answer));
	(void)ioth_close(fd);
}

static void resolve(char **w)
{
	unsigned char query[300] = { 0x12, 0x34, 1, 0, 0, 1 }, answer[512];
	int fd = connected(w[0], w[1], SOCK_DGRAM);
	long long end = now_ms() + WAIT_MS;
	size_t n = 12;
	ssize_t got = -1;
	char text[INET_ADDRSTRLEN];

	for (const char *label = w[2]; *label != '\0' && n < 256;) {
		size_t length = strcspn(label, ".");
		query[n++] = (unsigned char)length;
		memcpy(query + n, label, length);
		n += length;
		label += length + (label[length] == '.');
	}
	query[n + 2] = query[n + 4] = 1; /* A, IN */
	n += 5;
	while (got < (ssize_t)n + 16) {
		if (now_ms() > end)
			die("no answer");
		(void)ioth_send(fd, query, n, 0);
		got = readable(fd, 1000) ? ioth_recv(fd, answer, sizeof(answer), 0) : -1;
	}
	(void)printf("%s\n", inet_ntop(AF_INET, answer + n + 12, text, sizeof(text)));
	(void)ioth_close(fd);
}

/* ------------------------------------------------------------------ iperf3 */

/* The states of a test, which one side tells the other as one byte. */
enum {
	ACCESS_DENIED = -1,
	TEST_START = 1,
	TEST_RUNNING = 2,
	TEST_END = 4,
	PARAM_EXCHANGE = 9,
	CREATE_STREAMS = 10,
	EXCHANGE_RESULTS = 13,
	DISPLAY_RESULTS = 14,
	IPERF_DONE = 16
};

static void expect_state(int fd, int expected)
{
	signed char state;

	recv_all(fd, &state, 1);
	if (state != expected)
		die("iperf3: state %d instead of %d", state, expected);
}

static void send_state(int fd, int state)
{
	char byte = (char)state;

	send_all(fd, &byte, 1);
}

/* A text with its length before it. */
static void send_text(int fd, const char *text)
{
	uint32_t length = htonl((uint32_t)strlen(text));

	send_all(fd, &length, sizeof(length));
	send_all(fd, text, strlen(text));
}

static void recv_text(int fd, char *text, size_t size)
{
	uint32_t length;

	recv_all(fd, &length, sizeof(length));
	length = ntohl(length);
	if (length >= size)
		die("iperf3: %u bytes of results", length);
	recv_all(fd, text, length);
	text[length] = '\0';
}

/* Waits until the other side has acknowledged all bytes. */
static void wait_acknowledged(int fd)
{
	long long end = now_ms() + WAIT_MS;
	int left = -1;

	while (ioth_ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0 && now_ms() < end)
		(void)poll(NULL, 0, 5);
	if (left != 0)
		die("iperf3: %d bytes are not acknowledged", left);
}

/*
 * The server stops reading at TEST_END. It may leave bytes in its buffer, which has twice the size of the
 * parameter "window". All others it must have received.
 */
static void check_received(const char *results, size_t bytes, size_t window)
{
	const char *received = strstr(results, "\"bytes\":");
	size_t n = received != NULL ? strtoul(received + 8, NULL, 10) : 0;

	if (n > bytes || n + 2 * window < bytes)
		die("iperf3: %zu bytes were sent: %s", bytes, results);
	(void)printf("iperf3 received %zu of %zu\n", n, bytes);
}

static void iperf3(char **w)
{
	char cookie[37] = "ioth-peer-ioth-peer-ioth-peer-ioth-x", text[8192];
	static char block[16384];
	size_t bytes = strtoul(w[2], NULL, 10), window = 65536;
	int control = connected(w[0], w[1], SOCK_STREAM);
	signed char state;
	long long end = now_ms() + WAIT_MS;

	send_all(control, cookie, sizeof(cookie));
	for (recv_all(control, &state, 1); state == ACCESS_DENIED; recv_all(control, &state, 1)) {
		/* The server still ends another test. */
		if (now_ms() > end)
			die("iperf3: the server is busy");
		(void)ioth_close(control);
		(void)poll(NULL, 0, 50);
		control = connected(w[0], w[1], SOCK_STREAM);
		send_all(control, cookie, sizeof(cookie));
	}
	if (state != PARAM_EXCHANGE)
		die("iperf3: state %d", state);
	(void)snprintf(
		text, sizeof(text),
		"{\"tcp\":true,\"omit\":0,\"time\":0,\"num\":%zu,\"blockcount\":0,\"parallel\":1,\"len\":%zu,"
		"\"window\":%zu,\"pacing_timer\":1000,\"client_version\":\"3.12\"}",
		bytes, sizeof(block), window);
	send_text(control, text);
	expect_state(control, CREATE_STREAMS);
	int data = connected(w[0], w[1], SOCK_STREAM);
	send_all(data, cookie, sizeof(cookie));
	expect_state(control, TEST_START);
	expect_state(control, TEST_RUNNING);
	for (size_t done = 0; done < bytes; done += sizeof(block))
		send_all(data, block, bytes - done < sizeof(block) ? bytes - done : sizeof(block));
	wait_acknowledged(data);
	send_state(control, TEST_END);
	expect_state(control, EXCHANGE_RESULTS);
	(void)snprintf(text, sizeof(text),
		       "{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,\"sender_has_"
		       "retransmits\":0,"
		       "\"streams\":[{\"id\":1,\"bytes\":%zu,\"retransmits\":0,\"jitter\":0,\"errors\":0,"
		       "\"packets\":0,"
		       "\"start_time\":0,\"end_time\":1}]}",
		       bytes);
	send_text(control, text);
	recv_text(control, text, sizeof(text));
	expect_state(control, DISPLAY_RESULTS);
	send_state(control, IPERF_DONE);
	/* What is on its way would be lost with the stack. */
	if (!readable(control, WAIT_MS) || ioth_recv(control, &state, 1, 0) > 0)
		die("iperf3: no end of the connection");
	check_received(text, bytes, window);
	(void)ioth_close(data);
	(void)ioth_close(control);
}

/* ------------------------------------------------------------------ */

static const struct {
	const char *name;
	int words;
	void (*run)(char **words);
} roles[] = {
	{ "echo-tcp", 1, serve_echo_tcp },
	{ "echo-udp", 1, serve_echo_udp },
	{ "http", 1, serve_http },
	{ "dns", 1, serve_dns },
	{ "ask-tcp", 3, ask_tcp },
	{ "ask-udp", 3, ask_udp },
	{ "get", 3, get },
	{ "resolve", 3, resolve },
	{ "iperf3", 3, iperf3 },
};

int main(int argc, char **argv)
{
	ioth_set_license("LGPL-2.1-or-later");
	for (size_t i = 0; argc > 4 && i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(argv[4], roles[i].name) != 0 || argc != 5 + roles[i].words)
			continue;
		stack = ioth_newstack(argv[1], argv[2][0] != '\0' ? argv[2] : NULL);
		if (stack == NULL)
			die("%s", argv[1]);
		configure(argv[3]);
		roles[i].run(argv + 5);
		if (ioth_delstack(stack) < 0)
			die("delstack");
		return 0;
	}
	(void)fprintf(stderr, "usage: see the head of the source\n");
	return 2;
}
