/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Servers made of iothdns_udp_process_request() and iothdns_tcp_process_request(), in a stack of libioth.
 * Clients send well-formed and malformed requests from another stack.
 */

#include "iothdns_ground.h"

#include <sys/ioctl.h>

#define IDLE 60

static int udp, tcp; /* the server's, of ioth_msocket() */
static int calls;    /* of the program's function */

/* ------------------------------------------------------------------ a server */

static void put_a(struct iothdns_pkt *p, const char *name, unsigned i)
{
	struct iothdns_rr rr = { .name = name, .type = IOTHDNS_TYPE_A, .class = IOTHDNS_CLASS_IN, .ttl = 60 };
	uint8_t addr[4] = { 10, 8, (uint8_t)(i >> 8), (uint8_t)i };

	iothdns_put_rr(IOTHDNS_SEC_ANSWER, p, &rr);
	iothdns_put_a(p, addr);
}

/* "aN.example" has N addresses. "none.example" gets no answer, "spoilt.example" a message that is none. */
static struct iothdns_pkt *reply(struct iothdns_header *h, void *arg)
{
	CHECK(arg == &calls);
	calls++;
	if (strcmp(h->qname, "none.example") == 0)
		return NULL;
	h->flags = IOTHDNS_RESPONSE | IOTHDNS_AA | (h->flags & IOTHDNS_RD);
	struct iothdns_pkt *p = iothdns_put_header(h);
	CHECK(p != NULL);
	int n = h->qname[0] == 'a' ? atoi(h->qname + 1) : 0;
	for (int i = 0; i < n; i++)
		put_a(p, h->qname, (unsigned)i);
	if (strcmp(h->qname, "spoilt.example") == 0)
		put_a(p, "a..b", 1);
	return p;
}

static int bound(int type)
{
	struct sockaddr_in a = address("10.9.0.9", 53);
	int one = 1, fd = (int)MUST(ioth_msocket(home, AF_INET, type | SOCK_CLOEXEC, 0));

	MUST(ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(ioth_bind(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static void begin(void)
{
	ground_begin();
	udp = bound(SOCK_DGRAM);
	tcp = bound(SOCK_STREAM);
	MUST(ioth_listen(tcp, 5));
}

static void end(void)
{
	MUST(ioth_close(udp));
	MUST(ioth_close(tcp));
	ground_end();
}

static int client(int type)
{
	struct sockaddr_in a = address("10.9.0.9", 53);
	int fd = (int)MUST(vdestack_msocket(far, AF_INET, type | SOCK_CLOEXEC, 0));

	MUST(connect(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static void question(struct dns_message *m, const char *name)
{
	dns_begin(m, 0x1234, 0x0100, name, IOTHDNS_TYPE_A);
}

/* An OPT record: the client takes datagrams of that size. */
static void put_opt(struct dns_message *m, unsigned size)
{
	m->bytes[11]++;
	m->bytes[m->n++] = 0;
	dns_put16(m, IOTHDNS_TYPE_OPT);
	dns_put16(m, size);
	dns_put32(m, 0);
	dns_put16(m, 0);
}

/* One request by UDP, and one call of the server. Returns the size of the answer; 0: there was none. */
static ssize_t by_udp(const void *bytes, size_t n, uint8_t *answer, size_t size)
{
	int fd = client(SOCK_DGRAM);

	CHECK_EQ(send(fd, bytes, n, 0), n);
	CHECK(wait_readable(udp, SOON_MS));
	int r = iothdns_udp_process_request(udp, reply, &calls);
	if (r != (int)n)
		FAIL("the call returned %d (%s) for %zu bytes", r, strerror(errno), n);
	CHECK(wait_readable(fd, SOON_MS));
	ssize_t got = recv(fd, answer, size, 0);
	close(fd);
	return got;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* ------------------------------------------------------------------ UDP */

CASE(a_datagram_is_answered)
{
	static struct dns_message m;
	uint8_t answer[1000];

	begin();
	question(&m, "a3.example");
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)m.n + 3 * 16); /* compressed */
	CHECK_EQ(get16(answer), 0x1234);
	CHECK_EQ(get16(answer + 2), IOTHDNS_RESPONSE | IOTHDNS_AA | IOTHDNS_RD);
	CHECK_EQ(get16(answer + 6), 3);
	CHECK_EQ(get16(answer + 10), 0); /* no OPT: the client has sent none */
	end();
}

CASE(an_answer_that_does_not_fit_becomes_one_with_the_bit_tc)
{
	static struct dns_message m;
	static uint8_t answer[65536];

	begin();
	question(&m, "a60.example");
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)m.n);
	CHECK(get16(answer + 2) & IOTHDNS_TRUNC);
	CHECK_EQ(get16(answer + 6), 0);
	put_opt(&m, 1232);
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)m.n + 60 * 16);
	CHECK(!(get16(answer + 2) & IOTHDNS_TRUNC));
	CHECK_EQ(get16(answer + 6), 60);
	CHECK_EQ(get16(answer + 10), 1); /* an OPT for an OPT */
	question(&m, "a100.example");
	put_opt(&m, 1232);
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)m.n);
	CHECK(get16(answer + 2) & IOTHDNS_TRUNC);
	CHECK_EQ(get16(answer + 10), 1);
	question(&m, "a60.example"); /* less than 512 is taken as 512, RFC 6891 section 6.2.5 */
	put_opt(&m, 0);
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)m.n);
	end();
}

