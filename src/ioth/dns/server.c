/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One request: it is received, answered by the program's function, and the answer is sent. What a client
 * sends costs at most one buffer of 64 KiB, and by TCP ten seconds.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datagram.h"
#include "packet.h"

#define REQUEST_MAX 65536
#define TCP_LIMIT_MS 10000
#define OPT_SIZE 11 /* of an OPT record without options */

/*
 * What our OPT records say: 1232 bytes pass usual networks without fragments. What a client says is its wish.
 * It is granted up to 4096 bytes, the size that RFC 6891 section 6.2.5 recommends. Larger datagrams serve
 * those who send requests with the addresses of others, and many networks lose them.
 */
#define UDP_SIZE 1232
#define UDP_SIZE_MAX 4096
#define TCP_SIZE_MAX 65535

/* The function of the program. */
struct answerer {
	parse_request_t *function;
	void *arg;
};

struct exchange {
	int fd;
	bool udp;
	int64_t until_ms;            /* by TCP */
	struct vs_datagram datagram; /* by UDP */
	uint8_t *bytes;              /* the request */
};

struct question {
	struct iothdns_header header;
	char name[IOTHDNS_MAXNAME];
	bool edns;
	size_t answer_max;
};

/* ------------------------------------------------------------------ request and answer */

static void take_client_size(struct question *q, bool udp, size_t size)
{
	q->edns = true;
	if (!udp || size <= q->answer_max)
		return;
	q->answer_max = size < UDP_SIZE_MAX ? size : UDP_SIZE_MAX;
}

/* False: it is to be dropped. */
static bool understand(struct question *q, uint8_t *bytes, size_t n, bool udp)
{
	char owner[IOTHDNS_MAXNAME];
	struct iothdns_rr rr;
	int section;

	struct iothdns_pkt *request = iothdns_get_header(&q->header, bytes, n, q->name);
	if (request == NULL)
		return false;
	q->edns = false;
	q->answer_max = udp ? IOTHDNS_UDP_MAXBUF : TCP_SIZE_MAX;
	do {
		section = iothdns_get_rr(request, &rr, owner);
		if (section == IOTHDNS_SEC_ADDITIONAL && rr.type == IOTHDNS_TYPE_OPT)
			take_client_size(q, udp, rr.class);
	} while (section != 0);
	bool whole = request->error == 0;
	iothdns_free(request);
	return whole && IOTHDNS_IS_QUERY(q->header.flags);
}

/* Adds the OPT record that a client with EDNS expects, RFC 6891 section 6.1.1. */
static size_t add_opt(uint8_t *message, size_t n)
{
	const uint8_t opt[OPT_SIZE] = { 0, 0, IOTHDNS_TYPE_OPT, UDP_SIZE >> 8, UDP_SIZE & 0xff };

	memcpy(message + n, opt, OPT_SIZE);
	vs_iothdns_set16(message + 10, vs_iothdns_get16(message + 10) + 1u);
	return n + OPT_SIZE;
}

/* Leaves header and question, with the bit TC: the client asks again by TCP. */
static size_t truncate_answer(uint8_t *message, size_t question_end)
{
	message[2] |= IOTHDNS_TRUNC >> 8;
	memset(message + 6, 0, 6);
	return question_end;
}

/* The bytes that are sent, behind `prefix` bytes for their length. The caller frees them. */
static uint8_t *bytes_of_answer(struct iothdns_pkt *answer, const struct question *q, size_t prefix,
				size_t *size)
{
	struct iovec whole = iothdns_getbuf(answer);
	size_t n = whole.iov_len;
	/* A message that the program has received itself has the OPT that it has. */
	bool opt = q->edns && answer->out != NULL && !answer->has_opt;

	if (whole.iov_base == NULL)
		return NULL;
	uint8_t *bytes = malloc(prefix + n + OPT_SIZE);
	if (bytes == NULL)
		return NULL;
	uint8_t *message = memcpy(bytes + prefix, whole.iov_base, n);
	if (n + (opt ? OPT_SIZE : 0) > q->answer_max) {
		n = truncate_answer(message, answer->question_end);
		opt = q->edns;
	}
	if (opt)
		n = add_opt(message, n);
	if (prefix > 0)
		vs_iothdns_set16(bytes, (unsigned)n);
	*size = prefix + n;
	return bytes;
}

