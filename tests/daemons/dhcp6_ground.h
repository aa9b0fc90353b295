/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_DHCP6_GROUND_H
#define VDESTACK_TESTS_DHCP6_GROUND_H

/*
 * What the cases of namedhcp stand on: the Ethernet of named_ground.h, with iothnamed, and a fourth stack,
 * fd00::547, in which namedhcp serves. The cases write messages byte by byte, in the stack `client`.
 */

#include <net/if.h>
#include <sys/ioctl.h>

#include "named_ground.h"

#define RECORDS                                                                                              \
	NAMED_NETS                                                                                           \
	"auth hash all .hash.test fd00::\nauth static all .static.test\n"                                    \
	"static AAAA one.static.test fd00::101\nstatic AAAA two.static.test fd00::201\n"                     \
	"static AAAA two.static.test fd00::202\nstatic A four.static.test 10.9.0.44\n"                       \
	"static AAAA ns.static.test fd00::5302\n"                                                            \
	"static TXT one.static.test \"mask=255.255.255.0,dns='fd00::5301,ns.static.test,10.0.0.1',\" "       \
	"\"domname=lab.test,ntp=fd00::7b\"\n"                                                                \
	"dns 10.9.0.2\nauth fwd all .slow.test\n"

#define STACK "stack=vdestack vnl=local://lan eth mac=02:00:00:00:05:47 ip=fd00::547/64"

enum {
	SOLICIT = 1,
	ADVERTISE,
	REQUEST,
	CONFIRM,
	RENEW,
	REBIND,
	REPLY,
	RELEASE,
	DECLINE,
	INFORM = 11,
	FORW,
	REPL
};
enum {
	CLIENT_ID = 1,
	SERVER_ID,
	IA_NA,
	IA_TA,
	IAADDR,
	ORO,
	RELAY_MSG = 9,
	STATUS = 13,
	RAPID,
	INTERFACE_ID = 18,
	DNS = 23,
	SEARCH,
	IA_PD,
	SNTP = 31,
	REMOTE_ID = 37,
	FQDN = 39,
	NTP = 56
};

static struct tool dhcp;
static const char *nameserver = "fd00::53"; /* --nameserver; NULL: without it */

/* before: a command that executes it, or NULL. more: options, or NULL. */
__attribute__((unused)) static void dhcp_start_by(const char *const *before, const char *stack,
						  const char *const *more, bool verbose)
{
	const char *own[] = { NAMEDHCP_FILE, "--stack", stack, "--duidfile", case_path("duid") };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int notify = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), n = 0;
	const char *words[40] = { NULL };

	for (; before != NULL && *before != NULL; before++)
		words[n++] = *before;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		words[n++] = own[i];
	if (nameserver != NULL) {
		words[n++] = "--nameserver";
		words[n++] = nameserver;
	}
	if (verbose)
		words[n++] = "--verbose";
	for (; more != NULL && *more != NULL; more++)
		words[n++] = *more;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", case_path("notify6"));
	(void)unlink(at.sun_path);
	MUST(bind(notify, (struct sockaddr *)&at, sizeof(at)));
	MUST(setenv("NOTIFY_SOCKET", at.sun_path, 1));
	tool_start(&dhcp, words);
	if (!named_is_ready(notify))
		FAIL("namedhcp is not ready: %s", tool_output(&dhcp));
	close(notify);
	MUST(unsetenv("NOTIFY_SOCKET"));
}

__attribute__((unused)) static void dhcp_start(const char *const *more)
{
	dhcp_start_by(NULL, STACK, more, true);
}

__attribute__((unused)) static void dhcp_begin(const char *const *more)
{
	named_begin(NAMED_VDESTACK, RECORDS);
	dhcp_start(more);
}

__attribute__((unused)) static void dhcp_end(void)
{
	MUST(kill(dhcp.pid, SIGTERM));
	int status = tool_wait(&dhcp, SOON_MS);
	if (status != 0)
		FAIL("namedhcp ended with 0x%x: %s", (unsigned)status, tool_output(&dhcp));
	named_end();
}

/* ------------------------------------------------------------------ messages */

struct message {
	uint8_t bytes[65536];
	size_t n;
};

