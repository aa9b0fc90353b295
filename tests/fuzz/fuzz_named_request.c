/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes of a client go to iothnamed. Whatever they are, its answer is a message that has the identifier
 * of the request, repeats its question, and is no longer than the client takes.
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
	free(bytes);
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
	if (heard == NM_HEARD_NOTHING)
		return 0;
	if (heard == NM_HEARD_QUESTION && nm_decide(mind(), 1000, &client, &r, &a) == NM_FORWARDED)
		return 0;
	check_answer(&a, &r, data[0] & 1);
	nm_answer_clear(&a);
	return 0;
}
