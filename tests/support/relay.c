/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include "relay.h"

#define RULES 16
#define HELD 64
#define FRAME_MAX 9300

enum fate { DROP, DOUBLE, HOLD };

/* All under the lock. The relay's thread adds to the log; the case sets rules and reads. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t grown; /* of the log */
	int wake;             /* tells the thread that there is another port */
	int n_ports;
	int fd[RELAY_PORTS];
	struct sockaddr_un peer[RELAY_PORTS];
	bool cut[RELAY_PORTS];
	struct rule {
		int message, port;
		bool unicast;
		enum fate fate;
		int first, last, seen;
	} rules[RULES];
	int n_rules;
	struct held {
		int port;
		size_t index; /* in the log */
		unsigned len;
		uint8_t *bytes;
	} held[HELD];
	int n_held;
	struct relay_frame log[RELAY_LOG];
	size_t n_log;
	FILE *capture;
} relay = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1 };

/* ------------------------------------------------------------------ what a frame is */

static unsigned get(const uint8_t *p, int bytes)
{
	unsigned n = 0;

	while (bytes-- > 0)
		n = n << 8 | *p++;
	return n;
}

/* The options in the options field only: no server puts the type of the message elsewhere. */
static int dhcp4_type(const uint8_t *p, size_t len)
{
	size_t at = 240;

	while (at + 2 < len && p[at] != 255) {
		if (p[at] == 53)
			return 0x400 | p[at + 2];
		at += p[at] == 0 ? 1 : 2 + (size_t)p[at + 1];
	}
	return RELAY_OTHER;
}

static void classify_ip4(struct relay_frame *f, const uint8_t *ip, size_t len)
{
	size_t header = (size_t)(ip[0] & 15) * 4;

	memcpy(f->to, ip + 16, 4);
	if (ip[9] != 17 || (get(ip + 6, 2) & 0x1fff) != 0 || len < header + 8 + 240)
		return;
	const uint8_t *udp = ip + header, *dhcp = udp + 8;
	unsigned from = get(udp, 2), to = get(udp + 2, 2);
	if ((from != 67 && from != 68) || (to != 67 && to != 68))
		return;
	f->message = dhcp4_type(dhcp, len - header - 8);
	f->xid = get(dhcp + 4, 4);
	memcpy(f->ciaddr, dhcp + 12, 4);
	memcpy(f->ip, dhcp + 16, 4);
}

static void classify_ip6(struct relay_frame *f, const uint8_t *ip, size_t len)
{
	const uint8_t *next = ip + 40;

	memcpy(f->to, ip + 24, 16);
	if (ip[6] == 58 && len > 40 && next[0] >= 133 && next[0] <= 136)
		f->message = 0x3a00 | next[0];
	if (ip[6] != 17 || len < 52 || (get(next, 2) != 546 && get(next, 2) != 547) ||
	    (get(next + 2, 2) != 546 && get(next + 2, 2) != 547))
		return;
	f->message = 0x600 | next[8];
	f->xid = get(next + 9, 3);
}

static struct relay_frame classify(const uint8_t *frame, size_t len, int port)
{
	struct relay_frame f = { .message = RELAY_OTHER, .port = port, .at_us = now_us() };
	unsigned type = len < 14 ? 0 : get(frame + 12, 2);
	const uint8_t *l3 = frame + 14;

	if (len >= 14)
		memcpy(f.dst, frame, 6);
	if (type == 0x0800 && len >= 34)
		classify_ip4(&f, l3, len - 14);
	if (type == 0x86dd && len >= 54)
		classify_ip6(&f, l3, len - 14);
	if (type == 0x0806 && len >= 42) {
		f.message = 0x800 | (int)get(l3 + 6, 2);
		memcpy(f.ciaddr, l3 + 14, 4);
		memcpy(f.ip, l3 + 24, 4);
	}
	return f;
}

static bool matches(const struct relay_frame *f, int message, int port)
{
	return (message == RELAY_ANY || f->message == message) && (port < 0 || f->port == port);
}

