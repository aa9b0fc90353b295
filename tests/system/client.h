/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CLIENT_H
#define VDESTACK_TESTS_CLIENT_H

/*
 * Helpers for address sources of the library as clients of real servers. The
 * server's stack is at port 0 of the relay. The client's is at port 1, or after
 * those that the case adds.
 *
 * Cases that last as long as a lease run as the ordinary user only: the short
 * ones show that both users can.
 */

#include <linux/if_addr.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "net.h"
#include "relay.h"
#include "servers.h"
#include "stacks.h"
#include <vdestack/events.h>
#include <vdestack/sources.h>

#define SERVER_PORT 0
#define CLIENT_PORT 1

static struct server server;
static struct server_plan plan; /* of the server; a copy that the case may change */

/* The relay, and a server at port 0 whose stack has this address. */
__attribute__((unused)) static void lay(enum server_kind kind, const struct server_plan *p,
					const char *address)
{
	plan = *p;
	relay_start();
	server = (struct server){ .kind = kind, .plan = &plan };
	server.stack = new_stack("%s ip=%s nodad", relay_plug(NULL), address);
	server_start(&server);
}

/* All that helps to see why. */
#define EXPLAIN(...)                                                                                         \
	do {                                                                                                 \
		relay_print();                                                                               \
		printf("the server's log:\n%s\n", server_log(&server));                                      \
		FAIL(__VA_ARGS__);                                                                           \
	} while (0)

/* A stack at the next port of the relay, with these words; the case fails if it
 * is not ready in time. */
__attribute__((unused, format(printf, 1, 2))) static struct vdestack *client(const char *fmt, ...)
{
	char words[1024], config[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	(void)snprintf(config, sizeof(config), "%s %s", relay_plug(NULL), words);
	struct vdestack *s = vdestack_new(config, case_opts());
	if (s == NULL)
		EXPLAIN("no stack \"%s\": %s", config, vdestack_last_error());
	return s;
}

/* The same without waiting for the sources. */
__attribute__((unused)) static struct vdestack *client_at_once(const char *words)
{
	struct vdestack_opts opts = *case_opts();
	char config[2048];

	opts.flags |= VDESTACK_NO_WAIT;
	(void)snprintf(config, sizeof(config), "%s %s", relay_plug(NULL), words);
	struct vdestack *s = vdestack_new(config, &opts);
	if (s == NULL)
		EXPLAIN("no stack \"%s\": %s", config, vdestack_last_error());
	return s;
}

/* ------------------------------------------------------------------ addresses
 * and routes */

/* Whether vde0 has an address that begins with this text and can be used. */
__attribute__((unused)) static bool has_address(struct vdestack *s, const char *begin)
{
	struct vdestack_addr list[16];
	int n = (int)MUST(vdestack_addr_list(s, "vde0", list, 16, sizeof(list[0])));

	for (int i = 0; i < n && i < 16; i++)
		if (strncmp(list[i].addr, begin, strlen(begin)) == 0 &&
		    (list[i].flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)) == 0)
			return true;
	return false;
}

/* The same for an address in any state. */
__attribute__((unused)) static bool has_any_address(struct vdestack *s, const char *begin)
{
	struct vdestack_addr list[16];
	int n = (int)MUST(vdestack_addr_list(s, "vde0", list, 16, sizeof(list[0])));

	for (int i = 0; i < n && i < 16; i++)
		if (strncmp(list[i].addr, begin, strlen(begin)) == 0)
			return true;
	return false;
}

struct wanted_address {
	struct vdestack *s;
	const char *begin;
	bool there;
};

__attribute__((unused)) static bool address_is_as_wanted(void *arg)
{
	struct wanted_address *w = arg;

	return has_address(w->s, w->begin) == w->there;
}

__attribute__((unused)) static void wait_address(struct vdestack *s, const char *begin, bool there,
						 int timeout_ms)
{
	struct wanted_address w = { s, begin, there };

	if (!wait_until(address_is_as_wanted, &w, timeout_ms))
		EXPLAIN("%s is %s", begin, there ? "not there" : "still there");
}

/* Whether there is a route to dst ("" and 0: the default route) by this
 * gateway. */
__attribute__((unused)) static bool has_route(struct vdestack *s, int family, const char *dst, unsigned len,
					      const char *gw)
{
	struct vdestack_route list[32];
	int n = (int)MUST(vdestack_route_list(s, "vde0", list, 32, sizeof(list[0])));

	for (int i = 0; i < n && i < 32; i++)
		if (list[i].family == family && list[i].prefix_len == len &&
		    (len == 0 || strcmp(list[i].dst, dst) == 0) &&
		    (gw == NULL || strcmp(list[i].gw, gw) == 0))
			return true;
	return false;
}

/* ------------------------------------------------------------------ what was
 * learned */

