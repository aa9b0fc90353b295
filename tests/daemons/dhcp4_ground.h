/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_DHCP4_GROUND_H
#define VDESTACK_TESTS_DHCP4_GROUND_H

/*
 * What the cases of namedhcp4 stand on, an Ethernet with three stacks:
 *
 *     namedhcp4: 10.9.0.1/24 ----+---- client: no address, and a packet socket of the case
 *                                |
 *                                '---- up: 10.9.0.2, the name server of the case
 *
 * The Ethernet is local://lan, and for picox and -s NETWORK a hub of VDE.
 */

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/un.h>

#include "../system/stacks.h"
#include "../system/traffic.h"
#include "name_server.h"
#include "proto/be.h"
#include "proto/dhcp4_options.h"
#include "proto/udp4.h"

#define SERVER_ID 0x0a090001u
#define SERVER_MAC "02:00:00:00:00:67"
#define CLIENT_MAC "02:00:00:00:00:68"

enum dhcp_kind { DHCP_VDESTACK, DHCP_PICOX, DHCP_KERNEL, DHCP_NETWORK };

static struct vdestack *client, *up;
static char lan[256]; /* the locator of the Ethernet */
static struct tool hub, daemon4;
static struct vdestack *server_host; /* with DHCP_KERNEL */
static int server_status = -1;
static bool server_ended;
static struct name_server names;
static const char *dhcp_names = "10.9.0.2"; /* the name server */
static int wire = -1;                       /* the client's packet socket */

/* ------------------------------------------------------------------ names */

struct zone_line {
	const char *name;
	uint32_t addrs[4];
	const char *txt[4];
};

/*
 * Names that begin with "dead" get no answer. Those that begin with "slow" get one when they are asked for
 * the second time: a second later, when the resolver repeats itself.
 */
static struct zone_line zone[64] = {
	{ "ready.test", { 0x0a0900f0 }, { NULL } },
	{ "one.test", { 0x0a090032 }, { "mask=255.255.255.0,router=10.9.0.1,dns='10.9.0.2,10.9.0.3'" } },
	{ "bare.test", { 0x0a090033 }, { NULL } },
	{ "two.test", { 0x0b000001, 0x0a090035, 0x0a090034 }, { NULL } },
	{ "short.test", { 0x0a090036 }, { "lease=60", "mask=24" } },
	{ "gw.test", { 0x0a0900fe }, { NULL } },
	{ "loop.test", { 0x7f000001 }, { NULL } },
	{ "text.test", { 0 }, { "mask=24" } },
	{ "empty.test", { 0 }, { NULL } },
};
static atomic_int zone_generation;

__attribute__((unused)) static void zone_set(size_t i, struct zone_line line)
{
	zone[i] = line;
	atomic_fetch_add(&zone_generation, 1); /* before the name server reads it */
}

static const struct zone_line *zone_find(const char *name)
{
	(void)atomic_load(&zone_generation);
	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++)
		if (zone[i].name != NULL && strcmp(zone[i].name, name) == 0)
			return &zone[i];
	return NULL;
}

static void zone_txt(struct dns_message *m, const struct zone_line *line)
{
	uint8_t data[1100];
	size_t n = 0;

	for (size_t i = 0; i < 4 && line->txt[i] != NULL; i++) {
		size_t len = strlen(line->txt[i]);
		data[n++] = (uint8_t)len;
		memcpy(data + n, line->txt[i], len);
		n += len;
	}
	if (strcmp(line->name, "evil.test") == 0)
		data[0] = 255; /* the string is longer than the record */
	if (n > 0)
		dns_record(m, 1, line->name, 16, 1, data, n);
}

/* Of this type. Only the thread of the name server calls it. */
static bool zone_was_asked(const struct question *q)
{
	static struct question asked[16];
	static size_t n;

	for (size_t i = 0; i < n; i++)
		if (asked[i].type == q->type && strcmp(asked[i].name, q->name) == 0)
			return true;
	if (n < 16)
		asked[n++] = *q;
	return false;
}

static bool zone_answer(const struct question *q, struct dns_message *m)
{
	const struct zone_line *line = zone_find(q->name);

	if (strncmp(q->name, "dead", 4) == 0)
		return false;
	if (strncmp(q->name, "slow", 4) == 0 && !zone_was_asked(q))
		return false;
	dns_begin(m, q->id, line != NULL ? 0x8180 : 0x8183, q->name, q->type);
	for (size_t i = 0; line != NULL && q->type == 1 && i < 4 && line->addrs[i] != 0; i++)
		dns_a(m, line->name, 1, line->addrs[i]);
	if (line != NULL && q->type == 16)
		zone_txt(m, line);
	return true;
}

