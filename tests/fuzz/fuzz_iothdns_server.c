/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes of a client go to a name server made of iothdns_udp_process_request() or
 * iothdns_tcp_process_request(). Whatever they are, the call ends, and what it sends is a reply that has the
 * identifier of the request, is well-formed, and is not larger than the client takes.
 *
 * Input: a byte, whose lowest bit is 1 for TCP, and the others how many bytes a read or a write of TCP passes
 * (0: all); a byte for the number of records of an answer; then the bytes that the client sends.
 */

#include <errno.h>
#include <fuzz.h>
#include <iothdns.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define UDP_MAX 4096

typedef struct sockaddr SA; /* each prototype of a wrapper stands on one line, for CMakeLists.txt */

static struct {
	const uint8_t *bytes; /* what the client sends */
	size_t n, part;
	unsigned records;
	bool tcp;
	int calls, replies; /* of the program's function; messages that were sent */
	uint16_t id;        /* of the last question */
	uint8_t sent[2 + 65535];
	size_t n_sent;
} s;

ssize_t __wrap_ioth_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_ioth_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_ioth_send(int fd, const void *from, size_t size, int flags);
ssize_t __wrap_ioth_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_ioth_sendto(int fd, const void *at, size_t n, int flags, const SA *to, socklen_t l);
int __wrap_ioth_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms);

/* ------------------------------------------------------------------ the client */

static void check_reply(uint8_t *bytes, size_t n)
{
	char qname[IOTHDNS_MAXNAME], name[IOTHDNS_MAXNAME];
	struct iothdns_header h;
	struct iothdns_rr rr;
	struct iothdns_pkt *p = iothdns_get_header(&h, bytes, n, qname);

	CHECK(p != NULL && IOTHDNS_IS_RESPONSE(h.flags) && h.id == s.id);
	errno = 0;
	while (iothdns_get_rr(p, &rr, name) != 0)
		;
	CHECK(errno == 0);
	iothdns_free(p);
	s.replies++;
}

static size_t one_part(size_t n)
{
	return s.part > 0 && s.part < n ? s.part : n;
}

static size_t take(void *to, size_t size)
{
	size_t n = s.n < size ? s.n : size;

	memcpy(to, s.bytes, n);
	s.bytes += n;
	s.n -= n;
	return n;
}

ssize_t __wrap_ioth_recv(int fd, void *to, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	return (ssize_t)take(to, one_part(size));
}

/* One datagram. */
ssize_t __wrap_ioth_recvmsg(int fd, struct msghdr *message, int flags)
{
	(void)fd;
	(void)flags;
	message->msg_controllen = 0;
	message->msg_namelen = 0;
	return (ssize_t)take(message->msg_iov->iov_base, message->msg_iov->iov_len);
}

ssize_t __wrap_ioth_send(int fd, const void *from, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	size = one_part(size);
	CHECK(s.tcp && s.n_sent + size <= sizeof(s.sent));
	memcpy(s.sent + s.n_sent, from, size);
	s.n_sent += size;
	return (ssize_t)size;
}

/* Without the address that was asked, replies leave by ioth_sendto(). */
ssize_t __wrap_ioth_sendmsg(int fd, const struct msghdr *message, int flags)
{
	(void)fd;
	(void)message;
	(void)flags;
	abort();
}

ssize_t __wrap_ioth_sendto(int fd, const void *at, size_t n, int flags, const SA *to, socklen_t l)
{
	(void)fd;
	(void)flags;
	(void)to;
	(void)l;
	CHECK(!s.tcp && n <= UDP_MAX && s.n_sent == 0);
	memcpy(s.sent, at, n);
	s.n_sent = n;
	return (ssize_t)n;
}

int __wrap_ioth_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)value;
	(void)len;
	return 0;
}

/* All descriptors are ready. */
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms)
{
	(void)timeout_ms;
	for (nfds_t i = 0; i < n; i++)
		p[i].revents = p[i].events;
	return (int)n;
}

/* ------------------------------------------------------------------ the program */

static struct iothdns_pkt *answer(struct iothdns_header *h, void *arg)
{
	struct iothdns_rr rr = { h->qname, IOTHDNS_TYPE_TXT, IOTHDNS_CLASS_IN, 60, 0 };

	CHECK(arg == &s && IOTHDNS_IS_QUERY(h->flags) && strlen(h->qname) < IOTHDNS_MAXNAME);
	s.calls++;
	s.id = h->id;
	h->flags = IOTHDNS_RESPONSE;
	struct iothdns_pkt *reply = iothdns_put_header(h);
	CHECK(reply != NULL); /* a name that was read can be written */
	for (unsigned i = 0; i < s.records; i++) {
		iothdns_put_rr(IOTHDNS_SEC_ANSWER, reply, &rr);
		iothdns_put_string(reply, (char[]){ "a text of some length" });
	}
	return reply;
}

static void by_udp(void)
{
	size_t n = s.n;
	int r = iothdns_udp_process_request(3, answer, &s);

	CHECK(r == (int)n && s.calls <= 1);
	CHECK((s.n_sent > 0) == (s.calls == 1));
	if (s.n_sent > 0)
		check_reply(s.sent, s.n_sent);
}

static void by_tcp(void)
{
	int r;

	do {
		int calls = s.calls;
		s.n_sent = 0;
		r = iothdns_tcp_process_request(3, answer, &s);
		CHECK((s.n_sent > 0) == (s.calls > calls));
		if (s.n_sent == 0)
			continue;
		CHECK(r > 0 && ((size_t)s.sent[0] << 8 | s.sent[1]) == s.n_sent - 2);
		check_reply(s.sent + 2, s.n_sent - 2);
	} while (r > 0);
	CHECK(s.n == 0 || r < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 65000)
		return 0;
	s.bytes = data + 2;
	s.n = size - 2;
	s.tcp = data[0] & 1;
	s.part = data[0] >> 1;
	s.records = data[1] * 4u;
	s.calls = s.replies = 0;
	s.n_sent = 0;
	if (s.tcp)
		by_tcp();
	else
		by_udp();
	CHECK(s.replies == s.calls);
	return 0;
}
