/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_NAMED_GROUND_H
#define VDESTACK_TESTS_NAMED_GROUND_H

/*
 * What the cases of iothnamed stand on, an Ethernet with three stacks:
 *
 *     iothnamed: 10.9.0.53, fd00::53 ----+---- client: 10.9.0.9, fd00::9
 *                                        |
 *                                        '---- up: 10.9.0.2, with name servers; no stack has 10.9.0.66
 *
 * It is local://lan, and for picox, which does not have that, a hub of VDE.
 */

#include <poll.h>
#include <sys/un.h>

#include "../system/stacks.h"
#include "../system/traffic.h"
#include "name_server.h"

#include <vdestack/conf.h>

/* Lines that most cases have. */
#define NAMED_NETS "net all ::/0\nnet local 10.9.0.0/24 fd00::/64\nauth accept all\n"
#define NAMED_FORWARDS "dns 10.9.0.2\nauth cache all .\nauth fwd all .\n"

/* NAMED_OWN: the text has the lines of stacks. */
enum named_kind { NAMED_VDESTACK, NAMED_PICOX, NAMED_KERNEL, NAMED_OWN };

static struct vdestack *client, *up;
static char lan[256]; /* the locator of the Ethernet */
static struct tool hub, named;
static struct vdestack *named_host; /* with NAMED_KERNEL */

__attribute__((unused)) static void named_config(const char *text)
{
	FILE *f = fopen(case_path("named.conf"), "we");

	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* The lines stack, in front of a configuration. */
__attribute__((unused)) static const char *named_text(enum named_kind kind, const char *text)
{
	static char whole[1 << 20];

	if (kind == NAMED_KERNEL || kind == NAMED_OWN)
		(void)snprintf(whole, sizeof(whole), "%s", text);
	else
		(void)snprintf(whole, sizeof(whole),
			       "stack stack=%s,vnl=%s\nstack eth ip=10.9.0.53/24 ip=fd00::53/64\n%s",
			       kind == NAMED_PICOX ? "picox" : "vdestack", lan, text);
	return whole;
}

/* Whether the service manager hears READY=1 in time. */
static bool named_is_ready(int notify)
{
	char text[256] = "";

	return wait_readable(notify, SOON_MS) && recv(notify, text, sizeof(text) - 1, 0) > 0 &&
	       strncmp(text, "READY=1", 7) == 0;
}

/* Takes a descriptor of a process. */
static pid_t named_pid_of(int pidfd)
{
	char path[64], *at;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	at = strstr(text_of(path), "Pid:");
	CHECK(at != NULL);
	close(pidfd);
	return (pid_t)strtol(at + 4, NULL, 10);
}

__attribute__((unused)) static void named_start(enum named_kind kind, const char *text)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int notify = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	char path[256];

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", case_path("notify"));
	(void)unlink(at.sun_path);
	MUST(bind(notify, (struct sockaddr *)&at, sizeof(at)));
	MUST(setenv("NOTIFY_SOCKET", at.sun_path, 1));
	named_config(named_text(kind, text));
	(void)snprintf(path, sizeof(path), "%s", case_path("named.conf"));
	if (kind == NAMED_KERNEL) {
		char *argv[] = { (char[]){ NAMED_FILE }, path, NULL };
		named_host = new_stack("vnl=%s nodad ip=10.9.0.53/24 ip=fd00::53/64", lan);
		named.pid = named_pid_of((int)MUST(vdestack_spawn(named_host, argv, NULL, NULL)));
	} else {
		tool_start(&named, WORDS(NAMED_FILE, path));
	}
	if (!named_is_ready(notify))
		FAIL("iothnamed is not ready: %s", kind != NAMED_KERNEL ? tool_output(&named) : "");
	close(notify);
	MUST(unsetenv("NOTIFY_SOCKET"));
}

/* The Ethernet, and all of it but iothnamed. */
__attribute__((unused)) static void named_network(enum named_kind kind)
{
	char locator[256];

	(void)snprintf(lan, sizeof(lan), "local://lan");
	if (kind == NAMED_PICOX) {
		(void)snprintf(locator, sizeof(locator), "hub://%s", case_path("hub"));
		(void)snprintf(lan, sizeof(lan), "vde://%s", case_path("hub"));
		node_start(&hub, locator);
	}
	client = new_stack("vnl=%s nodad ip=10.9.0.9/24 ip=fd00::9/64", lan);
	up = new_stack("vnl=%s nodad ip=10.9.0.2/24 ip=fd00::2/64", lan);
}

__attribute__((unused)) static void named_begin(enum named_kind kind, const char *text)
{
	named_network(kind);
	named_start(kind, text);
}