__attribute__((unused)) static bool has_learned(struct vdestack *s, enum vdestack_learned_type type,
						enum vdestack_source_kind source, const char *value)
{
	struct vdestack_learned_item list[64];
	int n = (int)MUST(vdestack_learned(s, "vde0", list, 64));

	for (int i = 0; i < n && i < 64; i++)
		if (list[i].type == type && list[i].source == source &&
		    strcmp(type == VDESTACK_LEARNED_SEARCH ? list[i].text : list[i].addr, value) == 0)
			return true;
	return false;
}

__attribute__((unused)) static bool has_learned_mtu(struct vdestack *s, enum vdestack_source_kind source,
						    unsigned mtu)
{
	struct vdestack_learned_item list[64];
	int n = (int)MUST(vdestack_learned(s, "vde0", list, 64));

	for (int i = 0; i < n && i < 64; i++)
		if (list[i].type == VDESTACK_LEARNED_MTU && list[i].source == source && list[i].mtu == mtu)
			return true;
	return false;
}

/* Waits until the stack sees the carrier of vde0 go or come. */
__attribute__((unused)) static void wait_carrier(struct vdestack *s, bool on)
{
	long long until = now_us() + SOON_MS * 1000LL;

	while (((MUST(vdestack_link_get_flags(s, "vde0")) & IFF_RUNNING) != 0) != on && now_us() < until)
		sleep_ms(5);
	CHECK_EQ((MUST(vdestack_link_get_flags(s, "vde0")) & IFF_RUNNING) != 0, on);
}

__attribute__((unused)) static struct vdestack_source source_of(struct vdestack *s,
								enum vdestack_source_kind kind)
{
	struct vdestack_source list[8];
	int n = (int)MUST(vdestack_sources(s, "vde0", list, 8));

	for (int i = 0; i < n && i < 8; i++)
		if (list[i].source == kind)
			return list[i];
	EXPLAIN("source %d does not run", (int)kind);
}

/* Reads events up to one of this type. Each before it must not be of type
 * `never` (0: any may). */
__attribute__((unused)) static struct vdestack_event wait_event(int fd, unsigned type, unsigned never,
								int timeout_ms)
{
	struct vdestack_event e;
	long long until = now_us() + timeout_ms * 1000LL;

	for (;;) {
		long long left = (until - now_us()) / 1000;
		if (left <= 0 || vdestack_event_read(fd, &e, (int)left) != 1)
			EXPLAIN("event %u has not come", type);
		printf("event %u, error %d, %s %s\n", e.type, e.error, e.ifname, e.addr);
		if (e.type == type)
			return e;
		if (never != 0 && e.type == never)
			EXPLAIN("event %u has come", never);
	}
}

/* No event of this type has happened so far. */
__attribute__((unused)) static void check_no_event(int fd, unsigned type)
{
	struct vdestack_event e;

	while (vdestack_event_read(fd, &e, 0) == 1)
		if (e.type == type)
			EXPLAIN("event %u has come: %s", type, e.addr);
}

/* The relay has seen n messages, or the case fails. */
__attribute__((unused)) static void expect(int message, int port, int n, int timeout_ms)
{
	if (!relay_wait(message, port, n, timeout_ms))
		EXPLAIN("message 0x%x from port %d has come %d times instead of %d", (unsigned)message, port,
			relay_count(message, port), n);
}

/*
 * What tcpdump says of all frames of a capture (relay_capture()). The case
 * fails if it calls one malformed: its words for that are in the list.
 */
__attribute__((unused)) static const char *decoded(const char *capture)
{
	static const char *const complaints[] = {
		"bad ", "[|", "invalid", "incorrect", "truncated", "ERROR"
	};
	static char text[262144];
	char command[512];

	if (system("command -v tcpdump >/dev/null") != 0)
		SKIP("there is no tcpdump");
	/* It would become another user, who may not read the capture. */
	(void)snprintf(command, sizeof(command), "tcpdump -nn -e -vvv %s -r %s 2>&1",
		       case_is_root() ? "-Z root" : "", capture);
	FILE *f = popen(command, "re");
	CHECK(f != NULL);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	CHECK_EQ(pclose(f), 0);
	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (strstr(text, complaints[i]) != NULL)
			FAIL("tcpdump says \"%s\":\n%s", complaints[i], text);
	return text;
}

/* The directory of leases of clients. */
__attribute__((unused)) static const char *lease_dir(void)
{
	static char dir[256];

	(void)snprintf(dir, sizeof(dir), "%s", case_path("client-leases"));
	(void)mkdir(dir, 0700);
	return dir;
}

__attribute__((unused)) static bool is_full(void)
{
	const char *full = getenv("VDESTACK_TESTS_FULL");

	return full != NULL && strcmp(full, "1") == 0;
}

#endif
