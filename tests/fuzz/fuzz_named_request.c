/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes of a client go to iothnamed. Whatever they are, its answer is a message that has the identifier
 * of the request, repeats its question, and is no longer than the client takes. What is read and written
 * without ldns is the same as with it.
 *
 * Input: a byte, whose lowest bit is 1 for TCP, and the others the last byte of the client's address; then
 * the request.
 */

#include <fuzz.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemons/iothnamed/config.h"
#include "daemons/iothnamed/decide.h"
#include "daemons/iothnamed/plain.h"

static const char text[] = "net all ::/0\nnet some fc00::/121\ndns ::1\n"
			   "auth error some .bad\nauth static all .static\nauth hash all .hash fc09::\n"
			   "auth otip all .otip fc09:: pw\nauth hrev all ::/0\nauth cache all .\n"
			   "auth fwd some .\n"
			   "static A a.static 10.0.0.1\nstatic AAAA a.static fc00::1\n"
			   "static TXT b.static 'some text' \"other\"\nstatic CNAME c.static a.static\n"
			   "static MX static 1 a.static\nstatic PTR 10.0.0.1 a.static\n";

static struct nm_mind *mind(void)
{
	static struct nm_mind m;
	char path[64];

	if (m.config != NULL)
		return &m;
	int fd = memfd_create("config", MFD_CLOEXEC);
	CHECK(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	m.config = nm_config_read(path);
	close(fd);
	m.cache = nm_cache_new(100, 100000);
	m.hrev = nm_cache_new(100, 100000);
	CHECK(m.config != NULL && m.cache != NULL && m.hrev != NULL);
	return &m;
}

static void check_plain(const struct nm_answer *a, const struct nm_request *r, const uint8_t *by_ldns,
			size_t n)
{
	uint8_t plain[NM_UDP_MAX];
	size_t n_plain = nm_plain_write(a, r, plain, sizeof(plain));

	CHECK(n_plain == 0 || (n_plain == n && memcmp(plain, by_ldns, n) == 0));
}

static void check_answer(const struct nm_answer *a, const struct nm_request *r, bool tcp)
{
	uint8_t *bytes;
	size_t n;
	ldns_pkt *p = NULL;

	CHECK(nm_answer_write(a, r, tcp, &bytes, &n) == 0);
	CHECK(n >= NM_HEADER && n <= (tcp ? NM_TCP_MAX : (size_t)r->udp_size));
	CHECK(ldns_wire2pkt(&p, bytes, n) == LDNS_STATUS_OK);
	CHECK(ldns_pkt_id(p) == r->id && ldns_pkt_qr(p));
	if (r->has_question) {
		struct nm_name name;
		nm_name_take(&name, ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(p), 0)));
		CHECK(name.n == r->name.n && memcmp(name.wire, r->name.wire, name.n) == 0);
	}
	ldns_pkt_free(p);
	check_plain(a, r, bytes, n);
	free(bytes);
}

/* Bytes behind the end make no difference to ldns, and the form is not plain any more. */
static void check_reading(const struct nm_request *r, enum nm_heard heard, const uint8_t *data, size_t size)
{
	struct nm_request scratch, by_ldns;
	struct nm_opt opt;

	if (heard == NM_HEARD_NOTHING || heard == NM_HEARD_NOTIMP ||
	    !nm_plain_read(&scratch, &opt, data, size))
		return;
	uint8_t *longer = calloc(1, size + 1);
	CHECK(longer != NULL);
	memcpy(longer, data, size);
	CHECK(nm_request_read(&by_ldns, longer, size + 1) == heard);
	CHECK(memcmp(&by_ldns, r, sizeof(by_ldns)) == 0);
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct in6_addr client = { .s6_addr = { 0xfc } };
	struct nm_answer a = { .rcode = LDNS_RCODE_FORMERR };
	struct nm_request r;

	if (size < 1 || size > 65000)
		return 0;
	client.s6_addr[15] = data[0] >> 1;
	enum nm_heard heard = nm_request_read(&r, data + 1, size - 1);
	check_reading(&r, heard, data + 1, size - 1);
	if (heard == NM_HEARD_NOTHING)
		return 0;
	r.tcp = data[0] & 1;
	if (heard == NM_HEARD_QUESTION && nm_decide(mind(), 1000, &client, &r, &a) == NM_FORWARDED)
		return 0;
	check_answer(&a, &r, r.tcp);
	nm_answer_clear(&a);
	return 0;
}