/* It ends with status 0. */
__attribute__((unused)) static void named_stop(void)
{
	MUST(kill(named.pid, SIGTERM));
	int status = tool_wait(&named, SOON_MS);
	if (status != 0)
		FAIL("iothnamed ended with 0x%x: %s", (unsigned)status, tool_output(&named));
}

__attribute__((unused)) static void named_end(void)
{
	if (named_host == NULL)
		named_stop();
	else
		MUST(vdestack_delete(named_host));
	MUST(vdestack_delete(client));
	MUST(vdestack_delete(up));
	if (hub.pid > 0)
		tool_end(&hub, SIGKILL);
}

/* ------------------------------------------------------------------ questions */

struct named_answer {
	unsigned rcode, flags, records, authorities;
	size_t n;
	uint8_t bytes[65536];
	uint8_t addr[16]; /* the data of the last answer, if it is an address */
	uint32_t ttl;     /* of the last answer */
};

__attribute__((unused)) static int named_socket(int type)
{
	struct sockaddr_in a = address("10.9.0.53", 53);
	int fd = socket_in(client, AF_INET, type);

	MUST(connect(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static size_t named_skip_name(const struct named_answer *a, size_t at)
{
	while (at < a->n && a->bytes[at] != 0 && a->bytes[at] < 0xc0)
		at += 1u + a->bytes[at];
	return at + (at < a->n && a->bytes[at] != 0 ? 2 : 1);
}

static unsigned named_16(const struct named_answer *a, size_t at)
{
	CHECK(at + 2 <= a->n);
	return (unsigned)a->bytes[at] << 8 | a->bytes[at + 1];
}

/* Reads what has come. */
static void named_take(struct named_answer *a)
{
	a->flags = named_16(a, 2);
	a->rcode = a->flags & 15;
	a->records = named_16(a, 6);
	a->authorities = named_16(a, 8);
	size_t at = 12;
	if (named_16(a, 4) > 0)
		at = named_skip_name(a, at) + 4;
	for (unsigned i = 0; i < a->records; i++) {
		at = named_skip_name(a, at);
		a->ttl = named_16(a, at + 4) << 16 | named_16(a, at + 6);
		unsigned n = named_16(a, at + 8);
		if (n == 4 || n == 16)
			memcpy(a->addr, a->bytes + at + 10, n);
		at += 10 + n;
	}
	CHECK(at <= a->n);
}

/* One answer from a socket of UDP, or by TCP with its length. False: none in that time. */
__attribute__((unused)) static bool named_receive(int fd, bool tcp, struct named_answer *a, int timeout_ms)
{
	uint8_t head[2];

	if (!wait_readable(fd, timeout_ms))
		return false;
	if (tcp) {
		if (!name_server_read(fd, head, 2))
			return false;
		a->n = (size_t)head[0] << 8 | head[1];
		CHECK(name_server_read(fd, a->bytes, a->n));
	} else {
		ssize_t n = recv(fd, a->bytes, sizeof(a->bytes), 0);
		if (n < 0)
			return false;
		a->n = (size_t)n;
	}
	named_take(a);
	return true;
}

__attribute__((unused)) static void named_send_tcp(int fd, const struct dns_message *m)
{
	uint8_t bytes[4096] = { (uint8_t)(m->n >> 8), (uint8_t)m->n };

	CHECK(m->n <= sizeof(bytes) - 2);
	memcpy(bytes + 2, m->bytes, m->n);
	CHECK_EQ(send(fd, bytes, m->n + 2, MSG_NOSIGNAL), m->n + 2);
}

/* A question by UDP, or by TCP on a connection of its own, with the bit RD. The answer has its identifier. */
__attribute__((unused)) static struct named_answer *named_ask(const char *name, unsigned type, bool tcp)
{
	static struct named_answer a;
	static struct dns_message m;
	static unsigned id;
	int fd = named_socket(tcp ? SOCK_STREAM : SOCK_DGRAM);

	dns_begin(&m, ++id, 0x0100, name, type);
	if (tcp)
		named_send_tcp(fd, &m);
	else
		CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
	if (!named_receive(fd, tcp, &a, SOON_MS))
		FAIL("no answer for %s; iothnamed said: %s", name,
		     named_host == NULL ? tool_output(&named) : "");
	CHECK_EQ(named_16(&a, 0), id);
	CHECK(a.flags & 0x8000);
	close(fd);
	return &a;
}

/* dig of the client: its output, in a static buffer. */
__attribute__((unused)) static const char *named_dig(const char *words)
{
	char line[1000];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };

	(void)snprintf(line, sizeof(line), "dig +tries=2 +time=5 +noall +answer +nottlid %s >%s 2>&1", words,
		       case_path("dig"));
	int status = (int)MUST(vdestack_run(client, argv, NULL));
	if (status != 0)
		FAIL("dig %s: 0x%x: %s", words, (unsigned)status, text_of(case_path("dig")));
	return text_of(case_path("dig"));
}

#endif