/* The first answer on the socket is that of a good request which follows. */
static void check_dropped(const void *bytes, size_t n)
{
	struct dns_message good;
	uint8_t answer[512];
	int fd = client(SOCK_DGRAM), before = calls;

	CHECK_EQ(send(fd, bytes, n, 0), n);
	CHECK(wait_readable(udp, SOON_MS));
	CHECK_EQ(iothdns_udp_process_request(udp, reply, &calls), n);
	CHECK_EQ(calls, before);
	question(&good, "a1.example");
	CHECK_EQ(send(fd, good.bytes, good.n, 0), good.n);
	CHECK(wait_readable(udp, SOON_MS));
	CHECK_EQ(iothdns_udp_process_request(udp, reply, &calls), good.n);
	CHECK(wait_readable(fd, SOON_MS));
	CHECK_EQ(recv(fd, answer, sizeof(answer), 0), (ssize_t)good.n + 16);
	close(fd);
}

CASE(a_client_cannot_wish_for_more_than_4096_bytes)
{
	static struct dns_message m;
	static uint8_t answer[65536];

	begin();
	question(&m, "a4090.example");
	put_opt(&m, 65535);
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)m.n);
	CHECK(get16(answer + 2) & IOTHDNS_TRUNC);
	end();
}

/* None is shown to the program, none is answered, and the server goes on. */
CASE(malformed_datagrams_replies_and_silence_are_not_answered)
{
	static struct dns_message m;
	static uint8_t garbage[4096], answer[512];
	static const struct {
		const char *bytes;
		size_t n;
	} wrong[] = {
		{ "\x12", 1 },
		{ "\x12\x34\1\0\0\1\0\0\0\0\0", 11 },
		{ "\x12\x34\1\0\0\0\0\0\0\0\0\0", 12 },                           /* no question */
		{ "\x12\x34\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1\1a\0\0\1\0\1", 26 }, /* two */
		{ "\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18 },           /* a pointer to itself */
		{ "\x12\x34\1\0\0\1\0\0\0\0\0\0\x41"
		  "a\0\0\1\0\1",
		  19 },
		{ "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29", 22 }, /* an OPT that is cut */
		{ "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", 19 },     /* a reply */
	};
	unsigned seed = 1;

	begin();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_dropped(wrong[i].bytes, wrong[i].n);
	for (int i = 0; i < 50; i++) {
		for (size_t j = 0; j < sizeof(garbage); j++)
			garbage[j] = (uint8_t)rand_r(&seed);
		garbage[2] |= 0x80; /* never a question */
		check_dropped(garbage, (size_t)(i * 80 + 1) % 1400 + 1);
	}
	calls = 0;
	question(&m, "none.example");
	int silent = client(SOCK_DGRAM);
	CHECK_EQ(send(silent, m.bytes, m.n, 0), m.n);
	CHECK(wait_readable(udp, SOON_MS));
	CHECK_EQ(iothdns_udp_process_request(udp, reply, &calls), m.n);
	CHECK_EQ(calls, 1);
	question(&m, "spoilt.example");
	CHECK_EQ(send(silent, m.bytes, m.n, 0), m.n);
	CHECK(wait_readable(udp, SOON_MS));
	CHECK_ERRNO(iothdns_udp_process_request(udp, reply, &calls), EINVAL); /* the program's mistake */
	CHECK_EQ(send(silent, "", 0, 0), 0);
	CHECK(wait_readable(udp, SOON_MS));
	CHECK_EQ(iothdns_udp_process_request(udp, reply, &calls), 0);
	question(&m, "a1.example"); /* the first answer on this socket is that of the last request */
	CHECK_EQ(send(silent, m.bytes, m.n, 0), m.n);
	CHECK(wait_readable(udp, SOON_MS));
	CHECK_EQ(iothdns_udp_process_request(udp, reply, &calls), m.n);
	CHECK(wait_readable(silent, SOON_MS));
	CHECK_EQ(recv(silent, answer, sizeof(answer), 0), (ssize_t)m.n + 16);
	close(silent);
	end();
}

CASE(a_request_of_more_than_512_bytes_is_read)
{
	static struct dns_message m;
	static uint8_t answer[512], padding[700];

	begin();
	question(&m, "a1.example");
	size_t n = m.n;
	dns_record(&m, 3, "pad.example", IOTHDNS_TYPE_NULL, 0, padding, sizeof(padding));
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)n + 16);
	end();
}