/* ------------------------------------------------------------------ forwarding */

static void forward_locked(int from, const uint8_t *frame, unsigned len)
{
	for (int i = 0; i < relay.n_ports; i++)
		if (i != from && !relay.cut[i]) /* a port that is not there yet gives an error */
			(void)sendto(relay.fd[i], frame, len, MSG_NOSIGNAL | MSG_DONTWAIT,
				     (struct sockaddr *)&relay.peer[i], sizeof(relay.peer[i]));
}

static void capture_locked(const uint8_t *frame, unsigned len)
{
	struct timespec now;

	if (relay.capture == NULL)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	uint32_t head[4] = { (uint32_t)now.tv_sec, (uint32_t)(now.tv_nsec / 1000), len, len };
	(void)fwrite(head, sizeof(head), 1, relay.capture);
	(void)fwrite(frame, len, 1, relay.capture);
	(void)fflush(relay.capture);
}

/* The first rule that applies; NULL: none. */
static struct rule *rule_of_locked(const struct relay_frame *f)
{
	for (int i = 0; i < relay.n_rules; i++) {
		struct rule *r = &relay.rules[i];
		if (!matches(f, r->message, r->port) || (r->unicast && (f->dst[0] & 1) != 0))
			continue;
		int n = r->seen++;
		if (n >= r->first && (r->last < 0 || n <= r->last))
			return r;
	}
	return NULL;
}

static void hold_locked(int port, size_t index, const uint8_t *frame, unsigned len)
{
	struct held *h = &relay.held[relay.n_held];

	CHECK(relay.n_held < HELD);
	*h = (struct held){ port, index, len, malloc(len) };
	CHECK(h->bytes != NULL);
	memcpy(h->bytes, frame, len);
	relay.n_held++;
}

static void receive_locked(int port, const uint8_t *frame, unsigned len)
{
	struct relay_frame f = classify(frame, len, port);
	struct rule *rule = rule_of_locked(&f);

	capture_locked(frame, len);
	f.passed = rule == NULL ? !relay.cut[port] : rule->fate == DOUBLE;
	if (f.message != RELAY_OTHER) {
		if (relay.n_log == RELAY_LOG)
			FAIL("the log of the relay is full");
		relay.log[relay.n_log++] = f;
		(void)pthread_cond_broadcast(&relay.grown);
	}
	if (rule != NULL && rule->fate == HOLD && f.message != RELAY_OTHER)
		hold_locked(port, relay.n_log - 1, frame, len);
	for (int i = 0; f.passed && i < (rule != NULL ? 2 : 1); i++)
		forward_locked(port, frame, len);
}

static void *relay_loop(void *arg)
{
	static uint8_t frame[FRAME_MAX];
	struct pollfd p[RELAY_PORTS + 1];
	uint64_t count;

	for (;;) {
		(void)pthread_mutex_lock(&relay.lock);
		int n = relay.n_ports;
		for (int i = 0; i < n; i++)
			p[i] = (struct pollfd){ .fd = relay.fd[i], .events = POLLIN };
		(void)pthread_mutex_unlock(&relay.lock);
		p[n] = (struct pollfd){ .fd = relay.wake, .events = POLLIN };
		if (poll(p, (nfds_t)n + 1, -1) < 0)
			continue;
		if (p[n].revents != 0)
			(void)!read(relay.wake, &count, sizeof(count));
		for (int i = 0; i < n; i++) {
			ssize_t len =
				p[i].revents != 0 ? recv(p[i].fd, frame, sizeof(frame), MSG_DONTWAIT) : -1;
			if (len <= 0)
				continue;
			(void)pthread_mutex_lock(&relay.lock);
			receive_locked(i, frame, (unsigned)len);
			(void)pthread_mutex_unlock(&relay.lock);
		}
	}
	return arg;
}

/* ------------------------------------------------------------------ calls of the case */