/* ------------------------------------------------------------------ the server */

/* A text that begins with a comment is the whole file. */
static void dhcp_config(enum dhcp_kind kind, const char *text)
{
	FILE *f = fopen(case_path("dhcp4.conf"), "we");

	CHECK(f != NULL);
	if (kind == DHCP_VDESTACK || kind == DHCP_PICOX)
		(void)fprintf(f, "stack 'stack=%s vnl=%s mac=%s eth ip=10.9.0.1/24'\n",
			      kind == DHCP_PICOX ? "picox" : "vdestack", lan, SERVER_MAC);
	else if (kind == DHCP_NETWORK)
		(void)fprintf(f,
			      "stack %s\nmacaddr %s\ndnsstack 'stack=vdestack vnl=%s eth ip=10.9.0.4/24'\n",
			      lan, SERVER_MAC, lan);
	if (*text != '#' && strstr(text, "resolvconf") == NULL)
		(void)fprintf(f, "nameserver %s\nverbose\n", dhcp_names);
	CHECK(fprintf(f, "%s", text) > 0 || *text == '\0');
	CHECK_EQ(fclose(f), 0);
}

/* What it has said so far. */
__attribute__((unused)) static const char *dhcp_said(void)
{
	return server_host == NULL ? tool_output(&daemon4) : text_of(case_path("said"));
}

__attribute__((unused)) static void dhcp_start(enum dhcp_kind kind, const char *text)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int notify = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	char path[256], said[256], ready[64] = "";

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", case_path("notify"));
	(void)unlink(at.sun_path);
	MUST(bind(notify, (struct sockaddr *)&at, sizeof(at)));
	MUST(setenv("NOTIFY_SOCKET", at.sun_path, 1));
	dhcp_config(kind, text);
	(void)snprintf(path, sizeof(path), "%s", case_path("dhcp4.conf"));
	if (kind == DHCP_KERNEL) {
		(void)snprintf(said, sizeof(said), "exec \"$0\" -f \"$1\" >%s 2>&1", case_path("said"));
		char *argv[] = {
			(char[]){ "sh" }, (char[]){ "-c" }, said, (char[]){ DHCP4_FILE }, path, NULL
		};
		server_host = new_stack("vnl=%s mac=%s ip=10.9.0.1/24", lan, SERVER_MAC);
		close((int)MUST(vdestack_spawn(server_host, argv, NULL, &server_status)));
	} else {
		tool_start(&daemon4, WORDS(DHCP4_FILE, "-f", path));
	}
	if (!wait_readable(notify, SOON_MS) || recv(notify, ready, sizeof(ready) - 1, 0) <= 0 ||
	    strncmp(ready, "READY=1", 7) != 0)
		FAIL("namedhcp4 is not ready: %s", dhcp_said());
	close(notify);
	MUST(unsetenv("NOTIFY_SOCKET"));
}