CASE(a_descriptor_without_a_request_is_not_waited_for_if_it_does_not_block)
{
	int one = 1, fds;

	begin();
	fds = count_fds();
	MUST(ioth_ioctl(udp, FIONBIO, &one));
	CHECK_ERRNO(iothdns_udp_process_request(udp, reply, &calls), EAGAIN);
	CHECK_ERRNO(iothdns_udp_process_request(-1, reply, &calls), EBADF);
	CHECK_ERRNO(iothdns_tcp_process_request(-1, reply, &calls), EBADF);
	CHECK_ERRNO(iothdns_udp_process_request(udp, NULL, NULL), EINVAL);
	CHECK_ERRNO(iothdns_tcp_process_request(udp, NULL, NULL), EINVAL);
	CHECK_EQ(count_fds(), fds);
	end();
}

/* ------------------------------------------------------------------ TCP */

static void send_prefixed(int fd, const struct dns_message *m)
{
	uint8_t bytes[2048];

	CHECK(m->n <= sizeof(bytes) - 2);
	bytes[0] = (uint8_t)(m->n >> 8);
	bytes[1] = (uint8_t)m->n;
	memcpy(bytes + 2, m->bytes, m->n);
	CHECK_EQ(send(fd, bytes, m->n + 2, MSG_NOSIGNAL), m->n + 2);
}

static size_t receive_prefixed(int fd, uint8_t *answer)
{
	uint8_t head[2];

	CHECK(name_server_read(fd, head, 2));
	CHECK(name_server_read(fd, answer, get16(head)));
	return get16(head);
}

static int connected(int *at_server)
{
	int fd = client(SOCK_STREAM);

	*at_server = (int)MUST(ioth_accept(tcp, NULL, NULL));
	return fd;
}