void relay_start(void)
{
	pthread_condattr_t attr;
	pthread_t t;

	CHECK_EQ(pthread_condattr_init(&attr), 0);
	CHECK_EQ(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
	CHECK_EQ(pthread_cond_init(&relay.grown, &attr), 0);
	relay.wake = (int)MUST(eventfd(0, EFD_CLOEXEC));
	CHECK_EQ(pthread_create(&t, NULL, relay_loop, NULL), 0);
	CHECK_EQ(pthread_detach(t), 0);
}

const char *relay_plug(int *port)
{
	static char ring[RELAY_PORTS][160];
	struct sockaddr_un at = { .sun_family = AF_UNIX }, peer = { .sun_family = AF_UNIX };
	uint64_t one = 1;
	char name[32];

	(void)pthread_mutex_lock(&relay.lock);
	int i = relay.n_ports;
	CHECK(i < RELAY_PORTS);
	(void)snprintf(name, sizeof(name), "relay%d", i);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", case_path(name));
	(void)snprintf(peer.sun_path, sizeof(peer.sun_path), "%.100s+", at.sun_path);
	relay.fd[i] = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(bind(relay.fd[i], (struct sockaddr *)&at, sizeof(at)));
	relay.peer[i] = peer;
	relay.n_ports++;
	(void)pthread_mutex_unlock(&relay.lock);
	MUST(write(relay.wake, &one, sizeof(one)));
	(void)snprintf(ring[i], sizeof(ring[i]), "vnl=ptp://%s", at.sun_path);
	if (port != NULL)
		*port = i;
	return ring[i];
}

static int count_locked(int message, int port)
{
	int n = 0;

	for (size_t i = 0; i < relay.n_log; i++)
		n += matches(&relay.log[i], message, port);
	return n;
}

int relay_count(int message, int port)
{
	(void)pthread_mutex_lock(&relay.lock);
	int n = count_locked(message, port);
	(void)pthread_mutex_unlock(&relay.lock);
	return n;
}

bool relay_wait(int message, int port, int n, int timeout_ms)
{
	struct timespec until;
	bool come;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_mutex_lock(&relay.lock);
	while (!(come = count_locked(message, port) >= n) &&
	       pthread_cond_timedwait(&relay.grown, &relay.lock, &until) == 0)
		;
	(void)pthread_mutex_unlock(&relay.lock);
	return come;
}

struct relay_frame relay_nth(int message, int port, int n)
{
	struct relay_frame found = { 0 };
	bool is_there = false;

	(void)pthread_mutex_lock(&relay.lock);
	for (size_t i = 0; i < relay.n_log && !is_there; i++)
		if (matches(&relay.log[i], message, port) && n-- == 0) {
			found = relay.log[i];
			is_there = true;
		}
	(void)pthread_mutex_unlock(&relay.lock);
	if (!is_there)
		FAIL("message 0x%x from port %d has not come", (unsigned)message, port);
	return found;
}

void relay_reset(void)
{
	(void)pthread_mutex_lock(&relay.lock);
	CHECK_EQ(relay.n_held, 0);
	relay.n_log = 0;
	for (int i = 0; i < relay.n_rules; i++)
		relay.rules[i].seen = 0;
	(void)pthread_mutex_unlock(&relay.lock);
}

static void add_rule(int message, int port, bool unicast, enum fate fate, int first, int last)
{
	(void)pthread_mutex_lock(&relay.lock);
	CHECK(relay.n_rules < RULES);
	relay.rules[relay.n_rules++] = (struct rule){ message, port, unicast, fate, first, last, 0 };
	(void)pthread_mutex_unlock(&relay.lock);
}

void relay_drop(int message, int port, int first, int last)
{
	add_rule(message, port, false, DROP, first, last);
}

void relay_drop_unicast(int message, int port)
{
	add_rule(message, port, true, DROP, 0, -1);
}

void relay_double(int message, int port)
{
	add_rule(message, port, false, DOUBLE, 0, -1);
}

void relay_hold(int message, int port)
{
	add_rule(message, port, false, HOLD, 0, -1);
}

void relay_release(void)
{
	(void)pthread_mutex_lock(&relay.lock);
	int kept = 0;
	for (int i = 0; i < relay.n_rules; i++)
		if (relay.rules[i].fate != HOLD)
			relay.rules[kept++] = relay.rules[i];
	relay.n_rules = kept;
	for (int i = 0; i < relay.n_held; i++) {
		struct held *h = &relay.held[i];
		relay.log[h->index].passed = true;
		forward_locked(h->port, h->bytes, h->len);
		free(h->bytes);
	}
	relay.n_held = 0;
	(void)pthread_mutex_unlock(&relay.lock);
}

void relay_obey(void)
{
	relay_release();
	(void)pthread_mutex_lock(&relay.lock);
	relay.n_rules = 0;
	(void)pthread_mutex_unlock(&relay.lock);
}

void relay_cut(int port, bool cut)
{
	(void)pthread_mutex_lock(&relay.lock);
	relay.cut[port] = cut;
	(void)pthread_mutex_unlock(&relay.lock);
}

void relay_inject(int port, const void *frame, unsigned len)
{
	(void)pthread_mutex_lock(&relay.lock);
	MUST(sendto(relay.fd[port], frame, len, MSG_NOSIGNAL, (struct sockaddr *)&relay.peer[port],
		    sizeof(relay.peer[port])));
	(void)pthread_mutex_unlock(&relay.lock);
}

void relay_capture(const char *path)
{
	static const uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, FRAME_MAX, 1 /* Ethernet */ };
	FILE *f = fopen(path, "we");

	CHECK(f != NULL);
	CHECK_EQ(fwrite(head, sizeof(head), 1, f), 1);
	CHECK_EQ(fflush(f), 0);
	(void)pthread_mutex_lock(&relay.lock);
	relay.capture = f;
	(void)pthread_mutex_unlock(&relay.lock);
}