/* A packet socket of a stack on the Ethernet. */
static int open_wire(struct vdestack *stack)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int fd = (int)MUST(vdestack_msocket(stack, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	at.sll_ifindex = vdestack_if_nametoindex(stack, "vde0");
	CHECK(at.sll_ifindex > 0);
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

/* The Ethernet, and all of it but namedhcp4. */
__attribute__((unused)) static void dhcp_network(enum dhcp_kind kind)
{
	char locator[256];

	(void)snprintf(lan, sizeof(lan), "local://lan");
	if (kind == DHCP_PICOX || kind == DHCP_NETWORK) {
		(void)snprintf(locator, sizeof(locator), "hub://%s", case_path("hub"));
		(void)snprintf(lan, sizeof(lan), "vde://%s", case_path("hub"));
		node_start(&hub, locator);
	}
	client = new_stack("vnl=%s mac=%s", lan, CLIENT_MAC);
	up = new_stack("vnl=%s ip=10.9.0.2/24", lan);
	MUST(vdestack_wait_ready(client, SOON_MS)); /* what is sent without a carrier is lost */
	wire = open_wire(client);
	name_server_start(&names, up, zone_answer);
}

/* It ends with status 0. */
__attribute__((unused)) static void dhcp_stop(void)
{
	MUST(kill(daemon4.pid, SIGTERM));
	int status = tool_wait(&daemon4, SOON_MS);
	if (status != 0)
		FAIL("namedhcp4 ended with 0x%x: %s", (unsigned)status, tool_output(&daemon4));
}

__attribute__((unused)) static void dhcp_end(void)
{
	if (server_host == NULL && !server_ended) {
		dhcp_stop();
	} else if (server_host != NULL) {
		MUST(vdestack_delete(server_host));
		close(server_status);
	}
	close(wire);
	name_server_stop(&names);
	MUST(vdestack_delete(client));
	MUST(vdestack_delete(up));
	if (hub.pid > 0)
		tool_end(&hub, SIGKILL);
}

/* ------------------------------------------------------------------ messages of a client */

struct dhcp_message {
	uint8_t bytes[1400];
	size_t n;
};

__attribute__((unused)) static void dhcp_option(struct dhcp_message *m, unsigned code, const void *bytes,
						size_t n)
{
	CHECK(m->n + 2 + n < sizeof(m->bytes) && n < 256);
	m->bytes[m->n++] = (uint8_t)code;
	m->bytes[m->n++] = (uint8_t)n;
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

__attribute__((unused)) static void dhcp_option32(struct dhcp_message *m, unsigned code, uint32_t value)
{
	uint8_t bytes[4];

	vs_be_put32(bytes, value);
	dhcp_option(m, code, bytes, 4);
}

/* Option 81 with text, or none: NULL. */
static void dhcp_fqdn(struct dhcp_message *m, const char *name)
{
	uint8_t bytes[258] = { 1, 0, 0 };

	if (name == NULL)
		return;
	memcpy(bytes + 3, name, strlen(name));
	dhcp_option(m, 81, bytes, 3 + strlen(name));
}

/* Each message has another xid. */
__attribute__((unused)) static struct dhcp_message dhcp_message(unsigned type, const char *name)
{
	static uint32_t xid;
	struct dhcp_message m = { .bytes = { 1, 1, 6 }, .n = 240 };
	const uint8_t type8 = (uint8_t)type;

	vs_be_put32(m.bytes + 4, ++xid);
	memcpy(m.bytes + 28, "\2\0\0\0\0\x68", 6);
	memcpy(m.bytes + 236, vs_dhcp4_magic, 4);
	dhcp_option(&m, 53, &type8, 1);
	dhcp_fqdn(&m, name);
	return m;
}

/* A REQUEST of a client that uses the address. */
__attribute__((unused)) static struct dhcp_message renewal(const char *name, uint32_t ciaddr)
{
	struct dhcp_message m = dhcp_message(3, name);

	vs_be_put32(m.bytes + 12, ciaddr);
	return m;
}

/*
 * A frame of the station that this packet socket is bound to. dst UINT32_MAX is broadcast, others go to the
 * server's MAC address.
 */
__attribute__((unused)) static void dhcp_send_by(int fd, uint32_t src, unsigned port, uint32_t dst,
						 const struct dhcp_message *m)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	socklen_t len = sizeof(to);
	struct dhcp_message whole = *m;
	uint8_t packet[1500];

	MUST(getsockname(fd, (struct sockaddr *)&to, &len));
	to.sll_halen = 6;
	memcpy(to.sll_addr, dst == UINT32_MAX ? "\xff\xff\xff\xff\xff\xff" : "\2\0\0\0\0\x67", 6);
	whole.bytes[whole.n++] = 255;
	const struct vs_udp4 udp = { .src = src,
				     .dst = dst,
				     .src_port = (uint16_t)port,
				     .dst_port = 67,
				     .payload = whole.bytes,
				     .n = whole.n };
	size_t n = vs_udp4_wrap(&udp, packet, sizeof(packet));
	CHECK(n > 0);
	CHECK_EQ(sendto(fd, packet, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

__attribute__((unused)) static void dhcp_send_from(uint32_t src, unsigned port, uint32_t dst,
						   const struct dhcp_message *m)
{
	dhcp_send_by(wire, src, port, dst, m);
}

__attribute__((unused)) static void dhcp_send(const struct dhcp_message *m)
{
	dhcp_send_from(0, 68, UINT32_MAX, m);
}

/* ------------------------------------------------------------------ answers */

struct dhcp_answer {
	struct vs_dhcp4_reply reply;
	uint32_t src, dst;
	unsigned dst_port;
	bool broadcast; /* the frame */
	size_t n;
	uint8_t bytes[1500];
};

/* The next message from port 67. False: none in that time. */
__attribute__((unused)) static bool dhcp_receive(struct dhcp_answer *a, int timeout_ms)
{
	long long until = now_us() + timeout_ms * 1000LL;
	uint8_t packet[2048];

	for (;;) {
		struct sockaddr_ll from = { 0 };
		socklen_t len = sizeof(from);
		struct vs_udp4 udp;
		long long left = until - now_us();
		if (left < 0 || !wait_readable(wire, (int)(left / 1000)))
			return false;
		ssize_t n = recvfrom(wire, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
		if (n < 0 || from.sll_pkttype == PACKET_OUTGOING || from.sll_pkttype == PACKET_OTHERHOST ||
		    vs_udp4_unwrap(packet, (size_t)n, false, &udp) != VS_UDP4_OK || udp.src_port != 67)
			continue;
		*a = (struct dhcp_answer){ .src = udp.src,
					   .dst = udp.dst,
					   .dst_port = udp.dst_port,
					   .broadcast = from.sll_pkttype == PACKET_BROADCAST,
					   .n = udp.n };
		memcpy(a->bytes, udp.payload, udp.n);
		CHECK(vs_dhcp4_parse(a->bytes, a->n, &a->reply));
		return true;
	}
}

/* The answer to this message. */
static struct dhcp_answer *dhcp_await(const struct dhcp_message *m)
{
	static struct dhcp_answer a;

	do {
		if (!dhcp_receive(&a, SOON_MS))
			FAIL("no answer; namedhcp4 said: %s", dhcp_said());
	} while (a.reply.xid != vs_be_get32(m->bytes + 4));
	return &a;
}

__attribute__((unused)) static struct dhcp_answer *dhcp_ask(const struct dhcp_message *m)
{
	dhcp_send(m);
	return dhcp_await(m);
}

__attribute__((unused)) static void ask_one(const char *name, uint32_t addr)
{
	struct dhcp_message m = dhcp_message(1, name);

	CHECK_EQ(dhcp_ask(&m)->reply.yiaddr, addr);
}

/* Where an option begins in an answer. 0: it is not there. */
__attribute__((unused)) static size_t dhcp_find(const struct dhcp_answer *a, unsigned code)
{
	for (size_t at = 240; at + 1 < a->n && a->bytes[at] != 255;
	     at += a->bytes[at] == 0 ? 1 : 2u + a->bytes[at + 1])
		if (a->bytes[at] == code)
			return at;
	return 0;
}

/* The interface of the server may get its carrier behind its start: what is sent before is lost. */
static void dhcp_reach(void)
{
	struct dhcp_message m = dhcp_message(1, "ready.test");
	struct dhcp_answer a = { .n = 0 };

	for (long long until = now_us() + SOON_MS * 1000LL; a.reply.xid != vs_be_get32(m.bytes + 4);) {
		if (now_us() > until)
			FAIL("namedhcp4 is not reached: %s", dhcp_said());
		dhcp_send(&m);
		(void)dhcp_receive(&a, 200);
	}
}

__attribute__((unused)) static void dhcp_begin(enum dhcp_kind kind, const char *text)
{
	dhcp_network(kind);
	dhcp_start(kind, text);
	dhcp_reach();
}

/*
 * The message gets no answer: that to one that was sent behind it comes first. The server answers in order,
 * if it needs no lookup for the second.
 */
static void dhcp_no_answer_from(uint32_t src, uint32_t dst, const struct dhcp_message *m)
{
	struct dhcp_message other = dhcp_message(1, "one.test");
	struct dhcp_answer a;

	(void)dhcp_ask(&other); /* its name is known now */
	dhcp_send_from(src, 68, dst, m);
	for (int i = 0; i < 2; i++) { /* the first may wait for a lookup of its own, which is as fast */
		other = dhcp_message(1, i == 0 ? "bare.test" : "one.test");
		dhcp_send(&other);
		do {
			if (!dhcp_receive(&a, SOON_MS))
				FAIL("no answer; namedhcp4 said: %s", dhcp_said());
			if (a.reply.xid == vs_be_get32(m->bytes + 4))
				FAIL("an answer of type %d; namedhcp4 said: %s", (int)a.reply.type,
				     dhcp_said());
		} while (a.reply.xid != vs_be_get32(other.bytes + 4));
	}
}

__attribute__((unused)) static void dhcp_no_answer(const struct dhcp_message *m)
{
	dhcp_no_answer_from(0, UINT32_MAX, m);
}

#endif