CASE(requests_that_follow_each_other_on_a_connection_are_answered_in_order)
{
	static struct dns_message m;
	static uint8_t answer[65536];
	int s, fd, fds;

	begin();
	fds = count_fds();
	fd = connected(&s);
	question(&m, "a60.example");
	send_prefixed(fd, &m);
	size_t n = m.n;
	question(&m, "a2.example");
	put_opt(&m, 512);
	send_prefixed(fd, &m);
	question(&m, "none.example");
	send_prefixed(fd, &m);
	question(&m, "a4000.example");
	send_prefixed(fd, &m);
	CHECK_EQ(iothdns_tcp_process_request(s, reply, &calls), n);
	CHECK_EQ(receive_prefixed(fd, answer), n + 60 * 16); /* no limit of 512 */
	CHECK(iothdns_tcp_process_request(s, reply, &calls) > 0);
	CHECK_EQ(receive_prefixed(fd, answer), n - 1 + 2 * 16 + 11);
	CHECK(iothdns_tcp_process_request(s, reply, &calls) > 0); /* no answer */
	CHECK(iothdns_tcp_process_request(s, reply, &calls) > 0);
	CHECK_EQ(receive_prefixed(fd, answer), m.n + 4000 * 16);
	CHECK_EQ(calls, 4);
	close(fd);
	CHECK_EQ(iothdns_tcp_process_request(s, reply, &calls), 0); /* the end of the connection */
	MUST(ioth_close(s));
	CHECK_EQ(count_fds(), fds);
	end();
}

struct serving {
	int fd, result, err;
};

static void *serve_one(void *arg)
{
	struct serving *s = arg;

	s->result = iothdns_tcp_process_request(s->fd, reply, &calls);
	s->err = errno;
	return NULL;
}

/* A request whose bytes come one by one, the length too. */
CASE(a_request_may_come_in_parts)
{
	static struct dns_message m;
	static uint8_t answer[65536];
	struct serving serving = { 0 };
	pthread_t thread;
	int one = 1;

	begin();
	int fd = connected(&serving.fd);
	MUST(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one)));
	CHECK_EQ(pthread_create(&thread, NULL, serve_one, &serving), 0);
	question(&m, "a1.example");
	uint8_t head[2] = { 0, (uint8_t)m.n };
	for (size_t i = 0; i < m.n + 2; i++)
		CHECK_EQ(send(fd, i < 2 ? head + i : m.bytes + i - 2, 1, MSG_NOSIGNAL), 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(serving.result, m.n);
	CHECK_EQ(receive_prefixed(fd, answer), m.n + 16);
	close(fd);
	MUST(ioth_close(serving.fd));
	end();
}

/* The longest one that a length can tell. */
CASE(a_request_of_65535_bytes_is_answered)
{
	static struct dns_message m;
	static uint8_t answer[65536], padding[65535], head[2] = { 0xff, 0xff };
	struct serving serving = { 0 };
	pthread_t thread;

	begin();
	int fd = connected(&serving.fd);
	CHECK_EQ(pthread_create(&thread, NULL, serve_one, &serving), 0);
	question(&m, "a1.example");
	size_t n = m.n;
	dns_record(&m, 3, "", IOTHDNS_TYPE_NULL, 0, padding, 65535 - n - 11);
	CHECK_EQ(m.n, 65535);
	CHECK_EQ(send(fd, head, 2, MSG_NOSIGNAL), 2);
	CHECK_EQ(send(fd, m.bytes, m.n, MSG_NOSIGNAL), m.n);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(serving.result, 65535);
	CHECK_EQ(receive_prefixed(fd, answer), n + 16);
	close(fd);
	MUST(ioth_close(serving.fd));
	end();
}

/* Each has sent half of a length. Others are answered meanwhile, and none of them leaves anything. */
CASE_FLAGS(many_idle_clients_keep_nobody_waiting, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	static struct serving idle[IDLE];
	static struct dns_message m;
	static uint8_t answer[65536];
	pthread_t threads[IDLE];
	int s, fds[IDLE], before;

	begin();
	before = count_fds();
	for (int i = 0; i < IDLE; i++) {
		fds[i] = connected(&idle[i].fd);
		CHECK_EQ(send(fds[i], "", 1, MSG_NOSIGNAL), 1);
		CHECK_EQ(pthread_create(&threads[i], NULL, serve_one, &idle[i]), 0);
	}
	question(&m, "a1.example");
	CHECK_EQ(by_udp(m.bytes, m.n, answer, sizeof(answer)), (ssize_t)m.n + 16);
	int fd = connected(&s);
	send_prefixed(fd, &m);
	CHECK_EQ(iothdns_tcp_process_request(s, reply, &calls), m.n);
	CHECK_EQ(receive_prefixed(fd, answer), m.n + 16);
	close(fd);
	MUST(ioth_close(s));
	for (int i = 0; i < IDLE; i++)
		close(fds[i]);
	for (int i = 0; i < IDLE; i++) {
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
		CHECK_EQ(idle[i].result, -1);
		CHECK(idle[i].err == EBADMSG || idle[i].err == ETIMEDOUT);
		MUST(ioth_close(idle[i].fd));
	}
	CHECK_EQ(calls, 2);
	CHECK_EQ(count_fds(), before);
	end();
}