/* ------------------------------------------------------------------ for people */

static const char *name_of_message(int message)
{
	static const struct {
		int message;
		const char *name;
	} names[] = {
		{ D4_DISCOVER, "DISCOVER" },
		{ D4_OFFER, "OFFER" },
		{ D4_REQUEST, "REQUEST" },
		{ D4_DECLINE, "DECLINE" },
		{ D4_ACK, "ACK" },
		{ D4_NAK, "NAK" },
		{ D4_RELEASE, "RELEASE" },
		{ D4_INFORM, "INFORM" },
		{ D6_SOLICIT, "v6 SOLICIT" },
		{ D6_ADVERTISE, "v6 ADVERTISE" },
		{ D6_REQUEST, "v6 REQUEST" },
		{ D6_CONFIRM, "v6 CONFIRM" },
		{ D6_RENEW, "v6 RENEW" },
		{ D6_REBIND, "v6 REBIND" },
		{ D6_REPLY, "v6 REPLY" },
		{ D6_RELEASE, "v6 RELEASE" },
		{ D6_DECLINE, "v6 DECLINE" },
		{ D6_INFORMATION, "v6 INFORMATION-REQUEST" },
		{ ND_RS, "RS" },
		{ ND_RA, "RA" },
		{ ND_NS, "NS" },
		{ ND_NA, "NA" },
		{ ARP_REQUEST, "ARP request" },
		{ ARP_REPLY, "ARP reply" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].message == message)
			return names[i].name;
	return "?";
}

void relay_print(void)
{
	(void)pthread_mutex_lock(&relay.lock);
	for (size_t i = 0; i < relay.n_log; i++) {
		const struct relay_frame *f = &relay.log[i];
		printf("relay: %7.3f s, port %d: %s, xid %08x, %u.%u.%u.%u%s\n",
		       (double)(f->at_us - relay.log[0].at_us) / 1e6, f->port, name_of_message(f->message),
		       f->xid, f->ip[0], f->ip[1], f->ip[2], f->ip[3], f->passed ? "" : ", not passed");
	}
	(void)pthread_mutex_unlock(&relay.lock);
}
