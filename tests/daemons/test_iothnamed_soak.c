/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * iothnamed under load, for as long as VDESTACK_TEST_SECONDS says, or two seconds: with names that expire
 * after a second, the memory is bounded, and no descriptor is left behind.
 *
 * WINDOW questions are on their way at any time: the answer to one lets the next one go. One that is lost is
 * replaced after a second.
 */

#include "named_ground.h"

#define WINDOW 64
#define FILLING 30000      /* questions after which all that is bounded is full */
#define GROWTH_KIB 2048    /* that malloc(3) may take later */
#define PER_CONNECTION 500 /* questions by UDP, for one by TCP */

static struct name_server server;
static unsigned long sent, answered, lost;

static bool answer_all(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, 1, 0x0a080001);
	return true;
}

/*
 * Three of four are hash names, of which the server keeps the reverse record; the others are those of another
 * server.
 */
static void send_next(int fd)
{
	static struct dns_message m;
	char name[64];
	bool hash = sent % 4 != 3;

	(void)snprintf(name, sizeof(name), hash ? "h%lx.hash.test" : "f%lx.example", sent);
	dns_begin(&m, (unsigned)sent & 0xffff, 0x0100, name, hash ? 28 : 1);
	(void)send(fd, m.bytes, m.n, MSG_NOSIGNAL);
	sent++;
}

/* An answer, or a second without one. */
static void take_next(int fd)
{
	uint8_t bytes[1500];

	if (!wait_readable(fd, 1000)) {
		lost += WINDOW;
		for (int i = 0; i < WINDOW; i++)
			send_next(fd);
		return;
	}
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	CHECK(n > 12 || (n < 0 && errno == EAGAIN));
	if (n < 0)
		return;
	CHECK_EQ(bytes[3] & 15, 0);
	answered++;
	if (answered % PER_CONNECTION == 0)
		CHECK_EQ(named_ask("by-tcp.hash.test", 28, true)->records, 1);
	send_next(fd);
}

static long memory_kib(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)named.pid);
	const char *line = strstr(text_of(path), "VmRSS:");
	CHECK(line != NULL);
	return atol(line + strlen("VmRSS:"));
}

static bool as_few_descriptors(void *arg)
{
	return count_fds_of(named.pid) <= *(int *)arg;
}

CASE_TIMED(memory_and_descriptors_are_bounded_under_load, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER,
	   600)
{
	const char *text = getenv("VDESTACK_TEST_SECONDS");
	long seconds = text != NULL ? atol(text) : 2;

	named_begin(NAMED_VDESTACK, NAMED_NETS "auth hash all .hash.test fc09::1\n" NAMED_FORWARDS
					       "option hashttl 1\noption cachesize 1000\n");
	name_server_start(&server, up, answer_all);
	int fds = count_fds_of(named.pid), fd = named_socket(SOCK_DGRAM);
	for (int i = 0; i < WINDOW; i++)
		send_next(fd);
	while (answered < FILLING)
		take_next(fd);
	long before = memory_kib(), most = before, end_us = now_us() + seconds * 1000000;
	while (now_us() < end_us) {
		for (int i = 0; i < 1000; i++)
			take_next(fd);
		long now = memory_kib();
		most = now > most ? now : most;
	}
	printf("%lu answers, %lu lost; %ld KiB, and at most %ld\n", answered, lost, before, most);
	CHECK(lost < answered / 10);
	if (most > before + GROWTH_KIB)
		FAIL("%ld KiB when all was full, and %ld later", before, most);
	close(fd);
	if (!wait_until(as_few_descriptors, &fds, 10 * SOON_MS))
		FAIL("%d descriptors, were %d", count_fds_of(named.pid), fds);
	name_server_stop(&server);
	named_end();
}