/* What a client sends, and then the end; and what the call makes of it. */
static void check_broken(const char *bytes, size_t n, int result, int err)
{
	int s, fd = connected(&s);

	CHECK_EQ(send(fd, bytes, n, MSG_NOSIGNAL), n);
	MUST(shutdown(fd, SHUT_WR));
	errno = 0;
	int r = iothdns_tcp_process_request(s, reply, &calls);
	if (r != result || (r < 0 && errno != err))
		FAIL("%zu bytes: %d, %s", n, r, strerror(errno));
	close(fd);
	MUST(ioth_close(s));
}

CASE(connections_that_break_off_are_told)
{
	begin();
	int fds = count_fds();
	check_broken("", 0, 0, 0);
	check_broken("\0", 1, -1, EBADMSG);
	check_broken("\0\x20", 2, -1, EBADMSG);
	check_broken("\0\x20\x12\x34", 4, -1, EBADMSG);
	check_broken("\0\0", 2, -1, EBADMSG);
	check_broken("\xff\xff\x12", 3, -1, EBADMSG);
	check_broken("\0\2\x12\x34", 4, 2, 0); /* it is whole, and no request */
	CHECK_EQ(calls, 0);
	CHECK_EQ(count_fds(), fds);
	end();
}

/* A client that sends nothing more costs ten seconds. */
CASE(a_client_that_stops_is_not_waited_for_without_end)
{
	int s;

	begin();
	int fd = connected(&s);
	CHECK_EQ(send(fd, "\0\x20\x12", 3, MSG_NOSIGNAL), 3);
	long long start = now_us();
	CHECK_ERRNO(iothdns_tcp_process_request(s, reply, &calls), ETIMEDOUT);
	CHECK(now_us() - start > 9000000);
	close(fd);
	MUST(ioth_close(s));
	end();
}

/* ------------------------------------------------------------------ real clients */

static atomic_bool stop;

/* A whole server, as a program has it. */
static void *serve(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		struct pollfd p[2] = { { .fd = udp, .events = POLLIN }, { .fd = tcp, .events = POLLIN } };
		if (poll(p, 2, 100) <= 0)
			continue;
		if (p[0].revents)
			(void)iothdns_udp_process_request(udp, reply, &calls);
		if (p[1].revents) {
			int fd = (int)MUST(ioth_accept(tcp, NULL, NULL));
			while (iothdns_tcp_process_request(fd, reply, &calls) > 0)
				;
			MUST(ioth_close(fd));
		}
	}
	return NULL;
}

CASE(busybox_and_our_own_resolver_are_answered)
{
	pthread_t thread;
	char line[300], *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };

	begin();
	CHECK_EQ(pthread_create(&thread, NULL, serve, NULL), 0);
	(void)snprintf(line, sizeof(line), "busybox nslookup -type=a a2.example 10.9.0.9 >%s 2>&1",
		       case_path("out"));
	CHECK_EQ(vdestack_run(far, argv, NULL), 0);
	CHECK_CONTAINS(text_of(case_path("out")), "10.8.0.1");
	struct ioth *third = ground_stack("10.9.0.10");
	struct iothdns *dns = iothdns_init_strcfg(third, (char *)(uintptr_t) "10.9.0.9");
	struct in_addr a[1];
	CHECK(dns != NULL);
	CHECK_EQ(iothdns_lookup_a(dns, "a200.example", a, 1), 200); /* TC, then TCP */
	CHECK_EQ(iothdns_lookup_a(dns, "a60.example", a, 1), 60);   /* by EDNS */
	iothdns_fini(dns);
	MUST(ioth_delstack(third));
	atomic_store(&stop, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	end();
}