/* The answer of the program to a request of n bytes. NULL with errno 0: none is to be sent. */
static uint8_t *answer_request(const struct exchange *e, const struct answerer *answerer, size_t n,
			       size_t *size)
{
	struct iothdns_pkt *answer = NULL;
	struct question q;

	if (understand(&q, e->bytes, n, e->udp))
		answer = answerer->function(&q.header, answerer->arg);
	errno = 0;
	if (answer == NULL)
		return NULL;
	uint8_t *out = bytes_of_answer(answer, &q, e->udp ? 0 : 2, size);
	int err = errno;
	iothdns_free(answer);
	errno = err;
	return out;
}

/* ------------------------------------------------------------------ TCP */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the descriptor is ready. False with errno: ETIMEDOUT and others. */
static bool wait_for(int fd, short events, int64_t until_ms)
{
	if (fd < 0) { /* poll() would wait */
		errno = EBADF;
		return false;
	}
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t left = until_ms - now_ms();
		int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (ready > 0)
			return true;
		if (ready == 0) {
			errno = ETIMEDOUT;
			return false;
		}
		if (errno != EINTR)
			return false;
	}
}

/* Receives n bytes. Returns how many came before the end of the connection, or -1. */
static ssize_t receive_all(int fd, uint8_t *to, size_t n, int64_t until_ms)
{
	size_t got = 0;

	while (got < n) {
		if (!wait_for(fd, POLLIN, until_ms))
			return -1;
		ssize_t r = ioth_recv(fd, to + got, n - got, MSG_DONTWAIT);
		if (r == 0)
			break;
		if (r < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		got += r > 0 ? (size_t)r : 0;
	}
	return (ssize_t)got;
}

static int send_all(int fd, const uint8_t *bytes, size_t n, int64_t until_ms)
{
	while (n > 0) {
		if (!wait_for(fd, POLLOUT, until_ms))
			return -1;
		ssize_t r = ioth_send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (r < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		bytes += r > 0 ? r : 0;
		n -= r > 0 ? (size_t)r : 0;
	}
	return 0;
}

/* The size of the request; 0: the connection has ended; -1. */
static ssize_t receive_request(int fd, uint8_t *bytes, int64_t until_ms)
{
	uint8_t prefix[2];
	ssize_t n = receive_all(fd, prefix, 2, until_ms);

	if (n <= 0)
		return n;
	size_t size = vs_iothdns_get16(prefix);
	if (n == 2)
		n = receive_all(fd, bytes, size, until_ms);
	if (n < 0)
		return -1;
	if (size == 0 || (size_t)n < size) { /* it ends inside a request */
		errno = EBADMSG;
		return -1;
	}
	return n;
}

/* ------------------------------------------------------------------ both */

/* Makes the answer to a request, and sends it. Returns 0, or -1 with errno. */
static int serve(struct exchange *e, const struct answerer *answerer, size_t n)
{
	size_t size = 0;
	uint8_t *out = answer_request(e, answerer, n, &size);
	int err = out == NULL ? errno : 0;

	if (out != NULL && (e->udp ? vs_datagram_reply(e->fd, out, size, &e->datagram)
				   : send_all(e->fd, out, size, e->until_ms)) < 0)
		err = errno;
	free(out);
	if (err == 0)
		return 0;
	errno = err;
	return -1;
}

static int process(int fd, bool udp, const struct answerer *answerer)
{
	struct exchange e = { .fd = fd, .udp = udp, .until_ms = now_ms() + TCP_LIMIT_MS };

	if (answerer->function == NULL) {
		errno = EINVAL;
		return -1;
	}
	e.bytes = malloc(REQUEST_MAX);
	if (e.bytes == NULL)
		return -1;
	ssize_t n = udp ? vs_datagram_receive(fd, e.bytes, REQUEST_MAX, &e.datagram)
			: receive_request(fd, e.bytes, e.until_ms);
	int result = n > 0 && serve(&e, answerer, (size_t)n) < 0 ? -1 : (int)n;
	int err = errno;
	free(e.bytes);
	errno = err;
	return result;
}

int iothdns_udp_process_request(int fd, parse_request_t *parse_request, void *arg)
{
	return process(fd, true, &(struct answerer){ parse_request, arg });
}

int iothdns_tcp_process_request(int fd, parse_request_t *parse_request, void *arg)
{
	return process(fd, false, &(struct answerer){ parse_request, arg });
}