static void put(struct message *m, const void *bytes, size_t n)
{
	CHECK(m->n + n <= sizeof(m->bytes));
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

static void put16(struct message *m, unsigned v)
{
	put(m, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void put32(struct message *m, unsigned v)
{
	put16(m, v >> 16);
	put16(m, v & 0xffff);
}

static void option(struct message *m, unsigned code, const void *bytes, size_t n)
{
	put16(m, code);
	put16(m, (unsigned)n);
	put(m, bytes, n);
}

/* A name as messages have it, behind the flags. */
__attribute__((unused)) static void fqdn(struct message *m, unsigned flags, const char *name)
{
	uint8_t bytes[300] = { (uint8_t)flags };
	size_t n = 1;

	while (*name != '\0') {
		size_t label = strcspn(name, ".");
		bytes[n++] = (uint8_t)label;
		memcpy(bytes + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	option(m, FQDN, bytes, n + 1);
}

/* An IA with an address, or without (NULL). */
__attribute__((unused)) static void ia(struct message *m, unsigned code, unsigned iaid, const char *addr)
{
	uint8_t ip[16];

	put16(m, code);
	put16(m, (code == IA_TA ? 4u : 12u) + (addr != NULL ? 28u : 0u));
	put32(m, iaid);
	for (int i = 0; code != IA_TA && i < 2; i++)
		put32(m, 0);
	if (addr == NULL)
		return;
	CHECK_EQ(inet_pton(AF_INET6, addr, ip), 1);
	put16(m, IAADDR);
	put16(m, 24);
	put(m, ip, 16);
	put32(m, 300);
	put32(m, 300);
}

__attribute__((unused)) static void oro(struct message *m, const unsigned *codes, size_t n)
{
	put16(m, ORO);
	put16(m, (unsigned)(2 * n));
	for (size_t i = 0; i < n; i++)
		put16(m, codes[i]);
}

#define WANTS(m, ...)                                                                                        \
	oro(m, (const unsigned[]){ __VA_ARGS__ }, sizeof((unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned))

static const uint8_t client_duid[] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 9 };
static unsigned last_xid;

/* A message with a transaction of its own, and the client's identifier. */
__attribute__((unused)) static struct message *message(unsigned type)
{
	static struct message m;

	m.n = 0;
	put32(&m, type << 24 | ++last_xid);
	option(&m, CLIENT_ID, client_duid, sizeof(client_duid));
	return &m;
}

/* ------------------------------------------------------------------ answers */

struct answer {
	struct message m;
	struct sockaddr_in6 from;
};

/* The nth option with that code among n bytes. Its data, or NULL. */
static const uint8_t *find_in(const uint8_t *bytes, size_t n, unsigned code, int nth, size_t *len)
{
	while (n >= 4) {
		size_t l = (size_t)bytes[2] << 8 | bytes[3];
		CHECK(l <= n - 4);
		if (((unsigned)bytes[0] << 8 | bytes[1]) == code && nth-- == 0) {
			*len = l;
			return bytes + 4;
		}
		bytes += 4 + l;
		n -= 4 + l;
	}
	CHECK_EQ(n, 0);
	return NULL;
}

__attribute__((unused)) static const uint8_t *find(const struct answer *a, unsigned code, int nth,
						   size_t *len)
{
	return find_in(a->m.bytes + 4, a->m.n - 4, code, nth, len);
}

__attribute__((unused)) static bool has(const struct answer *a, unsigned code)
{
	size_t len;

	return find(a, code, 0, &len) != NULL;
}

/* The first address of the nth IA of the kind, as text, with its valid lifetime; or "status N"; or "". */
__attribute__((unused)) static const char *given(const struct answer *a, unsigned code, int nth)
{
	static char text[4][100];
	static unsigned turn;
	char addr[INET6_ADDRSTRLEN], *out = text[turn++ % 4];
	size_t len, inner, at = code == IA_TA ? 4 : 12;
	const uint8_t *o = find(a, code, nth, &len), *p;

	out[0] = '\0';
	if (o == NULL)
		return out;
	CHECK(len >= at);
	if ((p = find_in(o + at, len - at, IAADDR, 0, &inner)) != NULL && inner >= 24)
		(void)snprintf(out, sizeof(text[0]), "%s %u", inet_ntop(AF_INET6, p, addr, sizeof(addr)),
			       (unsigned)p[20] << 24 | (unsigned)p[21] << 16 | (unsigned)p[22] << 8 | p[23]);
	else if ((p = find_in(o + at, len - at, STATUS, 0, &inner)) != NULL && inner >= 2)
		(void)snprintf(out, sizeof(text[0]), "status %u", (unsigned)p[0] << 8 | p[1]);
	return out;
}

/* The status of the message; -1: none. */
__attribute__((unused)) static int status_of(const struct answer *a)
{
	size_t len;
	const uint8_t *o = find(a, STATUS, 0, &len);

	return o == NULL ? -1 : o[0] << 8 | o[1];
}

/* ------------------------------------------------------------------ the network */

__attribute__((unused)) static int dhcp_socket(struct vdestack *stack, int port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket_in(stack, AF_INET6, SOCK_DGRAM);

	MUST(bind(fd, (struct sockaddr *)&any, sizeof(any)));
	return fd;
}

/* To an address; NULL: to all servers of the link. */
__attribute__((unused)) static void dhcp_send(int fd, const struct message *m, const char *to)
{
	struct ifreq request = { .ifr_name = "vde0" };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(547) };

	MUST(ioctl(fd, SIOCGIFINDEX, &request));
	a.sin6_scope_id = (uint32_t)request.ifr_ifindex;
	CHECK_EQ(inet_pton(AF_INET6, to == NULL ? "ff02::1:2" : to, &a.sin6_addr), 1);
	CHECK_EQ(sendto(fd, m->bytes, m->n, 0, (struct sockaddr *)&a, sizeof(a)), m->n);
}

/* False: nothing has come in that time. */
__attribute__((unused)) static bool dhcp_receive(int fd, struct answer *a, int timeout_ms)
{
	socklen_t len = sizeof(a->from);

	if (!wait_readable(fd, timeout_ms))
		return false;
	a->m.n = (size_t)MUST(
		recvfrom(fd, a->m.bytes, sizeof(a->m.bytes), 0, (struct sockaddr *)&a->from, &len));
	CHECK(a->m.n >= 4);
	return true;
}

/* Waits for the answer to this message, and skips those to others. */
static bool dhcp_receive_to(int fd, const struct message *m, struct answer *a, int timeout_ms)
{
	while (dhcp_receive(fd, a, timeout_ms))
		if (memcmp(a->m.bytes + 1, m->bytes + 1, 3) == 0)
			return true;
	return false;
}

/*
 * The answer to a message, which is sent again like a client does it; identifiers are right. to: see
 * dhcp_send().
 */
__attribute__((unused)) static struct answer *ask_to(const struct message *m, unsigned type, const char *to)
{
	static struct answer a;
	int fd = dhcp_socket(client, 546), tries = 0;
	size_t len;

	do {
		if (tries++ == SOON_MS / 1000)
			FAIL("no answer; namedhcp said: %s", tool_output(&dhcp));
		dhcp_send(fd, m, to);
	} while (!dhcp_receive_to(fd, m, &a, 1000));
	close(fd);
	CHECK_EQ(a.m.bytes[0], type);
	const uint8_t *id = find(&a, CLIENT_ID, 0, &len);
	CHECK(id != NULL && len == sizeof(client_duid) && memcmp(id, client_duid, len) == 0);
	CHECK(has(&a, SERVER_ID));
	return &a;
}

__attribute__((unused)) static struct answer *ask(const struct message *m, unsigned type)
{
	return ask_to(m, type, NULL);
}

static bool has_said(void *text)
{
	return strstr(tool_output(&dhcp), text) != NULL;
}

__attribute__((unused)) static void dhcp_says(const char *text)
{
	if (!wait_until(has_said, (void *)(uintptr_t)text, SOON_MS))
		FAIL("namedhcp did not say \"%s\", but: %s", text, tool_output(&dhcp));
}

/* No answer to this message, for which namedhcp says why: one that is sent behind it is answered first. */
__attribute__((unused)) static void no_answer(const struct message *m, const char *why)
{
	static struct answer a;
	int fd = dhcp_socket(client, 546);

	dhcp_send(fd, m, NULL);
	dhcp_says(why);
	struct message *next = message(INFORM);
	dhcp_send(fd, next, NULL);
	CHECK(dhcp_receive(fd, &a, SOON_MS));
	CHECK_EQ(a.m.bytes[0], REPLY);
	CHECK(memcmp(a.m.bytes + 1, next->bytes + 1, 3) == 0);
	close(fd);
}

/* The identifier of the server, from an answer. */
__attribute__((unused)) static struct message server_id(void)
{
	struct answer *a = ask(message(INFORM), REPLY);
	struct message id = { .n = 0 };
	size_t len;
	const uint8_t *o = find(a, SERVER_ID, 0, &len);

	put(&id, o, len);
	return id;
}

#endif
